//! The guard: where a plugin did not run, nothing passes, though Envoy itself would forward.

use crate::modules::MARK;
use test_harness::tokens::CAROL;

use crate::bench::{Ask, Bench, WORKERS};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    envoy_without_a_guard_forwards_past_a_worker_that_failed,
    with_the_guard_nothing_passes_a_worker_that_failed,
    with_the_guard_only_workers_that_run_the_plugin_let_requests_pass,
    with_the_guard_a_healthy_plugin_lets_requests_pass,
    of_two_plugins_one_that_failed_lets_nothing_pass,
    a_client_cannot_set_the_filter_state,
];

/// Enough connections for each worker to get some: the kernel spreads them.
const CONNECTIONS: u32 = 10 * WORKERS;

/// Sends requests, each on a connection of its own, and gives for each the status and whether the fixture marked it.
fn spread(bench: &Bench, listener: &'static str) -> Vec<(u16, bool)> {
    (0..CONNECTIONS)
        .map(|_| {
            let outcome = bench.ask(&Ask::get("/healthz").at(listener));
            let marked = outcome.received.as_ref().is_some_and(|received| !received.header(MARK).is_empty());
            assert_eq!(outcome.received.is_some(), outcome.answer.status == 200, "{}", outcome.answer.text());
            (outcome.answer.status, marked)
        })
        .collect()
}

/// Not a promise but the reason for one: should this fail, Envoy has changed for the better, and the guard does no harm.
fn envoy_without_a_guard_forwards_past_a_worker_that_failed(bench: &Bench) {
    assert!(spread(bench, "unguarded").iter().all(|seen| *seen == (200, false)));
}

fn with_the_guard_nothing_passes_a_worker_that_failed(bench: &Bench) {
    assert!(spread(bench, "failing").iter().all(|seen| *seen == (403, false)));
}

fn with_the_guard_only_workers_that_run_the_plugin_let_requests_pass(bench: &Bench) {
    let seen = spread(bench, "half-failing");
    assert!(seen.iter().all(|seen| matches!(seen, (200, true) | (403, false))), "{seen:?}");
}

fn with_the_guard_a_healthy_plugin_lets_requests_pass(bench: &Bench) {
    assert!(spread(bench, "healthy").iter().all(|seen| *seen == (200, true)));
}

fn of_two_plugins_one_that_failed_lets_nothing_pass(bench: &Bench) {
    for listener in ["plugin-then-failing", "failing-then-plugin"] {
        assert!(spread(bench, listener).iter().all(|seen| *seen == (403, false)), "{listener}");
        let outcome = bench.ask(&Ask::get("/api/orders/7").by(CAROL).at(listener));
        assert_eq!((outcome.answer.status, outcome.received), (403, None), "{listener}");
    }
}

fn a_client_cannot_set_the_filter_state(bench: &Bench) {
    let ask = Ask::get("/healthz").at("failing").header("wasm.fixture", "allow").header("fixture", "allow");
    let outcome = bench.ask(&ask.header("x-envoy-filter-state", "wasm.fixture=allow"));
    assert_eq!((outcome.answer.status, outcome.received), (403, None));
}
