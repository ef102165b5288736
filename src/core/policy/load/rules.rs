//! What load refuses although Cedar's validator takes it: names that nothing has, values that cannot be.
//!
//! Measured on Cedar: `has` of a member that no record has, an entity that does not exist, and a comparison that can never
//! hold are all valid there, and a forbid with a slip of the pen in one of them is silent for ever.

use std::collections::BTreeSet;
use std::rc::Rc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, PatternElem, PrincipalConstraint,
    ResourceConstraint, Template, Var,
};

use super::names::{ANONYMOUS_ID, ANONYMOUS_TYPE, Actions, Kind, Lookup, Names, context_path, method_names};
use super::reads::{pattern_text, presence_path, visit};
use super::scope::{Ground, Place, Scope};
use super::words;
use crate::config_error::{ConfigCode, ConfigError};
use crate::policy::PolicyDocument;
use crate::policy::text::lexer;
use crate::policy::text::source::{Named, Source};
use crate::request::{Action, Ambiguity, Path, RequestMethod, host_of};
use crate::text::suggestion;

mod entities;

/// One policy under the rules.
pub(in crate::policy) struct Rules<'a> {
    source: Source<'a>,
    document: &'a PolicyDocument,
    names: Names<'a>,
    place: Place,
    ground: Rc<Ground<'a>>,
    actions: Actions,
    /// The kinds of principals in the scope. Anonymous is one of them where the scope names no one.
    kinds: BTreeSet<Kind>,
    text: &'a str,
    start: usize,
    errors: Vec<ConfigError>,
}

impl<'a> Rules<'a> {
    /// Every breach of the rules in one policy.
    pub(in crate::policy) fn breaches(
        source: Source<'a>,
        named: &Named,
        names: Names<'a>,
        scope: &Scope<'a>,
    ) -> Vec<ConfigError> {
        let mut rules = Self {
            source,
            document: source.document,
            names,
            place: scope.place.clone(),
            ground: scope.ground.clone(),
            actions: scope.actions,
            kinds: scope.kinds.iter().copied().chain(scope.everyone.then_some(Kind::Anonymous)).collect(),
            text: source.document.text.get(named.start..named.end).unwrap_or(""),
            start: named.start,
            errors: Vec::new(),
        };
        rules.scope(&named.body);
        for Clause::When(condition) | Clause::Unless(condition) in named.body.clauses() {
            visit(condition, &mut |expression| {
                rules.expression(expression);
                if let Some((fact, message, help)) = words::string_as_set(expression, &named.body, names) {
                    rules.breach(fact, ConfigCode::PolicyType, message, help);
                }
            });
        }
        rules.errors
    }

