use core::mem;

use serde_json::{Map, Value, json};

use super::{Outcome, decide, decide_at, decide_without_plan};
use crate::config::Plan;
use crate::jose::{Algorithm, ForgeryMemory, HostVerifier, TokenMemory};
use crate::keys::{TrustStore, Verification};
use crate::portable;
use crate::reply::{Answer, Forwarding, Reply};
use crate::request::RequestParts;
use crate::telemetry::DecisionId;
use crate::testing::{AUDIENCE, ISSUER, KEY_ID, NOW, claims, jwk_set, key, other_key, token};
use crate::time::UnixSeconds;

mod challenges;
mod devices;
mod doors;
mod dpop;
mod given;
mod groups;
mod missing_keys;
#[cfg(not(target_arch = "wasm32"))]
mod records;
mod rehearsal;
mod remembered;
mod rfc9449;
mod times;
mod tokens;
mod workloads;

const DEVICE_ISSUER: &str = "https://devices.example";

const POLICIES: &str = r#"
@id("read") @advice("Ask your manager to add you to the engineering group.")
permit (principal in corp::Group::"engineering", action in Action::"read", resource in Application::"shop")
when { context.mdm.managed && context.mdm.score >= 60 };

@id("freeze") @advice("Orders are frozen. Try again tomorrow.")
forbid (principal, action in Action::"write", resource == Route::"shop/order")
when { context.http_request.query like "*frozen*" };

@id("health")
permit (principal is Anonymous, action in Action::"read", resource == Route::"shop/health");

@id("browsers")
permit (principal is Anonymous, action == Action::"preflight", resource == Route::"shop/order");
"#;

fn configuration() -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": ISSUER, "audiences": [AUDIENCE], "typ": ["JWT"],
            "keys": { "inline": jwk_set(&key(Algorithm::Es256), Some(KEY_ID)) },
            "principal": { "id": "sub", "groups": "groups" },
            "facts": { "device_id?": "string" },
        } },
        "devices": { "mdm": {
            "header": "x-device-posture", "issuer": DEVICE_ISSUER, "audiences": "absent", "typ": ["JWT"],
            "keys": { "inline": jwk_set(&other_key(), Some("mdm-key")) },
            "max_age": "24h", "facts": { "managed": "bool", "score": "long" },
            "bind": { "token": "device_id", "device": "sub" },
        } },
        "applications": { "shop": {
            "hosts": ["shop.example.com"], "requires": ["corp", "mdm"],
            "routes": {
                "order": { "path": "/api/orders/{id}", "methods": ["GET", "PUT"] },
                "health": { "path": "/healthz", "requires": [] },
            },
        } },
        "policies": POLICIES,
        "identity_headers": { "x-device-id": { "fact": "corp.device_id" }, "x-jwt-payload": { "payload": "corp" } },
        "peer": { "from": "tls" },
    })
}

fn plan_of(configuration: &Value) -> Plan {
    Plan::compile(configuration.to_string().as_bytes()).unwrap_or_else(|problems| panic!("{problems:#?}")).0
}

fn plan() -> Plan {
    plan_of(&configuration())
}

fn decision_id() -> DecisionId {
    DecisionId::derive(&[7; 32], 1, NOW)
}

/// A token of alice, an engineer, on the device `laptop-1`.
fn alice(changes: Value) -> String {
    let mut all = json!({ "groups": ["engineering"], "device_id": "laptop-1" });
    merge(&mut all, changes);
    token(&claims(all))
}

fn posture(changes: Value) -> String {
    let mut all = json!({ "iss": DEVICE_ISSUER, "aud": null, "sub": "laptop-1", "managed": true, "score": 80 });
    merge(&mut all, changes);
    signed_posture(&claims(all))
}

fn signed_posture(claims: &Map<String, Value>) -> String {
    other_key().sign_claims(Some("mdm-key"), Some("JWT"), claims).unwrap()
}

fn merge(all: &mut Value, changes: Value) {
    if let (Value::Object(all), Value::Object(changes)) = (all, changes) {
        all.extend(changes);
    }
}

