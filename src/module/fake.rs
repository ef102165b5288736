//! A host for tests: it records every call, fails where a test wants it to, and calls back where a test wants that.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::host::{Host, MetricKind};
use countersign_core::fetch::{Conflict, Endpoint, LocalMemory, Response, SharedMemory, Write};
use countersign_core::jose::HostSignatures;
use countersign_core::reply::Answer;
use countersign_core::request::Headers;
use countersign_core::time::{Moment, UnixSeconds};
use countersign_core::worker::{HostFault, Level, Seed};

/// The root context of every test.
pub(crate) const ROOT: u32 = 1;

/// Header or trailer fields.
pub(crate) type Fields = Vec<(String, Vec<u8>)>;

#[derive(Clone, Default)]
pub(crate) struct Fake(Rc<RefCell<State>>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) now: i64,
    /// How much later it is with each reading of the clock.
    pub(crate) nanoseconds_a_reading: u64,
    passed: u64,
    pub(crate) configuration: Vec<u8>,
    pub(crate) properties: BTreeMap<String, Vec<u8>>,
    /// The context that calls are about.
    pub(crate) context: u32,
    pub(crate) requests: BTreeMap<u32, Fields>,
    pub(crate) trailers: Fields,
    pub(crate) response: Option<Response>,
    pub(crate) messages: usize,
    /// Every call, with the context that it was about.
    pub(crate) calls: Vec<(u32, String)>,
    /// Calls that begin so fail.
    pub(crate) fails: Vec<String>,
    /// Run when a call begins so, before it returns.
    pub(crate) calls_back: Option<(String, Box<dyn FnOnce()>)>,
    /// What `verify_signature` does.
    pub(crate) signatures: Signatures,
    metrics: Vec<String>,
    pub(crate) values: BTreeMap<String, i64>,
    memory: Rc<LocalMemory>,
    tokens: u32,
}

/// What `verify_signature` does.
#[derive(Clone, Default)]
pub(crate) enum Signatures {
    /// It does not exist.
    #[default]
    Missing,
    /// It answers as Envoy does.
    Right,
    /// It gives the same answer to every question.
    Always(Vec<u8>),
    /// It answers as Envoy does to so many questions, and then does as the other.
    RightFor(usize, Box<Signatures>),
}

impl Signatures {
    fn answer(&mut self, question: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Missing => None,
            Self::Right => Some(envoy_signatures::verify_signature(question)),
            Self::Always(answer) => Some(answer.clone()),
            Self::RightFor(0, then) => then.answer(question),
            Self::RightFor(left, _) => {
                *left = left.saturating_sub(1);
                Some(envoy_signatures::verify_signature(question))
            }
        }
    }
}

impl Fake {
    /// Looks at the host, or changes it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.borrow_mut())
    }

    /// Records a call; whether it succeeds.
    fn call(&self, call: String) -> Result<(), HostFault> {
        let (fails, hook) = self.with(|state| {
            let fails = state.fails.iter().any(|start| call.starts_with(start));
            let hook = state.calls_back.take_if(|(start, _)| call.starts_with(start.as_str()));
            state.calls.push((state.context, call));
            (fails, hook)
        });
        if let Some((_, call_back)) = hook {
            call_back();
        }
        if fails { Err(HostFault) } else { Ok(()) }
    }

    /// The calls so far that begin so, with their contexts.
    pub(crate) fn calls(&self, start: &str) -> Vec<(u32, String)> {
        self.with(|state| state.calls.iter().filter(|(_, call)| call.starts_with(start)).cloned().collect())
    }

    /// The names of the entries in shared memory.
    pub(crate) fn shared(&self) -> Vec<String> {
        self.with(|state| state.memory.names())
    }
}

impl Host for Fake {
    fn now(&self) -> Moment {
        let _ = self.call("now".to_owned());
        self.with(|state| {
            state.passed = state.passed.saturating_add(state.nanoseconds_a_reading);
            match state.now {
                0 => Moment::new(0),
                seconds => Moment::at(UnixSeconds::new(seconds)).later_by(state.passed),
            }
        })
    }

    fn random(&self) -> Option<Seed> {
        self.call("random".to_owned()).ok().map(|()| Seed::new([7; 32]))
    }

    fn log(&self, level: Level, line: &str) {
        let _ = self.call(format!("log {level:?} {line}"));
    }

