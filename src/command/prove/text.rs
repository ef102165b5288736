//! Reports for a person and for a comment on a pull request.

use std::io::{self, Write};

use countersign_core::text::escape_json;

use super::case::lines;
use super::example::{Decided, Example};
use super::proof::Change;
use super::report::{Found, Report, Undecided};
use super::yaml::{quoted, record};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For a terminal.
    Plain,
    /// GitHub's Markdown.
    Markdown,
}

/// Writes the report.
///
/// # Errors
/// The output is closed.
pub fn write(report: &Report, (old, new): (&str, &str), style: Style, to: &mut impl Write) -> io::Result<()> {
    heading(&format!("{old} to {new}: {}", report.verdict().name()), style, to)?;
    if let Some(why) = &report.no_solver {
        writeln!(to, "\n{why}")?;
    }
    let [let_in, shut_out] = report.proved;
    section("Who newly gets in", &report.let_in, (let_in, "nobody newly gets in"), report, Change::LetIn, style, to)?;
    section("Who is shut out", &report.shut_out, (shut_out, "nobody is shut out"), report, Change::ShutOut, style, to)?;
    if !report.differences.is_empty() {
        heading("Other differences", style, to)?;
        for difference in &report.differences {
            let pointer = code(&difference.pointer, style);
            writeln!(to, "- {}: {pointer} {}", difference.effect.name(), difference.message)?;
        }
    }
    if let Some(replayed) = &report.replayed {
        heading("Recorded requests", style, to)?;
        replayed.write(to)?;
    }
    Ok(())
}

fn section(
    title: &str,
    found: &[Found],
    (proved, claim): (usize, &str),
    report: &Report,
    change: Change,
    style: Style,
    to: &mut impl Write,
) -> io::Result<()> {
    heading(title, style, to)?;
    for found in found {
        writeln!(to, "- {}", found.places.join(", "))?;
        example(&found.shown.example, style, to)?;
        writeln!(to, "  old: {}", decided(&found.shown.old))?;
        writeln!(to, "  new: {}", decided(&found.shown.new))?;
        match &found.shown.case {
            Ok(case) => {
                writeln!(to, "  as a case for `countersign test`:")?;
                block(&lines(case), style, to)?;
            }
            Err(why) => writeln!(to, "  as a case for `countersign test`: {why}")?,
        }
    }
    for Undecided { caller, places, why, .. } in report.undecided.iter().filter(|undecided| undecided.change == change)
    {
        writeln!(to, "- could not decide for {caller} at {}: {why}", places.join(", "))?;
    }
    match (proved, found.is_empty() && report.undecided.iter().all(|undecided| undecided.change != change)) {
        (0, _) => Ok(()),
        (_, true) => writeln!(to, "Proved: {claim}."),
        (_, false) => writeln!(to, "Proved of all other callers and places: {claim}."),
    }
}

fn heading(text: &str, style: Style, to: &mut impl Write) -> io::Result<()> {
    match style {
        Style::Plain => writeln!(to, "\n{text}"),
        Style::Markdown => writeln!(to, "\n### {text}\n"),
    }
}

fn code(text: &str, style: Style) -> String {
    match style {
        Style::Plain => text.to_owned(),
        Style::Markdown => format!("`{text}`"),
    }
}

/// The example as an operator would say it, one line for each part.
fn example(example: &Example, style: Style, to: &mut impl Write) -> io::Result<()> {
    block(&yaml(example), style, to)
}

/// Lines of YAML.
fn block(lines: &[String], style: Style, to: &mut impl Write) -> io::Result<()> {
    let (open, close) = if style == Style::Markdown { ("  ```yaml\n", "  ```\n") } else { ("", "") };
    write!(to, "{open}")?;
    for line in lines {
        writeln!(to, "  {line}")?;
    }
    write!(to, "{close}")
}

/// The facts of the example as YAML.
pub fn yaml(example: &Example) -> Vec<String> {
    let mut lines = Vec::new();
    match (&example.principal, example.caller.to_string()) {
        (None, _) => lines.push("principal: Anonymous".to_owned()),
        (Some(id), caller) => lines.push(format!("principal: {caller} {}", quoted(id))),
    }
    if !example.groups.is_empty() {
        lines.push(format!(
            "groups: [{}]",
            example.groups.iter().map(|group| quoted(group)).collect::<Vec<_>>().join(", ")
        ));
    }
    if !example.facts.is_empty() {
        lines.push(format!("facts: {}", record(&example.facts)));
    }
    if example.bound_by != countersign_core::identity::SenderConstraint::Bearer {
        lines.push(format!("bound_by: {}", example.bound_by.bound_by()));
    }
    for (device, facts) in &example.devices {
        lines.push(format!("{device}: {}", record(facts)));
    }
    lines.push(format!("request: {}", record(&example.line)));
    lines.push(format!("now: {}", example.now));
    lines
}

/// What a configuration decides, in words.
pub fn decided(decided: &Decided) -> String {
    let policies: Vec<String> = decided.policies.iter().map(ToString::to_string).collect();
    let by = if policies.is_empty() { String::new() } else { format!(" by {}", policies.join(", ")) };
    let at = decided.route.as_ref().map(|route| format!(" at {}", escape_json(route))).unwrap_or_default();
    match decided.allowed {
        true => format!("allowed{at}{by}"),
        false => format!("denied{at}: {}{by}", decided.why),
    }
}
