//! One decision, from the request to its answer.
//!
//! The module in Envoy, the command line and the tests all call [`decide`], or [`decide_at`] with a time from a test
//! case. So `countersign eval` reports for a request what Envoy would do with it.

use crate::config::Plan;
use crate::evidence::{Presented, Scheme};
use crate::freshness::Nonces;
#[cfg(any(test, feature = "given"))]
use crate::identity::GivenEvidence;
use crate::identity::{Denial, Identity, Principal, TrustAnchors, VerifiedTokens, verify};
use crate::keys::{MissingKey, Verification};
use crate::limits::EARLIEST_PLAUSIBLE_UNIX_SECONDS;
#[cfg(any(test, feature = "explain"))]
use crate::policy::Explanation;
use crate::policy::{Decision, Permit};
use crate::refusal::{Reason, Refusal};
use crate::remedy::Remedy;
use crate::reply::{Answer, AnswerDetail, Form, Forwarding, Grounds, Hints, Rehearsal, Reply};
use crate::request::{Action, Method, Request, RequestMethod, RequestParts};
use crate::route::{NoRoute, RouteMatch, ServedMetadata};
use crate::telemetry::{DecisionId, DecisionRecord};
use crate::time::UnixSeconds;

/// What to do with a request, and what to record.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the host must do.
    pub reply: Reply,
    /// What is recorded.
    pub record: DecisionRecord,
    /// The form of an answer to it.
    pub form: Form,
    /// The missing key, where that is why the request was refused. If it may still arrive, the host can wait for it and
    /// decide again; it then discards this outcome.
    pub missing_key: Option<Box<MissingKey>>,
    /// The tokens that were verified, now or for an earlier request.
    pub tokens: VerifiedTokens,
}

/// The time of a decision, by where it comes from.
#[derive(Clone, Copy)]
enum Time {
    /// A clock, which can be wrong.
    Clock(UnixSeconds),
    /// The author of a test case, who means it.
    Written(UnixSeconds),
}

impl Time {
    const fn get(self) -> UnixSeconds {
        match self {
            Self::Clock(now) | Self::Written(now) => now,
        }
    }

    /// The time, unless only a broken clock can show it.
    fn plausible(self) -> Result<UnixSeconds, Refusal> {
        match self {
            Self::Clock(now) if now.get() < EARLIEST_PLAUSIBLE_UNIX_SECONDS => {
                Err(Refusal::new(Reason::ClockImplausible))
            }
            Self::Clock(now) | Self::Written(now) => Ok(now),
        }
    }
}