    fn define_metric(&self, _kind: MetricKind, name: &str) -> Option<u32> {
        self.call(format!("define {name}")).ok()?;
        self.with(|state| {
            let id = u32::try_from(state.metrics.len()).ok();
            state.metrics.push(name.to_owned());
            id
        })
    }

    fn add(&self, metric: u32, change: i64) {
        let _ = self.call("add".to_owned());
        self.with(|state| {
            let name = state.metrics.get(metric as usize).cloned().unwrap();
            let value = state.values.entry(name).or_default();
            *value = value.saturating_add(change);
        });
    }

    fn set(&self, gauge: u32, value: u64) {
        self.with(|state| {
            let name = state.metrics.get(gauge as usize).cloned().unwrap();
            state.values.insert(name, i64::try_from(value).unwrap());
        });
    }

    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        let name = path.join(".");
        self.call(format!("property {name}")).ok()?;
        self.with(|state| state.properties.get(&name).cloned())
    }

    fn plugin_configuration(&self, bytes: usize) -> Option<Vec<u8>> {
        self.call("configuration".to_owned()).ok()?;
        self.with(|state| state.configuration.get(..bytes).map(<[u8]>::to_vec))
    }

    fn tick_every(&self, period: Duration) {
        let _ = self.call(format!("tick {}", period.as_millis()));
    }

    fn request_headers(&self) -> Result<Headers, HostFault> {
        self.call("headers".to_owned())?;
        self.with(|state| state.requests.get(&state.context).cloned().map(Headers::from_iter).ok_or(HostFault))
    }

    fn remove_request_header(&self, name: &str) -> Result<(), HostFault> {
        self.call(format!("remove {name}"))
    }

    fn set_request_header(&self, name: &str, _value: &[u8]) -> Result<(), HostFault> {
        self.call(format!("set {name}"))
    }

    fn request_trailers(&self) -> Result<Headers, HostFault> {
        self.call("trailers".to_owned())?;
        Ok(self.with(|state| state.trailers.clone().into_iter().collect()))
    }

    fn remove_request_trailer(&self, name: &str) -> Result<(), HostFault> {
        self.call(format!("untrail {name}"))
    }

    fn set_filter_state(&self, name: &str, value: &str) -> Result<(), HostFault> {
        self.call(format!("state {name} {value}"))
    }

    fn send(&self, answer: &Answer) -> Result<(), HostFault> {
        self.call(format!("send {} {}", answer.status, answer.body))
    }

    fn switch_to(&self, context: u32) -> Result<(), HostFault> {
        self.call(format!("switch {context}"))?;
        self.with(|state| state.context = context);
        Ok(())
    }

    fn resume(&self) {
        let _ = self.call("resume".to_owned());
    }

    fn fetch(&self, endpoint: &Endpoint, timeout: Duration) -> Result<u32, HostFault> {
        self.call(format!("fetch {} {} {}s", endpoint.cluster, endpoint.url.path(), timeout.as_secs()))?;
        Ok(self.with(|state| {
            state.tokens = state.tokens.saturating_add(1);
            state.tokens
        }))
    }

    fn fetched(&self, body_bytes: usize) -> Response {
        let response = self.with(|state| state.response.clone());
        response.unwrap_or(Response { status: 0, headers: Vec::new(), body: Vec::new(), body_bytes })
    }

    fn memory(&self) -> Box<dyn SharedMemory> {
        Box::new(self.with(|state| SharedData(Rc::clone(&state.memory))))
    }

    fn signatures(&self) -> Box<dyn HostSignatures> {
        Box::new(FakeSignatures(self.clone()))
    }

    fn listen(&self, queue: &str) -> Result<(), HostFault> {
        self.call(format!("listen {queue}"))
    }

    fn notify(&self, vm_id: &str, queue: &str) {
        let _ = self.call(format!("notify {vm_id} {queue}"));
    }

    fn take_message(&self, _queue: u32) -> bool {
        self.with(|state| match state.messages.checked_sub(1) {
            Some(left) => {
                state.messages = left;
                true
            }
            None => false,
        })
    }
}

struct FakeSignatures(Fake);

impl HostSignatures for FakeSignatures {
    fn verify_signature(&self, question: &[u8]) -> Option<Vec<u8>> {
        self.0.call("verify".to_owned()).ok()?;
        self.0.with(|state| state.signatures.answer(question))
    }
}

struct SharedData(Rc<LocalMemory>);

impl SharedMemory for SharedData {
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)> {
        self.0.read(name)
    }

    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict> {
        self.0.write(name, value, how)
    }
}
