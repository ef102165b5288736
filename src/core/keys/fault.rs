//! Why a fetch brought no keys.

use crate::fetch::FetchFault;
use crate::jose::{KeySetFault, PemFault};
use crate::provider::ProviderName;

/// Why a fetch brought no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFetchFault {
    /// There is no answer that can be used.
    #[error(transparent)]
    Fetch(#[from] FetchFault),
    /// The content is not a JWK set that can be used.
    #[error("{0}")]
    KeySet(KeySetFault),
    /// The content is not a key in PEM that can be used.
    #[error(transparent)]
    Pem(#[from] PemFault),
    /// A key of the set is also a key of this provider, and nothing tells tokens of the two apart.
    #[error(
        "a key of the set is also a key of `{0}`, so a token of one could serve as a token of the other; add `pins` to both, or give them `typ` lists without a common value"
    )]
    SharedKey(ProviderName),
    /// The metadata does not lead to keys.
    #[error(transparent)]
    Metadata(#[from] MetadataFault),
}

impl KeyFetchFault {
    /// The word in metrics: letters and `_`.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Fetch(fault) => fault.outcome(),
            Self::KeySet(KeySetFault::NoUsableKey(_)) | Self::Pem(_) => "no_usable_key",
            Self::KeySet(_) => "not_a_key_set",
            Self::SharedKey(_) => "shared_key",
            Self::Metadata(_) => "metadata",
        }
    }
}

/// Why metadata does not lead to keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// `issuer` is not the configured one (RFC 8414 section 3.3).
    #[error("`issuer` of the metadata is not the configured issuer")]
    Issuer,
    /// `jwks_uri` is missing, or not a URL that can be fetched.
    #[error("`jwks_uri` of the metadata is not a URL")]
    KeyUrl,
    /// `jwks_uri` has another scheme than the metadata's own URL.
    #[error("`jwks_uri` of the metadata has another scheme than the metadata's own URL")]
    Scheme,
    /// `jwks_uri` is on a host that the configuration does not name.
    #[error(
        "`jwks_uri` of the metadata is on {:.100}; if that is right, name host and cluster in `keys.jwks`",
        .0.escape_debug().to_string()
    )]
    Host(String),
}
