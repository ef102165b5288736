//! The Cedar schema of one environment: one kind of principal, with what is certain to be there.
//!
//! Serves the load. Schemas are made as JSON, for Cedar to read, and kept: many policies share an environment.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{Schema, SchemaError, Validator};
use serde_json::{Map, Value, json};

use super::names::Names;
use crate::policy::context::{self, ContextFact, ContextMember, ContextType, DeviceFact};
use crate::policy::kinds::{Actions, GROUP, PrincipalKind};
use crate::profile::{DEVICE_RECORD, DeviceProvider, FactField, FactType, Issuer};
use crate::request::Action;
use crate::route::{AttributeType, PEER_EVIDENCE};

/// What a policy is validated against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::policy) struct Environment {
    /// Whose principals.
    pub kind: PrincipalKind,
    /// Devices whose records are certain to be there, and `peer` where the workload is.
    pub devices: BTreeSet<String>,
    /// Actions that apply; the context is the same for all, so that one speaks for all where a condition reads none.
    pub actions: Actions,
    /// Path parameters, and whether they are certain to be there.
    pub parameters: BTreeMap<String, bool>,
}

impl Environment {
    fn schema(&self, names: Names<'_>) -> Value {
        let device = names.vocabulary.device_facts_of(self.kind);
        let mut providers: Vec<ProviderRecord<'_>> = ProviderRecord::of_all_devices(&device).into_iter().collect();
        if let Some(issuer) = names.vocabulary.issuer(self.kind) {
            providers.push(ProviderRecord::of_issuer(issuer, true));
            let certain = |device: &DeviceProvider| self.devices.contains(device.name().as_str());
            let devices = names.vocabulary.devices.iter();
            providers.extend(devices.map(|device| ProviderRecord::of_device(device, certain(device))));
        }
        let context = context_type(&self.parameters, self.devices.contains(PEER_EVIDENCE), providers);
        let principals = |action| self.actions.holds(action).then_some(self.kind).into_iter().collect();
        schema(names, principals, &context)
    }
}

/// Validators by environment.
#[derive(Default)]
pub(in crate::policy) struct Schemas {
    made: HashMap<Environment, Validator>,
}

impl Schemas {
    /// The validator of an environment.
    ///
    /// # Errors
    /// Where Cedar takes no such schema, as when a principal's type has a reserved name.
    pub(in crate::policy) fn validator(
        &mut self,
        environment: &Environment,
        names: Names<'_>,
    ) -> Result<&Validator, Box<SchemaError>> {
        match self.made.entry(environment.clone()) {
            Entry::Occupied(made) => Ok(made.into_mut()),
            Entry::Vacant(open) => {
                let schema = Schema::from_json_value(environment.schema(names)).map_err(Box::new)?;
                Ok(open.insert(Validator::new(schema)))
            }
        }
    }
}

/// A schema: the same entity types everywhere, and for each action whose principals it applies to (nobody's: it does not
/// apply), with one context for all of them.
pub(in crate::policy) fn schema(
    names: Names<'_>,
    principals: impl Fn(Action) -> Vec<PrincipalKind>,
    context: &Value,
) -> Value {
    let mut namespaces = Map::new();
    for (place, issuer) in names.vocabulary.issuers.iter().enumerate() {
        let group_of = |place: &usize| {
            names.vocabulary.issuers.get(*place).map(|issuer| format!("{}::{GROUP}", issuer.profile.name))
        };
        let above: Vec<String> = names.groups.issuers_above(place).iter().filter_map(group_of).collect();
        let own = format!("{}::{GROUP}", issuer.profile.name);
        let types = json!({
            &*issuer.principal.entity_type: { "memberOfTypes": [own] },
            GROUP: { "memberOfTypes": above },
        });
        namespaces.insert(issuer.profile.name.to_string(), json!({ "entityTypes": types, "actions": {} }));
    }
    let attributes = names.vocabulary.router.attributes.iter();
    let attributes = attributes.map(|attribute| (attribute.name.as_str(), attribute_type(attribute.of)));
    let mut types = Map::new();
    for kind in names.vocabulary.kinds().filter(|kind| !kind.has_token()) {
        types.insert(names.vocabulary.principal_type(kind), json!({}));
    }
    types.insert("Application".to_owned(), json!({}));
    types.insert("Route".to_owned(), json!({ "memberOfTypes": ["Application"], "shape": record(attributes) }));
    let mut actions = Map::new();
    for action in Action::all() {
        let mut declared = Map::new();
        if let Some(group) = action.group() {
            declared.insert("memberOf".to_owned(), json!([{ "id": group }]));
        }
        let principals: Vec<String> =
            principals(action).into_iter().map(|kind| names.vocabulary.principal_type(kind)).collect();
        if !principals.is_empty() {
            let applies = json!({ "principalTypes": principals, "resourceTypes": ["Route"], "context": context });
            declared.insert("appliesTo".to_owned(), applies);
        }
        actions.insert(action.name().to_owned(), Value::Object(declared));
    }
    namespaces.insert(String::new(), json!({ "entityTypes": types, "actions": actions }));
    Value::Object(namespaces)
}

