//! Tokens whose signature was verified, remembered for the next request that presents the same bytes.
//!
//! What is remembered follows from the bytes of a token and from one public key alone: the holder of the key has signed
//! these claims. No decision is remembered: for each request the key is chosen again from the keys that are trusted then,
//! and the time, the sender and the binding are checked again. So an expired token and a rotated key end at once what they
//! must end. What was read in the claims ([`Reading`](super::Reading)) is remembered with them. It follows from the
//! configuration too, so each configuration has a memory of its own.
//!
//! Only a token that was verified is remembered, so a client cannot fill the memory without its issuer.

mod weight;

use core::cell::Cell;
use core::mem;
use std::collections::HashMap;
use std::rc::Rc;

use super::{Rounding, VerifiedToken};
use crate::text::are_equal;
use crate::time::{Seconds, UnixSeconds};
pub(crate) use weight::allocated;
use weight::weight;

/// Bytes of the token's end that it is looked up by: a part of the signature.
const SAMPLE_BYTES: usize = 16;

/// Entries that are looked at for each one that is added, to drop those that have expired.
const SWEPT_PER_ENTRY: usize = 2;

/// How long an entry is kept after `exp`: longer than any tolerance between clocks.
const AFTER_EXPIRY: Seconds = Seconds::new(600);

/// The memory, bounded in bytes. If it is full, entries that no request has used since they were last looked at make
/// room; the default remembers nothing.
#[derive(Default)]
pub struct TokenMemory {
    max_bytes: usize,
    bytes: usize,
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    by_sample: HashMap<Sample, Vec<usize>>,
    /// The next entry that is looked at when room is needed.
    hand: usize,
}

struct Entry {
    token: Rc<VerifiedToken>,
    bytes: usize,
    expires: Option<UnixSeconds>,
    used: Cell<bool>,
}

/// What a token is looked up by. Tokens with equal samples are compared whole.
type Sample = (usize, [u8; SAMPLE_BYTES]);

impl TokenMemory {
    /// An empty memory of at most this many bytes.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, ..Self::default() }
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len().saturating_sub(self.free.len())
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that it counts.
    #[cfg(test)]
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The token of exactly these bytes.
    #[must_use]
    pub fn get(&self, text: &[u8]) -> Option<Rc<VerifiedToken>> {
        let entry = self.entry(text)?;
        entry.used.set(true);
        Some(Rc::clone(&entry.token))
    }

    fn entry(&self, text: &[u8]) -> Option<&Entry> {
        let places = self.by_sample.get(&sample(text)?)?;
        let entries = places.iter().filter_map(|place| self.entries.get(*place)?.as_ref());
        entries.into_iter().find(|entry| are_equal(entry.token.text(), text))
    }

    /// Remembers a token, unless it takes more than the whole memory. Of a token with a reading of its claims it does not
    /// keep the claims.
    pub fn keep(&mut self, mut token: Rc<VerifiedToken>, now: UnixSeconds) {
        let expires = token.claims().ok().and_then(|claims| claims.time("exp", Rounding::Up).ok().flatten());
        // The request is over, so nobody else has the token.
        if let Some(token) = Rc::get_mut(&mut token) {
            token.drop_claims_that_were_read();
        }
        let bytes = weight(&token);
        let Some(sample) = sample(token.text()).filter(|_| bytes <= self.max_bytes) else { return };
        self.forget(token.text());
        self.sweep(now);
        while self.bytes.saturating_add(bytes) > self.max_bytes && !self.is_empty() {
            self.make_room(now);
        }
        let entry = Some(Entry { token, bytes, expires, used: Cell::new(false) });
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.entries.push(None);
                self.entries.len().saturating_sub(1)
            }
        };
        let Some(free) = self.entries.get_mut(place) else { return };
        *free = entry;
        self.by_sample.entry(sample).or_default().push(place);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Drops the entry of these bytes: the same token verified with another key takes its place.
    fn forget(&mut self, text: &[u8]) {
        let is_it = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.token.text() == text);
        let places = sample(text).and_then(|sample| self.by_sample.get(&sample)).cloned().unwrap_or_default();
        for place in places {
            if self.entries.get(place).is_some_and(is_it) {
                self.drop_entry(place);
            }
        }
    }

    /// Looks at a few entries, and drops those that have expired.
    fn sweep(&mut self, now: UnixSeconds) {
        for _ in 0..SWEPT_PER_ENTRY {
            let place = self.next_place();
            let entry = self.entries.get(place).and_then(Option::as_ref);
            if entry.is_some_and(|entry| entry.has_expired(now)) {
                self.drop_entry(place);
            }
        }
    }

    /// Looks at the next entry, and drops it if it has expired or was not used since it was last looked at.
    fn make_room(&mut self, now: UnixSeconds) {
        let place = self.next_place();
        let entry = self.entries.get(place).and_then(Option::as_ref);
        if entry.is_some_and(|entry| entry.has_expired(now) || !entry.used.replace(false)) {
            self.drop_entry(place);
        }
    }

    fn next_place(&mut self) -> usize {
        let next = self.hand.saturating_add(1);
        let next = if next < self.entries.len() { next } else { 0 };
        mem::replace(&mut self.hand, next)
    }

    fn drop_entry(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place).and_then(Option::take) else { return };
        self.free.push(place);
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        let Some(sample) = sample(entry.token.text()) else { return };
        if let Some(places) = self.by_sample.get_mut(&sample) {
            places.retain(|other| *other != place);
            if places.is_empty() {
                self.by_sample.remove(&sample);
            }
        }
    }
}

impl Entry {
    fn has_expired(&self, now: UnixSeconds) -> bool {
        self.expires.is_some_and(|expires| expires.plus(AFTER_EXPIRY) < now)
    }
}

/// `None` for a text that is shorter than a signature, which no verified token is.
fn sample(text: &[u8]) -> Option<Sample> {
    text.last_chunk().map(|end| (text.len(), *end))
}

#[cfg(test)]
mod tests;
