//! What differs between two configurations beside what policies decide, and whether it lets more in.
//!
//! Both documents are compared member by member, so that no difference is left out. A member that the table does not know
//! counts as one of which nothing can be said.

mod facts;
mod routes;
mod rules;

use std::collections::BTreeSet;

use countersign_core::config::Plan;
use countersign_core::text::push_token;
use serde_json::{Map, Value};

use self::rules::{Rule, rule};

/// What a difference does to the set of requests that get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// More get in.
    Wider,
    /// It cannot be said.
    Unknown,
    /// Fewer get in.
    Narrower,
    /// It is part of what is proved.
    Proved,
    /// It changes nothing about who gets in.
    Nothing,
}

impl Effect {
    /// As reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Unknown => "cannot be said",
            Self::Narrower => "narrower",
            Self::Proved => "part of the proofs",
            Self::Nothing => "changes nothing",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// What it does.
    pub effect: Effect,
    /// JSON pointer of the member.
    pub pointer: String,
    /// What differs.
    pub message: String,
}

/// All differences, those that widen first.
pub fn differences(old: (&Value, &Plan), new: (&Value, &Plan)) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(old.0, new.0, &mut String::new(), &mut Vec::new(), &mut found);
    found.extend(routes::differences(&old.1.router, &new.1.router));
    found.sort();
    found.dedup();
    found
}

fn compare(old: &Value, new: &Value, pointer: &mut String, path: &mut Vec<String>, found: &mut Vec<Difference>) {
    if old == new {
        return;
    }
    let rule = rule(path);
    if let (Rule::Members, Value::Object(olds), Value::Object(news)) = (&rule, old, new) {
        return members(olds, news, pointer, path, found);
    }
    let mut note = |effect, message: String| {
        found.push(Difference { effect, pointer: pointer.clone(), message });
    };
    match rule {
        Rule::Members => note(Effect::Unknown, change(old, new)),
        Rule::Proved => note(Effect::Proved, change(old, new)),
        Rule::Nothing => note(Effect::Nothing, change(old, new)),
        Rule::Accepted => sets(old, new, &mut |effect, message| note(effect, format!("{message} accepted"))),
        Rule::Rejected => {
            sets(new, old, &mut |effect, message| note(effect, format!("{message} accepted with this claim")))
        }
        Rule::MoreIsWider { unlimited } => note(more(old, new, unlimited), change(old, new)),
        Rule::WiderThan(narrow) => {
            let is_narrow = |value: &Value| value.is_null() || value.as_str() == Some(narrow);
            let effect = match (is_narrow(old), is_narrow(new)) {
                (true, false) => Effect::Wider,
                (false, true) => Effect::Narrower,
                (true, true) => Effect::Nothing,
                (false, false) => Effect::Unknown,
            };
            note(effect, change(old, new));
        }
        Rule::Provider => match (old, new) {
            (Value::Null, _) => note(
                Effect::Narrower,
                "is new: requests with posture of it that is not valid are now refused".to_owned(),
            ),
            (_, Value::Null) => {
                note(Effect::Wider, "is gone: requests with posture of it that is not valid were refused".to_owned())
            }
            _ => note(Effect::Unknown, change(old, new)),
        },
        Rule::Facts => facts::differences(old, new, &mut note),
    }
}

fn members(
    olds: &Map<String, Value>,
    news: &Map<String, Value>,
    pointer: &mut String,
    path: &mut Vec<String>,
    found: &mut Vec<Difference>,
) {
    let names: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
    for name in names {
        let length = pointer.len();
        push_token(pointer, name);
        path.push(name.clone());
        let member = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or(Value::Null);
        let (old, new) = (member(olds), member(news));
        match (&old, &new, rules::is_named(path)) {
            // A provider that is new or gone is judged as a whole.
            (Value::Object(_), Value::Object(_), true) => compare_members(&old, &new, pointer, path, found),
            _ => compare(&old, &new, pointer, path, found),
        }
        path.pop();
        pointer.truncate(length);
    }
}

fn compare_members(
    old: &Value,
    new: &Value,
    pointer: &mut String,
    path: &mut Vec<String>,
    found: &mut Vec<Difference>,
) {
    if let (Value::Object(olds), Value::Object(news)) = (old, new) {
        members(olds, news, pointer, path, found);
    }
}

/// The elements that one list has and the other does not.
fn sets(old: &Value, new: &Value, note: &mut impl FnMut(Effect, String)) {
    let elements = |of: &Value| match of {
        Value::Array(elements) => Some(elements.clone()),
        Value::String(_) => Some(vec![of.clone()]),
        _ => None,
    };
    let (Some(olds), Some(news)) = (elements(old), elements(new)) else {
        return note(Effect::Unknown, format!("{}: other values may be", change(old, new)));
    };
    for element in news.iter().filter(|element| !olds.contains(element)) {
        note(Effect::Wider, format!("`{}` is now", short(element)));
    }
    for element in olds.iter().filter(|element| !news.contains(element)) {
        note(Effect::Narrower, format!("`{}` is no longer", short(element)));
    }
}

/// Two numbers, or two lengths of time.
fn more(old: &Value, new: &Value, unlimited: bool) -> Effect {
    let amount = |of: &Value| match of {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => rules::seconds(text),
        Value::Null if unlimited => Some(u64::MAX),
        _ => None,
    };
    match (amount(old), amount(new)) {
        (Some(old), Some(new)) if new > old => Effect::Wider,
        (Some(old), Some(new)) if new < old => Effect::Narrower,
        (Some(_), Some(_)) => Effect::Nothing,
        _ => Effect::Unknown,
    }
}

/// The two values, if they are short.
fn change(old: &Value, new: &Value) -> String {
    match (old, new) {
        (Value::Null, new) => format!("is new: `{}`", short(new)),
        (old, Value::Null) => format!("is gone: `{}`", short(old)),
        (old, new) => format!("`{}` becomes `{}`", short(old), short(new)),
    }
}

fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    match value {
        Value::String(text) if text.chars().count() <= LONGEST && !text.contains('\n') => text.clone(),
        Value::String(_) => "...".to_owned(),
        Value::Object(_) | Value::Array(_) => {
            let text = value.to_string();
            if text.chars().count() <= LONGEST { text } else { "...".to_owned() }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
