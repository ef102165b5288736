//! One whole decision record per outcome, as a reader of the log sees it.

use super::*;
use crate::testing::later;
use crate::time::Seconds;

/// Compares a record, member by member and in its order, with `snapshots/<name>.snap`.
fn assert_record(name: &str, outcome: &Outcome) {
    let record: Value = serde_json::from_str(&outcome.record.to_json()).unwrap();
    let record = serde_json::to_string_pretty(&record).unwrap();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("record_{name}"), record);
    });
}

fn order(method: &str, token: Option<&str>, posture: Option<&str>) -> RequestParts {
    parts(method, "/api/orders/7", token, posture, &[])
}

#[test]
fn a_record_of_each_decision_by_policy() {
    let plan = plan();
    let (engineer, outsider) = (alice(json!({})), alice(json!({ "groups": [] })));
    let device = posture(json!({}));
    assert_record("permitted", &outcome(&plan, order("GET", Some(&engineer), Some(&device))));
    assert_record("not_permitted", &outcome(&plan, order("GET", Some(&outsider), Some(&device))));
    let frozen = parts("PUT", "/api/orders/7?frozen", Some(&engineer), Some(&device), &[]);
    assert_record("forbidden", &outcome(&plan, frozen));
    assert_record("anonymous", &outcome(&plan, parts("GET", "/healthz", None, None, &[])));
    let preflight = [("origin", "https://app.example.com"), ("access-control-request-method", "PUT")];
    let preflight = parts("OPTIONS", "/api/orders/7", Some(&engineer), Some(&device), &preflight);
    assert_record("preflight", &outcome(&plan, preflight));
}

#[test]
fn a_record_of_each_decision_in_a_rehearsal() {
    let mut shadow = configuration();
    shadow["mode"] = json!("shadow");
    let plan = plan_of(&shadow);
    let (token, device) = (alice(json!({})), posture(json!({})));
    assert_record("rehearsed_permit", &outcome(&plan, order("GET", Some(&token), Some(&device))));
    assert_record("rehearsed_refusal", &outcome(&plan, order("GET", Some(&token), None)));
    assert_record("rehearsed_ambiguous", &outcome(&plan, parts("GET", "//", None, None, &[])));
}

#[test]
fn a_record_of_each_kind_of_refusal() {
    let plan = plan();
    let (token, device) = (alice(json!({})), posture(json!({})));
    let refused = |parts| outcome(&plan, parts);
    assert_record("ambiguous", &refused(parts("GET", "//healthz", None, None, &[])));
    assert_record("credential_missing", &refused(order("GET", None, None)));
    let expired = alice(json!({ "exp": NOW.minus(Seconds::new(3_600)).get() }));
    assert_record("token_expired", &refused(order("GET", Some(&expired), Some(&device))));
    let stale = posture(json!({ "iat": NOW.get() - 600, "exp": NOW.get() - 61 }));
    assert_record("posture_stale", &refused(order("GET", Some(&token), Some(&stale))));
    assert_record("posture_refused", &refused(order("GET", Some(&token), Some("nonsense"))));
    let request = order("GET", Some(&token), Some(&device));
    let too_early = later(UnixSeconds::new(0), 60);
    let got = decided_at(&plan, &TrustStore::default(), request, too_early);
    assert_record("clock_implausible", &got);
}

#[test]
fn a_record_of_each_request_without_a_route() {
    let plan = plan();
    let elsewhere = RequestParts::for_test("GET", "other.example.com", "/healthz", &[]);
    assert_record("no_application", &outcome(&plan, elsewhere));
    assert_record("no_route", &outcome(&plan, parts("GET", "/elsewhere", None, None, &[])));
    assert_record("no_method", &outcome(&plan, order("DELETE", None, None)));
}

#[test]
fn a_record_without_a_configuration() {
    let parts = parts("GET", "/healthz", None, None, &[]);
    assert_record("not_configured", &decide_without_plan(&parts, NOW, &decision_id()));
}
