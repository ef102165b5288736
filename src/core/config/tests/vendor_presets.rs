//! Presets of vendors: what each of them gives, what it asks for, and what may not be loosened.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, problems, with};
use crate::jose::{Algorithm, ClaimPath};
use crate::keys::{KeyLocation, KeySource};
use crate::portable;
use crate::profile::{Audiences, FactType, Issuer, IssuerId, TokenProfile};
use crate::provider::ProviderName;
use crate::testing::{jwk_set, key};
use crate::time::Seconds;

const TENANT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const APPLICATION: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";
const TAG: &str = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228";

/// Each preset of issuers, with what must be written beside it, and where its keys are published.
fn issuers() -> Vec<(Value, Option<&'static str>)> {
    vec![
        (
            json!({ "preset": "google-iap", "audiences": ["/projects/1/global/backendServices/2"] }),
            Some("https://www.gstatic.com/iap/verify/public_key-jwk"),
        ),
        (
            json!({ "preset": "cloudflare-access", "tenant": "example", "audiences": [TAG] }),
            Some("https://example.cloudflareaccess.com/cdn-cgi/access/certs"),
        ),
        (json!({ "preset": "pomerium", "issuer": "shop.example.com", "audiences": ["shop.example.com"] }), None),
        (
            json!({ "preset": "entra", "tenant": TENANT, "audiences": [APPLICATION] }),
            Some("https://login.microsoftonline.com/3f2504e0-4f89-41d3-9a0c-0305e82c3301/discovery/v2.0/keys"),
        ),
        (
            json!({ "preset": "entra-v1", "tenant": TENANT, "audiences": ["api://orders"] }),
            Some("https://login.microsoftonline.com/3f2504e0-4f89-41d3-9a0c-0305e82c3301/discovery/keys"),
        ),
        (
            json!({
                "preset": "okta", "issuer": "https://example.okta.com/oauth2/default", "audiences": ["api://default"],
            }),
            Some("https://example.okta.com/oauth2/default/v1/keys"),
        ),
        (
            json!({ "preset": "auth0", "issuer": "https://example.eu.auth0.com/", "audiences": ["https://shop.example.com"] }),
            Some("https://example.eu.auth0.com/.well-known/jwks.json"),
        ),
        (
            json!({ "preset": "keycloak", "issuer": "https://login.example.com/realms/shop", "audiences": ["orders"] }),
            Some("https://login.example.com/realms/shop/protocol/openid-connect/certs"),
        ),
    ]
}

/// Each preset of device providers, in the same way.
fn devices() -> Vec<(Value, Option<&'static str>)> {
    vec![
        (
            json!({ "preset": "crowdstrike", "tenant": "abcd123456789efg" }),
            Some("https://assets-public.falcon.crowdstrike.com/zta/jwk.json"),
        ),
        (json!({ "preset": "jamf", "tenant": "Customer-7", "algorithms": ["RS256"], "typ": ["absent"] }), None),
        (json!({ "preset": "jumpcloud", "tenant": "5f0c8a91", "algorithms": ["RS256"], "typ": ["JWT"] }), None),
    ]
}

/// A preset's name, and a document in which an issuer uses it.
fn by_issuer(issuer: &Value) -> (String, Value) {
    let mut issuer = issuer.clone();
    issuer["keys"] = json!({ "url": "https://keys.example.com/set", "cluster": "keys" });
    (issuer["preset"].as_str().unwrap().to_owned(), with("/issuers/corp", issuer))
}

fn by_device(device: &Value) -> (String, Value) {
    let mut device = device.clone();
    for (name, value) in [
        ("header", json!("x-device-posture")),
        ("max_age", json!("1h")),
        ("bind", json!("none")),
        ("keys", json!({ "inline": jwk_set(&key(Algorithm::Rs256), Some("d1")) })),
    ] {
        device[name] = value;
    }
    (device["preset"].as_str().unwrap().to_owned(), with("/devices/mdm", device))
}

fn read_issuer(document: &Value) -> Issuer {
    plan(document).0.issuers[0].clone()
}

fn read_device(document: &Value) -> TokenProfile {
    plan(document).0.devices[0].token().unwrap().profile.clone()
}

#[portable]
fn each_preset_needs_only_what_no_vendor_can_know() {
    for (issuer, _) in issuers() {
        let (name, document) = by_issuer(&issuer);
        let issuer = read_issuer(&document);
        assert!(matches!(issuer.profile.issuer, IssuerId::Exactly(_)), "{name}");
        assert!(matches!(issuer.profile.audiences, Audiences::OneOf(_)), "{name}");
        assert!(!issuer.profile.facts.is_empty(), "{name}");
    }
    for (device, _) in devices() {
        let (name, document) = by_device(&device);
        let profile = read_device(&document);
        assert_eq!(profile.audiences, Audiences::Absent, "{name}");
        assert!(profile.facts.iter().any(|fact| fact.required), "{name}");
    }
}

