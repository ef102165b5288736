//! Tokens that are bound to a key of their sender (RFC 9449): what proves the key is accepted, once, and nothing else is.
//!
//! Every hostile request is sent over HTTP/1.1 and HTTP/2, and is an honest one but for one thing; the honest one is sent
//! too, and is allowed.

use std::sync::Arc;
use std::thread;

use hmac_sha256::Hash;
use serde_json::{Value, json};
use test_harness::clock::unix_seconds;
use test_harness::dpop::{Client, bare_jwk, bound, proof, thumbprint, url};
use test_harness::keys::{DemoKey, KEYS, corp_key_set, machines_key_set};
use test_harness::tokens::{ALICE, REPORTER, Token, base64url};

use crate::bench::{Ask, Bench, HOST};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_proved_sender_is_allowed_and_the_upstream_gets_token_and_proof,
    a_token_without_a_binding_needs_no_proof_where_the_issuer_allows_it,
    a_proof_that_is_wrong_in_any_way_is_refused_and_the_honest_one_is_allowed,
    a_refused_request_does_not_use_up_its_proof,
    a_proof_is_used_once_with_all_workers_together,
    a_proof_is_used_once_with_each_worker_where_the_configuration_says_so,
    a_client_learns_the_nonce_for_its_proofs_and_repeats_its_request,
    a_full_bucket_of_proofs_refuses_and_others_have_room,
    without_a_vm_id_a_configuration_that_shares_proofs_is_rejected,
];

const PATH: &str = "/things/7";

/// The listeners of this file, each with the `vm_id` of its plugin. The one whose memory is filled has one of its own.
pub fn configurations() -> [(&'static str, &'static str, Value); 4] {
    let of = |dpop: Value| configuration(&dpop);
    [
        ("dpop", "countersign", of(json!({ "algorithms": ["ES256", "EdDSA", "RS256"], "external_scheme": "http" }))),
        ("dpop-per-worker", "countersign", of(json!({ "external_scheme": "http", "replay": "per_worker" }))),
        ("dpop-nonce", "countersign", of(json!({ "external_scheme": "http", "nonce": "required" }))),
        ("dpop-full", "dpop-full", of(json!({ "external_scheme": "http", "max_age": "300s" }))),
    ]
}

fn configuration(dpop: &Value) -> Value {
    let issuer = |issuer: &str, keys: Value, constraint: &str| {
        json!({
            "issuer": issuer, "audiences": ["shop"], "typ": ["at+jwt"], "keys": { "inline": keys },
            "principal": { "id": "sub" }, "sender_constraint": constraint, "dpop": dpop,
        })
    };
    json!({
        "version": 1,
        "issuers": {
            "corp": issuer("https://login.example.com", corp_key_set(), "dpop"),
            "machines": issuer("https://machines.example.com", machines_key_set(), "if_bound"),
        },
        "applications": { "shop": { "hosts": [HOST], "routes": {
            "thing": { "path": "/things/{id}", "methods": ["GET", "POST"] },
        } } },
        "policies": concat!(
            "@id(\"people\") permit (principal is corp::User, action, resource)\n",
            "when { context.credential.bound_by == \"dpop\" };\n",
            "@id(\"machines\") permit (principal is machines::User, action, resource);",
        ),
    })
}

fn ask(listener: &'static str, scheme: &str, token: &str, proofs: &[&str]) -> Ask {
    let ask = Ask::get(PATH).at(listener).header("authorization", format!("{scheme} {token}"));
    proofs.iter().fold(ask, |ask, proof| ask.header("dpop", proof))
}

fn honest(listener: &'static str, client: &Client) -> Ask {
    ask(listener, "DPoP", &client.token, &[&proof(client, "GET", PATH).sign()])
}

/// The request over each protocol, each with what the function makes anew.
fn over_both(make: impl Fn() -> Ask) -> [Ask; 2] {
    [make(), make().http2(&[])]
}

