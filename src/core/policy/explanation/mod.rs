//! Why policies decide a request as they do: every policy, every condition, and the facts that it reads with their values.
//!
//! Compiled for the command and for tests. Unlike a decision, an explanation evaluates all policies and all of their
//! conditions, and holds values of facts. It decides nothing.

mod notation;
mod supposed;

pub use self::supposed::PolicyAnswer;

use self::notation::Notation;
use super::PolicyId;
use super::decide::asked::Asked;
use super::decide::slice::Slice;
use super::decide::{Compiled, Effect, Program};
use super::kinds::ResourceScope;
use super::program::evaluate::Facts;
use super::program::expression::{Constraint, Expression, Variable};
use crate::identity::Identity;
use crate::provider::ProviderName;
use crate::request::{Action, Request};
use crate::route::RouteMatch;
use crate::time::UnixSeconds;

/// How the policies decide one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The principal, in Cedar's notation.
    pub principal: String,
    /// Every group that it is in, directly or through another.
    pub groups: Vec<String>,
    /// The action.
    pub action: String,
    /// The route.
    pub resource: String,
    /// All policies of the configuration, in the order of their ids.
    pub policies: Vec<PolicyExplanation>,
}

/// A policy as it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDescription {
    /// Its name in records.
    pub policy: PolicyId,
    /// Whether it permits; otherwise it forbids.
    pub permits: bool,
    /// Whether it is only rehearsed, by `@mode("shadow")`: it decides nothing, whether it applies or not.
    pub is_rehearsed: bool,
    /// Whether requests to its applications need a permit of its document, whatever other documents permit.
    pub document_must_permit: bool,
    /// Its `@advice`.
    pub advice: Option<String>,
    /// What its scope asks of principal, action and resource, in Cedar's notation.
    pub scope: [String; 3],
    /// Its conditions in Cedar's notation: each `when` split at its outermost `&&`, each `unless` as one negated condition.
    pub conditions: Vec<String>,
    applications: Vec<String>,
    resource: ResourceScope,
    actions: Vec<Action>,
}

impl PolicyDescription {
    /// Whether it can apply to requests with this action to this route, by their names.
    #[must_use]
    pub fn can_apply(&self, application: &str, route: &str, action: &str) -> bool {
        let resource = match &self.resource {
            ResourceScope::Document => self.applications.iter().any(|name| name == application),
            ResourceScope::Application(name) => name == application,
            ResourceScope::Route(name, own) => name == application && own == route,
            ResourceScope::Nowhere => false,
        };
        resource && self.actions.iter().any(|own| own.name() == action)
    }
}

/// What a policy says about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyExplanation {
    /// The policy.
    pub description: PolicyDescription,
    /// Whether principal, action and resource match its scope. For the principal: also whether the policy is for principals of
    /// this kind, because a permit for any `principal` does not apply to Anonymous.
    pub scope_matches: [bool; 3],
    /// Evidence that the policy reads and that is not verified: devices, or `peer`. Without it the policy is not evaluated.
    pub missing_evidence: Vec<ProviderName>,
    /// Its conditions, each evaluated by itself.
    pub conditions: Vec<ConditionExplanation>,
    /// Whether the policy applies; `None` if it cannot be evaluated, and then the request is denied.
    pub applies: Option<bool>,
}

impl PolicyExplanation {
    /// Whether its scope matches the request's action and resource.
    #[must_use]
    pub const fn is_in_reach(&self) -> bool {
        let [_, action, resource] = self.scope_matches;
        action && resource
    }
}

/// One condition of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionExplanation {
    /// Its place among the conditions of its policy, from 0.
    pub place: usize,
    /// Whether it holds.
    pub result: ConditionResult,
    /// The facts that it reads, each once.
    pub facts: Vec<FactExplanation>,
}

/// The result of one condition, evaluated by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionResult {
    /// True.
    Held,
    /// False.
    Failed,
    /// It has no value, usually because a fact that it reads is missing. This denies the request only if every condition before
    /// it holds.
    NoValue,
}

/// A fact that a condition reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactExplanation {
    /// How policies name it.
    pub name: String,
    /// Its value in Cedar's notation; `None` if the request does not have it.
    pub value: Option<String>,
}

