//! `policies` and `entities`, as texts with their places; the policy module compiles them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::applications::plain_name;
use super::attributes::{self, ATTRIBUTES};
use super::names::{guess, quoted};
use super::reader::{Field, FreeNames, Given, List, Node, Presence, Read, Shape, all, words};
use crate::config_error::ConfigCode;
use crate::policy::{GroupHierarchy, MissingFacts, PolicyDocument, PreparedPolicies};
use crate::route::Attribute;

/// `policies`
pub(super) const POLICIES: Field = Field {
    name: "policies",
    presence: Presence::Required,
    shape: Shape::Either(&[
        Shape::AnyText("Cedar text"),
        Shape::Object(&[&PREPARED_MEMBERS]),
        Shape::Entries(FreeNames::of("name", &DOCUMENT, "a document: `applies_to` and `text`").some()),
    ]),
    write: "Cedar policies as one text, or an object of documents with `applies_to` and `text`; an empty text permits nothing",
    about: "who may do what; an empty text denies everything",
};

const DOCUMENT: Shape = Shape::Named("policy document", || const { &Shape::Object(&[&DOCUMENT_MEMBERS]) });

static DOCUMENT_MEMBERS: [Field; 3] = [
    Field {
        name: "applies_to",
        presence: Presence::Required,
        shape: Shape::List(List::of(&Shape::Text("application")).some().distinct()),
        write: "a list of applications, such as `[shop]`",
        about: "the applications whose requests the document decides",
    },
    Field {
        name: "must_permit",
        presence: Presence::Default(Given::False),
        shape: Shape::Boolean,
        write: "`true` if a request is permitted only where this document permits it too, or `false`",
        about: "`true`: a request to its applications is permitted only if this document permits it too; \
                otherwise a permit of any document suffices",
    },
    Field {
        name: "text",
        presence: Presence::Required,
        shape: Shape::AnyText("Cedar text"),
        write: "Cedar policies; an empty text permits nothing",
        about: "the policies, see [policies.md](policies.md)",
    },
];

static PREPARED_MEMBERS: [Field; 1] = [Field {
    name: "prepared",
    presence: Presence::Required,
    shape: Shape::AnyText("prepared policies"),
    write: "the string that `countersign prepare` writes",
    about: "the policies as `countersign prepare` writes them, see [flavours.md](flavours.md)",
}];

static MISSING_FACTS_WORDS: [(&str, MissingFacts); 2] =
    [("strict", MissingFacts::Strict), ("implied", MissingFacts::Implied)];

/// `missing_facts`
pub(super) const MISSING_FACTS: Field = Field {
    name: "missing_facts",
    presence: Presence::Default(Given::Text("strict")),
    shape: Shape::Words(|| words(&MISSING_FACTS_WORDS)),
    write: "`strict` or `implied`",
    about: "`implied`: policies may read facts without `has`; where one is missing, a permit does not apply and a forbid does, \
            see [policies.md](policies.md#policies-written-for-aws-verified-access)",
};

/// `entities`
pub(super) const ENTITIES: Field = Field {
    name: "entities",
    presence: Presence::Optional,
    shape: Shape::Object(&[&ENTITIES_MEMBERS]),
    write: "`{ groups: {...}, attributes: {...} }`, with one or both of the two",
    about: "what policies know beside the request",
};

static ENTITIES_MEMBERS: [Field; 2] = [
    ATTRIBUTES,
    Field {
        name: "groups",
        presence: Presence::Optional,
        shape: Shape::Entries(FreeNames::of(
            "group",
            &Shape::List(List::of(&Shape::Text("group")).distinct()),
            "a list of groups, such as `['corp::Group::\"staff\"']`",
        )),
        write: "an object of groups, each with the list of groups that it is in",
        about: "groups, each with the groups that it is a member of",
    },
];

/// The policies in the form that the configuration has them.
pub(super) enum Written {
    /// Cedar text.
    Documents(Vec<PolicyDocument>),
    /// Prepared.
    Prepared(PreparedPolicies),
}

/// Reads `missing_facts`.
pub(super) fn missing_facts(node: &Node<'_>) -> Read<MissingFacts> {
    node.word(&MISSING_FACTS_WORDS)
}

