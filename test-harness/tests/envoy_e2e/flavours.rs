//! The two modules: what the other one than the scenarios' own decides in the same Envoy, and what each refuses to load.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use test_harness::envoy::{Chain, Envoy, guard_filter, prepare_for_lean, wasm_filter};
use test_harness::paths;
use test_harness::tokens::{ALICE, BOB, CAROL};

use crate::bench::{Ask, Bench};
use crate::caps::{decide_the_deepest, deepest_configuration};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_other_module_decides_alike_in_this_envoy,
    the_lean_module_refuses_policies_as_text_and_says_what_to_run,
    both_modules_refuse_policies_that_were_prepared_with_another_configuration,
];

fn listener(bench: &Bench, name: &str, module: &Path, configuration: &Value) -> Value {
    bench.example.listener(&Chain {
        name: name.to_owned(),
        cluster: "upstream".to_owned(),
        filters: vec![wasm_filter("flavour", module, configuration), guard_filter("countersign")],
    })
}

fn the_other_module_decides_alike_in_this_envoy(bench: &Bench) {
    let configuration = bench.example.plugin_configuration();
    let listeners = [("main", configuration), ("deep", deepest_configuration())]
        .map(|(name, configuration)| listener(bench, name, &bench.other_module, &configuration));
    let envoy = bench.envoy_with("other-module", listeners);
    let [address, deep] = ["main", "deep"].map(|name| envoy.listener(name).expect("the listener is there"));
    decide_the_deepest(|ask| bench.ask_at(deep, &ask));
    let ask = |ask: &Ask| [bench.ask_at(address, ask), bench.ask(ask)];
    for outcome in ask(&Ask::get("/healthz")).into_iter().chain(ask(&Ask::get("/api/orders/7").by(ALICE))) {
        outcome.allowed();
    }
    for outcome in ask(&Ask::new("PUT", "/api/orders/7").by(CAROL)) {
        assert_eq!(outcome.allowed().header("x-countersign-subject"), ["carol"]);
    }
    for outcome in ask(&Ask::new("PUT", "/api/orders/7").by(ALICE)) {
        outcome.refused(403, "not-permitted");
    }
    for outcome in ask(&Ask::get("/api/people/carol").by(BOB)) {
        outcome.refused(403, "not-permitted");
    }
    for outcome in ask(&Ask::get("/api/orders/7")) {
        outcome.refused(401, "credential-missing");
    }
}

/// What Envoy says of a module under another name, whose configuration is not prepared by the harness.
fn validate(bench: &Bench, module: &Path, name: &str, configuration: &Value) -> Output {
    let folder = bench.folder.join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let copy: PathBuf = folder.join("module.wasm");
    fs::copy(module, &copy).expect("copied");
    let bootstrap = bench.bootstrap_with([listener(bench, "main", &copy, configuration)]);
    Envoy::validate(&bench.binary, &bootstrap, &folder).expect("envoy runs")
}

fn refused(output: &Output, texts: &[&str]) {
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{log}");
    texts.iter().for_each(|text| assert!(log.contains(text), "{text} is not in {log}"));
}

fn the_lean_module_refuses_policies_as_text_and_says_what_to_run(bench: &Bench) {
    let lean = paths::lean_module().expect("the module");
    let output = validate(bench, &lean, "lean-with-text", &bench.example.plugin_configuration());
    refused(&output, &["/policies", "policy-text", "countersign prepare"]);
}

fn both_modules_refuse_policies_that_were_prepared_with_another_configuration(bench: &Bench) {
    let mut filter =
        wasm_filter("flavour", &paths::lean_module().expect("the module"), &bench.example.plugin_configuration());
    prepare_for_lean(&mut filter).expect("the command runs");
    let text = filter["typed_config"]["config"]["configuration"]["value"].as_str().expect("JSON");
    let prepared: Value = serde_json::from_str(text).expect("JSON");
    let mut changed = prepared.clone();
    changed["applications"]["shop"]["routes"]["health"]["path"] = json!("/health");
    for (name, module) in [("own-module", &bench.module), ("other-module", &bench.other_module)] {
        let output = validate(bench, module, &format!("prepared-{name}"), &prepared);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = validate(bench, module, &format!("changed-{name}"), &changed);
        refused(&output, &["/policies/prepared", "prepared-context", "countersign prepare"]);
    }
}
