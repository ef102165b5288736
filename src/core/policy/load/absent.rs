//! Absent facts must not lift a rule.
//!
//! `forbid ... when { context has mdm && context.mdm.score < 60 }` falls silent when the client leaves the posture out, and
//! `forbid (principal in corp::Group::"contractors", ...)` when it presents a token without the groups claim. So what denies
//! where it is true must be true where an optional fact that it reads is absent, and what allows must be false.
//!
//! Each condition is judged in three values (true, false, not known) for one kind of principal, with one fact absent; parts
//! that do not read the fact are left aside, because its absence does not change them. Without its groups claim a token puts
//! its principal in no group, so `principal in` a group is false there, as a `has` is. A fact of scopes is always there, but
//! without its claim it is the empty set, so `.contains` is false there.
//!
//! A caller without a token, Anonymous or a workload, has no facts of any issuer or device. A forbid for everybody is
//! one for that caller too, so it must hold without them where the caller can ask for anything but a preflight.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, Template, UnaryOp};

use super::Checked;
use super::fixes::in_chain;
use super::names::{Names, context_path};
use super::reads::{Membership, presence_path, scope_group, visit};
use crate::config_error::ConfigError;
use crate::policy::kinds::PrincipalKind;
use crate::policy::text::lexer;
use crate::profile::FactType;

mod correction;
mod message;
mod value;

use correction::whole_clause;
use value::join;

/// Every rule of one document that an absent fact lifts: one error for each kind of principal that can lack groups, one
/// where a caller without a token escapes, and one for all other facts of a policy, which are usually corrected together.
pub(in crate::policy) fn lifted_rules(policies: &[Checked<'_>]) -> Vec<ConfigError> {
    let forbids: Vec<&Checked<'_>> =
        policies.iter().filter(|policy| policy.named.body.effect == Effect::Forbid).collect();
    // For each fact and kind the forbids that fire on its absence.
    let mut firing: BTreeMap<(Vec<String>, PrincipalKind), Vec<&Checked<'_>>> = BTreeMap::new();
    let mut errors = Vec::new();
    for policy in policies.iter().filter(|policy| !policy.named.missing_ignored) {
        let mut reported: BTreeSet<About> = BTreeSet::new();
        let mut lifting: BTreeSet<Vec<String>> = BTreeSet::new();
        for (kind, fact) in policy.optional_facts() {
            let absence = Absence::of(policy.names, kind, &fact);
            let about = policy.about(&absence);
            // What a caller without a token escapes by a fact, others escape too: the same correction serves both.
            if reported.contains(&about) || about == About::WithoutToken && lifting.contains(&fact) {
                continue;
            }
            let Some(bypass) = absence.bypass(&policy.named.body) else { continue };
            let firing = firing.entry((fact.clone(), kind)).or_insert_with(|| {
                forbids.iter().copied().filter(|forbid| absence.holds(&forbid.named.body)).collect()
            });
            let covered = firing.iter().any(|forbid| {
                forbid.scope.covers(&forbid.named.body, &policy.scope, &policy.named.body)
                    && forbid.applies.kinds.contains(&kind)
            });
            if !covered {
                errors.push(match about {
                    About::Groups(kind) => policy.lifted_by_groups(kind, &fact, &bypass),
                    About::WithoutToken => policy.silent_without_token(kind, &fact, &bypass),
                    About::Facts => policy.lifted(&fact, &bypass),
                });
                reported.insert(about);
                lifting.insert(fact);
            }
        }
    }
    errors
}

/// What an error is about: each is reported once for a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    /// Tokens of this kind's issuer that list no groups.
    Groups(PrincipalKind),
    /// Requests without a token.
    WithoutToken,
    /// Anything else that is absent.
    Facts,
}

impl Checked<'_> {
    /// Evidence that the policy reads and that may be absent, with the kinds of principals for whom it may; callers without
    /// a token come last.
    fn optional_facts(&self) -> Vec<(PrincipalKind, Vec<String>)> {
        let certain: BTreeSet<String> = self.scope.devices_required().union(&self.applies.needs).cloned().collect();
        let mut facts = BTreeSet::new();
        for kind in self.applies.kinds.iter().copied() {
            for path in &self.reads.values {
                let parts = self.names.optional_parts(path, kind, &certain);
                facts.extend(parts.into_iter().map(|part| (kind, part.to_vec())));
                // A forbid for everybody is one for callers without a token, who have no record of any provider.
                let record = path.get(..1).filter(|_| self.meets_unnamed(kind));
                let record = record.filter(|record| record.iter().all(|name| self.names.never_has(kind, name)));
                facts.extend(record.map(|record| (kind, record.to_vec())));
            }
            if self.asks_of_groups(kind) {
                facts.extend(self.names.absent_groups(kind).into_iter().map(|fact| (kind, fact)));
            }
        }
        let (last, mut facts): (Vec<_>, Vec<_>) = facts.into_iter().partition(|(kind, _)| !kind.has_token());
        facts.extend(last);
        facts
    }

    /// Whether it is a forbid for everybody where callers of this kind, without a token, can ask for more than a preflight.
    fn meets_unnamed(&self, kind: PrincipalKind) -> bool {
        self.named.body.effect == Effect::Forbid && self.scope.everyone && self.scope.asks_without_token(kind)
    }

    fn about(&self, absence: &Absence<'_>) -> About {
        let never = absence.fact.first().is_some_and(|record| self.names.never_has(absence.kind, record));
        match absence.kind {
            kind if absence.groupless && self.asks_of_groups(kind) => About::Groups(kind),
            kind if never && !kind.has_token() => About::WithoutToken,
            _ => About::Facts,
        }
    }

    /// Whether it asks of a group that principals of this kind can be in.
    fn asks_of_groups(&self, kind: PrincipalKind) -> bool {
        let members = |group| self.names.members(group).is_some_and(|members| members.contains(&kind));
        self.reads.memberships.iter().any(members)
    }
}

