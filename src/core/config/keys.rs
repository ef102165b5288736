//! `keys` of a provider: a JWK set in the document, compiled, or where it is fetched. What is wrong with a key is said
//! without any of its material.

use serde_json::Value;

use super::fetched_keys;
use super::names::{quoted, quoted_list};
use super::reader::{Field, Member, Node, Presence, Read, Shape};
use crate::config_error::ConfigCode;
use crate::jose::{Algorithm, KeySet, KeySetFault, KeyUse, SkippedKey, json};
use crate::keys::KeySource;
use crate::limits::{MAX_KEY_SET_BYTES, MAX_TOKEN_JSON_DEPTH};
use crate::profile::IssuerId;

/// `keys`
pub(super) const KEYS: Field = Field {
    name: "keys",
    presence: Presence::Required,
    shape: Shape::Named("keys", || const { &Shape::Object(&[&fetched_keys::MEMBERS, &INLINE_MEMBERS]) }),
    write: "`{ url: ..., cluster: ... }` or `{ discovery: true, cluster: ... }` for keys that are fetched, or `{ inline: ... }` with a JWK set",
    about: "the public keys, see [below](#keys)",
};

static INLINE_MEMBERS: [Field; 1] = [Field {
    name: "inline",
    presence: Presence::OneOf,
    shape: Shape::KeySet,
    write: "a JWK set (RFC 7517), as an object or as its JSON text",
    about: "the set itself, as an object or as a JSON string; without any of the other members",
}];

/// Which keys a profile accepts.
#[derive(Clone, Copy, Default)]
pub(super) struct Accepted<'a> {
    /// The algorithms; `None`: each key says its own.
    pub(super) algorithms: Option<&'a [Algorithm]>,
    /// Their `use`.
    pub(super) key_use: KeyUse,
}

/// Reads `keys` for a profile that accepts these, and is of `issuer`.
pub(super) fn read(node: &Node<'_>, accepted: Accepted<'_>, issuer: Read<&IssuerId>) -> Read<KeySource> {
    let ([inline], fetched) = node.members_beside(&INLINE_MEMBERS, &fetched_keys::MEMBERS)?;
    match inline.written()? {
        Some(inline) => match fetched.iter().find_map(|member| member.written().transpose()) {
            None => read_inline(inline, accepted).map(KeySource::Inline),
            Some(other) => other?.error(
                ConfigCode::Contradiction,
                "keys stand in `inline`, or they are fetched",
                "keep `inline`, or the members that say where keys are fetched",
            ),
        },
        None if fetched_keys::are_located(&fetched) => {
            fetched_keys::read(node, fetched, issuer).map(|keys| KeySource::Fetched(Box::new(keys)))
        }
        None => match fetched.iter().find_map(Member::misspelled) {
            Some(reported) => Err(reported),
            None => node.error(ConfigCode::MissingField, "nothing says where the keys are", node.write_wanted()),
        },
    }
}

fn read_inline(inline: &Node<'_>, accepted: Accepted<'_>) -> Read<KeySet> {
    let Value::String(text) = inline.value() else { return compile(inline, inline.value(), true, accepted) };
    if text.len() > MAX_KEY_SET_BYTES {
        return inline.error(
            ConfigCode::TooLarge,
            format!("the key set has {} bytes, at most {MAX_KEY_SET_BYTES} are accepted", text.len()),
            "leave out keys that sign no tokens for this service",
        );
    }
    match json::parse(text.as_bytes(), MAX_TOKEN_JSON_DEPTH) {
        Ok(set) => compile(inline, &set, false, accepted),
        Err(fault) => inline.error(
            ConfigCode::KeySet,
            format!("the text is not strict JSON: {fault}"),
            "write the JWK set as an object, or as JSON text with each member once",
        ),
    }
}

/// Compiles a set. `inside`: its keys have places in the document of their own.
fn compile(node: &Node<'_>, set: &Value, inside: bool, accepted: Accepted<'_>) -> Read<KeySet> {
    let place = |index: usize| if inside { format!("/keys/{index}") } else { String::new() };
    match KeySet::compile_for(set, accepted.algorithms, accepted.key_use) {
        Ok((compiled, skipped)) => {
            for key in &skipped {
                node.warn_inside(
                    &place(key.index),
                    ConfigCode::SkippedKey,
                    format!("{}; tokens that it signs are refused", describe(key)),
                );
            }
            Ok(compiled)
        }
        Err(fault @ KeySetFault::Malformed(_)) => node.error(
            ConfigCode::KeySet,
            fault.to_string(),
            "write an object with the member `keys`, a list of JWKs (RFC 7517 section 5)",
        ),
        Err(fault @ KeySetFault::TooManyKeys(_)) => {
            node.error(ConfigCode::KeySet, fault.to_string(), "leave out keys that sign no tokens for this service")
        }
        Err(KeySetFault::AmbiguousKey { index, fits }) => {
            let names = quoted_list(fits.iter().map(|algorithm| algorithm.name()));
            Err(node.report_inside(
                &place(index),
                ConfigCode::AmbiguousKey,
                format!("key {index} has no `alg` and fits {names}: a token could choose"),
                "add `alg` to the key, or list in `algorithms` only the one that it signs with",
            ))
        }
        Err(fault @ KeySetFault::NoUsableKey(_)) => node.error(
            ConfigCode::NoUsableKey,
            fault.to_string(),
            "add a public key for signatures: RSA of 2048 to 4096 bits, P-256, P-384 or Ed25519, with an `alg` that \
             `algorithms` lists",
        ),
    }
}

/// Which key is left out, and why.
fn describe(key: &SkippedKey) -> String {
    let kid = key.kid.as_deref().map(|kid| format!(" (kid {})", quoted(kid))).unwrap_or_default();
    format!("key {}{kid} is left out: {}", key.index, key.why)
}
