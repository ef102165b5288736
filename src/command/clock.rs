//! The clock, for times that are not given.

use std::time::Instant;

use countersign_core::time::UnixSeconds;

/// The present, for limits on how long something may take. Nothing is decided by it.
pub fn stopwatch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "it bounds the time of a solver, and decides nothing")]
    Instant::now()
}

/// The present time.
pub fn clock() -> UnixSeconds {
    #[expect(clippy::disallowed_methods, reason = "the command line is one of the two places that read a clock")]
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UnixSeconds::new(i64::try_from(seconds).unwrap_or(i64::MAX))
}