/// A request with an access token and posture, where they are given, and further fields.
fn parts(method: &str, path: &str, token: Option<&str>, posture: Option<&str>, more: &[(&str, &str)]) -> RequestParts {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut fields: Vec<(&str, &[u8])> = more.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    fields.extend(bearer.as_deref().map(|value| ("authorization", value.as_bytes())));
    fields.extend(posture.map(|value| ("x-device-posture", value.as_bytes())));
    RequestParts::for_test(method, "shop.example.com", path, &fields)
}

fn outcome(plan: &Plan, parts: RequestParts) -> Outcome {
    decided_at(plan, &TrustStore::new(plan.key_sources(), 0), parts, NOW)
}

/// Decides without a memory, and again with all that was found first remembered, genuine and forged: the outcome is the
/// same, and no signature is verified again.
fn decided_at(plan: &Plan, trust: &TrustStore, parts: RequestParts, now: UnixSeconds) -> Outcome {
    let (mut tokens, mut forgeries) = (TokenMemory::new(1 << 20), ForgeryMemory::new(usize::MAX));
    let asked = HostVerifier::default();
    let nothing = ForgeryMemory::default();
    let verifier = nothing.before(&asked, now);
    let mut first = decide(
        plan,
        Verification { verifier: &verifier, ..Verification::by(trust) },
        parts.clone(),
        now,
        &decision_id(),
    );
    mem::take(&mut first.tokens.new).into_iter().for_each(|token| tokens.keep(token, now));
    let found = verifier.into_found();
    let is_forged = !found.is_empty();
    found.into_iter().for_each(|forgery| forgeries.keep(forgery, now));
    asked.take_tally();
    let verifier = forgeries.before(&asked, now);
    let remembering = Verification { verifier: &verifier, memory: Some(&tokens), ..Verification::by(trust) };
    let second = decide(plan, remembering, parts, now, &decision_id());
    assert_eq!(first.reply, second.reply, "a remembered token changes the reply");
    assert_eq!(first.record, second.record, "a remembered token changes the record");
    assert_eq!(second.tokens.new.len(), 0, "a remembered token is verified again");
    assert!(!is_forged || asked.take_tally().by_plugin == 0, "a forged signature is verified again");
    first
}

fn forwarded(outcome: &Outcome) -> &Forwarding {
    match &outcome.reply {
        Reply::Forward(forwarding) => forwarding,
        Reply::Answer(answer) => panic!("refused: {answer:?}"),
    }
}

fn refused(outcome: &Outcome) -> &Answer {
    match &outcome.reply {
        Reply::Answer(answer) => answer,
        Reply::Forward(forwarding) => panic!("forwarded: {forwarding:?}"),
    }
}

/// Status and code of a refusal, after a look at what every refusal must be.
fn refusal(outcome: &Outcome) -> (u16, String) {
    let answer = refused(outcome);
    let body: Value = serde_json::from_str(&answer.body).expect("a problem document");
    let record = record(outcome);
    assert_eq!(record["decision"], "deny");
    assert_eq!(record["reason"], body["code"], "the answer and the record name one reason");
    assert_eq!(record["status"], answer.status);
    assert_eq!(record["decision_id"], body["decision_id"]);
    (answer.status, body["code"].as_str().expect("a code").to_owned())
}

fn record(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.record.to_json()).expect("one JSON object")
}

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn set<'a>(forwarding: &'a Forwarding, name: &str) -> Option<&'a str> {
    forwarding.set().find(|(field, _)| *field == name).and_then(|(_, value)| str::from_utf8(value).ok())
}

fn is_removed(forwarding: &Forwarding, name: &str) -> bool {
    forwarding.remove().any(|removed| removed == name)
}

