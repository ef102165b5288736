//! Proofs that were used, each until no proof of its age is accepted any more (RFC 9449 section 11.1).
//!
//! The digest of a proof chooses one of a fixed number of buckets, and a bucket is one entry of the memory: digests with
//! the time until which each is kept. An entry is replaced only if no other worker has changed it meanwhile, so two
//! workers cannot accept one proof. A full bucket never forgets a proof to make room for another: it refuses.

use hmac_sha256::Hash;

use super::{MemoryScope, ProofMemory, Unavailable};
use crate::fetch::Write;
use crate::limits::{MAX_BUCKET_WRITES, MAX_PROOFS_PER_BUCKET, PROOF_BUCKETS};
use crate::time::UnixSeconds;

/// The beginning of the names of buckets, with the version of their format.
const PREFIX: &str = "countersign.proofs.1";

const DIGEST_BYTES: usize = 32;
const TIME_BYTES: usize = 8;
const ENTRY_BYTES: usize = DIGEST_BYTES + TIME_BYTES;

/// What tells a proof from all others: the key that signed it, and its `jti`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofId([u8; DIGEST_BYTES]);

impl ProofId {
    /// The id of the proof with this `jti`, signed with the key of this thumbprint (RFC 7638, base64url).
    #[must_use]
    pub fn of(key: &str, jti: &str) -> Self {
        let mut hash = Hash::new();
        hash.update(key);
        // A thumbprint has no zero byte, so no other pair makes the same bytes.
        hash.update([0]);
        hash.update(jti);
        Self(hash.finalize())
    }

    /// The name of its bucket.
    fn bucket(&self) -> String {
        let number = self.0.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes)) % PROOF_BUCKETS;
        format!("{PREFIX}.{number}")
    }
}

/// Why a proof cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpendFault {
    /// It was used before.
    Replayed,
    /// Its bucket has no room for it.
    Full,
    /// The memory is not available, has content of another form, or could not be written.
    Unavailable,
}

impl From<Unavailable> for SpendFault {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// Uses a proof, which works once. It is remembered until the time `until` has passed; from then on its age must be a
/// reason to refuse it.
///
/// # Errors
/// See [`SpendFault`].
pub fn spend(
    memory: ProofMemory<'_>,
    scope: MemoryScope,
    proof: &ProofId,
    until: UnixSeconds,
    now: UnixSeconds,
) -> Result<(), SpendFault> {
    let memory = memory.of(scope)?;
    let name = proof.bucket();
    for _ in 0..MAX_BUCKET_WRITES {
        let found = memory.read(&name);
        let how = found.as_ref().map_or(Write::Create, |(_, version)| Write::Replace(*version));
        let bucket = found.map(|(bucket, _)| bucket).unwrap_or_default();
        let bucket = with(&bucket, proof, until, now)?;
        if memory.write(&name, &bucket, how).is_ok() {
            return Ok(());
        }
    }
    Err(SpendFault::Unavailable)
}

/// The bucket with one more proof, and without those that need not be remembered any longer.
fn with(bucket: &[u8], proof: &ProofId, until: UnixSeconds, now: UnixSeconds) -> Result<Vec<u8>, SpendFault> {
    let (entries, rest) = bucket.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() || entries.len() > MAX_PROOFS_PER_BUCKET {
        return Err(SpendFault::Unavailable);
    }
    let mut kept = Vec::with_capacity(bucket.len().saturating_add(ENTRY_BYTES));
    for entry in entries {
        let (Some(digest), Some(time)) = (entry.first_chunk::<DIGEST_BYTES>(), entry.last_chunk::<TIME_BYTES>()) else {
            return Err(SpendFault::Unavailable);
        };
        let is_kept = UnixSeconds::new(i64::from_be_bytes(*time)) >= now;
        if *digest == proof.0 && is_kept {
            return Err(SpendFault::Replayed);
        }
        if is_kept {
            kept.extend_from_slice(entry);
        }
    }
    if kept.len() >= MAX_PROOFS_PER_BUCKET.saturating_mul(ENTRY_BYTES) {
        return Err(SpendFault::Full);
    }
    kept.extend_from_slice(&proof.0);
    kept.extend_from_slice(&until.get().to_be_bytes());
    Ok(kept)
}

#[cfg(test)]
mod tests;
