//! One worker, its answers and its clock, in every order of events.

use super::{Answered, BURST, Due, KeyId, KeysById};
use crate::fetch::{Endpoint, FetchFault, HttpUrl, Prospect, Response, Schedule};
use crate::jose::Algorithm;
use crate::keys::KeyFetchFault;
use crate::limits::{MAX_KEYS_BY_ID, MAX_PEM_BYTES, MAX_SOUGHT_KEYS};
use crate::mint::SigningKey;
use crate::portable;
use crate::profile::{Algorithms, TokenProfile};
use crate::testing::{NOW, key, later, profile};
use crate::time::{Seconds, UnixSeconds};

/// Fresh for 100 to 1,000 s, stale for 500 more, one unknown id in 20 s beyond the burst, 5 s for a call.
fn keys() -> KeysById {
    keys_at("https://keys.example/base/")
}

fn keys_at(base: &str) -> KeysById {
    let base = Endpoint { url: HttpUrl::parse(base).unwrap(), cluster: "keys".to_owned() };
    let schedule = Schedule {
        refresh_min: Seconds::new(100),
        refresh_max: Seconds::new(1_000),
        refetch_interval: Seconds::new(20),
        max_stale: Seconds::new(500),
        timeout: Seconds::new(5),
    };
    let algorithms = Algorithms::Listed(vec![Algorithm::Es256]);
    KeysById::new(base, schedule, &TokenProfile { algorithms, ..profile("door") })
}

fn id(number: usize) -> String {
    format!("12345678-1234-1234-1234-{number:012x}")
}

fn pem(key: &SigningKey) -> String {
    key.public_pem().unwrap()
}

fn response(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec(), body_bytes: body.len() }
}

fn good() -> Response {
    response(200, &pem(&key(Algorithm::Es256)))
}

/// The paths and calls of a tick; a timed-out id is `timeout`.
fn tick(keys: &mut KeysById, now: UnixSeconds) -> Vec<(String, u64)> {
    let due = keys.tick(now).into_iter().map(|due| match due {
        Due::Send(endpoint, call) => (endpoint.url.path(), call),
        Due::TimedOut(id) => {
            keys.fail(&id, &FetchFault::NoAnswer.into(), now);
            ("timeout".to_owned(), 0)
        }
    });
    let due: Vec<_> = due.collect();
    due
}

/// Delivers an answer, and accepts or notes what it brought.
fn answer(keys: &mut KeysById, call: u64, response: &Response, now: UnixSeconds) -> Result<(), String> {
    match keys.answered(call, Ok(response), now) {
        Answered::Ignored => Err("ignored".to_owned()),
        Answered::Key(id, set, lifetime) => {
            keys.accept(&id, set, lifetime, now);
            Ok(())
        }
        Answered::Nothing(id, fault) => {
            keys.fail(&id, &fault, now);
            Err(fault.outcome().to_owned())
        }
    }
}

/// Seeks one id and has it answered.
fn fetch(keys: &mut KeysById, id: &str, response: &Response, now: UnixSeconds) -> Result<(), String> {
    keys.seek(id, now);
    let sent = tick(keys, now);
    let (_, call) = sent.last().cloned().unwrap();
    answer(keys, call, response, now)
}

#[portable]
fn only_a_uuid_in_lower_case_is_an_id() {
    assert!(KeyId::parse("12345678-90ab-cdef-1234-567890abcdef").is_some());
    for text in [
        "",
        "12345678-90AB-cdef-1234-567890abcdef",
        "1234567890abcdef1234567890abcdef",
        "{12345678-90ab-cdef-1234-567890abcdef}",
        "urn:uuid:12345678-90ab-cdef-1234-567890abcdef",
        "12345678-90ab-cdef-1234-567890abcdef/",
        "12345678-90ab-cdef-1234-567890abcde",
        "12345678-90ab-cdef-1234-567890abcdef0",
        "12345678-90ab-cdef-1234-567890abcdeg",
        "12345678-90ab-cdef-1234-567890abcde\u{0660}",
        "../../../-../-../--../../../../../..",
        "12345678/90ab-cdef-1234-567890abcdef",
        "12345678-90ab-cdef-1234-..%2f567890a",
        "12345678-90ab-cdef-1234-567890abcde\n",
        " 2345678-90ab-cdef-1234-567890abcdef",
        "12345678-90ab-cdef-1234-567890abc?=#",
    ] {
        assert!(KeyId::parse(text).is_none(), "{text:?}");
        let mut keys = keys();
        assert_eq!(keys.prospect(text, NOW), Prospect::None, "{text:?}");
        keys.seek(text, NOW);
        assert_eq!(tick(&mut keys, NOW), [], "{text:?} is never asked for");
    }
}

