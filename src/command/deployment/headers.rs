//! Identity headers that are changed after the decision, by routes or by filters that say in their configuration what they do.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::{Filter, HttpConnectionManager, Model};
use super::plugin::Plugin;
use super::routes::entries;

/// Members that add request headers: of routes, and of what routes say about the local rate limit.
const ADDED: [&str; 2] = ["request_headers_to_add", "request_headers_to_add_when_not_enforced"];
const REMOVED: &str = "request_headers_to_remove";
/// What the filter `header_mutation` does.
const MUTATIONS: &str = "request_mutations";

/// Header fields that say what is asked for, as Envoy calls them.
const JUDGED: [&str; 5] = [":method", ":scheme", ":authority", "host", ":path"];

/// Checks all connection managers that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        let plugins: Vec<&Plugin<'_>> = manager.plugins().collect();
        let by_routes = manager.routes.iter().flat_map(by_routes);
        for header in by_routes.chain(by_filters(manager)) {
            changed(&header, &plugins, findings);
        }
    }
}

/// Checks a patch that holds where this plugin does.
pub fn of_patch(patch: &Part<'_>, plugin: &Plugin<'_>, findings: &mut Findings) {
    for header in by_routes(patch).into_iter().chain(mutated(patch)) {
        changed(&header, &[plugin], findings);
    }
}

fn changed(header: &Part<'_>, plugins: &[&Plugin<'_>], findings: &mut Findings) {
    let Some(name) = header.text() else { return };
    if carries_identity(plugins, name) {
        let what = "this changes a header that the plugin sets";
        findings.add(Code::IdentityHeaderChanged, header, what, "remove it, or choose another header");
    }
    if JUDGED.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        let what = format!("`{name}` is changed after the decision");
        findings.add(Code::RequestRewritten, header, &what, "remove it, or move the filter before the plugin");
    }
}

/// Applications may read `_` as `-`, so the plugin's own headers have two spellings.
fn carries_identity(plugins: &[&Plugin<'_>], name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is_it = |own: &String| own.replace('_', "-") == name;
    name.starts_with("x-countersign") || plugins.iter().any(|own| own.outline.identity_headers.iter().any(is_it))
}

/// The names of headers that a route configuration, or a part of one, changes.
fn by_routes<'a>(routes: &Part<'a>) -> Vec<Part<'a>> {
    let changes = |part: &Part<'a>| ADDED.iter().chain(&[REMOVED]).any(|name| part.member(name).is_some());
    let names = routes.find(&changes).into_iter().flat_map(|part| {
        let added = ADDED.iter().flat_map(|name| part.list(name)).filter_map(|added| added.path(["header", "key"]));
        added.chain(part.list(REMOVED)).collect::<Vec<_>>()
    });
    names.collect()
}

/// The names of headers that filters between the plugin and the upstream change, by themselves or as routes tell them.
fn by_filters<'a>(manager: &HttpConnectionManager<'a>) -> Vec<Part<'a>> {
    let after = manager.chains.iter().flat_map(|chain| chain.plugins()).flat_map(|(_, _, after)| after);
    let told = |filter: &Filter<'a>| {
        let own = filter.message.as_ref().map(|(_, message)| message.clone());
        own.into_iter().chain(entries(manager, filter.name)).collect::<Vec<_>>()
    };
    after.chain(&manager.behind_router).flat_map(told).flat_map(|part| mutated(&part)).collect()
}

/// The names of headers that the filter `header_mutation` is told to change.
fn mutated<'a>(part: &Part<'a>) -> Vec<Part<'a>> {
    let lists = part.find(&|part| part.member(MUTATIONS).is_some());
    let mutations = lists.iter().flat_map(|part| part.list(MUTATIONS));
    let named = |mutation: Part<'a>| mutation.path(["append", "header", "key"]).or_else(|| mutation.member("remove"));
    mutations.filter_map(named).collect()
}
