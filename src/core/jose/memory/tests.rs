use std::rc::Rc;

use serde_json::json;

use super::{TokenMemory, weight};
use crate::jose::{
    Algorithm, KeySet, PresentedToken, SignatureVerifier, TokenForm, UnverifiedSignature, VerifiedToken,
};
use crate::limits::TOKEN_BYTES;
use crate::portable;
use crate::refusal::Reason;
use crate::testing::{self, KEY_ID, NOW, key, key_set, later, other_key};
use crate::time::UnixSeconds;

/// A verifier that must not be asked.
struct Unasked;

impl SignatureVerifier for Unasked {
    fn is_genuine(&self, _: &UnverifiedSignature<'_>) -> bool {
        panic!("a signature is verified again");
    }
}

fn keys() -> KeySet {
    key_set(&key(Algorithm::Es256), Some(KEY_ID))
}

/// The token of a number, verified.
fn verified(number: usize) -> Rc<VerifiedToken> {
    let text = testing::token(&testing::claims(json!({ "jti": format!("{number:04}") })));
    let token = PresentedToken::read(TokenForm::JWT, text.as_bytes(), TOKEN_BYTES.default, None).ok().unwrap();
    token.verify(&keys(), &crate::jose::Portable).unwrap()
}

#[portable]
fn a_token_is_known_by_all_of_its_bytes() {
    let mut memory = TokenMemory::new(1 << 20);
    let token = verified(1);
    assert!(memory.get(token.text()).is_none());
    memory.keep(Rc::clone(&token), NOW);
    assert!(memory.get(token.text()).is_some_and(|known| Rc::ptr_eq(&known, &token)));
    for place in [0, 10, token.text().len() / 2, token.text().len() - 1] {
        let mut other = token.text().to_vec();
        other[place] ^= 1;
        assert!(memory.get(&other).is_none(), "{place}");
    }
    for other in [&b""[..], b"short", &token.text()[1..], &token.text()[..token.text().len() - 1]] {
        assert!(memory.get(other).is_none());
    }
}

#[portable]
fn a_known_token_is_not_verified_again_while_its_key_is_trusted() {
    let known = || PresentedToken::Known(verified(1));
    assert!(known().verify(&keys(), &Unasked).is_ok());
    // The same key in another set, under another name, for a token that names none of it.
    let other = key_set(&other_key(), Some(KEY_ID));
    let refused = known().verify(&other, &crate::jose::Portable).map_err(|refusal| refusal.reason);
    assert_eq!(refused.err(), Some(Reason::TokenSignature), "another key has the name of its key now");
    let gone = key_set(&key(Algorithm::Es256), Some("another-id"));
    assert_eq!(known().verify(&gone, &Unasked).map_err(|refusal| refusal.reason).err(), Some(Reason::TokenKey));
}

#[portable]
fn the_memory_holds_a_token_that_fits_exactly_and_none_that_is_a_byte_larger() {
    let token = verified(1);
    for (max, held) in [(weight(&token), 1), (weight(&token) - 1, 0), (0, 0)] {
        let mut memory = TokenMemory::new(max);
        memory.keep(Rc::clone(&token), NOW);
        assert_eq!((memory.len(), memory.bytes), (held, held * weight(&token)), "{max}");
    }
}

#[portable]
fn a_full_memory_stays_within_its_bytes_and_keeps_what_is_used() {
    let (often, first) = (verified(0), verified(1));
    let max = 10 * weight(&often);
    let mut memory = TokenMemory::new(max);
    memory.keep(Rc::clone(&often), NOW);
    memory.keep(Rc::clone(&first), NOW);
    for number in 2..60 {
        assert!(memory.get(often.text()).is_some(), "{number}");
        memory.keep(verified(number), NOW);
        assert!(memory.bytes <= max && memory.len() <= 10, "{number}: {} of {max}", memory.bytes);
    }
    assert!(memory.len() >= 8, "{}", memory.len());
    assert!(memory.get(first.text()).is_none(), "no request used it again");
}

#[portable]
fn expired_tokens_make_room_although_the_memory_is_not_full() {
    let mut memory = TokenMemory::new(1 << 20);
    for number in 0..20 {
        memory.keep(verified(number), NOW);
    }
    let much_later: UnixSeconds = later(NOW, 86_400);
    for number in 20..40 {
        memory.keep(verified(number), much_later);
    }
    assert!(memory.len() <= 20, "{}", memory.len());
}

#[portable]
fn a_token_is_remembered_once_whichever_key_it_was_verified_with_last() {
    let mut memory = TokenMemory::new(1 << 20);
    memory.keep(verified(1), NOW);
    memory.keep(verified(2), NOW);
    let again = verified(1);
    // ES256 signatures are deterministic here, so the bytes are equal.
    memory.keep(Rc::clone(&again), NOW);
    assert_eq!(memory.len(), 2);
    assert!(memory.get(again.text()).is_some_and(|known| Rc::ptr_eq(&known, &again)));
}
