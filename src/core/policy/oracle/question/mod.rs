//! The decisions of one or two configurations as conditions of Cedar, for a solver that looks at all requests at once.
//!
//! A [`Question`] is about one kind of caller and one [`Place`]: a route and the action that a request has there. Of each
//! configuration it has one policy, which applies exactly where the configuration permits the request. So "is anybody newly
//! let in" is "does one policy apply where the other does not", which Cedar's symbolic compiler answers.
//!
//! # What is encoded exactly
//!
//! | of a decision | in the condition |
//! |---|---|
//! | a policy that cannot be evaluated denies the request | each policy that can fail is compared with itself, and a condition that fails does not apply |
//! | a forbid overrides permits, `must_permit`, documents and their applications | `&&`, `\|\|` and `!`; a policy of another application is left out |
//! | the kinds of principals that a policy is about, Anonymous among them | a policy of another kind is left out |
//! | evidence that a policy needs, what the route `requires` | `context has mdm`, the workload in `context.peer` |
//! | groups in groups | `principal in G` becomes "in `G` or in one of the groups below", by the configuration's own hierarchy |
//! | the route, its attributes and its application, the action | their values are written in |
//! | the parameters of the path, if the routes of the two configurations differ | each has parameters of its own, because one name can have two values |
//! | `context.device` | each member is written out: the facts that fill it in this configuration, and what counts where several do |
//! | facts that a configuration requires of each token | `has`, where the other configuration does not require them |
//!
//! The property test beside this module holds each condition against the plugin's decision.
//!
//! # Where more requests are considered than can arrive
//!
//! Facts are considered in all combinations: a path that is not the one of the route's parameters, a workload with another
//! trust domain than its own, a group that the facts contradict, an address range in the place of an address. A proof is about
//! more requests than there are, so it holds. A counterexample may be one of those: it counts only after both
//! configurations have decided it.
//!
//! # What is not encoded
//!
//! Which tokens, posture and connections are accepted, and what principal and facts they give: issuers, audiences, keys,
//! lifetimes, claims, trust domains; that posture of two devices is refused where the caller has no token. The answer is about callers with equal principals and facts in both configurations, and
//! whoever asks must compare these parts of the configurations in another way.

mod decision;
mod device;
mod exclude;
mod frame;
mod merge;
mod rewrite;
mod terms;

use std::collections::BTreeSet;
use std::str::FromStr as _;
use std::sync::Arc;

use cedar_policy::pst::{self, BinaryOp, Clause, Expr, StaticPolicy, Template};
use cedar_policy::{EntityUid, Policy, RequestEnv, Schema};

use self::decision::Decisions;
use self::frame::Frame;
use super::super::kinds::PrincipalKind;
use super::super::load::implied::joined;
use super::super::{PolicyId, PolicySet, Vocabulary};
use crate::provider::ProviderName;
use crate::request::{Action, RequestMethod};
use crate::route::{Application, Route};

pub use self::exclude::{Excluded, Found};
#[cfg(test)]
pub(in crate::policy) use self::terms::EMPTY_SET;

/// A kind of callers, as two configurations name it alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// A caller without credentials.
    Anonymous,
    /// A caller without a token whom the connection proves.
    Workload,
    /// Principals of an issuer.
    Issuer(ProviderName),
}

impl core::fmt::Display for Caller {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Workload => f.write_str("Workload"),
            Self::Issuer(name) => name.fmt(f),
        }
    }
}

impl Caller {
    /// All kinds of a configuration.
    pub fn all(vocabulary: Vocabulary<'_>) -> BTreeSet<Self> {
        vocabulary.kinds().filter_map(|kind| Self::of(kind, vocabulary)).collect()
    }

    fn of(kind: PrincipalKind, vocabulary: Vocabulary<'_>) -> Option<Self> {
        match kind {
            PrincipalKind::Anonymous => Some(Self::Anonymous),
            PrincipalKind::Workload => Some(Self::Workload),
            PrincipalKind::Issuer(_) => vocabulary.issuer(kind).map(|issuer| Self::Issuer(issuer.profile.name.clone())),
        }
    }

