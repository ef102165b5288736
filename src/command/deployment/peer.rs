//! Client certificates, if the plugin reads them (`peer: { from: tls }`).

use countersign_core::request::PeerSource;

use super::codes::Code;
use super::findings::Findings;
use super::json_view::Part;
use super::model::Model;
use super::validation::{accepts_untrusted, contexts, validates_names};

const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/// Checks all connection managers whose plugin reads client certificates.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for manager in &model.managers {
        let has = |source| manager.plugins().any(|plugin| plugin.outline.peer == source);
        let Some(chain) = &manager.filter_chain else { continue };
        let tls = downstream_tls(chain);
        if has(PeerSource::AnyCertificate) {
            asked(chain, tls.as_ref(), findings);
        }
        if has(PeerSource::ValidatedCertificate) {
            validated(model, chain, tls.as_ref(), findings);
        }
    }
}

fn downstream_tls<'a>(chain: &Part<'a>) -> Option<Part<'a>> {
    chain.path(["transport_socket", "typed_config"])?.message_of(TLS)
}

/// `certificate: any`: the client should send a certificate. Nothing in it is believed, so any may be accepted.
fn asked(chain: &Part<'_>, tls: Option<&Part<'_>>, findings: &mut Findings) {
    match tls {
        None => {
            let what = "this filter chain has no TLS, but the plugin has `peer: { from: tls }`";
            let help = "write a DownstreamTlsContext, or `peer: { from: none }`";
            findings.add(Code::ClientCertificate, chain, what, help);
        }
        Some(tls) if !tls.flag("require_client_certificate") => {
            let what = "`require_client_certificate` is not true, but the plugin has `peer: { from: tls }`";
            findings.add(Code::ClientCertificate, tls, what, "write:\nrequire_client_certificate: true");
        }
        Some(_) => {}
    }
}

/// `certificate: validated`: whoever presents a certificate, a trusted authority has signed what it says.
fn validated(model: &Model<'_>, chain: &Part<'_>, tls: Option<&Part<'_>>, findings: &mut Findings) {
    const HELP: &str = "write in the validation context:\ntrusted_ca: { filename: /etc/envoy/clients-ca.pem }";
    let Some(tls) = tls else {
        let what = "this filter chain has no TLS, but the plugin has `certificate: validated`";
        findings.add(Code::PeerUnasked, chain, what, "write a DownstreamTlsContext, or `peer: { from: none }`");
        return;
    };
    let contexts = contexts(model, tls);
    if contexts.is_empty() && !tls.flag("require_client_certificate") {
        let what = "there is no validation context, so Envoy asks for no client certificate";
        findings.add(Code::PeerUnasked, tls, what, HELP);
    } else if contexts.iter().all(|(_, known)| *known) && !contexts.iter().any(|(context, _)| validates_names(context))
    {
        let what = "what client certificates say is not validated, but the plugin has `certificate: validated`";
        findings.add(Code::PeerUnverified, contexts.first().map_or(tls, |(context, _)| context), what, HELP);
    }
    for untrusted in contexts.iter().filter_map(|(context, _)| accepts_untrusted(context)) {
        let what = "ACCEPT_UNTRUSTED accepts any certificate, but the plugin has `certificate: validated`";
        findings.add(Code::PeerUnverified, &untrusted, what, "remove it, or write `certificate: any`");
    }
}
