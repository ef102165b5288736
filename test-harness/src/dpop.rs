//! Senders of DPoP-bound tokens (RFC 9449), and proofs that are wrong in one chosen way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hmac_sha256::Hash;
use serde_json::{Value, json};

use crate::clock::unix_seconds;
use crate::keys::DemoKey;
use crate::tokens::{ALICE, HOST, Token, base64url};

/// The URL of a request, as its client sees it.
#[must_use]
pub fn url(path: &str) -> String {
    format!("http://{HOST}{path}")
}

/// A client: a token bound to its key.
#[derive(Clone)]
pub struct Client {
    /// Its key.
    pub key: Arc<DemoKey>,
    /// Its token.
    pub token: String,
}

impl Client {
    /// One with a new key.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        Self::with(DemoKey::new("client"))
    }

    /// One with this key.
    #[must_use]
    pub fn with(key: Arc<DemoKey>) -> Self {
        let token = bound(Token::of(ALICE), &key);
        Self { key, token }
    }
}

/// The token, bound to the key.
#[must_use]
pub fn bound(token: Token, key: &DemoKey) -> String {
    token.claim("cnf", json!({ "jkt": thumbprint(key) })).sign()
}

/// RFC 7638
///
/// # Panics
/// On a key that is neither EC nor RSA.
#[must_use]
pub fn thumbprint(key: &DemoKey) -> String {
    let jwk = bare_jwk(key);
    let members = match jwk["kty"].as_str() {
        Some("EC") => format!(r#"{{"crv":{},"kty":"EC","x":{},"y":{}}}"#, jwk["crv"], jwk["x"], jwk["y"]),
        Some("RSA") => format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, jwk["e"], jwk["n"]),
        other => panic!("no key of these tests has the type {other:?}"),
    };
    base64url(Hash::hash(members.as_bytes()))
}

/// The public half without `alg` and `use`.
#[must_use]
pub fn bare_jwk(key: &DemoKey) -> Value {
    let mut jwk = key.key.public_jwk(None);
    if let Some(members) = jwk.as_object_mut() {
        members.remove("alg");
        members.remove("use");
    }
    jwk
}

/// No two proofs of a run have one `jti`.
static PROOFS: AtomicU64 = AtomicU64::new(0);

/// A good proof of this client for a request, before it is signed.
#[must_use]
pub fn proof(client: &Client, method: &str, path: &str) -> Token {
    let id = PROOFS.fetch_add(1, Ordering::Relaxed);
    let claims = json!({
        "jti": format!("{}-{id}", std::process::id()), "htm": method, "htu": url(path), "iat": unix_seconds(),
        "ath": base64url(Hash::hash(client.token.as_bytes())),
    });
    Token::new(&client.key, "dpop+jwt", claims).without_header("kid").header("jwk", bare_jwk(&client.key))
}
