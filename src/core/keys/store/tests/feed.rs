//! One worker that shares with no other.

use serde_json::json;

use super::*;
use crate::keys::{KeyHost, MetadataFault};
use crate::limits::LONGEST_BACK_OFF;
use crate::portable;
use crate::profile::Pin;
use crate::testing::jwk_set;

#[portable]
fn the_first_tick_fetches_and_until_the_answer_keys_are_coming() {
    let mut worker = Worker::new();
    assert_eq!(worker.key_ids(), Err(Prospect::Coming), "before the first tick");
    let effects = worker.tick(None);
    let endpoint = source().location.first().clone();
    let id = RequestId { provider: ProviderName::new("corp"), call: 1 };
    assert_eq!(effects, [Effect::Send(FetchRequest { id, endpoint, timeout: Seconds::new(5) })]);
    assert_eq!(worker.key_ids(), Err(Prospect::Coming));
    assert!(!worker.wait(3), "one fetch at a time");
    let effects = worker.answered(&first_set(), None);
    assert!(wakes(&effects) && !effects.contains(&Effect::TellWorkers), "{effects:?}");
    assert_eq!(worker.key_ids(), Ok(vec!["first"]));
    assert_eq!(worker.store.ages(worker.now).map(|(_, age)| age.get()).collect::<Vec<_>>(), [0]);
}

/// The time after which a set is fetched again, for an answer with this `Cache-Control`.
fn refreshed_after(cache_control: Option<&str>, seed: u64) -> i64 {
    let mut worker = Worker::with(source(), seed);
    let body = String::from_utf8(first_set().body).unwrap();
    worker.fetch(&answer(&body, cache_control));
    (1..).find(|_| worker.wait(1)).unwrap()
}

#[portable]
fn a_set_is_fetched_anew_before_it_is_stale_within_the_configured_bounds() {
    let mut differs = std::collections::BTreeSet::new();
    for seed in 0..20 {
        for (cache_control, lifetime) in [
            (None, 1_000),
            (Some("max-age=400"), 400),
            (Some("max-age=1"), 100),
            (Some("no-store"), 100),
            (Some("max-age=86400"), 1_000),
        ] {
            let after = refreshed_after(cache_control, seed);
            assert!((lifetime * 7 / 10..=lifetime * 8 / 10).contains(&after), "{cache_control:?}: {after}");
            differs.insert((lifetime, after));
        }
    }
    assert!(differs.len() > 20, "workers are not spread in time");
}

#[portable]
fn failures_are_retried_after_pauses_that_double_up_to_a_cap() {
    let mut worker = Worker::new();
    for longest in [1, 2, 4, 8, 16, 30, 30, 30] {
        let effects = worker.fetch(&failure());
        let (outcome, pause) = failed(&effects).unwrap();
        assert_eq!(outcome, "status");
        assert!((longest - longest / 2..=longest).contains(&pause), "{pause} of {longest}");
        assert!(wakes(&effects), "who waits is told at once");
        assert_eq!(worker.key_ids(), Err(Prospect::Later(Seconds::new(pause))));
        worker.now = testing::later(worker.now, i64::try_from(pause).unwrap());
    }
    worker.fetch(&first_set());
    assert_eq!(worker.key_ids(), Ok(vec!["first"]));
    worker.wait(801);
    assert!(
        failed(&worker.answered(&failure(), None)).is_some_and(|(_, pause)| pause == 1),
        "it begins at one second again"
    );
}

#[portable]
fn what_brings_nothing_keeps_the_set_until_it_was_stale_for_max_stale() {
    let mut worker = Worker::new();
    worker.fetch(&first_set());
    let start = worker.now.get();
    // Every fetch fails from now on.
    let mut last_good = 0;
    for _ in 0..1_700 {
        if worker.wait(1) {
            worker.answered(&failure(), None);
        }
        if worker.key_ids().is_ok() {
            last_good = worker.now.get() - start;
        }
    }
    assert_eq!(last_good, 1_000 + 500 - 1);
    let Err(Prospect::Later(pause)) = worker.key_ids() else { panic!("{:?}", worker.key_ids()) };
    assert!(pause <= LONGEST_BACK_OFF);
    assert!((1..=30).any(|_| worker.wait(1)));
    worker.answered(&second_set(), None);
    assert_eq!(worker.key_ids(), Ok(vec!["second"]), "it recovers");
}

