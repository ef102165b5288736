//! What Prometheus reads, with the labels of the example.

use serde_json::json;
use test_harness::clock::Stopwatch;
use test_harness::envoy::Envoy;
use test_harness::keys::with_inline_keys;
use test_harness::tokens::{ALICE, BOB, Token};

use crate::bench::{Ask, Bench, WORKERS, plugin_listener};
use crate::configuration::{Watched, publish};
use crate::keys::wait_until;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    prometheus_reads_decisions_by_outcome_reason_issuer_and_policy,
    prometheus_reads_the_age_of_keys_by_provider,
    remembered_tokens_are_counted,
    tokens_of_a_replaced_configuration_are_no_longer_counted,
    prometheus_counts_the_seconds_that_each_worker_lives,
];

/// The value of the line that begins so, if there is one.
fn value(bench: &Bench, beginning: &str) -> Option<f64> {
    value_in(&bench.envoy, beginning)
}

fn value_in(envoy: &Envoy, beginning: &str) -> Option<f64> {
    let text = envoy.prometheus().expect("the admin interface answers");
    let rest = text.lines().find_map(|line| line.strip_prefix(beginning))?;
    rest.trim().parse().ok()
}

fn prometheus_reads_decisions_by_outcome_reason_issuer_and_policy(bench: &Bench) {
    let labels = |outcome: &str, reason: &str, issuer: &str, policy: &str| {
        format!(
            "countersign_decisions{{outcome=\"{outcome}\",reason=\"{reason}\",issuer=\"{issuer}\",policy=\"{policy}\"}}"
        )
    };
    let allowed = labels("allow", "permitted", "corp", "staff_read");
    let denied = labels("deny", "not_permitted", "corp", "none");
    let anonymous = labels("deny", "credential_missing", "none", "none");
    let count = || [&allowed, &denied, &anonymous].map(|labels| value(bench, labels).unwrap_or(0.0));
    let before = count();
    bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
    bench.ask(&Ask::get("/api/orders/7").by(BOB)).refused(403, "not-permitted");
    bench.ask(&Ask::get("/api/orders/7")).refused(401, "credential-missing");
    let after = count();
    assert!(before.iter().zip(after).all(|(before, after)| after > *before), "{before:?} {after:?}");
}

fn prometheus_reads_the_age_of_keys_by_provider(bench: &Bench) {
    let text = || bench.envoy.prometheus().expect("the admin interface answers");
    let has_age = |line: &str| line.starts_with("countersign_keys_age_seconds{") && line.contains("provider=\"");
    wait_until("the first keys have come", || text().lines().any(has_age));
}

fn remembered_tokens_are_counted(bench: &Bench) {
    let before = value(bench, "countersign_remembered_tokens{}").unwrap_or(0.0);
    bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
    let after = value(bench, "countersign_remembered_tokens{}").expect("the gauge is there");
    assert!(after >= 1.0 && after >= before - 100.0, "{before} {after}");
}

fn tokens_of_a_replaced_configuration_are_no_longer_counted(bench: &Bench) {
    let first = with_inline_keys(bench.example.plugin_configuration());
    let Watched { folder, file, bootstrap } = Watched::new(bench, "forgotten", &first);
    let arguments = ["--drain-time-s", "1", "--drain-strategy", "immediate"];
    let envoy = Envoy::start_with(&arguments, &bench.binary, &bootstrap, 1, &folder).expect("envoy starts");
    let ask = Ask::get("/api/orders/7").token(Token::of(ALICE).sign()).posture(Token::about("laptop-1").sign());
    bench.ask_at(envoy.listener("live").expect("the listener is there"), &ask).allowed();
    let remembered = || value_in(&envoy, "countersign_remembered_tokens{}");
    assert_eq!(remembered(), Some(2.0));
    let mut second = first;
    second["limits"] = json!({ "max_headers": 90 });
    publish(bench, &file, &second);
    wait_until("the tokens of the first configuration are forgotten", || remembered() == Some(0.0));
    bench.ask_at(envoy.listener("live").expect("the listener is there"), &ask).allowed();
    assert_eq!(remembered(), Some(2.0), "those of the second one");
}

fn prometheus_counts_the_seconds_that_each_worker_lives(bench: &Bench) {
    let configuration = with_inline_keys(bench.example.plugin_configuration());
    for configuration in [configuration, bench.example.plugin_configuration()] {
        let envoy = bench.envoy_with("alive", [plugin_listener(bench, "main", &configuration)]);
        let lived = || value_in(&envoy, "countersign_alive_seconds{}").unwrap_or_default();
        wait_until("the first ticks have come", || lived() > 0.0);
        let (before, since) = (lived(), Stopwatch::start());
        std::thread::sleep(std::time::Duration::from_secs(12));
        // The main thread runs the plugin too. Without keys to fetch each of them counts every five seconds.
        let each = (lived() - before) / f64::from(WORKERS + 1);
        let passed = since.elapsed().as_secs_f64();
        assert!((passed - 6.0..=passed + 6.0).contains(&each), "{each} s of {passed} s");
        let concurrency = value_in(&envoy, "envoy_server_concurrency{}").expect("Envoy says how many workers it has");
        assert!((concurrency - f64::from(WORKERS)).abs() < 0.1);
    }
}
