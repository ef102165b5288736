//! The keys of one provider, kept fresh: what is held, whose turn it is to fetch, and when.
//!
//! Pure: time, the shared memory and the provider's answers come in as arguments, and what is to be sent goes out. The
//! states and what leads from one to the other:
//!
//! ```text
//!           time comes, lease taken                 answer taken: rest until 70 to 80 % of its life
//!   Due ------------------------------> Fetching ------------------------------------------------> Due
//!    |                                     |        nothing usable: back off 1, 2, 4 ... 30 s
//!    | another worker has the lease        +-----------------------------------------------------> Due
//!    +------------------------------> Elsewhere ---- its lease says that it is done, or runs out -> Due
//! ```
//!
//! A set replaces the one before it whole. What brought nothing leaves the set that is held as it is, until it has been
//! stale for `max_stale`; from then on there are no keys, which is not the caller's fault (503).

use super::jitter::Jitter;
use super::shared::{Lease, SharedSet, Slot};
use super::unknown_keys::UnknownKeys;
use super::{
    Endpoint, FetchFault, FetchedKeys, FetchedSet, KeyLocation, Prospect, Response, SharedMemory, key_endpoint,
};
use crate::jose::KeySet;
use crate::limits::{LONGEST_BACK_OFF, MAX_SOUGHT_KEY_ID_BYTES, MAX_UNKNOWN_KEYS};
use crate::time::{Seconds, UnixSeconds};

/// A lease runs this much longer than the calls that it is for: a worker that is late is not one that is gone.
const LEASE_MARGIN: Seconds = Seconds::new(2);

/// The keys of one provider.
#[derive(Debug)]
pub(super) struct Feed {
    source: FetchedKeys,
    slot: Slot,
    /// By which a lease is known as this worker's.
    owner: u64,
    held: Option<Held>,
    turn: Turn,
    /// Calls that were begun.
    calls: u64,
    /// Fetches in a row that brought nothing, by any worker.
    failures: u32,
    /// The newest set in the shared memory that was looked at, taken or not.
    seen: Option<UnixSeconds>,
    /// Key ids that requests wait for.
    sought: Vec<String>,
    unknown: UnknownKeys,
    jitter: Jitter,
}

/// A set that was taken.
#[derive(Debug)]
struct Held {
    keys: KeySet,
    fetched_at: UnixSeconds,
    fresh_until: UnixSeconds,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Nobody's.
    Due {
        /// When it will be this worker's.
        at: UnixSeconds,
        /// When it may be at the earliest, if somebody needs a key sooner.
        earliest: UnixSeconds,
    },
    /// Ours.
    Fetching {
        /// Which answer is awaited.
        step: Step,
        /// Of which call.
        call: u64,
        /// An answer that is not there by then does not count.
        until: UnixSeconds,
    },
    /// Another worker's, until this time at the latest.
    Elsewhere(UnixSeconds),
}

/// Which answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Metadata,
    KeySet,
}

/// What a tick or an answer leads to.
pub(super) enum Progress {
    /// The answer is not one that is awaited.
    Late,
    /// All rest after a fetch of another worker: whoever waits may hear so.
    Rest,
    /// There is something to ask, in the call of this number.
    Ask(Endpoint, u64),
    /// A set, if nothing else speaks against it.
    Offer(FetchedSet),
    /// Nothing.
    Failed(FetchFault),
}

impl Feed {
    /// A feed that has nothing yet, and may fetch at once. `seed` makes it differ from those of other workers.
    pub(super) fn new(source: FetchedKeys, slot: Slot, seed: u64) -> Self {
        let long_ago = UnixSeconds::new(i64::MIN);
        Self {
            source,
            slot,
            owner: seed,
            held: None,
            turn: Turn::Due { at: long_ago, earliest: long_ago },
            calls: 0,
            failures: 0,
            seen: None,
            sought: Vec::new(),
            unknown: UnknownKeys::default(),
            jitter: Jitter::new(seed),
        }
    }

    pub(super) const fn timeout(&self) -> Seconds {
        self.source.timeout
    }

    /// The keys at hand: fresh ones, or stale ones while no newer can be had.
    pub(super) fn keys(&self, now: UnixSeconds) -> Option<&KeySet> {
        let held = self.held.as_ref()?;
        (now < held.fresh_until.plus(self.source.max_stale)).then_some(&held.keys)
    }

