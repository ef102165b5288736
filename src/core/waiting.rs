//! The requests that wait for keys: who, for whose, and until when. Bounded in number and time.
//!
//! Requests with an unknown `kid`, which anybody can make up, have a part of the room. In that part and in the whole room
//! each client has a share, so that no client keeps out the others: at most as many places as are still free
//! ([`WAITING_PLACES_PER_FREE_PLACE`]). A request beyond the share of its client is answered as if the room were full.

mod client;

pub use client::Client;

use crate::keys::MissingKey;
use crate::limits::{LONGEST_WAIT, MAX_WAITING_FOR_UNKNOWN_KEY, MAX_WAITING_REQUESTS, WAITING_PLACES_PER_FREE_PLACE};
use crate::provider::ProviderName;
use crate::time::UnixSeconds;

/// The waiting requests of one worker, each with what its host keeps of it.
#[derive(Debug)]
pub struct WaitingRoom<T> {
    places: Vec<Place<T>>,
}

#[derive(Debug)]
struct Place<T> {
    stream: u32,
    client: Client,
    missing: MissingKey,
    until: UnixSeconds,
    kept: T,
}

impl<T> Place<T> {
    /// A clock that stepped back must not make anybody wait for longer.
    fn is_overdue(&self, now: UnixSeconds) -> bool {
        now >= self.until || now.plus(LONGEST_WAIT) < self.until
    }

    /// Whether it is in the part for requests with an unknown `kid`.
    fn is_for_unknown_key(&self) -> bool {
        self.missing.key_id.is_some()
    }
}

impl<T> Default for WaitingRoom<T> {
    fn default() -> Self {
        Self { places: Vec::new() }
    }
}

impl<T: Clone> WaitingRoom<T> {
    /// Lets a request wait for a key that is asked for soon enough. False where there is no room for it.
    #[must_use]
    pub fn enter(&mut self, stream: u32, client: Client, missing: &MissingKey, now: UnixSeconds, kept: T) -> bool {
        let is_room = self.has_room(MAX_WAITING_REQUESTS, client, |_| true) && self.takes(client, missing);
        if !missing.prospect.is_within(LONGEST_WAIT) || !is_room {
            return false;
        }
        self.places.push(Place { stream, client, missing: missing.clone(), until: now.plus(LONGEST_WAIT), kept });
        true
    }

    /// Lets a request that was woken wait on for another key, no longer than it might wait for the first. False where its
    /// time is up, or that key does not come in time, or there is no room for those that wait for such a key.
    #[must_use]
    pub fn stay(&mut self, stream: u32, missing: &MissingKey, now: UnixSeconds) -> bool {
        let Some(place) = self.places.iter().find(|place| place.stream == stream) else { return false };
        let is_in_time = !place.is_overdue(now) && missing.prospect.is_within(place.until.since(now));
        if !is_in_time || !(place.is_for_unknown_key() || self.takes(place.client, missing)) {
            return false;
        }
        if let Some(place) = self.places.iter_mut().find(|place| place.stream == stream) {
            place.missing = missing.clone();
        }
        true
    }

    /// Whether the part of the room for unknown `kid`s, where the key is one, has room for a request of this client.
    fn takes(&self, client: Client, missing: &MissingKey) -> bool {
        missing.key_id.is_none() || self.has_room(MAX_WAITING_FOR_UNKNOWN_KEY, client, Place::is_for_unknown_key)
    }

    /// Whether a client may have one more of so many places of one kind.
    fn has_room(&self, places: usize, client: Client, of_kind: impl Fn(&Place<T>) -> bool) -> bool {
        let (mut taken, mut own) = (0_usize, 0_usize);
        for place in self.places.iter().filter(|place| of_kind(place)) {
            taken = taken.saturating_add(1);
            own = own.saturating_add(usize::from(place.client == client));
        }
        own < places.saturating_sub(taken).saturating_mul(WAITING_PLACES_PER_FREE_PLACE)
    }

    /// A request waits no longer. What was kept of it, if it did wait.
    pub fn leave(&mut self, stream: u32) -> Option<T> {
        let index = self.places.iter().position(|place| place.stream == stream)?;
        Some(self.places.swap_remove(index).kept)
    }

    /// Whether this request waits.
    #[must_use]
    pub fn has(&self, stream: u32) -> bool {
        self.places.iter().any(|place| place.stream == stream)
    }

    /// The requests that wait for keys of this provider.
    #[must_use]
    pub fn waiting_for(&self, provider: &ProviderName) -> Vec<u32> {
        self.streams(|place| place.missing.provider == *provider)
    }

    /// The requests whose time is up.
    #[must_use]
    pub fn overdue(&self, now: UnixSeconds) -> Vec<u32> {
        self.streams(|place| place.is_overdue(now))
    }

    fn streams(&self, which: impl Fn(&Place<T>) -> bool) -> Vec<u32> {
        self.places.iter().filter(|place| which(place)).map(|place| place.stream).collect()
    }
}

#[cfg(test)]
mod tests;
