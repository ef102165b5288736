//! Plugin configurations in files: found, compiled, and their problems at their places. The verbs share it.

use std::io;

use countersign_core::config::{Plan, Prepared, prepare as prepared_of};
use countersign_core::config_error::{ConfigError, ConfigWarning};

use crate::deployment::document_kind::{DocumentKind, kind};
use crate::deployment::{Model, Source, sources};
use crate::document::{self, Document, DocumentCode, Level, Problem};
use crate::failure::Failure;

/// The plugin configurations of all documents, alone or inside Envoy's, each with the index of its file.
pub fn configurations<'m>(
    sources: &'m [Source<'m>],
    model: &'m Model<'m>,
) -> impl Iterator<Item = (usize, Result<&'m Document, &'m Problem>)> {
    let alone = sources.iter().filter(|source| kind(&source.document.value) == DocumentKind::Plugin);
    let inside = model.plugins.iter().map(|plugin| (plugin.part.source.file, plugin.configuration.as_ref()));
    alone.map(|source| (source.file, Ok(source.document))).chain(inside)
}

/// The one configuration that a file holds.
///
/// # Errors
/// The file cannot be parsed, or holds no configuration or several.
pub fn only_configuration(name: &str, bytes: &[u8]) -> Result<Document, Vec<Problem>> {
    let files = [document::parse(name, bytes).map_err(|problem| vec![problem])?.documents];
    let sources = sources(&files);
    let model = Model::read(&sources);
    let found: Result<Vec<_>, _> = configurations(&sources, &model).map(|(_, found)| found).collect();
    match found.map_err(|problem| vec![problem.clone()])?.as_slice() {
        [document] => Ok((*document).clone()),
        found => {
            let start = sources.first().map_or(document::START, |source| source.document.at(""));
            let message = format!("the file holds {} plugin configurations, and exactly one is needed", found.len());
            Err(vec![Problem::new(start, DocumentCode::OneConfiguration, message)])
        }
    }
}

/// Compiles a configuration. The second value holds its warnings.
///
/// # Errors
/// All its problems.
pub fn compile(document: &Document) -> Result<(Plan, Vec<Problem>), Vec<Problem>> {
    match Plan::compile_value(&document.value) {
        Ok((plan, warnings)) => {
            Ok((plan, warnings.into_iter().map(|warning| place_warning(document, warning)).collect()))
        }
        Err(errors) => Err(errors.into_iter().map(|error| place_error(document, error)).collect()),
    }
}

/// Prepares the policies of a configuration. The second value holds the configuration's warnings.
///
/// # Errors
/// All its problems.
pub fn prepare(document: &Document) -> Result<(Prepared, Vec<Problem>), Vec<Problem>> {
    match prepared_of(&document.value) {
        Ok((prepared, warnings)) => {
            Ok((prepared, warnings.into_iter().map(|warning| place_warning(document, warning)).collect()))
        }
        Err(errors) => Err(errors.into_iter().map(|error| place_error(document, error)).collect()),
    }
}

/// What was read or compiled; if it has errors, prints them to standard error.
///
/// # Errors
/// It has errors, or standard error is closed.
pub fn or_print<T>(file: &str, result: Result<T, Vec<Problem>>) -> Result<T, Failure> {
    result.or_else(|problems| {
        problems.iter().try_for_each(|problem| problem.print(file, &mut io::stderr()))?;
        Err(Failure::Faults)
    })
}

/// A problem of a configuration at its place in the file.
fn place_error(document: &Document, error: ConfigError) -> Problem {
    let ConfigError { pointer, position, code, message, help } = error;
    let in_file = position.and_then(|position| document.inside(&pointer, position));
    Problem {
        level: Level::Error,
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
    let at = document.at(&pointer);
    let (code, pointer) = (code.code(), Some(pointer));
    Problem { level: Level::Warning, at, inside: None, code, pointer, message, help: Box::default() }
}

#[cfg(test)]
mod tests;
