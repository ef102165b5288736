//! Options of the connection manager that affect the decision, or requests that are left without an answer.
//!
//! Two of its path options matter, because a runtime setting decides if they are unset.
//!
//! | option | unset | what it does before the plugin sees the path |
//! |---|---|---|
//! | `normalize_path` | runtime `http_connection_manager.normalize_path` | resolves dot segments, decodes some escapes |
//! | `path_with_escaped_slashes_action` | runtime `http_connection_manager.path_with_escaped_slashes_action` | refuses, keeps or decodes `%2F` and `%5C` |
//! | `merge_slashes` | off, whatever the runtime says | makes one of several slashes; the plugin refuses `//` otherwise |
//!
//! Any value of them is safe, because the upstream gets the path that was decided; they differ in the paths that are rejected.

use countersign_core::request::AddressSource;

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::{HttpConnectionManager, Model};

/// Checks all connection managers that have the plugin.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in model.managers.iter().filter(|manager| manager.has_plugin()) {
        idle(manager, findings);
        path(&manager.part, findings);
        address(manager, findings);
    }
}

fn idle(manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    const HELP: &str = "write, for example:\nstream_idle_timeout: 60s";
    match manager.part.member("stream_idle_timeout") {
        None => findings.add(
            Code::StreamIdleTimeout,
            &manager.part,
            "`stream_idle_timeout` has its default of 5 minutes",
            HELP,
        ),
        Some(timeout) if is_zero(&timeout) => {
            findings.add(Code::StreamIdleTimeout, &timeout, "`stream_idle_timeout` is disabled", HELP);
        }
        Some(_) => {}
    }
    let is_off = |part: &Part<'_>| part.member("idle_timeout").is_some_and(|timeout| is_zero(&timeout));
    for action in manager.routes.iter().flat_map(|routes| routes.find(&is_off)) {
        if let Some(timeout) = action.member("idle_timeout") {
            let what = "this route disables `stream_idle_timeout`";
            findings.add(Code::StreamIdleTimeout, &timeout, what, "write a length of time, or remove it");
        }
    }
}

fn is_zero(duration: &Part<'_>) -> bool {
    let text = duration.text().map(|text| text.trim_end_matches('s'));
    text.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| matches!(byte, b'0' | b'.')))
}

fn path(manager: &Part<'_>, findings: &mut Findings) {
    let normalize = manager.member("normalize_path").is_some();
    let slashes = "path_with_escaped_slashes_action";
    let slashes_set =
        manager.member(slashes).is_some() && !manager.is_value(slashes, "IMPLEMENTATION_SPECIFIC_DEFAULT", 0);
    let unset = match (normalize, slashes_set) {
        (true, true) => return,
        (false, true) => "`normalize_path` is unset",
        (true, false) => "`path_with_escaped_slashes_action` is unset",
        (false, false) => "`normalize_path` and `path_with_escaped_slashes_action` are unset",
    };
    let help = "write what the upstream expects; to forward paths as the client sends them, write:\nnormalize_path: false\n\
                merge_slashes: false\npath_with_escaped_slashes_action: KEEP_UNCHANGED";
    findings.add(Code::PathOptions, manager, unset, help);
}

fn address(manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    let part = &manager.part;
    if part.member("use_remote_address").is_some() || !part.list("original_ip_detection_extensions").is_empty() {
        return;
    }
    for plugin in manager.plugins() {
        match plugin.outline.client_address {
            AddressSource::None => {}
            AddressSource::Connection => {
                let what =
                    "`use_remote_address` is unset, and the plugin takes the client's address from the connection";
                let help = "write, where clients connect to this listener:\nuse_remote_address: true\nor in the plugin's \
                            configuration:\nclient_address: { from: none }";
                findings.add(Code::ClientAddress, part, what, help);
            }
            AddressSource::TrustedXff if part.member("xff_num_trusted_hops").is_some() => {}
            AddressSource::TrustedXff => {
                let what = "neither `use_remote_address` nor `xff_num_trusted_hops` says which proxies are trusted";
                let help = "write, with the number of your proxies before this one:\nuse_remote_address: true\n\
                            xff_num_trusted_hops: 1";
                findings.add(Code::ClientAddress, part, what, help);
            }
        }
    }
}
