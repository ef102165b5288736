//! `context.device` in policies: one vocabulary, whoever fills it.

use super::fixture::{NOW, Setting, field, named, permit, posture, request, user_with};
use crate::identity::{DeviceEvidence, DeviceFacts, Identity};
use crate::policy::{Decision, PolicySet};
use crate::portable;
use crate::profile::{FactRecord, FactType, FactValue};
use crate::provider::ProviderName;
use crate::time::Seconds;

mod load;

type Posture = (ProviderName, DeviceEvidence);

/// `mdm` and `edr` fill members, and so do tokens of `corp`.
fn setting() -> Setting {
    Setting::new()
        .with_fact_of_device("mdm", field("serial?", FactType::String))
        .with_fact_of_device("mdm", field("os?", FactType::version()))
        .with_fact_of_device("edr", field("serial?", FactType::String))
        .with_fact_of_device("edr", field("os?", FactType::version()))
        .with_fact_of_device("edr", field("risk?", FactType::String))
        .with_device("mdm", &[("serial", "serial"), ("managed", "managed"), ("os.version", "os"), ("score", "score")])
        .with_device("edr", &[("serial", "serial"), ("managed", "ok"), ("os.version", "os"), ("risk", "risk")])
        .with_device("corp", &[("risk", "department")])
}

fn text(text: &str) -> FactValue {
    FactValue::String(text.to_owned())
}

fn version(major: i64, minor: i64) -> FactValue {
    let parts = [("major", major), ("minor", minor), ("patch", 0), ("build", 0)];
    FactValue::Record(parts.map(|(name, part)| (name.to_owned(), FactValue::Long(part))).into())
}

fn mdm(managed: bool, more: &[(&str, FactValue)]) -> Posture {
    let own = [("managed", FactValue::Bool(managed)), ("score", FactValue::Long(80))];
    posture("mdm", &[&own, more].concat())
}

fn edr(ok: bool, more: &[(&str, FactValue)]) -> Posture {
    posture("edr", &[&[("ok", FactValue::Bool(ok))], more].concat())
}

fn alice(devices: &[Posture]) -> Identity {
    user_with("corp", "a", &[], &[], devices)
}

/// What is decided. The answer by prepared policies, from the cache and by Cedar is the same.
#[track_caller]
fn decided(setting: &Setting, policies: &PolicySet, identity: &Identity) -> &'static str {
    let request = request("GET", "wiki.example.com", "/a");
    let route = setting.router.find(&request).expect("a route");
    let answer = |decision: &Decision| named(decision).0;
    let fresh = answer(&policies.decide_uncached(identity, &request, &route, NOW));
    assert_eq!(answer(&policies.decide_by_oracle(identity, &request, &route, NOW)), fresh, "by Cedar");
    let mut loaded = setting.load(&policies.prepare(setting.vocabulary())).expect("prepared policies");
    loaded.cache_all();
    for which in ["first", "cached"] {
        assert_eq!(answer(&loaded.decide(identity, &request, &route, NOW)), fresh, "{which}");
    }
    fresh
}

/// What a permit with this condition answers.
#[track_caller]
fn answer(condition: &str, identity: &Identity) -> &'static str {
    let setting = setting();
    decided(&setting, &setting.policies(&permit(condition)), identity)
}

#[track_caller]
fn holds(condition: &str, devices: &[Posture]) {
    assert_eq!(answer(condition, &alice(devices)), "allow", "{condition}");
}

#[track_caller]
fn fails(condition: &str, devices: &[Posture]) {
    assert_eq!(answer(condition, &alice(devices)), "not permitted", "{condition}");
}

const MANAGED: &str = "context has device.managed && context.device.managed";

#[portable]
fn a_member_is_there_if_any_provider_fills_it() {
    holds(MANAGED, &[mdm(true, &[])]);
    holds(MANAGED, &[edr(true, &[])]);
    holds("context has device && context.device has managed && context.device.managed", &[edr(true, &[])]);
    fails(MANAGED, &[mdm(false, &[])]);
    fails(MANAGED, &[]);
    fails("context has device", &[]);
    fails("context has device.serial", &[mdm(true, &[])]);
    holds("context has device && !(context has device.serial)", &[mdm(true, &[])]);
    let stale = (ProviderName::new("mdm"), DeviceEvidence::Stale { age: Seconds::new(90_000) });
    fails("context has device", core::slice::from_ref(&stale));
    holds(MANAGED, &[stale, edr(true, &[])]);
}

