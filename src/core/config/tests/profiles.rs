//! Issuers and device providers: names, claims, keys, and what tells them apart.

use serde_json::{Value, json};

use super::{also, assert_problem, document, keys_of, plan, problems, with, without};
use crate::jose::Algorithm;
use crate::limits::{MAX_KEY_SET_BYTES, MAX_KEYS_PER_SET};
use crate::portable;
use crate::profile::{Expiry, IssuerId, PostureBinding, TokenKind};
use crate::testing::{jwk_set, key};

fn corp(member: &str, value: Value) -> Value {
    with(&format!("/issuers/corp/{member}"), value)
}

fn inline(value: Value) -> Value {
    corp("keys", json!({ "inline": value }))
}

#[portable]
fn a_provider_has_the_name_of_a_cedar_identifier_that_means_nothing_else() {
    let renamed = |name: &str| {
        let issuer = document()["issuers"]["corp"].clone();
        also(with("/issuers", json!({ name: issuer })), "/applications/shop/requires", json!([]))
    };
    for name in ["corp", "_c9", "Corp_2"] {
        plan(&renamed(name));
    }
    for name in ["9corp", "corp-eu", "corp.eu", "", "körp"] {
        assert_problem(
            &renamed(name),
            &format!("/issuers/{name}"),
            "bad-name",
            "cannot name a provider",
            "Cedar identifier",
        );
    }
    for name in [
        "http_request",
        "now",
        "peer",
        "Anonymous",
        "Workload",
        "Action",
        "Route",
        "Application",
        "principal",
        "__cedar",
        "true",
    ] {
        assert_problem(
            &renamed(name),
            &format!("/issuers/{name}"),
            "reserved-name",
            "means something else",
            "another name",
        );
    }
}

#[portable]
fn issuers_and_devices_share_one_name_space() {
    let device = document()["devices"]["mdm"].clone();
    assert_problem(
        &with("/devices", json!({ "corp": device })),
        "/devices/corp",
        "duplicate-value",
        "`corp` is an issuer too",
        "rename one",
    );
}

#[portable]
fn the_type_of_principals_is_an_identifier_that_means_nothing_else() {
    for name in ["Group", "Action", "in", "String", "ipaddr"] {
        let document = corp("principal", json!({ "id": "sub", "type": name }));
        assert_problem(&document, "/issuers/corp/principal/type", "reserved-name", name, "another type");
    }
    assert_problem(
        &corp("principal", json!({ "id": "sub", "type": "corp::User" })),
        "/issuers/corp/principal/type",
        "bad-name",
        "`corp::User` is not a Cedar identifier",
        "letters, digits",
    );
    assert_problem(
        &corp("principal", json!({ "id": [] })),
        "/issuers/corp/principal/id",
        "empty-list",
        "empty",
        "the claim",
    );
    assert_problem(
        &corp("principal", json!({ "id": ["a", ""] })),
        "/issuers/corp/principal/id/1",
        "bad-value",
        "empty",
        "the claim",
    );
}

#[portable]
fn issuer_and_audiences_may_be_absent_in_so_many_words() {
    let document = also(corp("issuer", json!("absent")), "/issuers/corp/audiences", json!("absent"));
    assert_eq!(plan(&document).0.issuers[0].profile.issuer, IssuerId::Absent);
    assert_problem(
        &corp("audiences", json!([])),
        "/issuers/corp/audiences",
        "empty-list",
        "the list is empty",
        "`aud`",
    );
    assert_problem(
        &corp("audiences", json!(["a", "absent"])),
        "/issuers/corp/audiences/1",
        "bad-value",
        "`absent` is in a list",
        "`audiences: absent`",
    );
    assert_problem(&corp("issuer", json!("")), "/issuers/corp/issuer", "bad-value", "the text is empty", "`iss`");
    assert_problem(&corp("issuer", json!("https://a ")), "/issuers/corp/issuer", "bad-value", "white space", "remove");
}

