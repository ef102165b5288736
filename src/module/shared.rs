//! What all streams of one configuration on one worker share with its root context.

use std::cell::{Cell, OnceCell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use crate::calls;
use crate::meter::Meter;
use crate::state::State;
use countersign_core::config::Plan;
use countersign_core::keys::{MissingKey, Prospect, TrustStore};
use countersign_core::telemetry::{Counter, DecisionId, Gauge};
use countersign_core::time::UnixSeconds;
use countersign_core::waiting::{Client, WaitingRoom};

/// A tick that somebody waits for comes after this long.
pub(crate) const SOON: Duration = Duration::from_millis(10);

/// What all streams of one configuration share. No borrow of its parts outlives a call to the host, which may call back.
#[derive(Default)]
pub(crate) struct Shared {
    /// The configuration; without one every request is refused.
    pub(crate) plan: Option<Plan>,
    /// The keys that are believed now.
    pub(crate) trust: RefCell<TrustStore>,
    /// The streams that wait for keys, each with its state.
    waiting: RefCell<WaitingRoom<Rc<Cell<State>>>>,
    /// Counters and gauges.
    pub(crate) meter: Meter,
    /// Whether the next tick was asked for to come soon.
    pub(crate) hurried: Cell<bool>,
    /// The secret that decision ids are derived from; made at the first request.
    seed: OnceCell<[u8; 32]>,
    /// Decisions so far.
    decisions: Cell<u64>,
}

impl Shared {
    /// A configuration, with the keys that stand in it.
    pub(crate) fn of(plan: Plan) -> Self {
        let trust = RefCell::new(TrustStore::new(plan.profiles(), random_number()));
        Self { plan: Some(plan), trust, ..Self::default() }
    }

    /// The id of the next decision.
    pub(crate) fn next_decision_id(&self, now: UnixSeconds) -> DecisionId {
        let seed = match self.seed.get() {
            Some(seed) => *seed,
            None => {
                let seed = random_seed();
                let _ = self.seed.set(seed);
                // The first request of this worker. Not in the configuration callback, which Envoy also runs in a VM that
                // never serves a request.
                self.meter.count(Counter::Configurations, 1);
                seed
            }
        };
        let counter = self.decisions.get();
        self.decisions.set(counter.wrapping_add(1));
        DecisionId::derive(&seed, counter, now)
    }

    /// Lets a stream of this client wait for a key, if it may come and there is room.
    pub(crate) fn wait(
        &self,
        stream: u32,
        client: Client,
        missing: &MissingKey,
        now: UnixSeconds,
        state: &Rc<Cell<State>>,
    ) -> bool {
        let entered = self
            .waiting
            .try_borrow_mut()
            .is_ok_and(|mut waiting| waiting.enter(stream, client, missing, now, Rc::clone(state)));
        if entered {
            self.meter.change(Gauge::Waiting, 1);
            self.ask_for(missing, now);
        } else {
            // It is told to come again: by then the provider should have been asked.
            self.seek(missing, now);
        }
        entered
    }

    /// Lets the fetch begin that may bring a key, at a tick that comes soon if it may begin then. Only the root may fetch: a
    /// call of the stream's would end with the stream.
    pub(crate) fn ask_for(&self, missing: &MissingKey, now: UnixSeconds) {
        self.seek(missing, now);
        if missing.prospect == Prospect::Coming {
            self.hurry();
        }
    }

    /// Lets the next tick come soon.
    pub(crate) fn hurry(&self) {
        if !self.hurried.replace(true) {
            calls::tick_every(SOON);
        }
    }

    /// Whether a stream waits.
    pub(crate) fn waits(&self, stream: u32) -> bool {
        self.waiting.try_borrow().is_ok_and(|waiting| waiting.has(stream))
    }

    /// Lets a stream that was woken wait on, perhaps for another key than before; the next tick comes at its usual time.
    pub(crate) fn wait_on(&self, stream: u32, missing: &MissingKey, now: UnixSeconds) -> bool {
        self.seek(missing, now);
        self.waiting.try_borrow_mut().is_ok_and(|mut waiting| waiting.stay(stream, missing, now))
    }

    fn seek(&self, missing: &MissingKey, now: UnixSeconds) {
        if let Ok(mut trust) = self.trust.try_borrow_mut() {
            trust.seek(missing, now);
        }
    }

    /// A stream waits no longer. Its state, if it did wait.
    pub(crate) fn leave(&self, stream: u32) -> Option<Rc<Cell<State>>> {
        let state = self.waiting.try_borrow_mut().ok().and_then(|mut waiting| waiting.leave(stream))?;
        self.meter.change(Gauge::Waiting, -1);
        Some(state)
    }

    /// What the waiting room says of its streams.
    pub(crate) fn waiting(&self, ask: impl FnOnce(&WaitingRoom<Rc<Cell<State>>>) -> Vec<u32>) -> Vec<u32> {
        self.waiting.try_borrow().map(|waiting| ask(&waiting)).unwrap_or_default()
    }
}

/// A number that nobody can guess: a hash that the standard library's randomly keyed hasher gives.
pub(crate) fn random_number() -> u64 {
    RandomState::new().hash_one(0)
}

fn random_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    for chunk in seed.chunks_mut(8) {
        chunk.copy_from_slice(&random_number().to_be_bytes());
    }
    seed
}
