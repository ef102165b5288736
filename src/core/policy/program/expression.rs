//! The program: policies as trees of plain data.
//!
//! Nothing in it is of Cedar's types, and names of facts are resolved: a [`Slot`] is a place in a table that is kept beside
//! the program. Constants are worked out when the program is made.

use super::entity::{Entity, TypeId};
use super::like::Pattern;
use super::value::Value;

/// A policy: it applies where its scope matches and each of its conditions is true.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Rule {
    /// What the scope asks of the principal.
    pub principal: Constraint,
    /// What the scope asks of the action.
    pub action: Constraint,
    /// What the scope asks of the resource.
    pub resource: Constraint,
    /// The conditions, to be asked in this order until one does not hold: each `when` is split at its outermost `&&`, an
    /// `unless` is one condition.
    pub conditions: Vec<Expression>,
}

/// What a scope asks of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Constraint {
    /// Nothing.
    Any,
    /// To be this one.
    Is(Entity<'static>),
    /// To be of a type.
    OfType(TypeId),
    /// To be one of these, or in one of them.
    In(Vec<Entity<'static>>),
    /// To be of a type, and to be this one or in it.
    OfTypeIn(TypeId, Entity<'static>),
}

impl Constraint {
    /// The entity that a scope names for the principal, if it names one.
    pub(in crate::policy) fn named(&self) -> Option<&Entity<'static>> {
        match self {
            Self::Any | Self::OfType(_) => None,
            Self::Is(entity) | Self::OfTypeIn(_, entity) => Some(entity),
            Self::In(entities) => entities.first(),
        }
    }
}

/// The entities of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Variable {
    /// `principal`
    Principal,
    /// `action`
    Action,
    /// `resource`
    Resource,
}

/// A place in the table of the facts that the policies of one configuration read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Slot(pub usize);

/// Gives the slots of facts; one fact always has one slot.
pub(in crate::policy) trait SlotTable {
    /// The slot of the fact at a path inside `context`; `None` if there is no such fact.
    fn slot(&mut self, path: &[&str]) -> Option<Slot>;

    /// The slot of an attribute of `resource`; `None` if routes have no such attribute.
    fn attribute(&mut self, name: &str) -> Option<Slot>;
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Expression {
    /// A value that is the same for every request.
    Constant(Value<'static>),
    /// An entity of the request.
    Variable(Variable),
    /// The value of a fact.
    Fact(Slot),
    /// `has`: whether a fact is there. The first so many parts of its path must be there, as the operand of `has`.
    Has {
        /// The fact.
        slot: Slot,
        /// How many parts.
        certain: usize,
    },
    /// `if`, `then`, `else`.
    If(Box<[Self; 3]>),
    /// `&&`
    And(Box<[Self; 2]>),
    /// `||`
    Or(Box<[Self; 2]>),
    /// An operator with one operand.
    Unary(Unary, Box<Self>),
    /// An operator that asks for the values of both operands.
    Binary(Binary, Box<[Self; 2]>),
    /// `variable in`: whether the entity is one of these or in one of them.
    In(Variable, Vec<Entity<'static>>),
    /// `is`
    OfType(Box<Self>, TypeId),
    /// `like`
    Like(Box<Self>, Pattern),
    /// A set that is not constant.
    Set(Vec<Self>),
    /// A record that is not constant, in the order of the names.
    Record(Vec<(String, Self)>),
}

#[cfg(any(test, feature = "explain"))]
impl Expression {
    /// Visits the expression and every expression inside it, each before those inside it, from left to right.
    pub(in crate::policy) fn each<'e>(&'e self, visit: &mut impl FnMut(&'e Self)) {
        visit(self);
        match self {
            Self::Constant(_) | Self::Variable(_) | Self::Fact(_) | Self::Has { .. } | Self::In(..) => {}
            Self::If(parts) => parts.iter().for_each(|part| part.each(visit)),
            Self::And(parts) | Self::Or(parts) | Self::Binary(_, parts) => {
                parts.iter().for_each(|part| part.each(visit));
            }
            Self::Unary(_, operand) | Self::OfType(operand, _) | Self::Like(operand, _) => operand.each(visit),
            Self::Set(elements) => elements.iter().for_each(|element| element.each(visit)),
            Self::Record(members) => members.iter().for_each(|(_, member)| member.each(visit)),
        }
    }
}

/// An operator or a function of one value, by Cedar's name. The order is part of the form of prepared policies: a new one is
/// the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Unary {
    Not,
    Negate,
    IsEmpty,
    Ip,
    Decimal,
    Datetime,
    Duration,
    IsIpv4,
    IsIpv6,
    IsLoopback,
    IsMulticast,
    ToDate,
    ToTime,
    ToMilliseconds,
    ToSeconds,
    ToMinutes,
    ToHours,
    ToDays,
}

impl Unary {
    /// All of them, in the order of the enum.
    pub(in crate::policy) const ALL: [Self; 18] = [
        Self::Not,
        Self::Negate,
        Self::IsEmpty,
        Self::Ip,
        Self::Decimal,
        Self::Datetime,
        Self::Duration,
        Self::IsIpv4,
        Self::IsIpv6,
        Self::IsLoopback,
        Self::IsMulticast,
        Self::ToDate,
        Self::ToTime,
        Self::ToMilliseconds,
        Self::ToSeconds,
        Self::ToMinutes,
        Self::ToHours,
        Self::ToDays,
    ];
}

/// An operator or a function of two values, by Cedar's name. The order is part of the form of prepared policies, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Contains,
    ContainsAll,
    ContainsAny,
    IsInRange,
    Offset,
    DurationSince,
    DecimalLess,
    DecimalLessOrEqual,
    DecimalGreater,
    DecimalGreaterOrEqual,
}

impl Binary {
    /// All of them, in the order of the enum.
    pub(in crate::policy) const ALL: [Self; 19] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Contains,
        Self::ContainsAll,
        Self::ContainsAny,
        Self::IsInRange,
        Self::Offset,
        Self::DurationSince,
        Self::DecimalLess,
        Self::DecimalLessOrEqual,
        Self::DecimalGreater,
        Self::DecimalGreaterOrEqual,
    ];
}
