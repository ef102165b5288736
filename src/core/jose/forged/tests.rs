use super::{Entry, Forgery, ForgeryMemory};
use crate::jose::{Algorithm, HostVerifier, KeySet, PresentedToken, TokenForm};
use crate::limits::{FORGERY_REMEMBERED, MAX_FORGERIES, MAX_FORGERY_BYTES, TOKEN_BYTES};
use crate::portable;
use crate::refusal::Reason;
use crate::testing::{self, KEY_ID, NOW, key, key_set, later, other_key};
use crate::time::UnixSeconds;
use serde_json::json;

fn keys() -> KeySet {
    key_set(&key(Algorithm::Es256), Some(KEY_ID))
}

fn good() -> String {
    testing::token(&testing::claims(json!({ "jti": "0001" })))
}

/// A token with one character of the signature changed. The place is from the end.
fn damaged(token: &str, place: usize) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let byte = bytes.iter_mut().nth_back(place).unwrap();
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// Whether a token is accepted with these keys, and whether its signature was verified for that. What is found is
/// remembered.
fn verified(memory: &mut ForgeryMemory, keys: &KeySet, token: &str, now: UnixSeconds) -> (bool, bool) {
    let inner = HostVerifier::default();
    let verifier = memory.before(&inner, now);
    let token = PresentedToken::read(TokenForm::JWT, token.as_bytes(), TOKEN_BYTES.default, None).ok().unwrap();
    let result = token.verify(keys, &verifier).map_err(|refusal| refusal.reason);
    assert!(matches!(result, Ok(_) | Err(Reason::TokenSignature)));
    for forgery in verifier.into_found() {
        memory.keep(forgery, now);
    }
    (result.is_ok(), inner.take_tally().by_plugin == 1)
}

#[portable]
fn a_forged_signature_is_verified_once_in_ten_seconds() {
    let mut memory = ForgeryMemory::new(usize::MAX);
    let bad = damaged(&good(), 40);
    let over = NOW.plus(FORGERY_REMEMBERED);
    let last = later(over, -1);
    assert_eq!(verified(&mut memory, &keys(), &bad, NOW), (false, true));
    assert_eq!(verified(&mut memory, &keys(), &bad, NOW), (false, false));
    assert_eq!(verified(&mut memory, &keys(), &bad, last), (false, false));
    assert_eq!(verified(&mut memory, &keys(), &bad, over), (false, true), "and remembered again");
    assert_eq!(verified(&mut memory, &keys(), &bad, over), (false, false));
    assert_eq!(memory.entries.len(), 1);
    assert_eq!(verified(&mut memory, &keys(), &bad, NOW), (false, true), "the clock stepped back");
    assert_eq!(memory.entries.len(), 1);
}

#[portable]
fn a_genuine_token_passes_whatever_forgeries_of_it_are_remembered() {
    let mut memory = ForgeryMemory::new(usize::MAX);
    for place in 3..80 {
        assert_eq!(verified(&mut memory, &keys(), &damaged(&good(), place), NOW), (false, true), "{place}");
    }
    let other_text = testing::token(&testing::claims(json!({ "jti": "0002" })));
    let (text, signature) = (other_text.rsplit_once('.').unwrap().0, good());
    let moved = format!("{text}.{}", signature.rsplit_once('.').unwrap().1);
    assert_eq!(verified(&mut memory, &keys(), &moved, NOW), (false, true));
    for token in [good(), other_text] {
        assert_eq!(verified(&mut memory, &keys(), &token, NOW), (true, true));
        assert_eq!(verified(&mut memory, &keys(), &token, NOW), (true, true), "a genuine token is not this memory's");
    }
}

#[portable]
fn a_token_that_a_new_key_has_signed_passes_at_once() {
    let mut memory = ForgeryMemory::new(usize::MAX);
    let claims = testing::claims(json!({}));
    let token = other_key().sign_claims(Some(KEY_ID), Some("JWT"), &claims).unwrap();
    let new = key_set(&other_key(), Some(KEY_ID));
    assert_eq!(verified(&mut memory, &keys(), &token, NOW), (false, true));
    assert_eq!(verified(&mut memory, &keys(), &token, NOW), (false, false));
    assert_eq!(verified(&mut memory, &new, &token, NOW), (true, true));
    // The old key again: what was found about it still holds.
    assert_eq!(verified(&mut memory, &keys(), &token, NOW), (false, false));
}

