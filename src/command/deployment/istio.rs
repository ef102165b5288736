//! Istio's resources: the plugin in a WasmPlugin or TrafficExtension, its guard in an EnvoyFilter.
//!
//! Istio writes the chain, so only the configuration dump of a proxy shows the filters that Istio adds. It sets no `vm_id`,
//! and the check asks for none.

use super::chain;
use super::codes::Code;
use super::findings::Findings;
use super::guard;
use super::headers;
use super::json_view::Part;
use super::model::{Filter, Model, Resource};
use super::plugin::Plugin;
use super::routes::{self, PER_FILTER};
use super::{after_the_decision, local_replies};

/// Resources in this namespace hold for all others.
const ROOT_NAMESPACE: &str = "istio-system";

/// Checks the plugins of Istio's resources.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for resource in model.resources.iter().filter(|resource| matches!(resource.kind, "WasmPlugin" | "TrafficExtension"))
    {
        for (_, plugin) in &resource.plugins {
            failure(&plugin.part, findings);
            proofs(plugin, findings);
            attachment(resource, findings);
            let patches = patches(model, resource);
            guarded(resource, plugin, &patches, findings);
            undone(model, resource, plugin, findings);
            idle(resource, &patches, findings);
        }
    }
}

fn failure(plugin: &Part<'_>, findings: &mut Findings) {
    const RELOAD: &str = "write:\nfailStrategy: FAIL_RELOAD";
    match plugin.member("failStrategy") {
        Some(strategy) if strategy.text() == Some("FAIL_OPEN") => {
            findings.add(Code::FailOpen, &strategy, "the plugin fails open", RELOAD);
        }
        Some(strategy) if strategy.text() == Some("FAIL_RELOAD") => {}
        strategy => {
            let part = strategy.as_ref().unwrap_or(plugin);
            findings.add(Code::FailReload, part, "`failStrategy` is not FAIL_RELOAD", RELOAD);
        }
    }
}

/// Istio gives the plugin no data of its own.
fn proofs(plugin: &Plugin<'_>, findings: &mut Findings) {
    if let Some(issuer) = plugin.outline.issuers_sharing_proofs.first() {
        let what = format!("the issuer `{issuer}` has `replay: shared`, and Istio sets no `vm_id`");
        findings.add(Code::ReplayMemoryMissing, &plugin.part, &what, "write under `dpop`:\nreplay: per_worker");
    }
}

fn attachment(resource: &Resource<'_>, findings: &mut Findings) {
    if resource.spec.text_of("phase") != Some("AUTHN") {
        let phase = resource.spec.member("phase");
        let part = phase.as_ref().unwrap_or(&resource.spec);
        findings.add(Code::PluginPhase, part, "`phase` is not AUTHN", "write:\nphase: AUTHN");
    }
    for ports in resource.spec.list("match").iter().filter_map(|entry| entry.member("ports")) {
        findings.add(Code::PluginPorts, &ports, "`match` names ports", "remove `ports`");
    }
}

/// The patches of each EnvoyFilter that holds for the same proxies.
fn patches<'a>(model: &Model<'a>, resource: &Resource<'a>) -> Vec<Part<'a>> {
    let filters = model.resources.iter().filter(|filter| filter.kind == "EnvoyFilter" && covers(filter, resource));
    filters.flat_map(|filter| filter.spec.list("configPatches")).collect()
}

/// Whether an EnvoyFilter holds wherever the plugin does: without a selection everywhere in its namespace.
fn covers(filter: &Resource<'_>, plugin: &Resource<'_>) -> bool {
    let (wanted, had) = (wanted(filter), had(plugin));
    let filter_targets = targets(&filter.spec);
    let plugin_targets = targets(&plugin.spec);
    let targets_fit = filter_targets.is_empty()
        || (!plugin_targets.is_empty() && plugin_targets.iter().all(|target| filter_targets.contains(target)));
    (filter.namespace == plugin.namespace || filter.namespace == ROOT_NAMESPACE)
        && wanted.iter().all(|label| had.contains(label))
        && targets_fit
}

/// Whether an EnvoyFilter may hold somewhere where the plugin does: no label that both ask for has two values.
fn meets(filter: &Resource<'_>, plugin: &Resource<'_>) -> bool {
    let (wanted, had) = (wanted(filter), had(plugin));
    let differs = |(name, value): &(&str, &str)| had.iter().any(|(own, other)| own == name && other != value);
    let (filter_targets, plugin_targets) = (targets(&filter.spec), targets(&plugin.spec));
    let targets_meet = filter_targets.is_empty()
        || plugin_targets.is_empty()
        || plugin_targets.iter().any(|target| filter_targets.contains(target));
    let same_namespace = [plugin.namespace, ROOT_NAMESPACE].contains(&filter.namespace);
    (same_namespace || plugin.namespace == ROOT_NAMESPACE) && !wanted.iter().any(differs) && targets_meet
}

/// The labels of the proxies that an EnvoyFilter is for.
fn wanted<'a>(filter: &Resource<'a>) -> Vec<(&'a str, &'a str)> {
    labels(filter.spec.path(["workloadSelector", "labels"]))
}

/// The labels of the proxies that the plugin is for.
fn had<'a>(plugin: &Resource<'a>) -> Vec<(&'a str, &'a str)> {
    labels(plugin.spec.path(["selector", "matchLabels"]))
}

