//! A value held against a structural schema: the subset of OpenAPI 3 that a CustomResourceDefinition is written in.
//!
//! It is judged as a Kubernetes API server with strict field validation does: a member that the schema does not name is a
//! fault. Rules in CEL and the uniqueness of list members are not evaluated. A keyword that is not known here is a fault,
//! so that nothing goes unchecked unseen. Patterns are RE2's, which the crate `regex` speaks too.

use regex::Regex;
use serde_json::{Map, Value};

/// Keywords that say nothing which is checked here.
const WITHOUT_EFFECT: &[&str] = &[
    "default",
    "description",
    "nullable",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// Everything that is wrong with a value, each with its place as a JSON pointer.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut walk = Walk { faults: Vec::new(), closed: true };
    walk.value(schema, value, "");
    walk.faults
}

struct Walk {
    faults: Vec<String>,
    /// Whether members that are not named are faults. Not below `allOf`, `anyOf`, `oneOf` and `not`: those only restrict
    /// what the schema around them names.
    closed: bool,
}

impl Walk {
    fn fault(&mut self, at: &str, what: impl Into<String>) {
        self.faults.push(format!("{}: {}", if at.is_empty() { "/" } else { at }, what.into()));
    }

    fn expect(&mut self, holds: bool, at: &str, what: impl FnOnce() -> String) {
        if !holds {
            self.fault(at, what());
        }
    }

    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        for (keyword, rule) in schema.as_object().into_iter().flatten() {
            self.rule(keyword, rule, value, at);
        }
        if let Value::Object(members) = value {
            self.members(schema, members, at);
        }
    }

    fn rule(&mut self, keyword: &str, rule: &Value, value: &Value, at: &str) {
        let number = rule.as_f64().unwrap_or(f64::NAN);
        let text = value.as_str();
        match keyword {
            "type" => self.expect(is_of_type(rule, value), at, || format!("is not of the type {rule}")),
            "enum" => {
                let named = rule.as_array().is_some_and(|values| values.contains(value));
                self.expect(named, at, || format!("is not one of {rule}"));
            }
            "format" => self.expect(is_of_format(rule, value), at, || format!("is not of the format {rule}")),
            "pattern" => {
                let fits = text.is_none_or(|text| matches(rule, text));
                self.expect(fits, at, || format!("does not match {rule}"));
            }
            "minimum" => self.expect(value.as_f64().is_none_or(|value| value >= number), at, || below(rule)),
            "maximum" => self.expect(value.as_f64().is_none_or(|value| value <= number), at, || above(rule)),
            "minLength" | "minItems" | "minProperties" => {
                self.expect(size(keyword, value).is_none_or(|size| size >= number), at, || below(rule));
            }
            "maxLength" | "maxItems" | "maxProperties" => {
                self.expect(size(keyword, value).is_none_or(|size| size <= number), at, || above(rule));
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.value(rule, item, &format!("{at}/{index}"));
                }
            }
            "required" => {
                for name in rule.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let there = !value.is_object() || value.get(name).is_some();
                    self.expect(there, at, || format!("has no `{name}`"));
                }
            }
            "allOf" | "anyOf" | "oneOf" => {
                let schemas = rule.as_array().map(Vec::as_slice).unwrap_or_default();
                let fitting = schemas.iter().filter(|schema| fits(schema, value)).count();
                let right = match keyword {
                    "allOf" => fitting == schemas.len(),
                    "anyOf" => fitting > 0,
                    _ => fitting == 1,
                };
                self.expect(right, at, || format!("fits {fitting} of the {} schemas of `{keyword}`", schemas.len()));
            }
            "not" => self.expect(!fits(rule, value), at, || "is what `not` excludes".to_owned()),
            "properties" | "additionalProperties" => {} // in `members`, together
            _ if WITHOUT_EFFECT.contains(&keyword) => {}
            _ => self.fault(at, format!("the schema has the keyword `{keyword}`, which is not known here")),
        }
    }

    fn members(&mut self, schema: &Value, members: &Map<String, Value>, at: &str) {
        let others = &schema["additionalProperties"];
        let open = !self.closed || schema["x-kubernetes-preserve-unknown-fields"] == true || *others == true;
        for (name, member) in members {
            let at = format!("{at}/{name}");
            match schema["properties"].get(name) {
                Some(schema) => self.value(schema, member, &at),
                None if others.is_object() => self.value(others, member, &at),
                None => self.expect(open, &at, || "is not a member that the schema names".to_owned()),
            }
        }
    }
}

/// Whether a value fits a schema that only restricts.
fn fits(schema: &Value, value: &Value) -> bool {
    let mut walk = Walk { faults: Vec::new(), closed: false };
    walk.value(schema, value, "");
    walk.faults.is_empty()
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    match rule.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => false,
    }
}

