//! Places of values, and what of YAML is refused.

use countersign_core::config_error::TextPosition;
use serde_json::json;

use super::{Document, MAX_DEPTH, MAX_NODES, Problem, embedded, parse};

fn at(line: usize, column: usize) -> TextPosition {
    TextPosition { line, column }
}

fn documents(text: &str) -> Vec<Document> {
    parse("test.yaml", text.as_bytes()).unwrap().documents
}

fn document(text: &str) -> Document {
    documents(text).pop().unwrap()
}

fn problem(text: &str) -> Problem {
    parse("test.yaml", text.as_bytes()).unwrap_err()
}

fn warned(text: &str) -> bool {
    let warnings = parse("test.yaml", text.as_bytes()).unwrap().warnings;
    assert!(warnings.iter().all(|warning| warning.code == "yaml-ambiguous-scalar"));
    !warnings.is_empty()
}

#[test]
fn a_member_is_where_its_key_is_and_an_element_where_it_begins() {
    let document = document("a:\n  b: [1, 2]\n  c:\n    - x\n    - {d: e}\n");
    assert_eq!(document.value, json!({ "a": { "b": [1, 2], "c": ["x", { "d": "e" }] } }));
    assert_eq!(document.at(""), at(1, 1));
    assert_eq!(document.at("/a/b"), at(2, 3));
    assert_eq!(document.at("/a/b/1"), at(2, 10));
    assert_eq!(document.at("/a/c/1/d"), at(5, 8));
}

#[test]
fn what_is_not_there_is_where_the_part_around_it_is() {
    let document = document("a:\n  b: 1\n");
    assert_eq!(document.at("/a/missing/deeper"), at(1, 1));
    assert_eq!(document.at("/a/b/x"), at(2, 3));
    assert_eq!(document.at("/z"), at(1, 1));
}

#[test]
fn keys_with_slash_and_tilde_are_escaped_in_pointers() {
    let document = document("a/b:\n  c~d: 1\n");
    assert_eq!(document.at("/a~1b/c~0d"), at(2, 3));
}

#[test]
fn a_place_in_a_literal_block_is_a_place_in_the_file() {
    let document = document("policies:\n  staff:\n    text: |\n      permit (\n        principal\n      );\nx: 1\n");
    assert_eq!(document.inside("/policies/staff/text", at(1, 1)), Some(at(4, 7)));
    assert_eq!(document.inside("/policies/staff/text", at(2, 3)), Some(at(5, 9)));
    assert_eq!(document.inside("/x", at(1, 1)), None, "not a block");
}

#[test]
fn a_literal_block_may_begin_with_empty_and_indented_lines() {
    let indented = document("a: |2-\n\n    x\n  y\n");
    assert_eq!(indented.value, json!({ "a": "\n  x\ny" }));
    assert_eq!(indented.inside("/a", at(2, 3)), Some(at(3, 5)));
    let commented = document("- |+ # words\n  one\n\n  two\n");
    assert_eq!(commented.inside("/0", at(3, 1)), Some(at(4, 3)));
}

#[test]
fn quoted_and_folded_texts_have_no_places_inside() {
    let document = document("a: \"x\\ny\"\nb: >\n  folded\n  text\n");
    assert_eq!(document.value, json!({ "a": "x\ny", "b": "folded text\n" }));
    assert_eq!(document.inside("/a", at(2, 1)), None);
    assert_eq!(document.inside("/b", at(1, 3)), None);
}

#[test]
fn several_documents_are_read_and_empty_ones_left_out() {
    let documents = documents("a: 1\n---\n---\nb: 2\n...\n");
    assert_eq!(
        documents.iter().map(|document| document.value.clone()).collect::<Vec<_>>(),
        [json!({ "a": 1 }), json!(null), json!({ "b": 2 })]
    );
    assert_eq!(documents.last().unwrap().at("/b"), at(4, 1));
}

#[test]
fn json_is_read_as_json_with_its_places() {
    let text = "{\n  \"a\": [1,\n    \"\\u00e9\"]\n}";
    for name in ["test.json", "-"] {
        let input = parse(name, text.as_bytes()).unwrap();
        let document = input.documents.first().unwrap();
        assert_eq!(document.value, json!({ "a": [1, "é"] }));
        assert_eq!(document.at("/a/1"), at(3, 5));
    }
}

#[test]
fn a_json_file_must_be_strict_json() {
    for text in ["{a: 1}", "{\"a\": 1, \"a\": 2}", "{\"a\": 1,}", "{} {}"] {
        let problem = parse("test.json", text.as_bytes()).unwrap_err();
        assert_eq!((problem.code, problem.at.line), ("json-syntax", 1), "{text}");
    }
}

#[test]
fn scalars_follow_the_core_schema() {
    let document = document(
        "[~, null, true, False, 12, -3, +4, 18446744073709551615, 1.5, 1e3, -.5, x, '12', \"true\", !!str 1, 1.2.3, 10.0.0.1/8, '']",
    );
    assert_eq!(
        document.value,
        json!([
            null,
            null,
            true,
            false,
            12,
            -3,
            4,
            18_446_744_073_709_551_615_u64,
            1.5,
            1000.0,
            -0.5,
            "x",
            "12",
            "true",
            "1",
            "1.2.3",
            "10.0.0.1/8",
            ""
        ])
    );
}

