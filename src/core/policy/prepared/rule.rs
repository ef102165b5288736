//! The bytes of one policy: its scope and its conditions.
//!
//! Numbers of alternatives, of operators and of functions are part of the format: a new one gets the next number.

use core::net::IpAddr;
use std::borrow::Cow;

use super::bytes::{Encoded, Malformed, Read, Reader, encode_list, encode_text};
use crate::policy::program::datetime::{Datetime, Duration};
use crate::policy::program::decimal::Decimal;
use crate::policy::program::entity::{Entity, TypeId};
use crate::policy::program::expression::{Binary, Constraint, Expression, Rule, Slot, Unary, Variable};
use crate::policy::program::ip::IpRange;
use crate::policy::program::like::Pattern;
use crate::policy::program::value::{Set, Value};

const UNKNOWN: Malformed = Malformed("an alternative is not known");

impl Encoded for Rule {
    fn encode(&self, into: &mut Vec<u8>) {
        let Self { principal, action, resource, conditions } = self;
        principal.encode(into);
        action.encode(into);
        resource.encode(into);
        conditions.encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        let principal = Constraint::decode(from)?;
        // Slices are found by the one entity that a scope names.
        if matches!(&principal, Constraint::In(entities) if entities.len() != 1) {
            return Err(Malformed("a scope does not name exactly one group for the principal"));
        }
        Ok(Self {
            principal,
            action: Constraint::decode(from)?,
            resource: Constraint::decode(from)?,
            conditions: Vec::decode(from)?,
        })
    }
}

impl Encoded for Constraint {
    fn encode(&self, into: &mut Vec<u8>) {
        match self {
            Self::Any => into.push(0),
            Self::Is(entity) => {
                into.push(1);
                entity.encode(into);
            }
            Self::OfType(of) => {
                into.push(2);
                of.encode(into);
            }
            Self::In(entities) => {
                into.push(3);
                entities.encode(into);
            }
            Self::OfTypeIn(of, entity) => {
                into.push(4);
                of.encode(into);
                entity.encode(into);
            }
        }
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok(match from.byte()? {
            0 => Self::Any,
            1 => Self::Is(Entity::decode(from)?),
            2 => Self::OfType(TypeId::decode(from)?),
            3 => Self::In(Vec::decode(from)?),
            4 => Self::OfTypeIn(TypeId::decode(from)?, Entity::decode(from)?),
            _ => return Err(UNKNOWN),
        })
    }
}

impl Encoded for Expression {
    fn encode(&self, into: &mut Vec<u8>) {
        match self {
            Self::Constant(value) => {
                into.push(0);
                value.encode(into);
            }
            Self::Variable(variable) => {
                into.push(1);
                variable.encode(into);
            }
            Self::Fact(slot) => {
                into.push(2);
                slot.encode(into);
            }
            Self::Has { slot, certain } => {
                into.push(3);
                slot.encode(into);
                certain.encode(into);
            }
            Self::If(parts) => {
                into.push(4);
                parts.encode(into);
            }
            Self::And(operands) => {
                into.push(5);
                operands.encode(into);
            }
            Self::Or(operands) => {
                into.push(6);
                operands.encode(into);
            }
            Self::Unary(operator, operand) => {
                into.push(7);
                operator.encode(into);
                operand.encode(into);
            }
            Self::Binary(operator, operands) => {
                into.push(8);
                operator.encode(into);
                operands.encode(into);
            }
            Self::In(variable, entities) => {
                into.push(9);
                variable.encode(into);
                entities.encode(into);
            }
            Self::OfType(operand, of) => {
                into.push(10);
                operand.encode(into);
                of.encode(into);
            }
            Self::Like(operand, pattern) => {
                into.push(11);
                operand.encode(into);
                pattern.encode(into);
            }
            Self::Set(elements) => {
                into.push(12);
                elements.encode(into);
            }
            Self::Record(members) => {
                into.push(13);
                members.encode(into);
            }
        }
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        from.nested(|from| {
            Ok(match from.byte()? {
                0 => Self::Constant(Value::decode(from)?),
                1 => Self::Variable(Variable::decode(from)?),
                2 => Self::Fact(Slot::decode(from)?),
                3 => Self::Has { slot: Slot::decode(from)?, certain: usize::decode(from)? },
                4 => Self::If(Box::decode(from)?),
                5 => Self::And(Box::decode(from)?),
                6 => Self::Or(Box::decode(from)?),
                7 => Self::Unary(Unary::decode(from)?, Box::decode(from)?),
                8 => Self::Binary(Binary::decode(from)?, Box::decode(from)?),
                9 => Self::In(Variable::decode(from)?, Vec::decode(from)?),
                10 => Self::OfType(Box::decode(from)?, TypeId::decode(from)?),
                11 => Self::Like(Box::decode(from)?, Pattern::decode(from)?),
                12 => Self::Set(Vec::decode(from)?),
                13 => Self::Record(Vec::<(String, Self)>::decode(from).and_then(in_order)?),
                _ => return Err(UNKNOWN),
            })
        })
    }
}

