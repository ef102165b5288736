//! Absent facts must not lift a rule.
//!
//! `forbid ... when { context has mdm && context.mdm.score < 60 }` falls silent when the client leaves the posture out, and
//! `forbid (principal in corp::Group::"contractors", ...)` when it presents a token without the groups claim. So what denies
//! where it is true must be true where an optional fact that it reads is absent, and what allows must be false.
//!
//! Each condition is judged in three values (true, false, not known) for one kind of principal, with one fact absent; parts
//! that do not read the fact are left aside, because its absence does not change them. Without its groups claim a token puts
//! its principal in no group, so `principal in` a group is false there, as a `has` is.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, Literal, Template, UnaryOp, Var};

use super::fixes::{denying, plain};
use super::names::{Kind, Names, context_path};
use super::reads::{Membership, presence_path, scope_group, visit};
use super::{Checked, lexer};
use crate::config_error::ConfigError;

mod message;

/// Every rule of one document that an absent fact lifts: one error for each kind of principal that can lack groups, and one
/// for all other facts of a policy, which are usually corrected together.
pub(super) fn lifted_rules(policies: &[Checked<'_>]) -> Vec<ConfigError> {
    let forbids: Vec<&Checked<'_>> =
        policies.iter().filter(|policy| policy.named.body.effect == Effect::Forbid).collect();
    // For each fact and kind the forbids that fire on its absence.
    let mut firing: BTreeMap<(Vec<String>, Kind), Vec<&Checked<'_>>> = BTreeMap::new();
    let mut errors = Vec::new();
    for policy in policies.iter().filter(|policy| !policy.named.missing_ignored) {
        let mut reported: BTreeSet<Option<Kind>> = BTreeSet::new();
        for (fact, kind) in policy.optional_facts() {
            let absence = Absence::of(policy.names, kind, &fact);
            let by_groups = absence.groupless && policy.asks_of_groups(kind);
            let about = by_groups.then_some(kind);
            if reported.contains(&about) {
                continue;
            }
            let Some(hole) = absence.hole(&policy.named.body) else { continue };
            let firing = firing.entry((fact.clone(), kind)).or_insert_with(|| {
                forbids.iter().copied().filter(|forbid| absence.holds(&forbid.named.body)).collect()
            });
            let covered = firing.iter().any(|forbid| {
                forbid.scope.covers(&forbid.named.body, &policy.scope, &policy.named.body)
                    && forbid.applies.kinds.contains(&kind)
            });
            if !covered {
                reported.insert(about);
                errors.push(if by_groups {
                    policy.lifted_by_groups(kind, &fact, &hole)
                } else {
                    policy.lifted(&fact, &hole)
                });
            }
        }
    }
    errors
}

impl Checked<'_> {
    /// Evidence that the policy reads and that may be absent, with the kinds of principals for whom it may.
    fn optional_facts(&self) -> BTreeSet<(Vec<String>, Kind)> {
        let certain: BTreeSet<String> = self.scope.devices_required().union(&self.applies.needs).cloned().collect();
        let mut facts = BTreeSet::new();
        for kind in self.applies.kinds.iter().copied() {
            for path in &self.reads.values {
                let parts = self.names.optional_parts(path, kind, &certain);
                facts.extend(parts.into_iter().map(|part| (part.to_vec(), kind)));
            }
            if self.asks_of_groups(kind) {
                facts.extend(self.names.absent_groups(kind).into_iter().map(|fact| (fact, kind)));
            }
        }
        facts
    }

    /// Whether it asks of a group that principals of this kind can be in.
    fn asks_of_groups(&self, kind: Kind) -> bool {
        let members = |group| self.names.members(group).is_some_and(|members| members.contains(&kind));
        self.reads.memberships.iter().any(members)
    }
}

/// A rule that an absent fact lifts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hole {
    /// The corrected condition, where there is one to offer.
    correction: Option<String>,
}

/// A fact that is absent, as policies see it that are asked about principals of one kind.
#[derive(Clone, Copy)]
struct Absence<'n> {
    names: Names<'n>,
    kind: Kind,
    /// The path of the fact inside `context`.
    fact: &'n [String],
    /// Without the fact these principals are in no group.
    groupless: bool,
}

/// An operand of `&&` or `||`; the body of an `unless` is one under `!`.
#[derive(Clone, Copy)]
struct Part<'e> {
    expression: &'e Expr,
    negated: bool,
}

