//! `WWW-Authenticate`, which every 401 carries (RFC 9110 section 15.5.2, RFC 6750 section 3), and the 403 for a missing scope.

use crate::evidence::Scheme;
use crate::jose::Algorithm;
use crate::profile::Issuer;
use crate::refusal::{Detail, Reason, Refusal, RefusalKind};
use crate::remedy::Remedy;

/// A challenge: a scheme and its parameters.
struct Challenge(String);

impl Challenge {
    /// The scheme `Bearer`, and who asks.
    fn bearer() -> Self {
        Self("Bearer realm=\"countersign\"".to_owned())
    }

    /// The scheme `DPoP`, who asks, and the algorithms of proofs (RFC 9449 section 7.1).
    fn dpop(algorithms: &[Algorithm]) -> Self {
        // Most clients know Ed25519 by its older name.
        let older = algorithms.contains(&Algorithm::Ed25519).then_some("EdDSA");
        let names: Vec<&str> = algorithms.iter().map(|one| one.name()).chain(older).collect();
        Self("DPoP realm=\"countersign\"".to_owned()).with("algs", &names.join(" "))
    }

    /// The whole challenge. `refusal`: what the client of this scheme learns of it.
    fn about(mut self, refusal: Option<&Refusal>, resource_metadata: Option<&str>) -> String {
        if let Some(Refusal { reason, detail, .. }) = refusal {
            if let Some(error) = error(*reason) {
                self = self.with("error", error).with("error_description", reason.sentence());
            }
            if let Detail::Remedy(remedy) = detail {
                self = self.with_remedy(remedy);
            }
        }
        if let Some(url) = resource_metadata {
            self = self.with("resource_metadata", url);
        }
        self.0
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
/// | two credentials, or one that is not an access token | `error="invalid_request"` |
/// | a token that is not valid, or not accepted here | `error="invalid_token"`: another token may succeed |
/// | the proof is at fault | `Bearer`: no error code; `DPoP`: `error="invalid_dpop_proof"`, or `use_dpop_nonce` (RFC 9449 section 7.1) |
/// | no workload's connection | no error code: no token helps |
/// | the user must authenticate again | `error="insufficient_user_authentication"` with `acr_values` and `max_age` (RFC 9470 section 3) |
/// | the token lacks a scope | `error="insufficient_scope"` with `scope` (RFC 6750 section 3.1) |
/// | evidence about the device | no error code: the token is not at fault, and `invalid_token` would make a client renew it in vain; the body says what is missing |
///
/// `resource_metadata` is the URL of the route's or the application's metadata (RFC 9728 section 5.1).
///
/// RFC 6750 gives `invalid_request` the status 400. It is 401 here, as for every invalid credential: a client that does
/// not know the code still learns that it must authenticate.
pub(super) fn challenge(refusal: &Refusal, resource_metadata: Option<&str>) -> Option<String> {
    // The error of a proof says nothing to a client that knows no proofs.
    let about = (!is_of_proof(refusal.reason)).then_some(refusal);
    is_challenged(refusal.reason).then(|| Challenge::bearer().about(about, resource_metadata))
}

/// Whether another token, or another proof, may succeed.
fn is_challenged(reason: Reason) -> bool {
    reason.kind() == RefusalKind::Unauthenticated || reason == Reason::InsufficientScope
}

/// The error code (RFC 6750 section 3.1, RFC 9449 sections 7.1 and 9, RFC 9470 section 3).
fn error(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::CredentialMissing
        | Reason::WorkloadMissing
        | Reason::PostureMissing
        | Reason::PostureStale
        | Reason::PostureRefused
        | Reason::PostureNotBound
        | Reason::DeviceConflict => None,
        Reason::CredentialDuplicate | Reason::CredentialMalformed => Some("invalid_request"),
        Reason::InsufficientUserAuthentication => Some("insufficient_user_authentication"),
        Reason::InsufficientScope => Some("insufficient_scope"),
        Reason::ProofNonce => Some("use_dpop_nonce"),
        proof if is_of_proof(proof) => Some("invalid_dpop_proof"),
        _ => Some("invalid_token"),
    }
}

/// Whether the proof is at fault, and not the token.
fn is_of_proof(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ProofMissing
            | Reason::ProofDuplicate
            | Reason::ProofMalformed
            | Reason::ProofTyp
            | Reason::ProofAlgorithm
            | Reason::ProofSignature
            | Reason::ProofKey
            | Reason::ProofMethod
            | Reason::ProofTarget
            | Reason::ProofNonce
            | Reason::ProofTime
            | Reason::ProofToken
            | Reason::ProofReplayed
    )
}

