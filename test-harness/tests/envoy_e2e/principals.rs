//! Who is let through: people, software components, and Anonymous where a policy says so.

use serde_json::json;
use test_harness::keys::KEYS;
use test_harness::tokens::{ALICE, BOB, CAROL, REPORTER, Token};

use crate::bench::{Ask, Bench};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_person_with_a_healthy_device_is_let_through,
    a_person_is_let_through_by_a_token_of_either_key,
    a_score_at_the_threshold_is_enough,
    a_person_reads_their_own_record_without_any_group,
    an_admin_changes_orders,
    a_search_by_post_is_a_read,
    a_software_component_is_let_through_without_a_device,
    anybody_may_ask_for_health,
    a_head_request_is_a_read,
    a_token_within_the_clock_skew_is_taken,
    a_list_of_audiences_that_holds_ours_is_taken,
    a_parameter_is_decoded_once_and_the_path_goes_on_as_sent,
];

fn a_person_with_a_healthy_device_is_let_through(bench: &Bench) {
    let received = bench.ask(&Ask::get("/api/orders/7?page=2").by(ALICE)).allowed();
    assert_eq!(received.target, "/api/orders/7?page=2");
    assert_eq!(received.header("x-countersign-principal"), [r#"corp::User::"alice""#]);
    assert_eq!(received.header("x-countersign-subject"), ["alice"]);
    assert_eq!(received.header("x-countersign-issuer"), ["corp"]);
    assert_eq!(received.header("x-countersign-groups"), ["engineering"]);
    assert_eq!(received.header("x-countersign-decision-id").len(), 1);
}

fn a_person_is_let_through_by_a_token_of_either_key(bench: &Bench) {
    let posture = Token::about("laptop-1").sign();
    for key in [&KEYS.corp_rs256, &KEYS.corp_es256] {
        let token = Token::of(ALICE).key(key).sign();
        bench.ask(&Ask::get("/api/orders/7").token(token).posture(&posture)).allowed();
    }
}

fn a_score_at_the_threshold_is_enough(bench: &Bench) {
    let posture = Token::about("laptop-1").claim("score", json!(60)).sign();
    bench.ask(&Ask::get("/api/orders/7").token(Token::of(ALICE).sign()).posture(posture)).allowed();
}

fn a_person_reads_their_own_record_without_any_group(bench: &Bench) {
    let received = bench.ask(&Ask::get("/api/people/bob").by(BOB)).allowed();
    assert_eq!(received.header("x-countersign-principal"), [r#"corp::User::"bob""#]);
    assert!(received.header("x-countersign-groups").is_empty());
}

fn an_admin_changes_orders(bench: &Bench) {
    for method in ["PUT", "DELETE"] {
        let received = bench.ask(&Ask::new(method, "/api/orders/7").by(CAROL)).allowed();
        assert_eq!(received.method, method);
        assert_eq!(received.header("x-countersign-groups"), ["engineering,admins"]);
    }
}

fn a_search_by_post_is_a_read(bench: &Bench) {
    let received = bench.ask(&Ask::new("POST", "/api/search").by(ALICE).body(b"{}".to_vec())).allowed();
    assert_eq!(received.body_bytes, 2);
}

fn a_software_component_is_let_through_without_a_device(bench: &Bench) {
    let received = bench.ask(&Ask::get("/api/report").by(REPORTER)).allowed();
    assert_eq!(received.header("x-countersign-principal"), [r#"machines::Component::"reporter""#]);
    assert_eq!(received.header("x-countersign-issuer"), ["machines"]);
}

fn anybody_may_ask_for_health(bench: &Bench) {
    let received = bench.ask(&Ask::get("/healthz")).allowed();
    assert_eq!(received.header("x-countersign-principal"), [r#"Anonymous::"anonymous""#]);
    for absent in ["x-countersign-subject", "x-countersign-issuer", "x-countersign-groups"] {
        assert!(received.header(absent).is_empty(), "{absent}");
    }
}

fn a_head_request_is_a_read(bench: &Bench) {
    assert_eq!(bench.ask(&Ask::new("HEAD", "/healthz")).allowed().method, "HEAD");
}

fn a_token_within_the_clock_skew_is_taken(bench: &Bench) {
    let posture = Token::about("laptop-1").sign();
    for seconds in [900 + 30, -30] {
        let token = Token::of(ALICE).made_before(seconds).sign();
        bench.ask(&Ask::get("/api/orders/7").token(token).posture(&posture)).allowed();
    }
}

fn a_list_of_audiences_that_holds_ours_is_taken(bench: &Bench) {
    let token = Token::of(ALICE).claim("aud", json!(["ledger", "shop"])).sign();
    let posture = Token::about("laptop-1").sign();
    bench.ask(&Ask::get("/api/orders/7").token(token).posture(posture)).allowed();
}

fn a_parameter_is_decoded_once_and_the_path_goes_on_as_sent(bench: &Bench) {
    let token = Token::of(BOB).claim("sub", json!("jürgen")).sign();
    let posture = Token::about("laptop-2").sign();
    let received = bench.ask(&Ask::get("/api/people/j%C3%BCrgen").token(token).posture(posture)).allowed();
    assert_eq!(received.target, "/api/people/j%C3%BCrgen");
    assert_eq!(received.header("x-countersign-subject"), ["j%C3%BCrgen"]);
}
