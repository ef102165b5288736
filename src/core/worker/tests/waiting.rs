//! Requests that wait for keys.

use super::*;
use crate::limits::{MAX_WAITING_FOR_UNKNOWN_KEY, MAX_WAITING_REQUESTS, WAKES_AT_ONCE};
use crate::portable;
use crate::request::Headers;
use crate::worker::HostFault;

/// A proxy in which both providers have been asked for their keys, and one request waits for those of `corp`.
fn with_a_waiting_request() -> Proxy {
    let mut proxy = proxy(&configuration());
    proxy.headers(1, order());
    proxy.tick();
    assert_eq!((proxy.waiting(), proxy.fetches.len()), (1, 2));
    proxy
}

/// A proxy that has the keys of both providers.
fn with_keys() -> Proxy {
    let mut proxy = proxy(&configuration());
    proxy.tick();
    proxy.answer("corp", &corp_set());
    proxy.answer("mdm", &mdm_set());
    proxy
}

#[portable]
fn a_request_waits_for_one_key_after_the_other_and_is_resumed_once() {
    let mut proxy = with_a_waiting_request();
    assert!(!proxy.client(1).passed);
    proxy.advance(1);
    proxy.answer("corp", &corp_set());
    assert_eq!((proxy.waiting(), proxy.client(1).resumed), (1, 0), "now for the keys of mdm");
    proxy.advance(1);
    proxy.answer("mdm", &mdm_set());
    let record = proxy.client(1).recorded();
    assert_eq!((&record["latency_us"], &record["waited_us"]), (&json!(2_000_041), &json!(2_000_000)), "{record}");
    assert_eq!((proxy.waiting(), proxy.client(1).resumed), (0, 1));
    assert_eq!(proxy.client(1).guard(), Some("allow"));
    assert!(proxy.worker.passes(1));
    assert_eq!(proxy.count("decisions.outcome.allow.reason.permitted"), 1);
    assert_eq!(proxy.count("configurations"), 1);
    proxy.gone(1);
    assert_eq!(proxy.waiting(), 0);
}

#[portable]
fn the_fetch_that_a_request_waits_for_begins_at_a_tick_that_comes_soon() {
    let mut proxy = proxy(&configuration());
    assert!(proxy.tick.is_some_and(|period| period.as_millis() >= 10 && period.as_millis() < 1_510));
    proxy.headers(1, order());
    assert_eq!(proxy.tick.map(|period| period.as_millis()), Some(10));
    assert_eq!(proxy.fetches.len(), 0, "only the root may fetch");
    proxy.tick();
    assert_eq!(proxy.tick.map(|period| period.as_millis()), Some(1_000), "back to the usual pace");
    assert_eq!(proxy.fetches.len(), 2);
}

#[portable]
fn a_token_of_another_algorithm_than_its_key_is_refused_at_once_and_causes_no_fetch() {
    let mut proxy = with_keys();
    for stream in 1..=3 {
        proxy.headers(stream, order_signed_by(&key(Algorithm::Es384), KEY_ID));
        proxy.tick();
        assert_eq!(proxy.client(stream).answer(), Some((401, "token-key")));
        assert_eq!((proxy.waiting(), proxy.fetches.len()), (0, 0));
    }
}

#[portable]
fn nothing_passes_while_a_request_waits() {
    let mut proxy = with_a_waiting_request();
    assert!(!proxy.worker.passes(1));
    assert_eq!(proxy.worker.trailers(1, Ok(Headers::default())), None);
    assert_eq!(proxy.worker.open(1), None);
    assert_eq!(proxy.worker.forwarded(1, Ok(())), []);
    assert!(!proxy.worker.passes(1));
}

#[portable]
fn a_client_that_leaves_while_it_waits_frees_its_place_and_is_not_woken() {
    let mut proxy = with_a_waiting_request();
    proxy.gone(1);
    assert_eq!(proxy.waiting(), 0);
    proxy.answer("corp", &corp_set());
    assert_eq!(proxy.woken, [0; 0]);
    assert!(proxy.client(1).answers.is_empty());
    assert_eq!(proxy.worker.wanted(1), None);
    assert_eq!(proxy.worker.lost(1), []);
}

/// The client leaves between the plan to wake it and its turn, because another stream's answer called back.
#[portable]
fn a_client_that_leaves_just_before_its_turn_is_passed_over() {
    let mut worker = with_a_waiting_request().worker;
    worker.gone(1);
    assert_eq!(worker.wanted(1), None);
    assert_eq!(worker.request(1, Ok(order()), at(), &at), []);
}

