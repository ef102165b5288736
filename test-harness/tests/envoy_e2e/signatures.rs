//! Signatures that Envoy verifies for the plugin: which ones, and that the same tokens are accepted as without it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::LazyLock;

use countersign_core::jose::Algorithm;
use countersign_core::mint::SigningKey;
use serde_json::{Value, json};
use test_harness::keys::{KEYS, corp_key_set};
use test_harness::tokens::{ALICE, AUDIENCE, CORP_ISSUER, Token, base64url};

use crate::bench::{Ask, Bench, Outcome, plugin_listener};
use crate::capabilities::{demanded, restricted};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    envoy_verifies_what_it_proves_to_verify_and_the_plugin_the_rest,
    envoy_accepts_no_signature_that_the_plugin_refuses,
    a_call_that_is_restricted_leaves_signatures_to_the_plugin,
];

const HOST: &str = "signatures.example.com";

/// A key for each algorithm whose keys are made quickly; the RSA key is the example's.
static NEW_KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    [Algorithm::Es256, Algorithm::Es384, Algorithm::Ed25519]
        .into_iter()
        .map(|algorithm| SigningKey::generate(algorithm).expect("a key"))
        .collect()
});

fn kid(algorithm: Algorithm) -> String {
    format!("signatures-{}", algorithm.name())
}

/// The example's RSA key for another algorithm of RSA.
fn rsa(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pem(algorithm, &KEYS.corp_rs256.key.to_pem().expect("a key in PEM")).expect("an RSA key")
}

fn key(algorithm: Algorithm) -> SigningKey {
    match NEW_KEYS.iter().find(|key| key.algorithm() == algorithm) {
        Some(key) => SigningKey::from_pem(algorithm, &key.to_pem().expect("a key in PEM")).expect("the key"),
        None => rsa(algorithm),
    }
}

/// A listener where a token by any algorithm is accepted.
fn configuration() -> Value {
    let keys: Vec<Value> =
        Algorithm::ALL.iter().map(|algorithm| key(*algorithm).public_jwk(Some(&kid(*algorithm)))).collect();
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": CORP_ISSUER, "audiences": [AUDIENCE], "typ": ["at+jwt"], "keys": { "inline": { "keys": keys } },
            "principal": { "id": "sub" },
        } },
        "applications": { "signatures": {
            "hosts": [HOST], "requires": ["corp"], "routes": { "all": { "path": "/{rest*}" } },
        } },
        "policies": "@id(\"all\") permit (principal is corp::User, action in Action::\"read\", resource);",
    })
}

/// A good token by this algorithm: what is signed, and the signature.
fn signed(algorithm: Algorithm) -> (String, Vec<u8>) {
    let claims = Token::of(ALICE).claims();
    let token = key(algorithm).sign_claims(Some(&kid(algorithm)), Some("at+jwt"), &claims).expect("a token");
    let (text, signature) = token.rsplit_once('.').expect("a token");
    (text.to_owned(), from_base64url(signature))
}

fn from_base64url(text: &str) -> Vec<u8> {
    countersign_core::jose::base64url::decode(text.as_bytes()).expect("base64url")
}

/// The same with another last bit.
fn changed(bytes: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    *changed.last_mut().expect("a byte") ^= 1;
    changed
}

struct Signatures<'b> {
    bench: &'b Bench,
    envoy: test_harness::envoy::Envoy,
    address: SocketAddr,
}

impl<'b> Signatures<'b> {
    fn start(bench: &'b Bench, name: &str, listener: Value) -> Self {
        let envoy = bench.envoy_with(name, [listener]);
        let address = envoy.listener("main").expect("the listener is there");
        Self { bench, envoy, address }
    }

    fn ask(&self, text: &str, signature: &[u8]) -> Outcome {
        let token = format!("{text}.{}", base64url(signature));
        self.bench.ask_at(self.address, &Ask::get("/x").host(HOST).token(token))
    }

    /// How many signatures were verified by this one.
    fn count(&self, name: &str) -> u64 {
        let name = format!("wasmcustom.countersign.signatures.{name}");
        self.envoy.stats(&name).expect("statistics").get(&name).copied().unwrap_or(0)
    }

    fn counts(&self) -> [u64; 3] {
        ["verified_by.proxy", "verified_by.plugin", "proxy_failures"].map(|name| self.count(name))
    }
}

fn is_by_envoy(algorithm: Algorithm) -> bool {
    ["RS", "ES"].iter().any(|start| algorithm.name().starts_with(start))
}

fn envoy_verifies_what_it_proves_to_verify_and_the_plugin_the_rest(bench: &Bench) {
    let signatures = Signatures::start(bench, "signatures", plugin_listener(bench, "main", &configuration()));
    for &algorithm in Algorithm::ALL {
        let [proxy, plugin, _] = signatures.counts();
        let (text, signature) = signed(algorithm);
        signatures.ask(&text, &signature).allowed();
        signatures.ask(&text, &changed(&signature)).refused(401, "token-signature");
        let (other_text, _) = signed(Algorithm::Es256);
        let other_text = format!("{}.{}", text.split('.').next().unwrap_or_default(), payload_with_space(&other_text));
        signatures.ask(&other_text, &signature).refused(401, "token-signature");
        let by_envoy = is_by_envoy(algorithm);
        let expected = if by_envoy { [proxy + 3, plugin, 0] } else { [proxy, plugin + 3, 0] };
        assert_eq!(signatures.counts(), expected, "{}", algorithm.name());
    }
    let log = signatures.envoy.log();
    let line = "signatures verified by the proxy: RS256, RS384, RS512, ES256, ES384; by the plugin: PS256";
    assert!(log.contains(line), "{log}");
    assert!(!log.contains("failed its test"), "{log}");
}

