//! Where a provider's keys come from: the configuration itself, or the provider.

use crate::fetch::Endpoint;
use crate::jose::{Algorithm, KeySet};
use crate::time::Seconds;

/// Where a provider's keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// They stand in the configuration.
    Inline(KeySet),
    /// They are fetched from the provider, again and again.
    Fetched(Box<FetchedKeys>),
}

/// How keys are fetched, and for how long they are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedKeys {
    /// Where they are.
    pub location: KeyLocation,
    /// The algorithms that a key may be for; `None` where each key says its own.
    pub algorithms: Option<Vec<Algorithm>>,
    /// A set is fresh for at least this long, whatever the provider's `Cache-Control` says.
    pub refresh_min: Seconds,
    /// And for at most this long, which also holds where the provider says nothing.
    pub refresh_max: Seconds,
    /// Unknown `kid`s alone cause at most one fetch in this time. Fetches that come due anyway do not count.
    pub refetch_interval: Seconds,
    /// How long a set that is not fresh any more is used while no newer one can be had.
    pub max_stale: Seconds,
    /// Of one HTTP call.
    pub timeout: Seconds,
}

impl FetchedKeys {
    /// How long a set is fresh of which the provider says this.
    #[must_use]
    pub fn fresh_for(&self, lifetime: Option<Seconds>) -> Seconds {
        lifetime.unwrap_or(self.refresh_max).max(self.refresh_min).min(self.refresh_max)
    }
}

/// Where a provider's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// At this URL lies the JWK set (RFC 7517 section 5).
    KeySet(Endpoint),
    /// At this URL lies metadata that says where (RFC 8414, OpenID Connect Discovery 1.0).
    Metadata {
        /// The metadata.
        metadata: Endpoint,
        /// What its `issuer` must be.
        issuer: String,
        /// Another host that its `jwks_uri` may name, and the cluster of that host.
        key_host: Option<KeyHost>,
    },
}

/// A host beside the metadata's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHost {
    /// As in a URL: lower case, with the port if it is not the scheme's.
    pub host: String,
    /// The proxy's cluster that leads there.
    pub cluster: String,
}

impl KeyLocation {
    /// What is asked for first.
    #[must_use]
    pub fn first(&self) -> &Endpoint {
        match self {
            Self::KeySet(endpoint) | Self::Metadata { metadata: endpoint, .. } => endpoint,
        }
    }
}
