//! The decision: allow or deny, and the policies that led to it. Values only.

use crate::policy::PolicyId;

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
}

/// Proof that the policies permit a request. Only [`PolicySet::decide`](crate::policy::PolicySet::decide) makes one, and forwarding
/// the request consumes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    determining: Vec<PolicyId>,
}

impl Permit {
    /// For the step that evaluates the policies, and for nothing else.
    pub(super) const fn new(determining: Vec<PolicyId>) -> Self {
        Self { determining }
    }

    /// The permits that applied, sorted.
    #[must_use]
    pub fn determining(&self) -> &[PolicyId] {
        &self.determining
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
    },
    /// No permit applied.
    NotPermitted {
        /// Fewest failed conditions first, then by id; at most [`crate::limits::MAX_NEAR_MISSES`].
        near_misses: Vec<NearMiss>,
    },
    /// Policies could not be evaluated.
    Failed {
        /// Which ones, sorted.
        policies: Vec<PolicyId>,
    },
}
