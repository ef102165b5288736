//! `mode: shadow`: refusals are recorded and not enforced, an ambiguous request is refused all the same, and the mode cannot be missed.

use test_harness::tokens::{ALICE, BOB, CAROL, Token};

use crate::bench::{Ask, Bench};
use crate::record::record_of;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_rehearsal_lets_pass_what_would_be_refused_and_records_why,
    a_rehearsal_says_nothing_of_what_would_pass_anyway,
    a_rehearsal_believes_a_client_no_more_than_enforcement_does,
    a_rehearsal_refuses_what_is_ambiguous,
    a_rehearsal_is_announced_in_the_log_and_enforcement_is_not,
    would_be_refusals_are_counted_as_such,
];

fn rehearsed(ask: Ask) -> Ask {
    ask.at("shadow")
}

/// The guard is behind the plugin on this listener as well: what passes has set the filter state.
fn a_rehearsal_lets_pass_what_would_be_refused_and_records_why(bench: &Bench) {
    let expired = Token::of(ALICE).made_before(1_000).sign();
    for (ask, reason) in [
        (Ask::get("/api/orders/7"), "credential-missing"),
        (Ask::get("/api/orders/7").token(expired), "token-expired"),
        (Ask::get("/api/orders/7").token(Token::of(ALICE).sign()), "posture-missing"),
        (Ask::get("/api/orders/7").by(BOB), "not-permitted"),
        (Ask::new("POST", "/api/orders/7").by(CAROL), "method-not-listed"),
        (Ask::get("/api/unknown").by(ALICE), "route-unknown"),
        (Ask::get("/api/orders/7").by(ALICE).host("other.example.com"), "application-unknown"),
    ] {
        let received = bench.ask(&rehearsed(ask)).allowed();
        let record = record_of(bench, &received.header("x-countersign-decision-id").concat());
        assert_eq!(record["mode"], "shadow", "{record}");
        assert_eq!(record["decision"], "allow", "{record}");
        assert_eq!(record["would_deny"], true, "{record}");
        assert_eq!(record["reason"], reason, "{record}");
    }
}

fn a_rehearsal_says_nothing_of_what_would_pass_anyway(bench: &Bench) {
    let received = bench.ask(&rehearsed(Ask::get("/api/orders/7").by(ALICE))).allowed();
    assert_eq!(received.header("x-countersign-subject"), ["alice"]);
    let record = record_of(bench, &received.header("x-countersign-decision-id").concat());
    assert_eq!((&record["would_deny"], &record["reason"]), (&false.into(), &"permitted".into()), "{record}");
}

fn a_rehearsal_believes_a_client_no_more_than_enforcement_does(bench: &Bench) {
    let expired = Token::of(CAROL).made_before(1_000).sign();
    for ask in [Ask::get("/api/orders/7"), Ask::get("/api/orders/7").token(expired)] {
        let ask = ask.header("X-Countersign-Principal", "mallory").header("x_countersign_subject", "mallory");
        let ask = ask.header("X-Forwarded-User", "mallory").header("x-countersign-groups", "mallory");
        let received = bench.ask(&rehearsed(ask)).allowed();
        assert!(received.headers.iter().all(|(_, value)| value != "mallory"), "{:?}", received.headers);
        assert_eq!(received.header("x-countersign-principal"), [r#"Anonymous::"anonymous""#]);
        assert!(received.header("x-countersign-subject").is_empty(), "nobody was verified");
    }
}

fn a_rehearsal_refuses_what_is_ambiguous(bench: &Bench) {
    for path in ["/api//orders/7", "/api/orders/%2e%2e/7", "/api/orders%2F7"] {
        bench.ask(&rehearsed(Ask::get(path).by(ALICE))).refused(400, "path-ambiguous");
    }
}

fn a_rehearsal_is_announced_in_the_log_and_enforcement_is_not(bench: &Bench) {
    // Each thread configures each of its plugins once; of all listeners one alone rehearses.
    let log = bench.envoy.log();
    let line = log.lines().find(|line| line.contains("SHADOW MODE")).expect("the log says so at the start");
    assert!(line.contains("[warning]") && line.contains("NOT enforced"), "{line}");
    let (announced, configured) = (log.matches("SHADOW MODE").count(), log.matches(": configured; plugin").count());
    assert!(announced < configured, "{announced} of {configured}");
}

fn would_be_refusals_are_counted_as_such(bench: &Bench) {
    let counted = || {
        let name = "wasmcustom.countersign.decisions.outcome.would_deny.reason.token_audience";
        bench.envoy.stats(name).expect("statistics").values().sum::<u64>()
    };
    let before = counted();
    let other = Token::of(ALICE).claim("aud", "ledger".into()).sign();
    bench.ask(&rehearsed(Ask::get("/api/orders/7").token(other))).allowed();
    assert_eq!(counted(), before + 1);
}
