//! Whole documents, and what the other test files share: a document that compiles, changes to it, and one expected problem.

mod applications;
mod attested;
mod attributes;
mod device_record;
mod facts;
mod fetched_keys;
mod fields;
mod groups;
mod outline;
mod parts;
mod peer;
mod places;
mod presets;
mod profiles;
mod request_headers;
mod resource_metadata;
mod sender;
mod sign_in;
mod tokens;
mod told_apart;
mod vendor_presets;

use serde_json::{Value, json};

use super::Plan;
use crate::config_error::{ConfigError, ConfigWarning};
use crate::identity_header::IdentitySource;
use crate::jose::Algorithm;
use crate::keys::KeySource;
use crate::limits::{Limits, MAX_CONFIG_BYTES, MAX_CONFIG_JSON_DEPTH};
use crate::mode::Mode;
use crate::portable;
use crate::profile::{Algorithms, Audiences, EvidenceForwarding, Expiry, FactType, IssuerId, Pin, PostureBinding};
use crate::provider::ProviderName;
use crate::request::{Action, Method, RequestMethod};
use crate::request::{AddressSource, PeerSource};
use crate::route::HostPattern;
use crate::testing::{jwk_set, key, other_key};
use crate::time::Seconds;

/// How many keys the document itself brings for the issuer `corp`.
fn keys_of(plan: &Plan) -> usize {
    match &plan.keys[&ProviderName::new("corp")] {
        KeySource::Inline(keys) => keys.keys().len(),
        KeySource::Fetched(_) => 0,
    }
}

/// A small document that compiles, with one of everything that is required and a device provider.
fn document() -> Value {
    json!({
        "version": 1,
        "issuers": {
            "corp": {
                "issuer": "https://login.example.com",
                "audiences": ["shop"],
                "keys": { "inline": jwk_set(&key(Algorithm::Es256), Some("c1")) },
                "typ": ["JWT"],
                "principal": { "id": "sub" },
            },
        },
        "devices": {
            "mdm": {
                "header": "x-device-posture",
                "issuer": "https://mdm.example.com",
                "audiences": ["posture"],
                "keys": { "inline": jwk_set(&other_key(), Some("d1")) },
                "typ": ["JWT"],
                "max_age": "24h",
                "facts": { "managed": "bool", "hardware": { "vendor": "string" } },
                "bind": "none",
            },
        },
        "applications": {
            "shop": {
                "hosts": ["shop.example.com"],
                "requires": ["corp"],
                "routes": { "order": { "path": "/api/orders/{id}" } },
            },
        },
        "policies": "",
    })
}

/// The document with a value put in at a pointer, replacing what is there.
fn with(pointer: &str, value: Value) -> Value {
    also(document(), pointer, value)
}

/// Another document with a value put in at a pointer.
fn also(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    document.pointer_mut(parent).unwrap()[name] = value;
    document
}

/// The document without the member at a pointer.
fn without(pointer: &str) -> Value {
    let mut document = document();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    document
}

/// What is wrong with a document that must not compile; every text is as the house rules want it.
fn problems(document: &Value) -> Vec<ConfigError> {
    let errors = Plan::compile(document.to_string().as_bytes()).map(|_| ()).unwrap_err();
    assert!(!errors.is_empty());
    for error in &errors {
        for text in [&error.message, &error.help] {
            assert!(!text.ends_with('.') && !text.starts_with(char::is_uppercase), "{error:?}");
        }
    }
    errors
}

/// That a document has exactly one problem, at this place and with these words.
#[track_caller]
fn assert_problem(document: &Value, pointer: &str, code: &str, message: &str, help: &str) {
    let errors = problems(document);
    let [error] = errors.as_slice() else { panic!("not one problem: {errors:#?}") };
    assert_eq!((error.pointer.as_str(), error.code.code()), (pointer, code), "{error:?}");
    assert!(error.message.contains(message), "{error:?}");
    assert!(error.help.contains(help), "{error:?}");
}

/// A document that must compile.
#[track_caller]
fn plan(document: &Value) -> (Plan, Vec<ConfigWarning>) {
    match Plan::compile(document.to_string().as_bytes()) {
        Ok(compiled) => compiled,
        Err(errors) => panic!("{errors:#?}"),
    }
}

