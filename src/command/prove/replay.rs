//! Recorded requests, decided by both configurations.

use std::io::{self, Write};

use serde_json::{Value, json};

/// The requests that the two configurations decide in different ways.
#[derive(Debug, Default)]
pub struct Replayed {
    /// How many requests were decided.
    pub total: usize,
    /// Those that are decided in different ways.
    pub changed: Vec<Changed>,
}

/// One of them.
#[derive(Debug)]
pub struct Changed {
    /// Its `id`.
    pub id: String,
    /// The old answer.
    pub old: Answered,
    /// The new answer.
    pub new: Answered,
}

/// What a client would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Whether the request is forwarded.
    pub forwarded: bool,
    /// The status, 200 for a request that is forwarded.
    pub status: u64,
    /// The code of the reason; empty for an allow.
    pub reason: String,
    /// The policies that decide.
    pub policies: Vec<String>,
}

impl Answered {
    /// Of an answer of `eval`.
    pub fn of(answer: &Value) -> Self {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let policies = answer.get("policies").and_then(Value::as_array).into_iter().flatten();
        let status = answer.get("status").and_then(Value::as_u64).unwrap_or_default();
        Self {
            forwarded: matches!(text("decision").as_str(), "allow" | "would_deny"),
            status,
            reason: text("reason"),
            policies: policies.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }

    fn shown(&self) -> String {
        let by = if self.policies.is_empty() { String::new() } else { format!(" by {}", self.policies.join(", ")) };
        match self.reason.as_str() {
            "" => format!("{}{by}", self.status),
            reason => format!("{} {reason}{by}", self.status),
        }
    }
}

impl Replayed {
    /// Whether any request is newly forwarded, or no longer forwarded.
    pub fn any(&self, forwarded: bool) -> bool {
        let is_one = |changed: &Changed| changed.new.forwarded == forwarded && changed.old.forwarded != forwarded;
        self.changed.iter().any(is_one)
    }

    /// Writes them, one line each.
    ///
    /// # Errors
    /// The output is closed.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        for changed in &self.changed {
            writeln!(to, "- {}: {}, now {}", changed.id, changed.old.shown(), changed.new.shown())?;
        }
        writeln!(to, "{} of {} requests are decided in another way.", self.changed.len(), self.total)
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let answered = |answered: &Answered| {
            json!({
                "forwarded": answered.forwarded,
                "status": answered.status,
                "reason": answered.reason,
                "policies": answered.policies,
            })
        };
        let changed = self
            .changed
            .iter()
            .map(|changed| json!({ "id": changed.id, "old": answered(&changed.old), "new": answered(&changed.new) }));
        json!({ "total": self.total, "changed": changed.collect::<Vec<_>>() })
    }
}
