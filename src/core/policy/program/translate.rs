//! A policy that Cedar has parsed, as a [`Rule`].
//!
//! It accepts the language that load accepts and rejects the rest: a construct without a meaning here is an error at load,
//! never one that is left out.

use std::borrow::Cow;
use std::sync::Arc;

use cedar_policy::pst::{
    self, ActionConstraint, BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, PatternElem, PrincipalConstraint,
    ResourceConstraint, Template, UnaryOp, Var,
};

use super::entity::{Entity, EntityTypes, TypeId};
use super::expression::{Binary, Constraint, Expression, Rule, Slot, SlotTable, Unary, Variable};
use super::like::Pattern;
use super::value::{Set, Value};

/// Why a policy is not translated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::policy) enum Untranslatable {
    /// The configuration has no such entity type.
    #[error("there is no entity type `{0}`")]
    UnknownType(String),
    /// There is no such fact.
    #[error("`{0}` is not a fact")]
    UnknownFact(String),
    /// A construct outside of the accepted language.
    #[error("{0} is not supported")]
    Construct(&'static str),
}

/// Translates policies of one configuration.
pub(in crate::policy) struct Translator<'t, S> {
    /// The entity types.
    pub types: &'t EntityTypes,
    /// The table of facts.
    pub slots: S,
}

type Translated<T> = Result<T, Untranslatable>;

