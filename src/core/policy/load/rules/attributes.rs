//! Attributes of `resource`: names that are declared, and values that they can have.

use cedar_policy::pst::{BinaryOp, Expr, Literal, PatternElem, Var};

use super::Rules;
use crate::config_error::ConfigCode;
use crate::policy::load::reads::pattern_text;
use crate::policy::program::like::Pattern;
use crate::route::Attribute;
use crate::text::suggestion;

impl<'a> Rules<'a> {
    fn attributes(&self) -> &'a [Attribute] {
        &self.names.vocabulary.router.attributes
    }

    /// `resource.<name>`, or `has` of it.
    pub(super) fn attribute(&mut self, name: &str) {
        if self.attributes().iter().any(|attribute| attribute.name == name) {
            return;
        }
        let known = self.attributes().iter().map(|attribute| attribute.name.as_str());
        let help = suggestion(name, known, "declare it in `entities.attributes`");
        self.breach(name, ConfigCode::UnknownAttribute, format!("routes have no attribute `{name}`"), help);
    }

    /// An attribute that is compared with values that it never has.
    pub(super) fn attribute_values(&mut self, expression: &Expr) {
        match expression {
            Expr::BinaryOp {
                op: BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::Contains | BinaryOp::ContainsAny | BinaryOp::ContainsAll,
                left,
                right,
            } => {
                for (value, literal) in [(left, right), (right, left)] {
                    for text in strings(literal) {
                        self.attribute_value(value, text, |value| value == text);
                    }
                }
            }
            Expr::Like { expr, pattern } => {
                let elements = pattern.iter().map(|element| match element {
                    PatternElem::Char(character) => Some(*character),
                    PatternElem::Wildcard => None,
                });
                let matched = Pattern::new(elements);
                self.attribute_value(expr, &pattern_text(pattern, '*'), |value| matched.matches(value));
            }
            _ => {}
        }
    }

    fn attribute_value(&mut self, value: &Expr, text: &str, is_it: impl Fn(&str) -> bool) {
        let Expr::GetAttr { expr, attr } = value else { return };
        let found = self.attributes().iter().find(|attribute| attribute.name == attr.as_str());
        let values = found.and_then(|attribute| attribute.values.as_ref());
        let (Expr::Var(Var::Resource), Some(values)) = (expr.as_ref(), values) else { return };
        if values.iter().any(|value| is_it(value)) {
            return;
        }
        let message = format!("no route has the {attr} `{}`: it is not one of the `values`", text.escape_debug());
        let otherwise = format!("add it to `entities.attributes.{attr}.values`");
        let help = suggestion(text, values.iter().map(String::as_str), &otherwise);
        self.breach(text, ConfigCode::ImpossibleLiteral, message, help);
    }
}

/// A string that is written out, or the elements of a set that are.
fn strings(expression: &Expr) -> Vec<&str> {
    match expression {
        Expr::Literal(Literal::String(text)) => vec![text.as_str()],
        Expr::Set(elements) => elements.iter().flat_map(|element| strings(element)).collect(),
        _ => Vec::new(),
    }
}
