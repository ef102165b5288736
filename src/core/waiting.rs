//! The requests that wait for keys: which stream, for which key, and until when. Bounded in number and time.
//!
//! Requests with an unknown `kid`, or without one, which anybody can make up, may fill only a part of the room. In that part and in the
//! whole room each client has a share, so that no client keeps out the others: at most as many places as are still free
//! ([`WAITING_PLACES_PER_FREE_PLACE`]). A request beyond the share of its client is answered as if the room were full.

mod client;

pub use client::Client;

use crate::keys::MissingKey;
use crate::limits::{LONGEST_WAIT, MAX_WAITING_FOR_UNKNOWN_KEY, MAX_WAITING_REQUESTS, WAITING_PLACES_PER_FREE_PLACE};
use crate::provider::ProviderName;
use crate::time::UnixSeconds;

/// The waiting requests of one worker, by the ids of their streams.
#[derive(Debug, Default)]
pub struct WaitingRoom {
    parked: Vec<Parked>,
}

/// A request that waits for a key.
#[derive(Debug)]
struct Parked {
    stream: u32,
    client: Client,
    missing: MissingKey,
    until: UnixSeconds,
}

impl Parked {
    /// A clock that was set back must not extend the wait.
    fn is_overdue(&self, now: UnixSeconds) -> bool {
        now >= self.until || now.plus(LONGEST_WAIT) < self.until
    }

    /// Whether it occupies a place in the part for requests whose key is not in the set.
    fn is_for_unknown_key(&self) -> bool {
        self.missing.sought.is_some()
    }
}

impl WaitingRoom {
    /// Lets a request wait for a key, if the provider is asked for it soon enough and there is room. False otherwise.
    #[must_use]
    pub fn park(&mut self, stream: u32, client: Client, missing: &MissingKey, now: UnixSeconds) -> bool {
        let has_room = self.has_room(MAX_WAITING_REQUESTS, client, |_| true) && self.admits(client, missing);
        if !missing.prospect.is_within(LONGEST_WAIT) || !has_room {
            return false;
        }
        self.parked.push(Parked { stream, client, missing: missing.clone(), until: now.plus(LONGEST_WAIT) });
        true
    }

    /// Lets a request that was woken wait on, perhaps for another key, but no longer than it might wait for the first.
    /// False if its time is up, if that key does not come in time, or if there is no room among those that wait for
    /// such a key.
    #[must_use]
    pub fn repark(&mut self, stream: u32, missing: &MissingKey, now: UnixSeconds) -> bool {
        let Some(parked) = self.parked.iter().find(|parked| parked.stream == stream) else { return false };
        let is_in_time = !parked.is_overdue(now) && missing.prospect.is_within(parked.until.since(now));
        if !is_in_time || !(parked.is_for_unknown_key() || self.admits(parked.client, missing)) {
            return false;
        }
        if let Some(parked) = self.parked.iter_mut().find(|parked| parked.stream == stream) {
            parked.missing = missing.clone();
        }
        true
    }

    /// Whether a request of this client may wait for this key: for an unknown `kid`, only if that part of the room has
    /// room.
    fn admits(&self, client: Client, missing: &MissingKey) -> bool {
        missing.sought.is_none() || self.has_room(MAX_WAITING_FOR_UNKNOWN_KEY, client, Parked::is_for_unknown_key)
    }

    /// Whether a client may have one more of so many places of one kind.
    fn has_room(&self, places: usize, client: Client, of_kind: impl Fn(&Parked) -> bool) -> bool {
        let (mut occupied, mut own) = (0_usize, 0_usize);
        for parked in self.parked.iter().filter(|parked| of_kind(parked)) {
            occupied = occupied.saturating_add(1);
            own = own.saturating_add(usize::from(parked.client == client));
        }
        own < places.saturating_sub(occupied).saturating_mul(WAITING_PLACES_PER_FREE_PLACE)
    }

    /// Ends the wait of a request. False if it did not wait.
    pub fn unpark(&mut self, stream: u32) -> bool {
        let Some(index) = self.parked.iter().position(|parked| parked.stream == stream) else { return false };
        self.parked.swap_remove(index);
        true
    }

    /// The requests that wait for keys of this provider.
    #[must_use]
    pub fn waiting_for(&self, provider: &ProviderName) -> Vec<u32> {
        self.streams(|parked| parked.missing.provider == *provider)
    }

    /// The requests whose time is up.
    #[must_use]
    pub fn overdue(&self, now: UnixSeconds) -> Vec<u32> {
        self.streams(|parked| parked.is_overdue(now))
    }

    fn streams(&self, which: impl Fn(&Parked) -> bool) -> Vec<u32> {
        self.parked.iter().filter(|parked| which(parked)).map(|parked| parked.stream).collect()
    }
}

#[cfg(test)]
mod tests;
