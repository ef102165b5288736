//! Attributes of routes: one policy for all applications of a class.

use super::fixture::{NOW, Setting, named, request, user};
use crate::policy::PolicySet;
use crate::portable;
use crate::route::AttributeValue;

const ORDER: (&str, &str) = ("shop.example.com", "/api/orders/7");
const HEALTH: (&str, &str) = ("shop.example.com", "/healthz");
const PAGE: (&str, &str) = ("wiki.example.com", "/a");

/// A permit for `corp::User` with this condition.
fn permit(condition: &str) -> String {
    format!("@id(\"p\")\npermit (principal is corp::User, action, resource)\nwhen {{ {condition} }};")
}

/// The hosts and paths whose GET the condition permits: by the plugin, by prepared policies and by Cedar.
fn permitted(condition: &str) -> Vec<(&'static str, &'static str)> {
    let setting = Setting::new().with_attributes();
    let policies = setting.policies(&permit(condition));
    let prepared = setting.load(&policies.prepare(setting.vocabulary())).expect("prepared policies");
    let identity = user("corp", "alice", &[]);
    let is_permitted = |(host, path): &(&str, &str)| {
        let asked = request("GET", host, path);
        let decide = |policies: &PolicySet| setting.decide(policies, &identity, &asked);
        let found = decide(&policies);
        assert_eq!(decide(&prepared), found, "{condition}");
        let route = setting.router.find(&asked).expect("a route");
        assert_eq!(policies.decide_by_oracle(&identity, &asked, &route, NOW), found, "{condition}");
        named(&found).0 == "allow"
    };
    [ORDER, HEALTH, PAGE].into_iter().filter(is_permitted).collect()
}

#[portable]
fn a_policy_covers_the_routes_of_a_class() {
    assert_eq!(permitted("resource.sensitivity == \"secret\""), [ORDER]);
    assert_eq!(permitted("resource.sensitivity != \"secret\""), [HEALTH, PAGE]);
    assert_eq!(permitted("[\"public\", \"internal\"].contains(resource.sensitivity)"), [HEALTH, PAGE]);
    assert_eq!(permitted("resource.sensitivity like \"*l*\""), [HEALTH, PAGE]);
    assert_eq!(permitted("resource.tags.contains(\"eu\")"), [ORDER, PAGE]);
    assert_eq!(permitted("resource.tags.containsAll([\"eu\", \"pci\"])"), [ORDER]);
    assert_eq!(permitted("resource.level >= 0 && resource.open"), [HEALTH]);
    assert_eq!(permitted("resource.owner == \"docs\" || resource.level == 3"), [ORDER, PAGE]);
    assert_eq!(permitted("resource has owner"), [ORDER, HEALTH, PAGE]);
    assert_eq!(permitted("resource[\"owner\"] == \"docs\""), [PAGE]);
}

fn error(condition: &str) -> (&'static str, String, String) {
    let errors = Setting::new().with_attributes().compile(&permit(condition)).expect_err(condition);
    assert_eq!(errors.len(), 1, "{condition}: {errors:#?}");
    (errors[0].code.code(), errors[0].message.clone(), errors[0].help.clone())
}

#[portable]
fn a_value_that_no_route_can_have_is_rejected() {
    for condition in [
        "resource.sensitivity == \"secrte\"",
        "\"secrte\" != resource.sensitivity",
        "[\"public\", \"secrte\"].contains(resource.sensitivity)",
        "resource.tags.contains(\"secrte\")",
        "resource.tags.containsAny([\"eu\", \"secrte\"])",
        "[\"secrte\"].containsAll(resource.tags)",
        "resource.tags == [\"secrte\"]",
        "resource.sensitivity like \"secrte*\"",
    ] {
        let (code, message, help) = error(condition);
        assert_eq!(code, "impossible-literal", "{condition}");
        assert!(message.starts_with("no route has the ") && message.contains("`secrte"), "{message}");
        assert!(!help.is_empty());
    }
    let (_, _, help) = error("resource.sensitivity == \"secrte\"");
    assert_eq!(help, "did you mean `secret`?");
}

#[portable]
fn an_attribute_that_is_not_declared_is_rejected() {
    for condition in ["resource.ownr == \"docs\"", "resource has ownr", "resource has owner.name"] {
        let errors = Setting::new().with_attributes().compile(&permit(condition)).expect_err(condition);
        assert!(!errors.is_empty());
    }
    let (code, message, help) = error("resource.ownr == \"docs\"");
    assert_eq!((code, message.as_str()), ("unknown-attribute", "routes have no attribute `ownr`"));
    assert_eq!(help, "did you mean `owner`?");
    assert_eq!(error("resource.owner == 3").0, "policy-type");
    let none = Setting::new().compile(&permit("resource.owner == \"docs\"")).expect_err("no attributes");
    assert_eq!(none[0].help, "declare it in `entities.attributes`");
    let principal = Setting::new().with_attributes().compile(&permit("principal.owner == \"docs\"")).expect_err("none");
    assert_eq!(principal[0].code.code(), "unknown-attribute");
}

#[portable]
fn a_permit_for_anonymous_may_read_attributes_and_a_forbid_needs_no_guard() {
    let setting = Setting::new().with_attributes();
    setting.policies("@id(\"a\") permit (principal is Anonymous, action in Action::\"read\", resource) when { resource.sensitivity == \"public\" };
        @id(\"b\") forbid (principal, action, resource) when { resource.tags.contains(\"beta\") };
        @id(\"c\") permit (principal is corp::User, action, resource) unless { resource.level > 2 };");
}

#[portable]
fn prepared_policies_follow_the_values_of_routes_but_not_their_declarations() {
    let setting = Setting::new().with_attributes();
    let text = setting.policies(&permit("resource.owner == \"docs\"")).prepare(setting.vocabulary());
    let mut changed = Setting::new().with_attributes();
    changed.router.applications[0].routes[0].attributes[2] = AttributeValue::String("docs".to_owned());
    let loaded = changed.load(&text).expect("the same declarations");
    let asked = request("GET", ORDER.0, ORDER.1);
    assert_eq!(named(&changed.decide(&loaded, &user("corp", "a", &[]), &asked)).0, "allow");
    let loaded = setting.load(&text).expect("the same configuration");
    assert_eq!(named(&setting.decide(&loaded, &user("corp", "a", &[]), &asked)).0, "not permitted");
    let mut fewer = Setting::new().with_attributes();
    fewer.router.attributes[3].values = None;
    assert_eq!(fewer.load(&text).expect_err("other declarations").code.code(), "prepared-context");
}

#[portable]
fn the_schema_has_the_attributes() {
    let setting = Setting::new().with_attributes();
    let text = setting.policies("").schema_text(setting.vocabulary()).expect("a schema");
    for part in
        ["sensitivity: __cedar::String", "tags: Set<__cedar::String>", "level: __cedar::Long", "open: __cedar::Bool"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}
