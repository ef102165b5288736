//! Conditions of policies with the route and the action of one place written in, and groups in groups written out.

use std::str::FromStr as _;
use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, EntityType, EntityUID, Expr, Literal, Var};
use cedar_policy::{EntityId, EntityTypeName, EntityUid};

use super::device::DeviceTerms;
use super::merge::Guards;
use super::terms::{EMPTY_SET, all, any, has, literal, long, parameter, string, truth};
use super::{NoQuestion, Place};
use crate::policy::load::groups::Groups;
use crate::policy::load::implied::member;
use crate::policy::load::names::context_path;
use crate::profile::DEVICE_RECORD;
use crate::route::{Attribute, AttributeValue};

/// What conditions are rewritten for.
pub(super) struct Rewriting<'a> {
    /// The entity type of the principal.
    pub principal: &'a str,
    /// The type of the groups that its tokens name.
    pub group: Option<String>,
    /// The hierarchy of groups.
    pub groups: &'a Groups,
    /// The place.
    pub place: Place<'a>,
    /// The entities of the place.
    pub entities: PlaceEntities,
    /// The attributes of all routes.
    pub attributes: &'a [Attribute],
    /// The number of the side, and whether the sides are two routes: then each has parameters of its own.
    pub side: (usize, bool),
    /// The facts that this configuration requires of a record, where the other does not.
    pub guards: &'a Guards,
    /// The facts that fill `context.device`.
    pub device: DeviceTerms<'a>,
}

/// The entities of a place.
pub(super) struct PlaceEntities {
    route: EntityUID,
    application: EntityUID,
    action: EntityUID,
    action_group: Option<EntityUID>,
}

impl PlaceEntities {
    /// Names them.
    pub(super) fn of(place: Place<'_>) -> Result<Self, NoQuestion> {
        let entity = |of: &str, id: &str| {
            let of = EntityTypeName::from_str(of).map_err(|fault| NoQuestion::Cedar(fault.to_string()))?;
            Ok(EntityUid::from_type_name_and_id(of, EntityId::new(id)).into())
        };
        Ok(Self {
            route: entity("Route", &format!("{}/{}", place.application.name, place.route.name))?,
            application: entity("Application", &place.application.name)?,
            action: entity("Action", place.action.name())?,
            action_group: place.action.group().map(|group| entity("Action", group)).transpose()?,
        })
    }
}

