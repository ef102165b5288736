//! The decision cache: with warm answers each request gets the decision of its own facts.

use std::time::Duration;

use serde_json::{Value, json};
use test_harness::clock::{Deadline, unix_seconds};
use test_harness::envoy::Envoy;
use test_harness::keys::with_inline_keys;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench};
use crate::configuration::{Watched, publish};
use crate::keys::wait_until;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![a_warm_decision_cache_decides_by_the_facts_of_each_request];

/// One worker, so that each request meets the cache of the one before.
const ONE: u32 = 1;

/// Hits that a worker counts at once.
const HITS: usize = 100;

/// For so long requests pass. Longer than those of the scenario take.
const OPEN_SECONDS: u64 = 45;

/// Policies with one scope, enough of them for the cache. One permits, and two read what changes with each request.
fn policies(lowest_score: i64, closes_at: i64) -> Value {
    let scope = "(principal is corp::User, action, resource == Route::\"shop/orders\")";
    let others = (1..=10).map(|number| {
        format!("@id(\"other-{number}\") permit {scope} when {{ context.mdm.score >= {} }};\n", 1_000 + number)
    });
    let own = format!(
        "@id(\"staff\") permit {scope}
        when {{ principal in corp::Group::\"engineering\" && context.mdm.score >= {lowest_score} }};
        @id(\"not-13\") forbid {scope} when {{ context.http_request.path_parameters.id == \"13\" }};
        @id(\"closed\") forbid {scope} when {{ context.now >= {closes_at} }};"
    );
    json!(others.chain([own]).collect::<String>())
}

/// How many look-ups had this outcome.
fn lookups(envoy: &Envoy, outcome: &str) -> u64 {
    let name = format!("wasmcustom.countersign.decision_cache.outcome.{outcome}");
    envoy.stats(&name).expect("statistics").values().sum()
}

fn a_warm_decision_cache_decides_by_the_facts_of_each_request(bench: &Bench) {
    let closes_at = unix_seconds() + OPEN_SECONDS.cast_signed();
    let configuration = |lowest_score| {
        let mut configuration = with_inline_keys(bench.example.plugin_configuration());
        configuration["policies"] = policies(lowest_score, closes_at);
        configuration
    };
    let Watched { folder, file, bootstrap } = Watched::new(bench, "cached", &configuration(60));
    let envoy = Envoy::start(&bench.binary, &bootstrap, ONE, &folder).expect("envoy starts");
    let order = |id: &str, groups: &[&str], score: i64| {
        let token = Token::of(ALICE).claim("groups", json!(groups)).sign();
        Ask::get(format!("/api/orders/{id}"))
            .token(token)
            .posture(Token::about("laptop-1").claim("score", json!(score)).sign())
    };
    let send = |ask: &Ask| bench.ask_at(envoy.listener("live").expect("the listener is there"), ask);

    // Warm: one miss, and then nothing but hits.
    let good = order("7", &["engineering"], 90);
    for _ in 0..=HITS {
        send(&good).allowed();
    }
    assert_eq!((lookups(&envoy, "miss"), lookups(&envoy, "hit")), (1, HITS as u64));

    // Another fact is another decision, and the first one is still known.
    for other in [order("7", &["support"], 90), order("7", &["engineering"], 50)] {
        let misses = lookups(&envoy, "miss");
        send(&other).refused(403, "not-permitted");
        assert_eq!(lookups(&envoy, "miss"), misses + 1);
        send(&other).refused(403, "not-permitted");
        send(&good).allowed();
        assert_eq!(lookups(&envoy, "miss"), misses + 1);
    }

    // Facts that change with each request are read each time, by policies beside those that are cached.
    let misses = lookups(&envoy, "miss");
    send(&order("13", &["engineering"], 90)).refused(403, "forbidden-by-policy");
    send(&order("14", &["engineering"], 90)).allowed();
    let closed = Deadline::after(Duration::from_secs(2 * OPEN_SECONDS)).poll(|| {
        let before = unix_seconds();
        let answer = send(&good);
        if answer.answer.status == 200 {
            assert!(before < closes_at, "{} s too late", before - closes_at);
            return None;
        }
        assert!(unix_seconds() >= closes_at, "{} s too early", closes_at - unix_seconds());
        answer.refused(403, "forbidden-by-policy");
        Some(())
    });
    assert!(closed.is_some(), "the time that a policy reads did not come");
    assert_eq!(lookups(&envoy, "miss"), misses, "the answers of the other policies were known all the time");

    // Another configuration begins with an empty cache.
    let changed = |lowest_score| {
        let mut configuration = configuration(lowest_score);
        configuration["policies"] = policies(lowest_score, i64::MAX);
        configuration
    };
    for (update, (lowest_score, status)) in (2..).zip([(60, 200), (99, 403), (60, 200)]) {
        let misses = lookups(&envoy, "miss");
        let mut configuration = changed(lowest_score);
        configuration["limits"] = json!({ "max_headers": 90 + update });
        publish(bench, &file, &configuration);
        envoy.wait_for_stat("listener_manager.lds.update_success", update).expect("envoy accepts it");
        wait_until("the new configuration is in force", || {
            let answer = send(&good);
            answer.answer.status == status && lookups(&envoy, "miss") == misses + 1
        });
    }
}
