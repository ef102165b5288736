//! `countersign check`: every problem of every configuration at once, each with its place.

use std::io::{self, Write};

use clap::Args;
use countersign_core::config::Plan;
use countersign_core::config_error::{ConfigError, ConfigWarning};

use super::envoy::{self, Kind};
use super::input::{self, Document, Input, Problem};
use super::surroundings::{self, Level, Model, Source};
use super::{Failure, clock, probe};

/// `check`
#[derive(Args)]
#[command(
    after_help = "A file holds plugin configurations (JSON or YAML, several documents), an Envoy bootstrap, listener, route \
configuration\nor configuration dump, or Istio's and Envoy Gateway's resources. The plugins in them are checked, and what \
stands around\nthem: guard, other filters, routes, timeouts, certificates. Files are looked at together: give a listener \
with its routes.\n\nWithout --probe nothing is asked over the network. With it, each set of keys that is fetched in Envoy is fetched once, \
through\nthe address, SNI and trusted_ca of its cluster where that is in the files, and judged as the plugin would.\n\nExamples:\n  countersign check countersign.yaml\n  countersign check listeners.yaml routes.yaml\n  \
countersign check envoy/istio/wasmplugin.yaml\n  countersign check --probe envoy.yaml\n  curl -s localhost:9901/config_dump | countersign check -\n\n\
Exit codes: 0 no errors, 1 errors, or keys that would not be taken, 2 wrong usage or a file that cannot be read, 3 only warnings, with --deny-warnings."
)]
pub struct Arguments {
    /// Files; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Fail on warnings too (exit code 3)
    #[arg(long)]
    deny_warnings: bool,
    /// Fetch once all keys that are fetched, and say what is found; one that would not be taken is an error
    #[arg(long)]
    probe: bool,
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
    let mut parsed = Files::parse(&files);
    let reports = reports(&mut parsed);
    for ((name, _), report) in files.iter().zip(&reports) {
        errors |= !report.errors.is_empty();
        warnings |= !report.warnings.is_empty();
        report.print(name, &mut output)?;
    }
    if arguments.probe {
        errors |= !probe(&files, &parsed, &mut output)?;
    }
    match (unreadable.is_empty(), errors, warnings && arguments.deny_warnings) {
        (false, _, _) => Err(Failure::Usage(unreadable.join("\n"))),
        (true, true, _) => Err(Failure::Faults),
        (true, false, true) => Err(Failure::Warnings),
        (true, false, false) => Ok(()),
    }
}

/// Files as their documents; what cannot be read of one is in its report.
#[derive(Debug, Default)]
pub struct Files {
    documents: Vec<Vec<Document>>,
    reports: Vec<Report>,
}

impl Files {
    /// Reads the bytes of each file.
    pub fn parse(files: &[(&str, Vec<u8>)]) -> Self {
        let mut parsed = Self::default();
        for (name, bytes) in files {
            let (mut report, mut documents) = (Report::default(), Vec::new());
            match input::parse(name, bytes) {
                Ok(Input { documents: read, warnings }) => {
                    documents = read;
                    report.warnings = warnings;
                }
                Err(problem) => report.errors.push(problem),
            }
            parsed.reports.push(report);
            parsed.documents.push(documents);
        }
        parsed
    }

    /// All documents, as they are looked at together.
    pub fn sources(&self) -> Vec<Source<'_>> {
        let documents = self.documents.iter().enumerate();
        let documents = documents.flat_map(|(file, documents)| documents.iter().map(move |own| (file, own)));
        documents.enumerate().map(|(index, (file, document))| Source { file, index, document }).collect()
    }
}

/// The plugin configurations of all documents, alone or inside Envoy's, each with the index of its file.
pub fn configurations<'m>(
    sources: &'m [Source<'m>],
    model: &'m Model<'m>,
) -> impl Iterator<Item = (usize, Result<&'m Document, &'m Problem>)> {
    let alone = sources.iter().filter(|source| envoy::kind(&source.document.value) == Kind::Plugin);
    let inside = model.plugins.iter().map(|plugin| (plugin.part.source.file, plugin.configuration.as_ref()));
    alone.map(|source| (source.file, Ok(source.document))).chain(inside)
}

/// Looks at all files together: a report for each.
pub fn reports(files: &mut Files) -> Vec<Report> {
    let mut reports = core::mem::take(&mut files.reports);
    let sources = files.sources();
    let model = Model::read(&sources);
    for source in &sources {
        if let (Some(report), Kind::Other(what)) = (reports.get_mut(source.file), envoy::kind(&source.document.value)) {
            let message = format!("this document is {what}");
            report.notes.push(Problem::new(source.document.at(""), "skipped", message, ""));
        }
    }
    for (file, configuration) in configurations(&sources, &model) {
        if let Some(report) = reports.get_mut(file) {
            match configuration {
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

/// Fetches the keys of all configurations that compile. True where all would be taken.
fn probe(files: &[(&str, Vec<u8>)], parsed: &Files, output: &mut impl Write) -> io::Result<bool> {
    let sources = parsed.sources();
    let model = Model::read(&sources);
    let mut all_taken = true;
    for (file, configuration) in configurations(&sources, &model) {
        let Some((name, _)) = files.get(file) else { continue };
        match configuration.ok().and_then(|configuration| Plan::compile_value(&configuration.value).ok()) {
            Some((plan, _)) => all_taken &= probe::run(name, &plan, &model, clock(), output)?,
            None => writeln!(output, "{name}: no keys are fetched for a configuration with errors")?,
        }
    }
    Ok(all_taken)
}

impl Report {
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
        code: code.code(),
        pointer: Some(pointer),
        message,
        help: help.into(),
    }
}

fn place_warning(document: &Document, warning: ConfigWarning) -> Problem {
    let ConfigWarning { pointer, code, message } = warning;
    Problem {
        at: document.at(&pointer),
        inside: None,
        code: code.code(),
        pointer: Some(pointer),
        message,
        help: Box::default(),
    }
}

/// Prints what is wrong with a configuration that another verb was to use.
///
/// # Errors
/// The output is closed.
pub fn print_errors(name: &str, errors: &[Problem], output: &mut impl Write) -> io::Result<()> {
    errors.iter().try_for_each(|problem| print(name, "error", problem, output))
}

/// The one configuration that a file holds.
///
/// # Errors
/// Why it cannot be read; or that there is none, or more than one.
pub fn only_configuration(name: &str, bytes: &[u8]) -> Result<Document, Vec<Problem>> {
    let input = input::parse(name, bytes).map_err(|problem| vec![problem])?;
    let start = input.documents.first().map_or(input::START, |document| document.at(""));
    let files = Files { documents: vec![input.documents], reports: Vec::new() };
    let sources = files.sources();
    let model = Model::read(&sources);
    let found: Result<Vec<_>, _> = configurations(&sources, &model).map(|(_, found)| found).collect();
    match found.map_err(|problem| vec![problem.clone()])?.as_slice() {
        [document] => Ok((*document).clone()),
        found => {
            let message = format!("the file holds {} plugin configurations, and one is needed", found.len());
            Err(vec![Problem::new(start, "one-configuration", message, "name a file with exactly one")])
        }
    }
}

/// Compiles a configuration.
///
/// # Errors
/// All its problems.
pub fn compile(document: &Document) -> Result<Plan, Vec<Problem>> {
    let compiled = Plan::compile_value(&document.value);
    compiled
        .map(|(plan, _)| plan)
        .map_err(|errors| errors.into_iter().map(|error| place_error(document, error)).collect())
}

#[cfg(test)]
mod tests;
