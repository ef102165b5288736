//! Attributes of routes: declared in `entities.attributes`, given by applications and routes.

use serde_json::Value;

use super::names::{guess, is_reserved_attribute, quoted, quoted_list};
use super::reader::{Field, FreeNames, List, Node, Presence, Read, Shape, all, words};
use crate::config_error::ConfigCode;
use crate::limits::MAX_ATTRIBUTES;
use crate::route::{Attribute, AttributeType, AttributeValue};
use crate::text::{is_identifier, nearest};

static TYPES: [(&str, AttributeType); 3] =
    [("string", AttributeType::String), ("long", AttributeType::Long), ("bool", AttributeType::Bool)];

static STRING: Shape = Shape::Literal("string");

/// A value of any type of attribute.
const VALUE: Shape = Shape::Either(&[
    Shape::Text("string"),
    Shape::Integer,
    Shape::Boolean,
    Shape::List(List::of(&Shape::Text("string")).distinct()),
]);

/// `entities.attributes`
pub(super) const ATTRIBUTES: Field = Field {
    name: "attributes",
    presence: Presence::Optional,
    shape: Shape::Entries(FreeNames::of("attribute", &ATTRIBUTE, TO_WRITE).at_most(MAX_ATTRIBUTES)),
    write: "an object of attributes, such as `{ sensitivity: { type: string, default: internal } }`",
    about: "what policies read of a route as `resource.<name>`, see [Attributes](policies.md#attributes)",
};

const TO_WRITE: &str = "an attribute: `type`, and `values`, `default` where it needs them";

const ATTRIBUTE: Shape = Shape::Named("attribute", || const { &Shape::Object(&[&ATTRIBUTE_MEMBERS]) });

static ATTRIBUTE_MEMBERS: [Field; 3] = [
    Field {
        name: "type",
        presence: Presence::Required,
        shape: Shape::Either(&[Shape::Words(|| words(&TYPES)), Shape::List(List::of(&STRING).some().at_most(1))]),
        write: "`string`, `long`, `bool` or `[string]`",
        about: "the type of its value",
    },
    Field {
        name: "values",
        presence: Presence::Otherwise("any string"),
        shape: Shape::List(List::of(&Shape::Text("string")).some().distinct()),
        write: "a list of the strings that are allowed, such as `[public, internal, secret]`",
        about: "for `string` and `[string]`: the allowed strings; a policy that compares it with another one is rejected",
    },
    Field {
        name: "default",
        presence: Presence::Optional,
        shape: VALUE,
        write: "a value of the type",
        about: "the value of every route for which neither the route nor its application gives one",
    },
];

/// `attributes` of an application or a route.
pub(super) const fn given(about: &'static str) -> Field {
    Field {
        name: "attributes",
        presence: Presence::Optional,
        shape: Shape::Entries(FreeNames::of("attribute", &VALUE, "a value of the attribute's type")),
        write: "an object of declared attributes and their values, such as `{ sensitivity: secret }`",
        about,
    }
}

/// Reads the declarations, sorted by name.
pub(super) fn read_declared(node: &Node<'_>) -> Read<Vec<Attribute>> {
    let entries = node.entries()?;
    if entries.len() > MAX_ATTRIBUTES {
        return node.error(
            ConfigCode::TooLarge,
            format!("there are {} attributes, at most {MAX_ATTRIBUTES} are accepted", entries.len()),
            "use one attribute of type `[string]` for what is true or false",
        );
    }
    all(entries.into_iter().map(|(name, entry)| read_attribute(&entry, name)))
}

fn read_attribute(node: &Node<'_>, name: &str) -> Read<Attribute> {
    let named = if is_identifier(name) && !is_reserved_attribute(name) {
        Ok(())
    } else {
        let message = format!("{} cannot name an attribute", quoted(name));
        node.error(ConfigCode::BadName, message, "write a Cedar identifier that is not a word of Cedar's own")
    };
    let [of, values, default] = node.members(&ATTRIBUTE_MEMBERS)?;
    let of = of.required(read_type)?;
    let values = values.optional(|node| {
        if !matches!(of, AttributeType::String | AttributeType::Strings) {
            let help = "remove `values`, or write `type: string`";
            return node.error(ConfigCode::Contradiction, "only strings can be listed", help);
        }
        Node::distinct(node.some_elements()?, |element| element.some_text().map(str::to_owned))
    })?;
    let mut attribute = Attribute { name: name.to_owned(), of, values, default: None };
    attribute.default = default.optional(|node| read_value(node, &attribute))?;
    named.map(|()| attribute)
}