    /// Notes a breach at the first place of a word in the policy; the same one is noted once.
    fn breach(&mut self, word: &str, code: ConfigCode, message: String, help: String) {
        let at = self.start.saturating_add(lexer::locate(self.text, word).unwrap_or(0));
        let error = self.source.problem(at, code, message, help);
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn scope(&mut self, body: &Template) {
        match &body.principal {
            PrincipalConstraint::Any => {}
            PrincipalConstraint::Is(entity_type) => self.entity_type(&entity_type.to_string()),
            PrincipalConstraint::Eq(entity) => self.scope_entity(entity),
            PrincipalConstraint::In(entity) => {
                self.scope_entity(entity);
                self.scope_membership(entity, None);
            }
            PrincipalConstraint::IsIn(entity_type, entity) => {
                self.entity_type(&entity_type.to_string());
                self.scope_entity(entity);
                self.scope_membership(entity, Some(entity_type));
            }
        }
        match &body.action {
            ActionConstraint::Any => {}
            ActionConstraint::Eq(entity) => self.entity(entity),
            ActionConstraint::In(entities) => entities.iter().for_each(|entity| self.entity(entity)),
        }
        match &body.resource {
            ResourceConstraint::Any => {}
            ResourceConstraint::Is(entity_type) => self.entity_type(&entity_type.to_string()),
            ResourceConstraint::Eq(entity) | ResourceConstraint::In(entity) => self.scope_entity(entity),
            ResourceConstraint::IsIn(entity_type, entity) => {
                self.entity_type(&entity_type.to_string());
                self.scope_entity(entity);
            }
        }
    }

    fn scope_entity(&mut self, entity: &EntityOrSlot) {
        if let EntityOrSlot::Entity(entity) = entity {
            self.entity(entity);
        }
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::GetAttr { expr, attr } => self.read(expression, expr, attr),
            Expr::HasAttr { expr, attrs } => match presence_path(expression) {
                Some(path) => self.path(&path),
                None => self.foreign_member(expr, attrs.first()),
            },
            Expr::Var(Var::Context) => self.breach(
                "context",
                ConfigCode::IndirectFact,
                "`context` is used as a value".to_owned(),
                "name the member that is meant, as in `context.http_request.path`".to_owned(),
            ),
            Expr::Literal(Literal::EntityUID(entity)) => self.entity(entity),
            Expr::Is { expr, entity_type, in_expr } => {
                self.entity_type(&entity_type.to_string());
                self.type_test(expr, entity_type);
                if let Some(within) = in_expr {
                    self.membership(expr, within, Some(entity_type));
                }
            }
            Expr::Like { expr, pattern } => self.pattern(expr, pattern),
            Expr::BinaryOp { op: BinaryOp::Eq | BinaryOp::NotEq, left, right } => {
                for (value, literal) in [(left, right), (right, left)] {
                    self.comparison(value, literal);
                    self.equality(value, literal);
                }
            }
            Expr::BinaryOp { op: BinaryOp::Contains, left, right } => {
                if let Expr::Set(elements) = left.as_ref() {
                    for element in elements {
                        self.comparison(right, element);
                        self.equality(right, element);
                    }
                }
            }
            Expr::BinaryOp { op: BinaryOp::In, left, right } => self.membership(left, right, None),
            Expr::IfThenElse { then_expr, else_expr, .. } => self.entity_values([then_expr, else_expr]),
            Expr::Set(elements) => self.entity_values(elements),
            Expr::Record(members) => self.entity_values(members.values()),
            _ => {}
        }
    }

    fn read(&mut self, whole: &Expr, base: &Expr, attribute: &str) {
        let Some(path) = context_path(whole) else {
            self.foreign_member(base, attribute);
            return;
        };
        let path: Vec<String> = path.into_iter().map(str::to_owned).collect();
        self.path(&path);
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        if self.names.fact(&parts, &self.ground.in_some_route) == Lookup::Record {
            self.breach(
                attribute,
                ConfigCode::IndirectFact,
                format!("`context.{}` is a record and used as a value", path.join(".")),
                "name the member that is meant".to_owned(),
            );
        }
    }

    /// A member of something that is not `context`.
    fn foreign_member(&mut self, base: &Expr, attribute: &str) {
        if matches!(base, Expr::Var(Var::Principal | Var::Action | Var::Resource) | Expr::Literal(_)) {
            self.breach(
                attribute,
                ConfigCode::UnknownAttribute,
                format!("entities have no attributes here, so no `{attribute}` either"),
                "facts are in `context.<issuer>` and `context.<device>`".to_owned(),
            );
        } else {
            self.breach(
                attribute,
                ConfigCode::IndirectFact,
                format!("`{attribute}` is read from something that is not `context`"),
                "read facts straight from `context`, as in `context.http_request.path`".to_owned(),
            );
        }
    }

    fn path(&mut self, path: &[String]) {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let Lookup::Unknown { place, known } = self.names.fact(&parts, &self.ground.in_some_route) else { return };
        let unknown = parts.get(place).copied().unwrap_or_default();
        let base = core::iter::once("context").chain(parts.iter().copied().take(place)).collect::<Vec<_>>().join(".");
        let parameter = base == "context.http_request.path_parameters";
        let otherwise =
            if parameter { "no route of the scope has a path parameter" } else { "it is a value without members" };
        let message = if parameter {
            format!("no route of the scope has the path parameter `{unknown}`")
        } else {
            format!("`{base}` has no member `{unknown}`")
        };
        self.breach(unknown, ConfigCode::UnknownAttribute, message, suggestion(unknown, known, otherwise));
    }

    fn entity_type(&mut self, entity_type: &str) {
        let known = self.names.entity_types();
        if known.iter().any(|name| name == entity_type) {
            return;
        }
        let word = entity_type.rsplit("::").next().unwrap_or(entity_type);
        let help = suggestion(entity_type, known.iter().map(String::as_str), "configure the issuer first");
        self.breach(word, ConfigCode::UnknownEntityType, format!("there is no entity type `{entity_type}`"), help);
    }

