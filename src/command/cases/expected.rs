//! What a case expects, and how the decision differs from it.

use countersign_core::config::Plan;
use countersign_core::refusal::Reason;

use super::found::Found;
use super::given::Reader;
use crate::document::Problem;

/// The reason of an allow.
const PERMITTED: &str = "permitted";

/// What a case expects. Nothing is compared that the case does not write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `allow` or `deny`.
    decision: &'static str,
    policies: Option<Vec<String>>,
    reason: Option<String>,
    status: Option<i64>,
    advice: Option<String>,
}

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The member of the case, such as `policies`.
    pub member: &'static str,
    /// What the case expects.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Expected {
    /// Reads it.
    ///
    /// # Errors
    /// `expect` is missing or has another value; a policy or reason that does not exist.
    pub fn read(reader: &Reader<'_, '_>, plan: &Plan) -> Result<Self, Problem> {
        let at = |name: &str| reader.layers.get(name).map_or(reader.pointer, |placed| placed.pointer.as_str());
        let decision = match reader.string("expect")? {
            Some("allow") => "allow",
            Some("deny") => "deny",
            _ => {
                let message = "the case does not say what it expects".to_owned();
                return Err(reader.problem(at("expect"), message, "write `expect: allow` or `expect: deny`"));
            }
        };
        let mut policies = reader.strings("policies")?;
        if let Some(named) = &mut policies {
            named.sort();
            let described = plan.policies.described();
            let mut known = described.iter().map(|described| described.policy.as_str());
            let unknown = named.iter().find(|name| !known.clone().any(|known| known == *name));
            if let Some(unknown) = unknown {
                let message = format!("the configuration has no policy `{unknown}`");
                let ending = format!("/{unknown}");
                let help = match known.find(|known| known.ends_with(&ending)) {
                    Some(near) => format!("write `{near}`"),
                    None => {
                        "write the id as records have it; `countersign check --show-policies` lists them".to_owned()
                    }
                };
                return Err(reader.problem(at("policies"), message, help));
            }
        }
        let reason = reader.string("reason")?.map(str::to_owned);
        let is_known = |reason: &str| reason == PERMITTED || Reason::ALL.iter().any(|known| known.code() == reason);
        if let Some(reason) = reason.as_deref().filter(|reason| !is_known(reason)) {
            let message = format!("`{reason}` is not the code of a reason");
            return Err(reader.problem(
                at("reason"),
                message,
                "write `permitted`, or one of the codes of docs/decision.md",
            ));
        }
        let advice = reader.string("advice")?.map(str::to_owned);
        Ok(Self { decision, policies, reason, status: reader.number("status")?, advice })
    }

    /// What is not as expected; nothing if the case passes.
    #[must_use]
    pub fn differences(&self, found: &Found) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut compare = |member, expected: Option<String>, found: String| {
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                differences.push(Difference { member, expected, found });
            }
        };
        compare("expect", Some(self.decision.to_owned()), found.decision.clone());
        compare("policies", self.policies.as_ref().map(|ids| listed(ids)), listed(&found.policies));
        compare("reason", self.reason.clone(), found.reason.clone());
        compare("status", self.status.map(|status| status.to_string()), found.status.to_string());
        compare("advice", self.advice.clone(), found.advice.clone().unwrap_or_else(|| "none".to_owned()));
        // Otherwise a mistake in the case, such as another path, would pass as a denial.
        if self.decision == "deny" && self.reason.is_none() && found.decision == "deny" && found.explanation.is_none() {
            differences.push(Difference {
                member: "reason",
                expected: "a denial by the policies".to_owned(),
                found: format!("{}, before any policy was asked; if you mean that, write it as `reason`", found.reason),
            });
        }
        differences
    }
}

fn listed(ids: &[String]) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
