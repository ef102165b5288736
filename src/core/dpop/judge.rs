//! Whether a proof is for this request, this token, this key and this moment, whoever signed it.

use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{PresentedProof, target};
use crate::freshness::{Nonces, ProofId, ProofMemory};
use crate::jose::{KeyFault, Rounding, UnverifiedProof, VerificationKey, base64url, wrong_type};
use crate::limits::MAX_PROOF_ID_BYTES;
use crate::profile::DpopRule;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::Request;
use crate::time::{Seconds, UnixSeconds};

/// The `typ` of proofs, without `application/`.
const TYP: &str = "dpop+jwt";

/// What a proof must fit.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'r> {
    /// The request.
    pub request: &'r Request,
    /// The thumbprint of the key that the access token is bound to, decoded.
    pub thumbprint: &'r [u8],
    /// Which proofs the token's issuer allows.
    pub rule: &'r DpopRule,
    /// Tolerance between the client's clock and ours for a proof from the future.
    pub clock_skew: Seconds,
    /// Where the secret of nonces is.
    pub memory: ProofMemory<'r>,
    /// The time of the decision.
    pub now: UnixSeconds,
}

/// A proof that fits, whoever signed it.
pub(crate) struct JudgedProof<'p> {
    pub(super) proof: &'p UnverifiedProof,
    pub(super) key: VerificationKey,
    pub(super) id: ProofId,
    /// The last second in which its age is accepted.
    pub(super) until: UnixSeconds,
}

impl PresentedProof {
    /// The checks 3 to 5 and 7 to 12 of RFC 9449 section 4.3. The nonce is checked last, so that a client is asked to
    /// repeat a request with a nonce only if nothing else is wrong.
    ///
    /// # Errors
    /// `proof-typ`, `proof-algorithm`, `proof-key`, `token-binding`, `proof-malformed`, `proof-method`, `proof-target`,
    /// `proof-token`, `proof-time`, `proof-nonce`, `replay-store-unavailable`.
    pub(crate) fn judge(&self, bound: Bound<'_>) -> Result<JudgedProof<'_>, Refusal> {
        let Bound { request, thumbprint, rule, clock_skew, memory, now } = bound;
        let proof = &self.proof;
        if proof.typ() != Some(TYP) {
            return Err(Refusal::mismatch(Reason::ProofTyp, "typ", proof.typ(), [TYP]));
        }
        if !rule.algorithms.contains(&proof.algorithm()) {
            let wanted = rule.algorithms.iter().map(|algorithm| algorithm.name());
            return Err(Refusal::mismatch(Reason::ProofAlgorithm, "alg", [proof.algorithm().name()], wanted));
        }
        let key = proof.key().map_err(|fault| key_fault(&fault))?;
        let own = base64url::decode(key.thumbprint().as_bytes()).unwrap_or_default();
        if !bool::from(own.ct_eq(thumbprint)) {
            return Err(fault(Reason::TokenBinding, "the token is bound to another key than the proof's"));
        }
        let id = self.required("jti")?;
        if id.is_empty() || id.len() > MAX_PROOF_ID_BYTES {
            return Err(fault(Reason::ProofMalformed, "`jti` of the proof is empty or too long"));
        }
        let (method, url, token_hash) = (self.required("htm")?, self.required("htu")?, self.required("ath")?);
        let issued = |rounding| {
            let time = proof.claims()?.time("iat", rounding).map_err(as_malformed)?;
            time.ok_or_else(|| missing("iat"))
        };
        let (issued, issued_at_latest) = (issued(Rounding::Down)?, issued(Rounding::Up)?);
        if method != request.method.name() {
            return Err(Refusal::new(Reason::ProofMethod));
        }
        target::fits(url, request, rule.external_scheme).map_err(|what| fault(Reason::ProofTarget, what))?;
        if !bool::from(token_hash.as_bytes().ct_eq(self.token_hash.as_bytes())) {
            return Err(Refusal::new(Reason::ProofToken));
        }
        let until = issued.plus(rule.max_age);
        let wrong_time =
            |value, allowed| Err(Refusal::with(Reason::ProofTime, Detail::Time { claim: "iat", value, now, allowed }));
        if issued_at_latest > now.plus(clock_skew) {
            return wrong_time(issued_at_latest, clock_skew);
        }
        if now > until {
            return wrong_time(issued, rule.max_age);
        }
        if rule.nonce_required {
            self.judge_nonce(rule, memory, now)?;
        }
        let id = ProofId::of(key.thumbprint(), id);
        Ok(JudgedProof { proof, key, id, until })
    }

    fn judge_nonce(&self, rule: &DpopRule, memory: ProofMemory<'_>, now: UnixSeconds) -> Result<(), Refusal> {
        let nonces = Nonces::of(memory, rule.replay).map_err(|_| Refusal::new(Reason::ReplayStoreUnavailable))?;
        let what = match self.text("nonce")? {
            Some(nonce) if nonces.accept(nonce, now) => return Ok(()),
            Some(_) => "the nonce is not one of this service, or is no longer valid",
            None => "the proof has no nonce",
        };
        Err(fault(Reason::ProofNonce, what))
    }

    /// A claim that every proof must have, a string.
    fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        match self.proof.claims()?.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(as_malformed(wrong_type(name, other, "a string"))),
        }
    }
}

fn fault(reason: Reason, what: &'static str) -> Refusal {
    Refusal::with(reason, Detail::Fault(what))
}

fn missing(name: &str) -> Refusal {
    Refusal::with(Reason::ProofMalformed, Detail::Claim(name.to_owned()))
}

/// A claim of the proof that is not of its type.
fn as_malformed(fault: Refusal) -> Refusal {
    Refusal::with(Reason::ProofMalformed, fault.detail)
}

/// Nothing of the key is repeated: it comes from the client.
fn key_fault(key: &KeyFault) -> Refusal {
    fault(
        Reason::ProofKey,
        match key {
            KeyFault::NotAnObject => "the proof has no `jwk`, or one that is not an object",
            KeyFault::PrivateMaterial(_) | KeyFault::Symmetric => "`jwk` of the proof has a private or secret key",
            _ => "`jwk` of the proof is not a valid public key for its `alg`",
        },
    )
}