impl<'n> Absence<'n> {
    fn of(names: Names<'n>, kind: Kind, fact: &'n [String]) -> Self {
        let groupless = names.absent_groups(kind).iter().any(|absent| absent == fact);
        Self { names, kind, fact, groupless }
    }

    /// Whether the policy is certain to apply where the fact is absent.
    fn holds(self, body: &Template) -> bool {
        let in_scope = !(self.groupless && scope_group(body).is_some());
        in_scope
            && body.clauses().iter().all(|clause| match clause {
                Clause::When(condition) => self.value(condition) == Some(true),
                Clause::Unless(condition) => self.value(condition) == Some(false),
            })
    }

    /// Where the policy's rule is lifted when the fact is absent.
    fn hole(self, body: &Template) -> Option<Hole> {
        let denies = body.effect == Effect::Forbid;
        if self.groupless && scope_group(body).is_some() {
            // Without groups it does not apply at all, which is what a permit should do.
            return denies.then_some(Hole { correction: None });
        }
        // All conditions must hold, so a forbid's are one `&&` that denies; a permit's, one `&&` that allows.
        let mut parts: Vec<Part<'_>> = Vec::new();
        for clause in body.clauses() {
            match clause {
                Clause::When(condition) => flatten(condition, BinaryOp::And, &mut parts),
                Clause::Unless(condition) => parts.push(Part { expression: condition, negated: true }),
            }
        }
        self.group_hole(&parts, BinaryOp::And, denies)
    }

