//! Policies that load rejects although Cedar's validator accepts them: names that do not exist, values that no request has.
//!
//! Measured on Cedar: `has` of a member that no record has, an entity that does not exist, and a comparison that can never
//! hold are all valid there. A forbid with a misspelling in one of them would never apply.

use std::collections::BTreeSet;
use std::rc::Rc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, PatternElem, PrincipalConstraint,
    ResourceConstraint, Template, Var,
};

use super::device::mapping_to_add;
use super::lookup::Lookup;
use super::names::{Names, context_path};
use super::reads::{pattern_text, presence_path, visit};
use super::scope::{Scope, ScopeRoutes};
use super::words;
use crate::config_error::{ConfigCode, ConfigError};
use crate::policy::PolicyDocument;
use crate::policy::kinds::{ANONYMOUS_ID, ANONYMOUS_TYPE, Actions, PrincipalKind, ResourceScope, WORKLOAD_TYPE};
use crate::policy::text::lexer;
use crate::policy::text::source::{Named, Source};
use crate::request::Action;
use crate::text::suggestion;

mod attributes;
mod entities;
mod literals;

use self::literals::{host_fault, method_fault, path_fault, trust_domain_fault, whole_host_fault, workload_fault};

/// One policy under the rules.
pub(in crate::policy) struct Rules<'a> {
    source: Source<'a>,
    document: &'a PolicyDocument,
    names: Names<'a>,
    resource: ResourceScope,
    routes: Rc<ScopeRoutes<'a>>,
    actions: Actions,
    /// The kinds of principals in the scope. Anonymous is one of them where the scope names no one.
    kinds: BTreeSet<PrincipalKind>,
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
            resource: scope.resource.clone(),
            routes: scope.routes.clone(),
            actions: scope.actions,
            kinds: scope.kinds.iter().copied().chain(scope.everyone.then_some(PrincipalKind::Anonymous)).collect(),
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
        self.attribute_values(expression);
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
                "name the member that you mean, as in `context.http_request.path`".to_owned(),
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
        if self.names.fact(&parts, &self.routes.in_some_route) == Lookup::Record {
            self.breach(
                attribute,
                ConfigCode::IndirectFact,
                format!("`context.{}` is a record and used as a value", path.join(".")),
                "name the member that you mean".to_owned(),
            );
        }
    }

    /// A member of something that is not `context`.
    fn foreign_member(&mut self, base: &Expr, attribute: &str) {
        if matches!(base, Expr::Var(Var::Resource)) {
            self.attribute(attribute);
        } else if matches!(base, Expr::Var(Var::Principal | Var::Action) | Expr::Literal(_)) {
            self.breach(
                attribute,
                ConfigCode::UnknownAttribute,
                format!("principals and actions have no attributes, so `{attribute}` does not exist"),
                "facts are in `context.<issuer>` and `context.<device>`, attributes of routes in `resource`".to_owned(),
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
        let (place, known) = match self.names.fact(&parts, &self.routes.in_some_route) {
            Lookup::Unknown { place, known } => (place, known),
            Lookup::Unfilled => return self.unfilled(&parts),
            Lookup::Leaf | Lookup::Record => return,
        };
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

    /// A member of `context.device` that nobody fills: a rule about it would never be asked.
    fn unfilled(&mut self, path: &[&str]) {
        self.breach(
            path.last().copied().unwrap_or_default(),
            ConfigCode::UnknownAttribute,
            format!("no provider of this configuration fills `context.{}`", path.join(".")),
            mapping_to_add(path.get(1..).unwrap_or_default()),
        );
    }

    fn entity_type(&mut self, entity_type: &str) {
        let known = self.names.vocabulary.entity_types();
        if known.iter().any(|name| name == entity_type) {
            return;
        }
        let word = entity_type.rsplit("::").next().unwrap_or(entity_type);
        let help = if entity_type == WORKLOAD_TYPE {
            "list the trust domains of workloads in `peer`, as in `trust_domains: [example.org]`".to_owned()
        } else {
            suggestion(entity_type, known.iter().map(String::as_str), "configure the issuer first")
        };
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
            WORKLOAD_TYPE if !names.vocabulary.trust_domains.is_empty() => {
                if let Some((why, help)) = workload_fault(id, names.vocabulary.trust_domains) {
                    let message = format!("there is no `{WORKLOAD_TYPE}::\"{shown}\"`: {why}");
                    self.breach(id, ConfigCode::UnknownEntity, message, help);
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
            ["http_request", "path"] => path_fault(text, true, true, &self.routes.encoded),
            ["http_request", "http_method"] => method_fault(text),
            ["http_request", "hostname"] => host_fault(text).or_else(|| whole_host_fault(text)),
            ["peer", "workload"] => workload_fault(text, self.names.vocabulary.trust_domains),
            ["peer", "trust_domain"] => trust_domain_fault(text, self.names.vocabulary.trust_domains),
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
                path_fault(run, first, index == last, &self.routes.encoded)
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
