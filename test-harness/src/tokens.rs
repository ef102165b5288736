//! Tokens as the providers of the example configuration make them, and tokens that are wrong in one chosen way.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::clock::unix_seconds;
use crate::keys::{DemoKey, KEYS};

/// `iss` of people's tokens.
pub const CORP_ISSUER: &str = "https://login.example.com";
/// `iss` of software components' tokens.
pub const MACHINES_ISSUER: &str = "https://machines.example.com";
/// `iss` of posture tokens.
pub const MDM_ISSUER: &str = "https://mdm.example.com";
/// The host of the example.
pub const HOST: &str = "shop.example.com";
/// `aud` of all tokens.
pub const AUDIENCE: &str = "shop";
/// Seconds from `iat` to `exp` of an access token.
pub const ACCESS_TOKEN_SECONDS: i64 = 900;
/// Seconds from `iat` to `exp` of a posture token.
pub const POSTURE_TOKEN_SECONDS: i64 = 24 * 60 * 60;

/// Somebody whom the identity provider knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `sub`
    pub name: &'static str,
    /// `groups`
    pub groups: &'static [&'static str],
    /// `device_id`; `None` for a software component.
    pub device: Option<&'static str>,
}

/// Reads orders.
pub const ALICE: Caller = Caller { name: "alice", groups: &["engineering"], device: Some("laptop-1") };
/// Is in no group.
pub const BOB: Caller = Caller { name: "bob", groups: &[], device: Some("laptop-2") };
/// Changes orders.
pub const CAROL: Caller = Caller { name: "carol", groups: &["engineering", "admins"], device: Some("laptop-3") };
/// A software component.
pub const REPORTER: Caller = Caller { name: "reporter", groups: &[], device: None };

/// Everybody whom the identity provider knows.
pub const CALLERS: &[Caller] = &[ALICE, BOB, CAROL, REPORTER];

/// A token before it is signed.
#[derive(Clone)]
pub struct Token {
    key: Arc<DemoKey>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    pub(crate) fn new(key: &Arc<DemoKey>, typ: &str, claims: Value) -> Self {
        let claims = match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        };
        Self { key: Arc::clone(key), header: Map::new(), claims }.key(key).header("typ", json!(typ))
    }

    /// An access token of this caller, good now.
    #[must_use]
    pub fn of(caller: Caller) -> Self {
        let now = unix_seconds();
        let mut claims = json!({
            "sub": caller.name, "aud": AUDIENCE, "iat": now, "exp": now + ACCESS_TOKEN_SECONDS,
        });
        match caller.device {
            Some(device) => {
                claims["iss"] = json!(CORP_ISSUER);
                claims["device_id"] = json!(device);
                claims["email"] = json!(format!("{}@example.com", caller.name));
                if !caller.groups.is_empty() {
                    claims["groups"] = json!(caller.groups);
                }
                Self::new(&KEYS.corp_rs256, "at+jwt", claims)
            }
            None => {
                claims["iss"] = json!(MACHINES_ISSUER);
                Self::new(&KEYS.machines, "at+jwt", claims)
            }
        }
    }

    /// A posture token about this device, managed, with score 90, made now.
    #[must_use]
    pub fn about(device: &str) -> Self {
        let now = unix_seconds();
        let claims = json!({
            "iss": MDM_ISSUER, "sub": device, "aud": AUDIENCE, "iat": now, "exp": now + POSTURE_TOKEN_SECONDS,
            "managed": true, "score": 90,
        });
        Self::new(&KEYS.mdm, "device-posture+jwt", claims)
    }

    /// Signed with this key, and saying so.
    #[must_use]
    pub fn key(mut self, key: &Arc<DemoKey>) -> Self {
        self.key = Arc::clone(key);
        self.header("alg", json!(key.alg)).header("kid", json!(key.kid))
    }

    /// Signed with this key, but saying nothing of it.
    #[must_use]
    pub fn signed_by(mut self, key: &Arc<DemoKey>) -> Self {
        self.key = Arc::clone(key);
        self
    }

    /// With this member of the header.
    #[must_use]
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Without this member of the header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// With this claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Without this claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Made so many seconds ago, with the same lifetime.
    #[must_use]
    pub fn made_before(mut self, seconds: i64) -> Self {
        for claim in ["iat", "exp"] {
            if let Some(value) = self.claims.get(claim).and_then(Value::as_i64) {
                self.claims.insert(claim.to_owned(), json!(value - seconds));
            }
        }
        self
    }

    /// The claims.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        self.claims.clone()
    }

    /// The signed token.
    #[must_use]
    pub fn sign(&self) -> String {
        let payload = Value::Object(self.claims.clone()).to_string();
        self.sign_bytes(payload.as_bytes())
    }

    /// The header of this token over any payload, signed.
    #[must_use]
    pub fn sign_bytes(&self, payload: &[u8]) -> String {
        match self.key.key.sign(&self.header, payload) {
            Ok(token) => token,
            Err(error) => panic!("the committed key `{}` does not sign: {error}", self.key.kid),
        }
    }

    /// A token with this header and these claims, and bytes that are not a signature.
    #[must_use]
    pub fn unsigned(&self, signature: &str) -> String {
        let header = Value::Object(self.header.clone()).to_string();
        let payload = Value::Object(self.claims.clone()).to_string();
        format!("{}.{}.{signature}", base64url(&header), base64url(&payload))
    }
}

/// The object with these members changed: `null` removes a member, and a name that begins with `/` is a JSON pointer.
///
/// # Panics
/// It is not an object, or a pointer leads nowhere.
#[must_use]
pub fn changed(object: &Value, changes: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in changes.as_object().into_iter().flatten() {
        let (parent, name) = match name.rsplit_once('/').filter(|_| name.starts_with('/')) {
            Some((parent, name)) => (object.pointer_mut(parent), name),
            None => (Some(&mut object), name.as_str()),
        };
        let Some(members) = parent.and_then(Value::as_object_mut) else { panic!("`{name}` has no place") };
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value.clone());
        }
    }
    object
}

/// The octets in base64url (RFC 7515 section 2).
#[must_use]
pub fn base64url(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}
