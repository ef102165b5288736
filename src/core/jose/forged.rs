//! Signatures that were found to be forged, remembered for a few seconds: a client that repeats a bad token does not
//! cost a verification each time.
//!
//! What is remembered follows from three things alone, and all of their bytes are compared: this public key, by its
//! algorithm, did not make this signature of this text. So a forgery cannot make another token refused. The key of a
//! token is chosen before this memory is asked, from the keys that are trusted then: a token is verified with a new key
//! even if it was forged under the old one. Nothing that depends on time is remembered.
//!
//! Anybody can make forgeries, so this memory is small and has bytes of its own: a flood of them takes no room from
//! tokens that were verified, see [`TokenMemory`](super::TokenMemory).

use core::cell::Cell;
use core::hash::BuildHasher as _;
use std::collections::VecDeque;
use std::hash::RandomState;

use super::host_verifier::Verdict;
use super::{Algorithm, HostVerifier, SignatureVerifier, UnverifiedSignature};
use crate::limits::{FORGERY_REMEMBERED, MAX_FORGERIES, MAX_FORGERY_BYTES};
use crate::time::UnixSeconds;

/// Bytes that an entry takes beside its contents: the entry, and what the allocator adds.
const ENTRY_OVERHEAD: usize = 192;

/// A signature that is forged, with everything that this was found by.
#[derive(Clone)]
pub struct Forgery {
    algorithm: Algorithm,
    /// The thumbprint of the key (RFC 7638).
    key: String,
    signature: Vec<u8>,
    message: Vec<u8>,
}

/// Forgeries that were found in the last few seconds, the oldest first; the default remembers none.
#[derive(Default)]
pub struct ForgeryMemory {
    max_bytes: usize,
    entries: VecDeque<Entry>,
    /// With random keys, so that nobody can make forgeries of one hash.
    hashes: RandomState,
}

struct Entry {
    /// Entries with equal hashes are compared whole.
    hash: u64,
    found: UnixSeconds,
    forgery: Forgery,
}

/// Verifies signatures like the verifier that it asks, which it does not ask about known forgeries.
pub struct RememberingVerifier<'a> {
    verifier: &'a HostVerifier,
    known: &'a ForgeryMemory,
    now: UnixSeconds,
    found: Cell<Vec<Forgery>>,
}

/// What a forgery is compared by: the algorithm and the thumbprint of the key, the signature, and the text.
type Parts<'a> = (Algorithm, &'a str, &'a [u8], &'a [u8]);

impl Forgery {
    fn of((algorithm, key, signature, message): Parts<'_>) -> Self {
        Self { algorithm, key: key.to_owned(), signature: signature.to_vec(), message: message.to_vec() }
    }

    fn parts(&self) -> Parts<'_> {
        (self.algorithm, &self.key, &self.signature, &self.message)
    }

    /// Bytes that it takes when it is remembered.
    fn weight(&self) -> usize {
        let contents = [self.key.len(), self.signature.len(), self.message.len()];
        contents.into_iter().fold(ENTRY_OVERHEAD, usize::saturating_add)
    }
}

fn parts<'a>(signature: &UnverifiedSignature<'a>) -> Parts<'a> {
    (signature.key().algorithm(), signature.key().thumbprint(), signature.bytes(), signature.message())
}

impl ForgeryMemory {
    /// An empty memory of [`MAX_FORGERY_BYTES`], or of this many if that is less.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes: max_bytes.min(MAX_FORGERY_BYTES), ..Self::default() }
    }

    /// A verifier that knows these forgeries, and otherwise asks this one.
    #[must_use]
    pub fn before<'a>(&'a self, verifier: &'a HostVerifier, now: UnixSeconds) -> RememberingVerifier<'a> {
        RememberingVerifier { verifier, known: self, now, found: Cell::default() }
    }

    fn knows(&self, parts: Parts<'_>, now: UnixSeconds) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        let hash = self.hashes.hash_one(parts);
        self.entries.iter().any(|entry| entry.is(hash, parts) && entry.is_recent(now))
    }

    /// Remembers a forgery, unless it takes more than the whole memory. If the memory is full, the oldest make room.
    pub fn keep(&mut self, forgery: Forgery, now: UnixSeconds) {
        let weight = forgery.weight();
        if weight > self.max_bytes {
            return;
        }
        let hash = self.hashes.hash_one(forgery.parts());
        self.entries.retain(|entry| entry.is_recent(now) && !entry.is(hash, forgery.parts()));
        let mut bytes = self.entries.iter().map(|entry| entry.forgery.weight()).fold(weight, usize::saturating_add);
        while self.entries.len() >= MAX_FORGERIES || bytes > self.max_bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            bytes = bytes.saturating_sub(oldest.forgery.weight());
        }
        self.entries.push_back(Entry { hash, found: now, forgery });
    }
}

impl Entry {
    fn is(&self, hash: u64, parts: Parts<'_>) -> bool {
        self.hash == hash && self.forgery.parts() == parts
    }

    /// Not after a clock has stepped back: it would then be remembered for longer.
    fn is_recent(&self, now: UnixSeconds) -> bool {
        self.found <= now && now < self.found.plus(FORGERY_REMEMBERED)
    }
}

impl RememberingVerifier<'_> {
    /// The forgeries that were found, to be remembered. If the host failed at one, it is not among them.
    #[must_use]
    pub fn into_found(self) -> Vec<Forgery> {
        self.found.into_inner()
    }
}

impl SignatureVerifier for RememberingVerifier<'_> {
    fn is_genuine(&self, signature: &UnverifiedSignature<'_>) -> bool {
        let parts = parts(signature);
        if self.known.knows(parts, self.now) {
            return false;
        }
        match self.verifier.judge(signature) {
            Verdict::Genuine => true,
            Verdict::Forged => {
                let mut found = self.found.take();
                found.push(Forgery::of(parts));
                self.found.set(found);
                false
            }
            Verdict::ForgedAfterHostFailure => false,
        }
    }
}

#[cfg(test)]
mod tests;
