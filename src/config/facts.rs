//! `facts` of a provider: the claims that policies may read, with their types.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::Node;
use super::names::quoted;
use crate::spelling::nearest;
use crate::trust::{FactField, FactType};

const WANTED: &str =
    "a type: `string`, `long`, `bool`, `ip`, a list of one type such as `[string]`, or an object of facts";
const WORDS: &[(&str, FactType)] =
    &[("string", FactType::String), ("long", FactType::Long), ("bool", FactType::Bool), ("ip", FactType::Ip)];

/// Reads the declared facts, sorted by name; `reserved` names are set by this program itself.
pub(super) fn read(node: &Node<'_>, reserved: &[&str]) -> Option<Vec<FactField>> {
    let mut fields = Vec::new();
    let mut names = BTreeSet::new();
    let mut whole = true;
    for (written, entry) in node.entries(WANTED)? {
        let (name, required) = written.strip_suffix('?').map_or((written, true), |name| (name, false));
        let named = name_is_good(&entry, name, reserved, &mut names);
        match read_type(&entry) {
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
            "bad-name",
            "this is not the name of a claim",
            "write the claim's name, with `?` behind it if tokens may lack it",
        );
        return false;
    }
    if reserved.contains(&name) {
        entry.error::<()>(
            "reserved-name",
            format!("`{name}` is a fact that is worked out here, not read from the token"),
            format!("remove it; policies can read `{name}` without it"),
        );
        return false;
    }
    if !seen.insert(name) {
        entry.error::<()>(
            "duplicate-value",
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
                node.error("bad-value", format!("{} is not a type of facts", quoted(text)), help)
            }
        },
        Value::Array(elements) if elements.len() == 1 => {
            let [element] = node.elements()?.try_into().ok()?;
            read_type(&element).map(|element| FactType::List(Box::new(element)))
        }
        Value::Array(elements) => node.error(
            "bad-value",
            format!("a list type has one element type, found {}", elements.len()),
            "write one type in brackets, such as `[string]`",
        ),
        Value::Object(_) => read(node, &[]).map(FactType::Record),
        Value::Null | Value::Bool(_) | Value::Number(_) => node.wrong_type("a type of facts"),
    }
}
