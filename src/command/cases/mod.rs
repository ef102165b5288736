//! Test cases of policies: a file of them, what each asks, and what is found. `test` runs them, `explain` explains one.
//!
//! From the bottom: `layers` (members of a case with their places, defaults merged in), `given` (the request and evidence of a
//! case), `expected`, `file` (the whole file), `found` (what the core decides).

mod expected;
mod file;
mod found;
mod given;
mod layers;

pub use expected::Difference;
pub use file::{Configuration, Configurations, read_cases};
pub use found::Found;

use countersign_core::config_error::TextPosition;

use crate::document::{Level, Problem};

/// A problem of a test file.
fn problem(at: TextPosition, pointer: &str, message: String, help: impl Into<Box<str>>) -> Problem {
    Problem {
        level: Level::Error,
        at,
        inside: None,
        code: "test-file",
        pointer: Some(pointer.to_owned()),
        message,
        help: help.into(),
    }
}

#[cfg(test)]
mod tests;
