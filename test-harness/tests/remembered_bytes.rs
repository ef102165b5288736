//! `limits.max_remembered_bytes` bounds an estimate. Here it is compared with what the allocator hands out.

use std::alloc::{GlobalAlloc, Layout, System};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_core::jose::{
    Algorithm, KeySet, PresentedToken, SignatureVerifier, TokenForm, TokenMemory, UnverifiedSignature, VerifiedToken,
};
use countersign_core::limits::{REMEMBERED_BYTES, TOKEN_BYTES};
use countersign_core::time::UnixSeconds;
use serde_json::{Value, json};
use test_harness::keys::{KEYS, key_set};
use test_harness::tokens::{ALICE, Token};

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

/// Before all of these tokens expire.
const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);

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
        ("of 16 KB", user().claim("entitlements", json!(list(290)))),
    ]
}

/// Remembers the token with this number in it.
fn remember(memory: &mut TokenMemory, keys: &KeySet, token: &Token, number: usize) {
    let text = token.clone().claim("jti", json!(format!("8f14e45f-ceea-467f-a9b6-{number:012}")));
    let text = text.unsigned(&format!("{number:085}A")).into_bytes();
    let presented = PresentedToken::read(TokenForm::JWT, &text, TOKEN_BYTES.max, None)
        .unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let verified: Rc<VerifiedToken> = presented.verify(keys, &Believing).expect("a verified token");
    memory.keep(verified, NOW);
}

/// How many of these tokens a memory of `cap` bytes holds, and the most bytes that it took for them.
fn filled(keys: &KeySet, token: &Token, cap: usize) -> (usize, usize) {
    let before = BYTES.load(Ordering::Relaxed);
    let mut memory = TokenMemory::new(cap);
    let (mut most, mut count, mut full_at) = (0, 0, 0);
    // Once the memory is full, each new token takes the place of an old one.
    while count < full_at + 500 {
        remember(&mut memory, keys, token, count);
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
    let keys = key_set(&[Arc::clone(&KEYS.mdm)]);
    let (keys, _) = KeySet::compile(&keys, Some(&[Algorithm::Es256])).expect("a key set");
    let cap = REMEMBERED_BYTES.default;
    for (kind, token) in kinds() {
        let (count, taken) = filled(&keys, &token.key(&KEYS.mdm), cap);
        let share = taken as f64 / cap as f64;
        println!("{kind}: {count} tokens take {share:.2} of the cap, {} bytes each", taken / count);
        assert!((0.85..=1.15).contains(&share), "{kind}: {count} tokens take {share:.2} of {cap} bytes");
    }
}
