//! Identity and request as a Cedar request with its entities.
//!
//! Everything is built through Cedar's API, value by value; no text of a request is ever joined into Cedar text, so
//! an id that holds `"` or `::` is only ever an id.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression};

use super::device::device_record;
use crate::identity::{DeviceEvidence, Identity, Principal, SenderConstraint, VerifiedPrincipal};
use crate::policy::context::{self, ContextFact, ContextMember, ContextValue, DEVICE_FACTS, RequestFacts};
use crate::policy::kinds::{ANONYMOUS_ID, Actions, PrincipalKind, WORKLOAD_TYPE};
use crate::policy::load::groups::Groups;
use crate::policy::load::names::Names;
use crate::profile::{DEVICE_RECORD, DeviceMapping, FactRecord, FactValue, mappings};
use crate::provider::ProviderName;
use crate::request::Action;
use crate::route::{AttributeValue, PEER_EVIDENCE, Route, RouteMatch};
use crate::time::UnixSeconds;

/// Entities that are the same for every request, and the types of the others.
#[derive(Debug)]
pub(in crate::policy) struct EntityCatalog {
    anonymous: EntityUid,
    workload: EntityTypeName,
    issuers: HashMap<ProviderName, IssuerTypes>,
    groups: Groups,
    actions: HashMap<Action, (EntityUid, Vec<Entity>)>,
    routes: HashMap<String, HashMap<String, (EntityUid, Vec<Entity>)>>,
    mappings: Vec<(ProviderName, DeviceMapping)>,
}

#[derive(Debug)]
struct IssuerTypes {
    kind: PrincipalKind,
    principal: EntityTypeName,
    group: EntityTypeName,
}

/// A request in Cedar's terms.
#[derive(Debug)]
pub(in crate::policy) struct CedarRequest {
    /// The kind of its principal.
    pub kind: PrincipalKind,
    /// The principal and every group that it is in.
    pub memberships: BTreeSet<EntityUid>,
    /// The request.
    pub request: Request,
    /// Its entities.
    pub entities: Entities,
    /// Devices whose facts are in the context, and `peer` where a workload is.
    pub devices: HashSet<ProviderName>,
}

/// The configuration cannot express the identity or the request. It does not happen with values that the earlier steps
/// build; if it does, the request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct NotExpressible;

fn named<T, E>(result: Result<T, E>) -> Result<T, NotExpressible> {
    result.map_err(|_| NotExpressible)
}

fn uid(entity_type: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(entity_type.clone(), EntityId::new(id))
}

impl EntityCatalog {
    /// Prepares the entities of a configuration.
    ///
    /// # Errors
    /// If a name in the configuration is not a valid Cedar name.
    pub(in crate::policy) fn compile(names: Names<'_>) -> Result<Self, NotExpressible> {
        let type_name = |text: &str| named(EntityTypeName::from_str(text));
        let (action_type, route_type, application_type) =
            (type_name("Action")?, type_name("Route")?, type_name("Application")?);
        let mut issuers = HashMap::new();
        for (place, issuer) in names.vocabulary.issuers.iter().enumerate() {
            let kind = PrincipalKind::Issuer(place);
            let types = IssuerTypes {
                kind,
                principal: type_name(&names.vocabulary.principal_type(kind))?,
                group: type_name(&format!("{}::Group", issuer.profile.name))?,
            };
            issuers.insert(issuer.profile.name.clone(), types);
        }
        let actions = Action::all().map(|action| {
            let own = uid(&action_type, action.name());
            let group = action.group().map(|group| uid(&action_type, group));
            let mut entities = vec![Entity::new_no_attrs(own.clone(), group.iter().cloned().collect())];
            entities.extend(group.map(Entity::with_uid));
            (action, (own, entities))
        });
        let routes = names.vocabulary.router.applications.iter().map(|application| {
            let above = uid(&application_type, &application.name);
            let routes = application.routes.iter().map(|route| {
                let own = uid(&route_type, &format!("{}/{}", application.name, route.name));
                let entity = Entity::new(own.clone(), attributes(names, route), HashSet::from([above.clone()]));
                Ok((route.name.clone(), (own, vec![named(entity)?, Entity::with_uid(above.clone())])))
            });
            Ok((application.name.clone(), routes.collect::<Result<_, NotExpressible>>()?))
        });
        Ok(Self {
            anonymous: uid(&type_name(&names.vocabulary.principal_type(PrincipalKind::Anonymous))?, ANONYMOUS_ID),
            workload: type_name(WORKLOAD_TYPE)?,
            issuers,
            groups: names.groups.clone(),
            actions: actions.collect(),
            routes: routes.collect::<Result<_, NotExpressible>>()?,
            mappings: mappings(names.vocabulary.issuers, names.vocabulary.devices)
                .map(|(provider, mapping)| (provider.clone(), mapping.clone()))
                .collect(),
        })
    }

