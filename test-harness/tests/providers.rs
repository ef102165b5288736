//! The providers that scenarios rely on: what they publish, every way in which it can be wrong, and what they remember.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use countersign_core::jose::{AuthenticToken, KeySet, Portable, UnverifiedToken};
use serde_json::{Value, json};
use test_harness::answer::Answer;
use test_harness::clock::{Deadline, Stopwatch};
use test_harness::http1::{Connection, Request};
use test_harness::keys::{DemoKey, KEYS, corp_key_set, machines_key_set, mdm_key_set};
use test_harness::services::identity_provider::{CORP_KEYS, MACHINES_KEYS, OAUTH_CONFIGURATION, OPENID_CONFIGURATION};
use test_harness::services::{Fault, Line, Provider, device_provider, identity_provider, pem_provider};
use tokio::runtime::Runtime;

/// A provider, and what runs it while a test goes on by itself.
struct Running {
    provider: Provider,
    runtime: Runtime,
}

impl Running {
    fn new(start: fn(SocketAddr, Line) -> io::Result<Provider>, line: Line) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let entered = runtime.enter();
        let provider = start(SocketAddr::from(([127, 0, 0, 1], 0)), line).expect("it starts");
        drop(entered);
        Self { provider, runtime }
    }

    fn identity() -> Self {
        Self::new(identity_provider::start, Line::Http)
    }

    fn request(path: &str) -> Request {
        Request::new("GET", path.as_bytes()).header("host", b"login.example.com").header("x-from", b"test")
    }

    fn get(&self, path: &str) -> io::Result<Answer> {
        Self::request(path).send(self.provider.address())
    }

    fn answer(&self, path: &str) -> Answer {
        self.get(path).expect("an answer")
    }

    /// What this fault makes of the keys.
    fn spoiled(&self, fault: Fault) -> Answer {
        self.provider.set_fault(CORP_KEYS, fault);
        self.answer(CORP_KEYS)
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn kids(answer: &Answer) -> Vec<String> {
    let set = answer.json();
    let keys = set["keys"].as_array().expect("keys");
    keys.iter().map(|key| key["kid"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_provider_publishes_the_keys_that_its_tokens_are_signed_with() {
    let identity = Running::identity();
    let device = Running::new(device_provider::start, Line::Http);
    for (running, path, set, token) in [
        (&identity, CORP_KEYS, corp_key_set(), "/token?user=alice"),
        (&identity, CORP_KEYS, corp_key_set(), "/token?user=alice&alg=ES256"),
        (&identity, MACHINES_KEYS, machines_key_set(), "/token?user=reporter"),
        (&device, device_provider::MDM_KEYS, mdm_key_set(), "/posture?device=laptop-1"),
    ] {
        let answer = running.answer(path);
        assert_eq!((answer.status, answer.json()), (200, set));
        assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
        assert_eq!(answer.header("cache-control"), Some("max-age=300"));
        let (keys, skipped) = KeySet::compile(&answer.json(), None).expect("a key set");
        assert_eq!(skipped, []);
        let token = running.answer(token);
        assert_eq!(token.status, 200, "{}", text(&token));
        let token = UnverifiedToken::parse(&token.body, 16_384).expect("a token");
        AuthenticToken::verify(token, &keys, &Portable).expect("the keys verify it");
    }
}

#[test]
fn a_provider_of_keys_in_pem_has_each_under_its_kid_until_it_is_withdrawn() {
    let running = Running::new(pem_provider::start, Line::Http);
    let (path, key) = (pem_provider::path("k"), DemoKey::new("k"));
    assert_eq!(running.answer(&path).status, 404);
    running.provider.publish(&path, &[&key]);
    let answer = running.answer(&path);
    assert_eq!((answer.status, text(&answer)), (200, key.key.public_pem().expect("the key in PEM")));
    assert_eq!(answer.header("cache-control"), Some("max-age=300"));
    assert_eq!(running.answer(&pem_provider::path("other")).status, 404);
    running.provider.publish(&path, &[]);
    assert_eq!(running.answer(&path).status, 404);
    assert_eq!(running.provider.all_visits().len(), 4);
}

#[test]
fn metadata_says_where_the_keys_are() {
    let running = Running::identity();
    for path in [OPENID_CONFIGURATION, OAUTH_CONFIGURATION] {
        let metadata = running.answer(path);
        assert_eq!((metadata.status, metadata.header("content-type")), (200, Some("application/json")));
        assert_eq!(metadata.json()["issuer"], "https://login.example.com");
        assert_eq!(metadata.json()["jwks_uri"], "http://login.example.com/keys");
    }
    let tenant = running.answer("/tenant/.well-known/openid-configuration").json();
    assert_eq!(tenant["issuer"], "https://login.example.com/tenant");
    assert_eq!(tenant["jwks_uri"], "http://login.example.com/tenant/keys");
    running
        .provider
        .set_document("/tenant/.well-known/openid-configuration", json!({ "issuer": "https://tenant.example.com" }));
    let replaced = running.answer("/tenant/.well-known/openid-configuration");
    assert_eq!((replaced.status, replaced.json()), (200, json!({ "issuer": "https://tenant.example.com" })));
    running.provider.set_fault(OPENID_CONFIGURATION, Fault::OtherIssuer);
    assert_eq!(running.answer(OPENID_CONFIGURATION).json()["issuer"], "https://other.example.com");
    running.provider.set_fault(OPENID_CONFIGURATION, Fault::KeysElsewhere);
    assert_eq!(running.answer(OPENID_CONFIGURATION).json()["jwks_uri"], "http://elsewhere.example.com/keys");
    running.provider.set_fault(OPENID_CONFIGURATION, Fault::Html);
    assert_eq!(running.answer(OPENID_CONFIGURATION).json(), Value::Null);
    assert_eq!(running.answer(OAUTH_CONFIGURATION).json()["issuer"], "https://login.example.com");
}

#[test]
fn faults_of_the_head_leave_the_right_keys_in_the_body() {
    let running = Running::identity();
    let right = corp_key_set().to_string();
    for (fault, status, header) in [
        (Fault::Status(500), 500, ("content-type", "application/jwk-set+json")),
        (Fault::Status(404), 404, ("content-type", "application/jwk-set+json")),
        (Fault::Status(429), 429, ("content-type", "application/jwk-set+json")),
        (Fault::Redirect, 302, ("location", "/moved/keys")),
        (Fault::ContentType, 200, ("content-type", "text/plain")),
        (Fault::Gzip, 200, ("content-encoding", "gzip")),
    ] {
        let answer = running.spoiled(fault);
        assert_eq!((answer.status, text(&answer)), (status, right.clone()), "{fault:?}");
        assert_eq!(answer.header(header.0), Some(header.1), "{fault:?}");
    }
    assert_eq!(text(&running.answer("/moved/keys")), right);
    let none = running.spoiled(Fault::Status(204));
    assert_eq!((none.status, none.body), (204, Vec::new()));
    let html = running.spoiled(Fault::Html);
    assert_eq!((html.status, html.header("content-type")), (200, Some("text/html")));
}

#[test]
fn faults_of_the_body_are_what_they_say() {
    let running = Running::identity();
    let right = corp_key_set().to_string();
    assert_eq!(text(&running.spoiled(Fault::Empty)), "");
    assert_eq!(text(&running.spoiled(Fault::TrailingBytes)), format!("{right}{{}}"));
    assert!(String::from_utf8(running.spoiled(Fault::Garbage).body).is_err());
    assert_eq!(text(&running.spoiled(Fault::DuplicateKeys)), right.replacen('{', r#"{"keys":[],"#, 1));

    let huge = running.spoiled(Fault::Huge);
    assert!(huge.body.len() > 10 * 1024 * 1024 && huge.json()["keys"] == corp_key_set()["keys"]);
    let deep = text(&running.spoiled(Fault::Deep));
    assert!(deep.matches('[').count() > 20_000 && deep.matches('[').count() == deep.matches(']').count());
    for small_in_bytes in [deep.len(), running.spoiled(Fault::ManyKeys).body.len()] {
        assert!(small_in_bytes < countersign_core::limits::MAX_KEY_SET_BYTES, "{small_in_bytes}");
    }

    running.provider.set_fault(CORP_KEYS, Fault::Truncated);
    let mut connection = Connection::open(running.provider.address()).expect("it listens");
    connection.send(&Running::request(CORP_KEYS).head()).expect("sent");
    let cut = String::from_utf8(connection.rest().expect("the connection ends")).expect("text");
    assert!(cut.contains(&format!("content-length: {}\r\n", right.len())), "{cut}");
    assert!(cut.ends_with(&right[..right.len() / 2]), "{cut}");
}

#[test]
fn faults_of_keys_are_what_they_say() {
    let running = Running::identity();
    let right = ["corp-rs256", "corp-es256"];
    let with = |more: &'static str| [right[0], right[1], more];
    assert_eq!(running.spoiled(Fault::NoKeys).json(), json!({ "keys": [] }));
    assert_eq!(kids(&running.spoiled(Fault::ManyKeys)).len(), 10_002);
    assert_eq!(kids(&running.spoiled(Fault::SharedKey)), with("machines-es256"));

    let large = running.spoiled(Fault::LargeModulus);
    assert!(KeySet::compile(&large.json(), None).is_err_and(|fault| fault.to_string().contains("16384")));

    let private = running.spoiled(Fault::PrivateKey);
    assert_eq!(kids(&private), with("rogue-es256"));
    let (keys, skipped) = KeySet::compile(&private.json(), None).expect("a key set");
    assert_eq!((keys.keys().len(), skipped.len()), (2, 1));

    let (keys, skipped) = KeySet::compile(&running.spoiled(Fault::Mixed).json(), None).expect("a key set");
    assert_eq!((keys.keys().len(), skipped.len() as u64), (2, Fault::MIXED_KEYS));

    running.provider.set_fault(CORP_KEYS, None);
    assert_eq!(kids(&running.answer(CORP_KEYS)), right);
}

#[test]
fn answers_can_be_late_trickle_or_be_held_until_they_are_let_go() {
    let running = Running::identity();
    let delay = Duration::from_millis(300);
    let late = Stopwatch::start();
    assert_eq!(running.spoiled(Fault::Slow(delay)).json(), corp_key_set());
    assert!(late.elapsed() >= delay);

    running.provider.set_fault(CORP_KEYS, Fault::Trickle);
    let mut connection = Connection::open(running.provider.address()).expect("it listens");
    connection.send(&Running::request(CORP_KEYS).head()).expect("sent");
    let head = connection.take(15).expect("the head comes");
    assert_eq!(head, b"HTTP/1.1 200 OK");
    let trickling = Stopwatch::start();
    while !connection.take(1).expect("a byte").ends_with(b"{") {}
    connection.take(4).expect("more bytes");
    assert!(trickling.elapsed() >= Duration::from_millis(300));

    running.provider.set_fault(CORP_KEYS, Fault::Held);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| running.answer(CORP_KEYS));
        let came = Deadline::after(Duration::from_secs(5))
            .poll(|| (running.provider.visits(CORP_KEYS).len() == 3).then_some(()));
        assert!(came.is_some() && !held.is_finished());
        running.provider.set_fault(CORP_KEYS, None);
        assert_eq!(held.join().expect("no panic").json(), corp_key_set());
    });
}

#[test]
fn a_closed_port_refuses_and_opens_again() {
    let running = Running::new(identity_provider::start, Line::Closed);
    let address = running.provider.address();
    let refused = || running.get(CORP_KEYS).expect_err("nobody listens").kind();
    assert_eq!(refused(), io::ErrorKind::ConnectionRefused);
    for _ in 0..3 {
        running.provider.set_line(Line::Http).expect("it opens");
        let mut connection = Connection::open(address).expect("it listens");
        connection.send(&Running::request(CORP_KEYS).head()).expect("sent");
        assert_eq!(connection.answer(true).expect("an answer").status, 200);
        running.provider.set_line(Line::Closed).expect("it closes");
        assert_eq!(connection.rest().expect("the connection ends"), b"");
        assert_eq!(refused(), io::ErrorKind::ConnectionRefused);
    }
    running.provider.set_line(Line::Noise).expect("it opens");
    assert!(running.get(CORP_KEYS).expect_err("no HTTP").to_string().contains("not a status line"));
    assert_eq!(running.provider.visits(CORP_KEYS).len(), 3);
}

#[test]
fn two_providers_do_not_share_a_port() {
    let running = Running::identity();
    let _entered = running.runtime.enter();
    assert!(identity_provider::start(running.provider.address(), Line::Http).is_err());
}

#[test]
fn keys_are_replaced_at_run_time_and_the_first_signs() {
    let running = Running::identity();
    let (new, again) = (DemoKey::new("corp-2"), DemoKey::new("corp-2"));
    for keys in [vec![&KEYS.corp_rs256, &new], vec![&new], vec![&again]] {
        running.provider.publish(CORP_KEYS, &keys);
        let set = running.answer(CORP_KEYS);
        assert_eq!(set.json()["keys"], json!(keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>()));
        let (compiled, _) = KeySet::compile(&json!({ "keys": [keys[0].public_jwk()] }), None).expect("a key set");
        let token = running.answer("/token?user=alice");
        let token = UnverifiedToken::parse(&token.body, 16_384).expect("a token");
        AuthenticToken::verify(token, &compiled, &Portable).expect("the first key signed it");
    }
    assert_ne!(new.public_jwk(), again.public_jwk());
    running.provider.set_max_age(None);
    assert_eq!(running.answer(CORP_KEYS).header("cache-control"), None);
}

#[test]
fn every_request_is_remembered_with_its_headers_and_its_time() {
    let running = Running::identity();
    running.answer(CORP_KEYS);
    running.answer(CORP_KEYS);
    running.answer(OPENID_CONFIGURATION);
    assert_eq!(running.answer("/elsewhere").status, 404);
    let visits = running.provider.visits(CORP_KEYS);
    assert_eq!(visits.len(), 2);
    assert!(visits[0].at < visits[1].at);
    assert_eq!(visits[0].authority, "login.example.com");
    assert_eq!(visits[0].headers["x-from"], "test");
    assert_eq!(running.provider.visits(OPENID_CONFIGURATION).len(), 1);
    assert_eq!(running.provider.visits("/elsewhere").len(), 1);
}
