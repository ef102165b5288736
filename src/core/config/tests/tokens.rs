//! What a token must look like in more than one way: forms of facts, pins with several values, issuers of many tenants.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, problems, with};
use crate::jose::{Algorithm, ClaimPath, base64url};
use crate::keys::{KeyLocation, KeySource};
use crate::portable;
use crate::profile::{FactType, IssuerId, Pin};
use crate::provider::ProviderName;
use crate::testing::{jwk_set, key, other_key};

const TEMPLATE: &str = "https://login.example.com/{tenantid}/v2.0";

fn corp(member: &str, value: Value) -> Value {
    with(&format!("/issuers/corp/{member}"), value)
}

/// The type of the only fact, declared so.
fn type_of(fact_type: Value) -> FactType {
    plan(&corp("facts", json!({ "x": fact_type }))).0.issuers[0].profile.facts[0].fact_type.clone()
}

#[track_caller]
fn assert_type_problem(fact_type: Value, place: &str, code: &str, message: &str, help: &str) {
    assert_problem(
        &corp("facts", json!({ "x": fact_type })),
        &format!("/issuers/corp/facts/x{place}"),
        code,
        message,
        help,
    );
}

#[portable]
fn scopes_are_there_for_certain() {
    let (plan, _) = plan(&corp("facts", json!({ "scope": "scopes" })));
    let fact = &plan.issuers[0].profile.facts[0];
    assert_eq!((fact.required, &fact.fact_type), (true, &FactType::Scopes));
    for (facts, place) in
        [(json!({ "scope?": "scopes" }), "scope?"), (json!({ "realm": { "scope?": "scopes" } }), "realm/scope?")]
    {
        assert_problem(
            &corp("facts", facts),
            &format!("/issuers/corp/facts/{place}"),
            "contradiction",
            "without the claim it is the empty set",
            "write `scope` without the `?`",
        );
    }
    assert_type_problem(json!(["scopes"]), "/0", "bad-value", "a set by itself", "without brackets");
}

#[portable]
fn a_type_is_written_out_where_a_member_says_true() {
    let list = |of: FactType| FactType::ListOrSingle(Box::new(of));
    for (written, meant) in [
        (json!({ "type": "bool", "text": true }), FactType::BoolOrText),
        (json!({ "type": "long", "text": true }), FactType::LongOrText),
        (json!({ "type": ["string"], "single": true }), list(FactType::String)),
        (json!({ "type": ["ip"], "single": true }), list(FactType::Ip)),
        (json!({ "type": [{ "type": "long", "text": true }], "single": true }), list(FactType::LongOrText)),
        (json!([{ "type": "bool", "text": true }]), FactType::List(Box::new(FactType::BoolOrText))),
    ] {
        assert_eq!(type_of(written), meant);
    }
    // Facts of these names make a record, for a fact has a type.
    for record in [
        json!({ "type": "string", "text": "string" }),
        json!({ "type": "string", "single?": "bool" }),
        json!({ "text": { "type": "bool", "text": true } }),
        json!({ "single": { "type": "string" } }),
    ] {
        assert!(matches!(type_of(record.clone()), FactType::Record(_)), "{record}");
    }
}

