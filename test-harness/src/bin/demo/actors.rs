//! Callers that need no device: software components, bound tokens, agents, and what each of them is told.
//!
//! Three listeners: one in plaintext, one over mutual TLS, and one as in a waypoint of Istio, whose own filter is played by
//! one that writes the same filter state.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use test_harness::clock::unix_seconds;
use test_harness::dpop::{Client, proof};
use test_harness::envoy::{Bootstrap, Chain};
use test_harness::http1::Request;
use test_harness::keys::{DemoKey, KEYS};
use test_harness::tls::{Authority, Leaf};
use test_harness::tokens::{ALICE, CAROL, Caller, Token};

mod configuration;
mod steps;

pub use steps::GROUPS;

/// The listener in plaintext.
pub const PLAIN: &str = "actors";

/// The listener over mutual TLS.
pub const MUTUAL: &str = "actors-mutual";

/// The listener as in a waypoint.
pub const WAYPOINT: &str = "actors-waypoint";

/// Steps that belong together.
pub struct Group {
    /// What they show.
    pub heading: &'static str,
    /// The steps, in the order in which they are sent.
    pub steps: &'static [Step],
}

/// One request, and what must come of it.
pub struct Step {
    /// Who sends it.
    pub who: &'static str,
    /// What it presents.
    pub with: &'static str,
    /// How its connection is known; `None` for plaintext.
    pub over: Option<Over>,
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

/// How a connection is known.
#[derive(Clone, Copy)]
pub enum Over {
    /// By TLS without a client certificate.
    NoCertificate,
    /// By the certificate of the web service.
    Web,
    /// By the certificate of the test service.
    Test,
    /// As that of the web service, by a waypoint that has ended its TLS.
    Waypoint,
}

/// What the callers have.
pub struct World {
    /// The CA of the certificates.
    pub authority: Authority,
    web: Leaf,
    test: Leaf,
    /// The key of the Kubernetes cluster.
    cluster: Arc<DemoKey>,
    alice: Client,
    mallory: Arc<DemoKey>,
    /// A proof that Alice has used, and that Mallory has seen.
    seen: String,
}

impl World {
    /// A new CA with certificates of two services, a new key for Alice, and one for Mallory.
    pub fn new() -> io::Result<Self> {
        let authority = Authority::new()?;
        let [web, test] = [configuration::WEB, configuration::TEST].map(|id| authority.leaf(&[id]));
        let (web, test) = (web?, test?);
        let alice = Client::new();
        let seen = proof(&alice, "PUT", steps::ORDER).sign();
        let [cluster, mallory] = ["cluster", "mallory"].map(DemoKey::new);
        Ok(Self { authority, web, test, cluster, alice, mallory, seen })
    }

    /// Adds the listeners.
    pub fn add_listeners(&self, bootstrap: &mut Bootstrap, module: &std::path::Path) -> io::Result<()> {
        let listener = |bootstrap: &Bootstrap, name: &str, configuration: &Value| {
            let filters = crate::filters(module, configuration);
            bootstrap.listener(&Chain { name: name.to_owned(), cluster: "upstream".to_owned(), filters })
        };
        bootstrap.push_listener(listener(bootstrap, PLAIN, &configuration::plain(&self.cluster)));
        let mut mutual = listener(bootstrap, MUTUAL, &configuration::of_workloads(&configuration::by_certificate()));
        let trusted = json!({ "trusted_ca": { "inline_string": self.authority.pem() } });
        mutual["filter_chains"][0]["transport_socket"] = self.authority.downstream(false, &trusted)?;
        bootstrap.push_listener(mutual);
        let mut filters = crate::filters(module, &configuration::of_workloads(&configuration::by_waypoint()));
        filters.insert(0, configuration::waypoint_filter());
        bootstrap.add_listener(&Chain { name: WAYPOINT.to_owned(), cluster: "upstream".to_owned(), filters });
        Ok(())
    }

    /// The certificate of a connection.
    pub fn leaf(&self, over: Over) -> Option<&Leaf> {
        match over {
            Over::NoCertificate | Over::Waypoint => None,
            Over::Web => Some(&self.web),
            Over::Test => Some(&self.test),
        }
    }

    /// Alice's token, with a proof by another key.
    fn forged(&self) -> String {
        let mallory = Client { key: Arc::clone(&self.mallory), token: self.alice.token.clone() };
        proof(&mallory, "PUT", steps::ORDER).sign()
    }

    /// A token of Alice that is bound to the certificate of the web service.
    fn bound_to_certificate(&self) -> String {
        Token::of(ALICE).claim("cnf", json!({ "x5t#S256": self.web.thumbprint() })).sign()
    }
}

fn nothing(_: &World, request: Request) -> Request {
    request
}

fn bearer(request: Request, token: &str) -> Request {
    request.header("authorization", format!("Bearer {token}").as_bytes())
}

fn dpop(request: Request, token: &str, proof: &str) -> Request {
    request.header("authorization", format!("DPoP {token}").as_bytes()).header("dpop", proof.as_bytes())
}

fn cookie(request: Request, token: &str) -> Request {
    request.header("cookie", format!("theme=dark; session={token}").as_bytes())
}

/// A token of this caller with this claim.
fn with(caller: Caller, name: &str, value: Value) -> Token {
    Token::of(caller).claim(name, value)
}

/// A token that software has, with these claims beside `aud` and the times.
fn of_software(changes: &[(&str, Value)]) -> Token {
    let token =
        Token::of(ALICE).key(&KEYS.machines).without("iss").without("groups").without("email").without("device_id");
    changes.iter().fold(token, |token, (name, value)| token.claim(name, value.clone()))
}

/// A JWT-SVID, as the workload API of SPIFFE gives it out.
fn svid(id: &str) -> String {
    of_software(&[("sub", json!(id))]).header("typ", json!("JWT")).sign()
}

/// A token of a Kubernetes service account, as it is projected into a pod.
fn of_service_account(world: &World, namespace: &str, name: &str) -> String {
    of_software(&[
        ("iss", json!(configuration::CLUSTER_ISSUER)),
        ("sub", json!(format!("system:serviceaccount:{namespace}:{name}"))),
        ("kubernetes.io", json!({ "namespace": namespace, "serviceaccount": { "name": name, "uid": "5f7a" } })),
    ])
    .key(&world.cluster)
    .without_header("typ")
    .sign()
}

/// A token of Alice that an agent presents (RFC 8693 section 4.1).
fn on_behalf(agent: &str) -> String {
    with(ALICE, "act", json!({ "sub": agent })).sign()
}

/// A token of Carol, who authenticated in this way so many seconds ago.
fn signed_in(acr: &str, seconds: i64) -> String {
    with(CAROL, "acr", json!(acr)).claim("auth_time", json!(unix_seconds().saturating_sub(seconds))).sign()
}
