//! Two Countersigns on the way of one request: a gateway, and a sidecar behind it. Each judges by itself and believes nothing
//! that the other says.

use std::time::Duration;

use serde_json::{Value, json};
use test_harness::clock::Deadline;
use test_harness::envoy::{Chain, Envoy, guard_filter, wasm_filter};
use test_harness::tokens::{ALICE, BOB};

use crate::bench::{Ask, Bench, Outcome, plugin_listener};
use crate::record::record;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![a_gateway_and_a_sidecar_judge_a_request_each_for_itself];

/// The gateway lets through whoever it knows, and hands on all evidence; the sidecar runs the example.
struct Mesh<'b> {
    bench: &'b Bench,
    gateway: Envoy,
    sidecar: Envoy,
}

impl<'b> Mesh<'b> {
    fn start(bench: &'b Bench) -> Self {
        let mut configuration = bench.example.plugin_configuration();
        configuration["identity_headers"] = json!({ ASKED_BY: { "fact": "corp.sub" } });
        let sidecar = bench.envoy_with("sidecar", [plugin_listener(bench, "main", &configuration)]);

        let edge = edge_configuration(&bench.example.plugin_configuration());
        let mut token_kept = edge.clone();
        token_kept["issuers"]["edge"]["forward"] = json!("never");
        let mut posture_kept = edge.clone();
        posture_kept["devices"]["mdm"]["forward"] = json!("never");
        let listeners = [("main", edge), ("token-kept", token_kept), ("posture-kept", posture_kept)].map(
            |(name, configuration)| {
                bench.example.listener(&Chain {
                    name: name.to_owned(),
                    cluster: "sidecar".to_owned(),
                    filters: vec![
                        wasm_filter("countersign", &bench.module, &configuration),
                        guard_filter("countersign"),
                    ],
                })
            },
        );
        let mut bootstrap = bench.bootstrap_with(listeners);
        bootstrap.set_cluster("sidecar", sidecar.listener("main").expect("the listener is there"));
        let gateway = bench.start_envoy("gateway", &bootstrap).expect("envoy starts");
        Self { bench, gateway, sidecar }
    }

    /// Through the gateway, by the listener of the request.
    fn ask(&self, ask: &Ask) -> Outcome {
        let address = self.gateway.listener(ask.listener).expect("the listener is there");
        self.bench.ask_at(address, ask)
    }

    /// Past the gateway.
    fn ask_sidecar(&self, ask: &Ask) -> Outcome {
        self.bench.ask_at(self.sidecar.listener("main").expect("the listener is there"), ask)
    }
}

const ASKED_BY: &str = "x-asked-by";

/// The example's issuer of people's tokens under another name, for every host and path.
fn edge_configuration(example: &Value) -> Value {
    let mut devices = example["devices"].clone();
    devices["mdm"]["bind"] = json!("none");
    devices["mdm"]["forward"] = json!("verified");
    json!({
        "version": 1,
        "issuers": { "edge": example["issuers"]["corp"] },
        "devices": devices,
        "applications": { "edge": {
            "any_host": true, "requires": ["edge"], "routes": { "all": { "path": "/{rest*}" } }
        } },
        "policies": "@id(\"known\") permit (principal is edge::User, action, resource);",
        "identity_headers": { ASKED_BY: { "fact": "edge.email" } }
    })
}

/// The decision records of an Envoy, once there are so many; more are a failure too.
fn records(envoy: &Envoy, count: usize) -> Vec<Value> {
    let all = || -> Vec<Value> { envoy.access_log().lines().filter(|line| line.ends_with('}')).map(record).collect() };
    let there = Deadline::after(Duration::from_secs(5)).poll(|| (all().len() >= count).then_some(()));
    let records = all();
    assert!(there.is_some() && records.len() == count, "{count} records are wanted, these are there: {records:?}");
    records
}

fn last(records: &[Value]) -> (&Value, &Value) {
    let record = records.last().expect("a record");
    (&record["decision"], &record["reason"])
}