#[portable]
fn a_type_that_is_written_out_wrongly_is_told() {
    let both = json!({ "type": ["string"], "single": true, "text": true });
    let only_true = "only `true` means something here";
    for (written, place, code, message, help) in [
        (json!({ "type": "bool", "text": false }), "/text", "bad-value", only_true, "the type alone"),
        (json!({ "type": ["string"], "single": false }), "/single", "bad-value", only_true, "the type alone"),
        (json!({ "type": "bool", "text": true, "single": false }), "/single", "bad-value", only_true, "remove it"),
        (json!({ "type": "bool", "text": "true" }), "/text", "bad-value", "`true` is not a type", "a type written out"),
        (json!({ "type": "bool", "text": 1 }), "/text", "wrong-type", "found a number", "a type written out"),
        (
            json!({ "type": "bool", "text": true, "single": 1 }),
            "/single",
            "wrong-type",
            "expected a boolean",
            "`single: true`",
        ),
        (json!({ "text": true }), "", "missing-field", "`type` is missing", "add `type`"),
        (json!({ "type": "bool", "txt": true }), "/txt", "wrong-type", "found a boolean", "a type written out"),
        (json!({ "type": "bool", "text": true, "x": "long" }), "/x", "unknown-field", "`x` is not", "`single`"),
        (json!({ "type": "string", "text": true }), "/text", "contradiction", "is for `bool` and `long`", "type: bool"),
        (json!({ "type": "ip", "text": true }), "/text", "contradiction", "is for `bool` and `long`", "type: bool"),
        (json!({ "type": "scopes", "text": true }), "/text", "contradiction", "is for `bool` and `long`", "type: bool"),
        (
            json!({ "type": ["long"], "text": true }),
            "/text",
            "contradiction",
            "is for `bool`",
            "belongs to the element",
        ),
        (both, "/text", "contradiction", "is for `bool`", "belongs to the element"),
        (json!({ "type": "string", "single": true }), "/single", "contradiction", "is for a list type", "[string]"),
        (
            json!({ "type": { "a": "long" }, "single": true }),
            "/single",
            "contradiction",
            "is for a list type",
            "[string]",
        ),
        (json!({ "type": "scopes", "single": true }), "/single", "contradiction", "takes one string already", "alone"),
        (json!({ "type": [["long"]], "single": true }), "/single", "contradiction", "single values", "the list alone"),
        (json!({ "type": [{ "a": "long" }], "single": true }), "/single", "contradiction", "single values", "alone"),
    ] {
        assert_type_problem(written, place, code, message, help);
    }
}

#[portable]
fn facts_of_every_form_fit_identity_headers() {
    let facts = json!({
        "scope": "scopes", "roles": { "type": ["string"], "single": true }, "ok": { "type": "bool", "text": true },
        "level": { "type": "long", "text": true },
    });
    let headers = json!({
        "x-scope": { "fact": "corp.scope" }, "x-roles": { "fact": "corp.roles" }, "x-ok": { "fact": "corp.ok" },
        "x-level": { "fact": "corp.level" },
    });
    assert_eq!(
        plan(&also(corp("facts", facts), "/identity_headers", headers)).0.header_policy.identity_headers().len(),
        4
    );
}

#[portable]
fn a_pin_has_one_value_or_a_list_of_them() {
    let (plan, _) = plan(&corp("pins", json!({ "client_id": ["web", 7, true], "azp": "a" })));
    let pin = |claim: &str, values: &[Value]| Pin { claim: claim.to_owned(), values: values.to_vec() };
    let pins = [pin("azp", &[json!("a")]), pin("client_id", &[json!("web"), json!(7), json!(true)])];
    assert_eq!(plan.issuers[0].profile.pins, pins);
    let place = "/issuers/corp/pins/client_id";
    let pinned = |values: Value| corp("pins", json!({ "client_id": values }));
    assert_problem(&pinned(json!([])), place, "empty-list", "the list is empty", "or a list of those");
    for values in [json!(["a", "b", "a"]), json!([2, 1, 2.0])] {
        let place = format!("{place}/2");
        assert_problem(&pinned(values), &place, "duplicate-value", "appears twice", "remove one");
    }
    for value in [json!(null), json!(["a"]), json!({}), json!(1.5)] {
        assert_problem(
            &pinned(json!(["a", value])),
            &format!("{place}/1"),
            "wrong-type",
            "expected a string",
            "a list of",
        );
    }
}

