//! Reads documents into the model: one walk that notes what there is, and then what belongs together.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::cluster::is_cluster;
use super::discovery;
use super::document_kind::{DocumentKind, kind};
use super::json_view::{Part, Source};
use super::model::{Chain, Filter, HttpConnectionManager, Model, NetworkFilter, Resource, cluster_names};
use super::plugin::Plugin;

/// Where the types of filters that send to clusters themselves begin; what is under the second is not part of a chain.
const NETWORK_FILTERS: [&str; 2] = ["envoy.extensions.filters.network.", "envoy.extensions.filters.udp.udp_proxy."];
const CONNECTION_MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// What surrounds a part of a listener.
#[derive(Clone, Default)]
struct Around<'a> {
    listener: Option<Part<'a>>,
    filter_chain: Option<Part<'a>>,
}

#[derive(Default)]
struct Walk<'a> {
    managers: Vec<(Part<'a>, Around<'a>)>,
    route_configurations: Vec<Part<'a>>,
    /// The `typed_config` of each plugin.
    plugins: Vec<(Part<'a>, Rc<Plugin<'a>>)>,
    /// Objects with a name and a `typed_config`: filters, and extensions that are discovered.
    extensions: Vec<Part<'a>>,
    /// Objects that refer to a route configuration by name from a scope.
    scopes: Vec<Part<'a>>,
    network_filters: Vec<NetworkFilter<'a>>,
    listeners: Vec<Part<'a>>,
    admins: Vec<Part<'a>>,
    clusters: Vec<Part<'a>>,
    load_assignments: Vec<Part<'a>>,
    wasm: Vec<Part<'a>>,
    secrets: Vec<Part<'a>>,
}

