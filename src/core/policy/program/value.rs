//! Values of expressions. Equality and order are by value, whatever a value was read from.

use core::cmp::Ordering;
use std::borrow::Cow;

use super::datetime::{Datetime, Duration};
use super::decimal::Decimal;
use super::entity::Entity;
use super::ip::IpRange;

/// The value of an expression. Values of different types are never equal. The order means something only inside one type;
/// sets are kept by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) enum Value<'v> {
    /// `Bool`
    Bool(bool),
    /// `Long`
    Long(i64),
    /// `String`
    String(Cow<'v, str>),
    /// An entity
    Entity(Entity<'v>),
    /// `ipaddr`
    Ip(IpRange),
    /// `decimal`
    Decimal(Decimal),
    /// `datetime`
    Datetime(Datetime),
    /// `duration`
    Duration(Duration),
    /// A set
    Set(Set<'v>),
    /// A record: its members by name, each once, in the order of the names
    Record(Vec<(Cow<'v, str>, Value<'v>)>),
}

/// The elements of a set.
#[derive(Clone, Debug)]
pub(in crate::policy) enum Set<'v> {
    /// In order, each once.
    Sorted(Vec<Value<'v>>),
    /// The same, of a constant.
    Constant(&'v [Value<'v>]),
    /// In any order; one may be there several times.
    Listed(Vec<Value<'v>>),
}

impl Value<'_> {
    /// The same value without copies of what it holds.
    pub(in crate::policy) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Long(number) => Value::Long(*number),
            Self::String(text) => Value::String(Cow::Borrowed(text)),
            Self::Entity(entity) => Value::Entity(entity.borrowed()),
            Self::Ip(range) => Value::Ip(*range),
            Self::Decimal(decimal) => Value::Decimal(*decimal),
            Self::Datetime(datetime) => Value::Datetime(*datetime),
            Self::Duration(duration) => Value::Duration(*duration),
            Self::Set(Set::Sorted(elements)) => Value::Set(Set::Constant(elements)),
            Self::Set(Set::Constant(elements)) => Value::Set(Set::Constant(elements)),
            Self::Set(Set::Listed(elements)) => Value::Set(Set::Listed(elements.iter().map(Value::borrowed).collect())),
            Self::Record(members) => Value::Record(
                members.iter().map(|(name, value)| (Cow::Borrowed(name.as_ref()), value.borrowed())).collect(),
            ),
        }
    }
}

impl<'v> Set<'v> {
    /// The set of these elements, put in order.
    pub(in crate::policy) fn sorted(mut elements: Vec<Value<'v>>) -> Self {
        elements.sort_unstable();
        elements.dedup();
        Self::Sorted(elements)
    }

    /// Its elements in order, each once.
    pub(in crate::policy) fn in_order(&self) -> Vec<&Value<'v>> {
        match self {
            Self::Sorted(elements) => elements.iter().collect(),
            Self::Constant(elements) => elements.iter().collect(),
            Self::Listed(elements) => {
                let mut elements: Vec<&Value<'v>> = elements.iter().collect();
                elements.sort_unstable();
                elements.dedup();
                elements
            }
        }
    }

    /// `isEmpty`
    pub(in crate::policy) const fn is_empty(&self) -> bool {
        match self {
            Self::Sorted(elements) | Self::Listed(elements) => elements.is_empty(),
            Self::Constant(elements) => elements.is_empty(),
        }
    }

    /// `contains`
    pub(in crate::policy) fn contains(&self, value: &Value<'_>) -> bool {
        match self {
            Self::Sorted(elements) => elements.binary_search_by(|element| element.cmp(value)).is_ok(),
            Self::Constant(elements) => elements.binary_search_by(|element| element.cmp(value)).is_ok(),
            Self::Listed(elements) => elements.iter().any(|element| element == value),
        }
    }

    /// `containsAll`
    pub(in crate::policy) fn contains_all(&self, other: &Self) -> bool {
        let own = self.in_order();
        other.in_order().iter().all(|element| own.binary_search(element).is_ok())
    }

    /// `containsAny`
    pub(in crate::policy) fn contains_any(&self, other: &Self) -> bool {
        let own = self.in_order();
        other.in_order().iter().any(|element| own.binary_search(element).is_ok())
    }
}

impl PartialEq for Set<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Set<'_> {}

impl PartialOrd for Set<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Set<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.in_order().cmp(&other.in_order())
    }
}