#[portable]
fn an_empty_set_is_a_failure_and_revokes_nothing_before_max_stale() {
    let mut worker = Worker::new();
    worker.fetch(&first_set());
    worker.wait(801);
    let effects = worker.answered(&answer("{\"keys\":[]}", None), None);
    assert_eq!(failed(&effects).map(|(outcome, _)| outcome), Some("no_usable_key"));
    assert_eq!(worker.key_ids(), Ok(vec!["first"]));
}

#[portable]
fn a_fetch_that_nobody_answers_ends_and_an_answer_after_that_is_not_taken() {
    let mut worker = Worker::new();
    assert!(sends(&worker.tick(None)));
    // Timeout and margin.
    worker.now = testing::later(worker.now, 7);
    let effects = worker.tick(None);
    assert_eq!(failed(&effects).map(|(outcome, _)| outcome), Some("no_answer"));
    assert!(worker.answered(&first_set(), None).is_empty());
    assert!(worker.key_ids().is_err());
}

#[portable]
fn a_request_that_could_not_be_sent_is_a_failure() {
    let mut worker = Worker::new();
    worker.tick(None);
    let effects = worker.store.answered(&worker.sent, Err(FetchFault::NotSent), None, worker.now);
    assert_eq!(failed(&effects).map(|(outcome, _)| outcome), Some("not_sent"));
}

#[portable]
fn the_answer_of_an_earlier_fetch_does_not_count_for_a_later_one() {
    let mut worker = Worker::new();
    worker.tick(None);
    let first = worker.sent.clone();
    worker.now = testing::later(worker.now, 60);
    assert!(
        worker.answered_to(&first, &first_set(), None).is_empty(),
        "it is too late, though no tick came in between"
    );
    assert!(failed(&worker.tick(None)).is_some());
    worker.wait(1);
    assert!(worker.answered_to(&first, &first_set(), None).is_empty());
    worker.answered(&second_set(), None);
    assert_eq!(worker.key_ids(), Ok(vec!["second"]));
}

#[portable]
fn a_key_that_is_replaced_under_its_name_is_the_new_one() {
    let mut worker = Worker::new();
    worker.fetch(&set(&[("same", key(Algorithm::Es256))]));
    let before = worker.store.keys(&worker.profile.name, worker.now).unwrap().keys()[0].thumbprint().to_owned();
    worker.wait(801);
    worker.answered(&set(&[("same", other_key())]), None);
    let after = worker.store.keys(&worker.profile.name, worker.now).unwrap().keys()[0].thumbprint().to_owned();
    assert_ne!(before, after);
}

#[portable]
fn a_clock_that_steps_back_makes_nothing_last_for_ever() {
    let mut worker = Worker::new();
    worker.fetch(&first_set());
    worker.now = testing::later(worker.now, -86_400);
    worker.tick(None);
    assert_eq!(worker.store.ages(worker.now).map(|(_, age)| age.get()).collect::<Vec<_>>(), [0]);
    assert!(worker.wait(1_000), "it is fetched anew within refresh.max");
    // And one that steps forward: the set is as old as the clock says.
    let mut worker = Worker::new();
    worker.fetch(&first_set());
    worker.now = testing::later(worker.now, 86_400);
    assert!(worker.key_ids().is_err());
    assert!(sends(&worker.tick(None)));
}