#[portable]
fn a_key_that_is_sought_is_fetched_once_and_then_used() {
    let mut keys = keys();
    assert_eq!(keys.prospect(&id(1), NOW), Prospect::Coming);
    for _ in 0..3 {
        keys.seek(&id(1), NOW);
    }
    let sent = tick(&mut keys, NOW);
    assert_eq!(sent, [(format!("/base/{}", id(1)), 1)]);
    keys.seek(&id(1), NOW);
    assert_eq!(tick(&mut keys, NOW), [], "one fetch at a time for an id");
    assert_eq!(keys.prospect(&id(1), NOW), Prospect::Coming);
    assert!(keys.current(&id(1), NOW).is_none());
    assert_eq!(answer(&mut keys, 1, &good(), NOW), Ok(()));
    let set = keys.current(&id(1), NOW).unwrap();
    assert_eq!(set.keys()[0].key_id(), Some(id(1).as_str()));
    assert!(keys.current(&id(2), NOW).is_none());
    assert_eq!(answer(&mut keys, 1, &good(), NOW), Err("ignored".to_owned()), "the same answer again");
}

#[portable]
fn the_base_can_end_with_a_slash_or_not() {
    for (base, path) in [
        ("https://keys.example", format!("/{}", id(1))),
        ("https://keys.example/", format!("/{}", id(1))),
        ("https://keys.example/a", format!("/a/{}", id(1))),
        ("https://keys.example/a/", format!("/a/{}", id(1))),
    ] {
        let mut keys = keys_at(base);
        keys.seek(&id(1), NOW);
        assert_eq!(tick(&mut keys, NOW), [(path, 1)], "{base}");
    }
}

#[portable]
fn an_answer_without_a_usable_key_brings_none() {
    let large = format!("{}{}", pem(&key(Algorithm::Es256)), " ".repeat(MAX_PEM_BYTES));
    let at_cap = format!("{:<MAX_PEM_BYTES$}", pem(&key(Algorithm::Es256)));
    assert_eq!(fetch(&mut keys(), &id(1), &response(200, &at_cap), NOW), Ok(()));
    for (response, outcome) in [
        (response(404, ""), "status"),
        (response(500, ""), "status"),
        (response(302, ""), "redirect"),
        (response(0, ""), "no_answer"),
        (response(200, "garbage"), "no_usable_key"),
        (response(200, ""), "no_usable_key"),
        (response(200, &pem(&key(Algorithm::Es384))), "no_usable_key"),
        (response(200, &format!("{at_cap} ")), "too_large"),
        (response(200, &large), "too_large"),
    ] {
        let mut keys = keys();
        assert_eq!(fetch(&mut keys, &id(1), &response, NOW), Err(outcome.to_owned()), "{response:?}");
        assert!(keys.current(&id(1), NOW).is_none());
    }
}

#[portable]
fn an_id_that_the_provider_does_not_have_is_unknown_for_one_interval() {
    let mut keys = keys();
    let _ = fetch(&mut keys, &id(1), &response(404, ""), NOW);
    assert_eq!(keys.prospect(&id(1), later(NOW, 19)), Prospect::None);
    keys.seek(&id(1), later(NOW, 19));
    assert_eq!(tick(&mut keys, later(NOW, 19)), [], "it is not asked for again");
    tick(&mut keys, later(NOW, 20));
    assert_eq!(keys.prospect(&id(1), later(NOW, 20)), Prospect::Coming);
    assert_eq!(fetch(&mut keys, &id(1), &good(), later(NOW, 20)), Ok(()), "the provider has published it");
}