fn a_proved_sender_is_allowed_and_the_upstream_gets_token_and_proof(bench: &Bench) {
    for key in [DemoKey::new("client"), Arc::clone(&KEYS.corp_rs256)] {
        let client = Client::with(key);
        for ask in over_both(|| honest("dpop", &client)) {
            let received = bench.ask(&ask).allowed();
            let sent = |name: &str| ask.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
            for name in ["authorization", "dpop"] {
                assert_eq!(received.header(name), [String::from_utf8(sent(name).expect("sent")).expect("text")]);
            }
        }
    }
    // The parts of a URL that do not count, and spellings of it.
    let client = Client::new();
    for htu in [
        format!("http://{HOST}{PATH}?x=1#y"),
        format!("HTTP://{}:80{PATH}", HOST.to_uppercase()),
        format!("http://{HOST}./things/%37"),
    ] {
        let proof = proof(&client, "GET", PATH).claim("htu", json!(htu)).sign();
        bench.ask(&ask("dpop", "dpop", &client.token, &[&proof])).allowed();
    }
    let proof = proof(&client, "POST", PATH).sign();
    let post = Ask::new("POST", format!("{PATH}?a=b")).at("dpop").body(b"body".to_vec());
    bench.ask(&post.header("authorization", format!("DPoP {}", client.token)).header("dpop", proof)).allowed();
}

fn a_token_without_a_binding_needs_no_proof_where_the_issuer_allows_it(bench: &Bench) {
    let machine = Token::of(REPORTER).sign();
    let received = bench.ask(&ask("dpop", "Bearer", &machine, &["eyJ.not.looked-at"])).allowed();
    assert_eq!(received.header("dpop"), [""; 0], "a proof that was not verified does not reach the upstream");
    let answer = bench.ask(&ask("dpop", "Bearer", &Token::of(ALICE).sign(), &[])).refused(401, "token-binding");
    assert!(answer.text().contains("algs=\"ES256 Ed25519 RS256 EdDSA\""), "{}", answer.text());
}

type Hostile = (&'static str, &'static str, fn(&Client) -> Ask);

