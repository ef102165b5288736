//! `limits.max_remembered_bytes` bounds an estimate. Here it is compared with what the allocator hands out.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_core::config::Plan;
use countersign_core::enforcement::decide;
use countersign_core::freshness::ProofMemory;
use countersign_core::jose::{SignatureVerifier, TokenMemory, UnverifiedSignature};
use countersign_core::keys::{TrustStore, Verification};
use countersign_core::limits::REMEMBERED_BYTES;
use countersign_core::request::{Headers, RequestParts};
use countersign_core::telemetry::DecisionId;
use countersign_core::time::UnixSeconds;
use serde_json::{Value, json};
use test_harness::clock::unix_seconds;
use test_harness::keys::{KEYS, key_set};
use test_harness::tokens::{ALICE, AUDIENCE, CORP_ISSUER, MDM_ISSUER, Token};

/// Counts the bytes that are handed out, with what an allocator needs for itself: rounding up to 16 bytes, and 8 more.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

fn taken(size: usize) -> usize {
    (size + 8).next_multiple_of(16)
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(taken(layout.size()), Ordering::Relaxed);
        // SAFETY: as the caller of this function promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(taken(layout.size()), Ordering::Relaxed);
        // SAFETY: as the caller of this function promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Believes everything, so that nothing has to be signed.
struct Believing;

impl SignatureVerifier for Believing {
    fn is_genuine(&self, _: &UnverifiedSignature<'_>) -> bool {
        true
    }
}

/// Tokens as they are in use: those of people and of devices, with few claims and with many, and the largest ones.
fn kinds() -> Vec<(&'static str, Token)> {
    let user = || {
        Token::of(ALICE)
            .claim("name", json!("User Number 000007"))
            .claim("department", json!("engineering"))
            .claim("groups", json!(["everyone", "engineering", "on-call"]))
    };
    let list =
        |count: usize| -> Vec<String> { (0..count).map(|at| format!("3f2504e0-4f89-11d3-9a0c-{at:012}")).collect() };
    let nested: Value =
        json!({ "realm_access": { "roles": ["a", "b"] }, "address": { "country": "CH", "city": "Bern" } });
    vec![
        ("a person's", user()),
        ("of 1 KB", user().claim("entitlements", json!(list(10)))),
        ("with nested claims", user().claim("profile", nested)),
        ("of few claims", Token::of(ALICE).without("email").without("groups").without("device_id")),
        ("a device's", Token::about("laptop-1").claim("os", json!("macOS 15.2")).claim("disk_encrypted", json!(true))),
        ("of 200 groups", user().claim("groups", json!(list(200)))),
        ("of 513 scopes", user().claim("scope", json!("a ".repeat(513).trim()))),
        ("of 16 KB", user().claim("entitlements", json!(list(290)))),
    ]
}

/// A configuration that accepts all of these tokens, and reads what configurations usually read.
fn plan() -> Plan {
    let configuration = json!({
        "version": 1,
        "limits": { "max_token_bytes": 65_536 },
        "issuers": { "corp": {
            "issuer": CORP_ISSUER,
            "audiences": [AUDIENCE],
            "typ": ["at+jwt"],
            "keys": { "inline": key_set(&[Arc::clone(&KEYS.corp_es256)]) },
            "principal": { "type": "User", "id": "sub", "groups": { "claim": "groups", "required": false } },
            "facts": {
                "email?": "string",
                "name?": "string",
                "department?": "string",
                "scope": "scopes",
                "profile?": { "address": { "country": "string", "city": "string" } },
            },
        } },
        "devices": { "mdm": {
            "header": "x-device-posture",
            "issuer": MDM_ISSUER,
            "audiences": [AUDIENCE],
            "typ": ["device-posture+jwt"],
            "max_age": "1d",
            "keys": { "inline": key_set(&[Arc::clone(&KEYS.mdm)]) },
            "facts": { "managed": "bool", "score": "long", "os?": "string" },
            "bind": { "token": "device_id", "device": "sub" },
        } },
        "applications": { "shop": { "any_host": true, "routes": { "all": { "path": "/{rest*}", "requires": [] } } } },
        "policies": "@id(\"none\") forbid (principal, action, resource);",
    });
    Plan::compile_value(&configuration).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

/// Decides about a request with the token with this number in it, and remembers what was verified.
fn remember(
    memory: &mut TokenMemory,
    (plan, trust): (&Plan, &TrustStore),
    (header, token): (&str, &Token),
    number: usize,
) {
    let text = token.clone().claim("jti", json!(format!("8f14e45f-ceea-467f-a9b6-{number:012}")));
    let text = text.unsigned(&format!("{number:085}A"));
    let value = if header == "authorization" { format!("Bearer {text}") } else { text };
    let fields = [(":method", "GET"), (":authority", "shop.example.com"), (":path", "/a"), (header, &value)];
    let headers: Headers = fields.into_iter().collect();
    let now = UnixSeconds::new(unix_seconds());
    let verification = Verification { trust, verifier: &Believing, memory: Some(memory), proofs: ProofMemory::NONE };
    let id = DecisionId::derive(&[0; 32], 0, now);
    let mut outcome = decide(plan, verification, RequestParts { headers, ..RequestParts::default() }, now, &id);
    let [verified] =
        outcome.tokens.new.split_off(0).try_into().unwrap_or_else(|_| panic!("{}", outcome.record.to_json()));
    drop(outcome);
    memory.keep(verified, now);
}

/// How many of these tokens a memory of `cap` bytes holds, and the most bytes that it took for them.
fn filled(configured: (&Plan, &TrustStore), token: (&str, &Token), cap: usize) -> (usize, usize) {
    let before = BYTES.load(Ordering::Relaxed);
    let mut memory = TokenMemory::new(cap);
    let (mut most, mut count, mut full_at) = (0, 0, 0);
    // Once the memory is full, each new token takes the place of an old one.
    while count < full_at + 500 {
        remember(&mut memory, configured, token, count);
        count += 1;
        let taken = BYTES.load(Ordering::Relaxed) - before;
        if taken > most {
            (most, full_at) = (taken, count);
        }
    }
    (full_at, most)
}

/// One test, because nothing else may use memory meanwhile.
#[test]
fn the_memory_of_tokens_takes_the_bytes_that_it_may_take() {
    let plan = plan();
    let trust = TrustStore::new(plan.key_sources(), 0);
    let cap = REMEMBERED_BYTES.default;
    for (kind, token) in kinds() {
        let (header, key) =
            if kind == "a device's" { ("x-device-posture", &KEYS.mdm) } else { ("authorization", &KEYS.corp_es256) };
        let (count, taken) = filled((&plan, &trust), (header, &token.key(key)), cap);
        let share = taken as f64 / cap as f64;
        println!("{kind}: {count} tokens take {share:.2} of the cap, {} bytes each", taken / count);
        assert!((0.85..=1.15).contains(&share), "{kind}: {count} tokens take {share:.2} of {cap} bytes");
    }
}
