//! Requests whose evidence a test case gives are decided as those with the same evidence in tokens.

use serde_json::{Map, Value, json};

use super::{alice, configuration, decision_id, outcome, parts, plan, plan_of, posture};
use crate::config::Plan;
use crate::enforcement::{Outcome, decide_given, explain_given};
use crate::identity::{GivenDevice, GivenEvidence, GivenFault, GivenPrincipal, SenderConstraint};
use crate::portable;
use crate::testing::NOW;
use crate::time::Seconds;

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn authenticate(plan: &Plan, evidence: &mut GivenEvidence, groups: &[&str], facts: Value) -> Result<(), GivenFault> {
    let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
    evidence.authenticate(GivenPrincipal {
        issuer: &plan.issuers[0],
        id: "alice",
        groups: &groups,
        facts: &object(facts),
        sender_constraint: SenderConstraint::Bearer,
    })
}

fn describe(plan: &Plan, evidence: &mut GivenEvidence, facts: Value, age: u64, bound: bool) -> Result<(), GivenFault> {
    let facts = &object(facts);
    evidence.describe(GivenDevice { provider: &plan.devices[0], facts, age: Some(Seconds::new(age)), bound })
}

fn decided(plan: &Plan, evidence: &GivenEvidence, method: &str, path: &str) -> Outcome {
    decide_given(plan, evidence, parts(method, path, None, None, &[]), NOW, &decision_id())
}

/// The members of a record that policies and requirements decide.
fn decision(outcome: &Outcome) -> Vec<Value> {
    let record: Value = serde_json::from_str(&outcome.record.to_json()).unwrap();
    let members = ["decision", "reason", "principal", "route", "action", "policies", "near_misses", "status"];
    members.iter().map(|name| record[*name].clone()).collect()
}

#[portable]
fn a_given_identity_is_decided_as_the_same_identity_in_tokens() {
    let plan = plan();
    for (groups, score, method, path) in [
        (vec!["engineering"], 80, "GET", "/api/orders/7"),
        (vec!["engineering"], 59, "GET", "/api/orders/7"),
        (vec!["sales"], 80, "GET", "/api/orders/7"),
        (vec!["engineering"], 80, "PUT", "/api/orders/7?frozen"),
        (vec!["engineering"], 80, "PUT", "/api/orders/7"),
        (vec!["engineering"], 80, "GET", "/nowhere"),
    ] {
        let mut evidence = GivenEvidence::default();
        authenticate(&plan, &mut evidence, &groups, json!({ "device_id": "laptop-1" })).unwrap();
        describe(&plan, &mut evidence, json!({ "managed": true, "score": score }), 0, true).unwrap();
        let given = decided(&plan, &evidence, method, path);
        let token = alice(json!({ "groups": groups }));
        let posture = posture(json!({ "score": score }));
        let presented = outcome(&plan, parts(method, path, Some(&token), Some(&posture), &[]));
        assert_eq!(decision(&given), decision(&presented), "{method} {path} {groups:?} {score}");
    }
}

#[portable]
fn the_requirements_of_a_route_hold_for_given_evidence() {
    let plan = plan();
    let reason = |evidence: &GivenEvidence| decision(&decided(&plan, evidence, "GET", "/api/orders/7"))[1].clone();
    let mut evidence = GivenEvidence::default();
    assert_eq!(reason(&evidence), "credential-missing");
    authenticate(&plan, &mut evidence, &["engineering"], json!({})).unwrap();
    assert_eq!(reason(&evidence), "posture-missing");
    let facts = || json!({ "managed": true, "score": 80 });
    describe(&plan, &mut evidence, facts(), 24 * 3_600 + 1, false).unwrap();
    assert_eq!(reason(&evidence), "posture-stale");
    describe(&plan, &mut evidence, facts(), 24 * 3_600, false).unwrap();
    assert_eq!(reason(&evidence), "permitted");
}

