//! A decision record, explained as far as it says. It holds no facts, so it does not say which conditions failed.

use countersign_core::config::Plan;
use countersign_core::policy::PolicyDescription;
use countersign_core::refusal::Reason;
use serde_json::{Value, json};

use crate::wording;

/// Why a line is not a decision record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// It is not a JSON object.
    #[error("not a JSON object: copy the line as the access log has it")]
    NotAnObject,
    /// It is one of another version, or none at all.
    #[error("not a decision record of version 1: `schema_version` is not 1")]
    Version,
    /// A member is missing.
    #[error("not a decision record: `{0}` is missing")]
    Missing(&'static str),
}

/// A decision record.
#[derive(Clone, Debug)]
pub struct Record(Value);

impl Record {
    /// Reads one line.
    ///
    /// # Errors
    /// See [`RecordFault`].
    pub fn parse(line: &[u8]) -> Result<Self, RecordFault> {
        let record: Value = serde_json::from_slice(line).map_err(|_| RecordFault::NotAnObject)?;
        if !record.is_object() {
            return Err(RecordFault::NotAnObject);
        }
        if record.get("schema_version") != Some(&json!(1)) {
            return Err(RecordFault::Version);
        }
        match ["decision", "reason"].into_iter().find(|name| text(&record, name).is_none()) {
            Some(missing) => Err(RecordFault::Missing(missing)),
            None => Ok(Self(record)),
        }
    }

    /// In plain words.
    #[must_use]
    pub fn text(&self, plan: &Plan) -> String {
        let record = &self.0;
        let member = |name| text(record, name).unwrap_or("not known");
        let mut words = format!("decision  {} ({})", member("decision"), member("reason"));
        if let Some(detail) = text(record, "detail") {
            words.push_str(&format!(", {detail}"));
        }
        words.push_str(&format!("\n          {}\n", self.sentence()));
        if record.get("would_deny") == Some(&Value::Bool(true)) {
            words.push_str("          the mode was shadow: the request was forwarded although it would be refused\n");
        }
        words.push_str(&format!("route     {}/{}\n", member("application"), member("route")));
        words.push_str(&format!("action    {}\nprincipal {}\n", member("action"), member("principal")));
        for (name, evidence) in record.get("evidence").and_then(Value::as_object).into_iter().flatten() {
            let because = text(evidence, "reason").map_or_else(String::new, |reason| format!(", {reason}"));
            words.push_str(&format!("evidence  {name}: {}{because}\n", text(evidence, "state").unwrap_or("not known")));
        }
        if !self.policies_were_asked() {
            words.push_str("\nNo policy was asked: the reason above comes first.\n");
            return wording::printable(&words);
        }
        if !self.is_of(plan) {
            words.push_str("\nThe record was written under another configuration: the policies below may be others.\n");
        }
        for description in self.in_reach(plan) {
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
    pub fn json(&self, plan: &Plan) -> Value {
        let policies = if self.policies_were_asked() { self.in_reach(plan) } else { Vec::new() };
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
            "record": self.0,
            "same_configuration": self.is_of(plan),
            "sentence": self.sentence(),
            "policies": policies.collect::<Vec<_>>(),
        })
    }

    /// What the reason means.
    fn sentence(&self) -> &'static str {
        let code = text(&self.0, "reason");
        match Reason::ALL.iter().find(|reason| Some(reason.code()) == code) {
            Some(reason) => reason.sentence(),
            None if code == Some("permitted") => "The policies permit this.",
            None if code == Some("resource-metadata") => "The plugin answered with the metadata of the application.",
            None => "This version of the command does not know the code.",
        }
    }

    fn is_of(&self, plan: &Plan) -> bool {
        text(&self.0, "config").is_some_and(|digits| !digits.is_empty() && plan.digest.starts_with(digits))
    }

    /// Whether its reason is that of a decision by policies, or it names policies.
    fn policies_were_asked(&self) -> bool {
        let by_policies = ["permitted", "not-permitted", "forbidden-by-policy", "policy-error"];
        let is_listed = |name: &str| self.listed(name).next().is_some();
        text(&self.0, "reason").is_some_and(|reason| by_policies.contains(&reason))
            || is_listed("policies")
            || is_listed("near_misses")
    }

    fn listed(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// The policies for its route and action.
    fn in_reach(&self, plan: &Plan) -> Vec<PolicyDescription> {
        let member = |name| text(&self.0, name).unwrap_or_default();
        let (application, route, action) = (member("application"), member("route"), member("action"));
        let mut policies = plan.policies.described();
        policies.retain(|description| description.can_apply(application, route, action));
        policies
    }

    /// What the record says of a policy.
    fn role(&self, policy: &str) -> String {
        if self.listed("policies").any(|id| id.as_str() == Some(policy)) {
            return match text(&self.0, "reason") {
                Some("policy-error") => "could not be evaluated, so the request was denied",
                _ => "applied, and decided",
            }
            .to_owned();
        }
        match self.listed("near_misses").find(|miss| text(miss, "policy") == Some(policy)) {
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

/// A member as a string.
fn text<'r>(record: &'r Value, name: &str) -> Option<&'r str> {
    record.get(name).and_then(Value::as_str)
}