#[portable]
fn keys_are_found_through_metadata() {
    let endpoint = |url: &str| Endpoint { url: HttpUrl::parse(url).unwrap(), cluster: "issuer".to_owned() };
    let metadata = endpoint("https://issuer.example/.well-known/openid-configuration");
    let key_host = Some(KeyHost { host: "keys.example".to_owned(), cluster: "keys".to_owned() });
    let location = KeyLocation::Metadata { metadata: metadata.clone(), issuer: testing::ISSUER.to_owned(), key_host };
    let mut worker = Worker::with(FetchedKeys { location, ..source() }, 1);
    let asked = |effects: &[Effect]| match effects {
        [Effect::Send(request)] => request.endpoint.clone(),
        other => panic!("{other:?}"),
    };
    let says = |jwks_uri: &str| answer(&json!({ "issuer": testing::ISSUER, "jwks_uri": jwks_uri }).to_string(), None);
    assert_eq!(asked(&worker.tick(None)), metadata);
    let next = asked(&worker.answered(&says("https://keys.example/v1"), None));
    assert_eq!((next.url.path().as_str(), next.cluster.as_str()), ("/v1", "keys"));
    worker.answered(&first_set(), None);
    assert_eq!(worker.key_ids(), Ok(vec!["first"]));
    // Metadata that leads elsewhere leads nowhere, and the set stays.
    worker.wait(801);
    let effects = worker.answered(&says("https://evil.example/keys"), None);
    let fault = KeyFetchFault::Metadata(MetadataFault::Host("evil.example".to_owned()));
    assert!(
        matches!(&effects[0], Effect::Report(Report::Failed { fault: found, .. }) if *found == fault),
        "{effects:?}"
    );
    assert_eq!(worker.key_ids(), Ok(vec!["first"]));
}

#[portable]
fn a_set_with_a_key_of_another_profile_is_not_taken_unless_a_pin_tells_them_apart() {
    let inline = KeySource::Inline(testing::key_set(&other_key(), Some("inline")));
    let pinned = |value: &str, profile: &TokenProfile| TokenProfile {
        pins: vec![Pin { claim: "azp".to_owned(), values: vec![json!(value)] }],
        ..profile.clone()
    };
    let (corp, machines) = (profile("corp"), profile("machines"));
    let fetch = |one: &TokenProfile, two: &TokenProfile| {
        let mut store = TrustStore::new([(one, &fetched()), (two, &inline)], 1);
        let sent = store.tick(None, NOW);
        let set = answer(&jwk_set(&other_key(), Some("any")).to_string(), None);
        let effects = answer_to(&mut store, &sent, one, &set);
        (failed(&effects).map(|(outcome, _)| outcome), store.keys(&one.name, NOW).is_ok())
    };
    assert_eq!(fetch(&corp, &machines), (Some("shared_key"), false));
    assert_eq!(fetch(&pinned("web", &corp), &pinned("batch", &machines)), (None, true));
}

#[portable]
fn of_two_profiles_that_fetch_one_key_the_first_keeps_it_whichever_answer_comes_first() {
    let (first, second) = (profile("corp"), profile("other"));
    for order in [[&first, &second], [&second, &first]] {
        let mut store = TrustStore::new([(&first, &fetched()), (&second, &fetched())], 1);
        let sent = store.tick(None, NOW);
        let effects: Vec<Effect> =
            order.into_iter().flat_map(|profile| answer_to(&mut store, &sent, profile, &first_set())).collect();
        assert!(store.keys(&first.name, NOW).is_ok() && store.keys(&second.name, NOW).is_err(), "{effects:?}");
        let refused = failed(&effects).map(|(outcome, _)| outcome) == Some("shared_key");
        let let_go = effects.iter().any(|effect| matches!(effect, Effect::Report(Report::LetGo { .. })));
        assert!(refused != let_go, "one of the two says why: {effects:?}");
    }
}

#[portable]
fn one_provider_that_is_down_does_not_touch_another() {
    let (corp, other) = (profile("corp"), profile("other"));
    let mut store = TrustStore::new([(&corp, &fetched()), (&other, &fetched())], 1);
    let sent = store.tick(None, NOW);
    answer_to(&mut store, &sent, &corp, &failure());
    answer_to(&mut store, &sent, &other, &first_set());
    assert!(store.keys(&other.name, NOW).is_ok());
    assert!(matches!(store.keys(&corp.name, NOW), Err(Prospect::Later(_))));
}

#[portable]
fn a_report_says_what_an_operator_needs_and_no_key() {
    let mut worker = Worker::new();
    let mut mixed = serde_json::from_slice::<serde_json::Value>(&first_set().body).unwrap();
    mixed["keys"].as_array_mut().unwrap().push(json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }));
    let effects = worker.fetch(&answer(&mixed.to_string(), None));
    let [Effect::Report(report), ..] = effects.as_slice() else { panic!("{effects:?}") };
    let text = report.to_string();
    assert!(text.starts_with("keys of `corp`: 1 taken, 1 left out; keys[1]: "), "{text}");
    assert!(!text.contains("c2VjcmV0"));
}
