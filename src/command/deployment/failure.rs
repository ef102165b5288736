//! Failure policy of the plugin, and the modules that share its VM.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::Model;
use super::plugin::Plugin;

/// Checks the plugins of Envoy configurations.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for plugin in model.envoy_plugins() {
        failure(&plugin.part, findings);
        own_vm(model, plugin, findings);
    }
}

/// The data that workers share is that of all modules with the same `vm_id`.
fn own_vm(model: &Model<'_>, plugin: &Plugin<'_>, findings: &mut Findings) {
    let fetches = !plugin.outline.key_endpoints.is_empty();
    let sharing = plugin.outline.issuers_sharing_proofs.first();
    let Some(vm_id) = vm_id(&plugin.part) else {
        if let Some(issuer) = sharing {
            let what = format!("the plugin has no `vm_id`, and the issuer `{issuer}` has `replay: shared`");
            let help = "write under `vm_config`:\nvm_id: countersign";
            return findings.add(Code::ReplayMemoryMissing, &plugin.part, &what, help);
        }
        let what = if fetches {
            "the plugin has no `vm_id`, so each worker fetches keys itself"
        } else {
            "the plugin has no `vm_id`"
        };
        return findings.add(Code::VmId, &plugin.part, what, "write under `vm_config`:\nvm_id: countersign");
    };
    let code = |part: &Part<'_>| part.path(["vm_config", "code"]).map(|code| code.value.clone());
    let strangers = model.wasm.iter().filter(|other| self::vm_id(other) == Some(vm_id));
    for stranger in strangers.filter(|other| (fetches || sharing.is_some()) && code(other) != code(&plugin.part)) {
        let uses = if fetches { "fetches keys" } else { "remembers DPoP proofs" };
        let what = format!("this module has the `vm_id` `{vm_id}` of the plugin, which {uses}, but runs other code");
        findings.add(Code::VmIdShared, stranger, &what, "give each module a unique `vm_id`");
    }
}

/// The data space of a module, if it has one of its own.
pub fn vm_id<'a>(plugin: &Part<'a>) -> Option<&'a str> {
    plugin.path(["vm_config", "vm_id"])?.text().filter(|id| !id.is_empty())
}

fn failure(plugin: &Part<'_>, findings: &mut Findings) {
    const RELOAD: &str = "write:\nfailure_policy: FAIL_RELOAD";
    if plugin.is_value("failure_policy", "FAIL_OPEN", 3) || plugin.flag("fail_open") {
        let named = ["failure_policy", "fail_open"].into_iter().find_map(|name| plugin.member(name));
        let part = named.as_ref().unwrap_or(plugin);
        findings.add(Code::FailOpen, part, "the plugin fails open", RELOAD);
    } else if !plugin.is_value("failure_policy", "FAIL_RELOAD", 1) {
        findings.add(Code::FailReload, plugin, "`failure_policy` is not FAIL_RELOAD", RELOAD);
    }
}
