//! What the root context does so that keys look after themselves: it carries out what the trust store asks for.
//!
//! Fetches begin at the first tick and not in the configuration callback, which the proxy also runs in a VM that it throws
//! away. Streams that wait are woken from here and from nowhere else: from another stream's callback it would stop that one.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::types::LogLevel;

use crate::calls;
use crate::http;
use crate::memory::Memory;
use crate::shared::{SOON, Shared, random_number};
use countersign_core::fetch::{FetchFault, FetchRequest, RequestId, SharedMemory, workers};
use countersign_core::keys::{Effect, Report, TrustStore};
use countersign_core::limits::WAKES_AT_ONCE;
use countersign_core::telemetry::{Counter, Gauge};
use countersign_core::time::UnixSeconds;

/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_secs(1);

/// Workers that cannot share begin within this time of each other, for else they would all fetch at once.
const SPREAD: Duration = Duration::from_millis(1_500);

/// Messages taken out of a queue at once; a queue that somebody floods must not hold the worker.
const MESSAGES_AT_ONCE: usize = 1_000;

/// The keeper of one configuration's keys on one worker.
pub(crate) struct KeyKeeper {
    root: u32,
    shared: Rc<Shared>,
    memory: Option<Memory>,
    /// This worker's queue, once it listens on it.
    queue: Option<String>,
    /// Which request is answered under which token. The proxy answers each, at the latest when its time is up.
    calls: HashMap<u32, RequestId>,
    /// Streams to decide anew about.
    to_wake: VecDeque<u32>,
    began: bool,
}

impl KeyKeeper {
    /// One for this configuration, if any of its keys are fetched.
    pub(crate) fn of(root: u32, shared: &Rc<Shared>) -> Option<Self> {
        if !shared.trust.try_borrow().is_ok_and(|trust| trust.fetches()) {
            return None;
        }
        let memory = Memory::of_this_vm();
        calls::tick_every(if memory.is_some() { SOON } else { somewhere_within(SPREAD) });
        Some(Self {
            root,
            shared: Rc::clone(shared),
            memory,
            queue: None,
            calls: HashMap::new(),
            to_wake: VecDeque::new(),
            began: false,
        })
    }

    /// The time has come to look what is due.
    pub(crate) fn tick(&mut self) {
        if !self.began {
            self.begin();
        }
        // Back to the usual pace, if somebody could not wait for it.
        if self.shared.hurried.replace(false) {
            calls::tick_every(TICK);
        }
        let now = calls::now();
        self.to_wake.extend(self.shared.waiting(|waiting| waiting.overdue(now)));
        self.look(now);
        if let Ok(trust) = self.shared.trust.try_borrow() {
            for (provider, age) in trust.ages(now) {
                self.shared.meter.set(Gauge::KeyAge(provider.clone()), age.get());
            }
        }
    }

    fn begin(&mut self) {
        self.began = true;
        self.shared.hurried.set(true);
        self.shared.meter.set(Gauge::KeysShared, u64::from(self.memory.is_some()));
        if self.memory.is_some() {
            let queue = format!("countersign.keys.1.{:016x}{:016x}", random_number(), random_number());
            self.queue = calls::listen(&queue).map(|_| queue);
        } else {
            calls::log(
                LogLevel::Warn,
                "countersign: this plugin has no vm_id, so each worker fetches keys for itself; \
                 set vm_config.vm_id to a name of its own to fetch once for all",
            );
        }
    }

    /// Looks what time and the other workers bring.
    fn look(&mut self, now: UnixSeconds) {
        if let (Some(memory), Some(queue)) = (&self.memory, &self.queue) {
            workers::announce(memory, queue, now);
        }
        self.ask_trust(now, |trust, memory| trust.tick(memory, now));
    }

    /// Another worker has news.
    pub(crate) fn told(&mut self, queue: u32) {
        for _ in 0..MESSAGES_AT_ONCE {
            if !calls::take_message(queue) {
                break;
            }
        }
        self.look(calls::now());
    }

