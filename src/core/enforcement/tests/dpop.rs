//! Bound tokens and the proofs of their senders (RFC 9449), from the request to the answer.

use serde_json::{Value, json};

use super::{Outcome, code, decision_id, forwarded, is_removed, plan_of, record, refusal, refused, set};
use crate::config::Plan;
use crate::enforcement::decide;
use crate::freshness::ProofMemory;
use crate::jose::Algorithm;
use crate::keys::{TrustStore, Verification};
use crate::portable;
use crate::request::{Peer, RequestParts};
use crate::testing::{
    AUDIENCE, FakeMemory, ISSUER, KEY_ID, NOW, claims, jwk_set, key, other_key, proof, thumbprint, token,
};

const CERTIFICATE: [u8; 32] = [9; 32];

/// A plan whose issuer has this `sender_constraint` and `dpop`; `null` for none.
fn plan(constraint: &str, dpop: &Value) -> Plan {
    plan_with(constraint, dpop, "enforce")
}

fn plan_with(constraint: &str, dpop: &Value, mode: &str) -> Plan {
    let mut issuer = json!({
        "issuer": ISSUER, "audiences": [AUDIENCE], "typ": ["JWT"], "principal": { "id": "sub" },
        "keys": { "inline": jwk_set(&key(Algorithm::Es256), Some(KEY_ID)) }, "sender_constraint": constraint,
    });
    if !dpop.is_null() {
        issuer["dpop"] = dpop.clone();
    }
    plan_of(&json!({
        "version": 1,
        "issuers": { "corp": issuer },
        "applications": { "shop": {
            "hosts": ["shop.example.com"], "requires": ["corp"],
            "routes": { "root": { "path": "/" }, "bound": { "path": "/bound" } },
        } },
        "policies": concat!(
            "@id(\"root\") permit (principal is corp::User, action, resource == Route::\"shop/root\");\n",
            "@id(\"bound\") permit (principal is corp::User, action, resource == Route::\"shop/bound\")\n",
            "when { context.credential.bound_by == \"dpop\" };",
        ),
        "peer": { "from": "tls" },
        "mode": mode,
    }))
}

/// The token of alice with this `cnf`; `null` for none.
fn bound(confirmation: Value) -> String {
    token(&claims(json!({ "cnf": confirmation })))
}

/// The token that is bound to the client's key.
fn dpop_token() -> String {
    bound(json!({ "jkt": thumbprint(&other_key()) }))
}

fn certificate_token() -> String {
    bound(json!({ "x5t#S256": crate::jose::base64url::encode(&CERTIFICATE) }))
}

fn request(scheme: &str, token: &str, proof: Option<&str>) -> RequestParts {
    request_to("/", scheme, token, proof)
}

fn request_to(path: &str, scheme: &str, token: &str, proof: Option<&str>) -> RequestParts {
    let credential = format!("{scheme} {token}");
    let mut fields = vec![("authorization", credential.as_bytes())];
    fields.extend(proof.map(|proof| ("dpop", proof.as_bytes())));
    let peer = Peer { certificate_sha256: Some(CERTIFICATE), ..Peer::default() };
    RequestParts { peer, ..RequestParts::for_test("GET", "shop.example.com", path, &fields) }
}

/// Decides with this memory of proofs.
fn decided(plan: &Plan, memory: &FakeMemory, parts: RequestParts) -> Outcome {
    let trust = TrustStore::new(plan.key_sources(), 0);
    let proofs = ProofMemory { shared: Some(memory), own: None, seed: &[3; 32] };
    decide(plan, Verification { proofs, ..Verification::by(&trust) }, parts, NOW, &decision_id())
}

fn is_allowed(plan: &Plan, parts: RequestParts) -> bool {
    let outcome = decided(plan, &FakeMemory::default(), parts);
    match refusal_or_none(&outcome) {
        None => true,
        Some((401, reason)) if reason == "token-binding" => false,
        Some(other) => panic!("{other:?}"),
    }
}

fn refusal_or_none(outcome: &Outcome) -> Option<(u16, String)> {
    matches!(outcome.reply, crate::reply::Reply::Answer(_)).then(|| refusal(outcome))
}

