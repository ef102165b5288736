//! The guard: an `rbac` filter after the plugin that requires the filter state which the plugin sets when it allows a request.
//!
//! If the plugin fails to start on one worker only, Envoy forwards the requests of that worker unfiltered; the guard rejects them.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::{Chain, Filter, HttpConnectionManager, Model};

const RBAC: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";

/// What to do about a plugin whose chain is in no file.
const UNSEEN: &str = "give the file with the listener too";

/// Checks the guards of all chains, and names the plugins whose chain is not here.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for plugin in &model.alone {
        let what = format!(
            "the filter chain that uses this plugin is in none of the files; the guard `wasm.{}` must come after it",
            plugin.outline.guard
        );
        findings.add(Code::GuardUnseen, &plugin.part, &what, UNSEEN);
    }
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        for chain in &manager.chains {
            chain_guards(chain, findings);
        }
        forgeries(manager, findings);
    }
}

fn chain_guards(chain: &Chain<'_>, findings: &mut Findings) {
    let mut seen: Vec<(&str, &Part<'_>)> = Vec::new();
    for (filter, plugin, after) in chain.plugins() {
        let guard = plugin.outline.guard.as_str();
        if let Some((_, other)) = seen.iter().find(|(name, _)| *name == guard) {
            let line = other.source.document.at(&other.pointer).line;
            let what = format!("the plugin in line {line} already uses the guard `{guard}`");
            findings.add(Code::GuardShared, &filter.part, &what, "give each plugin its own `guard: { name: ... }`");
        }
        seen.push((guard, &filter.part));
        if !after.iter().any(|filter| is_guard(filter, guard)) {
            let what = format!("no `rbac` filter between this plugin and the router requires `wasm.{guard}`");
            let help = format!("add after this plugin, before the router:\n- {}", lines(guard, 2));
            findings.add(Code::GuardMissing, &filter.part, &what, &help);
        }
    }
}

/// Filters that set the guard's filter state from the configuration.
fn forgeries(manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    let around = manager.listener.as_ref().unwrap_or(&manager.part);
    let filters = manager.chains.iter().flat_map(|chain| &chain.filters);
    let messages = filters.filter_map(|filter| filter.message.as_ref()).map(|(_, message)| message);
    let all: Vec<&Part<'_>> = [around].into_iter().chain(&manager.routes).chain(messages).collect();
    for plugin in manager.plugins() {
        for part in &all {
            forged(part, &plugin.outline.guard, findings);
        }
    }
}

/// Names what sets the filter state of this guard in a part.
pub fn forged(part: &Part<'_>, guard: &str, findings: &mut Findings) {
    let key = format!("wasm.{guard}");
    for part in part.find(&|part| part.text_of("object_key") == Some(&key)) {
        let what = format!("this sets the filter state `{key}`");
        findings.add(Code::GuardForged, &part, &what, "choose another key");
    }
}

/// The name of the guard that a filter is, whatever plugin it belongs to.
pub fn name_of<'a>(filter: &Filter<'a>) -> Option<&'a str> {
    let (_, rbac) = filter.message.as_ref().filter(|(kind, _)| *kind == RBAC)?;
    let states = rbac.find(&|part| part.member("filter_state").is_some());
    let keys = states.iter().filter_map(|part| part.path(["filter_state", "key"])?.text()?.strip_prefix("wasm."));
    keys.into_iter().find(|name| is_guard(filter, name))
}

/// Whether a filter rejects every request without the filter state of this guard.
pub fn is_guard(filter: &Filter<'_>, guard: &str) -> bool {
    let rbac = filter.message.as_ref().filter(|(kind, _)| *kind == RBAC);
    let until = filter.until_discovered.as_ref();
    !filter.is_disabled()
        && rbac.is_some_and(|(_, rbac)| demands(rbac, guard))
        && until.is_none_or(|until| until.message_of(RBAC).is_some_and(|rbac| demands(&rbac, guard)))
}

/// Whether an RBAC rejects every request without the filter state of this guard.
pub fn demands(rbac: &Part<'_>, guard: &str) -> bool {
    // Where there is a matcher, Envoy ignores the rules.
    if rbac.member("matcher").is_some() {
        return false;
    }
    let Some(rules) = rbac.member("rules") else { return false };
    // ALLOW is the first value of the enumeration, and so the default.
    let allows = rules.member("action").is_none() || rules.is_value("action", "ALLOW", 0);
    let policies = rules.member("policies").map(|policies| policies.members()).unwrap_or_default();
    // Policies, and the principals of one, are alternatives: each of them has to demand the guard.
    let all_demand = |policy: &Part<'_>| {
        let principals = policy.list("principals");
        !principals.is_empty() && principals.iter().all(|principal| principal_demands(principal, guard))
    };
    allows && !policies.is_empty() && policies.iter().all(|(_, policy)| all_demand(policy))
}

fn principal_demands(principal: &Part<'_>, guard: &str) -> bool {
    let ids = |name| principal.path([name, "ids"]).map(|ids| ids.items());
    if let Some(all) = ids("and_ids") {
        return all.iter().any(|principal| principal_demands(principal, guard));
    }
    if let Some(alternatives) = ids("or_ids") {
        return !alternatives.is_empty() && alternatives.iter().all(|principal| principal_demands(principal, guard));
    }
    let Some(state) = principal.member("filter_state") else { return false };
    let key = state.text_of("key").and_then(|key| key.strip_prefix("wasm."));
    let Some(wanted) = state.member("string_match") else { return false };
    key == Some(guard) && wanted.text_of("exact") == Some("allow") && !wanted.flag("ignore_case")
}

/// The guard as it is written, each line but the first indented by so many spaces.
pub fn lines(guard: &str, indent: usize) -> String {
    let lines = format!(
        r#"name: {guard}-guard
typed_config:
  "@type": type.googleapis.com/{RBAC}
  rules:
    action: ALLOW
    policies:
      {guard}:
        permissions: [{{ any: true }}]
        principals: [{{ filter_state: {{ key: wasm.{guard}, string_match: {{ exact: allow }} }} }}]"#
    );
    lines.replace('\n', &format!("\n{:indent$}", ""))
}
