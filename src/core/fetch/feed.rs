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
//! Before that time a token with an unknown `kid` makes a fetch begin, as often as [`Lookups`] allows.
//!
//! A set replaces the one before it whole. What brought nothing leaves the set that is held as it is, until it has been
//! stale for `max_stale`; from then on there are no keys, which is not the caller's fault (503).

mod others;

pub(crate) use others::{News, OthersSet};

use super::jitter::Jitter;
use super::lookups::Lookups;
use super::shared::{FetchId, Lease, SharedSet, Slot};
use super::{Endpoint, FetchFault, Response, SharedMemory};
use crate::jose::KeySet;
use crate::keys::{FetchedKeys, FetchedSet, KeyLocation, Prospect, key_endpoint};
use crate::limits::LONGEST_BACK_OFF;
use crate::time::{Seconds, UnixSeconds};

/// A lease runs this much longer than the calls that it is for: a worker that is late is not one that is gone.
const LEASE_MARGIN: Seconds = Seconds::new(2);

/// The keys of one provider.
#[derive(Debug)]
pub(crate) struct Feed {
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
    /// The fetch that this worker began last.
    own: FetchId,
    /// The fetch that began last, by any worker, as far as this one knows.
    latest: FetchId,
    /// The set that was taken here or looked at in the shared memory last, taken or not.
    seen: Option<FetchId>,
    lookups: Lookups,
    jitter: Jitter,
}

/// A set that was taken.
#[derive(Debug)]
struct Held {
    keys: KeySet,
    fetch: FetchId,
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
        /// When it may be at the earliest, if there are no keys at all.
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

/// Why a fetch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Its time has come.
    Due,
    /// A token names a key that is not at hand.
    Lookup,
}

/// What a tick or an answer leads to.
pub(crate) enum Progress {
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
    pub(crate) fn new(source: FetchedKeys, slot: Slot, seed: u64) -> Self {
        let long_ago = UnixSeconds::new(i64::MIN);
        Self {
            source,
            slot,
            owner: seed,
            held: None,
            turn: Turn::Due { at: long_ago, earliest: long_ago },
            calls: 0,
            failures: 0,
            own: FetchId::NONE,
            latest: FetchId::NONE,
            seen: None,
            lookups: Lookups::default(),
            jitter: Jitter::new(seed),
        }
    }

    pub(crate) const fn timeout(&self) -> Seconds {
        self.source.timeout
    }

    /// The keys at hand: fresh ones, or stale ones while no newer can be had.
    pub(crate) fn keys(&self, now: UnixSeconds) -> Option<&KeySet> {
        let held = self.held.as_ref()?;
        (now < held.fresh_until.plus(self.source.max_stale)).then_some(&held.keys)
    }

    /// The keys last taken, of whatever age.
    pub(crate) fn last_keys(&self) -> Option<&KeySet> {
        self.held.as_ref().map(|held| &held.keys)
    }

    /// The age of the set that is held.
    pub(crate) fn age(&self, now: UnixSeconds) -> Option<Seconds> {
        self.held.as_ref().map(|held| now.since(held.fetched_at))
    }

    /// Whether a key that is not at hand may come: any at all, or the one with this id.
    pub(crate) fn prospect(&self, key_id: Option<&str>, now: UnixSeconds) -> Prospect {
        let lookup = key_id.filter(|_| self.keys(now).is_some());
        if lookup.is_some_and(|key_id| self.lookups.is_unknown(key_id, now, self.source.refetch_interval)) {
            return Prospect::None;
        }
        match self.turn {
            Turn::Fetching { .. } | Turn::Elsewhere(_) => Prospect::Coming,
            Turn::Due { at, .. } if lookup.is_some() && self.failures == 0 => {
                let next = self.lookups.next().min(at);
                if next <= now { Prospect::Coming } else { Prospect::Queued(next.since(now)) }
            }
            Turn::Due { earliest, .. } if earliest <= now => Prospect::Coming,
            Turn::Due { earliest, .. } => Prospect::Later(earliest.since(now)),
        }
    }

    /// Lets a fetch begin as soon as it may, for a key that has a prospect of coming: any at all, or the one with this id.
    pub(crate) fn seek(&mut self, key_id: Option<&str>, now: UnixSeconds) {
        match (key_id, &mut self.turn) {
            (Some(key_id), _) => self.lookups.seek(key_id),
            (None, Turn::Due { at, earliest }) => *at = (*earliest).max(now).min(*at),
            (None, Turn::Fetching { .. } | Turn::Elsewhere(_)) => {}
        }
    }

