//! Calls between Envoy and the module that a configuration cuts off, and the list of those that the module needs.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value, json};
use test_harness::envoy::{Chain, guard_filter, wasm_filter};
use test_harness::tokens::ALICE;
use wasmparser::{Parser, Payload};

use crate::bench::{Ask, Bench};
use crate::faults::{Fault, ask, check};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_calls_that_check_demands_are_all_that_the_module_needs,
    with_the_calls_that_check_demands_the_plugin_works,
    a_callback_that_is_cut_off_lets_requests_pass_unseen,
    a_call_that_is_cut_off_refuses_what_was_allowed,
];

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "callback-cut-off",
        findings: &["capability-missing", "guard-missing"],
        listener: |bench| without("callback-cut-off", bench, "proxy_on_request_headers", false),
    },
    Fault {
        name: "callback-cut-off-guarded",
        findings: &["capability-missing"],
        listener: |bench| without("callback-cut-off-guarded", bench, "proxy_on_request_headers", true),
    },
    Fault {
        name: "guard-cut-off",
        findings: &["capability-missing"],
        listener: |bench| without("guard-cut-off", bench, "proxy_set_property", true),
    },
    Fault {
        name: "removal-cut-off",
        findings: &["capability-missing"],
        listener: |bench| without("removal-cut-off", bench, "proxy_remove_header_map_value", true),
    },
];

/// What the module imports or exports and the plugin can do without. A new call of the module's has to be put here or
/// among those that `countersign check` demands.
const UNNEEDED: [&str; 17] = [
    // Of the SDK, for calls in gRPC.
    "proxy_grpc_call",
    "proxy_grpc_stream",
    "proxy_grpc_send",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_get_status",
    // Of the SDK for what this plugin leaves as it is.
    "proxy_on_vm_start",
    "proxy_done",
    "proxy_set_buffer_bytes",
    "proxy_get_header_map_value",
    "proxy_add_header_map_value",
    "proxy_set_header_map_pairs",
    "proxy_close_stream",
    // Of the standard library, in a panic.
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "proc_exit",
];

/// Exports that Envoy looks up whatever is allowed.
const UNRESTRICTED: [&str; 2] = ["proxy_abi_version_0_2_1", "proxy_on_memory_allocate"];

/// The example's plugin in a VM of its own, with these capabilities.
pub fn restricted(name: &str, bench: &Bench, allowed: &BTreeSet<String>, guarded: bool) -> Value {
    let configuration = bench.example.plugin_configuration();
    let mut filter = wasm_filter(name, &bench.module, &configuration);
    let allowed: Map<String, Value> = allowed.iter().map(|name| (name.clone(), json!({}))).collect();
    filter["typed_config"]["config"]["capability_restriction_config"] = json!({ "allowed_capabilities": allowed });
    let mut filters = vec![filter];
    filters.extend(guarded.then(|| guard_filter("countersign")));
    bench.example.listener(&Chain { name: "main".to_owned(), cluster: "upstream".to_owned(), filters })
}

fn without(name: &str, bench: &Bench, capability: &str, guarded: bool) -> Value {
    let mut allowed = demanded(bench, name);
    assert!(allowed.remove(capability), "{capability} is needed");
    restricted(name, bench, &allowed, guarded)
}

/// What `countersign check` says to allow where hardly anything is, by a file of the one who asks.
pub fn demanded(bench: &Bench, name: &str) -> BTreeSet<String> {
    let allowed = BTreeSet::from(["proxy_get_status".to_owned()]);
    let bootstrap = bench.bootstrap_with([restricted(name, bench, &allowed, true)]);
    let file = bench.folder.join(format!("{name}-demanded.yaml"));
    fs::write(&file, bootstrap.text().expect("it is prepared")).expect("written");
    let report = check(&file).expect("the check");
    report.lines().filter_map(|line| Some(line.trim().strip_suffix(": {}")?.to_owned())).collect()
}

fn the_calls_that_check_demands_are_all_that_the_module_needs(bench: &Bench) {
    let module = fs::read(&bench.module).expect("the module");
    let mut calls = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&module) {
        match payload.expect("a module") {
            Payload::ImportSection(imports) => {
                calls.extend(imports.into_imports().map(|import| import.expect("an import").name.to_owned()));
            }
            Payload::ExportSection(exports) => {
                calls.extend(exports.into_iter().map(|export| export.expect("an export").name.to_owned()));
            }
            _ => {}
        }
    }
    calls.retain(|name| !UNRESTRICTED.contains(&name.as_str()) && !["memory", "_initialize"].contains(&name.as_str()));
    let unneeded: BTreeSet<String> = UNNEEDED.iter().map(|name| (*name).to_owned()).collect();
    let demanded = demanded(bench, "list");
    assert!(demanded.is_disjoint(&unneeded), "{:?}", demanded.intersection(&unneeded));
    assert_eq!(calls, &demanded | &unneeded);
}

fn with_the_calls_that_check_demands_the_plugin_works(bench: &Bench) {
    let envoy = bench.envoy_with("capabilities", [restricted("capabilities", bench, &demanded(bench, "works"), true)]);
    let report = check(&envoy.configuration()).expect("the check");
    assert!(report.ends_with("1 configuration, 0 errors, 0 warnings\n"), "{report}");
    let address = envoy.listener("main").expect("the listener is there");
    let received = bench.ask_at(address, &Ask::get("/api/orders/7").by(ALICE).header("x-countersign-subject", "root"));
    assert_eq!(received.allowed().header("x-countersign-subject"), ["alice"]);
    bench.ask_at(address, &Ask::get("/healthz")).allowed();
    bench.ask_at(address, &Ask::get("/api/orders/7")).refused(401, "credential-missing");
    assert!(!envoy.log().contains("restricted"), "no call was cut off: {}", envoy.log());
}

fn a_callback_that_is_cut_off_lets_requests_pass_unseen(bench: &Bench) {
    let by_nobody = Ask::get("/api/orders/7").header("x-countersign-principal", "root");
    let received = ask(bench, "callback-cut-off", &by_nobody).allowed();
    assert_eq!(received.header("x-countersign-principal"), ["root"]);
    let guarded = ask(bench, "callback-cut-off-guarded", &by_nobody);
    assert_eq!((guarded.answer.status, guarded.received), (403, None), "the guard holds");
}

/// The SDK panics on the status that a restricted call gives, so Envoy answers in place of the plugin.
fn a_call_that_is_cut_off_refuses_what_was_allowed(bench: &Bench) {
    for fault in ["guard-cut-off", "removal-cut-off"] {
        let outcome = ask(bench, fault, &Ask::get("/api/orders/7").by(ALICE));
        assert_eq!((outcome.answer.status, outcome.received), (503, None), "{fault}");
    }
}
