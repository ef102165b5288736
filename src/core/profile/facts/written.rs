//! Values that some providers write in other forms than JSON's own: sets as one string, booleans and numbers as strings. Each
//! form is accepted only where the configuration asks for it, and has exactly one meaning.

use serde_json::Value;

use super::{ClaimPosition, FactValue};
use crate::jose::wrong_type;
use crate::limits::MAX_LIST_ELEMENTS;
use crate::refusal::Refusal;

/// A boolean, or exactly one of the strings `true` and `false`.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => match text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number of 64 bits, or exactly its decimal digits in a string.
pub(super) fn long(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        // Each number has one spelling. A string that parses to the number and differs from it has a `+` or leading zeros.
        Value::String(text) => text.parse::<i64>().ok().filter(|number| number.to_string() == *text),
        _ => None,
    }
}

/// The words of one string, or a list of words. Only spaces separate words, and only in a string; several spaces in a row
/// count as one. A word that is not a `scope-token` is rejected, because two parsers could split it differently.
///
/// # Errors
/// `token-claim-type`
pub(super) fn scopes(value: &Value, position: &ClaimPosition<'_>) -> Result<Vec<FactValue>, Refusal> {
    let scope = |word: &str| FactValue::String(word.to_owned());
    match value {
        Value::String(text) => {
            let words = || text.split(' ').filter(|word| !word.is_empty());
            if words().nth(MAX_LIST_ELEMENTS).is_some() {
                return Err(wrong_type(position, value, format_args!("at most {MAX_LIST_ELEMENTS} scopes")));
            }
            if !words().all(is_scope_token) {
                return Err(wrong_type(position, value, "scopes of printable ASCII without `\"` and `\\`"));
            }
            Ok(words().map(scope).collect())
        }
        Value::Array(elements) if elements.len() <= MAX_LIST_ELEMENTS => {
            let element = |element: &Value| match element {
                Value::String(word) if is_scope_token(word) => Ok(scope(word)),
                other => {
                    let wanted = "one scope, printable ASCII without spaces, `\"` and `\\`";
                    Err(wrong_type(ClaimPosition::Element { of: position }, other, wanted))
                }
            };
            elements.iter().map(element).collect()
        }
        other => Err(wrong_type(position, other, "scopes, one string or a list of strings")),
    }
}

/// `scope-token` (RFC 6749 section 3.3): `1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