    /// An answer came.
    pub(crate) fn answered(&mut self, token: u32, body_bytes: usize) {
        let Some(request) = self.calls.remove(&token) else { return };
        let response = calls::fetched(body_bytes);
        let now = calls::now();
        self.ask_trust(now, |trust, memory| trust.answered(&request, Ok(&response), memory, now));
    }

    /// Asks the trust store what is to be done, and does it.
    fn ask_trust(
        &mut self,
        now: UnixSeconds,
        ask: impl FnOnce(&mut TrustStore, Option<&dyn SharedMemory>) -> Vec<Effect>,
    ) {
        let effects = match self.shared.trust.try_borrow_mut() {
            Ok(mut trust) => ask(&mut trust, shared_memory(self.memory.as_ref())),
            Err(_) => return,
        };
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Send(request) => effects.extend(self.send(&request, now)),
                Effect::Wake(provider) => {
                    self.to_wake.extend(self.shared.waiting(|waiting| waiting.waiting_for(&provider)));
                }
                Effect::TellWorkers => self.tell_workers(now),
                Effect::Report(report) => self.report(&report),
            }
        }
        self.wake_some(now);
    }

    fn send(&mut self, request: &FetchRequest, now: UnixSeconds) -> Vec<Effect> {
        match calls::fetch(&request.endpoint, Duration::from_secs(request.timeout.get())) {
            Ok(token) => {
                self.calls.insert(token, request.id.clone());
                Vec::new()
            }
            Err(_) => match self.shared.trust.try_borrow_mut() {
                Ok(mut trust) => {
                    let memory = shared_memory(self.memory.as_ref());
                    trust.answered(&request.id, Err(FetchFault::NotSent), memory, now)
                }
                Err(_) => Vec::new(),
            },
        }
    }

    /// Decides anew about streams that wait, each in its own context. Not about all at once: the proxy carries out what was
    /// said of them one within the other when this callback returns, and some hundred of them would end the VM's stack.
    fn wake_some(&mut self, now: UnixSeconds) {
        let mut budget = WAKES_AT_ONCE;
        while budget > 0
            && let Some(stream) = self.to_wake.pop_front()
        {
            if !self.shared.waits(stream) {
                continue;
            }
            budget = budget.saturating_sub(1);
            // Who cannot be entered is gone, and the host calls would be about another.
            if calls::enter(stream).is_ok() {
                http::wake(&self.shared, stream, now);
            } else {
                let _ = self.shared.leave(stream);
            }
        }
        if budget < WAKES_AT_ONCE {
            let _ = calls::enter(self.root);
        }
        if !self.to_wake.is_empty() {
            self.shared.hurry();
        }
    }

    fn tell_workers(&self, now: UnixSeconds) {
        let Some(memory) = &self.memory else { return };
        for queue in workers::others(memory, self.queue.as_deref().unwrap_or_default(), now) {
            calls::tell(&memory.vm_id, &queue);
        }
    }

    fn report(&self, report: &Report) {
        let meter = &self.shared.meter;
        let level = match report {
            Report::Taken { provider, skipped, private_keys, changed, .. } => {
                meter.count(Counter::Fetches(provider.clone(), "taken"), 1);
                meter.count(Counter::SkippedKeys(provider.clone()), skipped.len());
                meter.count(Counter::PrivateKeys(provider.clone()), *private_keys);
                match (changed, private_keys) {
                    (_, 1..) => LogLevel::Error,
                    (true, 0) => LogLevel::Info,
                    (false, 0) => LogLevel::Debug,
                }
            }
            Report::Failed { provider, fault, .. } => {
                meter.count(Counter::Fetches(provider.clone(), fault.outcome()), 1);
                LogLevel::Warn
            }
            Report::LetGo { .. } | Report::NotAdopted { .. } => LogLevel::Warn,
        };
        calls::log(level, &format!("countersign: {report}"));
    }
}

fn shared_memory(memory: Option<&Memory>) -> Option<&dyn SharedMemory> {
    memory.map(|memory| memory as &dyn SharedMemory)
}

fn somewhere_within(longest: Duration) -> Duration {
    let milliseconds = random_number().checked_rem(longest.as_millis() as u64).unwrap_or(0);
    SOON.saturating_add(Duration::from_millis(milliseconds))
}
