//! `countersign test`: decides the cases of test files with the same core that runs in Envoy, and compares.

mod coverage;
mod report;
mod watch;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, ValueEnum};

use crate::cases::{Configurations, Difference, Found};
use crate::failure::Failure;
use coverage::Coverage;

/// `test`
#[derive(Args)]
#[command(
    after_help = "A test file names a configuration and cases. Evidence is given as verified facts, so nothing is signed:\n  \
config: countersign.yaml\n  defaults: { host: shop.example.com, principal: 'corp::User::\"alice\"' }\n  cases:\n  \
- { name: staff read, groups: [staff], request: GET /api/orders/7, expect: allow, policies: [staff-read] }\n\
docs/testing-policies.md describes all members, tables of cases, and coverage.\n\n\
Examples:\n  countersign test envoy/policies/tests/*.yaml\n  countersign test --coverage tests.yaml\n  \
countersign test --format junit tests.yaml > junit.xml\n\n\
Exit codes: 0 all cases pass, 1 a case fails or a file has errors, 2 wrong usage or a file that cannot be read."
)]
pub struct Arguments {
    /// Test files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print which policies never decided, which routes no case asks for, and which conditions never differed
    #[arg(long)]
    coverage: bool,
    /// Run again whenever a file changes, until the program is stopped
    #[arg(long)]
    watch: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Failed cases with the reasons, and a summary
    Text,
    /// Test Anything Protocol, version 14
    Tap,
    /// JUnit XML
    Junit,
}

/// One case that was run.
struct Tested {
    /// The file.
    file: String,
    /// Its line in the file.
    line: usize,
    /// Its name.
    name: String,
    /// What was found.
    found: Found,
    /// What is not as expected; nothing if it passed.
    differences: Vec<Difference>,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
#[expect(
    clippy::disallowed_methods,
    reason = "a file has changed if its time is after this; no decision depends on it"
)]
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.watch {
        return once(arguments).0;
    }
    loop {
        let since = SystemTime::now();
        let (result, mut files) = once(arguments);
        match result {
            Ok(()) | Err(Failure::Faults | Failure::Warnings | Failure::Verdict(_)) => {}
            Err(Failure::Usage(message)) => writeln!(io::stderr(), "countersign: {message}")?,
            Err(closed @ Failure::OutputClosed) => return Err(closed),
        }
        files.extend(arguments.files.iter().map(PathBuf::from));
        watch::wait_for_a_change(&files, since);
    }
}

/// Runs all files once. Also returns the files of the configurations that they name.
fn once(arguments: &Arguments) -> (Result<(), Failure>, Vec<PathBuf>) {
    let mut configurations = Configurations::default();
    let result = test_all(arguments, &mut configurations);
    (result, configurations.into_files())
}

fn test_all(arguments: &Arguments, configurations: &mut Configurations) -> Result<(), Failure> {
    let mut files = Vec::new();
    let mut failure = None;
    for file in &arguments.files {
        match configurations.read(file) {
            Ok(read) => files.push(read),
            // Every file is read, so that all problems are printed; a file that cannot be read matters more.
            Err(Failure::Faults) => failure = failure.or(Some(Failure::Faults)),
            Err(other) => return Err(other),
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut tested = Vec::new();
    let mut coverage = Coverage::default();
    for file in &files {
        for case in &file.cases {
            let found = case.found(&file.configuration.plan);
            coverage.add(&file.configuration, &found);
            let differences = case.expected().differences(&found);
            let (name, line) = (case.name.clone(), case.at.line);
            tested.push(Tested { file: file.file.clone(), line, name, found, differences });
        }
    }
    let mut output = io::BufWriter::new(io::stdout().lock());
    match arguments.format {
        Format::Text => report::text(&mut output, &tested)?,
        Format::Tap => report::tap(&mut output, &tested)?,
        Format::Junit => report::junit(&mut output, &tested)?,
    }
    if arguments.coverage {
        // The other formats are read by programs.
        match arguments.format {
            Format::Text => coverage.print(&mut output)?,
            Format::Tap | Format::Junit => coverage.print(&mut io::stderr())?,
        }
    }
    output.flush()?;
    if tested.iter().all(|tested| tested.differences.is_empty()) { Ok(()) } else { Err(Failure::Faults) }
}
