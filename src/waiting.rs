//! The requests that wait for keys: who, for whose, and until when. Bounded in number and time.

use crate::limits::{LONGEST_WAIT, MAX_WAITING_FOR_UNKNOWN_KEY, MAX_WAITING_REQUESTS};
use crate::provider::ProviderName;
use crate::time::UnixSeconds;
use crate::trust::{MissingKey, Prospect};

/// The waiting requests of one worker, each with what its host keeps of it.
#[derive(Debug)]
pub struct WaitingRoom<T> {
    places: Vec<Place<T>>,
}

#[derive(Debug)]
struct Place<T> {
    stream: u32,
    missing: MissingKey,
    until: UnixSeconds,
    kept: T,
}

impl<T> Place<T> {
    /// A clock that stepped back must not make anybody wait for longer.
    fn is_overdue(&self, now: UnixSeconds) -> bool {
        now >= self.until || now.plus(LONGEST_WAIT) < self.until
    }
}

impl<T> Default for WaitingRoom<T> {
    fn default() -> Self {
        Self { places: Vec::new() }
    }
}

impl<T: Clone> WaitingRoom<T> {
    /// Lets a request wait for a key that may come. False where there is no room for it: requests with an unknown `kid`,
    /// which anybody can make up, have only a part of it.
    #[must_use]
    pub fn enter(&mut self, stream: u32, missing: &MissingKey, now: UnixSeconds, kept: T) -> bool {
        let made_up = self.places.iter().filter(|place| place.missing.key_id.is_some()).count();
        let is_room = self.places.len() < MAX_WAITING_REQUESTS
            && (missing.key_id.is_none() || made_up < MAX_WAITING_FOR_UNKNOWN_KEY);
        if missing.prospect != Prospect::Coming || !is_room {
            return false;
        }
        self.places.push(Place { stream, missing: missing.clone(), until: now.plus(LONGEST_WAIT), kept });
        true
    }

    /// Lets a request that was woken wait on for another key, no longer than it might wait for the first. False where its
    /// time is up, or that key will not come.
    #[must_use]
    pub fn stay(&mut self, stream: u32, missing: &MissingKey, now: UnixSeconds) -> bool {
        let place = self.places.iter_mut().find(|place| place.stream == stream);
        match place {
            Some(place) if missing.prospect == Prospect::Coming && !place.is_overdue(now) => {
                place.missing = missing.clone();
                true
            }
            _ => false,
        }
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
mod tests {
    use super::WaitingRoom;
    use crate::limits::{MAX_WAITING_FOR_UNKNOWN_KEY, MAX_WAITING_REQUESTS};
    use crate::portable;
    use crate::provider::ProviderName;
    use crate::time::{Seconds, UnixSeconds};
    use crate::trust::{MissingKey, Prospect};

    const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

    fn keys_of(provider: &str) -> MissingKey {
        MissingKey { provider: ProviderName::new(provider), key_id: None, prospect: Prospect::Coming }
    }

    fn unknown(key_id: &str) -> MissingKey {
        MissingKey { key_id: Some(key_id.to_owned()), ..keys_of("corp") }
    }

    fn later(seconds: i64) -> UnixSeconds {
        crate::testing::later(NOW, seconds)
    }

    #[portable]
    fn a_request_waits_for_one_provider_and_no_longer_than_the_bound() {
        let mut room = WaitingRoom::default();
        assert!(room.enter(1, &keys_of("corp"), NOW, ()));
        assert!(room.enter(2, &keys_of("mdm"), later(2), ()));
        assert_eq!(room.waiting_for(&ProviderName::new("corp")), [1]);
        assert_eq!(room.overdue(later(4)), [] as [u32; 0]);
        assert_eq!(room.overdue(later(5)), [1]);
        assert_eq!(room.overdue(later(-60)), [1, 2], "the clock stepped back");
        assert!(!room.stay(1, &keys_of("corp"), later(-60)));
    }

    #[portable]
    fn who_waits_on_for_another_key_keeps_the_first_bound() {
        let mut room = WaitingRoom::default();
        assert!(room.enter(1, &keys_of("corp"), NOW, ()));
        assert!(room.stay(1, &keys_of("mdm"), later(4)));
        assert_eq!(room.waiting_for(&ProviderName::new("mdm")), [1]);
        assert!(!room.stay(1, &keys_of("mdm"), later(5)));
        let later_than_that = MissingKey { prospect: Prospect::Later(Seconds::new(9)), ..keys_of("mdm") };
        assert!(!room.stay(1, &later_than_that, NOW));
        assert!(!room.stay(2, &keys_of("mdm"), NOW), "who never entered cannot stay");
    }

    #[portable]
    fn who_leaves_leaves_nothing_behind() {
        let mut room = WaitingRoom::default();
        assert!(room.enter(1, &keys_of("corp"), NOW, "kept"));
        assert!(room.has(1));
        assert_eq!(room.leave(1), Some("kept"));
        assert!(!room.has(1));
        assert_eq!(room.leave(1), None);
        assert!(room.waiting_for(&ProviderName::new("corp")).is_empty());
    }

    #[portable]
    fn nobody_waits_for_a_key_that_will_not_come() {
        let mut room = WaitingRoom::default();
        for prospect in [Prospect::None, Prospect::Later(Seconds::new(1))] {
            assert!(!room.enter(1, &MissingKey { prospect, ..keys_of("corp") }, NOW, ()));
        }
    }

    #[portable]
    fn unknown_key_ids_take_only_their_part_of_the_room() {
        let mut room = WaitingRoom::default();
        let mut streams = 0..;
        let mut next = || streams.next().unwrap();
        for _ in 0..MAX_WAITING_FOR_UNKNOWN_KEY {
            assert!(room.enter(next(), &unknown("made-up"), NOW, ()));
        }
        assert!(!room.enter(next(), &unknown("made-up"), NOW, ()));
        for _ in MAX_WAITING_FOR_UNKNOWN_KEY..MAX_WAITING_REQUESTS {
            assert!(room.enter(next(), &keys_of("corp"), NOW, ()));
        }
        assert!(!room.enter(next(), &keys_of("corp"), NOW, ()));
        assert!(room.leave(0).is_some());
        assert!(room.enter(next(), &keys_of("corp"), NOW, ()));
    }
}
