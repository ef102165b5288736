//! Policies and values in Cedar's notation. A constant that load has worked out is written as its value.

use crate::policy::decide::facts::{FactName, FactTable};
use crate::policy::program::entity::{Entity, EntityTypes, TypeId};
use crate::policy::program::expression::{Binary, Constraint, Expression, Slot, Unary, Variable};
use crate::policy::program::like::Pattern;
use crate::policy::program::value::Value;

/// The names of types and facts.
#[derive(Clone, Copy)]
pub(super) struct Notation<'n> {
    /// The types.
    pub types: &'n EntityTypes,
    /// The facts.
    pub facts: &'n FactTable,
}

impl Notation<'_> {
    /// An entity, such as `corp::User::"alice"`.
    pub(super) fn entity(self, entity: &Entity<'_>) -> String {
        format!("{}::{:?}", self.of(entity.of), entity.id)
    }

    /// `principal`, `action` or `resource`.
    pub(super) const fn variable(self, variable: Variable) -> &'static str {
        match variable {
            Variable::Principal => "principal",
            Variable::Action => "action",
            Variable::Resource => "resource",
        }
    }

    /// A part of a scope.
    pub(super) fn constraint(self, variable: Variable, constraint: &Constraint) -> String {
        let name = self.variable(variable);
        match constraint {
            Constraint::Any => name.to_owned(),
            Constraint::Is(entity) => format!("{name} == {}", self.entity(entity)),
            Constraint::OfType(of) => format!("{name} is {}", self.of(*of)),
            Constraint::In(entities) => format!("{name} in {}", self.one_or_list(entities)),
            Constraint::OfTypeIn(of, entity) => format!("{name} is {} in {}", self.of(*of), self.entity(entity)),
        }
    }

    /// A fact, as policies name it.
    pub(super) fn fact(self, slot: Slot) -> String {
        match self.facts.names().nth(slot.0) {
            Some(FactName::InContext(path)) => ["context"].into_iter().chain(path).collect::<Vec<_>>().join("."),
            Some(FactName::Attribute(name)) => format!("resource.{name}"),
            None => String::new(),
        }
    }

    /// A value.
    pub(super) fn value(self, value: &Value<'_>) -> String {
        match value {
            Value::Bool(truth) => truth.to_string(),
            Value::Long(number) => number.to_string(),
            Value::String(text) => format!("{text:?}"),
            Value::Entity(entity) => self.entity(entity),
            Value::Ip(range) => {
                let (address, prefix) = range.parts();
                let whole = if address.is_ipv4() { 32 } else { 128 };
                if prefix == whole { format!("ip(\"{address}\")") } else { format!("ip(\"{address}/{prefix}\")") }
            }
            Value::Decimal(decimal) => {
                let units = decimal.units();
                let (whole, places) = (units.unsigned_abs() / 10_000, units.unsigned_abs() % 10_000);
                format!("decimal(\"{}{whole}.{places:04}\")", if units < 0 { "-" } else { "" })
            }
            Value::Datetime(time) => {
                format!("datetime(\"1970-01-01\").offset(duration(\"{}ms\"))", time.milliseconds())
            }
            Value::Duration(length) => format!("duration(\"{}ms\")", length.milliseconds()),
            Value::Set(set) => list(set.in_order().into_iter().map(|element| self.value(element))),
            Value::Record(members) => {
                let members = members.iter().map(|(name, value)| format!("{name:?}: {}", self.value(value)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// An expression.
    pub(super) fn expression(self, expression: &Expression) -> String {
        match expression {
            Expression::Constant(value) => self.value(value),
            Expression::Variable(variable) => self.variable(*variable).to_owned(),
            Expression::Fact(slot) => self.fact(*slot),
            Expression::Has { slot, .. } => {
                let fact = self.fact(*slot);
                fact.rsplit_once('.').map_or_else(|| fact.clone(), |(record, name)| format!("{record} has {name}"))
            }
            Expression::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                let [condition, then, otherwise] = [condition, then, otherwise].map(|part| self.expression(part));
                format!("if {condition} then {then} else {otherwise}")
            }
            Expression::And(operands) => self.between(operands, "&&"),
            Expression::Or(operands) => self.between(operands, "||"),
            Expression::Unary(operator, operand) => self.unary(*operator, operand),
            Expression::Binary(operator, operands) => self.binary(*operator, operands),
            Expression::In(variable, groups) => {
                format!("{} in {}", self.variable(*variable), self.one_or_list(groups))
            }
            Expression::OfType(operand, of) => format!("{} is {}", self.operand(operand), self.of(*of)),
            Expression::Like(operand, pattern) => format!("{} like {}", self.operand(operand), like(pattern)),
            Expression::Set(elements) => list(elements.iter().map(|element| self.expression(element))),
            Expression::Record(members) => {
                let members = members.iter().map(|(name, value)| format!("{name:?}: {}", self.expression(value)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn of(self, of: TypeId) -> String {
        self.types.names().nth(of.place()).unwrap_or_default()
    }

    fn one_or_list(self, entities: &[Entity<'_>]) -> String {
        match entities {
            [one] => self.entity(one),
            several => list(several.iter().map(|entity| self.entity(entity))),
        }
    }

    fn unary(self, operator: Unary, operand: &Expression) -> String {
        let of = |function: &str| format!("{function}({})", self.expression(operand));
        let method = |name: &str| format!("{}.{name}()", self.operand(operand));
        match operator {
            Unary::Not => format!("!{}", self.operand(operand)),
            Unary::Negate => format!("-{}", self.operand(operand)),
            Unary::Ip => of("ip"),
            Unary::Decimal => of("decimal"),
            Unary::Datetime => of("datetime"),
            Unary::Duration => of("duration"),
            Unary::IsEmpty => method("isEmpty"),
            Unary::IsIpv4 => method("isIpv4"),
            Unary::IsIpv6 => method("isIpv6"),
            Unary::IsLoopback => method("isLoopback"),
            Unary::IsMulticast => method("isMulticast"),
            Unary::ToDate => method("toDate"),
            Unary::ToTime => method("toTime"),
            Unary::ToMilliseconds => method("toMilliseconds"),
            Unary::ToSeconds => method("toSeconds"),
            Unary::ToMinutes => method("toMinutes"),
            Unary::ToHours => method("toHours"),
            Unary::ToDays => method("toDays"),
        }
    }

    fn binary(self, operator: Binary, operands: &[Expression; 2]) -> String {
        let [left, right] = operands;
        let method = |name: &str| format!("{}.{name}({})", self.operand(left), self.expression(right));
        match operator {
            Binary::Equal => self.between(operands, "=="),
            Binary::NotEqual => self.between(operands, "!="),
            Binary::Less => self.between(operands, "<"),
            Binary::LessOrEqual => self.between(operands, "<="),
            Binary::Greater => self.between(operands, ">"),
            Binary::GreaterOrEqual => self.between(operands, ">="),
            Binary::Add => self.between(operands, "+"),
            Binary::Subtract => self.between(operands, "-"),
            Binary::Multiply => self.between(operands, "*"),
            Binary::Contains => method("contains"),
            Binary::ContainsAll => method("containsAll"),
            Binary::ContainsAny => method("containsAny"),
            Binary::IsInRange => method("isInRange"),
            Binary::Offset => method("offset"),
            Binary::DurationSince => method("durationSince"),
            Binary::DecimalLess => method("lessThan"),
            Binary::DecimalLessOrEqual => method("lessThanOrEqual"),
            Binary::DecimalGreater => method("greaterThan"),
            Binary::DecimalGreaterOrEqual => method("greaterThanOrEqual"),
        }
    }

    fn between(self, [left, right]: &[Expression; 2], operator: &str) -> String {
        format!("{} {operator} {}", self.operand(left), self.operand(right))
    }

    /// An expression as part of another, in parentheses if it is not one term.
    fn operand(self, expression: &Expression) -> String {
        let written = self.expression(expression);
        let is_term = match expression {
            Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Fact(_)
            | Expression::Set(_)
            | Expression::Record(_) => true,
            Expression::Unary(operator, _) => !matches!(operator, Unary::Not | Unary::Negate),
            Expression::Binary(operator, _) => matches!(
                operator,
                Binary::Contains
                    | Binary::ContainsAll
                    | Binary::ContainsAny
                    | Binary::IsInRange
                    | Binary::Offset
                    | Binary::DurationSince
                    | Binary::DecimalLess
                    | Binary::DecimalLessOrEqual
                    | Binary::DecimalGreater
                    | Binary::DecimalGreaterOrEqual
            ),
            _ => false,
        };
        if is_term { written } else { format!("({written})") }
    }
}

fn list(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(", "))
}

/// A pattern: a `*` of the string itself is escaped.
fn like(pattern: &Pattern) -> String {
    let runs = pattern.runs().iter().map(|run| {
        let quoted = format!("{run:?}");
        let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
        inner.replace('*', "\\*")
    });
    format!("\"{}\"", runs.collect::<Vec<_>>().join("*"))
}
