//! `countersign check`: every problem of every configuration at once, each with its place.

use std::io::{self, Write};

use clap::Args;

use crate::clock::clock;
use crate::configuration::{compile, configurations};
use crate::deployment::document_kind::{DocumentKind, kind};
use crate::deployment::{self, Model, sources};
use crate::document::{self, Document, DocumentCode, Level, Problem};
use crate::failure::Failure;
use crate::probe;

/// `check`
#[derive(Args)]
#[command(
    after_help = "A file holds plugin configurations (JSON or YAML, several documents), an Envoy bootstrap, listener, route \
configuration\nor configuration dump, or Istio's and Envoy Gateway's resources. The plugins in them are checked, and the \
configuration\naround them: guard, other filters, routes, timeouts, certificates. All files are checked together: give a listener \
with its routes.\n\nWithout --probe the network is not used. With it, each key set that Envoy would fetch is fetched once, through the \
address,\nSNI and trusted_ca of its cluster if that is in the files, and checked as the plugin would.\n\nExamples:\n  countersign check countersign.yaml\n  countersign check listeners.yaml routes.yaml\n  \
countersign check envoy/istio/wasmplugin.yaml\n  countersign check --probe envoy.yaml\n  curl -s localhost:9901/config_dump | countersign check -\n\n\
Exit codes: 0 no errors, 1 errors, or keys that would not be accepted, 2 wrong usage or a file that cannot be read, 3 only warnings, with --deny-warnings."
)]
pub struct Arguments {
    /// Files; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Fail on warnings too (exit code 3)
    #[arg(long)]
    deny_warnings: bool,
    /// Print each policy as it is decided by, with the guards that `missing_facts: implied` adds
    #[arg(long)]
    show_policies: bool,
    /// Fetch the keys of all providers once and report the result; a key set that would not be accepted is an error
    #[arg(long)]
    probe: bool,
}

/// The problems of one file.
#[derive(Debug, Default)]
struct Report {
    /// How many configurations were checked.
    configurations: usize,
    /// By level, then by place.
    problems: Vec<Problem>,
    /// Whether a configuration has its policies as text.
    has_text: bool,
    /// Whether a configuration has its policies prepared.
    has_prepared: bool,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let (mut names, mut documents, mut reports, mut unreadable) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for name in &arguments.files {
        match document::read(name) {
            Ok(bytes) => {
                let (parsed, report) = parse(name, &bytes);
                names.push(name.as_str());
                documents.push(parsed);
                reports.push(report);
            }
            Err(fault) => unreadable.push(format!("cannot read `{name}`: {fault}")),
        }
    }
    check(&documents, &mut reports);
    names.iter().zip(&reports).try_for_each(|(name, report)| report.print(name, &mut output))?;
    if arguments.show_policies {
        show_policies(&names, &documents, &mut output)?;
    }
    let found = |level| reports.iter().any(|report| report.count(level) > 0);
    let mut errors = found(Level::Error);
    if arguments.probe {
        errors |= !probe(&names, &documents, &mut output)?;
    }
    match (unreadable.is_empty(), errors, found(Level::Warning) && arguments.deny_warnings) {
        (false, _, _) => Err(Failure::Usage(unreadable.join("\n"))),
        (true, true, _) => Err(Failure::Faults),
        (true, false, true) => Err(Failure::Warnings),
        (true, false, false) => Ok(()),
    }
}

/// The documents of one file, and a report with the problems of its notation.
fn parse(name: &str, bytes: &[u8]) -> (Vec<Document>, Report) {
    match document::parse(name, bytes) {
        Ok(input) => (input.documents, Report { problems: input.warnings, ..Report::default() }),
        Err(problem) => (Vec::new(), Report { problems: vec![problem], ..Report::default() }),
    }
}

