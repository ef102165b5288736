//! Profiles that accept the same `iss`, or that have a key in common, and what tells their tokens apart.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, problems, with};
use crate::jose::Algorithm;
use crate::portable;
use crate::testing::{jwk_set, key, other_key};

#[portable]
fn profiles_of_one_iss_need_a_pin_that_tells_them_apart() {
    let mut device = document()["devices"]["mdm"].clone();
    device["issuer"] = json!("https://login.example.com");
    let alike = with("/devices/mdm", device);
    assert_problem(
        &alike,
        "/devices/mdm",
        "profiles-alike",
        "`corp` and `mdm` take the same `issuer`",
        "different values",
    );
    let pinned =
        |corp: Value, mdm: Value| also(also(alike.clone(), "/issuers/corp/pins", corp), "/devices/mdm/pins", mdm);
    plan(&pinned(json!({ "use": "access" }), json!({ "use": "posture" })));
    for (corp, mdm) in [
        (json!({ "use": "access" }), json!({ "use": "access" })),
        (json!({ "use": "access" }), json!({ "kind": "posture" })),
        (json!({ "use": "access" }), json!({})),
    ] {
        assert_eq!(problems(&pinned(corp, mdm))[0].code.code(), "profiles-alike");
    }
    let absent = also(with("/issuers/corp/issuer", json!("absent")), "/devices/mdm/issuer", json!("absent"));
    assert_problem(&absent, "/devices/mdm", "profiles-alike", "without `iss`", "add `pins`");
}

fn two_profiles(changes: Value) -> Value {
    let mut second = document()["issuers"]["corp"].clone();
    for (member, value) in changes.as_object().unwrap() {
        second[member] = value.clone();
    }
    with("/issuers/software", second)
}

#[portable]
fn issuers_of_one_iss_are_told_apart_by_typ_or_by_audiences() {
    for changes in [
        json!({ "typ": ["at+jwt"] }),
        json!({ "typ": ["application/AT+JWT"], "token": "access" }),
        json!({ "audiences": ["ledger"] }),
        json!({ "audiences": "absent" }),
    ] {
        plan(&two_profiles(changes));
    }
    for changes in [
        json!({}),
        json!({ "typ": ["at+jwt", "application/jwt"] }),
        json!({ "audiences": ["ledger", "shop"] }),
        json!({ "audiences": ["shop"], "token": "id" }),
    ] {
        assert_problem(
            &two_profiles(changes),
            "/issuers/software",
            "profiles-alike",
            "the same `issuer`",
            "`typ` lists or `audiences` without a common value",
        );
    }
    // A token without `typ` fits both.
    let both_absent = also(two_profiles(json!({ "typ": ["absent"] })), "/issuers/corp/typ", json!(["absent", "x"]));
    assert_problem(&both_absent, "/issuers/software", "profiles-alike", "the same `issuer`", "`typ` lists");
}

#[portable]
fn posture_is_told_apart_from_access_tokens_by_typ_and_not_by_audiences() {
    let mut device = document()["devices"]["mdm"].clone();
    device["issuer"] = json!("https://login.example.com");
    let alike = with("/devices/mdm", device);
    plan(&also(alike.clone(), "/devices/mdm/typ", json!(["device-posture+jwt"])));
    plan(&also(alike.clone(), "/devices/mdm/audiences", json!("absent")));
    let audience = also(alike, "/devices/mdm/audiences", json!(["posture"]));
    assert_problem(&audience, "/devices/mdm", "profiles-alike", "the same `issuer`", "give them `typ` lists");
}

#[portable]
fn profiles_of_one_key_need_a_pin_that_tells_them_apart() {
    let same_key =
        with("/devices/mdm/keys", json!({ "inline": jwk_set(&key(Algorithm::Es256), Some("another-name")) }));
    assert_problem(
        &same_key,
        "/devices/mdm",
        "shared-key",
        "`corp` and `mdm` have a public key in common",
        "add `pins`",
    );
    let pinned = also(same_key, "/issuers/corp/pins", json!({ "use": "access" }));
    plan(&also(pinned, "/devices/mdm/pins", json!({ "use": "posture" })));
}

#[portable]
fn every_pair_of_profiles_is_told_apart() {
    let corp = document()["issuers"]["corp"].clone();
    let document = also(with("/issuers/b", corp.clone()), "/issuers/a", corp);
    let found: Vec<String> = problems(&document).into_iter().map(|error| error.message).collect();
    assert_eq!(found.len(), 3, "{found:?}");
}

#[portable]
fn the_other_test_key_is_another_key() {
    // INVARIANT of this file: the document's two providers do not share a key.
    assert_ne!(key(Algorithm::Es256).public_jwk(None), other_key().public_jwk(None));
}
