//! An example as a case for `countersign test`, so that a change that was found once is looked for from then on.
//!
//! A case is printed only if `test` reads it and decides it as the configuration decides the example.

use std::net::SocketAddr;

use countersign_core::config::Plan;
use countersign_core::identity::SenderConstraint;
use countersign_core::policy::oracle::question::Caller;
use countersign_core::profile::{FactField, FactType};
use serde_json::{Map, Value, json};

use super::example::{Decided, Example};
use super::yaml::shown;
use crate::cases::{Found, read_cases};
use crate::document;

/// The members of a case.
pub type Case = Map<String, Value>;

/// Whose devices a case gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Devices {
    /// Those whose facts a policy reads.
    Read,
    /// All that the example has.
    All,
}

/// The case of this name for the configuration that decides the example so.
///
/// # Errors
/// Why there is none.
pub fn case(name: &str, example: &Example, plan: &Plan, decided: &Decided) -> Result<Case, &'static str> {
    let mut case = Map::from_iter([("name".to_owned(), Value::from(name))]);
    principal(&mut case, example, plan)?;
    request(&mut case, example)?;
    case.insert("time".to_owned(), example.now.into());
    case.insert("expect".to_owned(), if decided.allowed { "allow" } else { "deny" }.into());
    let found = [Devices::Read, Devices::All].into_iter().find_map(|which| {
        let mut case = case.clone();
        match devices(example, plan, which) {
            devices if devices.is_empty() => {}
            devices => drop(case.insert("devices".to_owned(), devices.into())),
        }
        let found = found(&case, plan).filter(|found| found.is_refused() != decided.allowed)?;
        Some((case, found))
    });
    let Some((mut case, found)) = found else { return Err("a case cannot say all that decides about it") };
    if found.explanation.is_some() {
        case.insert("policies".to_owned(), found.policies.into());
    } else {
        case.insert("reason".to_owned(), found.reason.into());
    }
    Ok(case)
}

/// The case as YAML lines, an element of `cases`.
pub fn lines(case: &Case) -> Vec<String> {
    let begin = |place: usize| if place == 0 { "- " } else { "  " };
    let line = |(place, (name, value)): (usize, (&String, &Value))| format!("{}{name}: {}", begin(place), shown(value));
    // The name first, the expectation last.
    const ORDER: [&str; 16] = [
        "name",
        "principal",
        "groups",
        "facts",
        "bound_by",
        "devices",
        "workload",
        "request",
        "host",
        "headers",
        "client_address",
        "port",
        "time",
        "expect",
        "policies",
        "reason",
    ];
    let members = ORDER.iter().filter_map(|name| case.get_key_value(*name));
    members.enumerate().map(line).collect()
}

/// What `test` finds of the case.
fn found(case: &Case, plan: &Plan) -> Option<Found> {
    let text = format!("cases:\n{}\n", lines(case).join("\n"));
    let document = document::parse("case", text.as_bytes()).ok()?.documents.pop()?;
    let cases = read_cases(&document, plan).ok()?;
    Some(cases.first()?.found(plan))
}

fn principal(case: &mut Case, example: &Example, plan: &Plan) -> Result<(), &'static str> {
    let (Caller::Issuer(name), Some(id)) = (&example.caller, &example.principal) else { return Ok(()) };
    let issuer = plan.issuers.iter().find(|issuer| issuer.profile.name == *name);
    let issuer = issuer.ok_or("the new configuration does not have its issuer")?;
    // Facts that are read from the claims of the principal and its groups: the case gives these already.
    let rule = &issuer.principal;
    let (named, facts): (Vec<FactField>, Vec<FactField>) =
        issuer.profile.facts.iter().cloned().partition(|field| field.claim == rule.id);
    let is_groups = |field: &FactField| rule.groups.as_ref().is_some_and(|groups| groups.claim == field.claim);
    let facts: Vec<FactField> = facts.into_iter().filter(|field| !is_groups(field)).collect();
    let same = named.iter().find_map(|field| example.facts.get(&field.name)?.as_str());
    let same = same.filter(|id| !id.is_empty());
    // Cedar's escapes of quotes and backslashes are those of JSON.
    let principal = format!("{name}::{}::{}", rule.entity_type, Value::from(same.unwrap_or(id)));
    case.insert("principal".to_owned(), principal.into());
    if !example.groups.is_empty() {
        case.insert("groups".to_owned(), json!(example.groups));
    }
    let facts = given(&facts, example.context.get(name.as_str()), &example.facts);
    if !facts.is_empty() {
        case.insert("facts".to_owned(), facts.into());
    }
    if example.bound_by != SenderConstraint::Bearer {
        case.insert("bound_by".to_owned(), example.bound_by.bound_by().into());
    }
    Ok(())
}

