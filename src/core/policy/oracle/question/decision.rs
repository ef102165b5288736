//! What one configuration decides at one place, as conditions.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{
    self, ActionConstraint, BinaryOp, Clause, Effect, EntityOrSlot, EntityUID, Expr, Literal, PrincipalConstraint,
    ResourceConstraint, UnaryOp, Var,
};

use super::device::DeviceTerms;
use super::frame::unseen_posture;
use super::merge::Guards;
use super::rewrite::{PlaceEntities, Rewriting};
use super::terms::{all, any, has, not, truth};
use super::{Caller, NoQuestion, Side};
use crate::policy::PolicyId;
use crate::policy::decide::Say;
use crate::policy::decide::slice::DocumentScope;
use crate::policy::kinds::{GROUP, PrincipalKind};
use crate::policy::load::implied::member;
use crate::policy::load::names::context_path;
use crate::policy::load::reads::visit;
use crate::policy::oracle::CedarPolicy;
use crate::request::Action;
use crate::route::{PEER_EVIDENCE, Requires};

/// The decisions of one configuration about one kind of caller at one place.
#[derive(Debug)]
pub(super) struct Decisions {
    /// That the request gets as far as the policies: it has the facts that are required of it, and what the route requires.
    arrives: Arc<Expr>,
    /// The documents that must permit, by number.
    must_permit: Vec<usize>,
    policies: Vec<Asked>,
}

/// A policy that is asked.
#[derive(Debug)]
struct Asked {
    id: PolicyId,
    document: usize,
    permits: bool,
    /// That it applies.
    applies: Arc<Expr>,
    /// Whether its evaluation can fail, which denies.
    can_fail: bool,
}

