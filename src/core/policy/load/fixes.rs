//! Corrected conditions for messages: text that a person can paste.

use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, Template, UnaryOp};

use super::reads::visit;
use crate::text::is_identifier;

/// The condition around an unguarded read, with the guard that fails towards "no": a forbid must not fall silent where the
/// fact is absent, as Cedar's own advice `x has y && ..` would make it. `presence` asks for the fact at `read`.
pub(in crate::policy) fn guarded(body: &Template, presence: &str, read: &str) -> Option<String> {
    body.clauses().iter().find_map(|clause| {
        let (condition, denies) = match clause {
            Clause::When(condition) => (condition, body.effect == Effect::Forbid),
            Clause::Unless(condition) => (condition, body.effect == Effect::Permit),
        };
        let (smallest, denies) = smallest(condition, denies, read)?;
        let smallest = plain(smallest);
        Some(if denies { denying(presence, &smallest) } else { format!("{presence} && {smallest}") })
    })
}

/// A condition that is true where the fact is absent. Cedar's validator follows a guard into `then`, not across `||`.
pub(in crate::policy) fn denying(presence: &str, condition: &str) -> String {
    format!("if {presence} then {condition} else true")
}

/// The smallest part with a truth value of its own that reads the fact, and whether it denies where it is true.
fn smallest<'e>(expression: &'e Expr, denies: bool, read: &str) -> Option<(&'e Expr, bool)> {
    match expression {
        Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            smallest(left, denies, read).or_else(|| smallest(right, denies, read))
        }
        Expr::UnaryOp { op: UnaryOp::Not, expr } if matches!(expr.as_ref(), Expr::BinaryOp { .. }) => {
            smallest(expr, !denies, read)
        }
        _ => {
            let mut found = false;
            visit(expression, &mut |part| found |= reads(part, read));
            found.then_some((expression, denies))
        }
    }
}

/// A path reads what it leads to and all on the way.
fn reads(part: &Expr, read: &str) -> bool {
    let Expr::GetAttr { expr, .. } = part else { return false };
    plain(part) == read || reads(expr, read)
}

/// The expression as a person writes it: Cedar prints members and brackets more heavily than needed.
pub(in crate::policy) fn plain(expression: &Expr) -> String {
    Printer { replaced: None }.print(expression)
}

/// The same with another text in place of one part of it.
pub(in crate::policy) fn with_part(expression: &Expr, part: &Expr, text: &str) -> String {
    Printer { replaced: Some((part, text)) }.print(expression)
}

/// The policy as a person writes it: the annotations and the scope, then each clause on a line of its own.
#[cfg(any(test, feature = "oracle"))]
pub(in crate::policy) fn policy_text(body: &Template) -> String {
    let scope =
        Template::new(body.id.clone(), body.effect, body.principal.clone(), body.action.clone(), body.resource.clone());
    let scope = scope.with_annotations(body.annotations.clone()).to_string();
    let mut text = scope.trim_end().trim_end_matches(';').to_owned();
    for clause in body.clauses() {
        let (word, condition) = match clause {
            Clause::When(condition) => ("when", condition),
            Clause::Unless(condition) => ("unless", condition),
        };
        text.push_str(&format!("\n{word} {{ {} }}", plain(condition)));
    }
    text.push(';');
    text
}

/// The expression as an operand of `&&` or `||`.
pub(in crate::policy) fn in_chain(expression: &Expr) -> String {
    let loose = matches!(expression, Expr::IfThenElse { .. } | Expr::BinaryOp { op: BinaryOp::Or, .. });
    if loose { format!("({})", plain(expression)) } else { plain(expression) }
}

/// The path inside `context`.
pub(in crate::policy) fn path_text(path: &[String]) -> String {
    path.iter().fold("context".to_owned(), |base, name| {
        if is_identifier(name) { format!("{base}.{name}") } else { format!("{base}[\"{}\"]", name.escape_debug()) }
    })
}

