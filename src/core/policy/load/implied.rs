//! `missing_facts: implied`: policies that read facts without asking whether they are there, as those written for AWS
//! Verified Access do.
//!
//! Each read gets its guard at load. Where a fact that it reads is missing, a permit does not apply, and a forbid does. The
//! guard is put around the smallest condition that reads the fact, so that the rest of the policy keeps its say:
//! `forbid when { path like "/admin*" && cs.score < 60 }` still spares other paths, and `permit when { a || cs.score > 60 }`
//! still permits by `a`. What the guarded condition answers for a missing fact follows from where it stands: `!` and
//! `unless` turn it around. A read whose answer no such place decides is rejected.
//!
//! The result is a policy as a person could have written it. It passes the same rules and the same strict validation as any
//! other, and an explicit `has` keeps its meaning.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{
    BinaryOp, Clause, Effect, Expr, Literal, PstConstructionError, StaticPolicy, Template, UnaryOp, Var,
};

use super::fixes::path_text;
use super::names::{Names, context_path};
use super::reads::visit;
use crate::config_error::{ConfigCode, ConfigError};
use crate::policy::context;
use crate::policy::text::lexer;
use crate::policy::text::source::{Named, Source};
use crate::profile::FactType;
use crate::text::is_identifier;

/// The policy with a guard around each read of a fact that may be missing.
///
/// # Errors
/// `missing-undecided` for each fact that is read where no default can be told.
pub(in crate::policy) fn guarded(
    source: Source<'_>,
    named: Named,
    names: Names<'_>,
) -> Result<Named, Vec<ConfigError>> {
    let mut guarding = Guarding { names, undecided: BTreeSet::new() };
    // `@missing("ignore")`: the author wants a rule that does not apply where a fact is missing.
    let applies = named.body.effect == Effect::Forbid && !named.missing_ignored;
    let clauses: Vec<Clause> = named
        .body
        .clauses()
        .iter()
        .map(|clause| match clause {
            Clause::When(condition) => Clause::When(guarding.condition(condition, applies)),
            Clause::Unless(condition) => Clause::Unless(guarding.condition(condition, !applies)),
        })
        .collect();
    if guarding.undecided.is_empty() {
        rebuilt(&named, clauses).map_err(|error| {
            let help = "write the guards yourself, without `missing_facts: implied`".to_owned();
            vec![source.problem(named.start, ConfigCode::PolicySyntax, error.to_string(), help)]
        })
    } else {
        Err(guarding.undecided.iter().map(|path| undecided(source, &named, path)).collect())
    }
}

fn rebuilt(named: &Named, clauses: Vec<Clause>) -> Result<Named, PstConstructionError> {
    let body = named.body.clone().try_with_clauses(clauses)?;
    let policy = cedar_policy::Policy::from_pst(static_policy(body.clone())?.into())?;
    Ok(Named { body, policy, ..named.clone() })
}

fn static_policy(body: Template) -> Result<StaticPolicy, PstConstructionError> {
    Ok(StaticPolicy::try_from(body)?)
}

fn undecided(source: Source<'_>, named: &Named, path: &[String]) -> ConfigError {
    let text = source.document.text.get(named.start..named.end).unwrap_or("");
    let word = path.last().map_or("", String::as_str);
    let shown = path_text(path);
    source.problem(
        named.start.saturating_add(lexer::locate(text, word).unwrap_or(0)),
        ConfigCode::MissingUndecided,
        format!(
            "`{shown}` is read in the condition of an `if`, or in a condition that is compared or collected, so it is not clear \
             what the policy means where it is missing"
        ),
        "write the condition with `&&`, `||` and `!`, or ask for the fact with `has` there".to_owned(),
    )
}

/// One policy that gets its guards.
struct Guarding<'n> {
    names: Names<'n>,
    /// Facts that are read where no default can be told.
    undecided: BTreeSet<Vec<String>>,
}