    fn entity(&mut self, entity: &EntityUID) {
        let names = self.names;
        let id = entity.eid.as_str();
        let shown = id.escape_debug();
        match entity.ty.to_string().as_str() {
            "Action" => {
                if !Action::all().any(|action| action.name() == id) {
                    let known = Action::all().map(Action::name);
                    let help = suggestion(id, known, "use a method, `read`, `write`, `upgrade` or `preflight`");
                    self.breach(id, ConfigCode::UnknownAction, format!("there is no action `{shown}`"), help);
                }
            }
            "Application" => self.application(id),
            "Route" => match names.route(id) {
                Some((application, _)) => self.application(&application.name),
                None => {
                    let all: Vec<String> = names
                        .applications_of(self.document)
                        .flat_map(|application| {
                            application.routes.iter().map(move |route| format!("{}/{}", application.name, route.name))
                        })
                        .collect();
                    let otherwise = "write `Route::\"<application>/<route>\"`";
                    let help = suggestion(id, all.iter().map(String::as_str), otherwise);
                    self.breach(id, ConfigCode::UnknownRoute, format!("there is no route `{shown}`"), help);
                }
            },
            ANONYMOUS_TYPE => {
                if id != ANONYMOUS_ID {
                    self.breach(
                        id,
                        ConfigCode::UnknownEntity,
                        format!("there is no `{ANONYMOUS_TYPE}::\"{shown}\"`"),
                        format!("write `principal is {ANONYMOUS_TYPE}`"),
                    );
                }
            }
            other => self.entity_type(other),
        }
    }

    fn application(&mut self, name: &str) {
        let shown = name.escape_debug();
        if self.document.applies_to.iter().any(|own| own == name) {
            return;
        }
        let (code, message) = match self.names.application(name) {
            Some(_) => (ConfigCode::ApplicationNotInDocument, format!("this document does not apply to `{shown}`")),
            None => (ConfigCode::UnknownApplication, format!("there is no application `{shown}`")),
        };
        let own = self.document.applies_to.iter().map(String::as_str);
        let help = suggestion(name, own, "add the application to `applies_to`");
        let word = if lexer::locate(self.text, name).is_some() { name } else { "Route" };
        self.breach(word, code, message, help);
    }

    /// A value of the request compared with a literal.
    fn comparison(&mut self, value: &Expr, literal: &Expr) {
        let (Some(path), Expr::Literal(Literal::String(text))) = (context_path(value), literal) else { return };
        let fault = match path.as_slice() {
            ["http_request", "path"] => path_fault(text, true, true, &self.ground.encoded),
            ["http_request", "http_method"] => method_fault(text),
            ["http_request", "hostname"] => host_fault(text).or_else(|| whole_host_fault(text)),
            _ => None,
        };
        self.impossible(fault, path.last().copied().unwrap_or_default(), text);
    }

    fn pattern(&mut self, value: &Expr, pattern: &[PatternElem]) {
        let Some(path) = context_path(value) else { return };
        let literal = |element: &PatternElem| match element {
            PatternElem::Char(character) => Some(*character),
            PatternElem::Wildcard => None,
        };
        let shown = pattern_text(pattern, '*');
        let runs: Vec<String> = pattern
            .split(|element| literal(element).is_none())
            .map(|run| run.iter().filter_map(literal).collect())
            .collect();
        let last = runs.len().saturating_sub(1);
        let fault = match path.as_slice() {
            ["http_request", "path"] => runs.iter().enumerate().find_map(|(index, run)| {
                let first = index == 0 && !(run.is_empty() && last > 0);
                path_fault(run, first, index == last, &self.ground.encoded)
            }),
            ["http_request", "hostname"] => host_fault(&shown),
            _ => None,
        };
        self.impossible(fault, path.last().copied().unwrap_or_default(), &shown);
    }

