//! Every reason to refuse a request: its stable code, its kind, and the sentence that a client may read.
//!
//! The code is the same in the answer's body, the decision record, metrics, tests and docs, and never changes its meaning.
//! A sentence holds no value from the request: what was found stands in the [`Detail`], for the operator's record alone.

use core::fmt;

use crate::codes;
use crate::provider::ProviderName;
use crate::time::{Seconds, UnixSeconds};

/// The four kinds of refusal; each has one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The request could be read in more than one way: 400.
    Ambiguous,
    /// Who asks, or from which device, is not proved: 401.
    Unauthenticated,
    /// It is known who asks, and no policy lets them: 403.
    Forbidden,
    /// No decision can be reached, and not through the client's fault: 503.
    Undecidable,
}

impl RefusalKind {
    /// The HTTP status of this kind.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Ambiguous => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::Undecidable => 503,
        }
    }
}

codes! {
    /// Why a request is refused.
    pub enum Reason(kind: RefusalKind, sentence);

    /// `CONNECT`, `TRACE`, lower case, or a method that is not registered, see [`crate::request::RequestMethod`].
    MethodUnsupported = "method-unsupported", RefusalKind::Ambiguous, "This method is not served here.";
    /// No `:authority`, or more than one.
    AuthorityMissing = "authority-missing", RefusalKind::Ambiguous, "The request names no host.";
    /// Userinfo, an empty name, a port that is none, or bytes that no host name has.
    AuthorityMalformed = "authority-malformed", RefusalKind::Ambiguous, "The request's host is malformed.";
    /// No path, `*`, or a path that does not begin with `/`.
    PathMissing = "path-missing", RefusalKind::Ambiguous, "The request has no path.";
    /// Bytes or encodings that servers read in different ways, or a path that is nearly one of a narrower route.
    PathAmbiguous = "path-ambiguous", RefusalKind::Ambiguous, "The request's path could be read in more than one way.";
    /// Longer than `limits.max_path_bytes`.
    PathTooLong = "path-too-long", RefusalKind::Ambiguous, "The request's path is too long.";
    /// More than `limits.max_headers` or `limits.max_header_bytes`.
    HeadersTooLarge = "headers-too-large", RefusalKind::Ambiguous, "The request's headers are too large.";

    /// The route requires an access token, or the policies need to know who asks.
    CredentialMissing = "credential-missing", RefusalKind::Unauthenticated, "This needs an access token.";
    /// Two `Authorization` headers.
    CredentialDuplicate = "credential-duplicate", RefusalKind::Unauthenticated, "More than one credential was presented.";
    /// Not `Bearer` and one token (RFC 6750 section 2.1).
    CredentialMalformed = "credential-malformed", RefusalKind::Unauthenticated, "The credential is not a bearer token.";
    /// The token comes from an issuer whose tokens this route does not take.
    CredentialNotForRoute = "credential-not-for-route", RefusalKind::Unauthenticated, "This needs an access token of another issuer.";

    /// Longer than `limits.max_token_bytes`.
    TokenTooLarge = "token-too-large", RefusalKind::Unauthenticated, "The token is too large.";
    /// Not three parts of canonical base64url with JSON objects in the first two (RFC 7515, RFC 7519).
    TokenMalformed = "token-malformed", RefusalKind::Unauthenticated, "The token is malformed.";
    /// `crit` or `b64` in the header (RFC 7515 section 4.1.11, RFC 7797).
    TokenCritical = "token-critical", RefusalKind::Unauthenticated, "The token asks for an extension that is not understood.";
    /// `alg` is not one that the profile takes (RFC 8725 section 3.1).
    TokenAlgorithm = "token-algorithm", RefusalKind::Unauthenticated, "The token's algorithm is not accepted.";
    /// `typ` is not one that the profile takes (RFC 8725 section 3.11).
    TokenTyp = "token-typ", RefusalKind::Unauthenticated, "The token is of another type.";
    /// No profile has this `iss`.
    TokenIssuer = "token-issuer", RefusalKind::Unauthenticated, "The token's issuer is not known.";
    /// No key of the profile fits the header; with fetched keys, only after the provider was asked about the `kid`.
    TokenKey = "token-key", RefusalKind::Unauthenticated, "The token's key is not known.";
    /// The signature is not good.
    TokenSignature = "token-signature", RefusalKind::Unauthenticated, "The token's signature is not valid.";
    /// None of the audiences is ours (RFC 8725 section 3.9).
    TokenAudience = "token-audience", RefusalKind::Unauthenticated, "The token was made for another audience.";
    /// `exp` and the skew have passed.
    TokenExpired = "token-expired", RefusalKind::Unauthenticated, "The token has expired.";
    /// `nbf` or `iat` lies ahead by more than the skew.
    TokenNotYetValid = "token-not-yet-valid", RefusalKind::Unauthenticated, "The token is not valid yet.";
    /// `exp` is further from `iat` than `max_lifetime`.
    TokenLifetime = "token-lifetime", RefusalKind::Unauthenticated, "The token's lifetime is too long.";
    /// `iat` is longer ago than `max_age`.
    TokenTooOld = "token-too-old", RefusalKind::Unauthenticated, "The token is too old.";
    /// A claim that the profile needs is not there.
    TokenClaimMissing = "token-claim-missing", RefusalKind::Unauthenticated, "The token lacks a claim.";
    /// A claim is not of its type, or over a cap.
    TokenClaimType = "token-claim-type", RefusalKind::Unauthenticated, "A claim of the token is not of its type.";
    /// A claim does not have its pinned value.
    TokenPin = "token-pin", RefusalKind::Unauthenticated, "A claim of the token has another value than this service takes.";
    /// A claim that the profile forbids is there.
    TokenClaimForbidden = "token-claim-forbidden", RefusalKind::Unauthenticated, "The token has a claim that it must not have here.";
    /// The token says that its groups are kept elsewhere.
    TokenGroupOverage = "token-group-overage", RefusalKind::Unauthenticated, "The token does not carry all its groups.";
    /// `cnf` binds the token to a key or certificate that was not proved (RFC 7800, RFC 8705).
    TokenBinding = "token-binding", RefusalKind::Unauthenticated, "The token is bound to a key that was not proved.";

    /// Required, and not presented.
    PostureMissing = "posture-missing", RefusalKind::Unauthenticated, "This needs evidence about the device.";
    /// Required, and expired or older than `max_age`.
    PostureStale = "posture-stale", RefusalKind::Unauthenticated, "The evidence about the device is too old.";
    /// Presented, and forged, malformed or doubled.
    PostureRefused = "posture-refused", RefusalKind::Unauthenticated, "The evidence about the device is not valid.";
    /// Presented, and about another device or user than the token.
    PostureNotBound = "posture-not-bound", RefusalKind::Unauthenticated, "The evidence is about another device.";

    /// No application has this host.
    ApplicationUnknown = "application-unknown", RefusalKind::Forbidden, "No application has this host.";
    /// No route of the application has this path.
    RouteUnknown = "route-unknown", RefusalKind::Forbidden, "No route has this path.";
    /// The route does not list the method.
    MethodNotListed = "method-not-listed", RefusalKind::Forbidden, "The route does not take this method.";
    /// No permit applied.
    NotPermitted = "not-permitted", RefusalKind::Forbidden, "No policy permits this.";
    /// A forbid applied.
    ForbiddenByPolicy = "forbidden-by-policy", RefusalKind::Forbidden, "A policy forbids this.";

    /// A policy could not be evaluated; Cedar would skip it, which could lift a rule.
    PolicyError = "policy-error", RefusalKind::Undecidable, "The decision could not be made.";
    /// There is no configuration.
    NotConfigured = "not-configured", RefusalKind::Undecidable, "The policy enforcement point is not configured.";
    /// The keys that would tell are not at hand, and may come: the provider was not reached yet, or not for too long, or was not
    /// asked about the `kid` yet.
    KeysUnavailable = "keys-unavailable", RefusalKind::Undecidable, "The keys to check this with are not at hand.";
    /// The clock is earlier than this program.
    ClockImplausible = "clock-implausible", RefusalKind::Undecidable, "The policy enforcement point does not know the time.";
    /// The proxy did not hand over the request, or did not take the answer.
    HostFailure = "host-failure", RefusalKind::Undecidable, "The decision could not be carried out.";
}

