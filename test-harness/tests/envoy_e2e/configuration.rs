//! Several configurations in one Envoy, and what happens to a wrong one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use test_harness::clock::Deadline;
use test_harness::envoy::{Bootstrap, Envoy, prepare_for_lean};
use test_harness::services::device_provider::MDM_KEYS;
use test_harness::services::identity_provider::{CORP_KEYS, MACHINES_KEYS, OPENID_CONFIGURATION};
use test_harness::tokens::{ALICE, CAROL, REPORTER, Token};

use crate::bench::{Ask, Bench, WORKERS, plugin_listener};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_module_imports_nothing_but_the_hosts_calls_and_wasi,
    the_example_fetches_the_keys_of_all_its_providers,
    two_configurations_of_one_module_do_not_mix,
    two_plugins_in_one_chain_must_both_allow,
    a_wrong_configuration_is_rejected_with_its_faults_in_the_log_and_the_old_one_is_kept,
    envoy_validates_a_configuration_without_listening,
];

fn the_module_imports_nothing_but_the_hosts_calls_and_wasi(bench: &Bench) {
    let module = fs::read(&bench.module).expect("the module");
    let mut foreign = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&module) {
        if let wasmparser::Payload::ImportSection(imports) = payload.expect("a module") {
            for import in imports.into_imports() {
                let import = import.expect("an import");
                let known = match import.module {
                    "env" => import.name.starts_with("proxy_"),
                    module => module == "wasi_snapshot_preview1",
                };
                if !known {
                    foreign.push(format!("{}.{}", import.module, import.name));
                }
            }
        }
    }
    assert!(foreign.is_empty(), "{foreign:?}");
}

fn the_example_fetches_the_keys_of_all_its_providers(bench: &Bench) {
    bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
    bench.ask(&Ask::get("/api/report").by(REPORTER)).allowed();
    for (provider, path, authority) in [
        (&bench.keys.login, OPENID_CONFIGURATION, "login.example.com"),
        (&bench.keys.login, CORP_KEYS, "login.example.com"),
        (&bench.keys.login, MACHINES_KEYS, "machines.example.com"),
        (&bench.keys.devices, MDM_KEYS, "mdm.example.com"),
    ] {
        let visits = provider.visits(path);
        assert!(!visits.is_empty() && visits.iter().all(|visit| visit.authority == authority), "{path}: {visits:?}");
    }
}

fn two_configurations_of_one_module_do_not_mix(bench: &Bench) {
    let strict_token =
        Token::of(ALICE).claim("azp", json!("shop-web")).claim("tier", json!("gold")).claim("level", json!(1)).sign();
    for _ in 0..2 * WORKERS {
        bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
        bench.ask(&Ask::get("/things/1").strict().token(&strict_token)).allowed();
        bench.ask(&Ask::get("/things/1").strict().by(ALICE)).refused(401, "token-pin");
        bench.ask(&Ask::get("/healthz").at("strict")).refused(403, "application-unknown");
    }
}

fn two_plugins_in_one_chain_must_both_allow(bench: &Bench) {
    let outcome = bench.ask(&Ask::get("/api/orders/7").by(CAROL).at("two"));
    assert_eq!(outcome.allowed().header("x-countersign-subject"), ["carol"]);
    bench.ask(&Ask::get("/api/orders/7").by(ALICE).at("two")).refused(403, "not-permitted");
    bench.ask(&Ask::new("POST", "/api/orders/7").by(CAROL).at("two")).refused(403, "method-not-listed");
    bench.ask(&Ask::get("/healthz").at("two")).refused(401, "credential-missing");
}

/// A listener `live` with this plugin configuration, where Envoy looks for it. The file is moved into place, as Envoy wants it.
pub fn publish(bench: &Bench, file: &Path, configuration: &Value) {
    let mut resource = plugin_listener(bench, "live", configuration);
    resource["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    prepare_for_lean(&mut resource).expect("the command runs");
    let next = file.with_extension("next");
    fs::write(&next, json!({ "resources": [resource] }).to_string()).expect("written");
    fs::rename(&next, file).expect("moved");
}

/// An Envoy whose only listener is in a file, to be replaced while it runs.
pub struct Watched {
    /// Its own folder.
    pub folder: PathBuf,
    /// The file, for [`publish`].
    pub file: PathBuf,
    /// The example with its listeners from that file.
    pub bootstrap: Bootstrap,
}

impl Watched {
    /// With this configuration of the plugin at first, in a folder of this name.
    pub fn new(bench: &Bench, name: &str, configuration: &Value) -> Self {
        let folder = bench.folder.join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("listeners.json");
        publish(bench, &file, configuration);
        let mut bootstrap = bench.example.clone();
        bootstrap.listeners_from_file(&file);
        Self { folder, file, bootstrap }
    }
}

fn a_wrong_configuration_is_rejected_with_its_faults_in_the_log_and_the_old_one_is_kept(bench: &Bench) {
    let good = bench.example.plugin_configuration();
    let Watched { folder, file, bootstrap } = Watched::new(bench, "live", &good);
    let envoy = Envoy::start(&bench.binary, &bootstrap, WORKERS, &folder).expect("envoy starts");
    let address = envoy.listener("live").expect("the listener is there");
    let health = || bench.ask_at(address, &Ask::get("/healthz"));
    health().allowed();

    for (rejected, fault) in [(1, "audiences"), (2, "version")] {
        let mut wrong = good.clone();
        match fault {
            "audiences" => wrong["issuers"]["corp"]["audiences"] = json!([]),
            _ => wrong["version"] = json!(2),
        }
        publish(bench, &file, &wrong);
        envoy.wait_for_stat("listener_manager.lds.update_rejected", rejected).expect("envoy rejects it");
        assert!(envoy.log().contains(fault), "the log does not say what is wrong: {}", envoy.log());
        health().allowed();
        bench.ask_at(address, &Ask::get("/api/orders/7").by(ALICE)).allowed();
    }

    let mut closed = good.clone();
    closed["policies"] = json!("");
    publish(bench, &file, &closed);
    envoy.wait_for_stat("listener_manager.lds.update_success", 2).expect("envoy takes it");
    let deadline = Deadline::after(std::time::Duration::from_secs(10));
    let taken = deadline.poll(|| (health().answer.status == 401).then_some(()));
    assert!(taken.is_some(), "a good configuration after wrong ones is not in force");
    publish(bench, &file, &good);
    let deadline = Deadline::after(std::time::Duration::from_secs(10));
    let taken = deadline.poll(|| (health().answer.status == 200).then_some(()));
    assert!(taken.is_some(), "the first configuration is not in force again");
}

fn envoy_validates_a_configuration_without_listening(bench: &Bench) {
    let good = bench.example.plugin_configuration();
    let mut wrong = good.clone();
    wrong["issuer"] = json!({});
    for (configuration, succeeds) in [(good, true), (wrong, false)] {
        let output = bench.validate("validate", &configuration);
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), succeeds, "{log}");
        assert!(succeeds || log.contains("/issuer"), "{log}");
    }
}
