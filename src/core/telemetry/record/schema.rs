//! The JSON Schema of the decision record (draft 2020-12), for what reads access logs.
//!
//! It allows members that it does not list: a later version of the same `schema_version` may add some.

use serde_json::{Map, Value, json};

use super::line::SCHEMA_VERSION;
use super::{CacheOutcome, EvidenceState};
use crate::identity::SenderConstraint;
use crate::limits::{MAX_ALARM_BYTES, MAX_RECORD_TEXT_BYTES};
use crate::refusal::Reason;
use crate::telemetry::Verdict;

/// The JSON Schema of a decision record.
#[must_use]
pub fn record_schema() -> Value {
    let mut schema = object(members());
    if let Value::Object(schema) = &mut schema {
        schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".to_owned(), json!("A decision record of Countersign"));
    }
    schema
}

/// The members in the order of the line: name, what it is, values.
fn members() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("schema_version", "the version of these members", json!({ "const": SCHEMA_VERSION })),
        ("decision_id", "the same as in the answer and in `x-countersign-decision-id`", pattern("^[0-9a-f]{32}$")),
        ("time", "Unix seconds: the time that the decision used", json!({ "type": "integer" })),
        ("config", "the beginning of the configuration's SHA-256", nullable(pattern("^[0-9a-f]{16}$"))),
        ("policy_set", "the beginning of the SHA-256 of its policies", nullable(pattern("^[0-9a-f]{16}$"))),
        ("trace_id", "the trace of the request", nullable(pattern("^[0-9a-f]{32}$"))),
        ("mode", "whether refusals are enforced", nullable(words(["enforce", "shadow"]))),
        ("application", "its name in the configuration", nullable(text())),
        ("route", "its name in the configuration", nullable(text())),
        ("action", "the id of the Cedar action", nullable(text())),
        ("method", "the request method", nullable(text())),
        ("path", "the route's template", nullable(text())),
        ("principal", "in Cedar's notation", nullable(cut_text())),
        ("authentication", "how the principal was authenticated", nullable(object(authentication()))),
        ("peer", "the workload at the other end of the connection", nullable(object(peer()))),
        ("evidence", "by device provider", json!({ "type": "object", "additionalProperties": object(evidence()) })),
        ("decision", "what was done", words(["allow", "deny", "answered"])),
        ("would_deny", "whether the request would have been refused", nullable(json!({ "type": "boolean" }))),
        ("reason", "the code of the refusal, or why there is none", words(reasons())),
        ("detail", "what was found", nullable(cut_text())),
        ("policies", "the determining policies, or those that could not be evaluated", list(text())),
        ("near_misses", "permits whose scope matched", list(object(near_miss()))),
        (
            "alarms",
            "the names of the `@alarm`s of the determining policies",
            list(json!({ "type": "string", "minLength": 1, "maxLength": MAX_ALARM_BYTES })),
        ),
        ("rehearsal", "what would be decided if the rehearsed policies were in force", nullable(object(rehearsal()))),
        ("status", "of the answer", nullable(json!({ "type": "integer", "minimum": 200, "maximum": 599 }))),
        ("latency_us", "microseconds from the arrival of the headers to the decision", nullable(natural())),
        ("waited_us", "how many of them had passed when the decision began", nullable(natural())),
        ("cache", "what was known from earlier requests", object(cache())),
    ]
}

fn authentication() -> Vec<(&'static str, &'static str, Value)> {
    let bindings = [SenderConstraint::Bearer, SenderConstraint::Certificate, SenderConstraint::Dpop];
    vec![
        ("issuer", "its name in the configuration", nullable(text())),
        ("method", "how the credential was presented", words(["bearer", "dpop", "connection"])),
        ("binding", "what the token is bound to", words(bindings.map(SenderConstraint::bound_by))),
        ("place", "where the credential was found", nullable(text())),
    ]
}

fn peer() -> Vec<(&'static str, &'static str, Value)> {
    vec![("workload", "its SPIFFE ID", nullable(cut_text())), ("detail", "why there is none", nullable(cut_text()))]
}

fn evidence() -> Vec<(&'static str, &'static str, Value)> {
    let states = [EvidenceState::Verified, EvidenceState::Stale, EvidenceState::Missing, EvidenceState::Refused];
    vec![
        ("state", "what came of it", words(states.map(EvidenceState::name))),
        ("age", "seconds", nullable(natural())),
        ("bound", "whether it is tied to the caller's token", nullable(json!({ "type": "boolean" }))),
        ("device", "the provider's name for the device", nullable(cut_text())),
        ("reason", "a code", nullable(words(Reason::ALL.iter().map(|reason| reason.code())))),
        ("detail", "why what was presented counts as missing", nullable(cut_text())),
    ]
}

fn cache() -> Vec<(&'static str, &'static str, Value)> {
    let outcomes = || nullable(words(CacheOutcome::ALL.map(CacheOutcome::name)));
    vec![("tokens", "signatures of tokens", outcomes()), ("decision", "answers of policies", outcomes())]
}

fn rehearsal() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("decision", "what would be decided", words(["allow", "deny"])),
        ("policies", "the policies that would determine it", list(text())),
    ]
}

fn near_miss() -> Vec<(&'static str, &'static str, Value)> {
    vec![("policy", "its id", text()), ("failed_conditions", "how many of its conditions failed", natural())]
}

fn reasons() -> impl Iterator<Item = &'static str> {
    let permitted = [Verdict::Allow, Verdict::Answered].map(Verdict::code);
    Reason::ALL.iter().map(|reason| reason.code()).chain(permitted)
}

fn object(members: Vec<(&'static str, &'static str, Value)>) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, ..)| *name).collect();
    let mut properties = Map::new();
    for (name, about, mut schema) in members {
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), json!(about));
        }
        properties.insert(name.to_owned(), schema);
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn natural() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// A string that the record cuts.
fn cut_text() -> Value {
    json!({ "type": "string", "maxLength": MAX_RECORD_TEXT_BYTES })
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn words(words: impl IntoIterator<Item = &'static str>) -> Value {
    json!({ "enum": words.into_iter().collect::<Vec<_>>() })
}

fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn nullable(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}