/// The schemes by which the issuers of a configuration accept tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schemes {
    bearer: bool,
    /// The algorithms of proofs; empty if `DPoP` is not accepted.
    proof_algorithms: Vec<Algorithm>,
}

impl Schemes {
    /// Those of these issuers.
    #[must_use]
    pub fn of(issuers: &[Issuer]) -> Self {
        let mut proof_algorithms = Vec::new();
        for algorithm in issuers.iter().filter_map(|issuer| issuer.sender.dpop()).flat_map(|rule| &rule.algorithms) {
            if !proof_algorithms.contains(algorithm) {
                proof_algorithms.push(*algorithm);
            }
        }
        Self { bearer: issuers.iter().any(|issuer| issuer.sender.accepts_bearer_scheme()), proof_algorithms }
    }

    /// Whether proofs are accepted.
    pub(super) fn accept_proofs(&self) -> bool {
        !self.proof_algorithms.is_empty()
    }

    /// The challenges for a refusal, one for each scheme. The error is in that of the scheme that the client used; a
    /// client that used neither sees it in each.
    pub(super) fn challenges(
        &self,
        refusal: &Refusal,
        resource_metadata: Option<&str>,
        presented: Option<Scheme>,
    ) -> Vec<String> {
        if !is_challenged(refusal.reason) {
            return Vec::new();
        }
        let bearer = match presented {
            Some(Scheme::Dpop) => Some(Challenge::bearer().about(None, resource_metadata)),
            Some(Scheme::Bearer) | None => challenge(refusal, resource_metadata),
        };
        let about = (presented != Some(Scheme::Bearer)).then_some(refusal);
        let dpop =
            self.accept_proofs().then(|| Challenge::dpop(&self.proof_algorithms).about(about, resource_metadata));
        bearer.filter(|_| self.bearer).into_iter().chain(dpop).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Schemes, challenge};
    use crate::evidence::Scheme;
    use crate::jose::Algorithm;
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

    #[portable]
    fn each_accepted_scheme_is_challenged_and_the_error_is_in_the_one_that_the_client_used() {
        let schemes = |bearer| Schemes { bearer, proof_algorithms: vec![Algorithm::Es256, Algorithm::Ed25519] };
        let bearer = r#"Bearer realm="countersign""#;
        let dpop = r#"DPoP realm="countersign", algs="ES256 Ed25519 EdDSA""#;
        let expired = r#", error="invalid_token", error_description="The token has expired.""#;
        let used = |presented| schemes(true).challenges(&Refusal::new(Reason::TokenExpired), None, presented);
        assert_eq!(used(Some(Scheme::Bearer)), [format!("{bearer}{expired}"), dpop.to_owned()]);
        assert_eq!(used(Some(Scheme::Dpop)), [bearer.to_owned(), format!("{dpop}{expired}")]);
        assert_eq!(schemes(true).challenges(&Refusal::new(Reason::CredentialMissing), None, None), [bearer, dpop]);
        assert_eq!(schemes(false).challenges(&Refusal::new(Reason::CredentialMissing), None, None), [dpop]);
        assert_eq!(schemes(true).challenges(&Refusal::new(Reason::NotPermitted), None, Some(Scheme::Dpop)), [""; 0]);
    }

    #[portable]
    fn a_proof_at_fault_is_named_by_its_error_and_never_to_a_bearer_client() {
        let schemes = Schemes { bearer: true, proof_algorithms: vec![Algorithm::Es256] };
        for reason in Reason::ALL.iter().filter(|reason| reason.code().starts_with("proof-")) {
            let error = if *reason == Reason::ProofNonce { "use_dpop_nonce" } else { "invalid_dpop_proof" };
            let challenges = schemes.challenges(&Refusal::new(*reason), None, Some(Scheme::Dpop));
            let expected = format!(r#"DPoP realm="countersign", algs="ES256", error="{error}""#);
            assert!(challenges[1].starts_with(&expected), "{challenges:?}");
            assert_eq!(challenges[0], r#"Bearer realm="countersign""#);
            assert_eq!(of(*reason).as_deref(), Some(r#"Bearer realm="countersign""#));
        }
    }
}
