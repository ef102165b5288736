//! The decision record: one JSON line per decision.
//!
//! `docs/record.md` lists the members.
//!
//! All members are always there, in this order. The line is ASCII: every other character of a string is written as
//! `\uXXXX`, so that no value can end the line or colour a terminal. It never contains a token or a path of
//! the request. What it has of header values is the trace id and, from a trusted peer, the device's id.

mod evidence;
mod handling;
mod line;
mod schema;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

pub use evidence::{EvidenceRecord, EvidenceState};
pub use handling::{CacheOutcome, Handling};
pub use schema::record_schema;

use super::trace::trace_id;
use super::{Counter, DecidingPolicy, DecisionCounter, DecisionId, Verdict};
use crate::identity::{DeviceEvidence, Identity, Principal, SenderConstraint, VerifiedPrincipal};
use crate::limits::MAX_RECORD_TEXT_BYTES;
use crate::mode::Mode;
use crate::policy::{Alarm, Decision, Permit, PolicyId, Rehearsed};
use crate::profile::CredentialPlace;
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::{Headers, Request};
use crate::route::{Application, NoRoute, Route, RouteMatch};
use crate::text::ByteSet;
use crate::time::UnixSeconds;

/// The record of one decision. It begins as that of an undecided request, and each step adds what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    decision_id: DecisionId,
    time: i64,
    digest: Option<Arc<str>>,
    policies_digest: Option<Arc<str>>,
    names_policies: bool,
    trace_id: Option<String>,
    mode: Option<Mode>,
    application: Option<String>,
    route: Option<String>,
    action: Option<&'static str>,
    method: Option<&'static str>,
    path: Option<Arc<str>>,
    principal: Option<String>,
    authentication: Option<AuthenticationRecord>,
    peer: Option<PeerRecord>,
    evidence: BTreeMap<ProviderName, EvidenceRecord>,
    verdict: Verdict,
    /// The status of the answer, where there is one.
    answer_status: Option<u16>,
    /// Why the request is or would be refused; `None` where it is permitted.
    reason: Option<Reason>,
    detail: Option<String>,
    policies: Vec<PolicyId>,
    near_misses: Vec<NearMissRecord>,
    alarms: Vec<Alarm>,
    rehearsal: Option<Rehearsed>,
    /// Whether the policies that are in force allow the request; `None` if they were not asked.
    policies_allow: Option<bool>,
    handling: Handling,
}

/// What a record says of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Configured<'a> {
    /// Its digest in hex.
    pub digest: &'a Arc<str>,
    /// The digest of its policies in hex.
    pub policies_digest: &'a Arc<str>,
    /// Whether metrics name its policies.
    pub names_policies: bool,
    /// Whether its refusals are enforced.
    pub mode: Mode,
}

/// The workload at the other end of the connection, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRecord {
    workload: Option<String>,
    detail: Option<String>,
}

/// How the principal was authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationRecord {
    issuer: Option<ProviderName>,
    method: &'static str,
    binding: &'static str,
    place: Option<CredentialPlace>,
}

/// A permit whose scope matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMissRecord {
    policy: PolicyId,
    failed_conditions: usize,
}

impl DecisionRecord {
    /// An empty record. Until a step adds something, it is that of a request that was refused because there is no
    /// configuration.
    #[must_use]
    pub fn begin(decision_id: &DecisionId, now: UnixSeconds) -> Self {
        Self {
            decision_id: decision_id.clone(),
            time: now.get(),
            digest: None,
            policies_digest: None,
            names_policies: false,
            trace_id: None,
            mode: None,
            application: None,
            route: None,
            action: None,
            method: None,
            path: None,
            principal: None,
            authentication: None,
            peer: None,
            evidence: BTreeMap::new(),
            verdict: Verdict::Deny,
            answer_status: Some(Reason::NotConfigured.kind().status()),
            reason: Some(Reason::NotConfigured),
            detail: None,
            policies: Vec::new(),
            near_misses: Vec::new(),
            alarms: Vec::new(),
            rehearsal: None,
            policies_allow: None,
            handling: Handling::default(),
        }
    }

