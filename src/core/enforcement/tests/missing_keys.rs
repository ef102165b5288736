//! Requests whose keys are missing: which of them may wait, and how the others are refused.

use super::*;
use crate::fetch::Response;
use crate::keys::{Effect, MissingKey, Prospect};
use crate::testing;

/// The configuration with fetched keys for both providers.
fn fetching() -> Plan {
    let mut configuration = configuration();
    let keys = |path: &str| json!({ "url": format!("https://issuer.example{path}"), "cluster": "issuer" });
    configuration["issuers"]["corp"]["keys"] = keys("/corp");
    configuration["devices"]["mdm"]["keys"] = keys("/mdm");
    plan_of(&configuration)
}

/// A store in which only these providers have answered, with these sets.
fn store(plan: &Plan, answered: &[(&str, Value)]) -> TrustStore {
    let mut store = TrustStore::new(plan.key_sources(), 1);
    answer_all(&mut store, answered);
    store
}

/// Answers what is asked for now.
fn answer_all(store: &mut TrustStore, answered: &[(&str, Value)]) {
    for effect in store.tick(None, NOW) {
        let Effect::Send(request) = effect else { continue };
        let answer = answered.iter().find(|(provider, _)| *provider == request.id.provider.as_str());
        if let Some((_, set)) = answer {
            let body = set.to_string().into_bytes();
            let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
            let response = Response { status: 200, headers, body_bytes: body.len(), body };
            store.answered(&request.id, Ok(&response), None, NOW);
        }
    }
}

fn corp_set() -> (&'static str, Value) {
    ("corp", jwk_set(&key(Algorithm::Es256), Some(KEY_ID)))
}

fn mdm_set() -> (&'static str, Value) {
    ("mdm", jwk_set(&other_key(), Some("mdm-key")))
}

fn order(token: &str, posture: Option<&str>) -> RequestParts {
    parts("GET", "/api/orders/7", Some(token), posture, &[])
}

fn decided(trust: &TrustStore, parts: RequestParts) -> Outcome {
    decided_at(&fetching(), trust, parts, NOW)
}

/// Whose key a request may wait for.
fn waits_for(outcome: &Outcome) -> Option<&str> {
    outcome.missing_key.as_deref().filter(|missing| missing.may_come()).map(|missing| missing.provider.as_str())
}

#[portable]
fn with_the_fetched_keys_it_is_decided_as_with_those_in_the_configuration() {
    let trust = store(&fetching(), &[corp_set(), mdm_set()]);
    let got = decided(&trust, order(&alice(json!({})), Some(&posture(json!({})))));
    assert_eq!(set(forwarded(&got), "x-countersign-subject"), Some("alice"));
    assert_eq!(got.missing_key, None);
}

#[portable]
fn a_request_waits_for_the_keys_that_it_needs_one_provider_after_the_other() {
    let request = || order(&alice(json!({})), Some(&posture(json!({}))));
    for (answered, whose) in [(vec![], "corp"), (vec![mdm_set()], "corp"), (vec![corp_set()], "mdm")] {
        let got = decided(&store(&fetching(), &answered), request());
        assert_eq!(waits_for(&got), Some(whose));
        assert_eq!(refusal(&got), code(503, "keys-unavailable"));
        let headers = &refused(&got).headers;
        assert!(headers.contains(&("retry-after".to_owned(), "1".to_owned())), "{headers:?}");
    }
}

#[portable]
fn what_is_refused_whatever_the_keys_say_does_not_wait() {
    let good = posture(json!({}));
    let expired = json!({ "exp": NOW.get() - 3_600 });
    let cases = [
        (parts("GET", "/api/orders/..", Some(&alice(json!({}))), Some(&good), &[]), code(400, "path-ambiguous")),
        (parts("GET", "/nowhere", Some(&alice(json!({}))), Some(&good), &[]), code(403, "route-unknown")),
        (parts("GET", "/api/orders/7", None, Some(&good), &[]), code(401, "credential-missing")),
        (order("a.b.c", Some(&good)), code(401, "token-malformed")),
        (order(&alice(json!({ "iss": "https://other.example" })), Some(&good)), code(401, "token-issuer")),
        (order(&alice(expired), Some(&good)), code(401, "token-expired")),
        (order(&alice(json!({ "aud": "other" })), Some(&good)), code(401, "token-audience")),
        (order(&alice(json!({ "sub": null })), Some(&good)), code(401, "token-claim-missing")),
        (order(&alice(json!({ "groups": "all" })), Some(&good)), code(401, "token-claim-type")),
        (order(&alice(json!({ "device_id": 7 })), Some(&good)), code(401, "token-claim-type")),
        (order(&alice(json!({ "cnf": { "jkt": "x" } })), Some(&good)), code(401, "token-binding")),
        (order(&alice(json!({})), None), code(401, "posture-missing")),
    ];
    let trust = store(&fetching(), &[]);
    for (request, expected) in cases {
        let got = decided(&trust, request);
        assert_eq!((waits_for(&got), refusal(&got)), (None, expected));
    }
    let trust = store(&fetching(), &[corp_set()]);
    let old = NOW.get() - 2 * 86_400;
    for (changes, expected) in [
        (json!({ "iss": "https://other.example" }), "posture-refused"),
        (json!({ "score": "high" }), "posture-refused"),
        (json!({ "sub": "laptop-2" }), "posture-not-bound"),
        (json!({ "iat": old, "exp": old + 60 }), "posture-stale"),
    ] {
        let got = decided(&trust, order(&alice(json!({})), Some(&posture(changes))));
        assert_eq!((waits_for(&got), refusal(&got)), (None, code(401, expected)));
    }
}

