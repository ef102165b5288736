//! `WWW-Authenticate`, which every 401 carries (RFC 9110 section 15.5.2, RFC 6750 section 3), and the 403 for a missing scope.

use crate::refusal::{Detail, Reason, Refusal, RefusalKind};
use crate::remedy::Remedy;

/// A challenge: a scheme and its parameters.
struct Challenge(String);

impl Challenge {
    /// The scheme `Bearer`, and who asks.
    fn bearer() -> Self {
        Self("Bearer realm=\"countersign\"".to_owned())
    }

    /// The same with one more parameter. The value is of bytes that a quoted string can hold as they are.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.extend([", ", name, "=\"", value, "\""]);
        self
    }

    /// The same with what the client can do.
    fn with_remedy(self, remedy: &Remedy) -> Self {
        match remedy {
            Remedy::Scope(scope) => self.with("scope", scope.as_str()),
            Remedy::StepUp(step_up) => {
                let challenge = match step_up.acr_values() {
                    Some(values) => self.with("acr_values", values),
                    None => self,
                };
                match step_up.max_age() {
                    Some(age) => challenge.with("max_age", &age.get().to_string()),
                    None => challenge,
                }
            }
        }
    }
}

/// The challenge for a refusal; `None` where the status is not 401 and no scope is missing.
///
/// | refusal | challenge |
/// |---|---|
/// | no credential was presented | `Bearer realm="countersign"`; an error code would report a failure to a client that did not try to authenticate (RFC 6750 section 3.1) |
/// | two credentials, or one that is not a bearer token | `error="invalid_request"` |
/// | a token that is not valid, or not accepted here | `error="invalid_token"`: another token may succeed |
/// | no workload's connection | no error code: no token helps |
/// | the user must authenticate again | `error="insufficient_user_authentication"` with `acr_values` and `max_age` (RFC 9470 section 3) |
/// | the token lacks a scope | `error="insufficient_scope"` with `scope` (RFC 6750 section 3.1) |
/// | evidence about the device | no error code: the token is not at fault, and `invalid_token` would make a client renew it in vain; the body says what is missing |
///
/// `resource_metadata` is the URL of the application's metadata (RFC 9728 section 5.1).
///
/// RFC 6750 gives `invalid_request` the status 400. It is 401 here, as for every invalid credential: a client that does
/// not know the code still learns that it must authenticate.
pub(super) fn challenge(refusal: &Refusal, resource_metadata: Option<&str>) -> Option<String> {
    let Refusal { reason, detail, .. } = refusal;
    let error = match (reason, reason.kind()) {
        (
            Reason::CredentialMissing
            | Reason::WorkloadMissing
            | Reason::PostureMissing
            | Reason::PostureStale
            | Reason::PostureRefused
            | Reason::PostureNotBound,
            _,
        ) => None,
        (Reason::CredentialDuplicate | Reason::CredentialMalformed, _) => Some("invalid_request"),
        (Reason::InsufficientUserAuthentication, _) => Some("insufficient_user_authentication"),
        (Reason::InsufficientScope, _) => Some("insufficient_scope"),
        (_, RefusalKind::Unauthenticated) => Some("invalid_token"),
        (_, RefusalKind::Ambiguous | RefusalKind::Forbidden | RefusalKind::Undecidable) => return None,
    };
    let mut challenge = Challenge::bearer();
    if let Some(error) = error {
        challenge = challenge.with("error", error).with("error_description", reason.sentence());
    }
    if let Detail::Remedy(remedy) = detail {
        challenge = challenge.with_remedy(remedy);
    }
    if let Some(url) = resource_metadata {
        challenge = challenge.with("resource_metadata", url);
    }
    Some(challenge.0)
}

#[cfg(test)]
mod tests {
    use super::challenge;
    use crate::portable;
    use crate::refusal::{Reason, Refusal};
    use crate::remedy::{Remedy, Scope, StepUp};

    fn of(reason: Reason) -> Option<String> {
        challenge(&Refusal::new(reason), None)
    }

    #[portable]
    fn a_client_that_presented_nothing_is_challenged_without_an_error() {
        assert_eq!(of(Reason::CredentialMissing).as_deref(), Some(r#"Bearer realm="countersign""#));
        assert_eq!(of(Reason::PostureMissing).as_deref(), Some(r#"Bearer realm="countersign""#));
    }

    #[portable]
    fn a_token_at_fault_is_named_by_its_error() {
        let expected =
            r#"Bearer realm="countersign", error="invalid_token", error_description="The token has expired.""#;
        assert_eq!(of(Reason::TokenExpired).as_deref(), Some(expected));
        let doubled = of(Reason::CredentialDuplicate).expect("a challenge");
        assert!(doubled.contains(r#"error="invalid_request""#), "{doubled}");
    }

    #[portable]
    fn a_step_up_says_how_the_user_must_authenticate() {
        let step_up = |text: &str| {
            let remedy = Remedy::StepUp(StepUp::parse(text).expect("a step-up"));
            challenge(&Refusal::until(remedy), None).expect("a challenge")
        };
        let head = concat!(
            r#"Bearer realm="countersign", error="insufficient_user_authentication", "#,
            r#"error_description="A stronger or more recent authentication is required.", "#
        );
        assert_eq!(
            step_up("acr_values=urn:example:mfa phr, max_age=900"),
            format!(r#"{head}acr_values="urn:example:mfa phr", max_age="900""#)
        );
        assert_eq!(step_up("max_age=900"), format!(r#"{head}max_age="900""#));
        assert_eq!(step_up("acr_values=mfa"), format!(r#"{head}acr_values="mfa""#));
    }

    #[portable]
    fn a_missing_scope_is_named_with_the_place_of_the_metadata() {
        let refusal = Refusal::until(Remedy::Scope(Scope::parse("orders.read orders.write").expect("a scope")));
        let url = "https://shop.example.com/.well-known/oauth-protected-resource";
        let expected = concat!(
            r#"Bearer realm="countersign", error="insufficient_scope", "#,
            r#"error_description="The token lacks a required scope.", scope="orders.read orders.write", "#,
            r#"resource_metadata="https://shop.example.com/.well-known/oauth-protected-resource""#
        );
        assert_eq!(challenge(&refusal, Some(url)).as_deref(), Some(expected));
    }

    #[portable]
    fn every_401_and_a_missing_scope_have_a_challenge_of_the_bytes_that_rfc_6750_allows() {
        for reason in Reason::ALL {
            let is_challenged = reason.kind().status() == 401 || *reason == Reason::InsufficientScope;
            assert_eq!(of(*reason).is_some(), is_challenged, "{}", reason.code());
            let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(reason.sentence().bytes().all(allowed), "{}", reason.code());
        }
    }
}
