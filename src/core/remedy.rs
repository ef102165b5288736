//! What a refused client can do so that the policies permit its request: have its user authenticate again (RFC 9470), or
//! get a token with more scopes (RFC 6750 section 3.1).
//!
//! A policy names it in an annotation, the client reads it in a challenge. Each value is checked when it is read, so it
//! can be written into a quoted string of a header field as it is.

use core::fmt;

use crate::limits::{LONGEST_STEP_UP, MAX_REMEDY_BYTES};
use crate::time::Seconds;

/// What a refused client can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Have its user authenticate again.
    StepUp(StepUp),
    /// Get a token with these scopes.
    Scope(Scope),
}

/// How a user must have authenticated: by one of these classes, or not longer ago than this, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    acr_values: Option<String>,
    max_age: Option<Seconds>,
}

/// Scopes that a token needs, with one space between each two (RFC 6749 section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

/// Why a string names no remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemedyFault {
    /// A part is not `acr_values=...` or `max_age=...`, or one of them is there twice, or neither.
    #[error("it does not have the form `acr_values=..., max_age=...`, with one or both of the two")]
    Form,
    /// The age is not a whole number in range.
    #[error("`max_age` is not a number of seconds from 1 to {}", LONGEST_STEP_UP.get())]
    MaxAge,
    /// A value is empty, has two spaces in a row, or a character that no header field can carry in quotes.
    #[error("a value is not a list of words with one space between each two, in printable ASCII without `\"` and `\\`")]
    Words,
    /// It is too long.
    #[error("it is longer than {MAX_REMEDY_BYTES} bytes")]
    TooLong,
}

impl StepUp {
    /// Reads `acr_values=urn:example:mfa urn:example:key, max_age=900`: one of the two, or both.
    ///
    /// # Errors
    /// See [`RemedyFault`].
    pub fn parse(text: &str) -> Result<Self, RemedyFault> {
        if text.len() > MAX_REMEDY_BYTES {
            return Err(RemedyFault::TooLong);
        }
        let mut step_up = Self { acr_values: None, max_age: None };
        for part in text.split(',') {
            match part.trim_matches(' ').split_once('=') {
                Some(("acr_values", values)) if step_up.acr_values.is_none() => {
                    step_up.acr_values = Some(words(values)?);
                }
                Some(("max_age", seconds)) if step_up.max_age.is_none() => {
                    step_up.max_age = Some(max_age(seconds)?);
                }
                _ => return Err(RemedyFault::Form),
            }
        }
        Ok(step_up)
    }

    /// The classes of authentication of which one is wanted, in order of preference, with one space between each two.
    #[must_use]
    pub fn acr_values(&self) -> Option<&str> {
        self.acr_values.as_deref()
    }

    /// How long ago the user may have authenticated.
    #[must_use]
    pub const fn max_age(&self) -> Option<Seconds> {
        self.max_age
    }
}

impl Scope {
    /// Reads `orders.read orders.write`.
    ///
    /// # Errors
    /// See [`RemedyFault`].
    pub fn parse(text: &str) -> Result<Self, RemedyFault> {
        if text.len() > MAX_REMEDY_BYTES {
            return Err(RemedyFault::TooLong);
        }
        words(text).map(Self)
    }

    /// The scopes, with one space between each two.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Words of the characters of a scope token (RFC 6749 section 3.3): printable ASCII without space, `"` and `\`.
fn words(text: &str) -> Result<String, RemedyFault> {
    let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    let are_words = text.split(' ').all(|word| !word.is_empty() && word.bytes().all(legal));
    if are_words { Ok(text.to_owned()) } else { Err(RemedyFault::Words) }
}

fn max_age(text: &str) -> Result<Seconds, RemedyFault> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let seconds = text.parse::<u64>().ok().filter(|seconds| (1..=LONGEST_STEP_UP.get()).contains(seconds));
    seconds.filter(|_| is_number).map(Seconds::new).ok_or(RemedyFault::MaxAge)
}

