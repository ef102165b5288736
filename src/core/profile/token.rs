//! Profiles: what a token must look like to be accepted, one profile for each role that a token can play.

use serde_json::Value;

use super::{FactField, IssuerId, TokenKind};
use crate::jose::{Algorithm, ClaimPath, KeyUse, TokenForm};
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::spiffe::{SpiffeId, TrustDomain};
use crate::time::Seconds;

/// What `aud` must contain (RFC 7519 section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audiences {
    /// At least one of these.
    OneOf(Vec<String>),
    /// Absent.
    Absent,
}

/// Whether a token must have `exp` (RFC 7519 section 4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It must.
    Required,
    /// It must not. Then `max_age` limits the token's lifetime.
    Absent,
}

/// Which algorithms may have signed a token (RFC 8725 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Algorithms {
    /// One of these, with a key that is for it. Never empty.
    Listed(Vec<Algorithm>),
    /// The one that the key names in `alg`.
    NamedByEachKey,
}

impl Algorithms {
    /// Whether a token may name this algorithm. Independently of that, each key verifies only with its own algorithm.
    #[must_use]
    pub fn accept(&self, algorithm: Algorithm) -> bool {
        self.listed().is_none_or(|listed| listed.contains(&algorithm))
    }

    /// The algorithms that a key may be for; `None` where each key names its own.
    #[must_use]
    pub fn listed(&self) -> Option<&[Algorithm]> {
        match self {
            Self::Listed(listed) => Some(listed),
            Self::NamedByEachKey => None,
        }
    }
}

/// Which `typ` headers are accepted, compared without regard to case and to a leading `application/` (RFC 7515 section 4.1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typ {
    /// The accepted values, in lower case, without `application/`.
    pub values: Vec<String>,
    /// Whether a token without `typ` is accepted.
    pub absent: bool,
}

/// Which members the header of a token may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderMembers {
    /// Any.
    Any,
    /// `alg`, `kid` and `typ` (JWT-SVID section 2).
    AlgKidTyp,
}

/// What `sub` must be (RFC 7519 section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Any string, or absent.
    Any,
    /// The SPIFFE ID of a workload of this trust domain (JWT-SVID section 3.1).
    WorkloadOf(TrustDomain),
}

impl Subject {
    /// Whether a token with this `sub` can be accepted.
    pub(super) fn can_be(&self, subject: Option<&str>) -> bool {
        self.judge(subject).is_ok()
    }

    /// Compares the `sub` of a token.
    ///
    /// # Errors
    /// `token-claim-missing`; `token-claim-type` if it is not a SPIFFE ID; `token-issuer` if it is of another trust domain.
    pub(super) fn judge(&self, subject: Option<&str>) -> Result<(), Refusal> {
        let Self::WorkloadOf(trust_domain) = self else { return Ok(()) };
        let subject =
            subject.ok_or_else(|| Refusal::with(Reason::TokenClaimMissing, Detail::Claim("sub".to_owned())))?;
        match SpiffeId::parse(subject) {
            Ok(id) if id.is_of(trust_domain) => Ok(()),
            Ok(_) => Err(Refusal::with(Reason::TokenIssuer, Detail::Fault(OTHER_TRUST_DOMAIN))),
            Err(_) => {
                let detail = Detail::Type {
                    claim: "sub".to_owned(),
                    found: "a string",
                    wanted: "the SPIFFE ID of a workload".to_owned(),
                };
                Err(Refusal::with(Reason::TokenClaimType, detail))
            }
        }
    }
}

const OTHER_TRUST_DOMAIN: &str = "the SPIFFE ID in `sub` is of another trust domain";

/// A claim that must have one of some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The claim.
    pub claim: String,
    /// The values: strings, booleans or whole numbers. Never empty.
    pub values: Vec<Value>,
}

impl Pin {
    /// Whether the claim is exactly one of the values. `has` is the method of the claim set, see
    /// [`Claims::has`](crate::jose::Claims::has). A claim that is a list never is.
    pub(super) fn fits(&self, has: impl Fn(&str, &Value) -> bool) -> bool {
        self.values.iter().any(|value| has(&self.claim, value))
    }
}

impl Typ {
    /// The accepted values, as the configuration writes them.
    pub(super) fn written(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str).chain(self.absent.then_some("absent"))
    }

    /// Whether a token with this `typ`, in lower case and without `application/`, is accepted.
    pub(super) fn accepts(&self, typ: Option<&str>) -> bool {
        typ.map_or(self.absent, |typ| self.values.iter().any(|value| value == typ))
    }
}

impl Audiences {
    /// The accepted values; nothing if only a token without `aud` is accepted.
    pub(super) fn listed(&self) -> &[String] {
        match self {
            Self::OneOf(listed) => listed,
            Self::Absent => &[],
        }
    }

    /// Whether a token with these audiences, or without `aud`, is accepted.
    pub(super) fn accept(&self, found: Option<&[&str]>) -> bool {
        match (self, found) {
            (Self::OneOf(ours), Some(found)) => found.iter().any(|one| ours.iter().any(|our| our == one)),
            (Self::Absent, None) => true,
            (Self::OneOf(_), None) | (Self::Absent, Some(_)) => false,
        }
    }
}

/// What a token of one role must look like.
#[derive(Clone, Debug)]
pub struct TokenProfile {
    /// The name in the configuration.
    pub name: ProviderName,
    /// Which kind of token it is, where `typ` does not say it.
    pub kind: TokenKind,
    /// Its form, which the place where it is presented also has.
    pub form: TokenForm,
    /// Which members its header may have.
    pub header: HeaderMembers,
    /// `iss`.
    pub issuer: IssuerId,
    /// `sub`.
    pub subject: Subject,
    /// `aud`.
    pub audiences: Audiences,
    /// `exp`.
    pub expiry: Expiry,
    /// The algorithms that may have signed it.
    pub algorithms: Algorithms,
    /// What `use` of the keys that sign it may be.
    pub key_use: KeyUse,
    /// `typ`.
    pub typ: Typ,
    /// Claims that must have one of these values.
    pub pins: Vec<Pin>,
    /// Claims that the token must not have.
    pub forbid_claims: Vec<String>,
    /// Claims that the token must have; `null` counts as absent.
    pub require_claims: Vec<String>,
    /// Tolerance between the issuer's clock and ours, both ways.
    pub clock_skew: Seconds,
    /// Maximum time since `iat`, by our clock and without the skew. If it is set, `iat` is required.
    pub max_age: Option<Seconds>,
    /// Maximum time from `iat` to `exp`, both by the issuer's clock. If it is set, `iat` is required.
    pub max_lifetime: Option<Seconds>,
    /// The claims that become facts.
    pub facts: Vec<FactField>,
}

impl TokenProfile {
    /// Where policies find a claim inside `context`: the fact that reads it. A claim that no fact reads is named as it is
    /// written in the token.
    #[must_use]
    pub fn context_path(&self, claim: &ClaimPath) -> Vec<String> {
        let declared = FactField::leading_to(&self.facts, &claim.0);
        let names: Vec<&String> = match &declared {
            Some(way) => way.iter().map(|field| &field.name).collect(),
            None => claim.0.iter().collect(),
        };
        core::iter::once(self.name.as_str()).chain(names.into_iter().map(String::as_str)).map(str::to_owned).collect()
    }

    /// The claim that distinguishes tenants, if the profile itself does not restrict which tenants are accepted. Then a policy
    /// must.
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
