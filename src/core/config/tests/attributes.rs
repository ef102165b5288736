//! Attributes of routes: declared once, given by applications and routes, and there for every route.

use serde_json::{Value, json};

use super::{also, assert_problem, plan, with};
use crate::limits::MAX_ATTRIBUTES;
use crate::portable;
use crate::route::AttributeValue;

const DECLARED: &str = "/entities/attributes";

fn declared(attributes: Value) -> Value {
    with("/entities", json!({ "attributes": attributes }))
}

fn owner_and_tags() -> Value {
    declared(json!({
        "owner": { "type": "string" },
        "tags": { "type": ["string"], "values": ["pci", "eu"], "default": [] },
    }))
}

/// The attributes of the routes of `shop`, by the names of the routes.
fn of_routes(document: &Value) -> Vec<(String, Vec<AttributeValue>)> {
    let (plan, _) = plan(document);
    let shop = plan.router.applications.iter().find(|application| application.name == "shop").expect("shop");
    let mut routes: Vec<_> = shop.routes.iter().map(|route| (route.name.clone(), route.attributes.clone())).collect();
    routes.sort_by(|a, b| a.0.cmp(&b.0));
    routes
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::String(text.to_owned())
}

fn tags(tags: &[&str]) -> AttributeValue {
    AttributeValue::Strings(tags.iter().map(|&tag| tag.to_owned()).collect())
}

#[portable]
fn a_route_has_its_own_value_else_its_applications_else_the_default() {
    let mut document = also(owner_and_tags(), "/applications/shop/attributes", json!({ "owner": "shop" }));
    document["applications"]["shop"]["routes"] = json!({
        "a": { "path": "/a" },
        "b": { "path": "/b", "attributes": { "owner": "b" } },
        "c": { "path": "/c", "attributes": { "tags": ["pci"] } },
    });
    let expected = [
        ("a".to_owned(), vec![text("shop"), tags(&[])]),
        ("b".to_owned(), vec![text("b"), tags(&[])]),
        ("c".to_owned(), vec![text("shop"), tags(&["pci"])]),
    ];
    assert_eq!(of_routes(&document), expected);
}

#[portable]
fn a_route_without_a_value_is_rejected_with_its_place() {
    let mut document = owner_and_tags();
    document["applications"]["shop"]["routes"] =
        json!({ "a": { "path": "/a", "attributes": { "owner": "a" } }, "b": { "path": "/b" } });
    assert_problem(
        &document,
        "/applications/shop/routes/b",
        "missing-attribute",
        "the route has no value for the attribute `owner`",
        "add `attributes: { owner: ... }`",
    );
}

#[portable]
fn every_type_has_its_values() {
    let document = declared(json!({
        "a": { "type": "string", "default": "x" }, "b": { "type": "long", "default": -3 },
        "c": { "type": "bool", "default": false }, "d": { "type": ["string"], "default": ["x"] },
    }));
    let expected = vec![text("x"), AttributeValue::Long(-3), AttributeValue::Bool(false), tags(&["x"])];
    assert!(of_routes(&document).iter().all(|(_, attributes)| *attributes == expected));
}

#[portable]
fn a_declaration_that_says_nothing_is_rejected() {
    let cases = [
        (json!({ "if": { "type": "bool" } }), "/if", "bad-name", "cannot name an attribute"),
        (json!({ "a-b": { "type": "bool" } }), "/a-b", "bad-name", "cannot name an attribute"),
        (json!({ "a": {} }), "/a", "missing-field", "`type` is missing"),
        (json!({ "a": { "type": "ip" } }), "/a/type", "bad-value", "`ip` is not one of"),
        (json!({ "a": { "type": ["long"] } }), "/a/type", "bad-value", "only type of lists"),
        (json!({ "a": { "type": "long", "values": ["1"] } }), "/a/values", "contradiction", "only strings"),
        (json!({ "a": { "type": "string", "values": [] } }), "/a/values", "empty-list", "empty"),
        (json!({ "a": { "type": "string", "default": 3 } }), "/a/default", "bad-value", "the type of `a`, `string`"),
        (json!({ "a": { "type": "long", "default": 1.5 } }), "/a/default", "bad-value", "a whole number of 64 bits"),
        (json!({ "a": { "type": "bool", "default": "x" } }), "/a/default", "bad-value", "the type of `a`, `bool`"),
        (
            json!({ "a": { "type": "string", "values": ["high"], "default": "hihg" } }),
            "/a/default",
            "bad-value",
            "`hihg` is not one of the `values` of `a`",
        ),
        (json!({ "a": { "type": ["string"], "default": ["x", "x"] } }), "/a/default/1", "duplicate-value", "twice"),
    ];
    for (attributes, inside, code, message) in cases {
        assert_problem(&declared(attributes), &format!("{DECLARED}{inside}"), code, message, "");
    }
}

#[portable]
fn a_value_of_no_attribute_or_of_another_type_is_rejected() {
    let given = |attributes: Value| {
        let declared = declared(json!({ "owner": { "type": "string", "default": "x" } }));
        also(declared, "/applications/shop/attributes", attributes)
    };
    let place = "/applications/shop/attributes";
    let misspelled = given(json!({ "ownr": "a" }));
    assert_problem(
        &misspelled,
        &format!("{place}/ownr"),
        "unknown-attribute",
        "`ownr` is not",
        "did you mean `owner`?",
    );
    assert_problem(&given(json!({ "owner": true })), &format!("{place}/owner"), "bad-value", "`string`", "");
    let undeclared = with(place, json!({ "owner": "a" }));
    assert_problem(
        &undeclared,
        &format!("{place}/owner"),
        "unknown-attribute",
        "`owner` is not",
        "there are no attributes",
    );
}

#[portable]
fn attributes_are_accepted_up_to_the_cap() {
    let many = |count: usize| {
        let attributes = (0..count).map(|number| (format!("a{number}"), json!({ "type": "bool", "default": true })));
        declared(Value::Object(attributes.collect()))
    };
    plan(&many(MAX_ATTRIBUTES));
    assert_problem(&many(MAX_ATTRIBUTES + 1), DECLARED, "too-large", "at most", "[string]");
}
