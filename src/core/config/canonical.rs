//! One form of a document: members sorted, whole numbers as integers, so that the same configuration has the same
//! digest whether it came as JSON or through Envoy's `Struct`, whose numbers are all doubles.

use hmac_sha256::Hash;
use serde_json::{Map, Number, Value};

/// Doubles hold every whole number up to here exactly (2^53); beyond, a double is left as it is.
const LARGEST_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The document in that form; `None` where it is nested more than `levels` deep.
pub(super) fn canonical(value: &Value, levels: usize) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Some(value.clone()),
        Value::Number(number) => Some(Value::Number(integer(number).unwrap_or_else(|| number.clone()))),
        Value::Array(list) => {
            let inside = levels.checked_sub(1)?;
            list.iter().map(|element| canonical(element, inside)).collect::<Option<Vec<Value>>>().map(Value::Array)
        }
        Value::Object(map) => {
            let inside = levels.checked_sub(1)?;
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            members
                .into_iter()
                .map(|(name, member)| canonical(member, inside).map(|member| (name.clone(), member)))
                .collect::<Option<Map<String, Value>>>()
                .map(Value::Object)
        }
    }
}

/// SHA-256 of a canonical document without spaces, in lower-case hex.
pub(super) fn digest(text: &str) -> String {
    Hash::hash(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The integer that a double represents.
fn integer(number: &Number) -> Option<Number> {
    if !number.is_f64() {
        return None;
    }
    let double = number.as_f64().filter(|double| double.fract() == 0.0 && double.abs() <= LARGEST_EXACT_INTEGER)?;
    // Without a fraction and within 2^53: the text has no exponent and no point.
    format!("{double:.0}").parse::<i64>().ok().map(Number::from)
}