/// Checks the documents of all files together, and adds the problems of each file to its report.
fn check(files: &[Vec<Document>], reports: &mut [Report]) {
    let sources = sources(files);
    let model = Model::read(&sources);
    let mut add = |file: usize, problem| {
        if let Some(report) = reports.get_mut(file) {
            report.problems.push(problem);
        }
    };
    for source in &sources {
        if let DocumentKind::Other(what) = kind(&source.document.value) {
            let message = format!("this document is {what}");
            add(source.file, Problem::new(source.document.at(""), DocumentCode::Skipped, message));
        }
    }
    for source in &model.unconcerned {
        let message = "no Countersign plugin in this part of an Envoy configuration";
        add(source.file, Problem::new(source.document.at(""), DocumentCode::NoPlugin, message));
    }
    deployment::check(&model).into_iter().for_each(|finding| add(finding.file, finding.problem));
    for (file, configuration) in configurations(&sources, &model) {
        if let Some(report) = reports.get_mut(file) {
            report.add_configuration(configuration);
        }
    }
    reports.iter_mut().for_each(|report| report.problems.sort_by_key(|problem| (problem.level, problem.at)));
}

/// Prints the policies of all configurations that compile.
fn show_policies(names: &[&str], files: &[Vec<Document>], output: &mut impl Write) -> io::Result<()> {
    let sources = sources(files);
    let model = Model::read(&sources);
    for (file, configuration) in configurations(&sources, &model) {
        let Some(name) = names.get(file) else { continue };
        let compiled = configuration.ok().and_then(|configuration| compile(configuration).ok());
        match compiled.as_ref().map(|(plan, _)| plan.policies.texts()) {
            Some(Some(texts)) => {
                for (id, text) in texts {
                    writeln!(output, "\n// {id}\n{text}")?;
                }
            }
            Some(None) => writeln!(output, "{name}: prepared policies have no text to show")?,
            None => writeln!(output, "{name}: a configuration with errors has no policies to show")?,
        }
    }
    Ok(())
}

/// Fetches the keys of all configurations that compile. True if all would be accepted.
fn probe(names: &[&str], files: &[Vec<Document>], output: &mut impl Write) -> io::Result<bool> {
    let sources = sources(files);
    let model = Model::read(&sources);
    let mut all_accepted = true;
    for (file, configuration) in configurations(&sources, &model) {
        let Some(name) = names.get(file) else { continue };
        match configuration.ok().and_then(|configuration| compile(configuration).ok()) {
            Some((plan, _)) => all_accepted &= probe::run(name, &plan, &model, clock(), output)?,
            None => writeln!(output, "{name}: no keys are fetched for a configuration with errors")?,
        }
    }
    Ok(all_accepted)
}

impl Report {
    fn add_configuration(&mut self, configuration: Result<&Document, &Problem>) {
        let document = match configuration {
            Ok(document) => document,
            Err(problem) => return self.problems.push(problem.clone()),
        };
        self.configurations = self.configurations.saturating_add(1);
        match compile(document) {
            Ok((plan, warnings)) => {
                self.has_prepared |= plan.policies.is_prepared();
                self.has_text |= !plan.policies.is_prepared();
                self.problems.extend(warnings);
            }
            Err(errors) => self.problems.extend(errors),
        }
    }

    fn count(&self, level: Level) -> usize {
        self.problems.iter().filter(|problem| problem.level == level).count()
    }

    fn print(&self, name: &str, output: &mut impl Write) -> io::Result<()> {
        self.problems.iter().try_for_each(|problem| problem.print(name, output))?;
        if self.has_text {
            writeln!(output, "{name}: policies as text, for countersign.wasm")?;
        }
        if self.has_prepared {
            writeln!(output, "{name}: prepared policies, for countersign.wasm or countersign-lean.wasm")?;
        }
        let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        writeln!(
            output,
            "{name}: {}, {}, {}",
            count(self.configurations, "configuration"),
            count(self.count(Level::Error), "error"),
            count(self.count(Level::Warning), "warning"),
        )
    }
}

#[cfg(test)]
mod tests;
