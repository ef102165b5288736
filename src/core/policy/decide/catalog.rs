//! The entities of a configuration: types of principals, actions, routes, and what each group is in.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::policy::Vocabulary;
use crate::policy::kinds::{ANONYMOUS_TYPE, Actions, GROUP, PrincipalKind, WORKLOAD_TYPE};
use crate::policy::program::entity::{Entity, EntityTypes, TypeId};
use crate::policy::program::value::{Set, Value};
use crate::profile::{DeviceMapping, mappings};
use crate::provider::ProviderName;
use crate::route::{AttributeValue, RouteMatch};

/// Entities that are the same for every request, and the types of the others.
#[derive(Debug)]
pub(in crate::policy) struct Catalog {
    /// `Anonymous`
    pub anonymous: TypeId,
    /// `Workload`, where there can be any.
    pub workload: Option<TypeId>,
    /// `Action`
    pub action: TypeId,
    /// `Application`
    pub application: TypeId,
    /// `Route`
    pub route: TypeId,
    issuers: HashMap<ProviderName, IssuerTypes>,
    groups: Memberships,
    routes: HashMap<String, HashMap<String, RouteEntity>>,
    /// The types.
    pub types: EntityTypes,
    /// Which facts are members of `context.device`, for each provider that fills any.
    mappings: Vec<(ProviderName, DeviceMapping)>,
}

/// Groups that are in others, each with all that it is in by any number of steps.
pub(in crate::policy) type Memberships = Vec<(Entity<'static>, Vec<Entity<'static>>)>;

/// The types of the principals of one issuer.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct IssuerTypes {
    /// Their kind.
    pub kind: PrincipalKind,
    /// The type of the principals.
    pub principal: TypeId,
    /// The type of their groups.
    pub group: TypeId,
}

/// A route as policies see it.
#[derive(Debug)]
pub(in crate::policy) struct RouteEntity {
    /// Its id.
    pub id: String,
    /// Its attributes, in the order of their names.
    pub attributes: Vec<Value<'static>>,
    actions: Actions,
}

impl Catalog {
    /// Prepares the entities of a configuration; `None` if a type that it needs is not in the table.
    pub(in crate::policy) fn compile(
        vocabulary: Vocabulary<'_>,
        types: EntityTypes,
        mut groups: Memberships,
    ) -> Option<Self> {
        let mut issuers = HashMap::new();
        for (place, issuer) in vocabulary.issuers.iter().enumerate() {
            let kind = PrincipalKind::Issuer(place);
            let principal = types.id(&vocabulary.principal_type(kind))?;
            let group = types.id(&format!("{}::{GROUP}", issuer.profile.name))?;
            issuers.insert(issuer.profile.name.clone(), IssuerTypes { kind, principal, group });
        }
        let routes = vocabulary.router.applications.iter().map(|application| {
            let routes = application.routes.iter().map(|route| {
                let id = format!("{}/{}", application.name, route.name);
                let attributes = route.attributes.iter().map(value).collect();
                (route.name.clone(), RouteEntity { id, attributes, actions: Actions::of_route(route) })
            });
            (application.name.clone(), routes.collect())
        });
        groups.sort_unstable();
        Some(Self {
            anonymous: types.id(ANONYMOUS_TYPE)?,
            workload: types.id(WORKLOAD_TYPE),
            action: types.id("Action")?,
            application: types.id("Application")?,
            route: types.id("Route")?,
            issuers,
            groups,
            routes: routes.collect(),
            types,
            mappings: mappings(vocabulary.issuers, vocabulary.devices)
                .map(|(provider, mapping)| (provider.clone(), mapping.clone()))
                .collect(),
        })
    }

    /// The types of an issuer's principals.
    pub(in crate::policy) fn issuer(&self, name: &ProviderName) -> Option<IssuerTypes> {
        self.issuers.get(name).copied()
    }

    /// The route, if it has the action of the request.
    pub(in crate::policy) fn route_of(&self, found: &RouteMatch<'_>) -> Option<&RouteEntity> {
        let route = self.routes.get(&found.application.name)?.get(&found.route.name)?;
        route.actions.holds(found.action).then_some(route)
    }

    /// Which facts are members of `context.device`, for each provider that fills any.
    pub(in crate::policy) fn mappings(&self) -> impl Iterator<Item = (&ProviderName, &DeviceMapping)> + Clone {
        self.mappings.iter().map(|(provider, mapping)| (provider, mapping))
    }

    /// The groups that are in others, in order.
    pub(in crate::policy) fn groups(&self) -> &Memberships {
        &self.groups
    }

    /// Everything that a group is in.
    pub(in crate::policy) fn above(&self, group: &Entity<'_>) -> &[Entity<'static>] {
        let place = self.groups.binary_search_by(|(known, _)| known.cmp(group));
        place.ok().and_then(|place| self.groups.get(place)).map_or(&[], |(_, above)| above)
    }
}

/// The value of an attribute as policies read it.
fn value(value: &AttributeValue) -> Value<'static> {
    let string = |text: &String| Value::String(Cow::Owned(text.clone()));
    match value {
        AttributeValue::String(text) => string(text),
        AttributeValue::Long(number) => Value::Long(*number),
        AttributeValue::Bool(truth) => Value::Bool(*truth),
        AttributeValue::Strings(texts) => Value::Set(Set::sorted(texts.iter().map(string).collect())),
    }
}