/// The payload of a token, in other bytes.
fn payload_with_space(text: &str) -> String {
    let payload = from_base64url(text.split('.').nth(1).expect("a payload"));
    base64url([b" ", payload.as_slice()].concat())
}

/// A number in DER, without a check that it is minimal.
fn der_integer(bytes: &[u8]) -> Vec<u8> {
    [&[2, u8::try_from(bytes.len()).expect("short")], bytes].concat()
}

/// ECDSA and RSA signatures that look genuine to a lenient verifier.
fn envoy_accepts_no_signature_that_the_plugin_refuses(bench: &Bench) {
    let signatures = Signatures::start(bench, "forged-signatures", plugin_listener(bench, "main", &configuration()));
    let orders = [
        (Algorithm::Es256, "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE"),
        (Algorithm::Es384, "________________________________x2NNgfQ3Ld9YGg2ySLCneuzsGWrMxSlz"),
    ];
    for (algorithm, order) in orders {
        let order = from_base64url(order);
        let (text, signature) = signed(algorithm);
        signatures.ask(&text, &signature).allowed();
        let (r, s) = signature.split_at(order.len());
        let zero = vec![0; order.len()];
        let mut one = zero.clone();
        *one.last_mut().expect("a byte") = 1;
        let padded = |number: &[u8]| [&[0], number].concat();
        let der = |r: &[u8], s: &[u8]| {
            let content = [der_integer(r), der_integer(s)].concat();
            [&[0x30, u8::try_from(content.len()).expect("short")], content.as_slice()].concat()
        };
        let mut forged = BTreeSet::from([
            [r, &zero].concat(),
            [&zero, s].concat(),
            [zero.as_slice(), &zero].concat(),
            [r, &order].concat(),
            [&order, s].concat(),
            [one.as_slice(), &one].concat(),
            [s, r].concat(),
            der(&padded(r), &padded(s)),
            der(r, s),
            padded(&signature),
            [padded(r), padded(s)].concat(),
            [signature.as_slice(), &[0]].concat(),
        ]);
        forged.remove(&signature);
        for forged in forged {
            signatures.ask(&text, &forged).refused(401, "token-signature");
        }
    }
    let (text, signature) = signed(Algorithm::Rs256);
    signatures.ask(&text, &signature).allowed();
    let modulus = from_base64url(corp_key_set()["keys"][0]["n"].as_str().expect("an RSA key"));
    let zero = vec![0; signature.len()];
    let mut one = zero.clone();
    *one.last_mut().expect("a byte") = 1;
    let longer = [&[0], signature.as_slice()].concat();
    for forged in [&zero, &one, &modulus, &longer, &signature[1..].to_vec()] {
        signatures.ask(&text, forged).refused(401, "token-signature");
    }
    // The same key and text, signed by another algorithm; and one that the token names and its key is not for.
    for algorithm in [Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256] {
        let header = json!({ "alg": "RS256", "kid": kid(Algorithm::Rs256), "typ": "at+jwt" });
        let payload = from_base64url(text.split('.').nth(1).expect("a payload"));
        let token = key(algorithm).sign(header.as_object().expect("an object"), &payload).expect("a token");
        let (text, signature) = token.rsplit_once('.').expect("a token");
        signatures.ask(text, &from_base64url(signature)).refused(401, "token-signature");
    }
}

fn a_call_that_is_restricted_leaves_signatures_to_the_plugin(bench: &Bench) {
    let mut allowed = demanded(bench, "signatures");
    assert!(allowed.remove("proxy_call_foreign_function"));
    let name = "signatures-restricted";
    let listener = restricted(name, bench, &allowed, true);
    let signatures = Signatures::start(bench, name, listener);
    signatures.bench.ask_at(signatures.address, &Ask::get("/api/orders/7").by(ALICE)).allowed();
    let token = Token::of(ALICE).sign();
    let (text, signature) = token.rsplit_once('.').expect("a token");
    let forged = format!("{text}.{}", base64url(changed(&from_base64url(signature))));
    // A worker that has no keys yet refuses a request without posture before it waits for them.
    let posture = Token::about(ALICE.device.expect("a device")).sign();
    let ask = Ask::get("/api/orders/7").token(forged).posture(posture);
    signatures.bench.ask_at(signatures.address, &ask).refused(401, "token-signature");
    // Two tokens of the first request, and one of the second.
    assert_eq!(signatures.counts(), [0, 3, 0]);
    assert!(signatures.envoy.log().contains("signatures verified by the proxy: none"));
}