#[portable]
fn each_rule_accepts_the_tokens_that_it_names_from_senders_that_prove_them() {
    let (unbound, by_certificate, by_key) = (bound(Value::Null), certificate_token(), dpop_token());
    let own = proof(&other_key(), &by_key, json!({}));
    let rules = [
        ("none", Value::Null, [true, false, false]),
        ("if_bound", Value::Null, [true, true, false]),
        ("if_bound", json!({}), [true, true, true]),
        ("mtls", Value::Null, [false, true, false]),
        ("dpop", json!({}), [false, false, true]),
        ("any", json!({}), [false, true, true]),
    ];
    for (constraint, dpop, expected) in rules {
        let plan = plan(constraint, &dpop);
        let found = [
            is_allowed(&plan, request("Bearer", &unbound, None)),
            is_allowed(&plan, request("Bearer", &by_certificate, None)),
            is_allowed(&plan, request("DPoP", &by_key, Some(&own))),
        ];
        assert_eq!(found, expected, "{constraint} {dpop}");
        // What no rule accepts: a token by the wrong scheme, and one whose sender is another.
        for (scheme, token, with_proof) in [
            ("Bearer", &by_key, None),
            ("Bearer", &by_key, Some(own.clone())),
            ("DPoP", &unbound, Some(proof(&other_key(), &unbound, json!({})))),
            ("DPoP", &by_certificate, Some(proof(&other_key(), &by_certificate, json!({})))),
            ("DPoP", &by_key, Some(proof(&key(Algorithm::Es256), &by_key, json!({})))),
            ("Bearer", &bound(json!({ "x5t#S256": "A".repeat(43) })), None),
        ] {
            assert!(!is_allowed(&plan, request(scheme, token, with_proof.as_deref())), "{constraint} {scheme}");
        }
    }
}

#[portable]
fn a_confirmation_that_is_not_understood_is_never_read_as_none() {
    let key = thumbprint(&other_key());
    for confirmation in [
        Value::Null,
        json!({}),
        json!("x"),
        json!({ "kid": "x" }),
        json!({ "jwk": {} }),
        json!({ "jkt": 7 }),
        json!({ "jkt": "" }),
        json!({ "jkt": "AAAA" }),
        json!({ "jkt": format!("{key}=") }),
        json!({ "jkt": key, "kid": "x" }),
        json!({ "jkt": key, "x5t#S256": key }),
        json!({ "JKT": key }),
    ] {
        let mut all = claims(json!({}));
        all.insert("cnf".to_owned(), confirmation.clone());
        let token = token(&all);
        let own = proof(&other_key(), &token, json!({}));
        for (scheme, proof) in [("Bearer", None), ("DPoP", Some(own.as_str()))] {
            assert!(!is_allowed(&plan("if_bound", &json!({})), request(scheme, &token, proof)), "{confirmation}");
        }
    }
}

#[portable]
fn a_proved_sender_is_known_to_policies_to_the_record_and_to_the_upstream() {
    let token = dpop_token();
    let own = proof(&other_key(), &token, json!({ "htu": "https://shop.example.com/bound" }));
    let plan = plan("if_bound", &json!({}));
    let outcome = decided(&plan, &FakeMemory::default(), request_to("/bound", "DPoP", &token, Some(&own)));
    let forwarding = forwarded(&outcome);
    assert!(!is_removed(forwarding, "authorization") && !is_removed(forwarding, "dpop"), "{forwarding:?}");
    assert_eq!(
        record(&outcome)["authentication"],
        json!({ "issuer": "corp", "method": "dpop", "binding": "dpop", "place": "header authorization" })
    );
    let bearer = bound(Value::Null);
    let outcome = decided(&plan, &FakeMemory::default(), request_to("/bound", "Bearer", &bearer, None));
    assert_eq!(refusal(&outcome), code(403, "not-permitted"));
    let outcome = decided(&plan, &FakeMemory::default(), request("Bearer", &bearer, Some("not looked at")));
    assert!(is_removed(forwarded(&outcome), "dpop"), "nobody verified it");
}

