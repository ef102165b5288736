//! Values that some providers write in another form than JSON's own: sets as one string, booleans and numbers as text. Each
//! form is taken only where the configuration names it, and has exactly one meaning.

use serde_json::Value;

use super::{FactValue, Place};
use crate::jose::wrong_type;
use crate::limits::MAX_LIST_ELEMENTS;
use crate::refusal::Refusal;

/// A boolean, or exactly the text of one.
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

/// A whole number of 64 bits, or exactly the text that such a number has here.
pub(super) fn long(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        // One number has one text: what reads as the number and is not its text has a sign or zeros too many.
        Value::String(text) => text.parse::<i64>().ok().filter(|number| number.to_string() == *text),
        _ => None,
    }
}

/// The words of one string, or a list of words. Only a space separates, and only in a string; more of them than one are as
/// one, for no word is in between. A word that is no `scope-token` is refused: two readers could split it in two ways.
///
/// # Errors
/// `token-claim-type`
pub(super) fn scopes(value: &Value, place: &Place<'_>) -> Result<Vec<FactValue>, Refusal> {
    let scope = |word: &str| FactValue::String(word.to_owned());
    match value {
        Value::String(text) => {
            let words = || text.split(' ').filter(|word| !word.is_empty());
            if words().nth(MAX_LIST_ELEMENTS).is_some() {
                return Err(wrong_type(place, value, format_args!("at most {MAX_LIST_ELEMENTS} scopes")));
            }
            if !words().all(is_scope_token) {
                return Err(wrong_type(place, value, "scopes of printable ASCII without `\"` and `\\`"));
            }
            Ok(words().map(scope).collect())
        }
        Value::Array(elements) if elements.len() <= MAX_LIST_ELEMENTS => {
            let element = |element: &Value| match element {
                Value::String(word) if is_scope_token(word) => Ok(scope(word)),
                other => {
                    let wanted = "one scope, printable ASCII without spaces, `\"` and `\\`";
                    Err(wrong_type(Place::Element { of: place }, other, wanted))
                }
            };
            elements.iter().map(element).collect()
        }
        other => Err(wrong_type(place, other, "scopes, one string or a list of strings")),
    }
}

/// `scope-token` (RFC 6749 section 3.3): `1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
