//! One stream: its request is decided about, at once or when the keys for it have come, and answered or forwarded once.

use std::cell::Cell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, LogLevel};

use crate::calls::{self, HostFault};
use crate::shared::Shared;
use crate::state::State;
use countersign_core::config::Plan;
use countersign_core::enforcement::{Outcome, decide, decide_without_plan};
use countersign_core::keys::{MissingKey, Prospect};
use countersign_core::mode::Mode;
use countersign_core::refusal::{Reason, Refusal};
use countersign_core::reply::{Answer, Forwarding, Reply};
use countersign_core::request::PeerSource;
use countersign_core::request::{Peer, RequestParts, client_address};
use countersign_core::telemetry::{Counter, DecisionId, DecisionRecord};
use countersign_core::time::UnixSeconds;
use countersign_core::waiting::Client;

/// The value of the guard's filter state.
const ALLOW: &str = "allow";

/// The context of one HTTP stream.
///
/// It has no response callbacks: our own answer passes them too, and must not be held back by itself.
pub(crate) struct Stream {
    context_id: u32,
    shared: Rc<Shared>,
    /// Also held by the waiting room while the stream waits.
    state: Rc<Cell<State>>,
}

impl Stream {
    pub(crate) fn new(context_id: u32, shared: Rc<Shared>) -> Self {
        Self { context_id, shared, state: Rc::new(Cell::new(State::Deciding)) }
    }

    /// Whether a request of this client waits for this key. What is only rehearsed must not hold anything up; the key is
    /// asked for all the same.
    fn wait(&self, key: &MissingKey, client: Client, now: UnixSeconds) -> bool {
        if self.shared.plan.as_ref().is_some_and(|plan| plan.mode == Mode::Enforce) {
            return self.shared.wait(self.context_id, client, key, now, &self.state);
        }
        self.shared.ask_for(key, now);
        false
    }

    fn onward(&self) -> Action {
        match self.state.get() {
            State::Forwarded => Action::Continue,
            State::Deciding | State::Judging | State::Waiting | State::Refused => Action::Pause,
        }
    }
}

/// A client that went away while it waited leaves nothing behind.
impl Drop for Stream {
    fn drop(&mut self) {
        if self.state.get() == State::Waiting {
            let _ = self.shared.leave(self.context_id);
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _fields: usize, _end_of_stream: bool) -> Action {
        if self.state.get() != State::Deciding {
            // Envoy calls this once for a stream. Were it to call again, the first decision was about other headers.
            return Action::Pause;
        }
        self.state.set(State::Judging);
        let now = calls::now();
        let judgement = Judgement::of(&self.shared, now);
        let waits = judgement.missing_key().is_some_and(|key| self.wait(key, judgement.client, now));
        self.state.set(if waits { State::Waiting } else { judgement.carry_out(&self.shared) });
        self.onward()
    }

    fn on_http_request_body(&mut self, _bytes: usize, _end_of_stream: bool) -> Action {
        self.onward()
    }

    fn on_http_request_trailers(&mut self, _fields: usize) -> Action {
        if let (State::Forwarded, Some(plan)) = (self.state.get(), &self.shared.plan) {
            // Without the trailers' names nothing can be removed from them, so they do not go on.
            let Ok(trailers) = calls::request_trailers() else { return Action::Pause };
            for name in plan.header_policy.trailers_to_remove(trailers.iter().map(|(name, _)| name.as_str())) {
                if calls::remove_request_trailer(&name).is_err() {
                    return Action::Pause;
                }
            }
        }
        self.onward()
    }
}

/// Decides anew about a stream that waits and was entered. Its request is still as it came: it is paused where it was read
/// first, and read there again.
pub(crate) fn wake(shared: &Shared, stream: u32, now: UnixSeconds) {
    let judgement = Judgement::of(shared, now);
    if judgement.missing_key().is_some_and(|key| shared.wait_on(stream, key, now)) {
        return;
    }
    let Some(state) = shared.leave(stream) else { return };
    state.set(State::Judging);
    state.set(judgement.carry_out(shared));
    if state.get() == State::Forwarded {
        calls::resume();
    }
}

/// What was decided about a stream, before anything is done.
struct Judgement {
    outcome: Outcome,
    /// Who asks, for the waiting room.
    client: Client,
    decision_id: DecisionId,
    grpc: bool,
}

impl Judgement {
    fn of(shared: &Shared, now: UnixSeconds) -> Self {
        let decision_id = shared.next_decision_id(now);
        let (outcome, client, grpc) = match (&shared.plan, calls::request_headers(), shared.trust.try_borrow()) {
            (Some(plan), Ok(headers), Ok(trust)) => {
                let parts = parts_of(plan, headers);
                let client = Client::at(parts.source_address.as_deref());
                let grpc = parts.is_grpc();
                (decide(plan, &trust, parts, now, &decision_id), client, grpc)
            }
            (None, Ok(headers), _) => {
                let parts = RequestParts { headers, ..RequestParts::default() };
                (decide_without_plan(&parts, now, &decision_id), Client::default(), parts.is_grpc())
            }
            (plan, _, _) => {
                let mut record = DecisionRecord::begin(&decision_id, now);
                if let Some(plan) = plan {
                    record.configured(&plan.digest, plan.mode);
                }
                let reply = Reply::Answer(host_failure(&mut record, false, &decision_id));
                (Outcome { reply, record, missing_key: None }, Client::default(), false)
            }
        };
        Self { outcome, client, decision_id, grpc }
    }

