//! Problems of a configuration, written for the person who mends it.
//!
//! One line each in a log: place, code, what is wrong, what to do. No line holds key material or a token.

use core::fmt;

/// A place in a text, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextPosition {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One problem. A configuration with any is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where: a JSON pointer (RFC 6901) into the configuration; empty for the whole of it.
    pub pointer: String,
    /// Where inside the policy text that the pointer names.
    pub position: Option<TextPosition>,
    /// A stable code, kebab-case, such as `unknown-field`.
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do, one sentence without a full stop.
    pub help: String,
}

/// Something that works and deserves a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigWarning {
    /// Where.
    pub pointer: String,
    /// A stable code.
    pub code: &'static str,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for TextPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(place(&self.pointer))?;
        if let Some(position) = self.position {
            write!(f, " ({position})")?;
        }
        write!(f, ": {}: {}; {}", self.code, self.message, self.help)
    }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", place(&self.pointer), self.code, self.message)
    }
}

/// A pointer as people read it: the empty one names everything.
fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "the configuration" } else { pointer }
}

#[cfg(test)]
mod tests {
    use super::{ConfigError, ConfigWarning, TextPosition};
    use crate::portable;

    #[portable]
    fn a_problem_is_one_line_with_place_code_fault_and_remedy() {
        let mut error = ConfigError {
            pointer: "/policies/staff/text".to_owned(),
            position: Some(TextPosition { line: 3, column: 7 }),
            code: "a-code",
            message: "it is wrong".to_owned(),
            help: "mend it".to_owned(),
        };
        assert_eq!(error.to_string(), "/policies/staff/text (line 3, column 7): a-code: it is wrong; mend it");
        (error.pointer, error.position) = (String::new(), None);
        assert_eq!(error.to_string(), "the configuration: a-code: it is wrong; mend it");
        let warning = ConfigWarning { pointer: "/mode".to_owned(), code: "a-code", message: "look".to_owned() };
        assert_eq!(warning.to_string(), "/mode: a-code: look");
    }
}
