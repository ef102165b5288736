//! The places of a request where a client can present an access token.

use core::fmt;
use std::sync::Arc;

/// The header field of access tokens (RFC 6750 section 2.1), in lower case.
pub(crate) const AUTHORIZATION: &str = "authorization";

/// Where a client presents an access token. A query parameter is never such a place (RFC 9700 section 4.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialPlace {
    /// `Authorization: Bearer` (RFC 6750 section 2.1).
    Authorization,
    /// Another header field.
    Header {
        /// Its name, in lower case.
        name: Arc<str>,
        /// What is before the token in its value, byte for byte; empty if the value is the token.
        prefix: Arc<str>,
    },
    /// A cookie (RFC 6265).
    Cookie {
        /// Its name, which is compared with regard to case.
        name: Arc<str>,
    },
}

impl CredentialPlace {
    /// The name of the header field that holds nothing but the credential, in lower case; `None` for a cookie.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Authorization => Some(AUTHORIZATION),
            Self::Header { name, .. } => Some(name),
            Self::Cookie { .. } => None,
        }
    }

    /// The name of the cookie; `None` for a header field.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        match self {
            Self::Authorization | Self::Header { .. } => None,
            Self::Cookie { name } => Some(name),
        }
    }
}

impl CredentialPlace {
    /// The two words by which messages and decision records name it: `header authorization`, `cookie IdToken`.
    #[must_use]
    pub fn kind_and_name(&self) -> (&'static str, &str) {
        match self {
            Self::Authorization => ("header", AUTHORIZATION),
            Self::Header { name, .. } => ("header", name),
            Self::Cookie { name } => ("cookie", name),
        }
    }
}

impl fmt::Display for CredentialPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = self.kind_and_name();
        write!(f, "{kind} {name}")
    }
}
