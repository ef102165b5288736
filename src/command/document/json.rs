//! JSON documents, alone and inside a string of another document.
//!
//! A JSON text is parsed twice, and only here. The strict parser of the core, the one that runs in Envoy, decides whether it
//! is accepted and what it says. The YAML parser then reads the same text for nothing but the places of its parts; where it
//! cannot, all problems point to the beginning of the document.

use countersign_core::config_error::TextPosition;
use countersign_core::jose::json;
use serde_json::Value;

use super::problem::{DocumentCode, MAX_DEPTH, Problem};
use super::value::{Document, Span, Spans};
use super::yaml;

/// Parses one JSON text.
///
/// # Errors
/// Why the text is not strict JSON.
pub fn parse(text: &str) -> Result<Document, Problem> {
    let value = json::parse(text.as_bytes(), MAX_DEPTH).map_err(|fault| {
        let at = TextPosition { line: fault.line, column: fault.column.max(1) };
        Problem::new(at, DocumentCode::JsonSyntax, fault.what)
    })?;
    Ok(Document { value, spans: spans(text).unwrap_or_default() })
}

fn spans(text: &str) -> Option<Spans> {
    let root = yaml::parse(text).ok()?.roots.into_iter().next()??;
    Some(Document::from_node(&root).ok()?.spans)
}

/// Parses the string at `pointer`, which holds JSON, as a document of its own.
///
/// # Errors
/// The value is not a string with one JSON value.
pub fn embedded(document: &Document, pointer: &str) -> Result<Document, Problem> {
    let at = document.at(pointer);
    let place = |inside: TextPosition| document.inside(pointer, inside).unwrap_or(at);
    let Some(text) = document.value.pointer(pointer).and_then(Value::as_str) else {
        return Err(Problem::new(at, DocumentCode::NotAText, "a string is expected here"));
    };
    let mut embedded = parse(text).map_err(|problem| Problem { at: place(problem.at), ..problem })?;
    for span in embedded.spans.values_mut() {
        *span = Span { at: place(span.at), block: None };
    }
    Ok(embedded)
}
