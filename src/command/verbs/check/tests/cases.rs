//! A faulty document for each code, and everything that `check` prints about it.
//!
//! Run the tests with `INSTA_UPDATE=always` after a message was changed on purpose, and read the difference.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use countersign_core::config_error::{ConfigCode, Level};
use countersign_core::limits::{MAX_CONFIG_BYTES, MAX_POLICIES};

use super::{printed, printed_bytes};
use crate::configuration::only_configuration;
use crate::document::{DocumentCode, MAX_NODES, parse};

const GOOD: &str = include_str!("../cases/good.yaml");

/// The cases of configurations: the name of a snapshot, and its list of cases.
const LISTS: [(&str, &str); 5] = [
    ("document", include_str!("../cases/document.yaml")),
    ("providers", include_str!("../cases/providers.yaml")),
    ("applications", include_str!("../cases/applications.yaml")),
    ("policies", include_str!("../cases/policies.yaml")),
    ("warnings", include_str!("../cases/warnings.yaml")),
];

/// Codes that no file shows, each with the reason.
const NOT_SHOWN: [(ConfigCode, &str); 3] = [
    (ConfigCode::NotJson, "`check` parses documents itself, and has codes of its own for their notation"),
    (ConfigCode::PolicyText, "only countersign-lean.wasm rejects policies as text"),
    (ConfigCode::PolicySchema, "a safeguard: the checks of names reject every name that Cedar would reject"),
];

/// A document with one fault.
struct Case {
    code: String,
    text: String,
    /// What the fault is, as the snapshot shows it.
    fault: String,
}

fn cases(list: &str) -> Vec<Case> {
    let input = parse("cases.yaml", list.as_bytes()).expect("YAML");
    let cases = input.documents.first().and_then(|document| document.value.as_array()).expect("a list");
    let text = |case: &serde_json::Value, name: &str| case.get(name).and_then(|text| text.as_str()).map(str::to_owned);
    cases
        .iter()
        .map(|case| {
            let mut faulty = GOOD.to_owned();
            let mut fault = String::new();
            let mut replace = |from: &str, to: &str| {
                assert_eq!(faulty.matches(from).count(), 1, "once in the good document: {from}");
                faulty = faulty.replacen(from, to, 1);
                writeln!(fault, "{}", to.trim_end()).expect("a string");
            };
            if let Some(from) = text(case, "from") {
                replace(&from, &text(case, "to").expect("to"));
            }
            if let Some(policy) = text(case, "policy") {
                let (_, good) = GOOD.split_once("policies: |\n").expect("policies");
                let lines = policy.lines().map(|line| format!("  {line}\n"));
                replace(good, &lines.collect::<String>());
            }
            Case { code: text(case, "code").expect("a code"), text: faulty, fault }
        })
        .collect()
}

/// The codes that `check` reports in its output.
fn reported(output: &str) -> BTreeSet<&str> {
    let lines = output.lines().filter(|line| !line.starts_with(' '));
    lines.filter_map(|line| line.split_once('[')?.1.split_once(']')).map(|(code, _)| code).collect()
}

/// Whether the output reports a code of the configuration at the level of its row in the table.
fn is_at_its_level(output: &str, code: &str) -> bool {
    let code = ConfigCode::ALL.iter().find(|known| known.code() == code).expect("a code of the configuration");
    let level = match code.level() {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    output.contains(&format!(": {level}[{}]", code.code()))
}

/// Files with a fault of their notation, or whose plugin configuration cannot be found or read.
fn files() -> Vec<(DocumentCode, &'static str, Vec<u8>)> {
    let embedded = |value: &str| {
        format!(
            "http_filters:\n- name: countersign\n  typed_config:\n    \
             \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n    config:\n      \
             vm_config: {{ code: {{ local: {{ filename: countersign.wasm }} }} }}\n{value}"
        )
    };
    let string =
        "      configuration:\n        \"@type\": type.googleapis.com/google.protobuf.StringValue\n        value: 7\n";
    vec![
        (DocumentCode::NotUtf8, "c.yaml", b"version: 1\nissuers: \xff\n".to_vec()),
        (DocumentCode::JsonSyntax, "c.json", b"{\n  \"version\": 1,\n}\n".to_vec()),
        (DocumentCode::YamlSyntax, "c.yaml", b"version: 1\nissuers: {\n".to_vec()),
        (DocumentCode::YamlTag, "c.yaml", b"version: !one 1\n".to_vec()),
        (DocumentCode::YamlAlias, "c.yaml", b"issuers: &all\n  corp: *all\n".to_vec()),
        (
            DocumentCode::YamlMergeKey,
            "c.yaml",
            b"corp: &corp { typ: [JWT] }\nissuers:\n  corp:\n    <<: *corp\n".to_vec(),
        ),
        (DocumentCode::YamlKey, "c.yaml", b"version: 1\n[issuers]: {}\n".to_vec()),
        (DocumentCode::YamlNumber, "c.yaml", b"version: .inf\n".to_vec()),
        (DocumentCode::DuplicateMember, "c.yaml", b"version: 1\nissuers: {}\nversion: 1\n".to_vec()),
        (DocumentCode::TooDeep, "c.yaml", format!("{}{}", "[".repeat(150), "]".repeat(150)).into_bytes()),
        (DocumentCode::TooLarge, "c.yaml", format!("[{}]", "1,".repeat(MAX_NODES)).into_bytes()),
        (DocumentCode::NotAText, "envoy.yaml", embedded(string).into_bytes()),
        (DocumentCode::PluginConfiguration, "envoy.yaml", embedded("").into_bytes()),
        (
            DocumentCode::YamlAmbiguousScalar,
            "c.yaml",
            GOOD.replacen("version: 1", "version: 1\nmode: off", 1).into_bytes(),
        ),
        (DocumentCode::Skipped, "k.yaml", b"apiVersion: v1\nkind: Service\n".to_vec()),
        (DocumentCode::NoPlugin, "envoy.yaml", b"static_resources: { clusters: [] }\n".to_vec()),
    ]
}

fn assert_snapshot(name: &str, shown: &str) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, shown);
    });
}

