//! One document that is kept fresh: the document itself, whose turn it is to fetch, and when.
//!
//! A feed is in one of three states:
//!
//! ```text
//!            due, lease acquired          document accepted: idle until 70 to 80 % of its lifetime have passed
//!   Idle ---------------------------> Fetching -----------------------------------------------------------> Idle
//!    |                                   |       fetch failed: back off 1, 2, 4 ... 30 s
//!    | another worker has the lease      +-------------------------------------------------------------------> Idle
//!    +----------------------------> FetchingElsewhere ---- its lease says "done", or has expired ------------> Idle
//! ```
//!
//! While a feed is idle, an unknown id makes a fetch begin early, as often as [`Lookups`] allows.
//!
//! A document replaces the previous one as a whole. A failed fetch leaves the current document in use until it has been stale
//! for `max_stale`. After that the feed has no document, and requests that need it get 503: the client is not at fault.

mod sharing;

pub(crate) use sharing::{News, SharedDocument};

use super::jitter::Jitter;
use super::lookups::Lookups;
use super::payload::{Answer, Fetched, Payload};
use super::shared::{FetchId, Lease, Slot, StoredDocument};
use super::{Endpoint, FetchFault, Prospect, Response, SharedMemory};
use crate::limits::LONGEST_BACK_OFF;
use crate::time::{Seconds, UnixSeconds};

/// A lease lasts this much longer than its calls may take, so that a worker that is only late is not overtaken.
const LEASE_MARGIN: Seconds = Seconds::new(2);

/// One document that is kept fresh on one worker.
#[derive(Debug)]
pub(crate) struct Feed<P: Payload> {
    payload: P,
    slot: Slot,
    /// Identifies this worker in leases.
    owner: u64,
    held: Option<Held<P::Document>>,
    state: State,
    /// How many calls this worker has made.
    calls: u64,
    /// Consecutive failed fetches, of all workers.
    failures: u32,
    /// The fetch that this worker began last.
    own: FetchId,
    /// The fetch that began last on any worker, as far as this worker knows.
    latest: FetchId,
    /// The fetch of the last document that this worker examined, accepted or not.
    examined: Option<FetchId>,
    lookups: Lookups,
    jitter: Jitter,
}

/// The document in use.
#[derive(Debug)]
struct Held<D> {
    document: D,
    fetch: FetchId,
    fetched_at: UnixSeconds,
    fresh_until: UnixSeconds,
}

/// Whose turn it is to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No worker is fetching.
    Idle {
        /// When this worker begins the next fetch.
        due: UnixSeconds,
        /// When it may begin one if it has no document at all.
        earliest: UnixSeconds,
    },
    /// This worker is fetching.
    Fetching {
        /// How many calls the fetch made before the current one.
        earlier: u64,
        /// The number of the current call.
        call: u64,
        /// An answer that comes later is ignored.
        until: UnixSeconds,
    },
    /// Another worker is fetching, until this time at the latest.
    FetchingElsewhere(UnixSeconds),
}

/// Why a fetch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// It is due.
    Due,
    /// An id is not in the document.
    Lookup,
}

/// What a tick or an answer leads to.
pub(crate) enum Progress<P: Payload> {
    /// The answer is not one that the feed is waiting for.
    Ignored,
    /// Another worker has fetched recently, so no fetch begins yet. Requests that wait are decided again.
    Deferred,
    /// This is to be requested, in the call of this number.
    Send(Endpoint, u64),
    /// A document, to be accepted unless the caller objects.
    Received(Fetched<P::Document>),
    /// The fetch failed.
    Failed(P::Fault),
}

impl<P: Payload> Feed<P> {
    /// A feed without a document, which may fetch at once. `description` is the part of the configuration that decides which
    /// documents are accepted: workers share a document only under the same one. `seed` makes this worker differ from others.
    pub(crate) fn new(payload: P, description: &str, seed: u64) -> Self {
        let long_ago = UnixSeconds::new(i64::MIN);
        Self {
            payload,
            slot: Slot::of(P::SHARED_NAME, description),
            owner: seed,
            held: None,
            state: State::Idle { due: long_ago, earliest: long_ago },
            calls: 0,
            failures: 0,
            own: FetchId::NONE,
            latest: FetchId::NONE,
            examined: None,
            lookups: Lookups::default(),
            jitter: Jitter::new(seed),
        }
    }

    /// The limit of one call.
    pub(crate) fn timeout(&self) -> Seconds {
        self.payload.schedule().timeout
    }

    /// The document that may be used now: a fresh one, or a stale one while fetches fail.
    pub(crate) fn current(&self, now: UnixSeconds) -> Option<&P::Document> {
        let held = self.held.as_ref()?;
        (now < held.fresh_until.plus(self.payload.schedule().max_stale)).then_some(&held.document)
    }

