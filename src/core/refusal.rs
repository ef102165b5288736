//! Every reason to refuse a request: its stable code, its kind, and the sentence that a client may read.
//!
//! The code is the same in the answer's body, the decision record, metrics, tests and docs, and never changes its
//! meaning. A sentence holds no value from the request. The [`Detail`] says what was found; only the operator's record
//! shows it.

use core::fmt;

use crate::codes;
use crate::provider::ProviderName;
use crate::remedy::Remedy;
use crate::time::{Seconds, UnixSeconds};

/// The four kinds of refusal; each has one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The request could be read in more than one way: 400.
    Ambiguous,
    /// The caller or the device is not proved: 401.
    Unauthenticated,
    /// No application, route or policy permits the request: 403.
    Forbidden,
    /// No decision can be reached, through no fault of the client: 503.
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
    MethodUnsupported = "method-unsupported", RefusalKind::Ambiguous, "This method is not supported.";
    /// No `:authority`, or more than one.
    AuthorityMissing = "authority-missing", RefusalKind::Ambiguous, "The request must name exactly one host.";
    /// Userinfo, an empty name, an invalid port, or bytes that no host name has.
    AuthorityMalformed = "authority-malformed", RefusalKind::Ambiguous, "The request's host is malformed.";
    /// No path, `*`, or a path that does not begin with `/`.
    PathMissing = "path-missing", RefusalKind::Ambiguous, "The request has no path.";
    /// Bytes or encodings that servers read in different ways, or a path that belongs to a narrower route if it is read
    /// in another way.
    PathAmbiguous = "path-ambiguous", RefusalKind::Ambiguous, "The request's path is ambiguous.";
    /// Longer than `limits.max_path_bytes`.
    PathTooLong = "path-too-long", RefusalKind::Ambiguous, "The request's path is too long.";
    /// More than `limits.max_headers` or `limits.max_header_bytes`.
    HeadersTooLarge = "headers-too-large", RefusalKind::Ambiguous, "The request's headers are too large.";

    /// The route requires an access token, or the policies do not permit the request of an anonymous caller.
    CredentialMissing = "credential-missing", RefusalKind::Unauthenticated, "An access token is required.";
    /// Tokens at two places, or two at one: two `Authorization` headers, or one and a cookie of `from`.
    CredentialDuplicate = "credential-duplicate", RefusalKind::Unauthenticated, "More than one credential was presented.";
    /// Not `Bearer` or `DPoP` and one token (RFC 6750 section 2.1, RFC 9449 section 7.1), or not one token in a header or
    /// cookie of `from`.
    CredentialMalformed = "credential-malformed", RefusalKind::Unauthenticated, "The credential is not an access token.";
    /// The token's issuer accepts no tokens from the place where this one was presented.
    CredentialMisplaced = "credential-misplaced", RefusalKind::Unauthenticated, "The token is not accepted where it was presented.";
    /// The token comes from an issuer whose tokens this route does not accept.
    CredentialNotForRoute = "credential-not-for-route", RefusalKind::Unauthenticated, "An access token of another issuer is required.";

    /// Longer than `limits.max_token_bytes`.
    TokenTooLarge = "token-too-large", RefusalKind::Unauthenticated, "The token is too large.";
    /// Not three parts of canonical base64url with JSON objects in the first two (RFC 7515, RFC 7519).
    TokenMalformed = "token-malformed", RefusalKind::Unauthenticated, "The token is malformed.";
    /// `crit` or `b64` in the header (RFC 7515 section 4.1.11, RFC 7797).
    TokenCritical = "token-critical", RefusalKind::Unauthenticated, "The token requires an unsupported extension.";
    /// `alg` is not one that the profile accepts (RFC 8725 section 3.1).
    TokenAlgorithm = "token-algorithm", RefusalKind::Unauthenticated, "The token's algorithm is not accepted.";
    /// `typ` is not one that the profile accepts (RFC 8725 section 3.11).
    TokenTyp = "token-typ", RefusalKind::Unauthenticated, "The token has the wrong type.";
    /// No profile has this `iss`.
    TokenIssuer = "token-issuer", RefusalKind::Unauthenticated, "The token's issuer is unknown.";
    /// No key of the profile fits the header; with fetched keys, only after the provider was asked about the `kid`.
    TokenKey = "token-key", RefusalKind::Unauthenticated, "The token's signing key is unknown.";
    /// The signature is not valid.
    TokenSignature = "token-signature", RefusalKind::Unauthenticated, "The token's signature is not valid.";
    /// None of the audiences is ours (RFC 8725 section 3.9).
    TokenAudience = "token-audience", RefusalKind::Unauthenticated, "The token is for another audience.";
    /// `exp` and the skew have passed.
    TokenExpired = "token-expired", RefusalKind::Unauthenticated, "The token has expired.";
    /// `nbf` or `iat` lies ahead by more than the skew.
    TokenNotYetValid = "token-not-yet-valid", RefusalKind::Unauthenticated, "The token is not valid yet.";
    /// `exp` is further from `iat` than `max_lifetime`.
    TokenLifetime = "token-lifetime", RefusalKind::Unauthenticated, "The token's lifetime is too long.";
    /// `iat` is longer ago than `max_age`.
    TokenTooOld = "token-too-old", RefusalKind::Unauthenticated, "The token is too old.";
    /// A claim that the profile requires is absent.
    TokenClaimMissing = "token-claim-missing", RefusalKind::Unauthenticated, "The token lacks a required claim.";
    /// A claim has the wrong type, or exceeds a cap.
    TokenClaimType = "token-claim-type", RefusalKind::Unauthenticated, "A token claim has the wrong type.";
    /// A claim does not have its pinned value.
    TokenPin = "token-pin", RefusalKind::Unauthenticated, "A token claim has a value that is not accepted here.";
    /// A claim that the profile forbids is present.
    TokenClaimForbidden = "token-claim-forbidden", RefusalKind::Unauthenticated, "The token has a claim that is not accepted here.";
    /// The token says that its groups are listed elsewhere.
    TokenGroupOverage = "token-group-overage", RefusalKind::Unauthenticated, "The token does not carry all its groups.";
    /// `cnf` binds the token to a key or certificate that was not proved (RFC 7800, RFC 8705, RFC 9449),
    /// or the issuer's tokens must be bound and it is not.
    TokenBinding = "token-binding", RefusalKind::Unauthenticated, "Proof of possession of the token is required, and is missing or not valid.";

    /// A token came by the scheme `DPoP` without a header field `DPoP` (RFC 9449 section 4.3, check 1).
    ProofMissing = "proof-missing", RefusalKind::Unauthenticated, "A DPoP proof is required.";
    /// Two header fields `DPoP` (check 1).
    ProofDuplicate = "proof-duplicate", RefusalKind::Unauthenticated, "More than one DPoP proof was presented.";
    /// Not one well-formed JWT, or a required claim is missing or has the wrong type (checks 2 and 3).
    ProofMalformed = "proof-malformed", RefusalKind::Unauthenticated, "The DPoP proof is malformed.";
    /// `typ` is not `dpop+jwt` (check 4).
    ProofTyp = "proof-typ", RefusalKind::Unauthenticated, "The DPoP proof has the wrong type.";
    /// `alg` is not one that the issuer's configuration lists (check 5).
    ProofAlgorithm = "proof-algorithm", RefusalKind::Unauthenticated, "The DPoP proof's algorithm is not accepted.";
    /// The signature is not valid for `jwk` (check 6).
    ProofSignature = "proof-signature", RefusalKind::Unauthenticated, "The DPoP proof's signature is not valid.";
    /// `jwk` is missing, is not a valid public key for `alg`, or has a member of a private key (check 7).
    ProofKey = "proof-key", RefusalKind::Unauthenticated, "The DPoP proof does not have a valid public key.";
    /// `htm` is not the request's method (check 8).
    ProofMethod = "proof-method", RefusalKind::Unauthenticated, "The DPoP proof is for another method.";
    /// `htu` is not the request's URL (check 9).
    ProofTarget = "proof-target", RefusalKind::Unauthenticated, "The DPoP proof is for another URL.";
    /// A nonce is required, and the proof has none, or one that is not ours or no longer valid (check 10).
    ProofNonce = "proof-nonce", RefusalKind::Unauthenticated, "The DPoP proof requires the nonce of this answer.";
    /// `iat` is longer ago than `dpop.max_age`, or lies ahead by more than the skew (check 11).
    ProofTime = "proof-time", RefusalKind::Unauthenticated, "The DPoP proof is too old or not valid yet.";
    /// `ath` is not the hash of the access token (check 12).
    ProofToken = "proof-token", RefusalKind::Unauthenticated, "The DPoP proof is for another access token.";
    /// The proof was used before (RFC 9449 section 11.1).
    ProofReplayed = "proof-replayed", RefusalKind::Unauthenticated, "The DPoP proof was used before.";

    /// The route requires the connection of a workload of a listed trust domain.
    WorkloadMissing = "workload-missing", RefusalKind::Unauthenticated, "The connection of a known workload is required.";

    /// Required, and not presented.
    PostureMissing = "posture-missing", RefusalKind::Unauthenticated, "Evidence about the device is required.";
    /// Required, and expired or older than `max_age`.
    PostureStale = "posture-stale", RefusalKind::Unauthenticated, "The evidence about the device is too old.";
    /// Presented, and forged, malformed or duplicated.
    PostureRefused = "posture-refused", RefusalKind::Unauthenticated, "The evidence about the device is not valid.";
    /// Presented, and about another device or user than the token.
    PostureNotBound = "posture-not-bound", RefusalKind::Unauthenticated, "The evidence about the device does not match the token.";
    /// Evidence of two providers is about different devices: they differ in `id` or `serial` of `context.device`.
    DeviceConflict = "device-conflict", RefusalKind::Unauthenticated, "The evidence is about more than one device.";

    /// The policies would permit the request if the user had authenticated in another way or more recently (`@step_up`,
    /// RFC 9470).
    InsufficientUserAuthentication = "insufficient-user-authentication", RefusalKind::Unauthenticated, "A stronger or more recent authentication is required.";

    /// No application has this host.
    ApplicationUnknown = "application-unknown", RefusalKind::Forbidden, "No application has this host.";
    /// No route of the application has this path.
    RouteUnknown = "route-unknown", RefusalKind::Forbidden, "No route has this path.";
    /// The route does not list the method.
    MethodNotListed = "method-not-listed", RefusalKind::Forbidden, "This route does not allow the method.";
    /// No permit applied.
    NotPermitted = "not-permitted", RefusalKind::Forbidden, "No policy permits this.";
    /// The policies would permit the request if the token had another scope (`@scope`, RFC 6750 section 3.1).
    InsufficientScope = "insufficient-scope", RefusalKind::Forbidden, "The token lacks a required scope.";
    /// A forbid applied.
    ForbiddenByPolicy = "forbidden-by-policy", RefusalKind::Forbidden, "A policy forbids this.";

    /// A policy could not be evaluated; Cedar would skip it, which could lift a rule.
    PolicyError = "policy-error", RefusalKind::Undecidable, "The decision could not be made.";
    /// There is no configuration.
    NotConfigured = "not-configured", RefusalKind::Undecidable, "The policy enforcement point is not configured.";
    /// The keys to verify the token with are not available: the provider was not reached yet, or has not been reached
    /// for longer than `max_stale`, or was not yet asked about the `kid`.
    KeysUnavailable = "keys-unavailable", RefusalKind::Undecidable, "Token verification keys are temporarily unavailable.";
    /// The memory for used proofs has no room for this one.
    ReplayStoreFull = "replay-store-full", RefusalKind::Undecidable, "Too many DPoP proofs were used recently.";
    /// The memory for used proofs cannot be read or written.
    ReplayStoreUnavailable = "replay-store-unavailable", RefusalKind::Undecidable, "DPoP proofs cannot be verified at the moment.";
    /// The clock is earlier than this program.
    ClockImplausible = "clock-implausible", RefusalKind::Undecidable, "The policy enforcement point does not know the time.";
    /// The proxy did not hand over the request, or did not carry out the changes to it.
    HostFailure = "host-failure", RefusalKind::Undecidable, "The decision could not be carried out.";
}

