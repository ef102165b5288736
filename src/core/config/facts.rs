//! `facts` of a provider: the claims that policies may read, with their types.
//!
//! An object is one of two things. It is a type written out, such as `{ type: [string], single: true }`, if it has a member
//! `single` or `text` with the value `true`, or a member `claim` that is a list beside a member `type`. Otherwise it is a
//! record, whose members are facts. `true` is not a type of facts, so `{ type: string, text: string }` is a record of two
//! facts. Only a record of two facts named `claim` and `type`, the first of them a list, cannot be declared.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::claim::claim_path;
use super::names::quoted;
use super::reader::{Field, FreeNames, List, Member, Node, Presence, Read, Shape, all, words};
use crate::config_error::ConfigCode;
use crate::jose::ClaimPath;
use crate::profile::{ACTOR_CLAIM, FactField, FactType};
use crate::text::nearest;

/// Makes a type that has a name.
type Named = fn() -> FactType;

static WORDS: [(&str, Named); 7] = [
    ("string", || FactType::String),
    ("long", || FactType::Long),
    ("bool", || FactType::Bool),
    ("ip", || FactType::Ip),
    ("scopes", || FactType::Scopes),
    ("actor", FactType::actor),
    ("version", FactType::version),
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
    "a type: `string`, `long`, `bool`, `ip`, `scopes`, `actor`, `version`, a list of one type such as `[string]`, an object of facts, or a \
     type written out such as `{ type: [string], single: true }`, `{ type: bool, text: true }` or \
     `{ claim: [realm_access, roles], type: [string] }`",
);

const FACT_TYPE: Shape = Shape::Named("type of a fact", || &FORMS);

static FORMS: Shape = Shape::Either(&[
    Shape::Words(|| words(&WORDS)),
    Shape::List(List::of(&FACT_TYPE).some().at_most(1)),
    Shape::Entries(RECORD),
    Shape::Object(&[&WRITTEN_OUT_MEMBERS]),
]);

const TYPE: &str = "type";
const SINGLE: &str = "single";
const TEXT: &str = "text";
const CLAIM: &str = "claim";

static WRITTEN_OUT_MEMBERS: [Field; 4] = [
    Field {
        name: TYPE,
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
    Field {
        name: CLAIM,
        presence: Presence::Optional,
        shape: Shape::List(List::of(&Shape::Text("name")).some()),
        write: "a list of names from the claim set inwards, such as `[realm_access, roles]`",
        about: "the claim, if it is not the one of the fact's name: names from the claim set inwards. Only for facts outside \
                of records and lists",
    },
];

/// What the facts of a profile must agree with.
pub(super) struct Around<'a> {
    /// Facts that this program itself adds.
    pub(super) worked_out: &'a [&'a str],
    /// Whether the tokens name a principal.
    pub(super) of_principals: bool,
    /// The outermost names of the claims that the profile reads.
    pub(super) read_claims: Vec<&'a str>,
}

/// Reads the declared facts of a profile, sorted by name.
pub(super) fn read(node: &Node<'_>, around: &Around<'_>) -> Read<Vec<FactField>> {
    let mut claims: Vec<(ClaimPath, &str)> = Vec::new();
    read_fields(node, |entry, name, seen| {
        check_name(entry, name, around.worked_out, seen)?;
        let (claim, fact_type) = match entry.value() {
            Value::Object(members) if is_written_out(members) => read_written_out(entry)?,
            _ => (None, read_type(entry)?),
        };
        if claim.is_some() && around.read_claims.contains(&name) {
            return entry.error(
                ConfigCode::Contradiction,
                format!("the profile reads the claim {}, and the fact of this name is another claim", quoted(name)),
                "give the fact a name that is not the name of a claim which the profile reads",
            );
        }
        let claim = claim.unwrap_or_else(|| ClaimPath::of(name));
        check_actor(entry, &claim, &fact_type, around)?;
        if let Some((_, other)) = claims.iter().find(|(other, _)| overlap(other, &claim)) {
            return entry.error(
                ConfigCode::DuplicateValue,
                format!("{} reads a part of the same claim, or all of it", quoted(other)),
                "declare each claim once: keep one of the two facts",
            );
        }
        claims.push((claim.clone(), name));
        Ok((claim, fact_type))
    })
}

/// Reads the facts of a record inside the facts of a profile.
fn read_record(node: &Node<'_>) -> Read<FactType> {
    let fields = read_fields(node, |entry, name, seen| {
        check_name(entry, name, &[], seen)?;
        Ok((ClaimPath::of(name), read_type(entry)?))
    });
    fields.map(FactType::Record)
}

/// Reads each entry with `read_entry`, which is given the names before it.
fn read_fields<'a>(
    node: &Node<'a>,
    mut read_entry: impl FnMut(&Node<'a>, &'a str, &mut BTreeSet<&'a str>) -> Read<(ClaimPath, FactType)>,
) -> Read<Vec<FactField>> {
    let mut names = BTreeSet::new();
    let mut fields = all(node.entries()?.into_iter().map(|(written, entry)| {
        let (name, required) = written.strip_suffix('?').map_or((written, true), |name| (name, false));
        let (claim, fact_type) = read_entry(&entry, name, &mut names)?;
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
        Ok(FactField { name: name.to_owned(), claim, required, fact_type })
    }))?;
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(fields)
}

