//! The members of the configuration as tables for people, one for each object that has a name.

use super::compile::DOCUMENT;
use super::preset::{OF_DEVICES, OF_ISSUERS, Preset, PresetMember, Presets};
use super::reader::field::{Field, Given, Presence, Shape};
use crate::profile::DEVICE_RECORD;
use crate::time::Seconds;

/// What a preset means for the members of its object.
#[derive(Debug)]
pub struct PresetTable {
    /// The preset's name.
    pub name: &'static str,
    /// What it is for, in Markdown.
    pub about: &'static str,
    /// Each member that it says something about: its name, the value that the preset gives, and what may be written.
    pub rows: Vec<[String; 3]>,
}

/// All presets, in the order of their table.
#[must_use]
pub fn presets() -> Vec<PresetTable> {
    let row = |member: &PresetMember| {
        let given = member.rule.given().map(written).unwrap_or_default();
        [format!("`{}`", member.name), given, member.rule.may_be()]
    };
    let table = |preset: &&Preset| PresetTable {
        name: preset.name,
        about: preset.about,
        rows: preset.members.iter().map(row).collect(),
    };
    OF_ISSUERS.all.iter().chain(OF_DEVICES.all).map(table).collect()
}

/// Each member of `context.device` that a preset fills: the preset, the member, and the fact.
#[must_use]
pub fn preset_device_facts() -> Vec<(&'static str, String, &'static str)> {
    let mut found = Vec::new();
    for preset in OF_ISSUERS.all.iter().chain(OF_DEVICES.all) {
        let mappings = preset.members.iter().filter(|member| member.name == DEVICE_RECORD);
        for given in mappings.filter_map(|member| member.rule.given()) {
            add_device_facts(given, "", &mut |member, fact| found.push((preset.name, member, fact)));
        }
    }
    found
}