impl Rewriting<'_> {
    /// The condition for this place.
    pub(super) fn condition(&self, expression: &Arc<Expr>) -> Arc<Expr> {
        let again = |part: &Arc<Expr>| self.condition(part);
        let rewritten = match expression.as_ref() {
            Expr::Var(Var::Action) => return literal(self.entities.action.clone()),
            Expr::Var(Var::Resource) => return literal(self.entities.route.clone()),
            Expr::BinaryOp { op: BinaryOp::In, left, right } => return self.is_in(left, &named(right)),
            Expr::Is { expr, entity_type, in_expr } => {
                let is = truth(self.is_of(expr, entity_type));
                let within = in_expr.iter().map(|within| self.is_in(expr, &named(within)));
                return all(core::iter::once(is).chain(within));
            }
            Expr::BinaryOp { op: op @ (BinaryOp::Eq | BinaryOp::NotEq), left, right } => {
                return self.compared(*op, left, right);
            }
            Expr::GetAttr { expr, attr } if is_resource(expr) => return self.attribute(attr),
            Expr::GetAttr { .. } if in_device(expression).is_some() => {
                return self.device.value(&in_device(expression).unwrap_or_default());
            }
            Expr::HasAttr { expr, .. } if is_resource(expr) => return truth(true),
            Expr::HasAttr { expr, attrs } => return self.presence(expr, attrs.iter().map(|name| name.as_str())),
            Expr::GetAttr { expr, attr } if is_parameters(expr) => {
                let attr = parameter(attr, self.side.0, self.side.1).into();
                Expr::GetAttr { expr: Arc::clone(expr), attr }
            }
            Expr::GetAttr { expr, attr } => Expr::GetAttr { expr: again(expr), attr: attr.clone() },
            Expr::UnaryOp { op, expr } => Expr::UnaryOp { op: *op, expr: again(expr) },
            Expr::BinaryOp { op, left, right } => Expr::BinaryOp { op: *op, left: again(left), right: again(right) },
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                Expr::IfThenElse { cond: again(cond), then_expr: again(then_expr), else_expr: again(else_expr) }
            }
            Expr::Like { expr, pattern } => Expr::Like { expr: again(expr), pattern: pattern.clone() },
            Expr::Set(elements) => Expr::Set(elements.iter().map(again).collect()),
            Expr::Record(members) => {
                Expr::Record(members.iter().map(|(name, value)| (name.clone(), again(value))).collect())
            }
            _ => return Arc::clone(expression),
        };
        Arc::new(rewritten)
    }

    /// `principal == entity`.
    pub(super) fn is(&self, entity: &EntityUID) -> Arc<Expr> {
        if entity.ty.to_string() != self.principal {
            return truth(false);
        }
        let (left, right) = (Arc::new(Expr::Var(Var::Principal)), literal(entity.clone()));
        Arc::new(Expr::BinaryOp { op: BinaryOp::Eq, left, right })
    }

    /// `principal in entity`: itself, or one of the groups that a token can name and that are in it.
    pub(super) fn principal_in(&self, entity: &EntityUID) -> Arc<Expr> {
        if entity.ty.to_string() == self.principal {
            return self.is(entity);
        }
        let below = self.groups.within(entity).into_iter();
        let nameable = below.filter(|group| Some(group.ty.to_string()) == self.group);
        any(nameable.map(|group| {
            let (left, right) = (Arc::new(Expr::Var(Var::Principal)), literal(group));
            Arc::new(Expr::BinaryOp { op: BinaryOp::In, left, right })
        }))
    }

    /// Whether the resource is the entity or in it.
    pub(super) fn resource_in(&self, entity: &EntityUID) -> bool {
        *entity == self.entities.route || *entity == self.entities.application
    }

    /// Whether the resource is the entity.
    pub(super) fn is_resource(&self, entity: &EntityUID) -> bool {
        *entity == self.entities.route
    }

    /// Whether the action is the entity.
    pub(super) fn is_action(&self, entity: &EntityUID) -> bool {
        *entity == self.entities.action
    }

    /// Whether the action is the entity or in it.
    pub(super) fn action_in(&self, entity: &EntityUID) -> bool {
        *entity == self.entities.action || Some(entity) == self.entities.action_group.as_ref()
    }

    fn is_of(&self, expression: &Expr, entity_type: &EntityType) -> bool {
        let of = match expression {
            Expr::Var(Var::Principal) => self.principal,
            Expr::Var(Var::Action) => "Action",
            _ => "Route",
        };
        entity_type.to_string() == of
    }

    fn is_in(&self, left: &Expr, entities: &[&EntityUID]) -> Arc<Expr> {
        any(entities.iter().map(|entity| match left {
            Expr::Var(Var::Principal) => self.principal_in(entity),
            Expr::Var(Var::Action) => truth(self.action_in(entity)),
            _ => truth(self.resource_in(entity)),
        }))
    }

    /// `==` or `!=`; two entities that are known are compared here.
    fn compared(&self, op: BinaryOp, left: &Arc<Expr>, right: &Arc<Expr>) -> Arc<Expr> {
        let (left, right) = (self.condition(left), self.condition(right));
        if let (Expr::Literal(Literal::EntityUID(one)), Expr::Literal(Literal::EntityUID(other))) =
            (left.as_ref(), right.as_ref())
        {
            return truth((one == other) == (op == BinaryOp::Eq));
        }
        Arc::new(Expr::BinaryOp { op, left, right })
    }

    fn attribute(&self, name: &str) -> Arc<Expr> {
        let place = self.attributes.iter().position(|attribute| attribute.name == name);
        match place.and_then(|place| self.place.route.attributes.get(place)) {
            Some(AttributeValue::String(text)) => string(text),
            Some(AttributeValue::Long(number)) => long(*number),
            Some(AttributeValue::Bool(value)) => truth(*value),
            Some(AttributeValue::Strings(texts)) if !texts.is_empty() => {
                Arc::new(Expr::Set(texts.iter().map(|text| string(text)).collect()))
            }
            // Load has checked that each route has each attribute that a policy reads.
            Some(AttributeValue::Strings(_)) | None => member(&[EMPTY_SET.to_owned()]),
        }
    }

    /// `has` of a path, step by step, each with the facts that the configuration requires of what is there.
    fn presence<'n>(&self, of: &'n Arc<Expr>, names: impl Iterator<Item = &'n str>) -> Arc<Expr> {
        let Some(base) = context_path(of) else { return truth(false) };
        let whole: Vec<&str> = base.iter().copied().chain(names).collect();
        if let Some((&DEVICE_RECORD, inside)) = whole.split_first() {
            return self.device.presence(inside);
        }
        let names = whole.get(base.len()..).unwrap_or_default().iter().copied();
        let mut path: Vec<String> = base.into_iter().map(str::to_owned).collect();
        let mut steps = Vec::new();
        for name in names {
            // The route has the parameter, or it has not.
            let is_parameter = path.iter().map(String::as_str).eq(PARAMETERS);
            if is_parameter {
                steps.push(truth(self.place.route.path.parameters().any(|own| own == name)));
                continue;
            }
            steps.push(has(&path, name));
            path.push(name.to_owned());
            steps.extend(self.guards.inside(&path));
        }
        all(steps)
    }
}

/// The path of the record of the path's parameters.
const PARAMETERS: [&str; 2] = ["http_request", "path_parameters"];

fn is_parameters(expression: &Expr) -> bool {
    context_path(expression).is_some_and(|path| path == PARAMETERS)
}

/// The path inside `context.device` that an expression reads.
fn in_device(expression: &Expr) -> Option<Vec<&str>> {
    let path = context_path(expression)?;
    path.strip_prefix(&[DEVICE_RECORD]).map(<[&str]>::to_vec)
}

fn is_resource(expression: &Expr) -> bool {
    matches!(expression, Expr::Var(Var::Resource))
}

fn named(expression: &Expr) -> Vec<&EntityUID> {
    match expression {
        Expr::Literal(Literal::EntityUID(entity)) => vec![entity],
        Expr::Set(elements) => elements.iter().flat_map(|element| named(element)).collect(),
        _ => Vec::new(),
    }
}
