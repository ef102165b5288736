//! Explanations: descriptions in Cedar's notation, and the results of all policies.

use super::fixture::{NOW, Setting, anonymous, mdm, named, permit, request, user, user_with};
use crate::policy::PolicyDescription;
use crate::portable;

/// A description as a policy.
fn written(description: &PolicyDescription) -> String {
    let conditions = description.conditions.iter().map(|condition| format!("when {{ {condition} }}"));
    let effect = if description.permits { "permit" } else { "forbid" };
    let conditions = conditions.collect::<Vec<_>>().join("\n");
    format!("@id(\"{}\")\n{effect} ({}) {conditions};", description.policy, description.scope.join(", "))
}

#[portable]
fn a_description_is_the_same_policy_in_cedar() {
    let setting = Setting::new();
    let conditions = [
        "context.corp.email like \"*\\\"@example\\*.com\"",
        "context.corp has acr && [\"a\", \"b\"].contains(context.corp.acr)",
        "context.corp has roles && (context.corp.roles.containsAll([\"x\"]) || context.corp.roles.isEmpty())",
        "context.corp has office && context.corp.office.isInRange(ip(\"10.0.0.0/8\")) && !context.corp.office.isLoopback()",
        "context.corp has address && context.corp.address has country && context.corp.address.country != \"x\"",
        "context has mdm && (context.mdm.score + 1) * 2 - context.now >= -5 && context.mdm.managed",
        "context has mdm && (if context.mdm.bound then context.mdm.score > 1 else context.mdm.score < context.mdm.age)",
        "context has mdm && !(context.mdm.managed && context.mdm.bound)",
        "principal in corp::Group::\"staff\" || principal == corp::User::\"al\\\"ice\"",
        "datetime(\"2026-01-01\").offset(duration(\"1h\")) > datetime(\"2025-01-01\") || context.now == 3",
        "decimal(\"-0.5\").lessThan(decimal(\"1.25\")) || context.now == 3",
        "{\"a\": context.now, \"b c\": 1} == {\"a\": 1, \"b c\": context.now}",
    ];
    for condition in conditions {
        let policies = setting.policies(&permit(condition));
        let described = policies.described();
        let again = setting.policies(&written(&described[0]));
        assert_eq!(again.described(), described, "{condition}\n{}", written(&described[0]));
        // The programs are equal, too, so the notation has lost nothing.
        assert_eq!(again.prepare(setting.vocabulary()), policies.prepare(setting.vocabulary()), "{condition}");
    }
    for scope in [
        "principal, action, resource",
        "principal == corp::User::\"a\", action == Action::\"GET\", resource == Route::\"wiki/page\"",
        "principal is corp::User in corp::Group::\"staff\", action in [Action::\"read\", Action::\"write\"], resource",
        "principal is Anonymous, action in Action::\"read\", resource in Application::\"wiki\"",
    ] {
        let policies = setting.policies(&format!("@id(\"p\") permit ({scope});"));
        assert_eq!(policies.described()[0].scope.join(", "), scope);
    }
}

#[portable]
fn an_explanation_agrees_with_the_decision() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"all\") permit (principal, action, resource);
        @id(\"open\") permit (principal is Anonymous, action, resource);
        @id(\"device\") permit (principal is corp::User, action, resource) when { context has mdm && context.mdm.score > 5 };
        @id(\"staff\") permit (principal in corp::Group::\"staff\", action in Action::\"write\", resource);
        @id(\"shop\") permit (principal, action, resource in Application::\"shop\");",
    );
    let scored = |score| user_with("corp", "a", &["staff"], &[], &[mdm(true, score)]);
    for identity in [anonymous(), user("corp", "a", &["staff"]), user("partner", "b", &[]), scored(5), scored(6)] {
        let request = request("GET", "wiki.example.com", "/a");
        let route = setting.router.find(&request).expect("a route");
        let explanation = policies.explain(&identity, &request, &route, NOW).expect("an explanation");
        let applying = explanation.policies.iter().filter(|explained| explained.applies == Some(true));
        let applying: Vec<&str> = applying.map(|explained| explained.description.policy.as_str()).collect();
        assert_eq!(named(&setting.decide(&policies, &identity, &request)), ("allow", applying));
    }
}
