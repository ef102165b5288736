//! Near misses: why a default deny was one.
//!
//! Only after "no permit applied". Each condition of a permit is evaluated by itself, and the failures are counted. The number
//! of permits examined is bounded, because a denied request must not cost more than a permitted one.

use super::decision::NearMiss;
use crate::limits::MAX_NEAR_MISSES;
use crate::policy::PolicyId;

/// Permits looked at for one decision.
const MAX_PERMITS_EXPLAINED: usize = 64;

/// A permit that might have applied.
pub(in crate::policy) struct Candidate<'p> {
    /// The permit.
    pub policy: &'p PolicyId,
    /// Its `@advice`.
    pub advice: Option<&'p str>,
    /// How many of its conditions fail; one that cannot be evaluated fails.
    pub failed_conditions: usize,
    /// How much evidence it needs that is not verified.
    pub missing: usize,
    /// Its scope names a group that the principal is not in, which counts as one more condition that failed.
    pub outside: bool,
}

/// The near misses among these permits: fewest failed conditions first, then those whose scope matched whole. No more
/// candidates are taken than are looked at, so their conditions are evaluated when they are taken.
pub(in crate::policy) fn near_misses<'p>(candidates: impl IntoIterator<Item = Candidate<'p>>) -> Vec<NearMiss> {
    let mut misses: Vec<(bool, NearMiss)> = candidates
        .into_iter()
        .take(MAX_PERMITS_EXPLAINED)
        .map(|Candidate { policy, advice, failed_conditions, missing, outside }| {
            let failed_conditions = failed_conditions.max(missing).saturating_add(usize::from(outside));
            (outside, NearMiss { policy: policy.clone(), failed_conditions, advice: advice.map(str::to_owned) })
        })
        .collect();
    misses.sort_by(|(a_outside, a), (b_outside, b)| {
        (a.failed_conditions, a_outside, &a.policy).cmp(&(b.failed_conditions, b_outside, &b.policy))
    });
    misses.into_iter().map(|(_, miss)| miss).take(MAX_NEAR_MISSES).collect()
}
