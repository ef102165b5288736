//! The core's own steps, as every suite takes them: a key set, a token, a signature.

use countersign_core::jose::{
    Algorithm, AuthenticToken, HostSignatures, HostVerifier, KeySet, Portable, UnverifiedToken, VerificationKey,
};
use countersign_core::limits::TOKEN_BYTES;
use serde_json::{Value, json};

use super::{Found, Stage};

/// The members of a JWK that are not for others (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Verifies a compact token with a JWK set, or with one JWK as a set of its own.
pub fn verify(keys: &Value, algorithms: Option<&[Algorithm]>, token: &str) -> Found {
    match authentic(keys, algorithms, token) {
        Ok(_) => Found::Accepted,
        Err(stage) => Found::Refused(stage),
    }
}

/// The same, with the token that came of it.
pub fn authentic(keys: &Value, algorithms: Option<&[Algorithm]>, token: &str) -> Result<AuthenticToken, Stage> {
    let keys = key_set(keys, algorithms)?;
    let token = parse(token)?;
    AuthenticToken::verify(token, &keys, &Portable).map_err(|_| Stage::Signature)
}

/// Compiles a JWK set, or one JWK as a set of its own.
pub fn key_set(keys: &Value, algorithms: Option<&[Algorithm]>) -> Result<KeySet, Stage> {
    let set = if keys.get("keys").is_some() { keys.clone() } else { json!({ "keys": [keys] }) };
    KeySet::compile(&set, algorithms).map(|(keys, _)| keys).map_err(|_| Stage::Key)
}

/// Reads a compact token.
pub fn parse(token: &str) -> Result<UnverifiedToken, Stage> {
    UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.max).map_err(|_| Stage::Token)
}

/// Whether the holder of this key signed this message.
pub fn signed(jwk: &Value, message: &[u8], signature: &[u8]) -> Found {
    match VerificationKey::compile(jwk, None) {
        Ok(key) if has_signed(&key, message, signature) => Found::Accepted,
        Ok(_) => Found::Refused(Stage::Signature),
        Err(_) => Found::Refused(Stage::Key),
    }
}

/// What both verifiers find: the plugin's own, and a host with the function of Envoy's.
///
/// # Panics
/// They disagree, or the host does not give all known answers.
fn has_signed(key: &VerificationKey, message: &[u8], signature: &[u8]) -> bool {
    thread_local! {
        static WITH_HOST: (HostVerifier, usize) = {
            let (verifier, declined) = HostVerifier::prove(Box::new(Host), Algorithm::ALL);
            (verifier, declined.len())
        };
    }
    let by_plugin = key.has_signed(message, signature, &Portable);
    let (by_host, declined) =
        WITH_HOST.with(|(verifier, declined)| (key.has_signed(message, signature, verifier), *declined));
    assert_eq!((by_plugin, 0), (by_host, declined), "both verifiers find the same of {:?}", key.algorithm());
    by_plugin
}

struct Host;

impl HostSignatures for Host {
    fn verify_signature(&self, question: &[u8]) -> Option<Vec<u8>> {
        Some(envoy_signatures::verify_signature(question))
    }
}

/// The public half of a key that a suite gives with its private half, and with `alg` where it has none.
pub fn public_half(key: &Value, algorithm: &str) -> Value {
    let mut key = key.clone();
    if let Some(members) = key.as_object_mut() {
        if members.get("kty").is_some_and(|kty| kty != "oct") {
            members.retain(|name, _| !PRIVATE_MEMBERS.contains(&name.as_str()));
        }
        members.entry("alg").or_insert_with(|| algorithm.into());
    }
    key
}
