//! The findings, as they are gathered.

use super::codes::{Code, Level};
use super::json_view::Part;
use crate::document::Problem;

/// A finding at its place.
#[derive(Debug)]
pub struct Finding {
    /// Index of the file.
    pub file: usize,
    /// How bad it is.
    pub level: Level,
    /// What, where and what to write.
    pub problem: Problem,
}

/// All findings.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Notes `what` was found at `part`; the reason follows it, and `help` says what to write.
    pub fn add(&mut self, code: Code, part: &Part<'_>, what: &str, help: &str) {
        let problem = Problem {
            pointer: Some(part.pointer.clone()),
            ..Problem::new(
                part.source.document.at(&part.pointer),
                code.code(),
                format!("{what}: {}", code.reason()),
                help,
            )
        };
        let finding = Finding { file: part.source.file, level: code.level(), problem };
        // Two plugins of one chain can both be concerned by one thing.
        if !self.0.iter().any(|other| other.file == finding.file && other.problem == finding.problem) {
            self.0.push(finding);
        }
    }
}
