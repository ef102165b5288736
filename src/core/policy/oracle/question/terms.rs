//! Conditions of Cedar, part by part, and the names of members of `context` that only questions have.

use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, EntityUID, Expr, Literal, UnaryOp};

use crate::policy::load::implied::{joined, member};

/// The member of `context` that has the value of each set of strings without elements, which Cedar cannot type.
pub(in crate::policy) const EMPTY_SET: &str = "no strings";

/// The member of `context.http_request.path_parameters` for a parameter of one side. At two routes, parameters of the same
/// name can have different values.
pub(super) fn parameter(name: &str, side: usize, at_two_routes: bool) -> String {
    if at_two_routes { format!("{name} of {side}") } else { name.to_owned() }
}

/// `context.a.b has name`
pub(super) fn has(path: &[String], name: &str) -> Arc<Expr> {
    Arc::new(Expr::HasAttr { expr: member(path), attrs: (name.into(), Vec::new()).into() })
}

/// A truth value.
pub(super) fn truth(value: bool) -> Arc<Expr> {
    Arc::new(Expr::Literal(Literal::Bool(value)))
}

/// A string.
pub(super) fn string(text: &str) -> Arc<Expr> {
    Arc::new(Expr::Literal(Literal::String(text.into())))
}

/// A number.
pub(super) fn long(number: i64) -> Arc<Expr> {
    Arc::new(Expr::Literal(Literal::Long(number)))
}

/// An entity.
pub(super) fn literal(entity: EntityUID) -> Arc<Expr> {
    Arc::new(Expr::Literal(Literal::EntityUID(entity)))
}

/// `!condition`
pub(super) fn not(condition: Arc<Expr>) -> Arc<Expr> {
    match condition.as_ref() {
        Expr::Literal(Literal::Bool(value)) => truth(!value),
        _ => Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr: condition }),
    }
}

/// All of them.
pub(super) fn all(conditions: impl IntoIterator<Item = Arc<Expr>>) -> Arc<Expr> {
    let mut kept = Vec::new();
    for condition in conditions {
        match condition.as_ref() {
            Expr::Literal(Literal::Bool(true)) => {}
            Expr::Literal(Literal::Bool(false)) => {
                // What comes behind is not evaluated.
                kept.push(condition);
                break;
            }
            _ => kept.push(condition),
        }
    }
    joined(BinaryOp::And, kept).unwrap_or_else(|| truth(true))
}

/// Any of them.
pub(super) fn any(conditions: impl IntoIterator<Item = Arc<Expr>>) -> Arc<Expr> {
    let kept: Vec<Arc<Expr>> =
        conditions.into_iter().filter(|condition| **condition != Expr::Literal(Literal::Bool(false))).collect();
    joined(BinaryOp::Or, kept).unwrap_or_else(|| truth(false))
}
