//! Requests at the edges of HTTP: what Envoy answers itself, and what reaches the module all the same.

use std::net::SocketAddr;

use serde_json::{Value, json};
use test_harness::envoy::{Bootstrap, Chain, guard_filter, wasm_filter};
use test_harness::http1::Connection;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, HOST};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    connect_is_refused,
    a_field_name_that_is_not_ascii_is_refused_and_the_module_lives,
    a_connection_field_cannot_take_our_fields_away_from_an_upgrade,
    chunked_trailers_lose_identity_fields,
    http_1_0_is_refused_where_envoy_is_not_told_to_take_it,
    http_1_0_is_decided_like_http_1_1_where_envoy_takes_it,
];

/// The listener `lenient`: HTTP/1.0 and trailers of HTTP/1.1, which Envoy takes only where it is told to.
pub fn lenient_listener(example: &Bootstrap, module: &std::path::Path) -> Value {
    let mut listener = example.listener(&Chain {
        name: "lenient".to_owned(),
        cluster: "upstream-with-trailers".to_owned(),
        filters: vec![wasm_filter("countersign", module, &example.plugin_configuration()), guard_filter("countersign")],
    });
    if let Some(manager) = listener.pointer_mut("/filter_chains/0/filters/0/typed_config") {
        manager["http_protocol_options"] =
            json!({ "enable_trailers": true, "accept_http_10": true, "default_host_for_http_10": HOST });
    }
    listener
}

fn listener(bench: &Bench, name: &str) -> SocketAddr {
    bench.envoy.listener(name).expect("the listener is there")
}

/// What comes back for these bytes until Envoy closes the connection.
fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut connection = Connection::open(address).expect("a connection");
    connection.send(bytes).expect("sent");
    connection.rest().expect("envoy closes the connection")
}

fn status(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).split(' ').nth(1).unwrap_or_default().to_owned()
}

fn connect_is_refused(bench: &Bench) {
    let token = Token::of(ALICE).sign();
    let ask = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\nAuthorization: Bearer {token}\r\n\r\n");
    let answer = raw(listener(bench, "main"), ask.as_bytes());
    assert!(matches!(status(&answer).as_str(), "400" | "403" | "404"), "{}", String::from_utf8_lossy(&answer));
    bench.ask(&Ask::get("/healthz")).allowed();
}

/// One frame (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A field with a new name, not indexed, without Huffman coding (RFC 7541 section 6.2.2).
fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| vec![u8::try_from(text.len()).expect("a short text")];
    [vec![0], length(name), name.to_vec(), length(value), value.to_vec()].concat()
}

fn a_field_name_that_is_not_ascii_is_refused_and_the_module_lives(bench: &Bench) {
    for name in [&b"x-\xff\xfe"[..], b"x-countersign-\xc3\xa9", b"\x80"] {
        let ask = [format!("GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n").as_bytes(), name, b": 1\r\n\r\n"].concat();
        let answer = raw(listener(bench, "main"), &ask);
        assert_eq!(status(&answer), "400", "{}", String::from_utf8_lossy(&answer));

        let fields = [
            field(b":method", b"GET"),
            field(b":scheme", b"http"),
            field(b":path", b"/healthz"),
            field(b":authority", HOST.as_bytes()),
            field(name, b"1"),
        ];
        let headers = frame(1, 0b101, 1, &fields.concat()); // END_HEADERS and END_STREAM
        let ask = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, b""), headers].concat();
        let answer = raw(listener(bench, "main"), &ask);
        assert!(!String::from_utf8_lossy(&answer).contains("x-countersign"), "nothing of it reached the module");
        bench.ask(&Ask::get("/healthz")).allowed();
    }
}

