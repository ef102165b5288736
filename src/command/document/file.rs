//! Files and their documents.

use std::fs::File;
use std::io::{self, Read};

use countersign_core::config_error::TextPosition;

use super::problem::{DocumentCode, Problem};
use super::value::Document;
use super::{json, yaml};

/// The largest file that is read, in bytes. A bootstrap with all its certificates inline stays well under it.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The documents of one file, in order, and the warnings about its notation.
#[derive(Debug, Default)]
pub struct Input {
    /// The documents; empty ones are left out.
    pub documents: Vec<Document>,
    /// Warnings.
    pub warnings: Vec<Problem>,
}

/// Reads a file, or standard input if the name is `-`.
///
/// # Errors
/// The file cannot be read, or is larger than 16 MiB.
pub fn read(name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_FILE_BYTES.saturating_add(1);
    if name == "-" {
        io::stdin().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(name)?.take(limit).read_to_end(&mut bytes)?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(io::Error::other(format!("larger than {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Parses the bytes of the file `name`: as JSON if the name ends in `.json` or the bytes are JSON, otherwise as YAML.
///
/// # Errors
/// Why the bytes are neither.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Input, Problem> {
    let text = core::str::from_utf8(bytes).map_err(|fault| {
        let before = bytes.get(..fault.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
        Problem::new(TextPosition { line, column: 1 }, DocumentCode::NotUtf8, "this line is not UTF-8")
    })?;
    let json_by_name = name.to_ascii_lowercase().ends_with(".json");
    if json_by_name || text.trim_start().starts_with('{') {
        match json::parse(text) {
            Ok(document) => return Ok(Input { documents: vec![document], warnings: Vec::new() }),
            Err(problem) if json_by_name => return Err(problem),
            // A YAML document can begin with a brace too.
            Err(_) => {}
        }
    }
    let yaml = yaml::parse(text)?;
    let documents = yaml.roots.iter().flatten().map(|root| Document::from_node(root)).collect::<Result<_, _>>()?;
    Ok(Input { documents, warnings: yaml.warnings })
}
