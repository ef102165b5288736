//! `policies` and `entities`, as texts with their places; the policy module compiles them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::applications::plain_name;
use super::document::{Known, Node};
use super::names::{guess, quoted};
use crate::config_error::ConfigCode;
use crate::policy::{GroupHierarchy, PolicyDocument};

const APPLIES_TO: Known = ("applies_to", "a list of applications, such as `[shop]`");
const TEXT: Known = ("text", "Cedar policies; an empty text permits nothing");
const GROUPS: Known = ("groups", "an object of groups, each with the list of groups that it is in");

/// Reads `policies`, sorted by document; `applications` are all names that the document has, where that can be said.
pub(super) fn read(node: &Node<'_>, applications: Option<&[&str]>) -> Option<Vec<PolicyDocument>> {
    match node.value() {
        Value::String(text) => Some(vec![PolicyDocument {
            name: None,
            pointer: node.pointer().to_owned(),
            applies_to: applications?.iter().map(|name| (*name).to_owned()).collect(),
            text: text.clone(),
        }]),
        Value::Object(_) => read_documents(node, applications),
        _ => node.wrong_type("a string, or an object of documents"),
    }
}

fn read_documents(node: &Node<'_>, applications: Option<&[&str]>) -> Option<Vec<PolicyDocument>> {
    let mut entries = node.entries("a document: `applies_to` and `text`")?;
    if entries.is_empty() {
        return node.error(
            ConfigCode::EmptyList,
            "there are no documents",
            "add one; its text may be empty, which permits nothing",
        );
    }
    entries.sort_by_key(|(name, _)| *name);
    let documents: Vec<Option<PolicyDocument>> =
        entries.iter().map(|(name, entry)| read_document(entry, name, applications)).collect();
    let documents = documents.into_iter().collect::<Option<Vec<PolicyDocument>>>()?;
    let covered: BTreeSet<&str> =
        documents.iter().flat_map(|document| &document.applies_to).map(String::as_str).collect();
    for application in applications.unwrap_or_default().iter().filter(|name| !covered.contains(**name)) {
        node.warn(
            ConfigCode::ApplicationWithoutPolicy,
            format!(
                "no document applies to {}, so everything in it is denied; add it to an `applies_to`",
                quoted(application)
            ),
        );
    }
    Some(documents)
}

fn read_document(node: &Node<'_>, name: &str, applications: Option<&[&str]>) -> Option<PolicyDocument> {
    let named = plain_name(node, name, "a document");
    let [applies_to, text] = node.members([APPLIES_TO, TEXT])?;
    let applies_to = applies_to.required(|node| {
        Node::distinct(node.some_elements()?, |element| {
            let (name, applications) = (element.some_text()?, applications?);
            if applications.contains(&name) {
                return Some(name.to_owned());
            }
            element.error(
                ConfigCode::UnknownApplication,
                format!("{} is not an application", quoted(name)),
                guess(name, applications.iter().copied(), "applications"),
            )
        })
    });
    let text = text.required(|node| node.text().map(|text| (node.pointer().to_owned(), text.to_owned())));
    named?;
    let (pointer, text) = text?;
    Some(PolicyDocument { name: Some(name.to_owned()), pointer, applies_to: applies_to?, text })
}

/// Reads `entities`.
pub(super) fn read_entities(node: &Node<'_>) -> Option<GroupHierarchy> {
    let [groups] = node.members([GROUPS])?;
    groups.required(|node| {
        let mut parents = BTreeMap::new();
        let mut whole = true;
        for (group, entry) in node.entries("a list of groups, such as `['corp::Group::\"staff\"']`")? {
            let list = entry
                .elements()
                .and_then(|elements| Node::distinct(elements, |element| element.some_text().map(str::to_owned)));
            match list {
                Some(list) => {
                    parents.insert(group.to_owned(), list);
                }
                None => whole = false,
            }
        }
        whole.then(|| GroupHierarchy { pointer: node.pointer().to_owned(), parents })
    })
}
