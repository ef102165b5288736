//! One worker: everything that it holds, and everything that it decides, without any input or output.
//!
//! A [`Worker`] takes events and returns [`Effect`]s. It makes no call and makes no random numbers: the time and the
//! [`Seed`] are arguments. It reads a clock only to record how long a decision took. The host carries the effects out in their order, and reports the result of
//! those that need one before it carries out the next. So every order of events can be tested without a proxy.
//!
//! | event | method | results to report |
//! |---|---|---|
//! | a configuration arrived | [`Worker::configure`] | |
//! | a request's headers arrived | [`Worker::open`], then [`Worker::request`] | [`Worker::forwarded`] |
//! | a request's trailers arrived | [`Worker::trailers`] | |
//! | the stream is gone | [`Worker::gone`] | |
//! | time has passed | [`Worker::tick`], then [`Worker::wake`] | [`Worker::listening`], [`Worker::sent`] |
//! | another worker has news | [`Worker::message`], then [`Worker::wake`] | [`Worker::sent`] |
//! | a fetch was answered | [`Worker::answered`], then [`Worker::wake`] | [`Worker::sent`] |
//! | the configuration ended | [`Worker::ended`] | |
//! | a waiting request was woken | [`Worker::wanted`], then [`Worker::request`] or [`Worker::lost`] | [`Worker::forwarded`] |
//!
//! # What it guarantees
//!
//! - A request is forwarded only after every change to it was made. The guard's filter state is the last of these
//!   changes: a request that was changed only in part never has it.
//! - Each stream gets at most one ending effect, [`Effect::Answer`] or [`Effect::Resume`].
//! - If the host fails to read or to change a request, the client gets 503 `host-failure`. If the host also fails to
//!   send that answer, the request stays paused: in no case does it pass.

mod effect;
mod judge;
mod keys;
mod lines;
mod proofs;
mod seed;
mod streams;

#[cfg(test)]
mod tests;

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

pub use effect::{Change, Changes, Effect, FilterState, HostFault, Level};
pub use keys::MESSAGES_AT_ONCE;
pub use seed::Seed;
pub use streams::Wanted;

use crate::config::Plan;
use crate::fetch::{RequestId, SharedMemory};
use crate::jose::{ForgeryMemory, HostSignatures, HostVerifier, TokenMemory};
use crate::keys::TrustStore;
use crate::mode::Mode;
use crate::time::UnixSeconds;
use crate::waiting::WaitingRoom;
use keys::{IDLE_TICK, SOON, SPREAD};
use proofs::Proofs;
use streams::{Names, Stage};

/// One configuration on one worker: its keys, the tokens that were verified, the requests that wait for keys, and how far
/// each stream has come.
pub struct Worker {
    /// The configuration; without one every request is refused.
    plan: Option<Plan>,
    /// The names of the filter state under this configuration; there as long as it is.
    names: Option<Names>,
    /// What is read of each request.
    wanted: Wanted,
    /// The keys that are trusted now.
    trust: TrustStore,
    /// What verifies signatures with these keys.
    verifier: HostVerifier,
    /// The tokens that were verified with these keys or with earlier ones.
    tokens: TokenMemory,
    /// The signatures that were found to be forged in the last few seconds.
    forgeries: ForgeryMemory,
    /// The proofs that were used.
    proofs: Proofs,
    /// The memory that the workers share, if it is this plugin's own.
    sharing: Option<Sharing>,
    /// The secret that decision ids are derived from; without one every request is refused.
    seed: Option<Seed>,
    /// Decisions so far.
    decisions: u64,
    /// Hits of the decision cache that the counter does not have yet.
    uncounted_hits: usize,
    /// The streams that are open, and how far each has come.
    streams: BTreeMap<u32, Stage>,
    /// The streams that wait for keys.
    waiting: WaitingRoom,
    /// The streams to decide about again, each once.
    to_wake: VecDeque<u32>,
    /// Which fetch is answered under which token. The proxy answers each fetch, at the latest when its time is up.
    sent: BTreeMap<u32, RequestId>,
    /// This worker's queue, once it listens on it.
    queue: Option<String>,
    /// Whether the first tick has come.
    began: bool,
    /// Whether the next tick was asked for to come soon.
    hurried: bool,
    /// When the log last warned that refusals are not enforced.
    reminded: UnixSeconds,
    /// Up to when the time that this worker lives is counted.
    lived_until: UnixSeconds,
}

/// What the host knows of the plugin when a configuration arrives.
pub struct Deployment {
    /// The plugin's name; empty where the host does not give it. So with the two after it.
    pub plugin_name: Vec<u8>,
    /// The id of the plugin's root context.
    pub root_id: Vec<u8>,
    /// The id of the VM. All VMs of one id share memory.
    pub vm_id: Vec<u8>,
    /// The memory of the VMs with this id.
    pub memory: Box<dyn SharedMemory>,
    /// The host's function that verifies signatures. It is used for what it proves to do right.
    pub signatures: Box<dyn HostSignatures>,
    /// 32 random bytes that only this worker has; `None` if the host could not provide them.
    pub seed: Option<Seed>,
}

