//! Nothing a client sends is believed: identity fields go, in any spelling and place, and verified ones take their places.

use base64::Engine;
use serde_json::json;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    identity_fields_of_a_client_are_removed,
    identity_fields_in_any_case_or_with_underscores_are_removed,
    identity_fields_are_removed_from_anonymous_requests_too,
    identity_fields_in_trailers_are_removed,
    doubled_identity_fields_are_replaced_by_the_one_that_was_verified,
    method_override_fields_are_removed,
    a_verified_token_goes_on_and_posture_does_not,
    what_goes_on_is_as_configured,
    facts_become_headers_that_a_client_cannot_set,
    a_comma_in_the_name_of_a_group_stays_in_the_name,
    a_fact_cannot_break_out_of_its_header,
    other_fields_go_on_untouched,
    fields_that_are_not_utf_8_go_on_and_the_module_lives,
];

/// Fields by which an application could mistake a client for another.
const SPOOFED: &[&str] = &[
    "x-countersign-principal",
    "x-countersign-subject",
    "x-countersign-groups",
    "x-countersign-anything",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-auth-request-user",
    "x-remote-user",
    "remote-user",
    "x-original-url",
    "x-rewrite-url",
    "proxy-authorization",
    "x-user-id",
    "x-amzn-oidc-data",
    "cf-access-jwt-assertion",
];

fn identity_fields_of_a_client_are_removed(bench: &Bench) {
    let ask = SPOOFED.iter().fold(Ask::get("/api/orders/7").by(ALICE), |ask, name| ask.header(name, "mallory"));
    let received = bench.ask(&ask).allowed();
    let left: Vec<_> = received.headers.iter().filter(|(_, value)| value == "mallory").collect();
    assert!(left.is_empty(), "{left:?}");
}

fn identity_fields_in_any_case_or_with_underscores_are_removed(bench: &Bench) {
    let spellings = [
        "X-COUNTERSIGN-PRINCIPAL",
        "x_countersign_principal",
        "X_Countersign-Subject",
        "X_Forwarded_User",
        "Remote_User",
    ];
    let ask = spellings.iter().fold(Ask::get("/api/orders/7").by(ALICE), |ask, name| ask.header(name, "mallory"));
    let received = bench.ask(&ask.header("x_device_posture", "mallory")).allowed();
    let left: Vec<_> = received.headers.iter().filter(|(_, value)| value == "mallory").collect();
    assert!(left.is_empty(), "{left:?}");
}

