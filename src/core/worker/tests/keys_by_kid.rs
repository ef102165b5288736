//! Keys that are fetched one by one: each worker asks for those that its own requests need.

use super::*;
use crate::fetch::Response;
use crate::limits::{LONGEST_WAIT, MAX_KEYS_BY_ID, MAX_SOUGHT_KEYS};
use crate::portable;

const BASE: &str = "https://door.example/keys";

/// Fetches for unknown ids that begin at once.
const BURST: usize = 4;

/// The keys of people are fetched by `kid`, unknown ones at most once a second beyond the burst.
fn by_kid() -> Value {
    let mut configuration = inline(configuration());
    let corp = &mut configuration["issuers"]["corp"];
    corp["algorithms"] = json!(["ES256"]);
    corp["keys"] = json!({
        "by_kid": BASE, "cluster": "door", "refetch_interval": "1s", "refresh": { "min": "1h", "max": "1h" },
    });
    configuration
}

fn kid(number: usize) -> String {
    format!("12345678-1234-4234-8234-{number:012x}")
}

fn url(number: usize) -> String {
    format!("{BASE}/{}", kid(number))
}

fn response(status: u16, body: String) -> Response {
    Response { status, headers: Vec::new(), body_bytes: body.len(), body: body.into_bytes() }
}

/// The key that signs all orders.
fn pem() -> Response {
    response(200, key(Algorithm::Es256).public_pem().unwrap())
}

/// The URLs that are being fetched.
fn asked(proxy: &Proxy) -> Vec<String> {
    proxy.fetches.values().map(|request| request.endpoint.url.to_string()).collect()
}

/// An order under the key of this number, in the stream of the same number, and a tick.
fn order_under(proxy: &mut Proxy, number: usize) -> u32 {
    let stream = u32::try_from(number).unwrap();
    proxy.headers(stream, order_signed_under(&kid(number)));
    proxy.tick();
    stream
}

#[portable]
fn each_worker_asks_for_a_key_itself_and_writes_nothing_of_it_for_others() {
    let memory = Shared::default();
    let mut first = proxy_in(&by_kid(), deployment("vm", &memory, 1));
    let mut second = proxy_in(&by_kid(), deployment("vm", &memory, 2));
    first.tick();
    second.tick();
    assert_eq!((asked(&first), asked(&second)), (vec![], vec![]), "no token has named a key yet");
    let entries = || -> Vec<_> { memory.0.names().into_iter().map(|name| (memory.read(&name), name)).collect() };
    let before = entries();
    let stream = order_under(&mut first, 1);
    assert_eq!(asked(&first), [url(1)]);
    first.respond_at(&url(1), &pem());
    assert_eq!(first.client(stream).resumed, 1);
    assert_eq!(entries(), before, "neither the key nor that it was sought");
    assert!(first.notified.is_empty(), "{:?}", first.notified);

    second.message();
    let stream = order_under(&mut second, 1);
    assert_eq!((second.client(stream).resumed, asked(&second)), (0, vec![url(1)]));
    second.respond_at(&url(1), &pem());
    assert_eq!(second.client(stream).resumed, 1);
    for proxy in [&first, &second] {
        assert_eq!(proxy.count("keys.corp.fetches.outcome.taken"), 1);
    }
}

#[portable]
fn a_key_is_fetched_once_for_all_requests_that_wait_for_it() {
    let mut proxy = proxy(&by_kid());
    proxy.tick();
    for stream in 1..=3 {
        proxy.headers(stream, order_signed_under(&kid(1)));
    }
    proxy.tick();
    proxy.headers(4, order_signed_under(&kid(1)));
    assert_eq!((proxy.waiting(), asked(&proxy)), (4, vec![url(1)]));
    proxy.respond_at(&url(1), &pem());
    assert!((1..=4).all(|stream| proxy.client(stream).resumed == 1));
    proxy.headers(5, order_signed_under(&kid(1)));
    assert!(proxy.client(5).passed && asked(&proxy).is_empty());
}

#[portable]
fn a_kid_that_is_no_uuid_is_refused_at_once_and_nothing_is_fetched() {
    let mut proxy = proxy(&by_kid());
    proxy.tick();
    let long = format!("{}0", kid(1));
    for (stream, kid) in (1..).zip(["../admin", "", long.as_str(), "ABCDEFAB-1234-4234-8234-123456789ABC"]) {
        proxy.headers(stream, order_signed_under(kid));
        proxy.tick();
        assert_eq!(proxy.client(stream).answer(), Some((401, "token-key")), "{kid}");
        assert_eq!(asked(&proxy), [""; 0], "{kid}");
    }
}

