//! The decision about one request: the policies that can apply are evaluated, and their answers are combined.
//!
//! It trusts what load has checked and the identity that it is given. It never permits a request where anything could not
//! be evaluated.

pub(in crate::policy) mod asked;
pub(in crate::policy) mod cache;
pub(in crate::policy) mod caching;
pub(in crate::policy) mod catalog;
pub(in crate::policy) mod decision;
pub(in crate::policy) mod device;
pub(in crate::policy) mod explain;
pub(in crate::policy) mod facts;
pub(in crate::policy) mod slice;

use self::asked::Asked;
use self::cache::DecisionCache;
use self::catalog::Catalog;
use self::decision::{Decision, Permit};
use self::explain::{Candidate, near_misses};
use self::facts::{Fact, FactTable};
use self::slice::{DocumentScope, Slice, Slices};
use super::annotations::{Alarm, Annotations};
use super::context::CONTEXT_FACTS;
use super::program::evaluate::Fault;
use super::program::expression::{Rule, Slot};
use crate::identity::Identity;
use crate::remedy::Remedy;
use crate::request::Request;
use crate::route::RouteMatch;
use crate::time::UnixSeconds;

/// Whether a policy permits or forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Effect {
    /// It permits.
    Permit,
    /// It forbids.
    Forbid,
}

/// Which policies have a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Say {
    /// Those that are in force.
    Enforced,
    /// Those and the ones that are only rehearsed.
    WithRehearsed,
}

impl Say {
    /// Whether a policy with these annotations has one.
    pub(in crate::policy) const fn has(self, policy: &Annotations) -> bool {
        match self {
            Self::Enforced => !policy.is_rehearsed,
            Self::WithRehearsed => true,
        }
    }
}

/// A policy as it is evaluated and reported.
#[derive(Debug)]
pub(in crate::policy) struct Compiled {
    /// What it says beside its rule.
    pub annotations: Annotations,
    /// Its effect.
    pub effect: Effect,
    /// When it applies.
    pub rule: Rule,
}

/// All policies, ready to decide.
#[derive(Debug)]
pub(in crate::policy) struct Program {
    /// The policies, by the requests that can meet them.
    pub slices: Slices,
    /// The entities.
    pub catalog: Catalog,
    /// The facts that they read.
    pub facts: FactTable,
}

/// What the policies that were evaluated answer.
#[derive(Debug, Default)]
pub(in crate::policy) struct Answers<'p> {
    /// Permits that apply, each with the number of its document.
    pub permits: Vec<(usize, &'p Annotations)>,
    /// Forbids that apply.
    pub forbids: Vec<&'p Annotations>,
    /// Policies that could not be evaluated.
    pub failed: Vec<&'p Annotations>,
}

impl Program {
    /// Whether any policy reads this fact, or asks whether its record is there.
    pub(in crate::policy) fn reads(&self, record: &str, name: &str) -> bool {
        let is_it =
            |row: usize| CONTEXT_FACTS.get(row).is_some_and(|fact| fact.record == Some(record) && fact.name == name);
        let mut facts = (0..).map_while(|place| self.facts.get(Slot(place)));
        facts.any(|fact| match fact {
            Fact::Row(row) | Fact::InRecord { row, .. } => is_it(*row),
            Fact::Record(rows) => rows.clone().any(is_it),
            Fact::Parameter(_) | Fact::Attribute { .. } | Fact::Evidence { .. } | Fact::Device(_) => false,
        })
    }

    /// How many policies there are.
    pub(in crate::policy) fn policies(&self) -> usize {
        self.slices.all().iter().map(|slice| slice.policies.len()).fold(0, usize::saturating_add)
    }

    /// Whether any policy is only rehearsed.
    pub(in crate::policy) fn rehearses(&self) -> bool {
        self.slices.all().iter().flat_map(|slice| &slice.policies).any(|policy| policy.annotations.is_rehearsed)
    }

