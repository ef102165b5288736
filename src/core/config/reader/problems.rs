//! What was found wrong so far, and the proof that an error was noted.

use core::cell::Cell;

use crate::config_error::{ConfigError, ConfigErrors, ConfigWarning};

/// Proof that an error was noted. Only [`Problems::error`] makes one, so a part that cannot be read is never taken for
/// one that is absent.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Reported(());

/// A part of the document, or the proof that an error says why it cannot be read.
pub(in crate::config) type Read<T> = Result<T, Reported>;

/// The errors and warnings of one document. All of its nodes share them.
#[derive(Default)]
pub(in crate::config) struct Problems {
    errors: Cell<Vec<ConfigError>>,
    warnings: Cell<Vec<ConfigWarning>>,
}

impl Problems {
    /// Notes an error.
    pub(in crate::config) fn error(&self, error: ConfigError) -> Reported {
        let mut errors = self.errors.take();
        errors.push(error);
        self.errors.set(errors);
        Reported(())
    }

    /// Notes several errors.
    pub(in crate::config) fn errors(&self, errors: ConfigErrors) -> Reported {
        let (first, others) = errors.into_parts();
        others.into_iter().fold(self.error(first), |_, error| self.error(error))
    }

    /// Notes a warning.
    pub(in crate::config) fn warn(&self, warning: ConfigWarning) {
        let mut warnings = self.warnings.take();
        warnings.push(warning);
        self.warnings.set(warnings);
    }

    /// All of them, in the order in which they were found.
    pub(in crate::config) fn into_parts(self) -> (Vec<ConfigError>, Vec<ConfigWarning>) {
        (self.errors.take(), self.warnings.take())
    }
}

/// All values, once each was read: a problem in one does not hide those of the next.
pub(in crate::config) fn all<T>(values: impl IntoIterator<Item = Read<T>>) -> Read<Vec<T>> {
    let values: Vec<Read<T>> = values.into_iter().collect();
    values.into_iter().collect()
}

/// A part that several others refer to.
pub(in crate::config) fn share<T>(read: &Read<T>) -> Read<&T> {
    read.as_ref().map_err(|reported| *reported)
}
