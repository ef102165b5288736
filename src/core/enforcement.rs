//! The life of one decision: the one door from a request to its answer.
//!
//! The module in Envoy, the command line and the tests all come through [`decide`], or through [`decide_at`] with a
//! time that somebody wrote; so what `countersign eval` says of a request is what Envoy would do with it.

use crate::config::Plan;
use crate::evidence::Presented;
use crate::identity::{Believed, Identity, Principal, Unproved, verify};
use crate::keys::{MissingKey, NotVerified, TrustStore};
use crate::limits::EARLIEST_PLAUSIBLE_UNIX_SECONDS;
use crate::mode::Mode;
use crate::policy::Decision;
use crate::refusal::{Reason, Refusal, RefusalKind};
use crate::reply::{Answer, Forwarding, Reply};
use crate::request::{Action, Request, RequestParts};
use crate::route::{NoRoute, Requires, RouteMatch};
use crate::telemetry::{DecisionId, DecisionRecord};
use crate::time::UnixSeconds;

/// What to do with a request, and what to tell of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the host must do.
    pub reply: Reply,
    /// What is recorded.
    pub record: DecisionRecord,
    /// The key that was not at hand, where that is why the request was refused. If it may come, the host can wait for it and
    /// decide again; this outcome then never was.
    pub missing_key: Option<Box<MissingKey>>,
}

/// A "no", with what is needed to answer it and to rehearse it.
struct Denied {
    refusal: Refusal,
    /// What the caller can do about it; only ever told to a caller who proved an identity.
    advice: Option<String>,
    /// The key that was not at hand, where that is why.
    missing_key: Option<Box<MissingKey>>,
    /// What was believed when the "no" was reached.
    believed: Option<Identity>,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, advice: None, missing_key: None, believed: None }
    }
}

impl From<Unproved> for Denied {
    fn from(Unproved { refusal, missing_key, believed }: Unproved) -> Self {
        Self { refusal, advice: None, missing_key, believed }
    }
}

/// The time of a decision, by where it comes from.
#[derive(Clone, Copy)]
enum Time {
    /// A clock showed it, and a clock can be wrong.
    Clock(UnixSeconds),
    /// Somebody wrote it, and means it.
    Written(UnixSeconds),
}

impl Time {
    const fn get(self) -> UnixSeconds {
        match self {
            Self::Clock(now) | Self::Written(now) => now,
        }
    }

    /// The time, unless it is one that only a broken clock shows.
    fn plausible(self) -> Result<UnixSeconds, Refusal> {
        match self {
            Self::Clock(now) if now.get() < EARLIEST_PLAUSIBLE_UNIX_SECONDS => {
                Err(Refusal::new(Reason::ClockImplausible))
            }
            Self::Clock(now) | Self::Written(now) => Ok(now),
        }
    }
}

/// Decides one request under a configuration, with the keys that are at hand. `now` is what a clock shows: if it is
/// earlier than this program, nothing can be decided by it.
///
/// It reads no clock, keeps nothing, and gives the same outcome for the same arguments. In [`Mode::Shadow`] a refused
/// request goes on, without any header that an application could take for a verified identity, and with its own credential
/// as it came; an ambiguous one is refused all the same, for nobody knows what the upstream would make of it.
#[must_use]
pub fn decide(
    plan: &Plan,
    trust: &TrustStore,
    parts: RequestParts,
    now: UnixSeconds,
    decision_id: &DecisionId,
) -> Outcome {
    decide_by(plan, trust, parts, Time::Clock(now), decision_id)
}

/// The same at a time that somebody wrote down to try a request with: any time will do. Not for a clock.
#[must_use]
pub fn decide_at(
    plan: &Plan,
    trust: &TrustStore,
    parts: RequestParts,
    written: UnixSeconds,
    decision_id: &DecisionId,
) -> Outcome {
    decide_by(plan, trust, parts, Time::Written(written), decision_id)
}

fn decide_by(plan: &Plan, trust: &TrustStore, parts: RequestParts, time: Time, decision_id: &DecisionId) -> Outcome {
    let mut record = DecisionRecord::begin(decision_id, time.get());
    record.configured(&plan.digest, plan.mode);
    let grpc = parts.is_grpc();
    let request = match Request::parse(parts, &plan.limits) {
        Ok(request) => request,
        Err(refusal) => return refuse(refusal.into(), grpc, decision_id, record),
    };
    record.read(&request);
    match judge(plan, trust, &request, time, &mut record) {
        Ok(identity) => {
            record.permitted();
            forward(plan, &request, &identity, decision_id, record, None)
        }
        Err(denied) if plan.mode == Mode::Shadow && denied.refusal.reason.kind() != RefusalKind::Ambiguous => {
            record.rehearsed(&denied.refusal);
            let believed = denied.believed.unwrap_or_else(Identity::anonymous);
            forward(plan, &request, &believed, decision_id, record, denied.missing_key)
        }
        Err(denied) => refuse(denied, grpc, decision_id, record),
    }
}