/// A rule that an absent fact lifts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct BypassableRule {
    /// The whole corrected clause, as a message shows it, where there is one to offer.
    correction: Option<String>,
    /// Whether the part that is to be corrected denies where it is true.
    denies: bool,
}

/// Where the bypass is and what to write there.
struct Found<'e> {
    /// The part; `None` is all conditions of the policy, joined by `&&`.
    part: Option<&'e Expr>,
    correction: Option<String>,
    denies: bool,
}

/// A fact that is absent, as policies see it that are asked about principals of one kind.
#[derive(Clone, Copy)]
struct Absence<'n> {
    names: Names<'n>,
    kind: PrincipalKind,
    /// The path of the fact inside `context`.
    fact: &'n [String],
    /// Without the fact these principals are in no group.
    groupless: bool,
    /// The fact is of scopes: where the claim is absent, the fact is there and is the empty set.
    emptied: bool,
}

/// An operand of `&&` or `||`; the body of an `unless` is one under `!`.
#[derive(Clone, Copy)]
struct Part<'e> {
    expression: &'e Expr,
    negated: bool,
}

impl<'n> Absence<'n> {
    fn of(names: Names<'n>, kind: PrincipalKind, fact: &'n [String]) -> Self {
        let groupless = names.absent_groups(kind).iter().any(|absent| absent == fact);
        let path: Vec<&str> = fact.iter().map(String::as_str).collect();
        let emptied = names.declared_type(&path) == Some(&FactType::Scopes);
        Self { names, kind, fact, groupless, emptied }
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
    fn bypass(self, body: &Template) -> Option<BypassableRule> {
        let denies = body.effect == Effect::Forbid;
        if self.groupless && scope_group(body).is_some() {
            // Without groups it does not apply at all, which is what a permit should do.
            return denies.then_some(BypassableRule { correction: None, denies });
        }
        // All conditions must hold, so a forbid's are one `&&` that denies; a permit's, one `&&` that allows.
        let mut parts: Vec<Part<'_>> = Vec::new();
        for clause in body.clauses() {
            match clause {
                Clause::When(condition) => flatten(condition, BinaryOp::And, &mut parts),
                Clause::Unless(condition) => parts.push(Part { expression: condition, negated: true }),
            }
        }
        let Found { part, correction, denies } = self.group_bypass(None, &parts, BinaryOp::And, denies)?;
        Some(BypassableRule { correction: correction.map(|text| whole_clause(body, part, &text)), denies })
    }

    /// The bypass in `parts` joined by `&&` (or `||`), which deny (or allow) where they hold; they are all of `whole`.
    fn group_bypass<'e>(
        self,
        whole: Option<&'e Expr>,
        parts: &[Part<'e>],
        op: BinaryOp,
        denies: bool,
    ) -> Option<Found<'e>> {
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
            return Some(Found { part: whole, correction: self.correction(parts, and), denies });
        }
        group.iter().find_map(|part| self.part_bypass(*part, denies))
    }

    fn part_bypass<'e>(self, part: Part<'e>, mut denies: bool) -> Option<Found<'e>> {
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
                self.group_bypass(Some(expression), &parts, *op, denies)
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
                spoken.find_map(|branch| self.part_bypass(branch, denies))
            }
            _ => {
                let correction = self.answered(&in_chain(expression), denies);
                Some(Found { part: Some(expression), correction, denies })
            }
        }
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
            Expr::HasAttr { .. } => presence_path(part).is_some_and(|path| self.is_presence(&path)),
            _ if self.groupless => Membership::of(part).is_some_and(|membership| self.can_hold(&membership)),
            _ => false,
        }
    }

    /// Whether the presence of what is at this path hangs on the fact.
    fn is_presence(self, path: &[String]) -> bool {
        !self.emptied && path.starts_with(self.fact)
    }

    /// Whether the expression is the fact, and the empty set without its claim.
    fn is_empty_set(self, expression: &Expr) -> bool {
        self.emptied && context_path(expression).is_some_and(|path| path == self.fact)
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

    fn part_value(self, part: Part<'_>) -> Option<bool> {
        self.value(part.expression).map(|truth| truth != part.negated)
    }

    /// The test for the fact's presence, where the part is nothing else: positive, or under one `!`.
    fn presence_test<'e>(self, part: Part<'e>, negated: bool) -> Option<&'e Expr> {
        let (expression, under) = match part.expression {
            Expr::UnaryOp { op: UnaryOp::Not, expr } => (expr.as_ref(), !part.negated),
            other => (other, part.negated),
        };
        (under == negated && self.is_presence(&presence_path(expression)?)).then_some(expression)
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