/// Characters of one value of a token that a detail shows.
const SHOWN_CHARACTERS: usize = 100;

/// Values of a token, and names of the configuration, that a detail lists.
const SHOWN_VALUES: usize = 5;

/// What was found, for the decision record. Of a credential it has at most the values of `typ`, `alg`, `kid` and `aud`, which
/// are not secret, cut.
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
    /// Two of the places where a credential was presented; they are equal if it was presented twice at one place. Names
    /// of the configuration.
    TwoPlaces([String; 2]),
    /// A token was presented at a place from which its issuer accepts none. Names of the configuration.
    Misplaced {
        /// Where it was presented.
        found: String,
        /// Where its issuer accepts tokens.
        accepted: Vec<String>,
    },
    /// A claim or header member by the name that the *configuration* or a standard gives it.
    Claim(String),
    /// A member of the token does not have a value that is accepted.
    Mismatch {
        /// Its name in the standard.
        member: &'static str,
        /// The values of the token, cut. Nothing if it does not have the member.
        found: Vec<String>,
        /// The accepted values. Nothing if only a token without the member is accepted.
        wanted: Vec<String>,
    },
    /// No key of the latest set has this `kid`, cut; or for a token without one, not exactly one key has its algorithm.
    NoKey(Option<String>),
    /// `exp` is too long after `iat`.
    Lifetime {
        /// `iat`.
        issued: UnixSeconds,
        /// `exp`.
        expires: UnixSeconds,
        /// The longest time between the two.
        max: Seconds,
    },
    /// The token has this mark of an ID token, and the profile accepts access tokens.
    IdToken(&'static str),
    /// A claim has the wrong type. Names and types are those of the configuration or a standard; the value is never
    /// here.
    Type {
        /// The claim; `name[]` is an element of a list.
        claim: String,
        /// What it is in JSON, such as `a string`.
        found: &'static str,
        /// What it should be, such as `bool`.
        wanted: String,
    },
    /// What the reader found wrong, a fixed string.
    Fault(&'static str),
    /// What is wrong with one fact about a device.
    Fact {
        /// Its name in the configuration, or that of an attribute of the subject.
        fact: String,
        /// What is wrong, a fixed string.
        fault: &'static str,
    },
    /// The path is one of this route of the configuration if it is read in another way.
    NearRoute {
        /// The route's name.
        route: String,
        /// Which way, a fixed string.
        how: &'static str,
    },
    /// A count or size over its cap.
    Size {
        /// What was found.
        found: usize,
        /// The cap.
        max: usize,
    },
    /// How long it takes until the outcome can change.
    RetryAfter(Seconds),
    /// What the client can do about it. The challenge says it too.
    Remedy(Remedy),
    /// Two providers say different things about this member of `context.device`. What they say is never here.
    Differ {
        /// The member.
        member: String,
        /// The providers, by their names in the configuration.
        providers: [String; 2],
    },
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
            Self::TwoPlaces([one, other]) if one == other => write!(f, "more than once in `{one}`"),
            Self::TwoPlaces([one, other]) => write!(f, "in `{one}` and in `{other}`"),
            Self::Misplaced { found, accepted } => {
                write!(f, "presented in `{found}`, accepted in {}", Listed(accepted, "no place"))
            }
            Self::Claim(name) => write!(f, "`{name}`"),
            Self::Mismatch { member, found, wanted } => {
                write!(f, "`{member}` is {}, wanted {}", Listed(found, "absent"), Listed(wanted, "none"))
            }
            Self::NoKey(Some(key_id)) => {
                write!(f, "no key of the latest set has the `kid` `{}` and the token's `alg`", key_id.escape_debug())
            }
            Self::NoKey(None) => {
                f.write_str("the token has no `kid`, and the latest set does not have exactly one key for its `alg`")
            }
            Self::Lifetime { issued, expires, max } => {
                let (from, to, lifetime) = (issued.get(), expires.get(), expires.since(*issued));
                write!(f, "`exp` {to} is {lifetime} after `iat` {from}, at most {max}")
            }
            Self::IdToken(mark) => {
                write!(f, "`{mark}` marks an ID token, and the profile accepts access tokens (`token: access`)")
            }
            Self::Type { claim, found, wanted } => write!(f, "`{claim}` is {found}, wanted {wanted}"),
            Self::Fault(fault) => f.write_str(fault),
            Self::Fact { fact, fault } => write!(f, "`{fact}` {fault}"),
            Self::NearRoute { route, how } => write!(f, "{how}, the path belongs to the route `{route}`"),
            Self::Differ { member, providers: [one, other] } => {
                write!(f, "`{member}` of `{one}` and of `{other}` differ")
            }
            Self::Size { found, max } => write!(f, "{found}, at most {max}"),
            Self::Remedy(remedy) => remedy.fmt(f),
            Self::RetryAfter(pause) => write!(f, "may change in {pause}"),
            Self::Because { reason, detail } if **detail == Self::None => f.write_str(reason.code()),
            Self::Because { reason, detail } => write!(f, "{}: {detail}", reason.code()),
        }
    }
}