fn add_device_facts(given: Given, path: &str, add: &mut impl FnMut(String, &'static str)) {
    match given {
        Given::Text(fact) => add(path.to_owned(), fact),
        Given::Members(members) => {
            for (name, inner) in members {
                let path = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
                add_device_facts(*inner, &path, add);
            }
        }
        Given::False | Given::Number(_) | Given::Texts(_) | Given::List(_) | Given::NoMembers => {}
    }
}

/// The members of one object.
#[derive(Debug)]
pub struct Table {
    /// The object's name, such as `route`.
    pub name: &'static str,
    /// Its members, in Markdown.
    pub rows: Vec<Row>,
}

/// One member.
#[derive(Debug)]
pub struct Row {
    /// Its name; of a member of an object without a name of its own, with the names that lead to it and dots between.
    pub member: String,
    /// Whether it must be there.
    pub required: String,
    /// What applies if it is not.
    pub default: String,
    /// The values that it can have.
    pub values: String,
    /// What it means.
    pub about: &'static str,
}

/// All objects that have names: first the document, then each after the first object that contains it.
#[must_use]
pub fn reference() -> Vec<Table> {
    let mut named: Vec<(&'static str, &'static Shape)> = vec![("document", &DOCUMENT)];
    let mut tables = Vec::new();
    while let Some((name, shape)) = named.get(tables.len()).copied() {
        let mut rows = Vec::new();
        add_rows(shape, "", &mut rows, &mut named);
        tables.push(Table { name, rows });
    }
    tables
}

/// Adds the members of the objects in a shape; objects with names are noted for tables of their own.
fn add_rows(shape: &'static Shape, path: &str, rows: &mut Vec<Row>, named: &mut Vec<(&'static str, &'static Shape)>) {
    match shape {
        Shape::Object(tables) => {
            for field in tables.iter().copied().flatten() {
                let member = format!("{path}{}", field.name);
                rows.push(Row {
                    required: required(field, tables),
                    default: default(field),
                    values: values(&field.shape),
                    about: field.about,
                    member: member.clone(),
                });
                add_rows(&field.shape, &format!("{member}."), rows, named);
            }
        }
        Shape::Either(shapes) => shapes.iter().for_each(|shape| add_rows(shape, path, rows, named)),
        Shape::List(list) => add_rows(list.of, path, rows, named),
        Shape::Entries(entries) => add_rows(entries.of, path, rows, named),
        Shape::Named(name, inner) => {
            if !named.iter().any(|(known, _)| known == name) {
                named.push((name, inner()));
            }
        }
        Shape::Exactly(_)
        | Shape::Text(_)
        | Shape::AnyText(_)
        | Shape::Literal(_)
        | Shape::Words(_)
        | Shape::Boolean
        | Shape::True
        | Shape::Integer
        | Shape::Number(_)
        | Shape::Duration(_)
        | Shape::KeySet => {}
    }
}

fn required(field: &Field, tables: &[&[Field]]) -> String {
    match field.presence {
        Presence::Required if gives(tables, field.name) => "yes, unless `preset` gives it".to_owned(),
        Presence::Required => "yes".to_owned(),
        Presence::RequiredWith(others) => format!("with {}", listed(others.iter().copied(), " or ")),
        Presence::OneOf => {
            let alternatives = tables.iter().copied().flatten();
            let alternatives = alternatives.filter(|field| matches!(field.presence, Presence::OneOf));
            format!("one of {}", listed(alternatives.map(|field| field.name), ", "))
        }
        Presence::Optional | Presence::Default(_) | Presence::Otherwise(_) => "no".to_owned(),
    }
}

/// Whether the object can have a preset that gives this member.
fn gives(tables: &[&[Field]], member: &str) -> bool {
    Presets::of(tables).iter().any(|preset| preset.gives(member))
}

fn default(field: &Field) -> String {
    match field.presence {
        Presence::Required | Presence::RequiredWith(_) | Presence::OneOf => String::new(),
        Presence::Optional => "none".to_owned(),
        Presence::Otherwise(phrase) => phrase.to_owned(),
        Presence::Default(given) => written(given),
    }
}

fn written(given: Given) -> String {
    match given {
        Given::Number(number) => number.to_string(),
        Given::NoMembers => "that of each member".to_owned(),
        other => format!("`{}`", flow(other)),
    }
}

/// The value in the flow style of YAML.
fn flow(given: Given) -> String {
    match given {
        Given::False => "false".to_owned(),
        Given::Number(number) => number.to_string(),
        Given::Text(text) => text.to_owned(),
        Given::Texts(texts) => format!("[{}]", texts.join(", ")),
        Given::List(values) => format!("[{}]", values.iter().copied().map(flow).collect::<Vec<String>>().join(", ")),
        Given::Members(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, given)| format!("{name}: {}", flow(*given))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Given::NoMembers => "{}".to_owned(),
    }
}

fn values(shape: &'static Shape) -> String {
    match shape {
        Shape::Exactly(number) => format!("`{number}`"),
        Shape::Text(what) | Shape::AnyText(what) => (*what).to_owned(),
        Shape::Literal(word) => format!("`{word}`"),
        Shape::Words(words) => listed(words(), ", "),
        Shape::Boolean => "`true`, `false`".to_owned(),
        Shape::True => "`true`".to_owned(),
        Shape::Integer => "whole number".to_owned(),
        Shape::Number(range) => format!("{} to {}", range.start(), range.end()),
        Shape::Duration(range) => format!("`{}` to `{}`", in_units(*range.start()), in_units(*range.end())),
        Shape::KeySet => "JWK set".to_owned(),
        Shape::List(list) => match list.most {
            Some(most) => format!("list of at most {most}: {}", values(list.of)),
            None => format!("list: {}", values(list.of)),
        },
        Shape::Entries(entries) => format!("{} → {}", entries.name, values(entries.of)),
        Shape::Object(tables) => {
            let names: Vec<&str> = tables.iter().copied().flatten().map(|field| field.name).collect();
            format!("`{{ {} }}`", names.join(", "))
        }
        Shape::Either(shapes) => shapes.iter().map(values).collect::<Vec<String>>().join("; or "),
        Shape::Named(name, _) => (*name).to_owned(),
    }
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>, separator: &str) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<String>>().join(separator)
}

/// A length of time in the largest unit that it has at least two of.
fn in_units(length: Seconds) -> String {
    let seconds = length.get();
    [(86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .filter(|(unit, _)| seconds.is_multiple_of(*unit))
        .find_map(|(unit, name)| Some((seconds.checked_div(unit).filter(|count| *count >= 2)?, name)))
        .map_or_else(|| length.to_string(), |(count, name)| format!("{count}{name}"))
}