#[portable]
fn a_token_that_describes_the_device_fills_members() {
    let high = "context has device.risk && context.device.risk == \"high\"";
    let described = user_with("corp", "a", &[], &[("department", text("high"))], &[]);
    assert_eq!(answer(high, &described), "allow");
    assert_eq!(answer("context has device.evidence.bound && context.device.evidence.bound", &described), "allow");
    assert_eq!(answer("context has device.evidence.age_seconds", &described), "not permitted");
    assert_eq!(answer("context has device", &alice(&[])), "not permitted", "its token says nothing");
}

#[portable]
fn of_several_providers_the_stricter_counts() {
    fails(MANAGED, &[mdm(true, &[]), edr(false, &[])]);
    fails(MANAGED, &[mdm(false, &[]), edr(true, &[])]);
    holds(MANAGED, &[mdm(true, &[]), edr(true, &[])]);
    let risky = edr(true, &[("risk", text("low"))]);
    let low = "context has device.risk && context.device.risk == \"low\"";
    holds(low, core::slice::from_ref(&risky));
    let department =
        |risk: &str| user_with("corp", "a", &[], &[("department", text(risk))], core::slice::from_ref(&risky));
    assert_eq!(answer(low, &department("low")), "allow");
    assert_eq!(answer("context has device.risk", &department("high")), "not permitted", "they differ");
    let serials = [mdm(true, &[("serial", text("x"))]), edr(true, &[("serial", text("y"))])];
    fails("context has device.serial", &serials);
}

#[portable]
fn the_lowest_version_counts_and_its_parts_are_of_one_version() {
    let at_least = "context has device.os.version && (context.device.os.version.major > 14 || \
                    (context.device.os.version.major == 14 && context.device.os.version.minor >= 10))";
    let on = |one: (i64, i64), other: (i64, i64)| {
        [mdm(true, &[("os", version(one.0, one.1))]), edr(true, &[("os", version(other.0, other.1))])]
    };
    holds(at_least, &[mdm(true, &[("os", version(14, 10))])]);
    fails(at_least, &[mdm(true, &[("os", version(14, 9))])]);
    holds(at_least, &on((14, 10), (15, 0)));
    fails(at_least, &on((14, 9), (14, 10)));
    fails(at_least, &on((14, 10), (14, 9)));
    // The lower version has the higher minor number.
    fails(at_least, &on((15, 0), (13, 99)));
    let both = "context has device.os.version && context.device.os.version.major == 13 && \
                context.device.os.version.minor == 99";
    holds(both, &on((15, 0), (13, 99)));
}

#[portable]
fn the_evidence_says_whose_how_old_and_whether_it_is_bound() {
    let at = |name: &str, age: u64, bound: bool| {
        let facts: FactRecord = [("managed", FactValue::Bool(true)), ("ok", FactValue::Bool(true))]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        let evidence = DeviceFacts { facts: facts.into(), bound, age: Some(Seconds::new(age)), id: None };
        (ProviderName::new(name), DeviceEvidence::Verified(evidence))
    };
    let fresh = "context has device.evidence.age_seconds && context.device.evidence.age_seconds <= 60";
    holds(fresh, &[at("mdm", 60, true)]);
    fails(fresh, &[at("mdm", 60, true), at("edr", 61, true)]);
    let bound = "context has device.evidence.bound && context.device.evidence.bound";
    holds(bound, &[at("mdm", 60, true)]);
    fails(bound, &[at("mdm", 60, true), at("edr", 60, false)]);
    let by_mdm = "context has device.evidence.provider && context.device.evidence.provider == \"mdm\"";
    holds(by_mdm, &[at("mdm", 60, true)]);
    fails("context has device.evidence.provider", &[at("mdm", 60, true), at("edr", 60, true)]);
}

#[portable]
fn an_explanation_names_the_members_with_the_values_that_count() {
    let setting = setting();
    let condition = format!("{MANAGED} && context has device.os.version && context.device.os.version.major >= 14");
    let policies = setting.policies(&permit(&condition));
    let request = request("GET", "wiki.example.com", "/a");
    let route = setting.router.find(&request).expect("a route");
    let devices = [mdm(true, &[("os", version(14, 1))]), edr(true, &[("os", version(13, 1))])];
    let explanation = policies.explain(&alice(&devices), &request, &route, NOW).expect("an explanation");
    let facts: Vec<String> = explanation.policies[0]
        .conditions
        .iter()
        .flat_map(|condition| &condition.facts)
        .map(|fact| format!("{} = {}", fact.name, fact.value.as_deref().unwrap_or("absent")))
        .collect();
    for wanted in
        ["context.device.managed = true", "context.device.os.version.major = 13", "context.device.os.version = present"]
    {
        assert!(facts.iter().any(|fact| fact == wanted), "{wanted}: {facts:?}");
    }
}
