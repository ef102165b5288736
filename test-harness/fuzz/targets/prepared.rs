//! Prepared policies: any bytes are read or rejected, what is read can be written, and whatever it says, what a route requires
//! is required.
//!
//! An input is the bytes of the policies: the target writes the digests before them, which no change of an input would survive.
//! An input that is text is also read as the whole string.

#![no_main]

use std::sync::LazyLock;

use countersign_core::config::Plan;
use countersign_core::jose::base64url;
use countersign_core::reply::Reply;
use countersign_fuzz::{ALLOWED, WrittenRequest, configuration, decide_twice, plan};
use hmac_sha256::Hash;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// The policies of the shared configuration: a seed from which the fuzzer reaches every kind of expression.
const ACCEPTED: &[&[u8]] =
    &[include_bytes!("../seeds/prepared/policies"), include_bytes!("../seeds/prepared/operators")];

/// Requests without a token that is good on their route.
const REFUSED: &[&[u8]] = &[
    b"GET /api/orders/7?a=1\nshop.example.com\n~203.0.113.7:1234",
    b"GET /api/people/alice\nshop.example.com\nauthorization: @r{\"iss\":\"https://login.example.com\",\"sub\":\"alice\",\"aud\":\"shop\",\"iat\":1789999700,\"exp\":1790000600}",
];

/// The format and the digest of the configuration, as they begin each string.
static BEGINNING: LazyLock<String> = LazyLock::new(|| {
    let text = plan().policies.prepare(plan().vocabulary());
    text.splitn(3, '.').take(2).collect::<Vec<&str>>().join(".")
});

/// The configuration with these prepared policies.
fn with_prepared(text: &str) -> Option<Plan> {
    let mut configuration = configuration("");
    configuration["policies"] = json!({ "prepared": text });
    match Plan::compile_value(&configuration) {
        Ok((plan, _)) => Some(plan),
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            errors.iter().for_each(|error| drop(error.to_string()));
            None
        }
    }
}

fn string_of(bytes: &[u8]) -> String {
    format!("{}.{}.{}", *BEGINNING, base64url::encode(&Hash::hash(bytes)), base64url::encode(bytes))
}

fuzz_target!(init: {
    for seed in ACCEPTED {
        assert!(with_prepared(&string_of(seed)).is_some(), "a seed is rejected");
    }
}, |bytes: &[u8]| {
    let written = core::str::from_utf8(bytes).ok().and_then(with_prepared);
    for plan in with_prepared(&string_of(bytes)).into_iter().chain(written) {
        let text = plan.policies.prepare(plan.vocabulary());
        match with_prepared(&text) {
            Some(again) => assert_eq!(again.policies.prepare(again.vocabulary()), text, "written in two ways"),
            None => panic!("what was written is rejected"),
        }
        for request in ALLOWED {
            let _ = decide_twice(&plan, &WrittenRequest::parse(request).parts);
        }
        for request in REFUSED {
            let outcome = decide_twice(&plan, &WrittenRequest::parse(request).parts);
            assert!(!matches!(outcome.reply, Reply::Forward(_)), "a request without a good token is forwarded");
        }
    }
});