/// Every member that there is, beside the document of [`document`].
fn complete_document() -> Value {
    let document = also(
        document(),
        "/issuers/corp",
        json!({
            "token": "access",
            "issuer": "https://login.example.com",
            "audiences": ["shop", "shop-eu"],
            "keys": { "inline": {"keys": [
                key(Algorithm::Rs256).public_jwk(Some("r1")),
                key(Algorithm::Es256).public_jwk(Some("e1")),
            ]} },
            "algorithms": ["RS256", "ES256"],
            "typ": ["JWT", "application/at+JWT", "absent"],
            "pins": { "azp": "shop-web", "ver": 2, "internal": true },
            "forbid_claims": ["nonce"],
            "exp": "required",
            "clock_skew": "30s",
            "max_age": "12h",
            "max_lifetime": "24h",
            "principal": { "type": "Employee", "id": ["act", "sub"],
                           "groups": { "claim": ["realm_access", "roles"], "required": true, "single": true } },
            "facts": { "groups?": ["string"], "acr?": "string", "auth_time?": "long", "email": "string",
                       "address": { "ip?": "ip", "home": "bool" } },
            "forward": "never",
        }),
    );
    let document = also(document, "/devices/mdm/bind", json!({ "token": "device_id", "device": ["device", "id"] }));
    let document = also(document, "/devices/mdm/forward", json!("verified"));
    let document = also(document, "/devices/mdm/audiences", json!("absent"));
    let document = also(
        document,
        "/applications",
        json!({
            "shop": {
                "hosts": ["Shop.Example.com", "[2001:DB8::1]"],
                "requires": ["mdm", "corp"],
                "routes": {
                    "order": { "path": "/api/orders/{id}", "methods": ["GET", "PUT"] },
                    "files": { "path": "/api/{rest*}" },
                    "search": { "path": "/api/search", "methods": ["POST"], "action": "read" },
                    "health": { "path": "/healthz", "requires": [] },
                },
            },
            "admin": { "any_host": true, "routes": { "all": { "path": "/{rest*}" } } },
        }),
    );
    let document = also(document, "/peer", json!({ "from": "tls" }));
    let document = also(document, "/client_address", json!({ "from": "none" }));
    let document = also(document, "/guard", json!({ "name": "shop-guard.1" }));
    let document = also(
        document,
        "/identity_headers",
        json!({ "X-User-Email": { "fact": "corp.email" }, "x-home": { "fact": "corp.address.home" },
                "x-jwt-payload": { "payload": "corp" } }),
    );
    let document = also(document, "/mode", json!("enforce"));
    also(document, "/limits", json!({ "max_token_bytes": 8192, "max_headers": 50.0 }))
}