/// Memory that only workers of this plugin share.
struct Sharing {
    vm_id: String,
    memory: Rc<dyn SharedMemory>,
}

impl Sharing {
    /// The proxy keeps one shared memory for each `vm_id`, and one for all modules that have none. A plugin without a
    /// `vm_id` of its own shares that one with strangers, who could plant a key there. So it is used only under a
    /// `vm_id`.
    fn of(vm_id: &[u8], memory: Rc<dyn SharedMemory>) -> Option<Self> {
        let vm_id = String::from_utf8(vm_id.to_vec()).ok()?;
        (!vm_id.is_empty()).then_some(Self { vm_id, memory })
    }
}

impl Worker {
    /// A worker that has no configuration and refuses every request.
    #[must_use]
    pub fn unconfigured(seed: Option<Seed>) -> Self {
        Self {
            plan: None,
            names: None,
            wanted: Wanted::Headers,
            trust: TrustStore::default(),
            verifier: HostVerifier::default(),
            tokens: TokenMemory::default(),
            forgeries: ForgeryMemory::default(),
            proofs: Proofs::default(),
            sharing: None,
            seed,
            decisions: 0,
            uncounted_hits: 0,
            streams: BTreeMap::new(),
            waiting: WaitingRoom::default(),
            to_wake: VecDeque::new(),
            sent: BTreeMap::new(),
            queue: None,
            began: false,
            hurried: false,
            reminded: UnixSeconds::new(0),
            lived_until: UnixSeconds::new(0),
        }
    }

    /// A worker under this configuration, with the keys that are written in it.
    ///
    /// Whether it succeeds depends on the configuration's bytes and on whether there is a `vm_id` alone: not on time,
    /// randomness, network, the content of shared memory or the signatures that the host verifies. The proxy runs a worker whose configuration failed without the filter, so all
    /// workers must come to the same answer.
    ///
    /// # Errors
    /// The configuration is not valid; the effects write the reasons to the log.
    pub fn configure(
        json: &[u8],
        deployment: Deployment,
        now: UnixSeconds,
    ) -> Result<(Self, Vec<Effect>), Vec<Effect>> {
        let (plan, warnings) = Plan::compile(json).map_err(|problems| lines::rejected(&problems))?;
        let mut effects = lines::configured(&deployment, &plan, &warnings);
        let Deployment { vm_id, memory, signatures, seed, .. } = deployment;
        let sharing = Sharing::of(&vm_id, memory.into());
        let proofs =
            Proofs::of(&plan, sharing.as_ref(), seed.as_ref()).map_err(|problems| lines::rejected(&problems))?;
        let algorithms = plan.algorithms();
        let (verifier, declined) = HostVerifier::prove(signatures, &algorithms);
        effects.push(lines::verifiers(&algorithms, &verifier, &declined));
        let trust = TrustStore::new(plan.key_sources(), seed.as_ref().map_or(0, |seed| seed.number("trust")));
        let tokens = TokenMemory::new(plan.limits.max_remembered_bytes);
        let forgeries = ForgeryMemory::new(plan.limits.max_remembered_bytes);
        let wanted = Wanted::by(&plan, trust.fetches());
        let (names, plan) = (Some(Names::of(&plan)), Some(plan));
        let memories = Self { tokens, forgeries, proofs, ..Self::unconfigured(seed) };
        let mut worker = Self { plan, names, wanted, trust, verifier, reminded: now, lived_until: now, ..memories };
        if worker.fetches() {
            worker.sharing = sharing;
        }
        effects.push(worker.first_tick());
        if worker.is_shadow() {
            effects.push(lines::shadow());
        }
        Ok((worker, effects))
    }

    /// When the first tick comes.
    fn first_tick(&self) -> Effect {
        match (&self.seed, &self.sharing) {
            // Fetches begin at the first tick and not here: the proxy also configures a VM that it throws away.
            (Some(_), Some(_)) => Effect::Tick(SOON),
            (Some(seed), None) if self.fetches() => {
                let milliseconds = seed.number("spread").checked_rem(SPREAD.as_millis() as u64).unwrap_or(0);
                Effect::Tick(SOON.saturating_add(Duration::from_millis(milliseconds)))
            }
            _ => Effect::Tick(IDLE_TICK),
        }
    }

    /// Whether any keys are to be fetched. Without a seed every request is refused, and two workers would take each
    /// other's leases for their own.
    fn fetches(&self) -> bool {
        self.seed.is_some() && self.trust.fetches()
    }

    fn is_shadow(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.mode == Mode::Shadow)
    }
}

/// Without the seed and the keys.
impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let configuration = self.plan.as_ref().map(|plan| &plan.digest);
        f.debug_struct("Worker")
            .field("configuration", &configuration)
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}
