//! `missing_facts: implied`: what policies without guards mean where facts are missing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::absence::Random;
use super::fixture::{NOW, Setting, document, field, named, posture, user_with, with_fields};
use crate::config_error::{ConfigError, ConfigWarning};
use crate::identity::{DeviceEvidence, Identity};
use crate::policy::{MissingFacts, PolicyDocument, PolicySet};
use crate::portable;
use crate::profile::{FactType, FactValue};
use crate::provider::ProviderName;
use crate::request::Request;

fn implied(name: Option<&str>, text: &str) -> PolicyDocument {
    PolicyDocument { missing_facts: MissingFacts::Implied, ..document(name, &["wiki"], text) }
}

fn compile(setting: &Setting, text: &str) -> Result<(PolicySet, Vec<ConfigWarning>), Vec<ConfigError>> {
    setting.compile_all(&[implied(None, text)])
}

fn accepted(setting: &Setting, text: &str) -> PolicySet {
    compile(setting, text).map(|(policies, _)| policies).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

/// What Verified Access knows of a person and of devices.
fn verified_access() -> Setting {
    use FactType::{Bool, List, Long, Record, String};
    let email = Record(vec![field("address", String), field("verified?", Bool)]);
    let mut setting = Setting::new()
        .with_fact_of("corp", field("user?", Record(vec![field("email?", email)])))
        .with_fact_of("corp", field("groups?", List(Box::new(String))))
        .with_fact_of("corp", field("email_verified?", Bool));
    setting.token(0).profile.facts.push(field("assessment?", Record(vec![field("overall?", Long)])));
    setting.token(1).profile.facts.push(field("risk?", String));
    setting
}

const GROUP: &str = "1c0f7f4e-6d7a-4a0e-9c53-2f6f3b3f7a55";

fn person(verified: bool, devices: &[(ProviderName, DeviceEvidence)]) -> Identity {
    let record = |facts: &[(&str, FactValue)]| {
        FactValue::Record(facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    let email =
        record(&[("address", FactValue::String("a@example.com".to_owned())), ("verified", FactValue::Bool(verified))]);
    let own = [
        ("user", record(&[("email", email)])),
        ("groups", FactValue::List(vec![FactValue::String(GROUP.to_owned())])),
        ("email_verified", FactValue::Bool(verified)),
    ];
    user_with("corp", "a", &[], &own, devices)
}

fn edr(overall: i64) -> (ProviderName, DeviceEvidence) {
    let assessment = FactValue::Record(BTreeMap::from([("overall".to_owned(), FactValue::Long(overall))]));
    posture("edr", &[("ok", FactValue::Bool(true)), ("assessment", assessment)])
}

fn at_risk(risk: &str) -> (ProviderName, DeviceEvidence) {
    let risk = FactValue::String(risk.to_owned());
    posture("mdm", &[("managed", FactValue::Bool(true)), ("score", FactValue::Long(90)), ("risk", risk)])
}

fn from(address: [u8; 4], method: &str) -> Request {
    let mut request = with_fields(method, "wiki.example.com", "/a", &[]);
    request.client_ip = Some(IpAddr::V4(Ipv4Addr::from(address)));
    request
}

fn get() -> Request {
    from([192, 0, 2, 1], "GET")
}

fn decided(setting: &Setting, text: &str, identity: &Identity, request: &Request) -> &'static str {
    let policies = accepted(setting, text);
    let decision = setting.decide(&policies, identity, request);
    let route = setting.router.find(request).expect("a route");
    assert_eq!(policies.decide_by_oracle(identity, request, &route, NOW), decision, "{text}");
    named(&decision).0
}

#[portable]
fn a_permit_in_the_form_of_verified_access_permits_whom_it_means_and_nobody_without_the_facts() {
    let setting = verified_access();
    let low = [at_risk("LOW")];
    let permits: [(&str, Vec<Identity>, Vec<Identity>); 6] = [
        (
            "context.corp.groups has \"1c0f7f4e-6d7a-4a0e-9c53-2f6f3b3f7a55\" && context.corp.user.email.verified == true",
            vec![person(true, &[])],
            vec![person(false, &[]), user_with("corp", "b", &[], &[], &[]), user_with("partner", "p", &[], &[], &[])],
        ),
        (
            "context.corp.groups.contains(\"1c0f7f4e-6d7a-4a0e-9c53-2f6f3b3f7a55\") && context.corp.email_verified == true \
             && context.mdm.risk == \"LOW\"",
            vec![person(true, &low)],
            vec![person(true, &[]), person(true, &[at_risk("HIGH")]), person(false, &low)],
        ),
        (
            "context.edr.assessment.overall > 50",
            vec![person(true, &[edr(51)])],
            vec![person(true, &[edr(50)]), person(true, &[posture("edr", &[("ok", FactValue::Bool(true))])])],
        ),
        (
            "context.corp.user.email.address like \"*@example.com\" && [\"LOW\", \"SECURE\"].contains(context.mdm.risk)",
            vec![person(true, &low), person(false, &[at_risk("SECURE")])],
            vec![person(true, &[]), person(true, &[at_risk("MEDIUM")])],
        ),
        (
            "context.http_request.client_ip == \"192.0.2.1\" || context.mdm.risk == \"LOW\"",
            vec![person(true, &[]), person(true, &low), person(true, &[at_risk("HIGH")])],
            vec![],
        ),
        (
            "ip(context.http_request.client_ip).isInRange(ip(\"192.0.2.0/24\")) && context.corp.email_verified",
            vec![person(true, &[])],
            vec![person(false, &[])],
        ),
    ];
    for (condition, permitted, denied) in permits {
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        for identity in permitted {
            assert_eq!(decided(&setting, &text, &identity, &get()), "allow", "{condition}\n{identity:?}");
        }
        for identity in denied {
            assert_eq!(decided(&setting, &text, &identity, &get()), "not permitted", "{condition}\n{identity:?}");
        }
        let elsewhere = from([198, 51, 100, 7], "GET");
        if condition.contains("client_ip") {
            assert_eq!(decided(&setting, &text, &person(true, &[]), &elsewhere), "not permitted", "{condition}");
        }
    }
}

#[portable]
fn a_forbid_that_reads_a_missing_fact_applies_and_spares_what_it_does_not_speak_of() {
    let setting = verified_access();
    type Asked = Vec<(Identity, Request)>;
    let forbids: [(&str, Asked, Asked); 3] = [
        (
            "context.http_request.http_method == \"POST\" && !(context.corp.groups.contains(\"admins\"))",
            vec![
                (person(true, &[]), from([192, 0, 2, 1], "POST")),
                (user_with("corp", "b", &[], &[], &[]), from([192, 0, 2, 1], "POST")),
            ],
            vec![(user_with("corp", "b", &[], &[], &[]), get())],
        ),
        (
            "ip(context.http_request.client_ip).isInRange(ip(\"10.0.0.0/8\"))",
            vec![
                (person(true, &[]), from([10, 1, 2, 3], "GET")),
                (person(true, &[]), with_fields("GET", "wiki.example.com", "/a", &[])),
            ],
            vec![(person(true, &[]), get())],
        ),
        (
            "context.http_request.path like \"/admin*\" && context.edr.assessment.overall < 60",
            vec![
                (person(true, &[edr(59)]), with_fields("GET", "wiki.example.com", "/admin/a", &[])),
                (person(true, &[]), with_fields("GET", "wiki.example.com", "/admin/a", &[])),
            ],
            vec![
                (person(true, &[]), get()),
                (person(true, &[edr(60)]), with_fields("GET", "wiki.example.com", "/admin/a", &[])),
            ],
        ),
    ];
    for (condition, denied, spared) in forbids {
        let text = format!(
            "permit(principal, action, resource);\nforbid(principal, action, resource) when {{ {condition} }};"
        );
        for (identity, request) in denied {
            assert_eq!(decided(&setting, &text, &identity, &request), "forbidden", "{condition}\n{identity:?}");
        }
        for (identity, request) in spared {
            assert_eq!(decided(&setting, &text, &identity, &request), "allow", "{condition}\n{identity:?}");
        }
    }
}

#[portable]
fn what_strict_rejects_is_rejected_by_default() {
    let setting = verified_access();
    let text = "@id(\"p\") permit(principal is corp::User, action, resource) when { context.corp.email_verified };";
    let strict = setting.compile_all(&[document(None, &["wiki"], text)]).expect_err("an error");
    assert_eq!(strict[0].code.code(), "unguarded-fact");
    accepted(&setting, text);
}

#[portable]
fn policies_without_an_id_are_named_by_their_place_with_a_warning() {
    let setting = verified_access();
    let text = "permit(principal, action, resource) when { context.corp.email_verified };\n\
                @id(\"named\") forbid(principal, action, resource) when { context.mdm.risk == \"HIGH\" };\n\
                permit(principal, action, resource) when { context.edr.assessment.overall > 50 };";
    let (policies, warnings) = setting.compile_all(&[implied(Some("verified-access"), text)]).expect("valid policies");
    let decision = setting.decide(&policies, &person(true, &[edr(60), at_risk("LOW")]), &get());
    assert_eq!(named(&decision), ("allow", vec!["verified-access/1", "verified-access/3"]));
    let warning = warnings.iter().find(|warning| warning.code.code() == "numbered-policy").expect("a warning");
    assert!(warning.message.starts_with("2 of its policies"), "{}", warning.message);
    assert!(warning.message.contains("`verified-access/1`"), "{}", warning.message);
}

#[portable]
fn a_fact_of_one_issuer_is_rejected_for_the_principals_of_others() {
    let text = "permit (principal, action, resource) \
                when { context.corp has email_verified && context.corp.email_verified };";
    let errors = compile(&verified_access(), text).err().unwrap_or_default();
    let [error] = errors.as_slice() else { panic!("{errors:#?}") };
    assert_eq!(error.code.code(), "foreign-fact");
    assert!(error.message.contains("not every principal") && !error.message.contains("``"), "{error:?}");
}

#[portable]
fn a_read_without_a_default_is_rejected_and_says_how_to_write_it() {
    let setting = verified_access();
    for condition in [
        "if context.corp.email_verified then context.now > 5 else context.now < 5",
        "(context.edr.assessment.overall > 50) == true",
        "[context.edr.assessment.overall > 50].contains(true)",
        "(context.edr.assessment.overall > 50 || context.now > 5) != context.corp.email_verified",
    ] {
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        let errors = compile(&setting, &text).err().unwrap_or_default();
        assert!(errors.iter().any(|error| error.code.code() == "missing-undecided"), "{condition}: {errors:#?}");
    }
    // A question for the fact itself has an answer, whether the fact is there or not.
    accepted(
        &setting,
        "permit(principal, action, resource) when { if context has edr then context.edr.ok else false };",
    );
}

#[portable]
fn the_policies_that_load_makes_are_plain_cedar_that_strict_accepts() {
    let setting = verified_access();
    let text = "permit(principal, action, resource) when { context.corp.user.email.verified && context.mdm.score > 60 } \
                unless { context.corp.groups has blocked };\n\
                forbid(principal, action, resource) \
                when { context.http_request.path like \"/admin*\" && !(context.edr.assessment.overall > 50) };";
    let policies = accepted(&setting, text);
    let shown = policies.texts().expect("texts");
    let shown: Vec<String> = shown.into_iter().map(|(_, text)| text).collect();
    let wanted = [
        "permit(principal, action, resource)\n\
         when { context has corp.user.email.verified && context.corp.user.email.verified \
         && context has mdm.score && context.mdm.score > 60 }\n\
         unless { if context has corp.groups then context.corp.groups.contains(\"blocked\") else true };",
        "forbid(principal, action, resource)\n\
         when { context.http_request.path like \"/admin*\" \
         && !(context has edr.assessment.overall && context.edr.assessment.overall > 50) };",
    ];
    assert_eq!(shown, wanted);
    let named: String = shown.iter().enumerate().map(|(place, text)| format!("@id(\"{place}\")\n{text}\n")).collect();
    if let Err(errors) = setting.compile_all(&[document(None, &["wiki"], &named)]) {
        panic!("{named}\n{errors:#?}");
    }
}

#[portable]
fn a_rule_that_asks_to_be_ignored_where_facts_are_missing_is() {
    let setting = verified_access();
    let text = "permit(principal, action, resource);\n\
                @missing(\"ignore\") forbid(principal, action, resource) when { context.mdm.risk == \"HIGH\" };";
    assert_eq!(decided(&setting, text, &person(true, &[]), &get()), "allow");
    assert_eq!(decided(&setting, text, &person(true, &[at_risk("HIGH")]), &get()), "forbidden");
}

/// A condition, and what it means in words of this test.
enum Condition {
    Atom(usize),
    Not(Box<Condition>),
    Both(Box<Condition>, Box<Condition>),
    Either(Box<Condition>, Box<Condition>),
    If(usize, Box<Condition>, Box<Condition>),
}

/// What a request has; `None` is missing.
struct World {
    verified: Option<bool>,
    admin: Option<bool>,
    risk: Option<bool>,
    overall: Option<i64>,
    office: Option<bool>,
    get: bool,
}

/// Conditions, each with its truth; the first two read nothing that can be missing.
type Truth = fn(&World) -> Option<bool>;
const ATOMS: [(&str, Truth); 9] = [
    ("context.http_request.http_method == \"GET\"", |world| Some(world.get)),
    ("!(context.http_request.http_method == \"POST\")", |world| Some(world.get)),
    ("context.corp.email_verified", |world| world.verified),
    ("context.corp.email_verified == false", |world| world.verified.map(|verified| !verified)),
    ("context.corp.groups has admins", |world| world.admin),
    ("[\"HIGH\", \"X\"].contains(context.mdm.risk)", |world| world.risk),
    ("context.edr.assessment.overall > 50", |world| world.overall.map(|overall| overall > 50)),
    ("context.edr.assessment.overall + 1 != 91", |world| world.overall.map(|overall| overall != 90)),
    ("ip(context.http_request.client_ip).isInRange(ip(\"10.0.0.0/8\"))", |world| world.office),
];

impl Condition {
    fn any(random: &mut Random, depth: usize) -> Self {
        let Some(depth) = depth.checked_sub(1) else { return Self::Atom(random.below(ATOMS.len())) };
        let inner = |random: &mut Random| Box::new(Self::any(random, depth));
        match random.below(7) {
            0 => Self::Not(inner(random)),
            1 | 2 => Self::Both(inner(random), inner(random)),
            3 | 4 => Self::Either(inner(random), inner(random)),
            5 => Self::If(random.below(2), inner(random), inner(random)),
            _ => Self::any(random, 0),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Atom(atom) => ATOMS[*atom].0.to_owned(),
            Self::Not(inner) => format!("!({})", inner.text()),
            Self::Both(one, other) => format!("({}) && ({})", one.text(), other.text()),
            Self::Either(one, other) => format!("({}) || ({})", one.text(), other.text()),
            Self::If(atom, one, other) => {
                format!("if {} then ({}) else ({})", ATOMS[*atom].0, one.text(), other.text())
            }
        }
    }

    /// Its truth, where a part that reads a missing fact answers `default`, turned around by each `!`.
    fn holds(&self, world: &World, default: bool) -> bool {
        match self {
            Self::Atom(atom) => ATOMS[*atom].1(world).unwrap_or(default),
            Self::Not(inner) => !inner.holds(world, !default),
            Self::Both(one, other) => one.holds(world, default) && other.holds(world, default),
            Self::Either(one, other) => one.holds(world, default) || other.holds(world, default),
            Self::If(atom, one, other) if ATOMS[*atom].1(world) == Some(true) => one.holds(world, default),
            Self::If(_, _, other) => other.holds(world, default),
        }
    }
}

impl World {
    fn any(random: &mut Random, holes: bool) -> Self {
        let there = |random: &mut Random| !holes || random.below(3) > 0;
        Self {
            verified: there(random).then(|| random.coin()),
            admin: there(random).then(|| random.coin()),
            risk: there(random).then(|| random.coin()),
            overall: there(random).then(|| [10, 60, 90][random.below(3)]),
            office: there(random).then(|| random.coin()),
            get: random.coin(),
        }
    }

    fn identity(&self) -> Identity {
        let mut own = Vec::new();
        own.extend(self.verified.map(|verified| ("email_verified", FactValue::Bool(verified))));
        let groups =
            |admin: bool| FactValue::List(vec![FactValue::String(if admin { "admins" } else { "x" }.to_owned())]);
        own.extend(self.admin.map(|admin| ("groups", groups(admin))));
        let devices: Vec<_> = self
            .risk
            .map(|high| at_risk(if high { "HIGH" } else { "LOW" }))
            .into_iter()
            .chain(self.overall.map(edr))
            .collect();
        user_with("corp", "a", &[], &own, &devices)
    }

    fn request(&self) -> Request {
        let mut request = with_fields(if self.get { "GET" } else { "POST" }, "wiki.example.com", "/a", &[]);
        let address = |office: bool| IpAddr::V4(Ipv4Addr::from(if office { [10, 0, 0, 7] } else { [192, 0, 2, 7] }));
        request.client_ip = self.office.map(address);
        request
    }
}

#[portable]
fn generated_policies_mean_what_they_say_with_and_without_their_facts() {
    let setting = verified_access();
    let mut random = Random(7);
    let (mut allowed, mut denied, mut whole) = (0_u32, 0_u32, 0_u32);
    for _ in 0..400 {
        let depth = random.below(4);
        let (condition, forbids, unless) = (Condition::any(&mut random, depth), random.coin(), random.coin());
        let (effect, clause) = (if forbids { "forbid" } else { "permit" }, if unless { "unless" } else { "when" });
        let all = if forbids { "permit(principal is corp::User, action, resource);\n" } else { "" };
        let text =
            format!("{all}{effect}(principal is corp::User, action, resource) {clause} {{ {} }};", condition.text());
        // A condition can be false for every request; Cedar sees some of those.
        let Ok((policies, _)) = compile(&setting, &text) else { continue };
        for _ in 0..25 {
            let holes = random.coin();
            let world = World::any(&mut random, holes);
            let (identity, request) = (world.identity(), world.request());
            let decision = setting.decide(&policies, &identity, &request);
            let applies = condition.holds(&world, forbids != unless) != unless;
            let wanted = match (forbids, applies) {
                (true, true) => "forbidden",
                (true, false) | (false, true) => "allow",
                (false, false) => "not permitted",
            };
            assert_eq!(named(&decision).0, wanted, "{text}\n{identity:#?}\n{request:#?}");
            let route = setting.router.find(&request).expect("a route");
            assert_eq!(policies.decide_by_oracle(&identity, &request, &route, NOW), decision, "{text}");
            allowed = allowed.saturating_add((wanted == "allow").into());
            denied = denied.saturating_add((wanted != "allow").into());
            whole = whole.saturating_add((!holes).into());
        }
    }
    assert!(allowed > 2_000 && denied > 2_000 && whole > 2_000, "{allowed} allowed, {denied} denied, {whole} whole");
}

#[portable]
fn a_condition_that_reads_many_facts_stays_shallow() {
    let facts: Vec<String> = (0..300).map(|number| format!("f{number}")).collect();
    let setting = facts
        .iter()
        .fold(Setting::new(), |setting, name| setting.with_fact_of("corp", field(&format!("{name}?"), FactType::Long)));
    let reads: Vec<String> = facts.iter().map(|name| format!("context.corp.{name}")).collect();
    accepted(&setting, &format!("permit(principal, action, resource) when {{ [{}].contains(7) }};", reads.join(", ")));
}
