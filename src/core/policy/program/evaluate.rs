//! Evaluation: a policy and the facts of a request to whether the policy applies.
//!
//! Order and errors are exactly Cedar's: operands are evaluated from left to right, `&&`, `||` and `if` evaluate no more
//! than they need, and what is evaluated must have the type that is asked for. Load has excluded wrong types and unguarded
//! facts; where one is met all the same, it is an error like any other, and the request is denied.

use std::borrow::Cow;

use super::datetime::{Datetime, Duration};
use super::decimal::Decimal;
use super::entity::Entity;
use super::expression::{Binary, Constraint, Expression, Rule, Slot, Unary, Variable};
use super::ip::IpRange;
use super::value::{Set, Value};

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Fault {
    /// A fact that is read is absent.
    Absent,
    /// A value is of another type than its place asks for.
    Type,
    /// The result does not fit 64 bits.
    Overflow,
    /// A string that a function such as `ip()` does not accept.
    Malformed,
}

/// What a request has for policies to read.
pub(in crate::policy) trait Facts {
    /// The entity.
    fn entity(&self, variable: Variable) -> Entity<'_>;

    /// Whether the entity is this one or in it.
    fn is_in(&self, variable: Variable, group: &Entity<'_>) -> bool;

    /// The value of a fact.
    ///
    /// # Errors
    /// [`Fault::Absent`]; [`Fault::Type`] where a part of the path before the last is not a record.
    fn value(&self, slot: Slot) -> Result<Value<'_>, Fault>;

    /// How many parts of the path of a fact are there, from the first on, and how many it has.
    ///
    /// # Errors
    /// [`Fault::Type`] where a part before the last is there and not a record.
    fn reach(&self, slot: Slot) -> Result<(usize, usize), Fault>;
}

impl Rule {
    /// Whether the policy applies.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(in crate::policy) fn applies(&self, facts: &impl Facts) -> Result<bool, Fault> {
        let in_scope = self.principal.holds(Variable::Principal, facts)
            && self.action.holds(Variable::Action, facts)
            && self.resource.holds(Variable::Resource, facts);
        if !in_scope {
            return Ok(false);
        }
        for condition in &self.conditions {
            if !condition.truth(facts)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The places of the conditions that do not hold, each asked by itself; one that cannot be evaluated does not.
    pub(in crate::policy) fn failed_conditions(&self, facts: &impl Facts) -> Vec<usize> {
        let conditions = self.conditions.iter().enumerate();
        conditions.filter(|(_, condition)| condition.truth(facts) != Ok(true)).map(|(place, _)| place).collect()
    }
}

impl Constraint {
    /// Whether the entity is one that the scope asks for.
    pub(in crate::policy) fn holds(&self, variable: Variable, facts: &impl Facts) -> bool {
        match self {
            Self::Any => true,
            Self::Is(entity) => facts.entity(variable) == *entity,
            Self::OfType(of) => facts.entity(variable).of == *of,
            Self::In(groups) => groups.iter().any(|group| facts.is_in(variable, group)),
            Self::OfTypeIn(of, group) => facts.entity(variable).of == *of && facts.is_in(variable, group),
        }
    }
}

impl Expression {
    /// Whether it is true.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(in crate::policy) fn truth(&self, facts: &impl Facts) -> Result<bool, Fault> {
        match self.value(facts)? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(Fault::Type),
        }
    }

    fn value<'v>(&'v self, facts: &'v impl Facts) -> Result<Value<'v>, Fault> {
        Ok(match self {
            Self::Constant(value) => value.borrowed(),
            Self::Variable(variable) => Value::Entity(facts.entity(*variable)),
            Self::Fact(slot) => facts.value(*slot)?,
            Self::Has { slot, certain } => {
                let (there, parts) = facts.reach(*slot)?;
                if there < *certain {
                    return Err(Fault::Absent);
                }
                Value::Bool(there >= parts)
            }
            Self::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                let branch = if condition.truth(facts)? { then } else { otherwise };
                return branch.value(facts);
            }
            Self::And(operands) => {
                let [left, right] = operands.as_ref();
                Value::Bool(left.truth(facts)? && right.truth(facts)?)
            }
            Self::Or(operands) => {
                let [left, right] = operands.as_ref();
                Value::Bool(left.truth(facts)? || right.truth(facts)?)
            }
            Self::Unary(operator, operand) => return operator.of(operand.value(facts)?),
            Self::Binary(operator, operands) => {
                let [left, right] = operands.as_ref();
                return operator.of(&left.value(facts)?, &right.value(facts)?);
            }
            Self::In(variable, groups) => Value::Bool(groups.iter().any(|group| facts.is_in(*variable, group))),
            Self::OfType(operand, of) => match operand.value(facts)? {
                Value::Entity(entity) => Value::Bool(entity.of == *of),
                _ => return Err(Fault::Type),
            },
            Self::Like(operand, pattern) => match operand.value(facts)? {
                Value::String(text) => Value::Bool(pattern.matches(&text)),
                _ => return Err(Fault::Type),
            },
            Self::Set(elements) => {
                let elements: Result<_, Fault> = elements.iter().map(|element| element.value(facts)).collect();
                Value::Set(Set::Listed(elements?))
            }
            Self::Record(members) => {
                let member =
                    |(name, value): &'v (String, Self)| Ok((Cow::Borrowed(name.as_str()), value.value(facts)?));
                let members: Result<_, Fault> = members.iter().map(member).collect();
                Value::Record(members?)
            }
        })
    }
}

