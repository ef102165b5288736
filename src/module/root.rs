//! One plugin configuration on one worker: made in the configuration callback, shared by its streams.
//!
//! Nothing is kept in a static. An old and a new configuration, and several plugins, live in one VM side by side, each
//! under its own root context.

use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use crate::calls;
use crate::http::Stream;
use crate::keys::KeyKeeper;
use crate::shared::Shared;
use countersign_core::config::Plan;
use countersign_core::config_error::{ConfigError, ConfigWarning};
use countersign_core::mode::Mode;
use countersign_core::time::{Seconds, UnixSeconds};

/// How often a log says again that refusals are not enforced.
const SHADOW_REMINDER: Seconds = Seconds::new(60 * 60);

/// How often it is looked whether that is due, where keys do not ask for more.
const SHADOW_TICK: Duration = Duration::from_secs(60);

/// The root context.
pub(crate) struct Root {
    context_id: u32,
    shared: Rc<Shared>,
    keys: Option<KeyKeeper>,
    /// When the log last said that refusals are not enforced.
    reminded: UnixSeconds,
}

impl Root {
    pub(crate) fn new(context_id: u32) -> Self {
        Self { context_id, shared: Rc::default(), keys: None, reminded: UnixSeconds::new(0) }
    }

    fn is_shadow(&self) -> bool {
        self.shared.plan.as_ref().is_some_and(|plan| plan.mode == Mode::Shadow)
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, _fields: usize, body_bytes: usize, _trailers: usize) {
        if let Some(keys) = &mut self.keys {
            keys.answered(token, body_bytes);
        }
    }
}

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
                self.shared = Rc::new(Shared::of(plan));
                self.keys = KeyKeeper::of(self.context_id, &self.shared);
                if self.is_shadow() {
                    warn_of_shadow();
                    self.reminded = calls::now();
                    if self.keys.is_none() {
                        calls::tick_every(SHADOW_TICK);
                    }
                }
                true
            }
            Err(problems) => {
                tell_of_problems(&problems);
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(keys) = &mut self.keys {
            keys.tick();
        }
        let now = calls::now();
        if self.is_shadow() && now.since(self.reminded) >= SHADOW_REMINDER {
            warn_of_shadow();
            self.reminded = now;
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if let Some(keys) = &mut self.keys {
            keys.told(queue);
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(context_id, Rc::clone(&self.shared))))
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