/// What the identity of a request is made of.
#[derive(Clone, Copy)]
enum Proof<'v> {
    /// The evidence in the request, verified.
    Presented(Verification<'v>),
    /// The evidence that a test case gives.
    #[cfg(any(test, feature = "given"))]
    Given(&'v GivenEvidence),
}

/// Decides one request under a configuration, with the available keys. `now` comes from a clock: if it is earlier than
/// this program, every request is refused.
///
/// It reads no clock, and returns the same outcome for the same arguments: the decision cache of the plan's policies only saves
/// their evaluation, and `verification` decides how signatures are verified, and whether one has to be verified again; it
/// must not decide which ones are accepted. The one exception is the memory of proofs, `verification.proofs`: a request with
/// a proof that is accepted writes to it, and the same request is refused from then on. In
/// [`Mode::Shadow`](crate::mode::Mode::Shadow) a refused request is forwarded with its own credential as it came, and
/// with no identity header beyond what was verified. An ambiguous request is refused in any mode, because it is not
/// known what the upstream would make of it.
#[must_use]
pub fn decide(
    plan: &Plan,
    verification: Verification<'_>,
    parts: RequestParts,
    now: UnixSeconds,
    decision_id: &DecisionId,
) -> Outcome {
    decide_by(plan, Proof::Presented(verification), parts, Time::Clock(now), decision_id)
}

/// The same at a time from a test case, which may be any time. Not for a clock.
#[must_use]
pub fn decide_at(
    plan: &Plan,
    verification: Verification<'_>,
    parts: RequestParts,
    written: UnixSeconds,
    decision_id: &DecisionId,
) -> Outcome {
    decide_by(plan, Proof::Presented(verification), parts, Time::Written(written), decision_id)
}

/// The same for a request whose evidence a test case gives. Credentials and posture in the request itself are not read.
#[cfg(any(test, feature = "given"))]
#[must_use]
pub fn decide_given(
    plan: &Plan,
    evidence: &GivenEvidence,
    parts: RequestParts,
    written: UnixSeconds,
    decision_id: &DecisionId,
) -> Outcome {
    decide_by(plan, Proof::Given(evidence), parts, Time::Written(written), decision_id)
}

fn decide_by(plan: &Plan, proof: Proof<'_>, parts: RequestParts, time: Time, decision_id: &DecisionId) -> Outcome {
    let mut record = DecisionRecord::begin(decision_id, time.get());
    record.configured(plan.recorded());
    record.arrived(&parts.headers);
    let form = Form::of(&parts, plan.answer_detail);
    let request = match Request::parse(parts, &plan.limits) {
        Ok(request) => request,
        Err(refusal) => {
            let answer = Answer::to(&refusal, Hints::default(), form, decision_id);
            return refuse(refusal.into(), answer, form, record);
        }
    };
    record.read(&request);
    if let Some((application, metadata)) = plan.router.metadata(&request) {
        record.asks_for_metadata(application);
        return match metadata_answer(&request, metadata) {
            Some(answer) => {
                record.answered(answer.status);
                Outcome {
                    reply: Reply::Answer(answer),
                    record,
                    form,
                    missing_key: None,
                    tokens: VerifiedTokens::default(),
                }
            }
            // In any mode: the path belongs to the plugin, and nothing for it is forwarded.
            None => {
                let refusal = Refusal::new(Reason::MethodNotListed);
                let answer = Answer::to(&refusal, Hints::default(), form, decision_id);
                refuse(refusal.into(), answer, form, record)
            }
        };
    }
    let forward =
        |grounds, identity: &Identity| Forwarding::of(grounds, &plan.header_policy, &request, identity, decision_id);
    let denial = match authorize(plan, proof, &request, time, &mut record) {
        Ok((permit, identity)) => {
            record.permitted(&permit);
            let reply = Reply::Forward(forward(Grounds::Permit(permit), &identity));
            return Outcome { reply, record, form, missing_key: None, tokens: identity.into_tokens() };
        }
        Err(denial) => denial,
    };
    match Rehearsal::of(&plan.header_policy, &denial.refusal) {
        Some(rehearsal) => {
            record.rehearsed(&denial.refusal);
            let identity = denial.identity_so_far.map_or_else(Identity::anonymous, |identity| identity.of_rehearsal());
            let reply = Reply::Forward(forward(Grounds::Rehearsal(rehearsal), &identity));
            let tokens = identity.into_tokens();
            Outcome { reply, record, form, missing_key: denial.missing_key, tokens }
        }
        None => {
            let Denial { refusal, advice, resource_metadata, sign_in, .. } = &denial;
            let nonce = fresh_nonce(plan, proof, refusal, time.get());
            let presented = Scheme::of(&request.headers);
            let hints = Hints {
                advice: advice.as_deref(),
                resource_metadata: resource_metadata.as_deref(),
                sign_in: sign_in.as_ref(),
            };
            let answer = Answer::to(refusal, hints, form, decision_id);
            let answer = answer.challenging((refusal, resource_metadata.as_deref()), &plan.schemes, presented, nonce);
            refuse(denial, answer, form, record)
        }
    }
}

/// Explains how the policies decide a request, at a time from a test case or a clock. A proof in the request is used, so
/// `verification` needs another memory than that of the decision. `None` if the request is refused before any policy is asked, or
/// answered without one.
#[cfg(any(test, feature = "explain"))]
#[must_use]
pub fn explain(
    plan: &Plan,
    verification: Verification<'_>,
    parts: RequestParts,
    now: UnixSeconds,
) -> Option<Explanation> {
    explain_by(plan, Proof::Presented(verification), parts, now)
}

/// The same for a request whose evidence a test case gives.
#[cfg(any(test, all(feature = "explain", feature = "given")))]
#[must_use]
pub fn explain_given(
    plan: &Plan,
    evidence: &GivenEvidence,
    parts: RequestParts,
    now: UnixSeconds,
) -> Option<Explanation> {
    explain_by(plan, Proof::Given(evidence), parts, now)
}

#[cfg(any(test, feature = "explain"))]
fn explain_by(plan: &Plan, proof: Proof<'_>, parts: RequestParts, now: UnixSeconds) -> Option<Explanation> {
    let request = Request::parse(parts, &plan.limits).ok()?;
    if plan.router.metadata(&request).is_some() {
        return None;
    }
    let route = plan.router.find(&request).ok()?;
    let identity = identify(plan, proof, &request, &route, now).ok()?;
    plan.policies.explain(&identity, &request, &route, now)
}

/// Refuses a request because there is no configuration.
#[must_use]
pub fn decide_without_plan(parts: &RequestParts, now: UnixSeconds, decision_id: &DecisionId) -> Outcome {
    let mut record = DecisionRecord::begin(decision_id, now);
    record.arrived(&parts.headers);
    let refusal = Refusal::new(Reason::NotConfigured);
    let form = Form::of(parts, AnswerDetail::default());
    let answer = Answer::to(&refusal, Hints::default(), form, decision_id);
    refuse(refusal.into(), answer, form, record)
}

/// The nonce for a client whose proof lacks one, under the rule of its token's issuer.
fn fresh_nonce(plan: &Plan, proof: Proof<'_>, refusal: &Refusal, now: UnixSeconds) -> Option<String> {
    if refusal.reason != Reason::ProofNonce {
        return None;
    }
    match proof {
        Proof::Presented(Verification { proofs, .. }) => {
            let (_, rule) = plan.proofs().find(|(issuer, _)| Some(*issuer) == refusal.provider.as_ref())?;
            Nonces::of(proofs, rule.replay).ok().map(|nonces| nonces.fresh(now))
        }
        #[cfg(any(test, feature = "given"))]
        Proof::Given(_) => None,
    }
}

/// Steps 2 to 5: route, evidence, identity, policy.
fn authorize(
    plan: &Plan,
    proof: Proof<'_>,
    request: &Request,
    time: Time,
    record: &mut DecisionRecord,
) -> Result<(Permit, Identity), Denial> {
    let now = time.plausible()?;
    let route = match plan.router.find(request) {
        Ok(route) => route,
        Err(no_route) => {
            record.not_routed(&no_route);
            return Err(unrouted(no_route).into());
        }
    };
    record.routed(&route);
    authorize_on(&route, plan, proof, request, now, record).map_err(|denial| {
        let resource_metadata = route.resource_metadata().map(|metadata| metadata.url.clone());
        Denial { resource_metadata, sign_in: route.application.sign_in.clone(), ..denial }
    })
}

/// Steps 3 to 5, on this route.
fn authorize_on(
    route: &RouteMatch<'_>,
    plan: &Plan,
    proof: Proof<'_>,
    request: &Request,
    now: UnixSeconds,
    record: &mut DecisionRecord,
) -> Result<(Permit, Identity), Denial> {
    let identity = identify(plan, proof, request, route, now).inspect_err(|denial| {
        if let Some(identity) = &denial.identity_so_far {
            record.identified(identity);
        }
    })?;
    record.identified(&identity);
    let decision = plan.policies.decide(&identity, request, route, now);
    record.decided(&decision);
    record.rehearsed_policies(plan.policies.rehearse(&identity, request, route, now));
    match permit_of(decision, identity.principal()) {
        Ok(permit) => Ok((permit, identity)),
        Err((refusal, advice)) => Err(Denial { advice, identity_so_far: Some(Box::new(identity)), ..refusal.into() }),
    }
}

/// The answer to a request for metadata; `None` if its method is not one of those that read it. No credential is looked at and
/// no policy is asked, because the document is public.
fn metadata_answer(request: &Request, metadata: &ServedMetadata) -> Option<Answer> {
    let reads = |method| matches!(method, RequestMethod::Common(Method::Get | Method::Head));
    match request.preflight_for {
        Some(method) => reads(method).then(Answer::metadata_preflight),
        None => reads(request.method).then(|| Answer::metadata(&metadata.document)),
    }
}

fn unrouted(no_route: NoRoute<'_>) -> Refusal {
    match no_route {
        NoRoute::Host => Refusal::new(Reason::ApplicationUnknown),
        NoRoute::Path(_) => Refusal::new(Reason::RouteUnknown),
        NoRoute::Method(..) => Refusal::new(Reason::MethodNotListed),
        NoRoute::Ambiguous(detail) => Refusal::with(Reason::PathAmbiguous, detail),
    }
}

/// The identity of the caller, with all the evidence that the route requires. A CORS preflight carries no credential
/// (Fetch standard, section 3.3), so its evidence is not looked at and none is required: its caller is Anonymous.
fn identify(
    plan: &Plan,
    proof: Proof<'_>,
    request: &Request,
    route: &RouteMatch<'_>,
    now: UnixSeconds,
) -> Result<Identity, Denial> {
    if route.action == Action::Preflight {
        return Ok(Identity::anonymous());
    }
    match proof {
        Proof::Presented(verification) => {
            let memory = verification.memory;
            let presented = Presented::collect(&plan.credential_places, &plan.devices, &plan.limits, memory, request)?;
            let anchors = TrustAnchors {
                issuers: &plan.issuers,
                devices: &plan.devices,
                trust_domains: &plan.trust_domains,
                verification,
            };
            verify(presented, anchors, request, &route.route.requires, now)
        }
        #[cfg(any(test, feature = "given"))]
        Proof::Given(evidence) => {
            let anchors = (plan.issuers.as_slice(), plan.devices.as_slice(), plan.trust_domains.as_slice());
            evidence.identity(anchors, &request.peer, &route.route.requires)
        }
    }
}

/// The permit of a decision, or why the caller is refused, with advice.
fn permit_of(decision: Decision, principal: &Principal) -> Result<Permit, (Refusal, Option<String>)> {
    let refusal = |remedy: Option<Remedy>, reason| remedy.map_or(Refusal::new(reason), Refusal::until);
    match (decision, principal) {
        (Decision::Allow(permit), _) => Ok(permit),
        (Decision::Failed { .. }, _) => Err((Refusal::new(Reason::PolicyError), None)),
        // An anonymous caller is asked to authenticate, whatever else is wrong, and learns nothing about the policies.
        (Decision::Forbidden { .. } | Decision::NotPermitted { .. }, Principal::Anonymous) => {
            Err((Refusal::new(Reason::CredentialMissing), None))
        }
        (Decision::Forbidden { advice, remedy, .. }, Principal::Verified(_)) => {
            Err((refusal(remedy, Reason::ForbiddenByPolicy), advice))
        }
        // A remedy is about the token, and a workload has none.
        (Decision::Forbidden { advice, .. }, Principal::Workload(_)) => {
            Err((Refusal::new(Reason::ForbiddenByPolicy), advice))
        }
        (Decision::NotPermitted { mut near_misses }, Principal::Verified(_)) => {
            // Those with a remedy come first.
            let remedy = near_misses.first_mut().and_then(|miss| miss.remedy.take());
            Err((refusal(remedy, Reason::NotPermitted), near_misses.into_iter().find_map(|miss| miss.advice)))
        }
        (Decision::NotPermitted { near_misses }, Principal::Workload(_)) => {
            Err((Refusal::new(Reason::NotPermitted), near_misses.into_iter().find_map(|miss| miss.advice)))
        }
    }
}

fn refuse(denial: Denial, answer: Answer, form: Form, mut record: DecisionRecord) -> Outcome {
    record.refused(&denial.refusal, answer.status);
    let tokens = denial.identity_so_far.map_or_else(VerifiedTokens::default, |identity| identity.into_tokens());
    Outcome { reply: Reply::Answer(answer), record, form, missing_key: denial.missing_key, tokens }
}

#[cfg(test)]
mod tests;