#[portable]
fn algorithms_and_types_are_taken_from_lists_that_have_something_in_them() {
    assert_problem(
        &corp("algorithms", json!([])),
        "/issuers/corp/algorithms",
        "empty-list",
        "empty",
        "`[RS256, ES256]`",
    );
    assert_problem(
        &corp("algorithms", json!(["es256"])),
        "/issuers/corp/algorithms/0",
        "bad-value",
        "`es256`",
        "did you mean `ES256`?",
    );
    for name in ["HS256", "none", "ES512"] {
        let errors = problems(&corp("algorithms", json!([name])));
        assert_eq!((errors.len(), errors[0].code.code()), (1, "bad-value"), "{errors:?}");
    }
    assert_problem(
        &corp("algorithms", json!(["HS256"])),
        "/issuers/corp/algorithms/0",
        "bad-value",
        "`HS256`",
        "shared with the issuer",
    );
    assert_problem(
        &corp("algorithms", json!(["EdDSA", "Ed25519"])),
        "/issuers/corp/algorithms/1",
        "duplicate-value",
        "appears twice",
        "remove one",
    );
    assert_problem(
        &corp("typ", json!(["JWT", "jwt"])),
        "/issuers/corp/typ/1",
        "duplicate-value",
        "twice",
        "remove one",
    );
    assert_problem(&corp("typ", json!(["a b"])), "/issuers/corp/typ/0", "bad-value", "not a media type", "at+jwt");
    let only_absent = plan(&corp("typ", json!(["absent"]))).0;
    assert!(only_absent.issuers[0].profile.typ.absent && only_absent.issuers[0].profile.typ.values.is_empty());
}

#[portable]
fn tokens_without_exp_need_another_bound() {
    let document = corp("exp", json!("absent"));
    assert_problem(&document, "/issuers/corp", "missing-field", "nothing bounds the life", "`max_age`");
    let bounded = also(document, "/issuers/corp/max_age", json!("15m"));
    assert_eq!(plan(&bounded).0.issuers[0].profile.expiry, Expiry::Absent);
    assert_problem(
        &also(bounded, "/issuers/corp/max_lifetime", json!("15m")),
        "/issuers/corp",
        "contradiction",
        "`max_lifetime` ends at `exp`",
        "remove `max_lifetime`",
    );
}

#[portable]
fn a_claim_is_not_forbidden_and_needed_at_once() {
    let base = also(
        corp("facts", json!({ "email": "string", "acr?": "string" })),
        "/issuers/corp/pins",
        json!({ "azp": "a" }),
    );
    for claim in ["iss", "aud", "exp", "sub", "email", "azp"] {
        assert_problem(
            &also(base.clone(), "/issuers/corp/forbid_claims", json!(["nonce", claim])),
            "/issuers/corp/forbid_claims/1",
            "contradiction",
            &format!("`{claim}` is forbidden here and needed"),
            "remove it",
        );
    }
    plan(&also(base, "/issuers/corp/forbid_claims", json!(["nonce", "acr", "iat"])));
}

#[portable]
fn pins_are_single_values_of_claims_without_members_of_their_own() {
    assert_problem(
        &corp("pins", json!({ "aud": "shop" })),
        "/issuers/corp/pins/aud",
        "reserved-name",
        "`aud`",
        "`audiences`",
    );
    for value in [json!(null), json!({}), json!(1.5)] {
        assert_problem(
            &corp("pins", json!({ "azp": value })),
            "/issuers/corp/pins/azp",
            "wrong-type",
            "expected a string",
            "an object of claims",
        );
    }
}

#[portable]
fn facts_have_types_and_names() {
    for (facts, place, code, message, help) in [
        (json!({ "a": "strnig" }), "a", "bad-value", "`strnig` is not a type", "did you mean `string`?"),
        (json!({ "a": [] }), "a", "bad-value", "found 0", "one type in brackets"),
        (json!({ "a": ["string", "long"] }), "a", "bad-value", "found 2", "one type in brackets"),
        (json!({ "a": 1 }), "a", "wrong-type", "found a number", "a type"),
        (json!({ "a": { "b?": ["lon"] } }), "a/b?/0", "bad-value", "`lon`", "did you mean `long`?"),
        (json!({ "?": "long" }), "?", "bad-name", "not the name of a claim", "the claim's name"),
        (json!({ "a": "long", "a?": "long" }), "a?", "duplicate-value", "`a` stands here twice", "keep the one"),
    ] {
        assert_problem(&corp("facts", facts), &format!("/issuers/corp/facts/{place}"), code, message, help);
    }
}

