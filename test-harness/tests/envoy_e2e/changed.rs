//! Requests that are changed after the decision: the upstream gets another one than was judged.

use serde_json::{Value, json};
use test_harness::tokens::ALICE;

use crate::bench::{Ask, Bench};
use crate::faults::{Fault, ask, example, http_filters, manager, route};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_filter_after_the_plugin_changes_the_path_that_was_judged,
    a_filter_after_the_plugin_has_the_route_chosen_anew,
    a_filter_or_a_route_after_the_plugin_changes_who_asks,
    a_route_takes_the_host_from_the_request,
    a_route_writes_another_path_than_was_judged,
    a_route_writes_another_host_than_was_judged,
];

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "path-rewritten",
        findings: &["filter-unacknowledged"],
        listener: |bench| with_last_filter(example(bench), script("handle:headers():replace(':path', path)")),
    },
    Fault {
        name: "route-chosen-anew",
        findings: &["filter-unacknowledged"],
        listener: |bench| {
            let rewrite = script("handle:headers():replace(':path', path) handle:clearRouteCache()");
            let mut listener = with_last_filter(example(bench), rewrite);
            // Health is answered by Envoy itself, so what a client may ask for without a token never reaches the upstream.
            let health = json!({ "match": { "path": "/healthz" }, "direct_response": { "status": 204 } });
            let routes = manager(&mut listener).pointer_mut("/route_config/virtual_hosts/0/routes");
            routes.and_then(Value::as_array_mut).expect("routes").insert(0, health);
            listener
        },
    },
    Fault {
        name: "identity-mutated",
        findings: &["filter-unacknowledged", "identity-header-changed"],
        listener: |bench| with_last_filter(example(bench), mutation(SUBJECT, "%REQ(x-claimed)%")),
    },
    Fault {
        name: "identity-mutated-behind-the-router",
        findings: &["filter-unacknowledged", "identity-header-changed"],
        listener: |bench| {
            let mut listener = example(bench);
            let codec = json!({
                "name": "envoy.filters.http.upstream_codec",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
                }
            });
            let router = http_filters(&mut listener).last_mut().expect("a router");
            router["typed_config"]["upstream_http_filters"] = json!([mutation(SUBJECT, "%REQ(x-claimed)%"), codec]);
            listener
        },
    },
    Fault {
        name: "identity-set-by-route",
        findings: &["identity-header-changed"],
        listener: |bench| {
            let mut listener = example(bench);
            route(&mut listener)["request_headers_to_add"] = json!([replaced(SUBJECT, "%REQ(x-claimed)%")]);
            listener
        },
    },
    Fault {
        name: "host-from-request",
        findings: &["request-picks-target"],
        listener: |bench| {
            let mut listener = example(bench);
            route(&mut listener)["route"]["host_rewrite_header"] = json!("x-target-host");
            listener
        },
    },
    Fault {
        name: "prefix-rewritten",
        findings: &["request-rewritten"],
        listener: |bench| {
            let mut listener = example(bench);
            route(&mut listener)["match"] = json!({ "prefix": "/healthz" });
            route(&mut listener)["route"]["prefix_rewrite"] = json!("/api/orders/7");
            listener
        },
    },
    Fault {
        name: "pattern-rewritten",
        findings: &["request-rewritten"],
        listener: |bench| {
            let mut listener = example(bench);
            route(&mut listener)["route"]["regex_rewrite"] =
                json!({ "pattern": { "regex": "^/healthz$" }, "substitution": "/api/orders/7" });
            listener
        },
    },
    Fault {
        name: "host-rewritten",
        findings: &["request-rewritten"],
        listener: |bench| {
            let mut listener = example(bench);
            route(&mut listener)["route"]["host_rewrite_literal"] = json!("admin.example.com");
            listener
        },
    },
];

const SUBJECT: &str = "x-countersign-subject";

/// A filter just before the router.
fn with_last_filter(mut listener: Value, filter: Value) -> Value {
    let filters = http_filters(&mut listener);
    filters.insert(filters.len() - 1, filter);
    listener
}

/// A filter that does this where the request names a `path` in `x-path`.
fn script(then: &str) -> Value {
    json!({
        "name": "script",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": { "inline_string": format!(
                "function envoy_on_request(handle)\n  local path = handle:headers():get('x-path')\n  if path then {then} end\nend\n"
            ) }
        }
    })
}

fn replaced(header: &str, value: &str) -> Value {
    json!({ "header": { "key": header, "value": value }, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" })
}

fn mutation(header: &str, value: &str) -> Value {
    json!({
        "name": "mutation",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": { "request_mutations": [{ "append": replaced(header, value) }] }
        }
    })
}

fn a_filter_after_the_plugin_changes_the_path_that_was_judged(bench: &Bench) {
    ask(bench, "path-rewritten", &Ask::get("/api/orders/7")).refused(401, "credential-missing");
    let received = ask(bench, "path-rewritten", &Ask::get("/healthz").header("x-path", "/api/orders/7")).allowed();
    assert_eq!(received.target, "/api/orders/7");
}

fn a_filter_after_the_plugin_has_the_route_chosen_anew(bench: &Bench) {
    let health = ask(bench, "route-chosen-anew", &Ask::get("/healthz"));
    assert_eq!((health.answer.status, health.received), (204, None));
    let received = ask(bench, "route-chosen-anew", &Ask::get("/healthz").header("x-path", "/api/orders/7")).allowed();
    assert_eq!(received.target, "/api/orders/7");
}

fn a_filter_or_a_route_after_the_plugin_changes_who_asks(bench: &Bench) {
    for fault in ["identity-mutated", "identity-mutated-behind-the-router", "identity-set-by-route"] {
        let claimed = Ask::get("/api/orders/7").by(ALICE).header("x-claimed", "root");
        assert_eq!(ask(bench, fault, &claimed).allowed().header(SUBJECT), ["root"], "{fault}");
    }
}

fn a_route_takes_the_host_from_the_request(bench: &Bench) {
    let elsewhere = Ask::get("/healthz").header("x-target-host", "admin.example.com");
    ask(bench, "host-from-request", &elsewhere.clone().host("admin.example.com")).refused(403, "application-unknown");
    assert_eq!(ask(bench, "host-from-request", &elsewhere).allowed().header("host"), ["admin.example.com"]);
}

fn a_route_writes_another_path_than_was_judged(bench: &Bench) {
    for fault in ["prefix-rewritten", "pattern-rewritten"] {
        assert_eq!(ask(bench, fault, &Ask::get("/healthz")).allowed().target, "/api/orders/7", "{fault}");
    }
    ask(bench, "pattern-rewritten", &Ask::get("/api/orders/7")).refused(401, "credential-missing");
}

fn a_route_writes_another_host_than_was_judged(bench: &Bench) {
    let elsewhere = Ask::get("/healthz").host("admin.example.com");
    ask(bench, "host-rewritten", &elsewhere).refused(403, "application-unknown");
    assert_eq!(ask(bench, "host-rewritten", &Ask::get("/healthz")).allowed().header("host"), ["admin.example.com"]);
}
