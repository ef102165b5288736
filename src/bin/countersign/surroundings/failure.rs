//! What happens when the module cannot run, and with whom it shares its VM.

use super::codes::Code;
use super::findings::Findings;
use super::model::Model;
use super::part::Part;

/// Judges the plugins of Envoy configurations.
pub fn judge(model: &Model<'_>, findings: &mut Findings) {
    let alone = model.alone.iter().map(|plugin| &plugin.part);
    let in_chain = model.managers.iter().flat_map(|manager| manager.plugins()).map(|plugin| &plugin.part);
    for plugin in alone.chain(in_chain) {
        failure(plugin, findings);
        if plugin.path(["vm_config", "vm_id"]).and_then(|id| id.text()).unwrap_or_default().is_empty() {
            let what = "the plugin has no `vm_id`";
            findings.add(Code::VmId, plugin, what, "write under `vm_config`:\nvm_id: countersign");
        }
    }
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