/// A forgery of this number and weight.
fn forgery(number: usize, weight: usize) -> Forgery {
    let empty = Forgery::of((Algorithm::Es256, "", b"", b""));
    let mut message = number.to_le_bytes().to_vec();
    message.resize(weight.checked_sub(empty.weight()).unwrap(), 0);
    Forgery { message, ..empty }
}

fn holds(memory: &ForgeryMemory, number: usize, weight: usize) -> bool {
    memory.knows(forgery(number, weight).parts(), NOW)
}

#[portable]
fn so_many_forgeries_are_remembered_and_the_oldest_makes_room_for_one_more() {
    let mut memory = ForgeryMemory::new(usize::MAX);
    let weight = 300;
    for number in 0..MAX_FORGERIES {
        memory.keep(forgery(number, weight), NOW);
    }
    assert!((0..MAX_FORGERIES).all(|number| holds(&memory, number, weight)));
    memory.keep(forgery(MAX_FORGERIES, weight), NOW);
    assert!(!holds(&memory, 0, weight));
    assert!((1..=MAX_FORGERIES).all(|number| holds(&memory, number, weight)));
}

#[portable]
fn the_memory_is_full_at_its_bytes_and_not_one_past() {
    let half = MAX_FORGERY_BYTES / 2;
    for (second, held) in [(half, [true, true]), (half + 1, [false, true])] {
        let mut memory = ForgeryMemory::new(usize::MAX);
        memory.keep(forgery(1, half), NOW);
        memory.keep(forgery(2, second), NOW);
        assert_eq!([holds(&memory, 1, half), holds(&memory, 2, second)], held);
        let bytes: usize = memory.entries.iter().map(|Entry { forgery, .. }| forgery.weight()).sum();
        assert!(bytes <= MAX_FORGERY_BYTES);
    }
    for (max, weight, held) in
        [(MAX_FORGERY_BYTES, MAX_FORGERY_BYTES, true), (usize::MAX, MAX_FORGERY_BYTES + 1, false), (999, 1_000, false)]
    {
        let mut memory = ForgeryMemory::new(max);
        memory.keep(forgery(1, weight), NOW);
        assert_eq!(holds(&memory, 1, weight), held, "{weight} of {max}");
    }
}

#[portable]
fn with_no_bytes_nothing_is_remembered() {
    let bad = damaged(&good(), 40);
    for mut memory in [ForgeryMemory::new(0), ForgeryMemory::default()] {
        assert_eq!(verified(&mut memory, &keys(), &bad, NOW), (false, true));
        assert_eq!(verified(&mut memory, &keys(), &bad, NOW), (false, true));
        assert!(memory.entries.is_empty());
    }
}

/// With a host that verifies: natively there is one.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn what_a_host_says_is_remembered_and_nothing_where_it_fails() {
    use std::cell::Cell;
    use std::rc::Rc;

    use crate::jose::{HostSignatures, Tally};

    /// Right about everything, until it fails.
    struct Host(Rc<Cell<bool>>);
    impl HostSignatures for Host {
        fn verify_signature(&self, question: &[u8]) -> Option<Vec<u8>> {
            (!self.0.get()).then(|| envoy_signatures::verify_signature(question))
        }
    }

    let fails = Rc::new(Cell::new(false));
    let (host, declined) = HostVerifier::prove(Box::new(Host(Rc::clone(&fails))), Algorithm::ALL);
    assert_eq!(declined, []);
    let bad = damaged(&good(), 40);
    let mut memory = ForgeryMemory::new(usize::MAX);
    let refused_by = |memory: &mut ForgeryMemory| {
        let verifier = memory.before(&host, NOW);
        let token = PresentedToken::read(TokenForm::JWT, bad.as_bytes(), TOKEN_BYTES.default, None).ok().unwrap();
        assert_eq!(token.verify(&keys(), &verifier).err().map(|refusal| refusal.reason), Some(Reason::TokenSignature));
        verifier.into_found().into_iter().for_each(|forgery| memory.keep(forgery, NOW));
        host.take_tally()
    };
    fails.set(true);
    let failed = Tally { by_plugin: 1, host_failures: 1, by_host: 0 };
    assert_eq!([refused_by(&mut memory), refused_by(&mut memory)], [failed, failed]);
    fails.set(false);
    let by_host = Tally { by_host: 1, ..Tally::default() };
    assert_eq!([refused_by(&mut memory), refused_by(&mut memory)], [by_host, Tally::default()]);
}
