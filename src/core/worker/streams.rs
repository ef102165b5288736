//! One stream: its request is decided about, at once or when the keys for it have come, and answered or forwarded once.

use core::mem;
use std::rc::Rc;

use super::{Changes, Effect, FilterState, HostFault, Level, Worker};
use crate::config::Plan;
use crate::enforcement::{Outcome, decide, decide_without_plan};
use crate::fetch::Prospect;
use crate::jose::Tally;
use crate::keys::{MissingKey, Verification};
use crate::mode::Mode;
use crate::policy::CacheTally;
use crate::refusal::{Reason, Refusal};
use crate::reply::{Answer, AnswerDetail, Form, Hints, Reply};
use crate::request::{AddressSource, Headers, PeerSource, RequestParts};
use crate::telemetry::{Counter, DecisionId, DecisionRecord, Gauge};
use crate::time::UnixSeconds;
use crate::waiting::Client;

/// The value of the guard's filter state.
const ALLOW: &str = "allow";

/// How far a stream has come. A stream that is not listed is new.
///
/// ```text
/// Reading --+--> Changing --> Forwarded
///    |      |        |
///    v      |        v
/// Parked ---+-----> Ended
/// ```
///
/// In every stage but `Forwarded`, nothing that arrives of the stream may pass.
#[derive(Debug)]
pub(super) enum Stage {
    /// The host reads its request, for the first decision.
    Reading,
    /// It waits for keys, and is decided about when they come. It has a place in the waiting room.
    Parked,
    /// It is permitted, and the host changes its request.
    Changing(Box<Changing>),
    /// The request is forwarded.
    Forwarded,
    /// The client was answered, or can no longer be. No call may follow.
    Ended,
}

/// The names of the filter state that the plugin sets.
#[derive(Debug)]
pub(super) struct Names {
    /// What the guard looks at.
    guard: Rc<str>,
    /// The decision record.
    record: Rc<str>,
}

impl Names {
    pub(super) fn of(plan: &Plan) -> Self {
        Self { guard: plan.guard.as_str().into(), record: format!("{}.decision", plan.guard).into() }
    }
}

/// What is needed to end a stream whose request the host is changing.
#[derive(Debug)]
pub(super) struct Changing {
    /// Whether it waited: then it must be resumed.
    was_parked: bool,
    form: Form,
    decision_id: DecisionId,
    record: DecisionRecord,
}

/// What a decision needs of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The header fields. There is no configuration that more could be judged by.
    Headers,
    /// The header fields, and those facts about the connection that a decision can depend on.
    All {
        /// Whether the listener's port is one of them.
        destination_port: bool,
        /// Where the client's address comes from.
        client_address: AddressSource,
        /// Where facts about the peer come from.
        peer: PeerSource,
    },
}

impl Wanted {
    /// What requests under this configuration need: each property costs as much as several other calls to the host.
    /// Policies can read the address and the port, and a request that waits for keys has a place by its address.
    pub(super) fn by(plan: &Plan, may_wait: bool) -> Self {
        let reads_address = may_wait || plan.policies.reads("client_ip") || plan.policies.reads("source_ip");
        Self::All {
            destination_port: plan.policies.reads("port"),
            client_address: if reads_address { plan.client_address } else { AddressSource::None },
            peer: plan.peer,
        }
    }
}

/// A decision that nothing was done about yet.
struct Judgement {
    outcome: Outcome,
    decision_id: DecisionId,
    /// The client's address as the host gave it; parsed only if the request has to wait.
    source_address: Option<String>,
    /// By how many the remembered tokens became more, or fewer.
    newly_remembered: i64,
}

impl Worker {
    /// The headers of a new stream arrived: what to read of its request for [`request`](Self::request).
    ///
    /// `None` for a stream that is known already. Envoy calls back once for the headers of a stream; if it called
    /// again, the decision would have been about other headers. Nothing passes.
    pub fn open(&mut self, stream: u32) -> Option<Wanted> {
        if self.streams.contains_key(&stream) {
            return None;
        }
        self.streams.insert(stream, Stage::Reading);
        Some(self.wanted)
    }

