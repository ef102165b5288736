//! The decision: allow or deny, and the policies that led to it. Values only.

use crate::policy::PolicyId;
use crate::policy::annotations::Alarm;
use crate::remedy::Remedy;

/// A permit that did not apply though its scope matched, or would have if the principal were in the group that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The permit.
    pub policy: PolicyId,
    /// How many of its conditions failed: `when` bodies split at their outermost `&&`, each `unless` as one, or the devices
    /// whose facts it reads and that are not verified, whichever is more; and one more for a group that the principal is not in.
    pub failed_conditions: usize,
    /// Its `@advice`.
    pub advice: Option<String>,
    /// What the client can do so that it applies, by its `@step_up` or `@scope`; `None` if it would still not apply.
    pub remedy: Option<Remedy>,
}

/// Proof that the policies permit a request. Only [`PolicySet::decide`](crate::policy::PolicySet::decide) makes one, and forwarding
/// the request consumes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    determining: Vec<PolicyId>,
    alarms: Vec<Alarm>,
}

impl Permit {
    /// For the step that evaluates the policies, and for nothing else.
    pub(super) const fn new(determining: Vec<PolicyId>, alarms: Vec<Alarm>) -> Self {
        Self { determining, alarms }
    }

    /// The permits that applied, sorted.
    #[must_use]
    pub fn determining(&self) -> &[PolicyId] {
        &self.determining
    }

    /// Their `@alarm`s, sorted, each once.
    #[must_use]
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }
}

/// What would be decided if the policies that are only rehearsed were in force. Nothing can be forwarded because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// Whether the request would be allowed.
    pub allows: bool,
    /// The policies that would determine the decision, or that could not be evaluated, sorted.
    pub policies: Vec<PolicyId>,
}

impl Rehearsed {
    /// For the step that evaluates the policies.
    pub(in crate::policy) fn of(decision: Decision) -> Self {
        let allows = matches!(decision, Decision::Allow(_));
        let policies = match decision {
            Decision::Allow(permit) => permit.determining,
            Decision::Forbidden { determining: policies, .. } | Decision::Failed { policies } => policies,
            Decision::NotPermitted { .. } => Vec::new(),
        };
        Self { allows, policies }
    }
}

/// The decision with its reasons. Only [`Decision::Allow`] lets a request through.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// At least one permit applied, no forbid did, and nothing failed to evaluate.
    Allow(Permit),
    /// At least one forbid applied.
    Forbidden {
        /// The forbids that applied, sorted.
        determining: Vec<PolicyId>,
        /// The `@advice` of the first of them that has one.
        advice: Option<String>,
        /// What the client can do so that none of them applies, by the `@step_up` of the first. `None` unless each of them
        /// has one, and a permit applies.
        remedy: Option<Remedy>,
        /// Their `@alarm`s, sorted, each once.
        alarms: Vec<Alarm>,
    },
    /// No permit applied.
    NotPermitted {
        /// Those with a remedy first, then those with the fewest failed conditions, then by id; at most
        /// [`crate::limits::MAX_NEAR_MISSES`].
        near_misses: Vec<NearMiss>,
    },
    /// Policies could not be evaluated.
    Failed {
        /// Which ones, sorted.
        policies: Vec<PolicyId>,
    },
}
