//! An explanation as text and as JSON.

use countersign_core::policy::PolicyExplanation;
use countersign_core::provider::ProviderName;
use serde_json::{Value, json};

use crate::cases::Found;
use crate::wording;

/// In plain words.
#[must_use]
pub fn text(found: &Found) -> String {
    let detail = found.detail.as_ref().map_or_else(String::new, |detail| format!(", {detail}"));
    let mut text = format!("decision  {} ({}, {}{detail})\n", found.decision, found.reason, found.status);
    if found.would_deny {
        text.push_str("          the mode is shadow: the request is forwarded although it would be refused\n");
    }
    if !found.policies.is_empty() {
        text.push_str(&format!("by        {}\n", found.policies.join(", ")));
    }
    if let Some((application, route)) = &found.route {
        text.push_str(&format!("route     {application}/{route}\n"));
    }
    let Some(explanation) = &found.explanation else {
        text.push_str("\nNo policy was asked: the reason above comes first.\n");
        return wording::printable(&text);
    };
    text.push_str(&format!("action    {}\nprincipal {}", explanation.action, explanation.principal));
    if !explanation.groups.is_empty() {
        text.push_str(&format!(", in {}", explanation.groups.join(", ")));
    }
    text.push('\n');
    let (reached, others): (Vec<_>, Vec<_>) =
        explanation.policies.iter().partition(|explained| explained.is_in_reach());
    for explained in reached {
        text.push('\n');
        text.push_str(&wording::policy(explained));
    }
    text.push_str(&format!("\nPolicies for other routes or actions: {}\n", others.len()));
    let enough = wording::enough(explanation);
    if found.is_refused() && !enough.is_empty() {
        text.push_str("\nTo be allowed:\n");
        enough.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    wording::printable(&text)
}

/// As an object with the same content.
#[must_use]
pub fn json(found: &Found) -> Value {
    let explanation = found.explanation.as_ref();
    let policies = explanation.map(|explanation| explanation.policies.iter().map(policy).collect::<Vec<_>>());
    let enough = explanation.filter(|_| found.is_refused()).map(wording::enough).unwrap_or_default();
    json!({
        "decision": found.decision,
        "would_deny": found.would_deny,
        "reason": found.reason,
        "detail": found.detail,
        "status": found.status,
        "determining": found.policies,
        "route": found.route.as_ref().map(|(application, route)| format!("{application}/{route}")),
        "action": explanation.map(|explanation| &explanation.action),
        "principal": explanation.map(|explanation| &explanation.principal),
        "groups": explanation.map(|explanation| &explanation.groups),
        "policies": policies,
        "to_be_allowed": enough.lines().map(str::trim).collect::<Vec<_>>(),
    })
}

fn policy(explained: &PolicyExplanation) -> Value {
    let description = &explained.description;
    let [principal, action, resource] = explained.scope_matches;
    let conditions = explained.conditions.iter().map(|condition| {
        let facts = condition.facts.iter().map(|fact| json!({ "name": fact.name, "value": fact.value }));
        json!({
            "condition": description.conditions.get(condition.place),
            "result": wording::result(condition.result),
            "facts": facts.collect::<Vec<_>>(),
        })
    });
    json!({
        "policy": description.policy.as_str(),
        "effect": wording::effect(description),
        "applies": explained.applies,
        "rehearsed": description.is_rehearsed,
        "in_reach": explained.is_in_reach(),
        "scope": description.scope,
        "scope_matches": { "principal": principal, "action": action, "resource": resource },
        "missing_evidence": explained.missing_evidence.iter().map(ProviderName::as_str).collect::<Vec<_>>(),
        "conditions": conditions.collect::<Vec<_>>(),
    })
}
