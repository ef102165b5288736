//! `sender_constraint` and `dpop`.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, with};
use crate::config::{Outline, Plan};
use crate::freshness::MemoryScope;
use crate::jose::Algorithm;
use crate::portable;
use crate::profile::{DpopRule, Scheme, SenderRule};
use crate::time::Seconds;

/// The document with these members of the issuer, and with facts about the TLS peer.
fn issuer(constraint: Value, dpop: Value) -> Value {
    let mut document = also(document(), "/peer", json!({ "from": "tls" }));
    for (name, value) in [("sender_constraint", constraint), ("dpop", dpop)] {
        if !value.is_null() {
            document = also(document, &format!("/issuers/corp/{name}"), value);
        }
    }
    document
}

fn rule(document: &Value) -> SenderRule {
    let (Plan { issuers, .. }, _) = plan(document);
    issuers[0].sender.clone()
}

fn defaults() -> DpopRule {
    DpopRule {
        algorithms: vec![Algorithm::Es256],
        max_age: Seconds::new(60),
        external_scheme: Scheme::Https,
        nonce_required: false,
        replay: MemoryScope::Shared,
    }
}

#[portable]
fn each_word_is_a_rule_of_its_own() {
    let all = json!({
        "algorithms": ["EdDSA", "RS256"], "max_age": "300s", "external_scheme": "http", "nonce": "required",
        "replay": "per_worker",
    });
    let written = DpopRule {
        algorithms: vec![Algorithm::Ed25519, Algorithm::Rs256],
        max_age: Seconds::new(300),
        external_scheme: Scheme::Http,
        nonce_required: true,
        replay: MemoryScope::PerWorker,
    };
    for (constraint, dpop, expected) in [
        (Value::Null, Value::Null, SenderRule::IfBound(None)),
        (Value::Null, json!({}), SenderRule::IfBound(Some(defaults()))),
        (json!("if_bound"), all.clone(), SenderRule::IfBound(Some(written.clone()))),
        (json!("none"), Value::Null, SenderRule::Unbound),
        (json!("mtls"), Value::Null, SenderRule::Certificate),
        (json!("dpop"), all, SenderRule::Dpop(written)),
        (json!("any"), json!({}), SenderRule::Any(defaults())),
    ] {
        assert_eq!(rule(&issuer(constraint.clone(), dpop)), expected, "{constraint}");
    }
}

#[portable]
fn contradictions_are_errors() {
    let problem = |document: &Value, place: &str, message: &str, help: &str| {
        assert_problem(document, &format!("/issuers/corp/{place}"), "contradiction", message, help);
    };
    for constraint in ["none", "mtls"] {
        let document = issuer(json!(constraint), json!({}));
        problem(&document, "dpop", "accepts no DPoP-bound token", "remove `dpop`");
    }
    for constraint in ["dpop", "any"] {
        let document = issuer(json!(constraint), Value::Null);
        problem(&document, "sender_constraint", "there is no `dpop`", "add `dpop: {}`");
    }
    for (constraint, dpop) in [("mtls", Value::Null), ("any", json!({}))] {
        for from in ["none", "istio-waypoint"] {
            let document = also(issuer(json!(constraint), dpop.clone()), "/peer", json!({ "from": from }));
            problem(&document, "sender_constraint", "`peer` reports no certificate", "peer: { from: tls }");
        }
    }
    let forbidden = also(issuer(json!("mtls"), Value::Null), "/issuers/corp/forbid_claims", json!(["cnf"]));
    problem(&forbidden, "forbid_claims/0", "cnf", "");
}

#[portable]
fn values_are_accepted_in_their_ranges_alone() {
    for (member, value, code) in [
        ("max_age", json!("0s"), "out-of-range"),
        ("max_age", json!("301s"), "out-of-range"),
        ("algorithms", json!([]), "empty-list"),
        ("algorithms", json!(["none"]), "bad-value"),
        ("algorithms", json!(["HS256"]), "bad-value"),
        ("external_scheme", json!("ftp"), "bad-value"),
        ("nonce", json!("on"), "bad-value"),
        ("replay", json!("none"), "bad-value"),
    ] {
        let document = issuer(json!("dpop"), json!({ member: value }));
        let place = if value.as_array().is_some_and(|list| !list.is_empty()) { "/0" } else { "" };
        assert_problem(&document, &format!("/issuers/corp/dpop/{member}{place}"), code, "", "");
    }
}

#[portable]
fn the_outline_names_the_issuers_whose_proofs_are_shared() {
    let shared = |document: &Value| Outline::read(document).issuers_sharing_proofs;
    assert_eq!(shared(&issuer(Value::Null, json!({}))), ["corp"]);
    assert_eq!(shared(&issuer(json!("dpop"), json!({ "replay": "per_worker" }))), [""; 0]);
    assert_eq!(shared(&with("/mode", json!("enforce"))), [""; 0]);
}