    /// The key for want of which it was not decided otherwise.
    fn missing_key(&self) -> Option<&MissingKey> {
        self.outcome.missing_key.as_deref()
    }

    /// Does what was decided; every call to the host that ends or changes a stream is made in here.
    fn carry_out(self, shared: &Shared) -> State {
        let Self { outcome: Outcome { reply, mut record, missing_key }, decision_id, grpc, .. } = self;
        if let (Reply::Answer(_), Some(missing)) = (&reply, missing_key)
            && let MissingKey { provider, key_id: Some(_), prospect: Prospect::None } = *missing
        {
            shared.meter.count(Counter::UnknownKeyRefusals(provider), 1);
        }
        let forwarded = match (&reply, &shared.plan) {
            (Reply::Answer(answer), _) => return refuse(shared, answer, &record),
            (Reply::Forward(forwarding), Some(plan)) => forward(plan, forwarding, &record),
            // A request cannot go on without a configuration, whatever the reply were to say.
            (Reply::Forward(_), None) => Err(HostFault),
        };
        match forwarded {
            Ok(()) => {
                shared.meter.count(record.counter(), 1);
                State::Forwarded
            }
            Err(HostFault) => {
                let answer = host_failure(&mut record, grpc, &decision_id);
                refuse(shared, &answer, &record)
            }
        }
    }
}

/// The answer where the host did not do what it must.
fn host_failure(record: &mut DecisionRecord, grpc: bool, decision_id: &DecisionId) -> Answer {
    let refusal = Refusal::new(Reason::HostFailure);
    record.refused(&refusal);
    Answer::to(&refusal, None, grpc, decision_id)
}

fn refuse(shared: &Shared, answer: &Answer, record: &DecisionRecord) -> State {
    let line = record.to_json();
    calls::log(LogLevel::Info, &line);
    shared.meter.count(record.counter(), 1);
    if let Some(plan) = &shared.plan {
        // The record is in the log already; the client's answer must not depend on this.
        let _ = calls::set_filter_state(&record_name(plan), &line);
    }
    // If the host does not take the answer, the stream stays paused until its idle timeout: nothing passes.
    let _ = calls::send(answer);
    State::Refused
}

/// Everything that the host knows of the request, read once, as far as the configuration wants it.
fn parts_of(plan: &Plan, headers: Vec<(String, Vec<u8>)>) -> RequestParts {
    let source_address = plan.client_address.trusts_forwarded_for().and_then(|trust| {
        let address = calls::property(&["source", "address"])?;
        client_address(core::str::from_utf8(&address).ok()?, trust)
    });
    RequestParts { headers, source_address, destination_port: destination_port(), peer: peer(plan.peer) }
}

/// Envoy gives a number as eight bytes, the lowest first.
fn destination_port() -> Option<u16> {
    let bytes: [u8; 8] = calls::property(&["destination", "port"])?.try_into().ok()?;
    u16::try_from(u64::from_le_bytes(bytes)).ok()
}

fn peer(source: PeerSource) -> Peer {
    match source {
        PeerSource::None => Peer::default(),
        PeerSource::Tls => {
            // On a plaintext connection, or without a client certificate, this is one zero byte.
            if calls::property(&["connection", "mtls"]).as_deref() != Some(&[1]) {
                return Peer::default();
            }
            let digest = calls::property(&["connection", "sha256_peer_certificate_digest"]);
            let uri = calls::property(&["connection", "uri_san_peer_certificate"]);
            Peer::from_certificate(digest.as_deref(), uri.as_deref())
        }
        PeerSource::IstioWaypoint => {
            Peer::from_mesh_principal(calls::property(&["filter_state", "io.istio.peer_principal"]).as_deref())
        }
    }
}

/// Changes the request and arms the guard, in this order: a request that was changed only in part never has the guard's
/// filter state.
fn forward(plan: &Plan, forwarding: &Forwarding, record: &DecisionRecord) -> Result<(), HostFault> {
    for name in forwarding.remove() {
        calls::remove_request_header(name)?;
    }
    for (name, value) in forwarding.set() {
        calls::set_request_header(name, value)?;
    }
    calls::set_filter_state(&record_name(plan), &record.to_json())?;
    calls::set_filter_state(&plan.guard, ALLOW)
}

/// The filter state that holds the decision record.
fn record_name(plan: &Plan) -> String {
    format!("{}.decision", plan.guard)
}
