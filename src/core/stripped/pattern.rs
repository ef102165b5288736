//! One header name, or the beginning of names.

use core::fmt;

use super::{dashed, normal_form};

/// A header name, or the beginning of header names, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This name.
    Name(String),
    /// All names that begin so; written with `*` at its end.
    Beginning(String),
}

impl Pattern {
    /// Parses `x-acme-user` or `x-acme-*`. It does not check that a header can have this name.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(beginning) => Self::Beginning(beginning.to_owned()),
            None => Self::Name(text.to_owned()),
        }
    }

    /// The name or the beginning, without `*`.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Name(text) | Self::Beginning(text) => text,
        }
    }

    /// The same in normal form. A beginning keeps the prefix of grpc-gateway, because `grpc-*` is
    /// meant for names that have it.
    #[must_use]
    pub fn normal(&self) -> Self {
        match self {
            Self::Name(name) => Self::Name(normal_form(name)),
            Self::Beginning(beginning) => Self::Beginning(dashed(beginning)),
        }
    }

    /// Whether it covers every name that `other` covers; both are in normal form.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(own), Self::Name(name)) => own == name,
            (Self::Name(_), Self::Beginning(_)) => false,
            (Self::Beginning(own), Self::Name(text) | Self::Beginning(text)) => text.starts_with(own.as_str()),
        }
    }

    /// Whether some name is covered by both; both are in normal form.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Beginning(beginning) => write!(f, "{beginning}*"),
        }
    }
}