#[portable]
fn facts_that_are_worked_out_here_cannot_be_declared_for_a_device() {
    for name in ["bound", "age", "age?"] {
        assert_problem(
            &with(&format!("/devices/mdm/facts/{name}"), json!("long")),
            &format!("/devices/mdm/facts/{name}"),
            "reserved-name",
            "worked out here",
            "policies can read",
        );
    }
    plan(&with("/devices/mdm/facts/hardware", json!({ "age": "long" })));
    plan(&corp("facts", json!({ "age?": "long" })));
}

#[portable]
fn keys_are_an_object_or_its_text() {
    let set = jwk_set(&key(Algorithm::Es256), Some("c1"));
    assert_eq!(keys_of(&plan(&inline(json!(set.to_string()))).0), 1);
    assert_problem(
        &inline(json!("{\"keys\": [], \"keys\": []}")),
        "/issuers/corp/keys/inline",
        "key-set",
        "not strict JSON",
        "each member once",
    );
    assert_problem(&inline(json!({ "key": [] })), "/issuers/corp/keys/inline", "key-set", "no `keys`", "RFC 7517");
    assert_problem(&inline(json!([])), "/issuers/corp/keys/inline", "key-set", "not an object", "RFC 7517");
    let text = |bytes: usize| {
        let mut text = set.to_string();
        text.push_str(&" ".repeat(bytes - text.len()));
        inline(json!(text))
    };
    plan(&text(MAX_KEY_SET_BYTES));
    assert_problem(
        &text(MAX_KEY_SET_BYTES + 1),
        "/issuers/corp/keys/inline",
        "too-large",
        "262145 bytes",
        "leave out keys",
    );
}

#[portable]
fn a_set_has_as_many_keys_as_the_cap_and_not_one_more() {
    let set = |count: usize| {
        let keys: Vec<Value> =
            (0..count).map(|index| key(Algorithm::Es256).public_jwk(Some(&format!("k{index}")))).collect();
        inline(json!({ "keys": keys }))
    };
    assert_eq!(keys_of(&plan(&set(MAX_KEYS_PER_SET)).0), MAX_KEYS_PER_SET);
    assert_problem(&set(MAX_KEYS_PER_SET + 1), "/issuers/corp/keys/inline", "key-set", "101 keys", "leave out keys");
}

#[portable]
fn a_key_that_cannot_be_used_is_skipped_with_a_warning_unless_none_is_left() {
    let mut set = jwk_set(&key(Algorithm::Es256), Some("c1"));
    let symmetric = json!({ "kty": "oct", "kid": "old", "k": "c2VjcmV0" });
    set["keys"].as_array_mut().unwrap().insert(0, symmetric.clone());
    let (compiled, warnings) = plan(&inline(set.clone()));
    assert_eq!(keys_of(&compiled), 1);
    let warning = warnings.iter().find(|warning| warning.code.code() == "skipped-key").unwrap();
    assert_eq!(warning.pointer, "/issuers/corp/keys/inline/keys/0");
    assert!(warning.message.contains("key 0 (kid `old`) is left out: `kty` is `oct`"), "{warning:?}");
    assert!(!warning.message.contains("c2Vj"), "{warning:?}");
    let (_, warnings) = plan(&inline(json!(set.to_string())));
    assert!(warnings.iter().any(|warning| warning.pointer == "/issuers/corp/keys/inline"), "{warnings:?}");
    assert_problem(
        &inline(json!({ "keys": [symmetric] })),
        "/issuers/corp/keys/inline",
        "no-usable-key",
        "keys[0]: `kty` is `oct`",
        "add a public key",
    );
    assert_problem(
        &inline(json!({ "keys": [] })),
        "/issuers/corp/keys/inline",
        "no-usable-key",
        "no usable key",
        "add a public key",
    );
}

#[portable]
fn a_key_that_fits_several_algorithms_is_an_error() {
    let mut set = jwk_set(&key(Algorithm::Rs256), Some("r1"));
    set["keys"][0].as_object_mut().unwrap().remove("alg");
    let document = also(inline(set.clone()), "/issuers/corp/algorithms", json!(["RS256", "PS256"]));
    assert_problem(
        &document,
        "/issuers/corp/keys/inline/keys/0",
        "ambiguous-key",
        "fits `RS256`, `PS256`",
        "add `alg`",
    );
    plan(&also(inline(set), "/issuers/corp/algorithms", json!(["RS256"])));
}