/// Decides one request where there is no configuration: no.
#[must_use]
pub fn decide_without_plan(parts: &RequestParts, now: UnixSeconds, decision_id: &DecisionId) -> Outcome {
    let record = DecisionRecord::begin(decision_id, now);
    refuse(Refusal::new(Reason::NotConfigured).into(), parts.is_grpc(), decision_id, record)
}

/// Steps 2 to 5: route, evidence, identity, policy. Only a permit comes back as `Ok`.
fn judge(
    plan: &Plan,
    trust: &TrustStore,
    request: &Request,
    time: Time,
    record: &mut DecisionRecord,
) -> Result<Identity, Denied> {
    let now = time.plausible()?;
    let route = match plan.router.find(request) {
        Ok(route) => route,
        Err(how_far) => {
            record.not_routed(&how_far);
            return Err(unrouted(how_far).into());
        }
    };
    record.routed(&route);
    let identity = identify(plan, trust, request, &route, now).inspect_err(|unproved| {
        if let Some(believed) = &unproved.believed {
            record.identified(believed);
        }
    })?;
    record.identified(&identity);
    let decision = plan.policies.decide(&identity, request, &route, now);
    record.judged(&decision);
    match refusal_of(decision, identity.principal()) {
        None => Ok(identity),
        Some((reason, advice)) => {
            Err(Denied { refusal: Refusal::new(reason), advice, missing_key: None, believed: Some(identity) })
        }
    }
}

fn unrouted(how_far: NoRoute<'_>) -> Refusal {
    match how_far {
        NoRoute::Host => Refusal::new(Reason::ApplicationUnknown),
        NoRoute::Path(_) => Refusal::new(Reason::RouteUnknown),
        NoRoute::Method(..) => Refusal::new(Reason::MethodNotListed),
        NoRoute::Ambiguous(detail) => Refusal::with(Reason::PathAmbiguous, detail),
    }
}

/// A preflight carries no credential (Fetch standard), so none is looked for and none required: it is nobody who asks.
fn identify(
    plan: &Plan,
    trust: &TrustStore,
    request: &Request,
    route: &RouteMatch<'_>,
    now: UnixSeconds,
) -> Result<Identity, Unproved> {
    let believed = Believed { issuers: &plan.issuers, devices: &plan.devices, trust };
    if route.action == Action::Preflight {
        return verify(Presented::nothing(), believed.nobody(), &request.peer, &Requires::default(), now);
    }
    let presented = Presented::collect(&plan.recipe, request).map_err(NotVerified::from)?;
    verify(presented, believed, &request.peer, &route.route.requires, now)
}

/// What a decision means for the caller; `None` for a permit.
fn refusal_of(decision: Decision, principal: &Principal) -> Option<(Reason, Option<String>)> {
    match (decision, principal) {
        (Decision::Allow { .. }, _) => None,
        (Decision::Failed { .. }, _) => Some((Reason::PolicyError, None)),
        // Whoever has not said who they are is asked to, whatever else is wrong, and learns nothing of the rules.
        (Decision::Forbidden { .. } | Decision::NotPermitted { .. }, Principal::Anonymous) => {
            Some((Reason::CredentialMissing, None))
        }
        (Decision::Forbidden { advice, .. }, Principal::Verified(_)) => Some((Reason::ForbiddenByPolicy, advice)),
        (Decision::NotPermitted { near_misses }, Principal::Verified(_)) => {
            Some((Reason::NotPermitted, near_misses.into_iter().find_map(|miss| miss.advice)))
        }
    }
}

fn forward(
    plan: &Plan,
    request: &Request,
    identity: &Identity,
    decision_id: &DecisionId,
    record: DecisionRecord,
    missing_key: Option<Box<MissingKey>>,
) -> Outcome {
    let forwarding = Forwarding::compile(plan, request, identity, decision_id);
    Outcome { reply: Reply::Forward(forwarding), record, missing_key }
}

fn refuse(denied: Denied, grpc: bool, decision_id: &DecisionId, mut record: DecisionRecord) -> Outcome {
    record.refused(&denied.refusal);
    let answer = Answer::to(&denied.refusal, denied.advice.as_deref(), grpc, decision_id);
    Outcome { reply: Reply::Answer(answer), record, missing_key: denied.missing_key }
}

#[cfg(test)]
mod tests;
