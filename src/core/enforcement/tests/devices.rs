//! Evidence of several providers about one device, and about two.

use serde_json::{Value, json};

use super::{
    alice, code, configuration, decision_id, forwarded, merge, outcome, parts, plan_of, posture, record, refusal,
};
use crate::config::Plan;
use crate::enforcement::decide_given;
use crate::identity::{GivenDevice, GivenEvidence, GivenPrincipal, SenderConstraint};
use crate::jose::Algorithm;
use crate::portable;
use crate::testing::{NOW, claims, jwk_set, key};

const EDR_ISSUER: &str = "https://edr.example";

/// What no record may repeat.
const SERIALS: [&str; 2] = ["serial-of-one", "serial-of-other"];

/// `mdm`, `edr` and the tokens of `corp` say which device it is.
fn plan() -> Plan {
    let mut all = configuration();
    all["devices"]["mdm"]["facts"] = json!({ "managed": "bool", "score": "long", "serial?": "string" });
    all["devices"]["mdm"]["device"] = json!({ "serial": "serial", "managed": "managed" });
    all["devices"]["edr"] = json!({
        "header": "x-edr", "issuer": EDR_ISSUER, "audiences": "absent", "typ": ["JWT"], "max_age": "1h", "bind": "none",
        "keys": { "inline": jwk_set(&key(Algorithm::Ed25519), Some("edr-key")) },
        "facts": { "healthy": "bool", "hardware?": { "serial": "string" } },
        "device": { "serial": "hardware.serial", "managed": "healthy" },
    });
    all["issuers"]["corp"]["facts"]["laptop?"] = json!("string");
    all["issuers"]["corp"]["device"] = json!({ "serial": "laptop" });
    all["applications"]["shop"]["routes"]["order"]["requires"] = json!(["corp"]);
    all["applications"]["shop"]["requires"] = json!(["corp"]);
    all["policies"] = json!(
        "@id(\"read\") permit (principal is corp::User, action in Action::\"read\", resource)
         when { context has device.managed && context.device.managed };
         @id(\"health\") permit (principal is Anonymous, action, resource == Route::\"shop/health\");"
    );
    plan_of(&all)
}

fn edr(changes: Value) -> String {
    let mut all = json!({ "iss": EDR_ISSUER, "aud": null, "healthy": true });
    merge(&mut all, changes);
    key(Algorithm::Ed25519).sign_claims(Some("edr-key"), Some("JWT"), &claims(all)).unwrap()
}

/// A token of alice, posture of `mdm` and of `edr`, each with a serial number where one is given.
fn evidence([token, mdm, edr_serial]: [Option<&str>; 3]) -> [String; 3] {
    [
        alice(json!({ "laptop": token })),
        posture(json!({ "serial": mdm })),
        edr(edr_serial.map_or(json!({}), |serial| json!({ "hardware": { "serial": serial } }))),
    ]
}

#[portable]
fn evidence_about_two_devices_is_refused_and_no_serial_number_is_recorded() {
    let plan = plan();
    let [one, other] = SERIALS.map(Some);
    for (serials, differ) in [
        ([None, None, None], None),
        ([None, one, None], None),
        ([one, one, one], None),
        ([None, one, Some("")], None),
        ([None, one, other], Some("`edr` and of `mdm`")),
        ([one, other, None], Some("`corp` and of `mdm`")),
        ([one, None, other], Some("`corp` and of `edr`")),
        ([one, one, other], Some("`corp` and of `edr`")),
    ] {
        let [token, mdm, edr] = evidence(serials);
        let got = outcome(&plan, parts("GET", "/api/orders/7", Some(&token), Some(&mdm), &[("x-edr", &edr)]));
        let Some(differ) = differ else {
            forwarded(&got);
            continue;
        };
        assert_eq!(refusal(&got), code(401, "device-conflict"), "{serials:?}");
        let record = record(&got);
        assert_eq!(record["detail"], format!("`serial` of {differ} differ"), "{serials:?}");
        assert_eq!(record["principal"], r#"corp::User::"alice""#);
        assert_eq!(record["evidence"]["mdm"]["state"], "verified");
        assert!(!SERIALS.iter().any(|serial| record.to_string().contains(serial)), "{record}");
    }
}

#[portable]
fn evidence_that_is_stale_or_not_about_the_device_takes_no_part() {
    let plan = plan();
    let [token, mdm, _] = evidence([None, Some("one"), None]);
    let get = |edr: &str| outcome(&plan, parts("GET", "/api/orders/7", Some(&token), Some(&mdm), &[("x-edr", edr)]));
    let other = json!({ "hardware": { "serial": "other" }, "healthy": false });
    assert_eq!(refusal(&get(&edr(other.clone()))), code(401, "device-conflict"));
    let mut stale = other;
    merge(&mut stale, json!({ "iat": NOW.get() - 7_200, "exp": NOW.get() + 60 }));
    let got = get(&edr(stale));
    forwarded(&got);
    assert_eq!(record(&got)["evidence"]["edr"]["state"], "stale");
    assert_eq!(refusal(&get(&edr(json!({ "healthy": false })))), code(403, "not-permitted"), "the stricter counts");
}

/// The reason of a request whose evidence a test case gives: serial numbers of a token, of `mdm` and of `edr`.
fn given(plan: &Plan, [token, mdm, edr]: [&str; 3]) -> Value {
    let object = |value: Value| value.as_object().cloned().unwrap();
    let mut evidence = GivenEvidence::default();
    let facts = &object(json!({ "laptop": token }));
    let (issuer, sender_constraint) = (&plan.issuers[0], SenderConstraint::Bearer);
    evidence.authenticate(GivenPrincipal { issuer, id: "alice", groups: &[], facts, sender_constraint }).unwrap();
    let facts = [
        json!({ "healthy": true, "hardware": { "serial": edr } }),
        json!({ "managed": true, "score": 80, "serial": mdm }),
    ];
    for (provider, facts) in plan.devices.iter().zip(facts) {
        let facts = &object(facts);
        evidence.describe(GivenDevice { provider, facts, age: None, bound: false }).unwrap();
    }
    let parts = parts("GET", "/api/orders/7", None, None, &[]);
    record(&decide_given(plan, &evidence, parts, NOW, &decision_id()))["reason"].clone()
}

#[portable]
fn given_evidence_is_held_to_the_same() {
    let plan = plan();
    assert_eq!(given(&plan, ["one", "one", "one"]), "permitted");
    assert_eq!(given(&plan, ["one", "one", "other"]), "device-conflict");
    assert_eq!(given(&plan, ["other", "one", "one"]), "device-conflict");
}

#[portable]
fn a_caller_without_a_token_is_refused_too_and_a_forgery_is_called_one() {
    let plan = plan();
    let [_, mdm, edr] = evidence([None, Some("one"), Some("other")]);
    let health = |edr: &str| outcome(&plan, parts("GET", "/healthz", None, Some(&mdm), &[("x-edr", edr)]));
    assert_eq!(refusal(&health(&edr)), code(401, "device-conflict"));
    assert_eq!(refusal(&health("nonsense")), code(401, "posture-refused"));
    forwarded(&outcome(&plan, parts("GET", "/healthz", None, Some(&mdm), &[])));
}

#[portable]
fn a_record_has_the_id_that_the_provider_gives_and_otherwise_the_claim_that_is_bound() {
    let recorded = |change: fn(&mut Value)| {
        let mut all = configuration();
        all["devices"]["mdm"]["facts"] = json!({ "managed": "bool", "score": "long", "asset?": "string" });
        change(&mut all);
        let (token, posture) = (alice(json!({})), posture(json!({ "asset": "asset-7" })));
        let request = parts("GET", "/api/orders/7", Some(&token), Some(&posture), &[]);
        record(&outcome(&plan_of(&all), request))["evidence"]["mdm"]["device"].clone()
    };
    assert_eq!(recorded(|_| {}), "laptop-1");
    assert_eq!(recorded(|all| all["devices"]["mdm"]["device"] = json!({ "serial": "asset" })), "laptop-1");
    assert_eq!(recorded(|all| all["devices"]["mdm"]["device"] = json!({ "id": "asset" })), "asset-7");
    assert_eq!(recorded(|all| all["devices"]["mdm"]["bind"] = json!("none")), Value::Null);
}
