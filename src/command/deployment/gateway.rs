//! Envoy Gateway's resources: the plugin in an EnvoyExtensionPolicy, guard and FAIL_RELOAD in EnvoyPatchPolicies.
//!
//! Envoy Gateway writes listeners and routes, so only the configuration dump of the proxy shows the rest. It sets a `vm_id` itself.

use super::chain;
use super::codes::Code;
use super::findings::Findings;
use super::guard;
use super::headers;
use super::istio::targets;
use super::json_view::Part;
use super::model::{Filter, Model, Resource};
use super::plugin::Plugin;
use super::{after_the_decision, local_replies};

const EXTENSION: &str = "EnvoyExtensionPolicy";

/// Checks the plugins of Envoy Gateway's resources.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    let with_plugin = |resource: &&Resource<'_>| resource.kind == EXTENSION && !resource.plugins.is_empty();
    for resource in model.resources.iter().filter(with_plugin) {
        let patches = patches(model, resource);
        target(resource, findings);
        for (index, plugin) in &resource.plugins {
            guarded(resource, plugin, &patches, findings);
            between(plugin, &patches, findings);
            failure(resource, *index, plugin, &patches, findings);
        }
        let others = model.resources.iter().filter(|other| other.kind == EXTENSION && other.plugins.is_empty());
        for other in others.filter(|other| !is_whole_gateway(other) && other.spec.member("mergeType").is_none()) {
            let what =
                format!("this policy targets less than a Gateway and lacks the plugin, which `{}` has", resource.name);
            let help = "target the Gateway here too, or add the plugin here; admission.yaml rejects such policies";
            findings.add(Code::PluginReplaced, &other.spec, &what, help);
        }
    }
}

fn is_whole_gateway(resource: &Resource<'_>) -> bool {
    let parts = resource.spec.find(&|part| part.member("sectionName").is_some());
    let selectors = resource.spec.list("targetSelectors");
    let of_gateways = selectors.iter().all(|selector| selector.text_of("kind") == Some("Gateway"));
    parts.is_empty() && of_gateways && targets(&resource.spec).iter().all(|(kind, _)| *kind == "Gateway")
}

fn target(resource: &Resource<'_>, findings: &mut Findings) {
    if !is_whole_gateway(resource) {
        let what = "this policy targets less than a whole Gateway";
        let help = "target the Gateway; `applications` in the plugin's configuration tell hosts and paths apart";
        findings.add(Code::PluginTarget, &resource.spec, what, help);
    }
}

/// The operations of each EnvoyPatchPolicy for a Gateway of this policy.
fn patches<'a>(model: &Model<'a>, resource: &Resource<'a>) -> Vec<Part<'a>> {
    let own = targets(&resource.spec);
    let gateways: Vec<_> = own.iter().filter(|(kind, _)| *kind == "Gateway").collect();
    let fits = |policy: &&Resource<'a>| {
        policy.kind == "EnvoyPatchPolicy"
            && policy.namespace == resource.namespace
            && targets(&policy.spec).iter().any(|target| gateways.is_empty() || gateways.contains(&target))
    };
    let policies = model.resources.iter().filter(fits);
    policies.flat_map(|policy| policy.spec.list("jsonPatches")).filter_map(|patch| patch.member("operation")).collect()
}

fn guarded(resource: &Resource<'_>, plugin: &Plugin<'_>, patches: &[Part<'_>], findings: &mut Findings) {
    let guard = plugin.outline.guard.as_str();
    let adds_guard = |patch: &Part<'_>| before_router(patch).is_some_and(|filter| guard::is_guard(&filter, guard));
    if !patches.iter().any(adds_guard) {
        let what = format!(
            "no EnvoyPatchPolicy in these files, for the same Gateway, adds before the router an `rbac` filter that requires \
             `wasm.{guard}`"
        );
        let filter = guard::lines(guard, 2);
        let help = format!(
            "give its file too, or write an EnvoyPatchPolicy with this operation for each listener:\nop: add\njsonPath: \
             \"$..http_filters[?(@.name=='envoy.filters.http.router')]\"\nvalue:\n  {filter}"
        );
        findings.add(Code::GuardMissing, &resource.spec, &what, &help);
    }
}

/// Other filters that EnvoyPatchPolicies put between the plugin and the router.
fn between(plugin: &Plugin<'_>, patches: &[Part<'_>], findings: &mut Findings) {
    for patch in patches {
        guard::forged(patch, &plugin.outline.guard, findings);
        after_the_decision(patch, findings);
        headers::of_patch(patch, plugin, findings);
        local_replies::of_manager(patch, findings);
        if let Some(filter) = before_router(patch) {
            chain::unacknowledged(&filter, plugin, findings);
        }
    }
}

/// The filter that an operation puts before the router.
fn before_router<'a>(patch: &Part<'a>) -> Option<Filter<'a>> {
    let adds = patch.text_of("op") == Some("add") && patch.text_of("jsonPath")?.contains("envoy.filters.http.router");
    adds.then(|| patch.member("value"))?.map(Filter::added)
}

fn failure(resource: &Resource<'_>, index: usize, plugin: &Plugin<'_>, patches: &[Part<'_>], findings: &mut Findings) {
    if let Some(open) = plugin.part.member("failOpen").filter(|_| plugin.part.flag("failOpen")) {
        findings.add(Code::FailOpen, &open, "the plugin fails open", "write:\nfailOpen: false");
    }
    let name = format!("envoyextensionpolicy/{}/{}/wasm/{index}", resource.namespace, resource.name);
    let reloads = |patch: &Part<'_>| {
        let path = ["jsonPath", "path"].iter().filter_map(|name| patch.text_of(name)).collect::<Vec<_>>().concat();
        path.contains(&name) && path.contains("failure_policy") && patch.text_of("value") == Some("FAIL_RELOAD")
    };
    if !patches.iter().any(reloads) {
        let what = "no EnvoyPatchPolicy in these files sets FAIL_RELOAD for this plugin";
        let help = format!(
            "write an EnvoyPatchPolicy with this operation for each listener:\nop: add\njsonPath: \
             \"$..http_filters[?(@.name=='envoy.filters.http.wasm/{name}')]\"\npath: \
             /typed_config/config/failure_policy\nvalue: FAIL_RELOAD"
        );
        findings.add(Code::FailReload, &plugin.part, what, &help);
    }
}
