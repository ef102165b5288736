//! Keys that are fetched: where from, and within which bounds.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, with};
use crate::fetch::Schedule;
use crate::jose::Algorithm;
use crate::keys::{FetchedKeys, KeyHost, KeyLocation, KeySource};
use crate::portable;
use crate::profile::Algorithms;
use crate::provider::ProviderName;
use crate::time::Seconds;

const POINTER: &str = "/issuers/corp/keys";

fn keys(keys: Value) -> Value {
    with(POINTER, keys)
}

fn fetched(keys: Value) -> FetchedKeys {
    match plan(&self::keys(keys)).0.keys.remove(&ProviderName::new("corp")).unwrap() {
        KeySource::Fetched(fetched) => *fetched,
        KeySource::Inline(keys) => panic!("{keys:?}"),
    }
}

/// The members of a URL that is accepted, with one more or another.
fn url(member: &str, value: Value) -> Value {
    let mut keys = json!({ "url": "https://login.example.com/keys", "cluster": "login" });
    keys[member] = value;
    keys
}

#[portable]
fn a_url_and_a_cluster_suffice() {
    let keys = fetched(json!({ "url": "https://login.example.com/keys?v=1", "cluster": "login" }));
    let KeyLocation::KeySet(endpoint) = &keys.location else { panic!("{keys:?}") };
    assert_eq!((endpoint.url.authority().as_str(), endpoint.url.path().as_str()), ("login.example.com", "/keys?v=1"));
    assert_eq!(endpoint.cluster, "login");
    let Schedule { refresh_min, refresh_max, refetch_interval, max_stale, timeout } = keys.schedule;
    let seconds = [refresh_min, refresh_max, refetch_interval, max_stale, timeout];
    assert_eq!(seconds.map(Seconds::get), [60, 900, 30, 3_600, 5], "the documented defaults");
    let compiled = plan(&self::keys(url("cluster", json!("login")))).0;
    assert_eq!(compiled.issuers[0].profile.algorithms, Algorithms::NamedByEachKey);
    let document = also(self::keys(url("cluster", json!("login"))), "/issuers/corp/algorithms", json!(["ES256"]));
    let compiled = plan(&document).0;
    assert_eq!(compiled.issuers[0].profile.algorithms, Algorithms::Listed(vec![Algorithm::Es256]));
}

#[portable]
fn discovery_asks_the_issuer_itself_or_a_url() {
    let metadata = |discovery: Value| {
        let keys = fetched(json!({ "discovery": discovery, "cluster": "login" }));
        match keys.location {
            KeyLocation::Metadata { metadata, issuer, key_host: None } => (metadata.url.to_string(), issuer),
            other => panic!("{other:?}"),
        }
    };
    let issuer = "https://login.example.com".to_owned();
    assert_eq!(
        metadata(json!(true)),
        ("https://login.example.com/.well-known/openid-configuration".to_owned(), issuer.clone())
    );
    let other = "https://login.example.com/.well-known/oauth-authorization-server/corp";
    assert_eq!(metadata(json!(other)), (other.to_owned(), issuer));

    let jwks = json!({ "host": "keys.example.net:8443", "cluster": "keys" });
    let keys = fetched(json!({ "discovery": true, "cluster": "login", "jwks": jwks }));
    let KeyLocation::Metadata { key_host, .. } = keys.location else { panic!("{keys:?}") };
    let expected = KeyHost { host: "keys.example.net:8443".to_owned(), cluster: "keys".to_owned() };
    assert_eq!(key_host, Some(expected));
}

#[portable]
fn an_issuer_that_ends_with_a_slash_is_not_asked_under_two() {
    let document = also(
        keys(json!({ "discovery": true, "cluster": "login" })),
        "/issuers/corp/issuer",
        json!("https://login.example.com/"),
    );
    let KeySource::Fetched(keys) = plan(&document).0.keys[&ProviderName::new("corp")].clone() else { panic!() };
    assert_eq!(keys.location.first().url.to_string(), "https://login.example.com/.well-known/openid-configuration");
}

