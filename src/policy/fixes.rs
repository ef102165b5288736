//! Corrected conditions for messages: text that a person can paste.

use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, Template, UnaryOp};

use super::reads::visit;

/// The condition around an unguarded read, with the guard that fails towards "no": a forbid must not fall silent where the
/// fact is absent, as Cedar's own advice `x has y && ..` would make it. `presence` asks for the fact at `read`.
pub(super) fn guarded(body: &Template, presence: &str, read: &str) -> Option<String> {
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
pub(super) fn denying(presence: &str, condition: &str) -> String {
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
pub(super) fn plain(expression: &Expr) -> String {
    match expression {
        Expr::GetAttr { expr, attr } if is_name(attr) => format!("{}.{attr}", operand(expr)),
        Expr::HasAttr { expr, attrs } if attrs.iter().all(|attr| is_name(attr)) => {
            let path: Vec<&str> = attrs.iter().map(|attr| attr.as_str()).collect();
            format!("{} has {}", operand(expr), path.join("."))
        }
        Expr::UnaryOp { op: UnaryOp::Not, expr } => format!("!{}", operand(expr)),
        Expr::BinaryOp { op, left, right } => match symbol(*op) {
            Some(symbol) => format!("{} {symbol} {}", side(left, *op), side(right, *op)),
            None => expression.to_string(),
        },
        _ => expression.to_string(),
    }
}

fn is_name(attribute: &str) -> bool {
    let mut characters = attribute.chars();
    characters.next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && characters.all(|character| character == '_' || character.is_ascii_alphanumeric())
}

/// As the operand of something that binds tightly.
fn operand(expression: &Expr) -> String {
    match expression {
        Expr::Var(_) | Expr::Literal(_) | Expr::GetAttr { .. } => plain(expression),
        _ => format!("({})", plain(expression)),
    }
}

/// As one side of an operator.
fn side(expression: &Expr, outer: BinaryOp) -> String {
    let bare = match expression {
        Expr::BinaryOp { op, .. } => match symbol(*op) {
            None => true,
            Some(_) => *op == outer && is_chain(*op) || is_chain(outer) && !is_chain(*op),
        },
        Expr::IfThenElse { .. } => false,
        Expr::HasAttr { .. } | Expr::Like { .. } | Expr::Is { .. } => is_chain(outer),
        _ => true,
    };
    if bare { plain(expression) } else { format!("({})", plain(expression)) }
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