#[portable]
fn lists_of_pins_tell_profiles_apart_where_no_value_is_in_both() {
    let mut device = document()["devices"]["mdm"].clone();
    device["issuer"] = json!("https://login.example.com");
    let alike = with("/devices/mdm", device);
    let pinned = |corp: Value, mdm: Value| {
        let document = also(alike.clone(), "/issuers/corp/pins", json!({ "use": corp }));
        also(document, "/devices/mdm/pins", json!({ "use": mdm }))
    };
    plan(&pinned(json!(["a", "b"]), json!("c")));
    plan(&pinned(json!(["a", "b"]), json!(["c", "d"])));
    for (corp, mdm) in [(json!(["a", "b"]), json!("b")), (json!(["a", "b"]), json!(["c", "a"]))] {
        let document = pinned(corp, mdm);
        assert_problem(&document, "/devices/mdm", "profiles-alike", "the same `issuer`", "no value may be in both");
    }
}

fn template(template: &str) -> Value {
    json!({ "template": template, "claim": "tid" })
}

/// A profile for all tenants, whose tenant is a fact.
fn tenants() -> Value {
    also(corp("issuer", template(TEMPLATE)), "/issuers/corp/facts", json!({ "tid": "string" }))
}

#[portable]
fn an_issuer_of_many_tenants_has_a_template_and_the_claim_that_fills_it() {
    let (plan, _) = plan(&tenants());
    let IssuerId::Template(read) = &plan.issuers[0].profile.issuer else { panic!("not a template") };
    assert_eq!((read.as_written(), &read.claim), (TEMPLATE, &ClaimPath(vec!["tid".to_owned()])));

    let wrong = |issuer: Value| also(tenants(), "/issuers/corp/issuer", issuer);
    let place = "/issuers/corp/issuer";
    assert_problem(&wrong(json!({ "template": TEMPLATE })), place, "missing-field", "`claim` is missing", "`tid`");
    assert_problem(&wrong(json!({ "claim": "tid" })), place, "missing-field", "`template` is missing", "in braces");
    assert_problem(&wrong(json!(["a"])), place, "wrong-type", "found a list", "`absent`");
    for (text, fault) in [
        ("https://login.example.com/v2.0", "exactly one placeholder"),
        ("https://login.example.com/{a}/{b}", "exactly one placeholder"),
        ("https://{a}.example.com/v2.0", "not a whole segment"),
        ("https://login.example.com/v{a}", "not a whole segment"),
        ("https://login.example.com/{}/v2.0", "name in braces"),
        ("http://login.example.com/{a}", "https://"),
    ] {
        let place = format!("{place}/template");
        assert_problem(&wrong(template(text)), &place, "bad-value", fault, "one segment of its path in braces");
    }
    assert_problem(
        &also(tenants(), "/issuers/corp/forbid_claims", json!(["tid"])),
        "/issuers/corp/forbid_claims/0",
        "contradiction",
        "`tid` is forbidden here and needed",
        "remove it",
    );
}

#[portable]
fn whose_tenants_may_come_can_be_said() {
    let facts = |facts: Value| also(corp("issuer", template(TEMPLATE)), "/issuers/corp/facts", facts);
    for unreadable in [
        json!({}),
        json!({ "tid?": "string" }),
        json!({ "tid": ["string"] }),
        json!({ "tid": "scopes" }),
        json!({ "org": { "tid": "string" } }),
    ] {
        assert_problem(
            &facts(unreadable),
            "/issuers/corp/issuer/claim",
            "open-tenant",
            "neither pinned nor a fact that every token has",
            "add `tid` as a `string` to `facts`",
        );
    }
    let nested = |facts: Value| {
        let issuer = json!({ "template": TEMPLATE, "claim": ["org", "id"] });
        also(corp("issuer", issuer), "/issuers/corp/facts", facts)
    };
    plan(&nested(json!({ "org": { "id": "string" } })));
    for optional in [json!({ "org?": { "id": "string" } }), json!({ "org": { "id?": "string" } }), json!({})] {
        assert_eq!(problems(&nested(optional))[0].code.code(), "open-tenant");
    }
    let pins = |pins: Value| also(corp("issuer", template(TEMPLATE)), "/issuers/corp/pins", pins);
    plan(&pins(json!({ "tid": ["blue", "red"] })));
    plan(&pins(json!({ "tid": "blue" })));
    for value in [json!("blue/x"), json!(7), json!(["blue", ".."]), json!("")] {
        let document = pins(json!({ "tid": value }));
        assert_problem(&document, "/issuers/corp/pins", "contradiction", "cannot stand in", "write tenants");
    }
}

