//! Headers in which verified facts reach the upstream, as the operator chose them.

use crate::provider::ProviderName;

/// What an identity header carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// A declared fact: `<provider>.<fact>`, `<provider>.<record>.<fact>`.
    Fact {
        /// Issuer or device provider.
        provider: ProviderName,
        /// Names from the provider's record inwards.
        path: Vec<String>,
    },
    /// The payload of this issuer's token, base64url.
    Payload {
        /// The issuer.
        issuer: ProviderName,
    },
}

/// A header that carries a verified fact to the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeader {
    /// The header's name in lower case.
    pub name: String,
    /// What it carries.
    pub source: IdentitySource,
}