/// What is wrong, the code of the refusal, and the request.
#[rustfmt::skip]
const HOSTILE: &[Hostile] = &[
    ("no proof", "proof-missing", |c| ask("dpop", "DPoP", &c.token, &[])),
    ("an empty proof", "proof-malformed", |c| ask("dpop", "DPoP", &c.token, &[""])),
    ("two proofs", "proof-duplicate", |c| ask("dpop", "DPoP", &c.token, &[&get(c).sign(), &get(c).sign()])),
    ("one proof twice", "proof-duplicate", |c| { let p = get(c).sign(); ask("dpop", "DPoP", &c.token, &[&p, &p]) }),
    ("two proofs in one field", "proof-malformed", |c| with(c, &format!("{}, {}", get(c).sign(), get(c).sign()))),
    ("two parts", "proof-malformed", |c| with(c, get(c).sign().rsplit_once('.').expect("three parts").0)),
    ("four parts", "proof-malformed", |c| with(c, &format!("{}.AAAA", get(c).sign()))),
    ("padding", "proof-malformed", |c| with(c, &format!("{}==", get(c).sign()))),
    ("no signature", "proof-malformed", |c| with(c, &format!("{}.", get(c).sign().rsplit_once('.').expect("three parts").0))),
    ("an extension", "proof-malformed", |c| with(c, &get(c).header("crit", json!(["x"])).sign())),
    ("larger than the cap", "proof-malformed", |c| with(c, &get(c).claim("x", json!("x".repeat(8_192))).sign())),
    ("no jti", "proof-malformed", |c| with(c, &get(c).without("jti").sign())),
    ("an empty jti", "proof-malformed", |c| with(c, &get(c).claim("jti", json!("")).sign())),
    ("a jti past the cap", "proof-malformed", |c| with(c, &get(c).claim("jti", json!("j".repeat(257))).sign())),
    ("a jti that is a number", "proof-malformed", |c| with(c, &get(c).claim("jti", json!(7)).sign())),
    ("no htm", "proof-malformed", |c| with(c, &get(c).without("htm").sign())),
    ("no htu", "proof-malformed", |c| with(c, &get(c).without("htu").sign())),
    ("an htu that is a list", "proof-malformed", |c| with(c, &get(c).claim("htu", json!([url(PATH)])).sign())),
    ("no iat", "proof-malformed", |c| with(c, &get(c).without("iat").sign())),
    ("an iat that is a string", "proof-malformed", |c| with(c, &get(c).claim("iat", json!("1")).sign())),
    ("no ath", "proof-malformed", |c| with(c, &get(c).without("ath").sign())),
    ("no typ", "proof-typ", |c| with(c, &get(c).without_header("typ").sign())),
    ("the typ of a token", "proof-typ", |c| with(c, &get(c).header("typ", json!("JWT")).sign())),
    ("the access token as a proof", "proof-typ", |c| with(c, &c.token)),
    ("no algorithm", "proof-algorithm", |c| with(c, &get(c).header("alg", json!("none")).sign())),
    ("a shared secret", "proof-algorithm", |c| with(c, &get(c).header("alg", json!("HS256")).sign())),
    ("an algorithm that is not listed", "proof-algorithm", |c| with(c, &get(c).header("alg", json!("ES384")).sign())),
    ("an algorithm of another key", "proof-key", |c| with(c, &get(c).header("alg", json!("RS256")).sign())),
    ("no key", "proof-key", |c| with(c, &get(c).without_header("jwk").sign())),
    ("a private key", "proof-key", |c| with(c, &key(c, "d", json!("AAAA")).sign())),
    ("a symmetric key", "proof-key", |c| with(c, &get(c).header("jwk", json!({ "kty": "oct", "k": "AAAA" })).sign())),
    ("a point beside the curve", "proof-key", |c| with(c, &key(c, "y", bare_jwk(&c.key)["x"].clone()).sign())),
    ("another curve", "proof-key", |c| with(c, &key(c, "crv", json!("P-521")).sign())),
    ("a key for encryption", "proof-key", |c| with(c, &key(c, "use", json!("enc")).sign())),
    ("a key as a string", "proof-key", |c| with(c, &get(c).header("jwk", json!(bare_jwk(&c.key).to_string())).sign())),
    ("a key by its id", "proof-key", |c| with(c, &get(c).without_header("jwk").header("kid", json!("client")).sign())),
    ("the thief's key", "token-binding", |c| with(c, &proof(&thief(c), "GET", PATH).sign())),
    ("the thief's signature under the client's key", "proof-signature", |c| with(c, &get(c).signed_by(&DemoKey::new("thief")).sign())),
    ("a signature of other claims", "proof-signature", |c| with(c, &spliced(c))),
    ("another method", "proof-method", |c| with(c, &proof(c, "POST", PATH).sign())),
    ("the method in lower case", "proof-method", |c| with(c, &get(c).claim("htm", json!("get")).sign())),
    ("another path", "proof-target", |c| with(c, &proof(c, "GET", "/things/8").sign())),
    ("a slash at the end", "proof-target", |c| with(c, &proof(c, "GET", "/things/7/").sign())),
    ("dot segments", "proof-target", |c| with(c, &proof(c, "GET", "/x/../things/7").sign())),
    ("another host", "proof-target", |c| with(c, &get(c).claim("htu", json!(format!("http://evil.example{PATH}"))).sign())),
    ("the host as userinfo", "proof-target", |c| with(c, &get(c).claim("htu", json!(format!("http://{HOST}@evil.example{PATH}"))).sign())),
    ("another scheme", "proof-target", |c| with(c, &get(c).claim("htu", json!(format!("https://{HOST}{PATH}"))).sign())),
    ("another port", "proof-target", |c| with(c, &get(c).claim("htu", json!(format!("http://{HOST}:8080{PATH}"))).sign())),
    ("no host", "proof-target", |c| with(c, &get(c).claim("htu", json!(PATH)).sign())),
    ("too old", "proof-time", |c| with(c, &get(c).claim("iat", json!(unix_seconds() - 70)).sign())),
    ("from the future", "proof-time", |c| with(c, &get(c).claim("iat", json!(unix_seconds() + 90)).sign())),
    ("the hash of another token", "proof-token", |c| with(c, &get(c).claim("ath", json!(base64url(Hash::hash(b"x")))).sign())),
    ("an empty hash", "proof-token", |c| with(c, &get(c).claim("ath", json!("")).sign())),
    ("a stolen token as a bearer token", "token-binding", |c| ask("dpop", "Bearer", &c.token, &[])),
    ("a stolen token as a bearer token with its proof", "token-binding", |c| ask("dpop", "Bearer", &c.token, &[&get(c).sign()])),
    ("the token of another client under this proof", "proof-token", |c| ask("dpop", "DPoP", &swapped(c), &[&get(c).sign()])),
    ("a token without a binding under a proof", "token-binding", |c| unbound(c, Token::of(REPORTER).sign())),
    ("a token whose binding has two members", "token-binding", |c| unbound(c, twice(c))),
    ("a token whose binding is not understood", "token-binding", |c| unbound(c, Token::of(ALICE).claim("cnf", json!({ "kid": "x" })).sign())),
    ("a token whose thumbprint is too short", "token-binding", |c| unbound(c, Token::of(ALICE).claim("cnf", json!({ "jkt": "AAAA" })).sign())),
    ("an expired token with a good proof", "token-expired", |c| unbound(c, Token::of(ALICE).claim("cnf", json!({ "jkt": thumbprint(&c.key) })).made_before(7_200).sign())),
    ("no token behind the scheme", "credential-malformed", |c| ask("dpop", "DPoP", "", &[&get(c).sign()])),
    ("another scheme", "credential-malformed", |c| ask("dpop", "PoP", &c.token, &[&get(c).sign()])),
];

