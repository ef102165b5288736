//! Absent facts must not lift a rule.
//!
//! `forbid ... when { context has mdm && context.mdm.score < 60 }` falls silent when the client leaves the posture out. So
//! what denies where it is true must be true where an optional fact that it reads is absent, and what allows must be false.
//! Each condition is judged in three values (true, false, not known) with the fact absent; parts that do not speak of the
//! fact are left aside, for they hold or not whatever becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, Literal, Template, UnaryOp};

use super::fixes::{denying, plain};
use super::names::{Kind, context_path};
use super::reads::{presence_path, visit};
use super::{Checked, lexer};
use crate::config_error::ConfigError;

/// Every rule of one document that an absent fact lifts.
pub(super) fn lifted_rules(policies: &[Checked<'_>]) -> Vec<ConfigError> {
    let forbids: Vec<&Checked<'_>> =
        policies.iter().filter(|policy| policy.named.body.effect == Effect::Forbid).collect();
    // For each fact the forbids that fire on its absence.
    let mut firing: BTreeMap<Vec<String>, Vec<&Checked<'_>>> = BTreeMap::new();
    let mut errors = Vec::new();
    for policy in policies.iter().filter(|policy| !policy.named.missing_ignored) {
        for fact in policy.optional_facts() {
            let Some(hole) = hole(&policy.named.body, &fact) else { continue };
            let firing = firing.entry(fact.clone()).or_insert_with(|| {
                forbids.iter().copied().filter(|forbid| holds_without(&forbid.named.body, &fact)).collect()
            });
            let covered = firing.iter().any(|forbid| {
                forbid.scope.covers(&forbid.named.body, &policy.scope, &policy.named.body)
                    && forbid.applies.kinds.is_superset(&policy.kinds_with(&fact))
            });
            if !covered {
                errors.push(policy.lifted(&fact, &hole));
                // The next fact of the same condition is mended with it.
                break;
            }
        }
    }
    errors
}

impl Checked<'_> {
    /// Evidence that the policy reads and that may be absent, for some kind of principal.
    fn optional_facts(&self) -> BTreeSet<Vec<String>> {
        let mut facts = BTreeSet::new();
        for path in &self.reads.values {
            for kind in &self.applies.kinds {
                let parts = self.names.optional_parts(path, *kind, &self.certain());
                facts.extend(parts.into_iter().map(<[String]>::to_vec));
            }
        }
        facts
    }

    /// Devices that are there wherever the policy is asked.
    fn certain(&self) -> BTreeSet<String> {
        self.scope.devices_required().union(&self.applies.needs).cloned().collect()
    }

    /// The kinds of principals for whom the fact is one that may be absent.
    fn kinds_with(&self, fact: &[String]) -> BTreeSet<Kind> {
        let certain = self.certain();
        let optional = |kind: &Kind| self.names.optional_parts(fact, *kind, &certain).contains(&fact);
        self.applies.kinds.iter().copied().filter(optional).collect()
    }

    fn lifted(&self, fact: &[String], hole: &Hole) -> ConfigError {
        let (effect, lifted) = match self.named.body.effect {
            Effect::Forbid => ("forbid", "the forbid does not apply"),
            Effect::Permit => ("permit", "the restriction of the permit does not apply"),
        };
        let path = fact.join(".");
        let provider = fact.first().map_or("", String::as_str);
        let certain = match fact.len() {
            _ if provider == "peer" || provider == "http_request" => String::new(),
            1 => format!("add `{provider}` to `requires`, or "),
            _ => format!("declare the fact `{}` without `?`, or ", fact.last().map_or("", String::as_str)),
        };
        let absence = match &hole.correction {
            Some(condition) => format!("deny where it is absent (`{condition}`)"),
            None => format!("deny where it is absent (`!({})`)", presence_text(fact)),
        };
        let text = self.source.document.text.get(self.named.start..self.named.end).unwrap_or("");
        let word = fact.last().map_or("", String::as_str);
        let at = lexer::locate(text, word).unwrap_or(0);
        self.source.problem(
            self.named.start.saturating_add(at),
            "absent-fact-lifts-rule",
            format!(
                "where `context.{path}` is absent, {lifted}: who leaves the evidence out escapes the {effect}'s rule"
            ),
            format!("{certain}{absence}, or annotate the policy with `@missing(\"ignore\")`"),
        )
    }
}

fn presence_text(fact: &[String]) -> String {
    let (last, base) = fact.split_last().map_or(("", &[][..]), |(last, base)| (last.as_str(), base));
    let base: Vec<&str> = core::iter::once("context").chain(base.iter().map(String::as_str)).collect();
    format!("{} has {last}", base.join("."))
}

/// A rule that an absent fact lifts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    /// The corrected condition, where there is one to offer.
    pub correction: Option<String>,
}

/// Whether the conditions of a policy all hold where the fact is absent.
pub(super) fn holds_without(body: &Template, fact: &[String]) -> bool {
    body.clauses().iter().all(|clause| match clause {
        Clause::When(condition) => value(condition, fact) == Some(true),
        Clause::Unless(condition) => value(condition, fact) == Some(false),
    })
}

