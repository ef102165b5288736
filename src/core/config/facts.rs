//! `facts` of a provider: the claims that policies may read, with their types.
//!
//! An object is one of two things. Where it has a member `single` or `text` with the value `true`, it is a type written out,
//! `{ type: [string], single: true }`; without one it is a record, whose members are facts. `true` is not a type of facts, so no
//! record can look like a type written out; and `{ type: string, text: string }` is a record of two facts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names::quoted;
use super::reader::{Field, FreeNames, List, Node, Presence, Read, Shape, all, words};
use crate::config_error::ConfigCode;
use crate::profile::{FactField, FactType};
use crate::text::nearest;

static WORDS: [(&str, FactType); 5] = [
    ("string", FactType::String),
    ("long", FactType::Long),
    ("bool", FactType::Bool),
    ("ip", FactType::Ip),
    ("scopes", FactType::Scopes),
];

/// `facts`
pub(super) const FACTS: Field = Field {
    name: "facts",
    presence: Presence::Optional,
    shape: Shape::Entries(RECORD),
    write: "an object of claims and their types, such as `{ \"acr?\": string }`",
    about: "claims that policies may read, see [the types](tokens.md#facts)",
};

const RECORD: FreeNames = FreeNames::of(
    "claim",
    &FACT_TYPE,
    "a type: `string`, `long`, `bool`, `ip`, `scopes`, a list of one type such as `[string]`, an object of facts, or a type \
     written out such as `{ type: [string], single: true }` or `{ type: bool, text: true }`",
);

const FACT_TYPE: Shape = Shape::Named("type of a fact", || &FORMS);

static FORMS: Shape = Shape::Either(&[
    Shape::Words(|| words(&WORDS)),
    Shape::List(List::of(&FACT_TYPE).some().at_most(1)),
    Shape::Entries(RECORD),
    Shape::Object(&[&WRITTEN_OUT_MEMBERS]),
]);

const SINGLE: &str = "single";
const TEXT: &str = "text";

static WRITTEN_OUT_MEMBERS: [Field; 3] = [
    Field {
        name: "type",
        presence: Presence::Required,
        shape: FACT_TYPE,
        write: "the type, such as `[string]` beside `single: true`, or `bool` beside `text: true`",
        about: "the type",
    },
    Field {
        name: SINGLE,
        presence: Presence::Optional,
        shape: Shape::True,
        write: "`single: true`, for a list whose only element tokens may carry without a list around it",
        about: "a token may carry the only element of the list without a list around it",
    },
    Field {
        name: TEXT,
        presence: Presence::Optional,
        shape: Shape::True,
        write: "`text: true`, for a `bool` or `long` that tokens may carry as a string",
        about: "a token may carry the `bool` or `long` as a string",
    },
];

/// Reads the declared facts, sorted by name; `reserved` names are set by this program itself.
pub(super) fn read(node: &Node<'_>, reserved: &[&str]) -> Read<Vec<FactField>> {
    let mut names = BTreeSet::new();
    let mut fields = all(node.entries()?.into_iter().map(|(written, entry)| {
        let (name, required) = written.strip_suffix('?').map_or((written, true), |name| (name, false));
        let named = check_name(&entry, name, reserved, &mut names);
        let fact_type = read_type(&entry)?;
        if fact_type == FactType::Scopes && !required {
            return entry.error(
                ConfigCode::Contradiction,
                format!(
                    "{} is `scopes`, which is there for certain: without the claim it is the empty set",
                    quoted(name)
                ),
                format!("write {} without the `?`", quoted(name)),
            );
        }
        named?;
        Ok(FactField { name: name.to_owned(), required, fact_type })
    }))?;
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(fields)
}

fn check_name<'a>(entry: &Node<'_>, name: &'a str, reserved: &[&str], seen: &mut BTreeSet<&'a str>) -> Read<()> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return entry.error(
            ConfigCode::BadName,
            "this is not the name of a claim",
            "write the claim's name, with `?` behind it if tokens may lack it",
        );
    }
    if reserved.contains(&name) {
        return entry.error(
            ConfigCode::ReservedName,
            format!("`{name}` is a fact that is worked out here, not read from the token"),
            format!("remove it; policies can read `{name}` without it"),
        );
    }
    if !seen.insert(name) {
        return entry.error(
            ConfigCode::DuplicateValue,
            format!("the fact {} stands here twice, with `?` and without", quoted(name)),
            "keep the one with `?` if tokens may lack the claim, else the other",
        );
    }
    Ok(())
}

fn read_type(node: &Node<'_>) -> Read<FactType> {
    match node.value() {
        Value::String(text) => match WORDS.iter().find(|(word, _)| word == text) {
            Some((_, fact_type)) => Ok(fact_type.clone()),
            None => {
                let help = match nearest(text, WORDS.iter().map(|(word, _)| *word)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => node.write_wanted(),
                };
                node.error(ConfigCode::BadValue, format!("{} is not a type of facts", quoted(text)), help)
            }
        },
        Value::Array(_) => {
            let elements = node.elements()?;
            let [element] = elements.as_slice() else {
                return node.error(
                    ConfigCode::BadValue,
                    format!("a list type has one element type, found {}", elements.len()),
                    "write one type in brackets, such as `[string]`",
                );
            };
            match read_type(element)? {
                FactType::Scopes => element.error(
                    ConfigCode::BadValue,
                    "`scopes` is a set by itself, not the type of a list's elements",
                    "write `scopes` without brackets; it takes a list of strings too",
                ),
                of => Ok(FactType::List(Box::new(of))),
            }
        }
        Value::Object(members) => {
            let is = |member: &str, value: bool| members.get(member) == Some(&Value::Bool(value));
            if is(SINGLE, true) || is(TEXT, true) {
                return read_written_out(node);
            }
            match [SINGLE, TEXT].into_iter().find(|member| is(member, false)) {
                Some(name) => Err(node.report_inside(
                    &format!("/{name}"),
                    ConfigCode::BadValue,
                    "only `true` means something here",
                    "remove it, and write the type alone, such as `bool`",
                )),
                None => read(node, &[]).map(FactType::Record),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => node.wrong_type("a type of facts"),
    }
}

/// `{ type, single }` or `{ type, text }`. Two forms in one place would be two readings: a list has no text.
fn read_written_out(node: &Node<'_>) -> Read<FactType> {
    let [of, single, text] = node.members(&WRITTEN_OUT_MEMBERS)?;
    let of = of.required(read_type);
    let misfit = |member: &str, what: &str, help: &str| {
        let message = format!("`{member}` {what}");
        Err(node.report_inside(&format!("/{member}"), ConfigCode::Contradiction, message, help))
    };
    let (single, text) = (single.or_empty(Node::only_true), text.or_empty(Node::only_true));
    match (of?, single?, text?) {
        (FactType::List(element), true, false) => match *element {
            FactType::List(_) | FactType::ListOrSingle(_) | FactType::Record(_) | FactType::Scopes => misfit(
                "single",
                "is for lists whose elements are single values, not lists or objects",
                "remove it, and write the list alone",
            ),
            FactType::String
            | FactType::Long
            | FactType::NumericDate(_)
            | FactType::Bool
            | FactType::Ip
            | FactType::BoolOrText
            | FactType::LongOrText => Ok(FactType::ListOrSingle(element)),
        },
        (FactType::Bool, false, true) => Ok(FactType::BoolOrText),
        (FactType::Long, false, true) => Ok(FactType::LongOrText),
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
