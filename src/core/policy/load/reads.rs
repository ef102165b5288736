//! Which facts a policy reads or asks for, found by walking its conditions.

use std::collections::BTreeSet;

use cedar_policy::pst::{
    BinaryOp, Clause, EntityOrSlot, EntityType, EntityUID, Expr, Literal, PatternElem, PrincipalConstraint, Template,
    Var,
};

use super::names::context_path;

/// Paths inside `context`, from its members inwards.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Reads {
    /// Whose values are read.
    pub values: BTreeSet<Vec<String>>,
    /// Whose presence is asked for with `has`.
    pub presences: BTreeSet<Vec<String>>,
    /// A condition reads the action.
    pub action: bool,
    /// What the principal is asked to be in, by the scope and by conditions.
    pub memberships: Vec<EntityUID>,
}

impl Reads {
    /// Of the principal in the scope, and of all conditions of a policy.
    pub(in crate::policy) fn of(body: &Template) -> Self {
        let mut reads = Self { memberships: scope_group(body).into_iter().cloned().collect(), ..Self::default() };
        for Clause::When(condition) | Clause::Unless(condition) in body.clauses() {
            visit(condition, &mut |expression| reads.note(expression));
        }
        reads
    }

    fn note(&mut self, expression: &Expr) {
        if let Some(membership) = Membership::of(expression) {
            self.memberships.extend(membership.within.into_iter().cloned());
        }
        match expression {
            Expr::GetAttr { .. } => {
                self.values.extend(context_path(expression).map(owned));
            }
            Expr::HasAttr { .. } => {
                self.presences.extend(presence_path(expression));
            }
            Expr::Var(Var::Action) => self.action = true,
            _ => {}
        }
    }

    /// Whether any path begins with this member of the context.
    pub(in crate::policy) fn mentions(&self, member: &str) -> bool {
        self.values.iter().chain(&self.presences).any(|path| path.first().is_some_and(|first| first == member))
    }

    /// Whether any path begins with these two members.
    pub(in crate::policy) fn mentions_parameters(&self) -> bool {
        let wanted = ["http_request", "path_parameters"];
        self.values
            .iter()
            .chain(&self.presences)
            .any(|path| path.iter().zip(wanted).filter(|(a, b)| a == b).count() == 2)
    }
}

/// A condition that is `principal in ...` or `principal is T in ...`.
pub(in crate::policy) struct Membership<'e> {
    /// The type that is asked for with it.
    pub entity_type: Option<&'e EntityType>,
    /// What the principal is asked to be in: one of these suffices.
    pub within: Vec<&'e EntityUID>,
}

impl<'e> Membership<'e> {
    /// Reads the condition, if it is one; what stands behind `in` counts as far as it is entities by name.
    pub(in crate::policy) fn of(expression: &'e Expr) -> Option<Self> {
        let (asked, entity_type, within) = match expression {
            Expr::BinaryOp { op: BinaryOp::In, left, right } => (left, None, right),
            Expr::Is { expr, entity_type, in_expr: Some(within) } => (expr, Some(entity_type), within),
            _ => return None,
        };
        let within = entities(within).into_iter().flatten().collect();
        matches!(asked.as_ref(), Expr::Var(Var::Principal)).then_some(Self { entity_type, within })
    }
}

/// What stands behind `in`: one entity by name, or several in brackets, each `None` where it is something else.
pub(in crate::policy) fn entities(within: &Expr) -> Vec<Option<&EntityUID>> {
    match within {
        Expr::Set(elements) => elements.iter().map(|element| literal_entity(element)).collect(),
        one => vec![literal_entity(one)],
    }
}

/// An entity by name.
pub(in crate::policy) fn literal_entity(expression: &Expr) -> Option<&EntityUID> {
    match expression {
        Expr::Literal(Literal::EntityUID(entity)) => Some(entity),
        _ => None,
    }
}

/// What the scope asks the principal to be in.
pub(in crate::policy) fn scope_group(body: &Template) -> Option<&EntityUID> {
    match &body.principal {
        PrincipalConstraint::In(EntityOrSlot::Entity(entity))
        | PrincipalConstraint::IsIn(_, EntityOrSlot::Entity(entity)) => Some(entity),
        _ => None,
    }
}

fn owned(path: Vec<&str>) -> Vec<String> {
    path.into_iter().map(str::to_owned).collect()
}

/// The whole path whose presence `context.a has b.c` asks for.
pub(in crate::policy) fn presence_path(expression: &Expr) -> Option<Vec<String>> {
    let Expr::HasAttr { expr, attrs } = expression else { return None };
    let mut path = owned(context_path(expr)?);
    path.extend(attrs.iter().map(ToString::to_string));
    Some(path)
}

/// Calls `see` for an expression and each part of it, but not for the parts of a path: those are one read.
pub(in crate::policy) fn visit<'e>(expression: &'e Expr, see: &mut impl FnMut(&'e Expr)) {
    see(expression);
    if context_path(expression).is_some() {
        return;
    }
    for part in parts(expression) {
        visit(part, see);
    }
}

/// The direct parts of an expression; the base of a `has` is none if it is a path.
fn parts(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::HasAttr { expr, .. } if context_path(expr).is_some() => Vec::new(),
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => vec![expr],
        Expr::BinaryOp { left, right, .. } => vec![left, right],
        Expr::Is { expr, in_expr, .. } => core::iter::once(expr.as_ref()).chain(in_expr.as_deref()).collect(),
        Expr::IfThenElse { cond, then_expr, else_expr } => vec![cond, then_expr, else_expr],
        Expr::Set(elements) => elements.iter().map(AsRef::as_ref).collect(),
        Expr::Record(members) => members.values().map(AsRef::as_ref).collect(),
        // Literals, variables; and what a later Cedar may add, which `rules` refuses.
        _ => Vec::new(),
    }
}

/// The text of a `like` pattern, with this character for each `*`.
pub(in crate::policy) fn pattern_text(pattern: &[PatternElem], wildcard: char) -> String {
    let character = |element: &PatternElem| match element {
        PatternElem::Char(character) => *character,
        PatternElem::Wildcard => wildcard,
    };
    pattern.iter().map(character).collect()
}
