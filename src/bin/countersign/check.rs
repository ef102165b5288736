//! `countersign check`: every problem of every configuration at once, each with its place.

use std::io::{self, Write};

use clap::Args;
use countersign::config::Plan;
use countersign::config_error::{ConfigError, ConfigWarning};

use super::Failure;
use super::envoy::{self, Kind};
use super::input::{self, Document, Input, Problem};
use super::surroundings::{self, Level, Model, Source};

/// `check`
#[derive(Args)]
#[command(
    after_help = "A file holds plugin configurations (JSON or YAML, several documents), an Envoy bootstrap, listener, route \
configuration\nor configuration dump, or Istio's and Envoy Gateway's resources. The plugins in them are checked, and what \
stands around\nthem: guard, other filters, routes, timeouts, certificates. Files are looked at together: give a listener \
with its routes.\n\nExamples:\n  countersign check countersign.yaml\n  countersign check listeners.yaml routes.yaml\n  \
countersign check envoy/istio/wasmplugin.yaml\n  curl -s localhost:9901/config_dump | countersign check -\n\n\
Exit codes: 0 no errors, 1 errors, 2 wrong usage or a file that cannot be read, 3 only warnings, with --deny-warnings."
)]
pub struct Arguments {
    /// Files; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Fail on warnings too (exit code 3)
    #[arg(long)]
    deny_warnings: bool,
}

/// What was found in one file.
#[derive(Debug, Default)]
pub struct Report {
    /// Configurations that were looked at.
    pub configurations: usize,
    /// What makes them fail.
    pub errors: Vec<Problem>,
    /// What deserves a look.
    pub warnings: Vec<Problem>,
    /// Documents that are none of ours.
    pub notes: Vec<Problem>,
}

/// Does it.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let (mut files, mut unreadable) = (Vec::new(), Vec::new());
    for name in &arguments.files {
        match input::read(name) {
            Ok(bytes) => files.push((name.as_str(), bytes)),
            Err(fault) => unreadable.push(format!("cannot read `{name}`: {fault}")),
        }
    }
    let (mut errors, mut warnings) = (false, false);
    let reports = check(&files);
    for ((name, _), report) in files.iter().zip(&reports) {
        errors |= !report.errors.is_empty();
        warnings |= !report.warnings.is_empty();
        report.print(name, &mut output)?;
    }
    match (unreadable.is_empty(), errors, warnings && arguments.deny_warnings) {
        (false, _, _) => Err(Failure::Usage(unreadable.join("\n"))),
        (true, true, _) => Err(Failure::Faults),
        (true, false, true) => Err(Failure::Warnings),
        (true, false, false) => Ok(()),
    }
}

/// Looks at the bytes of all files together: a report for each.
pub fn check(files: &[(&str, Vec<u8>)]) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut inputs = Vec::new();
    for (name, bytes) in files {
        let mut report = Report::default();
        let mut documents = Vec::new();
        match input::parse(name, bytes) {
            Ok(Input { documents: read, warnings }) => {
                documents = read;
                report.warnings = warnings;
            }
            Err(problem) => report.errors.push(problem),
        }
        reports.push(report);
        inputs.push(documents);
    }
    let documents =
        inputs.iter().enumerate().flat_map(|(file, documents)| documents.iter().map(move |own| (file, own)));
    let sources: Vec<Source<'_>> =
        documents.enumerate().map(|(index, (file, document))| Source { file, index, document }).collect();
    for source in &sources {
        if let Some(report) = reports.get_mut(source.file) {
            report.document(source.document);
        }
    }
    let model = Model::read(&sources);
    for plugin in &model.plugins {
        if let Some(report) = reports.get_mut(plugin.part.source.file) {
            match &plugin.configuration {
                Ok(configuration) => report.configuration(configuration),
                Err(problem) => report.errors.push(problem.clone()),
            }
        }
    }
    for source in &model.unconcerned {
        if let Some(report) = reports.get_mut(source.file) {
            let message = "no Countersign plugin in this part of an Envoy configuration".to_owned();
            report.notes.push(Problem::new(source.document.at(""), "no-plugin", message, ""));
        }
    }
    for finding in surroundings::judge(&model) {
        if let Some(report) = reports.get_mut(finding.file) {
            match finding.level {
                Level::Error => report.errors.push(finding.problem),
                Level::Warning => report.warnings.push(finding.problem),
            }
        }
    }
    for report in &mut reports {
        for problems in [&mut report.errors, &mut report.warnings, &mut report.notes] {
            problems.sort_by_key(|problem| problem.at);
        }
    }
    reports
}

