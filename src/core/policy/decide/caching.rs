//! What of a slice the decision cache keeps, and by which facts.

use super::Compiled;
use super::facts::FactTable;
use crate::limits::{MAX_DECISION_KEY_BYTES, MAX_READINGS, MIN_CACHED_POLICIES};
use crate::policy::program::evaluate::Facts;
use crate::policy::program::footprint::Reading;

/// Which policies of a slice are cached, and by what.
#[derive(Debug)]
pub(in crate::policy) struct Caching {
    /// The number of the slice.
    slice: usize,
    /// Everything that the cached policies read.
    readings: Vec<Reading>,
    /// Their places in the slice.
    pub(super) cached: Vec<usize>,
    /// The places of the others, which are evaluated for each request.
    pub(super) evaluated: Vec<usize>,
}

impl Caching {
    /// `None` if evaluating the policies costs less. A policy that reads a fact whose value seldom comes again is evaluated for
    /// each request.
    pub(in crate::policy) fn of(slice: usize, policies: &[Compiled], facts: &FactTable) -> Option<Self> {
        if policies.len() < MIN_CACHED_POLICIES {
            return None;
        }
        let caching = Self::by(slice, policies, |reading| reading.slot().is_none_or(|slot| facts.comes_again(slot)));
        let pays = caching.cached.len() >= caching.readings.len().max(MIN_CACHED_POLICIES);
        pays.then_some(caching)
    }

    /// With each policy cached that reads nothing but this, as long as they do not read too much together.
    pub(in crate::policy) fn by(slice: usize, policies: &[Compiled], may_read: impl Fn(&Reading) -> bool) -> Self {
        let mut caching = Self { slice, readings: Vec::new(), cached: Vec::new(), evaluated: Vec::new() };
        for (place, policy) in policies.iter().enumerate() {
            let mut own = policy.rule.readings();
            let is_cached = own.iter().all(&may_read);
            own.retain(|reading| !caching.readings.contains(reading));
            if is_cached && caching.readings.len().saturating_add(own.len()) <= MAX_READINGS {
                caching.readings.append(&mut own);
                caching.cached.push(place);
            } else {
                caching.evaluated.push(place);
            }
        }
        caching
    }

    /// The facts of a request, whole. `None` if they are too long to be worth it.
    pub(super) fn key(&self, facts: &impl Facts) -> Option<Vec<u8>> {
        let mut key = Vec::with_capacity(MAX_DECISION_KEY_BYTES / 8);
        key.extend_from_slice(&self.slice.to_le_bytes());
        for reading in &self.readings {
            reading.write_answer(facts, &mut key);
            if key.len() > MAX_DECISION_KEY_BYTES {
                return None;
            }
        }
        Some(key)
    }
}
