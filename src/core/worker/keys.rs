//! How a worker keeps keys fresh: it asks the trust store what is due, and wakes the requests that waited for what
//! came.
//!
//! Fetches begin at the first tick and not when the worker is configured, because the proxy also configures a VM that
//! it throws away. Waiting streams are woken from the root context only: from another stream's callback it would stop
//! that one.

use core::time::Duration;

use super::{Effect, HostFault, Level, Sharing, Worker, lines};
use crate::fetch::{FetchFault, RequestId, Response, SharedMemory, workers};
use crate::keys::{Effect as TrustEffect, Report, TrustStore};
use crate::limits::WAKES_AT_ONCE;
use crate::telemetry::{Counter, Gauge};
use crate::time::{Seconds, UnixSeconds};

/// The period of ticks where keys are fetched.
const TICK: Duration = Duration::from_secs(1);

/// A tick that a request waits for comes after this time.
pub(super) const SOON: Duration = Duration::from_millis(10);

/// Workers that cannot share begin within this time of each other; otherwise they would all fetch at once.
pub(super) const SPREAD: Duration = Duration::from_millis(1_500);

/// The period of ticks where no keys are fetched: how often the worker says that it lives, and how soon a due reminder is
/// noticed.
pub(super) const IDLE_TICK: Duration = Duration::from_secs(5);

/// The longest time between two ticks that counts as lived. A longer one is the clock's: it was set forward.
const LONGEST_LIFE: Seconds = Seconds::new(60);

/// How often the log repeats that refusals are not enforced.
const SHADOW_REMINDER: Seconds = Seconds::new(60 * 60);

/// Messages that the host takes out of a queue for one call of [`Worker::message`]: a flooded queue must not block the
/// worker.
pub const MESSAGES_AT_ONCE: usize = 1_000;

impl Worker {
    /// Time has passed. Then comes [`wake`](Self::wake).
    pub fn tick(&mut self, now: UnixSeconds) -> Vec<Effect> {
        let mut effects = Vec::new();
        let lived = now.since(core::mem::replace(&mut self.lived_until, now)).min(LONGEST_LIFE);
        if let Some(seconds) = usize::try_from(lived.get()).ok().filter(|seconds| *seconds > 0) {
            effects.push(Effect::Count(Counter::AliveSeconds, seconds));
        }
        if self.fetches() {
            self.begin(&mut effects);
            // Back to the usual pace, if this tick was asked for to come soon.
            if core::mem::replace(&mut self.hurried, false) {
                effects.push(Effect::Tick(TICK));
            }
            let overdue = self.waiting.overdue(now);
            self.wake_later(overdue);
            self.poll(now, &mut effects);
            let ages = self.trust.ages(now);
            effects.extend(ages.map(|(provider, age)| Effect::SetGauge(Gauge::KeyAge(provider.clone()), age.get())));
        }
        if self.is_shadow() && now.since(self.reminded) >= SHADOW_REMINDER {
            effects.push(lines::shadow());
            self.reminded = now;
        }
        effects
    }

    /// The configuration ended, and no request under it comes any more: its tokens are forgotten. Its fetches are never
    /// answered, so other workers, and other configurations of this one, may begin them at once.
    pub fn ended(&mut self, now: UnixSeconds) -> Vec<Effect> {
        if let Some(sharing) = &self.sharing {
            self.trust.abandon(sharing.memory.as_ref(), now);
        }
        let forgotten = core::mem::take(&mut self.tokens).len();
        let change = i64::try_from(forgotten).unwrap_or(i64::MAX).saturating_neg();
        if change == 0 { Vec::new() } else { vec![Effect::ChangeGauge(Gauge::RememberedTokens, change)] }
    }

    fn begin(&mut self, effects: &mut Vec<Effect>) {
        if core::mem::replace(&mut self.began, true) {
            return;
        }
        self.hurried = true;
        effects.push(Effect::SetGauge(Gauge::KeysShared, u64::from(self.sharing.is_some())));
        match (&self.sharing, &self.seed) {
            (Some(_), Some(seed)) => {
                effects.push(Effect::Listen(format!("countersign.keys.1.{}", seed.name("queue"))));
            }
            _ => effects.push(lines::not_shared()),
        }
    }

    /// The host created this queue: from now on the other workers are told to write to it.
    pub fn listening(&mut self, queue: String, now: UnixSeconds) {
        self.queue = Some(queue);
        self.announce(now);
    }

    fn announce(&self, now: UnixSeconds) {
        if let (Some(sharing), Some(queue)) = (&self.sharing, &self.queue) {
            workers::announce(sharing.memory.as_ref(), queue, now);
        }
    }