impl Report {
    /// A document by itself.
    fn document(&mut self, document: &Document) {
        match envoy::kind(&document.value) {
            Kind::Plugin => self.configuration(document),
            Kind::Envoy | Kind::Resource => {}
            Kind::Other(what) => {
                let message = format!("this document is {what}");
                self.notes.push(Problem::new(document.at(""), "skipped", message, ""));
            }
        }
    }

    fn configuration(&mut self, document: &Document) {
        self.configurations = self.configurations.saturating_add(1);
        match Plan::compile_value(&document.value) {
            Ok((_, warnings)) => {
                self.warnings.extend(warnings.into_iter().map(|warning| place_warning(document, warning)))
            }
            Err(errors) => self.errors.extend(errors.into_iter().map(|error| place_error(document, error))),
        }
    }

    fn print(&self, name: &str, output: &mut impl Write) -> io::Result<()> {
        let kinds = [("error", &self.errors), ("warning", &self.warnings), ("note", &self.notes)];
        for (kind, problems) in kinds {
            for problem in problems {
                print(name, kind, problem, output)?;
            }
        }
        let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        writeln!(
            output,
            "{name}: {}, {}, {}",
            count(self.configurations, "configuration"),
            count(self.errors.len(), "error"),
            count(self.warnings.len(), "warning"),
        )
    }
}

/// Prints one problem as `FILE:LINE:COLUMN: kind[code] at POINTER: message`, and its help below.
fn print(name: &str, kind: &str, problem: &Problem, output: &mut impl Write) -> io::Result<()> {
    let Problem { at, inside, code, pointer, message, help } = problem;
    write!(output, "{name}:{}:{}: {kind}[{code}]", at.line, at.column)?;
    if let Some(pointer) = pointer.as_ref().filter(|pointer| !pointer.is_empty()) {
        write!(output, " at {pointer}")?;
    }
    if let Some(inside) = inside {
        write!(output, " (policy {}:{})", inside.line, inside.column)?;
    }
    writeln!(output, ": {message}")?;
    for (index, line) in help.lines().enumerate() {
        writeln!(output, "  {}{line}", if index == 0 { "help: " } else { "  " })?;
    }
    Ok(())
}

/// A problem of a configuration at its place in the file.
fn place_error(document: &Document, error: ConfigError) -> Problem {
    let ConfigError { pointer, position, code, message, help } = error;
    let in_file = position.and_then(|position| document.inside(&pointer, position));
    Problem {
        at: in_file.unwrap_or_else(|| document.at(&pointer)),
        inside: if in_file.is_some() { None } else { position },
        code,
        pointer: Some(pointer),
        message,
        help: help.into(),
    }
}

fn place_warning(document: &Document, warning: ConfigWarning) -> Problem {
    let ConfigWarning { pointer, code, message } = warning;
    Problem { at: document.at(&pointer), inside: None, code, pointer: Some(pointer), message, help: Box::default() }
}

/// Prints what is wrong with a configuration that another verb was to use.
///
/// # Errors
/// The output is closed.
pub fn print_errors(name: &str, errors: &[Problem], output: &mut impl Write) -> io::Result<()> {
    errors.iter().try_for_each(|problem| print(name, "error", problem, output))
}

/// Compiles the one configuration that a file holds.
///
/// # Errors
/// All its problems; or that there is none, or more than one.
pub fn compile_only(name: &str, bytes: &[u8]) -> Result<Plan, Vec<Problem>> {
    let input = input::parse(name, bytes).map_err(|problem| vec![problem])?;
    let start = input.documents.first().map_or(input::START, |document| document.at(""));
    let sources: Vec<Source<'_>> =
        input.documents.iter().enumerate().map(|(index, document)| Source { file: 0, index, document }).collect();
    let model = Model::read(&sources);
    let alone = input.documents.iter().filter(|document| envoy::kind(&document.value) == Kind::Plugin);
    let inside =
        model.plugins.iter().map(|plugin| plugin.configuration.as_ref().map_err(|problem| vec![problem.clone()]));
    let configurations = alone.map(Ok).chain(inside).collect::<Result<Vec<_>, _>>()?;
    let [document] = configurations.as_slice() else {
        let message = format!("the file holds {} plugin configurations, and one is needed", configurations.len());
        return Err(vec![Problem::new(start, "one-configuration", message, "name a file with exactly one")]);
    };
    let compiled = Plan::compile_value(&document.value);
    compiled
        .map(|(plan, _)| plan)
        .map_err(|errors| errors.into_iter().map(|error| place_error(document, error)).collect())
}

#[cfg(test)]
mod tests;