fn labels(part: Option<Part<'_>>) -> Vec<(&str, &str)> {
    let members = part.map(|part| part.members()).unwrap_or_default();
    members.into_iter().map(|(name, value)| (name, value.text().unwrap_or_default())).collect()
}

/// Kind and name of what a resource is attached to.
pub fn targets<'a>(spec: &Part<'a>) -> Vec<(&'a str, &'a str)> {
    let one = spec.member("targetRef");
    let all = one.into_iter().chain(spec.list("targetRefs"));
    all.map(|target| (target.text_of("kind").unwrap_or_default(), target.text_of("name").unwrap_or_default())).collect()
}

fn guarded(resource: &Resource<'_>, plugin: &Plugin<'_>, patches: &[Part<'_>], findings: &mut Findings) {
    let guard = plugin.outline.guard.as_str();
    let adds_guard = |patch: &Part<'_>| before_router(patch).is_some_and(|filter| guard::is_guard(&filter, guard));
    if !patches.iter().any(adds_guard) {
        let what = format!(
            "no EnvoyFilter in these files, for the same proxies as this {}, adds before the router an `rbac` filter that \
             requires `wasm.{guard}`",
            resource.kind
        );
        let filter = guard::lines(guard, 6);
        let help = format!(
            "give its file too, or write an EnvoyFilter with the same selection and this patch:\n- applyTo: HTTP_FILTER\n  \
             match: {{ context: SIDECAR_INBOUND, listener: {{ filterChain: {{ filter: {{ name: \
             envoy.filters.network.http_connection_manager, subFilter: {{ name: envoy.filters.http.router }} }} }} }} }}\n  \
             patch:\n    operation: INSERT_BEFORE\n    value:\n      {filter}"
        );
        findings.add(Code::GuardMissing, &resource.spec, &what, &help);
    }
}

/// What EnvoyFilters put between the plugin and the router beside the guard, and what they tell routes of the two.
fn undone(model: &Model<'_>, resource: &Resource<'_>, plugin: &Plugin<'_>, findings: &mut Findings) {
    let guard = plugin.outline.guard.as_str();
    let filters = model.resources.iter().filter(|filter| filter.kind == "EnvoyFilter" && meets(filter, resource));
    let patches: Vec<Part<'_>> = filters.flat_map(|filter| filter.spec.list("configPatches")).collect();
    let added: Vec<Filter<'_>> = patches.iter().filter_map(before_router).collect();
    for filter in &added {
        chain::unacknowledged(filter, plugin, findings);
    }
    for patch in &patches {
        guard::forged(patch, guard, findings);
        if !is_outbound(patch) {
            after_the_decision(patch, findings);
            headers::of_patch(patch, plugin, findings);
            local_replies::of_manager(patch, findings);
        }
        let per_filter = patch.find(&|part| part.member(PER_FILTER).is_some());
        let entries = per_filter.into_iter().filter_map(|part| part.member(PER_FILTER)).flat_map(|all| all.members());
        for (name, entry) in entries {
            if names_plugin(name, resource) {
                routes::plugin_override(&entry, name, findings);
            } else if added.iter().any(|filter| filter.name == name && guard::is_guard(filter, guard)) {
                routes::guard_override(&entry, name, guard, findings);
            }
        }
    }
}

/// Whether Istio gives the plugin of a resource this name: `extensions.istio.io/wasmplugin/<namespace>.<name>`, and from 1.30
/// on `extensions.istio.io/trafficextension/<namespace>.<name>`, with `~` and more behind it for a WasmPlugin.
fn names_plugin(filter: &str, resource: &Resource<'_>) -> bool {
    let name = filter.rsplit('/').next().and_then(|name| name.split('~').next());
    filter.starts_with("extensions.istio.io/")
        && name.and_then(|name| name.split_once('.')) == Some((resource.namespace, resource.name))
}

/// Whether a patch is for calls that a workload makes itself.
fn is_outbound(patch: &Part<'_>) -> bool {
    patch.path(["match", "context"]).and_then(|context| context.text()) == Some("SIDECAR_OUTBOUND")
}

/// The filter that a patch puts before the router; of calls that a workload makes itself none.
fn before_router<'a>(patch: &Part<'a>) -> Option<Filter<'a>> {
    let selection = patch.member("match")?;
    let inserts = patch.path(["patch", "operation"])?.text() == Some("INSERT_BEFORE");
    let found = inserts && !is_outbound(patch) && !selection.find(&is_router).is_empty();
    found.then(|| patch.path(["patch", "value"]))?.map(Filter::added)
}

fn is_router(part: &Part<'_>) -> bool {
    part.path(["subFilter", "name"]).and_then(|name| name.text()) == Some("envoy.filters.http.router")
}

/// Istio disables the limit.
fn idle(resource: &Resource<'_>, patches: &[Part<'_>], findings: &mut Findings) {
    let sets = |patch: &Part<'_>| !patch.find(&|part| part.member("stream_idle_timeout").is_some()).is_empty();
    if !patches.iter().any(sets) {
        let what = "no EnvoyFilter in these files sets `stream_idle_timeout`, which Istio disables";
        let help = "write in an EnvoyFilter, as a patch that merges into the HttpConnectionManager (applyTo: NETWORK_FILTER):\n\
                    stream_idle_timeout: 300s";
        findings.add(Code::StreamIdleTimeout, &resource.spec, what, help);
    }
}
