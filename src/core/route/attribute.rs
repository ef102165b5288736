//! Attributes of routes: what the operator says of applications and routes, for policies to read as `resource.<name>`.
//!
//! Every route has a value for each declared attribute, so a policy that reads one cannot fail and needs no `has`.

/// A declared attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, a Cedar identifier.
    pub name: String,
    /// Its type.
    pub of: AttributeType,
    /// The strings that it, or each of its elements, can be; `None` if that can be any.
    pub values: Option<Vec<String>>,
    /// The value of routes that have none of their own and none of their application.
    pub default: Option<AttributeValue>,
}

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// `String`
    String,
    /// `Long`
    Long,
    /// `Bool`
    Bool,
    /// `Set<String>`
    Strings,
}

/// The value of an attribute. It has the type that was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// Of type [`AttributeType::String`].
    String(String),
    /// Of type [`AttributeType::Long`].
    Long(i64),
    /// Of type [`AttributeType::Bool`].
    Bool(bool),
    /// Of type [`AttributeType::Strings`].
    Strings(Vec<String>),
}
