//! Key ids that a provider was asked for in vain, so that a token with one of them does not make it be asked again at once.
//!
//! An issuer may sign with a key shortly before its set has it, so an id is not held against a token for long at first; one
//! that is sought in vain again and again is held twice as long each time. Bounded: the oldest goes first, which costs a
//! fetch within the provider's interval, never a decision.

use std::collections::VecDeque;

use crate::limits::MAX_UNKNOWN_KEYS;
use crate::time::{Seconds, UnixSeconds};

/// How often the time for which an id is held doubles: up to eight times the first.
const MOST_DOUBLINGS: u32 = 3;

/// Ids that were not found.
#[derive(Clone, Debug, Default)]
pub(super) struct UnknownKeys(VecDeque<Unknown>);

#[derive(Clone, Debug)]
struct Unknown {
    key_id: String,
    /// When it was not found last.
    noted: UnixSeconds,
    /// How often it was sought again since it was first not found.
    repeated: u32,
}

impl UnknownKeys {
    /// Notes one.
    pub(super) fn note(&mut self, key_id: String, now: UnixSeconds) {
        let before = self.0.iter().position(|unknown| unknown.key_id == key_id).and_then(|index| self.0.remove(index));
        if self.0.len() >= MAX_UNKNOWN_KEYS {
            self.0.pop_front();
        }
        let repeated = before.map_or(0, |before| before.repeated.saturating_add(1).min(MOST_DOUBLINGS));
        self.0.push_back(Unknown { key_id, noted: now, repeated });
    }

    /// Whether it was not found so recently that it is not sought again; at first that is `interval`.
    pub(super) fn holds(&self, key_id: &str, now: UnixSeconds, interval: Seconds) -> bool {
        self.0.iter().filter(|unknown| unknown.key_id == key_id).any(|unknown| {
            let held_for = Seconds::new(interval.get().saturating_mul(1_u64.wrapping_shl(unknown.repeated)));
            // An entry from a time that lies ahead is one from before the clock stepped back: it says nothing.
            unknown.noted <= now && now.since(unknown.noted) < held_for
        })
    }
}

#[cfg(test)]
mod tests {
    use super::UnknownKeys;
    use crate::limits::MAX_UNKNOWN_KEYS;
    use crate::portable;
    use crate::time::{Seconds, UnixSeconds};

    const INTERVAL: Seconds = Seconds::new(60);

    #[portable]
    fn an_id_is_held_for_the_interval_and_not_before_it_was_noted() {
        let mut unknown = UnknownKeys::default();
        let noted = UnixSeconds::new(1_000);
        unknown.note("a".to_owned(), noted);
        assert!(unknown.holds("a", noted, INTERVAL));
        assert!(unknown.holds("a", UnixSeconds::new(1_059), INTERVAL));
        assert!(!unknown.holds("a", UnixSeconds::new(1_060), INTERVAL));
        assert!(!unknown.holds("a", UnixSeconds::new(999), INTERVAL), "the clock stepped back");
        assert!(!unknown.holds("b", noted, INTERVAL));
    }

    #[portable]
    fn an_id_that_is_sought_in_vain_again_is_held_twice_as_long_up_to_eight_times() {
        let mut unknown = UnknownKeys::default();
        let mut now = UnixSeconds::new(1_000);
        for held_for in [60, 120, 240, 480, 480] {
            unknown.note("a".to_owned(), now);
            assert!(unknown.holds("a", now.plus(Seconds::new(held_for - 1)), INTERVAL), "{held_for}");
            now = now.plus(Seconds::new(held_for));
            assert!(!unknown.holds("a", now, INTERVAL), "{held_for}");
        }
    }

    #[portable]
    fn at_the_cap_the_oldest_goes() {
        let mut unknown = UnknownKeys::default();
        let now = UnixSeconds::new(1_000);
        for index in 0..MAX_UNKNOWN_KEYS {
            unknown.note(index.to_string(), now);
        }
        assert!(unknown.holds("0", now, INTERVAL));
        unknown.note("0".to_owned(), now);
        unknown.note("one more".to_owned(), now);
        assert!(unknown.holds("0", now, INTERVAL), "noted again, it is not the oldest");
        assert!(!unknown.holds("1", now, INTERVAL));
        assert!(unknown.holds("one more", now, INTERVAL));
    }
}