impl Unary {
    /// The result for a value.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(in crate::policy) fn of(self, operand: Value<'_>) -> Result<Value<'static>, Fault> {
        Ok(match self {
            Self::Not => Value::Bool(!boolean(&operand)?),
            Self::Negate => Value::Long(long(&operand)?.checked_neg().ok_or(Fault::Overflow)?),
            Self::IsEmpty => Value::Bool(set(&operand)?.is_empty()),
            Self::Ip => Value::Ip(IpRange::parse(text(&operand)?).ok_or(Fault::Malformed)?),
            Self::Decimal => Value::Decimal(Decimal::parse(text(&operand)?).ok_or(Fault::Malformed)?),
            Self::Datetime => Value::Datetime(Datetime::parse(text(&operand)?).ok_or(Fault::Malformed)?),
            Self::Duration => Value::Duration(Duration::parse(text(&operand)?).ok_or(Fault::Malformed)?),
            Self::IsIpv4 => Value::Bool(ip(&operand)?.is_v4()),
            Self::IsIpv6 => Value::Bool(ip(&operand)?.is_v6()),
            Self::IsLoopback => Value::Bool(ip(&operand)?.is_loopback()),
            Self::IsMulticast => Value::Bool(ip(&operand)?.is_multicast()),
            Self::ToDate => Value::Datetime(datetime(&operand)?.date().ok_or(Fault::Overflow)?),
            Self::ToTime => Value::Duration(datetime(&operand)?.time()),
            Self::ToMilliseconds => Value::Long(duration(&operand)?.milliseconds()),
            Self::ToSeconds => Value::Long(duration(&operand)?.seconds()),
            Self::ToMinutes => Value::Long(duration(&operand)?.minutes()),
            Self::ToHours => Value::Long(duration(&operand)?.hours()),
            Self::ToDays => Value::Long(duration(&operand)?.days()),
        })
    }
}

impl Binary {
    /// The result for two values.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(in crate::policy) fn of(self, left: &Value<'_>, right: &Value<'_>) -> Result<Value<'static>, Fault> {
        Ok(match self {
            Self::Equal => Value::Bool(left == right),
            Self::NotEqual => Value::Bool(left != right),
            Self::Less => Value::Bool(comparable(left, right)?.is_lt()),
            Self::LessOrEqual => Value::Bool(comparable(left, right)?.is_le()),
            Self::Greater => Value::Bool(comparable(left, right)?.is_gt()),
            Self::GreaterOrEqual => Value::Bool(comparable(left, right)?.is_ge()),
            Self::Add => arithmetic(left, right, i64::checked_add)?,
            Self::Subtract => arithmetic(left, right, i64::checked_sub)?,
            Self::Multiply => arithmetic(left, right, i64::checked_mul)?,
            Self::Contains => Value::Bool(set(left)?.contains(right)),
            Self::ContainsAll => Value::Bool(set(left)?.contains_all(set(right)?)),
            Self::ContainsAny => Value::Bool(set(left)?.contains_any(set(right)?)),
            Self::IsInRange => Value::Bool(ip(left)?.is_in(ip(right)?)),
            Self::Offset => Value::Datetime(datetime(left)?.offset(duration(right)?).ok_or(Fault::Overflow)?),
            Self::DurationSince => Value::Duration(datetime(left)?.since(datetime(right)?).ok_or(Fault::Overflow)?),
            Self::DecimalLess => Value::Bool(decimal(left)? < decimal(right)?),
            Self::DecimalLessOrEqual => Value::Bool(decimal(left)? <= decimal(right)?),
            Self::DecimalGreater => Value::Bool(decimal(left)? > decimal(right)?),
            Self::DecimalGreaterOrEqual => Value::Bool(decimal(left)? >= decimal(right)?),
        })
    }
}

/// How two values compare where `<` is for their type: numbers, points in time, lengths of time.
fn comparable(left: &Value<'_>, right: &Value<'_>) -> Result<core::cmp::Ordering, Fault> {
    match (left, right) {
        (Value::Long(left), Value::Long(right)) => Ok(left.cmp(right)),
        (Value::Datetime(left), Value::Datetime(right)) => Ok(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) => Ok(left.cmp(right)),
        _ => Err(Fault::Type),
    }
}

fn arithmetic(
    left: &Value<'_>,
    right: &Value<'_>,
    checked: fn(i64, i64) -> Option<i64>,
) -> Result<Value<'static>, Fault> {
    checked(long(left)?, long(right)?).map(Value::Long).ok_or(Fault::Overflow)
}

/// Reads a value of one type.
macro_rules! typed {
    ($($name:ident: $variant:ident -> $type:ty;)*) => {
        $(fn $name(value: &Value<'_>) -> Result<$type, Fault> {
            match value {
                Value::$variant(value) => Ok(*value),
                _ => Err(Fault::Type),
            }
        })*
    };
}

typed! {
    boolean: Bool -> bool;
    long: Long -> i64;
    ip: Ip -> IpRange;
    decimal: Decimal -> Decimal;
    datetime: Datetime -> Datetime;
    duration: Duration -> Duration;
}

fn text<'v>(value: &'v Value<'_>) -> Result<&'v str, Fault> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Fault::Type),
    }
}

fn set<'v, 'a>(value: &'v Value<'a>) -> Result<&'v Set<'a>, Fault> {
    match value {
        Value::Set(set) => Ok(set),
        _ => Err(Fault::Type),
    }
}
