use super::{KeyIdDigest, Lookups};
use crate::fetch::shared::FetchId;
use crate::jose::{Algorithm, KeySet};
use crate::limits::MAX_UNKNOWN_KEYS;
use crate::portable;
use crate::testing::{key, key_set};
use crate::time::{Seconds, UnixSeconds};

const INTERVAL: Seconds = Seconds::new(20);
const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

fn fetch(number: u64) -> FetchId {
    FetchId::of(7, number)
}

/// A set that has a key of this name and no other.
fn only(key_id: &str) -> KeySet {
    key_set(&key(Algorithm::Es256), Some(key_id))
}

#[portable]
fn an_id_is_unknown_after_a_fetch_that_began_when_it_was_sought() {
    let mut lookups = Lookups::default();
    lookups.seek("new");
    lookups.settle(fetch(1));
    assert!(lookups.are_pending());
    lookups.answered(fetch(1), &only("old"), None, NOW);
    assert!(lookups.are_pending() && !lookups.is_unknown("new", NOW, INTERVAL), "it may have begun before");
    lookups.seek("newer");
    lookups.answered(fetch(2), &only("old"), None, NOW);
    assert!(lookups.is_unknown("new", NOW, INTERVAL));
    assert!(!lookups.is_unknown("newer", NOW, INTERVAL), "when that fetch began is not known to be later");
    assert!(lookups.are_pending());
}

#[portable]
fn an_id_that_a_set_has_is_looked_for_no_longer() {
    let mut lookups = Lookups::default();
    lookups.seek("new");
    lookups.answered(fetch(1), &only("new"), None, NOW);
    assert!(!lookups.are_pending() && !lookups.is_unknown("new", NOW, INTERVAL));
}

#[portable]
fn what_a_provider_withdrew_is_unknown_until_it_is_there_again() {
    let mut lookups = Lookups::default();
    lookups.answered(fetch(2), &only("new"), Some(&only("old")), NOW);
    assert!(lookups.is_unknown("old", NOW, INTERVAL));
    lookups.answered(fetch(3), &only("old"), Some(&only("new")), NOW);
    assert!(!lookups.is_unknown("old", NOW, INTERVAL) && lookups.is_unknown("new", NOW, INTERVAL));
}

#[portable]
fn no_more_ids_are_kept_than_the_cap_however_long_they_are() {
    let mut lookups = Lookups::default();
    let ids = || (0..3 * MAX_UNKNOWN_KEYS).map(|number| format!("{number}{}", "x".repeat(4_000)));
    for round in 0..5 {
        ids().for_each(|key_id| lookups.seek(&key_id));
        assert_eq!(lookups.sought.len(), MAX_UNKNOWN_KEYS);
        lookups.settle(fetch(round));
        lookups.answered(fetch(round.saturating_add(1)), &only("old"), None, NOW);
        assert!(!lookups.are_pending());
    }
    assert_eq!(ids().filter(|key_id| lookups.is_unknown(key_id, NOW, INTERVAL)).count(), MAX_UNKNOWN_KEYS);
    assert_eq!(size_of::<KeyIdDigest>(), 32);
    // A withdrawn key is not pushed out by them.
    ids().for_each(|key_id| lookups.seek(&key_id));
    lookups.settle(fetch(10));
    lookups.answered(fetch(11), &only("new"), Some(&only("withdrawn")), NOW);
    assert!(lookups.is_unknown("withdrawn", NOW, INTERVAL));
}
