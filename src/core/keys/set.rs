//! A JWK set that a provider published.

use super::KeyFetchFault;
use crate::fetch::{FetchFault, Response};
use crate::jose::{Algorithm, KeySet, KeyUse, SkippedKey, json, jwk_of_pem};
use crate::limits::{MAX_KEY_SET_BYTES, MAX_PEM_BYTES, MAX_TOKEN_JSON_DEPTH};

/// A JWK set that can be used.
#[derive(Clone, Debug)]
pub struct FetchedSet {
    /// The usable keys.
    pub keys: KeySet,
    /// The keys that are left out.
    pub skipped: Vec<SkippedKey>,
}

impl FetchedSet {
    /// Reads an answer.
    ///
    /// # Errors
    /// Every [`KeyFetchFault`] except `SharedKey` and `Metadata`.
    pub fn read(response: &Response, algorithms: Option<&[Algorithm]>, key_use: KeyUse) -> Result<Self, KeyFetchFault> {
        Self::parse(response.json_body(MAX_KEY_SET_BYTES)?, algorithms, key_use)
    }

    /// Reads the text of a set.
    ///
    /// # Errors
    /// `TooLarge`, `NotJson`, `KeySet`.
    pub fn parse(text: &[u8], algorithms: Option<&[Algorithm]>, key_use: KeyUse) -> Result<Self, KeyFetchFault> {
        if text.len() > MAX_KEY_SET_BYTES {
            return Err(FetchFault::TooLarge { bytes: text.len(), max_bytes: MAX_KEY_SET_BYTES }.into());
        }
        let value = json::parse(text, MAX_TOKEN_JSON_DEPTH).map_err(FetchFault::NotJson)?;
        let (keys, skipped) = KeySet::compile_for(&value, algorithms, key_use).map_err(KeyFetchFault::KeySet)?;
        Ok(Self { keys, skipped })
    }

    /// Reads an answer that is one key in PEM, and has this id.
    ///
    /// # Errors
    /// Every [`KeyFetchFault`] except `SharedKey` and `Metadata`.
    pub fn read_pem(
        response: &Response,
        key_id: &str,
        algorithms: Option<&[Algorithm]>,
    ) -> Result<Self, KeyFetchFault> {
        let key = jwk_of_pem(response.successful_body(MAX_PEM_BYTES)?, key_id)?;
        let set = serde_json::json!({ "keys": [key] });
        let (keys, skipped) =
            KeySet::compile_for(&set, algorithms, KeyUse::Signatures).map_err(KeyFetchFault::KeySet)?;
        Ok(Self { keys, skipped })
    }

    /// How many keys contain members of a private key.
    #[must_use]
    pub fn private_keys(&self) -> usize {
        self.skipped.iter().filter(|key| key.is_private()).count()
    }
}

#[cfg(test)]
mod tests;