    /// Makes the Cedar request. The principal of a preflight is Anonymous, whatever was presented with it.
    ///
    /// # Errors
    /// See [`NotExpressible`].
    pub(in crate::policy) fn request(
        &self,
        identity: &Identity,
        request: &crate::request::Request,
        route: &RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Result<CedarRequest, NotExpressible> {
        let (asking, workload) = match route.action {
            Action::Preflight => (&Principal::Anonymous, None),
            _ => (identity.principal(), identity.workload().ok()),
        };
        let (action, action_entities) = self.actions.get(&route.action).ok_or(NotExpressible)?;
        let (resource, route_entities) = self
            .routes
            .get(&route.application.name)
            .and_then(|routes| routes.get(&route.route.name))
            .filter(|_| Actions::of_route(route.route).holds(route.action))
            .ok_or(NotExpressible)?;
        let sender_constraint = match asking {
            Principal::Verified(verified) => verified.sender_constraint,
            Principal::Anonymous | Principal::Workload(_) => SenderConstraint::Bearer,
        };
        let facts = RequestFacts { request, workload, parameters: &route.parameters, now, sender_constraint };
        let mut members = request_members(&facts)?;
        let mut entities: Vec<Entity> = action_entities.iter().chain(route_entities).cloned().collect();
        let mut devices: HashSet<ProviderName> =
            workload.map(|_| ProviderName::new(PEER_EVIDENCE)).into_iter().collect();
        let mut memberships = BTreeSet::new();
        let (kind, principal) = match asking {
            Principal::Anonymous => {
                entities.push(Entity::with_uid(self.anonymous.clone()));
                (PrincipalKind::Anonymous, self.anonymous.clone())
            }
            Principal::Workload(workload) => {
                let workload = uid(&self.workload, workload.id());
                entities.push(Entity::with_uid(workload.clone()));
                (PrincipalKind::Workload, workload)
            }
            Principal::Verified(verified) => {
                let types = self.issuers.get(&verified.issuer).ok_or(NotExpressible)?;
                members.push((verified.issuer.to_string(), record(&verified.facts, [])?));
                for (device, evidence) in identity.devices() {
                    let DeviceEvidence::Verified(device_facts) = evidence else { continue };
                    let own = DEVICE_FACTS.iter().filter_map(|fact| Some((fact.name, (fact.value)(device_facts)?)));
                    members.push((device.to_string(), record(&device_facts.facts, own)?));
                    devices.insert(device.clone());
                }
                if let Some(device) = device_record(&self.mappings, verified, identity) {
                    members.push((DEVICE_RECORD.to_owned(), record(&device, [])?));
                }
                let principal = uid(&types.principal, &verified.id);
                entities.extend(self.principal(&principal, types, verified, &mut memberships));
                (types.kind, principal)
            }
        };
        memberships.insert(principal.clone());
        let context = named(Context::from_pairs(members))?;
        let inner = named(Request::new(principal, action.clone(), resource.clone(), context, None))?;
        let entities = named(Entities::from_entities(entities, None))?;
        Ok(CedarRequest { kind, memberships, request: inner, entities, devices })
    }

    /// The principal with its groups, and those that they are in; each group is noted in `around`.
    fn principal(
        &self,
        own: &EntityUid,
        types: &IssuerTypes,
        verified: &VerifiedPrincipal,
        memberships: &mut BTreeSet<EntityUid>,
    ) -> Vec<Entity> {
        let groups: HashSet<EntityUid> = verified.groups.iter().map(|group| uid(&types.group, group)).collect();
        let mut waiting: Vec<EntityUid> = groups.iter().cloned().collect();
        memberships.extend(groups.iter().cloned());
        let mut entities = vec![Entity::new_no_attrs(own.clone(), groups)];
        while let Some(group) = waiting.pop() {
            let parents = self.groups.parents_of(&group);
            waiting.extend(parents.iter().filter(|parent| memberships.insert((*parent).clone())).cloned());
            entities.push(Entity::new_no_attrs(group, parents.iter().cloned().collect()));
        }
        entities
    }
}

/// The attributes of a route.
fn attributes(names: Names<'_>, route: &Route) -> HashMap<String, RestrictedExpression> {
    let string = |text: &String| RestrictedExpression::new_string(text.clone());
    let values = route.attributes.iter().map(|value| match value {
        AttributeValue::String(text) => string(text),
        AttributeValue::Long(number) => RestrictedExpression::new_long(*number),
        AttributeValue::Bool(truth) => RestrictedExpression::new_bool(*truth),
        AttributeValue::Strings(texts) => RestrictedExpression::new_set(texts.iter().map(string)),
    });
    names.vocabulary.router.attributes.iter().map(|attribute| attribute.name.clone()).zip(values).collect()
}

/// The members of `context` that do not hang on the identity.
fn request_members(source: &RequestFacts<'_>) -> Result<Vec<(String, RestrictedExpression)>, NotExpressible> {
    let mut members = Vec::new();
    for member in context::members() {
        match member {
            ContextMember::Fact(fact) => members.extend(values(core::slice::from_ref(fact), source)?),
            ContextMember::Record(name, facts) => {
                let known = values(facts, source)?;
                if !known.is_empty() {
                    members.push((name.to_owned(), named(RestrictedExpression::new_record(known))?));
                }
            }
        }
    }
    Ok(members)
}

/// The facts that this request has.
fn values(
    facts: &[ContextFact],
    source: &RequestFacts<'_>,
) -> Result<Vec<(String, RestrictedExpression)>, NotExpressible> {
    let values = facts.iter().filter_map(|fact| Some((fact.name.to_owned(), (fact.value)(source)?)));
    values.map(|(name, value)| Ok((name, expression(value)?))).collect()
}

fn expression(value: ContextValue<'_>) -> Result<RestrictedExpression, NotExpressible> {
    Ok(match value {
        ContextValue::String(text) => RestrictedExpression::new_string(text.into_owned()),
        ContextValue::Long(number) => RestrictedExpression::new_long(number),
        ContextValue::Bool(truth) => RestrictedExpression::new_bool(truth),
        ContextValue::Ip(address) => RestrictedExpression::new_ip(address.to_string()),
        ContextValue::PathParameters(parameters) => {
            let text = |value: &String| RestrictedExpression::new_string(value.clone());
            let members = parameters.iter().map(|(name, value)| (name.clone(), text(value)));
            named(RestrictedExpression::new_record(members))?
        }
    })
}

fn record<'a>(
    facts: &FactRecord,
    own: impl IntoIterator<Item = (&'a str, ContextValue<'a>)>,
) -> Result<RestrictedExpression, NotExpressible> {
    let mut members = Vec::new();
    for (name, fact) in facts {
        members.push((name.clone(), value(fact)?));
    }
    for (name, own) in own {
        members.push((name.to_owned(), expression(own)?));
    }
    named(RestrictedExpression::new_record(members))
}

fn value(fact: &FactValue) -> Result<RestrictedExpression, NotExpressible> {
    Ok(match fact {
        FactValue::String(value) => RestrictedExpression::new_string(value.clone()),
        FactValue::Long(value) => RestrictedExpression::new_long(*value),
        FactValue::Bool(value) => RestrictedExpression::new_bool(*value),
        FactValue::Ip(value) => RestrictedExpression::new_ip(value),
        FactValue::List(elements) => {
            let elements: Result<Vec<_>, _> = elements.iter().map(self::value).collect();
            RestrictedExpression::new_set(elements?)
        }
        FactValue::Record(members) => record(members, [])?,
    })
}
