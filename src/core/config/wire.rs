//! The bytes that a proxy hands over, as a JSON value.
//!
//! Envoy passes the `value` of a `google.protobuf.StringValue` as it is, so that is JSON text. A configuration written as
//! `google.protobuf.Struct`, which lets it be YAML in Envoy's own YAML, comes as that message's protobuf encoding.

use prost::Message;
use prost_types::Struct;
use prost_types::value::Kind;
use serde_json::{Map, Number, Value};

use crate::jose::json::{self, JsonFault};
use crate::limits::MAX_CONFIG_JSON_DEPTH;

/// The tag of a `Struct`'s only field, `fields`, so the first byte of any that is not empty. In JSON it is a line feed.
const FIRST_BYTE_OF_STRUCT: u8 = 0x0a;

/// Reads JSON text, or else a `Struct`.
///
/// # Errors
/// What is wrong with the bytes as JSON.
pub(super) fn document(bytes: &[u8]) -> Result<Value, JsonFault> {
    json::parse(bytes, MAX_CONFIG_JSON_DEPTH).or_else(|fault| structure(bytes).ok_or(fault))
}

fn structure(bytes: &[u8]) -> Option<Value> {
    if bytes.first() != Some(&FIRST_BYTE_OF_STRUCT) {
        return None;
    }
    object(Struct::decode(bytes).ok()?)
}

/// The recursion ends: the decoder takes no more than 100 levels.
fn object(message: Struct) -> Option<Value> {
    let members = message.fields.into_iter().map(|(name, member)| Some((name, value(member.kind?)?)));
    members.collect::<Option<Map<String, Value>>>().map(Value::Object)
}

fn value(kind: Kind) -> Option<Value> {
    match kind {
        Kind::NullValue(_) => Some(Value::Null),
        Kind::BoolValue(truth) => Some(Value::Bool(truth)),
        // Neither infinity nor NaN is a number of JSON.
        Kind::NumberValue(double) => Number::from_f64(double).map(Value::Number),
        Kind::StringValue(text) => Some(Value::String(text)),
        Kind::StructValue(message) => object(message),
        Kind::ListValue(list) => list
            .values
            .into_iter()
            .map(|element| value(element.kind?))
            .collect::<Option<Vec<Value>>>()
            .map(Value::Array),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::value::Kind;
    use prost_types::{ListValue, Struct, Value as Member};
    use serde_json::json;

    use super::document;
    use crate::portable;

    fn member(kind: Kind) -> Member {
        Member { kind: Some(kind) }
    }

    fn encoded(members: impl IntoIterator<Item = (&'static str, Member)>) -> Vec<u8> {
        let fields = members.into_iter().map(|(name, member)| (name.to_owned(), member)).collect();
        Struct { fields }.encode_to_vec()
    }

    #[portable]
    fn a_struct_is_the_document_that_was_written_as_yaml() {
        let inner = Struct { fields: [("b".to_owned(), member(Kind::BoolValue(true)))].into() };
        let bytes = encoded([
            ("version", member(Kind::NumberValue(1.0))),
            ("text", member(Kind::StringValue("x".to_owned()))),
            ("nothing", member(Kind::NullValue(0))),
            ("inner", member(Kind::StructValue(inner))),
            ("list", member(Kind::ListValue(ListValue { values: vec![member(Kind::NumberValue(1.5))] }))),
        ]);
        let expected = json!({ "version": 1.0, "text": "x", "nothing": null, "inner": { "b": true }, "list": [1.5] });
        assert_eq!(document(&bytes), Ok(expected));
    }

    #[portable]
    fn json_that_begins_with_a_line_feed_is_json() {
        assert_eq!(document(b"\n{\"a\":1}"), Ok(json!({ "a": 1 })));
    }

    #[portable]
    fn a_message_that_is_cut_or_holds_what_json_does_not_is_refused() {
        let whole = encoded([("version", member(Kind::NumberValue(1.0)))]);
        let (_, cut) = whole.split_last().unwrap();
        assert!(document(&whole[..cut.len()]).is_err());
        assert!(document(&encoded([("x", member(Kind::NumberValue(f64::NAN)))])).is_err());
        assert!(document(&encoded([("x", Member { kind: None })])).is_err());
        assert!(document(b"").is_err());
        assert!(document(b"\x0a\xff\xff\xff\xff\x0f").is_err());
    }
}
