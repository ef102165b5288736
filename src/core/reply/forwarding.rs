//! The changes to a forwarded request, and the proof that it may be forwarded.

use super::HeaderPolicy;
use super::header_changes::HeaderChanges;
use crate::identity::Identity;
use crate::mode::Mode;
use crate::policy::Permit;
use crate::refusal::{Refusal, RefusalKind};
use crate::request::Request;
use crate::telemetry::DecisionId;

/// Changes to a request before it is forwarded. Removal comes first.
///
/// Nothing but [`Forwarding::of`] makes one, and that demands [`Grounds`]: a request cannot be forwarded by mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    changes: HeaderChanges,
}

/// Why a request may be forwarded.
#[derive(Debug)]
pub enum Grounds {
    /// The policies permit it.
    Permit(Permit),
    /// It is refused, and the configuration only rehearses refusals.
    Rehearsal(Rehearsal),
}

/// Proof that a refusal is not enforced: the configuration is in shadow mode, and the request is not ambiguous.
#[derive(Debug)]
pub struct Rehearsal(());

impl Rehearsal {
    /// Rehearses a refusal; `None` where it must be enforced. An ambiguous request is refused in any mode, because it
    /// is not known what the upstream would make of it.
    #[must_use]
    pub fn of(policy: &HeaderPolicy, refusal: &Refusal) -> Option<Self> {
        match (policy.mode(), refusal.reason.kind()) {
            (Mode::Enforce, _) | (Mode::Shadow, RefusalKind::Ambiguous) => None,
            (Mode::Shadow, RefusalKind::Unauthenticated | RefusalKind::Forbidden | RefusalKind::Undecidable) => {
                Some(Self(()))
            }
        }
    }
}

impl Forwarding {
    /// The changes to a request whose caller is known, if only as Anonymous.
    #[must_use]
    pub fn of(
        _grounds: Grounds,
        policy: &HeaderPolicy,
        request: &Request,
        identity: &Identity,
        decision_id: &DecisionId,
    ) -> Self {
        Self { changes: policy.changes(identity, request, decision_id) }
    }

    /// Header names to remove, as the client spelled them but in lower case, sorted, each once.
    pub fn remove(&self) -> impl Iterator<Item = &str> {
        self.changes.removed()
    }

    /// Headers to set, replacing any others of the name. The values are printable ASCII, except for that of `cookie`,
    /// which is what remains of the client's own.
    pub fn set(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.changes.all_set()
    }
}

#[cfg(test)]
mod tests {
    use super::Rehearsal;
    use crate::mode::Mode;
    use crate::portable;
    use crate::refusal::{Reason, Refusal, RefusalKind};
    use crate::reply::HeaderPolicy;
    use crate::stripped::HeaderRules;

    #[portable]
    fn a_refusal_is_rehearsed_in_shadow_mode_alone_and_never_that_of_an_ambiguous_request() {
        let policy = |mode| HeaderPolicy::compile(&[], &[], Vec::new(), HeaderRules::default(), mode);
        for reason in Reason::ALL {
            let refusal = Refusal::new(*reason);
            assert!(Rehearsal::of(&policy(Mode::Enforce), &refusal).is_none(), "{}", reason.code());
            let rehearsed = Rehearsal::of(&policy(Mode::Shadow), &refusal).is_some();
            assert_eq!(rehearsed, reason.kind() != RefusalKind::Ambiguous, "{}", reason.code());
        }
    }
}
