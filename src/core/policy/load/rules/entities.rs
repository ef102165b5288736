//! What `in`, `is`, `==` and `!=` ask of the principal, the action and the resource: only what some request can answer
//! either way.
//!
//! Cedar takes `principal in corp::User::"staff"`, `resource != Application::"shop"` and `action == Action::"write"`. The
//! first and the last are false for every request (or nearly), the second is true: the forbid is silent, the permit has no
//! restriction. An entity of a type that the variable never has is refused, and so is a group that nobody in the scope can be in.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{EntityOrSlot, EntityType, EntityUID, Expr, Var};

use super::{ANONYMOUS_TYPE, PrincipalKind, ResourceScope, Rules};
use crate::config_error::ConfigCode;
use crate::policy::load::reads::{entities, literal_entity};
use crate::request::Action;

/// The three variables that are entities.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Principal,
    Action,
    Resource,
}

impl Asked {
    fn of(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::Var(Var::Principal) => Some(Self::Principal),
            Expr::Var(Var::Action) => Some(Self::Action),
            Expr::Var(Var::Resource) => Some(Self::Resource),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Action => "action",
            Self::Resource => "resource",
        }
    }
}

/// What an entity that is compared is, and what to write instead.
struct Mistake {
    message: String,
    help: String,
}

impl Rules<'_> {
    /// `principal in` of the scope.
    pub(super) fn scope_membership(&mut self, entity: &EntityOrSlot, entity_type: Option<&EntityType>) {
        if let EntityOrSlot::Entity(entity) = entity {
            self.principal_in(entity, entity_type);
        }
    }

    /// `left in right`.
    pub(super) fn membership(&mut self, left: &Expr, right: &Expr, entity_type: Option<&EntityType>) {
        let Some(asked) = Asked::of(left) else {
            self.breach(
                "in",
                ConfigCode::LiteralMembership,
                "`in` is used on something other than `principal`, `action` or `resource`".to_owned(),
                "only those three have groups: write `principal in ...`".to_owned(),
            );
            return;
        };
        for entity in entities(right) {
            match (entity, asked) {
                (None, _) => self.indirect(asked),
                (Some(entity), Asked::Principal) => self.principal_in(entity, entity_type),
                (Some(entity), Asked::Action) => {
                    if entity.ty.to_string() != "Action" {
                        self.no_members(entity, "actions are in `Action::\"read\"` and `Action::\"write\"`");
                    }
                }
                (Some(entity), Asked::Resource) => self.resource_in(entity),
            }
        }
    }

    /// `value == literal`, `value != literal`, and `[..., literal].contains(value)`.
    pub(super) fn equality(&mut self, value: &Expr, literal: &Expr) {
        let Some(asked) = Asked::of(value) else { return };
        let Some(entity) = literal_entity(literal) else {
            self.indirect(asked);
            return;
        };
        // A type that does not exist is reported as such.
        let entity_type = entity.ty.to_string();
        if !self.names.vocabulary.entity_types().contains(&entity_type) {
            return;
        }
        let mistake = match asked {
            Asked::Principal => self.not_a_principal(entity, &entity_type),
            Asked::Action => self.not_an_action(entity, &entity_type),
            Asked::Resource => self.not_a_resource(entity, &entity_type),
        };
        if let Some(Mistake { message, help }) = mistake {
            self.breach(&entity.eid, ConfigCode::ImpossibleLiteral, message, help);
        }
    }

    /// `value is T`.
    pub(super) fn type_test(&mut self, value: &Expr, entity_type: &EntityType) {
        let Some(asked) = Asked::of(value) else { return };
        let name = entity_type.to_string();
        let possible = match asked {
            Asked::Principal => self.names.kind_of_type(&name).is_some(),
            Asked::Action => name == "Action",
            Asked::Resource => name == "Route",
        };
        if possible || !self.names.vocabulary.entity_types().contains(&name) {
            return;
        }
        let help = match asked {
            Asked::Principal if self.names.issuer_of_group_type(&name).is_some() => {
                format!("write `principal in {name}::\"...\"` for a group")
            }
            Asked::Resource if name == "Application" => {
                "write `resource in Application::\"...\"` for an application".to_owned()
            }
            Asked::Principal => "write the type of an issuer's principals, such as `corp::User`".to_owned(),
            Asked::Action | Asked::Resource => format!("remove the test: each {} has one type", asked.name()),
        };
        let word = name.rsplit("::").next().unwrap_or(&name);
        self.breach(word, ConfigCode::ImpossibleLiteral, format!("no {} is a `{name}`", asked.name()), help);
    }

    /// Variables where only facts are values: what they are compared with there could not be seen.
    pub(super) fn entity_values<'e>(&mut self, values: impl IntoIterator<Item = &'e Arc<Expr>>) {
        values.into_iter().filter_map(|value| Asked::of(value)).for_each(|asked| self.indirect(asked));
    }

    fn indirect(&mut self, asked: Asked) {
        let name = asked.name();
        self.breach(
            name,
            ConfigCode::IndirectEntity,
            format!("`{name}` is compared with something other than entities by name, or used as a value"),
            format!("name the entities after `{name} in`, `{name} ==` or `{name} is`"),
        );
    }

    fn principal_in(&mut self, entity: &EntityUID, entity_type: Option<&EntityType>) {
        let name = entity.ty.to_string();
        let Some(members) = self.names.members(entity) else {
            match self.names.kind_of_type(&name) {
                Some(PrincipalKind::Anonymous) => {
                    self.no_members(entity, &format!("write `principal is {ANONYMOUS_TYPE}`"))
                }
                Some(PrincipalKind::Workload) => {
                    self.no_members(entity, &format!("write `principal == {entity}`: a workload is in no group"));
                }
                Some(PrincipalKind::Issuer(_)) => {
                    let group = name.rsplit_once("::").map_or("", |(issuer, _)| issuer);
                    let id = entity.eid.escape_debug();
                    let help = format!("write `principal == {entity}`, or name a group: `{group}::Group::\"{id}\"`");
                    self.no_members(entity, &help);
                }
                None if self.names.vocabulary.entity_types().contains(&name) => {
                    self.no_members(entity, "a principal is in groups only, such as `corp::Group::\"staff\"`");
                }
                None => {}
            }
            return;
        };
        let issuer = name.split("::").next().unwrap_or_default();
        if members.is_empty() {
            self.impossible_membership(
                entity,
                format!("nobody can be in `{entity}`: `principal` of `{issuer}` has no `groups`, and no group of `entities` is in it"),
                format!("write the claim that lists them, as in `groups: groups`, in `principal` of `{issuer}`"),
            );
            return;
        }
        let typed = entity_type.map(|entity_type| self.names.kind_of_type(&entity_type.to_string()));
        let kinds: BTreeSet<PrincipalKind> = match typed {
            Some(kind) => kind.into_iter().collect(),
            None => self.kinds.clone(),
        };
        if kinds.is_empty() || !kinds.is_disjoint(&members) {
            return;
        }
        let members: Vec<String> =
            members.iter().map(|kind| format!("`{}`", self.names.vocabulary.principal_type(*kind))).collect();
        self.impossible_membership(
            entity,
            format!(
                "no principal that is asked about can be in `{entity}`: its members are of type {}",
                members.join(", ")
            ),
            "change the scope, or put a group of the other issuer into it under `entities`".to_owned(),
        );
    }

    fn resource_in(&mut self, entity: &EntityUID) {
        let name = entity.ty.to_string();
        match name.as_str() {
            "Application" | "Route" => {
                let outside =
                    if name == "Route" { self.route_outside(entity) } else { self.application_outside(entity) };
                if outside {
                    self.impossible_membership(
                        entity,
                        format!("no route of the scope is in `{entity}`"),
                        "change the resource of the scope, or remove the test".to_owned(),
                    );
                }
            }
            _ if self.names.vocabulary.entity_types().contains(&name) => {
                self.no_members(entity, "a route is in its application only: write `resource in Application::\"...\"`");
            }
            _ => {}
        }
    }

    fn not_a_principal(&self, entity: &EntityUID, name: &str) -> Option<Mistake> {
        let kind = self.names.kind_of_type(name);
        if kind.is_some_and(|kind| self.kinds.is_empty() || self.kinds.contains(&kind)) {
            return None;
        }
        let group = self.names.members(entity).is_some();
        Some(Mistake {
            message: match (group, kind) {
                (true, _) => format!("`{entity}` is a group, and no principal is one"),
                (false, Some(_)) => format!("no principal of the scope is a `{name}`"),
                (false, None) => format!("no principal is a `{name}`"),
            },
            help: match (group, kind) {
                (true, _) => format!("write `principal in {entity}`"),
                (false, Some(_)) => {
                    format!("name a principal of the scope, or write `principal is {name}` in the scope")
                }
                (false, None) => "name a principal, such as `corp::User::\"alice\"`".to_owned(),
            },
        })
    }

    fn not_an_action(&self, entity: &EntityUID, name: &str) -> Option<Mistake> {
        if name != "Action" {
            return Some(Mistake {
                message: format!("no action is a `{name}`"),
                help: "name an action, such as `Action::\"GET\"`".to_owned(),
            });
        }
        // A method that no route lists is one that no request has; `read` and `write` are what most requests are in.
        let action = [Action::Read, Action::Write].into_iter().find(|action| action.name() == entity.eid.as_str())?;
        let met = self.routes.actions.holds(action) && self.actions.holds(action);
        (!met).then(|| Mistake {
            message: format!("no request of the scope has the action `{entity}` itself"),
            help: format!("write `action in {entity}`: `==` matches only routes whose `action` is set"),
        })
    }

    fn not_a_resource(&self, entity: &EntityUID, name: &str) -> Option<Mistake> {
        match name {
            "Route" => self.route_outside(entity).then(|| Mistake {
                message: format!("the scope does not have the route `{entity}`"),
                help: "change the resource of the scope, or remove the comparison".to_owned(),
            }),
            "Application" => Some(Mistake {
                message: format!("`{entity}` is an application, and the resource is always a route"),
                help: format!("write `resource in {entity}`"),
            }),
            _ => Some(Mistake {
                message: format!("no resource is a `{name}`"),
                help: "name a route, such as `Route::\"shop/order\"`".to_owned(),
            }),
        }
    }

    fn application_outside(&self, entity: &EntityUID) -> bool {
        let id = entity.eid.as_str();
        match &self.resource {
            ResourceScope::Application(application) | ResourceScope::Route(application, _) => application != id,
            ResourceScope::Document | ResourceScope::Nowhere => false,
        }
    }

    fn route_outside(&self, entity: &EntityUID) -> bool {
        let Some((of, name)) = entity.eid.split_once('/') else { return false };
        match &self.resource {
            ResourceScope::Application(application) => application != of,
            ResourceScope::Route(application, route) => application != of || route != name,
            ResourceScope::Document | ResourceScope::Nowhere => false,
        }
    }

    fn no_members(&mut self, entity: &EntityUID, help: &str) {
        self.impossible_membership(entity, format!("`{entity}` has no members other than itself"), help.to_owned());
    }

    fn impossible_membership(&mut self, entity: &EntityUID, message: String, help: String) {
        self.breach(&entity.eid, ConfigCode::ImpossibleMembership, message, help);
    }
}
