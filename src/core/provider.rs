//! Names of providers: issuers of access tokens and providers of device posture.

use core::fmt;
use std::sync::Arc;

/// The name that the configuration gives an issuer or a device provider: a Cedar identifier, and the first part of
/// `context.<name>`, `<name>::User` and `<name>::Group`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(Arc<str>);

impl ProviderName {
    /// The caller has checked that the name is a Cedar identifier and not reserved.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
