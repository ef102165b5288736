//! `WWW-Authenticate`, which every 401 carries (RFC 9110 section 15.5.2, RFC 6750 section 3).

use crate::refusal::{Reason, RefusalKind};

/// The challenge for a refusal; `None` where the status is not 401.
///
/// | refusal | challenge |
/// |---|---|
/// | no credential was presented | `Bearer realm="countersign"`; an error code would report a failure to a client that did not try to authenticate (RFC 6750 section 3.1) |
/// | two credentials, or one that is not a bearer token | `error="invalid_request"` |
/// | a token that is not valid, or not accepted here | `error="invalid_token"`: another token may succeed |
/// | no workload's connection | no error code: no token helps |
/// | evidence about the device | no error code: the token is not at fault, and `invalid_token` would make a client renew it in vain; the body says what is missing |
///
/// RFC 6750 gives `invalid_request` the status 400. It is 401 here, as for every invalid credential: a client that does
/// not know the code still learns that it must authenticate.
pub(super) fn challenge(reason: Reason) -> Option<String> {
    const BARE: &str = "Bearer realm=\"countersign\"";
    if reason.kind() != RefusalKind::Unauthenticated {
        return None;
    }
    let error = match reason {
        Reason::CredentialMissing
        | Reason::WorkloadMissing
        | Reason::PostureMissing
        | Reason::PostureStale
        | Reason::PostureRefused
        | Reason::PostureNotBound => return Some(BARE.to_owned()),
        Reason::CredentialDuplicate | Reason::CredentialMalformed => "invalid_request",
        _ => "invalid_token",
    };
    Some(format!("{BARE}, error=\"{error}\", error_description=\"{}\"", reason.sentence()))
}

#[cfg(test)]
mod tests {
    use super::challenge;
    use crate::portable;
    use crate::refusal::Reason;

    #[portable]
    fn a_client_that_presented_nothing_is_challenged_without_an_error() {
        assert_eq!(challenge(Reason::CredentialMissing).as_deref(), Some(r#"Bearer realm="countersign""#));
        assert_eq!(challenge(Reason::PostureMissing).as_deref(), Some(r#"Bearer realm="countersign""#));
    }

    #[portable]
    fn a_token_at_fault_is_named_by_its_error() {
        let expected =
            r#"Bearer realm="countersign", error="invalid_token", error_description="The token has expired.""#;
        assert_eq!(challenge(Reason::TokenExpired).as_deref(), Some(expected));
        let doubled = challenge(Reason::CredentialDuplicate).expect("a challenge");
        assert!(doubled.contains(r#"error="invalid_request""#), "{doubled}");
    }

    #[portable]
    fn every_401_and_nothing_else_has_a_challenge_of_the_bytes_that_rfc_6750_allows() {
        for reason in Reason::ALL {
            assert_eq!(challenge(*reason).is_some(), reason.kind().status() == 401, "{}", reason.code());
            let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(reason.sentence().bytes().all(allowed), "{}", reason.code());
        }
    }
}
