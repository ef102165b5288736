//! The whole list of headers that servers believe: none arrives, whatever the listener's settings, and the operator's own
//! `remove` and `keep` change exactly what they name.

use countersign_core::stripped::{LEFT_ALONE, REMOVED};
use serde_json::{Value, json};
use test_harness::services::Received;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, plugin_listener};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    no_header_of_the_list_arrives,
    another_host_does_not_arrive_where_the_remote_address_is_used,
    what_envoy_writes_arrives_as_envoy_wrote_it_and_in_no_other_spelling,
    what_the_operator_removes_and_keeps_is_removed_and_kept,
    evidence_on_a_preflight_arrives_only_where_nothing_is_enforced,
];

/// What a client wrote into a field that must not arrive.
const FORGED: &str = "mallory";

/// Few enough for `limits.max_headers`, and for Envoy's own.
const HEADERS_A_REQUEST: usize = 50;

fn forged<'a>(ask: Ask, names: impl IntoIterator<Item = &'a String>) -> Ask {
    names.into_iter().fold(ask, |ask, name| ask.header(name, FORGED))
}

/// The names that arrived as they were forged.
fn arrived(received: &Received) -> Vec<&str> {
    received.headers.iter().filter(|(_, value)| value.contains(FORGED)).map(|(name, _)| name.as_str()).collect()
}

fn no_header_of_the_list_arrives(bench: &Bench) {
    let names: Vec<String> =
        REMOVED.iter().flat_map(|group| group.names).map(|name| name.replace('*', "anything")).collect();
    let underscored: Vec<String> = names.iter().map(|name| name.replace('-', "_")).collect();
    let metadata: Vec<String> = names.iter().map(|name| format!("Grpc-Metadata-{name}")).collect();
    for spelled in [&names, &underscored, &metadata] {
        for names in spelled.chunks(HEADERS_A_REQUEST) {
            for ask in [Ask::get("/api/orders/7").by(ALICE), Ask::get("/healthz")] {
                let ask = forged(ask, names);
                assert_eq!(arrived(&bench.ask(&ask).allowed()), [""; 0], "over HTTP/1.1");
                assert_eq!(arrived(&bench.ask(&ask.http2(&[])).allowed()), [""; 0], "over HTTP/2");
            }
        }
    }
}

fn another_host_does_not_arrive_where_the_remote_address_is_used(bench: &Bench) {
    let listener = plugin_listener(bench, "main", &bench.example.plugin_configuration());
    let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(manager["use_remote_address"], true, "this is what the example sets");
    let sent = [
        ("X-Forwarded-Host", "mallory.example"),
        ("Forwarded", "host=mallory.example;proto=https"),
        ("X-Host", "mallory.example"),
        ("X-Forwarded-Prefix", "/mallory"),
        ("X-Forwarded-Port", "mallory"),
        ("X-Real-IP", "mallory"),
        ("x-envoy-original-dst-host", "mallory"),
    ];
    let ask = sent.iter().fold(Ask::get("/api/orders/7").by(ALICE), |ask, (name, value)| ask.header(name, value));
    for ask in [ask.clone(), ask.http2(&[])] {
        assert_eq!(arrived(&bench.ask(&ask).allowed()), [""; 0]);
    }
}

fn what_envoy_writes_arrives_as_envoy_wrote_it_and_in_no_other_spelling(bench: &Bench) {
    let own = || LEFT_ALONE.iter().filter(|left| left.only_spelled_so).flat_map(|left| left.names);
    let others: Vec<String> = own().filter(|name| name.contains('-')).map(|name| name.replace('-', "_")).collect();
    let ask = forged(Ask::get("/api/orders/7").by(ALICE), &others);
    let ask = ask.header("x-forwarded-proto", "https").header("x-forwarded-client-cert", FORGED);
    let received = bench.ask(&ask.header("x-forwarded-for", FORGED)).allowed();
    assert_eq!(arrived(&received), ["x-forwarded-for"], "Envoy appends to it, and says so in the documentation");
    assert_eq!(received.header("x-forwarded-proto"), ["http"]);
    let addresses = received.header("x-forwarded-for").concat();
    assert!(addresses.split(',').next_back().is_some_and(|last| last.trim() != FORGED), "{addresses}");
}

