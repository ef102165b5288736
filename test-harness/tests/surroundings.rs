//! What around the plugin would undo its decisions, as `countersign check` tells it: exit codes, files together, and the
//! files of this repository, which have to be clean.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use test_harness::paths;

fn check(arguments: &[&str]) -> Output {
    let mut command = Command::new(paths::command().expect("the command is built"));
    command.arg("check").args(arguments).stdin(Stdio::null()).output().expect("the command runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn of_repository(name: &str) -> String {
    text_of(paths::root().join("envoy").join(name))
}

fn text_of(path: PathBuf) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// The Envoy configuration of the documentation, changed.
fn changed(test: &str, from: &str, to: &str) -> String {
    let good = fs::read_to_string(of_repository("envoy.yaml")).expect("the example");
    assert!(good.contains(from), "{from} is not in the example");
    let path = paths::new_run_folder(&format!("surroundings-{test}")).expect("a folder").join("envoy.yaml");
    fs::write(&path, good.replacen(from, to, 1)).expect("written");
    text_of(path)
}

#[test]
fn a_rehearsal_is_a_warning() {
    let file = changed("shadow", "version: 1", "version: 1\n                            mode: shadow");
    let output = check(&["--deny-warnings", &file]);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(stdout(&output).contains("warning[shadow-mode] at /mode: nothing is enforced"), "{}", stdout(&output));
}

/// A filter that may do anything, before the router.
const SCRIPT: &str = "- name: script
                    typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua }
                  - name: envoy.filters.http.router";

#[test]
fn the_envoy_configuration_of_the_documentation_has_neither_errors_nor_warnings() {
    let output = check(&["--deny-warnings", &of_repository("envoy.yaml")]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("1 configuration, 0 errors, 0 warnings\n"), "{}", stdout(&output));
}

#[test]
fn so_does_the_configuration_for_browsers() {
    let output = check(&["--deny-warnings", &of_repository("browser.yaml")]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn the_manifests_have_no_errors_and_their_plugins_are_found() {
    for name in
        ["istio/wasmplugin.yaml", "istio/gateway.yaml", "istio/waypoint.yaml", "gateway/envoyextensionpolicy.yaml"]
    {
        let output = check(&[&of_repository(name)]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        assert!(stdout(&output).contains("1 configuration, 0 errors"), "{}", stdout(&output));
    }
}

#[test]
fn an_error_names_its_place_its_reason_and_what_to_write() {
    let file =
        changed("error", "route: { cluster: upstream }", "route: { cluster: upstream, internal_redirect_policy: {} }");
    let output = check(&[&file]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let text = stdout(&output);
    let line = text.lines().find(|line| line.contains("error[internal-redirect]")).expect("the error");
    assert!(line.starts_with(&format!("{file}:")), "{line}");
    assert!(line.contains(" at /static_resources/listeners/0/"), "{line}");
    assert!(line.contains("less evidence"), "{line}");
    assert!(text.contains("\n  help: remove it"), "{text}");
}

#[test]
fn warnings_alone_fail_only_where_they_are_denied_and_with_an_exit_code_of_their_own() {
    let file = changed("warning", "vm_id: countersign", "allow_precompiled: false");
    let output = check(&[&file]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("warning[vm-id]"), "{}", stdout(&output));
    assert_eq!(check(&["--deny-warnings", &file]).status.code(), Some(3));
    let both = changed("both", "failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN");
    assert_eq!(check(&["--deny-warnings", &both, &file]).status.code(), Some(1), "an error outweighs warnings");
}

#[test]
fn a_filter_is_acknowledged_by_its_name() {
    let file = changed("acknowledge", "- name: envoy.filters.http.router", SCRIPT);
    let output = check(&[&file]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let help = "acknowledged_filters: [script]";
    assert!(stdout(&output).contains(help), "{}", stdout(&output));
    // What the help says to write is what helps.
    let text =
        fs::read_to_string(&file).expect("the file").replacen("version: 1", &format!("version: 1\n{:28}{help}", ""), 1);
    fs::write(&file, text).expect("written");
    let output = check(&["--deny-warnings", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

/// One change of the documentation's Envoy configuration, and the code of what is found then.
const CHANGES: [(&str, &str, &str); 8] = [
    (ROUTE, "route: { cluster: upstream, prefix_rewrite: /v2/ }", "warning[request-rewritten]"),
    (ROUTE, "route: { cluster: upstream, auto_host_rewrite: true }", "warning[request-rewritten]"),
    (ROUTE, "route: { cluster: upstream, host_rewrite_literal: internal }", "warning[request-rewritten]"),
    (
        ROUTE,
        "route: { cluster: upstream, request_mirror_policies: [{ cluster: device-provider }] }",
        "warning[request-mirrored]",
    ),
    ("address: 127.0.0.1, port_value: 9901", "address: 0.0.0.0, port_value: 9901", "warning[admin-exposed]"),
    (
        "stream_idle_timeout: 60s",
        "stream_idle_timeout: 60s
                local_reply_config:
                  mappers:
                    - filter: { status_code_filter: { comparison: { value: { default_value: 403, runtime_key: none } } } }
                      status_code: 404",
        "warning[answer-replaced]",
    ),
    (
        "failure_policy: FAIL_RELOAD",
        "failure_policy: FAIL_RELOAD
                        capability_restriction_config: { allowed_capabilities: { proxy_on_request_headers: {} } }",
        "error[capability-missing]",
    ),
    (
        "  listeners:
    - name: main",
        "  listeners:
    - name: past
      address: { socket_address: { address: 127.0.0.1, port_value: 10001 } }
      filter_chains:
        - filters:
            - name: tcp
              typed_config:
                \"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
                stat_prefix: past
                cluster: upstream
    - name: main",
        "warning[upstream-otherwise]",
    ),
];

const ROUTE: &str = "route: { cluster: upstream }";

#[test]
fn each_change_of_the_documentations_configuration_has_its_finding_and_no_other() {
    for (index, (from, to, expected)) in CHANGES.into_iter().enumerate() {
        let output = check(&[&changed(&format!("change-{index}"), from, to)]);
        let text = stdout(&output);
        assert!(text.contains(expected), "{to}\n{text}");
        let code = expected.split_once('[').map_or("", |(_, code)| code.trim_end_matches(']'));
        let others: Vec<&str> = text.lines().filter(|line| line.contains("]: ") || line.contains("] at ")).collect();
        let others = others.iter().filter(|line| {
            let side_effects = ["capability-record", "capability-signatures"];
            !line.contains(code) && !side_effects.iter().any(|other| line.contains(other))
        });
        assert_eq!(others.count(), 0, "{text}");
    }
}
