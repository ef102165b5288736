//! Several documents for one application.

use super::fixture::{NOW, Setting, document, mdm, named, request, user_with};
use crate::identity::Identity;
use crate::policy::{Decision, PolicyDocument};
use crate::portable;

fn must_permit(name: &str, applies_to: &[&str], text: &str) -> PolicyDocument {
    PolicyDocument { must_permit: true, ..document(Some(name), applies_to, text) }
}

const STAFF: &str = "@id(\"staff\") permit (principal in corp::Group::\"staff\", action, resource);";
const HEALTHY: &str = "@id(\"healthy\") @advice(\"Update the device.\") permit (principal is corp::User, action, resource) \
                       when { context has mdm && context.mdm.score >= 60 };";

fn person(groups: &[&str], score: i64) -> Identity {
    user_with("corp", "a", groups, &[], &[mdm(true, score)])
}

/// The decision, which Cedar's own authorizer and the prepared policies must come to as well.
fn decided(documents: &[PolicyDocument], identity: &Identity, host: &str, path: &str) -> Decision {
    let setting = Setting::new();
    let (policies, _) = setting.compile_all(documents).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let request = request("GET", host, path);
    let decision = setting.decide(&policies, identity, &request);
    let route = setting.router.find(&request).expect("a route");
    assert_eq!(policies.decide_by_oracle(identity, &request, &route, NOW), decision);
    let loaded = setting.load(&policies.prepare(setting.vocabulary())).expect("prepared policies");
    assert_eq!(setting.decide(&loaded, identity, &request), decision);
    decision
}

fn on_wiki(documents: &[PolicyDocument], identity: &Identity) -> Decision {
    decided(documents, identity, "wiki.example.com", "/a")
}

#[portable]
fn a_permit_of_any_document_suffices_unless_one_says_that_it_must_permit() {
    let either = [document(Some("group"), &["wiki"], STAFF), document(Some("device"), &["wiki"], HEALTHY)];
    assert_eq!(named(&on_wiki(&either, &person(&[], 80))), ("allow", vec!["device/healthy"]));
    assert_eq!(named(&on_wiki(&either, &person(&["staff"], 10))), ("allow", vec!["group/staff"]));
    assert_eq!(named(&on_wiki(&either, &person(&[], 10))).0, "not permitted");

    let both = [must_permit("group", &["wiki"], STAFF), must_permit("device", &["wiki"], HEALTHY)];
    assert_eq!(named(&on_wiki(&both, &person(&["staff"], 80))), ("allow", vec!["device/healthy", "group/staff"]));
    for identity in [person(&[], 80), person(&["staff"], 10), person(&[], 10)] {
        assert_eq!(named(&on_wiki(&both, &identity)).0, "not permitted", "{identity:?}");
    }
}

#[portable]
fn the_near_misses_are_those_of_the_document_that_did_not_permit() {
    let both = [must_permit("group", &["wiki"], STAFF), must_permit("device", &["wiki"], HEALTHY)];
    let Decision::NotPermitted { near_misses } = on_wiki(&both, &person(&["staff"], 10)) else { panic!("permitted") };
    let named: Vec<_> = near_misses.iter().map(|miss| (miss.policy.as_str(), miss.advice.as_deref())).collect();
    assert_eq!(named, [("device/healthy", Some("Update the device."))]);
}

#[portable]
fn a_document_that_must_permit_stands_beside_others_and_has_no_say_elsewhere() {
    let documents = [
        document(Some("group"), &["wiki", "shop"], STAFF),
        must_permit("device", &["wiki"], HEALTHY),
        document(Some("block"), &["wiki"], "@id(\"no\") forbid (principal == corp::User::\"b\", action, resource);"),
    ];
    assert_eq!(named(&on_wiki(&documents, &person(&["staff"], 10))).0, "not permitted");
    assert_eq!(named(&on_wiki(&documents, &person(&[], 80))), ("allow", vec!["device/healthy"]));
    let order = |identity: &Identity| decided(&documents, identity, "shop.example.com", "/api/orders/7");
    assert_eq!(named(&order(&person(&["staff"], 10))), ("allow", vec!["group/staff"]));
    let blocked = user_with("corp", "b", &["staff"], &[], &[mdm(true, 80)]);
    assert_eq!(named(&on_wiki(&documents, &blocked)), ("forbidden", vec!["block/no"]));
}

#[portable]
fn a_document_that_must_permit_and_has_no_permit_denies_everything() {
    let documents = [document(Some("group"), &["wiki"], STAFF), must_permit("device", &["wiki"], "")];
    assert_eq!(named(&on_wiki(&documents, &person(&["staff"], 80))), ("not permitted", vec![]));
}

#[portable]
fn permits_beside_a_document_that_must_permit_are_warned_of() {
    let warned = |documents: &[PolicyDocument]| {
        let (_, warnings) = Setting::new().compile_all(documents).unwrap_or_else(|errors| panic!("{errors:#?}"));
        let idle = warnings.into_iter().filter(|warning| warning.code.code() == "idle-permit");
        idle.map(|warning| (warning.pointer, warning.message)).collect::<Vec<_>>()
    };
    let group = document(Some("group"), &["shop", "wiki"], STAFF);
    let found = warned(&[group.clone(), must_permit("device", &["wiki"], HEALTHY)]);
    let [(pointer, message)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(*pointer, group.pointer);
    assert!(message.contains("nothing in `wiki`") && message.contains("a permit of `device` alone"), "{message}");

    let forbid = "@id(\"no\") forbid (principal == corp::User::\"b\", action, resource);";
    let rehearsed = format!("@mode(\"shadow\") {STAFF}");
    for silent in [
        [group.clone(), document(Some("device"), &["wiki"], HEALTHY)],
        [must_permit("group", &["shop", "wiki"], STAFF), must_permit("device", &["wiki"], HEALTHY)],
        [document(Some("group"), &["shop"], STAFF), must_permit("device", &["wiki"], HEALTHY)],
        [document(Some("block"), &["wiki"], forbid), must_permit("device", &["wiki"], HEALTHY)],
        [document(Some("group"), &["wiki"], &rehearsed), must_permit("device", &["wiki"], HEALTHY)],
    ] {
        assert_eq!(warned(&silent), [], "{silent:?}");
    }
}
