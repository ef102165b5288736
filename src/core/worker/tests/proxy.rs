//! The scripted proxy. It checks after each step what must hold after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::fetch::{FetchRequest, Response};
use crate::request::RequestParts;
use crate::testing::{NOW, later};
use crate::time::{Moment, UnixSeconds};
use crate::worker::{Change, Changes, Effect, FilterState, HostFault, Level, Worker};

pub(super) struct Proxy {
    pub(super) worker: Worker,
    pub(super) now: UnixSeconds,
    /// Nanoseconds from the beginning of a callback to the decision in it.
    pub(super) decides_in: u64,
    pub(super) streams: BTreeMap<u32, Client>,
    pub(super) tick: Option<Duration>,
    pub(super) log: Vec<(Level, String)>,
    pub(super) counts: BTreeMap<String, usize>,
    pub(super) gauges: BTreeMap<String, i64>,
    /// Fetches that were sent and not yet answered, by token.
    pub(super) fetches: BTreeMap<u32, FetchRequest>,
    pub(super) queues: Vec<String>,
    pub(super) notified: Vec<String>,
    /// How many streams were woken in each callback that woke any.
    pub(super) woken: Vec<usize>,
    /// The change that fails, counted over all of a request, and the calls that fail.
    pub(super) fails_at: Option<usize>,
    pub(super) headers_fail: bool,
    pub(super) fetch_fails: bool,
    pub(super) switch_fails: BTreeSet<u32>,
    pub(super) listen_fails: bool,
    tokens: u32,
}

/// A change that was made to a request.
#[derive(Clone, Debug)]
pub(super) enum SeenChange {
    Removed(String),
    Set(String),
    State(String, String),
}

impl From<Change<'_>> for SeenChange {
    fn from(change: Change<'_>) -> Self {
        match change {
            Change::RemoveHeader(name) => Self::Removed(name.to_owned()),
            Change::SetHeader(name, _) => Self::Set(name.to_owned()),
            Change::SetFilterState(FilterState { name, value }) => Self::State(name.to_string(), value.to_string()),
        }
    }
}

/// What a client and an upstream see of one stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    pub(super) parts: RequestParts,
    pub(super) changes: Vec<SeenChange>,
    pub(super) answers: Vec<(u16, String)>,
    pub(super) resumed: usize,
    pub(super) passed: bool,
    pub(super) record: Option<Value>,
}

impl Client {
    /// The value of the guard's filter state.
    pub(super) fn guard(&self) -> Option<&str> {
        self.changes.iter().find_map(|change| match change {
            SeenChange::State(name, value) if name == "countersign" => Some(value.as_str()),
            _ => None,
        })
    }

    /// Status and code of the only answer.
    pub(super) fn answer(&self) -> Option<(u16, &str)> {
        assert!(self.answers.len() <= 1, "{self:?}");
        self.answers.first().map(|(status, code)| (*status, code.as_str()))
    }

    /// The record of its request, forwarded or answered.
    pub(super) fn recorded(&self) -> Value {
        let state = self.changes.iter().find_map(|change| match change {
            SeenChange::State(name, value) if name.ends_with(".decision") => Some(value),
            _ => None,
        });
        let forwarded = state.map(|record| serde_json::from_str(record).unwrap());
        forwarded.or(self.record.clone()).unwrap()
    }

    /// Whether its request reached the upstream.
    pub(super) fn reached_the_upstream(&self) -> bool {
        self.passed || self.resumed > 0
    }

    fn check(&self) {
        let endings = self.answers.len().saturating_add(self.resumed);
        assert!(endings <= 1, "one ending call for each stream: {self:?}");
        assert!(!(self.passed && endings > 0), "passed in its own callback, and ended again: {self:?}");
        let armed = self.guard().is_some();
        assert_eq!(armed, self.reached_the_upstream(), "the guard lets exactly the forwarded requests pass: {self:?}");
        assert!(!armed || self.answers.is_empty(), "{self:?}");
    }
}

impl Proxy {
    pub(super) fn new(worker: Worker) -> Self {
        Self {
            worker,
            now: NOW,
            decides_in: 41_999,
            streams: BTreeMap::new(),
            tick: None,
            log: Vec::new(),
            counts: BTreeMap::new(),
            gauges: BTreeMap::new(),
            fetches: BTreeMap::new(),
            queues: Vec::new(),
            notified: Vec::new(),
            woken: Vec::new(),
            fails_at: None,
            headers_fail: false,
            fetch_fails: false,
            switch_fails: BTreeSet::new(),
            listen_fails: false,
            tokens: 0,
        }
    }

    pub(super) fn advance(&mut self, seconds: i64) {
        self.now = later(self.now, seconds);
    }

    /// The headers of a stream arrive.
    pub(super) fn headers(&mut self, stream: u32, parts: RequestParts) {
        self.streams.insert(stream, Client { parts, ..Client::default() });
        if self.worker.open(stream).is_some() {
            self.decide(stream);
        }
        let passes = self.worker.passes(stream);
        let client = self.client_mut(stream);
        client.passed = passes;
        client.check();
    }

    fn decide(&mut self, stream: u32) {
        let parts = self.client(stream).parts.clone();
        let read = if self.headers_fail { Err(HostFault) } else { Ok(parts) };
        let began = Moment::at(self.now);
        let effects = self.worker.request(stream, read, began, &|| began.later_by(self.decides_in));
        self.carry_out(effects);
    }

