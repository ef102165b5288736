//! The decision cache: what policies answered, kept for requests with the same facts.
//!
//! Nothing about evidence is kept: a request comes here after its tokens, its device and its connection were verified again.
//! Everything that the policies can read of it is then read again, and only if all of that is the same as for an earlier
//! request the answers of that one are used. The cache belongs to the policies, so another configuration begins with none.
//!
//! Reading and comparing the facts costs about as much as evaluating one policy, so only slices with several are cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Compiled;
use super::caching::Caching;
use super::slice::{Slice, Slices};
use crate::limits::MAX_DECISION_CACHE_BYTES;
use crate::policy::program::evaluate::{Facts, Fault};

/// What an entry takes beside its key and its answers: the places in the table, and what the allocator adds.
const ENTRY_BYTES: usize = 96;

/// A policy that applies or that fails, by its place in its slice. The others do not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Answer {
    /// The place.
    pub place: usize,
    /// Whether it applies.
    pub result: Result<(), Fault>,
}

/// How often answers were found in the decision cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheTally {
    /// Times that the cached policies of a slice did not have to be evaluated.
    pub hits: usize,
    /// Times that they were evaluated, and their answers added to the cache.
    pub misses: usize,
}

/// The cache, of at most [`MAX_DECISION_CACHE_BYTES`]. If its newer half is full, it becomes the older one, and what was in that is
/// forgotten unless a request has used it since.
#[derive(Debug)]
pub(in crate::policy) struct DecisionCache {
    /// Whether any slice is cached.
    is_used: bool,
    halves: Mutex<Halves>,
}

type Entries = HashMap<Box<[u8]>, Arc<[Answer]>>;

#[derive(Debug, Default)]
struct Halves {
    newer: Entries,
    older: Entries,
    /// Of the newer half.
    bytes: usize,
    tally: CacheTally,
}

impl DecisionCache {
    /// An empty cache for these slices.
    pub(in crate::policy) fn of(slices: &Slices) -> Self {
        Self { is_used: slices.are_cached(), halves: Mutex::default() }
    }

    /// What the cached policies of a slice answer about these facts, and the places of the others, which are still to be
    /// evaluated. `None` if all are.
    pub(super) fn recall<'s>(&self, slice: &'s Slice, facts: &impl Facts) -> Option<(Arc<[Answer]>, &'s [usize])> {
        let caching = slice.caching.as_ref()?;
        let Caching { cached, evaluated, .. } = caching;
        let key = caching.key(facts)?;
        if let Some(answers) = self.halves(|halves| halves.get(&key)) {
            return Some((answers, evaluated));
        }
        let policies = cached.iter().filter_map(|place| Some((*place, slice.policies.get(*place)?)));
        let answers: Arc<[Answer]> = policies.filter_map(|(place, policy)| answer(place, policy, facts)).collect();
        self.halves(|halves| {
            halves.tally.misses = halves.tally.misses.saturating_add(1);
            halves.keep(key.into(), Arc::clone(&answers));
        });
        Some((answers, evaluated))
    }

    /// How often answers were found since this was last asked.
    pub(in crate::policy) fn take_tally(&self) -> CacheTally {
        if !self.is_used {
            return CacheTally::default();
        }
        self.halves(|halves| core::mem::take(&mut halves.tally))
    }

    /// What it counts for both halves.
    #[cfg(test)]
    pub(in crate::policy) fn bytes(&self) -> usize {
        self.halves(|halves| halves.newer.iter().chain(&halves.older).map(|(key, answers)| weight(key, answers)).sum())
    }

    fn halves<T>(&self, work: impl FnOnce(&mut Halves) -> T) -> T {
        work(&mut self.halves.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Halves {
    fn get(&mut self, key: &[u8]) -> Option<Arc<[Answer]>> {
        let answers = match self.newer.get(key) {
            Some(answers) => Arc::clone(answers),
            None => {
                let (key, answers) = self.older.remove_entry(key)?;
                self.keep(key, Arc::clone(&answers));
                answers
            }
        };
        self.tally.hits = self.tally.hits.saturating_add(1);
        Some(answers)
    }

    fn keep(&mut self, key: Box<[u8]>, answers: Arc<[Answer]>) {
        let bytes = weight(&key, &answers);
        let half = MAX_DECISION_CACHE_BYTES / 2;
        if self.bytes.saturating_add(bytes) > half {
            self.older = core::mem::take(&mut self.newer);
            self.bytes = 0;
        }
        if bytes <= half {
            self.bytes = self.bytes.saturating_add(bytes);
            self.newer.insert(key, answers);
        }
    }
}

/// What an entry takes in memory, estimated.
fn weight(key: &[u8], answers: &[Answer]) -> usize {
    key.len().saturating_add(size_of_val(answers)).saturating_add(ENTRY_BYTES)
}

fn answer(place: usize, policy: &Compiled, facts: &impl Facts) -> Option<Answer> {
    match policy.rule.applies(facts) {
        Ok(false) => None,
        Ok(true) => Some(Answer { place, result: Ok(()) }),
        Err(fault) => Some(Answer { place, result: Err(fault) }),
    }
}
