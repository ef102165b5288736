//! Problems at their places, and how they are printed.

use countersign_core::config_error::{ConfigCode, ConfigError, TextPosition};

use super::super::input;
use super::{Files, Report, only_configuration, place_error, reports};

fn printed(name: &str, text: &str) -> (Report, String) {
    let mut reports = reports(&mut Files::parse(&[(name, text.as_bytes().to_vec())]));
    let report = reports.remove(0);
    let mut output = Vec::new();
    report.print(name, &mut output).unwrap();
    (report, String::from_utf8(output).unwrap())
}

fn policy_error(pointer: &str) -> ConfigError {
    ConfigError {
        pointer: pointer.to_owned(),
        position: Some(TextPosition { line: 2, column: 3 }),
        code: ConfigCode::PolicySyntax,
        message: "a bracket is missing".to_owned(),
        help: "first line\nsecond line".to_owned(),
    }
}

#[test]
fn a_problem_in_policy_text_has_its_place_in_the_file_where_it_is_a_block() {
    let input = input::parse("c.yaml", b"policies: |\n  permit (\n    principal\n").unwrap();
    let problem = place_error(input.documents.first().unwrap(), policy_error("/policies"));
    assert_eq!((problem.at, problem.inside), (TextPosition { line: 3, column: 5 }, None));
}

#[test]
fn a_problem_in_quoted_policy_text_has_its_place_in_the_text() {
    let input = input::parse("c.json", br#"{ "policies": "permit (\n  principal" }"#).unwrap();
    let problem = place_error(input.documents.first().unwrap(), policy_error("/policies"));
    assert_eq!(problem.at, TextPosition { line: 1, column: 3 });
    let report = Report { errors: vec![problem], ..Report::default() };
    let mut output = Vec::new();
    report.print("c.json", &mut output).unwrap();
    assert_eq!(
        String::from_utf8(output).unwrap(),
        "c.json:1:3: error[policy-syntax] at /policies (policy 2:3): a bracket is missing\n  help: first line\n    second line\n\
         c.json: 0 configurations, 1 error, 0 warnings\n"
    );
}

#[test]
fn every_problem_is_told_with_its_line() {
    let (report, output) = printed("c.yaml", "version: 1\nissuers:\n  corp:\n    isuer: x\nzzz: 1\n");
    assert_eq!(report.configurations, 1);
    assert!(output.contains("c.yaml:4:5: error[unknown-field] at /issuers/corp/isuer: "), "{output}");
    assert!(output.contains("c.yaml:5:1: error[unknown-field] at /zzz: "), "{output}");
}

#[test]
fn documents_of_other_kinds_are_named_and_skipped() {
    let (report, output) =
        printed("k.yaml", "---\napiVersion: v1\nkind: Service\n---\nfoo: 1\n---\nadmin: {}\nstatic_resources: {}\n");
    assert_eq!((report.configurations, report.errors.len(), report.notes.len()), (0, 0, 3));
    assert!(output.contains("k.yaml:2:1: note[skipped]: this document is a Kubernetes `Service`\n"), "{output}");
    assert!(output.ends_with("k.yaml: 0 configurations, 0 errors, 0 warnings\n"), "{output}");
}

#[test]
fn what_is_no_yaml_is_an_error_with_its_place() {
    let (report, output) = printed("c.yaml", "version: 1\nissuers: {\n");
    assert_eq!(report.errors.len(), 1);
    assert!(output.starts_with("c.yaml:2:10: error[yaml-syntax]"), "{output}");
}

#[test]
fn eval_wants_exactly_one_configuration() {
    for text in ["", "foo: 1\n", "{version: 1, issuers: {}}\n---\n{version: 1, issuers: {}}\n"] {
        let errors = only_configuration("c.yaml", text.as_bytes()).unwrap_err();
        assert_eq!(errors.first().unwrap().code, "one-configuration", "{text}");
    }
}
