use serde_json::json;

use super::{FetchFault, Response};
use crate::fetch::{Endpoint, KeyUrl};
use crate::jose::Algorithm;
use crate::keys::{FetchedSet, KeyHost, MetadataFault, key_endpoint};
use crate::limits::MAX_KEY_SET_BYTES;
use crate::portable;
use crate::testing::{jwk_set, key};
use crate::time::Seconds;

/// A good answer with these fields beside or instead of its own.
fn response(fields: &[(&str, &str)], body: &str) -> Response {
    let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    for (name, value) in fields {
        headers.retain(|(known, _)| known != name);
        headers.push(((*name).to_owned(), value.as_bytes().to_vec()));
    }
    Response { status: 200, headers, body: body.as_bytes().to_vec(), body_bytes: body.len() }
}

fn good_set() -> String {
    jwk_set(&key(Algorithm::Es256), Some("a")).to_string()
}

fn outcome(response: &Response) -> &'static str {
    match FetchedSet::read(response, None) {
        Ok(_) => "taken",
        Err(fault) => fault.outcome(),
    }
}

#[portable]
fn a_set_of_a_json_type_is_taken() {
    for content_type in ["application/json", "Application/JSON; charset=utf-8", "application/jwk-set+json"] {
        assert_eq!(outcome(&response(&[("content-type", content_type)], &good_set())), "taken", "{content_type}");
    }
    assert_eq!(outcome(&response(&[("content-encoding", "identity")], &good_set())), "taken");
}