#[portable]
fn an_engineer_on_a_healthy_device_reads_and_the_upstream_learns_who() {
    let outcome = outcome(
        &plan(),
        parts(
            "GET",
            "/api/orders/7",
            Some(&alice(json!({}))),
            Some(&posture(json!({}))),
            &[("X_Device_Id", "spoofed")],
        ),
    );
    let forwarding = forwarded(&outcome);
    assert_eq!(set(forwarding, "x-countersign-principal"), Some(r#"corp::User::"alice""#));
    assert_eq!(set(forwarding, "x-countersign-groups"), Some("engineering"));
    assert_eq!(set(forwarding, "x-device-id"), Some("laptop-1"));
    assert_eq!(set(forwarding, "x-countersign-decision-id"), Some(decision_id().as_str()));
    assert!(is_removed(forwarding, "X_Device_Id"), "{forwarding:?}");
    assert!(is_removed(forwarding, "x-device-posture"), "posture is not forwarded by default");
    assert!(!is_removed(forwarding, "authorization"), "a verified token is forwarded by default");
    let record = record(&outcome);
    assert_eq!(record["decision"], "allow");
    assert_eq!(record["reason"], "permitted");
    assert_eq!(record["policies"], json!(["read"]));
    assert_eq!(record["principal"], r#"corp::User::"alice""#);
    assert_eq!(record["route"], "order");
    assert_eq!(record["path"], "/api/orders/{id}");
    let evidence = json!({
        "state": "verified", "age": 60, "bound": true, "device": "laptop-1", "reason": null, "detail": null
    });
    assert_eq!(record["evidence"]["mdm"], evidence);
    assert_eq!(
        record["authentication"],
        json!({ "issuer": "corp", "method": "bearer", "binding": "none", "place": "header authorization" })
    );
}

#[portable]
fn nobody_gets_in_without_a_token_and_a_device() {
    let plan = plan();
    let (token, device) = (alice(json!({})), posture(json!({})));
    let get = |token, posture| refusal(&outcome(&plan, parts("GET", "/api/orders/7", token, posture, &[])));
    assert_eq!(get(None, None), code(401, "credential-missing"));
    assert_eq!(get(None, Some(device.as_str())), code(401, "credential-missing"));
    assert_eq!(get(Some(token.as_str()), None), code(401, "posture-missing"));
}

#[portable]
fn a_refusal_for_lack_of_posture_still_records_who_asked() {
    let outcome = outcome(&plan(), parts("GET", "/api/orders/7", Some(&alice(json!({}))), None, &[]));
    let record = record(&outcome);
    assert_eq!(record["principal"], r#"corp::User::"alice""#);
    assert_eq!(record["evidence"]["mdm"]["state"], "missing");
    assert_eq!(record["evidence"]["mdm"]["reason"], "posture-missing");
}

#[portable]
fn stale_posture_is_absent_and_forged_or_borrowed_posture_is_refused() {
    let plan = plan();
    let token = alice(json!({}));
    let get = |posture: &str| outcome(&plan, parts("GET", "/api/orders/7", Some(&token), Some(posture), &[]));
    let now = NOW.get();

    let expired = get(&posture(json!({ "iat": now - 600, "exp": now - 61 })));
    assert_eq!(refusal(&expired), code(401, "posture-stale"));
    assert_eq!(record(&expired)["evidence"]["mdm"]["state"], "stale");
    assert_eq!(record(&expired)["evidence"]["mdm"]["age"], 600);
    let old = get(&posture(json!({ "iat": now - 200_000, "exp": now + 60 })));
    assert_eq!(refusal(&old), code(401, "posture-stale"));

    let by_another_key = key(Algorithm::Es256)
        .sign_claims(Some("mdm-key"), Some("JWT"), &claims(json!({ "iss": DEVICE_ISSUER, "sub": "laptop-1" })))
        .unwrap();
    let forged = get(&by_another_key);
    assert_eq!(refusal(&forged), code(401, "posture-refused"));
    assert_eq!(record(&forged)["evidence"]["mdm"]["state"], "refused");
    assert_eq!(record(&forged)["detail"], "token-signature");
    assert_eq!(refusal(&get("nonsense")), code(401, "posture-refused"));
    assert_eq!(refusal(&get(&posture(json!({ "score": "80" })))), code(401, "posture-refused"));
    assert_eq!(refusal(&get(&posture(json!({ "aud": AUDIENCE })))), code(401, "posture-refused"));

    assert_eq!(refusal(&get(&posture(json!({ "sub": "laptop-2" })))), code(401, "posture-not-bound"));
    assert_eq!(refusal(&get(&posture(json!({ "sub": null })))), code(401, "posture-not-bound"));
}

#[portable]
fn posture_cannot_be_tied_to_a_token_without_the_claim() {
    let token = alice(json!({ "device_id": null }));
    let got = outcome(&plan(), parts("GET", "/api/orders/7", Some(&token), Some(&posture(json!({}))), &[]));
    assert_eq!(refusal(&got), code(401, "posture-not-bound"));
}

#[portable]
fn an_access_token_is_no_posture_and_posture_is_no_access_token() {
    let plan = plan();
    let (token, device) = (alice(json!({})), posture(json!({})));
    let swapped = parts("GET", "/api/orders/7", Some(&device), Some(&token), &[]);
    assert_eq!(refusal(&outcome(&plan, swapped)), code(401, "token-issuer"));
    let twice = parts("GET", "/api/orders/7", Some(&token), Some(&token), &[]);
    assert_eq!(refusal(&outcome(&plan, twice)), code(401, "posture-refused"));
}

#[portable]
fn forged_posture_is_refused_even_where_no_rule_asks_for_it() {
    let got = outcome(&plan(), parts("GET", "/healthz", None, Some("nonsense"), &[]));
    assert_eq!(refusal(&got), code(401, "posture-refused"));
}

#[portable]
fn a_verified_caller_learns_what_to_do_and_anonymous_learns_nothing() {
    let plan = plan();
    let outsider = alice(json!({ "groups": [] }));
    let got = outcome(&plan, parts("GET", "/api/orders/7", Some(&outsider), Some(&posture(json!({}))), &[]));
    assert_eq!(refusal(&got), code(403, "not-permitted"));
    assert!(
        refused(&got).body.contains("Ask your manager"),
        "a caller who lacks only the group gets the advice: {got:?}"
    );
    assert_eq!(record(&got)["near_misses"], json!([{ "policy": "read", "failed_conditions": 1 }]));

    let unmanaged = posture(json!({ "managed": false, "score": 10 }));
    let got = outcome(&plan, parts("GET", "/api/orders/7", Some(&alice(json!({}))), Some(&unmanaged), &[]));
    assert_eq!(refusal(&got), code(403, "not-permitted"));
    assert!(refused(&got).body.contains("Ask your manager"), "{got:?}");
    assert_eq!(record(&got)["near_misses"][0]["policy"], "read");

    let frozen = parts("PUT", "/api/orders/7?frozen", Some(&alice(json!({}))), Some(&posture(json!({}))), &[]);
    let got = outcome(&plan, frozen);
    assert_eq!(refusal(&got), code(403, "forbidden-by-policy"));
    assert!(refused(&got).body.contains("frozen"), "{got:?}");
    assert_eq!(record(&got)["policies"], json!(["freeze"]));

    let mut open = configuration();
    open["applications"]["shop"]["routes"]["order"]["requires"] = json!([]);
    open["policies"] = json!(POLICIES.replace(
        "when { context.mdm.managed && context.mdm.score >= 60 }",
        "when { context has mdm && context.mdm.managed && context.mdm.score >= 60 }"
    ));
    let got = outcome(&plan_of(&open), parts("GET", "/api/orders/7", None, None, &[]));
    assert_eq!(refusal(&got), code(401, "credential-missing"));
    assert!(!refused(&got).body.contains("advice"), "{got:?}");
    assert_eq!(record(&got)["principal"], r#"Anonymous::"anonymous""#);
}

#[portable]
fn health_is_open_to_anonymous_and_spoofed_identity_is_still_removed() {
    let plan = plan();
    let spoofed = [("x-countersign-principal", "root"), ("X_Forwarded_User", "root")];
    let got = outcome(&plan, parts("GET", "/healthz", None, None, &spoofed));
    let forwarding = forwarded(&got);
    assert_eq!(set(forwarding, "x-countersign-principal"), Some(r#"Anonymous::"anonymous""#));
    assert!(is_removed(forwarding, "X_Forwarded_User"));
    assert_eq!(refusal(&outcome(&plan, parts("POST", "/healthz", None, None, &[]))), code(403, "method-not-listed"));
}

#[portable]
fn a_preflight_carries_no_credential_and_is_a_matter_of_policy() {
    let plan = plan();
    let preflight = [("origin", "https://app.example.com"), ("access-control-request-method", "PUT")];
    let got = outcome(&plan, parts("OPTIONS", "/api/orders/7", None, None, &preflight));
    forwarded(&got);
    assert_eq!(record(&got)["action"], "preflight");
    // Credentials on a preflight are neither verified nor forwarded.
    let got = outcome(&plan, parts("OPTIONS", "/api/orders/7", Some("nonsense"), Some("nonsense"), &preflight));
    assert!(is_removed(forwarded(&got), "authorization"));
    assert!(is_removed(forwarded(&got), "x-device-posture"));
    let preflight = [("origin", "https://app.example.com"), ("access-control-request-method", "GET")];
    let got = outcome(&plan, parts("OPTIONS", "/healthz", None, None, &preflight));
    assert_eq!(refusal(&got), code(401, "credential-missing"));
}

#[portable]
fn what_matches_no_route_is_refused() {
    let plan = plan();
    assert_eq!(refusal(&outcome(&plan, parts("GET", "/elsewhere", None, None, &[]))), code(403, "route-unknown"));
    assert_eq!(
        refusal(&outcome(&plan, parts("DELETE", "/api/orders/7", None, None, &[]))),
        code(403, "method-not-listed")
    );
    let other_host = RequestParts::for_test("GET", "other.example.com", "/healthz", &[]);
    assert_eq!(refusal(&outcome(&plan, other_host)), code(403, "application-unknown"));
    assert_eq!(refusal(&outcome(&plan, parts("GET", "//healthz", None, None, &[]))), code(400, "path-ambiguous"));
}

#[portable]
fn a_token_bound_to_a_certificate_is_accepted_only_with_that_certificate() {
    let plan = plan();
    let digest = [0xab; 32];
    let thumbprint = crate::jose::base64url::encode(&digest);
    let get = |confirmation: Value, certificate: Option<[u8; 32]>| {
        let token = alice(json!({ "cnf": confirmation }));
        let mut parts = parts("GET", "/api/orders/7", Some(&token), Some(&posture(json!({}))), &[]);
        parts.peer.certificate_sha256 = certificate;
        outcome(&plan, parts)
    };
    let bound = get(json!({ "x5t#S256": thumbprint }), Some(digest));
    forwarded(&bound);
    assert_eq!(record(&bound)["authentication"]["binding"], "certificate");
    for (confirmation, certificate) in [
        (json!({ "x5t#S256": thumbprint }), None),
        (json!({ "x5t#S256": thumbprint }), Some([0xac; 32])),
        (json!({ "x5t#S256": "" }), Some(digest)),
        (json!({ "x5t#S256": 7 }), Some(digest)),
        (json!({ "x5t#S256": thumbprint, "jkt": "x" }), Some(digest)),
        (json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }), Some(digest)),
        (json!({}), Some(digest)),
        (json!("x"), Some(digest)),
    ] {
        let got = get(confirmation.clone(), certificate);
        assert_eq!(refusal(&got), code(401, "token-binding"), "{confirmation}");
    }
}

#[portable]
fn a_token_whose_groups_are_kept_elsewhere_is_refused() {
    let plan = plan();
    for changes in [
        json!({ "_claim_names": { "groups": "src1" } }),
        json!({ "_claim_names": [] }),
        json!({ "hasgroups": true }),
        json!({ "hasgroups": "true" }),
    ] {
        let token = alice(changes.clone());
        let got = outcome(&plan, parts("GET", "/api/orders/7", Some(&token), Some(&posture(json!({}))), &[]));
        assert_eq!(refusal(&got), code(401, "token-group-overage"), "{changes}");
    }
}

#[portable]
fn a_principal_is_a_string_under_the_cap_without_control_characters() {
    let plan = plan();
    let get = |changes: Value| {
        outcome(&plan, parts("GET", "/api/orders/7", Some(&alice(changes)), Some(&posture(json!({}))), &[]))
    };
    for subject in ["a".repeat(1_024).as_str(), r#"x" } || true //"#, "ä::\"b", "corp::User::\"root\""] {
        forwarded(&get(json!({ "sub": subject })));
    }
    assert_eq!(refusal(&get(json!({ "sub": null }))), code(401, "token-claim-missing"));
    for subject in [json!(""), json!("a".repeat(1_025)), json!("a\r\nx"), json!("a\u{0}"), json!(7), json!(["alice"])] {
        assert_eq!(refusal(&get(json!({ "sub": subject }))), code(401, "token-claim-type"), "{subject}");
    }
    for groups in [json!("engineering"), json!([7]), json!([""]), json!({ "engineering": true })] {
        assert_eq!(refusal(&get(json!({ "groups": groups }))), code(401, "token-claim-type"), "{groups}");
    }
    let many = |count: usize| (0..count).map(|index| format!("g{index}")).collect::<Vec<_>>();
    assert_eq!(refusal(&get(json!({ "groups": many(1_000) }))), code(403, "not-permitted"));
    assert_eq!(refusal(&get(json!({ "groups": many(1_001) }))), code(401, "token-claim-type"));
}

#[portable]
fn a_token_of_another_issuer_does_not_serve_a_route_that_requires_this_one() {
    let mut two = configuration();
    two["issuers"]["partner"] = json!({
        "issuer": "https://partner.example", "audiences": [AUDIENCE], "typ": ["JWT"],
        "keys": { "inline": jwk_set(&key(Algorithm::Es384), Some("partner-key")) },
        "principal": { "id": "sub" },
    });
    let token = key(Algorithm::Es384)
        .sign_claims(Some("partner-key"), Some("JWT"), &claims(json!({ "iss": "https://partner.example" })))
        .unwrap();
    let got = outcome(&plan_of(&two), parts("GET", "/api/orders/7", Some(&token), Some(&posture(json!({}))), &[]));
    assert_eq!(refusal(&got), code(401, "credential-not-for-route"));
}

#[portable]
fn without_a_configuration_everything_is_refused() {
    let parts = parts("GET", "/healthz", None, None, &[]);
    assert_eq!(refusal(&decide_without_plan(&parts, NOW, &decision_id())), code(503, "not-configured"));
}

#[portable]
fn a_kept_header_is_forwarded_in_its_own_spelling_and_an_added_one_is_not() {
    let mut changed = configuration();
    changed["request_headers"] = json!({ "remove": ["x-acme-*"], "keep": ["x-user-id"] });
    let sent = ["x-user-id", "x_user_id", "x-user-email", "x-acme-role", "x-other"].map(|name| (name, "7"));
    let got = outcome(&plan_of(&changed), parts("GET", "/healthz", None, None, &sent));
    assert_eq!(forwarded(&got).remove().collect::<Vec<_>>(), ["x-acme-role", "x-user-email", "x_user_id"]);
}

#[portable]
fn no_answer_and_no_record_holds_any_part_of_a_token() {
    let plan = plan();
    let now = NOW.get();
    let tokens = [
        alice(json!({})),
        alice(json!({ "exp": now - 3_600 })),
        alice(json!({ "iss": "https://attacker.example/secret-issuer" })),
        // The record shows `aud`, which is not secret, and nothing else of the token.
        alice(json!({ "aud": "another-audience", "jti": "secret-id", "sub": "secret-subject" })),
        alice(json!({ "sub": 7 })),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzZWNyZXQifQ.c2VjcmV0".to_owned(),
    ];
    for token in &tokens {
        for posture in [Some(posture(json!({}))), Some(posture(json!({ "iss": "secret-issuer" }))), None] {
            let got = outcome(&plan, parts("GET", "/api/orders/7", Some(token), posture.as_deref(), &[]));
            let shown = match &got.reply {
                Reply::Answer(answer) => format!("{answer:?} {}", got.record.to_json()),
                Reply::Forward(_) => got.record.to_json(),
            };
            for secret in
                token.split('.').chain(posture.iter().flat_map(|posture| posture.split('.'))).chain(["secret-"])
            {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}
