//! What one request has for policies to read: its entities, and its facts where a policy asks for them.

use std::borrow::Cow;

use super::catalog::Catalog;
use super::facts::{Fact, FactTable};
use crate::identity::{DeviceEvidence, DeviceFacts, Identity, Principal, SenderConstraint, VerifiedPrincipal};
use crate::policy::context::{CONTEXT_FACTS, ContextValue, DEVICE_FACTS, RequestFacts};
use crate::policy::kinds::{ANONYMOUS_ID, PrincipalKind};
use crate::policy::program::entity::Entity;
use crate::policy::program::evaluate::{Facts, Fault};
use crate::policy::program::expression::{Slot, Variable};
use crate::policy::program::ip::IpRange;
use crate::policy::program::value::{Set, Value};
use crate::profile::{DeviceStatement, FactRecord, FactValue};
use crate::provider::ProviderName;
use crate::request::{Action, Request};
use crate::route::{PEER_EVIDENCE, RouteMatch};
use crate::time::UnixSeconds;

/// A request as policies see it.
#[derive(Debug)]
pub(in crate::policy) struct Asked<'r> {
    /// The kind of its principal.
    pub kind: PrincipalKind,
    principal: Entity<'r>,
    /// The principal and every group that it is in, in order, each once.
    memberships: Vec<Entity<'r>>,
    action: Entity<'r>,
    /// What the action is in.
    action_group: Option<Entity<'r>>,
    resource: Entity<'r>,
    attributes: &'r [Value<'static>],
    application: Entity<'r>,
    verified: Option<&'r VerifiedPrincipal>,
    /// What is verified of a caller with a token. Policies about any other caller see no evidence but the workload.
    identity: Option<&'r Identity>,
    catalog: &'r Catalog,
    request: RequestFacts<'r>,
    table: &'r FactTable,
}

/// The configuration cannot express the identity or the request. It does not happen with values that the earlier steps
/// build; if it does, the request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct NotExpressible;

impl<'r> Asked<'r> {
    /// Makes it. The principal of a preflight is Anonymous, whatever was presented with it.
    ///
    /// # Errors
    /// See [`NotExpressible`].
    pub(in crate::policy) fn of(
        (catalog, table): (&'r Catalog, &'r FactTable),
        identity: &'r Identity,
        request: &'r Request,
        route: &'r RouteMatch<'_>,
        now: UnixSeconds,
    ) -> Result<Self, NotExpressible> {
        let (asking, workload) = match route.action {
            Action::Preflight => (&Principal::Anonymous, None),
            _ => (identity.principal(), identity.workload().ok()),
        };
        let verified = match asking {
            Principal::Verified(verified) => Some(verified),
            Principal::Anonymous | Principal::Workload(_) => None,
        };
        let resource = catalog.route_of(route).ok_or(NotExpressible)?;
        let sender_constraint = verified.map_or(SenderConstraint::Bearer, |verified| verified.sender_constraint);
        let request = RequestFacts { request, workload, parameters: &route.parameters, now, sender_constraint };
        let (kind, principal, memberships) = match asking {
            Principal::Anonymous => {
                let anonymous = Entity::new(catalog.anonymous, ANONYMOUS_ID);
                (PrincipalKind::Anonymous, anonymous.clone(), vec![anonymous])
            }
            Principal::Workload(workload) => {
                let workload = Entity::new(catalog.workload.ok_or(NotExpressible)?, workload.id());
                (PrincipalKind::Workload, workload.clone(), vec![workload])
            }
            Principal::Verified(verified) => {
                let types = catalog.issuer(&verified.issuer).ok_or(NotExpressible)?;
                let principal = Entity::new(types.principal, &verified.id);
                let mut memberships = vec![principal.clone()];
                for group in verified.groups.iter() {
                    let group = Entity::new(types.group, group);
                    memberships.extend(catalog.above(&group).iter().map(Entity::borrowed));
                    memberships.push(group);
                }
                memberships.sort_unstable();
                memberships.dedup();
                (types.kind, principal, memberships)
            }
        };
        let asked = Self {
            kind,
            principal,
            memberships,
            action: Entity::new(catalog.action, route.action.name()),
            action_group: route.action.group().map(|group| Entity::new(catalog.action, group)),
            resource: Entity::new(catalog.route, &resource.id),
            attributes: &resource.attributes,
            application: Entity::new(catalog.application, &route.application.name),
            verified,
            identity: verified.map(|_| identity),
            catalog,
            request,
            table,
        };
        if asked.is_expressible() { Ok(asked) } else { Err(NotExpressible) }
    }

