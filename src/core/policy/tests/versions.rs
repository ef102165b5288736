//! Versions in policies: ordered by their numbers, and in no other way.

use serde_json::json;

use super::fixture::{Setting, field, forbid, named, permit, posture, request, user, user_with};
use crate::identity::DeviceEvidence;
use crate::jose::Claims;
use crate::policy::PolicySet;
use crate::portable;
use crate::profile::{FactField, FactType, FactValue};
use crate::provider::ProviderName;

/// `edr` reports the version of the system.
fn setting() -> Setting {
    let mut setting = Setting::new();
    setting.token(0).profile.facts.push(os());
    setting
}

fn os() -> FactField {
    field("os?", FactType::version())
}

/// Posture of `edr` whose token has this version.
fn edr(version: &str) -> (ProviderName, DeviceEvidence) {
    let mut facts = FactField::read_all(&[os()], &Claims::for_test(json!({ "os": version }))).expect("a version");
    posture("edr", &[("ok", FactValue::Bool(true)), ("os", facts.remove("os").expect("the fact"))])
}

/// What is decided for a device with this version.
fn answer(setting: &Setting, policies: &PolicySet, version: &str) -> &'static str {
    let identity = user_with("corp", "a", &[], &[], &[edr(version)]);
    named(&setting.decide(policies, &identity, &request("GET", "wiki.example.com", "/a"))).0
}

const VERSIONS: [(&str, bool); 9] = [
    ("9.99", false),
    ("14", false),
    ("14.9", false),
    ("14.9.99", false),
    ("14.10", true),
    ("14.10.0", true),
    ("14.10.1", true),
    ("15", true),
    ("15.0.1", true),
];

/// That the device has version 14.10 or a later one.
const FROM_14_10: &str =
    "context has edr.os && (context.edr.os.major > 14 || (context.edr.os.major == 14 && context.edr.os.minor >= 10))";

#[portable]
fn a_permit_from_a_version_on_compares_numbers() {
    let setting = setting();
    let compiled = setting.policies(&permit(FROM_14_10));
    let prepared = setting.load(&compiled.prepare(setting.vocabulary())).expect("prepared policies");
    for (version, permitted) in VERSIONS {
        let wanted = if permitted { "allow" } else { "not permitted" };
        assert_eq!(answer(&setting, &compiled, version), wanted, "{version}");
        assert_eq!(answer(&setting, &prepared, version), wanted, "{version}, prepared");
    }
}

#[portable]
fn a_forbid_below_a_version_compares_numbers_and_holds_without_one() {
    let setting = setting();
    let all = permit("true").replace("\"p\"", "\"all\"");
    let text = format!("{all}\n{}", forbid(&format!("!({FROM_14_10})")));
    let policies = setting.policies(&text);
    for (version, permitted) in VERSIONS {
        assert_eq!(answer(&setting, &policies, version), if permitted { "allow" } else { "forbidden" }, "{version}");
    }
    let wiki = request("GET", "wiki.example.com", "/a");
    let without_version = user_with("corp", "a", &[], &[], &[posture("edr", &[("ok", FactValue::Bool(true))])]);
    for identity in [without_version, user("corp", "a", &[])] {
        assert_eq!(named(&setting.decide(&policies, &identity, &wiki)).0, "forbidden");
    }
}

#[portable]
fn a_forbid_that_falls_silent_without_the_version_is_rejected() {
    let errors = setting().compile(&forbid("context has edr.os && context.edr.os.major < 14")).expect_err("a bypass");
    let codes: Vec<&str> = errors.iter().map(|error| error.code.code()).collect();
    assert_eq!(codes, ["absent-fact-lifts-rule"]);
}

#[portable]
fn a_version_is_never_compared_as_text() {
    for condition in [
        "context has edr.os && context.edr.os >= \"14.10\"",
        "context has edr.os && context.edr.os like \"14.*\"",
        "context has edr.os && context.edr.os == \"14.10\"",
        "context has edr.os && context.edr.os.text == \"14.10\"",
        "context has edr.os && context.edr.os.major >= \"14\"",
    ] {
        assert!(setting().compile(&permit(condition)).is_err(), "{condition}");
    }
}
