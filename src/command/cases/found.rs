//! What the core decides about a case.

use countersign_core::config::Plan;
use countersign_core::enforcement::{Outcome, decide_given, explain_given};
use countersign_core::policy::Explanation;
use countersign_core::reply::Reply;
use countersign_core::telemetry::DecisionId;
use serde_json::Value;

use super::given::Given;

/// A decision, with its explanation if policies were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `allow`, `deny`, or `answered`.
    pub decision: String,
    /// Whether it is an allow only because the mode is `shadow`.
    pub would_deny: bool,
    /// The code of the reason.
    pub reason: String,
    /// What the reason says in addition to its code.
    pub detail: Option<String>,
    /// 200 for an allow, otherwise that of the answer.
    pub status: u16,
    /// The policies that decided.
    pub policies: Vec<String>,
    /// The advice that the client is given.
    pub advice: Option<String>,
    /// The application and the route, if they are known.
    pub route: Option<(String, String)>,
    /// How each policy decides.
    pub explanation: Option<Explanation>,
}

impl Found {
    /// Decides a case as the plugin decides a request with this evidence.
    #[must_use]
    pub fn of(plan: &Plan, given: &Given) -> Self {
        let id = DecisionId::derive(&[0; 32], 0, given.time);
        let outcome = decide_given(plan, &given.evidence, given.request.parts(plan), given.time, &id);
        let explanation = explain_given(plan, &given.evidence, given.request.parts(plan), given.time);
        Self::new(&outcome, explanation)
    }

    /// An outcome with its explanation.
    #[must_use]
    pub fn new(outcome: &Outcome, explanation: Option<Explanation>) -> Self {
        let record: Value = serde_json::from_str(&outcome.record.to_json()).unwrap_or_default();
        let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
        let (status, advice) = match &outcome.reply {
            Reply::Forward(_) => (200, None),
            Reply::Answer(answer) => {
                let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                (answer.status, body.get("advice").and_then(Value::as_str).map(str::to_owned))
            }
        };
        let policies = record.get("policies").and_then(Value::as_array);
        Self {
            decision: text("decision").unwrap_or_default(),
            would_deny: record.get("would_deny") == Some(&Value::Bool(true)),
            reason: text("reason").unwrap_or_default(),
            detail: text("detail"),
            status,
            policies: policies.into_iter().flatten().filter_map(|id| Some(id.as_str()?.to_owned())).collect(),
            advice,
            route: text("application").zip(text("route")),
            explanation,
        }
    }

    /// Whether the request is refused, or would be in another mode.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.decision == "deny" || self.would_deny
    }
}