    /// The principal and every group that it is in, in order, each once.
    pub(in crate::policy) fn memberships(&self) -> &[Entity<'r>] {
        &self.memberships
    }

    /// Whether this is verified: a device, or the workload by the word for it.
    pub(in crate::policy) fn has_evidence(&self, name: &ProviderName) -> bool {
        if name.as_str() == PEER_EVIDENCE { self.request.workload.is_some() } else { self.device(name).is_some() }
    }

    /// The verified facts of a device.
    fn device(&self, provider: &ProviderName) -> Option<&'r DeviceFacts> {
        match self.identity?.devices().get(provider)? {
            DeviceEvidence::Verified(facts) => Some(facts),
            DeviceEvidence::Missing | DeviceEvidence::Disregarded { .. } | DeviceEvidence::Stale { .. } => None,
        }
    }

    /// Whether every fact has a value that policies can read, also those that no policy reads.
    fn is_expressible(&self) -> bool {
        let address = self.request.request.client_ip;
        let record = |facts: &FactRecord| facts.values().all(is_expressible);
        let device = |evidence: &DeviceEvidence| match evidence {
            DeviceEvidence::Verified(device) => {
                record(&device.facts) && DEVICE_FACTS.iter().all(|own| !device.facts.contains_key(own.name))
            }
            DeviceEvidence::Missing | DeviceEvidence::Disregarded { .. } | DeviceEvidence::Stale { .. } => true,
        };
        address.is_none_or(|address| IpRange::of_address(address).is_some())
            && self.verified.is_none_or(|verified| record(&verified.facts))
            && self.identity.is_none_or(|identity| identity.devices().values().all(device))
    }

    /// What providers say about the device.
    fn said_of_device(&self) -> impl Iterator<Item = DeviceStatement<'r>> + Clone {
        let mappings = self.catalog.mappings();
        self.identity.into_iter().flat_map(move |identity| identity.device_statements(mappings.clone()))
    }

    fn row(&self, row: usize) -> Option<ContextValue<'r>> {
        CONTEXT_FACTS.get(row).and_then(|fact| (fact.value)(&self.request))
    }

    /// What a path inside the record of a provider leads to, and how many parts of it are there, the record itself included.
    fn evidence(&self, provider: &ProviderName, path: &[String]) -> Result<(usize, Option<Found<'r>>), Fault> {
        let (mut record, device) = match (self.verified, self.device(provider)) {
            (Some(verified), _) if verified.issuer == *provider => (&*verified.facts, None),
            (_, Some(device)) => (&*device.facts, Some(device)),
            _ => return Ok((0, None)),
        };
        if let (Some(device), [name]) = (device, path)
            && let Some(own) = DEVICE_FACTS.iter().find(|own| own.name == name)
        {
            return Ok(match (own.value)(device) {
                Some(value) => (2, Some(Found::Own(value))),
                None => (1, None),
            });
        }
        let mut there = 1_usize;
        let mut parts = path.iter().peekable();
        while let Some(name) = parts.next() {
            let Some(fact) = record.get(name) else { return Ok((there, None)) };
            there = there.saturating_add(1);
            record = match fact {
                _ if parts.peek().is_none() => return Ok((there, Some(Found::Evidence(fact)))),
                FactValue::Record(inner) => inner,
                _ => return Err(Fault::Type),
            };
        }
        // The path is that of the record, which no policy that load accepts uses as a value.
        Ok((there, None))
    }
}