    /// What to read again of a request that is woken; `None` if it no longer waits.
    #[must_use]
    pub fn wanted(&self, stream: u32) -> Option<Wanted> {
        matches!(self.streams.get(&stream), Some(Stage::Parked)).then_some(self.wanted)
    }

    /// The request of a stream that was opened or woken: it is decided about, or waits for a key.
    ///
    /// The request of a woken stream is still as it came: it is paused where it was read first, and read there again.
    pub fn request(&mut self, stream: u32, read: Result<RequestParts, HostFault>, now: UnixSeconds) -> Vec<Effect> {
        let was_parked = match self.streams.get(&stream) {
            Some(Stage::Reading) => false,
            Some(Stage::Parked) => true,
            Some(Stage::Changing(_) | Stage::Forwarded | Stage::Ended) | None => return Vec::new(),
        };
        let mut effects = Vec::new();
        if self.decisions == 0 {
            // The first request of this worker. Not when it is configured: Envoy also configures a VM that never serves
            // a request.
            effects.push(Effect::Count(Counter::Configurations, 1));
        }
        let judgement = self.judge(read, now);
        effects.extend(signature_counts(self.verifier.take_tally()));
        if judgement.newly_remembered != 0 {
            effects.push(Effect::ChangeGauge(Gauge::RememberedTokens, judgement.newly_remembered));
        }
        effects.extend(self.plan.iter().flat_map(|plan| cache_counts(plan.policies.take_tally())));
        if let Some(key) = judgement.outcome.missing_key.as_deref() {
            let waits = if was_parked {
                // The next tick comes at its usual time.
                self.trust.seek(key, now);
                self.waiting.repark(stream, key, now)
            } else {
                self.waits(stream, key, judgement.source_address.as_deref(), now, &mut effects)
            };
            if waits {
                self.streams.insert(stream, Stage::Parked);
                return effects;
            }
        }
        self.unpark(stream, &mut effects);
        self.carry_out(stream, judgement, was_parked, &mut effects);
        effects
    }

    fn judge(&mut self, read: Result<RequestParts, HostFault>, now: UnixSeconds) -> Judgement {
        let number = self.decisions;
        self.decisions = self.decisions.wrapping_add(1);
        let source_address = read.as_ref().ok().and_then(|parts| parts.source_address.clone());
        let mut newly_remembered = 0;
        let (decision_id, outcome) = match (&self.seed, &self.plan, read) {
            (Some(seed), Some(plan), Ok(parts)) => {
                let decision_id = seed.decision_id(number, now);
                let verifier = self.forgeries.before(&self.verifier, now);
                let verification = Verification {
                    trust: &self.trust,
                    verifier: &verifier,
                    memory: Some(&self.tokens),
                    proofs: self.proofs.memory(),
                };
                let mut outcome = decide(plan, verification, parts, now, &decision_id);
                let remembered = self.tokens.len();
                for token in mem::take(&mut outcome.newly_verified) {
                    self.tokens.keep(token, now);
                }
                newly_remembered = difference(self.tokens.len(), remembered);
                for forgery in verifier.into_found() {
                    self.forgeries.keep(forgery, now);
                }
                (decision_id, outcome)
            }
            (Some(seed), None, Ok(parts)) => {
                let decision_id = seed.decision_id(number, now);
                let outcome = decide_without_plan(&parts, now, &decision_id);
                (decision_id, outcome)
            }
            (seed, plan, read) => {
                let detail = plan.as_ref().map_or_else(AnswerDetail::default, |plan| plan.answer_detail);
                let unread = Form { detail, ..Form::default() };
                let form = read.map_or(unread, |parts| Form::of(&parts, detail));
                // An id that can be guessed tells how many requests this worker refused, and nothing else.
                let decision_id = match seed {
                    Some(seed) => seed.decision_id(number, now),
                    None => DecisionId::derive(&[0; 32], number, now),
                };
                let outcome = host_failure(plan.as_ref(), form, now, &decision_id);
                (decision_id, outcome)
            }
        };
        Judgement { outcome, decision_id, source_address, newly_remembered }
    }

