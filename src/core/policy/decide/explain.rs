//! Near misses: why a default deny was one.
//!
//! Only after "no permit applied". Each condition of a permit is evaluated by itself, and the failures are counted. The number
//! of permits examined is bounded, because a denied request must not cost more than a permitted one.

use std::sync::OnceLock;

use cedar_policy::pst::{self, BinaryOp, Clause, Effect, Expr, Template};
use cedar_policy::{Authorizer, PolicySet};

use super::entities::CedarRequest;
use super::{Compiled, NearMiss};
use crate::limits::MAX_NEAR_MISSES;

/// Permits looked at for one decision.
pub(in crate::policy) const MAX_PERMITS_EXPLAINED: usize = 64;

/// The conditions of a permit, each as a policy of its own. Made when first wanted: most permits are never a near miss.
#[derive(Debug, Default)]
pub(in crate::policy) struct Conditions(OnceLock<Option<(PolicySet, usize)>>);

impl Conditions {
    /// How many conditions fail; one that cannot be evaluated fails.
    fn failed(&self, body: &Template, asked: &CedarRequest) -> usize {
        let Some((set, total)) = self.0.get_or_init(|| split(body)) else { return 0 };
        let response = Authorizer::new().is_authorized(&asked.request, set, &asked.entities);
        total.saturating_sub(response.diagnostics().reason().count())
    }
}

/// `when` bodies split at their outermost `&&`; an `unless` is one condition.
fn split(body: &Template) -> Option<(PolicySet, usize)> {
    let mut conditions = Vec::new();
    for clause in body.clauses() {
        match clause {
            Clause::When(condition) => split_and(condition, &mut conditions),
            Clause::Unless(_) => conditions.push(clause.clone()),
        }
    }
    let mut set = PolicySet::new();
    let total = conditions.len();
    for (number, condition) in conditions.into_iter().enumerate() {
        let template = Template::new(
            number.to_string().as_str(),
            Effect::Permit,
            pst::PrincipalConstraint::Any,
            pst::ActionConstraint::Any,
            pst::ResourceConstraint::Any,
        );
        let template = template.try_with_clauses([condition]).ok()?;
        let policy = pst::Policy::Static(pst::StaticPolicy::try_from(template).ok()?);
        set.add(cedar_policy::Policy::from_pst(policy).ok()?).ok()?;
    }
    Some((set, total))
}

fn split_and(condition: &std::sync::Arc<Expr>, into: &mut Vec<Clause>) {
    match condition.as_ref() {
        Expr::BinaryOp { op: BinaryOp::And, left, right } => {
            split_and(left, into);
            split_and(right, into);
        }
        _ => into.push(Clause::When(condition.clone())),
    }
}

/// A permit that might have applied.
pub(in crate::policy) struct Candidate<'p> {
    /// The permit.
    pub permit: &'p Compiled,
    /// Devices that it needs and that are not verified.
    pub missing: usize,
    /// Its scope names a group that the principal is not in, which counts as one more condition that failed.
    pub outside: bool,
}

/// The near misses among these permits: fewest failed conditions first, then those whose scope matched whole.
pub(in crate::policy) fn near_misses<'p>(
    candidates: impl IntoIterator<Item = Candidate<'p>>,
    asked: &CedarRequest,
) -> Vec<NearMiss> {
    let mut misses: Vec<(bool, NearMiss)> = candidates
        .into_iter()
        .filter(|candidate| candidate.permit.permit.is_some())
        .take(MAX_PERMITS_EXPLAINED)
        .filter_map(|Candidate { permit, missing, outside }| {
            let (body, conditions) = permit.permit.as_ref()?;
            let failed = conditions.failed(body, asked).max(missing);
            let failed_conditions = failed.saturating_add(usize::from(outside));
            let miss = NearMiss { policy: permit.id.clone(), failed_conditions, advice: permit.advice.clone() };
            Some((outside, miss))
        })
        .collect();
    misses.sort_by(|(a_outside, a), (b_outside, b)| {
        (a.failed_conditions, a_outside, &a.policy).cmp(&(b.failed_conditions, b_outside, &b.policy))
    });
    misses.into_iter().map(|(_, miss)| miss).take(MAX_NEAR_MISSES).collect()
}