    /// Decides one request by the policies that have a say. Those whose answers about the same facts are in
    /// the cache are not evaluated again; the decision is the same without a cache.
    pub(in crate::policy) fn decide(
        &self,
        (say, cache): (Say, Option<&DecisionCache>),
        identity: &Identity,
        request: &Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Decision {
        let Ok(asked) = Asked::of((&self.catalog, &self.facts), identity, request, route, now) else {
            return Decision::Failed { policies: Vec::new() };
        };
        let met = || self.slices.met(route, &asked);
        let mut answers = Answers::default();
        for slice in met().filter(|slice| missing(slice, &asked) == 0) {
            let document = slice.asked.document;
            match cache.and_then(|cache| cache.recall(slice, &asked)) {
                None => {
                    for policy in slice.policies.iter().filter(|policy| say.has(&policy.annotations)) {
                        answers.add(document, policy, policy.rule.applies(&asked));
                    }
                }
                Some((known, others)) => {
                    let known = known.iter().map(|answer| (answer.place, answer.result.map(|()| true)));
                    let others = others.iter().filter_map(|place| Some((*place, slice.policies.get(*place)?)));
                    let others = others.map(|(place, policy)| (place, policy.rule.applies(&asked)));
                    for (place, result) in known.chain(others) {
                        let policy = slice.policies.get(place).filter(|policy| say.has(&policy.annotations));
                        if let Some(policy) = policy {
                            answers.add(document, policy, result);
                        }
                    }
                }
            }
        }
        let must_permit = DocumentScope::must_permit(self.slices.documents(), &route.application.name);
        answers.combined(must_permit).unwrap_or_else(|silent| {
            let within = met().map(|slice| (slice, false));
            let beside = self.slices.beside(route, &asked).map(|slice| (slice, true));
            let all = within.chain(beside).filter(|(slice, _)| silent.is_one(slice.asked.document));
            let candidates = all.flat_map(|(slice, outside)| {
                let missing = missing(slice, &asked);
                let permits = slice.policies.iter().filter(|policy| policy.effect == Effect::Permit);
                let permits = permits.filter(|permit| say.has(&permit.annotations));
                permits.map(move |permit| (permit, missing, outside, slice.asked.document))
            });
            let near_misses = near_misses(candidates.map(|(permit, missing, outside, document)| Candidate {
                annotations: &permit.annotations,
                failed: permit.rule.failed_conditions(&asked),
                missing,
                outside,
                suffices: silent.is_only(document),
            }));
            Decision::NotPermitted { near_misses }
        })
    }
}

impl<'p> Answers<'p> {
    /// Adds what a policy of this document answers.
    pub(in crate::policy) fn add(&mut self, document: usize, policy: &'p Compiled, result: Result<bool, Fault>) {
        match (result, policy.effect) {
            (Ok(false), _) => {}
            (Ok(true), Effect::Permit) => self.permits.push((document, &policy.annotations)),
            (Ok(true), Effect::Forbid) => self.forbids.push(&policy.annotations),
            (Err(_), _) => self.failed.push(&policy.annotations),
        }
    }

    /// The decision. An error denies, whatever other policies say, and a forbid overrides permits.
    ///
    /// # Errors
    /// The documents whose permit is missing: one of these that must permit, or any if there is no permit at all.
    pub(in crate::policy) fn combined(mut self, must_permit: impl Iterator<Item = usize>) -> Result<Decision, Silent> {
        self.failed.sort_by(|a, b| a.id.cmp(&b.id));
        self.forbids.sort_by(|a, b| a.id.cmp(&b.id));
        self.permits.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
        let ids = |policies: &[&Annotations]| policies.iter().map(|policy| policy.id.clone()).collect::<Vec<_>>();
        if !self.failed.is_empty() {
            return Ok(Decision::Failed { policies: ids(&self.failed) });
        }
        let silent = Silent {
            all: self.permits.is_empty(),
            required: must_permit
                .filter(|number| self.permits.iter().all(|(document, _)| document != number))
                .collect(),
        };
        if !self.forbids.is_empty() {
            return Ok(Decision::Forbidden {
                determining: ids(&self.forbids),
                advice: self.forbids.iter().find_map(|forbid| forbid.advice.clone()),
                remedy: self.remedy().filter(|_| silent.is_nothing()).cloned(),
                alarms: alarms(&self.forbids),
            });
        }
        if !silent.is_nothing() {
            return Err(silent);
        }
        let permits: Vec<&Annotations> = self.permits.into_iter().map(|(_, permit)| permit).collect();
        Ok(Decision::Allow(Permit::new(ids(&permits), alarms(&permits))))
    }

    /// What a client can do about the forbids that apply. `None` if one of them would still apply.
    fn remedy(&self) -> Option<&'p Remedy> {
        let remedies: Option<Vec<&'p Remedy>> = self.forbids.iter().map(|forbid| forbid.remedy()).collect();
        remedies?.first().copied()
    }
}

/// The documents that did not permit a request and would have had to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Silent {
    /// None of them permits it.
    all: bool,
    /// Those without whose permit no request to the application is permitted, by number.
    required: Vec<usize>,
}

impl Silent {
    /// Whether no permit was missing.
    fn is_nothing(&self) -> bool {
        !self.all && self.required.is_empty()
    }

    /// Whether a permit of this document was missing.
    pub(in crate::policy) fn is_one(&self, document: usize) -> bool {
        self.all || self.required.contains(&document)
    }

    /// Whether a permit of this document alone would have sufficed.
    pub(in crate::policy) fn is_only(&self, document: usize) -> bool {
        match self.required.as_slice() {
            [] => self.all,
            required => required == [document],
        }
    }
}

/// The alarms of these policies, sorted, each once.
fn alarms(policies: &[&Annotations]) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = policies.iter().filter_map(|policy| policy.alarm.clone()).collect();
    alarms.sort_unstable();
    alarms.dedup();
    alarms
}

/// How much evidence the slice needs that is not verified.
fn missing(slice: &Slice, asked: &Asked<'_>) -> usize {
    slice.asked.needs.iter().filter(|name| !asked.has_evidence(name)).count()
}