fn get(client: &Client) -> Token {
    proof(client, "GET", PATH)
}

fn with(client: &Client, proof: &str) -> Ask {
    ask("dpop", "DPoP", &client.token, &[proof])
}

/// A proof with another member in its key.
fn key(client: &Client, member: &str, value: Value) -> Token {
    let mut jwk = bare_jwk(&client.key);
    jwk[member] = value;
    get(client).header("jwk", jwk)
}

/// Who has the token and a key of their own.
fn thief(client: &Client) -> Client {
    Client { key: DemoKey::new("thief"), token: client.token.clone() }
}

/// The signature of one proof on another.
fn spliced(client: &Client) -> String {
    let (one, other) = (get(client).sign(), get(client).sign());
    let input = one.rsplit_once('.').expect("three parts").0;
    format!("{input}.{}", other.rsplit_once('.').expect("three parts").1)
}

/// Another token that is bound to the same key.
fn swapped(client: &Client) -> String {
    bound(Token::of(ALICE).claim("scope", json!("admin")), &client.key)
}

fn twice(client: &Client) -> String {
    Token::of(ALICE).claim("cnf", json!({ "jkt": thumbprint(&client.key), "x5t#S256": thumbprint(&client.key) })).sign()
}

/// This token, with a proof for it by the client's key.
fn unbound(client: &Client, token: String) -> Ask {
    let client = Client { token, ..client.clone() };
    with(&client, &get(&client).sign())
}

fn a_proof_that_is_wrong_in_any_way_is_refused_and_the_honest_one_is_allowed(bench: &Bench) {
    let client = Client::new();
    for (what, code, make) in HOSTILE {
        for ask in over_both(|| make(&client)) {
            let outcome = bench.ask(&ask);
            let found = outcome.answer.code();
            assert_eq!(found.as_deref(), Some(*code), "{what}, HTTP/2: {}", ask.http2);
            let answer = outcome.refused(401, code);
            let challenges = answer.text();
            let error = if code.starts_with("proof-") { "invalid_dpop_proof" } else { "invalid_" };
            assert!(challenges.contains(&format!("error=\"{error}")), "{what}: {challenges}");
        }
        for ask in over_both(|| honest("dpop", &client)) {
            bench.ask(&ask).allowed();
        }
    }
}

fn a_refused_request_does_not_use_up_its_proof(bench: &Bench) {
    let client = Client::new();
    let proof = get(&client).sign();
    let other = Client { token: swapped(&client), ..client.clone() };
    bench.ask(&with(&other, &proof)).refused(401, "proof-token");
    bench.ask(&ask("dpop", "Bearer", &client.token, &[&proof])).refused(401, "token-binding");
    bench.ask(&with(&client, &proof)).allowed();
    bench.ask(&with(&client, &proof)).refused(401, "proof-replayed");
    bench.ask(&with(&client, &proof).http2(&[])).refused(401, "proof-replayed");
}

/// How many of many equal requests at one time were allowed; the others were refused as replays.
fn allowed_of_many(bench: &Bench, listener: &'static str) -> usize {
    let client = Client::new();
    let request = honest(listener, &client);
    thread::scope(|scope| {
        let sent: Vec<_> = (0..32).map(|_| scope.spawn(|| bench.ask(&request))).collect();
        let outcomes = sent.into_iter().map(|thread| thread.join().expect("an outcome"));
        let allowed = |outcome: crate::bench::Outcome| {
            if outcome.answer.status == 200 {
                return true;
            }
            outcome.refused(401, "proof-replayed");
            false
        };
        outcomes.map(allowed).filter(|allowed| *allowed).count()
    })
}