/// The record of one issuer or device, and whether it is certain to be there.
pub(in crate::policy) struct ProviderRecord<'a> {
    /// The provider's name.
    pub name: &'a str,
    /// The declared facts.
    pub facts: &'a [FactField],
    /// The facts that it has in addition.
    pub own: Vec<&'static DeviceFact>,
    /// Whether it is certain to be there.
    pub certain: bool,
}

impl<'a> ProviderRecord<'a> {
    /// Of an issuer.
    pub(in crate::policy) fn of_issuer(issuer: &'a Issuer, certain: bool) -> Self {
        Self { name: issuer.profile.name.as_str(), facts: &issuer.profile.facts, own: Vec::new(), certain }
    }

    /// Of what several of them say in one vocabulary; `None` if no provider fills a member. It is never certain to be there.
    pub(in crate::policy) fn of_all_devices(facts: &'a [FactField]) -> Option<Self> {
        (!facts.is_empty()).then_some(Self { name: DEVICE_RECORD, facts, own: Vec::new(), certain: false })
    }

    /// Of a device.
    pub(in crate::policy) fn of_device(device: &'a DeviceProvider, certain: bool) -> Self {
        Self { name: device.name().as_str(), facts: device.facts(), own: context::facts_of(device).collect(), certain }
    }
}

/// The type of `context`. `parameters` are path parameters, and whether they are certain to be there; `of_workload` is
/// whether the connection is certain to be that of a workload.
pub(in crate::policy) fn context_type<'a>(
    parameters: &BTreeMap<String, bool>,
    of_workload: bool,
    providers: impl IntoIterator<Item = ProviderRecord<'a>>,
) -> Value {
    let mut members = Map::new();
    for member in context::members() {
        let mut shape = match member {
            ContextMember::Fact(fact) => request_fact(fact, parameters, of_workload),
            ContextMember::Record(_, facts) => {
                record(facts.iter().map(|fact| (fact.name, request_fact(fact, parameters, of_workload))))
            }
        };
        set_required(&mut shape, member.is_certain(of_workload));
        members.insert(member.name().to_owned(), shape);
    }
    for provider in providers {
        let own = provider.own.iter().map(|fact| (fact.name, cedar_type(fact.of, parameters)));
        let mut shape = facts(provider.facts, own);
        set_required(&mut shape, provider.certain);
        members.insert(provider.name.to_owned(), shape);
    }
    json!({ "type": "Record", "attributes": members })
}

fn request_fact(fact: &ContextFact, parameters: &BTreeMap<String, bool>, of_workload: bool) -> Value {
    let mut member = cedar_type(fact.of, parameters);
    set_required(&mut member, fact.is_certain(of_workload));
    member
}

fn cedar_type(of: ContextType, parameters: &BTreeMap<String, bool>) -> Value {
    match of {
        ContextType::String => json!({ "type": "String" }),
        ContextType::Long => json!({ "type": "Long" }),
        ContextType::Bool => json!({ "type": "Boolean" }),
        ContextType::Ip => json!({ "type": "Extension", "name": "ipaddr" }),
        ContextType::PathParameters => {
            record(parameters.iter().map(|(name, certain)| (name.as_str(), string(*certain))))
        }
    }
}

fn attribute_type(of: AttributeType) -> Value {
    match of {
        AttributeType::String => json!({ "type": "String" }),
        AttributeType::Long => json!({ "type": "Long" }),
        AttributeType::Bool => json!({ "type": "Boolean" }),
        AttributeType::Strings => json!({ "type": "Set", "element": { "type": "String" } }),
    }
}

fn string(required: bool) -> Value {
    json!({ "type": "String", "required": required })
}

fn record<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let members: Map<String, Value> = members.into_iter().map(|(name, member)| (name.to_owned(), member)).collect();
    json!({ "type": "Record", "attributes": members })
}

fn set_required(member: &mut Value, required: bool) {
    if let Value::Object(member) = member {
        member.insert("required".to_owned(), Value::Bool(required));
    }
}

fn facts<'a>(fields: &'a [FactField], own: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let declared = fields.iter().map(|field| {
        let mut member = fact_type(&field.fact_type);
        set_required(&mut member, field.required);
        (field.name.as_str(), member)
    });
    record(declared.chain(own))
}

fn fact_type(fact: &FactType) -> Value {
    match fact {
        FactType::String => json!({ "type": "String" }),
        FactType::Long | FactType::LongOrText | FactType::NumericDate(_) => json!({ "type": "Long" }),
        FactType::Bool | FactType::BoolOrText => json!({ "type": "Boolean" }),
        FactType::Ip => json!({ "type": "Extension", "name": "ipaddr" }),
        FactType::List(element) | FactType::ListOrSingle(element) => {
            json!({ "type": "Set", "element": fact_type(element) })
        }
        FactType::Scopes => json!({ "type": "Set", "element": { "type": "String" } }),
        FactType::Record(fields) | FactType::Actor(fields) | FactType::Version(fields) => facts(fields, []),
    }
}
