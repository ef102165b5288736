//! Footprints: everything that policies read of a request.
//!
//! A policy reads a request through the trait [`Facts`] alone. So two requests that give equal answers to all readings of a
//! policy's footprint get the same answer from the policy.

use super::evaluate::{Facts, Fault};
use super::expression::{Constraint, Expression, Rule, Slot, Variable};
use super::value::Value;

/// One thing that a policy reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Reading {
    /// Which entity it is.
    Entity(Variable),
    /// Whether the entity is what a scope, or an `in`, asks for.
    Holds(Variable, Constraint),
    /// The value of a fact, or that it has none.
    Value(Slot),
    /// How much of a fact's path is there.
    Reach(Slot),
}

impl Reading {
    /// The fact, where it reads one.
    pub(in crate::policy) const fn slot(&self) -> Option<Slot> {
        match self {
            Self::Entity(_) | Self::Holds(..) => None,
            Self::Value(slot) | Self::Reach(slot) => Some(*slot),
        }
    }

    /// Appends what this request answers. Different answers to one reading have different bytes, and neither is the beginning
    /// of the other.
    pub(in crate::policy) fn write_answer(&self, facts: &impl Facts, into: &mut Vec<u8>) {
        match self {
            Self::Entity(variable) => write_value(&Value::Entity(facts.entity(*variable)), into),
            Self::Holds(variable, constraint) => into.push(constraint.holds(*variable, facts).into()),
            Self::Value(slot) => match facts.value(*slot) {
                Ok(value) => write_value(&value, into),
                Err(fault) => into.push(tag_of(fault)),
            },
            Self::Reach(slot) => match facts.reach(*slot) {
                Ok((there, parts)) => {
                    into.push(tag::REACH);
                    write_number(there, into);
                    write_number(parts, into);
                }
                Err(fault) => into.push(tag_of(fault)),
            },
        }
    }
}

impl Rule {
    /// Everything that it reads, each reading once.
    pub(in crate::policy) fn readings(&self) -> Vec<Reading> {
        let mut readings = Readings(Vec::new());
        let scope = [
            (Variable::Principal, &self.principal),
            (Variable::Action, &self.action),
            (Variable::Resource, &self.resource),
        ];
        for (variable, constraint) in scope {
            if *constraint != Constraint::Any {
                readings.add(Reading::Holds(variable, constraint.clone()));
            }
        }
        self.conditions.iter().for_each(|condition| readings.of(condition));
        readings.0
    }
}

struct Readings(Vec<Reading>);

impl Readings {
    fn add(&mut self, reading: Reading) {
        if !self.0.contains(&reading) {
            self.0.push(reading);
        }
    }

    fn of(&mut self, expression: &Expression) {
        match expression {
            Expression::Constant(_) => {}
            Expression::Variable(variable) => self.add(Reading::Entity(*variable)),
            Expression::Fact(slot) => self.add(Reading::Value(*slot)),
            Expression::Has { slot, .. } => self.add(Reading::Reach(*slot)),
            Expression::In(variable, groups) => {
                self.add(Reading::Holds(*variable, Constraint::In(groups.clone())));
            }
            Expression::If(parts) => parts.iter().for_each(|part| self.of(part)),
            Expression::And(operands) | Expression::Or(operands) | Expression::Binary(_, operands) => {
                operands.iter().for_each(|operand| self.of(operand));
            }
            Expression::Unary(_, operand) | Expression::OfType(operand, _) | Expression::Like(operand, _) => {
                self.of(operand);
            }
            Expression::Set(elements) => elements.iter().for_each(|element| self.of(element)),
            Expression::Record(members) => members.iter().for_each(|(_, member)| self.of(member)),
        }
    }
}

/// The first byte of an answer that is not a truth of [`Reading::Holds`].
mod tag {
    pub(super) const REACH: u8 = 2;
    pub(super) const ABSENT: u8 = 3;
    pub(super) const WRONG_TYPE: u8 = 4;
    pub(super) const OVERFLOW: u8 = 5;
    pub(super) const MALFORMED: u8 = 6;
    pub(super) const BOOL: u8 = 7;
    pub(super) const LONG: u8 = 8;
    pub(super) const STRING: u8 = 9;
    pub(super) const ENTITY: u8 = 10;
    pub(super) const IP: u8 = 11;
    pub(super) const DECIMAL: u8 = 12;
    pub(super) const DATETIME: u8 = 13;
    pub(super) const DURATION: u8 = 14;
    pub(super) const SET: u8 = 15;
    pub(super) const RECORD: u8 = 16;
}

const fn tag_of(fault: Fault) -> u8 {
    match fault {
        Fault::Absent => tag::ABSENT,
        Fault::Type => tag::WRONG_TYPE,
        Fault::Overflow => tag::OVERFLOW,
        Fault::Malformed => tag::MALFORMED,
    }
}

fn write_number(number: usize, into: &mut Vec<u8>) {
    into.extend_from_slice(&number.to_le_bytes());
}

fn write_text(text: &str, into: &mut Vec<u8>) {
    write_number(text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

fn write_value(value: &Value<'_>, into: &mut Vec<u8>) {
    let long = |tag: u8, number: i64, into: &mut Vec<u8>| {
        into.push(tag);
        into.extend_from_slice(&number.to_le_bytes());
    };
    match value {
        Value::Bool(truth) => into.extend([tag::BOOL, u8::from(*truth)]),
        Value::Long(number) => long(tag::LONG, *number, into),
        Value::Decimal(decimal) => long(tag::DECIMAL, decimal.units(), into),
        Value::Datetime(time) => long(tag::DATETIME, time.milliseconds(), into),
        Value::Duration(duration) => long(tag::DURATION, duration.milliseconds(), into),
        Value::String(text) => {
            into.push(tag::STRING);
            write_text(text, into);
        }
        Value::Entity(entity) => {
            into.push(tag::ENTITY);
            write_number(entity.of.place(), into);
            write_text(&entity.id, into);
        }
        Value::Ip(range) => {
            let (address, prefix) = range.parts();
            into.push(tag::IP);
            match address {
                core::net::IpAddr::V4(address) => {
                    into.extend([4, prefix]);
                    into.extend_from_slice(&address.octets());
                }
                core::net::IpAddr::V6(address) => {
                    into.extend([6, prefix]);
                    into.extend_from_slice(&address.octets());
                }
            }
        }
        Value::Set(set) => {
            let elements = set.in_order();
            into.push(tag::SET);
            write_number(elements.len(), into);
            elements.into_iter().for_each(|element| write_value(element, into));
        }
        Value::Record(members) => {
            into.push(tag::RECORD);
            write_number(members.len(), into);
            for (name, member) in members {
                write_text(name, into);
                write_value(member, into);
            }
        }
    }
}