#[portable]
fn a_stream_that_cannot_be_entered_is_given_up_and_passes_nothing() {
    let mut proxy = with_a_waiting_request();
    proxy.switch_fails.insert(1);
    proxy.answer("corp", &corp_set());
    assert_eq!((proxy.waiting(), proxy.worker.passes(1)), (0, false));
    assert!(proxy.client(1).answers.is_empty());
    assert_eq!(proxy.worker.open(1), None);
    proxy.switch_fails.clear();
    proxy.answer("mdm", &mdm_set());
    assert!(!proxy.client(1).reached_the_upstream());
}

#[portable]
fn a_host_failure_while_a_request_is_woken_ends_it_with_503() {
    let permitted = |proxy: &mut Proxy| {
        proxy.answer("corp", &corp_set());
        proxy.answer("mdm", &mdm_set());
    };
    for index in 0..10 {
        let mut proxy = with_a_waiting_request();
        proxy.fails_at = Some(index);
        permitted(&mut proxy);
        assert_eq!(proxy.client(1).answer(), Some((503, "host-failure")), "change {index}");
        assert_eq!((proxy.client(1).guard(), proxy.client(1).resumed, proxy.waiting()), (None, 0, 0));
    }
    let mut proxy = with_a_waiting_request();
    proxy.headers_fail = true;
    proxy.answer("corp", &corp_set());
    assert_eq!((proxy.client(1).answer(), proxy.waiting()), (Some((503, "host-failure")), 0));
}

#[portable]
fn a_request_whose_keys_cannot_be_fetched_is_told_to_try_again() {
    let mut proxy = with_a_waiting_request();
    proxy.fail_fetch("corp");
    assert_eq!(proxy.client(1).answer(), Some((503, "keys-unavailable")));
    assert_eq!(proxy.lines("could not be fetched"), 1);
}

#[portable]
fn a_fetch_that_is_not_sent_counts_as_failed_at_once() {
    let mut proxy = proxy(&configuration());
    proxy.headers(1, order());
    proxy.fetch_fails = true;
    proxy.tick();
    assert_eq!(proxy.client(1).answer(), Some((503, "keys-unavailable")));
    assert_eq!(proxy.count("keys.corp.fetches.outcome.not_sent"), 1);
    assert_eq!(proxy.waiting(), 0);
}

#[portable]
fn a_request_waits_for_five_seconds_at_most_whatever_the_clock_does() {
    for (seconds, waits) in [(4, true), (5, false), (3_600, false), (-60, false), (-1_000_000, false)] {
        let mut proxy = with_a_waiting_request();
        proxy.advance(seconds);
        proxy.tick();
        assert_eq!(proxy.client(1).answer().is_none(), waits, "after {seconds} seconds");
        assert_eq!(proxy.waiting(), i64::from(waits));
        assert!(!proxy.client(1).reached_the_upstream());
    }
}

#[portable]
fn a_clock_that_shows_nothing_plausible_lets_nothing_pass() {
    let mut proxy = with_keys();
    proxy.now = crate::time::UnixSeconds::new(0);
    proxy.headers(1, order());
    assert_eq!(proxy.client(1).answer(), Some((503, "clock-implausible")));
}

#[portable]
fn many_waiting_requests_are_woken_a_few_at_once_and_none_is_forgotten() {
    let mut proxy = proxy(&configuration());
    let streams = 4 * u32::try_from(WAKES_AT_ONCE).unwrap() + 1;
    for stream in 0..streams {
        proxy.headers(stream, from(stream as usize, order()));
    }
    assert_eq!(proxy.waiting(), i64::from(streams));
    proxy.tick();
    proxy.answer("mdm", &mdm_set());
    assert!(proxy.woken.is_empty(), "they wait for the keys of corp");
    proxy.answer("corp", &corp_set());
    while proxy.waiting() > 0 {
        assert_eq!(proxy.tick.map(|period| period.as_millis()), Some(10), "the rest follows soon");
        proxy.tick();
    }
    assert_eq!(proxy.woken, [50, 50, 50, 50, 1]);
    assert!(proxy.streams.values().all(|client| client.resumed == 1));
    proxy.tick();
    assert_eq!(proxy.tick.map(|period| period.as_millis()), Some(1_000));
}