/// Where the policy's rule is lifted when the fact is absent.
pub(super) fn hole(body: &Template, fact: &[String]) -> Option<Hole> {
    // All conditions must hold, so a forbid's are one `&&` that denies; a permit's, one `&&` that allows.
    let mut parts: Vec<Part<'_>> = Vec::new();
    for clause in body.clauses() {
        match clause {
            Clause::When(condition) => flatten(condition, BinaryOp::And, &mut parts),
            Clause::Unless(condition) => parts.push(Part { expression: condition, negated: true }),
        }
    }
    group_hole(&parts, BinaryOp::And, body.effect == Effect::Forbid, fact)
}

/// An operand of `&&` or `||`; the body of an `unless` is one under `!`.
#[derive(Clone, Copy)]
struct Part<'e> {
    expression: &'e Expr,
    negated: bool,
}

impl<'e> Part<'e> {
    fn value(self, fact: &[String]) -> Option<bool> {
        value(self.expression, fact).map(|truth| truth != self.negated)
    }

    /// The test for the fact's presence, where the part is nothing else: positive, or under one `!`.
    fn presence_test(self, fact: &[String], negated: bool) -> Option<&'e Expr> {
        let (expression, under) = match self.expression {
            Expr::UnaryOp { op: UnaryOp::Not, expr } => (expr.as_ref(), !self.negated),
            other => (other, self.negated),
        };
        (under == negated && presence_path(expression)?.starts_with(fact)).then_some(expression)
    }

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

/// The hole in `parts` joined by `&&` (or `||`), which deny (or allow) where they hold.
fn group_hole(parts: &[Part<'_>], op: BinaryOp, denies: bool, fact: &[String]) -> Option<Hole> {
    let and = op == BinaryOp::And;
    let group: Vec<Part<'_>> = parts.iter().copied().filter(|part| mentions(part.expression, fact)).collect();
    if group.is_empty() || join(group.iter().map(|part| part.value(fact)), and) == Some(denies) {
        return None;
    }
    // The guard and what it guards are one condition: `has` in an `&&` that denies, `!has` in an `||` that allows.
    if and == denies && group.iter().any(|part| part.presence_test(fact, !and).is_some()) {
        return Some(Hole { correction: correction(parts, and, fact) });
    }
    group.iter().find_map(|part| part_hole(*part, denies, fact))
}

fn part_hole(part: Part<'_>, mut denies: bool, fact: &[String]) -> Option<Hole> {
    if part.value(fact) == Some(denies) {
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
            group_hole(&parts, *op, denies, fact)
        }
        // Which branch is taken does not hang on the fact: each that speaks of it must deny.
        Expr::IfThenElse { cond, then_expr, else_expr } if !mentions(cond, fact) => {
            let branches = [then_expr, else_expr].map(|branch| Part { expression: branch, negated: false });
            let spoken = branches.into_iter().filter(|branch| mentions(branch.expression, fact));
            spoken.into_iter().find_map(|branch| part_hole(branch, denies, fact))
        }
        _ => Some(Hole { correction: None }),
    }
}

/// The group with its guard turned round: `if context has x then ... else true` in place of `context has x && ...`.
fn correction(parts: &[Part<'_>], and: bool, fact: &[String]) -> Option<String> {
    let inner = if and { " && " } else { " || " };
    let (mut tests, mut guarded, mut aside) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part.presence_test(fact, !and) {
            Some(test) => tests.push(plain(test)),
            None if mentions(part.expression, fact) => guarded.push(part.text()),
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

/// Whether an expression reads the fact or asks for it.
fn mentions(expression: &Expr, fact: &[String]) -> bool {
    let mut found = false;
    visit(expression, &mut |part| {
        found |= match part {
            Expr::GetAttr { .. } => context_path(part)
                .is_some_and(|path| path.len() >= fact.len() && path.iter().zip(fact).all(|(a, b)| a == b)),
            Expr::HasAttr { .. } => presence_path(part).is_some_and(|path| path.starts_with(fact)),
            _ => false,
        };
    });
    found
}

/// The truth of an expression with the fact absent, where that alone decides it.
fn value(expression: &Expr, fact: &[String]) -> Option<bool> {
    match expression {
        Expr::Literal(Literal::Bool(truth)) => Some(*truth),
        Expr::HasAttr { .. } => presence_path(expression).filter(|path| path.starts_with(fact)).map(|_| false),
        Expr::UnaryOp { op: UnaryOp::Not, expr } => value(expr, fact).map(|truth| !truth),
        Expr::BinaryOp { op: BinaryOp::And, left, right } => join([value(left, fact), value(right, fact)], true),
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => join([value(left, fact), value(right, fact)], false),
        Expr::BinaryOp { op: BinaryOp::Eq, left, right } => Some(value(left, fact)? == value(right, fact)?),
        Expr::BinaryOp { op: BinaryOp::NotEq, left, right } => Some(value(left, fact)? != value(right, fact)?),
        Expr::IfThenElse { cond, then_expr, else_expr } => match value(cond, fact) {
            Some(true) => value(then_expr, fact),
            Some(false) => value(else_expr, fact),
            None => value(then_expr, fact).filter(|truth| value(else_expr, fact) == Some(*truth)),
        },
        _ => None,
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
