//! A request of an answer as an operator would write it, and what each configuration decides about it.
//!
//! The answer names every fact that Cedar can see, most of them with any value. What no policy reads is left out, or gets a
//! value that a reader expects. The request is built as `eval` reads it, is parsed and routed as the plugin does, and is
//! decided with the given facts as if they were verified.

use std::collections::BTreeMap;

use cedar_policy::EntityUid;
use cedar_policy_symcc::Env;
use countersign_core::config::Plan;
use countersign_core::identity::{
    DeviceEvidence, DeviceFacts, Identity, Principal, SenderConstraint, VerifiedPrincipal, Workload,
};
use countersign_core::policy::oracle::question::{Caller, Found, Place, Question};
use countersign_core::policy::{Decision, PolicyId};
use countersign_core::profile::{CredentialPlace, FactField, FactRecord, FactType, FactValue};
use countersign_core::provider::ProviderName;
use countersign_core::request::{Action, Request, RequestMethod};
use countersign_core::route::{HostPattern, NoRoute};
use countersign_core::time::{Seconds, UnixSeconds};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::request_line::RequestLine;

/// The time of an example that no policy reads the time of: the first second of 2026.
const NOW: i64 = 1_767_225_600;

/// The name of a principal that no policy names.
const SOMEBODY: &str = "somebody";

/// What a path keeps as it is (RFC 3986 section 3.3).
const PATH: AsciiSet =
    NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

/// A request with the facts that are verified of it.
#[derive(Clone, Debug)]
pub struct Example {
    /// The kind of its caller.
    pub caller: Caller,
    /// The principal's id; `None` for Anonymous.
    pub principal: Option<String>,
    /// The groups that its token names.
    pub groups: Vec<String>,
    /// The facts of the token that decide.
    pub facts: Map<String, Value>,
    /// What the token is bound by.
    pub bound_by: SenderConstraint,
    /// The facts of each device with verified posture.
    pub devices: BTreeMap<String, Map<String, Value>>,
    /// The request, as `eval` reads it.
    pub line: Map<String, Value>,
    /// The time.
    pub now: i64,
    /// All facts of the answer.
    pub(super) context: Value,
}

/// What a configuration decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Whether it permits the request.
    pub allowed: bool,
    /// Why, in a few words.
    pub why: String,
    /// The policies that decide.
    pub policies: Vec<PolicyId>,
    /// `<application>/<route>`; `None` where there is none.
    pub route: Option<String>,
}

