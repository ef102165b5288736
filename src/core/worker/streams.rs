//! One stream: its request is decided about, at once or when the keys for it have come, and answered or forwarded once.

use core::mem;
use std::rc::Rc;

use super::judge::{Judgement, failure_answer, signature_counts};
use super::{Changes, Effect, FilterState, HostFault, Level, Worker};
use crate::config::Plan;
use crate::enforcement::Outcome;
use crate::fetch::Prospect;
use crate::keys::MissingKey;
use crate::mode::Mode;
use crate::reply::{Answer, Form, Reply};
use crate::request::{AddressSource, Headers, PeerSource, RequestParts};
use crate::telemetry::{CacheOutcome, Counter, DecisionId, DecisionRecord, Gauge, Handling};
use crate::time::{Moment, UnixSeconds};
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
    Parked {
        /// When its headers arrived.
        arrived: Moment,
    },
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
        /// Whether the names in the client certificate are among them.
        certificate_names: bool,
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
            certificate_names: plan.reads_certificate_names(),
        }
    }
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
        matches!(self.streams.get(&stream), Some(Stage::Parked { .. })).then_some(self.wanted)
    }

    /// The request of a stream that was opened or woken: it is decided about, or waits for a key.
    ///
    /// The request of a woken stream is still as it came: it is paused where it was read first, and read there again.
    ///
    /// `began` is when the callback began: the time of the decision. `clock` tells how much later it was made.
    pub fn request(
        &mut self,
        stream: u32,
        read: Result<RequestParts, HostFault>,
        began: Moment,
        clock: &dyn Fn() -> Moment,
    ) -> Vec<Effect> {
        let (was_parked, arrived) = match self.streams.get(&stream) {
            Some(Stage::Reading) => (false, began),
            Some(Stage::Parked { arrived }) => (true, *arrived),
            Some(Stage::Changing(_) | Stage::Forwarded | Stage::Ended) | None => return Vec::new(),
        };
        let now = began.seconds();
        let mut effects = Vec::new();
        if self.decisions == 0 {
            // The first request of this worker. Not when it is configured: Envoy also configures a VM that never serves
            // a request.
            effects.push(Effect::Count(Counter::Configurations, 1));
        }
        let mut judgement = self.judge(read, now);
        effects.extend(signature_counts(self.verifier.take_tally()));
        if judgement.newly_remembered != 0 {
            effects.push(Effect::ChangeGauge(Gauge::RememberedTokens, judgement.newly_remembered));
        }
        let lookups = self.plan.as_ref().map(|plan| plan.policies.take_tally()).unwrap_or_default();
        effects.extend(self.count_lookups(lookups));
        if let Some(key) = judgement.outcome.missing_key.as_deref() {
            let waits = if was_parked {
                // The next tick comes at its usual time.
                self.trust.seek(key, now);
                self.waiting.repark(stream, key, now)
            } else {
                self.waits(stream, key, judgement.source_address.as_deref(), now, &mut effects)
            };
            if waits {
                self.streams.insert(stream, Stage::Parked { arrived });
                return effects;
            }
        }
        judgement.outcome.record.handled(Handling {
            tokens: judgement.tokens,
            decision: CacheOutcome::of(lookups.hits, lookups.misses),
            ..Handling::measured(arrived, began, clock())
        });
        self.unpark(stream, &mut effects);
        self.carry_out(stream, judgement, was_parked, &mut effects);
        effects
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
