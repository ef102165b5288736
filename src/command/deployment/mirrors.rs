//! Copies of requests: Envoy sends each that was allowed to another upstream as well, with all that the first one gets.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::Model;

/// Where copies are asked for: in route configurations, virtual hosts, routes, and in the HTTP options of clusters.
pub const MIRRORS: &str = "request_mirror_policies";

/// Checks the clusters that connection managers with the plugin send to.
pub fn of_clusters(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        let clusters = manager.clusters().into_iter().flat_map(|name| model.clusters_named(name));
        clusters.for_each(|cluster| check(cluster, findings));
    }
}

/// Checks a route configuration, a part of one, or a cluster.
pub fn check(part: &Part<'_>, findings: &mut Findings) {
    for policy in part.find(&|part| part.member(MIRRORS).is_some()).iter().flat_map(|part| part.list(MIRRORS)) {
        let to = match (policy.text_of("cluster"), policy.text_of("cluster_header")) {
            (Some(cluster), _) => format!("cluster `{cluster}`"),
            (None, Some(header)) => format!("the cluster that the header `{header}` of the request names"),
            (None, None) => "another cluster".to_owned(),
        };
        let what = format!("this sends a copy of each request to {to}");
        let help = "remove it; or make sure that the other upstream may receive all of it, and write `forward: never` in \
                    the plugin's configuration for tokens that no upstream needs";
        findings.add(Code::RequestMirrored, &policy, &what, help);
    }
}
