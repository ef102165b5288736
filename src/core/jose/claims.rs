//! The claim set (RFC 7519 section 4) with typed access: a claim of the wrong type is an error, never "absent"
//! (CVE-2026-25537 read an `exp` that was text as no `exp`). JSON `null` is a value of the wrong type, too.
//!
//! It serves step 4. The names that refusals repeat are the standard's or the configuration's, never the token's.

use core::fmt;
use core::ops::Deref;
use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{TokenForm, json};
use crate::limits::{MAX_LIST_ELEMENTS, MAX_TOKEN_JSON_DEPTH};
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::UnixSeconds;

/// 2^53: below it, and above its negative, every whole number is a double of its own (RFC 8259 section 6).
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// The place of a claim: the member names from the claim set inwards. Never empty. A dot in a name is part of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(pub Vec<String>);

impl ClaimPath {
    /// The member of an object with this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// The value at this place inside an object. `Err`: how many names lead to something that is not an object, and that.
    pub(crate) fn find<'v>(&self, object: &'v Map<String, Value>) -> Result<Option<&'v Value>, (usize, &'v Value)> {
        let Some((last, way)) = self.0.split_last() else { return Ok(None) };
        let mut object = object;
        for (name, length) in way.iter().zip(1_usize..) {
            match object.get(name) {
                Some(Value::Object(inner)) => object = inner,
                Some(other) => return Err((length, other)),
                None => return Ok(None),
            }
        }
        Ok(object.get(last))
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" > "))
    }
}

/// The claims of a token, whoever made it. To read them proves nothing: facts and principals come from
/// [`AuthenticClaims`].
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

/// The claims of a token whose signature was verified. Only [`AuthenticToken::claims`](super::AuthenticToken::claims)
/// makes them.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthenticClaims(Claims);

impl AuthenticClaims {
    pub(super) const fn new(claims: Claims) -> Self {
        Self(claims)
    }

    /// The claims for somebody who must not rely on them.
    pub(super) fn unproved(claims: Cow<'_, Self>) -> Cow<'_, Claims> {
        match claims {
            Cow::Borrowed(Self(claims)) => Cow::Borrowed(claims),
            Cow::Owned(Self(claims)) => Cow::Owned(claims),
        }
    }
}

impl Deref for AuthenticClaims {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        &self.0
    }
}

/// What may be known of a token before its signature is checked: which profile it chooses, and whether it is refused anyway.
pub struct UnverifiedClaims<'t>(Cow<'t, Claims>);

/// Which whole second a `NumericDate` with a fraction represents; the caller names the stricter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// The last whole second before it.
    Down,
    /// The first whole second after it.
    Up,
}

impl<'t> UnverifiedClaims<'t> {
    /// A view of claims.
    ///
    /// # Errors
    /// `token-claim-type` where `iss` is not a string.
    pub(super) fn of(claims: Cow<'t, Claims>) -> Result<Self, Refusal> {
        claims.string("iss")?;
        Ok(Self(claims))
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.get("iss").and_then(Value::as_str)
    }

    /// `sub`, if it is a string.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.get("sub").and_then(Value::as_str)
    }

    /// Whether the claim `name` has exactly `value`; see [`Claims::has`].
    #[must_use]
    pub fn has(&self, name: &str, value: &Value) -> bool {
        self.0.has(name, value)
    }

    /// `aud`; see [`Claims::audiences`].
    ///
    /// # Errors
    /// `token-claim-type`
    pub fn audiences(&self) -> Result<Option<Vec<&str>>, Refusal> {
        self.0.audiences()
    }

    /// Why this judge refuses the claims, though the signature were good. What it makes of them otherwise counts for nothing.
    pub fn refused_by<T>(&self, judge: impl FnOnce(&Claims) -> Result<T, Refusal>) -> Option<Refusal> {
        judge(&self.0).err()
    }
}