#[portable]
fn every_member_of_a_complete_document_reaches_the_plan() {
    let (plan, _) = plan(&complete_document());

    let [corp] = plan.issuers.as_slice() else { panic!("{:?}", plan.issuers) };
    let profile = &corp.profile;
    assert_eq!(profile.name, ProviderName::new("corp"));
    assert_eq!(profile.issuer, IssuerId::Exactly("https://login.example.com".to_owned()));
    assert_eq!(profile.audiences, Audiences::OneOf(vec!["shop".to_owned(), "shop-eu".to_owned()]));
    assert_eq!(profile.expiry, Expiry::Required);
    assert_eq!(profile.algorithms, Algorithms::Listed(vec![Algorithm::Rs256, Algorithm::Es256]));
    assert_eq!(
        (profile.typ.values.as_slice(), profile.typ.absent),
        (&["jwt".to_owned(), "at+jwt".to_owned()][..], true)
    );
    let pins = [("azp", json!("shop-web")), ("internal", json!(true)), ("ver", json!(2))];
    assert_eq!(profile.pins, pins.map(|(claim, value)| Pin { claim: claim.to_owned(), values: vec![value] }));
    assert_eq!(profile.forbid_claims, ["nonce"]);
    assert_eq!(profile.clock_skew, Seconds::new(30));
    assert_eq!(profile.max_age, Some(Seconds::new(43_200)));
    assert_eq!(profile.max_lifetime, Some(Seconds::new(86_400)));
    assert_eq!(keys_of(&plan), 2);
    let facts: Vec<(&str, bool)> = profile.facts.iter().map(|fact| (fact.name.as_str(), fact.required)).collect();
    assert_eq!(facts, [("acr", false), ("address", true), ("auth_time", false), ("email", true), ("groups", false)]);
    assert_eq!(profile.facts[4].fact_type, FactType::List(Box::new(FactType::String)));
    assert_eq!(&*corp.principal.entity_type, "Employee");
    assert_eq!(corp.principal.id.0, ["act", "sub"]);
    let groups = corp.principal.groups.as_ref().unwrap();
    assert_eq!(groups.claim.0, ["realm_access", "roles"]);
    assert_eq!((groups.required, groups.single), (true, true));
    assert_eq!(corp.forward, EvidenceForwarding::Never);

    let [mdm] = plan.devices.as_slice() else { panic!("{:?}", plan.devices) };
    let tokens = mdm.token().unwrap();
    assert_eq!(tokens.header, "x-device-posture");
    assert_eq!(tokens.profile.audiences, Audiences::Absent);
    assert_eq!(tokens.profile.max_age, Some(Seconds::new(86_400)));
    assert!(
        matches!(&mdm.bind, PostureBinding::Claims { token, device } if token.0 == ["device_id"] && device.0 == ["device", "id"])
    );
    assert_eq!(tokens.forward, EvidenceForwarding::Verified);

    let [admin, shop] = plan.router.applications.as_slice() else { panic!("{:?}", plan.router) };
    assert_eq!((admin.name.as_str(), &admin.hosts), ("admin", &None));
    let hosts = ["shop.example.com", "[2001:db8::1]"].map(|host| HostPattern::Exactly(host.to_owned()));
    assert_eq!(shop.hosts, Some(hosts.to_vec()));
    assert_eq!(shop.requires.issuer, Some(ProviderName::new("corp")));
    assert_eq!(shop.requires.devices, [ProviderName::new("mdm")]);
    let route = |name: &str| shop.routes.iter().find(|route| route.name == name).unwrap();
    assert_eq!(route("order").methods, [Method::Get, Method::Put].map(RequestMethod::Common));
    assert_eq!(route("order").requires, shop.requires);
    assert_eq!(route("files").methods, [Method::Get, Method::Head].map(RequestMethod::Common));
    assert_eq!(route("search").action, Some(Action::Read));
    assert_eq!((&route("health").requires.issuer, route("health").requires.devices.len()), (&None, 0));

    assert_eq!(
        (plan.peer, plan.client_address, plan.mode),
        (PeerSource::AnyCertificate, AddressSource::None, Mode::Enforce)
    );
    assert_eq!(plan.guard, "shop-guard.1");
    assert_eq!(plan.limits, Limits { max_token_bytes: 8192, max_headers: 50, ..Limits::default() });
    let fact = |path: &[&str]| IdentitySource::Fact {
        provider: ProviderName::new("corp"),
        path: path.iter().map(|name| (*name).to_owned()).collect(),
    };
    let headers: Vec<(&str, &IdentitySource)> =
        plan.header_policy.identity_headers().iter().map(|header| (header.name.as_str(), &header.source)).collect();
    assert_eq!(
        headers,
        [
            ("x-home", &fact(&["address", "home"])),
            ("x-jwt-payload", &IdentitySource::Payload { issuer: ProviderName::new("corp") }),
            ("x-user-email", &fact(&["email"])),
        ]
    );
}

#[portable]
fn what_is_left_out_has_its_documented_default() {
    let (plan, _) = plan(&document());
    let corp = &plan.issuers[0];
    assert_eq!(&*corp.principal.entity_type, "User");
    assert_eq!((corp.principal.groups.as_ref(), corp.forward), (None, EvidenceForwarding::Verified));
    assert_eq!((corp.profile.expiry, corp.profile.clock_skew), (Expiry::Required, Seconds::new(60)));
    assert_eq!((corp.profile.max_age, corp.profile.max_lifetime), (None, None));
    // Without `algorithms`, those of the keys.
    assert_eq!(corp.profile.algorithms, Algorithms::Listed(vec![Algorithm::Es256]));
    assert_eq!(plan.devices[0].token().unwrap().forward, EvidenceForwarding::Never);
    assert_eq!(
        (plan.peer, plan.client_address, plan.mode),
        (PeerSource::None, AddressSource::Connection, Mode::Enforce)
    );
    assert_eq!((plan.guard.as_str(), plan.limits), ("countersign", Limits::default()));
    assert!(plan.header_policy.identity_headers().is_empty());
}

#[portable]
fn issuers_and_devices_may_be_left_out() {
    let document = json!({
        "version": 1,
        "applications": { "shop": { "hosts": ["a.example"], "routes": { "all": { "path": "/" } } } },
        "policies": "",
    });
    let (plan, _) = plan(&document);
    assert!(plan.issuers.is_empty() && plan.devices.is_empty());
}

