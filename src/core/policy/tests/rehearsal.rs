//! Policies that are only rehearsed.

use super::fixture::{NOW, Setting, mdm, named, request, user_with};
use crate::identity::Identity;
use crate::policy::{PolicyId, Rehearsed};
use crate::portable;

const STAFF: &str = "@id(\"staff\") permit (principal in corp::Group::\"staff\", action, resource);";
const EVERYBODY: &str = "@id(\"everybody\") @mode(\"shadow\") @advice(\"Soon.\") permit (principal, action, resource);";
const UNHEALTHY: &str = "@id(\"unhealthy\") @mode(\"shadow\") @missing(\"ignore\") @alarm(\"unhealthy\") \
                         forbid (principal, action, resource) when { context has mdm && context.mdm.score < 60 };";
const FAILING: &str = "@id(\"failing\") @mode(\"shadow\") permit (principal, action, resource) \
                       when { context.now + 9223372036854775807 > 0 };";

fn person(groups: &[&str], score: i64) -> Identity {
    user_with("corp", "a", groups, &[], &[mdm(true, score)])
}

/// The outcome, and the policies that determine it.
type InForce = (&'static str, Vec<String>);

/// Whether the request would be allowed, and the policies that would determine it.
type WithRehearsed = (bool, Vec<String>);

/// What is decided, and what would be. Prepared policies and Cedar's own authorizer decide likewise.
fn decided(text: &str, identity: &Identity) -> (InForce, Option<WithRehearsed>) {
    let setting = Setting::new();
    let policies = setting.policies(text);
    let loaded = setting.load(&policies.prepare(setting.vocabulary())).expect("prepared policies");
    let request = request("GET", "wiki.example.com", "/a");
    let route = setting.router.find(&request).expect("a route");
    let decision = policies.decide(identity, &request, &route, NOW);
    let rehearsed = policies.rehearse(identity, &request, &route, NOW);
    assert_eq!(loaded.decide(identity, &request, &route, NOW), decision);
    assert_eq!(loaded.rehearse(identity, &request, &route, NOW), rehearsed);
    assert_eq!(policies.decide_by_oracle(identity, &request, &route, NOW), decision);
    let (outcome, ids) = named(&decision);
    // Of a denial without a forbid these are near misses.
    let ids = ids.into_iter().filter(|_| outcome != "not permitted").map(str::to_owned).collect();
    let names = |ids: Vec<PolicyId>| ids.iter().map(|id| id.as_str().to_owned()).collect();
    ((outcome, ids), rehearsed.map(|Rehearsed { allows, policies }| (allows, names(policies))))
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[portable]
fn a_rehearsed_permit_permits_nothing() {
    let text = [STAFF, EVERYBODY].concat();
    assert_eq!(decided(&text, &person(&[], 80)), (("not permitted", ids(&[])), Some((true, ids(&["everybody"])))),);
    assert_eq!(
        decided(&text, &person(&["staff"], 80)),
        (("allow", ids(&["staff"])), Some((true, ids(&["everybody", "staff"])))),
    );
}

#[portable]
fn a_rehearsed_forbid_forbids_nothing() {
    let text = [STAFF, UNHEALTHY].concat();
    assert_eq!(
        decided(&text, &person(&["staff"], 10)),
        (("allow", ids(&["staff"])), Some((false, ids(&["unhealthy"])))),
    );
    assert_eq!(decided(&text, &person(&["staff"], 80)), (("allow", ids(&["staff"])), Some((true, ids(&["staff"])))));
}

#[portable]
fn a_rehearsed_policy_that_cannot_be_evaluated_denies_nothing() {
    let text = [STAFF, FAILING].concat();
    assert_eq!(decided(&text, &person(&["staff"], 80)), (("allow", ids(&["staff"])), Some((false, ids(&["failing"])))),);
}

#[portable]
fn without_rehearsed_policies_there_is_no_rehearsal() {
    assert_eq!(decided(STAFF, &person(&["staff"], 80)).1, None);
}

#[portable]
fn a_rehearsed_permit_gives_no_advice() {
    let setting = Setting::new();
    let text = EVERYBODY.replace(
        "permit (principal, action, resource)",
        &format!("{} when {{ context.now == 0 }}", "permit (principal, action, resource)"),
    );
    let policies = setting.policies(&[STAFF, &text].concat());
    let request = request("GET", "wiki.example.com", "/a");
    let crate::policy::Decision::NotPermitted { near_misses } = setting.decide(&policies, &person(&[], 80), &request)
    else {
        panic!("permitted")
    };
    assert!(near_misses.iter().all(|miss| miss.policy.as_str() == "staff"), "{near_misses:?}");
}
