//! The command line decides as the module does, for both go through the same door.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use serde_json::{Value, json};
use test_harness::keys::with_inline_keys;
use test_harness::paths;
use test_harness::tokens::{ALICE, BOB, CAROL, REPORTER};

use crate::bench::{Ask, Bench, strict_configuration};
use crate::refusals::{self, Case};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_command_line_refuses_what_envoy_refuses_and_for_the_same_reason,
    the_command_line_gives_the_upstream_what_envoy_gives_it,
    the_command_line_takes_from_the_upstream_what_envoy_takes_from_it,
];

/// Bytes as a request line has them: text, or base64 where they are not UTF-8.
fn written(bytes: &[u8]) -> Value {
    match str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": base64::engine::general_purpose::STANDARD.encode(bytes) }),
    }
}

fn line(id: usize, ask: &Ask) -> Value {
    let headers: Vec<Value> =
        ask.headers.iter().map(|(name, value)| json!([name.to_ascii_lowercase(), written(value)])).collect();
    json!({
        "id": id.to_string(), "method": ask.method, "path": written(&ask.target), "authority": written(&ask.host),
        "headers": headers, "source_address": "127.0.0.1:40000",
    })
}

/// What the command answers to these requests, in their order.
fn eval(bench: &Bench, name: &str, configuration: &Value, asks: &[Ask]) -> Vec<Value> {
    let config = bench.folder.join(format!("{name}.json"));
    std::fs::write(&config, configuration.to_string()).expect("written");
    let mut child = Command::new(paths::command().expect("the command"))
        .args(["eval", "--requests", "-", "--config"])
        .arg(&config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let lines: String = asks.iter().enumerate().map(|(id, ask)| format!("{}\n", line(id, ask))).collect();
    let mut input = child.stdin.take().expect("it reads");
    // It answers while it reads: both ends are kept going.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    let answers = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_eq!(answers.len(), asks.len());
    answers
}

/// Each case of the table is a scenario of its own in Envoy; the command must say the same of all of them.
fn the_command_line_refuses_what_envoy_refuses_and_for_the_same_reason(bench: &Bench) {
    for (listener, configuration) in
        [("main", with_inline_keys(bench.example.plugin_configuration())), ("strict", strict_configuration())]
    {
        let cases: Vec<(Case, Ask)> = refusals::cases()
            .into_iter()
            .map(|case| {
                let ask = (case.ask)();
                (case, ask)
            })
            .collect();
        let cases: Vec<(Case, Ask)> = cases.into_iter().filter(|(_, ask)| ask.listener == listener).collect();
        let asks: Vec<Ask> = cases.iter().map(|(_, ask)| ask.clone()).collect();
        let answers = eval(bench, listener, &configuration, &asks);
        let wrong: Vec<String> = cases
            .iter()
            .zip(&answers)
            .filter(|((case, _), answer)| answer["status"] != case.status || answer["reason"] != case.code)
            .map(|((case, _), answer)| {
                format!("{}: {} and not {}, {}", case.name, answer["reason"], case.code, answer["detail"])
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

fn the_command_line_gives_the_upstream_what_envoy_gives_it(bench: &Bench) {
    let asks = [
        Ask::get("/healthz"),
        Ask::get("/api/orders/7").by(ALICE),
        Ask::get("/api/people/bob").by(BOB),
        Ask::new("DELETE", "/api/orders/7").by(CAROL),
        Ask::get("/api/report").by(REPORTER),
    ];
    let answers = eval(bench, "allowed", &with_inline_keys(bench.example.plugin_configuration()), &asks);
    for (ask, answer) in asks.iter().zip(&answers) {
        let received = bench.ask(ask).allowed();
        assert_eq!(answer["status"], 200, "{answer}");
        for name in ["principal", "subject", "issuer", "groups"].map(|name| format!("x-countersign-{name}")) {
            let headers = answer["upstream_headers"].as_array().into_iter().flatten();
            let given: Vec<_> =
                headers.filter(|field| field[0] == name.as_str()).filter_map(|field| field[1].as_str()).collect();
            assert_eq!(given, received.header(&name), "{name} of {answer}");
        }
    }
}

fn the_command_line_takes_from_the_upstream_what_envoy_takes_from_it(bench: &Bench) {
    let sent = [
        ("accept", "a/b"),
        ("Forwarded", "host=evil.example"),
        ("grpc-metadata-x-user-id", "mallory"),
        ("Impersonate-User", "mallory"),
        ("X-Forwarded-Host", "evil.example"),
        ("x_forwarded_proto", "https"),
        ("X_Forwarded_User", "mallory"),
        ("X-Real-IP", "203.0.113.9"),
        ("x-own", "1"),
    ];
    let ask = sent.iter().fold(Ask::get("/api/orders/7").by(ALICE), |ask, (name, value)| ask.header(name, value));
    let answers =
        eval(bench, "removed", &with_inline_keys(bench.example.plugin_configuration()), core::slice::from_ref(&ask));
    let received = bench.ask(&ask).allowed();
    let names: BTreeSet<String> = ask.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let removed: Vec<String> = names.into_iter().filter(|name| received.header(name).is_empty()).collect();
    assert_eq!(answers[0]["removed_headers"], json!(removed), "{}", answers[0]);
    assert!(removed.len() == 8 && removed.contains(&"x-device-posture".to_owned()), "{removed:?}");
}
