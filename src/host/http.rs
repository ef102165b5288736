//! One stream: its request is read once, decided once, and answered or forwarded once.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, LogLevel};

use super::calls::{self, HostFault};
use super::root::Shared;
use crate::config::{PeerSource, Plan};
use crate::enforcement::{Outcome, decide, decide_without_plan};
use crate::refusal::{Reason, Refusal};
use crate::reply::{Answer, Forwarding, Reply, trailers_to_remove};
use crate::request::{Peer, RequestParts, client_address};
use crate::telemetry::{DecisionId, DecisionRecord};

/// The value of the guard's filter state.
const ALLOW: &str = "allow";

/// Where a stream stands. There is no way back to `Deciding`, and none from `Refused` to `Forwarded`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has been decided; nothing may pass.
    Deciding,
    /// The client was answered. The stream's one ending call is made: no call may follow.
    Refused,
    /// The request goes on.
    Forwarded,
}

/// The context of one HTTP stream.
///
/// It has no response callbacks: our own answer passes them too, and must not be held back by itself.
pub(super) struct Stream {
    shared: Rc<Shared>,
    state: State,
}

impl Stream {
    pub(super) const fn new(shared: Rc<Shared>) -> Self {
        Self { shared, state: State::Deciding }
    }

    /// What becomes of the stream; every host call for it is made in here.
    fn decide(&self) -> State {
        let now = calls::now();
        let decision_id = self.shared.next_decision_id(now);
        let Ok(headers) = calls::request_headers() else {
            let mut record = DecisionRecord::begin(&decision_id, now);
            if let Some(plan) = &self.shared.plan {
                record.configured(&plan.digest, plan.mode);
            }
            return self.refuse_for_host_failure(record, false, &decision_id);
        };
        let Some(plan) = &self.shared.plan else {
            let parts = RequestParts { headers, ..RequestParts::default() };
            let Outcome { reply, record } = decide_without_plan(&parts, now, &decision_id);
            // A request cannot go on without a configuration, whatever the reply were to say.
            return match reply {
                Reply::Answer(answer) => self.refuse(&answer, &record),
                Reply::Forward(_) => self.refuse_for_host_failure(record, parts.is_grpc(), &decision_id),
            };
        };
        let parts = parts_of(plan, headers);
        let grpc = parts.is_grpc();
        let Outcome { reply, record } = decide(plan, parts, now, &decision_id);
        match reply {
            Reply::Answer(answer) => self.refuse(&answer, &record),
            Reply::Forward(forwarding) => match forward(plan, &forwarding, &record) {
                Ok(()) => {
                    self.shared.count(record.counter());
                    State::Forwarded
                }
                Err(HostFault) => self.refuse_for_host_failure(record, grpc, &decision_id),
            },
        }
    }

    fn refuse_for_host_failure(&self, mut record: DecisionRecord, grpc: bool, decision_id: &DecisionId) -> State {
        let refusal = Refusal::new(Reason::HostFailure);
        record.refused(&refusal);
        self.refuse(&Answer::to(&refusal, None, grpc, decision_id), &record)
    }

    fn refuse(&self, answer: &Answer, record: &DecisionRecord) -> State {
        let line = record.to_json();
        calls::log(LogLevel::Info, &line);
        self.shared.count(record.counter());
        if let Some(plan) = &self.shared.plan {
            // The record is in the log already; the client's answer must not depend on this.
            let _ = calls::set_filter_state(&record_name(plan), &line);
        }
        // If the host does not take the answer, the stream stays paused until its idle timeout: nothing passes.
        let _ = calls::send(answer);
        State::Refused
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _fields: usize, _end_of_stream: bool) -> Action {
        if self.state != State::Deciding {
            // Envoy calls this once for a stream. Were it to call again, the first decision was about other headers.
            return Action::Pause;
        }
        // Until the decision is made the stream counts as ended, so that nothing that is called back meanwhile can pass.
        self.state = State::Refused;
        self.state = self.decide();
        self.onward()
    }

    fn on_http_request_body(&mut self, _bytes: usize, _end_of_stream: bool) -> Action {
        self.onward()
    }

    fn on_http_request_trailers(&mut self, _fields: usize) -> Action {
        if let (State::Forwarded, Some(plan)) = (self.state, &self.shared.plan) {
            // Without the trailers' names nothing can be removed from them, so they do not go on.
            let Ok(trailers) = calls::request_trailers() else { return Action::Pause };
            for name in trailers_to_remove(plan, trailers.iter().map(|(name, _)| name.as_str())) {
                if calls::remove_request_trailer(&name).is_err() {
                    return Action::Pause;
                }
            }
        }
        self.onward()
    }
}

impl Stream {
    const fn onward(&self) -> Action {
        match self.state {
            State::Forwarded => Action::Continue,
            State::Deciding | State::Refused => Action::Pause,
        }
    }
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
    for name in &forwarding.remove {
        calls::remove_request_header(name)?;
    }
    for (name, value) in &forwarding.set {
        calls::set_request_header(name, value)?;
    }
    calls::set_filter_state(&record_name(plan), &record.to_json())?;
    calls::set_filter_state(&plan.guard, ALLOW)
}

/// The filter state that holds the decision record.
fn record_name(plan: &Plan) -> String {
    format!("{}.decision", plan.guard)
}
