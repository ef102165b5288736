//! The truth of a condition in three values (true, false, not known) where a fact is absent.

use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp, Var};

use super::{Absence, Membership, presence_path};

impl Absence<'_> {
    /// The truth of an expression with the fact absent, where that and the kind alone decide it.
    pub(super) fn value(self, expression: &Expr) -> Option<bool> {
        match expression {
            Expr::Literal(Literal::Bool(truth)) => Some(*truth),
            Expr::HasAttr { .. } => {
                let path = presence_path(expression)?;
                let never = path.first().is_some_and(|record| self.names.never_has(self.kind, record));
                (never || self.is_presence(&path)).then_some(false)
            }
            Expr::UnaryOp { op: UnaryOp::IsEmpty, expr } => self.is_empty_set(expr).then_some(true),
            Expr::BinaryOp {
                op: op @ (BinaryOp::Contains | BinaryOp::ContainsAny | BinaryOp::ContainsAll),
                left,
                right,
            } => self.elements_value(*op, left, right),
            Expr::UnaryOp { op: UnaryOp::Not, expr } => self.value(expr).map(|truth| !truth),
            Expr::BinaryOp { op: BinaryOp::And, left, right } => join([self.value(left), self.value(right)], true),
            Expr::BinaryOp { op: BinaryOp::Or, left, right } => join([self.value(left), self.value(right)], false),
            Expr::BinaryOp { op: BinaryOp::Eq, left, right } => self.equality_value(left, right),
            Expr::BinaryOp { op: BinaryOp::NotEq, left, right } => self.equality_value(left, right).map(|same| !same),
            Expr::IfThenElse { cond, then_expr, else_expr } => match self.value(cond) {
                Some(true) => self.value(then_expr),
                Some(false) => self.value(else_expr),
                None => self.value(then_expr).filter(|truth| self.value(else_expr) == Some(*truth)),
            },
            Expr::Is { expr, entity_type, in_expr: None } => {
                let of_principal = matches!(expr.as_ref(), Expr::Var(Var::Principal));
                of_principal.then(|| self.is_of_type(Some(&entity_type.to_string())))
            }
            other => self.membership_value(&Membership::of(other)?),
        }
    }

    fn equality_value(self, left: &Expr, right: &Expr) -> Option<bool> {
        let differ = |one: &Expr, other: &Expr| self.is_empty_set(one) && has_elements(other);
        if differ(left, right) || differ(right, left) {
            return Some(false);
        }
        Some(self.value(left)? == self.value(right)?)
    }

    /// What the empty set contains, and what contains it.
    fn elements_value(self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<bool> {
        match (self.is_empty_set(left), self.is_empty_set(right)) {
            (_, true) if op == BinaryOp::ContainsAll => Some(true),
            (true, _) if op != BinaryOp::ContainsAll || has_elements(right) => Some(false),
            (_, true) if op == BinaryOp::ContainsAny => Some(false),
            _ => None,
        }
    }

    fn membership_value(self, membership: &Membership<'_>) -> Option<bool> {
        let of_type = self.is_of_type(membership.entity_type.map(ToString::to_string).as_deref());
        let of_groups = membership.within.iter().all(|group| self.names.members(group).is_some());
        (!of_type || self.groupless && of_groups).then_some(false)
    }
}

/// A set that is written out and not empty.
fn has_elements(expression: &Expr) -> bool {
    matches!(expression, Expr::Set(elements) if !elements.is_empty())
}

/// `&&` (or `||`) of three-valued truths.
pub(super) fn join(values: impl IntoIterator<Item = Option<bool>>, and: bool) -> Option<bool> {
    let mut all_known = true;
    for value in values {
        match value {
            Some(truth) if truth != and => return Some(!and),
            Some(_) => {}
            None => all_known = false,
        }
    }
    all_known.then_some(and)
}
