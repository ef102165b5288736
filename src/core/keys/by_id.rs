//! Keys that a provider publishes one by one: the key with the id `kid` is at `<base URL>/<kid>`, in PEM.
//!
//! These are the only calls whose path comes from a token, which nothing proves when the call is made. So only a UUID is an
//! id, the number of keys and of ids that are sought is bounded, and ids that are not known cause fetches at a bounded rate.
//! Keys that are held are fetched again when they are no longer fresh, so a key that the provider withdraws ends.

use super::{FetchedSet, KeyFetchFault};
use crate::fetch::{Endpoint, FetchFault, HttpUrl, Prospect, Response, Schedule};
use crate::jose::{Algorithm, KeySet};
use crate::limits::{MAX_KEYS_BY_ID, MAX_SOUGHT_KEYS};
use crate::profile::{Algorithms, TokenProfile};
use crate::time::{Seconds, UnixSeconds};

/// How many ids that are not known are fetched at once before the interval limits their rate.
const BURST: u64 = 4;

/// The keys of one provider that one worker holds, and the ids that it is asking for.
#[derive(Debug)]
pub(super) struct KeysById {
    base: Endpoint,
    schedule: Schedule,
    algorithms: Algorithms,
    entries: Vec<Entry>,
    calls: u64,
    /// The time up to which fetches for ids that are not known have used up their rate.
    used_up_to: UnixSeconds,
}

#[derive(Debug)]
struct Entry {
    id: KeyId,
    held: Option<Held>,
    state: State,
}

/// A key in use.
#[derive(Debug)]
struct Held {
    set: FetchedSet,
    fetched_at: UnixSeconds,
    fresh_until: UnixSeconds,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// A fetch begins at this time, or when the rate allows it.
    Due(UnixSeconds),
    /// A fetch has begun.
    Fetching {
        /// The number of the call.
        call: u64,
        /// An answer that comes later is ignored.
        until: UnixSeconds,
    },
    /// The last fetch brought no key, and no other begins before this time.
    Failed {
        /// That time.
        until: UnixSeconds,
        /// Whether the provider said that it has no such key.
        absent: bool,
    },
}

/// The id of a key: a UUID in lower-case hexadecimal digits (RFC 9562 section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyId(String);

impl Entry {
    /// Whether it says nothing any more: no key is held, and the pause after a fetch that brought none has ended.
    fn is_over(&self, now: UnixSeconds) -> bool {
        self.held.is_none() && matches!(self.state, State::Failed { until, .. } if now >= until)
    }
}

impl KeyId {
    /// Reads an id. Any other string is `None`, also a UUID in upper case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let groups = text.split('-').map(str::len);
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
        (groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// The URL of the key.
    fn below(&self, base: &HttpUrl) -> String {
        format!("{}{}/{}", base.origin(), base.path().trim_end_matches('/'), self.0)
    }
}

/// What an answer brought.
pub(super) enum Answered {
    /// It is not one that was waited for.
    Ignored,
    /// The key of this id, to be accepted unless the caller objects.
    Key(KeyId, FetchedSet, Option<Seconds>),
    /// No key of this id.
    Nothing(KeyId, KeyFetchFault),
}

/// What a tick leads to.
pub(super) enum Due {
    /// This is to be requested, in the call of this number.
    Send(Endpoint, u64),
    /// There was no answer for this id in time.
    TimedOut(KeyId),
}

impl KeysById {
    pub(super) fn new(base: Endpoint, schedule: Schedule, profile: &TokenProfile) -> Self {
        let algorithms = profile.algorithms.clone();
        Self { base, schedule, algorithms, entries: Vec::new(), calls: 0, used_up_to: UnixSeconds::new(i64::MIN) }
    }

    /// The limit of one call.
    pub(super) const fn timeout(&self) -> Seconds {
        self.schedule.timeout
    }

    /// All keys that are held.
    pub(super) fn held(&self) -> impl Iterator<Item = &KeySet> {
        self.entries.iter().filter_map(|entry| Some(&entry.held.as_ref()?.set.keys))
    }

