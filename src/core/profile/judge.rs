//! The claims of a token, checked against a profile.
//!
//! The signature is verified elsewhere ([`keys`](crate::keys)), and facts and principals are read elsewhere. The order of the
//! checks is fixed, so that a token is always rejected for the same reason:
//!
//! 1. `typ`, `iss`, `sub` where it names the issuer, `aud`: the token was issued by this issuer, as this type, for this service;
//! 2. pins, forbidden claims, an undeclared actor, marks of an ID token: the token has the role of this profile;
//! 3. `sub`, `jti` and `sid` have the right types, whether anything reads them or not (RFC 7519 section 4.1, OpenID Connect
//!    Front-Channel Logout 1.0 section 3); `nbf`, `iat` and `exp` have the right types and are present where required; the
//!    token is not from the future; its lifetime is not too long;
//! 4. `exp`, `max_age`: last, so that "expired" and "too old" mean that nothing else is wrong.
//!
//! A `NumericDate` with a fraction is rounded to the stricter side in each comparison.

use serde_json::Value;

use super::{Expiry, FactField, TokenKind, TokenProfile};
use crate::jose::{Claims, Rounding};
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::{Seconds, UnixSeconds};

/// When an accepted token was issued, and when it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedTimes {
    /// Time since `iat`; zero if `iat` is in the future by no more than the clock skew. `None` if there is no `iat`, which
    /// cannot happen if `max_age` or `max_lifetime` is set.
    pub age: Option<Seconds>,
    /// `exp`.
    pub expires: Option<UnixSeconds>,
}

/// The result for a token with which nothing is wrong except, perhaps, that it is too late.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Appraisal {
    /// Nothing is wrong.
    Fresh(JudgedTimes),
    /// Nothing is wrong except that it is too late.
    Stale {
        /// As in [`JudgedTimes::age`].
        age: Option<Seconds>,
        /// `token-expired` or `token-too-old`.
        refusal: Refusal,
    },
}

/// The times in a token whose other claims fit its profile. They do not depend on the clock, so they are read once for
/// all requests with the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimedTimes {
    not_before: Option<UnixSeconds>,
    issued: Rounded,
    expires: Rounded,
}

/// A `NumericDate`, rounded to both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rounded {
    down: Option<UnixSeconds>,
    up: Option<UnixSeconds>,
}

impl Rounded {
    fn read(claims: &Claims, name: &'static str) -> Result<Self, Refusal> {
        Ok(Self { down: claims.time(name, Rounding::Down)?, up: claims.time(name, Rounding::Up)? })
    }
}

impl TokenProfile {
    /// Checks the claims of a token that must be fresh, in the order of this module.
    ///
    /// # Errors
    /// Those of [`read_times`](Self::read_times) and [`judge`](Self::judge).
    pub fn judge_claims(&self, typ: Option<&str>, claims: &Claims, now: UnixSeconds) -> Result<JudgedTimes, Refusal> {
        self.judge(self.read_times(typ, claims)?, now)
    }

    /// Checks everything about the claims of a token that does not depend on the clock, and returns its times.
    ///
    /// # Errors
    /// `token-typ`, `token-issuer`, `token-audience`, `token-pin`, `token-claim-forbidden`, `token-claim-missing`,
    /// `token-claim-type`.
    pub fn read_times(&self, typ: Option<&str>, claims: &Claims) -> Result<ClaimedTimes, Refusal> {
        self.in_role(typ, claims).and_then(|()| self.times(claims)).map_err(|refusal| refusal.about(&self.name))
    }

    /// Checks the times of a token that must be fresh.
    ///
    /// # Errors
    /// Those of [`appraise`](Self::appraise), and `token-expired`, `token-too-old`.
    pub fn judge(&self, times: ClaimedTimes, now: UnixSeconds) -> Result<JudgedTimes, Refusal> {
        match self.appraise(times, now)? {
            Appraisal::Fresh(times) => Ok(times),
            Appraisal::Stale { refusal, .. } => Err(refusal),
        }
    }

    /// Checks the times of a token, and distinguishes a token that is only too late from one that is wrong. A token is too late
    /// if `now >= exp + skew`, or if more than `max_age` has passed since `iat`. The skew does not extend `max_age`, because
    /// policies read the age.
    ///
    /// # Errors
    /// `token-not-yet-valid`, `token-lifetime`.
    pub fn appraise(&self, times: ClaimedTimes, now: UnixSeconds) -> Result<Appraisal, Refusal> {
        self.in_time(times, now).map_err(|refusal| refusal.about(&self.name)).map(|appraisal| match appraisal {
            Appraisal::Stale { age, refusal } => Appraisal::Stale { age, refusal: refusal.about(&self.name) },
            fresh @ Appraisal::Fresh(_) => fresh,
        })
    }