impl Claims {
    /// Reads the payload of a token.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, Refusal> {
        match json::parse(payload, MAX_TOKEN_JSON_DEPTH) {
            Ok(Value::Object(claims)) => Ok(Self(claims)),
            _ => Err(Refusal::with(
                Reason::TokenMalformed,
                Detail::Fault("the token's payload is not a strict JSON object"),
            )),
        }
    }

    /// The same, with the claims that a token of this form has in its header.
    pub(super) fn with(mut self, form: TokenForm, from_header: Map<String, Value>) -> Self {
        form.replace(&mut self.0, from_header);
        self
    }

    /// Claims that no token carries: a certificate, a trusted peer or the author of a test case states them.
    #[cfg(any(test, feature = "policy", feature = "given"))]
    pub(crate) const fn without_token(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// Claims that no signature covers.
    #[cfg(test)]
    pub(crate) fn for_test(claims: Value) -> Self {
        match claims {
            Value::Object(claims) => Self(claims),
            other => panic!("a claim set is an object, not {other}"),
        }
    }

    /// All of them.
    pub(crate) const fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The value at this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether the claim `name` is there and has exactly `value`. Numbers are compared as numbers, for `900` and `900.0`
    /// are one number in JSON; nothing else is converted.
    #[must_use]
    pub fn has(&self, name: &str, value: &Value) -> bool {
        match (self.get(name), value) {
            (Some(Value::Number(found)), Value::Number(wanted)) => {
                let exact = |number: &serde_json::Number| number.as_f64().filter(|double| double.abs() < EXACT_BELOW);
                found == wanted || exact(found).is_some_and(|double| exact(wanted) == Some(double))
            }
            (found, wanted) => found == Some(wanted),
        }
    }

    /// The value at a path of names.
    ///
    /// # Errors
    /// `token-claim-type` where something on the way is there and is not an object.
    pub fn at(&self, path: &ClaimPath) -> Result<Option<&Value>, Refusal> {
        path.find(&self.0).map_err(|(length, other)| {
            let so_far = ClaimPath(path.0.iter().take(length).cloned().collect());
            wrong_type(so_far, other, "an object")
        })
    }

    /// A string claim.
    ///
    /// # Errors
    /// `token-claim-type` where it is there and is not a string.
    pub fn string(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, other, "a string")),
        }
    }

    /// `aud`: one string or a list of strings (RFC 7519 section 4.1.3), at most [`MAX_LIST_ELEMENTS`].
    ///
    /// # Errors
    /// `token-claim-type`
    pub fn audiences(&self) -> Result<Option<Vec<&str>>, Refusal> {
        match self.get("aud") {
            None => Ok(None),
            Some(Value::String(one)) => Ok(Some(vec![one])),
            Some(Value::Array(several)) if several.len() <= MAX_LIST_ELEMENTS => several
                .iter()
                .map(|one| one.as_str().ok_or_else(|| wrong_type("aud[]", one, "a string")))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(other) => Err(wrong_type("aud", other, "a string or a list of strings")),
        }
    }

    /// A `NumericDate` (RFC 7519 section 2) in whole seconds.
    ///
    /// # Errors
    /// `token-claim-type` where it is there and not a number between -2^53 and 2^53, both excluded.
    pub fn time(&self, name: &'static str, rounding: Rounding) -> Result<Option<UnixSeconds>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value
            .as_f64()
            .and_then(|seconds| rounded(seconds, rounding))
            .map(|seconds| Some(UnixSeconds::new(seconds)))
            .ok_or_else(|| wrong_type(name, value, "a number of seconds below 2^53"))
    }
}

/// A `NumericDate` in whole seconds: a whole number of 64 bits as it is, and one with a fraction rounded, if it is between
/// -2^53 and 2^53, both excluded.
pub(crate) fn whole_seconds(value: &Value, rounding: Rounding) -> Option<i64> {
    value.as_i64().or_else(|| rounded(value.as_f64()?, rounding))
}

fn rounded(seconds: f64, rounding: Rounding) -> Option<i64> {
    let whole = match rounding {
        Rounding::Down => seconds.floor(),
        Rounding::Up => seconds.ceil(),
    };
    // Lossless: a whole number that a double holds exactly.
    (seconds.abs() < EXACT_BELOW).then_some(whole as i64)
}

/// A claim that is not of its type: its name, what it is, and what was wanted. Nothing of the value is repeated.
pub(crate) fn wrong_type(claim: impl fmt::Display, found: &Value, wanted: impl fmt::Display) -> Refusal {
    let detail = Detail::Type { claim: claim.to_string(), found: kind(found), wanted: wanted.to_string() };
    Refusal::with(Reason::TokenClaimType, detail)
}

/// What a value is in JSON, as fine as types of facts tell apart.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_i64() => "a whole number",
        Value::Number(_) => "a number with a fraction or beyond 64 bits",
        Value::String(_) => "a string",
        Value::Array(elements) if elements.len() > MAX_LIST_ELEMENTS => "a list with too many elements",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
