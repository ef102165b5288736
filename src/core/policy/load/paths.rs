//! Rules on paths that another spelling bypasses: under a tail such as `/files/{rest*}` the paths `/files/secret` and
//! `/files/secret/` are two, and many servers serve both alike. Routes reject such spellings of their own paths; a policy
//! compares strings.

use std::collections::BTreeSet;

use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, Literal, PatternElem, UnaryOp};

use super::Checked;
use super::names::context_path;
use super::reads::pattern_text;
use crate::config_error::{ConfigCode, ConfigWarning};
use crate::limits::PATH_BYTES;
use crate::request::{Match, Path, PathTemplate};

/// Every comparison of a policy that denies where it holds, and does not hold with a slash behind the path.
pub(in crate::policy) fn missed_slashes(policy: &Checked<'_>) -> Vec<ConfigWarning> {
    let tails = &policy.scope.routes.tails;
    let mut found = BTreeSet::new();
    let denies = policy.named.body.effect == Effect::Forbid;
    for clause in policy.named.body.clauses() {
        let (condition, denies) = match clause {
            Clause::When(condition) => (condition, denies),
            Clause::Unless(condition) => (condition, !denies),
        };
        comparisons(condition, denies, &mut |value, text| {
            if is_under_a_tail(value, text, tails) {
                found.insert((value.join("."), text.to_owned()));
            }
        });
    }
    let warning = |(value, text): (String, String)| ConfigWarning {
        pointer: policy.source.document.pointer.clone(),
        code: ConfigCode::PathSpelling,
        message: format!(
            "`{}` compares `context.{value}` with `{}`, but the same path with a trailing slash, or with letters in another \
             case, is a different string; give the path a route of its own, which rejects such spellings, or end the pattern with `*`",
            policy.named.id,
            text.escape_debug()
        ),
    };
    found.into_iter().map(warning).collect()
}

/// Hands over each value that is compared with a text, where the policy denies if the two are equal.
fn comparisons<'e>(expression: &'e Expr, denies: bool, hand_over: &mut impl FnMut(&[&'e str], &str)) {
    let mut compared = |value: &'e Expr, text: &str| {
        if let Some(path) = context_path(value) {
            hand_over(&path, text);
        }
    };
    match expression {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => comparisons(expr, !denies, hand_over),
        Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            comparisons(left, denies, hand_over);
            comparisons(right, denies, hand_over);
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            // Which branch denies is not known here: the condition may decide either way.
            comparisons(cond, true, hand_over);
            comparisons(then_expr, denies, hand_over);
            comparisons(else_expr, denies, hand_over);
        }
        Expr::BinaryOp { op: op @ (BinaryOp::Eq | BinaryOp::NotEq), left, right }
            if denies == (*op == BinaryOp::Eq) =>
        {
            for (value, text) in [(left, right), (right, left)] {
                if let Expr::Literal(Literal::String(text)) = text.as_ref() {
                    compared(value, text);
                }
            }
        }
        Expr::BinaryOp { op: BinaryOp::Contains, left, right } if denies => {
            if let Expr::Set(elements) = left.as_ref() {
                for element in elements {
                    if let Expr::Literal(Literal::String(text)) = element.as_ref() {
                        compared(right, text);
                    }
                }
            }
        }
        Expr::Like { expr, pattern } if denies && !matches!(pattern.last(), Some(PatternElem::Wildcard)) => {
            compared(expr, &pattern_text(pattern, '*'));
        }
        _ => {}
    }
}

/// Whether the text is that of a path, or of a tail, that could be written with a slash behind it and come to the same route.
fn is_under_a_tail(value: &[&str], text: &str, tails: &[&PathTemplate]) -> bool {
    match value {
        _ if text.is_empty() || text.ends_with('/') => false,
        ["http_request", "path"] => tails.iter().any(|template| {
            // The `*` of a pattern can stand in a path, and then stands for itself.
            Path::parse(text.as_bytes(), PATH_BYTES.max)
                .is_ok_and(|(path, _)| !matches!(template.matches(path.segments(), &[]), Match::No))
        }),
        ["http_request", "path_parameters", name] => tails.iter().any(|template| template.tail() == Some(name)),
        _ => false,
    }
}
