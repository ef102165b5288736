//! The names of those we believe: issuers of tokens and providers of device posture.

use core::fmt;
use std::sync::Arc;

/// The name that the configuration gives an issuer or a device provider: a Cedar identifier, and the first part of
/// `context.<name>`, `<name>::User` and `<name>::Group`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(Arc<str>);

impl ProviderName {
    /// A name that the configuration's reader found to be a Cedar identifier and not reserved.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name as text.
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
