//! What Prometheus reads, with the labels of the example.

use test_harness::tokens::{ALICE, BOB};

use crate::bench::{Ask, Bench};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    prometheus_reads_decisions_by_outcome_reason_issuer_and_policy,
    prometheus_reads_the_age_of_keys_by_provider,
    remembered_tokens_are_counted,
];

/// The value of the line that begins so, if there is one.
fn value(bench: &Bench, beginning: &str) -> Option<f64> {
    let text = bench.envoy.prometheus().expect("the admin interface answers");
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
    bench.ask(&Ask::get("/healthz")).allowed();
    let text = bench.envoy.prometheus().expect("the admin interface answers");
    let line = text.lines().find(|line| line.starts_with("countersign_keys_age_seconds{"));
    assert!(line.is_some_and(|line| line.contains("provider=\"")), "{line:?}");
}

fn remembered_tokens_are_counted(bench: &Bench) {
    let before = value(bench, "countersign_remembered_tokens{}").unwrap_or(0.0);
    bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
    let after = value(bench, "countersign_remembered_tokens{}").expect("the gauge is there");
    assert!(after >= 1.0 && after >= before - 100.0, "{before} {after}");
}