    /// The age of the key that was fetched longest ago.
    pub(super) fn age(&self, now: UnixSeconds) -> Option<Seconds> {
        self.entries.iter().filter_map(|entry| Some(now.since(entry.held.as_ref()?.fetched_at))).max()
    }

    /// The key of this id that may be used now.
    pub(super) fn current(&self, id: &str, now: UnixSeconds) -> Option<&KeySet> {
        let held = self.entries.iter().find(|entry| entry.id.0 == id)?.held.as_ref()?;
        (now < held.fresh_until.plus(self.schedule.max_stale)).then_some(&held.set.keys)
    }

    /// Whether a key that is not available may become available.
    pub(super) fn prospect(&self, id: &str, now: UnixSeconds) -> Prospect {
        let Some(id) = KeyId::parse(id) else { return Prospect::None };
        let entry = self.entries.iter().find(|entry| entry.id == id && !entry.is_over(now));
        match entry.map(|entry| entry.state) {
            Some(State::Failed { until, absent: true }) if now < until => Prospect::None,
            Some(State::Failed { until, absent: false }) if now < until => Prospect::Later(until.since(now)),
            Some(State::Fetching { .. }) => Prospect::Coming,
            None if self.sought() >= MAX_SOUGHT_KEYS => Prospect::Later(self.schedule.refetch_interval),
            Some(State::Due(_) | State::Failed { .. }) | None => {
                let turn = self.turn();
                if turn <= now { Prospect::Coming } else { Prospect::Queued(turn.since(now)) }
            }
        }
    }

    /// Lets a fetch for this id begin as soon as it may.
    pub(super) fn seek(&mut self, id: &str, now: UnixSeconds) {
        let Some(id) = KeyId::parse(id) else { return };
        // What is over must not be taken for a fetch to come: the next tick would remove it, and the request wait in vain.
        self.entries.retain(|entry| !entry.is_over(now));
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            if matches!(entry.state, State::Failed { until, .. } if now >= until) {
                entry.state = State::Due(now);
            }
        } else if self.sought() < MAX_SOUGHT_KEYS {
            self.entries.push(Entry { id, held: None, state: State::Due(now) });
        }
    }

    /// How many ids wait for their first fetch.
    fn sought(&self) -> usize {
        let waits = |entry: &&Entry| entry.held.is_none() && matches!(entry.state, State::Due(_));
        self.entries.iter().filter(waits).count()
    }

    /// When the next fetch for an id that is not known may begin.
    fn turn(&self) -> UnixSeconds {
        let burst = self.schedule.refetch_interval.get().saturating_mul(BURST.saturating_sub(1));
        self.used_up_to.minus(Seconds::new(burst))
    }

    /// Begins the fetches that are due, and ends those that have timed out.
    pub(super) fn tick(&mut self, now: UnixSeconds) -> Vec<Due> {
        self.clamp_to_clock(now);
        let max_stale = self.schedule.max_stale;
        for entry in &mut self.entries {
            entry.held = entry.held.take().filter(|held| now < held.fresh_until.plus(max_stale));
        }
        self.entries.retain(|entry| !entry.is_over(now));
        let mut due = Vec::new();
        let mut turns: u64 = 0;
        let mut used_up_to = self.used_up_to;
        let burst = Seconds::new(self.schedule.refetch_interval.get().saturating_mul(BURST.saturating_sub(1)));
        for entry in &mut self.entries {
            match entry.state {
                State::Fetching { until, .. } if now >= until => due.push(Due::TimedOut(entry.id.clone())),
                State::Due(time) | State::Failed { until: time, .. } if now >= time => {
                    if entry.held.is_none() {
                        if used_up_to.minus(burst) > now {
                            continue;
                        }
                        used_up_to = used_up_to.max(now).plus(self.schedule.refetch_interval);
                    }
                    let Ok(url) = HttpUrl::parse(&entry.id.below(&self.base.url)) else { continue };
                    turns = turns.saturating_add(1);
                    let call = self.calls.wrapping_add(turns);
                    entry.state = State::Fetching { call, until: now.plus(self.schedule.timeout) };
                    due.push(Due::Send(Endpoint { url, cluster: self.base.cluster.clone() }, call));
                }
                State::Due(_) | State::Failed { .. } | State::Fetching { .. } => {}
            }
        }
        self.used_up_to = used_up_to;
        self.calls = self.calls.wrapping_add(turns);
        due
    }