#[portable]
fn all_problems_of_all_parts_are_reported_at_once() {
    let document = also(without("/version"), "/issuers/corp/typ", json!([]));
    let document = also(document, "/issuers/corp/principal", json!({ "id": 7 }));
    let document = also(document, "/devices/mdm/max_age", json!("1 day"));
    let document = also(document, "/devices/mdm/facts/managed", json!("boolean"));
    let document = also(document, "/applications/shop/requires", json!(["crop"]));
    let document = also(document, "/applications/shop/routes/order/path", json!("orders"));
    let document = also(document, "/mode", json!("shadwo"));
    let document = also(document, "/limits", json!({ "max_headers": 1 }));
    let document = also(document, "/modes", json!(0));
    let mut found: Vec<(String, &str)> =
        problems(&document).into_iter().map(|error| (error.pointer, error.code.code())).collect();
    found.sort();
    let expected = [
        ("", "missing-field"),
        ("/applications/shop/requires/0", "unknown-provider"),
        ("/applications/shop/routes/order/path", "bad-template"),
        ("/devices/mdm/facts/managed", "bad-value"),
        ("/devices/mdm/max_age", "bad-duration"),
        ("/issuers/corp/principal/id", "wrong-type"),
        ("/issuers/corp/typ", "empty-list"),
        ("/limits/max_headers", "out-of-range"),
        ("/mode", "bad-value"),
        ("/modes", "unknown-field"),
    ];
    assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
}

