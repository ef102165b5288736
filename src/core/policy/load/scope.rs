//! Which requests a policy's scope can match: routes, actions, kinds of principals.
//!
//! Serves the load. The answer is never too small: Cedar judges the scope again at each decision.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use cedar_policy::pst::{ActionConstraint, Effect, EntityOrSlot, PrincipalConstraint, ResourceConstraint, Template};

use super::names::Names;
use crate::policy::PolicyDocument;
use crate::policy::kinds::{Actions, PrincipalKind, ResourceScope};
use crate::provider::ProviderName;
use crate::request::{Action, Ambiguity, PathTemplate};
use crate::route::{PEER_EVIDENCE, Requires};

/// The evidence that a route requires, and the actions of its requests. Routes with equal requirements are kept once. A
/// required workload is in the list of devices by the word of the configuration, `peer`, because policies may take it for
/// granted just as a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RouteRequirements<'a> {
    issuer: Option<&'a ProviderName>,
    devices: Vec<&'a str>,
    actions: Actions,
}

impl<'a> RouteRequirements<'a> {
    fn of(requires: &'a Requires, actions: Actions) -> Self {
        let mut devices: Vec<&str> = requires.devices.iter().map(ProviderName::as_str).collect();
        devices.extend(requires.peer.then_some(PEER_EVIDENCE));
        devices.sort_unstable();
        Self { issuer: requires.issuer.as_ref(), devices, actions }
    }

    fn has_peer(&self) -> bool {
        self.devices.contains(&PEER_EVIDENCE)
    }
}

/// The routes that a scope can match, and what they have in common.
#[derive(Debug)]
pub(in crate::policy) struct ScopeRoutes<'a> {
    /// By what each route requires.
    required: BTreeSet<RouteRequirements<'a>>,
    /// By what a policy may take for granted: that of the route where the scope names one, else its application's.
    granted: BTreeSet<RouteRequirements<'a>>,
    /// The actions of its requests.
    pub actions: Actions,
    /// Path parameters that every route has.
    pub in_every_route: BTreeSet<&'a str>,
    /// Path parameters that some route has.
    pub in_some_route: BTreeSet<&'a str>,
    /// The paths of routes that end with a tail.
    pub tails: Vec<&'a PathTemplate>,
    /// Ambiguous spellings that some route accepts in its path.
    pub encoded: BTreeSet<Ambiguity>,
}

impl<'a> ScopeRoutes<'a> {
    fn of(resource: &ResourceScope, document: &'a PolicyDocument, names: Names<'a>) -> Self {
        let mut routes = Self {
            required: BTreeSet::new(),
            granted: BTreeSet::new(),
            actions: Actions::default(),
            in_every_route: BTreeSet::new(),
            in_some_route: BTreeSet::new(),
            tails: Vec::new(),
            encoded: BTreeSet::new(),
        };
        let matching = names
            .applications_of(document)
            .flat_map(|application| application.routes.iter().map(move |route| (application, route)))
            .filter(|(application, route)| match resource {
                ResourceScope::Document => true,
                ResourceScope::Application(name) => application.name == *name,
                ResourceScope::Route(name, own) => application.name == *name && route.name == *own,
                ResourceScope::Nowhere => false,
            });
        for (number, (application, route)) in matching.enumerate() {
            let actions = Actions::of_route(route);
            let granted =
                if matches!(resource, ResourceScope::Route(..)) { &route.requires } else { &application.requires };
            routes.required.insert(RouteRequirements::of(&route.requires, actions));
            routes.granted.insert(RouteRequirements::of(granted, actions));
            routes.actions = routes.actions.or(actions);
            let parameters: BTreeSet<&str> = route.path.parameters().collect();
            routes.in_some_route.extend(&parameters);
            routes.tails.extend(route.path.tail().map(|_| &route.path));
            routes.encoded.extend(&route.encoded);
            if number == 0 {
                routes.in_every_route = parameters;
            } else {
                routes.in_every_route.retain(|name| parameters.contains(name));
            }
        }
        routes
    }
}

