//! Documents of a file as JSON values that know the place of each part. Nothing here knows what a configuration means.
//!
//! From the bottom: `problem` (codes, limits), `yaml` (nodes with places), `value` (a document), `json` (strict JSON),
//! `file` (bytes to documents).

mod file;
mod json;
mod problem;
mod value;
mod yaml;

#[cfg(test)]
mod tests;

pub use file::{Input, parse, read};
pub use json::embedded;
pub use problem::{DocumentCode, Level, MAX_DEPTH, MAX_NODES, Problem};
pub use value::{Document, START};
