//! Listeners whose plugin reads client certificates.

use super::cases::CASES as OTHERS;
use super::{Case, GOOD, NONE, check_cases, codes, codes_of, findings_of, with};

const CONTEXT: &str = "validation_context: { trusted_ca: { filename: ca.pem } }";

/// [`GOOD`] with a plugin that believes what client certificates say.
fn validated() -> String {
    let text = with(GOOD, "\"from\": \"tls\"", "\"from\": \"tls\", \"certificate\": \"validated\"");
    with(&text, "          require_client_certificate: true\n", "")
}

/// Faults of it, one at a time.
pub const CASES: &[Case] = &[
    Case {
        code: "peer-unverified",
        from: "{ filename: ca.pem }",
        to: "{ filename: ca.pem }, trust_chain_verification: ACCEPT_UNTRUSTED",
        line: "validation_context",
    },
    Case {
        code: "peer-unverified",
        from: "trusted_ca: { filename: ca.pem }",
        to: "crl: { filename: crl.pem }",
        line: "validation_context",
    },
    Case {
        code: "peer-unverified",
        from: "common_tls_context: { validation_context: { trusted_ca: { filename: ca.pem } } }",
        to: "require_client_certificate: true\n          common_tls_context: { validation_context_certificate_provider_instance: { instance_name: default } }",
        line: "typed_config",
    },
    Case {
        code: "peer-unverified",
        from: "trusted_ca: { filename: ca.pem }",
        to: "verify_certificate_spki: [aaaa]",
        line: "validation_context",
    },
    Case { code: "peer-unasked", from: CONTEXT, to: "alpn_protocols: [h2]", line: "typed_config" },
    Case { code: "peer-unasked", from: "transport_socket:", to: "other:", line: "- filters" },
];

#[test]
fn each_fault_is_found_at_its_place() {
    assert_eq!(codes(&validated()), NONE);
    check_cases(&validated(), CASES);
}

#[test]
fn a_pinned_certificate_and_a_validator_of_spiffe_bundles_validate_as_well() {
    for context in
        ["verify_certificate_hash: [aaaa]", "custom_validator_config: { name: envoy.tls.cert_validator.spiffe }"]
    {
        assert_eq!(codes(&with(&validated(), "trusted_ca: { filename: ca.pem }", context)), NONE, "{context}");
    }
}

#[test]
fn where_nothing_in_a_certificate_is_believed_it_need_not_be_validated() {
    let untrusted = "trusted_ca: { filename: ca.pem }, trust_chain_verification: ACCEPT_UNTRUSTED";
    for context in [untrusted, "crl: { filename: crl.pem }", "verify_certificate_spki: [aaaa]"] {
        assert_eq!(codes(&with(GOOD, "trusted_ca: { filename: ca.pem }", context)), NONE, "{context}");
    }
}

#[test]
fn a_peer_that_is_not_read_needs_no_certificate() {
    let unread = with(GOOD, "\"from\": \"tls\"", "\"from\": \"none\"");
    for case in OTHERS.iter().filter(|case| case.code == "client-certificate") {
        assert_eq!(codes(&with(&unread, case.from, case.to)), NONE, "{}", case.to);
    }
    let unread = with(&validated(), "\"from\": \"tls\", \"certificate\": \"validated\"", "\"from\": \"none\"");
    for case in CASES {
        assert_eq!(codes(&with(&unread, case.from, case.to)), NONE, "{}", case.to);
    }
}

#[test]
fn the_trusted_authority_can_be_in_a_secret() {
    let by_name = with(&validated(), CONTEXT, "validation_context_sds_secret_config: { name: clients }");
    assert_eq!(codes(&by_name), NONE, "a secret that is not here is not judged");
    let secret = |context: &str| {
        format!(
            "resources: [{{ \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: clients, validation_context: {{ {context} }} }}]"
        )
    };
    let together = |context: &str| codes_of(&findings_of(&[&by_name, &secret(context)]));
    assert_eq!(together("trusted_ca: { filename: ca.pem }"), NONE);
    assert_eq!(together("trusted_ca: {}, trust_chain_verification: ACCEPT_UNTRUSTED"), ["peer-unverified"]);
    assert_eq!(together(""), ["peer-unverified"]);
}
