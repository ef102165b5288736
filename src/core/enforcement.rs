//! The life of one decision: the one door from a request to its answer.
//!
//! The module in Envoy, the command line and the tests all come through [`decide`], or through [`decide_at`] with a
//! time that somebody wrote; so what `countersign eval` says of a request is what Envoy would do with it.

use crate::config::Plan;
use crate::evidence::Presented;
use crate::identity::{Denial, Identity, Principal, TrustAnchors, verify};
use crate::keys::{MissingKey, TrustStore};
use crate::limits::EARLIEST_PLAUSIBLE_UNIX_SECONDS;
use crate::policy::{Decision, Permit};
use crate::refusal::{Reason, Refusal};
use crate::reply::{Answer, Forwarding, Grounds, Rehearsal, Reply};
use crate::request::{Action, Request, RequestParts};
use crate::route::{NoRoute, RouteMatch};
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
    let forward =
        |grounds, identity: &Identity| Forwarding::of(grounds, &plan.header_policy, &request, identity, decision_id);
    let denial = match authorize(plan, trust, &request, time, &mut record) {
        Ok((permit, identity)) => {
            record.permitted(&permit);
            let reply = Reply::Forward(forward(Grounds::Permit(permit), &identity));
            return Outcome { reply, record, missing_key: None };
        }
        Err(denial) => denial,
    };
    match Rehearsal::of(&plan.header_policy, &denial.refusal) {
        Some(rehearsal) => {
            record.rehearsed(&denial.refusal);
            let identity = denial.identity_so_far.unwrap_or_else(Identity::anonymous);
            let reply = Reply::Forward(forward(Grounds::Rehearsal(rehearsal), &identity));
            Outcome { reply, record, missing_key: denial.missing_key }
        }
        None => refuse(denial, grpc, decision_id, record),
    }
}

/// Decides one request where there is no configuration: no.
#[must_use]
pub fn decide_without_plan(parts: &RequestParts, now: UnixSeconds, decision_id: &DecisionId) -> Outcome {
    let record = DecisionRecord::begin(decision_id, now);
    refuse(Refusal::new(Reason::NotConfigured).into(), parts.is_grpc(), decision_id, record)
}

/// Steps 2 to 5: route, evidence, identity, policy.
fn authorize(
    plan: &Plan,
    trust: &TrustStore,
    request: &Request,
    time: Time,
    record: &mut DecisionRecord,
) -> Result<(Permit, Identity), Denial> {
    let now = time.plausible()?;
    let route = match plan.router.find(request) {
        Ok(route) => route,
        Err(how_far) => {
            record.not_routed(&how_far);
            return Err(unrouted(how_far).into());
        }
    };
    record.routed(&route);
    let identity = identify(plan, trust, request, &route, now).inspect_err(|denial| {
        if let Some(identity) = &denial.identity_so_far {
            record.identified(identity);
        }
    })?;
    record.identified(&identity);
    let decision = plan.policies.decide(&identity, request, &route, now);
    record.judged(&decision);
    match permit_of(decision, identity.principal()) {
        Ok(permit) => Ok((permit, identity)),
        Err((reason, advice)) => Err(Denial { advice, identity_so_far: Some(identity), ..Refusal::new(reason).into() }),
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

/// The identity of the caller, with all the evidence that the route requires. A CORS preflight carries no credential (Fetch
/// standard, section 3.3), so its evidence is not looked at and none is required: its caller is Anonymous.
fn identify(
    plan: &Plan,
    trust: &TrustStore,
    request: &Request,
    route: &RouteMatch<'_>,
    now: UnixSeconds,
) -> Result<Identity, Denial> {
    if route.action == Action::Preflight {
        return Ok(Identity::anonymous());
    }
    let presented = Presented::collect(&plan.devices, &plan.limits, request)?;
    let anchors = TrustAnchors { issuers: &plan.issuers, devices: &plan.devices, trust };
    verify(presented, anchors, &request.peer, &route.route.requires, now)
}

/// The permit of a decision, or why the caller is refused, with advice.
fn permit_of(decision: Decision, principal: &Principal) -> Result<Permit, (Reason, Option<String>)> {
    match (decision, principal) {
        (Decision::Allow(permit), _) => Ok(permit),
        (Decision::Failed { .. }, _) => Err((Reason::PolicyError, None)),
        // Whoever has not said who they are is asked to, whatever else is wrong, and learns nothing of the rules.
        (Decision::Forbidden { .. } | Decision::NotPermitted { .. }, Principal::Anonymous) => {
            Err((Reason::CredentialMissing, None))
        }
        (Decision::Forbidden { advice, .. }, Principal::Verified(_)) => Err((Reason::ForbiddenByPolicy, advice)),
        (Decision::NotPermitted { near_misses }, Principal::Verified(_)) => {
            Err((Reason::NotPermitted, near_misses.into_iter().find_map(|miss| miss.advice)))
        }
    }
}

fn refuse(denial: Denial, grpc: bool, decision_id: &DecisionId, mut record: DecisionRecord) -> Outcome {
    record.refused(&denial.refusal);
    let answer = Answer::to(&denial.refusal, denial.advice.as_deref(), grpc, decision_id);
    Outcome { reply: Reply::Answer(answer), record, missing_key: denial.missing_key }
}

#[cfg(test)]
mod tests;
