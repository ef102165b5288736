//! Routes that write another path or host into a request after the decision on the first one.
//!
//! A value that is taken from elsewhere in the request is worse, and is found with the [upstreams](super::upstreams). A
//! redirect is an answer: the client comes back with the new path, and is judged on it.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::upstreams::{NOT_FORWARDED, reads_header};

/// Members of routes, and of clusters with weights, that rewrite the path or the host.
const REWRITES: [&str; 6] =
    ["prefix_rewrite", "regex_rewrite", "path_rewrite_policy", "path_rewrite", "host_rewrite", "host_rewrite_literal"];

/// The one that is a switch.
const AUTOMATIC: &str = "auto_host_rewrite";

/// Checks a route configuration, or a part of one.
pub fn check(routes: &Part<'_>, findings: &mut Findings) {
    for action in routes.find_outside(&NOT_FORWARDED, &|part| !rewrites(part).is_empty()) {
        for (name, rewrite) in rewrites(&action) {
            let what = format!("`{name}` changes the request after the decision");
            let help = "remove it, and write the paths and hosts that the upstream serves in the plugin's \
                        `applications`; or keep it, if policies are meant for what the client asked for";
            findings.add(Code::RequestRewritten, &rewrite, &what, help);
        }
    }
}

fn rewrites<'a>(action: &Part<'a>) -> Vec<(&'static str, Part<'a>)> {
    let named = REWRITES.iter().filter_map(|name| Some((*name, action.member(name)?)));
    let is_fixed = |(_, value): &(&str, Part<'_>)| !value.text().is_some_and(reads_header);
    let automatic = action.member(AUTOMATIC).filter(Part::is_true).map(|switch| (AUTOMATIC, switch));
    named.filter(is_fixed).chain(automatic).collect()
}