/// Whether one of the two is the other, or inside it.
fn overlap(one: &ClaimPath, other: &ClaimPath) -> bool {
    one.0.starts_with(&other.0) || other.0.starts_with(&one.0)
}

/// Only the type `actor` knows what the claim of the actor means. Another one would let a token with a chain of actors look
/// like a token of the first.
fn check_actor(entry: &Node<'_>, claim: &ClaimPath, fact_type: &FactType, around: &Around<'_>) -> Read<()> {
    let is_inside = around.of_principals && claim.0.first().is_some_and(|name| name == ACTOR_CLAIM);
    if is_inside && !(claim.0.len() == 1 && matches!(fact_type, FactType::Actor(_))) {
        return entry.error(
            ConfigCode::Contradiction,
            format!("the claim `{ACTOR_CLAIM}` says who acts for the subject of the token, and its type is `actor`"),
            format!("write `\"{ACTOR_CLAIM}?\": actor`; policies read `{ACTOR_CLAIM}.sub`"),
        );
    }
    Ok(())
}

/// Checks the name of a fact, which is not one of `reserved`, and is noted in `seen`.
pub(super) fn check_name<'a>(
    entry: &Node<'_>,
    name: &'a str,
    reserved: &[&str],
    seen: &mut BTreeSet<&'a str>,
) -> Read<()> {
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
            Some((_, fact_type)) => Ok(fact_type()),
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
            if is_written_out(members) {
                return match read_written_out(node)? {
                    (None, fact_type) => Ok(fact_type),
                    (Some(_), _) => Err(node.report_inside(
                        "/claim",
                        ConfigCode::Contradiction,
                        "`claim` is for facts outside of records and lists",
                        "remove it, or declare the fact outside, with all the names that lead to the claim",
                    )),
                };
            }
            match [SINGLE, TEXT].into_iter().find(|member| members.get(*member) == Some(&Value::Bool(false))) {
                Some(name) => Err(node.report_inside(
                    &format!("/{name}"),
                    ConfigCode::BadValue,
                    "only `true` means something here",
                    "remove it, and write the type alone, such as `bool`",
                )),
                None => read_record(node),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => node.wrong_type("a type of facts"),
    }
}

/// Whether an object of `facts` is a type written out. A `claim` that is a string counts too, unless the string is a type, so
/// that a forgotten pair of brackets is reported as that.
fn is_written_out(members: &Map<String, Value>) -> bool {
    let is_true = |member: &str| members.get(member) == Some(&Value::Bool(true));
    let names_a_claim = match members.get(CLAIM) {
        Some(Value::Array(_)) => true,
        Some(Value::String(text)) => !words(&WORDS).contains(&text.as_str()),
        _ => false,
    };
    is_true(SINGLE) || is_true(TEXT) || names_a_claim && members.contains_key(TYPE)
}

/// `{ type, single }`, `{ type, text }` or `{ type }`, each also with `claim`. `single` and `text` in one place would be two
/// readings: a list has no text.
fn read_written_out(node: &Node<'_>) -> Read<(Option<ClaimPath>, FactType)> {
    let [of, single, text, claim] = node.members(&WRITTEN_OUT_MEMBERS)?;
    let of = of.required(read_type);
    let claim = claim.optional(|node| match node.value() {
        Value::Array(_) => claim_path(node),
        _ => node.wrong_type("a list of names"),
    });
    Ok((claim?, read_form(node, of, &single, &text)?))
}

fn read_form(node: &Node<'_>, of: Read<FactType>, single: &Member<'_>, text: &Member<'_>) -> Read<FactType> {
    let misfit = |member: &str, what: &str, help: &str| {
        let message = format!("`{member}` {what}");
        Err(node.report_inside(&format!("/{member}"), ConfigCode::Contradiction, message, help))
    };
    let (single, text) = (single.or_empty(Node::only_true), text.or_empty(Node::only_true));
    match (of?, single?, text?) {
        (of, false, false) => Ok(of),
        (FactType::List(element), true, false) => match *element {
            FactType::List(_)
            | FactType::ListOrSingle(_)
            | FactType::Record(_)
            | FactType::Actor(_)
            | FactType::Scopes => misfit(
                "single",
                "is for lists whose elements are single values, not lists or objects",
                "remove it, and write the list alone",
            ),
            FactType::String
            | FactType::Long
            | FactType::NumericDate(_)
            | FactType::Bool
            | FactType::Ip
            | FactType::Version(_)
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

/// The fact of this dotted name. A claim's name may itself have dots: the whole rest is tried first.
pub(super) fn find_fact<'a>(fields: &'a [FactField], rest: &str) -> Option<(Vec<String>, &'a FactType)> {
    if let Some(field) = fields.iter().find(|field| field.name == rest) {
        return Some((vec![field.name.clone()], &field.fact_type));
    }
    fields.iter().find_map(|field| {
        let inner = field.fact_type.members()?;
        let rest = rest.strip_prefix(field.name.as_str())?.strip_prefix('.')?;
        let (mut path, fact_type) = find_fact(inner, rest)?;
        path.insert(0, field.name.clone());
        Some((path, fact_type))
    })
}
