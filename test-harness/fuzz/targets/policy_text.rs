//! Policy texts: taken or refused with places, and whatever a policy says, what a route requires is required.

#![no_main]

use countersign_core::config::Plan;
use countersign_core::reply::Reply;
use countersign_fuzz::{WrittenRequest, configuration, decide_twice};
use libfuzzer_sys::fuzz_target;

/// Requests, and whether the route requires a token.
const REQUESTS: &[(&[u8], bool)] = &[
    (b"GET /api/orders/7?a=1\nshop.example.com\n~203.0.113.7:1234", true),
    (b"GET /api/people/alice\nshop.example.com\nauthorization: @r{\"iss\":\"https://login.example.com\",\"sub\":\"alice\",\"aud\":\"shop\",\"iat\":1789999700,\"exp\":1790000600}", true),
    (b"GET /healthz\nshop.example.com", false),
    (b"GET /api/people/alice\nshop.example.com\nauthorization: @c{\"iss\":\"https://login.example.com\",\"sub\":\"alice\",\"aud\":\"shop\",\"iat\":1789999700,\"exp\":1790000600,\"realm\":{\"groups\":[\"staff\",\"admins\"]},\"email\":\"alice@example.com\",\"level\":3,\"address\":\"10.1.2.3\",\"roles\":[\"a\",\"b\"],\"org\":{\"unit\":\"u\"},\"device_id\":\"laptop-1\"}\nx-device-posture: @d{\"iss\":\"https://mdm.example.com\",\"sub\":\"laptop-1\",\"aud\":\"shop\",\"iat\":1789999700,\"exp\":1790000600,\"managed\":true,\"score\":90}", false),
];

/// A policy that permits the last request: without it the fuzzer would try nothing but refusals.
const PERMITTING: &str = "@id(\"a\") permit (principal is corp::User, action, resource);";

fuzz_target!(init: {
    let plan = Plan::compile_value(&configuration(PERMITTING));
    let (plan, _) = plan.unwrap_or_else(|errors| panic!("the policy of the target has problems: {errors:?}"));
    let last = REQUESTS.last().map(|(request, _)| WrittenRequest::parse(request).parts).unwrap_or_default();
    let outcome = decide_twice(&plan, &last);
    assert!(matches!(outcome.reply, Reply::Forward(_)), "it is refused: {}", outcome.record.to_json());
}, |bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    let plan = match Plan::compile_value(&configuration(text)) {
        Ok((plan, _)) => plan,
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in errors {
                let _ = error.to_string();
            }
            return;
        }
    };
    for (request, requires_a_token) in REQUESTS {
        let outcome = decide_twice(&plan, &WrittenRequest::parse(request).parts);
        if let Reply::Forward(_) = outcome.reply {
            assert!(!requires_a_token, "a request without a good token goes on");
            assert!(text.contains("permit"), "a request goes on, and nothing permits it");
        }
    }
});