impl Encoded for Value<'static> {
    fn encode(&self, into: &mut Vec<u8>) {
        match self {
            Self::Bool(truth) => {
                into.push(0);
                truth.encode(into);
            }
            Self::Long(number) => {
                into.push(1);
                number.encode(into);
            }
            Self::String(text) => {
                into.push(2);
                encode_text(text, into);
            }
            Self::Entity(entity) => {
                into.push(3);
                entity.encode(into);
            }
            Self::Ip(range) => {
                into.push(4);
                range.encode(into);
            }
            Self::Decimal(decimal) => {
                into.push(5);
                decimal.units().encode(into);
            }
            Self::Datetime(datetime) => {
                into.push(6);
                datetime.milliseconds().encode(into);
            }
            Self::Duration(duration) => {
                into.push(7);
                duration.milliseconds().encode(into);
            }
            Self::Set(set) => {
                into.push(8);
                encode_list(set.in_order().into_iter(), into);
            }
            Self::Record(members) => {
                into.push(9);
                members.len().encode(into);
                for (name, value) in members {
                    encode_text(name, into);
                    value.encode(into);
                }
            }
        }
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        from.nested(|from| {
            Ok(match from.byte()? {
                0 => Self::Bool(bool::decode(from)?),
                1 => Self::Long(i64::decode(from)?),
                2 => Self::String(Cow::Owned(String::decode(from)?)),
                3 => Self::Entity(Entity::decode(from)?),
                4 => Self::Ip(IpRange::decode(from)?),
                5 => Self::Decimal(Decimal::of_units(i64::decode(from)?)),
                6 => Self::Datetime(Datetime::of_milliseconds(i64::decode(from)?)),
                7 => Self::Duration(Duration::of_milliseconds(i64::decode(from)?)),
                8 => Self::Set(Set::sorted(Vec::decode(from)?)),
                9 => {
                    let members = Vec::<(String, Self)>::decode(from).and_then(in_order)?;
                    Self::Record(members.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect())
                }
                _ => return Err(UNKNOWN),
            })
        })
    }
}

/// The members of a record, which are in the order of their names, each once: records are compared member by member.
fn in_order<T>(members: Vec<(String, T)>) -> Read<Vec<(String, T)>> {
    if members.is_sorted_by(|(one, _), (next, _)| one < next) {
        Ok(members)
    } else {
        Err(Malformed("the members of a record are not in order"))
    }
}

impl Encoded for Entity<'static> {
    fn encode(&self, into: &mut Vec<u8>) {
        self.of.encode(into);
        encode_text(&self.id, into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { of: TypeId::decode(from)?, id: Cow::Owned(String::decode(from)?) })
    }
}

impl Encoded for TypeId {
    fn encode(&self, into: &mut Vec<u8>) {
        self.place().encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        let place = usize::decode(from)?;
        from.types.get(place).copied().ok_or(Malformed("an entity type is not in the table"))
    }
}

impl Encoded for Slot {
    fn encode(&self, into: &mut Vec<u8>) {
        self.0.encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        let place = usize::decode(from)?;
        from.slots.get(place).copied().ok_or(Malformed("a fact is not in the table"))
    }
}

impl Encoded for Variable {
    fn encode(&self, into: &mut Vec<u8>) {
        into.push(match self {
            Self::Principal => 0,
            Self::Action => 1,
            Self::Resource => 2,
        });
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::Principal),
            1 => Ok(Self::Action),
            2 => Ok(Self::Resource),
            _ => Err(UNKNOWN),
        }
    }
}

impl Encoded for IpRange {
    fn encode(&self, into: &mut Vec<u8>) {
        let (address, prefix) = self.parts();
        into.push(prefix);
        match address {
            IpAddr::V4(address) => {
                into.push(4);
                into.extend(address.octets());
            }
            IpAddr::V6(address) => {
                into.push(6);
                into.extend(address.octets());
            }
        }
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        let prefix = from.byte()?;
        let address = match from.byte()? {
            4 => IpAddr::from(from.array::<4>()?),
            6 => IpAddr::from(from.array::<16>()?),
            _ => return Err(UNKNOWN),
        };
        Self::of_parts(address, prefix).ok_or(Malformed("a prefix is longer than its address"))
    }
}

impl Encoded for Pattern {
    fn encode(&self, into: &mut Vec<u8>) {
        encode_list(self.runs().iter(), into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Self::of_runs(Vec::decode(from)?).ok_or(Malformed("a pattern is empty"))
    }
}

/// An operator or a function is its place in the list of all of its kind.
macro_rules! encoded_by_place {
    ($($name:ident)*) => {
        $(impl Encoded for $name {
            fn encode(&self, into: &mut Vec<u8>) {
                into.push(*self as u8);
            }

            fn decode(from: &mut Reader<'_>) -> Read<Self> {
                Self::ALL.get(usize::from(from.byte()?)).copied().ok_or(UNKNOWN)
            }
        })*
    };
}

encoded_by_place!(Unary Binary);