    /// The keys last taken, of whatever age.
    pub(super) fn last_keys(&self) -> Option<&KeySet> {
        self.held.as_ref().map(|held| &held.keys)
    }

    /// The age of the set that is held.
    pub(super) fn age(&self, now: UnixSeconds) -> Option<Seconds> {
        self.held.as_ref().map(|held| now.since(held.fetched_at))
    }

    /// Whether a key that is not at hand may come: any at all, or the one with this id.
    pub(super) fn prospect(&self, key_id: Option<&str>, now: UnixSeconds) -> Prospect {
        let known_keys = key_id.zip(self.keys(now).and(self.held.as_ref()));
        if known_keys.is_some_and(|(key_id, _)| {
            key_id.len() > MAX_SOUGHT_KEY_ID_BYTES || self.unknown.holds(key_id, now, self.source.refetch_interval)
        }) {
            return Prospect::None;
        }
        let is_young = |held: &Held| now.since(held.fetched_at) < self.source.refetch_interval;
        match self.turn {
            Turn::Fetching { .. } | Turn::Elsewhere(_) => Prospect::Coming,
            Turn::Due { earliest, .. } if earliest <= now => Prospect::Coming,
            // The provider was asked so recently that asking again would tell nothing new.
            Turn::Due { .. } if self.failures == 0 && known_keys.is_some_and(|(_, held)| is_young(held)) => {
                Prospect::None
            }
            Turn::Due { earliest, .. } => Prospect::Later(earliest.since(now)),
        }
    }

    /// Lets a fetch begin as soon as it may, for a key that has a prospect of coming.
    pub(super) fn seek(&mut self, key_id: Option<&str>, now: UnixSeconds) {
        if let Turn::Due { at, earliest } = &mut self.turn {
            *at = (*earliest).max(now).min(*at);
        }
        if let Some(key_id) = key_id
            && self.sought.len() < MAX_UNKNOWN_KEYS
            && self.sought.iter().all(|sought| sought != key_id)
        {
            self.sought.push(key_id.to_owned());
        }
    }

    /// A newer set that another worker has shared. Whether it can be used or not, it is looked at once.
    pub(super) fn shared_set(
        &mut self,
        memory: &dyn SharedMemory,
        now: UnixSeconds,
    ) -> Option<(Result<FetchedSet, FetchFault>, UnixSeconds)> {
        let (lease, _) = self.lease(memory, now);
        let fetched_at = lease?.fetched_at?;
        if self.fetched_at().max(self.seen).is_some_and(|newest| newest >= fetched_at) {
            return None;
        }
        self.seen = Some(fetched_at);
        let set = self.slot.set(memory, now)?;
        if set.fetched_at < fetched_at {
            return None;
        }
        let parsed = FetchedSet::parse(set.text.as_bytes(), self.source.algorithms.as_deref());
        Some((parsed.map(|parsed| FetchedSet { lifetime: Some(set.fresh_for), ..parsed }), set.fetched_at))
    }

    /// Notes what another worker's lease says. True where its fetch has ended.
    pub(super) fn follow(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) -> bool {
        let Turn::Elsewhere(until) = self.turn else { return false };
        match self.lease(memory, now).0 {
            Some(lease) if !lease.fetching => {
                self.rest_as(lease);
                true
            }
            Some(lease) if now < lease.until => false,
            None if now < until => false,
            // It is gone with its lease, or somebody overwrote that.
            _ => {
                self.turn = Turn::Due { at: now, earliest: now };
                false
            }
        }
    }

    /// Rests as another worker's lease says.
    fn rest_as(&mut self, lease: Lease) {
        self.failures = lease.failures;
        if lease.failures > 0 {
            self.sought.clear();
        }
        self.turn = Turn::Due { at: lease.until, earliest: lease.until };
    }