    fn kind(&self, vocabulary: Vocabulary<'_>) -> Option<PrincipalKind> {
        vocabulary.kinds().find(|kind| Self::of(*kind, vocabulary).as_ref() == Some(self))
    }
}

/// The policies whose evaluation can fail, which denies a request. `None` where the policies were prepared.
#[must_use]
pub fn can_fail(policies: &PolicySet) -> Option<BTreeSet<&PolicyId>> {
    let all = policies.oracle.as_ref()?.policies.iter();
    Some(all.filter(|policy| decision::can_fail(policy)).map(|policy| &policy.annotations.id).collect())
}

/// A route, and the action that a request has there.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The application.
    pub application: &'a Application,
    /// The route.
    pub route: &'a Route,
    /// The methods of the requests; for a preflight those that it asks about.
    pub methods: &'a [RequestMethod],
    /// The action.
    pub action: Action,
}

/// One configuration, and where a request arrives in it.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Its policies.
    pub policies: &'a PolicySet,
    /// What they were compiled with.
    pub vocabulary: Vocabulary<'a>,
    /// Where the request arrives.
    pub place: Place<'a>,
}

/// Why there is no question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoQuestion {
    /// The policies were prepared.
    #[error("the policies are prepared, and a proof needs their text")]
    NoPolicyText,
    /// The principals of the issuer have another type in each configuration.
    #[error("the principals of `{0}` have another type in each configuration")]
    PrincipalType(ProviderName),
    /// The fact has another type in each configuration.
    #[error("`context.{0}` has another type in each configuration")]
    FactType(String),
    /// Cedar does not accept what was built.
    #[error("Cedar does not accept the question: {0}")]
    Cedar(String),
}

/// What is asked about one kind of caller and one place.
#[derive(Debug)]
pub struct Question {
    /// Of all requests that are considered.
    pub schema: Schema,
    /// The principals, the action and the resources of these requests, as the schema has them.
    pub environment: RequestEnv,
    frame: Frame,
    sides: Vec<Decisions>,
    /// The request arrives at two routes, so that its path and host are more than the parameters of one.
    at_two_routes: bool,
}

/// The id of the one action of a question. The action that a request has is written into the conditions.
const ACTION: &str = "request";

