//! Strings that are sets: `scope` and its like hold several words in one string, and a pattern cannot tell where one ends.
//!
//! `like "*orders.read*"` also finds `orders.readonly-other`. Cedar itself proposes such a pattern where a policy calls
//! `.contains` on a string; here the fact type `scopes` is proposed, which makes a set of the words.

use std::collections::BTreeSet;

use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, PatternElem, Template, UnaryOp};

use super::Checked;
use super::names::{Names, context_path};
use super::reads::{pattern_text, visit};
use crate::config_error::{ConfigCode, ConfigWarning};
use crate::profile::FactType;

/// Claims that hold a set of words at some provider: OAuth 2.0 scopes (RFC 8693, and as Entra ID and Okta call them), and
/// what RFC 9068 section 2.2.3.1 and common providers call rights.
const SETS: &[&str] =
    &["scope", "scopes", "scp", "role", "roles", "permissions", "authorities", "entitlements", "groups"];

/// What is wrong with asking this expression for elements, if it is a fact declared as `string`: the fact's name, the fault
/// and the remedy. Where the answer "it has the element" denies, a claim that is absent must not be the empty set.
pub(in crate::policy) fn string_as_set<'e>(
    asking: &'e Expr,
    body: &Template,
    names: Names<'_>,
) -> Option<(&'e str, String, String)> {
    let Expr::BinaryOp { op: BinaryOp::Contains | BinaryOp::ContainsAll | BinaryOp::ContainsAny, left, .. } = asking
    else {
        return None;
    };
    let path = context_path(left)?;
    if names.declared_type(&path) != Some(&FactType::String) {
        return None;
    }
    let (name, shown) = (*path.last()?, path.join("."));
    let message = format!("`context.{shown}` is declared as `string`, and a string has no elements");
    let help = if may_deny(body, asking) {
        format!(
            "declare the fact as `{name}: [string]` where the claim is a list, or as `{{ type: [string], single: true }}` where \
             it is a list or one word, both without `?`: a token without the claim is then rejected, so that omitting it \
             does not lift the rule; where it is words separated by spaces, declare `{name}: scopes` and deny where \
             `context.{shown}.isEmpty()` too; compare one string with `==`"
        )
    } else if SETS.contains(&name) {
        format!(
            "declare the fact as `{name}: scopes`, without `?`: the set of the words of one string or of a list, in which \
             `.contains` finds whole words only"
        )
    } else {
        "declare the fact as `scopes` where the claim is words separated by spaces, or as `[string]` where it is a list; \
         compare one string with `==`"
            .to_owned()
    };
    Some((name, message, help))
}

/// Whether the policy can deny because this part of it is true.
fn may_deny(body: &Template, part: &Expr) -> bool {
    body.clauses().iter().any(|clause| match clause {
        Clause::When(condition) => denies_by(condition, part, body.effect == Effect::Forbid),
        Clause::Unless(condition) => denies_by(condition, part, body.effect == Effect::Permit),
    })
}

/// The same of a condition that denies (or allows) where it is true.
fn denies_by(condition: &Expr, part: &Expr, denies: bool) -> bool {
    if core::ptr::eq(condition, part) {
        return denies;
    }
    match condition {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => denies_by(expr, part, !denies),
        Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            denies_by(left, part, denies) || denies_by(right, part, denies)
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            holds(cond, part) || denies_by(then_expr, part, denies) || denies_by(else_expr, part, denies)
        }
        // As in `(...) == true`: it may decide either way.
        other => holds(other, part),
    }
}

fn holds(whole: &Expr, part: &Expr) -> bool {
    let mut found = false;
    visit(whole, &mut |inner| found |= core::ptr::eq(inner, part));
    found
}

/// Every pattern of a policy that takes a string of words for one word.
pub(in crate::policy) fn loose_matches(policy: &Checked<'_>) -> Vec<ConfigWarning> {
    let mut found = BTreeSet::new();
    for Clause::When(condition) | Clause::Unless(condition) in policy.named.body.clauses() {
        visit(condition, &mut |expression| {
            let Expr::Like { expr, pattern } = expression else { return };
            let Some(path) = context_path(expr) else { return };
            let is_set = path.last().is_some_and(|name| SETS.contains(name));
            if is_set && policy.names.declared_type(&path) == Some(&FactType::String) && is_loose(pattern) {
                found.insert((path.join("."), pattern_text(pattern, '*'), pattern_text(pattern, 'x')));
            }
        });
    }
    let warning = |(path, pattern, also): (String, String, String)| {
        let name = path.rsplit('.').next().unwrap_or_default();
        ConfigWarning {
            pointer: policy.source.document.pointer.clone(),
            code: ConfigCode::LooseScopeMatch,
            message: format!(
                "`{}` compares `context.{path}` with `like \"{}\"`, which also matches `{}`: a pattern does not know where a word \
                 ends; declare the fact as `{name}: scopes` and write `context.{path}.contains(\"...\")`",
                policy.named.id,
                pattern.escape_debug(),
                also.escape_debug()
            ),
        }
    };
    found.into_iter().map(warning).collect()
}

/// Whether some `*` can stand for a part of a word. One with a space or the string's end on each side stands for whole words.
fn is_loose(pattern: &[PatternElem]) -> bool {
    let is_wildcard = |element: &&PatternElem| matches!(element, PatternElem::Wildcard);
    let in_a_word = |element: &PatternElem| !matches!(element, PatternElem::Wildcard | PatternElem::Char(' '));
    pattern.iter().all(|element| is_wildcard(&element))
        || pattern.windows(2).any(|pair| pair.iter().any(|element| is_wildcard(&element)) && pair.iter().any(in_a_word))
}