/// RFC 9110 section 7.6.1: a field that `Connection` names ends at the next hop. Ours are to arrive.
fn a_connection_field_cannot_take_our_fields_away_from_an_upgrade(bench: &Bench) {
    for named in ["upgrade, x-countersign-principal", "Upgrade, X-Countersign-Principal, X-Countersign-Subject"] {
        let ask = Ask::get("/events").by(ALICE).header("upgrade", "websocket").header("sec-websocket-version", "13");
        let (mut request, test_id) = bench.prepare(&ask);
        request.headers.retain(|(name, _)| name != "connection");
        let request = request.header("connection", named.as_bytes());
        let mut connection = Connection::open(listener(bench, "main")).expect("a connection");
        connection.send(&request.head()).expect("sent");
        let answer = connection.answer(true).expect("an answer");
        assert_eq!(answer.status, 101, "{}", answer.text());
        let received = bench.upstream.received(&test_id).expect("the upstream got the upgrade");
        assert_eq!(received.header("x-countersign-principal"), [r#"corp::User::"alice""#]);
        assert_eq!(received.header("x-countersign-subject"), ["alice"]);
        assert_eq!(received.header("connection").concat().to_ascii_lowercase(), "upgrade");
    }
}

fn chunked_trailers_lose_identity_fields(bench: &Bench) {
    for name in ["main", "lenient"] {
        let (request, test_id) = bench.prepare(&Ask::new("POST", "/api/search").by(ALICE));
        let request = request.header("transfer-encoding", b"chunked").header("te", b"trailers");
        let trailers =
            "x-countersign-principal: mallory\r\nX_Forwarded_User: mallory\r\nauthorization: mallory\r\nx-sum: 1\r\n";
        let ask = [request.head(), format!("2\r\n{{}}\r\n0\r\n{trailers}\r\n").into_bytes()].concat();
        let answer = raw(listener(bench, name), &ask);
        assert_eq!(status(&answer), "200", "{}", String::from_utf8_lossy(&answer));
        let received = bench.upstream.received(&test_id).expect("the upstream got it");
        assert_eq!(received.body_bytes, 2);
        // Envoy drops all trailers of HTTP/1.1 where it is not told to keep them.
        let left: &[(String, String)] = if name == "lenient" { &[("x-sum".to_owned(), "1".to_owned())] } else { &[] };
        assert_eq!(received.trailers, left, "{name}");
    }
}

/// A request line and fields of HTTP/1.0, with the id by which the upstream remembers it.
fn http_1_0(bench: &Bench, ask: &Ask) -> (Vec<u8>, String) {
    let (request, test_id) = bench.prepare(ask);
    let head = String::from_utf8(request.head()).expect("text").replacen("HTTP/1.1", "HTTP/1.0", 1);
    (head.into_bytes(), test_id)
}

fn http_1_0_is_refused_where_envoy_is_not_told_to_take_it(bench: &Bench) {
    let (ask, test_id) = http_1_0(bench, &Ask::get("/api/orders/7").by(ALICE));
    assert_eq!(status(&raw(listener(bench, "main"), &ask)), "426");
    assert_eq!(bench.upstream.received(&test_id), None);
}

fn http_1_0_is_decided_like_http_1_1_where_envoy_takes_it(bench: &Bench) {
    let lenient = listener(bench, "lenient");
    let (ask, test_id) = http_1_0(bench, &Ask::get("/api/orders/7").by(ALICE));
    assert_eq!(status(&raw(lenient, &ask)), "200");
    let received = bench.upstream.received(&test_id).expect("the upstream got it");
    assert_eq!(received.header("x-countersign-subject"), ["alice"]);
    for (target, expected) in [("/api/orders/7", "401"), ("/api//orders/7", "400"), ("/api/unknown", "403")] {
        let (ask, test_id) = http_1_0(bench, &Ask::get(target));
        assert_eq!(status(&raw(lenient, &ask)), expected, "{target}");
        assert_eq!(bench.upstream.received(&test_id), None, "{target}");
    }
    // Without a host Envoy puts in the one that it is told, and that is judged.
    assert_eq!(status(&raw(lenient, b"GET /healthz HTTP/1.0\r\n\r\n")), "200");
    assert_eq!(status(&raw(lenient, b"GET /api/orders/7 HTTP/1.0\r\n\r\n")), "401");
}
