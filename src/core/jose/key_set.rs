//! A JWK set (RFC 7517) as usable verification keys; bad keys are counted and skipped.
//!
//! One unusable key must not cost a provider all its others (it may use an algorithm of next year), so it is skipped
//! and reported. A set that would leave a choice to the token is handled more strictly: if a key without `alg` fits
//! several of the profile's algorithms, the whole set is rejected, and of two keys that a token's header cannot tell
//! apart only the first is kept.

use core::fmt;
use std::collections::BTreeSet;

use serde_json::Value;
use thiserror::Error;

use super::{Algorithm, KeyFault, KeyUse, VerificationKey};
use crate::limits::MAX_KEYS_PER_SET;

/// A message describes at most this many keys one by one.
const MAX_SHOWN_KEYS: usize = 10;

/// The usable keys of one provider. Never empty; no two have the same algorithm and `kid`, and one without `kid` is the
/// only one of its algorithm.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
}

/// A key of a set that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its index in `keys`, from 0.
    pub index: usize,
    /// Its `kid`, if it has a readable one.
    pub kid: Option<String>,
    /// Why, in words.
    pub why: KeyFault,
}

/// Why a whole set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeySetFault {
    /// Not a JSON object with an array `keys`.
    #[error("{0}")]
    Malformed(&'static str),
    /// More keys than the cap.
    #[error("the set has {0} keys; at most {MAX_KEYS_PER_SET} are accepted")]
    TooManyKeys(usize),
    /// A key without `alg` fits several of the profile's algorithms: the token would choose which one is used.
    #[error("keys[{index}]: {}", KeyFault::AmbiguousAlgorithm(.fits.clone()))]
    AmbiguousKey {
        /// Its index in `keys`, from 0.
        index: usize,
        /// The algorithms it fits.
        fits: Vec<Algorithm>,
    },
    /// No usable key is left.
    #[error("the set has no usable key{}", SkippedKeys(.0))]
    NoUsableKey(Vec<SkippedKey>),
}

/// Keys that are left out, as the end of a sentence: `; keys[<index>]: <why>` for each, up to a number of them.
#[derive(Clone, Copy, Debug)]
pub struct SkippedKeys<'a>(pub &'a [SkippedKey]);

impl fmt::Display for SkippedKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for SkippedKey { index, kid: _, why } in self.0.iter().take(MAX_SHOWN_KEYS) {
            write!(f, "; keys[{index}]: {why}")?;
        }
        match self.0.len().checked_sub(MAX_SHOWN_KEYS) {
            Some(more @ 1..) => write!(f, "; and {more} more"),
            _ => Ok(()),
        }
    }
}

impl KeySet {
    /// Compiles a JWK set for a profile that accepts `algorithms` (all supported ones if `None`: then every key must
    /// name its own).
    ///
    /// # Errors
    /// See [`KeySetFault`].
    pub fn compile(set: &Value, algorithms: Option<&[Algorithm]>) -> Result<(Self, Vec<SkippedKey>), KeySetFault> {
        Self::compile_for(set, algorithms, KeyUse::default())
    }

    /// The same for keys of this use. Every other key is skipped.
    ///
    /// # Errors
    /// See [`KeySetFault`].
    pub fn compile_for(
        set: &Value,
        algorithms: Option<&[Algorithm]>,
        key_use: KeyUse,
    ) -> Result<(Self, Vec<SkippedKey>), KeySetFault> {
        let set = set.as_object().ok_or(KeySetFault::Malformed("the key set is not an object"))?;
        let listed = match set.get("keys") {
            Some(Value::Array(listed)) => listed,
            Some(_) => return Err(KeySetFault::Malformed("`keys` of the key set is not a list")),
            None => return Err(KeySetFault::Malformed("the key set has no `keys`")),
        };
        if listed.len() > MAX_KEYS_PER_SET {
            return Err(KeySetFault::TooManyKeys(listed.len()));
        }
        let mut usable: Vec<(usize, VerificationKey)> = Vec::new();
        let mut skipped = Vec::new();
        for (index, jwk) in listed.iter().enumerate() {
            match VerificationKey::compile_for(jwk, algorithms, key_use) {
                Ok(key) if key.key_id().is_some() && usable.iter().any(|(_, earlier)| same_name(earlier, &key)) => {
                    skipped.push(SkippedKey::new(index, jwk, KeyFault::DuplicateKeyId));
                }
                Ok(key) => usable.push((index, key)),
                Err(KeyFault::AmbiguousAlgorithm(fits)) => return Err(KeySetFault::AmbiguousKey { index, fits }),
                Err(why) => skipped.push(SkippedKey::new(index, jwk, why)),
            }
        }
        let algorithms_in_use: Vec<_> = usable.iter().map(|(_, key)| key.algorithm()).collect();
        let mut keys = Vec::new();
        for (index, key) in usable {
            let siblings = algorithms_in_use.iter().filter(|algorithm| **algorithm == key.algorithm()).count();
            if key.key_id().is_none() && siblings > 1 {
                skipped.push(SkippedKey { index, kid: None, why: KeyFault::KeyIdMissing });
            } else {
                keys.push(key);
            }
        }
        skipped.sort_by_key(|key| key.index);
        if keys.is_empty() { Err(KeySetFault::NoUsableKey(skipped)) } else { Ok((Self { keys }, skipped)) }
    }

    /// The usable keys.
    #[must_use]
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// Whether a public key is in both, whatever it is called (RFC 7638).
    #[must_use]
    pub fn shares_a_key_with(&self, other: &Self) -> bool {
        self.keys.iter().any(|key| other.keys.iter().any(|another| key.thumbprint() == another.thumbprint()))
    }

    /// Whether both have the same keys under the same names.
    #[must_use]
    pub fn has_same_keys(&self, other: &Self) -> bool {
        let names = |set: &Self| -> BTreeSet<(Option<String>, Algorithm, String)> {
            set.keys
                .iter()
                .map(|key| (key.key_id().map(str::to_owned), key.algorithm(), key.thumbprint().to_owned()))
                .collect()
        };
        names(self) == names(other)
    }

    /// Whether a key of any algorithm has this `kid`.
    pub(crate) fn has_key_id(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.key_id() == Some(key_id))
    }

    /// The one key that a token of this algorithm and `kid` selects: the key that has both; otherwise, if the token or
    /// the key has no `kid`, the only key of the algorithm.
    pub(crate) fn choose(&self, algorithm: Algorithm, key_id: Option<&str>) -> Option<&VerificationKey> {
        let mut fitting = self.keys.iter().filter(|key| key.algorithm() == algorithm);
        if key_id.is_some()
            && let Some(named) = fitting.clone().find(|key| key.key_id() == key_id)
        {
            return Some(named);
        }
        let only = fitting.next().filter(|_| fitting.next().is_none())?;
        (key_id.is_none() || only.key_id().is_none()).then_some(only)
    }
}

impl SkippedKey {
    /// Whether it contains members of a private key: its provider published a secret.
    #[must_use]
    pub fn is_private(&self) -> bool {
        matches!(self.why, KeyFault::PrivateMaterial(_))
    }

    fn new(index: usize, jwk: &Value, why: KeyFault) -> Self {
        Self { index, kid: jwk.get("kid").and_then(Value::as_str).map(str::to_owned), why }
    }
}

fn same_name(one: &VerificationKey, other: &VerificationKey) -> bool {
    one.algorithm() == other.algorithm() && one.key_id() == other.key_id()
}

#[cfg(test)]
mod tests;
