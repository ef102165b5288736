//! `facts` of a provider: the claims that policies may read, with their types.
//!
//! An object is one of two things. Where it has a member `single` or `text` with the value `true`, it is a type written out,
//! `{ type: [string], single: true }`; without one it is a record, whose members are facts. `true` is no type of facts, so no
//! record can look like a type written out; and `{ type: string, text: string }` is a record of two facts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Known, Node};
use super::names::quoted;
use crate::config_error::ConfigCode;
use crate::profile::{FactField, FactType};
use crate::text::nearest;

const WANTED: &str = "a type: `string`, `long`, `bool`, `ip`, `scopes`, a list of one type such as `[string]`, an object of \
                      facts, or a type written out such as `{ type: [string], single: true }` or `{ type: bool, text: true }`";
const WORDS: &[(&str, FactType)] = &[
    ("string", FactType::String),
    ("long", FactType::Long),
    ("bool", FactType::Bool),
    ("ip", FactType::Ip),
    ("scopes", FactType::Scopes),
];

const TYPE: Known = ("type", "the type, such as `[string]` beside `single: true`, or `bool` beside `text: true`");
const SINGLE: Known =
    ("single", "`single: true`, for a list whose only element tokens may carry without a list around it");
const TEXT: Known = ("text", "`text: true`, for a `bool` or `long` that tokens may carry as a string");

/// Reads the declared facts, sorted by name; `reserved` names are set by this program itself.
pub(super) fn read(node: &Node<'_>, reserved: &[&str]) -> Option<Vec<FactField>> {
    let mut fields = Vec::new();
    let mut names = BTreeSet::new();
    let mut whole = true;
    for (written, entry) in node.entries(WANTED)? {
        let (name, required) = written.strip_suffix('?').map_or((written, true), |name| (name, false));
        let named = name_is_good(&entry, name, reserved, &mut names);
        match read_type(&entry) {
            Some(FactType::Scopes) if !required => {
                whole = false;
                entry.error::<()>(
                    ConfigCode::Contradiction,
                    format!(
                        "{} is `scopes`, which is there for certain: without the claim it is the empty set",
                        quoted(name)
                    ),
                    format!("write {} without the `?`", quoted(name)),
                );
            }
            Some(fact_type) if named => fields.push(FactField { name: name.to_owned(), required, fact_type }),
            _ => whole = false,
        }
    }
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    whole.then_some(fields)
}

fn name_is_good<'a>(entry: &Node<'_>, name: &'a str, reserved: &[&str], seen: &mut BTreeSet<&'a str>) -> bool {
    if name.is_empty() || name.chars().any(char::is_control) {
        entry.error::<()>(
            ConfigCode::BadName,
            "this is not the name of a claim",
            "write the claim's name, with `?` behind it if tokens may lack it",
        );
        return false;
    }
    if reserved.contains(&name) {
        entry.error::<()>(
            ConfigCode::ReservedName,
            format!("`{name}` is a fact that is worked out here, not read from the token"),
            format!("remove it; policies can read `{name}` without it"),
        );
        return false;
    }
    if !seen.insert(name) {
        entry.error::<()>(
            ConfigCode::DuplicateValue,
            format!("the fact {} stands here twice, with `?` and without", quoted(name)),
            "keep the one with `?` if tokens may lack the claim, else the other",
        );
        return false;
    }
    true
}

fn read_type(node: &Node<'_>) -> Option<FactType> {
    match node.value() {
        Value::String(text) => match WORDS.iter().find(|(word, _)| word == text) {
            Some((_, fact_type)) => Some(fact_type.clone()),
            None => {
                let help = match nearest(text, WORDS.iter().map(|(word, _)| *word)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => node.write_wanted(),
                };
                node.error(ConfigCode::BadValue, format!("{} is not a type of facts", quoted(text)), help)
            }
        },
        Value::Array(elements) if elements.len() == 1 => {
            let [element] = node.elements()?.try_into().ok()?;
            match read_type(&element)? {
                FactType::Scopes => element.error(
                    ConfigCode::BadValue,
                    "`scopes` is a set by itself, not the type of a list's elements",
                    "write `scopes` without brackets; it takes a list of strings too",
                ),
                of => Some(FactType::List(Box::new(of))),
            }
        }
        Value::Array(elements) => node.error(
            ConfigCode::BadValue,
            format!("a list type has one element type, found {}", elements.len()),
            "write one type in brackets, such as `[string]`",
        ),
        Value::Object(members) => {
            let is = |member: Known, value: bool| members.get(member.0) == Some(&Value::Bool(value));
            if is(SINGLE, true) || is(TEXT, true) {
                return read_written_out(node);
            }
            match [SINGLE, TEXT].into_iter().find(|member| is(*member, false)) {
                Some((name, _)) => node.error_inside(
                    &format!("/{name}"),
                    ConfigCode::BadValue,
                    "only `true` means something here",
                    "remove it, and write the type alone, such as `bool`",
                ),
                None => read(node, &[]).map(FactType::Record),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => node.wrong_type("a type of facts"),
    }
}

/// `{ type, single }` or `{ type, text }`. Two forms in one place would be two readings: a list has no text.
fn read_written_out(node: &Node<'_>) -> Option<FactType> {
    let [of, single, text] = node.members([TYPE, SINGLE, TEXT])?;
    let of = of.required(read_type);
    let misfit = |member: &str, what: &str, help: &str| {
        node.error_inside(&format!("/{member}"), ConfigCode::Contradiction, format!("`{member}` {what}"), help)
    };
    let (single, text) = (single.or(false, Node::only_true), text.or(false, Node::only_true));
    match (of?, single?, text?) {
        (FactType::List(element), true, false) => match *element {
            FactType::List(_) | FactType::ListOrSingle(_) | FactType::Record(_) | FactType::Scopes => misfit(
                "single",
                "is for lists whose elements are single values, not lists or objects",
                "remove it, and write the list alone",
            ),
            FactType::String
            | FactType::Long
            | FactType::Bool
            | FactType::Ip
            | FactType::BoolOrText
            | FactType::LongOrText => Some(FactType::ListOrSingle(element)),
        },
        (FactType::Bool, false, true) => Some(FactType::BoolOrText),
        (FactType::Long, false, true) => Some(FactType::LongOrText),
        (_, _, true) => misfit(
            "text",
            "is for `bool` and `long`",
            "write `{ type: bool, text: true }` or `{ type: long, text: true }`; in a list it belongs to the element, \
             `[{ type: long, text: true }]`",
        ),
        (FactType::Scopes, _, false) => {
            misfit("single", "is nothing for `scopes`, which takes one string already", "write `scopes` alone")
        }
        (_, _, false) => misfit(
            "single",
            "is for a list type",
            "write a list type, such as `{ type: [string], single: true }`, or remove `single`",
        ),
    }
}