    /// Looks for what time and the other workers bring.
    fn poll(&mut self, now: UnixSeconds, effects: &mut Vec<Effect>) {
        self.announce(now);
        self.ask_trust(now, effects, |trust, memory| trust.tick(memory, now));
    }

    /// Another worker has news. Then comes [`wake`](Self::wake).
    pub fn message(&mut self, now: UnixSeconds) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.fetches() {
            self.poll(now, &mut effects);
        }
        effects
    }

    /// A request of [`Effect::Fetch`] was sent and is answered under this token, or it was not sent.
    pub fn sent(&mut self, id: RequestId, result: Result<u32, HostFault>, now: UnixSeconds) -> Vec<Effect> {
        let mut effects = Vec::new();
        match result {
            Ok(token) => {
                self.sent.insert(token, id);
            }
            Err(HostFault) => self.ask_trust(now, &mut effects, |trust, memory| {
                trust.answered(&id, Err(FetchFault::NotSent), memory, now)
            }),
        }
        effects
    }

    /// An answer came. Then comes [`wake`](Self::wake).
    pub fn answered(&mut self, token: u32, response: &Response, now: UnixSeconds) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(id) = self.sent.remove(&token) {
            self.ask_trust(now, &mut effects, |trust, memory| trust.answered(&id, Ok(response), memory, now));
        }
        effects
    }

    /// Asks the trust store what is to be done.
    fn ask_trust(
        &mut self,
        now: UnixSeconds,
        effects: &mut Vec<Effect>,
        ask: impl FnOnce(&mut TrustStore, Option<&dyn SharedMemory>) -> Vec<TrustEffect>,
    ) {
        let memory = self.sharing.as_ref().map(|sharing| sharing.memory.as_ref());
        for effect in ask(&mut self.trust, memory) {
            match effect {
                TrustEffect::Send(request) => effects.push(Effect::Fetch(request)),
                TrustEffect::Wake(provider) => {
                    let streams = self.waiting.waiting_for(&provider);
                    self.wake_later(streams);
                }
                TrustEffect::TellWorkers => self.notify_workers(now, effects),
                TrustEffect::Report(report) => effects.extend(reported(report)),
            }
        }
    }

    fn notify_workers(&self, now: UnixSeconds, effects: &mut Vec<Effect>) {
        let Some(Sharing { vm_id, memory }) = &self.sharing else { return };
        let others = workers::others(memory.as_ref(), self.queue.as_deref().unwrap_or_default(), now);
        effects.extend(others.into_iter().map(|queue| Effect::Notify { vm_id: vm_id.clone(), queue }));
    }

    fn wake_later(&mut self, streams: Vec<u32>) {
        for stream in streams {
            if !self.to_wake.contains(&stream) {
                self.to_wake.push_back(stream);
            }
        }
    }

    /// The next waiting streams to decide about again, each in its own context. To be called once in a callback, after
    /// all other effects were carried out.
    ///
    /// They are not all woken at once: the proxy carries out the answers one within the other when this callback
    /// returns, and some hundred of them would exhaust the VM's stack.
    pub fn wake(&mut self) -> Vec<Effect> {
        let mut streams = Vec::new();
        while streams.len() < WAKES_AT_ONCE
            && let Some(stream) = self.to_wake.pop_front()
        {
            if self.wanted(stream).is_some() {
                streams.push(stream);
            }
        }
        let mut effects = Vec::new();
        if !streams.is_empty() {
            effects.push(Effect::Wake(streams));
        }
        if !self.to_wake.is_empty() {
            self.hurry(&mut effects);
        }
        effects
    }

    /// Lets the next tick come soon.
    pub(super) fn hurry(&mut self, effects: &mut Vec<Effect>) {
        if !core::mem::replace(&mut self.hurried, true) {
            effects.push(Effect::Tick(SOON));
        }
    }
}

/// What is counted and logged about a fetch.
fn reported(report: Report) -> Vec<Effect> {
    let line = format!("countersign: {report}");
    let (mut effects, level) = match report {
        Report::Taken { provider, skipped, private_keys, changed, .. } => {
            let counts = vec![
                Effect::Count(Counter::Fetches(provider.clone(), "taken"), 1),
                Effect::Count(Counter::SkippedKeys(provider.clone()), skipped.len()),
                Effect::Count(Counter::PrivateKeys(provider), private_keys),
            ];
            let level = match (changed, private_keys) {
                (_, 1..) => Level::Error,
                (true, 0) => Level::Info,
                (false, 0) => Level::Debug,
            };
            (counts, level)
        }
        Report::Failed { provider, fault, .. } => {
            (vec![Effect::Count(Counter::Fetches(provider, fault.outcome()), 1)], Level::Warn)
        }
        Report::LetGo { .. } | Report::NotAdopted { .. } => (Vec::new(), Level::Warn),
    };
    effects.push(Effect::Log(level, line));
    effects
}
