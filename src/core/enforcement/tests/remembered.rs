//! What was read in remembered tokens is judged again for each request: a table of tokens, senders and times, decided with
//! a memory that holds all of the tokens and without one.

use core::mem;

use serde_json::json;

use super::{alice, configuration, decision_id, forwarded, parts, plan_of, posture, record, refusal};
use crate::enforcement::{Outcome, decide};
use crate::identity::VerifiedTokens;
use crate::jose::{TokenMemory, base64url};
use crate::keys::{TrustStore, Verification};
use crate::portable;
use crate::refusal::Reason;
use crate::request::RequestParts;
use crate::testing::{NOW, later};
use crate::time::UnixSeconds;

const CERTIFICATE: [u8; 32] = [0xab; 32];
const OTHER_CERTIFICATE: [u8; 32] = [0xcd; 32];

#[portable]
fn a_remembered_token_is_judged_as_a_new_one_for_each_sender_device_and_time() {
    let mut all = configuration();
    all["devices"]["mdm"]["max_age"] = json!("30m");
    let plan = plan_of(&all);
    let trust = TrustStore::new(plan.key_sources(), 0);
    let decided = |memory: Option<&TokenMemory>, parts: RequestParts, now: UnixSeconds| {
        decide(&plan, Verification { memory, ..Verification::by(&trust) }, parts, now, &decision_id())
    };
    let bound_to = |certificate: [u8; 32]| json!({ "cnf": { "x5t#S256": base64url::encode(&certificate) } });
    let users = [alice(json!({})), alice(json!({ "device_id": "laptop-2" })), alice(bound_to(CERTIFICATE))];
    let devices = [posture(json!({})), posture(json!({ "sub": "laptop-2" })), posture(bound_to(CERTIFICATE))];
    let request = |user: &str, device: &str, certificate: Option<[u8; 32]>| {
        let mut parts = parts("GET", "/api/orders/7", Some(user), Some(device), &[]);
        parts.peer.certificate_sha256 = certificate;
        parts
    };
    let mut memory = TokenMemory::new(1 << 20);
    let mut remember = |outcome: &mut Outcome| {
        let VerifiedTokens { new, .. } = mem::take(&mut outcome.tokens);
        new.into_iter().for_each(|token| memory.keep(token, NOW));
    };
    // Each token once, with a partner and a sender that fit it.
    remember(&mut decided(None, request(&users[0], &devices[0], None), NOW));
    remember(&mut decided(None, request(&users[1], &devices[1], None), NOW));
    remember(&mut decided(None, request(&users[2], &devices[2], Some(CERTIFICATE)), NOW));
    assert_eq!(memory.len(), users.len() + devices.len());

    let tokens: Vec<&str> = users.iter().chain(&devices).map(String::as_str).collect();
    // Too early, now, posture is stale, the user's token has expired.
    let times = [later(NOW, -86_400), NOW, later(NOW, 2_000), later(NOW, 86_400)];
    let mut seen = Vec::new();
    // Any token in any place: those in the other one's place are refused as what they are.
    for (user, device) in tokens.iter().flat_map(|user| tokens.iter().map(move |device| (*user, *device))) {
        for certificate in [None, Some(CERTIFICATE), Some(OTHER_CERTIFICATE)] {
            for now in times {
                let new = decided(None, request(user, device, certificate), now);
                let known = decided(Some(&memory), request(user, device, certificate), now);
                assert_eq!((&known.reply, &known.record), (&new.reply, &new.record));
                assert!(known.tokens.new.is_empty(), "a signature is verified again");
                seen.push(record(&new)["reason"].as_str().expect("a code").to_owned());
            }
        }
    }
    let refusals = [
        Reason::TokenNotYetValid,
        Reason::TokenExpired,
        Reason::TokenBinding,
        Reason::TokenIssuer,
        Reason::PostureStale,
        Reason::PostureNotBound,
        Reason::PostureRefused,
    ];
    for wanted in refusals.iter().map(|reason| reason.code()).chain(["permitted"]) {
        assert!(seen.iter().any(|reason| reason == wanted), "the table has no request that ends with {wanted}");
    }
}

#[portable]
fn a_remembered_token_serves_every_route_by_what_the_route_requires() {
    let plan = plan_of(&configuration());
    let trust = TrustStore::new(plan.key_sources(), 0);
    let mut memory = TokenMemory::new(1 << 20);
    let (user, device) = (alice(json!({})), posture(json!({})));
    let get = |path: &str, posture: Option<&str>| parts("GET", path, Some(&user), posture, &[]);
    let verification = Verification::by(&trust);
    let first = decide(&plan, verification, get("/api/orders/7", Some(&device)), NOW, &decision_id());
    forwarded(&first);
    first.tokens.new.into_iter().for_each(|token| memory.keep(token, NOW));
    let verification = Verification { memory: Some(&memory), ..verification };
    let without_device = decide(&plan, verification, get("/api/orders/7", None), NOW, &decision_id());
    assert_eq!(refusal(&without_device), super::code(401, "posture-missing"));
}

/// What `docs/tokens.md` says of the memory's size, in Envoy. Natively types are larger.
#[portable]
fn a_token_of_a_kilobyte_takes_some_three() {
    let plan = plan_of(&configuration());
    let trust = TrustStore::new(plan.key_sources(), 0);
    let user = alice(json!({
        "email": "alice@example.com", "name": "Alice Example", "department": "engineering",
        "groups": ["engineering", "staff", "admins"], "scope": "a1b2c3d4 ".repeat(55),
    }));
    assert!((950..1_250).contains(&user.len()), "{}", user.len());
    let mut memory = TokenMemory::new(1 << 20);
    let outcome = decide(
        &plan,
        Verification::by(&trust),
        parts("GET", "/api/orders/7", Some(&user), Some(&posture(json!({}))), &[]),
        NOW,
        &decision_id(),
    );
    let [user, _] = outcome.tokens.new.try_into().expect("two tokens");
    memory.keep(user, NOW);
    let range = if cfg!(target_arch = "wasm32") { 2_500..=3_500 } else { 3_000..=4_000 };
    assert!(range.contains(&memory.bytes()), "{}", memory.bytes());
}
