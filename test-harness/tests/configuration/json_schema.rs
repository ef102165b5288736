//! Validates by the keywords of JSON Schema (draft 2020-12) that the schemas of the configuration and of the record use. A keyword that is not
//! known here panics, so the schema cannot silently use more than is tested.

use serde_json::{Map, Value};

/// Whether a value is valid under a schema whose definitions are in it.
pub fn is_valid(schema: &Value, value: &Value) -> bool {
    Validator { root: schema }.valid(schema, value)
}

struct Validator<'a> {
    root: &'a Value,
}

impl Validator<'_> {
    fn valid(&self, schema: &Value, value: &Value) -> bool {
        match schema {
            Value::Bool(all) => *all,
            Value::Object(keywords) => {
                keywords.iter().all(|(keyword, argument)| self.holds(keywords, keyword, argument, value))
            }
            _ => panic!("not a schema: {schema}"),
        }
    }

    fn holds(&self, keywords: &Map<String, Value>, keyword: &str, argument: &Value, value: &Value) -> bool {
        let all = |schemas: &Value| schemas.as_array().expect("a list").clone();
        let count = || usize::try_from(argument.as_u64().expect("a count")).expect("a small count");
        match keyword {
            "$schema" | "$defs" | "title" | "description" | "default" => true,
            "$ref" => {
                let pointer = argument.as_str().expect("a reference").strip_prefix('#').expect("a local reference");
                self.valid(self.root.pointer(pointer).expect("its target"), value)
            }
            "const" => equal(argument, value),
            "enum" => all(argument).iter().any(|word| equal(word, value)),
            "type" => match argument {
                Value::Array(types) => types.iter().any(|kind| is_of(kind, value)),
                kind => is_of(kind, value),
            },
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() <= count()),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() >= count()),
            "pattern" => {
                let pattern = regex::Regex::new(argument.as_str().expect("a pattern")).expect("a pattern");
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "minimum" => value.as_f64().is_none_or(|number| number >= argument.as_f64().expect("a number")),
            "maximum" => value.as_f64().is_none_or(|number| number <= argument.as_f64().expect("a number")),
            "items" => value.as_array().is_none_or(|list| list.iter().all(|element| self.valid(argument, element))),
            "minItems" => value.as_array().is_none_or(|list| list.len() >= count()),
            "maxItems" => value.as_array().is_none_or(|list| list.len() <= count()),
            "uniqueItems" => value.as_array().is_none_or(|list| {
                list.iter().enumerate().all(|(index, one)| list.iter().skip(index + 1).all(|other| !equal(one, other)))
            }),
            "properties" => value.as_object().is_none_or(|object| {
                let properties = argument.as_object().expect("properties");
                properties.iter().all(|(name, schema)| object.get(name).is_none_or(|inner| self.valid(schema, inner)))
            }),
            "additionalProperties" => value.as_object().is_none_or(|object| {
                let known = keywords.get("properties").and_then(Value::as_object);
                let additional =
                    object.iter().filter(|(name, _)| !known.is_some_and(|known| known.contains_key(*name)));
                additional.map(|(_, inner)| inner).all(|inner| self.valid(argument, inner))
            }),
            "minProperties" => value.as_object().is_none_or(|object| object.len() >= count()),
            "maxProperties" => value.as_object().is_none_or(|object| object.len() <= count()),
            "required" => value.as_object().is_none_or(|object| has_all(object, argument)),
            "dependentRequired" => value.as_object().is_none_or(|object| {
                let dependent = argument.as_object().expect("members");
                dependent.iter().all(|(name, others)| !object.contains_key(name) || has_all(object, others))
            }),
            "anyOf" => all(argument).iter().any(|schema| self.valid(schema, value)),
            "oneOf" => all(argument).iter().filter(|schema| self.valid(schema, value)).count() == 1,
            _ => panic!("the keyword `{keyword}` is not known here"),
        }
    }
}

fn has_all(object: &Map<String, Value>, names: &Value) -> bool {
    names.as_array().expect("names").iter().all(|name| object.contains_key(name.as_str().expect("a name")))
}

/// 1 and 1.0 are one number.
fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("the type `{other}` is not known here"),
    }
}
