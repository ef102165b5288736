//! The requests that a question is about: the schema of their facts, and what is so of each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, EntityUID, Expr, PatternElem, Var};
use serde_json::{Map, Value, json};

use super::merge::{Guards, merged};
use super::terms::{EMPTY_SET, all, any, has, literal, long, not, parameter, string, truth};
use super::{ACTION, Caller, NoQuestion, Place, Side};
use crate::identity::SenderConstraint;
use crate::limits::EARLIEST_PLAUSIBLE_UNIX_SECONDS;
use crate::policy::kinds::{ANONYMOUS_TYPE, GROUP, WORKLOAD_TYPE};
use crate::policy::load::implied::member;
use crate::policy::load::schema::{ProviderRecord, context_type};
use crate::provider::ProviderName;
use crate::request::{Action, Method, RequestMethod};
use crate::route::{AttributeValue, HostPattern};

/// What all requests of a question have in common.
#[derive(Debug)]
pub(super) struct Frame {
    /// The schema, as JSON.
    pub schema: Value,
    /// The type of the principals.
    pub principal: String,
    /// What is so of each request that can arrive and be permitted.
    pub assumptions: Vec<Arc<Expr>>,
    /// What a reader expects of an example. No answer depends on it.
    pub expected: Vec<Arc<Expr>>,
    /// Of each configuration, what it requires beyond the common type; `None` if it has no such callers.
    pub guards: Vec<Option<Guards>>,
}

