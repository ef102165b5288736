//! Problems at their places, and files with one configuration.

use countersign_core::config_error::{ConfigCode, ConfigError, TextPosition};

use super::{only_configuration, place_error};
use crate::document;

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
    let input = document::parse("c.yaml", b"policies: |\n  permit (\n    principal\n").unwrap();
    let problem = place_error(input.documents.first().unwrap(), policy_error("/policies"));
    assert_eq!((problem.at, problem.inside), (TextPosition { line: 3, column: 5 }, None));
}

#[test]
fn a_problem_in_quoted_policy_text_has_its_place_in_the_text() {
    let input = document::parse("c.json", br#"{ "policies": "permit (\n  principal" }"#).unwrap();
    let problem = place_error(input.documents.first().unwrap(), policy_error("/policies"));
    assert_eq!(problem.at, TextPosition { line: 1, column: 3 });
    let mut output = Vec::new();
    problem.print("c.json", &mut output).unwrap();
    assert_eq!(
        String::from_utf8(output).unwrap(),
        "c.json:1:3: error[policy-syntax] at /policies (policy 2:3): a bracket is missing\n  help: first line\n    second line\n"
    );
}

#[test]
fn eval_wants_exactly_one_configuration() {
    for text in ["", "foo: 1\n", "{version: 1, issuers: {}}\n---\n{version: 1, issuers: {}}\n"] {
        let errors = only_configuration("c.yaml", text.as_bytes()).unwrap_err();
        assert_eq!(errors.first().unwrap().code, "one-configuration", "{text}");
    }
}