#[test]
fn the_document_without_a_fault_has_no_problem() {
    assert_eq!(
        printed("c.yaml", GOOD).1,
        "c.yaml: policies as text, for countersign.wasm\nc.yaml: 1 configuration, 0 errors, 0 warnings\n"
    );
}

#[test]
fn every_problem_of_a_configuration_reads_as_intended() {
    let mut other = String::new();
    for (name, list) in LISTS {
        let mut shown = String::new();
        for Case { code, text, fault } in cases(list) {
            let (_, output) = printed("c.yaml", &text);
            if reported(&output) != BTreeSet::from([code.as_str()]) || !is_at_its_level(&output, &code) {
                write!(other, "{code}: {output}").expect("a string");
            }
            write!(shown, "{}\n\n{output}\n\n", fault.trim_end()).expect("a string");
        }
        assert_snapshot(name, &shown);
    }
    assert_eq!(other, "", "each case has its own problem and no other");
}

#[test]
fn every_problem_of_a_file_reads_as_intended() {
    let mut shown = String::new();
    for (code, name, bytes) in files() {
        let (_, output) = printed_bytes(name, &bytes);
        assert!(reported(&output).contains(code.code()), "{code:?}: {output}");
        let start: String = String::from_utf8_lossy(&bytes).chars().take(300).collect();
        write!(shown, "{}\n\n{output}\n\n", start.trim_end()).expect("a string");
    }
    let mut output = Vec::new();
    for problem in only_configuration("c.yaml", b"foo: 1\n").expect_err("no configuration") {
        problem.print("c.yaml", &mut output).expect("a vector");
    }
    write!(shown, "foo: 1\n\n{}", String::from_utf8_lossy(&output)).expect("a string");
    assert_snapshot("files", &shown);
}

#[test]
fn problems_about_caps_read_as_intended() {
    let (before, _) = GOOD.split_once("policies: |\n").expect("policies");
    let many = format!("{before}policies: \"{}\"\n", ";".repeat(MAX_POLICIES.saturating_add(1)));
    let large = format!("{before}policies: \"{}\"\n", "/".repeat(MAX_CONFIG_BYTES));
    let deep = format!("{before}policies: ''\nx: {}{}\n", "[".repeat(60), "]".repeat(60));
    let mut shown = String::new();
    for (code, text) in
        [(ConfigCode::TooManyPolicies, many), (ConfigCode::TooLarge, large), (ConfigCode::TooDeep, deep)]
    {
        let (_, output) = printed("c.yaml", &text);
        assert!(reported(&output).contains(code.code()), "{code:?}: {output}");
        write!(shown, "{output}\n\n").expect("a string");
    }
    assert_snapshot("caps", &shown);
}

#[test]
fn every_code_has_a_case() {
    let listed: Vec<Case> = LISTS.iter().flat_map(|(_, list)| cases(list)).collect();
    let mut shown: BTreeSet<&str> = listed.iter().map(|case| case.code.as_str()).collect();
    shown.extend(NOT_SHOWN.iter().map(|(code, _)| code.code()));
    shown.extend([ConfigCode::TooManyPolicies, ConfigCode::TooLarge, ConfigCode::TooDeep].map(ConfigCode::code));
    let all: BTreeSet<&str> = ConfigCode::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(all.symmetric_difference(&shown).collect::<Vec<_>>(), Vec::<&&str>::new());
    let mut shown: BTreeSet<DocumentCode> = files().into_iter().map(|(code, _, _)| code).collect();
    shown.insert(DocumentCode::OneConfiguration);
    shown.insert(DocumentCode::NotPrepared);
    assert_eq!(DocumentCode::ALL.iter().copied().collect::<BTreeSet<_>>(), shown);
}
