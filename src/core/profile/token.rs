//! Profiles: what a token must look like to be believed, one profile for each role that a token can play.

use serde_json::Value;

use super::{FactField, IssuerTemplate};
use crate::jose::{Algorithm, ClaimPath};
use crate::keys::KeySource;
use crate::provider::ProviderName;
use crate::time::Seconds;

/// What `iss` must be (RFC 7519 section 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerId {
    /// Exactly this text.
    Exactly(String),
    /// This text with the token's own tenant in it.
    Template(IssuerTemplate),
    /// Not there at all, as in a SPIFFE JWT-SVID.
    Absent,
}

/// What `aud` must hold (RFC 7519 section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audiences {
    /// At least one of these.
    OneOf(Vec<String>),
    /// Not there at all.
    Absent,
}

/// Whether `exp` must be there (RFC 7519 section 4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It must.
    Required,
    /// It must not; then `max_age` bounds the token's life.
    Absent,
}

/// Which `typ` headers are taken, compared without regard to case and to a leading `application/` (RFC 7515 section 4.1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typ {
    /// The values taken, in lower case, without `application/`.
    pub values: Vec<String>,
    /// Whether a token without `typ` is taken.
    pub absent: bool,
}

/// A claim that must have one of some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The claim.
    pub claim: String,
    /// The values: texts, booleans or whole numbers. Never empty.
    pub values: Vec<Value>,
}

impl Pin {
    /// Whether the claim is exactly one of the values; `has` asks the claim set, see
    /// [`ClaimSet::has`](crate::jose::ClaimSet::has). A claim that is a list is none of them.
    pub(super) fn fits(&self, has: impl Fn(&str, &Value) -> bool) -> bool {
        self.values.iter().any(|value| has(&self.claim, value))
    }

    /// Whether no token can fit both.
    fn excludes(&self, other: &Self) -> bool {
        self.claim == other.claim && self.values.iter().all(|value| !other.values.contains(value))
    }
}

/// What a token of one role must look like.
#[derive(Clone, Debug)]
pub struct TokenProfile {
    /// The name in the configuration.
    pub name: ProviderName,
    /// `iss`.
    pub issuer: IssuerId,
    /// `aud`.
    pub audiences: Audiences,
    /// `exp`.
    pub expiry: Expiry,
    /// Algorithms taken. Never empty.
    pub algorithms: Vec<Algorithm>,
    /// `typ`.
    pub typ: Typ,
    /// Claims that must have one of these values.
    pub pins: Vec<Pin>,
    /// Claims that must not be there.
    pub forbid_claims: Vec<String>,
    /// Tolerance between the issuer's clock and ours, both ways.
    pub clock_skew: Seconds,
    /// Longest time since `iat`, by our clock and without the skew; with it `iat` is required.
    pub max_age: Option<Seconds>,
    /// Longest time from `iat` to `exp`, both by the issuer's clock; with it `iat` is required.
    pub max_lifetime: Option<Seconds>,
    /// The claims that become facts.
    pub facts: Vec<FactField>,
    /// Where the keys that may sign come from.
    pub keys: KeySource,
}

impl TokenProfile {
    /// Whether no token can fit both, whoever signed it: one claim, and no value that both take.
    #[must_use]
    pub fn is_pinned_apart_from(&self, other: &Self) -> bool {
        self.pins.iter().any(|pin| other.pins.iter().any(|another| pin.excludes(another)))
    }

    /// The claim that tells tenants apart where nothing in the profile says which may come: a policy must.
    #[must_use]
    pub fn open_tenant(&self) -> Option<&ClaimPath> {
        match &self.issuer {
            IssuerId::Template(template) if !self.pins.iter().any(|pin| template.claim.0 == [pin.claim.as_str()]) => {
                Some(&template.claim)
            }
            IssuerId::Template(_) | IssuerId::Exactly(_) | IssuerId::Absent => None,
        }
    }
}