    /// Whether a new request waits for this key. In shadow mode nothing may be delayed; the key is sought all the same.
    fn waits(
        &mut self,
        stream: u32,
        key: &MissingKey,
        source_address: Option<&str>,
        now: UnixSeconds,
        effects: &mut Vec<Effect>,
    ) -> bool {
        // If it does not wait, its client is told to try again: by then the provider should have been asked.
        self.trust.seek(key, now);
        let is_parked = self.plan.as_ref().is_some_and(|plan| plan.mode == Mode::Enforce)
            && self.waiting.park(stream, Client::at(source_address), key, now);
        if is_parked {
            effects.push(Effect::ChangeGauge(Gauge::Waiting, 1));
        }
        // The fetch begins at a tick that comes soon, if it may begin now. Only the root may fetch: a call of the
        // stream's would end with the stream.
        if (is_parked || self.is_shadow()) && key.prospect == Prospect::Coming {
            self.hurry(effects);
        }
        is_parked
    }

    /// Does what was decided.
    fn carry_out(&mut self, stream: u32, judgement: Judgement, was_parked: bool, effects: &mut Vec<Effect>) {
        let Judgement { outcome: Outcome { reply, record, form, missing_key, .. }, decision_id, .. } = judgement;
        if let (Reply::Answer(_), Some(missing)) = (&reply, missing_key)
            && let MissingKey { provider, sought: Some(_), prospect: Prospect::None } = *missing
        {
            effects.push(Effect::Count(Counter::UnknownKeyRefusals(provider), 1));
        }
        match (reply, &self.names) {
            (Reply::Answer(answer), _) => self.answer(stream, answer, &record, effects),
            (Reply::Forward(headers), Some(Names { guard, record: record_name })) => {
                let guard = FilterState { name: Rc::clone(guard), value: ALLOW.into() };
                let sampling = self.plan.as_ref().map(|plan| plan.sampling);
                let is_recorded = record.is_refusal() || sampling.is_none_or(|sampling| sampling.takes(&decision_id));
                let record_state =
                    is_recorded.then(|| FilterState { name: Rc::clone(record_name), value: record.to_json().into() });
                let changes = Changes { headers, record: record_state, guard };
                let changing = Changing { was_parked, form, decision_id, record };
                self.streams.insert(stream, Stage::Changing(Box::new(changing)));
                effects.push(Effect::Forward { stream, changes });
            }
            // A request cannot be forwarded without a configuration, whatever the reply were to say.
            (Reply::Forward(_), None) => self.fail(stream, form, &decision_id, record, effects),
        }
    }

    /// The host made all changes of [`Effect::Forward`], or failed at one of them.
    pub fn forwarded(&mut self, stream: u32, result: Result<(), HostFault>) -> Vec<Effect> {
        let Some(stage @ Stage::Changing(_)) = self.streams.get_mut(&stream) else { return Vec::new() };
        let Stage::Changing(changing) = mem::replace(stage, Stage::Ended) else { return Vec::new() };
        let Changing { was_parked, form, decision_id, record } = *changing;
        let mut effects = Vec::new();
        match result {
            Ok(()) => {
                self.streams.insert(stream, Stage::Forwarded);
                effects.extend(record.counters().map(|counter| Effect::Count(counter, 1)));
                if was_parked {
                    effects.push(Effect::Resume { stream });
                }
            }
            Err(HostFault) => self.fail(stream, form, &decision_id, record, &mut effects),
        }
        effects
    }

    /// Refuses a request because the host did not do what it must.
    fn fail(
        &mut self,
        stream: u32,
        form: Form,
        decision_id: &DecisionId,
        mut record: DecisionRecord,
        effects: &mut Vec<Effect>,
    ) {
        let answer = failure_answer(&mut record, form, decision_id);
        self.answer(stream, answer, &record, effects);
    }

