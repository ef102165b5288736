//! The answers to browsers.

use test_harness::answer::Answer;
use test_harness::tokens::{ALICE, CAROL, Token};

use crate::bench::{Ask, Bench};
use crate::record::record_of;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_browser_gets_a_page_in_place_of_the_problem_document,
    a_page_has_the_facts_of_the_problem_document,
    a_browser_that_opens_a_page_is_sent_to_sign_in,
    a_browser_is_not_sent_to_sign_in_where_that_does_not_help,
    an_answer_can_be_reduced_to_its_code,
];

/// What a browser sends that opens a page.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn ask(path: &str) -> Ask {
    Ask::get(path).at("challenges").header("accept", ACCEPT)
}

/// The page of a refusal, of which nothing went through.
fn page(bench: &Bench, ask: &Ask, status: u16) -> Answer {
    let outcome = bench.ask(ask);
    let text = outcome.answer.text();
    assert_eq!(outcome.answer.status, status, "{text}");
    assert_eq!(outcome.received, None);
    assert_eq!(outcome.answer.header("content-type"), Some("text/html; charset=utf-8"), "{text}");
    assert_eq!(outcome.answer.header("cache-control"), Some("no-store"), "{text}");
    let policy = outcome.answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("script"), "{policy}");
    outcome.answer
}

fn a_browser_gets_a_page_in_place_of_the_problem_document(bench: &Bench) {
    for ask in [ask("/settings"), ask("/settings").http2(&[])] {
        let answer = page(bench, &ask, 401);
        let text = answer.text();
        assert!(text.contains("<h1>Unauthorized</h1>") && text.contains("credential-missing"), "{text}");
        assert!(text.contains("<a href=\"https://login.example.com/start?to=shop&amp;x=1\">Sign in</a>"), "{text}");
        assert!(answer.header("www-authenticate").is_some(), "{text}");
    }
    let program = Ask::get("/settings").at("challenges").header("accept", "application/json, text/html;q=0.9");
    bench.ask(&program).refused(401, "credential-missing");
}

fn a_page_has_the_facts_of_the_problem_document(bench: &Bench) {
    let put = Ask::new("PUT", "/settings").at("challenges").header("accept", ACCEPT).token(Token::of(ALICE).sign());
    let answer = page(bench, &put, 403);
    let id = answer.header("x-countersign-decision-id").expect("an id").to_owned();
    assert!(answer.text().contains(&id) && answer.text().contains("not-permitted"), "{}", answer.text());
    assert!(answer.text().contains("<p>Sign in with your hardware key.</p>"), "the policy's advice: {}", answer.text());
    assert!(!answer.text().contains("href"), "{}", answer.text());
    let record = record_of(bench, &id);
    assert_eq!((&record["reason"], &record["status"]), (&"not-permitted".into(), &403.into()));
}

fn a_browser_that_opens_a_page_is_sent_to_sign_in(bench: &Bench) {
    let expired = Token::of(CAROL).claim("exp", 1_700_000_000.into()).claim("iat", 1_699_999_000.into()).sign();
    for (ask, reason) in [(ask("/settings"), "credential-missing"), (ask("/settings").token(expired), "token-expired")]
    {
        let outcome = bench.ask(&ask.header("sec-fetch-mode", "navigate"));
        let text = outcome.answer.text();
        assert_eq!((outcome.answer.status, &outcome.received), (303, &None), "{text}");
        let place = "https://login.example.com/start?to=shop&x=1";
        assert_eq!(outcome.answer.header("location"), Some(place), "{text}");
        let id = outcome.answer.header("x-countersign-decision-id").expect("an id");
        let record = record_of(bench, id);
        assert_eq!((&record["decision"], &record["reason"]), (&"deny".into(), &reason.into()));
        assert_eq!(record["status"], 303);
    }
}

fn a_browser_is_not_sent_to_sign_in_where_that_does_not_help(bench: &Bench) {
    let other = Token::of(CAROL).claim("aud", "ledger".into()).sign();
    page(bench, &ask("/settings").token(other).header("sec-fetch-mode", "navigate"), 401);
    page(bench, &ask("/settings").header("sec-fetch-mode", "cors"), 401);
    let post = Ask::new("POST", "/orders").at("challenges").header("accept", ACCEPT);
    page(bench, &post.header("sec-fetch-mode", "navigate"), 401);
}

fn an_answer_can_be_reduced_to_its_code(bench: &Bench) {
    let answer = bench.ask(&Ask::get("/things/1").strict()).refused(401, "credential-missing");
    assert!(!answer.text().contains("An access token is required"), "{}", answer.text());
    let answer = page(bench, &Ask::get("/things/1").strict().header("accept", ACCEPT), 401);
    assert!(!answer.text().contains("An access token is required"), "{}", answer.text());
    assert!(answer.text().contains("credential-missing"), "{}", answer.text());
}