/// What was found, for the decision record; never any bytes of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Detail {
    /// Nothing to add to the code.
    #[default]
    None,
    /// A point in time that was compared.
    Time {
        /// The claim: `exp`, `nbf` or `iat`.
        claim: &'static str,
        /// Its value.
        value: UnixSeconds,
        /// The time of the decision.
        now: UnixSeconds,
        /// The tolerance or age that was allowed.
        allowed: Seconds,
    },
    /// A claim or header member by the name that the *configuration* or a standard gives it.
    Claim(String),
    /// A claim is not of its type. Names and types are those of the configuration or a standard; the value is never here.
    Type {
        /// The claim; `name[]` is an element of a list.
        claim: String,
        /// What it is in JSON, such as `a string`.
        found: &'static str,
        /// What it should be, such as `bool`.
        wanted: String,
    },
    /// What the reader found wrong, a fixed text.
    Fault(&'static str),
    /// The path is one of this route of the configuration if it is read in another way.
    NearRoute {
        /// The route's name.
        route: String,
        /// Which way, a fixed text.
        how: &'static str,
    },
    /// A number of something over its cap.
    Size {
        /// What was found.
        found: usize,
        /// The cap.
        max: usize,
    },
    /// How long it takes until the outcome can be another.
    RetryAfter(Seconds),
    /// What is wrong with one piece of evidence, where the reason names only its kind.
    Because {
        /// What a token with that fault would be refused for.
        reason: Reason,
        /// What was found there.
        detail: Box<Detail>,
    },
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Time { claim, value, now, allowed } => {
                write!(f, "{claim} {} at {} with {} allowed", value.get(), now.get(), allowed)
            }
            Self::Claim(name) => write!(f, "`{name}`"),
            Self::Type { claim, found, wanted } => write!(f, "`{claim}` is {found}, wanted {wanted}"),
            Self::Fault(text) => f.write_str(text),
            Self::NearRoute { route, how } => write!(f, "{how}, the path belongs to the route `{route}`"),
            Self::Size { found, max } => write!(f, "{found}, at most {max}"),
            Self::RetryAfter(pause) => write!(f, "may be another in {pause}"),
            Self::Because { reason, detail } if **detail == Self::None => f.write_str(reason.code()),
            Self::Because { reason, detail } => write!(f, "{}: {detail}", reason.code()),
        }
    }
}

