//! The findings, as they are gathered.

use super::codes::Code;
use super::json_view::Part;
use crate::document::Problem;

/// A finding at its place.
#[derive(Debug)]
pub struct Finding {
    /// Index of the file.
    pub file: usize,
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
            level: code.level(),
            at: part.source.document.at(&part.pointer),
            inside: None,
            code: code.code(),
            pointer: Some(part.pointer.clone()),
            message: format!("{what}: {}", code.reason()),
            help: help.into(),
        };
        let finding = Finding { file: part.source.file, problem };
        // Two plugins of one chain can both be concerned by one thing.
        if !self.0.iter().any(|other| other.file == finding.file && other.problem == finding.problem) {
            self.0.push(finding);
        }
    }
}