fn request(case: &mut Case, example: &Example) -> Result<(), &'static str> {
    let text = |name: &str| example.line.get(name).and_then(Value::as_str);
    let (Some(method), Some(path)) = (text("method"), text("path")) else { return Err("it has no path") };
    case.insert("request".to_owned(), format!("{method} {path}").into());
    let mut headers = Map::new();
    for field in example.line.get("headers").and_then(Value::as_array).into_iter().flatten() {
        if let Some(name) = field.get(0).and_then(Value::as_str) {
            headers.insert(name.to_owned(), field.get(1).cloned().unwrap_or_default());
        }
    }
    if !headers.is_empty() {
        case.insert("headers".to_owned(), headers.into());
    }
    if let Some(address) = text("source_address").and_then(|address| address.parse::<SocketAddr>().ok()) {
        case.insert("client_address".to_owned(), address.ip().to_string().into());
    }
    for (member, name) in [("authority", "host"), ("peer_uri", "workload"), ("destination_port", "port")] {
        if let Some(value) = example.line.get(member) {
            case.insert(name.to_owned(), value.clone());
        }
    }
    match text("peer_certificate_sha256") {
        Some(_) => Err("a case does not name the client's certificate"),
        None => Ok(()),
    }
}

fn devices(example: &Example, plan: &Plan, which: Devices) -> Map<String, Value> {
    let nothing = Map::new();
    let mut devices = Map::new();
    for device in &plan.devices {
        let name = device.name().as_str();
        let (record, read) = (example.context.get(name), example.devices.get(name));
        // Posture of a caller without a token, which policies do not see.
        let unseen = example.context.get(format!("posture of {name}")).and_then(Value::as_bool) == Some(true);
        let is_given = match which {
            Devices::Read => read.is_some(),
            Devices::All => record.is_some() || unseen,
        };
        if !is_given {
            continue;
        }
        let read = read.unwrap_or(&nothing);
        let mut facts = given(device.facts(), record, read);
        // Without a policy that reads them, any age and either binding decide alike.
        for own in ["age", "bound"] {
            if let Some(value) = read.get(own) {
                facts.insert(own.to_owned(), value.clone());
            }
        }
        devices.insert(name.to_owned(), facts.into());
    }
    devices
}

/// The facts that are read, and those that the token must have anyway, as a case writes them.
fn given(fields: &[FactField], record: Option<&Value>, read: &Map<String, Value>) -> Map<String, Value> {
    // A token without scopes has none.
    let is_demanded = |field: &FactField| field.required && field.fact_type != FactType::Scopes;
    let is_given = |field: &&FactField| is_demanded(field) || read.contains_key(&field.name);
    let fact = |field: &FactField| match record.and_then(|record| record.get(&field.name)) {
        Some(value) => written(&field.fact_type, value),
        None => any(&field.fact_type),
    };
    fields.iter().filter(is_given).map(|field| (field.name.clone(), fact(field))).collect()
}

/// A value of the context as it is written for a fact of this type.
fn written(fact_type: &FactType, value: &Value) -> Value {
    match (fact_type, value) {
        (FactType::Ip, _) => value.pointer("/__extn/arg").cloned().unwrap_or_default(),
        (FactType::List(of) | FactType::ListOrSingle(of), Value::Array(elements)) => {
            elements.iter().map(|element| written(of, element)).collect()
        }
        (FactType::Version(parts), _) => {
            let part = |part: &FactField| value.get(&part.name).and_then(Value::as_i64).unwrap_or_default().to_string();
            parts.iter().map(part).collect::<Vec<_>>().join(".").into()
        }
        (FactType::Record(fields) | FactType::Actor(fields), Value::Object(members)) => {
            let member =
                |field: &FactField| Some((field.name.clone(), written(&field.fact_type, members.get(&field.name)?)));
            Value::Object(fields.iter().filter_map(member).collect())
        }
        _ => value.clone(),
    }
}

/// Some value of this type: no policy reads it.
fn any(fact_type: &FactType) -> Value {
    match fact_type {
        FactType::String => "".into(),
        FactType::Long | FactType::LongOrText | FactType::NumericDate(_) => 0.into(),
        FactType::Bool | FactType::BoolOrText => false.into(),
        FactType::Ip => "192.0.2.1".into(),
        FactType::List(_) | FactType::ListOrSingle(_) | FactType::Scopes => json!([]),
        FactType::Version(_) => "0".into(),
        FactType::Record(fields) | FactType::Actor(fields) => {
            let required = fields.iter().filter(|field| field.required);
            Value::Object(required.map(|field| (field.name.clone(), any(&field.fact_type))).collect())
        }
    }
}
