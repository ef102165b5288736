//! What the documents hold of ours, read once: connection managers with their chains and routes, and Kubernetes
//! resources.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::json_view::{Part, Source};
use super::plugin::Plugin;

/// The type of the filter that sends requests on.
pub const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";

/// All that was given, together: a listener may stand in one file and its routes in another.
#[derive(Debug, Default)]
pub struct Model<'a> {
    /// Every plugin.
    pub(crate) plugins: Vec<Rc<Plugin<'a>>>,
    /// Connection managers, those without the plugin too.
    pub(crate) managers: Vec<HttpConnectionManager<'a>>,
    /// Plugins that are in no chain here.
    pub(crate) alone: Vec<Rc<Plugin<'a>>>,
    /// Network filters other than connection managers that send to clusters, `tcp_proxy` for one.
    pub(crate) network_filters: Vec<NetworkFilter<'a>>,
    /// Listeners.
    pub(crate) listeners: Vec<Part<'a>>,
    /// The administration interfaces (`admin`).
    pub(crate) admins: Vec<Part<'a>>,
    /// Clusters, those that resources add too.
    pub(crate) clusters: Vec<Part<'a>>,
    /// Messages that list the endpoints of a cluster by its name, inside a cluster or discovered.
    pub(crate) load_assignments: Vec<Part<'a>>,
    /// The configurations of all wasm modules, whatever they extend.
    pub(crate) wasm: Vec<Part<'a>>,
    /// What TLS contexts refer to by name.
    pub(crate) secrets: Vec<Part<'a>>,
    /// Kubernetes resources of the kinds that are read.
    pub(crate) resources: Vec<Resource<'a>>,
    /// Documents that the plugin does not concern.
    pub(crate) unconcerned: Vec<Source<'a>>,
}

/// Envoy's filter for HTTP, with what belongs to it.
#[derive(Debug)]
pub struct HttpConnectionManager<'a> {
    /// The message.
    pub part: Part<'a>,
    /// The listener around it, if it is here.
    pub listener: Option<Part<'a>>,
    /// The filter chain around it, if it is here.
    pub filter_chain: Option<Part<'a>>,
    /// The list of filters, and those of upgrades that have their own.
    pub chains: Vec<Chain<'a>>,
    /// The filters that run after the router, before the upstream.
    pub behind_router: Vec<Filter<'a>>,
    /// Its route configurations.
    pub routes: Vec<Part<'a>>,
    /// Where it refers to routes that are not here.
    pub routes_elsewhere: Option<Part<'a>>,
}

/// A network filter that sends to clusters, and is not a connection manager.
#[derive(Debug)]
pub struct NetworkFilter<'a> {
    /// The message.
    pub part: Part<'a>,
    /// The listener around it, if it is here.
    pub listener: Option<Part<'a>>,
    /// The filter chain around it, if it is here.
    pub filter_chain: Option<Part<'a>>,
}

/// A list of HTTP filters.
#[derive(Debug)]
pub struct Chain<'a> {
    /// The element of `upgrade_configs` that it belongs to.
    pub upgrade: Option<Part<'a>>,
    /// In their order.
    pub filters: Vec<Filter<'a>>,
}

/// An HTTP filter.
#[derive(Debug)]
pub struct Filter<'a> {
    /// The element of the list.
    pub part: Part<'a>,
    /// Its name, by which routes refer to it.
    pub name: &'a str,
    /// The type of its configuration, and the message; `None` where that is not here.
    pub message: Option<(&'a str, Part<'a>)>,
    /// What runs in its place until its own configuration is discovered.
    pub until_discovered: Option<Part<'a>>,
    /// The element's `config_discovery` where the configuration that is discovered is not here.
    pub undiscovered: Option<Part<'a>>,
    /// The plugin, if it is ours; where its configuration is not here, that which runs until then.
    pub plugin: Option<Rc<Plugin<'a>>>,
}

