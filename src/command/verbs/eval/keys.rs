//! `--keys`: a JWK set from a file in place of one that is fetched.

use std::str::FromStr;

use countersign_core::jose::json;
use countersign_core::limits::MAX_TOKEN_JSON_DEPTH;
use serde_json::{Value, json};

use crate::document::{self, Document};
use crate::failure::Failure;

/// A provider, and the file with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenKeys {
    /// The name of an issuer or device provider.
    pub provider: String,
    /// The file's name.
    pub file: String,
}

impl FromStr for GivenKeys {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((provider, file)) if !provider.is_empty() && !file.is_empty() => {
                Ok(Self { provider: provider.to_owned(), file: file.to_owned() })
            }
            _ => Err("write the name of a provider, `=` and a file, such as corp=corp-keys.json"),
        }
    }
}

/// Puts the sets where the configuration says that they are fetched.
///
/// # Errors
/// A file that cannot be read, or is not strict JSON; a provider that is not there, or whose keys are not fetched.
pub fn give(configuration: &mut Document, given: &[GivenKeys]) -> Result<(), Failure> {
    for (index, GivenKeys { provider, file }) in given.iter().enumerate() {
        let usage = |what: String| Failure::Usage(format!("--keys {provider}={file}: {what}"));
        if given.iter().skip(index.saturating_add(1)).any(|other| other.provider == *provider) {
            return Err(usage("this provider is given keys twice".to_owned()));
        }
        let bytes = document::read(file).map_err(|fault| usage(format!("cannot read the file: {fault}")))?;
        let set = json::parse(&bytes, MAX_TOKEN_JSON_DEPTH)
            .map_err(|fault| usage(format!("the file is not strict JSON: {fault}")))?;
        let keys = keys_of(&mut configuration.value, provider)
            .ok_or_else(|| usage("no issuer or device provider of the configuration has this name".to_owned()))?;
        if ["url", "discovery"].iter().all(|place| keys.get(place).is_none()) {
            return Err(usage("the keys of this provider are not fetched: they stand in the configuration".to_owned()));
        }
        *keys = json!({ "inline": set });
    }
    Ok(())
}

/// The `keys` of a provider.
fn keys_of<'c>(configuration: &'c mut Value, provider: &str) -> Option<&'c mut Value> {
    let sections = configuration.as_object_mut()?.iter_mut();
    let sections = sections.filter(|(name, _)| matches!(name.as_str(), "issuers" | "devices"));
    let mut profiles = sections.filter_map(|(_, section)| section.get_mut(provider));
    profiles.next()?.get_mut("keys")
}
