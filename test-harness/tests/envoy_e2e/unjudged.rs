//! Requests that reach the upstream though no plugin judged them: the guard is not there, is switched off or is deceived.

use std::fs;

use crate::modules::GUARD;
use crate::modules::failing_worker::{MAIN_THREAD_CALLS, module};
use serde_json::{Value, json};
use test_harness::envoy::{Chain, guard_filter, wasm_filter};
use test_harness::http1::Connection;
use test_harness::services::Received;

use crate::bench::{Ask, Bench};
use crate::faults::{Fault, ask, example, http_filters, manager, route};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    without_a_guard_a_plugin_that_failed_is_passed_by,
    a_route_that_empties_the_guard_lets_a_plugin_that_failed_be_passed_by,
    a_filter_that_sets_the_guards_filter_state_opens_the_guard,
    a_route_that_disables_the_plugin_is_guarded_and_one_that_disables_both_is_open,
    filters_of_an_upgrade_run_alone,
    another_filter_chain_of_the_listener_judges_nothing,
    what_runs_until_the_plugin_is_discovered_judges_nothing,
];

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "failed-unguarded",
        findings: &["guard-missing"],
        listener: |bench| {
            let mut listener = failed(bench, "failed-unguarded");
            http_filters(&mut listener).retain(|filter| filter["name"] != RBAC);
            listener
        },
    },
    Fault {
        name: "failed-guard-emptied",
        findings: &["guard-overridden"],
        listener: |bench| {
            let mut listener = failed(bench, "failed-guard-emptied");
            route(&mut listener)["typed_per_filter_config"] = json!({ RBAC: emptied() });
            listener
        },
    },
    Fault {
        name: "failed-state-set",
        findings: &["guard-forged"],
        listener: |bench| {
            let mut listener = failed(bench, "failed-state-set");
            http_filters(&mut listener).insert(0, sets_the_state("http", "on_request_headers"));
            listener
        },
    },
    Fault {
        name: "failed-state-set-by-connection",
        findings: &["guard-forged"],
        listener: |bench| {
            let mut listener = failed(bench, "failed-state-set-by-connection");
            let filters = listener["filter_chains"][0]["filters"].as_array_mut().expect("filters");
            filters.insert(0, sets_the_state("network", "on_new_connection"));
            listener
        },
    },
    Fault {
        name: "off-by-route",
        findings: &["guard-overridden", "plugin-disabled", "plugin-disabled"],
        listener: |bench| {
            let mut listener = example(bench);
            let plugin_off = route(&mut listener);
            plugin_off["typed_per_filter_config"] = json!({ WASM: disabled() });
            let mut both_off = plugin_off.clone();
            both_off["match"] = json!({ "prefix": "/api/orders/" });
            both_off["typed_per_filter_config"] = json!({ WASM: disabled(), RBAC: disabled() });
            let routes = manager(&mut listener).pointer_mut("/route_config/virtual_hosts/0/routes");
            routes.and_then(Value::as_array_mut).expect("routes").insert(0, both_off);
            listener
        },
    },
    Fault {
        name: "upgrade-chain",
        findings: &["upgrade-chain"],
        listener: |bench| {
            let mut listener = example(bench);
            let router = http_filters(&mut listener).last().cloned();
            manager(&mut listener)["upgrade_configs"] = json!([{ "upgrade_type": "websocket", "filters": [router] }]);
            listener
        },
    },
    Fault {
        name: "second-chain",
        findings: &["chain-without-plugin"],
        listener: |bench| {
            let mut listener = example(bench);
            let mut unfiltered = listener.clone();
            let filters = http_filters(&mut unfiltered);
            filters.drain(..filters.len() - 1);
            let mut chain = unfiltered["filter_chains"][0].clone();
            chain["filter_chain_match"] = json!({ "application_protocols": ["h2c"] });
            listener["filter_chains"].as_array_mut().expect("chains").push(chain);
            listener["listener_filters"] = json!([{
                "name": "envoy.filters.listener.http_inspector",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector"
                }
            }]);
            listener
        },
    },
    Fault {
        name: "discovered-later",
        findings: &["plugin-disabled", "plugin-unseen"],
        listener: |bench| discovered_later(bench, false),
    },
    Fault {
        name: "discovered-later-guarded",
        findings: &["plugin-disabled", "plugin-unseen"],
        listener: |bench| discovered_later(bench, true),
    },
];

const WASM: &str = "envoy.filters.http.wasm";
const RBAC: &str = "envoy.filters.http.rbac";