/// As an annotation writes it.
impl fmt::Display for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(values) = &self.acr_values {
            write!(f, "acr_values={values}")?;
        }
        if let Some(max_age) = self.max_age {
            let separator = if self.acr_values.is_some() { ", " } else { "" };
            write!(f, "{separator}max_age={}", max_age.get())?;
        }
        Ok(())
    }
}

/// As the record shows it.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StepUp(step_up) => write!(f, "wanted {step_up}"),
            Self::Scope(Scope(scope)) => write!(f, "wanted scope={scope}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RemedyFault, Scope, StepUp};
    use crate::limits::{LONGEST_STEP_UP, MAX_REMEDY_BYTES};
    use crate::portable;
    use crate::time::Seconds;

    #[portable]
    fn a_step_up_names_classes_an_age_or_both() {
        let both = StepUp::parse("acr_values=urn:example:mfa phr,max_age=900").expect("a step-up");
        assert_eq!((both.acr_values(), both.max_age()), (Some("urn:example:mfa phr"), Some(Seconds::new(900))));
        let reversed = StepUp::parse("max_age=900, acr_values=urn:example:mfa phr").expect("a step-up");
        assert_eq!(reversed, both);
        assert_eq!(both.to_string(), "acr_values=urn:example:mfa phr, max_age=900");
        assert_eq!(StepUp::parse(&both.to_string()), Ok(both));
        let age = StepUp::parse("max_age=1").expect("a step-up");
        assert_eq!((age.acr_values(), age.to_string().as_str()), (None, "max_age=1"));
    }

    #[portable]
    fn anything_else_is_no_step_up() {
        for text in
            ["", "mfa", "acr=mfa", "acr_values=a, acr_values=b", "acr_values=a,", "max_age=1, max_age=1", "max_age"]
        {
            assert_eq!(StepUp::parse(text), Err(RemedyFault::Form), "{text}");
        }
        for text in [
            "acr_values=",
            "acr_values=a  b",
            "acr_values=\"a\"",
            "acr_values=a\\",
            "acr_values=\u{e4}",
            "acr_values=a\nb",
        ] {
            assert_eq!(StepUp::parse(text), Err(RemedyFault::Words), "{text}");
        }
        for text in ["max_age=", "max_age=0", "max_age=01", "max_age=+1", "max_age=15m", "max_age=-1"] {
            assert_eq!(StepUp::parse(text), Err(RemedyFault::MaxAge), "{text}");
        }
    }

    #[portable]
    fn the_caps_hold() {
        assert!(StepUp::parse(&format!("max_age={}", LONGEST_STEP_UP.get())).is_ok());
        let past = StepUp::parse(&format!("max_age={}", LONGEST_STEP_UP.get() + 1));
        assert_eq!(past, Err(RemedyFault::MaxAge));
        assert!(Scope::parse(&"a".repeat(MAX_REMEDY_BYTES)).is_ok());
        assert_eq!(Scope::parse(&"a".repeat(MAX_REMEDY_BYTES + 1)), Err(RemedyFault::TooLong));
        let classes = "a".repeat(MAX_REMEDY_BYTES - "acr_values=".len());
        assert!(StepUp::parse(&format!("acr_values={classes}")).is_ok());
        assert_eq!(StepUp::parse(&format!("acr_values={classes}a")), Err(RemedyFault::TooLong));
    }

    #[portable]
    fn a_scope_is_words_that_a_challenge_can_quote() {
        assert_eq!(Scope::parse("orders.read orders.write").expect("scopes").as_str(), "orders.read orders.write");
        for text in ["", " a", "a ", "a  b", "a\tb", "a\"b", "a\\b", "\u{e4}"] {
            assert_eq!(Scope::parse(text), Err(RemedyFault::Words), "{text:?}");
        }
    }
}
