//! How the plugin's configuration reaches a running Envoy.
//!
//! If a control plane (LDS) replaces a listener, Envoy drains the old one: connections that are open keep its filters,
//! and so the old rules, until they end or the drain time is over. A filter whose configuration is discovered by itself
//! (ECDS) changes for the next request of every connection.

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::{Filter, Model};

const LISTENER: &str = "envoy.config.listener.v3.Listener";
/// Where a configuration dump has the listeners of the bootstrap: those change by a restart only.
const STATIC: [&str; 2] = ["/static_listeners/", "/staticListeners/"];

/// Checks all listeners that a control plane delivers with the plugin's configuration inside.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    let managers = model.managers.iter().filter(|manager| manager.listener.as_ref().is_some_and(is_delivered));
    let filters = managers.flat_map(|manager| &manager.chains).flat_map(|chain| &chain.filters);
    for filter in filters.filter(|filter| has_plugin_inside(filter)) {
        let what = "a control plane delivers the plugin's configuration inside this listener";
        let help = "let Envoy discover the plugin's filter by itself (ECDS): its rules then change \
                    for the next request of every connection; or start Envoy with a short drain time, for example:\n\
                    --drain-time-s 30";
        findings.add(Code::PluginInListener, &filter.part, what, help);
    }
}

/// Whether a listener is a resource of a control plane: in a discovery response, or in a configuration dump.
fn is_delivered(listener: &Part<'_>) -> bool {
    listener.message_of(LISTENER).is_some() && !STATIC.iter().any(|own| listener.pointer.contains(own))
}

fn has_plugin_inside(filter: &Filter<'_>) -> bool {
    filter.plugin.is_some() && filter.part.member("config_discovery").is_none()
}