impl<'a> Model<'a> {
    /// Reads all documents together.
    pub fn read(documents: &[Source<'a>]) -> Self {
        let mut walk = Walk::default();
        let mut resources = Vec::new();
        for source in documents {
            let root = Part::root(*source);
            match kind(&source.document.value) {
                DocumentKind::Envoy => walk.visit(&root, &Around::default()),
                DocumentKind::Resource => resources.extend(resource(root)),
                DocumentKind::Plugin | DocumentKind::Other(_) => {}
            }
        }
        let managers: Vec<HttpConnectionManager<'a>> =
            walk.managers.iter().map(|(part, around)| walk.manager(part, around)).collect();
        let in_chain = |plugin: &Rc<Plugin<'a>>| {
            let filters = managers.iter().flat_map(|manager| &manager.chains).flat_map(|chain| &chain.filters);
            let is_it = |filter: &Filter<'a>| filter.plugin.as_ref().is_some_and(|other| Rc::ptr_eq(plugin, other));
            filters.into_iter().any(|filter| is_it(filter) || filter.part.holds(&plugin.part))
        };
        let alone = walk.plugins.iter().map(|(_, plugin)| plugin).filter(|plugin| !in_chain(plugin)).cloned().collect();
        let mut plugins: Vec<Rc<Plugin<'a>>> = walk.plugins.iter().map(|(_, plugin)| Rc::clone(plugin)).collect();
        plugins.extend(resources.iter().flat_map(|resource| &resource.plugins).map(|(_, plugin)| Rc::clone(plugin)));
        let Walk { network_filters, listeners, admins, mut clusters, load_assignments, wasm, secrets, .. } = walk;
        clusters.extend(resources.iter().flat_map(|resource: &Resource<'a>| resource.spec.find(&is_cluster)));
        let mut model = Self {
            plugins,
            managers,
            alone,
            network_filters,
            listeners,
            admins,
            clusters,
            load_assignments,
            wasm,
            secrets,
            resources,
            unconcerned: Vec::new(),
        };
        let envoy = documents.iter().filter(|source| kind(&source.document.value) == DocumentKind::Envoy);
        model.unconcerned = envoy.filter(|source| !model.concerns(source)).copied().collect();
        model
    }

    /// Whether a document has the plugin, or routes or clusters of a connection manager that has it.
    fn concerns(&self, source: &Source<'_>) -> bool {
        let here = |part: &Part<'_>| part.source.index == source.index;
        let managers = self.managers.iter().filter(|manager| manager.has_plugin());
        let names: BTreeSet<&str> = managers.clone().flat_map(HttpConnectionManager::clusters).collect();
        let is_used = |cluster: &&Part<'_>| cluster.text_of("name").is_some_and(|name| names.contains(name));
        self.plugins.iter().any(|plugin| here(&plugin.part))
            || managers.flat_map(|manager| manager.routes.iter().chain([&manager.part])).any(here)
            || self.clusters.iter().filter(is_used).any(here)
            || discovery::unseen(self).any(|(_, filter)| here(&filter.part))
    }
}

impl<'a> Walk<'a> {
    fn visit(&mut self, part: &Part<'a>, around: &Around<'a>) {
        let is_list = |name| part.member(name).is_some_and(|member| member.value.is_array());
        if is_list("http_filters") {
            self.managers.push((part.clone(), around.clone()));
        }
        if is_list("virtual_hosts") {
            self.route_configurations.push(part.clone());
        }
        if let Some(plugin) = Plugin::of_filter(part) {
            self.plugins.push((part.clone(), Rc::new(plugin)));
        }
        if is_network_filter(part) {
            let Around { listener, filter_chain } = around.clone();
            self.network_filters.push(NetworkFilter { part: part.clone(), listener, filter_chain });
        }
        if part.path(["admin", "address"]).is_some() {
            self.admins.extend(part.member("admin"));
        }
        if part.text_of("cluster_name").is_some() && is_list("endpoints") {
            self.load_assignments.push(part.clone());
        }
        if part.text_of("route_configuration_name").is_some() {
            self.scopes.push(part.clone());
        }
        if part.member("vm_config").is_some() {
            self.wasm.push(part.clone());
        }
        if part.text_of("name").is_some() {
            if is_cluster(part) {
                self.clusters.push(part.clone());
            }
            if part.member("typed_config").is_some() {
                self.extensions.push(part.clone());
            }
            if part.member("validation_context").is_some() {
                self.secrets.push(part.clone());
            }
        }
        let mut around = around.clone();
        if is_list("filter_chains") {
            around.listener = Some(part.clone());
            self.listeners.push(part.clone());
        }
        let chains = ["filter_chains", "default_filter_chain"].map(|name| part.member(name));
        let is_chain = |child: &Part<'a>| {
            chains.iter().flatten().any(|chains| chains.holds(child)) && child.member("filters").is_some()
        };
        for child in part.children() {
            for child in if child.value.is_array() { child.items() } else { vec![child] } {
                let mut within = around.clone();
                if is_chain(&child) {
                    within.filter_chain = Some(child.clone());
                }
                self.visit(&child, &within);
            }
        }
    }

    fn manager(&self, part: &Part<'a>, around: &Around<'a>) -> HttpConnectionManager<'a> {
        let own = Chain { upgrade: None, filters: self.filters(&part.list("http_filters")) };
        let upgrades = part.list("upgrade_configs").into_iter().filter_map(|upgrade| {
            let filters = self.filters(&upgrade.list("filters"));
            (!filters.is_empty()).then_some(Chain { upgrade: Some(upgrade), filters })
        });
        let chains: Vec<Chain<'a>> = [own].into_iter().chain(upgrades).collect();
        let (routes, routes_elsewhere) = self.routes(part);
        let behind_router = self.behind_router(&chains, &routes);
        HttpConnectionManager {
            part: part.clone(),
            listener: around.listener.clone(),
            filter_chain: around.filter_chain.clone(),
            chains,
            behind_router,
            routes,
            routes_elsewhere,
        }
    }

    /// The route configurations of a manager, and where it refers to some that are not here.
    fn routes(&self, manager: &Part<'a>) -> (Vec<Part<'a>>, Option<Part<'a>>) {
        let mut routes: Vec<Part<'a>> =
            self.route_configurations.iter().filter(|routes| manager.holds(routes)).cloned().collect();
        let mut elsewhere = None;
        let outside = |routes: &&Part<'a>| !self.managers.iter().any(|(manager, _)| manager.holds(routes));
        for reference in self.references(manager) {
            let name =
                ["route_config_name", "route_configuration_name"].into_iter().find_map(|own| reference.text_of(own));
            let named = |routes: &&Part<'a>| name.is_some() && routes.text_of("name") == name;
            let found: Vec<_> = self.route_configurations.iter().filter(outside).filter(named).cloned().collect();
            if found.is_empty() {
                elsewhere = Some(reference);
            }
            routes.extend(found);
        }
        let virtual_hosts = routes.iter().find_map(|routes| routes.member("vhds"));
        (routes, elsewhere.or(virtual_hosts))
    }