#[test]
fn scalars_that_readers_disagree_on_are_warned_about() {
    for text in ["yes", "No", "on", "OFF", "y", "010", "-007", "1_000", "0x1F", "0o17", "12:30:45", "1:20"] {
        assert!(warned(&format!("a: {text}")), "{text}");
        assert!(!warned(&format!("a: '{text}'")), "quoted {text}");
        assert!(!warned(&format!("{text}: a")), "{text} as a key");
    }
    for text in
        ["0", "10", "0.5", "-1", "true", "null", "60s", "1.2.3", "a_b", "a:b", "10.0.0.1", "2001:db8::1", "x1_000"]
    {
        assert!(!warned(&format!("a: {text}")), "{text}");
    }
}

#[test]
fn an_alias_is_a_copy_of_what_it_names() {
    let document = document("a: &x\n  k: [1]\nb: *x\nc: &y text\nd: *y\n");
    assert_eq!(document.value, json!({ "a": { "k": [1] }, "b": { "k": [1] }, "c": "text", "d": "text" }));
    assert_eq!(document.at("/b"), at(3, 1));
    assert_eq!(document.at("/b/k"), at(2, 3), "its parts are where they were written");
}

#[test]
fn aliases_that_go_in_a_circle_or_nowhere_are_refused() {
    assert_eq!(problem("a: &x [*x]").code, "yaml-alias");
    assert_eq!(problem("a: *nobody").code, "yaml-syntax");
    assert_eq!(problem("a: &x 1\n---\nb: *x").code, "yaml-syntax", "names end with their document");
}

#[test]
fn aliases_cannot_multiply_without_bound() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..8 {
        let names = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{names}]\n"));
    }
    assert_eq!(problem(&text).code, "too-large");
    let many = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(documents(&many(MAX_NODES - 1)).len(), 1);
    assert_eq!(problem(&many(MAX_NODES + 1)).code, "too-large");
}

#[test]
fn nesting_has_a_bound_through_aliases_too() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(documents(&nested(MAX_DEPTH)).len(), 1);
    assert_eq!(problem(&nested(MAX_DEPTH + 1)).code, "too-deep");
    let half = MAX_DEPTH / 2;
    let through_alias = format!("a: &x {}\nb: {}*x{}\n", nested(half), "[".repeat(half + 1), "]".repeat(half + 1));
    assert_eq!(problem(&through_alias).code, "too-deep");
}

#[test]
fn what_json_cannot_say_is_refused_with_its_place() {
    let cases = [
        ("a: 1\nb: 2\na: 3\n", "duplicate-member", 3),
        ("a: 1\n'a': 3\n", "duplicate-member", 2),
        ("base: &b {x: 1}\na:\n  <<: *b\n", "yaml-merge-key", 3),
        ("a: 1\n[1, 2]: b\n", "yaml-key", 2),
        ("a: &x k\n*x : b\n", "yaml-key", 2),
        ("a: .inf\n", "yaml-number", 1),
        ("a: -.NaN\n", "yaml-number", 1),
        ("a: !secret x\n", "yaml-tag", 1),
        ("a: !!binary aGk=\n", "yaml-tag", 1),
        ("a: [1, 2\nb: 3\n", "yaml-syntax", 2),
        ("a:\n\t- 1\n", "yaml-syntax", 2),
    ];
    for (text, code, line) in cases {
        let problem = problem(text);
        assert_eq!((problem.code, problem.at.line), (code, line), "{text}");
    }
}

#[test]
fn a_quoted_merge_key_is_a_key() {
    assert_eq!(document("'<<': 1").value, json!({ "<<": 1 }));
}

#[test]
fn bytes_that_are_not_utf_8_name_their_line() {
    let problem = parse("test.yaml", b"a: 1\nb: \xff\n").unwrap_err();
    assert_eq!((problem.code, problem.at), ("not-utf-8", at(2, 1)));
}

#[test]
fn a_part_keeps_its_places() {
    let document = document("a:\n  b:\n    c: |\n      text\na-b: 1\n");
    let part = document.part("/a/b").unwrap();
    assert_eq!(part.value, json!({ "c": "text\n" }));
    assert_eq!(part.at(""), at(2, 3));
    assert_eq!(part.at("/c"), at(3, 5));
    assert_eq!(part.inside("/c", at(1, 2)), Some(at(4, 8)));
    assert!(document.part("/a/z").is_none());
}

#[test]
fn json_text_inside_yaml_has_places_where_it_is_a_block() {
    let document =
        document("value: |\n  {\n    \"a\": {\"b\": 1}\n  }\nflat: '{\"a\": 1}'\nbad: |\n  {\n    \"a\": 1,\n  }\n");
    let inner = embedded(&document, "/value").unwrap();
    assert_eq!(inner.value, json!({ "a": { "b": 1 } }));
    assert_eq!(inner.at("/a/b"), at(3, 11));
    assert_eq!(embedded(&document, "/flat").unwrap().at("/a"), at(5, 1));
    let problem = embedded(&document, "/bad").unwrap_err();
    assert_eq!(problem.code, "json-syntax");
    assert!((8..=9).contains(&problem.at.line), "{problem:?}");
    assert_eq!(embedded(&document, "/value/x").unwrap_err().code, "not-a-text");
}