impl Guarding<'_> {
    /// The condition with its guards. `default` is what it answers where a fact is missing.
    fn condition(&mut self, condition: &Arc<Expr>, default: bool) -> Arc<Expr> {
        match condition.as_ref() {
            Expr::BinaryOp { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
                let (left, right) = (self.condition(left, default), self.condition(right, default));
                Arc::new(Expr::BinaryOp { op: *op, left, right })
            }
            Expr::UnaryOp { op: UnaryOp::Not, expr } => {
                Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr: self.condition(expr, !default) })
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                let cond = self.rewritten(cond);
                // Which branch is taken would hang on the missing fact, and the branches need not agree.
                self.undecided.extend(self.may_be_missing(&cond));
                let (then_expr, else_expr) = (self.condition(then_expr, default), self.condition(else_expr, default));
                Arc::new(Expr::IfThenElse { cond, then_expr, else_expr })
            }
            _ => self.smallest(&self.rewritten(condition), default),
        }
    }

    /// A condition without conditions inside, with the guards for all that it reads.
    fn smallest(&mut self, condition: &Arc<Expr>, default: bool) -> Arc<Expr> {
        let reads = self.may_be_missing(condition);
        let mut inside = Vec::new();
        visit(condition, &mut |part| {
            if !core::ptr::eq(part, condition.as_ref()) && is_condition(part) {
                inside.extend(self.may_be_missing(part));
            }
        });
        self.undecided.extend(inside);
        let Some(guard) = joined(BinaryOp::And, reads.iter().map(|path| presence(path)).collect()) else {
            return Arc::clone(condition);
        };
        let condition = Arc::clone(condition);
        Arc::new(if default {
            // Cedar's validator follows a guard into `then`, not across `||`.
            let else_expr = Arc::new(Expr::Literal(Literal::Bool(true)));
            Expr::IfThenElse { cond: guard, then_expr: condition, else_expr }
        } else {
            Expr::BinaryOp { op: BinaryOp::And, left: guard, right: condition }
        })
    }

    /// The facts that an expression reads and that some request lacks.
    fn may_be_missing(&self, expression: &Expr) -> BTreeSet<Vec<String>> {
        let mut found = BTreeSet::new();
        visit(expression, &mut |part| {
            if let (Expr::GetAttr { .. }, Some(path)) = (part, context_path(part))
                && !is_certain(&path)
            {
                found.insert(path.into_iter().map(str::to_owned).collect());
            }
        });
        found
    }

    /// What Verified Access has in another form, as it is here: the client's address is an address already, and the groups
    /// of a token are a set and not a record with a member for each.
    fn rewritten(&self, expression: &Arc<Expr>) -> Arc<Expr> {
        let again = |part: &Arc<Expr>| self.rewritten(part);
        let rewritten = match expression.as_ref() {
            Expr::UnaryOp { op: UnaryOp::Ip, expr } if is_client_ip(expr) => return source_ip(),
            Expr::UnaryOp { op, expr } => Expr::UnaryOp { op: *op, expr: again(expr) },
            Expr::BinaryOp { op, left, right } => Expr::BinaryOp { op: *op, left: again(left), right: again(right) },
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                Expr::IfThenElse { cond: again(cond), then_expr: again(then_expr), else_expr: again(else_expr) }
            }
            Expr::Set(elements) => Expr::Set(elements.iter().map(again).collect()),
            Expr::Like { expr, pattern } => Expr::Like { expr: again(expr), pattern: pattern.clone() },
            Expr::HasAttr { expr, attrs } if attrs.len() == 1 && self.is_set(expr) => Expr::BinaryOp {
                op: BinaryOp::Contains,
                left: Arc::clone(expr),
                right: Arc::new(Expr::Literal(Literal::String(attrs.first().clone()))),
            },
            _ => return Arc::clone(expression),
        };
        Arc::new(rewritten)
    }

    /// Whether the expression is a declared fact that is a set of strings.
    fn is_set(&self, expression: &Expr) -> bool {
        let declared = context_path(expression).and_then(|path| self.names.declared_type(&path));
        match declared {
            Some(FactType::List(element)) => **element == FactType::String,
            Some(FactType::Scopes) => true,
            _ => false,
        }
    }
}

/// Whether every request has it, whoever makes it.
fn is_certain(path: &[&str]) -> bool {
    match path {
        // Each route has its own.
        [_, "path_parameters", ..] => false,
        _ => context::fact_on(path).is_some_and(|fact| fact.is_certain(false)),
    }
}

/// Whether the expression has a truth value.
fn is_condition(expression: &Expr) -> bool {
    match expression {
        Expr::UnaryOp { op, .. } => matches!(
            op,
            UnaryOp::Not
                | UnaryOp::IsEmpty
                | UnaryOp::IsIPv4
                | UnaryOp::IsIPV6
                | UnaryOp::IsLoopback
                | UnaryOp::IsMulticast
        ),
        Expr::BinaryOp { op, .. } => !matches!(
            op,
            BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::GetTag
                | BinaryOp::Offset
                | BinaryOp::DurationSince
        ),
        Expr::IfThenElse { .. } | Expr::Like { .. } | Expr::Is { .. } => true,
        _ => false,
    }
}

fn is_client_ip(expression: &Expr) -> bool {
    context_path(expression).is_some_and(|path| path == ["http_request", "client_ip"])
}

fn source_ip() -> Arc<Expr> {
    member(&["http_request".to_owned(), "source_ip".to_owned()])
}

/// `context.a.b`
pub(in crate::policy) fn member(path: &[String]) -> Arc<Expr> {
    path.iter().fold(Arc::new(Expr::Var(Var::Context)), |expr, name| {
        Arc::new(Expr::GetAttr { expr, attr: name.as_str().into() })
    })
}

/// `context has a.b`; in steps where a name is not an identifier.
fn presence(path: &[String]) -> Arc<Expr> {
    let has = |base: &[String], names: &[String]| {
        let (first, rest) = names.split_first()?;
        let rest = rest.iter().map(|name| name.as_str().into()).collect::<Vec<_>>();
        Some(Arc::new(Expr::HasAttr { expr: member(base), attrs: (first.as_str().into(), rest).into() }))
    };
    let whole = path.iter().all(|name| is_identifier(name)).then(|| has(&[], path)).flatten();
    let steps = || {
        let step = |place: usize| path.split_at_checked(place).and_then(|(base, rest)| has(base, rest.get(..1)?));
        joined(BinaryOp::And, (0..path.len()).filter_map(step).collect())
    };
    // A path is never empty: it was read.
    whole.or_else(steps).unwrap_or_else(|| Arc::new(Expr::Literal(Literal::Bool(false))))
}

/// All of them, joined by `&&` or `||` as a balanced tree: a condition can read many facts, and depth is bounded.
pub(in crate::policy) fn joined(op: BinaryOp, mut conditions: Vec<Arc<Expr>>) -> Option<Arc<Expr>> {
    let right = conditions.split_off(conditions.len() / 2);
    if conditions.is_empty() {
        return right.into_iter().next();
    }
    let (left, right) = (joined(op, conditions)?, joined(op, right)?);
    Some(Arc::new(Expr::BinaryOp { op, left, right }))
}
