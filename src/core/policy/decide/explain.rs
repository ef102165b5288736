//! Near misses: why a default deny was one.
//!
//! Only after "no permit applied". Each condition of a permit is evaluated by itself, and the failures are counted. The number
//! of permits examined is bounded, because a denied request must not cost more than a permitted one.

use super::decision::NearMiss;
use crate::limits::MAX_NEAR_MISSES;
use crate::policy::annotations::Annotations;

/// Permits looked at for one decision.
const MAX_PERMITS_EXPLAINED: usize = 64;

/// A permit that might have applied.
pub(in crate::policy) struct Candidate<'p> {
    /// The permit.
    pub annotations: &'p Annotations,
    /// The places of its conditions that fail; one that cannot be evaluated fails.
    pub failed: Vec<usize>,
    /// How much evidence it needs that is not verified.
    pub missing: usize,
    /// Its scope names a group that the principal is not in, which counts as one more condition that failed.
    pub outside: bool,
    /// Nothing but this permit was missing for an allow.
    pub suffices: bool,
}

/// The near misses among these permits: those first that would apply if their client did what their annotations name;
/// then those with the fewest failed conditions, and of these the ones whose scope matched whole. No more candidates
/// are taken than are looked at, so their conditions are evaluated when they are taken.
pub(in crate::policy) fn near_misses<'p>(candidates: impl IntoIterator<Item = Candidate<'p>>) -> Vec<NearMiss> {
    let mut misses: Vec<(bool, NearMiss)> = candidates
        .into_iter()
        .take(MAX_PERMITS_EXPLAINED)
        .map(|Candidate { annotations, failed, missing, outside, suffices }| {
            let is_all = suffices && missing == 0 && !outside;
            let miss = NearMiss {
                policy: annotations.id.clone(),
                failed_conditions: failed.len().max(missing).saturating_add(usize::from(outside)),
                advice: annotations.advice.clone(),
                remedy: annotations.remedy_of(&failed).filter(|_| is_all).cloned(),
            };
            (outside, miss)
        })
        .collect();
    misses.sort_by(|(a_outside, a), (b_outside, b)| {
        (a.remedy.is_none(), a.failed_conditions, a_outside, &a.policy).cmp(&(
            b.remedy.is_none(),
            b.failed_conditions,
            b_outside,
            &b.policy,
        ))
    });
    misses.into_iter().map(|(_, miss)| miss).take(MAX_NEAR_MISSES).collect()
}
