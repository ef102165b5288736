//! Where requests that are sent to a cluster end up. Two clusters of different names can lead to one place.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{self, Address};
use super::json_view::Part;
use super::model::{HttpConnectionManager, Model, cluster_names};

/// A place where requests end up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination<'a> {
    /// A cluster, whatever it consists of.
    Cluster(&'a str),
    /// An endpoint, or a name that is looked up in DNS.
    Address(Address),
    /// The endpoints that are discovered under this name.
    Service(&'a str),
}

impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "cluster `{name}`"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Service(name) => write!(f, "the endpoints of `{name}`"),
        }
    }
}

/// All places where requests to these clusters end up, each with the cluster that leads there last. Clusters of
/// clusters and internal listeners are followed, but for listeners that have the plugin themselves.
pub fn of<'a>(model: &Model<'a>, clusters: impl IntoIterator<Item = &'a str>) -> BTreeMap<Destination<'a>, &'a str> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&'a str> = clusters.into_iter().collect();
    while let Some(name) = open.pop() {
        if !seen.insert(name) {
            continue;
        }
        found.entry(Destination::Cluster(name)).or_insert(name);
        for cluster in model.clusters_named(name) {
            let service = service(cluster);
            let addresses = cluster::addresses(cluster).into_iter();
            let addresses = addresses.chain(service.into_iter().flat_map(|service| discovered(model, service)));
            let addresses = addresses.map(|address| Destination::Address(address.canonical()));
            for destination in addresses.chain(service.map(Destination::Service)) {
                found.entry(destination).or_insert(name);
            }
            open.extend(members(cluster));
            open.extend(internal_listeners(cluster).into_iter().flat_map(|listener| behind(model, listener)));
        }
    }
    found
}

/// Whether a cluster takes the place that it sends to from the request.
pub fn is_chosen_by_request(cluster: &Part<'_>) -> bool {
    let by_header = cluster.path(["original_dst_lb_config", "use_http_header"]);
    by_header.is_some_and(|header| header.is_true())
        || cluster.path(["cluster_type", "name"]).and_then(|name| name.text())
            == Some("envoy.clusters.dynamic_forward_proxy")
}

/// The name under which the endpoints of a cluster are discovered.
fn service<'a>(cluster: &Part<'a>) -> Option<&'a str> {
    let is_discovered = cluster.is_value("type", "EDS", 3) || cluster.member("eds_cluster_config").is_some();
    let own = cluster.path(["eds_cluster_config", "service_name"]).and_then(|name| name.text());
    own.filter(|name| !name.is_empty()).or_else(|| cluster.text_of("name")).filter(|_| is_discovered)
}

/// The addresses that were discovered under a name, as far as they are here.
fn discovered(model: &Model<'_>, service: &str) -> Vec<Address> {
    let assignments = model.load_assignments.iter().filter(|own| own.text_of("cluster_name") == Some(service));
    let endpoints = assignments.flat_map(cluster::endpoints_of);
    endpoints.filter_map(|endpoint| Address::of(&endpoint.member("address")?)).collect()
}

/// The clusters that a cluster is made of (`aggregate`, `composite`).
fn members<'a>(cluster: &Part<'a>) -> Vec<&'a str> {
    let clusters = cluster.path(["cluster_type", "typed_config"]).map(|config| config.list("clusters"));
    clusters.into_iter().flatten().filter_map(|member| member.text().or_else(|| member.text_of("name"))).collect()
}

/// The listeners of the same Envoy that a cluster leads to.
fn internal_listeners<'a>(cluster: &Part<'a>) -> Vec<&'a str> {
    let addresses = cluster.find(&|part| part.text_of("server_listener_name").is_some());
    addresses.iter().filter_map(|address| address.text_of("server_listener_name")).collect()
}

/// The clusters that an internal listener sends to without the plugin.
fn behind<'a>(model: &Model<'a>, name: &str) -> Vec<&'a str> {
    let listeners = model.listeners.iter().filter(|listener| listener.text_of("name") == Some(name));
    listeners
        .flat_map(|listener| {
            let http = model.managers.iter().filter(|manager| listener.holds(&manager.part) && !manager.has_plugin());
            let others = model.network_filters.iter().filter(|filter| listener.holds(&filter.part));
            let others = others.flat_map(|filter| cluster_names(&filter.part));
            http.flat_map(HttpConnectionManager::clusters).chain(others).collect::<Vec<_>>()
        })
        .collect()
}
