//! `countersign analyze`: what a configuration lets in that its authors may not expect.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use countersign_core::policy::PolicyId;
use serde_json::{Value, json};

use super::diff::{Format, Progress, read};
use crate::failure::Failure;
use crate::prove::analysis::{Analysis, analyze};
use crate::prove::idle::{Idle, Reasons};
use crate::prove::report::Verdict;
use crate::prove::solver::Solver;

/// `analyze`
#[derive(Args)]
#[command(
    after_help = "It looks at all requests at once, with the solver cvc5 ($CVC5, or cvc5 on the path), and prints: routes that no request \
reaches, policies\nwithout which every request would be decided alike, what Anonymous reaches, permits that let in every principal of \
an issuer, and where\nno policy reads a device.\n\nExamples:\n  countersign analyze countersign.yaml\n  \
countersign analyze --format json envoy.yaml\n\nExit codes: 0 everything was decided, whatever was found, 1 errors in the \
configuration, 2 wrong usage or a file that cannot be read,\n6 something is undecided."
)]
pub struct Arguments {
    /// The configuration, alone or inside Envoy's; - for standard input
    #[arg(value_name = "CONFIG")]
    config: String,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Seconds for one question to the solver
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,
    /// Seconds for all questions together
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    total_timeout: u64,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (_, plan) = read(&arguments.config)?;
    let limits = (Duration::from_secs(arguments.timeout), Duration::from_secs(arguments.total_timeout));
    let mut solver = Solver::start(limits.0, limits.1);
    let mut progress = None;
    let found = analyze(&mut solver, &plan, |total| progress.get_or_insert_with(|| Progress::new(total)).step());
    let mut output = io::stdout().lock();
    match arguments.format {
        Format::Json => writeln!(output, "{:#}", as_json(&found))?,
        Format::Text | Format::Markdown => write(&found, arguments.format == Format::Markdown, &mut output)?,
    }
    if found.undecided.is_empty() { Ok(()) } else { Err(Failure::Verdict(Verdict::Undecided.code())) }
}

/// The sections: a title, a sentence for an empty one, and the entries.
fn sections(found: &Analysis) -> [(&'static str, &'static str, Vec<String>); 6] {
    let everybody = found.everybody.iter();
    let everybody = everybody
        .map(|((policy, caller), places)| format!("{policy} lets in everybody of {caller}: {}", places.join(", ")));
    let undecided = found.undecided.iter().map(|(what, why)| format!("{what}: {why}"));
    [
        ("Routes that nobody reaches", "Somebody reaches each route.", found.unreached.clone()),
        (
            "Policies without effect: without each of them alone, every request would be decided alike",
            "Each policy decides some request.",
            found.without_effect.iter().flat_map(|(policy, reasons)| idle(policy, reasons)).collect(),
        ),
        ("What Anonymous reaches", "Anonymous reaches nothing.", found.anonymous.clone()),
        ("Permits for everybody of an issuer", "No permit lets in everybody of an issuer.", everybody.collect()),
        (
            "Where the device does not matter",
            "Wherever somebody with a token gets in, a policy or a route asks for a device.",
            found.without_device.iter().map(|(caller, places)| format!("{caller}: {}", places.join(", "))).collect(),
        ),
        ("Undecided", "Everything was decided.", undecided.collect()),
    ]
}

/// Why a policy has no effect, one line for each reason.
fn idle(policy: &PolicyId, reasons: &Reasons) -> Vec<String> {
    if reasons.is_empty() {
        return vec![format!("{policy} applies to no request")];
    }
    let line = |(reason, places): (&Idle, &Vec<String>)| {
        let places = places.join(", ");
        match reason {
            Idle::Forbidden(other) => format!("{policy}: {other} forbids each request that it applies to: {places}"),
            Idle::Permitted(other) => format!("{policy}: {other} permits each request that it applies to: {places}"),
            Idle::NothingPermitted => format!("{policy}: no permit is for the requests that it forbids: {places}"),
            Idle::Together => {
                format!("{policy}: several other policies together decide each request that it applies to: {places}")
            }
            Idle::Undecided => format!("{policy}: could not decide why: {places}"),
        }
    };
    reasons.iter().map(line).collect()
}

/// The same for programs.
fn idle_json(policy: &PolicyId, reasons: &Reasons) -> Value {
    let reasons = reasons.iter().map(|(reason, places)| {
        let (kind, other) = match reason {
            Idle::Forbidden(other) => ("forbidden_by", Some(other)),
            Idle::Permitted(other) => ("permitted_by", Some(other)),
            Idle::NothingPermitted => ("nothing_permitted", None),
            Idle::Together => ("decided_by_several", None),
            Idle::Undecided => ("undecided", None),
        };
        json!({ "kind": kind, "policy": other.map(PolicyId::as_str), "places": places })
    });
    json!({ "policy": policy.as_str(), "because": reasons.collect::<Vec<_>>() })
}

fn write(found: &Analysis, is_markdown: bool, output: &mut impl Write) -> io::Result<()> {
    if let Some(why) = &found.no_solver {
        writeln!(output, "{why}")?;
    }
    for (title, nothing, entries) in sections(found) {
        let title = if is_markdown { format!("### {title}\n") } else { title.to_owned() };
        writeln!(output, "\n{title}")?;
        if entries.is_empty() && (found.undecided.is_empty() || title.contains("Undecided")) {
            writeln!(output, "{nothing}")?;
        } else if entries.is_empty() {
            writeln!(output, "Nothing was found, and something is undecided.")?;
        }
        entries.iter().try_for_each(|entry| writeln!(output, "- {entry}"))?;
    }
    Ok(())
}

fn as_json(found: &Analysis) -> Value {
    let everybody = found.everybody.iter().map(|((policy, caller), places)| {
        json!({ "policy": policy.to_string(), "issuer": caller.to_string(), "places": places })
    });
    let without_device = found.without_device.iter();
    let without_device =
        without_device.map(|(caller, places)| json!({ "issuer": caller.to_string(), "places": places }));
    let without_effect = found.without_effect.iter().map(|(policy, reasons)| idle_json(policy, reasons));
    let undecided = found.undecided.iter().map(|(what, why)| json!({ "what": what, "why": why }));
    json!({
        "no_solver": found.no_solver,
        "unreached_routes": found.unreached,
        "policies_without_effect": without_effect.collect::<Vec<_>>(),
        "anonymous_reaches": found.anonymous,
        "permits_for_everybody": everybody.collect::<Vec<_>>(),
        "device_does_not_matter": without_device.collect::<Vec<_>>(),
        "undecided": undecided.collect::<Vec<_>>(),
    })
}