/// The routes of one document's scopes, by resource: many policies share them.
#[derive(Debug, Default)]
pub(in crate::policy) struct ScopeRoutesCache<'a>(HashMap<ResourceScope, Rc<ScopeRoutes<'a>>>);

/// What a scope can match.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Scope<'a> {
    /// The resource part.
    pub resource: ResourceScope,
    /// Its routes.
    pub routes: Rc<ScopeRoutes<'a>>,
    /// The action part.
    pub actions: Actions,
    /// The principal part.
    pub kinds: BTreeSet<PrincipalKind>,
    /// The principal part names no one, so that Anonymous is among the kinds of a forbid without being named.
    pub everyone: bool,
}

impl<'a> Scope<'a> {
    /// Reads the scope of a policy.
    pub(in crate::policy) fn of(
        body: &Template,
        document: &'a PolicyDocument,
        names: Names<'a>,
        routes_cache: &mut ScopeRoutesCache<'a>,
    ) -> Self {
        let resource = resource(&body.resource);
        let routes = routes_cache.0.entry(resource.clone());
        Self {
            routes: routes.or_insert_with_key(|resource| Rc::new(ScopeRoutes::of(resource, document, names))).clone(),
            actions: actions(&body.action),
            kinds: kinds(body, names),
            everyone: matches!(body.principal, PrincipalConstraint::Any),
            resource,
        }
    }

    /// The kinds that reach the scope under what the policy may take for granted.
    pub(in crate::policy) fn kinds_granted(&self, names: Names<'a>) -> BTreeSet<PrincipalKind> {
        self.kinds_by(&self.routes.granted, names)
    }

    /// The kinds that reach the scope at all.
    pub(in crate::policy) fn kinds_reaching(&self, names: Names<'a>) -> BTreeSet<PrincipalKind> {
        self.kinds_by(&self.routes.required, names)
    }

    fn kinds_by(&self, requirements: &BTreeSet<RouteRequirements<'a>>, names: Names<'a>) -> BTreeSet<PrincipalKind> {
        let mut found = BTreeSet::new();
        for required in requirements {
            for action in required.actions.iter().filter(|action| self.actions.holds(*action)) {
                found.extend(names.kinds_reaching(required.issuer, required.has_peer(), action));
            }
        }
        found.intersection(&self.kinds).copied().collect()
    }

    /// Whether a caller of this kind, without a token, reaches it by anything but a preflight.
    pub(in crate::policy) fn asks_without_token(&self, kind: PrincipalKind) -> bool {
        let reaches = |required: &&RouteRequirements<'_>| {
            required.issuer.is_none() && !(required.has_peer() && kind == PrincipalKind::Anonymous)
        };
        !kind.has_token()
            && self.routes.required.iter().filter(reaches).any(|required| {
                required.actions.iter().any(|action| action != Action::Preflight && self.actions.holds(action))
            })
    }

    /// The devices that the policy may take for granted, and `peer` where the workload is.
    pub(in crate::policy) fn devices_granted(&self) -> BTreeSet<String> {
        in_all(&self.routes.granted)
    }

    /// The devices that every route requires, and `peer` where every route requires a workload.
    pub(in crate::policy) fn devices_required(&self) -> BTreeSet<String> {
        in_all(&self.routes.required)
    }

    /// Whether it matches wherever the other does, the kinds of principals left aside.
    pub(in crate::policy) fn covers(&self, own: &Template, other: &Self, theirs: &Template) -> bool {
        let principals = matches!(own.principal, PrincipalConstraint::Any | PrincipalConstraint::Is(_))
            || own.principal == theirs.principal;
        let places = self.resource == ResourceScope::Document
            || self.resource == other.resource
            || matches!((&self.resource, &other.resource), (ResourceScope::Application(own), ResourceScope::Route(theirs, _)) if own == theirs);
        principals && places && self.actions.covers(other.actions)
    }
}