/// `corp`, and a second issuer with the same `iss` and keys.
#[portable]
fn access_tokens_are_expected_unless_the_issuer_says_id() {
    assert_eq!(plan(&document()).0.issuers[0].profile.kind, TokenKind::Access);
    assert_eq!(plan(&document()).0.devices[0].token().unwrap().profile.kind, TokenKind::Posture);
    assert_eq!(plan(&corp("token", json!("access"))).0.issuers[0].profile.kind, TokenKind::Access);
    assert_eq!(plan(&corp("token", json!("id"))).0.issuers[0].profile.kind, TokenKind::Id);
    assert_problem(&corp("token", json!("ID")), "/issuers/corp/token", "bad-value", "`ID`", "`id`");
    assert_eq!(problems(&with("/devices/mdm/token", json!("id")))[0].code.code(), "unknown-field");
}

#[portable]
fn a_profile_that_no_token_of_its_kind_fits_is_an_error() {
    let id_with = |typ: Value| also(corp("token", json!("id")), "/issuers/corp/typ", typ);
    assert_problem(
        &id_with(json!(["JWT", "at+jwt"])),
        "/issuers/corp",
        "contradiction",
        "`typ` lists `at+jwt`, which no ID token has",
        "remove `at+jwt`",
    );
    plan(&id_with(json!(["JWT", "absent"])));
    for mark in ["nonce", "at_hash", "c_hash", "s_hash"] {
        let needs = corp("facts", json!({ mark: "string" }));
        assert_problem(&needs, "/issuers/corp", "contradiction", &format!("needs `{mark}`"), "`token: id`");
        plan(&also(needs.clone(), "/issuers/corp/token", json!("id")));
        plan(&also(needs, "/issuers/corp/typ", json!(["JWT", "at+jwt"])));
    }
    plan(&corp("facts", json!({ "nonce?": "string" })));
}

#[portable]
fn a_type_is_read_as_that_of_a_token_is() {
    let typ = |value: &str| plan(&corp("typ", json!([value]))).0.issuers[0].profile.typ.clone();
    assert_eq!(typ("application/Device+JWT").values, ["device+jwt"]);
    assert_eq!(typ("text/x").values, ["text/x"]);
    // The type `absent`, which is not the lack of one.
    assert_eq!(
        (typ("application/absent").values, typ("application/absent").absent),
        (vec!["absent".to_owned()], false)
    );
    for malformed in ["application/a/b", "a/b/c", "application/", "/x", "a/"] {
        assert_problem(
            &corp("typ", json!([malformed])),
            "/issuers/corp/typ/0",
            "bad-value",
            "not a media type",
            "at+jwt",
        );
    }
}

#[portable]
fn the_header_of_a_device_is_its_own() {
    for (header, code, message) in [
        ("Authorization", "header-collision", "it carries the access token"),
        (":path", "header-collision", "a pseudo-header"),
        ("connection", "header-collision", "ends at each hop"),
        ("x-countersign-device", "header-collision", "this program's own"),
        ("x device", "bad-name", "not the name of a header"),
        ("x_device", "bad-name", "has `_`"),
    ] {
        assert_problem(
            &with("/devices/mdm/header", json!(header)),
            "/devices/mdm/header",
            code,
            message,
            "`x-device-posture`",
        );
    }
    let mut second = document()["devices"]["mdm"].clone();
    second["header"] = json!("X-Device-Posture");
    second["issuer"] = json!("https://edr.example.com");
    second["keys"] = json!({ "inline": jwk_set(&key(Algorithm::Ed25519), None) });
    assert_problem(
        &with("/devices/zdr", second),
        "/devices/zdr/header",
        "header-collision",
        "`x-device-posture` is the header of `mdm` too",
        "a header of its own",
    );
}

#[portable]
fn a_device_is_bound_by_two_claims_or_in_so_many_words_not_at_all() {
    assert_eq!(plan(&document()).0.devices[0].bind, PostureBinding::None);
    assert_problem(
        &with("/devices/mdm/bind", json!({ "token": "device_id" })),
        "/devices/mdm/bind",
        "missing-field",
        "`device` is missing",
        "the posture token",
    );
    assert_problem(&without("/devices/mdm/bind"), "/devices/mdm", "missing-field", "`bind`", "or `none`");
    assert_problem(
        &also(
            with("/devices/mdm/bind", json!({ "token": "d", "device": "sub" })),
            "/devices/mdm/forbid_claims",
            json!(["sub"]),
        ),
        "/devices/mdm/forbid_claims/0",
        "contradiction",
        "`sub`",
        "remove it",
    );
}
