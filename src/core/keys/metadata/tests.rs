use serde_json::json;

use super::key_endpoint;
use crate::fetch::{Endpoint, FetchFault, HttpUrl};
use crate::keys::{KeyFetchFault, KeyHost, MetadataFault};
use crate::portable;
use crate::testing::json_response;

#[portable]
fn metadata_leads_to_its_own_host_or_to_the_named_one() {
    let endpoint =
        |url: &str, cluster: &str| Endpoint { url: HttpUrl::parse(url).unwrap(), cluster: cluster.to_owned() };
    let metadata = endpoint("https://login.example.com/.well-known/openid-configuration", "login");
    let other = KeyHost { host: "keys.example.net".to_owned(), cluster: "keys".to_owned() };
    let read = |issuer: &str, jwks_uri: &str, key_host: Option<&KeyHost>| {
        let body = json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string();
        key_endpoint(&json_response(&[], &body), &metadata, "https://login.example.com", key_host)
    };
    let issuer = "https://login.example.com";
    let own = "https://LOGIN.example.com:443/keys";
    assert_eq!(read(issuer, own, Some(&other)), Ok(endpoint(own, "login")));
    let named = "https://keys.example.net/v1";
    assert_eq!(read(issuer, named, Some(&other)), Ok(endpoint(named, "keys")));

    let fault = |fault: MetadataFault| Err(KeyFetchFault::Metadata(fault));
    assert_eq!(read("https://login.example.com/", own, None), fault(MetadataFault::Issuer));
    assert_eq!(read(issuer, named, None), fault(MetadataFault::Host("keys.example.net".to_owned())));
    for elsewhere in ["https://login.example.com.evil.example/keys", "https://login.example.com:8443/keys"] {
        assert!(matches!(read(issuer, elsewhere, Some(&other)), Err(KeyFetchFault::Metadata(MetadataFault::Host(_)))));
    }
    assert_eq!(read(issuer, "http://login.example.com/keys", None), fault(MetadataFault::Scheme));
    assert_eq!(read(issuer, "/keys", None), fault(MetadataFault::KeyUrl));
    let read_body = |body: &str| key_endpoint(&json_response(&[], body), &metadata, issuer, None);
    assert_eq!(read_body("{\"issuer\":\"https://login.example.com\"}"), fault(MetadataFault::KeyUrl));
    assert_eq!(read_body("[]"), fault(MetadataFault::Issuer));
    assert!(matches!(read_body("<html>"), Err(KeyFetchFault::Fetch(FetchFault::NotJson(_)))));
}

#[portable]
fn a_message_about_a_foreign_host_holds_no_control_characters() {
    let fault = KeyFetchFault::Metadata(MetadataFault::Host("a\u{1b}[31m".to_owned()));
    assert!(fault.to_string().chars().all(|character| !character.is_control()));
}
