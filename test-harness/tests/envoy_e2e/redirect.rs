//! What around the plugin would undo its decisions, seen in Envoy itself: each is a file that `countersign check` refuses.
//!
//! What passes here is not a promise but the reason for one: should Envoy change for the better, the check does no harm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use test_harness::envoy::Envoy;
use test_harness::http1::Connection;
use test_harness::paths;
use test_harness::services::REDIRECT;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, WORKERS, plugin_listener};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_second_pass_of_an_internal_redirect_is_judged_again_and_on_less_evidence,
    a_forbid_that_reads_posture_does_not_hold_on_a_second_pass_and_check_refuses_the_file,
    filters_of_an_upgrade_run_alone_and_check_refuses_the_file,
];

const MANAGER: &str = "/filter_chains/0/filters/0/typed_config";
const ROUTE: &str = "/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0/route";

/// An Envoy with the plugin under this configuration in a listener that is changed, and the file of it.
fn start(bench: &Bench, name: &str, configuration: &Value, change: impl Fn(&mut Value)) -> (Envoy, PathBuf) {
    let folder = bench.folder.join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let mut bootstrap = bench.example.clone();
    bootstrap.remove_listeners();
    let mut listener = plugin_listener(bench, "main", configuration);
    change(&mut listener);
    bootstrap.push_listener(listener);
    let envoy = Envoy::start(&bench.binary, &bootstrap, WORKERS, &folder).expect("envoy starts");
    (envoy, folder.join("bootstrap.json"))
}

fn with_internal_redirects(listener: &mut Value) {
    listener.pointer_mut(ROUTE).expect("a route")["internal_redirect_policy"] = json!({});
}

/// The check finds this, and nothing else that is an error.
fn is_refused_by_check(file: &Path, code: &str) {
    let mut command = Command::new(paths::command().expect("the command"));
    let output = command.arg("check").arg(file).output().expect("the command runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("error[{code}]")) && text.contains("1 configuration, 1 error,"), "{text}");
}

/// The evidence that the first pass did not forward is gone, and with it what was proved by it.
fn the_second_pass_of_an_internal_redirect_is_judged_again_and_on_less_evidence(bench: &Bench) {
    let configuration = bench.example.plugin_configuration();
    let (envoy, file) = start(bench, "redirect", &configuration, with_internal_redirects);
    let address = envoy.listener("main").expect("the listener is there");
    let redirected = |ask: Ask, to: &str| {
        let outcome = bench.ask_at(address, &ask.header(REDIRECT, to));
        // What the upstream got last.
        (outcome.answer.status, outcome.answer.code(), outcome.received.expect("the first pass").target)
    };
    let seen = redirected(Ask::get("/healthz"), "/healthz?again");
    assert_eq!(seen, (200, None, "/healthz?again".to_owned()));
    let seen = redirected(Ask::get("/healthz"), "/api/orders/7");
    assert_eq!(seen, (401, Some("credential-missing".to_owned()), "/healthz".to_owned()));
    let seen = redirected(Ask::get("/healthz"), "/api/unknown");
    assert_eq!(seen, (403, Some("route-unknown".to_owned()), "/healthz".to_owned()));
    let seen = redirected(Ask::get("/api/people/alice").by(ALICE), "/api/orders/7");
    assert_eq!(seen, (401, Some("posture-missing".to_owned()), "/api/people/alice".to_owned()));
    is_refused_by_check(&file, "internal-redirect");
}

fn a_forbid_that_reads_posture_does_not_hold_on_a_second_pass_and_check_refuses_the_file(bench: &Bench) {
    let mut configuration = bench.example.plugin_configuration();
    configuration["applications"]["shop"]["routes"]["orders"]["requires"] = json!(["corp"]);
    configuration["policies"] = json!(concat!(
        "@id(\"read\") permit (principal is corp::User, action in Action::\"read\", resource in Application::\"shop\");\n",
        "@id(\"risky\") @missing(\"ignore\") forbid (principal, action, resource == Route::\"shop/orders\")\n",
        "when { context has mdm && context.mdm.score < 30 };\n",
    ));
    let (envoy, file) = start(bench, "redirect-forbid", &configuration, with_internal_redirects);
    let address = envoy.listener("main").expect("the listener is there");
    let posture = Token::about("laptop-1").claim("score", json!(10)).sign();
    let risky = |path: &str| Ask::get(path).token(Token::of(ALICE).sign()).posture(&posture);
    bench.ask_at(address, &risky("/api/orders/7")).refused(403, "forbidden-by-policy");
    let around = bench.ask_at(address, &risky("/api/people/alice").header(REDIRECT, "/api/orders/7"));
    assert_eq!(around.allowed().target, "/api/orders/7");
    is_refused_by_check(&file, "internal-redirect");
}

fn filters_of_an_upgrade_run_alone_and_check_refuses_the_file(bench: &Bench) {
    let configuration = bench.example.plugin_configuration();
    let (envoy, file) = start(bench, "upgrade-chain", &configuration, |listener| {
        let manager = listener.pointer_mut(MANAGER).expect("a connection manager");
        let router = manager["http_filters"].as_array().and_then(|filters| filters.last()).cloned();
        manager["upgrade_configs"] = json!([{ "upgrade_type": "websocket", "filters": [router] }]);
    });
    let address = envoy.listener("main").expect("the listener is there");
    let ask = Ask::get("/events").header("connection", "upgrade").header("upgrade", "websocket");
    let (mut request, test_id) = bench.prepare(&ask);
    request.headers.retain(|(name, value)| name != "connection" || value == b"upgrade");
    let mut connection = Connection::open(address).expect("a connection");
    connection.send(&request.head()).expect("sent");
    assert_eq!(connection.answer(true).expect("an answer").status, 101);
    let received = bench.upstream.received(&test_id).expect("nobody judged it");
    assert!(received.header("x-countersign-principal").is_empty());
    // What does not upgrade is judged.
    bench.ask_at(address, &Ask::get("/events")).refused(401, "credential-missing");
    is_refused_by_check(&file, "upgrade-chain");
}
