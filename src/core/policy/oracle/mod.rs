//! Decisions by Cedar's own authorizer, to hold the plugin's decisions against.
//!
//! Only for tests and for `countersign eval --oracle`. It shares with the plugin what load has found out about a policy
//! (whom it is asked about, which devices it needs, what its remedies change), where its conditions are split, and how
//! answers are combined. It shares nothing else: Cedar evaluates
//! the text that it has parsed, every policy is asked about every request, and the request is built as Cedar's entities.

pub mod language;
pub mod question;

mod device;
pub(in crate::policy) mod entities;

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{self, Template};
use cedar_policy::{Authorizer, EntityUid, PolicySet, PrincipalConstraint};

use self::entities::{CedarRequest, EntityCatalog};
use super::annotations::Annotations;
use super::decide::decision::Decision;
use super::decide::explain::{Candidate, near_misses};
use super::decide::slice::{Applicability, DocumentScope};
use super::decide::{Answers, Say};
use super::kinds::{GROUP, ResourceScope};
use super::load::fixes::policy_text;
use super::load::names::Names;
use super::program::translate::conditions;
use super::text::source::Named;
use super::{PolicyDocument, PolicyId};
use crate::identity::Identity;
use crate::request::Request;
use crate::route::RouteMatch;
use crate::time::UnixSeconds;

/// All policies as Cedar parsed them, in the order of the documents.
#[derive(Debug)]
pub(in crate::policy) struct Oracle {
    /// `None` if Cedar cannot name the entities: load has then found errors.
    catalog: Option<EntityCatalog>,
    documents: Vec<DocumentScope>,
    policies: Vec<CedarPolicy>,
    #[cfg(feature = "oracle")]
    asked: bool,
}

#[derive(Debug)]
struct CedarPolicy {
    annotations: Annotations,
    /// A set of this policy alone.
    set: PolicySet,
    body: Template,
    asked: Arc<Applicability>,
    /// The principal or group that the scope names.
    principal: Option<EntityUid>,
}

impl Oracle {
    /// An oracle without policies.
    pub(in crate::policy) fn new(names: Names<'_>, documents: &[PolicyDocument]) -> Self {
        Self {
            catalog: EntityCatalog::compile(names).ok(),
            documents: documents.iter().map(|document| names.scope_of(document)).collect(),
            policies: Vec::new(),
            #[cfg(feature = "oracle")]
            asked: false,
        }
    }

    /// Takes the next policy.
    pub(in crate::policy) fn take(&mut self, named: &Named, annotations: Annotations, asked: Arc<Applicability>) {
        let principal = match named.policy.principal_constraint() {
            PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
            PrincipalConstraint::Eq(entity)
            | PrincipalConstraint::In(entity)
            | PrincipalConstraint::IsIn(_, entity) => Some(entity),
        };
        // One policy has no other whose id it could repeat, so a set without it would be Cedar's fault; the comparison
        // with the plugin's decisions shows it.
        self.policies.push(CedarPolicy {
            annotations,
            set: PolicySet::from_policies([named.policy.clone()]).unwrap_or_default(),
            body: named.body.clone(),
            asked,
            principal,
        });
    }

    /// Whether every decision is asked of it.
    #[cfg(feature = "oracle")]
    pub(in crate::policy) const fn is_asked(&self) -> bool {
        self.asked
    }

    /// Has every decision asked of it.
    #[cfg(feature = "oracle")]
    pub(in crate::policy) const fn ask(&mut self) {
        self.asked = true;
    }

    /// Each policy with its text, as Cedar has it after load.
    pub(in crate::policy) fn texts(&self) -> impl Iterator<Item = (&PolicyId, String)> {
        self.policies.iter().map(|policy| (&policy.annotations.id, policy_text(&policy.body)))
    }

    /// The policies that are enforced.
    pub(in crate::policy) fn enforced(&self) -> impl Iterator<Item = &PolicyId> {
        let enforced = self.policies.iter().filter(|policy| Say::Enforced.has(&policy.annotations));
        enforced.map(|policy| &policy.annotations.id)
    }

