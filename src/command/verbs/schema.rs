//! `countersign schema`: the Cedar schema that the policies of a configuration are validated against.

use std::io::{self, Write as _};

use clap::Args;
use countersign_core::policy::Vocabulary;

use crate::configuration::{compile, only_configuration, or_print};
use crate::document;
use crate::failure::Failure;

/// `schema`
#[derive(Args)]
#[command(
    after_help = "Editors and Cedar's own tools read it. A configuration with errors has no schema: they are printed instead.\n\n\
Examples:\n  countersign schema --cedar countersign.yaml > countersign.cedarschema\n  \
countersign schema --cedar envoy.yaml\n\n\
Exit codes: 0 the schema was printed, 1 errors in the configuration, 2 wrong usage or a file that cannot be read."
)]
pub struct Arguments {
    /// Print the Cedar schema of this configuration, alone or inside Envoy's; - for standard input
    #[arg(long, required = true, value_name = "CONFIG")]
    cedar: String,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let file = arguments.cedar.as_str();
    let bytes = document::read(file).map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
    let configuration = or_print(file, only_configuration(file, &bytes))?;
    let (plan, _) = or_print(file, compile(&configuration))?;
    let vocabulary = Vocabulary { issuers: &plan.issuers, devices: &plan.devices, router: &plan.router };
    let schema = plan.policies.schema_text(vocabulary).map_err(|fault| Failure::Usage(format!("`{file}`: {fault}")))?;
    Ok(write!(io::stdout(), "{schema}")?)
}