/// A format other than of integers is refused as unknown where a value has it: none of the manifests does.
fn is_of_format(rule: &Value, value: &Value) -> bool {
    match rule.as_str() {
        Some("int32") => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Some("int64") => value.as_i64().is_some(),
        _ => false,
    }
}

fn matches(rule: &Value, text: &str) -> bool {
    rule.as_str().and_then(|pattern| Regex::new(pattern).ok()).is_some_and(|pattern| pattern.is_match(text))
}

/// How many characters, items or members there are, for what the keyword is about.
fn size(keyword: &str, value: &Value) -> Option<f64> {
    let size = match value {
        Value::String(text) if keyword.ends_with("Length") => text.chars().count(),
        Value::Array(items) if keyword.ends_with("Items") => items.len(),
        Value::Object(members) if keyword.ends_with("Properties") => members.len(),
        _ => return None,
    };
    u32::try_from(size).ok().map(f64::from)
}

fn below(rule: &Value) -> String {
    format!("is below {rule}")
}

fn above(rule: &Value) -> String {
    format!("is above {rule}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::faults;

    fn schema() -> Value {
        json!({ "type": "object", "description": "x", "required": ["spec"], "properties": { "spec": {
            "type": "object",
            "oneOf": [{ "required": ["one"] }, { "not": { "required": ["one"] }, "properties": { "mode": { "enum": ["A"] } } }],
            "properties": {
                "one": { "type": "integer", "format": "int32", "minimum": 1, "maximum": 3 },
                "mode": { "type": "string", "enum": ["A", "B"] },
                "name": { "type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-zä]+$" },
                "list": { "type": "array", "minItems": 1, "maxItems": 2, "items": { "type": "object", "properties": { "in": { "type": "boolean" } } } },
                "labels": { "type": "object", "maxProperties": 1, "additionalProperties": { "type": "string" } },
                "any": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                "port": { "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] },
                "none": { "type": "string", "nullable": true },
            },
        } } })
    }

    #[test]
    fn what_the_schema_says_is_valid() {
        for spec in [
            json!({}),
            json!({ "one": 3, "mode": "B", "name": "aää", "list": [{ "in": true }, {}], "labels": { "a": "b" } }),
            json!({ "any": { "x": { "y": [1] } }, "port": "http", "none": null }),
        ] {
            assert_eq!(faults(&schema(), &json!({ "spec": spec })), Vec::<String>::new(), "{spec}");
        }
    }

    #[test]
    fn each_fault_is_told_with_its_place() {
        for (spec, fault) in [
            (json!(1), "/spec: is not of the type \"object\""),
            (json!({ "nam": "ab" }), "/spec/nam: is not a member that the schema names"),
            (json!({ "list": [{ "im": true }] }), "/spec/list/0/im: is not a member that the schema names"),
            (json!({ "list": [] }), "/spec/list: is below 1"),
            (json!({ "list": [{}, {}, {}] }), "/spec/list: is above 2"),
            (json!({ "labels": { "a": 1 } }), "/spec/labels/a: is not of the type \"string\""),
            (json!({ "labels": { "a": "", "b": "" } }), "/spec/labels: is above 1"),
            (json!({ "one": 0 }), "/spec/one: is below 1"),
            (json!({ "one": 4 }), "/spec/one: is above 3"),
            (json!({ "one": 1.5 }), "/spec/one: is not of the format \"int32\""),
            (json!({ "one": 1, "mode": "C" }), "/spec/mode: is not one of [\"A\",\"B\"]"),
            (json!({ "mode": "B" }), "/spec: fits 0 of the 2 schemas of `oneOf`"),
            (json!({ "name": "a" }), "/spec/name: is below 2"),
            (json!({ "name": "aaaa" }), "/spec/name: is above 3"),
            (json!({ "name": "AB" }), "/spec/name: does not match \"^[a-zä]+$\""),
            (json!({ "port": true }), "/spec/port: fits 0 of the 2 schemas of `anyOf`"),
            (json!({ "name": null }), "/spec/name: is not of the type \"string\""),
        ] {
            let found = faults(&schema(), &json!({ "spec": spec }));
            assert!(found.contains(&fault.to_owned()), "{spec}: {found:?}");
        }
        assert_eq!(faults(&schema(), &json!({})), ["/: has no `spec`"]);
    }

    #[test]
    fn a_keyword_or_format_that_is_not_known_is_a_fault() {
        assert_eq!(
            faults(&json!({ "multipleOf": 2 }), &json!(2)),
            ["/: the schema has the keyword `multipleOf`, which is not known here"]
        );
        assert_eq!(faults(&json!({ "format": "date-time" }), &json!("x")), ["/: is not of the format \"date-time\""]);
        assert_eq!(faults(&json!({ "pattern": "(" }), &json!("x")), ["/: does not match \"(\""]);
    }
}
