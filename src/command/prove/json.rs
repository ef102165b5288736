//! Reports for programs.

use serde_json::{Value, json};

use super::example::{Decided, Example};
use super::proof::Change;
use super::report::{Found, Report};

/// The report as JSON.
pub fn report(report: &Report, old: &str, new: &str) -> Value {
    let [let_in, shut_out] = report.proved;
    let undecided = report.undecided.iter().map(|undecided| {
        json!({
            "change": match undecided.change { Change::LetIn => "let_in", Change::ShutOut => "shut_out" },
            "caller": undecided.caller.to_string(),
            "places": undecided.places,
            "why": undecided.why,
        })
    });
    let differences = report.differences.iter().map(|difference| {
        json!({ "effect": difference.effect.name(), "pointer": difference.pointer, "message": difference.message })
    });
    json!({
        "old": old,
        "new": new,
        "verdict": report.verdict().name(),
        "no_solver": report.no_solver,
        "let_in": report.let_in.iter().map(found).collect::<Vec<_>>(),
        "shut_out": report.shut_out.iter().map(found).collect::<Vec<_>>(),
        "undecided": undecided.collect::<Vec<_>>(),
        "proved": { "let_in": let_in, "shut_out": shut_out },
        "differences": differences.collect::<Vec<_>>(),
        "requests": report.replayed.as_ref().map(super::replay::Replayed::json),
    })
}

fn found(found: &Found) -> Value {
    json!({
        "places": found.places,
        "example": example(&found.shown.example),
        "old": decided(&found.shown.old),
        "new": decided(&found.shown.new),
        "case": found.shown.case.as_ref().ok(),
    })
}

/// A request with its facts.
pub fn example(example: &Example) -> Value {
    json!({
        "caller": example.caller.to_string(),
        "principal": example.principal,
        "groups": example.groups,
        "facts": example.facts,
        "bound_by": example.bound_by.bound_by(),
        "devices": example.devices,
        "request": example.line,
        "now": example.now,
    })
}

fn decided(decided: &Decided) -> Value {
    json!({
        "allowed": decided.allowed,
        "why": decided.why,
        "policies": decided.policies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "route": decided.route,
    })
}