#[portable]
fn a_fetch_that_fails_otherwise_is_repeated_after_the_interval_and_says_when() {
    let mut keys = keys();
    let _ = fetch(&mut keys, &id(1), &response(500, ""), NOW);
    assert_eq!(keys.prospect(&id(1), later(NOW, 5)), Prospect::Later(Seconds::new(15)));
    let mut slow = self::keys();
    slow.seek(&id(1), NOW);
    assert_eq!(tick(&mut slow, NOW).len(), 1);
    assert_eq!(tick(&mut slow, later(NOW, 4)), []);
    assert_eq!(tick(&mut slow, later(NOW, 5)), [("timeout".to_owned(), 0)]);
    assert_eq!(answer(&mut slow, 1, &good(), later(NOW, 5)), Err("ignored".to_owned()), "too late");
}

#[portable]
fn ids_that_are_made_up_cause_a_burst_and_then_one_fetch_in_each_interval() {
    let mut keys = keys();
    let mut calls = 0;
    let mut made_up = 0;
    for second in 0..200 {
        for _ in 0..50 {
            made_up += 1;
            keys.seek(&id(made_up), later(NOW, second));
        }
        for (_, call) in tick(&mut keys, later(NOW, second)) {
            calls += 1;
            let _ = answer(&mut keys, call, &response(404, ""), later(NOW, second));
        }
        assert!(keys.entries.len() <= MAX_SOUGHT_KEYS + BURST as usize + 1, "{}", keys.entries.len());
    }
    assert_eq!(calls, BURST + 9, "200 seconds are ten intervals, of which the first begins with the burst");
}

#[portable]
fn a_held_key_is_used_and_refreshed_during_a_flood() {
    let mut keys = keys();
    assert_eq!(fetch(&mut keys, &id(1), &good(), NOW), Ok(()));
    for second in 0..3_000 {
        let now = later(NOW, second);
        for number in 0..20 {
            keys.seek(&id(1_000 + usize::try_from(second).unwrap() * 20 + number), now);
        }
        for (path, call) in tick(&mut keys, now) {
            let is_real = path.ends_with(&id(1));
            let _ = answer(&mut keys, call, &if is_real { good() } else { response(404, "") }, now);
        }
        assert!(keys.current(&id(1), now).is_some(), "after {second} s");
    }
}

#[portable]
fn at_the_cap_of_sought_ids_the_next_one_waits() {
    let mut keys = keys();
    for number in 0..MAX_SOUGHT_KEYS {
        assert_ne!(keys.prospect(&id(number), NOW), Prospect::Later(Seconds::new(20)));
        keys.seek(&id(number), NOW);
    }
    assert_eq!(keys.prospect(&id(99), NOW), Prospect::Later(Seconds::new(20)));
    keys.seek(&id(99), NOW);
    assert_eq!(keys.entries.len(), MAX_SOUGHT_KEYS);
}

#[portable]
fn at_the_cap_of_keys_the_one_that_was_sought_first_is_dropped() {
    let mut keys = keys();
    let mut now = NOW;
    for number in 0..MAX_KEYS_BY_ID {
        now = later(now, 20);
        assert_eq!(fetch(&mut keys, &id(number), &good(), now), Ok(()));
    }
    assert_eq!(keys.held().count(), MAX_KEYS_BY_ID);
    now = later(now, 20);
    assert_eq!(fetch(&mut keys, &id(99), &good(), now), Ok(()));
    assert_eq!(keys.held().count(), MAX_KEYS_BY_ID);
    assert!(keys.current(&id(0), now).is_none());
    assert!(keys.current(&id(1), now).is_some() && keys.current(&id(99), now).is_some());
}