/// One "no".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Whose evidence it is about, where it is about evidence.
    pub provider: Option<ProviderName>,
    /// What was found, for the record.
    pub detail: Detail,
}

impl Refusal {
    /// A refusal with nothing to add to its code.
    #[must_use]
    pub const fn new(reason: Reason) -> Self {
        Self { reason, provider: None, detail: Detail::None }
    }

    /// The same with what was found.
    #[must_use]
    pub fn with(reason: Reason, detail: Detail) -> Self {
        Self { reason, provider: None, detail }
    }

    /// Posture that is refused for this fault of its token: one reason for the client, the fault itself for the record. What
    /// is no fault of a token, or is said of posture already, stays what it is.
    #[must_use]
    pub fn posture(fault: Self) -> Self {
        let of_posture =
            [Reason::PostureMissing, Reason::PostureStale, Reason::PostureRefused, Reason::PostureNotBound];
        if fault.reason.kind() == RefusalKind::Undecidable || of_posture.contains(&fault.reason) {
            return fault;
        }
        let detail = Detail::Because { reason: fault.reason, detail: Box::new(fault.detail) };
        Self { reason: Reason::PostureRefused, provider: fault.provider, detail }
    }

    /// The same about the evidence of this provider.
    #[must_use]
    pub fn about(mut self, provider: &ProviderName) -> Self {
        self.provider = Some(provider.clone());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;
    use crate::portable;
    use std::collections::HashSet;

    #[portable]
    fn codes_are_kebab_case_and_unique() {
        let mut seen = HashSet::new();
        for reason in Reason::ALL {
            let code = reason.code();
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
            assert!(seen.insert(code), "{code} stands twice");
        }
    }
}
