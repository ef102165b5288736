//! `countersign prepare`: a configuration whose policies a plugin without Cedar can read.

use std::io::{self, Write as _};

use clap::Args;
use countersign_core::config::Prepared;
use serde_json::Value;

use crate::configuration::{compile, configurations, or_print, prepare};
use crate::deployment::{Model, sources};
use crate::document::{self, Document, DocumentCode, Problem};
use crate::failure::Failure;

/// `prepare`
#[derive(Args)]
#[command(
    after_help = "It checks the policies as `check` does, and prints the file with prepared policies in their place: a plugin \
configuration alone,\nor one inside Envoy's configuration or a Kubernetes resource. The output is JSON, which Envoy and kubectl \
read as they read YAML;\nseveral documents are separated by `---`. The same file always gives the same output.\n\n\
countersign-lean.wasm accepts prepared policies only, and countersign.wasm accepts both. A plugin accepts them only with the \
configuration\nthat they were prepared with: after a change of issuers, devices, trust domains, applications or groups, prepare again.\n\n\
Examples:\n  countersign prepare countersign.yaml > countersign.json\n  \
countersign prepare envoy.yaml > envoy.json\n  \
countersign prepare countersign.yaml --check countersign.json\n\n\
Exit codes: 0 the policies were prepared, or are the same, 1 errors in the configuration, or with --check another \
configuration or other policies,\n2 wrong usage or a file that cannot be read."
)]
pub struct Arguments {
    /// The configuration with policies as text, alone or inside Envoy's; - for standard input
    #[arg(value_name = "CONFIG")]
    file: String,
    /// Print nothing, and report whether this file is what CONFIG is prepared as
    #[arg(long, value_name = "PREPARED")]
    check: Option<String>,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let documents = read(&arguments.file)?;
    let found = or_print(&arguments.file, found(&documents))?;
    let (prepared, warnings) = or_print(&arguments.file, all(&found))?;
    warnings.iter().try_for_each(|warning| warning.print(&arguments.file, &mut io::stderr()))?;
    match &arguments.check {
        Some(file) => check(&arguments.file, &prepared, file),
        None => Ok(print(&documents, &found, &prepared)?),
    }
}

fn read(file: &str) -> Result<Vec<Document>, Failure> {
    let bytes = document::read(file).map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
    or_print(file, document::parse(file, &bytes).map(|input| input.documents).map_err(|problem| vec![problem]))
}

/// The plugin configurations of a file, of which there must be some.
fn found(documents: &[Document]) -> Result<Vec<Document>, Vec<Problem>> {
    let files = [documents.to_vec()];
    let sources = sources(&files);
    let model = Model::read(&sources);
    let found: Result<Vec<_>, _> = configurations(&sources, &model).map(|(_, found)| found).collect();
    let found: Vec<Document> = found.map_err(|problem| vec![problem.clone()])?.into_iter().cloned().collect();
    if found.is_empty() {
        let start = documents.first().map_or(document::START, |document| document.at(""));
        let message = "the file holds no plugin configuration";
        return Err(vec![Problem::new(start, DocumentCode::OneConfiguration, message)]);
    }
    Ok(found)
}

/// All of them, prepared, and their warnings.
fn all(found: &[Document]) -> Result<(Vec<Prepared>, Vec<Problem>), Vec<Problem>> {
    let (mut prepared, mut warnings, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for document in found {
        match prepare(document) {
            Ok((one, found)) => {
                prepared.push(one);
                warnings.extend(found);
            }
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok((prepared, warnings)) } else { Err(errors) }
}

/// Prints the documents with the prepared configurations in their places.
fn print(documents: &[Document], found: &[Document], prepared: &[Prepared]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for (number, document) in documents.iter().enumerate() {
        if number > 0 {
            writeln!(output, "---")?;
        }
        writeln!(output, "{:#}", with_prepared(&document.value, found, prepared))?;
    }
    Ok(())
}

/// The value, with each configuration replaced that is in it: as an object, or as JSON text in a string.
fn with_prepared(value: &Value, found: &[Document], prepared: &[Prepared]) -> Value {
    let replaced = |value: &Value| {
        let place = found.iter().position(|document| document.value == *value)?;
        prepared.get(place).map(|prepared| &prepared.configuration)
    };
    match value {
        Value::String(text) => {
            let configuration = serde_json::from_str(text).ok().filter(Value::is_object);
            let configuration = configuration.as_ref().and_then(replaced);
            configuration.map_or_else(|| value.clone(), |configuration| Value::String(configuration.to_string()))
        }
        Value::Object(members) => replaced(value).cloned().unwrap_or_else(|| {
            let inside = |(name, member): (&String, &Value)| (name.clone(), with_prepared(member, found, prepared));
            Value::Object(members.iter().map(inside).collect())
        }),
        Value::Array(elements) => {
            Value::Array(elements.iter().map(|element| with_prepared(element, found, prepared)).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Reports whether the configurations of a file are these.
fn check(config: &str, wanted: &[Prepared], file: &str) -> Result<(), Failure> {
    let documents = read(file)?;
    let found = or_print(file, found(&documents))?;
    let mut problems = Vec::new();
    if found.len() != wanted.len() {
        let message =
            format!("the file holds {} plugin configurations, and `{config}` holds {}", found.len(), wanted.len());
        problems.push(Problem::new(document::START, DocumentCode::NotPrepared, message));
    }
    for (document, wanted) in found.iter().zip(wanted) {
        match compile(document) {
            Err(errors) => problems.extend(errors),
            Ok((plan, _)) if plan.digest == wanted.plan.digest => {}
            Ok(_) => {
                let members = differing(&document.value, &wanted.configuration).join("`, `");
                let message = format!("this is not what `{config}` is prepared as: it differs in `{members}`");
                let problem = Problem::new(document.at(""), DocumentCode::NotPrepared, message);
                let help = format!("run `countersign prepare {config}` again, and deploy what it writes");
                problems.push(Problem { help: help.into(), ..problem });
            }
        }
    }
    or_print(file, if problems.is_empty() { Ok(()) } else { Err(problems) })?;
    Ok(writeln!(io::stdout(), "{file}: the same as `{config}`")?)
}

/// The members of two configurations that are not equal.
fn differing<'v>(one: &'v Value, other: &'v Value) -> Vec<&'v str> {
    let names = |value: &'v Value| value.as_object().into_iter().flat_map(|members| members.keys().map(String::as_str));
    let mut names: Vec<&str> = names(one).chain(names(other)).filter(|name| one.get(name) != other.get(name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}
