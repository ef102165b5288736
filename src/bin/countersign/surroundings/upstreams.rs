//! Upstreams: who chooses them, and who else sends requests to them.

use super::codes::Code;
use super::findings::Findings;
use super::model::{HttpConnectionManager, Model, cluster_names};
use super::part::Part;

/// Members of routes that take the upstream, or the host that it sees, from the request or from a program.
const CHOOSE: [&str; 5] = [
    "cluster_header",
    "cluster_specifier_plugin",
    "inline_cluster_specifier_plugin",
    "host_rewrite_header",
    "host_rewrite_path_regex",
];

/// Members of routes that are a format, in which parts of the request can stand.
const FORMATS: [&str; 2] = ["host_rewrite", "path_rewrite"];

/// Judges all connection managers that have the plugin.
pub fn judge(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        for routes in &manager.routes {
            chosen_by_routes(routes, findings);
        }
        let clusters = manager.clusters();
        for cluster in &model.clusters {
            let header = cluster.path(["original_dst_lb_config", "use_http_header"]);
            let is_used = cluster.text_of("name").is_some_and(|name| clusters.contains(name));
            if let Some(header) = header.filter(|header| is_used && header.is_true()) {
                let what = "a header of the request, `x-envoy-original-dst-host` or the one that is named here, is the address of the upstream";
                findings.add(
                    Code::RequestPicksTarget,
                    &header,
                    what,
                    "remove it: the address is then that of the connection",
                );
            }
        }
        reached_otherwise(model, manager, findings);
    }
}

fn chosen_by_routes(routes: &Part<'_>, findings: &mut Findings) {
    for action in routes.find(&|part| !choices(part).is_empty()) {
        for chosen in choices(&action) {
            let what = "this takes the target from the request";
            let help = "name the target: `cluster`, `host_rewrite_literal`, or one route for each host";
            findings.add(Code::RequestPicksTarget, &chosen, what, help);
        }
    }
}

fn choices<'a>(action: &Part<'a>) -> Vec<Part<'a>> {
    let named = CHOOSE.iter().filter_map(|name| action.member(name));
    let formats = FORMATS.iter().filter_map(|name| action.member(name));
    named.chain(formats.filter(|format| format.text().is_some_and(reads_header))).collect()
}

/// Whether a format holds a header field other than the path, which was judged.
fn reads_header(format: &str) -> bool {
    format.split("%REQ(").skip(1).any(|rest| !rest.to_ascii_lowercase().starts_with(":path)"))
}

/// Other connection managers without the plugin, and connections that are passed on as they come. Those of the same
/// listener are looked at with its chains.
fn reached_otherwise(model: &Model<'_>, manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    let clusters = manager.clusters();
    let listeners = model.managers.iter().filter(|with| with.has_plugin()).filter_map(|with| with.listener.as_ref());
    let beside = |part: &Part<'_>| listeners.clone().any(|listener| listener.holds(part));
    let http = model.managers.iter().filter(|other| !other.has_plugin() && !beside(&other.part));
    let http = http.map(|other| (&other.part, other.clusters()));
    let tcp = model.tcp_proxies.iter().map(|proxy| (proxy, cluster_names(proxy)));
    for (part, others) in http.chain(tcp) {
        if let Some(cluster) = clusters.intersection(&others).next() {
            let what = format!("this sends to `{cluster}`, as a connection manager with the plugin does, and has none");
            let help = "write the plugin and its guard here too; or make sure that nobody but the operator reaches this listener";
            findings.add(Code::UpstreamOtherwise, part, &what, help);
        }
    }
}
