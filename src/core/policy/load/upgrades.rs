//! Forbids on writing that a request with an `Upgrade` header bypasses.
//!
//! The action of such a request is `upgrade`, whatever its method: a forbid on `Action::"write"` does not apply to a POST to
//! which the client adds the header.

use cedar_policy::pst::Effect;

use super::Checked;
use crate::config_error::{ConfigCode, ConfigWarning};
use crate::request::{Action, Method};

/// Actions that change something.
const WRITES: [Action; 5] = [
    Action::Write,
    Action::Method(Method::Post),
    Action::Method(Method::Put),
    Action::Method(Method::Patch),
    Action::Method(Method::Delete),
];

/// Every forbid of one document that names writes and not `upgrade`, where a permit lets the same principals upgrade.
pub(in crate::policy) fn passed_by_upgrade(policies: &[Checked<'_>]) -> Vec<ConfigWarning> {
    let (forbids, permits): (Vec<&Checked<'_>>, Vec<&Checked<'_>>) =
        policies.iter().partition(|policy| policy.named.body.effect == Effect::Forbid);
    let on_upgrade = |policy: &Checked<'_>| policy.scope.actions.holds(Action::Upgrade);
    let names_writes = |forbid: &Checked<'_>| WRITES.iter().any(|action| forbid.scope.actions.holds(*action));
    let mut warnings = Vec::new();
    for forbid in forbids.iter().filter(|forbid| names_writes(forbid) && !on_upgrade(forbid)) {
        let meets = |other: &Checked<'_>| {
            on_upgrade(other)
                && other.scope.resource.overlaps(&forbid.scope.resource)
                && !other.applies.kinds.is_disjoint(&forbid.applies.kinds)
        };
        // A condition on the action may leave upgrades out; a forbid on them says that they were thought of.
        let permit = permits.iter().find(|permit| meets(permit) && !permit.reads.action);
        let Some(permit) = permit.filter(|_| !forbids.iter().any(|other| meets(other) && !on_all(other))) else {
            continue;
        };
        warnings.push(ConfigWarning {
            pointer: forbid.source.document.pointer.clone(),
            code: ConfigCode::UpgradeNotForbidden,
            message: format!(
                "`{}` forbids writes and not `upgrade`, which `{}` permits: the same POST with an `Upgrade` header has the \
                 action `upgrade`, and the forbid does not apply; add `Action::\"upgrade\"` to the forbid, as in \
                 `action in [Action::\"write\", Action::\"upgrade\"]`, or remove it from the permit",
                forbid.named.id, permit.named.id
            ),
        });
    }
    warnings
}

/// Whether the scope names no action.
fn on_all(policy: &Checked<'_>) -> bool {
    policy.scope.actions.holds(Action::Preflight) && policy.scope.actions.holds(Action::Upgrade)
}