/// What the path of a fact leads to.
enum Found<'r> {
    /// A fact of a token.
    Evidence(&'r FactValue),
    /// What the plugin itself knows.
    Own(ContextValue<'r>),
}

impl Facts for Asked<'_> {
    fn entity(&self, variable: Variable) -> Entity<'_> {
        match variable {
            Variable::Principal => self.principal.borrowed(),
            Variable::Action => self.action.borrowed(),
            Variable::Resource => self.resource.borrowed(),
        }
    }

    fn is_in(&self, variable: Variable, group: &Entity<'_>) -> bool {
        match variable {
            Variable::Principal => self.memberships.binary_search_by(|known| known.cmp(group)).is_ok(),
            Variable::Action => self.action == *group || self.action_group.as_ref() == Some(group),
            Variable::Resource => self.resource == *group || self.application == *group,
        }
    }

    fn value(&self, slot: Slot) -> Result<Value<'_>, Fault> {
        match self.table.get(slot).ok_or(Fault::Absent)? {
            Fact::Row(row) | Fact::InRecord { row, .. } => own_value(self.row(*row).ok_or(Fault::Absent)?),
            // No policy that load accepts uses one as a value.
            Fact::Record(_) => Err(Fault::Type),
            Fact::Parameter(name) => {
                let value = self.request.parameters.get(name).ok_or(Fault::Absent)?;
                Ok(Value::String(Cow::Borrowed(value)))
            }
            Fact::Attribute { place, .. } => self.attributes.get(*place).map(Value::borrowed).ok_or(Fault::Absent),
            Fact::Evidence { provider, path } => match self.evidence(provider, path)?.1.ok_or(Fault::Absent)? {
                Found::Evidence(fact) => value(fact),
                Found::Own(own) => own_value(own),
            },
            Fact::Device(path) => path.value(self.said_of_device()),
        }
    }

    fn reach(&self, slot: Slot) -> Result<(usize, usize), Fault> {
        let is_there = |row: &usize| self.row(*row).is_some();
        Ok(match self.table.get(slot).ok_or(Fault::Absent)? {
            Fact::Row(row) => (usize::from(is_there(row)), 1),
            Fact::Record(rows) => (usize::from(rows.clone().any(|row| is_there(&row))), 1),
            Fact::InRecord { row, .. } if is_there(row) => (2, 2),
            Fact::InRecord { record, .. } => (usize::from(record.clone().any(|row| is_there(&row))), 2),
            Fact::Attribute { .. } => (1, 1),
            Fact::Parameter(name) => (if self.request.parameters.contains_key(name) { 3 } else { 2 }, 3),
            Fact::Evidence { provider, path } => (self.evidence(provider, path)?.0, path.len().saturating_add(1)),
            Fact::Device(path) => path.reach(self.said_of_device()),
        })
    }
}

/// The value of a fact that the plugin itself knows.
fn own_value(value: ContextValue<'_>) -> Result<Value<'_>, Fault> {
    Ok(match value {
        ContextValue::String(text) => Value::String(text),
        ContextValue::Long(number) => Value::Long(number),
        ContextValue::Bool(truth) => Value::Bool(truth),
        ContextValue::Ip(address) => Value::Ip(IpRange::of_address(address).ok_or(Fault::Malformed)?),
        ContextValue::PathParameters(parameters) => {
            let texts = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            Value::Record(texts.map(|(name, value)| (name.into(), Value::String(value.into()))).collect())
        }
    })
}

/// The value of a fact of a token.
fn value(fact: &FactValue) -> Result<Value<'_>, Fault> {
    Ok(match fact {
        FactValue::String(text) => Value::String(Cow::Borrowed(text)),
        FactValue::Long(number) => Value::Long(*number),
        FactValue::Bool(truth) => Value::Bool(*truth),
        FactValue::Ip(text) => Value::Ip(IpRange::parse(text).ok_or(Fault::Malformed)?),
        FactValue::List(elements) => {
            let elements: Result<_, Fault> = elements.iter().map(value).collect();
            Value::Set(Set::Listed(elements?))
        }
        FactValue::Record(members) => {
            let member = |(name, fact)| Ok((Cow::Borrowed(String::as_str(name)), value(fact)?));
            let members: Result<_, Fault> = members.iter().map(member).collect();
            Value::Record(members?)
        }
    })
}

/// Whether a fact of a token has a value that policies can read.
fn is_expressible(fact: &FactValue) -> bool {
    match fact {
        FactValue::String(_) | FactValue::Long(_) | FactValue::Bool(_) => true,
        FactValue::Ip(text) => IpRange::parse(text).is_some(),
        FactValue::List(elements) => elements.iter().all(is_expressible),
        FactValue::Record(members) => members.values().all(is_expressible),
    }
}
