//! A decision record, explained as far as it says. It holds no facts, so it does not say which conditions failed.

use countersign_core::config::Plan;
use countersign_core::policy::PolicyDescription;
use countersign_core::refusal::Reason;
use serde_json::{Value, json};

use crate::record::Record;
use crate::wording;

/// A record, explained for one configuration.
#[derive(Clone, Copy, Debug)]
pub struct Explained<'r> {
    /// The record.
    pub record: &'r Record,
    /// The configuration.
    pub plan: &'r Plan,
}

impl Explained<'_> {
    /// In plain words.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { record, plan } = self;
        let member = |name| record.text(name).unwrap_or("not known");
        let mut words = format!("decision  {} ({})", member("decision"), member("reason"));
        if let Some(detail) = record.text("detail") {
            words.push_str(&format!(", {detail}"));
        }
        words.push_str(&format!("\n          {}\n", self.sentence()));
        if record.value().get("would_deny") == Some(&Value::Bool(true)) {
            words.push_str("          the mode was shadow: the request was forwarded although it would be refused\n");
        }
        words.push_str(&format!("route     {}/{}\n", member("application"), member("route")));
        words.push_str(&format!("action    {}\nprincipal {}\n", member("action"), member("principal")));
        for (name, evidence) in record.value().get("evidence").and_then(Value::as_object).into_iter().flatten() {
            let because = text(evidence, "reason").map_or_else(String::new, |reason| format!(", {reason}"));
            let device = text(evidence, "device").map_or_else(String::new, |device| format!(", device {device}"));
            let state = text(evidence, "state").unwrap_or("not known");
            words.push_str(&format!("evidence  {name}: {state}{device}{because}\n"));
        }
        if !self.policies_were_asked() {
            words.push_str("\nNo policy was asked: the reason above comes first.\n");
            return wording::printable(&words);
        }
        if !record.is_of(plan) {
            words.push_str("\nThe record was written under another configuration: the policies below may be others.\n");
        }
        for description in self.in_reach() {
            let role = self.role(description.policy.as_str());
            words.push_str(&format!("\n{} {}: {role}\n", wording::effect(&description), description.policy));
            description.scope.iter().for_each(|scope| words.push_str(&format!("  scope     {scope}\n")));
            description.conditions.iter().for_each(|text| words.push_str(&format!("  condition {text}\n")));
        }
        words.push_str(
            "\nA record holds no facts, so it is not known which conditions failed, and on which values. With the request itself, \
             `explain --request` says it.\n",
        );
        wording::printable(&words)
    }

    /// As an object with the same content.
    #[must_use]
    pub fn json(&self) -> Value {
        let policies = if self.policies_were_asked() { self.in_reach() } else { Vec::new() };
        let policies = policies.iter().map(|description| {
            json!({
                "policy": description.policy.as_str(),
                "effect": wording::effect(description),
                "role": self.role(description.policy.as_str()),
                "scope": description.scope,
                "conditions": description.conditions,
            })
        });
        json!({
            "record": self.record.value(),
            "same_configuration": self.record.is_of(self.plan),
            "sentence": self.sentence(),
            "policies": policies.collect::<Vec<_>>(),
        })
    }

    /// What the reason means.
    fn sentence(&self) -> &'static str {
        let code = self.record.text("reason");
        match Reason::ALL.iter().find(|reason| Some(reason.code()) == code) {
            Some(reason) => reason.sentence(),
            None if code == Some("permitted") => "The policies permit this.",
            None if code == Some("resource-metadata") => "The plugin answered with the metadata of the application.",
            None => "This version of the command does not know the code.",
        }
    }

    /// Whether its reason is that of a decision by policies, or it names policies.
    fn policies_were_asked(&self) -> bool {
        let by_policies = ["permitted", "not-permitted", "forbidden-by-policy", "policy-error"];
        let is_listed = |name: &str| self.record.listed(name).next().is_some();
        self.record.text("reason").is_some_and(|reason| by_policies.contains(&reason))
            || is_listed("policies")
            || is_listed("near_misses")
    }

    /// The policies for its route and action.
    fn in_reach(&self) -> Vec<PolicyDescription> {
        let member = |name| self.record.text(name).unwrap_or_default();
        let (application, route, action) = (member("application"), member("route"), member("action"));
        let mut policies = self.plan.policies.described();
        policies.retain(|description| description.can_apply(application, route, action));
        policies
    }

    /// What the record says of a policy.
    fn role(&self, policy: &str) -> String {
        if self.record.listed("policies").any(|id| id.as_str() == Some(policy)) {
            return match self.record.text("reason") {
                Some("policy-error") => "could not be evaluated, so the request was denied",
                _ => "applied, and decided",
            }
            .to_owned();
        }
        match self.record.listed("near_misses").find(|miss| text(miss, "policy") == Some(policy)) {
            Some(miss) => {
                let failed = miss.get("failed_conditions").and_then(Value::as_u64).unwrap_or_default();
                format!(
                    "did not apply: {failed} of its conditions failed (a group that the principal is not in counts as one)"
                )
            }
            None => "the record does not name it".to_owned(),
        }
    }
}

/// A member of an object as a string.
fn text<'r>(object: &'r Value, name: &str) -> Option<&'r str> {
    object.get(name).and_then(Value::as_str)
}
