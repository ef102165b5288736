//! Upstreams: who chooses them, and who else sends requests to them.

use std::collections::{BTreeMap, BTreeSet};

use super::codes::Code;
use super::destinations::{self, Destination};
use super::discovery;
use super::findings::Findings;
use super::json_view::Part;
use super::mirrors::MIRRORS;
use super::model::{HttpConnectionManager, Model, cluster_names};

/// Members of routes that take the cluster from the request or from a program.
const PICK_CLUSTER: [&str; 3] = ["cluster_header", "cluster_specifier_plugin", "inline_cluster_specifier_plugin"];

/// Members of routes that take the host that the upstream sees from the request.
const PICK_HOST: [&str; 2] = ["host_rewrite_header", "host_rewrite_path_regex"];

/// Network filters that take the cluster, or the address, of a connection from the name in the client's TLS handshake.
const BY_SERVER_NAME: [&str; 2] = [
    "envoy.extensions.filters.network.sni_cluster.v3.SniCluster",
    "envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig",
];

/// Members of routes in which nothing is about the request that the upstream gets: an answer of Envoy's, and copies.
pub const NOT_FORWARDED: [&str; 2] = ["redirect", MIRRORS];

/// Members of routes that are a format, in which parts of the request can stand.
const FORMATS: [&str; 2] = ["host_rewrite", "path_rewrite"];

/// Checks all connection managers that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        let clusters = manager.clusters();
        for cluster in &model.clusters {
            let header = cluster.path(["original_dst_lb_config", "use_http_header"]);
            let is_used = cluster.text_of("name").is_some_and(|name| clusters.contains(name));
            if let Some(header) = header.filter(|header| is_used && header.is_true()) {
                let what = "a header of the request, `x-envoy-original-dst-host` or the one that is named here, gives the address of the upstream";
                findings.add(
                    Code::RequestPicksTarget,
                    &header,
                    what,
                    "remove it; the address is then that of the connection",
                );
            }
        }
        reached_otherwise(model, manager, findings);
    }
}

/// Checks a route configuration, or a part of one.
pub fn chosen_by_routes(routes: &Part<'_>, findings: &mut Findings) {
    for action in routes.find_outside(&NOT_FORWARDED, &|part| !choices(part).is_empty()) {
        for chosen in choices(&action) {
            let what = "this takes the target from the request";
            let help = "name the target: `cluster`, `host_rewrite_literal`, or one route for each host";
            findings.add(Code::RequestPicksTarget, &chosen, what, help);
        }
    }
}

fn choices<'a>(action: &Part<'a>) -> Vec<Part<'a>> {
    let named = PICK_CLUSTER.iter().chain(&PICK_HOST).filter_map(|name| action.member(name));
    let formats = FORMATS.iter().filter_map(|name| action.member(name));
    named.chain(formats.filter(|format| format.text().is_some_and(reads_header))).collect()
}

/// Checks the ends of tunnels in a route configuration, or in a part of one: Envoy takes requests for bytes there.
pub fn tunnels(routes: &Part<'_>, findings: &mut Findings) {
    for upgrade in routes.find(&|part| part.member("connect_config").is_some()) {
        if let Some(connect) = upgrade.member("connect_config") {
            let what = "a tunnel ends here, and Envoy sends its content to the upstream unchanged";
            findings.add(Code::TunnelUnjudged, &connect, what, "remove it");
        }
    }
}

/// Whether a format holds a header field other than the path, which was judged.
pub fn reads_header(format: &str) -> bool {
    format.split("%REQ(").skip(1).any(|rest| !rest.to_ascii_lowercase().starts_with(":path)"))
}

/// Other connection managers without the plugin, and network filters that send to clusters. Those of the same listener
/// are looked at with its chains, and internal listeners with the clusters that lead there.
fn reached_otherwise(model: &Model<'_>, manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    const HELP: &str =
        "write the plugin and its guard here too; or make sure that only the operator can reach this listener";
    let ours = destinations::of(model, manager.clusters());
    for way in ways(model) {
        let theirs = destinations::of(model, way.clusters.iter().copied());
        let shared = theirs.iter().find_map(|(place, cluster)| Some((place, *cluster, *ours.get(place)?)));
        let what = match shared {
            Some((Destination::Cluster(cluster), ..)) => {
                format!("this has no plugin and sends to `{cluster}`, as a connection manager with the plugin does")
            }
            Some((place, theirs, ours)) => format!(
                "this has no plugin and sends to {place} through cluster `{theirs}`, as a connection manager with the plugin \
                 does through cluster `{ours}`"
            ),
            None if !ours.is_empty() && way.is_chosen_by_request(model, &theirs) => {
                "this has no plugin, and clients choose its target, which can be the upstream of a connection manager with the plugin"
                    .to_owned()
            }
            None => continue,
        };
        findings.add(Code::UpstreamOtherwise, way.part, &what, HELP);
    }
}

/// A way to upstreams without the plugin.
struct Way<'m, 'a> {
    /// What a finding points to.
    part: &'m Part<'a>,
    /// The clusters that it names.
    clusters: BTreeSet<&'a str>,
    /// Whether it takes names of clusters, or addresses, from what a client sends.
    picks: bool,
}

impl<'a> Way<'_, 'a> {
    fn is_chosen_by_request(&self, model: &Model<'a>, destinations: &BTreeMap<Destination<'a>, &'a str>) -> bool {
        let mut clusters = destinations.values().flat_map(|name| model.clusters_named(name));
        self.picks || clusters.any(destinations::is_chosen_by_request)
    }
}

fn ways<'m, 'a>(model: &'m Model<'a>) -> Vec<Way<'m, 'a>> {
    let is_internal = |listener: &Option<Part<'_>>| {
        listener.as_ref().is_some_and(|listener| listener.member("internal_listener").is_some())
    };
    let listeners = model.managers.iter().filter(|with| with.has_plugin()).filter_map(|with| with.listener.as_ref());
    let beside = |part: &Part<'_>| listeners.clone().any(|listener| listener.holds(part));
    let http = model.managers.iter().filter(|other| !other.has_plugin() && !beside(&other.part));
    let http = http.filter(|manager| !discovery::may_have_plugin(model, manager));
    let http = http.filter(|manager| !is_internal(&manager.listener)).map(|manager| Way {
        part: &manager.part,
        clusters: manager.clusters(),
        picks: manager.routes.iter().any(|routes| {
            let picks = |part: &Part<'_>| PICK_CLUSTER.iter().any(|name| part.member(name).is_some());
            !routes.find_outside(&NOT_FORWARDED, &picks).is_empty()
        }),
    });
    let others = model.network_filters.iter().filter(|filter| !is_internal(&filter.listener)).map(|filter| Way {
        part: &filter.part,
        clusters: cluster_names(&filter.part),
        picks: filter.filter_chain.iter().flat_map(|chain| chain.list("filters")).any(|filter| {
            let kind = filter.member("typed_config").and_then(|own| own.message()).map(|(kind, _)| kind);
            kind.is_some_and(|kind| BY_SERVER_NAME.contains(&kind))
        }),
    });
    http.chain(others).collect()
}