fn read_type(node: &Node<'_>) -> Read<AttributeType> {
    match node.value() {
        Value::Array(list) if matches!(list.as_slice(), [Value::String(of)] if of == "string") => {
            Ok(AttributeType::Strings)
        }
        Value::Array(_) => {
            node.error(ConfigCode::BadValue, "the only type of lists is `[string]`", node.write_wanted())
        }
        _ => node.word(&TYPES),
    }
}

fn read_value(node: &Node<'_>, attribute: &Attribute) -> Read<AttributeValue> {
    let string = |node: &Node<'_>| read_string(node, attribute);
    match (attribute.of, node.value()) {
        (AttributeType::String, Value::String(_)) => string(node).map(AttributeValue::String),
        (AttributeType::Bool, Value::Bool(truth)) => Ok(AttributeValue::Bool(*truth)),
        (AttributeType::Strings, Value::Array(_)) => {
            Node::distinct(node.elements()?, string).map(AttributeValue::Strings)
        }
        (AttributeType::Long, value) if let Some(number) = value.as_i64() => Ok(AttributeValue::Long(number)),
        (of, _) => node.error(
            ConfigCode::BadValue,
            format!("the value does not have the type of `{}`, {}", attribute.name, name_of(of)),
            node.write_wanted(),
        ),
    }
}

const fn name_of(of: AttributeType) -> &'static str {
    match of {
        AttributeType::String => "`string`",
        AttributeType::Long => "`long` (a whole number of 64 bits)",
        AttributeType::Bool => "`bool`",
        AttributeType::Strings => "`[string]`",
    }
}

fn read_string(node: &Node<'_>, attribute: &Attribute) -> Read<String> {
    let text = node.some_text()?;
    let Some(values) = &attribute.values else { return Ok(text.to_owned()) };
    let known = || values.iter().map(String::as_str);
    if known().any(|known| known == text) {
        return Ok(text.to_owned());
    }
    let help = match nearest(text, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}, or add the value to `values`", quoted_list(known())),
    };
    let message = format!("{} is not one of the `values` of `{}`", quoted(text), attribute.name);
    node.error(ConfigCode::BadValue, message, help)
}

/// A value for each declared attribute, as far as one is given: by the declaration, the application, the route.
#[derive(Clone)]
pub(super) struct Values<'d> {
    declared: &'d [Attribute],
    given: Vec<Option<AttributeValue>>,
}

impl<'d> Values<'d> {
    /// The defaults.
    pub(super) fn defaults(declared: &'d [Attribute]) -> Self {
        Self { declared, given: declared.iter().map(|attribute| attribute.default.clone()).collect() }
    }

    /// The same with the values of an application or a route in place of what they had.
    pub(super) fn with(&self, node: &Node<'_>) -> Read<Self> {
        let read = node.entries()?.into_iter().map(|(name, entry)| {
            let Some(place) = self.declared.iter().position(|attribute| attribute.name == name) else {
                let names = self.declared.iter().map(|attribute| attribute.name.as_str());
                let message = format!("{} is not an attribute", quoted(name));
                let help = guess(name, names, "attributes");
                return entry.error(ConfigCode::UnknownAttribute, message, help);
            };
            let attribute = self.declared.get(place).map(|attribute| read_value(&entry, attribute)).transpose()?;
            Ok((place, attribute))
        });
        let mut values = self.clone();
        for (place, value) in all(read)? {
            if let Some(given) = values.given.get_mut(place) {
                *given = value;
            }
        }
        Ok(values)
    }

    /// The values of a route, in the order of the declarations: all of them.
    pub(super) fn of_route(self, node: &Node<'_>) -> Read<Vec<AttributeValue>> {
        all(self.declared.iter().zip(self.given).map(|(Attribute { name, .. }, value)| match value {
            Some(value) => Ok(value),
            None => node.error(
                ConfigCode::MissingAttribute,
                format!("the route has no value for the attribute `{name}`"),
                format!(
                    "add `attributes: {{ {name}: ... }}` to the route or to its application, or a `default` to the attribute"
                ),
            ),
        }))
    }
}