    /// Where a manager refers to route configurations by name: itself, or through scopes, which may be elsewhere too.
    fn references(&self, manager: &Part<'a>) -> Vec<Part<'a>> {
        let within = |scope: &&Part<'a>| manager.holds(scope);
        let mut references: Vec<Part<'a>> = manager.member("rds").into_iter().collect();
        match manager.path(["scoped_routes", "scoped_rds"]) {
            Some(scoped) if self.scopes.is_empty() => references.push(scoped),
            Some(_) => references.extend(self.scopes.iter().cloned()),
            None => references.extend(self.scopes.iter().filter(within).cloned()),
        }
        references
    }

    /// The filters that the router runs for every upstream, and those that the clusters of the routes have, for HTTP and for
    /// connections.
    fn behind_router(&self, chains: &[Chain<'a>], routes: &[Part<'a>]) -> Vec<Filter<'a>> {
        let routers = chains.iter().flat_map(|chain| &chain.filters).filter(|filter| filter.is_router());
        let routers = routers.filter_map(|filter| filter.message.as_ref());
        let mut lists: Vec<Vec<Part<'a>>> = routers.map(|(_, router)| router.list("upstream_http_filters")).collect();
        let names: BTreeSet<&str> = routes.iter().flat_map(cluster_names).collect();
        let used =
            self.clusters.iter().filter(|cluster| cluster.text_of("name").is_some_and(|name| names.contains(name)));
        for cluster in used {
            let options = cluster.member("typed_extension_protocol_options");
            let options = options.into_iter().flat_map(|options| options.children());
            lists.extend(options.map(|options| options.list("http_filters")));
            lists.push(cluster.list("filters"));
        }
        lists.iter().flat_map(|list| self.filters(list)).collect()
    }

    fn filters(&self, list: &[Part<'a>]) -> Vec<Filter<'a>> {
        list.iter()
            .map(|part| {
                let name = part.text_of("name").unwrap_or_default();
                let discovered = || {
                    part.member("config_discovery")?;
                    let outside = |extension: &&Part<'a>| !list.iter().any(|filter| filter.holds(extension));
                    let named = |extension: &&Part<'a>| extension.text_of("name") == Some(name);
                    self.extensions.iter().filter(outside).find(named)?.member("typed_config")
                };
                let typed_config = part.member("typed_config").or_else(discovered);
                let within = |(place, _): &&(Part<'a>, _)| typed_config.as_ref().is_some_and(|own| own.holds(place));
                let plugin = self.plugins.iter().find(within).map(|(_, plugin)| Rc::clone(plugin));
                let mut message = typed_config.as_ref().and_then(|own| own.message());
                let until_discovered = part.path(["config_discovery", "default_config"]);
                let undiscovered = part.member("config_discovery").filter(|_| typed_config.is_none());
                let default = until_discovered.as_ref().filter(|_| undiscovered.is_some());
                let is_default = |(place, _): &&(Part<'a>, _)| default.is_some_and(|default| default.holds(place));
                let default_plugin = self.plugins.iter().find(is_default).map(|(_, plugin)| Rc::clone(plugin));
                if default_plugin.is_some() {
                    message = default.and_then(Part::message);
                }
                let plugin = plugin.or(default_plugin);
                Filter { part: part.clone(), name, message, until_discovered, undiscovered, plugin }
            })
            .collect()
    }
}

/// Whether a part is a network filter, other than a connection manager, that sends to a cluster.
fn is_network_filter(part: &Part<'_>) -> bool {
    let is_one = |kind: &str| kind != CONNECTION_MANAGER && NETWORK_FILTERS.iter().any(|own| kind.starts_with(own));
    part.message().is_some_and(|(kind, message)| is_one(kind) && !cluster_names(&message).is_empty())
}

fn resource(part: Part<'_>) -> Option<Resource<'_>> {
    let kind = part.text_of("kind")?;
    let spec = part.member("spec")?;
    let of_metadata = |name| part.path(["metadata", name]).and_then(|text| text.text());
    let plugins = match kind {
        "WasmPlugin" => Plugin::of_resource(&spec, "pluginConfig", spec.text_of("url")).map(|plugin| (0, plugin)),
        "TrafficExtension" => spec
            .member("wasm")
            .and_then(|wasm| Plugin::of_resource(&wasm, "pluginConfig", wasm.text_of("url")))
            .map(|plugin| (0, plugin)),
        _ => None,
    };
    let several = spec.list("wasm").into_iter().enumerate().filter_map(|(index, wasm)| {
        let source = ["image", "http"].into_iter().find_map(|kind| wasm.path(["code", kind, "url"]));
        Some((index, Plugin::of_resource(&wasm, "config", source.and_then(|url| url.text()))?))
    });
    let plugins = plugins.into_iter().chain(several).map(|(index, plugin)| (index, Rc::new(plugin))).collect();
    let namespace = of_metadata("namespace").unwrap_or("default");
    let name = of_metadata("name").unwrap_or_default();
    Some(Resource { kind, namespace, name, spec, plugins })
}
