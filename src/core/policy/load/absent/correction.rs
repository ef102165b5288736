//! The corrected condition that a message proposes.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, Expr, Template};

use super::{Absence, Part};
use crate::policy::load::fixes::{denying, in_chain, path_text, plain, presence_text, with_part};
use crate::policy::load::lookup::Lookup;
use crate::policy::load::reads::visit;

impl Absence<'_> {
    /// The condition with an answer of its own for the absence; `None` where no policy can ask for it.
    pub(super) fn answered(self, condition: &str, denies: bool) -> Option<String> {
        let path: Vec<&str> = self.fact.iter().map(String::as_str).collect();
        if matches!(self.names.fact(&path, &BTreeSet::new()), Lookup::Unknown { .. }) {
            return None;
        }
        let (empty, there) = (format!("{}.isEmpty()", path_text(self.fact)), presence_text(self.fact));
        Some(match (self.emptied, denies) {
            (true, true) => format!("{empty} || {condition}"),
            (true, false) => format!("!{empty} && {condition}"),
            (false, true) => denying(&there, condition),
            (false, false) => format!("{there} && {condition}"),
        })
    }

    /// The group with its guard turned round: `if context has x then ... else true` in place of `context has x && ...`.
    pub(super) fn correction(self, parts: &[Part<'_>], and: bool) -> Option<String> {
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
            let all: Vec<String> = parts.iter().map(|part| part.text()).collect();
            let all = all.join(inner);
            return self.answered(&if and { all } else { format!("({all})") }, and);
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
}

impl Part<'_> {
    /// As an operand.
    fn text(self) -> String {
        if self.negated { format!("!({})", plain(self.expression)) } else { in_chain(self.expression) }
    }
}

/// The clause of a policy with another text in place of one part of it, or one clause for all; a message shows it so.
pub(super) fn whole_clause(body: &Template, part: Option<&Expr>, text: &str) -> String {
    let Some(part) = part else {
        return match body.clauses().as_slice() {
            [Clause::When(_)] => format!("`{text}`"),
            _ => format!("with `when {{ {text} }}` as its only clause"),
        };
    };
    let holds = |condition: &Expr| {
        let mut found = false;
        visit(condition, &mut |inner| found |= core::ptr::eq(inner, part));
        found
    };
    let clause = body.clauses().iter().find_map(|clause| match clause {
        Clause::When(condition) => holds(condition).then_some(("when", condition)),
        Clause::Unless(condition) => holds(condition).then_some(("unless", condition)),
    });
    match clause {
        Some((_, condition)) if body.clauses().len() == 1 => format!("`{}`", with_part(condition, part, text)),
        Some((word, condition)) => format!("`{word} {{ {} }}`", with_part(condition, part, text)),
        None => format!("`{text}`"),
    }
}