/// The question whether all of a path is there: by itself, so that nothing on the way needs a guard.
pub(in crate::policy) fn presence_text(path: &[String]) -> String {
    if path.iter().all(|name| is_identifier(name)) {
        return format!("context has {}", path.join("."));
    }
    let step = |(name, length): (&String, usize)| {
        let name = if is_identifier(name) { name.clone() } else { format!("\"{}\"", name.escape_debug()) };
        format!("{} has {name}", path_text(path.get(..length).unwrap_or_default()))
    };
    path.iter().zip(0_usize..).map(step).collect::<Vec<_>>().join(" && ")
}

/// Prints expressions; one part of them, if there is one, as the text that replaces it.
#[derive(Clone, Copy)]
struct Printer<'e> {
    replaced: Option<(&'e Expr, &'e str)>,
}

impl<'e> Printer<'e> {
    fn print(self, expression: &Expr) -> String {
        if let Some(text) = self.replacement(expression) {
            return text.to_owned();
        }
        match expression {
            Expr::GetAttr { expr, attr } if is_identifier(attr) => format!("{}.{attr}", self.operand(expr)),
            Expr::HasAttr { expr, attrs } if attrs.iter().all(|attr| is_identifier(attr)) => {
                let path: Vec<&str> = attrs.iter().map(|attr| attr.as_str()).collect();
                format!("{} has {}", self.operand(expr), path.join("."))
            }
            Expr::UnaryOp { op: UnaryOp::Not, expr } => format!("!{}", self.operand(expr)),
            Expr::UnaryOp { op: UnaryOp::IsEmpty, expr } => format!("{}.isEmpty()", self.operand(expr)),
            Expr::BinaryOp { op, left, right } => match (symbol(*op), method(*op)) {
                (Some(symbol), _) => format!("{} {symbol} {}", self.side(left, *op), self.side(right, *op)),
                (None, Some(method)) => format!("{}.{method}({})", self.operand(left), self.print(right)),
                (None, None) => expression.to_string(),
            },
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                format!("if {} then {} else {}", self.print(cond), self.branch(then_expr), self.branch(else_expr))
            }
            _ => expression.to_string(),
        }
    }

    fn replacement(self, expression: &Expr) -> Option<&'e str> {
        self.replaced.filter(|(part, _)| core::ptr::eq(*part, expression)).map(|(_, text)| text)
    }

    /// As the operand of something that binds tightly.
    fn operand(self, expression: &Expr) -> String {
        match expression {
            Expr::Var(_) | Expr::Literal(_) | Expr::GetAttr { .. } if self.replacement(expression).is_none() => {
                self.print(expression)
            }
            _ => format!("({})", self.print(expression)),
        }
    }

    /// As one side of an operator.
    fn side(self, expression: &Expr, outer: BinaryOp) -> String {
        let bare = match expression {
            _ if self.replacement(expression).is_some() => false,
            Expr::BinaryOp { op, .. } => match symbol(*op) {
                None => true,
                Some(_) => *op == outer && is_chain(*op) || is_chain(outer) && !is_chain(*op),
            },
            Expr::IfThenElse { .. } => false,
            Expr::HasAttr { .. } | Expr::Like { .. } | Expr::Is { .. } => is_chain(outer),
            _ => true,
        };
        if bare { self.print(expression) } else { format!("({})", self.print(expression)) }
    }

    /// As a branch of an `if`, in brackets where a reader could take it for less or more than the branch.
    fn branch(self, expression: &Expr) -> String {
        let bare = match expression {
            Expr::IfThenElse { .. } => false,
            Expr::BinaryOp { op, .. } => !is_chain(*op),
            _ => true,
        };
        let bare = bare && self.replacement(expression).is_none();
        if bare { self.print(expression) } else { format!("({})", self.print(expression)) }
    }
}

const fn is_chain(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::And | BinaryOp::Or)
}

const fn symbol(op: BinaryOp) -> Option<&'static str> {
    Some(match op {
        BinaryOp::Eq => "==",
        BinaryOp::NotEq => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEq => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEq => ">=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::In => "in",
        _ => return None,
    })
}

const fn method(op: BinaryOp) -> Option<&'static str> {
    Some(match op {
        BinaryOp::Contains => "contains",
        BinaryOp::ContainsAll => "containsAll",
        BinaryOp::ContainsAny => "containsAny",
        _ => return None,
    })
}