    fn impossible(&mut self, fault: Option<(&'static str, String)>, member: &str, literal: &str) {
        if let Some((why, help)) = fault {
            let message = format!("no request has the {member} `{}`: {why}", literal.escape_debug());
            let word = if lexer::locate(self.text, literal).is_some() { literal } else { member };
            self.breach(word, ConfigCode::ImpossibleLiteral, message, help);
        }
    }
}

/// Why no path holds this text, which is at a path's beginning, its end, or inside. `encoded` are the ambiguous spellings
/// that some route accepts.
fn path_fault(text: &str, first: bool, last: bool, encoded: &BTreeSet<Ambiguity>) -> Option<(&'static str, String)> {
    let segments = |wanted: &str| {
        let mut segments = text.split('/').skip(1).peekable();
        core::iter::from_fn(move || segments.next().map(|segment| (segment, segments.peek().is_none())))
            .any(|(segment, end)| segment == wanted && (!end || last))
    };
    if first && !text.starts_with('/') {
        return Some(("a path begins with `/`", format!("write `/{}`", text.escape_debug())));
    }
    if text.contains('?') {
        return Some(("it ends before the `?`", "compare the rest with `context.http_request.query`".to_owned()));
    }
    if text.contains("//") {
        return Some(("such a request is refused as ambiguous", "write one `/`".to_owned()));
    }
    if segments(".") || segments("..") {
        return Some(("such a request is refused as ambiguous", "write the path without dot segments".to_owned()));
    }
    if let Some(fault) = escapes_fault(text, last, encoded) {
        return Some(fault);
    }
    if text.contains(';') && !encoded.contains(&Ambiguity::Semicolon) {
        let help = "let a route accept it with `encoded: { semicolon: true }`, or remove it";
        return Some(("such a request is refused as ambiguous", help.to_owned()));
    }
    let taken = |character: char| character.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@/%;".contains(character);
    if !text.chars().all(taken) {
        return Some((
            "it has a character that a path has only escaped, or not at all",
            "escape it, as in `%20`".to_owned(),
        ));
    }
    None
}

/// Why no path holds these escapes: a policy sees them with digits in upper case, and only where the character itself
/// cannot stand in a path.
fn escapes_fault(text: &str, last: bool, encoded: &BTreeSet<Ambiguity>) -> Option<(&'static str, String)> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let escape: String = after.chars().take(2).collect();
        if escape.len() < 2 {
            // The rest of it may be under a `*`.
            return last
                .then(|| ("an escape has two digits", "write `%` as it stands in a path, or leave it".to_owned()));
        }
        if escape.chars().any(|digit| digit.is_ascii_lowercase()) {
            let upper = format!("write `%{}`", escape.to_ascii_uppercase().escape_debug());
            return Some(("its escapes have digits in upper case", upper));
        }
        // One byte of a longer character says nothing without the others.
        if !matches!(u8::from_str_radix(&escape, 16), Ok(0x80..)) {
            let fault = escape_fault(&format!("/a%{escape}b"), encoded);
            if fault.is_some() {
                return fault;
            }
        }
        rest = after;
    }
    None
}

/// Why no path has the one escape of this short path.
fn escape_fault(path: &str, encoded: &BTreeSet<Ambiguity>) -> Option<(&'static str, String)> {
    let Ok((parsed, _)) = Path::parse(path.as_bytes(), path.len()) else {
        return Some(("such a request is refused as ambiguous", "write the character itself".to_owned()));
    };
    if parsed.as_str() != path {
        return Some(("a policy sees the character itself there", "write the character itself".to_owned()));
    }
    let refused = parsed.ambiguities().find(|ambiguity| !encoded.contains(ambiguity))?;
    let help = format!("let a route accept it with `encoded: {{ {}: true }}`, or remove it", refused.name());
    Some(("such a request is refused as ambiguous", help))
}

fn method_fault(text: &str) -> Option<(&'static str, String)> {
    let known = RequestMethod::from_name(text.as_bytes()).is_some();
    (!known).then(|| ("it is not a method that is served", suggestion(text, method_names(), "use one that is")))
}

fn whole_host_fault(text: &str) -> Option<(&'static str, String)> {
    let same = host_of(text.as_bytes()).is_ok_and(|host| host == text);
    (!same).then(|| ("it is a name or address alone", "write it without port and trailing dot".to_owned()))
}

fn host_fault(text: &str) -> Option<(&'static str, String)> {
    if text.chars().any(|character| character.is_ascii_uppercase()) {
        return Some(("it is in lower case", format!("write `{}`", text.to_ascii_lowercase().escape_debug())));
    }
    None
}