    /// Ends a stream with an answer. Only refusals are written to the log.
    fn answer(&mut self, stream: u32, answer: Answer, record: &DecisionRecord, effects: &mut Vec<Effect>) {
        self.streams.insert(stream, Stage::Ended);
        let line = record.to_json();
        if record.is_refusal() {
            effects.push(Effect::Log(Level::Info, line.clone()));
        }
        effects.extend(record.counters().map(|counter| Effect::Count(counter, 1)));
        let record =
            self.names.as_ref().map(|names| FilterState { name: Rc::clone(&names.record), value: line.into() });
        effects.push(Effect::Answer { stream, record, answer });
    }

    /// Whether what arrives of a stream now, or is held back, may pass.
    #[must_use]
    pub fn passes(&self, stream: u32) -> bool {
        matches!(self.streams.get(&stream), Some(Stage::Forwarded))
    }

    /// The trailers of a request arrived: those to remove before they may pass. `None` if they must not pass: the
    /// request is not forwarded, or the names of its trailers are not known, so that nothing could be removed from
    /// them.
    #[must_use]
    pub fn trailers(&self, stream: u32, read: Result<Headers, HostFault>) -> Option<Vec<String>> {
        let (true, Some(plan), Ok(trailers)) = (self.passes(stream), &self.plan, read) else { return None };
        Some(plan.header_policy.trailers_to_remove(trailers.all_names()))
    }

    /// A stream is gone. If it waited, its place is free.
    pub fn gone(&mut self, stream: u32) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.unpark(stream, &mut effects);
        self.streams.remove(&stream);
        effects
    }

    /// A stream that was to be woken is not there: nothing can be done for it, and nothing of it may pass.
    pub fn lost(&mut self, stream: u32) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.unpark(stream, &mut effects) {
            self.streams.insert(stream, Stage::Ended);
        }
        effects
    }

    fn unpark(&mut self, stream: u32, effects: &mut Vec<Effect>) -> bool {
        let waited = self.waiting.unpark(stream);
        if waited {
            effects.push(Effect::ChangeGauge(Gauge::Waiting, -1));
        }
        waited
    }
}

fn difference(now: usize, before: usize) -> i64 {
    let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    signed(now).saturating_sub(signed(before))
}

/// What a decision adds to the counters of signatures.
fn signature_counts(tally: Tally) -> impl Iterator<Item = Effect> {
    let Tally { by_host, by_plugin, host_failures } = tally;
    [
        (Counter::SignaturesByProxy, by_host),
        (Counter::SignaturesByPlugin, by_plugin),
        (Counter::SignatureFailures, host_failures),
    ]
    .into_iter()
    .filter(|(_, times)| *times > 0)
    .map(|(counter, times)| Effect::Count(counter, times))
}

/// What decisions add to the counters of the decision cache.
fn cache_counts(tally: CacheTally) -> impl Iterator<Item = Effect> {
    let CacheTally { hits, misses } = tally;
    let counts = [(true, hits), (false, misses)].into_iter().filter(|(_, times)| *times > 0);
    counts.map(|(hit, times)| Effect::Count(Counter::CacheLookups { hit }, times))
}

/// The outcome for a request that the host could not read.
fn host_failure(plan: Option<&Plan>, form: Form, now: UnixSeconds, decision_id: &DecisionId) -> Outcome {
    let mut record = DecisionRecord::begin(decision_id, now);
    if let Some(plan) = plan {
        record.configured(plan.recorded());
    }
    let answer = failure_answer(&mut record, form, decision_id);
    Outcome { reply: Reply::Answer(answer), record, form, missing_key: None, newly_verified: Vec::new() }
}

fn failure_answer(record: &mut DecisionRecord, form: Form, decision_id: &DecisionId) -> Answer {
    let refusal = Refusal::new(Reason::HostFailure);
    let answer = Answer::to(&refusal, Hints::default(), form, decision_id);
    record.refused(&refusal, answer.status);
    answer
}
