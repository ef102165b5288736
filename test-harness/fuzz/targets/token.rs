//! Tokens: the compact form as a client sends it, and payloads as a provider signs them.
//!
//! An input that begins with `@` and the letter of a signer is a payload that is signed; any other is a token.

#![no_main]

use countersign_core::jose::{
    ClaimPath, Portable, PresentedToken, Rounding, UnverifiedProof, UnverifiedToken, VerifiedToken,
};
use countersign_core::keys::{NotVerified, TrustStore, Verification};
use countersign_core::limits::{MAX_PROOF_BYTES, TOKEN_BYTES};
use countersign_core::profile::{FactField, FactValue, choose_profile};
use countersign_core::refusal::Reason;
use countersign_fuzz::{NOW, Signer, plan};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let signed = match bytes {
        [b'@', letter, payload @ ..] => Signer::from_letter(*letter).map(|signer| (signer, signer.sign(payload))),
        _ => None,
    };
    let (signer, text) = match &signed {
        Some((signer, token)) => (Some(*signer), token.as_bytes()),
        None => (None, bytes),
    };
    read_as_proof(text);
    let Ok(token) = UnverifiedToken::parse(text, TOKEN_BYTES.default) else {
        // What the signer makes is well formed, if it is not too long.
        assert!(signer.is_none() || text.len() > TOKEN_BYTES.default, "a signed token is malformed");
        return;
    };
    let trust = TrustStore::new(plan().key_sources(), 0);
    for issuer in &plan().issuers {
        let verification = Verification::by(&trust);
        let verified = issuer.profile.verify(token.clone().into(), verification, NOW, |_, _| Ok(()));
        let may = match issuer.profile.name.as_str() {
            "corp" => signer == Some(Signer::Corp),
            _ => signer == Some(Signer::Machines),
        };
        // Whether the payload is a claim set is asked once the signature is verified.
        let is_no_claim_set = |fault: &NotVerified| matches!(fault, NotVerified::Refused(refusal) if refusal.reason == Reason::TokenMalformed);
        let made_by_its_key = verified.as_ref().map_or_else(is_no_claim_set, |_| true);
        assert_eq!(made_by_its_key, may, "{} about a token of {signer:?}", issuer.profile.name);
        if let Ok(token) = verified {
            read(&token);
        }
    }
    let token = PresentedToken::from(token);
    if let Ok(claims) = token.peek() {
        let profiles = plan().issuers.iter().map(|issuer| &issuer.profile);
        if let Ok(profile) = choose_profile(profiles, token.typ(), &claims) {
            assert!(claims.issuer().is_some_and(|issuer| issuer.starts_with("https://")), "{}", profile.name);
        }
    }
});

/// A client sends its own key with a proof: whatever it sends, only a public key of the proof's algorithm verifies it.
fn read_as_proof(text: &[u8]) {
    let proof = UnverifiedProof::parse(text, MAX_PROOF_BYTES);
    let token = UnverifiedToken::parse(text, MAX_PROOF_BYTES);
    assert!(proof.is_err() || token.is_ok(), "a proof is not a token");
    let Ok(proof) = proof else { return };
    assert!(proof.claims().is_ok(), "a proof without claims");
    if let Ok(key) = proof.key() {
        assert_eq!(key.algorithm(), proof.algorithm());
        let _ = proof.is_signed_by(&key, &Portable);
    }
}

/// Everything that can be asked of a claim set.
fn read(token: &VerifiedToken) {
    let claims =
        token.claims().unwrap_or_else(|refusal| panic!("the claims of a verified token are not read: {refusal:?}"));
    let _ = claims.audiences();
    for name in ["exp", "nbf", "iat"] {
        let (down, up) = (claims.time(name, Rounding::Down), claims.time(name, Rounding::Up));
        if let (Ok(Some(down)), Ok(Some(up))) = (down, up) {
            assert!(down <= up && up.since(down).get() <= 1, "{name} is rounded to {down:?} and {up:?}");
        }
    }
    let _ = claims.at(&ClaimPath(vec!["realm".to_owned(), "groups".to_owned()]));
    for issuer in &plan().issuers {
        if issuer.profile.judge_claims(token.typ(), &claims, NOW).is_ok() {
            assert!(claims.string("iss").is_ok_and(|iss| iss.is_some()), "judged without an issuer");
            for name in ["sub", "jti", "sid"] {
                assert!(claims.get(name).is_none_or(Value::is_string), "{name} is not a string");
            }
            if issuer.profile.name.as_str() == "tenants" {
                let tenant = claims.get("tid").and_then(Value::as_str).expect("a tenant");
                let whole = format!("https://login.example.com/{tenant}/v2.0");
                assert_eq!(claims.string("iss"), Ok(Some(whole.as_str())));
                assert!(!tenant.is_empty() && !tenant.contains(['/', '%', '?', '#']), "the tenant {tenant:?}");
            }
            let facts = FactField::read_all(&issuer.profile.facts, &claims);
            if let Some(FactValue::List(scopes)) = facts.as_ref().ok().and_then(|facts| facts.get("scope")) {
                let is_word = |scope: &FactValue| matches!(scope, FactValue::String(word) if !word.is_empty() && !word.contains(' '));
                assert!(scopes.iter().all(is_word), "{scopes:?} holds what is no scope");
            }
        }
    }
}
