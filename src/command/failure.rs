//! Why the program fails, which decides its exit code.

use std::process::ExitCode;

/// Why a verb failed.
#[derive(Debug)]
pub enum Failure {
    /// The input has errors, which are already printed.
    Faults,
    /// The input has warnings only, which are already printed, and warnings were to fail.
    Warnings,
    /// What the verb was asked to find out is printed, and has an exit code of its own.
    Verdict(u8),
    /// Wrong usage, or a file that cannot be read or written.
    Usage(String),
    /// The reader of the output closed it.
    OutputClosed,
}

impl Failure {
    /// The exit code of the program.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Faults => 1,
            Self::Warnings => 3,
            Self::Verdict(code) => *code,
            Self::Usage(_) | Self::OutputClosed => 2,
        })
    }
}

impl From<std::io::Error> for Failure {
    /// For errors of writing to standard output.
    fn from(_: std::io::Error) -> Self {
        Self::OutputClosed
    }
}