/// Each of these streams is queued by two events, and still woken once.
#[portable]
fn a_stream_that_two_events_wake_is_decided_about_once() {
    let mut proxy = proxy(&configuration());
    let streams = u32::try_from(WAKES_AT_ONCE).unwrap() + 10;
    for stream in 0..streams {
        proxy.headers(stream, from(stream as usize, order()));
    }
    proxy.tick();
    proxy.answer("mdm", &mdm_set());
    proxy.advance(5);
    proxy.answer("corp", &corp_set());
    proxy.tick();
    assert_eq!(proxy.woken, [50, 10]);
    assert_eq!(proxy.waiting(), 0);
}

#[portable]
fn a_full_room_refuses_the_next_request_and_its_keys_are_fetched_all_the_same() {
    let mut proxy = proxy(&configuration());
    let places = u32::try_from(MAX_WAITING_REQUESTS).unwrap();
    let request = order();
    for stream in 0..places {
        proxy.headers(stream, from(stream as usize, request.clone()));
    }
    assert_eq!(proxy.waiting(), i64::from(places));
    proxy.headers(places, from(places as usize, request.clone()));
    assert_eq!(proxy.client(places).answer(), Some((503, "keys-unavailable")));
    proxy.gone(0);
    proxy.headers(places + 1, from(places as usize, request));
    assert_eq!((proxy.client(places + 1).answer(), proxy.waiting()), (None, i64::from(places)));
}

#[portable]
fn one_client_gets_half_of_the_places_for_unknown_keys() {
    let mut proxy = with_keys();
    let half = u32::try_from(MAX_WAITING_FOR_UNKNOWN_KEY).unwrap() / 2;
    for stream in 0..=half {
        proxy.headers(stream, from(1, order_signed_under("made-up")));
    }
    assert_eq!(proxy.waiting(), i64::from(half));
    assert_eq!(proxy.client(half).answer(), Some((503, "keys-unavailable")));
    proxy.headers(1_000, from(2, order_signed_under("made-up")));
    assert_eq!(proxy.client(1_000).answer(), None);
}

#[portable]
fn a_key_that_the_provider_does_not_have_is_refused_and_counted_once_it_was_asked() {
    let mut proxy = with_keys();
    proxy.headers(1, order_signed_under("made-up"));
    assert_eq!((proxy.waiting(), proxy.count("keys.corp.unknown_key_refusals")), (1, 0));
    proxy.tick();
    proxy.answer("corp", &corp_set());
    assert_eq!(proxy.client(1).answer(), Some((401, "token-key")));
    assert_eq!((proxy.waiting(), proxy.count("keys.corp.unknown_key_refusals")), (0, 1));
    proxy.headers(2, order_signed_under("made-up"));
    assert_eq!(proxy.client(2).answer(), Some((401, "token-key")), "it is known now, and does not wait");
    assert_eq!(proxy.count("keys.corp.unknown_key_refusals"), 2);
}

#[portable]
fn in_shadow_mode_no_request_waits_and_the_key_is_fetched_all_the_same() {
    let mut proxy = proxy(&shadow());
    proxy.tick();
    proxy.answer("corp", &corp_set());
    proxy.answer("mdm", &mdm_set());
    proxy.headers(1, order_signed_under("rotated"));
    assert!(proxy.client(1).passed);
    assert_eq!(proxy.tick.map(|period| period.as_millis()), Some(10));
    assert_eq!(proxy.waiting(), 0);
    proxy.tick();
    assert_eq!(proxy.fetches.len(), 1);
    proxy.answer("corp", &corp_set());
    proxy.headers(2, order_signed_under("rotated"));
    assert!(proxy.client(2).passed);
    assert_eq!(proxy.count("decisions.outcome.would_deny.reason.token_key"), 1);
    assert_eq!(proxy.count("keys.corp.unknown_key_refusals"), 0, "only refused requests are counted");
}

#[portable]
fn a_request_that_was_answered_is_not_woken_again() {
    let mut proxy = with_a_waiting_request();
    proxy.fail_fetch("corp");
    assert!(proxy.client(1).answer().is_some());
    for result in [Ok(()), Err(HostFault)] {
        assert_eq!(proxy.worker.forwarded(1, result), []);
    }
    proxy.answer("mdm", &mdm_set());
    proxy.advance(60);
    proxy.tick();
    proxy.answer("corp", &corp_set());
    assert_eq!(proxy.client(1).answers.len(), 1);
    assert!(!proxy.client(1).reached_the_upstream());
}
