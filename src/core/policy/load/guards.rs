//! What else is decided wherever a policy applies.

use cedar_policy::pst::Effect;

use super::Checked;
use super::reads::Reads;

/// Whether the policy reads what `reads` looks for, or a forbid does that holds wherever the policy does.
pub(super) fn is_guarded(policy: &Checked<'_>, all: &[Checked<'_>], reads: impl Fn(&Reads) -> bool) -> bool {
    let forbids = all.iter().filter(|other| other.named.body.effect == Effect::Forbid);
    forbids.chain([policy]).any(|guard| {
        reads(&guard.reads)
            && guard.scope.covers(&guard.named.body, &policy.scope, &policy.named.body)
            && guard.applies.kinds.is_superset(&policy.applies.kinds)
    })
}
