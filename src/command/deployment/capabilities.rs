//! Calls between Envoy and the module that a configuration cuts off (`capability_restriction_config`).
//!
//! An empty `allowed_capabilities` restricts nothing. Otherwise a call of the host that is not listed fails, and Envoy
//! never runs a callback that is not listed: without `proxy_on_request_headers` it forwards every request past the
//! plugin. The configuration that starts a VM decides for all modules in it, so the lists of all modules with the same
//! `vm_id` and code count.

use super::codes::Code;
use super::failure::vm_id;
use super::findings::Findings;
use super::json_view::Part;
use super::model::Model;
use super::plugin::Plugin;
use Purpose::{Data, Forward, Guard, Judge, Keys, Record, Refuse, Signatures};

/// What the plugin needs a capability for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    Judge,
    Refuse,
    Guard,
    Forward,
    Keys,
    Data,
    Record,
    Signatures,
}

impl Purpose {
    /// What the plugin cannot do without it.
    fn phrase(self) -> &'static str {
        match self {
            Judge => "read requests and decide",
            Refuse => "reject requests",
            Guard => "open the guard for allowed requests",
            Forward => "change the headers that the upstream receives",
            Keys => "fetch keys",
            Data => "share keys and used proofs between workers",
            Record => "write its log and its metrics",
            Signatures => "let Envoy verify signatures",
        }
    }

    /// The finding about a configuration without it.
    fn code(self) -> Code {
        match self {
            Judge | Refuse | Guard | Forward | Keys | Data => Code::CapabilityMissing,
            Record => Code::CapabilityRecord,
            Signatures => Code::CapabilitySignatures,
        }
    }
}

/// The capabilities that the plugin needs: callbacks that it exports, calls of the host that it imports, and calls of
/// WASI. The module imports and exports more, which the SDK declares and nothing uses; an end-to-end test holds this
/// list against the module.
const NEEDED: [(&str, Purpose); 33] = [
    ("proxy_on_context_create", Judge),
    ("proxy_on_configure", Judge),
    ("proxy_on_request_headers", Judge),
    ("proxy_on_request_body", Judge),
    ("proxy_on_delete", Judge),
    ("proxy_get_buffer_bytes", Judge),
    ("proxy_get_header_map_pairs", Judge),
    ("proxy_get_property", Judge),
    ("proxy_get_current_time_nanoseconds", Judge),
    ("random_get", Judge),
    ("proxy_send_local_response", Refuse),
    ("proxy_set_property", Guard),
    ("proxy_on_request_trailers", Forward),
    ("proxy_remove_header_map_value", Forward),
    ("proxy_replace_header_map_value", Forward),
    ("proxy_on_tick", Keys),
    ("proxy_on_http_call_response", Keys),
    ("proxy_on_queue_ready", Keys),
    ("proxy_set_tick_period_milliseconds", Keys),
    ("proxy_http_call", Keys),
    ("proxy_get_shared_data", Data),
    ("proxy_set_shared_data", Data),
    ("proxy_register_shared_queue", Keys),
    ("proxy_resolve_shared_queue", Keys),
    ("proxy_enqueue_shared_queue", Keys),
    ("proxy_dequeue_shared_queue", Keys),
    ("proxy_set_effective_context", Keys),
    ("proxy_continue_stream", Keys),
    ("proxy_log", Record),
    ("proxy_define_metric", Record),
    ("proxy_increment_metric", Record),
    ("proxy_record_metric", Record),
    ("proxy_call_foreign_function", Signatures),
];

/// Checks the restrictions of all plugins in Envoy configurations.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for plugin in model.envoy_plugins() {
        let shares = |other: &&Part<'_>| vm_key(other) == vm_key(&plugin.part);
        for restricted in model.wasm.iter().filter(shares) {
            restriction(restricted, plugin, findings);
        }
    }
}

/// What tells VMs apart, as far as it is here.
fn vm_key<'a>(config: &Part<'a>) -> (Option<&'a str>, [Option<&'a serde_json::Value>; 2]) {
    let of_vm = |name| config.path(["vm_config", name]).map(|part| part.value);
    (vm_id(config), [of_vm("code"), of_vm("configuration")])
}

fn restriction(config: &Part<'_>, plugin: &Plugin<'_>, findings: &mut Findings) {
    let Some(list) = config.path(["capability_restriction_config", "allowed_capabilities"]) else { return };
    let allowed: Vec<&str> = list.members().into_iter().map(|(name, _)| name).collect();
    if allowed.is_empty() {
        return;
    }
    let fetches = !plugin.outline.key_endpoints.is_empty();
    let shares_proofs = !plugin.outline.issuers_sharing_proofs.is_empty();
    let is_needed = |purpose: Purpose| match purpose {
        Keys => fetches,
        Data => fetches || shares_proofs,
        _ => true,
    };
    let is_missing = |(name, purpose): &&(&str, Purpose)| !allowed.contains(name) && is_needed(*purpose);
    for code in [Code::CapabilityMissing, Code::CapabilityRecord, Code::CapabilitySignatures] {
        let missing: Vec<_> = NEEDED.iter().filter(is_missing).filter(|(_, purpose)| purpose.code() == code).collect();
        let Some((first, _)) = missing.first() else { continue };
        let names = missing.iter().map(|(name, _)| *name);
        let mut purposes: Vec<Purpose> = missing.iter().map(|(_, purpose)| *purpose).collect();
        purposes.dedup();
        let purposes: Vec<&str> = purposes.into_iter().map(Purpose::phrase).collect();
        let lines: String = names.map(|name| format!("\n{name}: {{}}")).collect();
        let others = match missing.len().saturating_sub(1) {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let what =
            format!("this list lacks `{first}`{others}, which the plugin needs to {}", purposes.join(", and to "));
        let help = format!("remove `capability_restriction_config`, or add to `allowed_capabilities`:{lines}");
        findings.add(code, &list, &what, &help);
    }
}
