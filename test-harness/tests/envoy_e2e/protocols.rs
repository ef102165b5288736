//! HTTP/2, gRPC and CORS.

use test_harness::tokens::{ALICE, BOB, Token};

use crate::bench::{Ask, Bench};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    http_2_is_decided_like_http_1,
    a_grpc_caller_without_a_token_gets_unauthenticated,
    a_grpc_caller_without_permission_gets_permission_denied,
    a_grpc_caller_with_an_ambiguous_path_gets_an_error_status,
    an_allowed_grpc_call_goes_through_with_its_trailers,
    a_preflight_is_decided_as_anonymous,
    a_preflight_does_not_make_its_credentials_believed,
    a_preflight_for_a_method_that_the_route_does_not_take_is_refused,
    options_without_the_fields_of_a_preflight_is_no_preflight,
    a_host_is_compared_without_case_port_and_trailing_dot,
];

fn http_2_is_decided_like_http_1(bench: &Bench) {
    let received = bench.ask(&Ask::get("/api/orders/7").by(ALICE).http2(&[])).allowed();
    assert_eq!(received.header("x-countersign-subject"), ["alice"]);
    bench.ask(&Ask::get("/api/orders/7").http2(&[])).refused(401, "credential-missing");
    bench.ask(&Ask::get("/api/orders/7").by(BOB).http2(&[])).refused(403, "not-permitted");
}

fn grpc_refusal(bench: &Bench, ask: Ask, status: &str, code: &str) {
    let outcome = bench.ask(&ask.grpc());
    let answer = &outcome.answer;
    assert_eq!((answer.status, answer.grpc("grpc-status")), (200, Some(status)), "{}", answer.text());
    assert!(answer.grpc("grpc-message").is_some_and(|message| message.starts_with(code)), "{}", answer.text());
    assert!(answer.header("x-countersign-decision-id").is_some());
    assert_eq!(outcome.received, None);
}

fn a_grpc_caller_without_a_token_gets_unauthenticated(bench: &Bench) {
    grpc_refusal(bench, Ask::new("POST", "/api/search"), "16", "credential-missing");
}

fn a_grpc_caller_without_permission_gets_permission_denied(bench: &Bench) {
    grpc_refusal(bench, Ask::new("POST", "/api/search").by(BOB), "7", "not-permitted");
}

fn a_grpc_caller_with_an_ambiguous_path_gets_an_error_status(bench: &Bench) {
    grpc_refusal(bench, Ask::new("POST", "/api//search").by(ALICE), "13", "path-ambiguous");
}

fn an_allowed_grpc_call_goes_through_with_its_trailers(bench: &Bench) {
    let mut ask = Ask::new("POST", "/api/search").by(ALICE).body(vec![0; 5]).grpc();
    ask.trailers = vec![("x-checksum", "abc")];
    let received = bench.ask(&ask).allowed();
    assert_eq!(received.header("content-type"), ["application/grpc"]);
    assert_eq!(received.trailers, [("x-checksum".to_owned(), "abc".to_owned())]);
}

fn preflight(target: &str, method: &str) -> Ask {
    Ask::new("OPTIONS", target)
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", method)
}

fn a_preflight_is_decided_as_anonymous(bench: &Bench) {
    let received = bench.ask(&preflight("/api/orders/7", "PUT")).allowed();
    assert_eq!(received.method, "OPTIONS");
    assert_eq!(received.header("x-countersign-principal"), [r#"Anonymous::"anonymous""#]);
}

fn a_preflight_does_not_make_its_credentials_believed(bench: &Bench) {
    for token in [Token::of(ALICE).sign(), "forged".to_owned()] {
        let received = bench.ask(&preflight("/api/orders/7", "PUT").token(token)).allowed();
        assert_eq!(received.header("x-countersign-principal"), [r#"Anonymous::"anonymous""#]);
        assert!(received.header("authorization").is_empty(), "evidence that was not verified goes nowhere");
    }
}

fn a_preflight_for_a_method_that_the_route_does_not_take_is_refused(bench: &Bench) {
    bench.ask(&preflight("/api/orders/7", "POST")).refused(403, "method-not-listed");
}

fn options_without_the_fields_of_a_preflight_is_no_preflight(bench: &Bench) {
    bench.ask(&Ask::new("OPTIONS", "/api/orders/7").by(ALICE)).refused(403, "method-not-listed");
}

fn a_host_is_compared_without_case_port_and_trailing_dot(bench: &Bench) {
    for host in ["SHOP.example.COM", "shop.example.com:8443", "shop.example.com."] {
        bench.ask(&Ask::get("/healthz").host(host)).allowed();
    }
}