    /// Steps 1 and 2.
    fn in_role(&self, typ: Option<&str>, claims: &Claims) -> Result<(), Refusal> {
        if !self.typ.accepts(typ) {
            return Err(Refusal::mismatch(Reason::TokenTyp, "typ", typ, self.typ.written()));
        }
        self.issuer.judge(claims)?;
        self.subject.judge(claims.string("sub")?)?;
        let audiences = claims.audiences()?;
        if !self.audiences.accept(audiences.as_deref()) {
            return Err(match audiences {
                None => claim(Reason::TokenClaimMissing, "aud"),
                Some(found) => {
                    let wanted = self.audiences.listed().iter().map(String::as_str);
                    Refusal::mismatch(Reason::TokenAudience, "aud", found, wanted)
                }
            });
        }
        if let Some(pin) = self.pins.iter().find(|pin| !pin.fits(|claim, value| claims.has(claim, value))) {
            return Err(claim(Reason::TokenPin, &pin.claim));
        }
        if let Some(name) = self.forbid_claims.iter().find(|name| claims.get(name).is_some()) {
            return Err(claim(Reason::TokenClaimForbidden, name));
        }
        let is_absent = |name: &&String| claims.get(name).is_none_or(Value::is_null);
        if let Some(name) = self.require_claims.iter().find(is_absent) {
            return Err(claim(Reason::TokenClaimMissing, name));
        }
        if self.kind != TokenKind::Posture {
            FactField::refuse_undeclared_actor(&self.facts, claims)?;
        }
        match self.kind.foreign_mark(typ, claims) {
            Some(mark) => Err(Refusal::with(Reason::TokenClaimForbidden, Detail::IdToken(mark))),
            None => Ok(()),
        }
    }

    /// Step 3 as far as it does not depend on the clock.
    fn times(&self, claims: &Claims) -> Result<ClaimedTimes, Refusal> {
        for name in ["sub", "jti", "sid"] {
            claims.string(name)?;
        }
        let expires = Rounded::read(claims, "exp")?;
        let not_before = claims.time("nbf", Rounding::Up)?;
        let issued = Rounded::read(claims, "iat")?;
        match (self.expiry, expires.down) {
            (Expiry::Required, None) => return Err(claim(Reason::TokenClaimMissing, "exp")),
            (Expiry::Absent, Some(_)) => return Err(claim(Reason::TokenClaimForbidden, "exp")),
            (Expiry::Required, Some(_)) | (Expiry::Absent, None) => {}
        }
        if issued.down.is_none() && (self.max_age.is_some() || self.max_lifetime.is_some()) {
            return Err(claim(Reason::TokenClaimMissing, "iat"));
        }
        Ok(ClaimedTimes { not_before, issued, expires })
    }

    /// The rest of step 3, and step 4.
    fn in_time(&self, times: ClaimedTimes, now: UnixSeconds) -> Result<Appraisal, Refusal> {
        let ClaimedTimes { not_before, issued, expires } = times;
        for (name, begins) in [("nbf", not_before), ("iat", issued.up)] {
            if let Some(value) = begins.filter(|begins| *begins > now.plus(self.clock_skew)) {
                return Err(time(Reason::TokenNotYetValid, name, value, now, self.clock_skew));
            }
        }
        if let (Some(max), Some(issued), Some(expires)) = (self.max_lifetime, issued.down, expires.up)
            && expires.since(issued) > max
        {
            return Err(Refusal::with(Reason::TokenLifetime, Detail::Lifetime { issued, expires, max }));
        }
        let age = issued.down.map(|issued| now.since(issued));
        if let Some(expired) = expires.down.filter(|expires| now >= expires.plus(self.clock_skew)) {
            let refusal = time(Reason::TokenExpired, "exp", expired, now, self.clock_skew);
            return Ok(Appraisal::Stale { age, refusal });
        }
        if let (Some(issued), Some(max)) = (issued.down, self.max_age)
            && now.since(issued) > max
        {
            return Ok(Appraisal::Stale { age, refusal: time(Reason::TokenTooOld, "iat", issued, now, max) });
        }
        Ok(Appraisal::Fresh(JudgedTimes { age, expires: expires.down }))
    }
}

fn claim(reason: Reason, name: &str) -> Refusal {
    Refusal::with(reason, Detail::Claim(name.to_owned()))
}

fn time(reason: Reason, claim: &'static str, value: UnixSeconds, now: UnixSeconds, allowed: Seconds) -> Refusal {
    Refusal::with(reason, Detail::Time { claim, value, now, allowed })
}

#[cfg(test)]
mod tests;