#[portable]
fn anything_else_is_refused_for_a_reason_that_metrics_can_name() {
    let set = good_set();
    let with_status = |status: u16| Response { status, ..response(&[], &set) };
    for (status, expected) in [
        (0, "no_answer"),
        (201, "status"),
        (204, "status"),
        (302, "redirect"),
        (304, "redirect"),
        (404, "status"),
        (500, "status"),
    ] {
        assert_eq!(outcome(&with_status(status)), expected, "{status}");
    }
    for content_type in ["text/html", "", "application/jwt", "json", "text/json", "application/jsonp"] {
        assert_eq!(outcome(&response(&[("content-type", content_type)], &set)), "content_type", "{content_type}");
    }
    let untyped = Response { headers: Vec::new(), ..response(&[], &set) };
    assert_eq!(outcome(&untyped), "content_type");
    assert_eq!(outcome(&response(&[("content-encoding", "gzip")], &set)), "content_encoding");
    let deep = format!("{{\"keys\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    for body in ["", "<html>", "{\"keys\":[", "{\"keys\":[],\"keys\":[]}", &format!("{set} x"), deep.as_str()] {
        assert_eq!(outcome(&response(&[], body)), "not_json", "{body:.40}");
    }
    for body in ["[]", "{}", "{\"keys\":{}}"] {
        assert_eq!(outcome(&response(&[], body)), "not_a_key_set", "{body}");
    }
    for body in ["{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\",\"alg\":\"HS256\"}]}"] {
        assert_eq!(outcome(&response(&[], body)), "no_usable_key", "{body}");
    }
}

#[portable]
fn a_body_at_the_cap_is_taken_and_one_byte_more_is_not() {
    let padded = |bytes: usize| format!("{}{}", good_set(), " ".repeat(bytes - good_set().len()));
    assert_eq!(outcome(&response(&[], &padded(MAX_KEY_SET_BYTES))), "taken");
    assert_eq!(outcome(&response(&[], &padded(MAX_KEY_SET_BYTES + 1))), "too_large");
    // The host reads no more than the cap; what counts is what the body has.
    let longer = Response { body_bytes: MAX_KEY_SET_BYTES + 1, ..response(&[], &good_set()) };
    assert_eq!(outcome(&longer), "too_large");
}

#[portable]
fn of_a_mixed_set_the_good_keys_are_taken_and_private_ones_are_told() {
    let good = key(Algorithm::Es256).public_jwk(Some("good"));
    let mut private = key(Algorithm::Es384).public_jwk(Some("private"));
    private["d"] = json!("AAAA");
    let set = json!({ "keys": [{ "kty": "AKP", "alg": "ML-DSA-44" }, good, private, { "kty": "oct", "k": "AA" }, 7] });
    let read = FetchedSet::read(&response(&[], &set.to_string()), None).unwrap();
    assert_eq!(read.keys.keys().iter().map(|key| key.key_id()).collect::<Vec<_>>(), [Some("good")]);
    assert_eq!(read.skipped.iter().map(|key| key.index).collect::<Vec<_>>(), [0, 2, 3, 4]);
    assert_eq!(read.private_keys(), 1);
}

#[portable]
fn the_lifetime_is_what_is_left_of_max_age() {
    let lifetime = |fields: &[(&str, &str)]| {
        FetchedSet::read(&response(fields, &good_set()), None).unwrap().lifetime.map(Seconds::get)
    };
    assert_eq!(lifetime(&[]), None);
    assert_eq!(lifetime(&[("cache-control", "public, Max-Age=300")]), Some(300));
    assert_eq!(lifetime(&[("cache-control", "max-age=300"), ("age", "100")]), Some(200));
    assert_eq!(lifetime(&[("cache-control", "max-age=300"), ("age", "400")]), Some(0));
    assert_eq!(lifetime(&[("cache-control", "max-age=300, no-store")]), Some(0));
    assert_eq!(lifetime(&[("cache-control", "no-cache")]), Some(0));
    for odd in ["max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=99999999999999999999", "s-maxage=9"] {
        assert_eq!(lifetime(&[("cache-control", odd)]), None, "{odd}");
    }
}

#[portable]
fn metadata_leads_to_its_own_host_or_to_the_named_one() {
    let endpoint =
        |url: &str, cluster: &str| Endpoint { url: KeyUrl::parse(url).unwrap(), cluster: cluster.to_owned() };
    let metadata = endpoint("https://login.example.com/.well-known/openid-configuration", "login");
    let other = KeyHost { host: "keys.example.net".to_owned(), cluster: "keys".to_owned() };
    let read = |issuer: &str, jwks_uri: &str, key_host: Option<&KeyHost>| {
        let body = json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string();
        key_endpoint(&response(&[], &body), &metadata, "https://login.example.com", key_host)
    };
    let issuer = "https://login.example.com";
    let own = "https://LOGIN.example.com:443/keys";
    assert_eq!(read(issuer, own, Some(&other)), Ok(endpoint(own, "login")));
    let named = "https://keys.example.net/v1";
    assert_eq!(read(issuer, named, Some(&other)), Ok(endpoint(named, "keys")));

    let fault = |fault: MetadataFault| Err(FetchFault::Metadata(fault));
    assert_eq!(read("https://login.example.com/", own, None), fault(MetadataFault::Issuer));
    assert_eq!(read(issuer, named, None), fault(MetadataFault::Host("keys.example.net".to_owned())));
    for elsewhere in ["https://login.example.com.evil.example/keys", "https://login.example.com:8443/keys"] {
        assert!(matches!(read(issuer, elsewhere, Some(&other)), Err(FetchFault::Metadata(MetadataFault::Host(_)))));
    }
    assert_eq!(read(issuer, "http://login.example.com/keys", None), fault(MetadataFault::Scheme));
    assert_eq!(read(issuer, "/keys", None), fault(MetadataFault::KeyUrl));
    let read_body = |body: &str| key_endpoint(&response(&[], body), &metadata, issuer, None);
    assert_eq!(read_body("{\"issuer\":\"https://login.example.com\"}"), fault(MetadataFault::KeyUrl));
    assert_eq!(read_body("[]"), fault(MetadataFault::Issuer));
    assert!(matches!(read_body("<html>"), Err(FetchFault::NotJson(_))));
}

#[portable]
fn a_message_about_a_foreign_host_holds_no_control_characters() {
    let fault = FetchFault::Metadata(MetadataFault::Host("a\u{1b}[31m".to_owned()));
    assert!(fault.to_string().chars().all(|character| !character.is_control()));
}
