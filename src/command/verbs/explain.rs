//! `countersign explain`: why a request is allowed or denied, policy by policy.

mod record;
mod report;

use std::io::{self, Write as _};

use clap::{Args, ValueEnum};
use countersign_core::config::Plan;
use countersign_core::enforcement;
use countersign_core::fetch::LocalMemory;
use countersign_core::freshness::ProofMemory;
use countersign_core::keys::{TrustStore, Verification};
use countersign_core::telemetry::DecisionId;
use countersign_core::time::UnixSeconds;

use super::eval::keys::{GivenKeys, install};
use crate::cases::{Configurations, Found};
use crate::clock::clock;
use crate::configuration::{compile, only_configuration, or_print};
use crate::document;
use crate::failure::Failure;
use crate::record::Record;
use crate::request_line::RequestLine;

/// `explain`
#[derive(Args)]
#[command(
    group(clap::ArgGroup::new("what").required(true).args(["request", "record", "case"])),
    after_help = "It prints the decision, every policy that is for the route and action of the request, whether its scope \
matches, which conditions hold,\nand the facts that they read with their values. The values are those of your input: do not \
publish the output.\nFrom a record of the access log it explains as far as the record says: records hold no facts.\n\n\
Examples:\n  countersign explain --config countersign.yaml --request request.json --keys corp=corp-keys.json\n  \
countersign explain --config countersign.yaml --record denied.json\n  \
countersign explain --case 'tests.yaml#staff read'\n\n\
Exit codes: 0 explained, 1 errors in the input, 2 wrong usage or a file that cannot be read."
)]
pub struct Arguments {
    /// The plugin's configuration, alone or inside Envoy's
    #[arg(long, value_name = "FILE", required_unless_present = "case", conflicts_with = "case")]
    config: Option<String>,
    /// A request as `eval` reads it, one line of JSON; - for standard input
    #[arg(long, value_name = "FILE")]
    request: Option<String>,
    /// A decision record, one line of JSON; - for standard input
    #[arg(long, value_name = "FILE")]
    record: Option<String>,
    /// A case of a test file by its name
    #[arg(long, value_name = "FILE#NAME")]
    case: Option<String>,
    /// The JWK set to use for a provider whose keys are fetched; can be given for several
    #[arg(long, value_name = "PROVIDER=FILE", requires = "request")]
    keys: Vec<GivenKeys>,
    /// The time of the decision, in seconds since 1970, 0 or more [default: the clock]
    #[arg(long, value_name = "UNIX", requires = "request", value_parser = clap::value_parser!(i64).range(0..))]
    now: Option<i64>,
    /// How the explanation is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How the explanation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Plain words
    Text,
    /// One JSON object
    Json,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let printed = match (&arguments.config, &arguments.request, &arguments.record, &arguments.case) {
        (None, None, None, Some(case)) => print(arguments.format, &of_case(case)?),
        (Some(config), Some(request), None, None) => {
            if config == "-" && request == "-" {
                return Err(Failure::Usage("only one of the files can be standard input".to_owned()));
            }
            print(arguments.format, &of_request(&plan(config)?, request, arguments)?)
        }
        (Some(config), None, Some(file), None) => {
            if config == "-" && file == "-" {
                return Err(Failure::Usage("only one of the files can be standard input".to_owned()));
            }
            let plan = plan(config)?;
            let record = Record::parse(&line(file)?).map_err(|fault| faulty(file, &fault))?;
            let explained = record::Explained { record: &record, plan: &plan };
            match arguments.format {
                Format::Text => explained.text(),
                Format::Json => format!("{:#}\n", explained.json()),
            }
        }
        _ => return Err(Failure::Usage("explain needs exactly one of --request, --record and --case".to_owned())),
    };
    Ok(write!(io::stdout(), "{printed}")?)
}

fn print(format: Format, found: &Found) -> String {
    match format {
        Format::Text => report::text(found),
        Format::Json => format!("{:#}\n", report::json(found)),
    }
}

fn plan(config: &str) -> Result<Plan, Failure> {
    let bytes = document::read(config).map_err(|fault| Failure::Usage(format!("cannot read `{config}`: {fault}")))?;
    let configuration = or_print(config, only_configuration(config, &bytes))?;
    Ok(or_print(config, compile(&configuration))?.0)
}

/// The only line of a file.
fn line(file: &str) -> Result<Vec<u8>, Failure> {
    let bytes = document::read(file).map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (Some(line), None) => Ok(line.to_vec()),
        _ => Err(faulty(file, &"the file does not hold exactly one line: copy the line that you want explained")),
    }
}

fn faulty(file: &str, fault: &impl std::fmt::Display) -> Failure {
    // Whether standard error can be written changes nothing about the exit code.
    let _ = writeln!(io::stderr(), "{file}: {fault}");
    Failure::Faults
}

fn of_case(case: &str) -> Result<Found, Failure> {
    let Some((file, name)) = case.split_once('#') else {
        return Err(Failure::Usage("write --case FILE#NAME, such as --case 'tests.yaml#staff read'".to_owned()));
    };
    let read = Configurations::default().read(file)?;
    match read.cases.iter().find(|case| case.name == name) {
        Some(case) => Ok(case.found(&read.configuration.plan)),
        None => {
            let names: Vec<&str> = read.cases.iter().map(|case| case.name.as_str()).collect();
            Err(Failure::Usage(format!("`{file}` has no case `{name}`; its cases are: {}", names.join("; "))))
        }
    }
}

fn of_request(plan: &Plan, file: &str, arguments: &Arguments) -> Result<Found, Failure> {
    let request = RequestLine::parse(&line(file)?).map_err(|fault| faulty(file, &fault))?;
    // It is never ticked, so it fetches nothing.
    let mut trust = TrustStore::new(plan.key_sources(), 0);
    install(&mut trust, plan, &arguments.keys)?;
    let now = arguments.now.map_or_else(clock, UnixSeconds::new);
    // A proof is used by the decision, so the explanation has a memory of its own.
    let (memory, other) = (LocalMemory::default(), LocalMemory::default());
    let verification = |memory| {
        // Nobody can use a nonce of a run elsewhere, so its secret may be known.
        let proofs = ProofMemory { shared: Some(memory), own: Some(memory), seed: &[0; 32] };
        Verification { proofs, ..Verification::by(&trust) }
    };
    let decide = if arguments.now.is_some() { enforcement::decide_at } else { enforcement::decide };
    let id = DecisionId::derive(&[0; 32], 1, now);
    let outcome = decide(plan, verification(&memory), request.parts(plan), now, &id);
    let explanation = enforcement::explain(plan, verification(&other), request.parts(plan), now);
    Ok(Found::new(&outcome, explanation))
}