impl Example {
    /// The request of an answer. `None` if it is not expressible, which an answer to a question of this kind never is.
    pub fn of(caller: &Caller, place: Place<'_>, question: &Question, found: &Env) -> Option<Self> {
        let principal = found.request.principal()?;
        let context = found.request.context()?.to_json_value().ok()?;
        let facts = question.facts();
        let reads = |path: &[&str]| facts.iter().any(|fact| fact.iter().map(String::as_str).eq(path.iter().copied()));
        let groups = memberships(question, principal, found);
        let at = |path: &[&str]| path.iter().try_fold(&context, |of, name| of.get(name)).filter(|_| reads(path));
        let text = |path: &[&str]| at(path).and_then(Value::as_str);
        let mut line = Map::new();
        let method = text(&["http_request", "http_method"]).and_then(|name| RequestMethod::from_name(name.as_bytes()));
        let of_action = |method: &&RequestMethod| place.route.action_of_method(**method) == Some(place.action);
        let default = place.methods.iter().find(of_action).or(place.methods.first()).copied();
        let method = method.filter(|method| place.methods.contains(method)).or(default)?;
        let mut headers = Vec::new();
        match place.action {
            Action::Preflight => {
                headers.push(json!(["origin", "https://app.example.com"]));
                headers.push(json!(["access-control-request-method", method.name()]));
                line.insert("method".to_owned(), "OPTIONS".into());
            }
            Action::Upgrade => {
                headers.push(json!(["connection", "upgrade"]));
                headers.push(json!(["upgrade", "websocket"]));
                line.insert("method".to_owned(), method.name().into());
            }
            _ => {
                line.insert("method".to_owned(), method.name().into());
            }
        }
        let host = text(&["http_request", "hostname"]).map_or_else(|| host(place), str::to_owned);
        line.insert("authority".to_owned(), host.into());
        let values = context.pointer("/http_request/path_parameters").and_then(Value::as_object);
        let values = values.into_iter().flatten().filter_map(|(name, value)| {
            let value = value.as_str().filter(|value| !value.is_empty());
            Some((name.clone(), value?.to_owned())).filter(|_| reads(&["http_request", "path_parameters", name]))
        });
        let path = place.route.path.filled(&values.collect());
        let path = text(&["http_request", "path"]).map_or(path, str::to_owned);
        let mut path = utf8_percent_encode(&path, &PATH).to_string();
        if let Some(query) = text(&["http_request", "query"]).filter(|query| !query.is_empty()) {
            path = format!("{path}?{query}");
        }
        line.insert("path".to_owned(), path.into());
        if let Some(agent) = text(&["http_request", "user_agent"]) {
            headers.push(json!(["user-agent", agent]));
        }
        if !headers.is_empty() {
            line.insert("headers".to_owned(), headers.into());
        }
        let address = text(&["http_request", "client_ip"]).map(str::to_owned);
        let address = address.or_else(|| at(&["http_request", "source_ip"]).and_then(address_of));
        if let Some(address) = address {
            let address = if address.contains(':') { format!("[{address}]:1234") } else { format!("{address}:1234") };
            line.insert("source_address".to_owned(), address.into());
        }
        if let Some(port) = at(&["http_request", "port"]) {
            line.insert("destination_port".to_owned(), port.clone());
        }
        if let Some(digest) = text(&["peer", "certificate_sha256"]) {
            line.insert("peer_certificate_sha256".to_owned(), digest.into());
        }
        let named = question.entities().iter().any(|entity| entity == principal);
        let id = principal.id().unescaped().to_owned();
        let own_workload = (*caller == Caller::Workload && named).then(|| id.clone());
        let workload = own_workload.or_else(|| text(&["peer", "workload"]).map(str::to_owned));
        let workload = workload.or_else(|| (*caller == Caller::Workload).then(|| workload_of(&context)));
        if let Some(uri) = workload.clone().or_else(|| text(&["peer", "uri"]).map(str::to_owned)) {
            line.insert("peer_uri".to_owned(), uri.into());
        }
        let of_provider = |name: &str| -> Map<String, Value> {
            let record = context.get(name).and_then(Value::as_object).into_iter().flatten();
            record
                .filter(|(fact, _)| facts.iter().any(|path| path.starts_with(&[name.to_owned(), (*fact).clone()])))
                .map(|(fact, value)| (fact.clone(), value.clone()))
                .collect()
        };
        let token = if let Caller::Issuer(name) = caller { of_provider(name.as_str()) } else { Map::new() };
        let devices = context.as_object().into_iter().flatten().filter_map(|(name, value)| {
            // The records of devices are those that say whether they are bound; a fact of the issuer can have this name too.
            let is_issuer = matches!(caller, Caller::Issuer(issuer) if issuer.as_str() == name);
            let is_device = !is_issuer && value.get("bound").is_some();
            let is_read = facts.iter().any(|path| path.first() == Some(name));
            (is_device && is_read).then(|| (name.clone(), of_provider(name)))
        });
        let mut bound_by = [SenderConstraint::Certificate, SenderConstraint::Dpop].into_iter();
        let bound_by = bound_by.find(|kind| text(&["credential", "bound_by"]) == Some(kind.bound_by()));
        let now = at(&["now"]).and_then(Value::as_i64).unwrap_or(NOW);
        Some(Self {
            caller: caller.clone(),
            principal: match caller {
                Caller::Anonymous => None,
                Caller::Workload => workload,
                Caller::Issuer(_) => Some(if named { id } else { SOMEBODY.to_owned() }),
            },
            groups,
            facts: token,
            bound_by: bound_by.unwrap_or(SenderConstraint::Bearer),
            devices: devices.collect(),
            line,
            now,
            context,
        })
    }