impl Decisions {
    /// Of one side of a question.
    pub(super) fn of(
        caller: &Caller,
        (side, number): (&Side<'_>, (usize, bool)),
        principal: &str,
        guards: Option<&Guards>,
    ) -> Result<Self, NoQuestion> {
        let oracle = side.policies.oracle.as_ref().ok_or(NoQuestion::NoPolicyText)?;
        let kind = caller.kind(side.vocabulary);
        let (Some(kind), Some(guards)) = (kind, guards) else {
            return Ok(Self { arrives: truth(false), must_permit: Vec::new(), policies: Vec::new() });
        };
        let issuer = side.vocabulary.issuer(kind);
        let rewriting = Rewriting {
            principal,
            group: issuer.map(|issuer| format!("{}::{GROUP}", issuer.profile.name)),
            groups: &side.policies.groups,
            place: side.place,
            entities: PlaceEntities::of(side.place)?,
            attributes: &side.vocabulary.router.attributes,
            side: number,
            guards,
            device: DeviceTerms::of(side.vocabulary, kind, guards),
        };
        let application = &side.place.application.name;
        let is_asked = |policy: &&CedarPolicy| {
            let document = oracle.documents.get(policy.asked.document);
            Say::Enforced.has(&policy.annotations)
                && document.is_some_and(|document| document.applications.contains(application))
                && policy.asked.kinds.contains(&kind)
        };
        Ok(Self {
            arrives: all([arrives(caller, kind, side, guards), rewriting.device.one_device()]),
            must_permit: DocumentScope::must_permit(&oracle.documents, application).collect(),
            policies: oracle.policies.iter().filter(is_asked).map(|policy| asked(policy, &rewriting)).collect(),
        })
    }

    /// That the request gets as far as the policies.
    pub(super) fn arrives(&self) -> Arc<Expr> {
        Arc::clone(&self.arrives)
    }

    /// That the configuration permits the request, and would without this policy.
    pub(super) fn permitted(&self, without: Option<&PolicyId>) -> Arc<Expr> {
        let policies = || self.policies.iter().filter(|policy| Some(&policy.id) != without);
        let permits = |document: Option<usize>| {
            let of_document = move |policy: &&Asked| document.is_none_or(|document| policy.document == document);
            let permits = policies().filter(|policy| policy.permits).filter(of_document);
            any(permits.map(|policy| Arc::clone(&policy.applies)))
        };
        let forbids = policies().filter(|policy| !policy.permits);
        let defined = policies().filter(|policy| policy.can_fail).map(|policy| {
            let (left, right) = (Arc::clone(&policy.applies), Arc::clone(&policy.applies));
            Arc::new(Expr::BinaryOp { op: BinaryOp::Eq, left, right })
        });
        let required = self.must_permit.iter().map(|document| permits(Some(*document)));
        let granted = [self.arrives(), permits(None), not(any(forbids.map(|forbid| Arc::clone(&forbid.applies))))];
        all(granted.into_iter().chain(required).chain(defined))
    }

    /// That a policy applies; `None` if it is not asked.
    pub(super) fn applies(&self, id: &PolicyId) -> Option<Arc<Expr>> {
        self.policies.iter().find(|policy| policy.id == *id).map(|policy| Arc::clone(&policy.applies))
    }

    /// The policies that can apply here, each with whether it permits.
    pub(super) fn asked(&self) -> impl Iterator<Item = (&PolicyId, bool)> {
        let can_apply = self.policies.iter().filter(|policy| *policy.applies != Expr::Literal(Literal::Bool(false)));
        can_apply.map(|policy| (&policy.id, policy.permits))
    }

    /// Whether a policy here reads this record of `context`.
    pub(super) fn reads(&self, record: &str) -> bool {
        let is_inside = |path: &Vec<String>| path.len() > 1 && path.first().is_some_and(|first| first == record);
        Self::facts_of(self.policies.iter().map(|policy| &policy.applies)).iter().any(is_inside)
    }

    /// The paths inside `context` that decide.
    pub(super) fn facts(&self) -> BTreeSet<Vec<String>> {
        Self::facts_of(core::iter::once(&self.arrives).chain(self.policies.iter().map(|policy| &policy.applies)))
    }

    fn facts_of<'e>(conditions: impl Iterator<Item = &'e Arc<Expr>>) -> BTreeSet<Vec<String>> {
        let mut found = BTreeSet::new();
        let mut look = |part: &Expr| {
            let path = match part {
                Expr::HasAttr { expr, attrs } => context_path(expr)
                    .map(|base| base.into_iter().chain(attrs.iter().map(|name| name.as_str())).collect::<Vec<_>>()),
                _ => context_path(part),
            };
            found.extend(path.map(|path| path.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        };
        conditions.for_each(|condition| visit(condition, &mut look));
        found.retain(|path| !path.is_empty());
        found
    }

    /// The entities that the principal is compared with, groups among them, each once.
    pub(super) fn entities(&self) -> Vec<EntityUID> {
        let mut found = Vec::new();
        self.visit(&mut |part| {
            if let Expr::BinaryOp { op: BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::In, left, right } = part
                && let (Expr::Var(Var::Principal), Expr::Literal(Literal::EntityUID(entity)))
                | (Expr::Literal(Literal::EntityUID(entity)), Expr::Var(Var::Principal)) =
                    (left.as_ref(), right.as_ref())
                && !found.contains(entity)
            {
                found.push(entity.clone());
            }
        });
        found
    }

    fn visit(&self, look: &mut impl FnMut(&Expr)) {
        visit(&self.arrives, look);
        self.policies.iter().for_each(|policy| visit(&policy.applies, look));
    }
}

/// What a configuration demands before it asks a policy.
fn arrives(caller: &Caller, kind: PrincipalKind, side: &Side<'_>, guards: &Guards) -> Arc<Expr> {
    let Requires { issuer, peer, devices } = &side.place.route.requires;
    // A preflight carries no evidence, and none is required of it.
    let is_preflight = side.place.action == Action::Preflight;
    let by_issuer = match (issuer, caller) {
        _ if is_preflight => kind == PrincipalKind::Anonymous,
        (None, _) => true,
        (Some(required), Caller::Issuer(own)) => required == own,
        (Some(_), Caller::Anonymous | Caller::Workload) => false,
    };
    if !by_issuer {
        return truth(false);
    }
    let mut demands = guards.inside(&[]);
    if !is_preflight {
        demands.extend(peer.then(|| evidence(PEER_EVIDENCE, guards)));
        demands.extend(devices.iter().map(|device| match kind.has_token() {
            true => evidence(device.as_str(), guards),
            // Posture is required of a caller without a token too, and policies about such a caller do not see it.
            false => member(&[unseen_posture(device)]),
        }));
    }
    all(demands)
}

/// That this evidence is verified.
fn evidence(name: &str, guards: &Guards) -> Arc<Expr> {
    let record = [name.to_owned()];
    let workload = ["workload", "trust_domain"].into_iter().filter(|_| name == PEER_EVIDENCE);
    let workload = workload.map(|fact| has(&record, fact));
    all(core::iter::once(has(&[], name)).chain(guards.inside(&record)).chain(workload))
}

fn asked(policy: &CedarPolicy, rewriting: &Rewriting<'_>) -> Asked {
    let needs = policy.asked.needs.iter().map(|name| evidence(name.as_str(), rewriting.guards));
    let body = &policy.body;
    let scope =
        [principal(&body.principal, rewriting), action(&body.action, rewriting), resource(&body.resource, rewriting)];
    let conditions = body.clauses().iter().map(|clause| match clause {
        Clause::When(condition) => rewriting.condition(condition),
        Clause::Unless(condition) => not(rewriting.condition(condition)),
    });
    Asked {
        id: policy.annotations.id.clone(),
        document: policy.asked.document,
        permits: body.effect == Effect::Permit,
        applies: all(needs.chain(scope).chain(conditions)),
        can_fail: can_fail(policy),
    }
}

fn principal(constraint: &PrincipalConstraint, rewriting: &Rewriting<'_>) -> Arc<Expr> {
    let is_of = |of: &pst::EntityType| truth(of.to_string() == rewriting.principal);
    match constraint {
        PrincipalConstraint::Any => truth(true),
        PrincipalConstraint::Is(of) => is_of(of),
        PrincipalConstraint::Eq(EntityOrSlot::Entity(entity)) => rewriting.is(entity),
        PrincipalConstraint::In(EntityOrSlot::Entity(entity)) => rewriting.principal_in(entity),
        PrincipalConstraint::IsIn(of, EntityOrSlot::Entity(entity)) => all([is_of(of), rewriting.principal_in(entity)]),
        PrincipalConstraint::Eq(_) | PrincipalConstraint::In(_) | PrincipalConstraint::IsIn(..) => truth(false),
    }
}

fn action(constraint: &ActionConstraint, rewriting: &Rewriting<'_>) -> Arc<Expr> {
    truth(match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(entity) => rewriting.is_action(entity),
        ActionConstraint::In(entities) => entities.iter().any(|entity| rewriting.action_in(entity)),
    })
}

fn resource(constraint: &ResourceConstraint, rewriting: &Rewriting<'_>) -> Arc<Expr> {
    let is_route = |of: &pst::EntityType| of.to_string() == "Route";
    truth(match constraint {
        ResourceConstraint::Any => true,
        ResourceConstraint::Is(of) => is_route(of),
        ResourceConstraint::Eq(EntityOrSlot::Entity(entity)) => rewriting.is_resource(entity),
        ResourceConstraint::In(EntityOrSlot::Entity(entity)) => rewriting.resource_in(entity),
        ResourceConstraint::IsIn(of, EntityOrSlot::Entity(entity)) => is_route(of) && rewriting.resource_in(entity),
        ResourceConstraint::Eq(_) | ResourceConstraint::In(_) | ResourceConstraint::IsIn(..) => false,
    })
}

/// Whether the evaluation of a policy can fail.
pub(super) fn can_fail(policy: &CedarPolicy) -> bool {
    policy.body.clauses().iter().any(|clause| match clause {
        Clause::When(condition) | Clause::Unless(condition) => has_failing_operator(condition),
    })
}

/// Whether a condition has an operator that some value makes fail. Where it is not certain that it has none, it has.
fn has_failing_operator(condition: &Expr) -> bool {
    let mut found = false;
    visit(condition, &mut |part| {
        found |= match part {
            Expr::UnaryOp { op: UnaryOp::Not | UnaryOp::IsEmpty, .. } => false,
            Expr::UnaryOp { op: UnaryOp::Ip | UnaryOp::Decimal | UnaryOp::Datetime | UnaryOp::Duration, expr } => {
                // Load has read the string.
                !matches!(expr.as_ref(), Expr::Literal(_))
            }
            Expr::UnaryOp { .. } => true,
            Expr::BinaryOp { op, .. } => {
                matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Offset | BinaryOp::DurationSince)
            }
            _ => false,
        };
    });
    found
}
