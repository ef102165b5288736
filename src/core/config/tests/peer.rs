//! What connections prove: `peer`, and `peer` in `requires`.

use serde_json::{Value, json};

use super::{assert_problem, document, plan, with};
use crate::limits::MAX_TRUST_DOMAINS;
use crate::portable;
use crate::request::PeerSource;

fn peer(value: Value) -> Value {
    with("/peer", value)
}

#[portable]
fn a_certificate_that_may_be_anyones_is_the_default() {
    for value in [json!({ "from": "tls" }), json!({ "from": "tls", "certificate": "any" })] {
        let (plan, _) = plan(&peer(value));
        assert_eq!((plan.peer, plan.trust_domains.len()), (PeerSource::AnyCertificate, 0));
    }
}

#[portable]
fn workloads_are_known_of_listed_trust_domains() {
    for (value, source) in [
        (json!({ "from": "tls", "certificate": "validated" }), PeerSource::ValidatedCertificate),
        (json!({ "from": "istio-waypoint" }), PeerSource::IstioWaypoint),
    ] {
        assert_eq!(plan(&peer(value.clone())).0.peer, source);
        let mut listed = value;
        listed["trust_domains"] = json!(["example.org", "cluster.local"]);
        let (plan, _) = plan(&peer(listed));
        let names: Vec<&str> = plan.trust_domains.iter().map(crate::spiffe::TrustDomain::as_str).collect();
        assert_eq!((plan.peer, names), (source, vec!["example.org", "cluster.local"]));
    }
}

#[portable]
fn a_trust_domain_is_listed_only_where_uris_are_believed() {
    for value in [
        json!({ "from": "none", "trust_domains": ["example.org"] }),
        json!({ "from": "tls", "trust_domains": ["example.org"] }),
        json!({ "from": "tls", "certificate": "any", "trust_domains": ["example.org"] }),
    ] {
        let help = "write `certificate: validated`";
        assert_problem(&peer(value), "/peer/trust_domains", "contradiction", "the peer's URI is not believed", help);
    }
    for from in ["none", "istio-waypoint"] {
        let value = json!({ "from": from, "certificate": "validated" });
        assert_problem(
            &peer(value),
            "/peer/certificate",
            "contradiction",
            "no client certificate",
            "write `from: tls`",
        );
    }
}

#[portable]
fn a_trust_domain_has_one_spelling() {
    let listed = |names: Value| peer(json!({ "from": "tls", "certificate": "validated", "trust_domains": names }));
    for (name, help) in [
        ("Example.org", "without `spiffe://`"),
        ("example.org:443", "without `spiffe://`"),
        ("spiffe://example.org/ns/a", "write `example.org`"),
        ("*.example.org", "without `spiffe://`"),
    ] {
        assert_problem(&listed(json!([name])), "/peer/trust_domains/0", "bad-value", "is not a trust domain", help);
    }
    assert_problem(&listed(json!([])), "/peer/trust_domains", "empty-list", "the list is empty", "");
    let twice = json!(["example.org", "example.org"]);
    assert_problem(&listed(twice), "/peer/trust_domains/1", "duplicate-value", "twice", "remove one");
    let many = |count: usize| listed((0..count).map(|number| json!(format!("d{number}"))).collect());
    assert_eq!(plan(&many(MAX_TRUST_DOMAINS)).0.trust_domains.len(), MAX_TRUST_DOMAINS);
    assert_problem(&many(MAX_TRUST_DOMAINS + 1), "/peer/trust_domains", "too-large", "at most 100", "");
}

#[portable]
fn a_route_can_require_the_peer_where_there_can_be_workloads() {
    let pointer = "/applications/shop/requires";
    let mut required = with(pointer, json!(["corp", "peer", "mdm"]));
    required["peer"] = json!({ "from": "tls", "certificate": "validated", "trust_domains": ["example.org"] });
    let (plan, _) = plan(&required);
    let requires = &plan.router.applications[0].requires;
    let devices: Vec<&str> = requires.devices.iter().map(crate::provider::ProviderName::as_str).collect();
    let issuer = requires.issuer.as_ref().map(crate::provider::ProviderName::as_str);
    assert_eq!((issuer, requires.peer, devices), (Some("corp"), true, vec!["mdm"]));
    let (plan, _) = super::plan(&document());
    assert!(plan.router.applications.iter().all(|application| !application.requires.peer));
    let element = "/applications/shop/requires/0";
    let help = "list the trust domains";
    assert_problem(&with(pointer, json!(["peer"])), element, "unknown-provider", "no peer is a workload", help);
}
