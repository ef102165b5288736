//! `device` of a provider: which of its facts are members of `context.device`.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, problems, with};
use crate::jose::Algorithm;
use crate::portable;
use crate::profile::DeviceMapping;
use crate::testing::{jwk_set, key};

/// The members that a mapping fills, each with its fact.
fn filled(mapping: &DeviceMapping) -> Vec<String> {
    mapping.iter().map(|mapped| format!("{} = {}", mapped.member.shown(), mapped.fact.join(" > "))).collect()
}

/// The document whose device provider declares facts of all types, with this mapping.
fn mapped(mapping: Value) -> Value {
    let facts = json!({
        "managed": "bool", "healthy?": { "type": "bool", "text": true }, "score?": { "type": "long", "text": true },
        "risk?": "string", "serial?": "string", "os?": "version", "tags?": ["string"], "net?": "ip",
        "hardware?": { "id?": "string", "secure": "bool" }, "dotted.name": "string", "iat": "long",
    });
    also(with("/devices/mdm/facts", facts), "/devices/mdm/device", mapping)
}

#[portable]
fn members_are_filled_from_declared_facts() {
    let mapping = json!({
        "score": "score", "managed": "managed", "compliant": "healthy", "serial": "serial", "id": "hardware.id",
        "secure_boot": "hardware.secure", "os": { "version": "os", "type": "dotted.name" }, "edr": { "running": "managed" },
        "risk": "none",
    });
    assert_eq!(
        filled(&plan(&mapped(mapping)).0.devices[0].device),
        [
            "id = hardware > id",
            "serial = serial",
            "managed = managed",
            "compliant = healthy",
            "secure_boot = hardware > secure",
            "os.type = dotted.name",
            "os.version = os",
            "edr.running = managed",
            "score = score",
        ]
    );
    assert!(plan(&document()).0.devices[0].device.is_empty());
    assert!(plan(&mapped(json!({}))).0.devices[0].device.is_empty());
}

#[portable]
fn an_issuer_whose_tokens_describe_the_device_fills_members_too() {
    let document = with("/issuers/corp/facts", json!({ "device_serial?": "string" }));
    let document = also(document, "/issuers/corp/device", json!({ "serial": "device_serial" }));
    assert_eq!(filled(&plan(&document).0.issuers[0].device), ["serial = device_serial"]);
}

#[portable]
fn a_fact_of_another_type_fills_no_member() {
    for (mapping, place, message, help) in [
        (json!({ "managed": "risk" }), "managed", "the fact `risk` is string, and `device.managed` is bool", "`bool`"),
        (json!({ "score": "managed" }), "score", "is bool, and `device.score` is long", "declares as `long`"),
        (json!({ "score": "iat" }), "score", "is long, a number of seconds, and `device.score` is long", "`long`"),
        (json!({ "serial": "tags" }), "serial", "is [string], and `device.serial` is string", "`string`"),
        (json!({ "id": "net" }), "id", "is ip, and `device.id` is string", "`string`"),
        (json!({ "id": "hardware" }), "id", "is an object, and `device.id` is string", "`string`"),
        (json!({ "os": { "version": "risk" } }), "os/version", "and `device.os.version` is version", "`version`"),
        (json!({ "os": { "type": "os" } }), "os/type", "and `device.os.type` is string", "`string`"),
    ] {
        assert_problem(&mapped(mapping), &format!("/devices/mdm/device/{place}"), "contradiction", message, help);
    }
}

#[portable]
fn a_mapping_names_declared_facts_and_known_members() {
    let place = |inside: &str| format!("/devices/mdm/device{inside}");
    let unknown = mapped(json!({ "managed": "manged" }));
    assert_problem(&unknown, &place("/managed"), "unknown-fact", "`manged` is not a declared fact", "`managed`?");
    for fact in ["hardware.serial", "age", "bound", "risk.level", "managed?"] {
        assert_problem(&mapped(json!({ "id": fact })), &place("/id"), "unknown-fact", "is not a declared fact", "");
    }
    assert_problem(&mapped(json!({ "firewal": "managed" })), &place("/firewal"), "unknown-field", "", "`firewall`");
    assert_problem(&mapped(json!({ "evidence": {} })), &place("/evidence"), "unknown-field", "", "remove it");
    assert_problem(&mapped(json!({ "os": { "name": "risk" } })), &place("/os/name"), "unknown-field", "", "remove it");
    for wrong in [json!(true), json!(["managed"]), json!(null), json!({})] {
        assert_problem(&mapped(json!({ "managed": wrong })), &place("/managed"), "wrong-type", "", "a declared fact");
    }
    assert_problem(&mapped(json!({ "os": "os" })), &place("/os"), "wrong-type", "", "`type` or `version`");
    assert_problem(&mapped(json!({ "id": "" })), &place("/id"), "bad-value", "the text is empty", "`none`");
    assert_eq!(problems(&mapped(json!({ "id": "x", "os": { "type": "y" }, "score": "risk" }))).len(), 3);
}

#[portable]
fn no_provider_has_the_name_of_the_record() {
    let mut document = document();
    let issuers = document["issuers"].as_object_mut().unwrap();
    let corp = issuers.remove("corp").unwrap();
    issuers.insert("device".to_owned(), corp);
    document["applications"]["shop"]["requires"] = json!(["device"]);
    assert!(problems(&document).iter().any(|problem| problem.code.code() == "reserved-name"));
}

/// A device provider with this preset.
fn with_preset(mut provider: Value) -> Value {
    for (name, value) in [
        ("header", json!("x-device-posture")),
        ("max_age", json!("1h")),
        ("bind", json!("none")),
        ("keys", json!({ "inline": jwk_set(&key(Algorithm::Rs256), Some("d1")) })),
    ] {
        provider[name] = value;
    }
    with("/devices/mdm", provider)
}

#[portable]
fn presets_fill_what_their_vendors_publish() {
    let crowdstrike = json!({ "preset": "crowdstrike", "tenant": "abcd123456789efg" });
    let jamf = json!({ "preset": "jamf", "tenant": "c", "algorithms": ["RS256"], "typ": ["absent"] });
    let jumpcloud = json!({ "preset": "jumpcloud", "tenant": "c", "algorithms": ["RS256"], "typ": ["JWT"] });
    for (provider, wanted) in [
        (&crowdstrike, &["serial = serial_number", "os.type = platform", "score = assessment > overall"][..]),
        (&jamf, &["id = sub", "risk = risk"]),
        (&jumpcloud, &["id = system", "managed = device > is_managed"]),
    ] {
        assert_eq!(filled(&plan(&with_preset(provider.clone())).0.devices[0].device), wanted, "{provider}");
    }
    let filled_by = |mapping: Value| {
        let document = also(with_preset(crowdstrike.clone()), "/devices/mdm/device", mapping);
        filled(&plan(&document).0.devices[0].device)
    };
    let (serial, score) = ("serial = serial_number", "score = assessment > overall");
    assert_eq!(filled_by(json!({})), [serial, "os.type = platform", score]);
    assert_eq!(filled_by(json!({ "serial": "none" })), ["os.type = platform", score]);
    assert_eq!(filled_by(json!({ "os": { "type": "none" } })), [serial, score]);
    assert_eq!(
        filled_by(json!({ "score": "assessment.os" })),
        [serial, "os.type = platform", "score = assessment > os"]
    );
    assert_eq!(filled_by(json!({ "id": "sub" }))[0], "id = sub");
}
