//! Recorded requests, decided by both configurations.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

/// The requests that the two configurations decide in different ways.
#[derive(Debug, Default)]
pub struct Replayed {
    /// How many requests were decided.
    pub total: usize,
    /// Those that are decided in different ways.
    pub changed: Vec<Changed>,
    /// Why records cannot be replayed, and how many for each reason.
    pub not_replayed: BTreeMap<String, usize>,
    /// Lines of an access log without a record.
    pub without_record: usize,
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
    /// The status, 200 for a request that is forwarded. `None` where it is not known.
    pub status: Option<u64>,
    /// The code of the reason.
    pub reason: String,
    /// The policies that decide.
    pub policies: Vec<String>,
}

impl Answered {
    /// Of an answer of `eval`.
    pub fn of(answer: &Value) -> Self {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let policies = answer.get("policies").and_then(Value::as_array).into_iter().flatten();
        let status = answer.get("status").and_then(Value::as_u64);
        Self {
            forwarded: matches!(text("decision").as_str(), "allow" | "would_deny"),
            status,
            reason: text("reason"),
            policies: policies.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }

    fn shown(&self) -> String {
        let by = if self.policies.is_empty() { String::new() } else { format!(" by {}", self.policies.join(", ")) };
        let status = self.status.map_or_else(String::new, |status| format!("{status} "));
        format!("{status}{}{by}", self.reason)
    }
}

impl Replayed {
    /// Whether any request is newly forwarded, or no longer forwarded.
    pub fn any(&self, forwarded: bool) -> bool {
        let is_one = |changed: &Changed| changed.new.forwarded == forwarded && changed.old.forwarded != forwarded;
        self.changed.iter().any(is_one)
    }

    /// Adds what the two configurations decide about a request.
    pub fn add(&mut self, id: &str, (old, new): (Answered, Answered), differ: bool) {
        self.total = self.total.saturating_add(1);
        if differ {
            self.changed.push(Changed { id: id.to_owned(), old, new });
        }
    }

    /// Adds a record that is not replayed for this reason.
    pub fn add_not_replayed(&mut self, why: String) {
        let count = self.not_replayed.entry(why).or_default();
        *count = count.saturating_add(1);
    }

    /// Writes them, one line each.
    ///
    /// # Errors
    /// The output is closed.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        for changed in &self.changed {
            writeln!(to, "- {}: {}, now {}", changed.id, changed.old.shown(), changed.new.shown())?;
        }
        writeln!(to, "{} of {} requests are decided in another way.", self.changed.len(), self.total)?;
        for (why, count) in &self.not_replayed {
            writeln!(to, "Cannot be replayed: {count}, {why}.")?;
        }
        match self.without_record {
            0 => Ok(()),
            lines => writeln!(to, "Without a record: {lines} lines of an access log."),
        }
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
        let not_replayed = self.not_replayed.iter().map(|(why, count)| json!({ "why": why, "count": count }));
        json!({
            "total": self.total,
            "changed": changed.collect::<Vec<_>>(),
            "not_replayed": not_replayed.collect::<Vec<_>>(),
            "without_record": self.without_record,
        })
    }
}
