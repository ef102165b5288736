//! No decision, no request: until the decision is made the upstream receives nothing, and after a refusal it never does.
//!
//! The listener `main-to-sink` has the example's plugin and guard before an upstream that only counts bytes. Only requests that are
//! refused are sent to it, so the count is zero at any time.

use test_harness::http1::Connection;
use test_harness::tokens::{ALICE, BOB};

use crate::bench::{Ask, Bench};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_body_of_a_refused_request_is_held_back,
    the_body_of_an_allowed_request_comes_through_whole,
    a_client_that_waits_for_100_continue_gets_its_refusal,
    a_refused_websocket_upgrade_sends_nothing_upstream,
    an_allowed_websocket_upgrade_carries_bytes_both_ways,
    each_request_on_one_connection_is_decided_by_itself,
    a_refusal_on_a_warm_connection_reaches_nobody,
];

/// Three times what Envoy buffers of a stream.
const LARGE: usize = 3_000_000;

fn sink_heard_nothing(bench: &Bench) {
    assert_eq!((bench.sink.connections(), bench.sink.bytes()), (0, 0));
}

fn the_body_of_a_refused_request_is_held_back(bench: &Bench) {
    for size in [1, 100_000] {
        let ask = Ask::new("POST", "/api/search").at("main-to-sink").body(vec![b'x'; size]);
        bench.ask(&ask).refused(401, "credential-missing");
        bench.ask(&ask.by(BOB)).refused(403, "not-permitted");
    }
    let http2 = Ask::new("POST", "/api/search").at("main-to-sink").body(vec![b'x'; 100_000]).http2(&[]);
    bench.ask(&http2).refused(401, "credential-missing");
    sink_heard_nothing(bench);
}

fn the_body_of_an_allowed_request_comes_through_whole(bench: &Bench) {
    let ask = Ask::new("POST", "/api/search").by(ALICE).body(vec![b'x'; LARGE]);
    assert_eq!(bench.ask(&ask).allowed().body_bytes, LARGE);
    assert_eq!(bench.ask(&ask.http2(&[])).allowed().body_bytes, LARGE);
}

fn a_client_that_waits_for_100_continue_gets_its_refusal(bench: &Bench) {
    let ask = Ask::new("POST", "/api/search").at("main-to-sink").header("expect", "100-continue");
    bench.ask(&ask.body(vec![b'x'; 1000])).refused(401, "credential-missing");
    sink_heard_nothing(bench);
}

/// The request with what makes it one to upgrade to WebSocket.
pub fn upgrade(ask: Ask) -> Ask {
    ask.header("connection", "upgrade").header("upgrade", "websocket").header("sec-websocket-version", "13")
}

fn a_refused_websocket_upgrade_sends_nothing_upstream(bench: &Bench) {
    for (ask, code) in [(Ask::get("/events"), "credential-missing"), (Ask::get("/events").by(BOB), "not-permitted")] {
        let (request, _) = bench.prepare(&upgrade(ask.at("main-to-sink")));
        let address = bench.envoy.listener("main-to-sink").expect("the listener is there");
        let mut connection = Connection::open(address).expect("a connection");
        // Bytes that come before the answer are part of the upgraded stream.
        connection.send(&[request.head(), b"early bytes".to_vec()].concat()).expect("sent");
        let answer = connection.answer(true).expect("an answer");
        assert_eq!(answer.code().as_deref(), Some(code), "{}", answer.text());
    }
    sink_heard_nothing(bench);
}

fn an_allowed_websocket_upgrade_carries_bytes_both_ways(bench: &Bench) {
    let (mut request, test_id) = bench.prepare(&upgrade(Ask::get("/events").by(ALICE)));
    request.headers.retain(|(name, value)| name != "connection" || value == b"upgrade");
    let address = bench.envoy.listener("main").expect("the listener is there");
    let mut connection = Connection::open(address).expect("a connection");
    connection.send(&request.head()).expect("sent");
    let answer = connection.answer(true).expect("an answer");
    assert_eq!(answer.status, 101, "{}", answer.text());
    connection.send(b"ping").expect("sent");
    assert_eq!(connection.take(4).expect("an echo"), b"ping");
    let received = bench.upstream.received(&test_id).expect("the upstream got the upgrade");
    assert_eq!(received.header("x-countersign-subject"), ["alice"]);
}

fn each_request_on_one_connection_is_decided_by_itself(bench: &Bench) {
    let address = bench.envoy.listener("main").expect("the listener is there");
    let mut connection = Connection::open(address).expect("a connection");
    for (ask, status) in [
        (Ask::get("/api/orders/7").by(ALICE), 200),
        (Ask::get("/api/orders/7"), 401),
        (Ask::get("/api/orders/7").by(ALICE), 200),
    ] {
        let (mut request, _) = bench.prepare(&ask);
        request.headers.retain(|(name, _)| name != "connection");
        connection.send(&request.head()).expect("sent");
        assert_eq!(connection.answer(true).expect("an answer").status, status);
    }
}

fn a_refusal_on_a_warm_connection_reaches_nobody(bench: &Bench) {
    for _ in 0..10 {
        bench.ask(&Ask::get("/healthz")).allowed();
        bench.ask(&Ask::get("/api/orders/7")).refused(401, "credential-missing");
        bench.ask(&Ask::get("/api/orders/7").by(BOB)).refused(403, "not-permitted");
    }
}