#[portable]
fn the_keys_are_where_the_vendor_publishes_them() {
    let published = json!({ "published": true, "cluster": "vendor", "timeout": "2s" });
    let all = issuers().into_iter().map(|(issuer, url)| ("/issuers/corp", by_issuer(&issuer), url));
    let all = all.chain(devices().into_iter().map(|(device, url)| ("/devices/mdm", by_device(&device), url)));
    for (place, (name, document), url) in all {
        let document = also(document, &format!("{place}/keys"), published.clone());
        let Some(url) = url else {
            let message = "no preset here says where a key set is published";
            assert_problem(&document, &format!("{place}/keys/published"), "contradiction", message, "write `url`");
            continue;
        };
        let provider = ProviderName::new(place.rsplit('/').next().unwrap());
        let (plan, _) = plan(&document);
        let KeySource::Fetched(keys) = &plan.keys[&provider] else { panic!("{name}: fetched") };
        let KeyLocation::KeySet(endpoint) = &keys.location else { panic!("{name}: a key set") };
        assert_eq!((endpoint.url.to_string().as_str(), endpoint.cluster.as_str()), (url, "vendor"), "{name}");
        assert_eq!(keys.schedule.timeout, Seconds::new(2));
    }
    for keys in [
        json!({ "published": true, "url": "https://a.example/keys", "cluster": "a" }),
        json!({ "published": false, "cluster": "a" }),
    ] {
        assert!(!problems(&with("/issuers/corp/keys", keys)).is_empty());
    }
}

#[portable]
fn each_preset_says_what_is_missing_and_why() {
    for (provider, _) in issuers() {
        let members: Vec<String> = provider.as_object().unwrap().keys().cloned().collect();
        for member in members.iter().filter(|member| *member != "preset") {
            let mut lacking = provider.clone();
            lacking.as_object_mut().unwrap().remove(member);
            let message = format!("`{member}` is missing, which the preset");
            assert_problem(
                &by_issuer(&lacking).1,
                "/issuers/corp",
                "missing-field",
                &message,
                &format!("add `{member}`"),
            );
        }
    }
    for (provider, _) in devices() {
        for member in ["tenant", "algorithms", "typ"] {
            let mut lacking = provider.clone();
            if lacking.as_object_mut().unwrap().remove(member).is_some() {
                let message = format!("`{member}` is missing, which the preset");
                assert_problem(
                    &by_device(&lacking).1,
                    "/devices/mdm",
                    "missing-field",
                    &message,
                    &format!("add `{member}`"),
                );
            }
        }
    }
}

#[portable]
fn no_preset_can_be_loosened() {
    let longer = |preset: &str| (preset == "google-iap").then_some(("max_lifetime", json!("12m")));
    for (issuer, _) in issuers() {
        let (name, document) = by_issuer(&issuer);
        let looser = [
            ("audiences", json!("absent")),
            ("algorithms", json!(["RS256", "ES256", "PS256", "EdDSA"])),
            ("typ", json!(["JWT", "jwt2", "absent"])),
            ("exp", json!("absent")),
            ("token", json!("id")),
        ];
        for (member, value) in looser.into_iter().chain(longer(&name)) {
            let found = problems(&also(document.clone(), &format!("/issuers/corp/{member}"), value));
            assert!(found.iter().any(|problem| problem.code.code() == "contradiction"), "{name} {member}: {found:?}");
        }
        let fact = if name == "okta" {
            "cid"
        } else if name == "google-iap" {
            "hd"
        } else {
            ""
        };
        if !fact.is_empty() {
            let again = also(document.clone(), "/issuers/corp/facts", json!({ fact: "long" }));
            assert_problem(&again, &format!("/issuers/corp/facts/{fact}"), "contradiction", "gives", "remove it");
        }
    }
    for (device, _) in devices() {
        let (name, document) = by_device(&device);
        for (member, value) in [("exp", json!("absent")), ("issuer", json!("https://evil.example"))] {
            let found = problems(&also(document.clone(), &format!("/devices/mdm/{member}"), value));
            assert!(found.iter().any(|problem| problem.code.code() == "contradiction"), "{name} {member}: {found:?}");
        }
    }
    let pinned =
        also(by_device(&devices()[0].0).1, "/devices/mdm/pins", json!({ "cid": ["abcd123456789efg", "other"] }));
    assert_problem(&pinned, "/devices/mdm/pins/cid", "contradiction", "gives `cid` in `pins`", "remove it");
}