#[portable]
fn what_is_not_strict_json_is_one_problem_with_its_place() {
    for text in ["", "{", "{\"version\": 1}{}", "{\"version\": 1, \"version\": 1}", "version: 1"] {
        let errors = Plan::compile(text.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(errors.len(), 1, "{text}");
        assert_eq!((errors[0].pointer.as_str(), errors[0].code.code()), ("", "not-json"), "{text}");
        assert!(errors[0].message.contains("at line 1"), "{errors:?}");
    }
    assert_problem(&json!([]), "", "wrong-type", "found a list, expected an object", "version: 1");
}

#[portable]
fn a_document_at_the_byte_cap_is_read_and_one_byte_more_is_not() {
    let mut text = document().to_string().into_bytes();
    text.resize(MAX_CONFIG_BYTES, b' ');
    assert!(Plan::compile(&text).is_ok());
    text.push(b' ');
    let errors = Plan::compile(&text).map(|_| ()).unwrap_err();
    assert_eq!((errors.len(), errors[0].code.code()), (1, "too-large"));
    assert!(errors[0].message.contains("1048577 bytes, at most 1048576"), "{errors:?}");

    let audience = |bytes: usize| with("/issuers/corp/audiences", json!(["a".repeat(bytes)]));
    let rest = audience(0).to_string().len();
    assert!(Plan::compile_value(&audience(MAX_CONFIG_BYTES - rest)).is_ok());
    let errors = Plan::compile_value(&audience(MAX_CONFIG_BYTES - rest + 1)).map(|_| ()).unwrap_err();
    assert_eq!(errors[0].code.code(), "too-large");
}

#[portable]
fn a_document_at_the_depth_cap_is_read_and_one_level_more_is_not() {
    let nested = |levels: usize| {
        let fact = (0..levels).fold(json!("bool"), |inner, _| json!({ "r": inner }));
        with("/devices/mdm/facts/deep", fact)
    };
    // The document, `devices`, `mdm` and `facts` are open already.
    let levels = MAX_CONFIG_JSON_DEPTH - 4;
    assert!(Plan::compile(nested(levels).to_string().as_bytes()).is_ok());
    assert!(Plan::compile_value(&nested(levels)).is_ok());
    assert_problem(&nested(levels + 1), "", "not-json", "nested too deeply", "each member once");
    let errors = Plan::compile_value(&nested(levels + 1)).map(|_| ()).unwrap_err();
    assert_eq!((errors.len(), errors[0].code.code()), (1, "too-deep"));
}

#[portable]
fn doubles_that_are_whole_numbers_are_whole_numbers() {
    let integers = also(with("/limits", json!({ "max_headers": 50 })), "/issuers/corp/pins", json!({ "ver": 2 }));
    let doubles = also(with("/limits", json!({ "max_headers": 50.0 })), "/issuers/corp/pins", json!({ "ver": 2.0 }));
    let doubles = also(doubles, "/version", json!(1.0));
    let (from_integers, _) = plan(&integers);
    let (from_doubles, _) = plan(&doubles);
    assert_eq!(from_doubles.limits.max_headers, 50);
    assert_eq!(from_doubles.issuers[0].profile.pins[0].values, [json!(2)]);
    assert_eq!(from_integers.digest, from_doubles.digest);
    assert_problem(
        &with("/limits", json!({ "max_headers": 50.5 })),
        "/limits/max_headers",
        "wrong-type",
        "a number with a fraction",
        "a whole number",
    );
}

#[portable]
fn the_digest_is_of_the_meaning_and_not_of_the_spelling() {
    let (reference, _) = plan(&document());
    assert!(reference.digest.len() == 64 && reference.digest.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
    let mut reversed = serde_json::Map::new();
    for (name, value) in document().as_object().unwrap().iter().rev() {
        reversed.insert(name.clone(), value.clone());
    }
    let spaced = serde_json::to_string_pretty(&reversed).unwrap();
    assert_eq!(Plan::compile(spaced.as_bytes()).unwrap().0.digest, reference.digest);
    assert_eq!(Plan::compile_value(&document()).unwrap().0.digest, reference.digest);
    assert_ne!(plan(&with("/mode", json!("enforce"))).0.digest, reference.digest);
}

#[portable]
fn no_message_repeats_a_secret_wherever_it_was_put() {
    let secret = "eyJhbGciOiJFUzI1NiJ9.c2VjcmV0LXBheWxvYWQtdGhhdC1pcy1sb25nLWVub3VnaA.c2lnbmF0dXJl";
    let pointers = [
        "/version",
        "/mode",
        "/policies/x",
        "/guard",
        "/issuers/corp/algorithms",
        "/issuers/corp/exp",
        "/issuers/corp/clock_skew",
        "/issuers/corp/forward",
        "/issuers/corp/keys/inline",
        "/issuers/corp/keys/url",
        "/issuers/corp/facts",
        "/devices/mdm/header",
        "/devices/mdm/bind",
        "/applications/shop/hosts",
        "/applications/shop/requires",
        "/applications/shop/routes/order/path",
        "/applications/shop/routes/order/methods",
    ];
    let base = with("/policies", json!({}));
    for pointer in pointers {
        for value in [json!(secret), json!([secret]), json!({ secret: secret }), json!({ "name": secret, "a": secret })]
        {
            for error in problems(&also(base.clone(), pointer, value)) {
                let text = format!("{} {}", error.message, error.help);
                assert!(!text.contains("eyJ") && !text.contains("c2Vj"), "{pointer}: {text}");
            }
        }
    }
    let mut private = jwk_set(&key(Algorithm::Es256), Some("c1"));
    private["keys"][0]["d"] = json!("c2VjcmV0");
    assert_problem(
        &with("/issuers/corp/keys/inline", private),
        "/issuers/corp/keys/inline",
        "no-usable-key",
        "a part of a private key",
        "add a public key",
    );
}

/// Documents of policies beside [`complete_document`].
fn with_policies(text: &str) -> Value {
    let document = also(
        complete_document(),
        "/entities",
        json!({ "groups": { "corp::Group::\"sre\"": ["corp::Group::\"engineering\""] } }),
    );
    also(document, "/policies", json!({ "staff": { "applies_to": ["shop"], "text": text } }))
}

#[portable]
fn policies_are_compiled_against_what_the_document_declares() {
    plan(&with_policies(
        r#"
        @id("read") @advice("Ask your manager to add you to the engineering group.")
        permit (principal in corp::Group::"engineering", action in Action::"read", resource == Route::"shop/order")
        when { context.mdm.managed && context.mdm.bound };
        @id("health")
        permit (principal is Anonymous, action in Action::"read", resource == Route::"shop/health");
        "#,
    ));
}

#[portable]
fn problems_of_policies_are_reported_with_their_place_and_beside_those_of_other_parts() {
    let text = "@id(\"a\")\npermit (principal is corp::Employee, action, resource == Route::\"shop/odrer\");";
    let document = also(with_policies(text), "/mode", json!("loud"));
    let errors = problems(&document);
    assert!(errors.iter().any(|error| error.pointer == "/mode"), "{errors:?}");
    let in_policy = errors.iter().find(|error| error.pointer == "/policies/staff/text").unwrap();
    assert_eq!(in_policy.position.unwrap().line, 2, "{in_policy:?}");
    assert!(in_policy.message.contains("odrer") || in_policy.help.contains("shop/order"), "{in_policy:?}");
}
