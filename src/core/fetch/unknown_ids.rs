//! Ids that a provider was asked for and does not have. They do not cause another fetch for a while.
//!
//! An issuer may sign with a key shortly before it publishes the key. An id is therefore considered unknown for one interval
//! only; each time it is looked up again without success, that time doubles. Every document that comes without the id
//! restarts the time, whatever caused the fetch. The number of entries is bounded: the oldest one is dropped first, which may
//! cost a fetch within the limits of the provider's interval, but never changes a decision.

use std::collections::VecDeque;

use hmac_sha256::Hash;

use crate::limits::MAX_UNKNOWN_KEYS;
use crate::time::{Seconds, UnixSeconds};

/// How often the time doubles: to at most eight times the interval.
const MOST_DOUBLINGS: u32 = 3;

/// The SHA-256 of an id. Clients choose how long an id is, so ids themselves are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IdDigest([u8; 32]);

impl IdDigest {
    pub(super) fn of(id: &str) -> Self {
        Self(Hash::hash(id.as_bytes()))
    }
}

/// The ids that a provider does not have.
#[derive(Clone, Debug, Default)]
pub(super) struct UnknownIds(VecDeque<Unknown>);

#[derive(Clone, Debug)]
struct Unknown {
    id: IdDigest,
    /// When the last document without it came.
    noted: UnixSeconds,
    /// How often it was looked up again after the first time.
    repeated: u32,
}

impl UnknownIds {
    /// Notes an id that was looked up without success.
    pub(super) fn note(&mut self, id: IdDigest, now: UnixSeconds) {
        let before = self.0.iter().position(|unknown| unknown.id == id).and_then(|index| self.0.remove(index));
        if self.0.len() >= MAX_UNKNOWN_KEYS {
            self.0.pop_front();
        }
        let repeated = before.map_or(0, |before| before.repeated.saturating_add(1).min(MOST_DOUBLINGS));
        self.0.push_back(Unknown { id, noted: now, repeated });
    }

    /// Processes a new document: forgets the ids that it contains, and restarts the time of the others.
    pub(super) fn renew(&mut self, is_present: impl Fn(IdDigest) -> bool, now: UnixSeconds) {
        self.0.retain(|unknown| !is_present(unknown.id));
        for unknown in &mut self.0 {
            unknown.noted = now;
        }
    }

    /// Whether a document came without the id so recently that it is not looked up again. `interval` is the time after the
    /// first lookup.
    pub(super) fn holds(&self, id: IdDigest, now: UnixSeconds, interval: Seconds) -> bool {
        self.0.iter().filter(|unknown| unknown.id == id).any(|unknown| {
            let held_for = Seconds::new(interval.get().saturating_mul(1_u64.wrapping_shl(unknown.repeated)));
            // An entry with a time in the future was made before the clock stepped back, and is ignored.
            unknown.noted <= now && now.since(unknown.noted) < held_for
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{IdDigest, UnknownIds};
    use crate::limits::MAX_UNKNOWN_KEYS;
    use crate::portable;
    use crate::time::{Seconds, UnixSeconds};

    const INTERVAL: Seconds = Seconds::new(60);

    fn id(text: &str) -> IdDigest {
        IdDigest::of(text)
    }

    #[portable]
    fn an_id_is_held_for_the_interval_and_not_before_it_was_noted() {
        let mut unknown = UnknownIds::default();
        let noted = UnixSeconds::new(1_000);
        unknown.note(id("a"), noted);
        assert!(unknown.holds(id("a"), noted, INTERVAL));
        assert!(unknown.holds(id("a"), UnixSeconds::new(1_059), INTERVAL));
        assert!(!unknown.holds(id("a"), UnixSeconds::new(1_060), INTERVAL));
        assert!(!unknown.holds(id("a"), UnixSeconds::new(999), INTERVAL), "the clock stepped back");
        assert!(!unknown.holds(id("b"), noted, INTERVAL));
    }

    #[portable]
    fn an_id_that_is_sought_in_vain_again_is_held_twice_as_long_up_to_eight_times() {
        let mut unknown = UnknownIds::default();
        let mut now = UnixSeconds::new(1_000);
        for held_for in [60, 120, 240, 480, 480] {
            unknown.note(id("a"), now);
            assert!(unknown.holds(id("a"), now.plus(Seconds::new(held_for - 1)), INTERVAL), "{held_for}");
            now = now.plus(Seconds::new(held_for));
            assert!(!unknown.holds(id("a"), now, INTERVAL), "{held_for}");
        }
    }

    #[portable]
    fn a_set_without_an_id_holds_it_from_then_on_and_one_that_has_it_ends_that() {
        let mut unknown = UnknownIds::default();
        unknown.note(id("a"), UnixSeconds::new(1_000));
        unknown.renew(|_| false, UnixSeconds::new(1_059));
        assert!(unknown.holds(id("a"), UnixSeconds::new(1_118), INTERVAL));
        assert!(!unknown.holds(id("a"), UnixSeconds::new(1_119), INTERVAL), "it is not held for longer each time");
        unknown.renew(|present| present == id("a"), UnixSeconds::new(1_060));
        assert!(!unknown.holds(id("a"), UnixSeconds::new(1_060), INTERVAL));
    }

    #[portable]
    fn at_the_cap_the_oldest_goes() {
        let mut unknown = UnknownIds::default();
        let now = UnixSeconds::new(1_000);
        for index in 0..MAX_UNKNOWN_KEYS {
            unknown.note(id(&index.to_string()), now);
        }
        assert!(unknown.holds(id("0"), now, INTERVAL));
        unknown.note(id("0"), now);
        unknown.note(id("one more"), now);
        assert!(unknown.holds(id("0"), now, INTERVAL), "noted again, it is not the oldest");
        assert!(!unknown.holds(id("1"), now, INTERVAL));
        assert!(unknown.holds(id("one more"), now, INTERVAL));
    }
}
