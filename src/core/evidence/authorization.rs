//! The access token inside an `Authorization` field (RFC 6750 section 2.1, RFC 9449 section 7.1).

use crate::profile::AUTHORIZATION;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::{Exactly, Headers};
use crate::text::ByteSet;

/// How a token is presented; the names are compared without regard to case (RFC 9110 section 11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750
    Bearer,
    /// RFC 9449
    Dpop,
}

impl Scheme {
    fn named(name: &[u8]) -> Option<Self> {
        let all = [(&b"Bearer"[..], Self::Bearer), (b"DPoP", Self::Dpop)];
        all.into_iter().find_map(|(known, scheme)| name.eq_ignore_ascii_case(known).then_some(scheme))
    }

    /// The scheme of the credential that a request presents, whether the rest of it is well formed or not.
    pub(crate) fn of(headers: &Headers) -> Option<Self> {
        match headers.exactly(AUTHORIZATION) {
            Exactly::One(value) => Self::named(value.split(|byte| *byte == b' ').next()?),
            Exactly::None | Exactly::Many => None,
        }
    }
}

/// The scheme, and what follows it and one space or more. It is not known to be one token: see [`one_token`].
///
/// # Errors
/// `credential-malformed`
pub(super) fn after_scheme(value: &[u8]) -> Result<(Scheme, &[u8]), Refusal> {
    let name = value.split(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
    let scheme = Scheme::named(name).ok_or(malformed("another scheme"))?;
    let rest = value.get(name.len()..).unwrap_or_default();
    let token = rest.trim_ascii_start();
    if token.is_empty() {
        return Err(malformed("no token"));
    }
    let spaces = rest.get(..rest.len().saturating_sub(token.len())).unwrap_or_default();
    if spaces.is_empty() {
        return Err(malformed("another scheme"));
    }
    if spaces.iter().any(|byte| *byte != b' ') {
        return Err(malformed("not one token"));
    }
    Ok((scheme, token))
}

/// The same, if it is one `b64token`.
///
/// # Errors
/// `credential-malformed`
pub(super) fn one_token(token: &[u8]) -> Result<&[u8], Refusal> {
    if is_b64token(token) { Ok(token) } else { Err(malformed("not one token")) }
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = text.get(..text.len().saturating_sub(padding)).unwrap_or_default();
    !body.is_empty() && ByteSet::ALPHANUMERIC.with(b"-._~+/").has_all(body)
}

fn malformed(fault: &'static str) -> Refusal {
    Refusal::with(Reason::CredentialMalformed, Detail::Fault(fault))
}

#[cfg(test)]
mod tests {
    use super::{Scheme, after_scheme, one_token};
    use crate::portable;
    use crate::refusal::{Reason, Refusal};

    fn token(value: &[u8]) -> Result<(Scheme, &[u8]), Refusal> {
        let (scheme, token) = after_scheme(value)?;
        Ok((scheme, one_token(token)?))
    }

    #[portable]
    fn the_scheme_may_be_in_any_case_and_more_than_one_space_may_follow() {
        for (name, scheme) in [
            ("Bearer", Scheme::Bearer),
            ("bearer", Scheme::Bearer),
            ("BEARER  ", Scheme::Bearer),
            ("DPoP", Scheme::Dpop),
            ("dpop", Scheme::Dpop),
            ("DPOP  ", Scheme::Dpop),
        ] {
            let value = format!("{name} a.b-c_~+/1==");
            assert_eq!(token(value.as_bytes()), Ok((scheme, &b"a.b-c_~+/1=="[..])), "{value}");
        }
    }

    #[portable]
    fn anything_but_one_token_by_a_known_scheme_is_malformed() {
        let values: [&[u8]; 22] = [
            b"",
            b" ",
            b"Bearer",
            b"Bearer ",
            b"Bearer    ",
            b"Bearera.b.c",
            b"Bearer\ta.b.c",
            b"Bearer \ta.b.c",
            b" Bearer a.b.c",
            b"Bearer a.b.c ",
            b"Bearer a.b.c, Bearer d.e.f",
            b"Bearer a.b.c d.e.f",
            b"Bearer a=b",
            b"Bearer =",
            b"Bearer \"a.b.c\"",
            b"Bearer a.b.\xff",
            b"Bearer a.b.\0",
            b"Basic YTpi",
            b"DPoP",
            b"DPoPa.b.c",
            b"DPoP\ta.b.c",
            b"a.b.c",
        ];
        for value in values {
            let reason = token(value).map_err(|refusal| refusal.reason);
            assert_eq!(reason, Err(Reason::CredentialMalformed), "{}", value.escape_ascii());
        }
    }
}
