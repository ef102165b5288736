//! The `countersign` program as a library.
//!
//! [`run`] is the whole program: it checks configurations, decides recorded requests with the same core that runs in Envoy,
//! and makes keys and tokens for tests. [`deployment`] is the part of `check` that other programs can use: it reads Envoy
//! configurations and Kubernetes resources ([`document`] parses them) and reports what would let requests bypass the plugin.
//!
//! Exit codes: 0 for success, 1 for errors in the input, 2 for wrong usage and for files that cannot be read, 3 if there are
//! only warnings and the caller asked to fail on them. `diff` and `analyze` have more, see `docs/command.md`.

#![forbid(unsafe_code)]

mod cases;
mod clock;
pub mod deployment;
pub mod document;

mod configuration;
mod failure;
mod probe;
mod prove;
mod record;
mod request_line;
mod verbs;
mod wording;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use failure::Failure;
use verbs::Verb;

#[derive(Parser)]
#[command(name = "countersign", version, about = "Checks and tries out configurations of the Countersign plugin", long_about = None)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

/// Runs the program with these arguments; the first is the name of the program. Prints, and returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Err(failure) = Arguments::parse_from(arguments).verb.run() else { return ExitCode::SUCCESS };
    if let Failure::Usage(message) = &failure {
        // Whether standard error can be written changes nothing about the exit code.
        let _ = writeln!(std::io::stderr(), "countersign: {message}");
    }
    failure.exit_code()
}