#[portable]
fn what_a_preset_gives_can_be_added_to() {
    let (_, document) = by_issuer(&issuers()[3].0);
    let more = json!({ "wids?": ["string"] });
    let document = also(document, "/issuers/corp/facts", more);
    let document = also(document, "/issuers/corp/pins", json!({ "azp": "11111111-aaaa-4843-9ff4-000000000000" }));
    let document = also(document, "/issuers/corp/require_claims", json!(["uti"]));
    let document = also(document, "/issuers/corp/max_lifetime", json!("2h"));
    let profile = read_issuer(&document).profile;
    let facts: Vec<&str> = profile.facts.iter().map(|fact| fact.name.as_str()).collect();
    assert_eq!(facts, ["acrs", "azp", "roles", "scp", "wids"]);
    let pins: Vec<&str> = profile.pins.iter().map(|pin| pin.claim.as_str()).collect();
    assert_eq!(pins, ["azp", "tid", "ver"]);
    assert_eq!(profile.require_claims, ["azp", "scp", "uti"]);
    let shorter = also(by_issuer(&issuers()[0].0).1, "/issuers/corp/max_lifetime", json!("5m"));
    assert_eq!(read_issuer(&shorter).profile.max_lifetime, Some(Seconds::new(300)));
    let longest = also(by_issuer(&issuers()[0].0).1, "/issuers/corp/max_lifetime", json!("11m"));
    assert_eq!(read_issuer(&longest).profile.max_lifetime, Some(Seconds::new(660)));
}

#[portable]
fn a_tenant_is_written_as_tokens_have_it() {
    let help = "in lower case, and without `-` and the checksum at its end";
    for cid in ["ABCD123456789EFG-1X", "ABCD123456789EFG", "abcd123456789efg-1x", "abcd 123"] {
        let document = also(by_device(&devices()[0].0).1, "/devices/mdm/tenant", json!(cid));
        let message = format!("the preset `crowdstrike` does not allow `tenant` as `{cid}`");
        assert_problem(&document, "/devices/mdm/tenant", "contradiction", &message, help);
    }
    for (preset, tenant) in [
        (1, "example.cloudflareaccess.com"),
        (1, "example/../other"),
        (1, "Example"),
        (3, "contoso.onmicrosoft.com"),
        (3, "common"),
        (3, "3F2504E0-4F89-41D3-9A0C-0305E82C3301"),
    ] {
        let document = also(by_issuer(&issuers()[preset].0).1, "/issuers/corp/tenant", json!(tenant));
        assert_problem(&document, "/issuers/corp/tenant", "contradiction", "does not allow `tenant` as", "write the");
    }
    let document = also(by_issuer(&issuers()[6].0).1, "/issuers/corp/issuer", json!("https://example.eu.auth0.com"));
    assert_problem(
        &document,
        "/issuers/corp/issuer",
        "contradiction",
        "does not allow `issuer`",
        "with `/` at its end",
    );
    let document = with("/issuers/corp/tenant", json!("example"));
    let help = "add `preset` with one of `cloudflare-access`, `entra`";
    assert_problem(&document, "/issuers/corp/tenant", "contradiction", "`tenant` is a member of the presets", help);
    let document = also(by_issuer(&issuers()[5].0).1, "/issuers/corp/tenant", json!("example"));
    assert_problem(&document, "/issuers/corp/tenant", "contradiction", "is a member of the presets", "remove `tenant`");
}

#[portable]
fn the_preset_for_any_signer_means_no_preset() {
    let named = with("/devices/mdm/preset", json!("jwt"));
    let (plan, plain) = (plan(&named).0, super::plan(&document()).0);
    let [named, plain] = [&plan, &plain].map(|plan| format!("{:?}", plan.devices[0]));
    assert_eq!(named, plain);
}

#[portable]
fn facts_have_the_types_that_the_vendor_publishes() {
    let profile = read_device(&by_device(&devices()[0].0).1);
    let [assessment, ..] = profile.facts.as_slice() else { panic!("facts") };
    assert_eq!((assessment.name.as_str(), assessment.required), ("assessment", true));
    let FactType::Record(scores) = &assessment.fact_type else { panic!("a record") };
    let overall = scores.iter().find(|fact| fact.name == "overall").unwrap();
    assert_eq!((&overall.fact_type, overall.required), (&FactType::Long, true));
    let entra = read_issuer(&by_issuer(&issuers()[3].0).1);
    assert_eq!(entra.principal.id, ClaimPath::of("oid"));
    assert!(entra.principal.groups.is_some());
}