#[portable]
fn a_key_that_is_withdrawn_ends_at_its_refresh() {
    let mut keys = keys();
    assert_eq!(fetch(&mut keys, &id(1), &good(), NOW), Ok(()));
    assert_eq!(tick(&mut keys, later(NOW, 999)), []);
    let sent = tick(&mut keys, later(NOW, 1_000));
    assert_eq!(sent.len(), 1, "it is no longer fresh");
    assert!(keys.current(&id(1), later(NOW, 1_000)).is_some(), "used until the answer is there");
    assert_eq!(answer(&mut keys, sent[0].1, &response(404, ""), later(NOW, 1_000)), Err("status".to_owned()));
    assert!(keys.current(&id(1), later(NOW, 1_000)).is_none());
    assert_eq!(keys.prospect(&id(1), later(NOW, 1_000)), Prospect::None);
}

#[portable]
fn a_key_that_cannot_be_refreshed_ends_after_max_stale() {
    let mut keys = keys();
    assert_eq!(fetch(&mut keys, &id(1), &good(), NOW), Ok(()));
    for second in 1_000..1_500 {
        for (path, call) in tick(&mut keys, later(NOW, second)) {
            assert!(path.ends_with(&id(1)));
            let _ = answer(&mut keys, call, &response(500, ""), later(NOW, second));
        }
        assert!(keys.current(&id(1), later(NOW, second)).is_some(), "{second}");
    }
    assert!(keys.current(&id(1), later(NOW, 1_500)).is_none(), "also before the next tick");
    tick(&mut keys, later(NOW, 1_500));
    assert_eq!(keys.held().count(), 0);
}

#[portable]
fn a_provider_can_shorten_how_long_a_key_is_fresh_within_the_bounds() {
    for (cache_control, fresh) in
        [("max-age=300", 300), ("max-age=1", 100), ("no-store", 100), ("max-age=999999", 1_000)]
    {
        let mut keys = keys();
        let headers = vec![("cache-control".to_owned(), cache_control.as_bytes().to_vec())];
        assert_eq!(fetch(&mut keys, &id(1), &Response { headers, ..good() }, NOW), Ok(()));
        assert_eq!(tick(&mut keys, later(NOW, fresh - 1)), [], "{cache_control}");
        assert_eq!(tick(&mut keys, later(NOW, fresh)).len(), 1, "{cache_control}");
    }
}

#[portable]
fn a_clock_that_steps_back_holds_nothing_up_for_longer_than_the_configuration_says() {
    let mut keys = keys();
    let ahead = later(NOW, 1_000_000);
    assert_eq!(fetch(&mut keys, &id(1), &good(), ahead), Ok(()));
    let _ = fetch(&mut keys, &id(2), &response(404, ""), ahead);
    tick(&mut keys, NOW);
    assert_eq!(tick(&mut keys, later(NOW, 1_000)).len(), 1, "the key is refreshed");
    assert_eq!(fetch(&mut keys, &id(2), &good(), later(NOW, 1_001)), Ok(()));
}

#[portable]
fn a_fault_is_kept_as_it_is() {
    let mut keys = keys();
    keys.seek(&id(1), NOW);
    tick(&mut keys, NOW);
    let Answered::Nothing(_, fault) = keys.answered(1, Err(FetchFault::NotSent), NOW) else { panic!("no fault") };
    assert_eq!(fault, KeyFetchFault::Fetch(FetchFault::NotSent));
}

#[portable]
fn an_id_that_is_sought_again_after_its_pause_is_fetched_at_the_next_tick() {
    let mut keys = keys();
    // With a key that is held too long and with none: the tick at which the pause ends has not come yet.
    for (number, since) in [(1, 1_490), (2, 0)] {
        if since > 0 {
            assert_eq!(fetch(&mut keys, &id(number), &good(), NOW), Ok(()));
        }
        let failed = later(NOW, since);
        keys.seek(&id(number), failed);
        for (_, call) in tick(&mut keys, failed) {
            assert_eq!(answer(&mut keys, call, &response(500, ""), failed), Err("status".to_owned()));
        }
        let over = later(failed, 20);
        assert_eq!(keys.prospect(&id(number), over), Prospect::Coming);
        keys.seek(&id(number), over);
        let sent = tick(&mut keys, over);
        assert_eq!(sent.len(), 1, "{number}");
        assert_eq!(answer(&mut keys, sent[0].1, &good(), over), Ok(()));
    }
}
