//! Policies as deep as the caps allow load and decide in the VM, whose stack is not ours to enlarge; one step deeper they are
//! refused with a message. Never does the VM trap.

use countersign_core::limits::{MAX_POLICY_BRACKET_DEPTH, MAX_POLICY_EXPRESSION_DEPTH};
use serde_json::{Map, Value, json};
use test_harness::keys;

use crate::bench::{Ask, Bench, Outcome};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    policies_as_deep_as_the_caps_load_and_decide,
    policies_one_step_past_the_caps_are_refused_with_a_message,
    policies_far_past_the_caps_are_refused_with_a_message,
];

/// A way in which policy text gets deep.
struct Shape {
    name: &'static str,
    /// The policy's clauses with this many of what makes it deep.
    clauses: fn(usize) -> String,
    /// How many of them the cap allows.
    most: usize,
    /// What is said of one more.
    refusal: &'static str,
}

/// Three operators: two members and a comparison.
const QUESTION: &str = r#"context.http_request.query == "yes""#;

/// `when` counts as one operator and its `{` as one bracket.
const SHAPES: &[Shape] = &[
    Shape {
        name: "brackets",
        clauses: |count| format!("when {{ {}{QUESTION}{} }}", "(".repeat(count), ")".repeat(count)),
        most: MAX_POLICY_BRACKET_DEPTH - 1,
        refusal: "brackets are open here",
    },
    Shape {
        name: "conjunction",
        clauses: |count| format!("when {{ {} }}", vec![QUESTION; count].join(" && ")),
        most: MAX_POLICY_EXPRESSION_DEPTH - 3,
        refusal: "operators deep",
    },
    Shape {
        name: "disjunction",
        clauses: |count| format!("when {{ {} }}", vec![QUESTION; count].join(" || ")),
        most: MAX_POLICY_EXPRESSION_DEPTH - 3,
        refusal: "operators deep",
    },
    Shape {
        name: "alternatives",
        clauses: |count| {
            let alternative = r#"if context.http_request.query == "no" then false else "#;
            format!("when {{ {}{QUESTION} }}", alternative.repeat(count))
        },
        most: MAX_POLICY_EXPRESSION_DEPTH - 4,
        refusal: "operators deep",
    },
    Shape {
        name: "clauses",
        clauses: |count| format!("when {{ {QUESTION} }}").repeat(count),
        most: MAX_POLICY_EXPRESSION_DEPTH - 3,
        refusal: "operators deep",
    },
];

/// One document and one route for each shape, with so many steps.
fn configuration(steps: impl Fn(&Shape) -> usize) -> Value {
    let (mut routes, mut policies) = (Map::new(), Map::new());
    for shape in SHAPES {
        let name = shape.name;
        routes.insert(name.to_owned(), json!({ "path": format!("/{name}") }));
        let text = format!(
            "@id(\"{name}\") permit (principal is Anonymous, action in Action::\"read\", resource == Route::\"deep/{name}\")\n{};",
            (shape.clauses)(steps(shape))
        );
        policies.insert(name.to_owned(), json!({ "applies_to": ["deep"], "text": text }));
    }
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
            "keys": { "inline": keys::corp_key_set() }, "principal": { "id": "sub" }
        } },
        "applications": { "deep": { "any_host": true, "requires": [], "routes": routes } },
        "policies": policies
    })
}

/// The configuration of the listener `deep`.
pub fn deepest_configuration() -> Value {
    configuration(|shape| shape.most)
}

fn policies_as_deep_as_the_caps_load_and_decide(bench: &Bench) {
    decide_the_deepest(|ask| bench.ask(&ask.at("deep")));
}

/// Requests that the deepest policies decide.
pub fn decide_the_deepest(answer: impl Fn(Ask) -> Outcome) {
    for shape in SHAPES {
        let path = format!("/{}", shape.name);
        answer(Ask::get(format!("{path}?yes"))).allowed();
        answer(Ask::get(format!("{path}?maybe"))).refused(401, "credential-missing");
        answer(Ask::get(format!("{path}?no"))).refused(401, "credential-missing");
    }
}

fn refused_without_a_trap(bench: &Bench, name: &str, configuration: &Value) {
    let output = bench.validate_text(name, configuration);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{name} was taken: {log}");
    for word in ["panicked", "RuntimeError", "unreachable", "Maximum call stack"] {
        assert!(!log.contains(word), "{}", log.lines().find(|line| line.contains(word)).unwrap_or_default());
    }
    for shape in SHAPES {
        let said = log.lines().any(|line| line.contains(shape.refusal) && line.contains(shape.name));
        assert!(said, "nothing is said of {}: {log}", shape.name);
    }
}

fn policies_one_step_past_the_caps_are_refused_with_a_message(bench: &Bench) {
    refused_without_a_trap(bench, "one-past", &configuration(|shape| shape.most + 1));
}

fn policies_far_past_the_caps_are_refused_with_a_message(bench: &Bench) {
    refused_without_a_trap(bench, "far-past", &configuration(|_| 2_000));
}
