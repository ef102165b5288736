//! Versions: of an operating system, an agent or a browser, as numbers that policies can compare.
//!
//! Compared as text, `14.9` is after `14.10`. So a fact of this type has the parts of the version and not its text, and
//! Cedar, which orders numbers and no strings, leaves no other way to compare it.

use super::{FactField, FactRecord, FactType, FactValue};
use crate::jose::ClaimPath;
use crate::limits::MAX_VERSION_PART_DIGITS;

/// The parts, the most significant first.
const PARTS: [&str; 4] = ["major", "minor", "patch", "build"];

impl FactType {
    /// `version`: `{ major: long, minor: long, patch: long, build: long }`.
    #[must_use]
    pub fn version() -> Self {
        let part = |name: &str| FactField {
            name: name.to_owned(),
            claim: ClaimPath::of(name),
            required: true,
            fact_type: Self::Long,
        };
        Self::Version(PARTS.map(part).into())
    }
}

/// The parts of a version: one to four numbers with one dot between them, each of at most [`MAX_VERSION_PART_DIGITS`]
/// decimal digits. A part that is not written is 0. Leading zeros mean nothing, as in Ubuntu's `22.04`.
///
/// Anything else (a fifth part, a suffix such as `-beta`, a space) is not a version: it has no place in the order.
pub(super) fn read(text: &str) -> Option<FactRecord> {
    let mut written = text.split('.');
    let parts: Option<FactRecord> = PARTS
        .iter()
        .map(|name| {
            let part = written.next().map_or(Some(0), number)?;
            Some(((*name).to_owned(), FactValue::Long(part)))
        })
        .collect();
    parts.filter(|_| written.next().is_none())
}

/// The parts of a version that was read, for comparison.
pub(in crate::profile) fn parts(version: &FactRecord) -> Option<[i64; 4]> {
    let part = |name: &str| match version.get(name) {
        Some(FactValue::Long(number)) => Some(*number),
        _ => None,
    };
    let [major, minor, patch, build] = PARTS.map(part);
    Some([major?, minor?, patch?, build?])
}

fn number(part: &str) -> Option<i64> {
    let is_number = part.len() <= MAX_VERSION_PART_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    // The empty part does not parse.
    is_number.then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