    /// Decides one request by the policies that have a say.
    pub(in crate::policy) fn decide(
        &self,
        say: Say,
        identity: &Identity,
        request: &Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Decision {
        let asked = self.catalog.as_ref().and_then(|catalog| catalog.request(identity, request, route, now).ok());
        let Some(asked) = asked else { return Decision::Failed { policies: Vec::new() } };
        // Cedar judges the scope. What is asked here is what Cedar does not know.
        let asked_about = || {
            let with_a_say = self.policies.iter().filter(|policy| say.has(&policy.annotations));
            with_a_say.filter(|policy| self.is_asked_about(policy, route, &asked))
        };
        let mut answers = Answers::default();
        for policy in asked_about().filter(|policy| policy.missing(&asked) == 0) {
            let response = Authorizer::new().is_authorized(&asked.request, &policy.set, &asked.entities);
            let applies = response.diagnostics().reason().next().is_some();
            match (applies, policy.body.effect) {
                _ if response.diagnostics().errors().next().is_some() => answers.failed.push(&policy.annotations),
                (false, _) => {}
                (true, pst::Effect::Permit) => answers.permits.push((policy.asked.document, &policy.annotations)),
                (true, pst::Effect::Forbid) => answers.forbids.push(&policy.annotations),
            }
        }
        let must_permit = DocumentScope::must_permit(&self.documents, &route.application.name);
        answers.combined(must_permit).unwrap_or_else(|silent| {
            let permits = asked_about().filter(|policy| policy.body.effect == pst::Effect::Permit);
            let mut candidates: Vec<(bool, &CedarPolicy)> = permits
                .filter(|policy| silent.is_one(policy.asked.document))
                .filter(|policy| policy.is_about(route))
                .filter(|policy| policy.is_met(&asked) || policy.names_a_group())
                .map(|policy| (!policy.is_met(&asked), policy))
                .collect();
            candidates.sort_by_key(|(outside, policy)| {
                let one_route = matches!(policy.asked.resource, ResourceScope::Route(..));
                (*outside, one_route, &policy.principal, &policy.asked)
            });
            let near_misses = near_misses(candidates.into_iter().map(|(outside, policy)| Candidate {
                annotations: &policy.annotations,
                failed: policy.failed_conditions(&asked),
                missing: policy.missing(&asked),
                outside,
                suffices: silent.is_only(policy.asked.document),
            }));
            Decision::NotPermitted { near_misses }
        })
    }

    /// Whether the policy's document is for the application, and the policy for principals of this kind.
    fn is_asked_about(&self, policy: &CedarPolicy, route: &RouteMatch<'_>, asked: &CedarRequest) -> bool {
        let document = self.documents.get(policy.asked.document);
        document.is_some_and(|document| document.applications.contains(&route.application.name))
            && policy.asked.kinds.contains(&asked.kind)
    }
}

impl CedarPolicy {
    /// Whether the resource and the action are in the scope.
    fn is_about(&self, route: &RouteMatch<'_>) -> bool {
        let resource = match &self.asked.resource {
            ResourceScope::Document => true,
            ResourceScope::Application(name) => *name == route.application.name,
            ResourceScope::Route(name, own) => *name == route.application.name && *own == route.route.name,
            ResourceScope::Nowhere => false,
        };
        resource && self.asked.actions.holds(route.action)
    }

    /// Whether the scope names no principal, or one that the principal is or is in.
    fn is_met(&self, asked: &CedarRequest) -> bool {
        self.principal.as_ref().is_none_or(|principal| asked.memberships.contains(principal))
    }

    fn names_a_group(&self) -> bool {
        self.principal.as_ref().is_some_and(|principal| principal.type_name().basename() == GROUP)
    }

    /// How much evidence it needs that is not verified.
    fn missing(&self, asked: &CedarRequest) -> usize {
        self.asked.needs.iter().filter(|device| !asked.devices.contains(*device)).count()
    }

    /// The places of its conditions that fail, each as a policy of its own; one that cannot be evaluated fails.
    fn failed_conditions(&self, asked: &CedarRequest) -> Vec<usize> {
        let Some((set, total)) = split(&self.body) else { return Vec::new() };
        let response = Authorizer::new().is_authorized(&asked.request, &set, &asked.entities);
        let hold: BTreeSet<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        (0..total).filter(|place| !hold.contains(&place.to_string())).collect()
    }
}

/// The conditions of a policy, each as a policy of its own, named by its place.
fn split(body: &Template) -> Option<(PolicySet, usize)> {
    let conditions = conditions(body);
    let mut set = PolicySet::new();
    let total = conditions.len();
    for (number, condition) in conditions.into_iter().enumerate() {
        let template = Template::new(
            number.to_string().as_str(),
            pst::Effect::Permit,
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
