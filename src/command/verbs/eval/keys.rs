//! `--keys`: a JWK set from a file in place of one that is fetched.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use countersign_core::config::Plan;
use countersign_core::config_error::ConfigCode;
use countersign_core::jose::{KeySet, KeySetFault, json};
use countersign_core::keys::{InstallFault, KeySource, TrustStore};
use countersign_core::limits::MAX_TOKEN_JSON_DEPTH;

use crate::document;
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

/// Installs the sets in place of those that are fetched. The configuration stays as it is, so the records name the same
/// digest of it as the records of the proxy.
///
/// # Errors
/// A file that cannot be read, is not strict JSON or has no usable key; a provider that the configuration does not name, or
/// whose keys are not fetched.
pub fn install(trust: &mut TrustStore, plan: &Plan, given: &[GivenKeys]) -> Result<(), Failure> {
    for (index, GivenKeys { provider, file }) in given.iter().enumerate() {
        let usage = |what: String| Failure::Usage(format!("--keys {provider}={file}: {what}"));
        if given.iter().skip(index.saturating_add(1)).any(|other| other.provider == *provider) {
            return Err(usage("this provider is given keys twice".to_owned()));
        }
        let bytes = document::read(file).map_err(|fault| usage(format!("cannot read the file: {fault}")))?;
        let set = json::parse(&bytes, MAX_TOKEN_JSON_DEPTH)
            .map_err(|fault| usage(format!("the file is not strict JSON: {fault}")))?;
        let source = plan.key_sources().find(|(profile, _)| profile.name.as_str() == provider);
        let profile = match source {
            Some((profile, KeySource::Fetched(_))) => profile,
            Some((_, KeySource::Inline(_))) => {
                return Err(usage(
                    "the keys of this provider are not fetched: the configuration contains them".to_owned(),
                ));
            }
            None => return Err(usage(InstallFault::UnknownProvider.to_string())),
        };
        let (keys, _) = KeySet::compile_for(&set, profile.algorithms.listed(), profile.key_use).or_else(|fault| {
            let code = match fault {
                KeySetFault::AmbiguousKey { .. } => ConfigCode::AmbiguousKey,
                KeySetFault::NoUsableKey(_) => ConfigCode::NoUsableKey,
                KeySetFault::Malformed(_) | KeySetFault::TooManyKeys(_) => ConfigCode::KeySet,
            };
            fail(provider, file, code, &fault)
        })?;
        trust.install(&profile.name, keys).or_else(|fault| fail(provider, file, ConfigCode::SharedKey, &fault))?;
    }
    Ok(())
}

/// Prints why a set cannot be used, with the code that the same set would have in a configuration.
fn fail<T>(provider: &str, file: &str, code: ConfigCode, fault: &dyn fmt::Display) -> Result<T, Failure> {
    writeln!(io::stderr(), "error[{}] at --keys {provider}={file}: {fault}", code.code())?;
    Err(Failure::Faults)
}
