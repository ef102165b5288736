//! A property of load and decision together: where load accepts a document without `@missing("ignore")`, a request that is
//! denied is not allowed after one fact is taken away from it.
//!
//! Documents and requests are generated, by a fixed sequence of pseudo-random numbers. The conditions ask for the presence
//! of a fact only beside its value: a policy that asks for presence alone, such as `forbid ... when { context has peer }`,
//! says in so many words that absence is better, and load accepts it.

use std::net::{IpAddr, Ipv4Addr};

use super::fixture::{NOW, Setting, field, groups_at, posture, request, user_with, with_fields};
use crate::identity::DeviceEvidence;
use crate::policy::{Decision, PolicySet};
use crate::portable;
use crate::profile::{FactType, FactValue};
use crate::provider::ProviderName;
use crate::request::{Peer, Request};

/// SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a small number");
        self.next().checked_rem(end).and_then(|number| usize::try_from(number).ok()).expect("an end above zero")
    }

    pub(super) fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }

    fn one<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }
}

/// Facts that a request may lack, each with the guard of its reads and a read.
const OPTIONAL: [(Fact, &str, &str); 15] = [
    (Fact::UserAgent, "context.http_request has user_agent", "context.http_request.user_agent like \"*bot*\""),
    (Fact::Port, "context.http_request has port", "context.http_request.port == 443"),
    (Fact::Address, "context.http_request has client_ip", "context.http_request.client_ip == \"127.0.0.1\""),
    (Fact::Address, "context.http_request has source_ip", "context.http_request.source_ip.isLoopback()"),
    (Fact::Peer, "context has peer && context.peer has uri", "context.peer.uri like \"spiffe://a/*\""),
    (Fact::Acr, "context has corp && context.corp has acr", "context.corp.acr == \"low\""),
    (Fact::Mdm, "context has mdm", "context.mdm.score < 60"),
    (Fact::Patch, "context has mdm && context.mdm has os_patch", "context.mdm.os_patch < 5"),
    (Fact::Groups, "context has corp && context.corp has groups", "context.corp.groups.contains(\"g0\")"),
    (Fact::Scope, "context has corp", "context.corp.scope.contains(\"s0\")"),
    (Fact::Scope, "context has corp", "context.corp.scope.containsAny([\"s0\", \"s2\"])"),
    (Fact::Scope, "context has corp", "context.corp.scope.containsAll([\"s0\", \"s1\"])"),
    (Fact::Scope, "context has corp", "context.corp.scope.isEmpty()"),
    (Fact::Scope, "context has corp", "context.corp.scope == [\"s0\"]"),
    (Fact::Flags, "context has mdm", "context.mdm.flags.contains(\"f0\")"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    UserAgent,
    Port,
    Address,
    Peer,
    Acr,
    Mdm,
    Patch,
    Groups,
    Scope,
    Flags,
}

const FACTS: [Fact; 10] = [
    Fact::UserAgent,
    Fact::Port,
    Fact::Address,
    Fact::Peer,
    Fact::Acr,
    Fact::Mdm,
    Fact::Patch,
    Fact::Groups,
    Fact::Scope,
    Fact::Flags,
];

const MEMBERSHIPS: [&str; 6] = [
    "principal in corp::Group::\"g0\"",
    "principal in corp::Group::\"g1\"",
    "principal in [corp::Group::\"g0\", corp::Group::\"g1\"]",
    "principal is corp::User in corp::Group::\"g0\"",
    "principal is partner::User in partner::Group::\"p0\"",
    "principal in partner::Group::\"p0\"",
];

fn condition(random: &mut Random, depth: usize) -> String {
    if let Some(depth) = depth.checked_sub(1)
        && random.below(5) > 0
    {
        let (one, other) = (condition(random, depth), condition(random, depth));
        return match random.below(5) {
            0 => format!("!({one})"),
            1 => format!("(({one}) && ({other}))"),
            2 => format!("(({one}) || ({other}))"),
            3 => format!("(if {one} then {other} else {})", condition(random, depth)),
            _ => format!("(({one}) == ({other}))"),
        };
    }
    match random.below(10) {
        0 => {
            random.one(&["true", "context.now > 5", "principal is corp::User", "principal is partner::User"]).to_owned()
        }
        1 => random.one(&["context.http_request.query == \"q\"", "action in Action::\"read\""]).to_owned(),
        2..=4 => random.one(&MEMBERSHIPS).to_owned(),
        _ => {
            let (_, has, read) = OPTIONAL[random.below(OPTIONAL.len())];
            match random.below(5) {
                0 => format!("({has} && {read})"),
                1 => format!("(if {has} then {read} else true)"),
                2 => format!("(if {has} then {read} else false)"),
                3 => format!("!({has} && !({read}))"),
                _ => format!("(!({has}) || ({has} && {read}))"),
            }
        }
    }
}

fn policy(random: &mut Random, number: usize) -> String {
    let effect = random.one(&["forbid", "permit"]);
    let principal = random.one(&[
        "principal",
        "principal",
        "principal is corp::User",
        "principal is corp::User",
        "principal in corp::Group::\"g0\"",
        "principal is corp::User in corp::Group::\"g1\"",
        "principal is partner::User",
    ]);
    let mut text = format!("@id(\"p{number}\") {effect} ({principal}, action, resource)");
    for _ in 0..random.below(3) {
        let clause = if random.below(3) == 0 { "unless" } else { "when" };
        let depth = random.below(4);
        text.push_str(&format!(" {clause} {{ {} }}", condition(random, depth)));
    }
    text.push_str(";\n");
    text
}

/// Issuers whose tokens may lack groups or not, and groups of one in groups of the other or not.
fn setting(random: &mut Random) -> Setting {
    let list = FactType::List(Box::new(FactType::String));
    let groups = if random.coin() { field("groups?", list) } else { field("groups", FactType::Scopes) };
    let mut setting = Setting::new().with_fact_of("corp", groups);
    setting = setting.with_fact_of("corp", field("scope", FactType::Scopes));
    setting.token(1).profile.facts.push(field("flags", FactType::Scopes));
    for issuer in ["corp", "partner"] {
        // A fact with `?` and a required claim contradict each other in a configuration.
        let required = issuer == "partner" && random.coin();
        setting = setting.with_groups_of(issuer, Some(groups_at(&["groups"], required)));
    }
    if random.coin() {
        setting = setting.with_group("partner::Group::\"p0\"", "corp::Group::\"g0\"");
    }
    setting
}

/// Who asks and what, with every fact or without some.
#[derive(Clone, Debug)]
struct Asked {
    issuer: &'static str,
    method: &'static str,
    query: bool,
    groups: Vec<&'static str>,
    scope: Vec<&'static str>,
    low: bool,
    lacks: Vec<Fact>,
}

impl Asked {
    fn any(random: &mut Random) -> Self {
        let issuer = random.one(&["corp", "corp", "partner"]);
        let known = if issuer == "corp" { ["g0", "g1"] } else { ["p0", "p1"] };
        Self {
            issuer,
            method: random.one(&["GET", "POST"]),
            query: random.coin(),
            groups: known.into_iter().filter(|_| random.coin()).collect(),
            scope: ["s0", "s1"].into_iter().filter(|_| random.coin()).collect(),
            low: random.coin(),
            lacks: FACTS.into_iter().filter(|_| random.below(4) == 0).collect(),
        }
    }

    fn has(&self, fact: Fact) -> bool {
        !self.lacks.contains(&fact)
    }

    fn without(&self, fact: Fact) -> Self {
        let mut asked = self.clone();
        asked.lacks.push(fact);
        asked
    }

    fn request(&self) -> Request {
        let path = if self.query { "/a?q" } else { "/a" };
        let agent: &[u8] = if self.low { b"a bot" } else { b"a browser" };
        let mut request = match self.has(Fact::UserAgent) {
            true => with_fields(self.method, "wiki.example.com", path, &[("user-agent", agent)]),
            false => request(self.method, "wiki.example.com", path),
        };
        let address = Ipv4Addr::from(if self.low { [127, 0, 0, 1] } else { [192, 0, 2, 1] });
        request.client_ip = self.has(Fact::Address).then_some(IpAddr::V4(address));
        request.destination_port = self.has(Fact::Port).then_some(if self.low { 443 } else { 8443 });
        let uri = if self.low { "spiffe://a/b" } else { "spiffe://b/b" };
        if self.has(Fact::Peer) {
            request.peer = Peer::of_validated_certificate([7; 32], Some(uri.as_bytes()), None);
        }
        request
    }

    fn decide(&self, setting: &Setting, policies: &PolicySet) -> Decision {
        let mut own = Vec::new();
        let texts = |texts: &[&str]| texts.iter().map(|text| FactValue::String((*text).to_owned())).collect();
        // Scopes without their claim are the empty set.
        let scopes =
            |fact: Fact, words: &[&str]| FactValue::List(if self.has(fact) { texts(words) } else { Vec::new() });
        if self.issuer == "corp" {
            let acr = if self.low { "low" } else { "high" };
            own.extend(self.has(Fact::Acr).then(|| ("acr", FactValue::String(acr.to_owned()))));
            let as_scopes = setting.issuers[0].profile.facts.contains(&field("groups", FactType::Scopes));
            let listed = (self.has(Fact::Groups) || as_scopes).then(|| scopes(Fact::Groups, &self.groups));
            own.extend(listed.map(|listed| ("groups", listed)));
            own.push(("scope", scopes(Fact::Scope, &self.scope)));
        }
        let (score, patch) = if self.low { (40, 1) } else { (80, 7) };
        let mut facts = vec![("managed", FactValue::Bool(true)), ("score", FactValue::Long(score))];
        facts.push(("flags", scopes(Fact::Flags, if self.low { &["f0"] } else { &["f1"] })));
        facts.extend(self.has(Fact::Patch).then_some(("os_patch", FactValue::Long(patch))));
        let device = match self.has(Fact::Mdm) {
            true => posture("mdm", &facts),
            false => (ProviderName::new("mdm"), DeviceEvidence::Missing),
        };
        let groups: &[&str] = if self.has(Fact::Groups) { &self.groups } else { &[] };
        let identity = user_with(self.issuer, "a", groups, &own, &[device]);
        setting.decide(policies, &identity, &self.request())
    }
}

/// A fact whose absence turns the denial of a request into an allow, among so many random requests.
fn escape(
    random: &mut Random,
    setting: &Setting,
    policies: &PolicySet,
    pairs: &mut Vec<Fact>,
) -> Option<(Asked, Fact)> {
    for _ in 0..6 {
        let asked = Asked::any(random);
        let place = setting.issuers.iter().position(|issuer| issuer.profile.name.as_str() == asked.issuer);
        let required = setting.issuers[place?].principal.groups.as_ref().is_some_and(|groups| groups.required);
        match asked.decide(setting, policies) {
            Decision::Allow(_) => continue,
            Decision::Failed { policies } => panic!("{policies:?} cannot be evaluated: {asked:?}"),
            Decision::Forbidden { .. } | Decision::NotPermitted { .. } => {}
        }
        // A token without a required claim is refused before any policy is asked.
        for fact in FACTS.into_iter().filter(|fact| asked.has(*fact) && !(required && *fact == Fact::Groups)) {
            pairs.push(fact);
            if matches!(asked.without(fact).decide(setting, policies), Decision::Allow(_)) {
                return Some((asked, fact));
            }
        }
    }
    None
}

#[portable]
fn taking_a_fact_away_from_a_denied_request_never_has_it_allowed() {
    let mut random = Random(NOW.get().unsigned_abs());
    let (mut accepted, mut refused, mut escapes) = (0_u32, 0_u32, 0_u32);
    let mut pairs = Vec::new();
    for _ in 0..1_400 {
        let setting = setting(&mut random);
        let all = if random.coin() { "@id(\"all\") permit (principal, action, resource);\n" } else { "" };
        let text: String = (0..=random.below(2)).map(|number| policy(&mut random, number)).collect();
        let text = format!("{all}{text}");
        match setting.compile(&text) {
            Ok((policies, _)) => {
                accepted = accepted.saturating_add(1);
                let found = escape(&mut random, &setting, &policies, &mut pairs);
                assert!(found.is_none(), "{text}\n{found:?}");
            }
            // That the rule is needed, and that the requests would show it: without the rule some of these escape.
            Err(errors) if errors.iter().all(|error| error.code.code() == "absent-fact-lifts-rule") => {
                refused = refused.saturating_add(1);
                let ignoring = text.replace("@id(", "@missing(\"ignore\") @id(");
                let found = escape(&mut random, &setting, &setting.policies(&ignoring), &mut Vec::new());
                escapes = escapes.saturating_add(found.is_some().into());
            }
            Err(_) => {}
        }
    }
    assert!(accepted >= 200, "{accepted} documents");
    for fact in FACTS {
        let pairs = pairs.iter().filter(|known| **known == fact).count();
        assert!(pairs >= 400, "{pairs} pairs with and without {fact:?}");
    }
    assert!(refused >= 200 && escapes >= 50, "{refused} refused, {escapes} of them escape");
}
