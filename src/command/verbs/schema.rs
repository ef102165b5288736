//! `countersign schema`: the JSON Schema of the configuration or of the decision record, or the Cedar schema that
//! policies are validated against.

use std::io::{self, Write as _};

use clap::Args;
use countersign_core::config::json_schema;
use countersign_core::telemetry::record_schema;

use crate::configuration::{compile, only_configuration, or_print};
use crate::document;
use crate::failure::Failure;

/// `schema`
#[derive(Args)]
#[command(
    after_help = "Without --cedar it prints the JSON Schema of the configuration (draft 2020-12), for editors and pipelines. \
`check` finds more: a JSON Schema\ncannot express the range of a length of time, or a name that refers to nothing.\n\n\
With --record it prints the JSON Schema of the decision record, for what reads access logs.\n\n\
With --cedar it prints the Cedar schema, for editors and Cedar's own tools. A configuration with errors has none: they are \
printed instead.\n\n\
Examples:\n  countersign schema > countersign.schema.json\n  \
countersign schema --record > decision.schema.json\n  \
countersign schema --cedar countersign.yaml > countersign.cedarschema\n  \
countersign schema --cedar envoy.yaml\n\n\
Exit codes: 0 the schema was printed, 1 errors in the configuration, 2 wrong usage or a file that cannot be read."
)]
pub struct Arguments {
    /// Print the Cedar schema of this configuration, alone or inside Envoy's; - for standard input
    #[arg(long, value_name = "CONFIG")]
    cedar: Option<String>,
    /// Print the JSON Schema of the decision record
    #[arg(long, conflicts_with = "cedar")]
    record: bool,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let schema = match &arguments.cedar {
        Some(file) => cedar_schema(file)?,
        None => format!("{:#}\n", if arguments.record { record_schema() } else { json_schema() }),
    };
    Ok(write!(io::stdout(), "{schema}")?)
}

fn cedar_schema(file: &str) -> Result<String, Failure> {
    let bytes = document::read(file).map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
    let configuration = or_print(file, only_configuration(file, &bytes))?;
    let (plan, _) = or_print(file, compile(&configuration))?;
    plan.policies.schema_text(plan.vocabulary()).map_err(|fault| Failure::Usage(format!("`{file}`: {fault}")))
}