impl ResourceScope {
    /// Whether some route can be in both.
    pub(in crate::policy) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nowhere, _) | (_, Self::Nowhere) => false,
            (Self::Document, _) | (_, Self::Document) => true,
            (Self::Application(one), Self::Application(other) | Self::Route(other, _))
            | (Self::Route(one, _), Self::Application(other)) => one == other,
            (Self::Route(..), Self::Route(..)) => self == other,
        }
    }
}

/// The devices in all requirements.
fn in_all(requirements: &BTreeSet<RouteRequirements<'_>>) -> BTreeSet<String> {
    let first = requirements.first().map(|required| required.devices.as_slice()).unwrap_or_default();
    let everywhere =
        first.iter().filter(|device| requirements.iter().all(|required| required.devices.contains(device)));
    everywhere.map(|device| (*device).to_owned()).collect()
}

fn resource(constraint: &ResourceConstraint) -> ResourceScope {
    let entity = match constraint {
        ResourceConstraint::Any => return ResourceScope::Document,
        ResourceConstraint::Is(entity_type) => {
            return if entity_type.to_string() == "Route" { ResourceScope::Document } else { ResourceScope::Nowhere };
        }
        ResourceConstraint::IsIn(entity_type, _) if entity_type.to_string() != "Route" => {
            return ResourceScope::Nowhere;
        }
        ResourceConstraint::Eq(EntityOrSlot::Entity(entity)) if entity.ty.to_string() != "Route" => {
            return ResourceScope::Nowhere;
        }
        ResourceConstraint::Eq(entity) | ResourceConstraint::In(entity) | ResourceConstraint::IsIn(_, entity) => entity,
    };
    let EntityOrSlot::Entity(entity) = entity else { return ResourceScope::Nowhere };
    match (entity.ty.to_string().as_str(), entity.eid.split_once('/')) {
        ("Application", _) => ResourceScope::Application(entity.eid.to_string()),
        ("Route", Some((application, route))) => ResourceScope::Route(application.to_owned(), route.to_owned()),
        _ => ResourceScope::Nowhere,
    }
}

fn actions(constraint: &ActionConstraint) -> Actions {
    match constraint {
        ActionConstraint::Any => Actions::all(),
        ActionConstraint::Eq(entity) => Actions::exactly(&entity.eid),
        ActionConstraint::In(entities) => {
            entities.iter().fold(Actions::default(), |found, entity| found.or(Actions::of_name(&entity.eid)))
        }
    }
}

fn kinds(body: &Template, names: Names<'_>) -> BTreeSet<PrincipalKind> {
    let of_type = |entity_type: &str| names.kind_of_type(entity_type).into_iter().collect::<BTreeSet<_>>();
    let within = |entity: &EntityOrSlot| {
        let EntityOrSlot::Entity(entity) = entity else { return BTreeSet::new() };
        names.members(entity).unwrap_or_default()
    };
    match &body.principal {
        // Who presents nothing gets nothing by a permit for everybody: it must name them.
        PrincipalConstraint::Any => names
            .vocabulary
            .kinds()
            .filter(|kind| body.effect == Effect::Forbid || *kind != PrincipalKind::Anonymous)
            .collect(),
        PrincipalConstraint::Is(entity_type) => of_type(&entity_type.to_string()),
        PrincipalConstraint::Eq(EntityOrSlot::Entity(entity)) => of_type(&entity.ty.to_string()),
        PrincipalConstraint::Eq(EntityOrSlot::Slot(_)) => BTreeSet::new(),
        PrincipalConstraint::In(entity) => within(entity),
        PrincipalConstraint::IsIn(entity_type, entity) => {
            let typed = of_type(&entity_type.to_string());
            typed.intersection(&within(entity)).copied().collect()
        }
    }
}
