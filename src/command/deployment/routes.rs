//! Routes: what they switch off.

use super::codes::Code;
use super::findings::Findings;
use super::guard::{demands, is_guard};
use super::json_view::Part;
use super::model::{Filter, HttpConnectionManager, Model};

const FILTER_CONFIG: &str = "envoy.config.route.v3.FilterConfig";
const RBAC_PER_ROUTE: &str = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
const ROUTE: &str = "envoy.config.route.v3.Route";
/// What routes say about filters, by their names.
pub const PER_FILTER: &str = "typed_per_filter_config";

/// Checks the routes of all connection managers that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        if let Some(elsewhere) = &manager.routes_elsewhere {
            let what = "routes of this listener are in none of the files";
            findings.add(Code::RoutesUnseen, elsewhere, what, "give the file with the route configuration too");
        }
        overrides(manager, findings);
        plugins_off(manager, findings);
    }
}

/// What a part of the routes says about one filter.
enum Own<'a> {
    /// The filter does not run.
    Off,
    /// It runs as it is written in the chain.
    On,
    /// It runs with this configuration in place of that in the chain.
    Instead(&'a str, Part<'a>),
}

fn own<'a>(entry: &Part<'a>) -> Own<'a> {
    match entry.message() {
        Some((FILTER_CONFIG, config)) if config.flag("disabled") => Own::Off,
        Some((FILTER_CONFIG, config)) => match config.member("config").and_then(|config| config.message()) {
            Some((kind, message)) => Own::Instead(kind, message),
            None => Own::On,
        },
        Some((kind, message)) => Own::Instead(kind, message),
        None => Own::On,
    }
}

/// Each entry of `typed_per_filter_config` for a filter of this name.
pub fn entries<'a>(manager: &HttpConnectionManager<'a>, name: &str) -> Vec<Part<'a>> {
    let per_filter = |part: &Part<'a>| part.member(PER_FILTER).is_some_and(|all| all.value.get(name).is_some());
    let parts = manager.routes.iter().flat_map(|routes| routes.find(&per_filter));
    parts.filter_map(|part| part.path([PER_FILTER, name])).collect()
}

fn overrides(manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    for (filter, plugin, after) in manager.chains.iter().flat_map(|chain| chain.plugins()) {
        let guard = plugin.outline.guard.as_str();
        for guard_filter in after.into_iter().filter(|filter| is_guard(filter, guard)) {
            for entry in entries(manager, guard_filter.name) {
                guard_override(&entry, guard_filter.name, guard, findings);
            }
        }
        for entry in entries(manager, filter.name) {
            plugin_override(&entry, filter.name, findings);
        }
    }
}

/// What a part of the routes says about the guard.
pub fn guard_override(entry: &Part<'_>, filter: &str, guard: &str, findings: &mut Findings) {
    let tight = match own(entry) {
        Own::On => true,
        Own::Off => false,
        Own::Instead(kind, message) => {
            kind == RBAC_PER_ROUTE && message.member("rbac").is_some_and(|rbac| demands(&rbac, guard))
        }
    };
    if !tight {
        let what = format!("this replaces or disables the guard `{filter}` for some requests");
        findings.add(Code::GuardOverridden, entry, &what, "remove it; use another `rbac` filter for other rules");
    }
}

/// What a part of the routes says about the plugin.
pub fn plugin_override(entry: &Part<'_>, filter: &str, findings: &mut Findings) {
    let what = match own(entry) {
        Own::On => return,
        Own::Off => format!("this disables the plugin `{filter}` for some requests"),
        Own::Instead(..) => {
            format!("this gives the plugin `{filter}` another configuration for some requests")
        }
    };
    let help = "remove it; for paths that need no token write a route with `requires: []` and a policy that permits `Anonymous`";
    findings.add(Code::PluginDisabled, entry, &what, help);
}

/// A plugin that is off in the chain, as Envoy Gateway writes it: each route has to switch it on.
fn plugins_off(manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    for (filter, _, _) in manager.chains.iter().flat_map(|chain| chain.plugins()) {
        if !filter.is_disabled() {
            continue;
        }
        let off = routes_without(manager, filter);
        match off.as_slice() {
            [] if !manager.routes.is_empty() => {}
            [] => {
                let what = format!("the plugin `{}` is disabled, and no route here enables it", filter.name);
                findings.add(Code::PluginDisabled, &filter.part, &what, "remove `disabled: true`");
            }
            routes => {
                for route in routes {
                    let what = format!("the plugin `{}` is disabled, and this route does not enable it", filter.name);
                    let help = format!("remove `disabled: true` from the filter `{}`", filter.name);
                    findings.add(Code::PluginDisabled, route, &what, &help);
                }
            }
        }
    }
}

/// Routes that neither themselves nor around them switch this filter on.
fn routes_without<'a>(manager: &HttpConnectionManager<'a>, filter: &Filter<'a>) -> Vec<Part<'a>> {
    let on =
        |part: &Part<'a>| part.path([PER_FILTER, filter.name]).is_some_and(|entry| !matches!(own(&entry), Own::Off));
    let configurations = manager.routes.iter().filter(|part| !on(part));
    let hosts = configurations.flat_map(|routes| routes.list("virtual_hosts")).filter(|host| !on(host));
    hosts.flat_map(|host| routes_of(&host)).filter(|route| !on(route)).collect()
}

/// The routes of a virtual host: its list, or the leaves of its matcher.
fn routes_of<'a>(host: &Part<'a>) -> Vec<Part<'a>> {
    let matched = host.member("matcher").map(|matcher| matcher.find(&|part| part.message_of(ROUTE).is_some()));
    host.list("routes").into_iter().chain(matched.into_iter().flatten()).collect()
}
