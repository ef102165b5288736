//! Findings: each with a configuration that has the fault, and the same one without.

mod after;
mod capabilities;
mod cases;
mod documents;
mod guard;
mod hosts;
mod keys;
mod mesh;
mod peer;
mod replies;
mod resources;
mod ways;

use std::collections::BTreeSet;

use super::codes::Code;
use super::{Finding, Model, check, sources};
use crate::document::{self, Document};

/// A configuration without any finding.
const GOOD: &str = r#"
static_resources:
  listeners:
  - name: main
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          use_remote_address: true
          normalize_path: false
          path_with_escaped_slashes_action: KEEP_UNCHANGED
          stream_idle_timeout: 60s
          upgrade_configs:
          - upgrade_type: websocket
          http_filters:
          - name: countersign
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                failure_policy: FAIL_RELOAD
                vm_config: { vm_id: countersign, code: { local: { filename: countersign.wasm } } }
                configuration:
                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: |
                    { "version": 1, "policies": "", "applications": { "shop": { "hosts": ["shop.example.com"] } },
                      "peer": { "from": "tls" } }
          - name: guard
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies:
                  countersign:
                    permissions: [{ any: true }]
                    principals: [{ filter_state: { key: wasm.countersign, string_match: { exact: allow } } }]
          - name: limit
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit }
          - name: router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config:
            virtual_hosts:
            - domains: ["shop.example.com:*"]
              routes:
              - match: { prefix: / }
                route: { cluster: upstream }
      transport_socket:
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          require_client_certificate: true
          common_tls_context: { validation_context: { trusted_ca: { filename: ca.pem } } }
"#;

fn documents(texts: &[&str]) -> Vec<Vec<Document>> {
    let read = |text: &&str| document::parse("envoy.yaml", text.as_bytes()).expect("YAML").documents;
    texts.iter().map(read).collect()
}

/// The findings of files that are looked at together.
fn findings_of(texts: &[&str]) -> Vec<Finding> {
    let files = documents(texts);
    check(&Model::read(&sources(&files)))
}

fn findings(text: &str) -> Vec<Finding> {
    findings_of(&[text])
}

fn codes_of(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.problem.code).collect()
}

fn codes(text: &str) -> Vec<&'static str> {
    codes_of(&findings(text))
}

/// `text` with `from` replaced, which has to be in it.
fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in the text");
    text.replacen(from, to, 1)
}

/// `text` before the first `from`, from there to the next `to`, and from that on.
fn parts<'t>(text: &'t str, from: &str, to: &str) -> [&'t str; 3] {
    let (before, rest) = text.split_at(text.find(from).expect("it begins"));
    let (middle, after) = rest.split_at(rest.find(to).expect("it ends"));
    [before, middle, after]
}

const NONE: [&str; 0] = [];

/// `docs/findings.md` before its rows.
const REFERENCE: &str = "# Findings of `countersign check`

`countersign check` reads Envoy configurations and Kubernetes resources in addition to plugin configurations. It reports
what would let requests bypass the plugin, or change requests after the decision. An error makes it exit with code 1; a
warning does so only with `--deny-warnings`, with code 3. The reason follows the description of each finding in the output.

This file is generated from `src/command/deployment/codes.rs`. To update it, run
`UPDATE_DOCS=1 cargo test --workspace --lib reference_of_findings`.

| code | level | reason |
|---|---|---|
";

#[test]
fn the_reference_of_findings_is_what_the_code_says() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(names.len(), Code::ALL.len(), "each code once");
    let rows =
        Code::ALL.iter().map(|code| format!("| `{}` | {} | {} |\n", code.code(), code.level().word(), code.reason()));
    let reference = format!("{REFERENCE}{}", rows.collect::<String>());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/findings.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &reference).expect("written");
    }
    let written = std::fs::read_to_string(path).expect("docs/findings.md");
    assert_eq!(written, reference, "run this test with UPDATE_DOCS=1");
}

#[test]
fn every_finding_is_shown_by_a_configuration_that_has_the_fault() {
    let shown: BTreeSet<&str> = [cases::CASES, keys::CASES, peer::CASES, resources::OF_ISTIO, resources::OF_GATEWAY]
        .iter()
        .flat_map(|cases| cases.iter())
        .map(|case| case.code)
        .collect();
    let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(all.difference(&shown).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// A fault: what is written in place of what in a good text, and where the finding points.
struct Case {
    code: &'static str,
    from: &'static str,
    to: &'static str,
    /// Part of the line that the finding points to.
    line: &'static str,
}

/// Holds each case against the text, which has no findings itself.
fn check_cases(good: &str, cases: &[Case]) {
    assert_eq!(codes(good), NONE, "the text without faults");
    for Case { code, from, to, line } in cases {
        let text = with(good, from, to);
        let found = findings(&text);
        assert_eq!(codes_of(&found), [*code], "{to}\n{found:?}");
        for finding in found {
            let at = text.lines().nth(finding.problem.at.line.saturating_sub(1)).unwrap_or_default();
            assert!(at.contains(line), "{code} points to: {at}");
            assert!(!finding.problem.help.is_empty() && finding.problem.pointer.is_some(), "{code}");
        }
    }
}
