//! The decision about one request: the policies that can apply are evaluated, and their answers are combined.
//!
//! It trusts what load has checked and the identity that it is given. It never permits a request where anything could not
//! be evaluated.

pub(in crate::policy) mod decision;
pub(in crate::policy) mod entities;
pub(in crate::policy) mod slice;

mod explain;

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Effect, pst};

use self::decision::{Decision, NearMiss, Permit};
use self::entities::CedarRequest;
use self::explain::{Candidate, Conditions, near_misses};
use self::slice::Slice;
use super::load::Checked;
use super::{PolicyId, PolicySet};
use crate::identity::Identity;
use crate::request::Request;
use crate::route::RouteMatch;
use crate::time::UnixSeconds;

/// What a decision reports of a policy.
#[derive(Debug)]
pub(in crate::policy) struct Compiled {
    id: PolicyId,
    advice: Option<String>,
    /// For near misses: of permits only.
    permit: Option<(pst::Template, Conditions)>,
}

impl PolicySet {
    /// Decides one request.
    #[must_use]
    pub fn decide(&self, identity: &Identity, request: &Request, route: &RouteMatch<'_>, now: UnixSeconds) -> Decision {
        let Ok(asked) = self.catalog.request(identity, request, route, now) else {
            return Decision::Failed { policies: Vec::new() };
        };
        let met = || self.slices.met(route, &asked);
        let authorizer = Authorizer::new();
        let (mut permits, mut forbids, mut failed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for slice in met().filter(|slice| missing(slice, &asked) == 0) {
            let response = authorizer.is_authorized(&asked.request, &slice.set, &asked.entities);
            failed.extend(response.diagnostics().errors().map(|error| {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                number(error.policy_id())
            }));
            let reasons = response.diagnostics().reason().map(number);
            match response.decision() {
                cedar_policy::Decision::Allow => permits.extend(reasons),
                cedar_policy::Decision::Deny => forbids.extend(reasons),
            }
        }
        if !failed.is_empty() {
            return Decision::Failed { policies: self.ids(&failed) };
        }
        if !forbids.is_empty() {
            let mut firing: Vec<&Compiled> = self.numbered(&forbids).collect();
            firing.sort_by(|a, b| a.id.cmp(&b.id));
            let advice = firing.iter().find_map(|forbid| forbid.advice.clone());
            return Decision::Forbidden {
                determining: firing.iter().map(|forbid| forbid.id.clone()).collect(),
                advice,
            };
        }
        if !permits.is_empty() {
            return Decision::Allow(Permit::new(self.ids(&permits)));
        }
        let candidates = |slice: &'_ Slice, outside: bool| {
            let missing = missing(slice, &asked);
            let permits = slice.policies.iter().filter_map(|number| self.policies.get(*number));
            permits.map(|permit| Candidate { permit, missing, outside }).collect::<Vec<_>>()
        };
        let within = met().flat_map(|slice| candidates(slice, false));
        let beside = self.slices.beside(route, &asked).flat_map(|slice| candidates(slice, true));
        Decision::NotPermitted { near_misses: near_misses(within.chain(beside), &asked) }
    }

    fn numbered<'p>(&'p self, numbers: &BTreeSet<usize>) -> impl Iterator<Item = &'p Compiled> {
        numbers.iter().filter_map(|number| self.policies.get(*number))
    }

    fn ids(&self, numbers: &BTreeSet<usize>) -> Vec<PolicyId> {
        let mut ids: Vec<PolicyId> = self.numbered(numbers).map(|policy| policy.id.clone()).collect();
        ids.sort();
        ids
    }
}

/// A policy's number, from its id in a slice's set. An id that is not a number, which no set has, still counts as a policy.
fn number(id: &cedar_policy::PolicyId) -> usize {
    let id: &str = id.as_ref();
    id.parse().unwrap_or(usize::MAX)
}

/// How many devices the slice needs that are not verified.
fn missing(slice: &Slice, asked: &CedarRequest) -> usize {
    let verified = |device: &str| asked.devices.iter().any(|name| name.as_str() == device);
    slice.key.needs.iter().filter(|device| !verified(device)).count()
}

impl Compiled {
    pub(in crate::policy) fn of(checked: &Checked<'_>) -> Self {
        let named = &checked.named;
        let permit = named.policy.effect() == Effect::Permit;
        Self {
            id: named.id.clone(),
            advice: named.advice.clone(),
            permit: permit.then(|| (named.body.clone(), Conditions::default())),
        }
    }
}
