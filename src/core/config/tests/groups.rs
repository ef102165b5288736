//! `principal.groups`: where a token's groups are, and what the claim must be.

use serde_json::{Value, json};

use super::{also, assert_problem, plan, with};
use crate::portable;
use crate::profile::GroupsRule;

const POINTER: &str = "/issuers/corp/principal/groups";

fn groups(value: Value) -> Value {
    with(POINTER, value)
}

fn rule(value: Value) -> GroupsRule {
    plan(&groups(value)).0.issuers.remove(0).principal.groups.expect("a rule")
}

#[portable]
fn the_short_forms_ask_for_nothing_and_the_object_says_what_it_asks_for() {
    for (written, claim, required, single) in [
        (json!("groups"), &["groups"][..], false, false),
        (json!(["realm_access", "roles"]), &["realm_access", "roles"], false, false),
        (json!({ "claim": "groups" }), &["groups"], false, false),
        (json!({ "claim": "groups", "required": false, "single": false }), &["groups"], false, false),
        (json!({ "claim": ["realm_access", "roles"], "required": true }), &["realm_access", "roles"], true, false),
        (json!({ "claim": "groups", "single": true }), &["groups"], false, true),
    ] {
        let rule = rule(written.clone());
        assert_eq!(rule.claim.0, claim, "{written}");
        assert_eq!((rule.required, rule.single), (required, single), "{written}");
    }
}

#[portable]
fn a_member_of_the_object_that_is_missing_or_wrong_is_named_at_its_place() {
    assert_problem(&groups(json!({ "required": true })), POINTER, "missing-field", "`claim` is missing", "add `claim`");
    assert_problem(
        &groups(json!({ "claim": "groups", "require": true })),
        &format!("{POINTER}/require"),
        "unknown-field",
        "`require`",
        "did you mean `required`?",
    );
    for member in ["required", "single"] {
        assert_problem(
            &groups(json!({ "claim": "groups", member: "true" })),
            &format!("{POINTER}/{member}"),
            "wrong-type",
            "found a string, expected a boolean",
            "write `true` to ",
        );
    }
    assert_problem(
        &groups(json!(true)),
        POINTER,
        "wrong-type",
        "found a boolean, expected a claim's name, or a list of names",
        "`{ claim: groups, required: true }`",
    );
}

#[portable]
fn tokens_cannot_be_required_to_have_groups_and_allowed_to_lack_them() {
    let required = |claim: Value, facts: Value| {
        also(groups(json!({ "claim": claim, "required": true })), "/issuers/corp/facts", facts)
    };
    let contradiction = |document: &Value, written: &str, help: &str| {
        assert_problem(document, &format!("{POINTER}/required"), "contradiction", written, help);
    };
    contradiction(&required(json!("groups"), json!({ "groups?": ["string"] })), "`groups?`", "write `groups`");
    let nested = || json!(["realm_access", "roles"]);
    let facts = json!({ "realm_access?": { "roles": ["string"] } });
    contradiction(&required(nested(), facts), "`realm_access?`", "write `realm_access`");
    let facts = json!({ "realm_access": { "roles?": ["string"] } });
    contradiction(&required(nested(), facts), "`roles?`", "write `roles`");
    plan(&required(nested(), json!({ "realm_access": { "roles": ["string"] }, "roles?": ["string"] })));
    plan(&also(groups(json!("groups")), "/issuers/corp/facts", json!({ "groups?": ["string"] })));
}

#[portable]
fn a_groups_claim_that_no_token_may_have_is_refused() {
    assert_problem(
        &also(groups(json!("groups")), "/issuers/corp/forbid_claims", json!(["groups"])),
        "/issuers/corp/forbid_claims/0",
        "contradiction",
        "`groups` is forbidden here and needed elsewhere",
        "remove it",
    );
}