    /// The decision is made under this configuration.
    pub fn configured(&mut self, of: Configured<'_>) {
        self.digest = Some(Arc::clone(of.digest));
        self.policies_digest = Some(Arc::clone(of.policies_digest));
        self.names_policies = of.names_policies;
        self.mode = Some(of.mode);
    }

    /// The header fields of the request, however it is judged.
    pub fn arrived(&mut self, headers: &Headers) {
        self.trace_id = trace_id(headers).map(str::to_owned);
    }

    /// The request was unambiguous.
    pub fn read(&mut self, request: &Request) {
        self.method = Some(request.method.name());
    }

    /// The request belongs to this route.
    pub fn routed(&mut self, found: &RouteMatch<'_>) {
        self.application = Some(found.application.name.clone());
        self.belongs_to(found.route);
        self.action = Some(found.action.name());
    }

    /// The request belongs to no route.
    pub fn not_routed(&mut self, no_route: &NoRoute<'_>) {
        match no_route {
            NoRoute::Host | NoRoute::Ambiguous(_) => {}
            NoRoute::Path(application) => self.application = Some(application.name.clone()),
            NoRoute::Method(application, route) => {
                self.application = Some(application.name.clone());
                self.belongs_to(route);
            }
        }
    }

    fn belongs_to(&mut self, route: &Route) {
        self.route = Some(route.name.clone());
        self.path = Some(Arc::clone(route.path.text()));
    }

    /// The identity of the caller is verified, at least in part.
    pub fn identified(&mut self, identity: &Identity) {
        self.principal(identity.principal());
        self.peer = match identity.workload() {
            Ok(workload) => Some(PeerRecord { workload: Some(cut(workload.id().to_owned())), detail: None }),
            Err(Detail::None) => None,
            Err(detail) => Some(PeerRecord { workload: None, detail: Some(cut(detail.to_string())) }),
        };
        self.devices(identity.devices());
    }

    fn principal(&mut self, principal: &Principal) {
        self.principal = Some(cut(cedar_notation(principal)));
        self.authentication = match principal {
            Principal::Anonymous => None,
            Principal::Workload(_) => {
                let (method, binding) = ("connection", "certificate");
                Some(AuthenticationRecord { issuer: None, method, binding, place: None })
            }
            Principal::Verified(verified) => Some(AuthenticationRecord {
                issuer: Some(verified.issuer.clone()),
                method: match verified.sender_constraint {
                    SenderConstraint::Bearer | SenderConstraint::Certificate => "bearer",
                    SenderConstraint::Dpop => "dpop",
                },
                binding: verified.sender_constraint.bound_by(),
                place: Some(verified.place.clone()),
            }),
        };
    }

    fn devices(&mut self, devices: &BTreeMap<ProviderName, DeviceEvidence>) {
        for (provider, evidence) in devices {
            self.evidence.insert(provider.clone(), EvidenceRecord::of(evidence));
        }
    }

    /// The policies were evaluated.
    pub fn decided(&mut self, decision: &Decision) {
        self.policies_allow = Some(matches!(decision, Decision::Allow(_)));
        match decision {
            Decision::Allow(permit) => {
                self.policies = permit.determining().to_vec();
                self.alarms = permit.alarms().to_vec();
            }
            Decision::Forbidden { determining, alarms, .. } => {
                self.policies.clone_from(determining);
                self.alarms.clone_from(alarms);
            }
            Decision::Failed { policies } => self.policies.clone_from(policies),
            Decision::NotPermitted { near_misses } => {
                self.near_misses = near_misses
                    .iter()
                    .map(|miss| NearMissRecord {
                        policy: miss.policy.clone(),
                        failed_conditions: miss.failed_conditions,
                    })
                    .collect();
            }
        }
    }

    /// What would be decided if policies that are only rehearsed were in force.
    pub fn rehearsed_policies(&mut self, rehearsed: Option<Rehearsed>) {
        self.rehearsal = rehearsed;
    }

    /// The request is for the metadata of this application.
    pub fn asks_for_metadata(&mut self, application: &Application) {
        self.application = Some(application.name.clone());
    }

    /// The request is answered with public metadata, with this status.
    pub fn answered(&mut self, status: u16) {
        self.verdict = Verdict::Answered;
        self.answer_status = Some(status);
        self.reason = None;
    }