impl<S: SlotTable> Translator<'_, S> {
    /// Translates a policy.
    ///
    /// # Errors
    /// See [`Untranslatable`].
    pub(in crate::policy) fn rule(&mut self, policy: &Template) -> Translated<Rule> {
        let condition = |condition: &Clause| match condition {
            Clause::When(condition) => self.expression(condition),
            Clause::Unless(condition) => Ok(Self::unary(Unary::Not, self.expression(condition)?)),
        };
        let conditions = conditions(policy).iter().map(condition).collect::<Translated<_>>()?;
        Ok(Rule {
            principal: self.principal(&policy.principal)?,
            action: self.action(&policy.action)?,
            resource: self.resource(&policy.resource)?,
            conditions,
        })
    }

    fn principal(&self, constraint: &PrincipalConstraint) -> Translated<Constraint> {
        Ok(match constraint {
            PrincipalConstraint::Any => Constraint::Any,
            PrincipalConstraint::Is(of) => Constraint::OfType(self.entity_type(of)?),
            PrincipalConstraint::Eq(entity) => Constraint::Is(self.scope_entity(entity)?),
            PrincipalConstraint::In(entity) => Constraint::In(vec![self.scope_entity(entity)?]),
            PrincipalConstraint::IsIn(of, entity) => {
                Constraint::OfTypeIn(self.entity_type(of)?, self.scope_entity(entity)?)
            }
        })
    }

    fn action(&self, constraint: &ActionConstraint) -> Translated<Constraint> {
        Ok(match constraint {
            ActionConstraint::Any => Constraint::Any,
            ActionConstraint::Eq(entity) => Constraint::Is(self.entity(entity)?),
            ActionConstraint::In(entities) => {
                Constraint::In(entities.iter().map(|entity| self.entity(entity)).collect::<Translated<_>>()?)
            }
        })
    }

    fn resource(&self, constraint: &ResourceConstraint) -> Translated<Constraint> {
        Ok(match constraint {
            ResourceConstraint::Any => Constraint::Any,
            ResourceConstraint::Is(of) => Constraint::OfType(self.entity_type(of)?),
            ResourceConstraint::Eq(entity) => Constraint::Is(self.scope_entity(entity)?),
            ResourceConstraint::In(entity) => Constraint::In(vec![self.scope_entity(entity)?]),
            ResourceConstraint::IsIn(of, entity) => {
                Constraint::OfTypeIn(self.entity_type(of)?, self.scope_entity(entity)?)
            }
        })
    }

    fn scope_entity(&self, entity: &EntityOrSlot) -> Translated<Entity<'static>> {
        match entity {
            EntityOrSlot::Entity(entity) => self.entity(entity),
            EntityOrSlot::Slot(_) => Err(Untranslatable::Construct("a template's slot")),
        }
    }

    fn entity(&self, entity: &EntityUID) -> Translated<Entity<'static>> {
        Ok(Entity::owned(self.entity_type(&entity.ty)?, &entity.eid))
    }

    fn entity_type(&self, of: &pst::EntityType) -> Translated<TypeId> {
        let name = of.to_string();
        self.types.id(&name).ok_or(Untranslatable::UnknownType(name))
    }

    fn expression(&mut self, expression: &Expr) -> Translated<Expression> {
        Ok(match expression {
            Expr::Literal(literal) => Expression::Constant(self.literal(literal)?),
            Expr::Var(_) => Expression::Variable(variable(expression)?),
            Expr::UnaryOp { op, expr } => Self::unary(unary(*op)?, self.expression(expr)?),
            Expr::BinaryOp { op: BinaryOp::And, left, right } => Expression::And(self.operands(left, right)?),
            Expr::BinaryOp { op: BinaryOp::Or, left, right } => Expression::Or(self.operands(left, right)?),
            Expr::BinaryOp { op: BinaryOp::In, left, right } => self.membership(left, right)?,
            Expr::BinaryOp { op, left, right } => Self::binary(binary(*op)?, self.operands(left, right)?),
            Expr::GetAttr { expr, attr } if matches!(expr.as_ref(), Expr::Var(Var::Resource)) => {
                let slot = self.slots.attribute(attr);
                Expression::Fact(slot.ok_or_else(|| Untranslatable::UnknownFact(format!("resource.{attr}")))?)
            }
            Expr::GetAttr { .. } => Expression::Fact(self.slot(&path(expression)?)?),
            // Every route has every attribute.
            Expr::HasAttr { expr, attrs } if matches!(expr.as_ref(), Expr::Var(Var::Resource)) => {
                match attrs.iter().map(|name| self.slots.attribute(name)).collect::<Vec<_>>().as_slice() {
                    [Some(_)] => Expression::Constant(Value::Bool(true)),
                    _ => return Err(Untranslatable::Construct("`has` of what no route has")),
                }
            }
            Expr::HasAttr { expr, attrs } => {
                let mut path = path(expr)?;
                let certain = path.len();
                path.extend(attrs.iter().map(|name| name.as_str()));
                Expression::Has { slot: self.slot(&path)?, certain }
            }
            Expr::Like { expr, pattern } => {
                let elements = pattern.iter().map(|element| match element {
                    PatternElem::Char(character) => Some(*character),
                    PatternElem::Wildcard => None,
                });
                Expression::Like(Box::new(self.expression(expr)?), Pattern::new(elements))
            }
            Expr::Is { expr, entity_type, in_expr } => {
                let of_type = Expression::OfType(Box::new(self.expression(expr)?), self.entity_type(entity_type)?);
                match in_expr {
                    None => of_type,
                    Some(within) => Expression::And(Box::new([of_type, self.membership(expr, within)?])),
                }
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => Expression::If(Box::new([
                self.expression(cond)?,
                self.expression(then_expr)?,
                self.expression(else_expr)?,
            ])),
            Expr::Set(elements) => {
                let elements: Vec<Expression> = self.expressions(elements)?;
                match constants(&elements) {
                    Some(values) => Expression::Constant(Value::Set(Set::sorted(values))),
                    None => Expression::Set(elements),
                }
            }
            Expr::Record(members) => {
                let values = self.expressions(members.values())?;
                let names = members.keys().cloned();
                match constants(&values) {
                    Some(values) => Expression::Constant(Value::Record(names.map(Cow::Owned).zip(values).collect())),
                    None => Expression::Record(names.zip(values).collect()),
                }
            }
            _ => return Err(Untranslatable::Construct("an expression of this kind")),
        })
    }

    fn slot(&mut self, path: &[&str]) -> Translated<Slot> {
        self.slots.slot(path).ok_or_else(|| Untranslatable::UnknownFact(format!("context.{}", path.join("."))))
    }

    fn expressions<'e>(&mut self, list: impl IntoIterator<Item = &'e Arc<Expr>>) -> Translated<Vec<Expression>> {
        list.into_iter().map(|element| self.expression(element)).collect()
    }

    fn operands(&mut self, left: &Expr, right: &Expr) -> Translated<Box<[Expression; 2]>> {
        Ok(Box::new([self.expression(left)?, self.expression(right)?]))
    }

    /// `left in right`, where the right side is entities by name.
    fn membership(&self, left: &Expr, right: &Expr) -> Translated<Expression> {
        let named = |expression: &Expr| match expression {
            Expr::Literal(Literal::EntityUID(entity)) => self.entity(entity),
            _ => Err(Untranslatable::Construct("`in` with something other than entities by name")),
        };
        let groups = match right {
            Expr::Set(elements) => elements.iter().map(|element| named(element)).collect::<Translated<_>>()?,
            one => vec![named(one)?],
        };
        Ok(Expression::In(variable(left)?, groups))
    }

    fn literal(&self, literal: &Literal) -> Translated<Value<'static>> {
        Ok(match literal {
            Literal::Bool(truth) => Value::Bool(*truth),
            Literal::Long(number) => Value::Long(*number),
            Literal::String(text) => Value::String(Cow::Owned(text.to_string())),
            Literal::EntityUID(entity) => Value::Entity(self.entity(entity)?),
            _ => return Err(Untranslatable::Construct("a literal of this kind")),
        })
    }

    /// A function of a constant is worked out here. Where it has no value, it stays what it is: an error for each request
    /// that evaluates it.
    fn unary(operator: Unary, operand: Expression) -> Expression {
        if let Expression::Constant(value) = &operand
            && let Ok(value) = operator.of(value.borrowed())
        {
            return Expression::Constant(value);
        }
        Expression::Unary(operator, Box::new(operand))
    }

    /// The same of two constants.
    fn binary(operator: Binary, operands: Box<[Expression; 2]>) -> Expression {
        if let [Expression::Constant(left), Expression::Constant(right)] = operands.as_ref()
            && let Ok(value) = operator.of(left, right)
        {
            return Expression::Constant(value);
        }
        Expression::Binary(operator, operands)
    }
}

