//! Software components, bound tokens, and agents: callers that need no device, at a listener of their own.

use std::sync::Arc;

use serde_json::{Value, json};
use test_harness::clock::unix_seconds;
use test_harness::dpop::{Client, proof};
use test_harness::http1::Request;
use test_harness::keys::{DemoKey, KEYS, corp_key_set};
use test_harness::tokens::{ALICE, AUDIENCE, CORP_ISSUER, HOST, Token};

/// One request, and what must come of it.
pub struct Step {
    /// Who sends it.
    pub who: &'static str,
    /// What it presents.
    pub with: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The policy that allows, or the reason to refuse.
    pub because: &'static str,
    /// Adds the credential.
    pub credential: fn(&World, Request) -> Request,
}

/// What the callers have.
pub struct World {
    alice: Client,
    mallory: Arc<DemoKey>,
    /// A proof that Alice has used, and that Mallory has seen.
    seen: String,
}

const ORDER: &str = "/api/orders/7";
const STOCK: &str = "/stock";

#[rustfmt::skip]
pub const STEPS: &[Step] = &[
    Step { who: "web service",       with: "its JWT-SVID",                       method: "GET", path: STOCK, status: 200, because: "web-reads", credential: |_, request| bearer(request, &svid("spiffe://example.org/ns/shop/sa/web")) },
    Step { who: "test service",      with: "its JWT-SVID",                       method: "GET", path: STOCK, status: 403, because: "not-permitted", credential: |_, request| bearer(request, &svid("spiffe://example.org/ns/test/sa/web")) },
    Step { who: "alice",             with: "a token bound to her key, a proof",  method: "PUT", path: ORDER, status: 200, because: "people", credential: |world, request| dpop(request, &world.alice.token, &world.seen) },
    Step { who: "mallory",           with: "her token, as a bearer",             method: "PUT", path: ORDER, status: 401, because: "token-binding", credential: |world, request| bearer(request, &world.alice.token) },
    Step { who: "mallory",           with: "her token, a proof of another key",  method: "PUT", path: ORDER, status: 401, because: "token-binding", credential: |world, request| dpop(request, &world.alice.token, &world.forged()) },
    Step { who: "mallory",           with: "her token, the proof that she sent", method: "PUT", path: ORDER, status: 401, because: "proof-replayed", credential: |world, request| dpop(request, &world.alice.token, &world.seen) },
    Step { who: "assistant, for alice", with: "a token that names both",         method: "GET", path: ORDER, status: 200, because: "agents-read", credential: |_, request| bearer(request, &on_behalf("assistant")) },
    Step { who: "assistant, for alice", with: "a token that names both",         method: "PUT", path: ORDER, status: 403, because: "not-permitted", credential: |_, request| bearer(request, &on_behalf("assistant")) },
];

const POLICIES: &str = r#"
    @id("web-reads")
    permit (principal == mesh::Workload::"spiffe://example.org/ns/shop/sa/web", action in Action::"read", resource == Route::"shop/stock");

    @id("people")
    permit (principal is corp::User, action, resource == Route::"shop/order") when { !(context.corp has act) };

    @id("agents-read")
    permit (principal is corp::User, action in Action::"read", resource == Route::"shop/order")
    when { context.corp has act && context.corp.act.sub == "assistant" };
"#;

/// The plugin's configuration.
pub fn configuration() -> Value {
    let mut svid_key = KEYS.machines.public_jwk();
    svid_key["use"] = json!("jwt-svid");
    json!({
        "version": 1,
        "issuers": {
            "corp": {
                "issuer": CORP_ISSUER, "audiences": [AUDIENCE], "typ": ["at+jwt"], "keys": { "inline": corp_key_set() },
                "principal": { "id": "sub" }, "facts": { "act?": "actor" },
                "dpop": { "external_scheme": "http" },
            },
            "mesh": {
                "preset": "spiffe-jwt-svid", "trust_domain": "example.org", "audiences": [AUDIENCE],
                "keys": { "inline": { "keys": [svid_key] } },
            },
        },
        "applications": { "shop": { "hosts": [HOST], "routes": {
            "order": { "path": "/api/orders/{id}", "methods": ["GET", "PUT"], "requires": ["corp"] },
            "stock": { "path": STOCK, "requires": ["mesh"] },
        } } },
        "policies": POLICIES,
    })
}

impl World {
    /// A new key for Alice, and one for Mallory.
    pub fn new() -> Self {
        let alice = Client::new();
        let seen = proof(&alice, "PUT", ORDER).sign();
        Self { alice, mallory: DemoKey::new("mallory"), seen }
    }

    fn forged(&self) -> String {
        let mallory = Client { key: Arc::clone(&self.mallory), token: self.alice.token.clone() };
        proof(&mallory, "PUT", ORDER).sign()
    }
}

fn bearer(request: Request, token: &str) -> Request {
    request.header("authorization", format!("Bearer {token}").as_bytes())
}

fn dpop(request: Request, token: &str, proof: &str) -> Request {
    request.header("authorization", format!("DPoP {token}").as_bytes()).header("dpop", proof.as_bytes())
}

/// A JWT-SVID, as the workload API of SPIFFE gives it out.
fn svid(id: &str) -> String {
    Token::of(ALICE)
        .key(&KEYS.machines)
        .header("typ", json!("JWT"))
        .without("iss")
        .without("groups")
        .without("email")
        .without("device_id")
        .claim("sub", json!(id))
        .claim("exp", json!(unix_seconds().saturating_add(300)))
        .sign()
}

/// A token of Alice that an agent presents (RFC 8693 section 4.1).
fn on_behalf(agent: &str) -> String {
    Token::of(ALICE).claim("act", json!({ "sub": agent })).sign()
}