fn a_proof_is_used_once_with_all_workers_together(bench: &Bench) {
    for _ in 0..5 {
        assert_eq!(allowed_of_many(bench, "dpop"), 1);
    }
}

/// It also shows that the requests of the scenario above reach both workers.
fn a_proof_is_used_once_with_each_worker_where_the_configuration_says_so(bench: &Bench) {
    let rounds: Vec<usize> = (0..5).map(|_| allowed_of_many(bench, "dpop-per-worker")).collect();
    let workers = usize::try_from(crate::bench::WORKERS).expect("a small number");
    assert!(rounds.iter().all(|allowed| (1..=workers).contains(allowed)), "{rounds:?}");
    assert!(rounds.contains(&workers), "no round reached all workers: {rounds:?}");
}

fn a_client_learns_the_nonce_for_its_proofs_and_repeats_its_request(bench: &Bench) {
    let client = Client::new();
    let proof = || get(&client);
    let with = |proof: &Token| ask("dpop-nonce", "DPoP", &client.token, &[&proof.sign()]);
    let answer = bench.ask(&with(&proof())).refused(401, "proof-nonce");
    assert!(answer.text().contains("error=\"use_dpop_nonce\""), "{}", answer.text());
    let nonce = answer.header("dpop-nonce").expect("a nonce").to_owned();
    // It holds for all workers, for many requests, over both protocols.
    for _ in 0..8 {
        bench.ask(&with(&proof().claim("nonce", json!(nonce)))).allowed();
        bench.ask(&with(&proof().claim("nonce", json!(nonce))).http2(&[])).allowed();
    }
    for wrong in [json!(""), json!("x"), json!(format!("{nonce}A")), json!(base64url([0; 24]))] {
        let answer = bench.ask(&with(&proof().claim("nonce", wrong))).refused(401, "proof-nonce");
        assert!(answer.header("dpop-nonce").is_some(), "{}", answer.text());
    }
    bench.ask(&with(&proof().claim("nonce", json!(7)))).refused(401, "proof-malformed");
}

/// The plugin's own rule for buckets, from the documentation: a test that fills one has to know it.
fn bucket(thumbprint: &str, jti: &str) -> u16 {
    let digest = Hash::hash([thumbprint.as_bytes(), &[0][..], jti.as_bytes()].concat().as_slice());
    u16::from_be_bytes([digest[0], digest[1]]) % 4_096
}

fn a_full_bucket_of_proofs_refuses_and_others_have_room(bench: &Bench) {
    let client = Client::new();
    let own = thumbprint(&client.key);
    let wanted = bucket(&own, "0");
    let ids = (0_u64..).map(|number| number.to_string()).filter(|jti| bucket(&own, jti) == wanted);
    let of = |jti: &str| ask("dpop-full", "DPoP", &client.token, &[&get(&client).claim("jti", json!(jti)).sign()]);
    let mut ids = ids.map(|jti| of(&jti));
    for ask in ids.by_ref().take(128) {
        bench.ask(&ask).allowed();
    }
    let answer = bench.ask(&ids.next().expect("more")).refused(503, "replay-store-full");
    assert!(answer.header("retry-after").is_some(), "{}", answer.text());
    bench.ask(&of("0")).refused(401, "proof-replayed");
    bench.ask(&honest("dpop-full", &client)).allowed();
}

fn without_a_vm_id_a_configuration_that_shares_proofs_is_rejected(bench: &Bench) {
    let start = |name: &str, dpop: Value| {
        let mut listener = crate::bench::plugin_listener(bench, "main", &configuration(&dpop));
        let filters = &mut listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
        let config = &mut filters[0]["typed_config"]["config"];
        config["vm_config"].as_object_mut().expect("an object").remove("vm_id");
        bench.start_envoy(name, &bench.bootstrap_with([listener]))
    };
    assert!(start("dpop-no-vm-id", json!({ "replay": "shared" })).is_err(), "Envoy starts");
    assert!(start("dpop-no-vm-id-per-worker", json!({ "replay": "per_worker" })).is_ok(), "Envoy does not start");
}
