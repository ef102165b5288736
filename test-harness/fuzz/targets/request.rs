//! The bytes of a request to an answer. The policies and keys are fixed; what is signed is the fuzzer's.
//!
//! - Nothing panics, and deciding twice gives one outcome, with the decision cache and without it.
//! - A request is forwarded only with the evidence that the route requires, from its trusted issuers.
//! - No part of a token is in the answer or in the record.
//! - A forwarded request carries no header that the client could pass off as the plugin's.

#![no_main]

use countersign_core::reply::{Forwarding, Reply};
use countersign_core::request::RequestParts;
use countersign_fuzz::{ALLOWED, Presented, Signer, WrittenRequest, decide_twice, plan, uncached};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The shortest part of a token that is looked for: shorter ones are in any text.
const PART_BYTES: usize = 8;

fuzz_target!(init: {
    for text in ALLOWED {
        let outcome = decide_twice(plan(), &WrittenRequest::parse(text).parts);
        assert!(matches!(outcome.reply, Reply::Forward(_)), "a seed is refused: {}", outcome.record.to_json());
    }
}, |text: &[u8]| {
    let WrittenRequest { parts, presented } = WrittenRequest::parse(text);
    let outcome = decide_twice(plan(), &parts);
    let evaluated = decide_twice(uncached(), &parts);
    assert_eq!((&outcome.reply, &outcome.record), (&evaluated.reply, &evaluated.record), "the decision cache differs");
    let line = outcome.record.to_json();
    let record: Value = serde_json::from_str(&line).unwrap_or_else(|fault| panic!("the record is no JSON: {fault}"));
    assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "the record is not printable ASCII: {line}");
    hides_tokens(&line, &presented);
    match &outcome.reply {
        Reply::Forward(forwarding) => {
            assert_eq!(record["decision"], "allow", "{line}");
            proved(&record, &presented);
            carries_nothing_false(forwarding, &parts);
        }
        Reply::Answer(answer) => {
            assert_eq!(record["decision"], "deny", "{line}");
            assert!(matches!(answer.status, 400 | 401 | 403 | 503), "status {}", answer.status);
            assert_eq!(record["status"], answer.status, "{line}");
            hides_tokens(&format!("{answer:?}"), &presented);
        }
    }
});

/// Whether the evidence that the route requires was there, once, and signed by whom it must be.
fn proved(record: &Value, presented: &[Presented]) {
    if record["action"] == "preflight" {
        assert_eq!(record["principal"], "Anonymous::\"anonymous\"", "{record}");
        return;
    }
    let (issuer, device) = match record["route"].as_str() {
        Some("health") => (None, None),
        Some("report") => (Some(Signer::Machines), None),
        Some("person") => (Some(Signer::Corp), None),
        Some("orders" | "files" | "events") => (Some(Signer::Corp), Some(Signer::Mdm)),
        other => panic!("a request went on by the route {other:?}: {record}"),
    };
    for (header, required) in [("authorization", issuer), ("x-device-posture", device)] {
        if let Some(required) = required {
            let of_header: Vec<_> = presented.iter().filter(|one| one.header == header).collect();
            let [one] = of_header.as_slice() else { panic!("{} fields `{header}`: {record}", of_header.len()) };
            assert_eq!(one.signer, Some(required), "`{header}` was believed: {record}");
        }
    }
    if issuer.is_some() {
        assert!(record["authentication"].is_object(), "{record}");
    }
}

/// No part of what was presented is in a text that goes out. Parts that are words could be in it by chance; those of
/// signed tokens have letters of both cases and digits.
fn hides_tokens(text: &str, presented: &[Presented]) {
    for one in presented {
        let parts = one.value.split(|byte| matches!(byte, b'.' | b' ' | b','));
        for part in parts.filter_map(|part| core::str::from_utf8(part).ok()).filter(|part| part.len() >= PART_BYTES) {
            let has = |class: fn(&u8) -> bool| part.as_bytes().iter().any(class);
            let like_a_token = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
            assert!(!(like_a_token && text.contains(part)), "a part of `{}` is in: {text}", one.header);
        }
    }
}

/// Every header that we set is printable, and every one that the client spelled like ours is removed or set.
fn carries_nothing_false(forwarding: &Forwarding, parts: &RequestParts) {
    for (name, value) in forwarding.set() {
        // `cookie` is what is left of the client's own.
        let is_printable = value.iter().all(|byte| matches!(byte, b' '..=b'~'));
        assert!(is_printable || name == "cookie", "`{name}` is not printable ASCII: {value:?}");
    }
    for name in parts.headers.names() {
        let normal = name.to_ascii_lowercase().replace('_', "-");
        let ours = normal.starts_with("x-countersign-") || normal.starts_with("x-user-") && is_configured(&normal);
        let gone = forwarding.remove().any(|removed| removed == name) || forwarding.set().any(|(set, _)| set == name);
        assert!(!ours || gone, "`{name}` of the client goes on");
    }
}

fn is_configured(name: &str) -> bool {
    matches!(name, "x-user-email" | "x-user-roles" | "x-user-unit")
}
