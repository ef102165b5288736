//! The `countersign` command as a person runs it: what it prints, and its exit codes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use countersign_core::config::json_schema;
use countersign_core::telemetry::record_schema;
use serde_json::{Value, json};
use test_harness::envoy::Bootstrap;
use test_harness::keys::{corp_key_set, mdm_key_set, with_inline_keys};
use test_harness::paths;
use test_harness::tokens::{ALICE, BOB, Token};

fn command() -> Command {
    Command::new(paths::command().expect("the command is built"))
}

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).stdin(Stdio::null()).output().expect("the command runs")
}

fn run_with_input(arguments: &[&str], input: &str) -> Output {
    let mut command = command();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command runs");
    match child.stdin.take().expect("it reads").write_all(input.as_bytes()) {
        Ok(()) => {}
        // A wrong option ends the command before it reads.
        Err(fault) => assert_eq!(fault.kind(), std::io::ErrorKind::BrokenPipe, "{fault}"),
    }
    child.wait_with_output().expect("it ends")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn all(output: &Output) -> String {
    format!("{}{}", stdout(output), String::from_utf8_lossy(&output.stderr))
}

/// A folder of one test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        Self(paths::new_run_folder(&format!("command-{test}")).expect("a folder"))
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("written");
        text_of(&path)
    }
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn example() -> Value {
    Bootstrap::example().expect("the example").plugin_configuration()
}

fn example_file() -> String {
    text_of(&paths::root().join("envoy/envoy.yaml"))
}

