//! What of a configuration its surroundings must agree with.

use serde_json::{Value, json};

use super::{also, complete_document, document, plan, with};
use crate::config::Outline;
use crate::portable;
use crate::request::{AddressSource, PeerSource};

fn urls(outline: &Outline) -> Vec<String> {
    outline.key_endpoints.iter().map(|keys| format!("{} {}", keys.url.origin(), keys.cluster)).collect()
}

#[portable]
fn an_outline_says_what_the_plan_says() {
    let document = also(
        complete_document(),
        "/issuers/corp/keys",
        json!({ "discovery": true, "cluster": "login", "jwks": { "host": "keys.example.com:8443", "cluster": "keys" } }),
    );
    let document = also(document, "/issuers/corp/from", json!(["authorization", { "cookie": "IdToken" }]));
    let document = also(document, "/acknowledged_filters", json!(["envoy.filters.http.lua"]));
    let (outline, (plan, _)) = (Outline::read(&document), plan(&document));
    assert_eq!(outline.guard, plan.guard);
    assert_eq!((outline.peer, outline.client_address), (plan.peer, plan.client_address));
    assert!(outline.hosts.is_none(), "an application serves any host");
    assert_eq!(outline.acknowledged_filters, ["envoy.filters.http.lua"]);
    assert_eq!(outline.identity_headers, ["x-user-email", "x-home", "x-jwt-payload"]);
    assert_eq!(urls(&outline), ["https://login.example.com login", "https://keys.example.com:8443 keys"]);
    assert_eq!(outline.withholding_issuers, ["corp"]);
    assert_eq!(outline.credential_cookies, ["IdToken"]);
    let hosts =
        Outline::read(&with("/applications/shop/hosts", json!(["Shop.example.com", "*.shop.example.com"]))).hosts;
    let hosts: Vec<String> = hosts.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["shop.example.com", "*.shop.example.com"]);
}

#[portable]
fn a_part_with_an_error_counts_as_absent_and_hides_no_other_part() {
    for nothing in
        [json!({}), json!(null), json!("text"), json!({ "guard": 7, "peer": [], "issuers": "x", "unknown": 1 })]
    {
        let outline = Outline::read(&nothing);
        assert_eq!(outline.guard, "countersign", "{nothing}");
        assert_eq!((outline.peer, outline.client_address), (PeerSource::None, AddressSource::Connection), "{nothing}");
        assert!(outline.hosts.is_none() && outline.key_endpoints.is_empty(), "{nothing}");
    }
    // Only where its keys are can be read of this issuer.
    let keys = json!({ "keys": { "url": "https://login.example.com/keys", "cluster": "login" }, "typ": 7 });
    let outline = Outline::read(&also(with("/guard", json!({ "name": "Bad Name" })), "/issuers/corp", keys));
    assert_eq!(
        (urls(&outline), outline.guard.as_str()),
        (vec!["https://login.example.com login".to_owned()], "countersign")
    );
    let mut bad_host = document();
    bad_host["applications"]["shop"]["hosts"] = json!(["shop.example.com", "https://x", 7]);
    assert_eq!(Outline::read(&bad_host).hosts.map_or(0, |hosts| hosts.len()), 1);
    assert!(Outline::read(&Value::Array(vec![document()])).hosts.is_none());
}
