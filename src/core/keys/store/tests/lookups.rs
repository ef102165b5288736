//! Tokens with a `kid` that no key at hand has, on one worker: when the provider is asked, and what is said until then.

use super::*;
use crate::limits::{MAX_JOSE_HEADER_BYTES, MAX_UNKNOWN_KEYS};
use crate::portable;
use crate::profile::Pin;

/// A worker that has the first set and may look something up.
fn with_first_set() -> Worker {
    let mut worker = Worker::new();
    worker.fetch(&first_set());
    worker
}

#[portable]
fn a_key_that_is_published_right_after_a_fetch_is_looked_up_at_once() {
    let mut worker = with_first_set();
    assert_eq!(worker.seek("second"), Prospect::Coming, "the set is of this very second");
    worker.fetch(&second_set());
    assert_eq!(worker.key_ids(), Ok(vec!["second"]), "a rotation: the new set replaces the old one whole");
    assert_eq!(worker.seek("first"), Prospect::None, "it was in the set before");
}

#[portable]
fn the_first_unknown_key_id_after_each_ordinary_refresh_is_looked_up() {
    let mut worker = with_first_set();
    for round in 0..5 {
        let refreshed = (0..800).any(|_| worker.wait(1));
        assert!(refreshed);
        worker.answered(&first_set(), None);
        let new = format!("new-{round}");
        assert_eq!(worker.seek(&new), Prospect::Coming);
        worker.fetch(&first_set());
        assert_eq!(worker.seek(&new), Prospect::None);
    }
}

#[portable]
fn one_lookup_is_at_hand_and_one_more_each_interval_and_nobody_is_told_that_a_key_is_unknown_before_it() {
    let mut worker = with_first_set();
    assert_eq!(worker.seek("one"), Prospect::Coming);
    assert_eq!(worker.seek("another"), Prospect::Coming);
    worker.fetch(&first_set());
    assert_eq!((worker.seek("one"), worker.seek("another")), (Prospect::None, Prospect::None));
    assert_eq!(worker.seek("second"), Prospect::Queued(Seconds::new(20)));
    assert!(!worker.wait(19));
    assert_eq!(worker.seek("second"), Prospect::Queued(Seconds::new(1)));
    assert!(worker.wait(1), "it is looked up though nobody asks again");
    assert!(wakes(&worker.answered(&second_set(), None)));
    assert_eq!(worker.key_ids(), Ok(vec!["second"]));
    assert!(!worker.wait(100), "nobody sought anything");
}

#[portable]
fn a_fetch_that_is_under_way_does_not_make_a_key_unknown() {
    let mut worker = with_first_set();
    while !worker.wait(1) {}
    assert_eq!(worker.seek("second"), Prospect::Coming);
    worker.answered(&first_set(), None);
    assert_eq!(
        worker.seek("second"),
        Prospect::Coming,
        "that answer may have been on its way before the key was there"
    );
    worker.fetch(&second_set());
    assert_eq!(worker.key_ids(), Ok(vec!["second"]));
    // The same with a lookup under way: the next one comes after an interval.
    let mut worker = with_first_set();
    worker.seek("made-up");
    assert!(sends(&worker.tick(None)));
    assert_eq!(worker.seek("second"), Prospect::Coming);
    worker.answered(&first_set(), None);
    assert_eq!(worker.seek("made-up"), Prospect::None);
    assert_eq!(worker.seek("second"), Prospect::Queued(Seconds::new(20)));
}

#[portable]
fn a_key_that_was_published_late_is_known_after_one_interval() {
    let mut worker = with_first_set();
    assert_eq!(worker.seek("second"), Prospect::Coming);
    worker.fetch(&first_set());
    assert_eq!(worker.seek("second"), Prospect::None);
    worker.wait(20);
    assert_eq!(worker.seek("second"), Prospect::Coming);
    worker.fetch(&second_set());
    assert_eq!(worker.key_ids(), Ok(vec!["second"]));
}