fn with_request_headers(bench: &Bench, request_headers: Value) -> Value {
    let mut configuration = bench.example.plugin_configuration();
    configuration["request_headers"] = request_headers;
    configuration
}

fn what_the_operator_removes_and_keeps_is_removed_and_kept(bench: &Bench) {
    let request_headers = json!({ "remove": ["x-acme-user", "x-emca-*"], "keep": ["x-user-id", "impersonate-*"] });
    let configuration = with_request_headers(bench, request_headers);
    let envoy = bench.envoy_with("request-headers", [plugin_listener(bench, "main", &configuration)]);
    let address = envoy.listener("main").expect("it listens");
    let kept = ["x-user-id", "impersonate-user", "impersonate-extra-scopes"];
    let other = ["x-acme", "x-emca"];
    let removed = [
        "x_user_id",
        "x-user_id",
        "x-user-email",
        "x-user",
        "impersonate_user",
        "x-acme-user",
        "x_acme_user",
        "x-emca-anything",
        "x_emca_anything",
    ];
    let names = [&kept[..], &other, &removed].concat();
    let ask = names.iter().fold(Ask::get("/api/orders/7").by(ALICE), |ask, name| ask.header(name, FORGED));
    for ask in [ask.clone(), ask.http2(&[])] {
        let received = bench.ask_at(address, &ask).allowed();
        let mut arrived = arrived(&received);
        arrived.sort_unstable();
        let mut expected = [&kept[..], &other].concat();
        expected.sort_unstable();
        assert_eq!(arrived, expected);
    }
    let trailers = [("x-user-id", FORGED), ("impersonate-user", FORGED), ("x-acme-user", FORGED), ("x-sum", "1")];
    let ask = Ask::new("POST", "/api/search").by(ALICE).body(b"{}".to_vec()).http2(&trailers);
    let received = bench.ask_at(address, &ask).allowed();
    assert_eq!(received.trailers, [("x-sum".to_owned(), "1".to_owned())]);
}

fn evidence_on_a_preflight_arrives_only_where_nothing_is_enforced(bench: &Bench) {
    let mut enforced = bench.example.plugin_configuration();
    for device in enforced["devices"].as_object_mut().expect("devices").values_mut() {
        device["forward"] = json!("verified");
    }
    let mut shadow = enforced.clone();
    shadow["mode"] = json!("shadow");
    let listeners = [plugin_listener(bench, "enforce", &enforced), plugin_listener(bench, "shadow", &shadow)];
    let envoy = bench.envoy_with("preflight", listeners);
    let preflight = Ask::new("OPTIONS", "/api/orders/7")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "PUT");
    for ask in [preflight.clone().by(ALICE), preflight.token("forged").posture("forged")] {
        for (listener, arrives) in [("enforce", false), ("shadow", true)] {
            let received = bench.ask_at(envoy.listener(listener).expect("it listens"), &ask).allowed();
            for name in ["authorization", "x-device-posture"] {
                assert_eq!(received.header(name).len(), usize::from(arrives), "{name}, {listener}");
            }
            assert_eq!(received.header("x-countersign-principal"), [r#"Anonymous::"anonymous""#]);
        }
    }
    // On any other request the same token goes on once it is verified.
    let ask = Ask::get("/api/orders/7").token(Token::of(ALICE).sign()).posture(Token::about("laptop-1").sign());
    let received = bench.ask_at(envoy.listener("enforce").expect("it listens"), &ask).allowed();
    assert_eq!((received.header("authorization").len(), received.header("x-device-posture").len()), (1, 1));
}