#[portable]
fn made_up_kids_are_fetched_four_at_once_and_then_one_a_second() {
    let mut proxy = proxy(&by_kid());
    proxy.tick();
    for number in 1..=MAX_SOUGHT_KEYS + 1 {
        proxy.headers(u32::try_from(number).unwrap(), order_signed_under(&kid(number)));
    }
    let one_too_many = u32::try_from(MAX_SOUGHT_KEYS + 1).unwrap();
    assert_eq!(proxy.waiting(), i64::try_from(MAX_SOUGHT_KEYS).unwrap());
    assert_eq!(proxy.client(one_too_many).answer(), Some((503, "keys-unavailable")));
    proxy.tick();
    assert_eq!(asked(&proxy), (1..=BURST).map(url).collect::<Vec<_>>());
    for number in 1..=BURST {
        proxy.respond_at(&url(number), &response(404, String::new()));
        assert_eq!(proxy.client(u32::try_from(number).unwrap()).answer(), Some((401, "token-key")));
    }
    for seconds in 1..=LONGEST_WAIT.get() {
        proxy.advance(1);
        proxy.tick();
        let number = BURST + usize::try_from(seconds).unwrap();
        assert_eq!(asked(&proxy), [url(number)], "one in each interval");
        proxy.respond_at(&url(number), &response(404, String::new()));
    }
    // Nobody waits for longer than that, however many are before it.
    assert_eq!(proxy.waiting(), 0);
    assert_eq!(proxy.client(one_too_many - 1).answer(), Some((503, "keys-unavailable")));
}

#[portable]
fn a_worker_holds_sixteen_keys_and_fetches_the_one_that_it_dropped_again() {
    let mut proxy = proxy(&by_kid());
    proxy.tick();
    for number in 1..=MAX_KEYS_BY_ID + 1 {
        proxy.advance(1);
        let stream = order_under(&mut proxy, number);
        proxy.respond_at(&url(number), &pem());
        assert_eq!(proxy.client(stream).resumed, 1, "{number}");
    }
    // The second is held, and the first was dropped for the last.
    proxy.headers(102, order_signed_under(&kid(2)));
    assert!(proxy.client(102).passed);
    proxy.advance(1);
    proxy.headers(101, order_signed_under(&kid(1)));
    proxy.tick();
    assert_eq!((proxy.client(101).resumed, asked(&proxy)), (0, vec![url(1)]));
    proxy.respond_at(&url(1), &pem());
    assert_eq!(proxy.client(101).resumed, 1);
}

#[portable]
fn only_what_the_provider_does_not_have_is_a_refusal() {
    let refused = Some((401, "token-key"));
    let unavailable = Some((503, "keys-unavailable"));
    for (answer, expected, outcome) in [
        (response(404, String::new()), refused, "status"),
        (response(410, String::new()), refused, "status"),
        (response(500, String::new()), unavailable, "status"),
        (response(200, "<html>".to_owned()), unavailable, "no_usable_key"),
        (response(200, key(Algorithm::Es384).public_pem().unwrap()), unavailable, "no_usable_key"),
    ] {
        let mut proxy = proxy(&by_kid());
        proxy.tick();
        let stream = order_under(&mut proxy, 1);
        proxy.respond_at(&url(1), &answer);
        assert_eq!(proxy.client(stream).answer(), expected, "{answer:?}");
        assert_eq!(proxy.count(&format!("keys.corp.fetches.outcome.{outcome}")), 1, "{answer:?}");
        // Remembered for the rest of the interval.
        proxy.headers(9, order_signed_under(&kid(1)));
        assert_eq!((proxy.client(9).answer(), asked(&proxy)), (expected, vec![]), "{answer:?}");
    }
}

#[portable]
fn a_token_of_another_algorithm_than_its_key_is_refused_at_once() {
    let mut configuration = by_kid();
    configuration["issuers"]["corp"]["algorithms"] = json!(["ES256", "ES384"]);
    let mut proxy = proxy(&configuration);
    proxy.tick();
    order_under(&mut proxy, 1);
    proxy.respond_at(&url(1), &pem());
    proxy.headers(2, order_signed_by(&key(Algorithm::Es384), &kid(1)));
    assert_eq!((proxy.client(2).answer(), proxy.waiting()), (Some((401, "token-key")), 0));
}

#[portable]
fn a_fetch_that_the_proxy_does_not_send_is_tried_again_after_the_interval() {
    let mut proxy = proxy(&by_kid());
    proxy.tick();
    proxy.fetch_fails = true;
    let stream = order_under(&mut proxy, 1);
    assert_eq!(proxy.client(stream).answer(), Some((503, "keys-unavailable")));
    proxy.gone(stream);
    proxy.fetch_fails = false;
    proxy.advance(1);
    let stream = order_under(&mut proxy, 1);
    proxy.respond_at(&url(1), &pem());
    assert_eq!(proxy.client(stream).resumed, 1);
}
