//! Explanations in plain words, for `explain` and for the failed cases of `test`.

use std::fmt::Write as _;

use countersign_core::policy::{
    ConditionExplanation, ConditionResult, Explanation, PolicyDescription, PolicyExplanation,
};

/// How a policy decides: one line that says whether it applies, then its scope and its conditions with the facts that they
/// read.
#[must_use]
pub fn policy(explained: &PolicyExplanation) -> String {
    let description = &explained.description;
    let mut text = format!("{} {}: {}\n", effect(description), description.policy, verdict(explained));
    for (scope, matches) in description.scope.iter().zip(explained.scope_matches) {
        line(&mut text, if matches { "matches" } else { "differs" }, scope, "");
    }
    for name in &explained.missing_evidence {
        line(
            &mut text,
            "missing",
            &format!("verified evidence of `{name}`, without which the policy does not apply"),
            "",
        );
    }
    for condition in &explained.conditions {
        let written = description.conditions.get(condition.place).map_or("", String::as_str);
        line(&mut text, result(condition.result), written, &values(condition));
    }
    text
}

/// What would be enough for an allow: the forbids that must stop applying, then the permits in reach, the nearest first, with
/// what each lacks.
#[must_use]
pub fn enough(explanation: &Explanation) -> String {
    // A policy that is only rehearsed neither allows nor denies.
    let decides = |explained: &&PolicyExplanation| explained.is_in_reach() && !explained.description.is_rehearsed;
    let in_reach = || explanation.policies.iter().filter(decides);
    let mut text = String::new();
    let broken: Vec<_> = in_reach().filter(|explained| explained.applies.is_none()).collect();
    for explained in broken {
        let _ = writeln!(
            text,
            "{} must have a value: a policy that cannot be evaluated denies",
            explained.description.policy
        );
    }
    for explained in in_reach().filter(|explained| !explained.description.permits && explained.applies == Some(true)) {
        let _ = writeln!(text, "{} must not apply: a forbid overrides every permit", explained.description.policy);
    }
    let permits = || in_reach().filter(|explained| explained.description.permits);
    let must = permits().any(|explained| explained.description.document_must_permit);
    let permitted = permits().any(|explained| explained.applies == Some(true));
    if permitted && !must {
        return text;
    }
    let mut missing: Vec<(usize, String)> = permits()
        .filter(|explained| explained.applies != Some(true))
        .map(|explained| {
            let lacks = lacks(explained);
            (lacks.len(), format!("{} lacks {}\n", explained.description.policy, lacks.join("; and ")))
        })
        .collect();
    missing.sort();
    if missing.is_empty() && !permitted {
        text.push_str("no permit is for this route and action: it takes another policy\n");
    } else if !missing.is_empty() {
        text.push_str(if must {
            "a permit of each document that must permit has to apply:\n"
        } else {
            "one of these permits has to apply, the nearest first:\n"
        });
        missing.iter().for_each(|(_, line)| {
            text.push_str("  ");
            text.push_str(line);
        });
    }
    text
}

/// `permit` or `forbid`.
#[must_use]
pub const fn effect(description: &PolicyDescription) -> &'static str {
    if description.permits { "permit" } else { "forbid" }
}

/// The result of a condition in one word.
#[must_use]
pub const fn result(result: ConditionResult) -> &'static str {
    match result {
        ConditionResult::Held => "held",
        ConditionResult::Failed => "failed",
        ConditionResult::NoValue => "no value",
    }
}

/// The same with every control character but line ends replaced, so that no value changes the terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn verdict(explained: &PolicyExplanation) -> &'static str {
    match (explained.applies, explained.description.is_rehearsed) {
        (Some(true), false) => "applies",
        (Some(true), true) => "applies, and decides nothing because it is only rehearsed",
        (Some(false), _) => "does not apply",
        (None, true) => "cannot be evaluated, and decides nothing because it is only rehearsed",
        (None, false) => "cannot be evaluated, so the request is denied",
    }
}

/// What a permit lacks.
fn lacks(explained: &PolicyExplanation) -> Vec<String> {
    let [principal, ..] = explained.scope_matches;
    let [asked, ..] = &explained.description.scope;
    let mut lacks = Vec::new();
    if !principal {
        lacks.push(if asked == "principal" {
            "a principal that is not Anonymous".to_owned()
        } else {
            format!("a principal that matches `{asked}`")
        });
    }
    lacks.extend(explained.missing_evidence.iter().map(|name| format!("verified evidence of `{name}`")));
    let failed = explained.conditions.iter().filter(|condition| condition.result != ConditionResult::Held);
    lacks.extend(failed.map(|condition| {
        let written = explained.description.conditions.get(condition.place).map_or("", String::as_str);
        format!("`{written}`{}", values(condition))
    }));
    lacks
}

/// The facts of a condition with their values.
fn values(condition: &ConditionExplanation) -> String {
    let facts = condition.facts.iter().map(|fact| match &fact.value {
        Some(value) => format!("{} = {value}", fact.name),
        None => format!("{} is missing", fact.name),
    });
    let facts: Vec<String> = facts.collect();
    if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) }
}

fn line(text: &mut String, word: &str, what: &str, behind: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "  {word:<9}{what}{behind}");
}
