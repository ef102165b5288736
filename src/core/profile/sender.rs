//! What the sender of a token must prove in addition to the token (RFC 7800).

use crate::freshness::MemoryScope;
use crate::jose::Algorithm;
use crate::time::Seconds;

/// Which bindings the tokens of an issuer may or must have. A token that has a binding (`cnf`) is never accepted from a
/// sender that does not prove it, whatever the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderRule {
    /// Only tokens without a binding: one with `cnf` is rejected.
    Unbound,
    /// Tokens without a binding, and bound ones; a DPoP-bound token only if there is a rule for its proofs.
    IfBound(Option<DpopRule>),
    /// Only tokens that are bound to a client certificate (RFC 8705 section 3).
    Certificate,
    /// Only tokens that are bound to a DPoP key (RFC 9449 section 6).
    Dpop(DpopRule),
    /// Only bound tokens, in either way.
    Any(DpopRule),
}

/// Which DPoP proofs are accepted (RFC 9449).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopRule {
    /// The algorithms that may have signed a proof, in the order in which challenges list them. Never empty.
    pub algorithms: Vec<Algorithm>,
    /// Maximum time since `iat` of a proof, by our clock and without the skew.
    pub max_age: Seconds,
    /// The scheme by which clients reach the service, which is not always that of the connection to the proxy.
    pub external_scheme: Scheme,
    /// Whether a proof must have a nonce of ours.
    pub nonce_required: bool,
    /// Which workers remember the proofs that were used.
    pub replay: MemoryScope,
}

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `https`
    Https,
    /// `http`
    Http,
}

impl Scheme {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// The port of a URL that names none (RFC 9110 sections 4.2.1 and 4.2.2).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

impl SenderRule {
    /// Whether a token without a binding is accepted.
    #[must_use]
    pub const fn accepts_unbound(&self) -> bool {
        matches!(self, Self::Unbound | Self::IfBound(_))
    }

    /// Whether a token that is bound to a client certificate is accepted.
    #[must_use]
    pub const fn accepts_certificates(&self) -> bool {
        matches!(self, Self::IfBound(_) | Self::Certificate | Self::Any(_))
    }

    /// Which proofs are accepted; `None` if no DPoP-bound token is.
    #[must_use]
    pub const fn dpop(&self) -> Option<&DpopRule> {
        match self {
            Self::Dpop(rule) | Self::Any(rule) | Self::IfBound(Some(rule)) => Some(rule),
            Self::Unbound | Self::IfBound(None) | Self::Certificate => None,
        }
    }

    /// Whether any of its tokens is presented as `Bearer`.
    #[must_use]
    pub const fn accepts_bearer_scheme(&self) -> bool {
        self.accepts_unbound() || self.accepts_certificates()
    }
}