fn identity_fields_are_removed_from_anonymous_requests_too(bench: &Bench) {
    let ask = SPOOFED.iter().fold(Ask::get("/healthz"), |ask, name| ask.header(name, "mallory"));
    let received = bench.ask(&ask).allowed();
    let left: Vec<_> = received.headers.iter().filter(|(_, value)| value == "mallory").collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(received.header("x-countersign-principal"), [r#"Anonymous::"anonymous""#]);
}

fn identity_fields_in_trailers_are_removed(bench: &Bench) {
    let trailers = [
        ("x-countersign-principal", "mallory"),
        ("x_forwarded_user", "mallory"),
        ("authorization", "mallory"),
        ("x-sum", "1"),
    ];
    let ask = Ask::new("POST", "/api/search").by(ALICE).body(b"{}".to_vec()).http2(&trailers);
    let received = bench.ask(&ask).allowed();
    assert_eq!(received.trailers, [("x-sum".to_owned(), "1".to_owned())]);
}

fn doubled_identity_fields_are_replaced_by_the_one_that_was_verified(bench: &Bench) {
    let name = "x-countersign-principal";
    let ask = Ask::get("/api/orders/7").by(ALICE).header(name, "mallory").header(name, "mallory");
    assert_eq!(bench.ask(&ask).allowed().header(name), [r#"corp::User::"alice""#]);
}

fn method_override_fields_are_removed(bench: &Bench) {
    let names = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];
    let ask = names.iter().fold(Ask::get("/api/orders/7").by(ALICE), |ask, name| ask.header(name, "DELETE"));
    let received = bench.ask(&ask).allowed();
    assert!(received.headers.iter().all(|(_, value)| value != "DELETE"), "{:?}", received.headers);
}

fn a_verified_token_goes_on_and_posture_does_not(bench: &Bench) {
    let received = bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
    assert!(received.header("authorization").iter().all(|value| value.starts_with("Bearer eyJ")));
    assert_eq!(received.header("authorization").len(), 1);
    assert!(received.header("x-device-posture").is_empty());
}

/// A token that the strict configuration takes.
fn strict_token() -> Token {
    Token::of(ALICE).claim("azp", json!("shop-web")).claim("tier", json!("gold")).claim("level", json!(1))
}

fn what_goes_on_is_as_configured(bench: &Bench) {
    let ask = Ask::get("/things/1").strict().token(strict_token().sign()).posture(Token::about("laptop-1").sign());
    let received = bench.ask(&ask).allowed();
    assert!(received.header("authorization").is_empty());
    assert_eq!(received.header("x-device-posture").len(), 1);
}

fn facts_become_headers_that_a_client_cannot_set(bench: &Bench) {
    let ask = Ask::get("/things/1").strict().token(strict_token().sign());
    let received =
        bench.ask(&ask.header("X-Tier", "platinum").header("x_tags", "mallory").header("x-tags", "mallory")).allowed();
    assert_eq!(received.header("x-tier"), ["gold"]);
    assert!(received.header("x-tags").is_empty(), "an absent fact leaves no header");
    assert!(received.headers.iter().all(|(_, value)| value != "mallory"), "{:?}", received.headers);
    let payload = received.header("x-payload").concat();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    let payload: serde_json::Value = serde_json::from_slice(&payload).expect("the payload");
    assert_eq!(payload["tier"], "gold");
}

fn a_comma_in_the_name_of_a_group_stays_in_the_name(bench: &Bench) {
    let token =
        strict_token().claim("groups", json!(["a,admins", "50% off"])).claim("tags", json!(["x,y", "é"])).sign();
    let received = bench.ask(&Ask::get("/things/1").strict().token(token)).allowed();
    assert_eq!(received.header("x-countersign-groups"), ["a%2Cadmins,50%25 off"]);
    assert_eq!(received.header("x-tags"), ["x%2Cy,%C3%A9"]);
}

fn a_fact_cannot_break_out_of_its_header(bench: &Bench) {
    let token = strict_token().claim("tier", json!("gold\"\r\nx-admin: true\u{0}")).sign();
    let received = bench.ask(&Ask::get("/things/1").strict().token(token)).allowed();
    assert!(received.header("x-admin").is_empty());
    assert_eq!(received.header("x-tier"), ["gold\"%0D%0Ax-admin: true%00"]);
}

fn other_fields_go_on_untouched(bench: &Bench) {
    let ask = Ask::get("/api/orders/7").by(ALICE).header("accept", "a/b").header("x-own", "1").header("x-own", "2");
    let received = bench.ask(&ask.header("cookie", "session=1")).allowed();
    assert_eq!(received.header("accept"), ["a/b"]);
    assert_eq!(received.header("x-own").join(","), "1,2");
    assert_eq!(received.header("cookie"), ["session=1"]);
}

fn fields_that_are_not_utf_8_go_on_and_the_module_lives(bench: &Bench) {
    for _ in 0..2 * crate::bench::WORKERS {
        let ask = Ask::get("/api/orders/7").by(ALICE).header("x-bytes", b"\xff\xfe\x80");
        assert_eq!(bench.ask(&ask).allowed().header("x-bytes").len(), 1);
        bench.ask(&Ask::get("/healthz").header("user-agent", b"\xc3\x28")).allowed();
    }
    bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
}
