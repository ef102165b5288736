//! Strict JSON (RFC 8259): UTF-8, no duplicate member at any depth, no trailing data, depth under a cap.
//!
//! Tokens, key sets and the configuration are parsed here. The input is not trusted, and no fault repeats any of it.
//!
//! The grammar leaves some questions open. The answers here are:
//! - If two members of one object have the same name, the input is rejected, even if one is spelled with escapes (RFC
//!   8725 sections 2.4 and 3.7: two readers could use different ones).
//! - Depth is the number of arrays and objects that are open at once. It is capped before anything is built, so that
//!   neither building nor dropping a value can overflow the stack (CVE-2026-48042).
//! - A whole number that fits `i64` or `u64` stays one. Any other number becomes an IEEE 754 double, `-0` included. A
//!   number that is too large for a double (`1e400`) is rejected.
//! - `\u0000` and other escaped control characters are legal in strings. Code that uses a string as a name rejects
//!   them.
//! - Bytes are not counted here: each caller has its own cap.

use core::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// Why the input is rejected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} at line {line} column {column}")]
pub struct JsonFault {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1; 0 if the fault has no column.
    pub column: usize,
    /// What is wrong, in words. It repeats nothing of the input.
    pub what: String,
}

/// Parses one JSON text.
///
/// # Errors
/// A [`JsonFault`] for anything but exactly one JSON value within `max_depth` levels of arrays and objects.
pub fn parse(text: &[u8], max_depth: usize) -> Result<Value, JsonFault> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict { levels_left: max_depth }.deserialize(&mut deserializer).map_err(|error| fault(&error))?;
    deserializer.end().map_err(|error| fault(&error))?;
    Ok(value)
}

/// The parser's messages are fixed sentences that end with the position. Here the position has fields of its own.
fn fault(error: &serde_json::Error) -> JsonFault {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default().to_owned();
    JsonFault { line: error.line(), column: error.column(), what }
}

/// Builds a value from what the parser finds, with the number of levels that may still be opened.
#[derive(Clone, Copy)]
struct Strict {
    levels_left: usize,
}

impl Strict {
    fn inside<E: de::Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left }),
            None => Err(E::custom("arrays and objects are nested too deeply")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inside)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(de::Error::custom("a member name appears twice in one object"));
            }
            object.insert(name, members.next_value_seed(inside)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{JsonFault, parse};
    use crate::portable;

    fn refused(text: impl AsRef<[u8]>) -> JsonFault {
        let text = text.as_ref();
        parse(text, 8).expect_err(&format!("accepted: {:?}", String::from_utf8_lossy(text)))
    }

    #[portable]
    fn one_value_with_white_space_around_is_accepted() {
        let value = parse(b" {\"a\":[1,-2,3.5,true,false,null,\"x\\u00e9\\uD83D\\uDE00\"],\"b\":{}}\r\n\t", 8).unwrap();
        assert_eq!(value, json!({"a": [1, -2, 3.5, true, false, null, "xé😀"], "b": {}}));
    }

    #[portable]
    fn a_duplicate_member_is_rejected_at_any_depth_and_in_any_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
            r#"{"":1,"":2}"#,
            r#"{"é":1,"\u00e9":2}"#,
        ] {
            assert_eq!(refused(text).what, "a member name appears twice in one object", "{text}");
        }
        assert!(parse(r#"{"a":{"a":{"a":1}},"A":2}"#.as_bytes(), 8).is_ok());
    }

    #[portable]
    fn depth_is_accepted_at_the_cap_and_rejected_one_past_it() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(8).as_bytes(), 8).is_ok());
        assert_eq!(refused(nested(9)).what, "arrays and objects are nested too deeply");
        let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(parse(objects(8).as_bytes(), 8).is_ok());
        assert_eq!(refused(objects(9)).what, "arrays and objects are nested too deeply");
        assert!(parse(b"1", 0).is_ok());
        assert!(parse(b"[]", 0).is_err());
        refused("[".repeat(100_000));
    }

    #[portable]
    fn anything_but_one_json_value_is_refused() {
        let texts: [&[u8]; 31] = [
            b"",
            b" ",
            b"{} {}",
            b"{}x",
            b"{}\0",
            b"\xef\xbb\xbf{}",
            b"\"\xff\"",
            b"\"\xc0\xaf\"",
            b"\"\xed\xa0\x80\"",
            br#""\ud800""#,
            br#""\udc00\ud800""#,
            br#""\ud800x""#,
            b"\"\n\"",
            b"\"\0\"",
            br#""\x41""#,
            br#""\u12""#,
            b"\"",
            b"'a'",
            b"NaN",
            b"Infinity",
            b"-",
            b"01",
            b"-01",
            b"1.",
            b".5",
            b"+1",
            b"1e400",
            b"[1,]",
            b"{\"a\":1,}",
            b"{a:1}",
            b"// x\n1",
        ];
        for text in texts {
            refused(text);
        }
    }

    #[portable]
    fn a_number_beyond_64_bits_becomes_a_double_and_an_escaped_nul_stays() {
        assert_eq!(parse(b"18446744073709551615", 0).unwrap(), json!(u64::MAX));
        assert!(parse(b"18446744073709551616", 0).unwrap().is_f64());
        assert!(parse(b"-9223372036854775809", 0).unwrap().is_f64());
        assert!(parse(b"-0", 0).unwrap().is_f64());
        assert_eq!(parse(br#""a\u0000b""#, 0).unwrap(), json!("a\0b"));
    }

    #[portable]
    fn a_fault_says_where_and_repeats_nothing_of_the_text() {
        let fault = refused("{\n  \"secret\": s3cr3t\n}");
        assert_eq!((fault.line, fault.column), (2, 13));
        assert_eq!(fault.what, "expected value");
        let twice = refused("{\n  \"secret\": 1,\n  \"secret\": 2\n}");
        assert_eq!(twice.line, 3);
        assert!(!twice.to_string().contains("secret"), "{twice}");
    }
}
