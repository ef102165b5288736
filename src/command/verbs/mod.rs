//! The verbs of the program, one file each.

mod analyze;
mod check;
mod diff;
mod eval;
mod explain;
mod facts;
mod init;
mod key;
mod prepare;
mod schema;
mod test;

use clap::Subcommand;

use crate::failure::Failure;

/// What the program is to do.
#[derive(Subcommand)]
pub enum Verb {
    /// Report what a configuration lets in that its authors may not expect
    Analyze(analyze::Arguments),
    /// Report every problem of plugin configurations, alone or inside Envoy's
    Check(check::Arguments),
    /// Report whom a change of the configuration lets in and shuts out
    Diff(diff::Arguments),
    /// Decide requests with a configuration, one JSON decision a line
    Eval(eval::Arguments),
    /// Say why a request is allowed or denied, policy by policy
    Explain(explain::Arguments),
    /// Print the part of a configuration that accepts tokens like a given one
    Facts(facts::Arguments),
    /// Ask an identity provider for its metadata, and print a first configuration in shadow mode
    Init(init::Arguments),
    /// Make keys, key sets and signed tokens for trying things out
    #[command(subcommand)]
    Key(key::Verb),
    /// Print a configuration with its policies prepared, for countersign-lean.wasm
    Prepare(prepare::Arguments),
    /// Print the JSON Schema of the configuration or of the decision record, or a Cedar schema
    Schema(schema::Arguments),
    /// Decide the cases of test files, and compare with what they expect
    Test(test::Arguments),
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Analyze(arguments) => analyze::run(arguments),
            Self::Check(arguments) => check::run(arguments),
            Self::Diff(arguments) => diff::run(arguments),
            Self::Eval(arguments) => eval::run(arguments),
            Self::Explain(arguments) => explain::run(arguments),
            Self::Facts(arguments) => facts::run(arguments),
            Self::Init(arguments) => init::run(arguments),
            Self::Key(verb) => key::run(verb),
            Self::Prepare(arguments) => prepare::run(arguments),
            Self::Schema(arguments) => schema::run(arguments),
            Self::Test(arguments) => test::run(arguments),
        }
    }
}
