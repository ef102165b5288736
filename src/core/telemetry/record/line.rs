//! The record as a line of JSON, written member by member: it is written for every request.

use super::{AuthenticationRecord, CacheOutcome, DecisionRecord, EvidenceRecord, Handling, NearMissRecord, PeerRecord};
use crate::mode::Mode;
use crate::policy::{Alarm, PolicyId, Rehearsed};
use crate::profile::CredentialPlace;
use crate::provider::ProviderName;
use crate::refusal::Reason;
use crate::telemetry::Verdict;
use crate::text::push_json_string;

/// The version of the record's members.
pub(super) const SCHEMA_VERSION: u64 = 1;

/// How many digits of a digest a record has.
const DIGITS: usize = 16;

/// Bytes that a line is given at first. The record of a permitted request usually has about 600.
const USUAL_BYTES: usize = 1024;

/// The name of a member as it is in the line, in one piece. A name of this file needs no escapes.
macro_rules! name {
    ($name:literal) => {
        concat!("\"", $name, "\":")
    };
}

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
        line.member(name!("schema_version"), SCHEMA_VERSION);
        line.member(name!("decision_id"), self.decision_id.as_str());
        line.member(name!("time"), self.time);
        line.member(name!("config"), self.digest.as_deref().map(beginning));
        line.member(name!("policy_set"), self.policies_digest.as_deref().map(beginning));
        line.member(name!("trace_id"), self.trace_id.as_deref());
        line.member(name!("mode"), self.mode.map(mode_name));
        line.member(name!("application"), self.application.as_deref());
        line.member(name!("route"), self.route.as_deref());
        line.member(name!("action"), self.action);
        line.member(name!("method"), self.method);
        line.member(name!("path"), self.path.as_deref());
        line.member(name!("principal"), self.principal.as_deref());
        line.member(name!("authentication"), self.authentication.as_ref());
        line.member(name!("peer"), self.peer.as_ref());
        line.name(name!("evidence"));
        line.bracket('{');
        for (provider, evidence) in &self.evidence {
            line.begin();
            provider.as_str().write(&mut line);
            line.0.push(':');
            evidence.write(&mut line);
        }
        line.bracket('}');
        line.member(name!("decision"), decision);
        let is_rehearsed = self.mode == Some(Mode::Shadow);
        line.member(name!("would_deny"), is_rehearsed.then_some(self.is_refusal()));
        line.member(name!("reason"), self.reason.map_or(self.verdict.code(), Reason::code));
        line.member(name!("detail"), self.detail.as_deref());
        line.list(name!("policies"), self.policies.iter().map(PolicyId::as_str));
        line.list(name!("near_misses"), &self.near_misses);
        line.list(name!("alarms"), self.alarms.iter().map(Alarm::as_str));
        line.member(name!("rehearsal"), self.rehearsal.as_ref());
        line.member(name!("status"), self.answer_status.map(u64::from));
        let Handling { latency, waited, tokens, decision } = self.handling;
        line.member(name!("latency_us"), latency);
        line.member(name!("waited_us"), waited);
        line.name(name!("cache"));
        line.bracket('{');
        line.member(name!("tokens"), tokens.map(CacheOutcome::name));
        line.member(name!("decision"), decision.map(CacheOutcome::name));
        line.bracket('}');
        line.bracket('}');
        line.0
    }
}

/// The beginning of a digest, by which records name a configuration or policies.
fn beginning(digest: &str) -> &str {
    digest.get(..DIGITS).unwrap_or(digest)
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
        if !matches!(self.0.as_bytes().last(), Some(b'{' | b'[')) {
            self.0.push(',');
        }
    }

    /// A name that [`name!`] has written.
    fn name(&mut self, name: &'static str) {
        self.begin();
        self.0.push_str(name);
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
        line.0.push_str(itoa::Buffer::new().format(self));
    }
}

impl Json for i64 {
    fn write(self, line: &mut Line) {
        line.0.push_str(itoa::Buffer::new().format(self));
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
        line.member(name!("issuer"), self.issuer.as_ref().map(ProviderName::as_str));
        line.member(name!("method"), self.method);
        line.member(name!("binding"), self.binding);
        line.member(name!("place"), self.place.as_ref());
        line.bracket('}');
    }
}

impl Json for &CredentialPlace {
    fn write(self, line: &mut Line) {
        let (kind, name) = self.kind_and_name();
        push_json_string(&mut line.0, &[kind, " ", name].concat());
    }
}

impl Json for &PeerRecord {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member(name!("workload"), self.workload.as_deref());
        line.member(name!("detail"), self.detail.as_deref());
        line.bracket('}');
    }
}

impl Json for &EvidenceRecord {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member(name!("state"), self.state.name());
        line.member(name!("age"), self.age);
        line.member(name!("bound"), self.bound);
        line.member(name!("device"), self.device.as_deref());
        line.member(name!("reason"), self.reason);
        line.member(name!("detail"), self.detail.as_deref());
        line.bracket('}');
    }
}

impl Json for &Rehearsed {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member(name!("decision"), if self.allows { "allow" } else { "deny" });
        line.list(name!("policies"), self.policies.iter().map(PolicyId::as_str));
        line.bracket('}');
    }
}

impl Json for &NearMissRecord {
    fn write(self, line: &mut Line) {
        line.bracket('{');
        line.member(name!("policy"), self.policy.as_str());
        line.member(name!("failed_conditions"), u64::try_from(self.failed_conditions).unwrap_or(u64::MAX));
        line.bracket('}');
    }
}
