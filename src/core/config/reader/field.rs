//! What a member of the configuration is. From these blocks come the reader's messages, ranges and defaults, the tables of
//! the reference, and the JSON Schema: each fact about a member is written once.

use core::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::time::Seconds;

/// A member of an object.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there, and what applies if it is not.
    pub presence: Presence,
    /// The values that it can have.
    pub shape: Shape,
    /// What to write, as an object that completes the sentence "write ...", for the help of an error.
    pub write: &'static str,
    /// What it means, as a phrase in Markdown, for the reference.
    pub about: &'static str,
}

/// Whether a member must be there.
#[derive(Debug)]
pub enum Presence {
    /// It must.
    Required,
    /// It must if one of these other members is there.
    RequiredWith(&'static [&'static str]),
    /// Of the members of this object that say so, exactly one must be there.
    OneOf,
    /// It may be absent: then there is none.
    Optional,
    /// It may be absent: then this value is read in its place.
    Default(Given),
    /// It may be absent: then something else applies, as this phrase says.
    Otherwise(&'static str),
}

/// A value that applies where the document gives none.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// `false`
    False,
    /// A whole number.
    Number(usize),
    /// A string.
    Text(&'static str),
    /// A list of strings.
    Texts(&'static [&'static str]),
    /// A list.
    List(&'static [Given]),
    /// An object.
    Members(&'static [(&'static str, Given)]),
    /// An object without members; each of its own members has a default.
    NoMembers,
}

impl Given {
    /// The value as a document would have it.
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            Self::False => Value::Bool(false),
            Self::Number(number) => Value::from(number),
            Self::Text(text) => Value::from(text),
            Self::Texts(texts) => Value::from(texts),
            Self::List(values) => values.iter().map(|given| given.value()).collect(),
            Self::Members(members) => {
                Value::Object(members.iter().map(|(name, given)| ((*name).to_owned(), given.value())).collect())
            }
            Self::NoMembers => Value::Object(Map::new()),
        }
    }
}

/// The values that a member, an element or an entry can have. A shape is never narrower than the reader: what the reader
/// accepts, the shape has.
#[derive(Debug)]
pub enum Shape {
    /// Exactly this number.
    Exactly(u64),
    /// A string that is not empty; the phrase says what it is.
    Text(&'static str),
    /// A string that may be empty.
    AnyText(&'static str),
    /// Exactly this string.
    Literal(&'static str),
    /// One of these strings.
    Words(fn() -> Vec<&'static str>),
    /// `true` or `false`.
    Boolean,
    /// `true`, where `false` is an error because it would say nothing.
    True,
    /// Any whole number.
    Integer,
    /// A whole number in this range.
    Number(RangeInclusive<usize>),
    /// A length of time in this range, such as `15m`.
    Duration(RangeInclusive<Seconds>),
    /// A JWK set (RFC 7517 section 5).
    KeySet,
    /// A list.
    List(List),
    /// An object whose names are free.
    Entries(FreeNames),
    /// An object with the members of these tables and no other.
    Object(&'static [&'static [Field]]),
    /// One of several.
    Either(&'static [Shape]),
    /// A shape that has a name of its own in the reference and in the JSON Schema. It can contain itself.
    Named(&'static str, fn() -> &'static Shape),
}

/// A list.
#[derive(Debug)]
pub struct List {
    /// What each element is.
    pub of: &'static Shape,
    /// Whether an empty list is an error.
    pub some: bool,
    /// Whether an element that is there twice is an error.
    pub distinct: bool,
    /// How many elements it can have.
    pub most: Option<usize>,
}

/// An object whose names are free.
#[derive(Debug)]
pub struct FreeNames {
    /// What each name is.
    pub name: &'static str,
    /// What each value is.
    pub of: &'static Shape,
    /// What to write as a value, as in [`Field::write`].
    pub write: &'static str,
    /// Whether an object without entries is an error.
    pub some: bool,
    /// How many entries it can have.
    pub most: Option<usize>,
}

impl List {
    /// A list of any length.
    pub(in crate::config) const fn of(of: &'static Shape) -> Self {
        Self { of, some: false, distinct: false, most: None }
    }

    /// The same, and an empty list is an error.
    pub(in crate::config) const fn some(self) -> Self {
        Self { some: true, ..self }
    }

    /// The same, and an element that is there twice is an error.
    pub(in crate::config) const fn distinct(self) -> Self {
        Self { distinct: true, ..self }
    }

    /// The same, of at most this many elements.
    pub(in crate::config) const fn at_most(self, most: usize) -> Self {
        Self { most: Some(most), ..self }
    }
}

impl FreeNames {
    /// An object of any number of entries.
    pub(in crate::config) const fn of(name: &'static str, of: &'static Shape, write: &'static str) -> Self {
        Self { name, of, write, some: false, most: None }
    }

    /// The same, and an object without entries is an error.
    pub(in crate::config) const fn some(self) -> Self {
        Self { some: true, ..self }
    }

    /// The same, of at most this many entries.
    pub(in crate::config) const fn at_most(self, most: usize) -> Self {
        Self { most: Some(most), ..self }
    }
}

/// The words of a table.
pub(in crate::config) fn words<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(word, _)| *word).collect()
}

impl Shape {
    /// This shape, or the first of its alternatives, of which `pick` finds something.
    pub(super) fn find<T>(&'static self, pick: fn(&'static Self) -> Option<T>) -> Option<T> {
        pick(self).or_else(|| match self {
            Self::Either(shapes) => shapes.iter().find_map(|shape| shape.find(pick)),
            Self::Named(_, shape) => shape().find(pick),
            _ => None,
        })
    }

    /// The numbers of this shape: none where it is another.
    pub(super) fn numbers(&self) -> &RangeInclusive<usize> {
        match self {
            Self::Number(range) => range,
            _ => &const { RangeInclusive::new(1, 0) },
        }
    }

    /// The lengths of time of this shape: none where it is another.
    pub(super) fn durations(&self) -> &RangeInclusive<Seconds> {
        match self {
            Self::Duration(range) => range,
            _ => &const { RangeInclusive::new(Seconds::new(1), Seconds::new(0)) },
        }
    }
}