    /// The request is forwarded because the policies permit it.
    pub fn permitted(&mut self, _permit: &Permit) {
        self.verdict = Verdict::Allow;
        self.answer_status = None;
        self.reason = None;
        self.detail = None;
    }

    /// The request is refused with an answer of this status.
    pub fn refused(&mut self, refusal: &Refusal, status: u16) {
        self.verdict = Verdict::Deny;
        self.answer_status = Some(status);
        self.because_of(refusal);
    }

    /// The request is forwarded although it is refused, because refusals are not enforced.
    pub fn rehearsed(&mut self, refusal: &Refusal) {
        self.verdict = Verdict::WouldDeny;
        self.answer_status = None;
        self.because_of(refusal);
    }

    fn because_of(&mut self, refusal: &Refusal) {
        self.reason = Some(refusal.reason);
        self.detail = match &refusal.detail {
            Detail::None => None,
            detail => Some(cut(detail.to_string())),
        };
        let state = match refusal.reason {
            Reason::PostureMissing => EvidenceState::Missing,
            Reason::PostureStale => EvidenceState::Stale,
            Reason::PostureRefused | Reason::PostureNotBound => EvidenceState::Refused,
            _ => return,
        };
        if let Some(provider) = &refusal.provider {
            // The identity step may have recorded more about the provider than the refusal says, such as the age.
            self.evidence
                .entry(provider.clone())
                .or_insert_with(|| EvidenceRecord::without_facts(state, None))
                .reason = Some(refusal.reason.code());
        }
    }

    /// The worker knows what it took.
    pub const fn handled(&mut self, handling: Handling) {
        self.handling = handling;
    }

    /// Whether the request is refused, in this mode or in another.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        self.reason.is_some()
    }

    /// The counters that this decision adds one to.
    pub fn counters(&self) -> impl Iterator<Item = Counter> {
        let policy = match self.policies.as_slice() {
            [] => DecidingPolicy::None,
            _ if !self.names_policies => DecidingPolicy::NotNamed,
            [one] => DecidingPolicy::One(one.clone()),
            _ => DecidingPolicy::Several,
        };
        let issuer = self.authentication.as_ref().and_then(|authentication| authentication.issuer.clone());
        let decision =
            Counter::Decisions(DecisionCounter { verdict: self.verdict, reason: self.reason, issuer, policy });
        let alarms = self.alarms.iter().cloned().map(Counter::Alarms);
        let rehearsal = self.rehearsal.as_ref().map(|rehearsed| rehearsed.allows);
        let differs = rehearsal.filter(|allows| Some(*allows) != self.policies_allow);
        core::iter::once(decision).chain(alarms).chain(differs.map(Counter::Rehearsals))
    }
}

/// What an id in Cedar's notation contains as it is.
const PLAIN_ID: ByteSet = ByteSet::VISIBLE.without(b"\"\\'");

/// The principal as a Cedar entity reference, such as `corp::User::"alice"`, with Cedar's escapes in the id.
pub(crate) fn cedar_notation(principal: &Principal) -> String {
    let VerifiedPrincipal { issuer, entity_type, id, .. } = match principal {
        Principal::Anonymous => return r#"Anonymous::"anonymous""#.to_owned(),
        // A SPIFFE ID has no character that would need an escape.
        Principal::Workload(workload) => return ["Workload::\"", workload.id(), "\""].concat(),
        Principal::Verified(verified) => verified,
    };
    let mut notation = [issuer.as_str(), "::", entity_type, "::\""].concat();
    // Nearly every id is plain, and is copied whole.
    if PLAIN_ID.has_all(id.as_bytes()) {
        notation.push_str(id);
    } else {
        notation.extend(id.escape_debug());
    }
    notation.push('"');
    notation
}

/// The string, shared unless it has to be cut.
fn short(text: &Rc<str>) -> Rc<str> {
    if text.len() <= MAX_RECORD_TEXT_BYTES { Rc::clone(text) } else { cut(text.to_string()).into() }
}

/// The string, cut to what a record may hold.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_RECORD_TEXT_BYTES));
    text
}

#[cfg(test)]
mod tests;