    /// The hole in `parts` joined by `&&` (or `||`), which deny (or allow) where they hold.
    fn group_hole(self, parts: &[Part<'_>], op: BinaryOp, denies: bool) -> Option<Hole> {
        let and = op == BinaryOp::And;
        let (group, aside): (Vec<Part<'_>>, Vec<Part<'_>>) =
            parts.iter().partition(|part| self.mentions(part.expression));
        // What is aside settles the whole, as `principal is T` does for principals of another type: the fact has no say.
        let settled = aside.iter().any(|part| self.part_value(*part) == Some(!and));
        if group.is_empty() || settled || join(group.iter().map(|part| self.part_value(*part)), and) == Some(denies) {
            return None;
        }
        // The guard and what it guards are one condition: `has` in an `&&` that denies, `!has` in an `||` that allows.
        if and == denies && group.iter().any(|part| self.presence_test(*part, !and).is_some()) {
            return Some(Hole { correction: self.correction(parts, and) });
        }
        group.iter().find_map(|part| self.part_hole(*part, denies))
    }

    fn part_hole(self, part: Part<'_>, mut denies: bool) -> Option<Hole> {
        if self.part_value(part) == Some(denies) {
            return None;
        }
        denies = denies != part.negated;
        let mut expression = part.expression;
        while let Expr::UnaryOp { op: UnaryOp::Not, expr } = expression {
            expression = expr;
            denies = !denies;
        }
        match expression {
            Expr::BinaryOp { op: op @ (BinaryOp::And | BinaryOp::Or), .. } => {
                let mut parts = Vec::new();
                flatten(expression, *op, &mut parts);
                self.group_hole(&parts, *op, denies)
            }
            // Which branch is taken does not hang on the fact: each that speaks of it must deny.
            Expr::IfThenElse { cond, then_expr, else_expr } if !self.mentions(cond) => {
                let branches = match self.value(cond) {
                    Some(true) => vec![then_expr],
                    Some(false) => vec![else_expr],
                    None => vec![then_expr, else_expr],
                };
                let branches = branches.into_iter().map(|branch| Part { expression: branch, negated: false });
                let mut spoken = branches.filter(|branch| self.mentions(branch.expression));
                spoken.find_map(|branch| self.part_hole(branch, denies))
            }
            _ => Some(Hole { correction: None }),
        }
    }

    /// The group with its guard turned round: `if context has x then ... else true` in place of `context has x && ...`.
    fn correction(self, parts: &[Part<'_>], and: bool) -> Option<String> {
        let inner = if and { " && " } else { " || " };
        let (mut tests, mut guarded, mut aside) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match self.presence_test(*part, !and) {
                Some(test) => tests.push(plain(test)),
                None if self.mentions(part.expression) => guarded.push(part.text()),
                None => aside.push(part.text()),
            }
        }
        if guarded.is_empty() {
            return None;
        }
        let (tests, rest) = (tests.join(" && "), guarded.join(inner));
        let turned = match guarded.len() {
            _ if and => denying(&tests, &rest),
            1 => format!("{tests} && {rest}"),
            _ => format!("{tests} && ({rest})"),
        };
        if aside.is_empty() {
            return Some(turned);
        }
        aside.push(format!("({turned})"));
        Some(aside.join(inner))
    }

    /// Whether an expression reads the fact, asks for it, or asks of a group that is known by it.
    fn mentions(self, expression: &Expr) -> bool {
        let mut found = false;
        visit(expression, &mut |part| found |= self.is_mention(part));
        found
    }

    fn is_mention(self, part: &Expr) -> bool {
        match part {
            Expr::GetAttr { .. } => context_path(part)
                .is_some_and(|path| path.len() >= self.fact.len() && path.iter().zip(self.fact).all(|(a, b)| a == b)),
            Expr::HasAttr { .. } => presence_path(part).is_some_and(|path| path.starts_with(self.fact)),
            _ if self.groupless => Membership::of(part).is_some_and(|membership| self.can_hold(&membership)),
            _ => false,
        }
    }

    /// Whether it holds for some principal of the kind.
    fn can_hold(self, membership: &Membership<'_>) -> bool {
        let members = |group| self.names.members(group).is_some_and(|members| members.contains(&self.kind));
        self.is_of_type(membership.entity_type.map(ToString::to_string).as_deref())
            && membership.within.iter().copied().any(members)
    }

    /// Whether the principals are of this type, where one is asked for.
    fn is_of_type(self, entity_type: Option<&str>) -> bool {
        entity_type.is_none_or(|entity_type| self.names.kind_of_type(entity_type) == Some(self.kind))
    }

    /// The truth of an expression with the fact absent, where that and the kind alone decide it.
    fn value(self, expression: &Expr) -> Option<bool> {
        match expression {
            Expr::Literal(Literal::Bool(truth)) => Some(*truth),
            Expr::HasAttr { .. } => presence_path(expression).filter(|path| path.starts_with(self.fact)).map(|_| false),
            Expr::UnaryOp { op: UnaryOp::Not, expr } => self.value(expr).map(|truth| !truth),
            Expr::BinaryOp { op: BinaryOp::And, left, right } => join([self.value(left), self.value(right)], true),
            Expr::BinaryOp { op: BinaryOp::Or, left, right } => join([self.value(left), self.value(right)], false),
            Expr::BinaryOp { op: BinaryOp::Eq, left, right } => Some(self.value(left)? == self.value(right)?),
            Expr::BinaryOp { op: BinaryOp::NotEq, left, right } => Some(self.value(left)? != self.value(right)?),
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

    fn membership_value(self, membership: &Membership<'_>) -> Option<bool> {
        let of_type = self.is_of_type(membership.entity_type.map(ToString::to_string).as_deref());
        let of_groups = membership.within.iter().all(|group| self.names.members(group).is_some());
        (!of_type || self.groupless && of_groups).then_some(false)
    }

    fn part_value(self, part: Part<'_>) -> Option<bool> {
        self.value(part.expression).map(|truth| truth != part.negated)
    }

    /// The test for the fact's presence, where the part is nothing else: positive, or under one `!`.
    fn presence_test<'e>(self, part: Part<'e>, negated: bool) -> Option<&'e Expr> {
        let (expression, under) = match part.expression {
            Expr::UnaryOp { op: UnaryOp::Not, expr } => (expr.as_ref(), !part.negated),
            other => (other, part.negated),
        };
        (under == negated && presence_path(expression)?.starts_with(self.fact)).then_some(expression)
    }
}

impl Part<'_> {
    /// As an operand.
    fn text(self) -> String {
        let text = plain(self.expression);
        let loose = matches!(self.expression, Expr::IfThenElse { .. } | Expr::BinaryOp { op: BinaryOp::Or, .. });
        match (self.negated, loose) {
            (true, _) => format!("!({text})"),
            (false, true) => format!("({text})"),
            (false, false) => text,
        }
    }
}

/// Splits at the outermost operators of this kind.
fn flatten<'e>(expression: &'e Expr, wanted: BinaryOp, into: &mut Vec<Part<'e>>) {
    match expression {
        Expr::BinaryOp { op, left, right } if *op == wanted => {
            flatten(left, wanted, into);
            flatten(right, wanted, into);
        }
        _ => into.push(Part { expression, negated: false }),
    }
}

/// `&&` (or `||`) of three-valued truths.
fn join(values: impl IntoIterator<Item = Option<bool>>, and: bool) -> Option<bool> {
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