/// The conditions of a policy, in the order in which they are asked: each `when` is split at its outermost `&&`, because to
/// ask the operands in order until one does not hold is what `&&` does; an `unless` is one condition.
pub(in crate::policy) fn conditions(policy: &Template) -> Vec<Clause> {
    let mut conditions = Vec::new();
    for clause in policy.clauses() {
        match clause {
            Clause::When(condition) => conjuncts(condition, &mut conditions),
            Clause::Unless(_) => conditions.push(clause.clone()),
        }
    }
    conditions
}

fn conjuncts(condition: &Arc<Expr>, into: &mut Vec<Clause>) {
    match condition.as_ref() {
        Expr::BinaryOp { op: BinaryOp::And, left, right } => {
            conjuncts(left, into);
            conjuncts(right, into);
        }
        _ => into.push(Clause::When(Arc::clone(condition))),
    }
}

/// The values, if all of the expressions are constant.
fn constants(expressions: &[Expression]) -> Option<Vec<Value<'static>>> {
    let constant = |expression: &Expression| match expression {
        Expression::Constant(value) => Some(value.clone()),
        _ => None,
    };
    expressions.iter().map(constant).collect()
}

fn variable(expression: &Expr) -> Translated<Variable> {
    match expression {
        Expr::Var(Var::Principal) => Ok(Variable::Principal),
        Expr::Var(Var::Action) => Ok(Variable::Action),
        Expr::Var(Var::Resource) => Ok(Variable::Resource),
        Expr::Var(Var::Context) => Err(Untranslatable::Construct("`context` as a value")),
        _ => Err(Untranslatable::Construct("`in` on something other than `principal`, `action` or `resource`")),
    }
}

/// The path inside `context`, from its members inwards.
fn path(expression: &Expr) -> Translated<Vec<&str>> {
    match expression {
        Expr::Var(Var::Context) => Ok(Vec::new()),
        Expr::GetAttr { expr, attr } => {
            let mut path = path(expr)?;
            path.push(attr);
            Ok(path)
        }
        _ => Err(Untranslatable::Construct("a member of something other than `context` and `resource`")),
    }
}

fn unary(operator: UnaryOp) -> Translated<Unary> {
    Ok(match operator {
        UnaryOp::Not => Unary::Not,
        UnaryOp::Neg => Unary::Negate,
        UnaryOp::IsEmpty => Unary::IsEmpty,
        UnaryOp::Ip => Unary::Ip,
        UnaryOp::Decimal => Unary::Decimal,
        UnaryOp::Datetime => Unary::Datetime,
        UnaryOp::Duration => Unary::Duration,
        UnaryOp::IsIPv4 => Unary::IsIpv4,
        UnaryOp::IsIPV6 => Unary::IsIpv6,
        UnaryOp::IsLoopback => Unary::IsLoopback,
        UnaryOp::IsMulticast => Unary::IsMulticast,
        UnaryOp::ToDate => Unary::ToDate,
        UnaryOp::ToTime => Unary::ToTime,
        UnaryOp::ToMilliseconds => Unary::ToMilliseconds,
        UnaryOp::ToSeconds => Unary::ToSeconds,
        UnaryOp::ToMinutes => Unary::ToMinutes,
        UnaryOp::ToHours => Unary::ToHours,
        UnaryOp::ToDays => Unary::ToDays,
        _ => return Err(Untranslatable::Construct("an operator of this kind")),
    })
}

fn binary(operator: BinaryOp) -> Translated<Binary> {
    Ok(match operator {
        BinaryOp::Eq => Binary::Equal,
        BinaryOp::NotEq => Binary::NotEqual,
        BinaryOp::Less => Binary::Less,
        BinaryOp::LessEq => Binary::LessOrEqual,
        BinaryOp::Greater => Binary::Greater,
        BinaryOp::GreaterEq => Binary::GreaterOrEqual,
        BinaryOp::Add => Binary::Add,
        BinaryOp::Sub => Binary::Subtract,
        BinaryOp::Mul => Binary::Multiply,
        BinaryOp::Contains => Binary::Contains,
        BinaryOp::ContainsAll => Binary::ContainsAll,
        BinaryOp::ContainsAny => Binary::ContainsAny,
        BinaryOp::IsInRange => Binary::IsInRange,
        BinaryOp::Offset => Binary::Offset,
        BinaryOp::DurationSince => Binary::DurationSince,
        BinaryOp::DecimalLessThan => Binary::DecimalLess,
        BinaryOp::DecimalLessEq => Binary::DecimalLessOrEqual,
        BinaryOp::DecimalGreater => Binary::DecimalGreater,
        BinaryOp::DecimalGreaterEq => Binary::DecimalGreaterOrEqual,
        // `hasTag` and `getTag`: no entity has tags.
        _ => return Err(Untranslatable::Construct("an operator of this kind")),
    })
}