    /// What this configuration decides about it.
    pub fn decide(&self, plan: &Plan) -> Decided {
        let denied = |why: String| Decided { allowed: false, why, policies: Vec::new(), route: None };
        let mut line = self.line.clone();
        line.insert("id".to_owned(), "example".into());
        let request = RequestLine::parse(Value::Object(line).to_string().as_bytes()).map_err(|fault| fault.to_string());
        let request = request.and_then(|line| {
            Request::parse(line.parts(plan), &plan.limits).map_err(|refusal| refusal.reason.code().to_owned())
        });
        let request = match request {
            Ok(request) => request,
            Err(why) => return denied(why),
        };
        let route = match plan.router.find(&request) {
            Ok(route) => route,
            Err(no_route) => return denied(unrouted(&no_route).to_owned()),
        };
        let at = Some(format!("{}/{}", route.application.name, route.route.name));
        let identity = match self.identity(plan, &request, route.action) {
            Ok(identity) => identity,
            Err(why) => return Decided { route: at, ..denied(why) },
        };
        if route.action != Action::Preflight
            && let Err(refusal) = identity.fulfils(&route.route.requires, (&plan.issuers, &plan.devices))
        {
            return Decided { route: at, ..denied(refusal.reason.code().to_owned()) };
        }
        let decision = plan.policies.decide(&identity, &request, &route, UnixSeconds::new(self.now));
        let (allowed, why, policies) = match decision {
            Decision::Allow(permit) => (true, "permitted", permit.determining().to_vec()),
            Decision::Forbidden { determining, .. } => (false, "forbidden", determining),
            Decision::NotPermitted { .. } => (false, "no policy permits it", Vec::new()),
            Decision::Failed { policies } => (false, "a policy cannot be evaluated", policies),
        };
        Decided { allowed, why: why.to_owned(), policies, route: at }
    }

    fn identity(&self, plan: &Plan, request: &Request, action: Action) -> Result<Identity, String> {
        if action == Action::Preflight {
            return Ok(Identity::anonymous());
        }
        let workload = Workload::given(&request.peer, &plan.trust_domains);
        let mut devices = BTreeMap::new();
        for device in &plan.devices {
            let name = device.name();
            let record = self.context.get(name.as_str());
            // Posture of a caller without a token, which policies do not see.
            let unseen = self.context.get(format!("posture of {name}")).and_then(Value::as_bool) == Some(true);
            if record.is_none() && !unseen {
                continue;
            }
            let number = |fact: &str| record.and_then(|record| record.get(fact)).and_then(Value::as_i64);
            let facts = DeviceFacts {
                facts: read_record(device.facts(), record, name.as_str(), unseen)?.into(),
                bound: record.and_then(|record| record.get("bound")).and_then(Value::as_bool).unwrap_or(false),
                age: device
                    .has_age()
                    .then(|| Seconds::new(number("age").and_then(|age| u64::try_from(age).ok()).unwrap_or(0))),
                id: None,
            };
            devices.insert(name.clone(), DeviceEvidence::Verified(facts));
        }
        let principal = match (&self.caller, &self.principal, workload.clone()) {
            (Caller::Issuer(issuer), Some(id), _) => Principal::Verified(self.verified(plan, issuer, id)?),
            (Caller::Workload, _, Some(workload)) => Principal::Workload(workload),
            (Caller::Anonymous, _, None) => Principal::Anonymous,
            _ => return Err("the connection is not that of such a caller".to_owned()),
        };
        Ok(Identity::given(principal, workload, devices))
    }

    fn verified(&self, plan: &Plan, name: &ProviderName, id: &str) -> Result<VerifiedPrincipal, String> {
        let issuer = plan.issuers.iter().find(|issuer| issuer.profile.name == *name);
        let issuer = issuer.ok_or_else(|| format!("there is no issuer `{name}`"))?;
        let facts = read_record(&issuer.profile.facts, self.context.get(name.as_str()), name.as_str(), false)?;
        Ok(VerifiedPrincipal {
            issuer: name.clone(),
            entity_type: issuer.principal.entity_type.clone(),
            id: id.into(),
            groups: self.groups.clone().into(),
            facts: facts.into(),
            payload: [].into(),
            place: CredentialPlace::Authorization,
            sender_constraint: self.bound_by,
            expires: None,
        })
    }
}

/// The groups of an answer's principal that a policy asks for, by their ids.
fn memberships(question: &Question, principal: &EntityUid, found: &Env) -> Vec<String> {
    groups(question, principal, found).iter().map(|group| group.id().unescaped().to_owned()).collect()
}

fn groups(question: &Question, principal: &EntityUid, found: &Env) -> Vec<EntityUid> {
    let is_group = |entity: &EntityUid| entity.type_name() != principal.type_name();
    let above: Vec<&EntityUid> = found.entities.ancestors(principal).into_iter().flatten().collect();
    let mut groups = question.entities();
    groups.retain(|entity| is_group(entity) && above.contains(&entity));
    groups.sort();
    groups.dedup();
    groups
}

