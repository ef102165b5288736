//! The request of a case, and the evidence that it gives.

use std::net::{IpAddr, SocketAddr};

use countersign_core::config::Plan;
use countersign_core::identity::{GivenDevice, GivenEvidence, GivenFault, GivenPrincipal, SenderConstraint};
use countersign_core::profile::{FactField, Issuer};
use countersign_core::time::{Seconds, UnixSeconds};
use serde_json::{Map, Value, json};

use super::layers::{Layers, Placed};
use super::problem;
use crate::document::{Document, Problem};
use crate::request_line::RequestLine;

/// The time of cases without one: 2026-01-01T00:00:00Z.
const DEFAULT_TIME: i64 = 1_767_225_600;

/// A request with its evidence, at a time.
#[derive(Clone, Debug)]
pub struct Given {
    /// The request.
    pub request: RequestLine,
    /// The evidence.
    pub evidence: GivenEvidence,
    /// When it is decided.
    pub time: UnixSeconds,
}

/// Reads the members of one case.
#[derive(Clone, Copy)]
pub struct Reader<'r, 'd> {
    /// The file.
    pub document: &'r Document,
    /// The case.
    pub layers: &'r Layers<'d>,
    /// Where the case is.
    pub pointer: &'r str,
}

impl Reader<'_, '_> {
    /// A problem at a member.
    pub fn problem(&self, pointer: &str, message: String, help: impl Into<Box<str>>) -> Problem {
        problem(self.document.at(pointer), pointer, message, help)
    }

    /// A string.
    pub fn string(&self, name: &str) -> Result<Option<&str>, Problem> {
        let Some(Placed { value, pointer }) = self.layers.get(name) else { return Ok(None) };
        let wrong = || self.problem(pointer, format!("`{name}` is not a string"), "write a string");
        value.as_str().map(Some).ok_or_else(wrong)
    }

    /// A list of strings.
    pub fn strings(&self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(Placed { value, pointer }) = self.layers.get(name) else { return Ok(None) };
        let wrong = || self.problem(pointer, format!("`{name}` is not a list of strings"), "write [one, two], or []");
        let listed = value.as_array().and_then(|list| list.iter().map(|one| Some(one.as_str()?.to_owned())).collect());
        listed.map(Some).ok_or_else(wrong)
    }

