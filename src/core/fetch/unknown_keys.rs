//! The ids of keys that a provider was asked about and does not have: a token with one of them is refused without another
//! fetch.
//!
//! An issuer may sign with a key shortly before its set has it, so an id is held against a token for one interval at first;
//! an id that is looked up again in vain is held twice as long each time. Each set that comes without the id begins that time
//! anew, whoever it was fetched for. Bounded: the oldest entry goes first, which costs a fetch within the provider's
//! interval, never a decision.

use std::collections::VecDeque;

use hmac_sha256::Hash;

use crate::limits::MAX_UNKNOWN_KEYS;
use crate::time::{Seconds, UnixSeconds};

/// How often the time for which an id is held doubles: up to eight times the first.
const MOST_DOUBLINGS: u32 = 3;

/// The id of a key as it is remembered: its SHA-256, because a client chooses how long a `kid` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyIdDigest([u8; 32]);

impl KeyIdDigest {
    pub(super) fn of(key_id: &str) -> Self {
        Self(Hash::hash(key_id.as_bytes()))
    }
}

/// Ids that a provider does not have.
#[derive(Clone, Debug, Default)]
pub(super) struct UnknownKeys(VecDeque<Unknown>);

#[derive(Clone, Debug)]
struct Unknown {
    key_id: KeyIdDigest,
    /// When the last set without it came.
    noted: UnixSeconds,
    /// How often it was looked up again since the first time.
    repeated: u32,
}

impl UnknownKeys {
    /// Notes an id that was looked up in vain.
    pub(super) fn note(&mut self, key_id: KeyIdDigest, now: UnixSeconds) {
        let before = self.0.iter().position(|unknown| unknown.key_id == key_id).and_then(|index| self.0.remove(index));
        if self.0.len() >= MAX_UNKNOWN_KEYS {
            self.0.pop_front();
        }
        let repeated = before.map_or(0, |before| before.repeated.saturating_add(1).min(MOST_DOUBLINGS));
        self.0.push_back(Unknown { key_id, noted: now, repeated });
    }

    /// A set came: forgets the ids that it has, and holds the others from now on.
    pub(super) fn renew(&mut self, is_there: impl Fn(KeyIdDigest) -> bool, now: UnixSeconds) {
        self.0.retain(|unknown| !is_there(unknown.key_id));
        for unknown in &mut self.0 {
            unknown.noted = now;
        }
    }

    /// Whether a set came without it so recently that it is not looked up again; at first that is `interval`.
    pub(super) fn holds(&self, key_id: KeyIdDigest, now: UnixSeconds, interval: Seconds) -> bool {
        self.0.iter().filter(|unknown| unknown.key_id == key_id).any(|unknown| {
            let held_for = Seconds::new(interval.get().saturating_mul(1_u64.wrapping_shl(unknown.repeated)));
            // An entry from a time that lies ahead is one from before the clock stepped back: it says nothing.
            unknown.noted <= now && now.since(unknown.noted) < held_for
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyIdDigest, UnknownKeys};
    use crate::limits::MAX_UNKNOWN_KEYS;
    use crate::portable;
    use crate::time::{Seconds, UnixSeconds};

    const INTERVAL: Seconds = Seconds::new(60);

    fn id(key_id: &str) -> KeyIdDigest {
        KeyIdDigest::of(key_id)
    }

    #[portable]
    fn an_id_is_held_for_the_interval_and_not_before_it_was_noted() {
        let mut unknown = UnknownKeys::default();
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
        let mut unknown = UnknownKeys::default();
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
        let mut unknown = UnknownKeys::default();
        unknown.note(id("a"), UnixSeconds::new(1_000));
        unknown.renew(|_| false, UnixSeconds::new(1_059));
        assert!(unknown.holds(id("a"), UnixSeconds::new(1_118), INTERVAL));
        assert!(!unknown.holds(id("a"), UnixSeconds::new(1_119), INTERVAL), "it is not held for longer each time");
        unknown.renew(|key_id| key_id == id("a"), UnixSeconds::new(1_060));
        assert!(!unknown.holds(id("a"), UnixSeconds::new(1_060), INTERVAL));
    }

    #[portable]
    fn at_the_cap_the_oldest_goes() {
        let mut unknown = UnknownKeys::default();
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