#[portable]
fn a_proof_is_used_once_and_a_refused_request_does_not_use_it_up() {
    let (plan, memory) = (plan("dpop", &json!({})), FakeMemory::default());
    let token = dpop_token();
    let own = proof(&other_key(), &token, json!({}));
    let other = crate::testing::token(&claims(json!({ "cnf": { "jkt": thumbprint(&other_key()) }, "x": 1 })));
    let refused_first = decided(&plan, &memory, request("DPoP", &other, Some(&own)));
    assert_eq!(refusal(&refused_first), code(401, "proof-token"));
    assert_eq!(memory.names(), [""; 0]);
    forwarded(&decided(&plan, &memory, request("DPoP", &token, Some(&own))));
    let replayed = decided(&plan, &memory, request("DPoP", &token, Some(&own)));
    assert_eq!(refusal(&replayed), code(401, "proof-replayed"));
    assert_eq!(record(&replayed)["principal"], Value::Null, "a copy says nothing about its sender");
    let next = proof(&other_key(), &token, json!({ "jti": "2" }));
    forwarded(&decided(&plan, &memory, request("DPoP", &token, Some(&next))));
}

#[portable]
fn a_rehearsal_does_not_name_the_sender_of_a_copy() {
    let (plan, memory) = (plan_with("dpop", &json!({}), "shadow"), FakeMemory::default());
    let token = dpop_token();
    let own = proof(&other_key(), &token, json!({}));
    let first = decided(&plan, &memory, request("DPoP", &token, Some(&own)));
    assert_eq!(set(forwarded(&first), "x-countersign-principal"), Some(r#"corp::User::"alice""#));
    let copy = decided(&plan, &memory, request("DPoP", &token, Some(&own)));
    assert_eq!(record(&copy)["reason"], "proof-replayed");
    assert_eq!(set(forwarded(&copy), "x-countersign-principal"), Some(r#"Anonymous::"anonymous""#));
    assert!(!is_removed(forwarded(&copy), "dpop"), "in a rehearsal it is forwarded as it came");
}

#[portable]
fn a_client_is_given_a_nonce_only_if_nothing_else_is_wrong() {
    let (plan, memory) = (plan("dpop", &json!({ "nonce": "required" })), FakeMemory::default());
    let token = dpop_token();
    let with = |changes: Value| {
        let own = proof(&other_key(), &token, changes);
        decided(&plan, &memory, request("DPoP", &token, Some(&own)))
    };
    let header = |outcome: &Outcome, name: &str| {
        refused(outcome).headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
    };
    let asked = with(json!({}));
    assert_eq!(refusal(&asked), code(401, "proof-nonce"));
    let challenge = header(&asked, "www-authenticate").unwrap();
    assert!(challenge.starts_with(r#"DPoP realm="countersign", algs="ES256", error="use_dpop_nonce""#), "{challenge}");
    let nonce = header(&asked, "dpop-nonce").unwrap();
    forwarded(&with(json!({ "nonce": nonce })));
    let wrong = with(json!({ "htm": "POST" }));
    assert_eq!(refusal(&wrong), code(401, "proof-method"));
    assert_eq!(header(&wrong, "dpop-nonce"), None);
}

#[portable]
fn without_a_memory_no_proof_is_accepted() {
    let plan = plan("dpop", &json!({ "replay": "per_worker" }));
    let token = dpop_token();
    let own = proof(&other_key(), &token, json!({}));
    let outcome = decided(&plan, &FakeMemory::default(), request("DPoP", &token, Some(&own)));
    assert_eq!(refusal(&outcome), code(503, "replay-store-unavailable"));
}

#[portable]
fn caps_on_proofs_hold_at_the_cap_and_one_past_it() {
    use crate::limits::{MAX_PROOF_BYTES, MAX_PROOF_ID_BYTES};
    let plan = plan("dpop", &json!({}));
    let token = dpop_token();
    let with = |own: &str| {
        let outcome = decided(&plan, &FakeMemory::default(), request("DPoP", &token, Some(own)));
        refusal_or_none(&outcome)
    };
    let id = |length: usize| proof(&other_key(), &token, json!({ "jti": "j".repeat(length) }));
    assert_eq!(with(&id(MAX_PROOF_ID_BYTES)), None);
    assert_eq!(with(&id(MAX_PROOF_ID_BYTES + 1)), Some(code(401, "proof-malformed")));
    let padded = |length: usize| proof(&other_key(), &token, json!({ "x": "x".repeat(length) }));
    // base64url has no text of some lengths, so the last that fits is looked for.
    let sizes = (5_400_usize..).map(|length| (length, padded(length).len()));
    let fitting = sizes.take_while(|(_, bytes)| *bytes <= MAX_PROOF_BYTES).last().map(|(length, _)| length).unwrap();
    assert_eq!(with(&padded(fitting)), None);
    assert_eq!(with(&padded(fitting + 1)), Some(code(401, "proof-malformed")));
}
