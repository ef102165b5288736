//! The record as a line of JSON, written member by member: it is written for every request.

use core::fmt::Write as _;

use super::{AuthenticationRecord, CacheOutcome, DecisionRecord, EvidenceRecord, Handling, NearMissRecord, PeerRecord};
use crate::mode::Mode;
use crate::policy::{Alarm, PolicyId, Rehearsed};
use crate::provider::ProviderName;
use crate::refusal::Reason;
use crate::telemetry::Verdict;
use crate::text::push_json_string;

/// The version of the record's members.
pub(super) const SCHEMA_VERSION: u64 = 1;

/// Bytes that a line is given at first. The record of a permitted request usually has about 600.
const USUAL_BYTES: usize = 1024;

impl DecisionRecord {
    /// The record as one line of ASCII JSON, without the line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let decision = match self.verdict {
            Verdict::Allow | Verdict::WouldDeny => "allow",
            Verdict::Deny => "deny",
            Verdict::Answered => "answered",
        };
        let mut line = Line(String::with_capacity(USUAL_BYTES));
        line.bracket('{');
        line.member("schema_version", SCHEMA_VERSION);
        line.member("decision_id", self.decision_id.as_str());
        line.member("time", self.time);
        line.member("config", self.config.as_deref());
        line.member("policy_set", self.policy_set.as_deref());
        line.member("trace_id", self.trace_id.as_deref());
        line.member("mode", self.mode.map(mode_name));
        line.member("application", self.application.as_deref());
        line.member("route", self.route.as_deref());
        line.member("action", self.action);
        line.member("method", self.method);
        line.member("path", self.path.as_deref());
        line.member("principal", self.principal.as_deref());
        line.member("authentication", self.authentication.as_ref());
        line.member("peer", self.peer.as_ref());
        line.name("evidence");
        line.bracket('{');
        for (provider, evidence) in &self.evidence {
            line.begin();
            provider.as_str().write(&mut line);
            line.0.push(':');
            evidence.write(&mut line);
        }
        line.bracket('}');
        line.member("decision", decision);
        let is_rehearsed = self.mode == Some(Mode::Shadow);
        line.member("would_deny", is_rehearsed.then_some(self.is_refusal()));
        line.member("reason", self.reason.map_or(self.verdict.code(), Reason::code));
        line.member("detail", self.detail.as_deref());
        line.list("policies", self.policies.iter().map(PolicyId::as_str));
        line.list("near_misses", &self.near_misses);
        line.list("alarms", self.alarms.iter().map(Alarm::as_str));
        line.member("rehearsal", self.rehearsal.as_ref());
        line.member("status", self.answer_status.map(u64::from));
        let Handling { latency, waited, tokens, decision } = self.handling;
        line.member("latency_us", latency);
        line.member("waited_us", waited);
        line.name("cache");
        line.bracket('{');
        line.member("tokens", tokens.map(CacheOutcome::name));
        line.member("decision", decision.map(CacheOutcome::name));
        line.bracket('}');
        line.bracket('}');
        line.0
    }
}

const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
    }
}

/// JSON without white space, in printable ASCII.
struct Line(String);

impl Line {
    fn bracket(&mut self, bracket: char) {
        self.0.push(bracket);
    }

    /// Begins an element or a member: after another one with a comma. A string ends with its quotation mark, so a bracket
    /// at the end was just opened.
    fn begin(&mut self) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }

    /// A name of this file, which needs no escapes.
    fn name(&mut self, name: &'static str) {
        self.begin();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn member(&mut self, name: &'static str, value: impl Json) {
        self.name(name);
        value.write(self);
    }

    fn list<T: Json>(&mut self, name: &'static str, elements: impl IntoIterator<Item = T>) {
        self.name(name);
        self.bracket('[');
        for element in elements {
            self.begin();
            element.write(self);
        }
        self.bracket(']');
    }

    fn display(&mut self, value: impl core::fmt::Display) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{value}");
    }
}

/// A value of the line.
trait Json {
    fn write(self, line: &mut Line);
}

impl Json for &str {
    fn write(self, line: &mut Line) {
        push_json_string(&mut line.0, self);
    }
}

impl Json for u64 {
    fn write(self, line: &mut Line) {
        line.display(self);
    }
}

impl Json for i64 {
    fn write(self, line: &mut Line) {
        line.display(self);
    }
}

impl Json for bool {
    fn write(self, line: &mut Line) {
        line.0.push_str(if self { "true" } else { "false" });
    }
}

impl<T: Json> Json for Option<T> {
    fn write(self, line: &mut Line) {
        match self {
            Some(value) => value.write(line),
            None => line.0.push_str("null"),
        }
    }
}

impl Json for &AuthenticationRecord {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member("issuer", self.issuer.as_ref().map(ProviderName::as_str));
        line.member("method", self.method);
        line.member("binding", self.binding);
        line.member("place", self.place.as_ref().map(ToString::to_string).as_deref());
        line.bracket('}');
    }
}

impl Json for &PeerRecord {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member("workload", self.workload.as_deref());
        line.member("detail", self.detail.as_deref());
        line.bracket('}');
    }
}

impl Json for &EvidenceRecord {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member("state", self.state.name());
        line.member("age", self.age);
        line.member("bound", self.bound);
        line.member("device", self.device.as_deref());
        line.member("reason", self.reason);
        line.member("detail", self.detail.as_deref());
        line.bracket('}');
    }
}

impl Json for &Rehearsed {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member("decision", if self.allows { "allow" } else { "deny" });
        line.list("policies", self.policies.iter().map(PolicyId::as_str));
        line.bracket('}');
    }
}

impl Json for &NearMissRecord {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member("policy", self.policy.as_str());
        line.member("failed_conditions", u64::try_from(self.failed_conditions).unwrap_or(u64::MAX));
        line.bracket('}');
    }
}