#[portable]
fn evidence_that_no_accepted_token_has_cannot_be_given() {
    let plan = plan();
    let mut evidence = GivenEvidence::default();
    let fault = authenticate(&plan, &mut evidence, &[], json!({ "devise_id": "x" })).unwrap_err();
    assert_eq!(fault.fact(), Some("devise_id"));
    assert!(fault.to_string().contains("`device_id`"), "{fault}");
    let fault = authenticate(&plan, &mut evidence, &[], json!({ "device_id": 7 })).unwrap_err();
    assert!(matches!(&fault, GivenFault::Value { fact, .. } if fact == "device_id"), "{fault}");
    let fault = authenticate(&plan, &mut evidence, &["a\u{0}"], json!({})).unwrap_err();
    assert!(matches!(fault, GivenFault::Refused { .. }), "{fault}");
    let fault = describe(&plan, &mut evidence, json!({ "managed": true }), 0, false).unwrap_err();
    assert!(matches!(&fault, GivenFault::Refused { detail, .. } if detail.contains("score")), "{fault}");

    let mut configuration = configuration();
    configuration["devices"]["mdm"]["bind"] = json!("none");
    configuration["issuers"]["corp"]["sender_constraint"] = json!("mtls");
    configuration["issuers"]["corp"]["facts"]["sub"] = json!("string");
    let plan = plan_of(&configuration);
    let fault = describe(&plan, &mut evidence, json!({ "managed": true, "score": 1 }), 0, true).unwrap_err();
    assert!(matches!(fault, GivenFault::NeverBound(_)), "{fault}");
    let fault = authenticate(&plan, &mut evidence, &[], json!({})).unwrap_err();
    assert!(matches!(fault, GivenFault::SenderConstraint { bound_by: "none", .. }), "{fault}");
    configuration["issuers"]["corp"]["sender_constraint"] = json!("if_bound");
    let fault = authenticate(&plan_of(&configuration), &mut evidence, &[], json!({ "sub": "bob" })).unwrap_err();
    assert!(matches!(fault, GivenFault::Contradiction { .. }), "{fault}");
    authenticate(&plan_of(&configuration), &mut evidence, &[], json!({ "sub": "alice" })).unwrap();
}

#[portable]
fn an_explanation_says_which_conditions_hold_on_which_values() {
    let plan = plan();
    let mut evidence = GivenEvidence::default();
    authenticate(&plan, &mut evidence, &["engineering"], json!({})).unwrap();
    describe(&plan, &mut evidence, json!({ "managed": true, "score": 59 }), 0, false).unwrap();
    let request = || parts("GET", "/api/orders/7", None, None, &[]);
    let explanation = explain_given(&plan, &evidence, request(), NOW).unwrap();
    assert_eq!(explanation.principal, "corp::User::\"alice\"");
    assert_eq!(explanation.groups, ["corp::Group::\"engineering\""]);
    let policy = |id: &str| explanation.policies.iter().find(|one| one.description.policy.as_str() == id).unwrap();
    let read = policy("read");
    assert_eq!((read.applies, read.scope_matches), (Some(false), [true; 3]));
    assert_eq!(read.description.scope[0], "principal in corp::Group::\"engineering\"");
    assert_eq!(read.description.conditions, ["context.mdm.managed", "context.mdm.score >= 60"]);
    let seen: Vec<_> = read
        .conditions
        .iter()
        .map(|condition| (condition.result, condition.facts[0].name.as_str(), condition.facts[0].value.as_deref()))
        .collect();
    use crate::policy::ConditionResult::{Failed, Held};
    let expected = [(Held, "context.mdm.managed", Some("true")), (Failed, "context.mdm.score", Some("59"))];
    assert_eq!(seen, expected);
    // A permit for Anonymous alone, another route, another action.
    assert!(!policy("health").is_in_reach());
    assert!(!policy("freeze").is_in_reach());
    assert!(!policy("browsers").is_in_reach());
    // Refused before any policy is asked.
    assert_eq!(explain_given(&plan, &GivenEvidence::default(), request(), NOW), None);
}
