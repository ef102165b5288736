//! Client certificates, where the plugin believes them (`peer: { from: tls }`).

use countersign::config::PeerSource;

use super::codes::Code;
use super::findings::Findings;
use super::model::{HttpConnectionManager, Model};
use super::part::Part;

const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/// What makes Envoy check a certificate.
const TRUST: [&str; 5] = [
    "trusted_ca",
    "ca_certificate_provider_instance",
    "verify_certificate_spki",
    "verify_certificate_hash",
    "custom_validator_config",
];

/// Judges all connection managers whose plugin believes the TLS peer.
pub fn judge(model: &Model<'_>, findings: &mut Findings) {
    for manager in &model.managers {
        if manager.plugins().any(|plugin| plugin.settings.peer == PeerSource::Tls) {
            transport(model, manager, findings);
        }
    }
}

fn transport(model: &Model<'_>, manager: &HttpConnectionManager<'_>, findings: &mut Findings) {
    let Some(chain) = &manager.filter_chain else { return };
    let socket = chain.path(["transport_socket", "typed_config"]);
    let Some(tls) = socket.and_then(|socket| socket.message_of(TLS)) else {
        let what = "this filter chain has no TLS, and the plugin has `peer: { from: tls }`";
        findings.add(Code::ClientCertificate, chain, what, "write a DownstreamTlsContext, or `peer: { from: none }`");
        return;
    };
    if !tls.flag("require_client_certificate") {
        let what = "`require_client_certificate` is not true, and the plugin has `peer: { from: tls }`";
        findings.add(Code::ClientCertificate, &tls, what, "write:\nrequire_client_certificate: true");
    }
    let contexts = contexts(model, &tls);
    let asked = !contexts.is_empty() || tls.flag("require_client_certificate");
    if asked && contexts.iter().all(|(_, known)| *known) && !contexts.iter().any(|(context, _)| is_checked(context)) {
        let what = "no certificate of a client is checked here";
        let help = "write in the validation context:\ntrusted_ca: { filename: /etc/envoy/clients-ca.pem }";
        findings.add(Code::PeerUnverified, contexts.first().map_or(&tls, |(context, _)| context), what, help);
    }
    for (context, _) in &contexts {
        if context.is_value("trust_chain_verification", "ACCEPT_UNTRUSTED", 1) {
            let untrusted = context.member("trust_chain_verification");
            let what = "ACCEPT_UNTRUSTED takes any certificate, and the plugin has `peer: { from: tls }`";
            findings.add(Code::PeerUnverified, untrusted.as_ref().unwrap_or(context), what, "remove it");
        }
    }
}

fn is_checked(context: &Part<'_>) -> bool {
    TRUST.iter().any(|name| context.member(name).is_some())
}

/// The validation contexts that bear on a TLS context, and whether each could be read: a secret may not be here.
fn contexts<'a>(model: &Model<'a>, tls: &Part<'a>) -> Vec<(Part<'a>, bool)> {
    let Some(common) = tls.member("common_tls_context") else { return Vec::new() };
    let own = common.member("validation_context");
    let combined = common.path(["combined_validation_context", "default_validation_context"]);
    let mut contexts: Vec<(Part<'a>, bool)> = own.into_iter().chain(combined).map(|part| (part, true)).collect();
    let sds = [
        common.member("validation_context_sds_secret_config"),
        common.path(["combined_validation_context", "validation_context_sds_secret_config"]),
    ];
    let providers = [
        common.member("validation_context_certificate_provider_instance"),
        common.member("validation_context_certificate_provider"),
    ];
    contexts.extend(providers.into_iter().flatten().map(|part| (part, false)));
    for reference in sds.into_iter().flatten() {
        let name = reference.text_of("name");
        let secret = model.secrets.iter().find(|secret| name.is_some() && secret.text_of("name") == name);
        match secret.and_then(|secret| secret.member("validation_context")) {
            Some(context) => contexts.push((context, true)),
            None => contexts.push((reference, false)),
        }
    }
    contexts
}