#[portable]
fn keys_have_one_place() {
    for (keys, pointer, code, message, help) in [
        (json!({}), "", "missing-field", "where the keys are", "`{ url: ..., cluster: ... }`"),
        (json!({ "cluster": "login" }), "", "missing-field", "where the keys are", "inline"),
        (json!({ "url": "https://a.example/" }), "", "missing-field", "`cluster` is missing", "authenticates"),
        (json!({ "ulr": "https://a.example/", "cluster": "a" }), "/ulr", "unknown-field", "ulr", "`url`"),
        (url("inline", json!({ "keys": [] })), "/url", "contradiction", "or they are fetched", "keep"),
        (url("discovery", json!(true)), "/discovery", "contradiction", "`url` and `discovery`", "keep"),
        (
            url("jwks", json!({ "host": "a", "cluster": "a" })),
            "/jwks",
            "contradiction",
            "belongs to `discovery`",
            "remove",
        ),
        (url("cluster", json!("")), "/cluster", "bad-value", "", ""),
        (url("url", json!(7)), "/url", "wrong-type", "a number", "JWK set"),
        (
            url("url", json!("login.example.com/keys")),
            "/url",
            "bad-value",
            "not an absolute URL",
            "where the JWK set is",
        ),
        (json!({ "discovery": false, "cluster": "a" }), "/discovery", "wrong-type", "a boolean", "metadata"),
        (
            json!({ "discovery": true, "cluster": "a", "jwks": { "host": "https://a", "cluster": "a" } }),
            "/jwks/host",
            "bad-host",
            "not a host",
            "lower case",
        ),
        (
            json!({ "discovery": true, "cluster": "a", "jwks": { "host": "a.example" } }),
            "/jwks",
            "missing-field",
            "`cluster` is missing",
            "cluster",
        ),
    ] {
        assert_problem(&self::keys(keys.clone()), &format!("{POINTER}{pointer}"), code, message, help);
    }
}

#[portable]
fn http_must_be_called_insecure_and_nothing_else_may_be() {
    let plain = "http://login.example.com/keys";
    assert_problem(
        &keys(url("url", json!(plain))),
        &format!("{POINTER}/url"),
        "insecure-keys",
        "forged by anybody",
        "`insecure: true`",
    );
    fetched(json!({ "url": plain, "cluster": "login", "insecure": true }));
    assert_problem(&keys(url("insecure", json!(true))), &format!("{POINTER}/url"), "contradiction", "https", "remove");
    assert_problem(
        &keys(url("insecure", json!(false))),
        &format!("{POINTER}/insecure"),
        "bad-value",
        "`true`",
        "remove",
    );
    // The issuer's own scheme counts for `discovery: true`.
    let document = also(
        keys(json!({ "discovery": true, "cluster": "login" })),
        "/issuers/corp/issuer",
        json!("http://login.example.com"),
    );
    assert_problem(&document, &format!("{POINTER}/discovery"), "insecure-keys", "forged", "https");
}

#[portable]
fn an_issuer_that_is_absent_has_no_metadata() {
    let document =
        also(keys(json!({ "discovery": true, "cluster": "login" })), "/issuers/corp/issuer", json!("absent"));
    assert_problem(&document, &format!("{POINTER}/discovery"), "contradiction", "have none", "`url`");
}

#[portable]
fn every_length_of_time_has_its_range() {
    for (member, value, good) in [
        ("refresh", json!({ "min": "5s", "max": "24h" }), true),
        ("refresh", json!({ "min": "4s" }), false),
        ("refresh", json!({ "max": "86401s" }), false),
        ("refetch_interval", json!("1s"), true),
        ("refetch_interval", json!("0s"), false),
        ("max_stale", json!("0s"), true),
        ("max_stale", json!("7d"), true),
        ("max_stale", json!("604801s"), false),
        ("timeout", json!("1s"), true),
        ("timeout", json!("30s"), true),
        ("timeout", json!("0s"), false),
        ("timeout", json!("31s"), false),
    ] {
        let mut document = keys(url(member, value.clone()));
        if member == "refresh" && good {
            document = also(document, &format!("{POINTER}/refetch_interval"), json!("5s"));
        }
        if good {
            plan(&document);
        } else {
            let place = match &value {
                Value::Object(bounds) => format!("/{}", bounds.keys().next().unwrap()),
                _ => String::new(),
            };
            assert_problem(&document, &format!("{POINTER}/{member}{place}"), "out-of-range", "", "");
        }
    }
    let interval = |interval: &str| {
        also(keys(url("refresh", json!({ "min": "1m" }))), &format!("{POINTER}/refetch_interval"), json!(interval))
    };
    plan(&interval("60s"));
    assert_problem(&interval("61s"), POINTER, "contradiction", "`refetch_interval` is 61s", "not longer");
    let bounds = keys(url("refresh", json!({ "min": "10m", "max": "5m" })));
    assert_problem(&bounds, &format!("{POINTER}/refresh"), "contradiction", "`min` is 600s", "not longer");
}

#[portable]
fn two_profiles_that_fetch_the_same_keys_need_pins() {
    let same = json!({ "url": "https://login.example.com/keys", "cluster": "login" });
    let mut second = document()["issuers"]["corp"].clone();
    second["issuer"] = json!("https://other.example");
    second["keys"] = same.clone();
    let document = also(keys(same), "/issuers/second", second);
    assert_problem(&document, "/issuers/second", "shared-key", "public key in common", "`pins`");
    let pinned = also(document, "/issuers/corp/pins", json!({ "azp": "web" }));
    plan(&also(pinned, "/issuers/second/pins", json!({ "azp": "batch" })));
}
