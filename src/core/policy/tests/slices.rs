//! Slicing changes what is looked at, never what is decided.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, PolicySet as CedarPolicySet};

use super::fixture::{NOW, Setting, mdm, named, request, user_with};
use crate::policy::GroupHierarchy;
use crate::policy::load::groups::Groups;
use crate::policy::load::names::Names;
use crate::policy::oracle::entities::EntityCatalog;
use crate::portable;

/// Numbers that look random and are the same each time.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33).checked_rem(end).expect("not zero")
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("small")]
    }
}

fn policy(number: usize, next: &mut Sequence) -> String {
    let effect = if next.below(20) == 0 { "forbid" } else { "permit" };
    let group = format!("principal in corp::Group::\"g{}\"", next.below(40));
    let user = format!("principal == corp::User::\"u{}\"", next.below(40));
    let principal = next.one_of(&["principal", "principal is corp::User", &group, &user]);
    let action = next.one_of(&["action", "action in Action::\"read\"", "action == Action::\"PUT\""]);
    let resource = next.one_of(&[
        "resource",
        "resource in Application::\"shop\"",
        "resource in Application::\"wiki\"",
        "resource == Route::\"shop/order\"",
    ]);
    // No method of the wiki is `PUT`.
    let resource = if action.contains("PUT") { "resource" } else { resource };
    let second = next.below(60);
    format!(
        "@id(\"p{number}\") {effect} ({principal}, {action}, {resource}) when {{ context.http_request.query like \"*{second}*\" }};\n"
    )
}

#[portable]
fn a_thousand_policies_decide_as_one_set() {
    let setting = Setting::new();
    let mut next = Sequence(7);
    let text: String = (0..1_000).map(|number| policy(number, &mut next)).collect();
    let policies = setting.policies(&text);
    let mut whole = CedarPolicySet::new();
    for (number, policy) in text.lines().enumerate() {
        let id = cedar_policy::PolicyId::new(format!("p{number}"));
        whole.add(cedar_policy::Policy::parse(Some(id), policy).expect("a policy")).expect("an id of its own");
    }
    let vocabulary = setting.vocabulary();
    let groups = Groups::compile(&GroupHierarchy::default(), vocabulary).expect("no groups");
    let catalog = EntityCatalog::compile(Names { vocabulary, groups: &groups }).expect("names");
    let mut outcomes = BTreeSet::new();
    for _ in 0..200 {
        let group = format!("g{}", next.below(40));
        let identity = user_with("corp", &format!("u{}", next.below(40)), &[&group], &[], &[mdm(true, 9)]);
        let (host, path) = match next.below(3) {
            0 => ("shop.example.com", "/api/orders/7"),
            1 => ("shop.example.com", "/healthz"),
            _ => ("wiki.example.com", "/a"),
        };
        let query = next.below(60);
        let asked = request("GET", host, &format!("{path}?{query}"));
        let found = setting.router.find(&asked).expect("a route");
        let asked_cedar = catalog.request(&identity, &asked, &found, NOW).expect("a request");
        let response = Authorizer::new().is_authorized(&asked_cedar.request, &whole, &asked_cedar.entities);
        let reasons: BTreeSet<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        let wanted = match (response.decision(), reasons.is_empty()) {
            (cedar_policy::Decision::Allow, _) => "allow",
            (cedar_policy::Decision::Deny, false) => "forbidden",
            (cedar_policy::Decision::Deny, true) => "not permitted",
        };
        let decision = policies.decide(&identity, &asked, &found, NOW);
        // More permits miss than are examined, so the order in which they are is part of the answer.
        assert_eq!(decision, policies.decide_by_oracle(&identity, &asked, &found, NOW));
        let (outcome, ids) = named(&decision);
        assert_eq!(outcome, wanted);
        if outcome != "not permitted" {
            assert_eq!(ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(), reasons);
        }
        outcomes.insert(outcome);
    }
    assert!(outcomes.contains("allow") && outcomes.contains("forbidden"), "{outcomes:?}");
}