/// Reads `policies`. An object whose member `prepared` is a string is prepared policies: a document is an object.
pub(super) fn read(node: &Node<'_>, applications: Read<&[&str]>, missing_facts: Read<MissingFacts>) -> Read<Written> {
    if !matches!(node.value().get("prepared"), Some(Value::String(_))) {
        return read_text(node, applications, missing_facts).map(Written::Documents);
    }
    let [prepared] = node.members(&PREPARED_MEMBERS)?;
    prepared.required(|node| {
        let (pointer, text) = (node.pointer().to_owned(), node.text()?.to_owned());
        Ok(Written::Prepared(PreparedPolicies { pointer, text }))
    })
}

/// Reads `policies` as text, sorted by document; `applications`: the names of all applications of the
/// document, if they are known.
fn read_text(
    node: &Node<'_>,
    applications: Read<&[&str]>,
    missing_facts: Read<MissingFacts>,
) -> Read<Vec<PolicyDocument>> {
    match node.value() {
        Value::String(text) => Ok(vec![PolicyDocument {
            name: None,
            pointer: node.pointer().to_owned(),
            applies_to: applications?.iter().map(|name| (*name).to_owned()).collect(),
            missing_facts: missing_facts?,
            must_permit: false,
            text: text.clone(),
        }]),
        Value::Object(_) => read_documents(node, applications, missing_facts),
        _ => node.wrong_type("a string, or an object of documents"),
    }
}

fn read_documents(
    node: &Node<'_>,
    applications: Read<&[&str]>,
    missing_facts: Read<MissingFacts>,
) -> Read<Vec<PolicyDocument>> {
    let entries = node.entries()?;
    if entries.is_empty() {
        return node.error(
            ConfigCode::EmptyList,
            "there are no documents",
            "add one; its text may be empty, which permits nothing",
        );
    }
    let documents = all(entries.iter().map(|(name, entry)| read_document(entry, name, applications, missing_facts)))?;
    let covered: BTreeSet<&str> =
        documents.iter().flat_map(|document| &document.applies_to).map(String::as_str).collect();
    for application in applications.into_iter().flatten().filter(|name| !covered.contains(**name)) {
        node.warn(
            ConfigCode::ApplicationWithoutPolicy,
            format!(
                "no document applies to {}, so everything in it is denied; add it to an `applies_to`",
                quoted(application)
            ),
        );
    }
    Ok(documents)
}

fn read_document(
    node: &Node<'_>,
    name: &str,
    applications: Read<&[&str]>,
    missing_facts: Read<MissingFacts>,
) -> Read<PolicyDocument> {
    let named = plain_name(node, name, "a document");
    let [applies_to, must_permit, text] = node.members(&DOCUMENT_MEMBERS)?;
    let applies_to = applies_to.required(|node| {
        Node::distinct(node.some_elements()?, |element| {
            let (name, applications) = (element.some_text()?, applications?);
            if applications.contains(&name) {
                return Ok(name.to_owned());
            }
            element.error(
                ConfigCode::UnknownApplication,
                format!("{} is not an application", quoted(name)),
                guess(name, applications.iter().copied(), "applications"),
            )
        })
    });
    let must_permit = must_permit.or_default(|node| node.boolean());
    let text = text.required(|node| node.text().map(|text| (node.pointer().to_owned(), text.to_owned())));
    named?;
    let (pointer, text) = text?;
    Ok(PolicyDocument {
        name: Some(name.to_owned()),
        pointer,
        applies_to: applies_to?,
        missing_facts: missing_facts?,
        must_permit: must_permit?,
        text,
    })
}

/// What `entities` declares.
#[derive(Default)]
pub(super) struct Entities {
    /// The attributes of routes, sorted by name.
    pub(super) attributes: Vec<Attribute>,
    /// Groups that are in other groups.
    pub(super) groups: GroupHierarchy,
}

/// Reads `entities`.
pub(super) fn read_entities(node: &Node<'_>) -> Read<Entities> {
    let [attributes, groups] = node.members(&ENTITIES_MEMBERS)?;
    let attributes = attributes.or_empty(attributes::read_declared);
    let groups = groups.or_empty(|node| {
        let groups = node.entries()?.into_iter().map(|(group, entry)| {
            let parents = Node::distinct(entry.elements()?, |element| element.some_text().map(str::to_owned))?;
            Ok((group.to_owned(), parents))
        });
        Ok(GroupHierarchy { pointer: node.pointer().to_owned(), parents: all(groups)?.into_iter().collect() })
    });
    Ok(Entities { attributes: attributes?, groups: groups? })
}