impl Question {
    /// The question about these configurations: one, or two that decide the same request.
    ///
    /// # Errors
    /// See [`NoQuestion`].
    pub fn of(caller: &Caller, sides: &[Side<'_>]) -> Result<Self, NoQuestion> {
        let frame = Frame::of(caller, sides)?;
        let at_two_routes = frame::at_two_routes(sides);
        let numbered = sides.iter().zip(0_usize..).zip(&frame.guards);
        let decisions = numbered.map(|((side, number), guards)| {
            Decisions::of(caller, (side, (number, at_two_routes)), &frame.principal, guards.as_ref())
        });
        let sides = decisions.collect::<Result<_, _>>()?;
        let schema = Schema::from_json_value(frame.schema.clone());
        let schema = schema.map_err(|fault| NoQuestion::Cedar(fault.to_string()))?;
        let environment = schema.request_envs().next();
        let environment = environment.ok_or_else(|| NoQuestion::Cedar("the schema has no action".to_owned()))?;
        Ok(Self { schema, environment, frame, sides, at_two_routes })
    }

    /// The policy that applies to each request that can arrive and that this configuration permits.
    ///
    /// # Errors
    /// Cedar does not accept it.
    pub fn permitted(&self, side: usize, excluded: &[Excluded]) -> Result<Policy, NoQuestion> {
        let decisions = self.side(side)?;
        self.policy([decisions.permitted(None)], excluded)
    }

    /// The same for requests with facts as a reader expects them: a time that is not centuries away. For examples only.
    ///
    /// # Errors
    /// Cedar does not accept it.
    pub fn permitted_as_expected(&self, side: usize, excluded: &[Excluded]) -> Result<Policy, NoQuestion> {
        let expected = terms::all(self.frame.expected.iter().cloned());
        self.policy([expected, self.side(side)?.permitted(None)], excluded)
    }

    /// [`permitted`](Self::permitted) if the configuration did not have one of its policies.
    ///
    /// # Errors
    /// Cedar does not accept it.
    pub fn permitted_without(&self, side: usize, policy: &PolicyId) -> Result<Policy, NoQuestion> {
        let decisions = self.side(side)?;
        self.policy([decisions.permitted(Some(policy))], &[])
    }

    /// The policy that applies to each request that can arrive and that fulfils what the route requires.
    ///
    /// # Errors
    /// Cedar does not accept it.
    pub fn arrives(&self, side: usize) -> Result<Policy, NoQuestion> {
        let decisions = self.side(side)?;
        self.policy([decisions.arrives()], &[])
    }

    /// The policy that applies where one policy of the configuration does; `None` if it is not asked here.
    ///
    /// # Errors
    /// Cedar does not accept it.
    pub fn applies(&self, side: usize, policy: &PolicyId) -> Result<Option<Policy>, NoQuestion> {
        let decisions = self.side(side)?;
        let Some(condition) = decisions.applies(policy) else { return Ok(None) };
        self.policy([decisions.arrives(), condition], &[]).map(Some)
    }

    /// The policies that are asked here, each with whether it permits.
    pub fn asked(&self, side: usize) -> impl Iterator<Item = (&PolicyId, bool)> {
        self.sides.get(side).into_iter().flat_map(Decisions::asked)
    }

    /// Whether this configuration decides by this record of `context`, such as `mdm`.
    pub fn reads(&self, side: usize, record: &str) -> bool {
        self.sides.get(side).is_some_and(|decisions| decisions.reads(record))
    }

    /// The paths inside `context` that decide, from its members inwards.
    #[must_use]
    pub fn facts(&self) -> BTreeSet<Vec<String>> {
        let routed = ["path", "hostname"].into_iter().filter(|_| self.at_two_routes);
        let routed = routed.map(|name| vec!["http_request".to_owned(), name.to_owned()]);
        self.sides.iter().flat_map(Decisions::facts).chain(routed).collect()
    }

    /// The entities that the principal is compared with, groups among them.
    #[must_use]
    pub fn entities(&self) -> Vec<EntityUid> {
        let entities = self.sides.iter().flat_map(Decisions::entities);
        entities.filter_map(|entity| EntityUid::from_str(&entity.to_string()).ok()).collect()
    }

    /// This request, to be excluded from further answers; `None` if nothing is asked about it.
    #[must_use]
    pub fn excluded(&self, found: &Found<'_>) -> Option<Excluded> {
        Excluded::of(found, &self.facts(), &self.sides.iter().flat_map(Decisions::entities).collect::<Vec<_>>())
    }

    /// Whether both configurations decide by the same condition, so that nothing needs a proof.
    #[must_use]
    pub fn is_the_same(&self) -> bool {
        let mut conditions = self.sides.iter().map(|side| side.permitted(None));
        let first = conditions.next();
        conditions.all(|other| Some(other) == first)
    }

    fn side(&self, side: usize) -> Result<&Decisions, NoQuestion> {
        self.sides.get(side).ok_or_else(|| NoQuestion::Cedar("there is no such configuration".to_owned()))
    }

    fn policy<const N: usize>(&self, conditions: [Arc<Expr>; N], excluded: &[Excluded]) -> Result<Policy, NoQuestion> {
        let workloads =
            self.sides.iter().flat_map(Decisions::entities).filter_map(|entity| frame::is_workload(&entity));
        let arrives = self.frame.assumptions.iter().cloned().chain(workloads);
        let excluded = excluded.iter().map(|excluded| terms::not(excluded.condition()));
        let all = joined(BinaryOp::And, arrives.chain(excluded).chain(conditions).collect());
        permit_when(all.unwrap_or_else(|| terms::truth(true))).map_err(|fault| NoQuestion::Cedar(fault.to_string()))
    }
}

fn permit_when(condition: Arc<Expr>) -> Result<Policy, Box<dyn core::error::Error>> {
    let template = Template::new(
        "question",
        pst::Effect::Permit,
        pst::PrincipalConstraint::Any,
        pst::ActionConstraint::Any,
        pst::ResourceConstraint::Any,
    );
    let template = template.try_with_clauses([Clause::When(condition)])?;
    Ok(Policy::from_pst(pst::Policy::Static(StaticPolicy::try_from(template)?))?)
}