/// Values in backquotes, up to a number of them; or this word if there are none.
struct Listed<'a>(&'a [String], &'static str);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(values, none) = self;
        if values.is_empty() {
            return f.write_str(none);
        }
        for (index, value) in values.iter().take(SHOWN_VALUES).enumerate() {
            write!(f, "{}`{}`", if index == 0 { "" } else { ", " }, value.escape_debug())?;
        }
        match values.len().checked_sub(SHOWN_VALUES) {
            Some(more @ 1..) => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}

fn cut(value: &str) -> String {
    value.chars().take(SHOWN_CHARACTERS).collect()
}

/// One refusal: why, about whose evidence, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The provider whose evidence it is about; `None` where it is not about evidence.
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

    /// A refusal because a member of the token does not have an accepted value.
    #[must_use]
    pub fn mismatch<'v>(
        reason: Reason,
        member: &'static str,
        found: impl IntoIterator<Item = &'v str>,
        wanted: impl IntoIterator<Item = &'v str>,
    ) -> Self {
        let found = found.into_iter().map(cut).collect();
        let wanted = wanted.into_iter().map(str::to_owned).collect();
        Self::with(reason, Detail::Mismatch { member, found, wanted })
    }

    /// A refusal because no key fits a token with this `kid`, or without one.
    #[must_use]
    pub fn no_key(key_id: Option<&str>) -> Self {
        Self::with(Reason::TokenKey, Detail::NoKey(key_id.map(cut)))
    }

    /// The refusal of posture whose token has this fault: one reason for the client, the fault itself for the record. A
    /// fault that is not the token's, or that is about posture already, stays as it is.
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

    /// The refusal of a request that the policies would permit if its client did this.
    #[must_use]
    pub const fn until(remedy: Remedy) -> Self {
        let reason = match remedy {
            Remedy::StepUp(_) => Reason::InsufficientUserAuthentication,
            Remedy::Scope(_) => Reason::InsufficientScope,
        };
        Self { reason, provider: None, detail: Detail::Remedy(remedy) }
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
    use super::{Reason, Refusal, SHOWN_CHARACTERS, SHOWN_VALUES};
    use crate::portable;
    use std::collections::HashSet;

    #[portable]
    fn a_mismatch_says_what_was_found_and_wanted_cut_and_escaped() {
        let told = |found: &[&str], wanted: &[&str]| {
            let (found, wanted) = (found.iter().copied(), wanted.iter().copied());
            Refusal::mismatch(Reason::TokenAudience, "aud", found, wanted).detail.to_string()
        };
        assert_eq!(told(&["openid orders.read"], &["shop"]), "`aud` is `openid orders.read`, wanted `shop`");
        assert_eq!(told(&[], &["shop", "eu"]), "`aud` is absent, wanted `shop`, `eu`");
        assert_eq!(told(&["a"], &[]), "`aud` is `a`, wanted none");
        assert_eq!(told(&["a\n\u{202e}"], &["shop"]), "`aud` is `a\\n\\u{202e}`, wanted `shop`");
        let (at_cap, past) = ("ä".repeat(SHOWN_CHARACTERS), "ä".repeat(SHOWN_CHARACTERS + 1));
        assert_eq!(told(&[&past], &[]), format!("`aud` is `{at_cap}`, wanted none"));
        assert_eq!(told(&[&at_cap], &[]), format!("`aud` is `{at_cap}`, wanted none"));
        assert_eq!(told(&["a"; SHOWN_VALUES], &[]), "`aud` is `a`, `a`, `a`, `a`, `a`, wanted none");
        assert_eq!(told(&["a"; SHOWN_VALUES + 1], &[]), "`aud` is `a`, `a`, `a`, `a`, `a` and 1 more, wanted none");
    }

    #[portable]
    fn codes_are_kebab_case_and_unique() {
        let mut seen = HashSet::new();
        for reason in Reason::ALL {
            let code = reason.code();
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
            assert!(seen.insert(code), "{code} is duplicated");
        }
    }
}