#[portable]
fn a_request_that_needs_no_keys_is_forwarded_without_them() {
    let trust = store(&fetching(), &[]);
    let got = decided(&trust, parts("GET", "/healthz", None, None, &[]));
    assert_eq!(got.missing_key, None);
    forwarded(&got);
}

#[portable]
fn a_key_that_a_set_lacks_may_come_until_the_provider_was_asked_about_it() {
    let mut trust = store(&fetching(), &[corp_set(), mdm_set()]);
    let claims = claims(json!({ "groups": ["engineering"], "device_id": "laptop-1" }));
    let token = other_key().sign_claims(Some("rotated"), Some("JWT"), &claims).unwrap();
    let request = || order(&token, Some(&posture(json!({}))));
    let got = decided(&trust, request());
    assert_eq!((waits_for(&got), refusal(&got)), (Some("corp"), code(503, "keys-unavailable")), "the set is young");
    trust.seek(got.missing_key.as_deref().unwrap(), NOW);
    answer_all(&mut trust, &[corp_set()]);
    let got = decided(&trust, request());
    assert_eq!((waits_for(&got), refusal(&got)), (None, code(401, "token-key")));
    let missing = MissingKey {
        provider: crate::provider::ProviderName::new("corp"),
        sought: Some("rotated".to_owned()),
        prospect: Prospect::None,
    };
    assert_eq!(got.missing_key.as_deref(), Some(&missing), "the host counts it");
    // Another one has to wait for the next lookup, and the answer says for how long.
    let token = other_key().sign_claims(Some("newer"), Some("JWT"), &claims).unwrap();
    let got = decided(&trust, order(&token, Some(&posture(json!({})))));
    assert_eq!(refusal(&got), code(503, "keys-unavailable"));
    assert!(refused(&got).headers.contains(&("retry-after".to_owned(), "30".to_owned())));
    let later = testing::later(NOW, 30);
    let got = decided_at(&fetching(), &trust, request(), later);
    assert_eq!((waits_for(&got), refusal(&got)), (Some("corp"), code(503, "keys-unavailable")));
}

#[portable]
fn a_token_without_kid_that_no_key_has_signed_lets_the_provider_be_asked_once() {
    let mut trust = store(&fetching(), &[corp_set(), mdm_set()]);
    let claims = claims(json!({ "groups": ["engineering"], "device_id": "laptop-1" }));
    let token = other_key().sign_claims(None, Some("JWT"), &claims).unwrap();
    let request = || order(&token, Some(&posture(json!({}))));
    let got = decided(&trust, request());
    assert_eq!((waits_for(&got), refusal(&got)), (Some("corp"), code(503, "keys-unavailable")));
    let missing = got.missing_key.as_deref().unwrap();
    assert!(!token.contains(missing.sought.as_deref().unwrap()), "nothing of the token is kept");
    trust.seek(missing, NOW);
    answer_all(&mut trust, &[corp_set()]);
    let got = decided(&trust, request());
    assert_eq!((waits_for(&got), refusal(&got)), (None, code(401, "token-signature")), "it was asked for");
    // The next one waits for its turn, as an unknown `kid` does.
    let next = other_key().sign_claims(None, Some("JWT"), &self::claims(json!({ "jti": "next" }))).unwrap();
    let got = decided(&trust, order(&next, Some(&posture(json!({})))));
    assert_eq!(refusal(&got), code(503, "keys-unavailable"));
    assert!(refused(&got).headers.contains(&("retry-after".to_owned(), "30".to_owned())));
}

#[portable]
fn a_token_without_kid_is_accepted_once_the_set_has_its_key() {
    let mut trust = store(&fetching(), &[corp_set(), mdm_set()]);
    let claims = claims(json!({ "groups": ["engineering"], "device_id": "laptop-1" }));
    let new = key(Algorithm::Ed25519);
    let token = new.sign_claims(None, Some("JWT"), &claims).unwrap();
    let request = || order(&token, Some(&posture(json!({}))));
    let got = decided(&trust, request());
    trust.seek(got.missing_key.as_deref().unwrap(), NOW);
    answer_all(&mut trust, &[("corp", jwk_set(&new, None))]);
    forwarded(&decided(&trust, request()));
}

#[portable]
fn a_forged_token_that_names_a_known_key_is_refused_at_once() {
    let trust = store(&fetching(), &[corp_set(), mdm_set()]);
    let claims = claims(json!({ "groups": ["engineering"], "device_id": "laptop-1" }));
    let forged = other_key().sign_claims(Some(testing::KEY_ID), Some("JWT"), &claims).unwrap();
    let got = decided(&trust, order(&forged, Some(&posture(json!({})))));
    assert_eq!((waits_for(&got), refusal(&got)), (None, code(401, "token-signature")));
}
