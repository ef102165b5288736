//! Values as YAML that a person can read and copy.

use serde_json::{Map, Value};

/// An object in one line.
pub fn record(members: &Map<String, Value>) -> String {
    let members = members.iter().map(|(name, value)| format!("{name}: {}", shown(value)));
    format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
}

/// A value as YAML takes it: an address as a string.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Object(members) => match members.get("__extn").and_then(|call| call.get("arg")) {
            Some(Value::String(text)) => quoted(text),
            _ => record(members),
        },
        Value::Array(elements) => format!("[{}]", elements.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// A string.
pub fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