    /// The document that was accepted last, however old it is.
    pub(crate) fn last(&self) -> Option<&P::Document> {
        self.held.as_ref().map(|held| &held.document)
    }

    /// The age of the document that was accepted last.
    pub(crate) fn age(&self, now: UnixSeconds) -> Option<Seconds> {
        self.held.as_ref().map(|held| now.since(held.fetched_at))
    }

    /// Whether the document, or with `id` the part of it with this id, may become available.
    pub(crate) fn prospect(&self, id: Option<&str>, now: UnixSeconds) -> Prospect {
        let lookup = id.filter(|_| self.current(now).is_some());
        let interval = self.payload.schedule().refetch_interval;
        if lookup.is_some_and(|id| self.lookups.is_unknown(id, now, interval)) {
            return Prospect::None;
        }
        match self.state {
            State::Fetching { .. } | State::FetchingElsewhere(_) => Prospect::Coming,
            State::Idle { due, .. } if lookup.is_some() && self.failures == 0 => {
                let next = self.lookups.next().min(due);
                if next <= now { Prospect::Coming } else { Prospect::Queued(next.since(now)) }
            }
            State::Idle { earliest, .. } if earliest <= now => Prospect::Coming,
            State::Idle { earliest, .. } => Prospect::Later(earliest.since(now)),
        }
    }

    /// Lets a fetch begin as soon as it may, for the document or for the part of it with this id. To be called only if it
    /// may become available.
    pub(crate) fn seek(&mut self, id: Option<&str>, now: UnixSeconds) {
        match (id, &mut self.state) {
            (Some(id), _) => self.lookups.seek(id),
            (None, State::Idle { due, earliest }) => *due = (*earliest).max(now).min(*due),
            (None, State::Fetching { .. } | State::FetchingElsewhere(_)) => {}
        }
    }

