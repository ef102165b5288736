use serde_json::json;

use super::FetchedSet;
use crate::fetch::Response;
use crate::jose::{Algorithm, KeyUse};

use crate::limits::MAX_KEY_SET_BYTES;
use crate::portable;
use crate::testing::{json_response, jwk_set, key};

fn good_set() -> String {
    jwk_set(&key(Algorithm::Es256), Some("a")).to_string()
}

fn outcome(response: &Response) -> &'static str {
    match FetchedSet::read(response, None, KeyUse::Signatures) {
        Ok(_) => "taken",
        Err(fault) => fault.outcome(),
    }
}

#[portable]
fn a_set_of_a_json_type_is_taken() {
    for content_type in ["application/json", "Application/JSON; charset=utf-8", "application/jwk-set+json"] {
        assert_eq!(outcome(&json_response(&[("content-type", content_type)], &good_set())), "taken", "{content_type}");
    }
    assert_eq!(outcome(&json_response(&[("content-encoding", "identity")], &good_set())), "taken");
}

#[portable]
fn anything_else_is_refused_for_a_reason_that_metrics_can_name() {
    let set = good_set();
    let with_status = |status: u16| Response { status, ..json_response(&[], &set) };
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
        assert_eq!(outcome(&json_response(&[("content-type", content_type)], &set)), "content_type", "{content_type}");
    }
    let untyped = Response { headers: Vec::new(), ..json_response(&[], &set) };
    assert_eq!(outcome(&untyped), "content_type");
    assert_eq!(outcome(&json_response(&[("content-encoding", "gzip")], &set)), "content_encoding");
    let deep = format!("{{\"keys\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    for body in ["", "<html>", "{\"keys\":[", "{\"keys\":[],\"keys\":[]}", &format!("{set} x"), deep.as_str()] {
        assert_eq!(outcome(&json_response(&[], body)), "not_json", "{body:.40}");
    }
    for body in ["[]", "{}", "{\"keys\":{}}"] {
        assert_eq!(outcome(&json_response(&[], body)), "not_a_key_set", "{body}");
    }
    for body in ["{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\",\"alg\":\"HS256\"}]}"] {
        assert_eq!(outcome(&json_response(&[], body)), "no_usable_key", "{body}");
    }
}

#[portable]
fn a_body_at_the_cap_is_taken_and_one_byte_more_is_not() {
    let padded = |bytes: usize| format!("{}{}", good_set(), " ".repeat(bytes - good_set().len()));
    assert_eq!(outcome(&json_response(&[], &padded(MAX_KEY_SET_BYTES))), "taken");
    assert_eq!(outcome(&json_response(&[], &padded(MAX_KEY_SET_BYTES + 1))), "too_large");
    // The host reads no more than the cap; what counts is what the body has.
    let longer = Response { body_bytes: MAX_KEY_SET_BYTES + 1, ..json_response(&[], &good_set()) };
    assert_eq!(outcome(&longer), "too_large");
}

#[portable]
fn of_a_mixed_set_the_good_keys_are_taken_and_private_ones_are_told() {
    let good = key(Algorithm::Es256).public_jwk(Some("good"));
    let mut private = key(Algorithm::Es384).public_jwk(Some("private"));
    private["d"] = json!("AAAA");
    let set = json!({ "keys": [{ "kty": "AKP", "alg": "ML-DSA-44" }, good, private, { "kty": "oct", "k": "AA" }, 7] });
    let read = FetchedSet::read(&json_response(&[], &set.to_string()), None, KeyUse::Signatures).unwrap();
    assert_eq!(read.keys.keys().iter().map(|key| key.key_id()).collect::<Vec<_>>(), [Some("good")]);
    assert_eq!(read.skipped.iter().map(|key| key.index).collect::<Vec<_>>(), [0, 2, 3, 4]);
    assert_eq!(read.private_keys(), 1);
}