/// The answer, so that it can be excluded from the next.
pub fn excluded(question: &Question, found: &Env) -> Option<countersign_core::policy::oracle::question::Excluded> {
    let principal = found.request.principal()?;
    let context = found.request.context()?.to_json_value().ok()?;
    let groups = groups(question, principal, found);
    question.excluded(&Found { principal, groups: &groups, context: &context })
}

fn host(place: Place<'_>) -> String {
    let first = place.application.hosts.as_ref().and_then(|hosts| hosts.first());
    match first {
        Some(HostPattern::Exactly(host)) => host.clone(),
        Some(HostPattern::OneLabelBefore(end)) => format!("any{end}"),
        None => "any.example.com".to_owned(),
    }
}

fn unrouted(no_route: &NoRoute<'_>) -> &'static str {
    match no_route {
        NoRoute::Host => "no application has the host",
        NoRoute::Path(_) => "no route has the path",
        NoRoute::Method(..) => "the route does not have the method",
        NoRoute::Ambiguous(_) => "the path is ambiguous",
    }
}

/// A SPIFFE ID of the trust domain that the answer names.
fn workload_of(context: &Value) -> String {
    let domain = context.pointer("/peer/trust_domain").and_then(Value::as_str).unwrap_or("example.org");
    format!("spiffe://{domain}/any")
}

/// The first address of a range.
fn address_of(value: &Value) -> Option<String> {
    let range = value.pointer("/__extn/arg").and_then(Value::as_str)?;
    Some(range.split_once('/').map_or(range, |(address, _)| address).to_owned())
}

/// The declared facts of a record. `any` gives each required fact that is absent some value.
fn read_record(fields: &[FactField], record: Option<&Value>, of: &str, any: bool) -> Result<FactRecord, String> {
    let mut facts = FactRecord::new();
    for field in fields {
        match record.and_then(|record| record.get(&field.name)) {
            Some(value) => {
                let value = read(&field.fact_type, value, &field.name);
                facts.insert(
                    field.name.clone(),
                    value.ok_or_else(|| format!("`{of}.{}` has another type", field.name))?,
                );
            }
            None if !field.required => {}
            None if any => {
                facts.insert(field.name.clone(), default(&field.fact_type));
            }
            None => return Err(format!("the required fact `{of}.{}` is missing", field.name)),
        }
    }
    Ok(facts)
}

fn read(fact_type: &FactType, value: &Value, of: &str) -> Option<FactValue> {
    Some(match fact_type {
        FactType::String => FactValue::String(value.as_str()?.to_owned()),
        FactType::Long | FactType::LongOrText | FactType::NumericDate(_) => FactValue::Long(value.as_i64()?),
        FactType::Bool | FactType::BoolOrText => FactValue::Bool(value.as_bool()?),
        FactType::Ip => FactValue::Ip(value.pointer("/__extn/arg")?.as_str()?.to_owned()),
        FactType::List(element) | FactType::ListOrSingle(element) => {
            let elements = value.as_array()?.iter().map(|value| read(element, value, of));
            FactValue::List(elements.collect::<Option<_>>()?)
        }
        FactType::Scopes => {
            let elements = value.as_array()?.iter().map(|value| read(&FactType::String, value, of));
            FactValue::List(elements.collect::<Option<_>>()?)
        }
        FactType::Record(fields) | FactType::Actor(fields) | FactType::Version(fields) => {
            FactValue::Record(read_record(fields, Some(value), of, false).ok()?)
        }
    })
}

fn default(fact_type: &FactType) -> FactValue {
    match fact_type {
        FactType::String => FactValue::String(String::new()),
        FactType::Long | FactType::LongOrText | FactType::NumericDate(_) => FactValue::Long(0),
        FactType::Bool | FactType::BoolOrText => FactValue::Bool(false),
        FactType::Ip => FactValue::Ip("192.0.2.1".to_owned()),
        FactType::List(_) | FactType::ListOrSingle(_) | FactType::Scopes => FactValue::List(Vec::new()),
        FactType::Record(fields) | FactType::Actor(fields) | FactType::Version(fields) => {
            FactValue::Record(read_record(fields, None, "", true).unwrap_or_default())
        }
    }
}
