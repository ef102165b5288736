//! A JWK set that a provider answered with.

use crate::fetch::{FetchFault, Response};
use crate::jose::{Algorithm, KeySet, SkippedKey, json};
use crate::limits::{MAX_KEY_SET_BYTES, MAX_TOKEN_JSON_DEPTH};
use crate::time::Seconds;

/// A JWK set that can be used.
#[derive(Clone, Debug)]
pub struct FetchedSet {
    /// The usable keys.
    pub keys: KeySet,
    /// Those that are left out.
    pub skipped: Vec<SkippedKey>,
    /// The text it was read from.
    pub text: String,
    /// How long the provider says that it is fresh.
    pub lifetime: Option<Seconds>,
}

impl FetchedSet {
    /// Reads an answer.
    ///
    /// # Errors
    /// See [`FetchFault`].
    pub fn read(response: &Response, algorithms: Option<&[Algorithm]>) -> Result<Self, FetchFault> {
        let body = response.json_body()?;
        Ok(Self { lifetime: response.lifetime(), ..Self::parse(body, algorithms)? })
    }

    /// Reads the text of a set.
    ///
    /// # Errors
    /// `TooLarge`, `NotJson`, `KeySet`.
    pub fn parse(text: &[u8], algorithms: Option<&[Algorithm]>) -> Result<Self, FetchFault> {
        if text.len() > MAX_KEY_SET_BYTES {
            return Err(FetchFault::TooLarge(text.len()));
        }
        let value = json::parse(text, MAX_TOKEN_JSON_DEPTH).map_err(FetchFault::NotJson)?;
        let (keys, skipped) = KeySet::compile(&value, algorithms).map_err(FetchFault::KeySet)?;
        Ok(Self { keys, skipped, text: String::from_utf8_lossy(text).into_owned(), lifetime: None })
    }

    /// How many keys came with members of a private key.
    #[must_use]
    pub fn private_keys(&self) -> usize {
        self.skipped.iter().filter(|key| key.is_private()).count()
    }
}
