//! A provider that is slow or gone: keys at hand serve on for as long as they may, and the rest is told to come again.

use std::time::Duration;

use serde_json::json;
use test_harness::clock::Stopwatch;
use test_harness::keys::DemoKey;
use test_harness::services::Fault;

use crate::bench::{Ask, Bench};
use crate::keys::{Issuer, LOGIN, SECOND, path, rest, unavailable, wait_until};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    without_its_provider_a_set_serves_until_it_is_too_old_and_no_other_issuer_notices,
    a_slow_provider_costs_time_only_those_who_need_its_answer,
];

/// The issuer whose provider goes away.
const GONE: &str = "gone";

/// The issuer whose provider takes its time.
const SLOW: &str = "slow";

/// How long a set of [`GONE`] is fresh, and how long it may be used after that.
const LIFETIME_SECONDS: u64 = 5;

pub fn issuers() -> Vec<Issuer> {
    let lifetime = format!("{LIFETIME_SECONDS}s");
    let gone =
        json!({ "refresh": { "min": lifetime, "max": lifetime }, "refetch_interval": "1s", "max_stale": lifetime });
    let slow = json!({ "refresh": { "min": "1h", "max": "1h" }, "refetch_interval": "1s", "timeout": "20s" });
    vec![Issuer::at(GONE, LOGIN, gone), Issuer::at(SLOW, LOGIN, slow)]
}

fn without_its_provider_a_set_serves_until_it_is_too_old_and_no_other_issuer_notices(bench: &Bench) {
    let (gone, other) = (bench.keys.issuer(GONE), bench.keys.issuer(SLOW));
    bench.ask(&gone.good()).allowed();
    bench.keys.login.set_fault(&path(GONE), Fault::Status(503));
    let since = Stopwatch::start();
    // From its last fetch on it may be used for twice its lifetime, and that fetch is up to one lifetime ago.
    wait_until("the set is too old", || {
        let outcome = bench.ask(&gone.good());
        match outcome.answer.status {
            200 => return false,
            _ => unavailable(outcome),
        }
        true
    });
    let served = since.elapsed().as_secs();
    assert!((LIFETIME_SECONDS - 1..=2 * LIFETIME_SECONDS + 2).contains(&served), "for {served} s");
    let age = gone.metric("age_seconds");
    bench.envoy.wait_for_stat(&age, 2 * LIFETIME_SECONDS).expect("the age of the set is shown");
    bench.ask(&other.good()).allowed();
    bench.ask(&Ask::get("/open").at("keys")).allowed();

    bench.keys.login.set_fault(&path(GONE), None);
    wait_until("it is served again", || bench.ask(&gone.good()).answer.status == 200);
    wait_until("the new set is young", || bench.envoy.stats(&age).expect("statistics")[&age] < LIFETIME_SECONDS);
}

fn a_slow_provider_costs_time_only_those_who_need_its_answer(bench: &Bench) {
    let slow = bench.keys.issuer(SLOW);
    rest(&bench.keys.login, SLOW, SECOND);
    let before = bench.keys.login.visits(&path(SLOW)).len();
    let new = DemoKey::new("slow-2");
    bench.keys.login.publish(&path(SLOW), &[&slow.key, &new]);
    bench.keys.login.set_fault(&path(SLOW), Fault::Held);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let waiting = Stopwatch::start();
            unavailable(bench.ask(&slow.ask(&slow.token().key(&new))));
            waiting.elapsed()
        });
        wait_until("the provider is asked", || bench.keys.login.visits(&path(SLOW)).len() == before + 1);
        let mut longest = Duration::ZERO;
        for _ in 0..50 {
            let took = Stopwatch::start();
            bench.ask(&slow.good()).allowed();
            longest = longest.max(took.elapsed());
        }
        assert!(!waiting.is_finished(), "the request waits for the keys");
        assert!(longest < Duration::from_secs(2), "a request that needs no new key took {longest:?}");
        let waited = waiting.join().expect("no panic");
        assert!((4..=7).contains(&waited.as_secs()), "the request waited for {waited:?}");
    });
    // Nobody waits any more, and the answer still counts.
    bench.keys.login.set_fault(&path(SLOW), None);
    wait_until("the new key is taken", || bench.ask(&slow.ask(&slow.token().key(&new))).answer.status == 200);
    assert_eq!(bench.keys.login.visits(&path(SLOW)).len(), before + 1, "the answer was asked for once");
}
