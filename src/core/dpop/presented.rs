//! A proof as a request presents it.

use super::DPOP;
use crate::jose::{PresentedToken, UnverifiedProof};
use crate::limits::MAX_PROOF_BYTES;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::{Exactly, Headers};

/// One well-formed proof, with the hash of the access token that came with it. Nothing about it is verified.
#[derive(Clone, Debug)]
pub struct PresentedProof {
    pub(super) proof: UnverifiedProof,
    /// base64url of the SHA-256 of the token's bytes: what `ath` must be.
    pub(super) token_hash: String,
}

impl PresentedProof {
    /// Reads the one header field `DPoP` of a request whose access token came by the scheme `DPoP` (checks 1 and 2). A
    /// proof has at most [`MAX_PROOF_BYTES`].
    ///
    /// # Errors
    /// `proof-missing`, `proof-duplicate`, `proof-malformed`, `proof-algorithm`.
    pub fn read(headers: &Headers, token: &PresentedToken) -> Result<Self, Refusal> {
        let field = match headers.exactly(DPOP) {
            Exactly::None => return Err(Refusal::new(Reason::ProofMissing)),
            Exactly::Many => return Err(Refusal::new(Reason::ProofDuplicate)),
            Exactly::One(field) => field,
        };
        let proof = UnverifiedProof::parse(field, MAX_PROOF_BYTES).map_err(as_of_proof)?;
        Ok(Self { proof, token_hash: token.digest() })
    }
}

/// The fault of a token, as one of a proof. The record says which one it was.
fn as_of_proof(fault: Refusal) -> Refusal {
    match fault.reason {
        Reason::TokenAlgorithm => Refusal::with(Reason::ProofAlgorithm, fault.detail),
        reason => {
            let detail = Detail::Because { reason, detail: Box::new(fault.detail) };
            Refusal::with(Reason::ProofMalformed, detail)
        }
    }
}