    /// Moves every stored time to where it can lie at most, because the clock may have stepped back.
    fn clamp_to_clock(&mut self, now: UnixSeconds) {
        let Schedule { refresh_max, refetch_interval, timeout, .. } = self.schedule;
        self.used_up_to = self.used_up_to.min(now.plus(Seconds::new(refetch_interval.get().saturating_mul(BURST))));
        for entry in &mut self.entries {
            if let Some(held) = &mut entry.held {
                held.fetched_at = held.fetched_at.min(now);
                held.fresh_until = held.fresh_until.min(now.plus(refresh_max));
            }
            match &mut entry.state {
                State::Due(time) => *time = (*time).min(now.plus(refresh_max)),
                State::Fetching { until, .. } => *until = (*until).min(now.plus(timeout)),
                State::Failed { until, .. } => *until = (*until).min(now.plus(refetch_interval)),
            }
        }
    }

    /// Reads the answer to a call; `Err` if the request was not sent.
    pub(super) fn answered(&self, number: u64, answer: Result<&Response, FetchFault>, now: UnixSeconds) -> Answered {
        let is_waited_for =
            |entry: &&Entry| matches!(entry.state, State::Fetching { call, until } if call == number && now < until);
        let Some(entry) = self.entries.iter().find(is_waited_for) else { return Answered::Ignored };
        let id = entry.id.clone();
        let read = answer.map_err(KeyFetchFault::from).and_then(|response| {
            let set = FetchedSet::read_pem(response, &id.0, self.accepted())?;
            Ok((set, response.lifetime()))
        });
        match read {
            Ok((set, lifetime)) => Answered::Key(id, set, lifetime),
            Err(fault) => Answered::Nothing(id, fault),
        }
    }

    fn accepted(&self) -> Option<&[Algorithm]> {
        self.algorithms.listed()
    }

    /// Accepts a key. If there are too many, the one that was sought first is dropped.
    pub(super) fn accept(&mut self, id: &KeyId, set: FetchedSet, lifetime: Option<Seconds>, now: UnixSeconds) {
        let fresh_until = now.plus(self.schedule.fresh_for(lifetime));
        let held = self.entries.iter().filter(|entry| entry.held.is_some() && entry.id != *id).count();
        if held >= MAX_KEYS_BY_ID
            && let Some(first) = self.entries.iter().position(|entry| entry.held.is_some() && entry.id != *id)
        {
            self.entries.remove(first);
        }
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == *id) {
            entry.held = Some(Held { set, fetched_at: now, fresh_until });
            entry.state = State::Due(fresh_until);
        }
    }

    /// Notes a fetch that brought no key, and returns the time until the next attempt. A key that is held stays in use until
    /// it is too stale, unless the provider said that it has no such key.
    pub(super) fn fail(&mut self, id: &KeyId, fault: &KeyFetchFault, now: UnixSeconds) -> Seconds {
        let absent = matches!(fault, KeyFetchFault::Fetch(FetchFault::Status(404 | 410)));
        let pause = self.schedule.refetch_interval;
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == *id) {
            entry.held = entry.held.take().filter(|_| !absent);
            entry.state = State::Failed { until: now.plus(pause), absent };
        }
        pause
    }

    /// Discards the keys that this says are another provider's.
    pub(super) fn discard(&mut self, is_other: impl Fn(&KeySet) -> bool) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !entry.held.as_ref().is_some_and(|held| is_other(&held.set.keys)));
        self.entries.len() < before
    }
}

#[cfg(test)]
mod tests;
