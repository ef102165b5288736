//! Client certificates, if the plugin trusts them (`peer: { from: tls }`).

use countersign_core::request::PeerSource;

use super::codes::Code;
use super::findings::Findings;
use super::model::{HttpConnectionManager, Model};
use super::validation::{accepts_untrusted, contexts, is_checked};

const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/// Checks all connection managers whose plugin believes the TLS peer.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in &model.managers {
        if manager.plugins().any(|plugin| plugin.outline.peer == PeerSource::Tls) {
            transport(model, manager, findings);
        }
    }
}

fn transport(model: &Model<'_>, manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    let Some(chain) = &manager.filter_chain else { return };
    let socket = chain.path(["transport_socket", "typed_config"]);
    let Some(tls) = socket.and_then(|socket| socket.message_of(TLS)) else {
        let what = "this filter chain has no TLS, but the plugin has `peer: { from: tls }`";
        findings.add(Code::ClientCertificate, chain, what, "write a DownstreamTlsContext, or `peer: { from: none }`");
        return;
    };
    if !tls.flag("require_client_certificate") {
        let what = "`require_client_certificate` is not true, but the plugin has `peer: { from: tls }`";
        findings.add(Code::ClientCertificate, &tls, what, "write:\nrequire_client_certificate: true");
    }
    let contexts = contexts(model, &tls);
    let asked = !contexts.is_empty() || tls.flag("require_client_certificate");
    if asked && contexts.iter().all(|(_, known)| *known) && !contexts.iter().any(|(context, _)| is_checked(context)) {
        let what = "client certificates are not checked here";
        let help = "write in the validation context:\ntrusted_ca: { filename: /etc/envoy/clients-ca.pem }";
        findings.add(Code::PeerUnverified, contexts.first().map_or(&tls, |(context, _)| context), what, help);
    }
    for untrusted in contexts.iter().filter_map(|(context, _)| accepts_untrusted(context)) {
        let what = "ACCEPT_UNTRUSTED accepts any certificate, but the plugin has `peer: { from: tls }`";
        findings.add(Code::PeerUnverified, &untrusted, what, "remove it");
    }
}
