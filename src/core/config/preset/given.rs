//! The members of a provider as its preset makes them: those that are written, and those that the preset gives.

use serde_json::{Map, Value};

use super::model::{Preset, Rule};
use crate::config::names::quoted;
use crate::config::reader::{Node, Read};
use crate::config_error::ConfigCode;

/// The member of `keys` that stands for the URL of the preset's key set.
pub(in crate::config) const PUBLISHED: &str = "published";

/// The members that count in place of those that are written in `provider`, or beside them. Reports an entry that the preset
/// gives and the provider writes too.
pub(super) fn members(preset: &Preset, provider: &Node<'_>, written: &Map<String, Value>) -> Read<Map<String, Value>> {
    let mut given = Map::new();
    let mut whole = Ok(());
    let filled = |value| filled(value, preset, written);
    for member in preset.members {
        let value = match (&member.rule, written.get(member.name)) {
            (Rule::Adds(added), Some(own)) => match both(filled(added.value()), own) {
                Ok(both) => Some(both),
                Err(name) => {
                    whole = Err(provider.report_inside(
                        &format!("/{}/{name}", member.name),
                        ConfigCode::Contradiction,
                        format!("the preset {} gives {} in `{}`", quoted(preset.name), quoted(&name), member.name),
                        "remove it here: what a preset gives cannot be written differently",
                    ));
                    None
                }
            },
            (Rule::Members(given), Some(own)) => Some(over(filled(given.value()), own)),
            (_, Some(_)) => None,
            (rule, None) => rule.given().map(|value| filled(value.value())),
        };
        given.extend(value.map(|value| (member.name.to_owned(), value)));
    }
    let keys = written.get("keys").and_then(Value::as_object);
    if let (Some(keys), Some(url)) =
        (keys.filter(|keys| keys.get(PUBLISHED) == Some(&Value::Bool(true))), preset.key_set)
        && !keys.contains_key("url")
    {
        let mut keys = keys.clone();
        keys.remove(PUBLISHED);
        keys.insert("url".to_owned(), filled(Value::from(url)));
        given.insert("keys".to_owned(), Value::Object(keys));
    }
    whole.map(|()| given)
}

/// What is given and what is written, together. An error is the name of an entry that is both.
fn both(given: Value, written: &Value) -> Result<Value, String> {
    let bare = |name: &str| name.strip_suffix('?').unwrap_or(name).to_owned();
    match (given, written) {
        (Value::Object(mut given), Value::Object(written)) => {
            if let Some(name) = written.keys().find(|name| given.keys().any(|other| bare(other) == bare(name))) {
                return Err(name.clone());
            }
            given.extend(written.clone());
            Ok(Value::Object(given))
        }
        (Value::Array(mut given), Value::Array(written)) => {
            given.extend(written.iter().cloned());
            Ok(Value::Array(given))
        }
        // The reader of the member reports the wrong type.
        (_, written) => Ok(written.clone()),
    }
}

/// What is given, with what is written in its place member by member.
fn over(given: Value, written: &Value) -> Value {
    match (given, written) {
        (Value::Object(mut given), Value::Object(written)) => {
            for (name, own) in written {
                let value = given.remove(name).map_or_else(|| own.clone(), |given| over(given, own));
                given.insert(name.clone(), value);
            }
            Value::Object(given)
        }
        (_, written) => written.clone(),
    }
}

/// The value with the written members of the preset in the places that name them.
fn filled(value: Value, preset: &Preset, written: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => {
            Value::String(preset.written().fold(text, |text, name| match written.get(name).and_then(Value::as_str) {
                Some(value) => text.replace(&format!("{{{name}}}"), value),
                None => text,
            }))
        }
        Value::Array(list) => list.into_iter().map(|value| filled(value, preset, written)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, filled(value, preset, written))).collect()
        }
        other => other,
    }
}