#[portable]
fn a_template_overlaps_the_issuers_that_it_can_stand_for() {
    let mut second = document()["devices"]["mdm"].clone();
    second["keys"] = json!({ "inline": jwk_set(&other_key(), Some("d1")) });
    let beside = |issuer: Value| {
        let mut device = second.clone();
        device["issuer"] = issuer;
        device["facts"]["tid"] = json!("string");
        also(tenants(), "/devices/mdm", device)
    };
    for issuer in [
        json!("https://login.example.com/blue/v2.0"),
        template(TEMPLATE),
        template("https://login.example.com/blue/{version}"),
    ] {
        let document = beside(issuer);
        assert_problem(&document, "/devices/mdm", "profiles-alike", "can take the same `iss`", "add `pins`");
        let pinned = also(document, "/issuers/corp/pins", json!({ "use": ["a", "b"] }));
        plan(&also(pinned, "/devices/mdm/pins", json!({ "use": "c" })));
    }
    for issuer in [
        json!("https://login.example.com/blue/v1.0"),
        json!("https://login.example.com/../v2.0"),
        json!("https://login.example.com/blue/x/v2.0"),
        template("https://login.example.com/{tenantid}"),
        template("https://other.example.com/{tenantid}/v2.0"),
    ] {
        plan(&beside(issuer));
    }
}

#[portable]
fn metadata_for_all_tenants_names_the_template() {
    let keys = |keys: Value| also(tenants(), "/issuers/corp/keys", keys);
    let also_without_algorithms = |document: Value| also(document, "/issuers/corp/algorithms", json!(["RS256"]));
    assert_problem(
        &also_without_algorithms(keys(json!({ "discovery": true, "cluster": "login" }))),
        "/issuers/corp/keys/discovery",
        "contradiction",
        "`issuer.template` is none",
        "write the URL of the metadata for all tenants",
    );
    let url = "https://login.example.com/common/v2.0/.well-known/openid-configuration";
    let (plan, _) = plan(&also_without_algorithms(keys(json!({ "discovery": url, "cluster": "login" }))));
    let KeySource::Fetched(fetched) = &plan.keys[&ProviderName::new("corp")] else { panic!("not fetched") };
    let KeyLocation::Metadata { issuer, .. } = &fetched.location else { panic!("no metadata") };
    assert_eq!(issuer, TEMPLATE);
}

#[portable]
fn a_key_with_an_octet_too_many_is_left_out_and_the_warning_says_what_its_provider_must_do() {
    let good = jwk_set(&key(Algorithm::Es256), Some("c1"))["keys"][0].clone();
    let mut padded = good.clone();
    let octets = base64url::decode(good["x"].as_str().unwrap().as_bytes()).unwrap();
    padded["x"] = json!(base64url::encode(&[&[0], octets.as_slice()].concat()));
    padded["kid"] = json!("padded");
    let (_, warnings) = plan(&corp("keys", json!({ "inline": { "keys": [good, padded] } })));
    let warning = warnings.iter().find(|warning| warning.code.code() == "skipped-key").unwrap();
    assert_eq!(warning.pointer, "/issuers/corp/keys/inline/keys/1");
    assert_eq!(
        warning.message,
        "key 1 (kid `padded`) is left out: `x` of the key has 33 octets; RFC 7518 section 6.2.1.2 requires exactly 32: its \
         provider must remove 1 zero octet in front; tokens that it signs are refused"
    );
}
