//! Decision records, as access logs have them.

use countersign_core::config::Plan;
use serde_json::{Value, json};

/// The beginning of each record.
const BEGINNING: &[u8] = b"{\"schema_version\":";

/// What only a record has: in a string, these quotation marks would be escaped.
const MEMBER: &[u8] = b"\"schema_version\":";

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
    /// Reads one line: a record, or a line of an access log that ends with one.
    ///
    /// # Errors
    /// See [`RecordFault`].
    pub fn parse(line: &[u8]) -> Result<Self, RecordFault> {
        let record: Value =
            serde_json::from_slice(Self::inside(line).unwrap_or(line)).map_err(|_| RecordFault::NotAnObject)?;
        if !record.is_object() {
            return Err(RecordFault::NotAnObject);
        }
        if record.get("schema_version") != Some(&json!(1)) {
            return Err(RecordFault::Version);
        }
        let record = Self(record);
        match ["decision", "reason"].into_iter().find(|name| record.text(name).is_none()) {
            Some(missing) => Err(RecordFault::Missing(missing)),
            None => Ok(record),
        }
    }

    /// The record in a line of an access log, or in one that `eval` prints, if there is one.
    pub fn inside(line: &[u8]) -> Option<&[u8]> {
        let place = |of: &[u8]| line.windows(of.len()).position(|window| window == of);
        let is_printed = line.trim_ascii_start().starts_with(b"{") && place(MEMBER).is_some();
        if is_printed { Some(line) } else { line.get(place(BEGINNING)?..) }
    }

    /// All of it.
    pub const fn value(&self) -> &Value {
        &self.0
    }

    /// A member as a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The elements of a member.
    pub fn listed(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// Changes a member.
    #[cfg(test)]
    pub fn set_for_test(&mut self, name: &str, value: Value) {
        self.0[name] = value;
    }

    /// Whether it was written under this configuration.
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.text("config").is_some_and(|digits| !digits.is_empty() && plan.digest.starts_with(digits))
    }
}
