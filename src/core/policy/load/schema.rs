//! The Cedar schema of one environment: one kind of principal, with what is certain to be there.
//!
//! Serves the load. Schemas are made as JSON, for Cedar to read, and kept: many policies share an environment.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{Schema, SchemaError, Validator};
use serde_json::{Map, Value, json};

use super::names::{ANONYMOUS_TYPE, Actions, Kind, Names};
use crate::policy::context::{PEER_FACTS, REQUEST_FACTS, RequestFact, RequestType};
use crate::profile::{FactField, FactType};
use crate::request::Action;

/// What a policy is validated against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::policy) struct Environment {
    /// Whose principals.
    pub kind: Kind,
    /// Devices whose records are certain to be there.
    pub devices: BTreeSet<String>,
    /// Actions that apply; the context is the same for all, so that one speaks for all where a condition reads none.
    pub actions: Actions,
    /// Path parameters, and whether they are certain to be there.
    pub parameters: BTreeMap<String, bool>,
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
                let schema = Schema::from_json_value(schema(environment, names)).map_err(Box::new)?;
                Ok(open.insert(Validator::new(schema)))
            }
        }
    }
}

fn schema(environment: &Environment, names: Names<'_>) -> Value {
    let mut namespaces = Map::new();
    for (place, issuer) in names.vocabulary.issuers.iter().enumerate() {
        let group_of = |place: &usize| {
            names.vocabulary.issuers.get(*place).map(|issuer| format!("{}::Group", issuer.profile.name))
        };
        let above: Vec<String> = names.groups.issuers_above(place).iter().filter_map(group_of).collect();
        let own = format!("{}::Group", issuer.profile.name);
        let types = json!({
            issuer.principal.entity_type.as_str(): { "memberOfTypes": [own] },
            "Group": { "memberOfTypes": above },
        });
        namespaces.insert(issuer.profile.name.to_string(), json!({ "entityTypes": types, "actions": {} }));
    }
    let types = json!({
        ANONYMOUS_TYPE: {},
        "Application": {},
        "Route": { "memberOfTypes": ["Application"] },
    });
    namespaces.insert(String::new(), json!({ "entityTypes": types, "actions": actions(environment, names) }));
    Value::Object(namespaces)
}

fn actions(environment: &Environment, names: Names<'_>) -> Value {
    let applies = json!({
        "principalTypes": [names.principal_type(environment.kind)],
        "resourceTypes": ["Route"],
        "context": context(environment, names),
    });
    let mut actions = Map::new();
    for action in Action::all() {
        let mut declared = Map::new();
        if let Some(group) = action.group() {
            declared.insert("memberOf".to_owned(), json!([{ "id": group }]));
        }
        if environment.actions.holds(action) {
            declared.insert("appliesTo".to_owned(), applies.clone());
        }
        actions.insert(action.name().to_owned(), Value::Object(declared));
    }
    Value::Object(actions)
}

fn context(environment: &Environment, names: Names<'_>) -> Value {
    let mut members = Map::new();
    let parameters = environment.parameters.iter().map(|(name, certain)| (name.as_str(), string(*certain)));
    let request = REQUEST_FACTS.iter().map(|fact| (fact.name, request_fact(fact)));
    let request = record(request.chain([("path_parameters", record(parameters))]));
    members.insert("http_request".to_owned(), request);
    members.insert("now".to_owned(), json!({ "type": "Long" }));
    let mut peer = record(PEER_FACTS.map(|name| (name, string(false))));
    set_required(&mut peer, false);
    members.insert("peer".to_owned(), peer);
    if let Some(issuer) = names.issuer(environment.kind) {
        members.insert(issuer.profile.name.to_string(), facts(&issuer.profile.facts, []));
        for device in names.vocabulary.devices {
            let own = [("bound", json!({ "type": "Boolean" })), ("age", json!({ "type": "Long" }))];
            let mut known = facts(&device.profile.facts, own);
            set_required(&mut known, environment.devices.contains(device.profile.name.as_str()));
            members.insert(device.profile.name.to_string(), known);
        }
    }
    json!({ "type": "Record", "attributes": members })
}

fn request_fact(fact: &RequestFact) -> Value {
    let mut member = match fact.of {
        RequestType::String => json!({ "type": "String" }),
        RequestType::Long => json!({ "type": "Long" }),
        RequestType::Ip => json!({ "type": "Extension", "name": "ipaddr" }),
    };
    set_required(&mut member, fact.certain);
    member
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
        FactType::Long | FactType::LongOrText => json!({ "type": "Long" }),
        FactType::Bool | FactType::BoolOrText => json!({ "type": "Boolean" }),
        FactType::Ip => json!({ "type": "Extension", "name": "ipaddr" }),
        FactType::List(element) | FactType::ListOrSingle(element) => {
            json!({ "type": "Set", "element": fact_type(element) })
        }
        FactType::Scopes => json!({ "type": "Set", "element": { "type": "String" } }),
        FactType::Record(fields) => facts(fields, []),
    }
}