    /// A whole number from 0 on.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(Placed { value, pointer }) = self.layers.get(name) else { return Ok(None) };
        let wrong = || self.problem(pointer, format!("`{name}` is not a whole number from 0 on"), "write a number");
        value.as_i64().filter(|number| *number >= 0).map(Some).ok_or_else(wrong)
    }

    /// All that the case gives.
    pub fn given(&self, plan: &Plan, id: &str) -> Result<Given, Problem> {
        let time = UnixSeconds::new(self.number("time")?.unwrap_or(DEFAULT_TIME));
        let mut evidence = GivenEvidence::default();
        self.principal(plan, time, &mut evidence)?;
        self.devices(plan, time, &mut evidence)?;
        Ok(Given { request: self.request(id)?, evidence, time })
    }

    fn request(&self, id: &str) -> Result<RequestLine, Problem> {
        let place = self.layers.get("request").map_or(self.pointer, |placed| placed.pointer.as_str());
        let help = "write the method and the path, such as `request: GET /orders/7?full=1`";
        let Some(request) = self.string("request")? else {
            return Err(self.problem(self.pointer, "the case has no `request`".to_owned(), help));
        };
        let Some((method, path)) = request.split_once(' ').filter(|(_, path)| path.starts_with('/')) else {
            return Err(self.problem(place, "`request` is not a method and a path".to_owned(), help));
        };
        let mut line = json!({ "id": id, "method": method, "path": path });
        let mut set = |name: &str, value: Value| {
            if let Value::Object(line) = &mut line {
                line.insert(name.to_owned(), value);
            }
        };
        let headers: Vec<Value> =
            self.layers.inside(&["headers"]).map(|(name, placed)| json!([name, placed.value])).collect();
        set("headers", headers.into());
        if let Some(host) = self.string("host")? {
            set("authority", host.into());
        }
        if let Some(workload) = self.string("workload")? {
            set("peer_uri", workload.into());
        }
        if let Some(port) = self.number("port")? {
            set("destination_port", port.into());
        }
        if let Some(address) = self.string("client_address")? {
            let pointer = self.layers.get("client_address").map_or(self.pointer, |placed| placed.pointer.as_str());
            let address: IpAddr = address.parse().map_err(|_| {
                let message = format!("`{address}` is not an IP address");
                self.problem(pointer, message, "write one address without a port, such as 203.0.113.7")
            })?;
            set("source_address", SocketAddr::new(address, 1).to_string().into());
        }
        RequestLine::parse(line.to_string().as_bytes()).map_err(|fault| {
            self.problem(place, format!("the request cannot be made: {fault}"), "correct that member of the case")
        })
    }

    fn principal(&self, plan: &Plan, time: UnixSeconds, evidence: &mut GivenEvidence) -> Result<(), Problem> {
        let Some(text) = self.string("principal")? else {
            let belonging = ["groups", "bound_by"].into_iter().filter_map(|name| self.layers.get(name));
            let belonging = belonging.chain(self.layers.inside(&["facts"]).map(|(_, placed)| placed)).next();
            return match belonging {
                Some(Placed { pointer, .. }) if self.layers.get("principal").is_none() => {
                    let message = "this belongs to a principal, and the case has none".to_owned();
                    Err(self.problem(pointer, message, "write `principal`, or set this to null for Anonymous"))
                }
                _ => Ok(()),
            };
        };
        let pointer = self.layers.get("principal").map_or(self.pointer, |placed| placed.pointer.as_str());
        let (issuer, id) = principal_of(plan, text).ok_or_else(|| {
            let types = plan
                .issuers
                .iter()
                .map(|issuer| format!("{}::{}::\"...\"", issuer.profile.name, issuer.principal.entity_type));
            let types = types.collect::<Vec<_>>().join(" or ");
            self.problem(
                pointer,
                format!("`{text}` is not a principal of this configuration"),
                format!("write {types}"),
            )
        })?;
        let mut facts = Map::new();
        for (name, placed) in self.layers.inside(&["facts"]) {
            facts.insert(name.to_owned(), relative(placed.value, time));
        }
        let sender_constraint = match self.string("bound_by")? {
            None | Some("none") => SenderConstraint::Bearer,
            Some("certificate") => SenderConstraint::Certificate,
            Some("dpop") => SenderConstraint::Dpop,
            Some(_) => {
                let pointer = self.layers.get("bound_by").map_or(self.pointer, |placed| placed.pointer.as_str());
                let message = "`bound_by` has another value than a token can be bound by".to_owned();
                return Err(self.problem(pointer, message, "write none, certificate or dpop"));
            }
        };
        let groups = self.strings("groups")?.unwrap_or_default();
        let given = GivenPrincipal { issuer, id: &id, groups: &groups, facts: &facts, sender_constraint };
        evidence
            .authenticate(given)
            .map_err(|fault| self.evidence_problem(&fault, &["facts"], pointer, &issuer.profile.facts))
    }

    fn devices(&self, plan: &Plan, time: UnixSeconds, evidence: &mut GivenEvidence) -> Result<(), Problem> {
        for (name, Placed { pointer, .. }) in self.layers.inside(&["devices"]) {
            let Some(provider) = plan.devices.iter().find(|provider| provider.name().as_str() == name) else {
                let names: Vec<&str> = plan.devices.iter().map(|device| device.name().as_str()).collect();
                let message = format!("the configuration has no device provider `{name}`");
                return Err(self.problem(pointer, message, format!("its device providers: {}", names.join(", "))));
            };
            let mut facts = Map::new();
            let (mut age, mut bound) = (None, false);
            for (fact, Placed { value, pointer }) in self.layers.inside(&["devices", name]) {
                let wrong = |wanted: &str| {
                    self.problem(pointer, format!("`{fact}` of a device is not {wanted}"), format!("write {wanted}"))
                };
                match fact {
                    "age" => {
                        let wrong = || wrong("a number of seconds or a length such as 2h");
                        age = Some(length(value).ok_or_else(wrong)?);
                    }
                    "bound" => bound = value.as_bool().ok_or_else(|| wrong("true or false"))?,
                    _ => drop(facts.insert(fact.to_owned(), relative(value, time))),
                }
            }
            let given = GivenDevice { provider, facts: &facts, age, bound };
            let result = evidence.describe(given);
            result.map_err(|fault| self.evidence_problem(&fault, &["devices", name], pointer, provider.facts()))?;
        }
        Ok(())
    }

    /// A fault of evidence at the fact that it is about, otherwise at the evidence.
    fn evidence_problem(&self, fault: &GivenFault, path: &[&str], around: &str, fields: &[FactField]) -> Problem {
        let fact = fault.fact();
        let placed = fact.and_then(|fact| self.layers.inside(path).find(|(name, _)| *name == fact));
        let pointer = placed.map_or(around, |(_, placed)| placed.pointer.as_str());
        let declared = fields.iter().find(|field| Some(field.name.as_str()) == fact);
        let help = match (declared, fault) {
            (Some(field), GivenFault::Value { .. }) => format!("the configuration declares it as {}", field.fact_type),
            (_, GivenFault::Refused { .. }) => {
                "give the missing fact; `countersign eval` tries out tokens that are refused".to_owned()
            }
            _ => String::new(),
        };
        self.problem(pointer, fault.to_string(), help)
    }
}

/// The issuer and id of a principal in Cedar's notation, such as `corp::User::"alice"`.
fn principal_of<'p>(plan: &'p Plan, text: &str) -> Option<(&'p Issuer, String)> {
    let (of, id) = text.split_once("::\"")?;
    let (issuer, entity_type) = of.split_once("::")?;
    // Cedar's escapes of quotes and backslashes are those of JSON.
    let id: String = serde_json::from_str(&format!("\"{id}")).ok()?;
    let found = plan
        .issuers
        .iter()
        .find(|known| known.profile.name.as_str() == issuer && *known.principal.entity_type == *entity_type)?;
    Some((found, id))
}

/// The value of a fact: `now`, `now - 10m` and `now + 10m` are times in seconds since 1970.
fn relative(value: &Value, now: UnixSeconds) -> Value {
    let offset = || -> Option<i64> {
        let rest = value.as_str()?.strip_prefix("now")?;
        if rest.is_empty() {
            return Some(0);
        }
        let (sign, rest) = match rest.trim_start().split_at_checked(1)? {
            ("-", rest) => (-1, rest),
            ("+", rest) => (1, rest),
            _ => return None,
        };
        let length: Seconds = rest.trim_start().parse().ok()?;
        i64::try_from(length.get()).ok()?.checked_mul(sign)
    };
    match offset().and_then(|offset| now.get().checked_add(offset)) {
        Some(time) => Value::from(time),
        None => value.clone(),
    }
}

fn length(value: &Value) -> Option<Seconds> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().map(Seconds::new),
    }
}
