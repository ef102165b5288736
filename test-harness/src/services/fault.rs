//! What can be wrong with a provider's answer, one idea each.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION};
use serde_json::{Value, json};

use super::reply::Reply;
use crate::keys::KEYS;
use crate::tokens::base64url;

/// Bytes of a set that is far too large.
const HUGE_BYTES: usize = 10 * 1024 * 1024;

/// Keys of a set that has far too many; each is small, so that the set's bytes are not what is wrong.
const MANY_KEYS: usize = 10_000;

/// Nesting of a set that is far too deep, in few bytes too.
const DEEP: usize = 20_000;

/// Bytes of the modulus of an RSA key of 16,384 bits.
const LARGE_MODULUS_BYTES: usize = 2_048;

/// Between two bytes of an answer that trickles.
const TRICKLE: Duration = Duration::from_millis(100);

/// Before the path of a redirect's target, where what should have come is found.
pub(crate) const MOVED: &str = "/moved";

/// A fault of one path's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No answer comes until the fault is removed.
    Held,
    /// The answer begins late.
    Slow(Duration),
    /// The body comes a byte at a time.
    Trickle,
    /// Another status over what should have come.
    Status(u16),
    /// A redirect to where the right answer is.
    Redirect,
    /// A page for people, with status 200.
    Html,
    /// What should have come, called `text/plain`.
    ContentType,
    /// What should have come, said to be compressed.
    Gzip,
    /// The body is shorter than its `content-length`.
    Truncated,
    /// No body.
    Empty,
    /// More bytes behind the JSON.
    TrailingBytes,
    /// Bytes that are no text.
    Garbage,
    /// `keys` twice, the right one last.
    DuplicateKeys,
    /// The right keys and 10 MiB beside them.
    Huge,
    /// The right keys and 10,000 others.
    ManyKeys,
    /// The right keys and lists in lists, 20,000 deep, beside them.
    Deep,
    /// One RSA key of 16,384 bits.
    LargeModulus,
    /// The right keys, one of an unknown type, one symmetric, one for encryption, one that is not a point of its curve, and one
    /// with a coordinate of an octet too many.
    Mixed,
    /// The right keys, and one with its private half.
    PrivateKey,
    /// A set without keys.
    NoKeys,
    /// The right keys, and one that another issuer has too.
    SharedKey,
    /// Metadata of another issuer.
    OtherIssuer,
    /// Metadata that places the keys on another host.
    KeysElsewhere,
}

impl Fault {
    /// The keys that [`Fault::Mixed`] adds, none of them usable.
    pub const MIXED_KEYS: u64 = 5;

    /// Makes a reply that was right wrong.
    pub(crate) fn spoil(self, path: &str, reply: &mut Reply) {
        match self {
            Self::Held => {}
            Self::Slow(delay) => reply.delay = delay,
            Self::Trickle => reply.byte_interval = Some(TRICKLE),
            Self::Status(status) => {
                reply.status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                if reply.status == StatusCode::NO_CONTENT {
                    reply.body.clear();
                }
            }
            Self::Redirect => {
                reply.status = StatusCode::FOUND;
                if let Ok(location) = HeaderValue::from_str(&format!("{MOVED}{path}")) {
                    reply.headers.insert(LOCATION, location);
                }
            }
            Self::Html => {
                *reply = Reply::new(StatusCode::OK, "text/html", "<!doctype html><title>Sign in</title>\n".to_owned());
            }
            Self::ContentType => {
                reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            }
            Self::Gzip => {
                reply.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            Self::Truncated => {
                let kept = reply.body.len() / 2;
                reply.missing_bytes = reply.body.len() - kept;
                reply.body.truncate(kept);
            }
            Self::Empty => reply.body.clear(),
            Self::TrailingBytes => reply.body.extend_from_slice(b"{}"),
            Self::Garbage => reply.body = (0..=u8::MAX).cycle().skip(128).take(1024).collect(),
            Self::DuplicateKeys => drop(reply.body.splice(..1, *br#"{"keys":[],"#)),
            Self::Huge => add_member(reply, &format!(r#""{}""#, "x".repeat(HUGE_BYTES))),
            Self::ManyKeys => add_keys(reply, vec![json!({ "kty": "AKP" }); MANY_KEYS]),
            Self::Deep => add_member(reply, &format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP))),
            Self::LargeModulus => reply.body = key_set(vec![large_modulus()]),
            Self::Mixed => add_keys(reply, unusable_keys()),
            Self::PrivateKey => add_keys(reply, vec![rogue_key("d", "AQAB")]),
            Self::NoKeys => reply.body = key_set(Vec::new()),
            Self::SharedKey => add_keys(reply, vec![KEYS.machines.public_jwk()]),
            Self::OtherIssuer => set_member(reply, "issuer", "https://other.example.com"),
            Self::KeysElsewhere => set_member(reply, "jwks_uri", "http://elsewhere.example.com/keys"),
        }
    }
}

fn key_set(keys: Vec<Value>) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

/// As text: JSON values so deep could not even be dropped.
fn add_member(reply: &mut Reply, value: &str) {
    reply.body.truncate(reply.body.len().saturating_sub(1));
    reply.body.extend_from_slice(format!(r#","more":{value}}}"#).as_bytes());
}

/// The right document changed, where it is one in JSON.
fn change(reply: &mut Reply, change: impl FnOnce(&mut Value)) {
    if let Ok(mut document) = serde_json::from_slice(&reply.body) {
        change(&mut document);
        reply.body = document.to_string().into_bytes();
    }
}

fn set_member(reply: &mut Reply, name: &str, value: &str) {
    change(reply, |document| document[name] = json!(value));
}

fn add_keys(reply: &mut Reply, more: Vec<Value>) {
    change(reply, |document| {
        if let Some(keys) = document["keys"].as_array_mut() {
            keys.extend(more);
        }
    });
}

fn large_modulus() -> Value {
    json!({ "kty": "RSA", "kid": "large", "alg": "RS256", "use": "sig", "e": "AQAB",
        "n": base64url([0xff; LARGE_MODULUS_BYTES]) })
}

/// The key that no configuration trusts, with one member more or another one.
fn rogue_key(member: &str, value: &str) -> Value {
    let mut jwk = KEYS.rogue.public_jwk();
    jwk[member] = json!(value);
    jwk
}

fn unusable_keys() -> Vec<Value> {
    let nowhere = base64url([1; 32]);
    let padded = base64url([[0; 1].as_slice(), &[1; 32]].concat());
    vec![
        json!({ "kty": "AKP", "kid": "unknown", "alg": "ML-DSA-44", "use": "sig", "pub": "AQAB" }),
        json!({ "kty": "oct", "kid": "symmetric", "alg": "HS256", "use": "sig", "k": "AQAB" }),
        rogue_key("use", "enc"),
        json!({ "kty": "EC", "kid": "nowhere", "alg": "ES256", "use": "sig", "crv": "P-256", "x": nowhere, "y": nowhere }),
        json!({ "kty": "EC", "kid": "padded", "alg": "ES256", "use": "sig", "crv": "P-256", "x": padded, "y": nowhere }),
    ]
}
