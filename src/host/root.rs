//! One plugin configuration on one worker: made in the configuration callback, shared by its streams.
//!
//! Nothing is kept in a static. An old and a new configuration, and several plugins, live in one VM side by side, each
//! under its own root context.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use super::calls;
use super::http::Stream;
use crate::config::{Mode, Plan};
use crate::config_error::{ConfigError, ConfigWarning};
use crate::telemetry::{CONFIGURATIONS, DecisionCounter, DecisionId};
use crate::time::UnixSeconds;

/// How often a log says again that refusals are not enforced.
const SHADOW_REMINDER: Duration = Duration::from_secs(60 * 60);

/// What all streams of one configuration share.
#[derive(Default)]
pub(super) struct Shared {
    /// The configuration; without one every request is refused.
    pub(super) plan: Option<Plan>,
    /// The secret that decision ids are derived from; made at the first request.
    seed: OnceCell<[u8; 32]>,
    /// Decisions so far.
    decisions: Cell<u64>,
    /// Ids of the counters in use. Bounded: a counter's name holds nothing of a request.
    counters: RefCell<HashMap<DecisionCounter, u32>>,
}

impl Shared {
    /// The id of the next decision.
    pub(super) fn next_decision_id(&self, now: UnixSeconds) -> DecisionId {
        let seed = match self.seed.get() {
            Some(seed) => *seed,
            None => {
                let seed = random_seed();
                let _ = self.seed.set(seed);
                // The first request of this worker. Not in the configuration callback, which Envoy also runs in a VM that
                // never serves a request.
                if let Some(counter) = calls::define_counter(CONFIGURATIONS) {
                    calls::count(counter);
                }
                seed
            }
        };
        let counter = self.decisions.get();
        self.decisions.set(counter.wrapping_add(1));
        DecisionId::derive(&seed, counter, now)
    }

    /// Adds one to a decision counter.
    pub(super) fn count(&self, counter: DecisionCounter) {
        // No borrow outlives a host call: some call back into this module.
        let known = self.counters.try_borrow().ok().and_then(|counters| counters.get(&counter).copied());
        if let Some(id) = known {
            return calls::count(id);
        }
        if let Some(id) = calls::define_counter(&counter.name()) {
            if let Ok(mut counters) = self.counters.try_borrow_mut() {
                counters.insert(counter, id);
            }
            calls::count(id);
        }
    }
}

/// 32 bytes that nobody can guess: the hashes that the standard library's randomly keyed hasher gives.
fn random_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    for (index, chunk) in seed.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&RandomState::new().hash_one(index).to_be_bytes());
    }
    seed
}

/// The root context.
#[derive(Default)]
pub(super) struct Root {
    shared: Rc<Shared>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Compiles the configuration.
    ///
    /// Its answer depends on the configuration's bytes alone: no time, randomness, network or shared data. A worker that
    /// answered otherwise than the others would forward everything unfiltered.
    fn on_configure(&mut self, configuration_bytes: usize) -> bool {
        let json = calls::plugin_configuration(configuration_bytes).unwrap_or_default();
        match Plan::compile(&json) {
            Ok((plan, warnings)) => {
                tell_of_start(&plan, &warnings);
                if plan.mode == Mode::Shadow {
                    warn_of_shadow();
                    calls::tick_every(SHADOW_REMINDER);
                }
                self.shared = Rc::new(Shared { plan: Some(plan), ..Shared::default() });
                true
            }
            Err(problems) => {
                tell_of_problems(&problems);
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if self.shared.plan.as_ref().is_some_and(|plan| plan.mode == Mode::Shadow) {
            warn_of_shadow();
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(Rc::clone(&self.shared))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn tell_of_start(plan: &Plan, warnings: &[ConfigWarning]) {
    let name = |property: &str| match calls::property(&[property]) {
        Some(bytes) => bytes.escape_ascii().to_string(),
        None => String::new(),
    };
    let vm_id = if name("plugin_vm_id").is_empty() { "absent" } else { "present" };
    calls::log(
        LogLevel::Info,
        &format!(
            "countersign {}: configured; plugin `{}`, root id `{}`, vm id {vm_id}, configuration {}, {} warnings",
            env!("CARGO_PKG_VERSION"),
            name("plugin_name"),
            name("plugin_root_id"),
            plan.digest,
            warnings.len(),
        ),
    );
    for warning in warnings {
        calls::log(LogLevel::Warn, &format!("countersign: warning: {warning}"));
    }
}

fn tell_of_problems(problems: &[ConfigError]) {
    for problem in problems {
        calls::log(LogLevel::Error, &format!("countersign: error: {problem}"));
    }
    calls::log(LogLevel::Error, &format!("countersign: configuration refused, {} errors", problems.len()));
}

fn warn_of_shadow() {
    calls::log(
        LogLevel::Warn,
        "countersign: SHADOW MODE: refusals are recorded and NOT enforced; set `mode: enforce` to enforce them",
    );
}