impl Frame {
    /// Of a kind of caller who makes the same request under these configurations.
    pub(super) fn of(caller: &Caller, sides: &[Side<'_>]) -> Result<Self, NoQuestion> {
        // Every request has the parameters of each route that it arrives at.
        let parameters = sides.iter().zip(0_usize..).flat_map(|(side, number)| {
            let names = side.place.route.path.parameters();
            names.map(move |name| (parameter(name, number, at_two_routes(sides)), true))
        });
        let parameters: BTreeMap<String, bool> = parameters.collect();
        let own: Vec<Option<Value>> = sides.iter().map(|side| own_context(caller, side, &parameters)).collect();
        let mut known = own.iter().flatten();
        let mut context = known.next().cloned().unwrap_or_else(|| json!({ "type": "Record", "attributes": {} }));
        for other in known {
            context = merged(&context, other)?;
        }
        let guards = own.iter().map(|own| own.as_ref().map(|own| Guards::of(own, &context))).collect();
        if sides.iter().any(|side| has_empty_set(side.place)) {
            let empty = json!({ "type": "Set", "element": { "type": "String" } });
            if let Some(members) = context.get_mut("attributes").and_then(Value::as_object_mut) {
                members.insert(EMPTY_SET.to_owned(), empty);
            }
        }
        let principal = principal_type(caller, sides)?;
        let assumptions = assumptions(caller, sides, &context);
        let expected = expected(&devices_with_age(caller, sides));
        Ok(Self { schema: schema(&principal, sides, &context), principal, assumptions, expected, guards })
    }
}

/// Whether a request arrives at two routes that differ in path or hosts.
pub(super) fn at_two_routes(sides: &[Side<'_>]) -> bool {
    let places = sides.iter().map(|side| (&side.place.route.path, &side.place.application.hosts));
    places.clone().zip(places.skip(1)).any(|(one, other)| one != other)
}

/// The type of `context` in one configuration; `None` if it has no such callers.
fn own_context(caller: &Caller, side: &Side<'_>, parameters: &BTreeMap<String, bool>) -> Option<Value> {
    let kind = caller.kind(side.vocabulary)?;
    let mut providers = Vec::new();
    if let Some(issuer) = side.vocabulary.issuer(kind) {
        providers.push(ProviderRecord::of_issuer(issuer, true));
        providers.extend(side.vocabulary.devices.iter().map(|device| ProviderRecord::of_device(device, false)));
    }
    let mut context = context_type(parameters, false, providers);
    if let Some(members) = context.get_mut("attributes").and_then(Value::as_object_mut)
        && !kind.has_token()
    {
        let unseen = side.vocabulary.devices.iter().map(|device| unseen_posture(device.name()));
        members.extend(unseen.map(|name| (name, json!({ "type": "Boolean" }))));
    }
    Some(context)
}

/// The member of `context` that says whether a caller without a token presents verified posture. Policies do not see it.
pub(super) fn unseen_posture(device: &ProviderName) -> String {
    format!("posture of {device}")
}

fn has_empty_set(place: Place<'_>) -> bool {
    let is_empty = |value: &AttributeValue| matches!(value, AttributeValue::Strings(texts) if texts.is_empty());
    place.route.attributes.iter().any(is_empty)
}

fn principal_type(caller: &Caller, sides: &[Side<'_>]) -> Result<String, NoQuestion> {
    let kinds = sides.iter().filter_map(|side| Some(side.vocabulary.principal_type(caller.kind(side.vocabulary)?)));
    let types: BTreeSet<String> = kinds.collect();
    match (types.iter().next(), types.len(), caller) {
        (Some(_), 2.., Caller::Issuer(name)) => Err(NoQuestion::PrincipalType(name.clone())),
        (Some(first), ..) => Ok(first.clone()),
        (None, ..) => Err(NoQuestion::Cedar(format!("no configuration has the callers `{caller}`"))),
    }
}

/// The entity types and actions of all configurations, and one action that all requests have.
fn schema(principal: &str, sides: &[Side<'_>], context: &Value) -> Value {
    let mut namespaces: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for issuer in sides.iter().flat_map(|side| side.vocabulary.issuers) {
        let types = namespaces.entry(issuer.profile.name.to_string()).or_default();
        let groups = format!("{}::{GROUP}", issuer.profile.name);
        types.insert(issuer.principal.entity_type.to_string(), json!({ "memberOfTypes": [groups] }));
        types.insert(GROUP.to_owned(), json!({}));
    }
    let mut schema: Map<String, Value> =
        namespaces.into_iter().map(|(name, types)| (name, json!({ "entityTypes": types, "actions": {} }))).collect();
    let mut actions: Map<String, Value> = Action::all().map(|action| (action.name().to_owned(), json!({}))).collect();
    let applies = json!({ "principalTypes": [principal], "resourceTypes": ["Route"], "context": context });
    actions.insert(ACTION.to_owned(), json!({ "appliesTo": applies }));
    let types = json!({ ANONYMOUS_TYPE: {}, WORKLOAD_TYPE: {}, "Application": {}, "Route": {} });
    schema.insert(String::new(), json!({ "entityTypes": types, "actions": actions }));
    Value::Object(schema)
}

fn assumptions(caller: &Caller, sides: &[Side<'_>], context: &Value) -> Vec<Arc<Expr>> {
    let mut found = Vec::new();
    let is_preflight = sides.iter().any(|side| side.place.action == Action::Preflight);
    let workload = || all(["workload", "trust_domain"].map(|name| has(&path(&["peer"]), name)));
    let with_workload = all([has(&[], "peer"), workload()]);
    match caller {
        Caller::Workload => found.push(with_workload),
        Caller::Anonymous => found.push(not(any_workload())),
        Caller::Issuer(_) if is_preflight => found.push(truth(false)),
        Caller::Issuer(_) => {}
    }
    for side in sides {
        found.push(methods(side.place));
        found.push(host(side.place));
        found.push(path_of(side.place));
    }
    let bound: Vec<Arc<Expr>> = match caller {
        Caller::Issuer(_) => {
            let kinds = [SenderConstraint::Bearer, SenderConstraint::Certificate, SenderConstraint::Dpop];
            kinds.map(|kind| equal(&["credential", "bound_by"], string(kind.bound_by()))).into()
        }
        _ => vec![equal(&["credential", "bound_by"], string(SenderConstraint::Bearer.bound_by()))],
    };
    found.push(any(bound));
    found.push(at_least(&["now"], EARLIEST_PLAUSIBLE_UNIX_SECONDS));
    found.extend(
        devices_with_age(caller, sides).into_iter().map(|device| of_age(device, at_least(&[device, "age"], 0))),
    );
    if context.pointer(&format!("/attributes/{EMPTY_SET}")).is_some() {
        let expr = member(&path(&[EMPTY_SET]));
        found.push(Arc::new(Expr::UnaryOp { op: cedar_policy::pst::UnaryOp::IsEmpty, expr }));
    }
    found
}

/// The devices whose posture policies about these callers can read, and whose posture has an age.
fn devices_with_age<'a>(caller: &Caller, sides: &[Side<'a>]) -> BTreeSet<&'a str> {
    match caller {
        Caller::Issuer(_) => {
            let devices = sides.iter().filter(|side| caller.kind(side.vocabulary).is_some());
            let devices = devices.flat_map(|side| side.vocabulary.devices);
            devices.filter(|device| device.has_age()).map(|device| device.name().as_str()).collect()
        }
        Caller::Anonymous | Caller::Workload => BTreeSet::new(),
    }
}

/// A time from 2026 to 2100, and posture of the last hour.
fn expected(devices: &BTreeSet<&str>) -> Vec<Arc<Expr>> {
    let ages = devices.iter().map(|device| of_age(device, not(at_least(&[device, "age"], 3_601))));
    [at_least(&["now"], 1_767_225_600), not(at_least(&["now"], 4_102_444_800))].into_iter().chain(ages).collect()
}

/// `context.peer` has a part of a workload.
fn any_workload() -> Arc<Expr> {
    let peer = path(&["peer"]);
    all([has(&[], "peer"), any([has(&peer, "workload"), has(&peer, "trust_domain")])])
}

/// That the principal is this workload exactly if the connection is its; `None` for any other principal.
pub(super) fn is_workload(entity: &EntityUID) -> Option<Arc<Expr>> {
    if entity.ty.to_string() != WORKLOAD_TYPE {
        return None;
    }
    let (left, right) = (Arc::new(Expr::Var(Var::Principal)), literal(entity.clone()));
    let left = Arc::new(Expr::BinaryOp { op: BinaryOp::Eq, left, right });
    Some(Arc::new(Expr::BinaryOp { op: BinaryOp::Eq, left, right: equal(&["peer", "workload"], string(&entity.eid)) }))
}

/// The methods of requests with this action.
fn methods(place: Place<'_>) -> Arc<Expr> {
    let is_of = |method: &RequestMethod| match place.action {
        // The method of the request itself; the route lists the one that it asks about.
        Action::Preflight => *method == RequestMethod::Common(Method::Options),
        Action::Upgrade => place.methods.contains(method),
        action => place.methods.contains(method) && place.route.action_of_method(*method) == Some(action),
    };
    let methods = RequestMethod::all().filter(is_of);
    any(methods.map(|method| equal(&["http_request", "http_method"], string(method.name()))))
}

/// The paths of the route, as far as patterns can say it.
fn path_of(place: Place<'_>) -> Arc<Expr> {
    let element = |one: Option<char>| one.map_or(PatternElem::Wildcard, PatternElem::Char);
    let fits = |pattern: Vec<Option<char>>| like(&["http_request", "path"], pattern.into_iter().map(element).collect());
    let template = &place.route.path;
    let pattern: Vec<Option<char>> = template.pattern().collect();
    let mut found = vec![fits(pattern.clone())];
    for (_, parameter) in pattern.iter().zip(0_usize..).filter(|(one, _)| one.is_none()) {
        let empty = pattern.iter().zip(0_usize..).filter(|(_, place)| *place != parameter);
        found.push(not(fits(empty.map(|(one, _)| *one).collect())));
    }
    // A slash in a parameter is accepted only where the route lists that spelling.
    if template.tail().is_none() && place.route.encoded.is_empty() {
        let slashes = pattern.iter().filter(|one| **one == Some('/')).count();
        let more = core::iter::repeat_n([Some('/'), None], slashes.saturating_add(1));
        found.push(not(fits(core::iter::once(None).chain(more.flatten()).collect())));
    }
    all(found)
}

fn host(place: Place<'_>) -> Arc<Expr> {
    let Some(hosts) = &place.application.hosts else { return truth(true) };
    any(hosts.iter().map(|host| match host {
        HostPattern::Exactly(host) => equal(&["http_request", "hostname"], string(host)),
        HostPattern::OneLabelBefore(end) => {
            let pattern = core::iter::once(PatternElem::Wildcard).chain(end.chars().map(PatternElem::Char));
            like(&["http_request", "hostname"], pattern.collect())
        }
    }))
}

fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn equal(names: &[&str], right: Arc<Expr>) -> Arc<Expr> {
    Arc::new(Expr::BinaryOp { op: BinaryOp::Eq, left: member(&path(names)), right })
}

fn at_least(names: &[&str], least: i64) -> Arc<Expr> {
    Arc::new(Expr::BinaryOp { op: BinaryOp::GreaterEq, left: member(&path(names)), right: long(least) })
}

fn like(names: &[&str], pattern: Vec<PatternElem>) -> Arc<Expr> {
    Arc::new(Expr::Like { expr: member(&path(names)), pattern })
}

/// The condition where the device's record is there, and its age in it: in another configuration it may have none.
fn of_age(device: &str, then_expr: Arc<Expr>) -> Arc<Expr> {
    let record = path(&[device]);
    let then_expr = Arc::new(Expr::IfThenElse { cond: has(&record, "age"), then_expr, else_expr: truth(true) });
    Arc::new(Expr::IfThenElse { cond: has(&[], device), then_expr, else_expr: truth(true) })
}