#[test]
fn a_good_configuration_passes_the_check() {
    let folder = Folder::new("good");
    let output = run(&["check", &folder.file("plugin.json", &example().to_string())]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
}

#[test]
fn a_wrong_configuration_fails_with_every_fault_and_its_place() {
    let folder = Folder::new("wrong");
    let mut wrong = example();
    wrong["issuers"]["corp"]["audience"] = json!(["shop"]);
    wrong["applications"]["shop"]["routes"]["orders"]["methods"] = json!(["GTE"]);
    let output = run(&["check", &folder.file("plugin.json", &wrong.to_string())]);
    assert_eq!(output.status.code(), Some(1), "{}", all(&output));
    for place in ["/issuers/corp/audience", "/applications/shop/routes/orders/methods"] {
        assert!(all(&output).contains(place), "{place} is not named: {}", all(&output));
    }
    assert!(all(&output).contains("audiences"), "the near name is not suggested: {}", all(&output));
}

#[test]
fn a_fault_in_yaml_is_placed_by_line() {
    let folder = Folder::new("line");
    let output =
        run(&["check", &folder.file("plugin.yaml", "version: 1\napplications: {}\npolicies: ''\nissuer: {}\n")]);
    assert_eq!(output.status.code(), Some(1), "{}", all(&output));
    assert!(all(&output).contains("plugin.yaml:4"), "{}", all(&output));
}

#[test]
fn several_documents_in_a_file_are_all_looked_at() {
    let folder = Folder::new("several");
    let good = example();
    let mut wrong = example();
    wrong["version"] = json!(7);
    let output = run(&["check", &folder.file("two.yaml", &format!("{good}\n---\n{wrong}\n"))]);
    assert_eq!(output.status.code(), Some(1), "{}", all(&output));
    assert!(all(&output).contains("/version"), "{}", all(&output));
}

#[test]
fn the_envoy_configuration_of_the_documentation_passes_the_check() {
    let output = run(&["check", &example_file()]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
}

#[test]
fn an_envoy_configuration_without_the_guard_is_refused_with_the_lines_to_add() {
    let folder = Folder::new("guard");
    let mut bootstrap: Value =
        serde_json::from_str(&Bootstrap::example().expect("the example").text().expect("it is prepared"))
            .expect("JSON");
    let filters = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = bootstrap.pointer_mut(filters).and_then(Value::as_array_mut).expect("the filters");
    filters.retain(|filter| filter["name"] != "envoy.filters.http.rbac");
    let output = run(&["check", &folder.file("envoy.json", &bootstrap.to_string())]);
    assert_eq!(output.status.code(), Some(1), "{}", all(&output));
    for line in ["envoy.extensions.filters.http.rbac.v3.RBAC", "key: wasm.countersign"] {
        assert!(all(&output).contains(line), "{}", all(&output));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_another_exit_code() {
    assert_eq!(run(&["check", "no-such-file.yaml"]).status.code(), Some(2));
    assert_eq!(run(&["no-such-verb"]).status.code(), Some(2));
}

#[test]
fn eval_prints_one_decision_a_line() {
    let folder = Folder::new("eval");
    let config = folder.file("plugin.json", &with_inline_keys(example()).to_string());
    let bearer = |token: &Token| json!(["authorization", format!("Bearer {}", token.sign())]);
    let posture = |device: &str| json!(["x-device-posture", Token::about(device).sign()]);
    let line = |id: &str, path: &str, headers: Value| {
        json!({ "id": id, "method": "GET", "path": path, "authority": "shop.example.com", "headers": headers })
            .to_string()
    };
    let requests = [
        line("health", "/healthz", json!([])),
        line("nobody", "/api/orders/7", json!([])),
        line("alice", "/api/orders/7", json!([bearer(&Token::of(ALICE)), posture("laptop-1")])),
        line("bob", "/api/orders/7", json!([bearer(&Token::of(BOB)), posture("laptop-2")])),
    ];
    let output = run_with_input(&["eval", "--config", &config, "--requests", "-"], &requests.join("\n"));
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let seen: Vec<_> =
        lines.iter().map(|line| (line["id"].as_str(), line["status"].as_u64(), line["reason"].as_str())).collect();
    assert_eq!(
        seen,
        [
            (Some("health"), Some(200), Some("permitted")),
            (Some("nobody"), Some(401), Some("credential-missing")),
            (Some("alice"), Some(200), Some("permitted")),
            (Some("bob"), Some(403), Some("not-permitted")),
        ]
    );
    let upstream = lines[2]["upstream_headers"].as_array().cloned().unwrap_or_default();
    assert!(upstream.contains(&json!(["x-countersign-subject", "alice"])), "{upstream:?}");
    assert!(!stdout(&output).contains("eyJ"), "a token is in the output");

    let now = ["--now", &lines[0]["time"].as_i64().expect("a time").to_string()].map(str::to_owned);
    let arguments = ["eval", "--config", &config, "--requests", "-", &now[0], &now[1]];
    let alone = run_with_input(&arguments, &requests.join("\n"));
    let compared = run_with_input(&[&arguments[..], &["--oracle"]].concat(), &requests.join("\n"));
    assert_eq!(compared.status.code(), Some(0), "{}", all(&compared));
    assert_eq!(stdout(&compared), stdout(&alone), "{}", all(&compared));
}

#[test]
fn eval_decides_by_the_time_that_it_is_told() {
    let folder = Folder::new("now");
    let config = folder.file("plugin.json", &with_inline_keys(example()).to_string());
    let token = format!("Bearer {}", Token::of(ALICE).sign());
    let line = json!({ "id": "1", "method": "GET", "path": "/api/orders/7", "authority": "shop.example.com",
        "headers": [["authorization", token]] })
    .to_string();
    for (now, reason) in
        [("4000000000", "token-expired"), ("1760000000", "token-not-yet-valid"), ("0", "token-not-yet-valid")]
    {
        let output = run_with_input(&["eval", "--config", &config, "--requests", "-", "--now", now], &line);
        let answer: Value = serde_json::from_str(stdout(&output).trim()).expect("JSON");
        assert_eq!(answer["reason"], reason, "{}", all(&output));
    }
    let output = run_with_input(&["eval", "--config", &config, "--requests", "-", "--now", "-1"], &line);
    assert_eq!(output.status.code(), Some(2), "{}", all(&output));
}

#[test]
fn eval_lists_the_headers_that_the_upstream_does_not_get() {
    let folder = Folder::new("removed");
    let mut configuration = with_inline_keys(example());
    configuration["request_headers"] = json!({ "remove": ["x-acme-*"], "keep": ["x-user-id"] });
    let config = folder.file("plugin.json", &configuration.to_string());
    let headers = json!([
        ["X-User-Id", "7"],
        ["x_user_id", "8"],
        ["Forwarded", "host=evil.example"],
        ["x-acme-role", "admin"],
        ["accept", "a/b"],
        ["forwarded", "for=1.2.3.4"]
    ]);
    let line = |id: &str, path: &str| {
        json!({ "id": id, "method": "GET", "path": path, "authority": "shop.example.com", "headers": headers })
            .to_string()
    };
    let requests = [line("allowed", "/healthz"), line("refused", "/api/orders/7")].join("\n");
    let output = run_with_input(&["eval", "--config", &config, "--requests", "-"], &requests);
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["removed_headers"], json!(["forwarded", "x-acme-role", "x_user_id"]), "{}", all(&output));
    assert_eq!((&lines[1]["status"], &lines[1]["removed_headers"]), (&json!(401), &json!([])), "{}", all(&output));
}

#[test]
fn a_kept_header_is_a_warning_that_names_who_believes_it() {
    let folder = Folder::new("kept");
    let mut configuration = with_inline_keys(example());
    configuration["request_headers"] = json!({ "keep": ["impersonate-*"] });
    let config = folder.file("plugin.json", &configuration.to_string());
    let output = run(&["check", &config]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    let told = all(&output);
    assert!(told.contains("warning[kept-header] at /request_headers/keep/0") && told.contains("Kubernetes"), "{told}");
    assert_eq!(run(&["check", "--deny-warnings", &config]).status.code(), Some(3));
}

#[test]
fn policies_are_shown_with_the_guards_that_they_are_decided_by() {
    let folder = Folder::new("shown");
    let mut configuration = with_inline_keys(example());
    configuration["missing_facts"] = json!("implied");
    configuration["policies"] = json!("forbid (principal, action, resource) when { context.mdm.score < 60 };");
    let config = folder.file("plugin.json", &configuration.to_string());
    let output = run(&["check", "--show-policies", &config]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    let told = all(&output);
    let wanted = "\n// 1\nforbid(principal, action, resource)\n\
                  when { if context has mdm.score then context.mdm.score < 60 else true };\n";
    assert!(told.contains(wanted), "{told}");
    assert!(told.contains("warning[numbered-policy]"), "{told}");
}

#[test]
fn a_key_that_was_made_signs_a_token_that_its_set_verifies() {
    let folder = Folder::new("key");
    let pem = text_of(&folder.0.join("key.pem"));
    assert_eq!(run(&["key", "new", "--algorithm", "ES256", "--out", &pem]).status.code(), Some(0));
    let set = run(&["key", "jwks", &pem, "--algorithm", "ES256", "--kid", "k1"]);
    assert_eq!(set.status.code(), Some(0), "{}", all(&set));
    let mut config = example();
    let set: Value = serde_json::from_str(&stdout(&set)).expect("a JWK set");
    config["issuers"]["corp"]["keys"] = json!({ "inline": set });
    config["applications"]["shop"]["requires"] = json!(["corp"]);
    let config = folder.file("plugin.json", &config.to_string());
    let claims = json!({ "groups": ["engineering"] }).to_string();
    let token = run(&[
        "key",
        "token",
        "--key",
        &pem,
        "--algorithm",
        "ES256",
        "--kid",
        "k1",
        "--typ",
        "at+jwt",
        "--issuer",
        "https://login.example.com",
        "--audience",
        "shop",
        "--subject",
        "bob",
        "--expires-in",
        "15m",
        "--claims",
        &claims,
    ]);
    assert_eq!(token.status.code(), Some(0), "{}", all(&token));
    let line = json!({ "id": "1", "method": "GET", "path": "/api/people/bob", "authority": "shop.example.com",
        "headers": [["authorization", format!("Bearer {}", stdout(&token).trim())]] });
    let output = run_with_input(&["eval", "--config", &config, "--requests", "-"], &line.to_string());
    let answer: Value = serde_json::from_str(stdout(&output).trim()).expect("JSON");
    assert_eq!(answer["status"], 200, "{}", all(&output));
    assert_eq!(answer["policies"], json!(["own-record"]));
}

/// The example with keys of these providers fetched, and no others.
fn fetching(providers: &[(&str, &str)]) -> Value {
    let mut configuration = with_inline_keys(example());
    for (section, provider) in providers {
        configuration[section][provider]["keys"] =
            json!({ "url": format!("https://{provider}.example.com/keys"), "cluster": provider });
    }
    configuration
}

/// The decision about a request of Alice's with her laptop.
fn eval_alice(folder: &Folder, configuration: &str, keys: &[String]) -> Output {
    let header = ["authorization".to_owned(), format!("Bearer {}", Token::of(ALICE).sign())];
    let posture = ["x-device-posture".to_owned(), Token::about("laptop-1").sign()];
    let line = json!({ "id": "1", "method": "GET", "path": "/api/orders/7", "authority": "shop.example.com",
        "headers": [header, posture] });
    let requests = folder.file("requests.ndjson", &line.to_string());
    let mut arguments = vec!["eval", "--config", configuration, "--requests", &requests];
    arguments.extend(keys.iter().flat_map(|given| ["--keys", given.as_str()]));
    run(&arguments)
}

fn reason(output: &Output) -> String {
    let answer: Value = serde_json::from_str(stdout(output).trim()).unwrap_or_default();
    answer["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn eval_takes_keys_from_files_in_place_of_those_that_are_fetched() {
    let folder = Folder::new("given-keys");
    let both = fetching(&[("issuers", "corp"), ("devices", "mdm")]);
    let configuration = folder.file("plugin.json", &both.to_string());
    let corp = format!("corp={}", folder.file("corp.json", &corp_key_set().to_string()));
    let mdm = format!("mdm={}", folder.file("mdm.json", &mdm_key_set().to_string()));

    let output = eval_alice(&folder, &configuration, &[corp.clone(), mdm.clone()]);
    assert_eq!((reason(&output).as_str(), output.status.code()), ("permitted", Some(0)), "{}", all(&output));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");

    let output = eval_alice(&folder, &configuration, &[corp]);
    assert_eq!((reason(&output).as_str(), output.status.code()), ("keys-unavailable", Some(0)), "{}", all(&output));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told.matches("`mdm`").count(), 1, "{told}");
    assert!(told.contains("--keys mdm=FILE") && !told.contains("corp"), "{told}");
}

#[test]
fn keys_that_cannot_be_used_are_named() {
    let folder = Folder::new("bad-keys");
    let configuration = folder.file("plugin.json", &fetching(&[("issuers", "corp")]).to_string());
    let good = folder.file("corp.json", &corp_key_set().to_string());
    let html = folder.file("corp.html", "<html>");
    let empty = folder.file("empty.json", r#"{"keys": []}"#);
    for (given, code, wanted) in [
        (vec![format!("crop={good}")], 2, "no issuer or device provider"),
        (vec![format!("machines={good}")], 2, "are not fetched"),
        (vec![format!("corp={good}"), format!("corp={good}")], 2, "twice"),
        (vec!["corp=no-such-file.json".to_owned()], 2, "cannot read the file"),
        (vec![format!("corp={html}")], 2, "not strict JSON"),
        (vec![format!("corp={empty}")], 1, "error[no-usable-key] at --keys corp="),
        (vec!["corp".to_owned()], 2, "corp=corp-keys.json"),
        (vec!["corp=-".to_owned(), "machines=-".to_owned()], 2, "only one of the files"),
    ] {
        let output = eval_alice(&folder, &configuration, &given);
        assert_eq!(output.status.code(), Some(code), "{given:?}: {}", all(&output));
        assert!(all(&output).contains(wanted), "{given:?}: {}", all(&output));
    }
}

#[test]
fn the_json_schema_of_the_configuration_is_printed() {
    let output = run(&["schema"]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    let schema: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(schema, json_schema());
}

#[test]
fn the_json_schema_of_the_decision_record_is_printed() {
    let output = run(&["schema", "--record"]);
    assert!(output.status.success());
    let schema: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(schema, record_schema());
    assert_eq!(run(&["schema", "--record", "--cedar", &example_file()]).status.code(), Some(2));
}

#[test]
fn the_cedar_schema_of_a_configuration_is_printed() {
    let output = run(&["schema", "--cedar", &example_file()]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    for part in ["namespace corp", "http_request", "mdm"] {
        assert!(stdout(&output).contains(part), "{part} is not in: {}", stdout(&output));
    }
}

#[test]
fn a_schema_is_not_printed_for_a_configuration_with_errors() {
    let folder = Folder::new("schema");
    let mut wrong = example();
    wrong["version"] = json!(7);
    let output = run(&["schema", "--cedar", &folder.file("plugin.json", &wrong.to_string())]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{}", all(&output));
    assert!(all(&output).contains("error[bad-value] at /version"), "{}", all(&output));
    assert_eq!(run(&["schema", "--cedar", "no-such-file.yaml"]).status.code(), Some(2));
}

/// The policies of an Envoy configuration's plugin.
fn policies_in(envoy: &str) -> Value {
    let envoy: Value = serde_json::from_str(envoy).expect("JSON");
    let filters = envoy.pointer("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters");
    let filters = filters.and_then(Value::as_array).expect("filters");
    let plugin = filters.iter().find(|filter| filter["name"] == "envoy.filters.http.wasm").expect("the plugin");
    plugin["typed_config"]["config"]["configuration"]["value"]["policies"].clone()
}

/// The demo runs the lean module with these, and has no command to prepare them with.
#[test]
fn the_example_in_prepared_form_is_up_to_date() {
    let output = run(&["prepare", &example_file()]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    is_up_to_date("envoy/policies.prepared.json", &format!("{:#}\n", policies_in(&stdout(&output))));
}

/// The lean module is run with it after it was linked, when the command is not built yet.
#[test]
fn the_sample_for_the_layout_of_the_lean_module_is_up_to_date() {
    let sample = paths::root().join("test-harness/layout/configuration.json");
    let output = run(&["prepare", &sample.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    is_up_to_date("test-harness/layout/configuration.prepared.json", &stdout(&output));
}

/// A file of the repository is exactly this. With `UPDATE_DOCS=1` the test writes it.
fn is_up_to_date(file: &str, prepared: &str) {
    let file = paths::root().join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, prepared).expect("written");
        return;
    }
    let written = fs::read_to_string(&file).expect("the file");
    assert!(written == prepared, "{} is out of date: run this test with UPDATE_DOCS=1", file.display());
}

#[test]
fn a_prepared_file_is_checked_decided_and_compared_like_the_one_that_it_was_made_of() {
    let folder = Folder::new("prepare");
    let text = with_inline_keys(example());
    let config = folder.file("plugin.json", &text.to_string());
    let output = run(&["prepare", &config]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    assert_eq!(stdout(&output), stdout(&run(&["prepare", &config])), "the same each time");
    let file = folder.file("prepared.json", &stdout(&output));
    let prepared: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    for member in text.as_object().expect("an object").keys().filter(|member| *member != "policies") {
        assert_eq!(prepared[member], text[member], "{member}");
    }
    assert_eq!(stdout(&run(&["prepare", &file])), stdout(&output), "what is prepared stays as it is");

    let output = run(&["check", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    assert!(
        stdout(&output).contains("prepared policies, for countersign.wasm or countersign-lean.wasm"),
        "{}",
        all(&output)
    );
    assert!(stdout(&run(&["check", &config])).contains("policies as text, for countersign.wasm\n"));

    let same = run(&["prepare", &config, "--check", &file]);
    assert_eq!((same.status.code(), stdout(&same)), (Some(0), format!("{file}: the same as `{config}`\n")));
    let mut changed = text.clone();
    changed["policies"] = json!("");
    changed["mode"] = json!("shadow");
    let changed = folder.file("changed.json", &changed.to_string());
    let differs = run(&["prepare", &changed, "--check", &file]);
    assert_eq!(differs.status.code(), Some(1), "{}", all(&differs));
    assert!(
        all(&differs).contains("not-prepared") && all(&differs).contains("differs in `mode`, `policies`"),
        "{}",
        all(&differs)
    );

    let requests = [
        json!({ "id": "1", "method": "GET", "path": "/healthz", "authority": "shop.example.com" }),
        json!({ "id": "2", "method": "GET", "path": "/api/orders/7", "authority": "shop.example.com", "headers": [
            ["authorization", format!("Bearer {}", Token::of(ALICE).sign())],
            ["x-device-posture", Token::about("laptop-1").sign()],
        ] }),
        json!({ "id": "3", "method": "PUT", "path": "/api/orders/7", "authority": "shop.example.com", "headers": [
            ["authorization", format!("Bearer {}", Token::of(ALICE).sign())],
            ["x-device-posture", Token::about("laptop-1").sign()],
        ] }),
    ];
    let requests = folder.file("requests.ndjson", &requests.map(|request| format!("{request}\n")).concat());
    let decided = |config: &str| -> Vec<Value> {
        let output = run(&["eval", "--config", config, "--requests", &requests]);
        assert_eq!(output.status.code(), Some(0), "{}", all(&output));
        let mut answers: Vec<Value> =
            stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        // The digests of another document, and the clock.
        for answer in &mut answers {
            for member in ["config", "policy_set", "time", "decision_id", "upstream_headers", "evidence"] {
                answer[member] = Value::Null;
            }
        }
        answers
    };
    let answers = decided(&file);
    assert_eq!(answers, decided(&config));
    let statuses: Vec<&Value> = answers.iter().map(|answer| &answer["status"]).collect();
    assert_eq!(statuses, [200, 200, 403]);
    let oracle = run(&["eval", "--oracle", "--config", &file, "--requests", &requests]);
    assert_eq!(oracle.status.code(), Some(2), "{}", all(&oracle));
    assert!(all(&oracle).contains("needs their text"), "{}", all(&oracle));
}

#[test]
fn a_configuration_with_errors_is_not_prepared() {
    let folder = Folder::new("prepare-wrong");
    let mut wrong = example();
    wrong["policies"] = json!("permit (principal, action, resource);");
    let output = run(&["prepare", &folder.file("plugin.json", &wrong.to_string())]);
    assert_eq!(output.status.code(), Some(1), "{}", all(&output));
    assert_eq!(stdout(&output), "");
    assert!(all(&output).contains("missing-id"), "{}", all(&output));
    let output = run(&["prepare", &folder.file("empty.json", "{}")]);
    assert_eq!(output.status.code(), Some(1), "{}", all(&output));
    assert!(all(&output).contains("no plugin configuration"), "{}", all(&output));
}

/// The complete example, and the same with a change: text that is in it, and text to put there.
fn changed(folder: &Folder, from: &str, to: &str) -> (String, String) {
    let old = fs::read_to_string(paths::root().join("envoy/plugin.yaml")).expect("the example");
    assert!(old.contains(from), "{from}");
    (folder.file("old.yaml", &old), folder.file("new.yaml", &old.replacen(from, to, 1)))
}

/// Runs it without any solver.
fn run_without_solver(arguments: &[&str]) -> Output {
    command().args(arguments).env("CVC5", "/nonexistent/cvc5").stdin(Stdio::null()).output().expect("the command runs")
}

#[test]
fn diff_of_equal_configurations_needs_no_solver() {
    let folder = Folder::new("diff-equal");
    let (old, _) = changed(&folder, "mode: enforce", "mode: enforce");
    let output = run_without_solver(&["diff", &old, &old]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    for line in ["same", "Proved: nobody newly gets in.", "Proved: nobody is shut out."] {
        assert!(stdout(&output).contains(line), "{line}: {}", all(&output));
    }
    assert!(!all(&output).contains("cvc5"), "{}", all(&output));
}

#[test]
fn diff_without_a_solver_says_how_to_install_one_and_claims_nothing() {
    let folder = Folder::new("diff-without");
    let (old, new) = changed(&folder, "when { resource.sensitivity != \"secret\" };", "when { true };");
    let output = run_without_solver(&["diff", &old, &new]);
    assert_eq!(output.status.code(), Some(6), "{}", all(&output));
    assert!(stdout(&output).contains("apt-get install cvc5"), "{}", all(&output));
    assert!(
        stdout(&output).contains("could not decide for corp at GET projects/project, GET projects/secret"),
        "{}",
        all(&output)
    );
    assert!(!stdout(&output).contains("Proved: nobody newly gets in."), "{}", all(&output));
}

#[test]
fn diff_lists_what_is_no_policy_and_its_exit_code_says_whether_it_widens() {
    let folder = Folder::new("diff-other");
    for (from, to, code, line) in [
        ("audiences: [apps]", "audiences: [apps, more]", 5, "wider: /issuers/corp/audiences `more` is now accepted"),
        ("max_lifetime: 24h", "max_lifetime: 1h", 4, "narrower: /issuers/corp/max_lifetime `24h` becomes `1h`"),
        ("https://login.example.com ", "https://login.example.org ", 6, "cannot be said: /issuers/corp/issuer"),
    ] {
        let (old, new) = changed(&folder, from, to);
        let output = run_without_solver(&["diff", &old, &new]);
        assert_eq!(output.status.code(), Some(code), "{to}: {}", all(&output));
        assert!(stdout(&output).contains(line), "{line}: {}", all(&output));
    }
}

#[test]
fn diff_replays_recorded_requests_on_both_configurations() {
    let folder = Folder::new("diff-requests");
    let (old, new) = changed(&folder, "mode: enforce", "mode: shadow");
    let requests = folder.file(
        "requests.ndjson",
        "{\"id\": \"nobody\", \"method\": \"GET\", \"path\": \"/settings\", \"authority\": \"console.example.com\"}\n",
    );
    let output =
        run_without_solver(&["diff", "--format", "json", "--requests", &requests, "--now", "1767225600", &old, &new]);
    assert_eq!(output.status.code(), Some(5), "{}", all(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(report["verdict"], "wider");
    assert_eq!(report["requests"]["total"], 1);
    assert_eq!(report["requests"]["changed"][0]["id"], "nobody");
    assert_eq!(report["requests"]["changed"][0]["old"]["forwarded"], false);
    assert_eq!(report["requests"]["changed"][0]["new"]["forwarded"], true);
}

#[test]
fn diff_replays_decision_records_of_an_access_log_as_far_as_they_say() {
    let folder = Folder::new("diff-records");
    let mut configuration = with_inline_keys(example());
    let old = folder.file("old.json", &configuration.to_string());
    let bearer = json!(["authorization", format!("Bearer {}", Token::of(ALICE).sign())]);
    let posture = json!(["x-device-posture", Token::about("laptop-1").sign()]);
    let line = |id: &str, path: &str, headers: Value| {
        json!({ "id": id, "method": "GET", "path": path, "authority": "shop.example.com", "headers": headers })
            .to_string()
    };
    let requests = [
        line("health", "/healthz", json!([])),
        line("alice", "/api/orders/7", json!([bearer, posture])),
        line("expired", "/api/orders/7", json!([["authorization", "Bearer expired"]])),
    ];
    let evaluated = run_with_input(&["eval", "--config", &old, "--requests", "-"], &requests.join("\n"));
    let records: Vec<String> = stdout(&evaluated).lines().map(str::to_owned).collect();
    let of_health: Value = serde_json::from_str(&records[0]).expect("JSON");
    let started = records[1].find("\"schema_version\"").expect("a record");
    let access_log = [
        records[0].clone(),
        "2026-01-01T00:00:00Z 200 via_upstream 5ms -".to_owned(),
        format!("2026-01-01T00:00:00Z 200 via_upstream 5ms {{{}", &records[1][started..]),
        records[2].clone(),
        requests[0].clone(),
    ];
    let access_log = folder.file("access.log", &access_log.join("\n"));
    let replay = |configuration: &Value| {
        let new = folder.file("new.json", &configuration.to_string());
        let output = run_without_solver(&["diff", "--format", "json", "--requests", &access_log, &old, &new]);
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", all(&output)));
        report["requests"].clone()
    };

    let text = configuration["policies"].as_str().expect("one text").to_owned();
    let health = "@id(\"health\")\npermit (principal is Anonymous, action in Action::\"read\", resource == Route::\"shop/health\");";
    assert!(text.contains(health), "{text}");
    configuration["policies"] = json!(text.replace(health, ""));
    let replayed = replay(&configuration);
    assert_eq!((&replayed["total"], &replayed["without_record"]), (&json!(3), &json!(1)), "{replayed}");
    let changed = replayed["changed"].as_array().expect("a list");
    assert_eq!(changed.len(), 2, "the record and the request itself: {replayed}");
    assert_eq!(changed[0]["id"], of_health["decision_id"]);
    for changed in changed {
        assert_eq!((&changed["old"]["policies"], &changed["old"]["forwarded"]), (&json!(["health"]), &json!(true)));
        assert_eq!(changed["new"]["forwarded"], false);
    }
    assert_eq!(replayed["not_replayed"][0]["count"], 1, "{replayed}");
    assert!(replayed["not_replayed"][0]["why"].as_str().is_some_and(|why| why.contains("before any policy was asked")));

    configuration["policies"] = json!(text.replace("context.mdm.score >= 60", "context.mdm.score >= 50"));
    let replayed = replay(&configuration);
    assert_eq!(replayed["changed"], json!([]), "{replayed}");
    let why: Vec<&str> =
        replayed["not_replayed"].as_array().expect("a list").iter().filter_map(|one| one["why"].as_str()).collect();
    assert!(why.iter().any(|why| why.contains("depends on `staff-read`, new or changed")), "{replayed}");
}

#[test]
#[ignore = "needs the solver cvc5"]
fn diff_with_a_solver_prints_what_the_documentation_shows() {
    let folder = Folder::new("diff-documented");
    let (old, new) = changed(&folder, "when { resource.sensitivity != \"secret\" };", "when { true };");
    let output = run(&["diff", &old, &new]);
    assert_eq!(output.status.code(), Some(5), "{}", all(&output));
    let page = fs::read_to_string(paths::root().join("docs/proving-changes.md")).expect("the page");
    let printed = stdout(&output).replace(&old, "old.yaml").replace(&new, "new.yaml");
    assert!(page.contains(printed.trim()), "{printed}");
}

#[test]
#[ignore = "needs the solver cvc5"]
fn an_example_of_diff_is_a_case_that_passes_with_the_new_configuration_and_fails_with_the_old_one() {
    let folder = Folder::new("diff-cases");
    let facts = "when { context has mdm && context.mdm.managed";
    for (from, to, expected) in [
        ("when { resource.sensitivity != \"secret\" };", "when { true };", 5),
        (facts, "when { context has mdm && !context.mdm.managed", 5),
        ("permit (principal in corp::Group::\"staff\"", "permit (principal in corp::Group::\"nobody\"", 5),
    ] {
        let (old, new) = changed(&folder, from, to);
        let output = run(&["diff", &old, &new]);
        assert_eq!(output.status.code(), Some(expected), "{to}: {}", all(&output));
        // The lines between the heading and the next example, as a person copies them.
        let printed = stdout(&output);
        let mut cases = Vec::new();
        for part in printed.split("  as a case for `countersign test`:\n").skip(1) {
            cases.extend(part.lines().take_while(|line| line.starts_with("  ")).map(str::to_owned));
        }
        let count = cases.iter().filter(|line| line.starts_with("  - name: ")).count();
        assert!(count > 0, "{printed}");
        for (name, config, passed) in [("new", &new, count), ("old", &old, 0)] {
            let file = folder
                .file(&format!("{name}.tests.yaml"), &format!("config: {config}\ncases:\n{}\n", cases.join("\n")));
            let tested = run(&["test", &file]);
            let summary = format!("{passed} passed, {} failed", count - passed);
            assert!(stdout(&tested).contains(&summary), "{summary}: {}\n{}", all(&tested), cases.join("\n"));
        }
    }
}

#[test]
#[ignore = "needs the solver cvc5"]
fn analyze_with_a_solver_prints_what_the_documentation_shows() {
    let plugin = text_of(&paths::root().join("envoy/plugin.yaml"));
    let output = run(&["analyze", &plugin]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    let page = fs::read_to_string(paths::root().join("docs/proving-changes.md")).expect("the page");
    assert!(page.contains(stdout(&output).trim()), "{}", stdout(&output));
}

#[test]
#[ignore = "needs the solver cvc5"]
fn analyze_with_a_solver_says_why_a_policy_decides_nothing() {
    let folder = Folder::new("analyze-idle");
    let mut configuration = with_inline_keys(example());
    let scope =
        "principal in corp::Group::\"engineering\", action in Action::\"read\", resource == Route::\"shop/orders\"";
    let more = [
        format!("@id(\"narrower\") permit ({scope}) when {{ context has mdm && context.mdm.managed && context.mdm.score >= 80 }};"),
        "@id(\"shadowed\") permit (principal == corp::User::\"eve\", action in Action::\"write\", resource == Route::\"shop/orders\");".to_owned(),
        "@id(\"no-eve\") forbid (principal == corp::User::\"eve\", action, resource);".to_owned(),
        "@id(\"no-eve-either\") forbid (principal == corp::User::\"eve\", action in Action::\"read\", resource == Route::\"shop/orders\");".to_owned(),
    ];
    let text = configuration["policies"].as_str().expect("one text").to_owned();
    configuration["policies"] = json!([text, more.join("\n")].concat());
    let file = folder.file("plugin.json", &configuration.to_string());
    let output = run(&["analyze", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    for line in [
        "- narrower: staff-read permits each request that it applies to: GET shop/orders",
        "- shadowed: no-eve forbids each request that it applies to: PUT shop/orders, DELETE shop/orders",
        "- no-eve-either: no-eve forbids each request that it applies to: GET shop/orders",
    ] {
        assert!(stdout(&output).contains(line), "{line}\n{}", stdout(&output));
    }
    let output = run(&["analyze", "--format", "json", &file]);
    let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let idle = report["policies_without_effect"].as_array().expect("a list");
    let narrower = idle.iter().find(|one| one["policy"] == "narrower").expect("it decides nothing");
    assert_eq!(narrower["because"][0]["kind"], "permitted_by");
    assert_eq!(narrower["because"][0]["policy"], "staff-read");
}

#[test]
fn analyze_without_a_solver_claims_nothing() {
    let output = run_without_solver(&["analyze", &text_of(&paths::root().join("envoy/plugin.yaml"))]);
    assert_eq!(output.status.code(), Some(6), "{}", all(&output));
    assert!(stdout(&output).contains("apt-get install cvc5"), "{}", all(&output));
    for claim in ["Somebody reaches each route.", "Each policy decides some request.", "Anonymous reaches nothing."] {
        assert!(!stdout(&output).contains(claim), "{claim}: {}", all(&output));
    }
}

fn test_files() -> Vec<String> {
    let envoy = paths::root().join("envoy");
    let folder = fs::read_dir(envoy.join("policies/tests")).expect("the test files");
    let mut files: Vec<String> = folder.map(|entry| text_of(&entry.expect("an entry").path())).collect();
    files.extend(["devices", "verified-access"].map(|folder| text_of(&envoy.join(folder).join("tests.yaml"))));
    files.sort();
    files
}

#[test]
fn the_test_files_of_the_examples_pass_in_every_format() {
    let files = test_files();
    let with = |arguments: &[&str]| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let output = run(&[&["test"], arguments, &files].concat());
        assert_eq!(output.status.code(), Some(0), "{}", all(&output));
        stdout(&output)
    };
    let coverage = with(&["--coverage"]);
    for nothing in ["policies that never decided: 0 of", "routes that no case asks for: 0 of"] {
        assert_eq!(coverage.matches(nothing).count(), 3, "once for each configuration: {coverage}");
    }
    let cases = with(&["--format", "tap"]).lines().filter(|line| line.starts_with("ok ")).count();
    assert!(with(&[]).contains(&format!("{cases} passed, 0 failed")));
    assert!(with(&["--format", "junit"]).contains(&format!("<testsuites tests=\"{cases}\" failures=\"0\">")));
}

/// A file with a case that passes and one that fails, whose name has characters that mean something in each format.
fn failing_test_file(folder: &Folder) -> String {
    let config = paths::root().join("envoy/plugin.yaml");
    let text = format!(
        "config: {}\ndefaults: {{ host: shop.example.com }}\ncases:\n  - {{ name: open, request: GET /healthz, expect: allow }}\n  \
         - name: \"<&> # \\e\"\n    request: GET /api/orders/7\n    principal: corp::User::\"alice\"\n    expect: allow\n    policies: [starter/staff-read]\n",
        config.display()
    );
    folder.file("tests.yaml", &text)
}

#[test]
fn a_case_that_fails_is_shown_with_its_place_what_differs_and_why() {
    let folder = Folder::new("failing-case");
    let file = failing_test_file(&folder);
    let output = run(&["test", &file]);
    assert_eq!(output.status.code(), Some(1), "{}", all(&output));
    let told = stdout(&output);
    for wanted in [
        "tests.yaml:5: FAILED: <&> # \u{fffd}",
        "expect:   expected allow",
        "policies: expected starter/staff-read",
        "differs  principal in corp::Group::\"staff\"",
        "1 passed, 1 failed",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    let tap = stdout(&run(&["test", "--format", "tap", &file]));
    assert!(tap.contains("ok 1 - ") && tap.contains("not ok 2 - ") && tap.contains("<&> \\# "), "{tap}");
    assert!(tap.lines().all(|line| ["TAP", "1..2", "ok", "not ok", "#"].iter().any(|start| line.starts_with(start))));
    let junit = stdout(&run(&["test", "--format", "junit", &file]));
    assert!(
        junit.contains("tests=\"2\" failures=\"1\"") && junit.contains("name=\"&lt;&amp;&gt; # \u{fffd}\""),
        "{junit}"
    );
}

#[test]
fn a_test_file_with_errors_fails_and_one_that_cannot_be_read_is_another_exit_code() {
    let folder = Folder::new("test-file-errors");
    let config = paths::root().join("envoy/plugin.yaml");
    let wrong =
        folder.file("a.yaml", &format!("config: {}\ncases:\n  - {{ name: a, expekt: deny }}\n", config.display()));
    let output = run(&["test", &wrong]);
    assert_eq!(output.status.code(), Some(1), "{}", all(&output));
    assert!(all(&output).contains("a.yaml:3:16: error[test-file]"), "{}", all(&output));
    assert_eq!(run(&["test", "no-such.yaml"]).status.code(), Some(2));
    let elsewhere = folder.file("b.yaml", "config: no-such.yaml\ncases: [{ name: a, expect: deny }]\n");
    assert_eq!(run(&["test", &elsewhere]).status.code(), Some(2));
    assert_eq!(run(&["test"]).status.code(), Some(2));
}

#[test]
fn a_watched_file_is_tested_again_when_it_changes() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new("watched");
    let file = failing_test_file(&folder);
    let mut command = command();
    let mut child = command.args(["test", "--watch", &file]).stdout(Stdio::piped()).spawn().expect("it runs");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let (sender, summaries) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        lines.map_while(Result::ok).filter(|line| line.contains(" passed, ")).try_for_each(|line| sender.send(line))
    });
    let summary = || summaries.recv_timeout(std::time::Duration::from_secs(30)).unwrap_or_default();
    let before = summary();
    let text = fs::read_to_string(&file).expect("the file").replace("principal:", "groups: [staff]\n    principal:");
    fs::write(&file, text).expect("written");
    let after = summary();
    child.kill().expect("it is stopped");
    child.wait().expect("it ends");
    assert_eq!([before.as_str(), after.as_str()], ["1 passed, 1 failed", "2 passed, 0 failed"]);
}

/// A request of bob's, a clerk without a device.
fn clerks_request() -> (String, [String; 2]) {
    let requests =
        fs::read_to_string(paths::root().join("envoy/policies/starter.requests.ndjson")).expect("the requests");
    let line = requests.lines().find(|line| line.contains("a clerk writes without a device")).expect("the request");
    let keys = format!("corp={}", text_of(&paths::root().join("envoy/policies/corp.jwks.json")));
    (line.to_owned(), ["--keys".to_owned(), keys])
}

#[test]
fn a_signed_request_is_explained_with_the_facts_of_its_conditions() {
    let config = text_of(&paths::root().join("envoy/plugin.yaml"));
    let (line, [option, keys]) = clerks_request();
    let arguments = ["explain", "--config", &config, "--request", "-", "--now", "1767225600", &option, &keys];
    let output = run_with_input(&arguments, &line);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    let told = stdout(&output);
    for wanted in [
        "decision  deny (not-permitted, 403)",
        "principal corp::User::\"bob\", in corp::Group::\"clerks\", corp::Group::\"staff\"",
        "permit starter/clerks-write: does not apply",
        "held     principal in corp::Group::\"clerks\"",
        "failed   context has mdm (context.mdm is missing)",
        "starter/clerks-write lacks `context has mdm`",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    assert!(!told.contains("eyJ"), "a token is in the output");
    let json = run_with_input(&[&arguments[..], &["--format", "json"]].concat(), &line);
    let json: Value = serde_json::from_str(&stdout(&json)).expect("JSON");
    assert_eq!((&json["decision"], &json["reason"]), (&json!("deny"), &json!("not-permitted")));
    let policies = json["policies"].as_array().expect("policies");
    let clerks = policies.iter().find(|policy| policy["policy"] == "starter/clerks-write").expect("the permit");
    assert_eq!(clerks["conditions"][1]["result"], "failed");
}

#[test]
fn a_decision_record_is_explained_as_far_as_it_says() {
    let config = text_of(&paths::root().join("envoy/plugin.yaml"));
    let (line, [option, keys]) = clerks_request();
    let eval =
        run_with_input(&["eval", "--config", &config, "--requests", "-", "--now", "1767225600", &option, &keys], &line);
    let record = stdout(&eval);
    let output = run_with_input(&["explain", "--config", &config, "--record", "-"], &record);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    let told = stdout(&output);
    for wanted in [
        "starter/clerks-write: did not apply: 2 of its conditions failed",
        "condition context has mdm",
        "holds no facts",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    assert!(!told.contains("another configuration"), "{told}");
    let mut other: Value = serde_json::from_str(&record).expect("JSON");
    other["config"] = json!("0123456789abcdef");
    let told = stdout(&run_with_input(&["explain", "--config", &config, "--record", "-"], &other.to_string()));
    assert!(told.contains("another configuration"), "{told}");
    other["schema_version"] = json!(2);
    for wrong in
        [other.to_string(), "7".to_owned(), "not JSON".to_owned(), String::new(), format!("{record}\n{record}")]
    {
        let output = run_with_input(&["explain", "--config", &config, "--record", "-"], &wrong);
        assert_eq!(output.status.code(), Some(1), "{wrong}: {}", all(&output));
    }
}

#[test]
fn a_case_is_explained_by_its_name() {
    let file = text_of(&paths::root().join("envoy/policies/tests/starter.yaml"));
    let output = run(&["explain", "--case", &format!("{file}#staff, row 4")]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    assert!(stdout(&output).contains("starter/clerks-write lacks"), "{}", all(&output));
    let output = run(&["explain", "--case", &format!("{file}#nothing")]);
    assert_eq!(output.status.code(), Some(2), "{}", all(&output));
    assert!(all(&output).contains("an order needs a token"), "{}", all(&output));
    assert_eq!(run(&["explain", "--case", &file]).status.code(), Some(2));
    assert_eq!(run(&["explain", "--config", &example_file()]).status.code(), Some(2));
}

/// The code blocks of a document in a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let start = format!("```{language}\n");
    let rests = text.split(start.as_str()).skip(1);
    rests.map(|rest| rest.split_once("```").expect("the end of a block").0).collect()
}

#[test]
fn the_documentation_of_test_files_is_what_the_command_accepts_and_prints() {
    let root = paths::root();
    let file = root.join("docs/testing-policies.md");
    let text = fs::read_to_string(&file).expect("the document");
    let folder = Folder::new("documented-tests");
    let yaml = blocks(&text, "yaml");
    let config = format!("config: {}\n", root.join("envoy/plugin.yaml").display());
    let passing = folder.file("passing.yaml", &yaml[0].replace("config: countersign.yaml\n", &config));
    let table = folder.file("table.yaml", &format!("{config}{}", yaml[1]));
    let output = run(&["test", &passing, &table]);
    assert_eq!(output.status.code(), Some(0), "{}", all(&output));
    folder.file("tests.yaml", &format!("{config}{}", yaml[2]));
    let failed = command().args(["test", "tests.yaml"]).current_dir(&folder.0).output().expect("the command runs");
    assert_eq!(failed.status.code(), Some(1), "{}", all(&failed));
    let case = "envoy/policies/tests/starter.yaml#a clerk without a device does not write";
    assert!(text.contains(&format!("`countersign explain --case '{case}'`")));
    let explained = command().args(["explain", "--case", case]).current_dir(&root).output().expect("the command runs");
    assert_eq!(explained.status.code(), Some(0), "{}", all(&explained));
    let printed = [stdout(&failed), stdout(&explained)];
    let documented = blocks(&text, "text");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let mut updated = text.clone();
        for (place, printed) in printed.iter().enumerate() {
            let old = format!("```text\n{}```", documented[place]);
            let before = updated.match_indices("```text\n").nth(place).expect("the block").0;
            let behind = updated[before..].replacen(&old, &format!("```text\n{printed}```"), 1);
            updated.replace_range(before.., &behind);
        }
        fs::write(&file, updated).expect("the document is written");
        return;
    }
    assert_eq!(documented, printed, "run this test with UPDATE_DOCS=1 and read the difference");
}
