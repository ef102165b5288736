//! The `countersign` command: checks configurations, decides recorded requests with the very core that runs in Envoy, and
//! makes keys and tokens for trying things out.
//!
//! Exit codes: 0 for success, 1 for faults in what was given to it, 2 for wrong usage and files that cannot be read, 3 for
//! nothing but warnings where those were to fail.

#![forbid(unsafe_code)]

mod deployment;
mod document;
mod probe;
mod verbs;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use countersign_core::time::UnixSeconds;

use verbs::{check, eval, key};

#[derive(Parser)]
#[command(name = "countersign", version, about = "Checks and tries out configurations of the Countersign plugin", long_about = None)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Report every problem of plugin configurations, alone or inside Envoy's
    Check(check::Arguments),
    /// Decide requests with a configuration, one JSON decision a line
    Eval(eval::Arguments),
    /// Make keys, key sets and signed tokens for trying things out
    #[command(subcommand)]
    Key(key::Verb),
}

/// Why a verb could not do its work, beyond the faults that it has printed already.
#[derive(Debug)]
enum Failure {
    /// What was given has faults, and they are printed.
    Faults,
    /// What was given has nothing but warnings, which are printed and were to fail.
    Warnings,
    /// What was given makes no sense, or cannot be read or written.
    Usage(String),
    /// Nobody reads the output any more.
    OutputClosed,
}

impl From<std::io::Error> for Failure {
    /// For writing to standard output, where nothing else can be done about it.
    fn from(_: std::io::Error) -> Self {
        Self::OutputClosed
    }
}

/// Runs the program with these arguments, the first of which is its name. Prints, and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let done = match Arguments::parse_from(arguments).verb {
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Eval(arguments) => eval::run(&arguments),
        Verb::Key(verb) => key::run(&verb),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Faults) => ExitCode::from(1),
        Err(Failure::Warnings) => ExitCode::from(3),
        Err(Failure::OutputClosed) => ExitCode::from(2),
        Err(Failure::Usage(message)) => {
            // Whether standard error can be written changes nothing about the exit code.
            let _ = writeln!(std::io::stderr(), "countersign: {message}");
            ExitCode::from(2)
        }
    }
}

/// The time where none is given.
fn clock() -> UnixSeconds {
    #[expect(clippy::disallowed_methods, reason = "the command line is one of the two places that read a clock")]
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UnixSeconds::new(i64::try_from(seconds).unwrap_or(i64::MAX))
}
