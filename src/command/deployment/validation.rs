//! Validation contexts: which certificates of the other side a TLS context takes.

use super::json_view::Part;
use super::model::Model;

/// What makes Envoy check a certificate. `system_root_certs` and the certificate providers are for gRPC: Envoy takes them
/// and checks nothing.
const TRUST: [&str; 4] =
    ["trusted_ca", "verify_certificate_spki", "verify_certificate_hash", "custom_validator_config"];

/// Whether certificates are checked at all by a validation context.
pub fn is_checked(context: &Part<'_>) -> bool {
    TRUST.iter().any(|name| context.member(name).is_some())
}

/// Whether the names in a certificate are validated: an authority signed them, or the whole certificate is pinned. A
/// client whose key alone is pinned can write any name into a certificate for that key.
pub fn validates_names(context: &Part<'_>) -> bool {
    TRUST.iter().any(|name| *name != "verify_certificate_spki" && context.member(name).is_some())
}

/// Where a validation context accepts certificates of any signer.
pub fn accepts_untrusted<'a>(context: &Part<'a>) -> Option<Part<'a>> {
    let untrusted = context.is_value("trust_chain_verification", "ACCEPT_UNTRUSTED", 1);
    context.member("trust_chain_verification").filter(|_| untrusted)
}

/// The validation contexts that bear on a TLS context, and whether each could be read: a secret may not be here.
pub fn contexts<'a>(model: &Model<'a>, tls: &Part<'a>) -> Vec<(Part<'a>, bool)> {
    let Some(common) = tls.member("common_tls_context") else { return Vec::new() };
    let own = common.member("validation_context");
    let combined = common.path(["combined_validation_context", "default_validation_context"]);
    let mut contexts: Vec<(Part<'a>, bool)> = own.into_iter().chain(combined).map(|part| (part, true)).collect();
    let sds = [
        common.member("validation_context_sds_secret_config"),
        common.path(["combined_validation_context", "validation_context_sds_secret_config"]),
    ];
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
