//! `countersign diff`: whom a change of the configuration lets in, and whom it shuts out.

mod requests;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::{Args, ValueEnum};
use countersign_core::config::Plan;

use super::eval::keys::GivenKeys;
use crate::configuration::{compile, only_configuration, or_print};
use crate::document::{self, Document};
use crate::failure::Failure;
use crate::prove::differences::differences;
use crate::prove::places::pairs;
use crate::prove::proof::{Change, Plans, callers, prove};
use crate::prove::report::{Report, Verdict};
use crate::prove::solver::Solver;
use crate::prove::text::Style;
use crate::prove::{json, text};

/// `diff`
#[derive(Args)]
#[command(
    after_help = "For each kind of caller, each action and each route it proves that nobody newly gets in and that nobody is shut out, or \
prints an\nexample with the policies that decide. What policies do not decide (issuers, audiences, keys, hosts) is listed beside it. \
Proofs\nneed the solver cvc5: $CVC5, or cvc5 on the path.\n\nExamples:\n  countersign diff old.yaml new.yaml\n  \
countersign diff --format markdown old.yaml new.yaml > comment.md\n  \
countersign diff --requests recorded.ndjson --keys corp=corp-keys.json old.yaml new.yaml\n  \
countersign diff --requests access.log old.yaml new.yaml\n\n\
Exit codes: 0 nothing changes who gets in, 4 fewer get in, 5 more get in, 6 undecided, 1 errors in a configuration or a request, \
2 wrong usage or a\nfile that cannot be read."
)]
pub struct Arguments {
    /// The configuration that is deployed, alone or inside Envoy's; - for standard input
    #[arg(value_name = "OLD")]
    old: String,
    /// The configuration that is to replace it
    #[arg(value_name = "NEW")]
    new: String,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Seconds for one question to the solver
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,
    /// Seconds for all questions together
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    total_timeout: u64,
    /// Decide these recorded requests with both configurations too: written as for `eval`, or decision records of an access log
    #[arg(long, value_name = "FILE")]
    requests: Option<String>,
    /// For --requests: the JWK set to use for a provider whose keys are fetched; can be given for several
    #[arg(long, value_name = "PROVIDER=FILE", requires = "requests")]
    keys: Vec<GivenKeys>,
    /// For --requests: the time of the decisions, in seconds since 1970 [default: the clock]
    #[arg(long, value_name = "UNIX", requires = "requests", value_parser = clap::value_parser!(i64).range(0..))]
    now: Option<i64>,
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    Text,
    /// For programs
    Json,
    /// For a comment on a pull request
    Markdown,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { old, new, .. } = arguments;
    if old == "-" && new == "-" {
        return Err(Failure::Usage("only one of the files can be standard input".to_owned()));
    }
    let ((old_document, old_plan), (new_document, new_plan)) = (read(old)?, read(new)?);
    let mut report = Report {
        differences: differences((&old_document.value, &old_plan), (&new_document.value, &new_plan)),
        ..Report::default()
    };
    if let Some(file) = &arguments.requests {
        let given = (file.as_str(), arguments.keys.as_slice(), arguments.now);
        report.replayed = Some(requests::replay((&old_plan, &new_plan), &report.differences, given)?);
    }
    let limits = (Duration::from_secs(arguments.timeout), Duration::from_secs(arguments.total_timeout));
    let mut solver = Solver::start(limits.0, limits.1);
    prove_all(&mut solver, Plans { old: &old_plan, new: &new_plan }, &mut report);
    // Without a question to it, nobody misses the solver.
    report.no_solver = solver.missing().filter(|_| !report.undecided.is_empty()).map(ToString::to_string);
    let mut output = io::stdout().lock();
    match arguments.format {
        Format::Text => text::write(&report, (old, new), Style::Plain, &mut output)?,
        Format::Markdown => text::write(&report, (old, new), Style::Markdown, &mut output)?,
        Format::Json => writeln!(output, "{:#}", json::report(&report, old, new))?,
    }
    match report.verdict() {
        Verdict::Same => Ok(()),
        verdict => Err(Failure::Verdict(verdict.code())),
    }
}

/// Reads and compiles a configuration.
///
/// # Errors
/// It cannot be read, or has errors, which are printed.
pub fn read(file: &str) -> Result<(Document, Plan), Failure> {
    let bytes = document::read(file).map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
    let configuration = or_print(file, only_configuration(file, &bytes))?;
    let (plan, _) = or_print(file, compile(&configuration))?;
    Ok((configuration, plan))
}

fn prove_all(solver: &mut Solver, plans: Plans<'_>, report: &mut Report) {
    let pairs = pairs(&plans.old.router, &plans.new.router);
    let mut progress = Progress::new(pairs.len());
    for places in pairs {
        for caller in callers(plans, places) {
            for change in [Change::LetIn, Change::ShutOut] {
                report.add(change, &caller, places, prove(solver, plans, &caller, places, change));
            }
        }
        progress.step();
    }
}

/// How far the proofs are, on a terminal.
pub struct Progress {
    done: usize,
    total: usize,
    is_shown: bool,
}

impl Progress {
    /// Nothing is done yet.
    pub fn new(total: usize) -> Self {
        Self { done: 0, total, is_shown: io::stderr().is_terminal() }
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.done = self.done.saturating_add(1);
        if self.is_shown {
            let end = if self.done == self.total { "\r\u{1b}[K" } else { "" };
            // Whether it is read changes no result.
            let _ = write!(io::stderr(), "\rproving: {} of {} places{end}", self.done, self.total);
        }
    }
}
