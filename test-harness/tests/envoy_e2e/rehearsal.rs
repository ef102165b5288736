//! Policies that are only rehearsed.

use serde_json::json;
use test_harness::tokens::{ALICE, CAROL, Token};

use crate::bench::{Ask, Bench};
use crate::record::record_of;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_rehearsed_permit_permits_nothing_and_is_recorded_and_counted,
    a_rehearsed_forbid_forbids_nothing_and_is_recorded_and_counted,
];

/// Decisions that would be another one, so far.
fn count(bench: &Bench, outcome: &str) -> u64 {
    let name = format!("wasmcustom.countersign.rehearsals.outcome.{outcome}");
    bench.envoy.stats(&name).expect("statistics").values().sum()
}

fn a_rehearsed_permit_permits_nothing_and_is_recorded_and_counted(bench: &Bench) {
    let before = count(bench, "would_allow");
    let ask = Ask::new("PUT", "/notes").at("challenges").token(Token::of(ALICE).sign());
    let id = bench.ask(&ask).refused(403, "not-permitted").decision_id().expect("an id");
    let record = record_of(bench, &id);
    assert_eq!(record["rehearsal"], json!({ "decision": "allow", "policies": ["soon"] }), "{record}");
    assert_eq!(record["would_deny"], json!(null), "{record}");
    assert!(count(bench, "would_allow") > before);
}

fn a_rehearsed_forbid_forbids_nothing_and_is_recorded_and_counted(bench: &Bench) {
    let before = count(bench, "would_deny");
    let ask = Ask::get("/notes").at("challenges").token(Token::of(CAROL).sign());
    let received = bench.ask(&ask).allowed();
    let record = record_of(bench, &received.header("x-countersign-decision-id").concat());
    assert_eq!(record["policies"], json!(["admins-read"]), "{record}");
    assert_eq!(record["rehearsal"], json!({ "decision": "deny", "policies": ["no-notes"] }), "{record}");
    assert!(count(bench, "would_deny") > before);
}