    pub(super) fn client(&self, stream: u32) -> &Client {
        &self.streams[&stream]
    }

    fn client_mut(&mut self, stream: u32) -> &mut Client {
        self.streams.get_mut(&stream).unwrap()
    }

    pub(super) fn gone(&mut self, stream: u32) {
        let effects = self.worker.gone(stream);
        self.carry_out(effects);
    }

    pub(super) fn tick(&mut self) {
        let effects = self.worker.tick(self.now);
        self.root_event(effects);
    }

    pub(super) fn message(&mut self) {
        let effects = self.worker.message(self.now);
        self.root_event(effects);
    }

    /// The provider answers the fetch that was sent for it.
    pub(super) fn answer(&mut self, provider: &str, set: &Value) {
        let body = set.to_string().into_bytes();
        let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
        self.respond(provider, &Response { status: 200, headers, body_bytes: body.len(), body });
    }

    pub(super) fn fail_fetch(&mut self, provider: &str) {
        self.respond(provider, &Response { status: 0, headers: Vec::new(), body: Vec::new(), body_bytes: 0 });
    }

    fn respond(&mut self, provider: &str, response: &Response) {
        self.respond_where(provider, |request| request.id.provider.as_str() == provider, response);
    }

    /// The fetch of this URL is answered so.
    pub(super) fn respond_at(&mut self, url: &str, response: &Response) {
        self.respond_where(url, |request| request.endpoint.url.to_string() == url, response);
    }

    fn respond_where(&mut self, what: &str, is_it: impl Fn(&FetchRequest) -> bool, response: &Response) {
        let found = self.fetches.iter().find(|(_, request)| is_it(request));
        let token = *found.unwrap_or_else(|| panic!("no fetch of {what}")).0;
        self.fetches.remove(&token);
        let effects = self.worker.answered(token, response, self.now);
        self.root_event(effects);
    }

    fn root_event(&mut self, effects: Vec<Effect>) {
        self.carry_out(effects);
        let effects = self.worker.wake();
        self.carry_out(effects);
        self.streams.values().for_each(Client::check);
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Log(level, line) => self.log.push((level, line)),
                Effect::Count(counter, times) => {
                    let count = self.counts.entry(counter.name()).or_default();
                    *count = count.saturating_add(times);
                }
                Effect::ChangeGauge(gauge, by) => {
                    let value = self.gauges.entry(gauge.name()).or_default();
                    *value = value.saturating_add(by);
                }
                Effect::SetGauge(gauge, value) => {
                    self.gauges.insert(gauge.name(), i64::try_from(value).unwrap());
                }
                Effect::Tick(period) => self.tick = Some(period),
                Effect::Forward { stream, changes } => {
                    let result = self.change(stream, &changes);
                    let effects = self.worker.forwarded(stream, result);
                    self.carry_out(effects);
                }
                Effect::Answer { stream, record, answer } => {
                    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                    let code = problem["code"].as_str().unwrap_or(&answer.body).to_owned();
                    let client = self.client_mut(stream);
                    client.record = record.map(|record| serde_json::from_str(&record.value).unwrap());
                    client.answers.push((answer.status, code));
                }
                Effect::Resume { stream } => {
                    let client = self.client_mut(stream);
                    client.resumed = client.resumed.saturating_add(1);
                }
                Effect::Fetch(request) => self.fetch(request),
                Effect::Listen(queue) => {
                    if !self.listen_fails {
                        self.queues.push(queue.clone());
                        self.worker.listening(queue, self.now);
                    }
                }
                Effect::Notify { vm_id, queue } => self.notified.push(format!("{vm_id} {queue}")),
                Effect::Wake(streams) => self.wake(streams),
            }
        }
    }

    fn change(&mut self, stream: u32, changes: &Changes) -> Result<(), HostFault> {
        let fails_at = self.fails_at;
        let client = self.client_mut(stream);
        for (index, change) in changes.iter().enumerate() {
            if fails_at == Some(index) {
                return Err(HostFault);
            }
            client.changes.push(change.into());
        }
        Ok(())
    }

    fn fetch(&mut self, request: FetchRequest) {
        let result = if self.fetch_fails {
            Err(HostFault)
        } else {
            self.tokens = self.tokens.saturating_add(1);
            self.fetches.insert(self.tokens, request.clone());
            Ok(self.tokens)
        };
        let effects = self.worker.sent(request.id, result, self.now);
        self.carry_out(effects);
    }

    fn wake(&mut self, streams: Vec<u32>) {
        self.woken.push(streams.len());
        for stream in streams {
            if self.worker.wanted(stream).is_none() {
                continue;
            }
            if self.switch_fails.contains(&stream) {
                let effects = self.worker.lost(stream);
                self.carry_out(effects);
            } else {
                self.decide(stream);
            }
        }
    }

    pub(super) fn waiting(&self) -> i64 {
        self.gauges.get("countersign.waiting").copied().unwrap_or(0)
    }

    /// The sum of the counters whose names begin so.
    pub(super) fn count(&self, beginning: &str) -> usize {
        let beginning = format!("countersign.{beginning}");
        self.counts.iter().filter(|(name, _)| name.starts_with(&beginning)).map(|(_, count)| count).sum()
    }

    pub(super) fn lines(&self, part: &str) -> usize {
        self.log.iter().filter(|(_, line)| line.contains(part)).count()
    }
}