    /// Begins a fetch that is due, or ends one that has timed out.
    pub(crate) fn tick(&mut self, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Option<Progress<P>> {
        self.clamp_to_clock(now);
        match self.state {
            State::Fetching { until, .. } if now >= until => Some(Progress::Failed(FetchFault::NoAnswer.into())),
            State::Idle { due, .. } if now >= due => self.begin(Cause::Due, memory, now),
            State::Idle { .. } if self.may_look_up(now) => self.begin(Cause::Lookup, memory, now),
            _ => None,
        }
    }

    /// Whether a fetch may begin only because of an unknown id. Without a document none does: then the whole document is
    /// fetched as soon as the back-off allows.
    fn may_look_up(&self, now: UnixSeconds) -> bool {
        let has_document = self.failures == 0 && self.current(now).is_some();
        has_document && self.lookups.are_pending() && now >= self.lookups.next()
    }

    /// Moves every stored time to where it can lie at most, because the clock may have stepped back.
    fn clamp_to_clock(&mut self, now: UnixSeconds) {
        let schedule = *self.payload.schedule();
        if let Some(held) = &mut self.held {
            held.fetched_at = held.fetched_at.min(now);
            held.fresh_until = held.fresh_until.min(now.plus(schedule.refresh_max));
        }
        self.lookups.clamp(now.plus(schedule.refetch_interval));
        let lease_end = now.plus(self.lease_length());
        let (longest_pause, shortest_pause) = if self.failures > 0 {
            (LONGEST_BACK_OFF, LONGEST_BACK_OFF)
        } else {
            (schedule.refresh_max, schedule.refetch_interval)
        };
        match &mut self.state {
            State::Idle { due, earliest } => {
                *due = (*due).min(now.plus(longest_pause));
                *earliest = (*earliest).min(now.plus(shortest_pause));
            }
            State::Fetching { until, .. } | State::FetchingElsewhere(until) => *until = (*until).min(lease_end),
        }
    }

    fn begin(&mut self, cause: Cause, memory: Option<&dyn SharedMemory>, now: UnixSeconds) -> Option<Progress<P>> {
        let until = now.plus(self.lease_length());
        let (found, version) = match memory {
            Some(memory) => self.locate_lease(memory, now),
            None => (None, None),
        };
        self.settle_lookups();
        match found {
            Some(lease) if now < lease.until && lease.fetching => {
                self.state = State::FetchingElsewhere(lease.until);
                return None;
            }
            Some(lease) if now < lease.until && (cause == Cause::Due || lease.failures > 0) => {
                self.back_off_with(lease);
                return Some(Progress::Deferred);
            }
            // Another worker has made a lookup in the meantime.
            Some(_) if cause == Cause::Lookup && now < self.lookups.next() => return Some(Progress::Deferred),
            Some(lease) => self.failures = lease.failures,
            None => {}
        }
        let fetch = FetchId::of(self.owner, self.calls.wrapping_add(1));
        let next_lookup = match cause {
            Cause::Due => self.lookups.next(),
            Cause::Lookup => now.plus(self.payload.schedule().refetch_interval),
        };
        if let Some(memory) = memory {
            let stored = found.and_then(|lease| lease.stored).or(self.held_fetch());
            let failures = self.failures;
            let lease = Lease { owner: self.owner, until, fetching: true, failures, fetch, next_lookup, stored };
            if self.slot.write_lease(memory, lease, version).is_err() {
                // Another worker was faster. Its lease is read at the next tick.
                return None;
            }
        }
        (self.own, self.latest) = (fetch, fetch);
        self.lookups.wait_until(next_lookup);
        Some(self.send(self.payload.first_endpoint().clone(), 0, until))
    }

    fn send(&mut self, endpoint: Endpoint, earlier: u64, until: UnixSeconds) -> Progress<P> {
        self.calls = self.calls.wrapping_add(1);
        self.state = State::Fetching { earlier, call: self.calls, until };
        Progress::Send(endpoint, self.calls)
    }

    /// Reads the answer to a call; `Err` if the request was not sent.
    pub(crate) fn answered(
        &mut self,
        number: u64,
        answer: Result<&Response, FetchFault>,
        now: UnixSeconds,
    ) -> Progress<P> {
        let State::Fetching { earlier, call, until } = self.state else { return Progress::Ignored };
        if call != number || now >= until {
            return Progress::Ignored;
        }
        let response = match answer {
            Ok(response) => response,
            Err(fault) => return Progress::Failed(fault.into()),
        };
        match self.payload.read(earlier, response) {
            Ok(Answer::Next(endpoint)) => self.send(endpoint, earlier.saturating_add(1), until),
            Ok(Answer::Document(document)) => Progress::Received(Fetched {
                document,
                text: String::from_utf8_lossy(&response.body).into_owned(),
                lifetime: response.lifetime(),
            }),
            Err(fault) => Progress::Failed(fault),
        }
    }

    /// Accepts a document that this worker fetched, and shares it. Returns false if another worker has taken over the lease
    /// in the meantime: then the document of that worker counts.
    pub(crate) fn accept_fetched(
        &mut self,
        fetched: Fetched<P::Document>,
        memory: Option<&dyn SharedMemory>,
        now: UnixSeconds,
    ) -> bool {
        let schedule = *self.payload.schedule();
        let fresh_for = schedule.fresh_for(fetched.lifetime);
        let fetch = self.own;
        let stored = StoredDocument { fetch, fetched_at: now, fresh_for, text: fetched.text };
        let is_ours = self.end_fetch(0, now.plus(schedule.refetch_interval), memory, Some(&stored), now);
        if is_ours {
            self.examined = Some(fetch);
            self.install(fetched.document, fetch, now, fresh_for);
        }
        is_ours
    }

    /// Accepts a document that another worker fetched.
    pub(crate) fn accept_shared(&mut self, document: P::Document, origin: sharing::Origin) {
        let fresh_for = self.payload.schedule().fresh_for(Some(origin.fresh_for));
        self.install(document, origin.fetch, origin.fetched_at, fresh_for);
    }

    fn install(&mut self, document: P::Document, fetch: FetchId, fetched_at: UnixSeconds, fresh_for: Seconds) {
        let before = self.held.as_ref().into_iter().flat_map(|held| P::ids(&held.document));
        self.lookups.answered(fetch, P::ids(&document), before, fetched_at);
        self.held = Some(Held { document, fetch, fetched_at, fresh_until: fetched_at.plus(fresh_for) });
        self.failures = 0;
        let tenth = fresh_for.get() / 10;
        let ahead = Seconds::new(tenth.saturating_mul(2).saturating_add(self.jitter.up_to(tenth)));
        let earliest = fetched_at.plus(self.payload.schedule().refetch_interval);
        self.state = State::Idle { due: fetched_at.plus(fresh_for).minus(ahead), earliest };
    }

    /// Stops using the document. The time of the next fetch does not change.
    pub(crate) fn discard(&mut self) {
        self.held = None;
    }

    /// Ends a fetch that failed; the document stays in use. Returns the time until the next attempt, or `None` if another
    /// worker has taken over the lease in the meantime.
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
        self.state = State::Idle { due: until, earliest: until };
        Some(pause)
    }

    fn lease_length(&self) -> Seconds {
        let calls = self.payload.schedule().timeout.get().saturating_mul(self.payload.calls());
        Seconds::new(calls.saturating_add(LEASE_MARGIN.get()))
    }
}
