//! Ways to the upstream past the plugin, ways from the plugin to another one, and answers that are not the plugin's.

use std::time::Duration;

use serde_json::{Value, json};
use test_harness::clock::Deadline;
use test_harness::tokens::ALICE;

use crate::bench::{Ask, Bench};
use crate::faults::{ELSEWHERE, Fault, SAME_UPSTREAM, ask, example, http_filters, manager, route};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    another_cluster_leads_to_the_same_upstream_past_the_plugin,
    a_copy_of_a_request_goes_elsewhere_with_its_token,
    a_local_reply_takes_the_place_of_a_refusal,
    a_cache_before_the_plugin_passes_it_by,
];

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "same-endpoint",
        findings: &["upstream-otherwise"],
        listener: |bench| without_plugin(bench, json!({ "cluster": SAME_UPSTREAM })),
    },
    Fault {
        name: "any-cluster",
        findings: &["upstream-otherwise"],
        listener: |bench| without_plugin(bench, json!({ "cluster_header": "x-cluster" })),
    },
    Fault {
        name: "same-endpoint-by-connection",
        findings: &["upstream-otherwise"],
        listener: |bench| {
            let mut listener = example(bench);
            listener["filter_chains"][0]["filters"] = json!([{
                "name": "tcp",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                    "stat_prefix": "tcp",
                    "cluster": SAME_UPSTREAM
                }
            }]);
            listener
        },
    },
    Fault {
        name: "mirrored",
        findings: &["request-mirrored"],
        listener: |bench| {
            let mut listener = example(bench);
            route(&mut listener)["route"]["request_mirror_policies"] = json!([{ "cluster": ELSEWHERE }]);
            listener
        },
    },
    Fault {
        name: "cached",
        findings: &["cached-unjudged"],
        listener: |bench| {
            let mut listener = example(bench);
            http_filters(&mut listener).insert(0, json!({
                "name": "cache",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.cache.v3.CacheConfig",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig"
                    }
                }
            }));
            listener
        },
    },
    Fault {
        name: "reply-replaced",
        findings: &["answer-replaced", "answer-replaced"],
        listener: |bench| {
            let mut listener = example(bench);
            let refused = json!({ "op": "EQ", "value": { "default_value": 401, "runtime_key": "none" } });
            manager(&mut listener)["local_reply_config"] = json!({ "mappers": [{
                "filter": { "status_code_filter": { "comparison": refused } },
                "status_code": 200,
                "body": { "inline_string": "welcome" }
            }] });
            listener
        },
    },
];

/// The example with its router alone, and this in its route.
fn without_plugin(bench: &Bench, action: Value) -> Value {
    let mut listener = example(bench);
    let filters = http_filters(&mut listener);
    filters.drain(..filters.len() - 1);
    route(&mut listener)["route"] = action;
    listener
}

fn another_cluster_leads_to_the_same_upstream_past_the_plugin(bench: &Bench) {
    let by_nobody = Ask::get("/api/orders/7").header("x-countersign-principal", "root").header("x-cluster", "upstream");
    for fault in ["same-endpoint", "any-cluster", "same-endpoint-by-connection"] {
        let received = ask(bench, fault, &by_nobody).allowed();
        assert_eq!(received.header("x-countersign-principal"), ["root"], "{fault}");
    }
}

fn a_copy_of_a_request_goes_elsewhere_with_its_token(bench: &Bench) {
    let faults = bench.faults();
    let address = faults.listener("mirrored");
    let ask = Ask::get("/api/orders/7").by(ALICE);
    let (request, test_id) = bench.prepare(&ask);
    let answer = request.send(address).expect("an answer");
    let received = bench.outcome(answer, &test_id, &ask).allowed();
    let copy = Deadline::after(Duration::from_secs(10)).poll(|| faults.elsewhere.received(&test_id)).expect("the copy");
    assert_eq!(copy.header("host"), ["shop.example.com-shadow"]);
    for name in ["authorization", "x-countersign-subject"] {
        assert!(!copy.header(name).is_empty(), "{name}");
        assert_eq!(copy.header(name), received.header(name), "{name}");
    }
}

fn a_local_reply_takes_the_place_of_a_refusal(bench: &Bench) {
    let outcome = ask(bench, "reply-replaced", &Ask::get("/api/orders/7"));
    assert_eq!((outcome.answer.status, outcome.answer.body.as_slice()), (200, b"welcome".as_slice()));
    assert_eq!(outcome.received, None);
    ask(bench, "reply-replaced", &Ask::get("/healthz").host("other.example.com")).refused(403, "application-unknown");
}

/// Envoy's cache asks the upstream itself, past all filters behind it. Requests with `Authorization` it leaves alone.
fn a_cache_before_the_plugin_passes_it_by(bench: &Bench) {
    let forged = Ask::get("/api/orders/7").header("x-countersign-principal", "root");
    let received = ask(bench, "cached", &forged).allowed();
    assert_eq!(received.header("x-countersign-principal"), ["root"]);
    ask(bench, "cached", &forged.header("authorization", "Bearer none")).refused(401, "token-malformed");
}
