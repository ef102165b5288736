//! The `countersign` program. The crate's library has all of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign_command::run(std::env::args_os())
}
