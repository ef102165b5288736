//! The access token inside an `Authorization` field (RFC 6750 section 2.1).

use crate::refusal::{Detail, Reason, Refusal};
use crate::text::ByteSet;

/// What follows `Bearer` and one space or more; the scheme is compared without regard to case (RFC 9110 section 11.1).
/// It is not known to be one token: see [`one_token`].
///
/// # Errors
/// `credential-malformed`
pub(super) fn after_scheme(value: &[u8]) -> Result<&[u8], Refusal> {
    let (scheme, rest) = value.split_at_checked(b"Bearer".len()).ok_or(malformed("another scheme"))?;
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Err(malformed("another scheme"));
    }
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
    Ok(token)
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
    use super::{after_scheme, one_token};
    use crate::portable;
    use crate::refusal::{Reason, Refusal};

    fn bearer_token(value: &[u8]) -> Result<&[u8], Refusal> {
        one_token(after_scheme(value)?)
    }

    #[portable]
    fn the_scheme_may_be_in_any_case_and_more_than_one_space_may_follow() {
        for value in ["Bearer a.b-c_~+/1==", "bearer a.b-c_~+/1==", "BEARER   a.b-c_~+/1=="] {
            assert_eq!(bearer_token(value.as_bytes()).ok(), Some(&b"a.b-c_~+/1=="[..]), "{value}");
        }
    }

    #[portable]
    fn anything_but_one_bearer_token_is_malformed() {
        let values: [&[u8]; 20] = [
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
            b"DPoP a.b.c",
            b"a.b.c",
        ];
        for value in values {
            let reason = bearer_token(value).map_err(|refusal| refusal.reason);
            assert_eq!(reason, Err(Reason::CredentialMalformed), "{}", value.escape_ascii());
        }
    }
}
