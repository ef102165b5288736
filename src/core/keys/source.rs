//! Where a provider's keys come from.

use crate::fetch::{Endpoint, Schedule};
use crate::jose::KeySet;

/// Where a provider's keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The configuration contains them.
    Inline(KeySet),
    /// They are fetched from the provider, repeatedly.
    Fetched(Box<FetchedKeys>),
}

/// How keys are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedKeys {
    /// Where they are.
    pub location: KeyLocation,
    /// How often they are fetched, and how long they are used.
    pub schedule: Schedule,
}

/// Where a provider's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// The JWK set is at this URL (RFC 7517 section 5).
    KeySet(Endpoint),
    /// Each key is in PEM at this URL, a slash and the key's id, which is a UUID.
    ById(Endpoint),
    /// Metadata names the URL of the JWK set (RFC 8414, OpenID Connect Discovery 1.0).
    Metadata {
        /// Where the metadata is.
        metadata: Endpoint,
        /// What its `issuer` must be.
        issuer: String,
        /// Another host that its `jwks_uri` may name, and the cluster of that host.
        key_host: Option<KeyHost>,
    },
}

/// A host of keys other than the host of the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHost {
    /// The host as in a URL: in lower case, with the port unless it is the default port of the scheme.
    pub host: String,
    /// The proxy's cluster that leads there.
    pub cluster: String,
}

impl KeyLocation {
    /// Whether each key has a URL of its own.
    #[must_use]
    pub const fn is_by_id(&self) -> bool {
        matches!(self, Self::ById(_))
    }

    /// What is requested first.
    #[must_use]
    pub fn first(&self) -> &Endpoint {
        match self {
            Self::KeySet(endpoint) | Self::ById(endpoint) | Self::Metadata { metadata: endpoint, .. } => endpoint,
        }
    }
}