    /// What time brings: a request to send, a rest, or the end of a fetch that nobody answered.
    pub(crate) fn tick(&mut self, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Option<Progress> {
        self.stay_within(now);
        match self.turn {
            Turn::Fetching { until, .. } if now >= until => Some(Progress::Failed(FetchFault::NoAnswer)),
            Turn::Due { at, .. } if now >= at => self.begin(Cause::Due, memory, now),
            Turn::Due { .. } if self.may_look_up(now) => self.begin(Cause::Lookup, memory, now),
            _ => None,
        }
    }

    /// Whether a fetch may begin that only an unknown `kid` asks for. Without keys none does: then all keys are asked for.
    fn may_look_up(&self, now: UnixSeconds) -> bool {
        let has_keys = self.failures == 0 && self.keys(now).is_some();
        has_keys && self.lookups.are_pending() && now >= self.lookups.next()
    }

    /// No time that is kept lies further ahead than it can: the clock may have stepped back.
    fn stay_within(&mut self, now: UnixSeconds) {
        if let Some(held) = &mut self.held {
            held.fetched_at = held.fetched_at.min(now);
            held.fresh_until = held.fresh_until.min(now.plus(self.source.refresh_max));
        }
        self.lookups.stay_within(now.plus(self.source.refetch_interval));
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

    fn begin(&mut self, cause: Cause, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Option<Progress> {
        let until = now.plus(self.lease_length());
        let found = match memory {
            Some(memory) => self.lease(memory, now),
            None => (None, None),
        };
        self.settle();
        match found.0 {
            Some(lease) if now < lease.until && lease.fetching => {
                self.turn = Turn::Elsewhere(lease.until);
                return None;
            }
            Some(lease) if now < lease.until && (cause == Cause::Due || lease.failures > 0) => {
                self.rest_as(lease);
                return Some(Progress::Rest);
            }
            // Another worker has looked something up meanwhile.
            Some(_) if cause == Cause::Lookup && now < self.lookups.next() => return Some(Progress::Rest),
            Some(lease) => self.failures = lease.failures,
            None => {}
        }
        let fetch = FetchId::of(self.owner, self.calls.wrapping_add(1));
        let next_lookup = match cause {
            Cause::Due => self.lookups.next(),
            Cause::Lookup => now.plus(self.source.refetch_interval),
        };
        if let Some(memory) = memory {
            let set = found.0.and_then(|lease| lease.set).or(self.held_set());
            let failures = self.failures;
            let lease = Lease { owner: self.owner, until, fetching: true, failures, fetch, next_lookup, set };
            if self.slot.write_lease(memory, lease, found.1).is_err() {
                // Another worker was quicker; what it wrote is read at the next tick.
                return None;
            }
        }
        (self.own, self.latest) = (fetch, fetch);
        self.lookups.wait_until(next_lookup);
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
    pub(crate) fn answered(
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
    pub(crate) fn take(&mut self, set: FetchedSet, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> bool {
        let fresh_for = self.source.fresh_for(set.lifetime);
        let fetch = self.own;
        let shared = SharedSet { fetch, fetched_at: now, fresh_for, text: set.text };
        let ours = self.end_fetch(0, now.plus(self.source.refetch_interval), memory, Some(&shared), now);
        if ours {
            self.seen = Some(fetch);
            self.hold(set.keys, fetch, now, fresh_for);
        }
        ours
    }

    /// Takes a set that another worker fetched.
    pub(crate) fn adopt(&mut self, set: FetchedSet, fetch: FetchId, fetched_at: UnixSeconds) {
        let fresh_for = self.source.fresh_for(set.lifetime);
        self.hold(set.keys, fetch, fetched_at, fresh_for);
    }

    fn hold(&mut self, keys: KeySet, fetch: FetchId, fetched_at: UnixSeconds, fresh_for: Seconds) {
        self.lookups.answered(fetch, &keys, self.held.as_ref().map(|held| &held.keys), fetched_at);
        self.held = Some(Held { keys, fetch, fetched_at, fresh_until: fetched_at.plus(fresh_for) });
        self.failures = 0;
        let tenth = fresh_for.get() / 10;
        let ahead = Seconds::new(tenth.saturating_mul(2).saturating_add(self.jitter.up_to(tenth)));
        let earliest = fetched_at.plus(self.source.refetch_interval);
        self.turn = Turn::Due { at: fetched_at.plus(fresh_for).minus(ahead), earliest };
    }

    /// Lets go of the set that is held. The next one is due when it was.
    pub(crate) fn let_go(&mut self) {
        self.held = None;
    }

    /// Keeps what is held. The time until the next try; `None` where another worker has taken over meanwhile.
    pub(crate) fn fail(&mut self, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Option<Seconds> {
        let doubled = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let longest = doubled.min(LONGEST_BACK_OFF.get());
        let pause = Seconds::new(longest.saturating_sub(self.jitter.up_to(longest / 2)));
        let failures = self.failures.saturating_add(1);
        let until = now.plus(pause);
        if !self.end_fetch(failures, until, memory, None, now) {
            return None;
        }
        self.failures = failures;
        self.turn = Turn::Due { at: until, earliest: until };
        Some(pause)
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
