//! Second passes: Envoy sends a request again by itself, and the plugin judges it on what is left of the evidence.

use serde_json::{Value, json};
use test_harness::services::REDIRECT;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, plugin_listener};
use crate::faults::{Fault, ask, example, http_filters, route};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_second_pass_of_an_internal_redirect_is_judged_again_and_on_less_evidence,
    a_forbid_that_reads_posture_does_not_hold_on_the_second_pass_of_an_internal_redirect,
    a_forbid_that_reads_posture_does_not_hold_on_the_second_pass_of_a_custom_response,
    a_custom_response_puts_another_request_in_place_of_a_refusal,
];

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "redirect",
        findings: &["internal-redirect"],
        listener: |bench| with_internal_redirects(example(bench)),
    },
    Fault {
        name: "redirect-forbid",
        findings: &["internal-redirect"],
        listener: |bench| with_internal_redirects(with_a_forbid_on_posture(bench)),
    },
    Fault {
        name: "custom-response-forbid",
        findings: &["custom-response-redirect"],
        listener: |bench| with_custom_response(with_a_forbid_on_posture(bench), 302, "/api/orders/7"),
    },
    Fault {
        name: "custom-response-refusal",
        findings: &["custom-response-redirect"],
        listener: |bench| with_custom_response(example(bench), 401, "/healthz"),
    },
];

fn with_internal_redirects(mut listener: Value) -> Value {
    route(&mut listener)["route"]["internal_redirect_policy"] = json!({});
    listener
}

/// Envoy sends a request to this path in place of an answer of this status.
fn with_custom_response(mut listener: Value, status: u16, path: &str) -> Value {
    let filter = json!({
        "name": "envoy.filters.http.custom_response",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.custom_response.v3.CustomResponse",
            "custom_response_matcher": { "matcher_list": { "matchers": [{
                "predicate": { "single_predicate": {
                    "input": {
                        "name": "status",
                        "typed_config": { "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput" }
                    },
                    "value_match": { "exact": status.to_string() }
                } },
                "on_match": { "action": {
                    "name": "redirect",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy",
                        "uri": format!("http://{}{path}", crate::bench::HOST)
                    }
                } }
            }] } }
        }
    });
    http_filters(&mut listener).insert(0, filter);
    listener
}

/// Orders need no posture, and are forbidden to whoever shows posture with a low score.
fn with_a_forbid_on_posture(bench: &Bench) -> Value {
    let mut configuration = bench.example.plugin_configuration();
    configuration["applications"]["shop"]["routes"]["orders"]["requires"] = json!(["corp"]);
    configuration["policies"] = json!(concat!(
        "@id(\"read\") permit (principal is corp::User, action in Action::\"read\", resource in Application::\"shop\");\n",
        "@id(\"risky\") @missing(\"ignore\") forbid (principal, action, resource == Route::\"shop/orders\")\n",
        "when { context has mdm && context.mdm.score < 30 };\n",
    ));
    plugin_listener(bench, "main", &configuration)
}

/// Alice on a device with a low score.
fn risky(path: &str) -> Ask {
    let posture = Token::about("laptop-1").claim("score", json!(10)).sign();
    Ask::get(path).token(Token::of(ALICE).sign()).posture(posture)
}

/// The evidence that the first pass did not forward is gone, and with it what was proved by it.
fn the_second_pass_of_an_internal_redirect_is_judged_again_and_on_less_evidence(bench: &Bench) {
    let redirected = |first: Ask, to: &str| {
        let outcome = ask(bench, "redirect", &first.header(REDIRECT, to));
        // What the upstream got last.
        (outcome.answer.status, outcome.answer.code(), outcome.received.expect("the first pass").target)
    };
    let seen = redirected(Ask::get("/healthz"), "/healthz?again");
    assert_eq!(seen, (200, None, "/healthz?again".to_owned()));
    let seen = redirected(Ask::get("/healthz"), "/api/orders/7");
    assert_eq!(seen, (401, Some("credential-missing".to_owned()), "/healthz".to_owned()));
    let seen = redirected(Ask::get("/healthz"), "/api/unknown");
    assert_eq!(seen, (403, Some("route-unknown".to_owned()), "/healthz".to_owned()));
    let seen = redirected(Ask::get("/api/people/alice").by(ALICE), "/api/orders/7");
    assert_eq!(seen, (401, Some("posture-missing".to_owned()), "/api/people/alice".to_owned()));
}

fn a_forbid_that_reads_posture_does_not_hold_on_the_second_pass_of_an_internal_redirect(bench: &Bench) {
    ask(bench, "redirect-forbid", &risky("/api/orders/7")).refused(403, "forbidden-by-policy");
    let around = ask(bench, "redirect-forbid", &risky("/api/people/alice").header(REDIRECT, "/api/orders/7"));
    assert_eq!(around.allowed().target, "/api/orders/7");
}

/// Here the upstream chooses when, and the listener where.
fn a_forbid_that_reads_posture_does_not_hold_on_the_second_pass_of_a_custom_response(bench: &Bench) {
    ask(bench, "custom-response-forbid", &risky("/api/orders/7")).refused(403, "forbidden-by-policy");
    let around = ask(bench, "custom-response-forbid", &risky("/api/people/alice").header(REDIRECT, "/elsewhere"));
    assert_eq!(around.received.expect("both passes").target, "/api/orders/7");
}

fn a_custom_response_puts_another_request_in_place_of_a_refusal(bench: &Bench) {
    let outcome = ask(bench, "custom-response-refusal", &Ask::get("/api/orders/7"));
    assert_eq!(outcome.answer.code(), None, "the refusal is covered");
    assert_eq!(outcome.received.expect("the second pass").target, "/healthz");
}