/// The example's configuration in a plugin that fails on every worker, and its guard.
fn failed(bench: &Bench, name: &str) -> Value {
    let file = bench.folder.join(format!("{name}.wasm"));
    fs::write(&file, module(MAIN_THREAD_CALLS).expect("WebAssembly")).expect("written");
    let mut configuration = bench.example.plugin_configuration();
    configuration["guard"] = json!({ "name": GUARD });
    bench.example.listener(&Chain {
        name: name.to_owned(),
        cluster: "upstream".to_owned(),
        filters: vec![wasm_filter(name, &file, &configuration), guard_filter(GUARD)],
    })
}

/// The example with a plugin that is not delivered yet, and a filter in its place that does nothing.
fn discovered_later(bench: &Bench, guarded: bool) -> Value {
    let file = bench.folder.join("nothing-discovered.json");
    fs::write(&file, json!({ "resources": [] }).to_string()).expect("written");
    let buffer = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer";
    let mut listener = example(bench);
    http_filters(&mut listener)[0] = json!({
        "name": "countersign",
        "config_discovery": {
            "config_source": { "path_config_source": { "path": file }, "resource_api_version": "V3" },
            "default_config": { "@type": buffer, "max_request_bytes": 1024 },
            "apply_default_config_without_warming": true,
            "type_urls": [buffer, "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"]
        }
    });
    http_filters(&mut listener).retain(|filter| guarded || filter["name"] != RBAC);
    listener
}

fn disabled() -> Value {
    json!({ "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true })
}

fn emptied() -> Value {
    json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute" })
}

/// A filter that sets what the guard demands, for everybody.
fn sets_the_state(kind: &str, when: &str) -> Value {
    json!({
        "name": "state",
        "typed_config": {
            "@type": format!("type.googleapis.com/envoy.extensions.filters.{kind}.set_filter_state.v3.Config"),
            when: [{
                "object_key": format!("wasm.{GUARD}"),
                "factory_key": "envoy.string",
                "format_string": { "text_format_source": { "inline_string": "allow" } }
            }]
        }
    })
}

/// A request without a credential that claims to be root.
fn by_nobody() -> Ask {
    Ask::get("/api/orders/7").header("x-countersign-principal", "root")
}

/// The upstream got what the client claimed.
fn passed_unseen(received: &Received) {
    assert_eq!(received.target, "/api/orders/7");
    assert_eq!(received.header("x-countersign-principal"), ["root"]);
}

fn without_a_guard_a_plugin_that_failed_is_passed_by(bench: &Bench) {
    passed_unseen(&ask(bench, "failed-unguarded", &by_nobody()).allowed());
}

fn a_route_that_empties_the_guard_lets_a_plugin_that_failed_be_passed_by(bench: &Bench) {
    passed_unseen(&ask(bench, "failed-guard-emptied", &by_nobody()).allowed());
}

fn a_filter_that_sets_the_guards_filter_state_opens_the_guard(bench: &Bench) {
    for fault in ["failed-state-set", "failed-state-set-by-connection"] {
        passed_unseen(&ask(bench, fault, &by_nobody()).allowed());
    }
}

fn a_route_that_disables_the_plugin_is_guarded_and_one_that_disables_both_is_open(bench: &Bench) {
    let guarded = ask(bench, "off-by-route", &Ask::get("/healthz"));
    assert_eq!((guarded.answer.status, guarded.answer.body.as_slice()), (403, b"RBAC: access denied".as_slice()));
    assert_eq!(guarded.received, None);
    passed_unseen(&ask(bench, "off-by-route", &by_nobody()).allowed());
}

fn filters_of_an_upgrade_run_alone(bench: &Bench) {
    let address = bench.faults().listener("upgrade-chain");
    let (mut request, test_id) =
        bench.prepare(&by_nobody().header("connection", "upgrade").header("upgrade", "websocket"));
    request.headers.retain(|(name, value)| name != "connection" || value == b"upgrade");
    let mut connection = Connection::open(address).expect("a connection");
    connection.send(&request.head()).expect("sent");
    assert_eq!(connection.answer(true).expect("an answer").status, 101);
    passed_unseen(&bench.upstream.received(&test_id).expect("nobody judged it"));
    // What does not upgrade is judged.
    bench.ask_at(address, &by_nobody()).refused(401, "credential-missing");
}

/// A client of HTTP/2 reaches the other chain.
fn another_filter_chain_of_the_listener_judges_nothing(bench: &Bench) {
    ask(bench, "second-chain", &by_nobody()).refused(401, "credential-missing");
    passed_unseen(&ask(bench, "second-chain", &by_nobody().http2(&[])).allowed());
}

fn what_runs_until_the_plugin_is_discovered_judges_nothing(bench: &Bench) {
    passed_unseen(&ask(bench, "discovered-later", &by_nobody()).allowed());
    let guarded = ask(bench, "discovered-later-guarded", &by_nobody());
    assert_eq!((guarded.answer.status, guarded.received), (403, None), "the guard holds");
}