    /// The lease in the slot. Nobody of us writes one that ends later than what it is for can take: such a one is forged, or
    /// from before the clock stepped back.
    fn lease(&mut self, memory: &dyn SharedMemory, now: UnixSeconds) -> (Option<Lease>, Option<u32>) {
        let (lease, version) = self.slot.lease(memory, now);
        let longest = |lease: &Lease| match lease {
            Lease { fetching: true, .. } => self.lease_length(),
            Lease { failures: 0, .. } => self.source.refetch_interval,
            Lease { .. } => LONGEST_BACK_OFF,
        };
        // Another worker may have read its clock a moment later.
        (lease.filter(|lease| lease.until <= now.plus(longest(lease)).plus(LEASE_MARGIN)), version)
    }

    /// What time brings: a request to send, a rest, or the end of a fetch that nobody answered.
    pub(super) fn tick(&mut self, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Option<Progress> {
        self.stay_within(now);
        match self.turn {
            Turn::Fetching { until, .. } if now >= until => Some(Progress::Failed(FetchFault::NoAnswer)),
            Turn::Due { at, .. } if now >= at => self.begin(memory, now),
            _ => None,
        }
    }

    /// No time that is kept lies further ahead than it can: the clock may have stepped back.
    fn stay_within(&mut self, now: UnixSeconds) {
        if let Some(held) = &mut self.held {
            held.fetched_at = held.fetched_at.min(now);
            held.fresh_until = held.fresh_until.min(now.plus(self.source.refresh_max));
        }
        self.seen = self.seen.map(|seen| seen.min(now));
        let lease_end = now.plus(self.lease_length());
        let (longest_rest, shortest_rest) = if self.failures > 0 {
            (LONGEST_BACK_OFF, LONGEST_BACK_OFF)
        } else {
            (self.source.refresh_max, self.source.refetch_interval)
        };
        match &mut self.turn {
            Turn::Due { at, earliest } => {
                *at = (*at).min(now.plus(longest_rest));
                *earliest = (*earliest).min(now.plus(shortest_rest));
            }
            Turn::Fetching { until, .. } | Turn::Elsewhere(until) => *until = (*until).min(lease_end),
        }
    }

    fn begin(&mut self, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Option<Progress> {
        let until = now.plus(self.lease_length());
        if let Some(memory) = memory {
            let (lease, version) = self.lease(memory, now);
            match lease {
                Some(lease) if now < lease.until && lease.fetching => {
                    self.turn = Turn::Elsewhere(lease.until);
                    return None;
                }
                Some(lease) if now < lease.until => {
                    self.rest_as(lease);
                    return Some(Progress::Rest);
                }
                Some(lease) => self.failures = lease.failures,
                None => {}
            }
            let fetched_at = self.fetched_at().max(lease.and_then(|lease| lease.fetched_at));
            let lease = Lease { owner: self.owner, until, fetching: true, failures: self.failures, fetched_at };
            if self.slot.write_lease(memory, lease, version).is_err() {
                // Another worker was quicker; what it wrote is read at the next tick.
                return None;
            }
        }
        let step = match self.source.location {
            KeyLocation::KeySet(_) => Step::KeySet,
            KeyLocation::Metadata { .. } => Step::Metadata,
        };
        Some(self.ask(self.source.location.first().clone(), step, until))
    }

    fn ask(&mut self, endpoint: Endpoint, step: Step, until: UnixSeconds) -> Progress {
        self.calls = self.calls.wrapping_add(1);
        self.turn = Turn::Fetching { step, call: self.calls, until };
        Progress::Ask(endpoint, self.calls)
    }

    /// What the answer to a call leads to; `Err` where it was not even sent.
    pub(super) fn answered(
        &mut self,
        number: u64,
        answer: Result<&Response, FetchFault>,
        now: UnixSeconds,
    ) -> Progress {
        let Turn::Fetching { step, call, until } = self.turn else { return Progress::Late };
        if call != number || now >= until {
            return Progress::Late;
        }
        let read = answer.and_then(|response| match (&self.source.location, step) {
            (KeyLocation::Metadata { metadata, issuer, key_host }, Step::Metadata) => {
                key_endpoint(response, metadata, issuer, key_host.as_ref()).map(Read::Endpoint)
            }
            _ => FetchedSet::read(response, self.source.algorithms.as_deref()).map(Read::Set),
        });
        match read {
            Ok(Read::Endpoint(endpoint)) => self.ask(endpoint, Step::KeySet, until),
            Ok(Read::Set(set)) => Progress::Offer(set),
            Err(fault) => Progress::Failed(fault),
        }
    }

    /// Takes a set that was fetched by this worker, and shares it. False where another worker has taken over meanwhile: then
    /// what that one brings counts.
    pub(super) fn take(&mut self, set: FetchedSet, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> bool {
        let fresh_for = self.source.fresh_for(set.lifetime);
        let until = now.plus(self.source.refetch_interval);
        let lease = Lease { owner: self.owner, until, fetching: false, failures: 0, fetched_at: Some(now) };
        let shared = SharedSet { fetched_at: now, fresh_for, text: set.text };
        let ours = self.end_fetch(memory, lease, Some(&shared), now);
        if ours {
            self.hold(set.keys, now, fresh_for);
        }
        ours
    }

    /// Takes a set that another worker fetched.
    pub(super) fn adopt(&mut self, set: FetchedSet, fetched_at: UnixSeconds) {
        let fresh_for = self.source.fresh_for(set.lifetime);
        self.hold(set.keys, fetched_at, fresh_for);
    }

    fn hold(&mut self, keys: KeySet, fetched_at: UnixSeconds, fresh_for: Seconds) {
        for key_id in self.sought.drain(..) {
            if keys.keys().iter().all(|key| key.key_id() != Some(key_id.as_str())) {
                self.unknown.note(key_id, fetched_at);
            }
        }
        self.held = Some(Held { keys, fetched_at, fresh_until: fetched_at.plus(fresh_for) });
        self.failures = 0;
        let tenth = fresh_for.get() / 10;
        let ahead = Seconds::new(tenth.saturating_mul(2).saturating_add(self.jitter.up_to(tenth)));
        let earliest = fetched_at.plus(self.source.refetch_interval);
        self.turn = Turn::Due { at: fetched_at.plus(fresh_for).minus(ahead), earliest };
    }

    /// Lets go of the set that is held. The next one is due when it was.
    pub(super) fn let_go(&mut self) {
        self.held = None;
    }

    /// Keeps what is held. The time until the next try; `None` where another worker has taken over meanwhile.
    pub(super) fn fail(&mut self, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Option<Seconds> {
        let doubled = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let longest = doubled.min(LONGEST_BACK_OFF.get());
        let pause = Seconds::new(longest.saturating_sub(self.jitter.up_to(longest / 2)));
        let failures = self.failures.saturating_add(1);
        let until = now.plus(pause);
        let fetched_at = self.fetched_at();
        let lease = Lease { owner: self.owner, until, fetching: false, failures, fetched_at };
        if !self.end_fetch(memory, lease, None, now) {
            return None;
        }
        self.failures = failures;
        self.sought.clear();
        self.turn = Turn::Due { at: until, earliest: until };
        Some(pause)
    }

    /// Ends this worker's fetch in the shared memory. False where the lease is another worker's by now: nothing is written,
    /// and that one is followed from the next tick on.
    fn end_fetch(
        &mut self,
        memory: Option<&dyn SharedMemory>,
        lease: Lease,
        set: Option<&SharedSet>,
        now: UnixSeconds,
    ) -> bool {
        let Some(memory) = memory else { return true };
        let (found, version) = self.lease(memory, now);
        let ours = found.is_none_or(|found| found.owner == self.owner) && {
            // The set first: whoever reads the lease must find it.
            if let Some(set) = set {
                self.slot.write_set(memory, set);
            }
            let fetched_at = lease.fetched_at.max(found.and_then(|found| found.fetched_at));
            self.slot.write_lease(memory, Lease { fetched_at, ..lease }, version).is_ok()
        };
        if !ours {
            self.turn = Turn::Due { at: now, earliest: now };
        }
        ours
    }

    fn fetched_at(&self) -> Option<UnixSeconds> {
        self.held.as_ref().map(|held| held.fetched_at)
    }

    fn lease_length(&self) -> Seconds {
        let calls = match self.source.location {
            KeyLocation::KeySet(_) => 1,
            KeyLocation::Metadata { .. } => 2,
        };
        Seconds::new(self.source.timeout.get().saturating_mul(calls).saturating_add(LEASE_MARGIN.get()))
    }
}

/// What an awaited answer holds.
enum Read {
    Endpoint(Endpoint),
    Set(FetchedSet),
}