/// A Kubernetes resource.
#[derive(Debug)]
pub struct Resource<'a> {
    /// Its `kind`.
    pub kind: &'a str,
    /// Its namespace, or `default`.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its `spec`.
    pub spec: Part<'a>,
    /// The plugins in it, with their index where there can be several.
    pub plugins: Vec<(usize, Rc<Plugin<'a>>)>,
}

impl<'a> Model<'a> {
    /// The plugins of Envoy configurations: those of chains, and those in none.
    pub(crate) fn envoy_plugins(&self) -> impl Iterator<Item = &Plugin<'_>> {
        let in_chains = self.managers.iter().flat_map(HttpConnectionManager::plugins);
        self.alone.iter().map(Rc::as_ref).chain(in_chains)
    }

    /// The clusters of this name.
    pub(crate) fn clusters_named(&self, name: &str) -> impl Iterator<Item = &Part<'a>> {
        self.clusters.iter().filter(move |cluster| cluster.text_of("name") == Some(name))
    }

    /// The resources of this kind.
    pub(crate) fn resources_of(&self, kind: &str) -> impl Iterator<Item = &Resource<'a>> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }
}

impl<'a> HttpConnectionManager<'a> {
    /// The names of the clusters that its routes send to.
    pub fn clusters(&self) -> BTreeSet<&'a str> {
        self.routes.iter().flat_map(cluster_names).collect()
    }

    /// Whether any of its chains has the plugin.
    pub fn has_plugin(&self) -> bool {
        self.chains.iter().any(Chain::has_plugin)
    }

    /// Its plugins.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin<'_>> {
        self.chains.iter().flat_map(|chain| &chain.filters).filter_map(|filter| filter.plugin.as_deref())
    }
}

/// The clusters that are named in a part, alone or with weights.
pub fn cluster_names<'a>(part: &Part<'a>) -> BTreeSet<&'a str> {
    let weighted = part.find(&|part| part.member("weighted_clusters").is_some());
    let weighted = weighted.into_iter().filter_map(|part| part.path(["weighted_clusters", "clusters"]));
    let weighted = weighted.flat_map(|clusters| clusters.items()).filter_map(|cluster| cluster.text_of("name"));
    let alone = part.find(&|part| part.text_of("cluster").is_some()).into_iter();
    alone.filter_map(|part| part.text_of("cluster")).chain(weighted).collect()
}

impl<'a> Chain<'a> {
    /// Whether the plugin is in it.
    pub fn has_plugin(&self) -> bool {
        self.filters.iter().any(|filter| filter.plugin.is_some())
    }

    /// The filters with the plugin, each with those between it and the router.
    pub fn plugins(&self) -> impl Iterator<Item = (&Filter<'a>, &Rc<Plugin<'a>>, Vec<&Filter<'a>>)> {
        self.filters.iter().enumerate().filter_map(|(index, filter)| {
            let after = self.filters.iter().skip(index.saturating_add(1));
            Some((filter, filter.plugin.as_ref()?, after.take_while(|filter| !filter.is_router()).collect()))
        })
    }
}

impl<'a> Filter<'a> {
    /// A filter that has its configuration in itself, as a Kubernetes resource adds it.
    pub fn added(part: Part<'a>) -> Self {
        let typed_config = part.member("typed_config");
        let plugin = typed_config.as_ref().and_then(Plugin::of_filter).map(Rc::new);
        let name = part.text_of("name").unwrap_or_default();
        let message = typed_config.and_then(|own| own.message());
        Self { part, name, message, until_discovered: None, undiscovered: None, plugin }
    }

    /// Whether it sends the request on.
    pub fn is_router(&self) -> bool {
        self.is(ROUTER)
    }

    /// Whether its configuration is of this type.
    pub fn is(&self, kind: &str) -> bool {
        self.message.as_ref().is_some_and(|(found, _)| *found == kind)
    }

    /// Whether it is off where no route switches it on.
    pub fn is_disabled(&self) -> bool {
        self.part.flag("disabled")
    }
}
