use std::cell::Cell;

use super::{ENTRY_BYTES, ProofId, SpendFault, spend};
use crate::fetch::{Conflict, SharedMemory, Write};
use crate::freshness::{MemoryScope, ProofMemory};
use crate::limits::{MAX_BUCKET_WRITES, MAX_PROOFS_PER_BUCKET, PROOF_BUCKETS};
use crate::portable;
use crate::testing::{FakeMemory, NOW, later};

fn of(memory: &dyn SharedMemory) -> ProofMemory<'_> {
    ProofMemory { shared: Some(memory), ..ProofMemory::NONE }
}

/// Uses a proof that is kept for a minute.
fn used(memory: &dyn SharedMemory, proof: &ProofId) -> Result<(), SpendFault> {
    spend(of(memory), MemoryScope::Shared, proof, later(NOW, 60), NOW)
}

/// Proofs of one bucket.
fn of_one_bucket() -> impl Iterator<Item = ProofId> {
    let bucket = ProofId::of("key", "0").bucket();
    (0_u64..).map(|number| ProofId::of("key", &number.to_string())).filter(move |proof| proof.bucket() == bucket)
}

#[portable]
fn a_proof_is_used_once_and_one_of_another_key_or_id_is_another_proof() {
    let memory = FakeMemory::default();
    for (key, jti) in [("a", "1"), ("a", "2"), ("b", "1"), ("a1", "")] {
        assert_eq!(used(&memory, &ProofId::of(key, jti)), Ok(()), "{key} {jti}");
        assert_eq!(used(&memory, &ProofId::of(key, jti)), Err(SpendFault::Replayed), "{key} {jti}");
    }
    assert!(ProofId::of("a", "b") != ProofId::of("ab", ""));
}

#[portable]
fn a_proof_is_remembered_until_its_time_has_passed() {
    let memory = FakeMemory::default();
    let proof = ProofId::of("key", "1");
    let at = |seconds| spend(of(&memory), MemoryScope::Shared, &proof, later(NOW, 60), later(NOW, seconds));
    assert_eq!(at(0), Ok(()));
    assert_eq!(at(60), Err(SpendFault::Replayed), "its age is still accepted in this second");
    assert_eq!(at(61), Ok(()), "by then its age is a reason to refuse it");
}

#[portable]
fn a_full_bucket_refuses_and_forgets_nothing_until_time_has_made_room() {
    let memory = FakeMemory::default();
    let proofs: Vec<ProofId> = of_one_bucket().take(MAX_PROOFS_PER_BUCKET + 1).collect();
    let (last, first) = proofs.split_last().unwrap();
    for proof in first {
        assert_eq!(used(&memory, proof), Ok(()));
    }
    assert_eq!(used(&memory, last), Err(SpendFault::Full));
    assert!(first.iter().all(|proof| used(&memory, proof) == Err(SpendFault::Replayed)), "none is forgotten");
    let elsewhere = (0_u32..).map(|number| ProofId::of("other", &number.to_string()));
    let elsewhere = elsewhere.into_iter().find(|proof| proof.bucket() != last.bucket()).unwrap();
    assert_eq!(used(&memory, &elsewhere), Ok(()), "other buckets have room");
    let minute_later = spend(of(&memory), MemoryScope::Shared, last, later(NOW, 121), later(NOW, 61));
    assert_eq!(minute_later, Ok(()));
    assert_eq!(memory.read(&last.bucket()).unwrap().0.len(), ENTRY_BYTES, "the others were dropped");
}

#[portable]
fn there_are_never_more_buckets_than_their_number() {
    let buckets: std::collections::BTreeSet<String> =
        (0..50_000).map(|number| ProofId::of("key", &number.to_string()).bucket()).collect();
    assert_eq!(buckets.len(), usize::from(PROOF_BUCKETS));
}

#[portable]
fn content_of_another_form_is_not_read_as_an_empty_bucket() {
    let proof = ProofId::of("key", "1");
    for content in [vec![0; ENTRY_BYTES - 1], vec![0; ENTRY_BYTES * (MAX_PROOFS_PER_BUCKET + 1)]] {
        let memory = FakeMemory::default();
        memory.plant(&proof.bucket(), &content);
        assert_eq!(used(&memory, &proof), Err(SpendFault::Unavailable), "{} bytes", content.len());
    }
}

#[portable]
fn without_a_memory_no_proof_is_accepted() {
    let proof = ProofId::of("key", "1");
    for scope in [MemoryScope::Shared, MemoryScope::PerWorker] {
        let spent = spend(ProofMemory::NONE, scope, &proof, later(NOW, 60), NOW);
        assert_eq!(spent, Err(SpendFault::Unavailable), "{scope:?}");
    }
}

/// A memory in which another worker is faster some times.
struct Contended {
    memory: FakeMemory,
    conflicts: Cell<usize>,
    /// What the other worker writes.
    rival: Option<ProofId>,
}

impl SharedMemory for Contended {
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)> {
        self.memory.read(name)
    }

    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict> {
        if let Some(left) = self.conflicts.get().checked_sub(1) {
            self.conflicts.set(left);
            if let Some(rival) = &self.rival {
                let _ = used(&self.memory, rival);
            }
            return Err(Conflict);
        }
        self.memory.write(name, value, how)
    }
}

#[portable]
fn a_worker_tries_again_when_another_was_faster_and_gives_up_at_last() {
    let (proof, other) = (ProofId::of("key", "1"), of_one_bucket().next().unwrap());
    let with = |conflicts, rival| Contended { memory: FakeMemory::default(), conflicts: Cell::new(conflicts), rival };
    assert_eq!(used(&with(MAX_BUCKET_WRITES - 1, Some(other)), &proof), Ok(()));
    assert_eq!(used(&with(MAX_BUCKET_WRITES, None), &proof), Err(SpendFault::Unavailable));
    let rival = with(1, Some(proof.clone()));
    assert_eq!(used(&rival, &proof), Err(SpendFault::Replayed), "the other worker has accepted the same proof");
}