#[portable]
fn an_id_that_is_sought_in_vain_again_makes_fewer_fetches() {
    let mut worker = with_first_set();
    for held_for in [20, 40, 80, 160, 160] {
        assert_eq!(worker.seek("made-up"), Prospect::Coming);
        worker.fetch(&first_set());
        for _ in 0..held_for {
            assert_eq!(worker.seek("made-up"), Prospect::None);
            assert!(!worker.wait(1));
        }
    }
}

#[portable]
fn while_the_provider_cannot_be_asked_an_unknown_key_is_nobodys_fault() {
    let mut worker = with_first_set();
    assert_eq!(worker.seek("second"), Prospect::Coming);
    worker.fetch(&failure());
    assert_eq!(worker.seek("second"), Prospect::Later(Seconds::new(1)));
    assert_eq!(worker.key_ids(), Ok(vec!["first"]), "tokens of known keys do not notice");
    assert!(worker.wait(1), "the next try is no lookup of its own");
    worker.answered(&first_set(), None);
    assert_eq!(worker.seek("second"), Prospect::None, "that one was asked about it");
}

#[portable]
fn a_key_id_of_any_length_is_looked_up() {
    let mut worker = with_first_set();
    let long = "k".repeat(MAX_JOSE_HEADER_BYTES);
    assert_eq!(worker.seek(&long), Prospect::Coming);
    worker.fetch(&first_set());
    assert_eq!(worker.seek(&long), Prospect::None);
}

#[portable]
fn more_ids_than_are_remembered_are_not_told_that_they_are_unknown() {
    let mut worker = with_first_set();
    for number in 0..=MAX_UNKNOWN_KEYS {
        assert_eq!(worker.seek(&format!("made-up-{number}")), Prospect::Coming);
    }
    worker.fetch(&first_set());
    assert_eq!(worker.seek(&format!("made-up-{}", MAX_UNKNOWN_KEYS - 1)), Prospect::None);
    assert_eq!(worker.seek(&format!("made-up-{MAX_UNKNOWN_KEYS}")), Prospect::Queued(Seconds::new(20)));
}

#[portable]
fn a_clock_that_steps_neither_stops_lookups_nor_makes_a_key_unknown() {
    for step in [-86_400, -1, 1, 86_400] {
        let mut worker = Worker::with(stale_for(604_800), 1);
        worker.fetch(&first_set());
        worker.seek("made-up");
        worker.fetch(&first_set());
        worker.seek("second");
        worker.now = testing::later(worker.now, step);
        assert_ne!(worker.seek("second"), Prospect::None, "{step}");
        let asked = (0..=20).any(|_| {
            worker.now = testing::later(worker.now, 1);
            assert_ne!(worker.seek("second"), Prospect::None, "{step}");
            sends(&worker.tick(None))
        });
        assert!(asked, "{step}: not looked up within an interval");
        worker.answered(&second_set(), None);
        assert_eq!(worker.key_ids(), Ok(vec!["second"]), "{step}");
    }
}

#[portable]
fn profiles_with_one_url_look_up_each_for_itself() {
    let (one, other) = (profile("corp"), profile("other"));
    let pinned = |value: &str, profile: &TokenProfile| TokenProfile {
        pins: vec![Pin { claim: "azp".to_owned(), values: vec![json!(value)] }],
        ..profile.clone()
    };
    let (one, other) = (pinned("web", &one), pinned("batch", &other));
    let mut store = TrustStore::new([(&one, &fetched()), (&other, &fetched())], 1);
    let sent = store.tick(None, NOW);
    for profile in [&one, &other] {
        answer_to(&mut store, &sent, profile, &first_set());
    }
    let mut sought = |profile: &TokenProfile| {
        let prospect = store.prospect(&profile.name, "second", NOW);
        let provider = profile.name.clone();
        store.seek(&MissingKey { provider, sought: Some("second".to_owned()), prospect }, NOW);
        let sent = store.tick(None, NOW);
        if sends(&sent) {
            answer_to(&mut store, &sent, profile, &first_set());
        }
        (prospect, sends(&sent))
    };
    assert_eq!(sought(&one), (Prospect::Coming, true));
    assert_eq!(sought(&other), (Prospect::Coming, true), "the lookup of another profile is none of this one's");
    assert_eq!(sought(&one), (Prospect::None, false));
}