fn a_gateway_and_a_sidecar_judge_a_request_each_for_itself(bench: &Bench) {
    let mesh = Mesh::start(bench);
    what_the_upstream_is_told_the_sidecar_says(&mesh);
    what_the_gateway_refuses_the_sidecar_never_sees(&mesh);
    what_the_sidecar_refuses_the_client_is_told_by_the_sidecar(&mesh);
    the_sidecar_knows_only_the_evidence_that_the_gateway_hands_on(&mesh);
    a_client_of_the_sidecar_cannot_speak_for_the_gateway(&mesh);
    records(&mesh.gateway, 5);
    records(&mesh.sidecar, 6);
}

fn what_the_upstream_is_told_the_sidecar_says(mesh: &Mesh<'_>) {
    let ask = Ask::get("/api/orders/7").by(ALICE).header("x-countersign-principal", "mallory");
    let received = mesh.ask(&ask).allowed();
    assert_eq!(received.header("x-countersign-principal"), [r#"corp::User::"alice""#]);
    assert_eq!(received.header("x-countersign-issuer"), ["corp"]);
    assert_eq!(received.header(ASKED_BY), ["alice"], "not what the gateway wrote there");
    assert!(received.header("authorization").concat().starts_with("Bearer eyJ"));
    assert!(received.header("x-device-posture").is_empty());
    let (at_gateway, at_sidecar) = (records(&mesh.gateway, 1), records(&mesh.sidecar, 1));
    assert_eq!(at_gateway[0]["principal"], r#"edge::User::"alice""#);
    assert_eq!(received.header("x-countersign-decision-id"), [at_sidecar[0]["decision_id"].as_str().expect("an id")]);
    assert_ne!(at_gateway[0]["decision_id"], at_sidecar[0]["decision_id"]);
}

fn what_the_gateway_refuses_the_sidecar_never_sees(mesh: &Mesh<'_>) {
    // The sidecar would let this one through.
    mesh.ask(&Ask::get("/healthz")).refused(401, "credential-missing");
    assert_eq!(last(&records(&mesh.gateway, 2)), (&json!("deny"), &json!("credential-missing")));
    records(&mesh.sidecar, 1);
}

fn what_the_sidecar_refuses_the_client_is_told_by_the_sidecar(mesh: &Mesh<'_>) {
    let answer = mesh.ask(&Ask::get("/api/orders/7").by(BOB)).refused(403, "not-permitted");
    assert!(answer.json()["advice"].as_str().is_some_and(|advice| advice.contains("engineering")), "{}", answer.text());
    let (at_gateway, at_sidecar) = (records(&mesh.gateway, 3), records(&mesh.sidecar, 2));
    assert_eq!(last(&at_gateway), (&json!("allow"), &json!("permitted")));
    assert_eq!(last(&at_sidecar), (&json!("deny"), &json!("not-permitted")));
    assert_eq!(answer.decision_id().as_deref(), at_sidecar[1]["decision_id"].as_str());
}

fn the_sidecar_knows_only_the_evidence_that_the_gateway_hands_on(mesh: &Mesh<'_>) {
    let by_alice = |listener| Ask::get("/api/orders/7").by(ALICE).at(listener);
    mesh.ask(&by_alice("token-kept")).refused(401, "credential-missing");
    mesh.ask(&by_alice("posture-kept")).refused(401, "posture-missing");
}

fn a_client_of_the_sidecar_cannot_speak_for_the_gateway(mesh: &Mesh<'_>) {
    let claims = |ask: Ask| {
        let ask =
            ask.header("x-countersign-principal", r#"edge::User::"carol""#).header("x-countersign-issuer", "edge");
        ask.header("x-countersign-groups", "admins").header(ASKED_BY, "carol")
    };
    mesh.ask_sidecar(&claims(Ask::get("/api/orders/7"))).refused(401, "credential-missing");
    let received = mesh.ask_sidecar(&claims(Ask::get("/api/orders/7").by(ALICE))).allowed();
    assert_eq!(received.header("x-countersign-principal"), [r#"corp::User::"alice""#]);
    assert_eq!(received.header("x-countersign-groups"), ["engineering"]);
    assert_eq!(received.header(ASKED_BY), ["alice"]);
}