impl Program {
    /// See [`PolicySet::explain`](super::PolicySet::explain).
    pub(super) fn explain(
        &self,
        identity: &Identity,
        request: &Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Option<Explanation> {
        let asked = Asked::of((&self.catalog, &self.facts), identity, request, route, now).ok()?;
        let notation = Notation { types: &self.catalog.types, facts: &self.facts };
        let mut policies: Vec<PolicyExplanation> =
            self.all().map(|(slice, policy)| self.explained(slice, policy, &asked, route)).collect();
        policies.sort_by(|a, b| a.description.policy.cmp(&b.description.policy));
        let principal = asked.entity(Variable::Principal);
        let groups = asked.memberships().iter().filter(|entity| **entity != principal);
        Some(Explanation {
            principal: notation.entity(&principal),
            groups: groups.map(|group| notation.entity(group)).collect(),
            action: notation.entity(&asked.entity(Variable::Action)),
            resource: notation.entity(&asked.entity(Variable::Resource)),
            policies,
        })
    }

    /// See [`PolicySet::described`](super::PolicySet::described).
    pub(super) fn described(&self) -> Vec<PolicyDescription> {
        let mut policies: Vec<PolicyDescription> =
            self.all().map(|(slice, policy)| self.description(slice, policy)).collect();
        policies.sort_by(|a, b| a.policy.cmp(&b.policy));
        policies
    }

    fn all(&self) -> impl Iterator<Item = (&Slice, &Compiled)> {
        self.slices.all().iter().flat_map(|slice| slice.policies.iter().map(move |policy| (slice, policy)))
    }

    fn description(&self, slice: &Slice, policy: &Compiled) -> PolicyDescription {
        let notation = Notation { types: &self.catalog.types, facts: &self.facts };
        let rule = &policy.rule;
        let document = self.slices.documents().get(slice.asked.document);
        PolicyDescription {
            policy: policy.annotations.id.clone(),
            permits: policy.effect == Effect::Permit,
            is_rehearsed: policy.annotations.is_rehearsed,
            document_must_permit: document.is_some_and(|document| document.must_permit),
            advice: policy.annotations.advice.clone(),
            scope: [
                notation.constraint(Variable::Principal, &rule.principal),
                notation.constraint(Variable::Action, &rule.action),
                notation.constraint(Variable::Resource, &rule.resource),
            ],
            conditions: rule.conditions.iter().map(|condition| notation.expression(condition)).collect(),
            applications: document.map_or_else(Vec::new, |document| document.applications.clone()),
            resource: slice.asked.resource.clone(),
            actions: slice.asked.actions.iter().collect(),
        }
    }

    fn explained(
        &self,
        slice: &Slice,
        policy: &Compiled,
        asked: &Asked<'_>,
        route: &RouteMatch<'_>,
    ) -> PolicyExplanation {
        let description = self.description(slice, policy);
        let rule = &policy.rule;
        let holds = |constraint: &Constraint, variable| constraint.holds(variable, asked);
        let application = &route.application.name;
        let scope_matches = [
            holds(&rule.principal, Variable::Principal) && slice.asked.kinds.contains(&asked.kind),
            holds(&rule.action, Variable::Action) && slice.asked.actions.holds(route.action),
            holds(&rule.resource, Variable::Resource)
                && description.can_apply(application, &route.route.name, route.action.name()),
        ];
        let needs = slice.asked.needs.iter();
        let missing_evidence: Vec<ProviderName> = needs.filter(|name| !asked.has_evidence(name)).cloned().collect();
        let is_asked = scope_matches == [true; 3] && missing_evidence.is_empty();
        let conditions = rule.conditions.iter().enumerate();
        PolicyExplanation {
            conditions: conditions.map(|(place, condition)| self.condition(place, condition, asked)).collect(),
            applies: if is_asked { rule.applies(asked).ok() } else { Some(false) },
            description,
            scope_matches,
            missing_evidence,
        }
    }

    fn condition(&self, place: usize, condition: &Expression, asked: &Asked<'_>) -> ConditionExplanation {
        let notation = Notation { types: &self.catalog.types, facts: &self.facts };
        let result = match condition.truth(asked) {
            Ok(true) => ConditionResult::Held,
            Ok(false) => ConditionResult::Failed,
            Err(_) => ConditionResult::NoValue,
        };
        let mut facts: Vec<FactExplanation> = Vec::new();
        condition.each(&mut |part| {
            let fact = match part {
                Expression::Variable(variable) | Expression::In(variable, _) => FactExplanation {
                    name: notation.variable(*variable).to_owned(),
                    value: Some(notation.entity(&asked.entity(*variable))),
                },
                Expression::Fact(slot) | Expression::Has { slot, .. } => {
                    let there = asked.reach(*slot).is_ok_and(|(there, parts)| there >= parts);
                    let value = match asked.value(*slot) {
                        Ok(value) => Some(notation.value(&value)),
                        // A record, of which policies ask only whether it is there.
                        Err(_) if there => Some("present".to_owned()),
                        Err(_) => None,
                    };
                    FactExplanation { name: notation.fact(*slot), value }
                }
                _ => return,
            };
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        });
        ConditionExplanation { place, result, facts }
    }
}
