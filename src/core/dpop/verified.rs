//! A proof that the holder of the key signed, and its one use.

use super::JudgedProof;
use crate::freshness::{MemoryScope, ProofId, ProofMemory, SpendFault, spend};
use crate::jose::SignatureVerifier;
use crate::refusal::{Reason, Refusal};
use crate::time::UnixSeconds;

/// A verified proof that was not used for this request yet. Until it is, the sender of the request is not proved: the
/// proof may be a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unspent {
    id: ProofId,
    scope: MemoryScope,
    until: UnixSeconds,
}

impl JudgedProof<'_> {
    /// Verifies the signature with the key in the proof (check 6). `scope` is where its use is remembered.
    ///
    /// # Errors
    /// `proof-signature`
    pub(crate) fn verify(self, scope: MemoryScope, verifier: &dyn SignatureVerifier) -> Result<Unspent, Refusal> {
        let Self { proof, key, id, until } = self;
        if proof.is_signed_by(&key, verifier) {
            Ok(Unspent { id, scope, until })
        } else {
            Err(Refusal::new(Reason::ProofSignature))
        }
    }
}

impl Unspent {
    /// Uses the proof, which works once.
    ///
    /// # Errors
    /// `proof-replayed`, `replay-store-full`, `replay-store-unavailable`.
    pub fn spend(&self, memory: ProofMemory<'_>, now: UnixSeconds) -> Result<(), Refusal> {
        spend(memory, self.scope, &self.id, self.until, now).map_err(|fault| {
            Refusal::new(match fault {
                SpendFault::Replayed => Reason::ProofReplayed,
                SpendFault::Full => Reason::ReplayStoreFull,
                SpendFault::Unavailable => Reason::ReplayStoreUnavailable,
            })
        })
    }
}
