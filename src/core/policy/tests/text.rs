//! Policy text: syntax, ids, annotations, and the caps on it.

use super::fixture::{Setting, at, codes, document, error_of, errors_of, permit, taken};
use crate::limits::{MAX_POLICIES, MAX_POLICY_BRACKET_DEPTH, MAX_POLICY_EXPRESSION_DEPTH};
use crate::portable;

#[portable]
fn a_slip_of_syntax_is_shown_where_it_is() {
    let error = error_of("@id(\"a\")\npermit (principal, action, resource)\nwhen { context.now > };");
    assert_eq!((error.code.code(), error.position, error.pointer.as_str()), ("policy-syntax", at(3, 22), "/policies"));
    assert!(error.message.contains("unexpected token `}`"), "{}", error.message);
    assert!(!error.help.is_empty());
}

#[portable]
fn one_mistake_does_not_hide_the_next() {
    let text = "@id(\"a\") permit (principal is corp::Usr, action, resource);\n@id(\"b\") permit (;\npermit (principal, action, resource);";
    assert_eq!(codes(text), ["unknown-entity-type", "policy-syntax", "missing-id"]);
}

#[portable]
fn a_policy_needs_an_id_of_its_own() {
    assert_eq!(codes("permit (principal, action, resource);"), ["missing-id"]);
    let twice = "@id(\"a\") permit (principal, action, resource);\n@id(\"a\") permit (principal is corp::User, action, resource);";
    let error = error_of(twice);
    assert_eq!((error.code.code(), error.position), ("duplicate-id", at(2, 1)));
    let documents = [
        document(Some("one"), &["wiki"], "@id(\"a\") permit (principal, action, resource);"),
        document(Some("two"), &["wiki"], "@id(\"a\") permit (principal, action, resource);"),
    ];
    assert!(Setting::new().compile_all(&documents).is_ok());
}

#[portable]
fn an_id_is_a_short_label() {
    let with = |id: &str| format!("@id(\"{id}\") permit (principal, action, resource);");
    taken(&with(&"a".repeat(64)));
    taken(&with("Orders.read_2-b"));
    for id in ["", "a b", "a/b", "ä", &"a".repeat(65)] {
        let error = error_of(&with(id));
        assert_eq!((error.code.code(), error.position), ("invalid-id", at(1, 2)), "{id}");
    }
}

#[portable]
fn only_annotations_with_a_meaning_are_taken() {
    let error = error_of("@id(\"a\") @advise(\"x\") permit (principal, action, resource);");
    assert_eq!((error.code.code(), error.position), ("unknown-annotation", at(1, 11)));
    assert_eq!(error.help, "did you mean `advice`?");
    let missing = |value: &str| format!("@id(\"a\") @missing(\"{value}\") permit (principal, action, resource);");
    taken(&missing("ignore"));
    assert_eq!(codes(&missing("allow")), ["invalid-missing"]);
}

#[portable]
fn templates_are_refused_at_the_slot() {
    let error = error_of("@id(\"a\") permit (principal == ?principal, action, resource);");
    assert_eq!((error.code.code(), error.position), ("policy-template", at(1, 31)));
    taken(&permit(r#"context.http_request.query == "?principal""#));
}

#[portable]
fn brackets_are_taken_up_to_the_cap() {
    let of_the_clause = 1;
    let nested = |depth: usize| permit(&format!("{}context.now > 1{}", "(".repeat(depth), ")".repeat(depth)));
    taken(&nested(MAX_POLICY_BRACKET_DEPTH - of_the_clause));
    let error = error_of(&nested(MAX_POLICY_BRACKET_DEPTH - of_the_clause + 1));
    assert_eq!((error.code.code(), error.position.map(|position| position.line)), ("policy-nesting", Some(3)));
    assert_eq!(codes(&nested(5_000)), ["policy-nesting"]);
    taken(&permit(&format!("context.http_request.query == \"{}\" // {}\n", "(".repeat(40), "[".repeat(40))));
}

/// The operators of `context.now > 1`: the `.` and the `>`.
const COMPARISON: usize = 2;
/// Each `when` and `unless` counts as one operator.
const CLAUSE: usize = 1;

/// Loads with this many repetitions, and is too deep with one more.
#[track_caller]
fn deepest(longest: usize, repeated: impl Fn(usize) -> String) {
    taken(&repeated(longest));
    assert_eq!(codes(&repeated(longest.saturating_add(1))), ["policy-depth"]);
}

#[portable]
fn operators_are_taken_up_to_the_cap() {
    for operator in ["&&", "||"] {
        let chain = |operands: usize| permit(&vec!["context.now > 1"; operands].join(operator));
        // The first operand has no operator before it.
        let operators = MAX_POLICY_EXPRESSION_DEPTH - CLAUSE - COMPARISON;
        deepest(operators + 1, chain);
        let error = error_of(&chain(operators + 2));
        assert_eq!((error.code.code(), error.position), ("policy-depth", at(1, 1)));
        assert_eq!(codes(&chain(20_000)), ["policy-depth"]);
    }
    let ifs = |count: usize| permit(&format!("{}context.now > 9", "if context.now > 1 then true else ".repeat(count)));
    deepest(MAX_POLICY_EXPRESSION_DEPTH - CLAUSE - COMPARISON, ifs);
    let clauses = |count: usize| {
        format!("@id(\"a\") permit (principal, action, resource) {};", "when { context.now > 1 }".repeat(count))
    };
    deepest((MAX_POLICY_EXPRESSION_DEPTH - COMPARISON) / CLAUSE, clauses);
}

#[portable]
fn an_index_is_an_operator_too() {
    let indices = |count: usize| permit(&format!("context{} == 1", "[\"a\"]".repeat(count)));
    let equality = 1;
    let longest = MAX_POLICY_EXPRESSION_DEPTH - CLAUSE - equality;
    assert_eq!(codes(&indices(longest)), ["unknown-attribute"]);
    for count in [longest + 1, 100_000] {
        assert_eq!(codes(&indices(count)), ["policy-depth"]);
    }
}

#[portable]
fn too_many_policies_are_not_even_parsed() {
    let text = ";".repeat(MAX_POLICIES + 1);
    assert_eq!(codes(&text), ["too-many-policies"]);
    assert_eq!(errors_of(&";".repeat(MAX_POLICIES)).first().map(|error| error.code.code()), Some("policy-syntax"));
}
