//! The harness's own reading of the clock: tokens are made for now, and waiting ends.
//!
//! The core never reads a clock; this is the other side of the wire.
#![expect(clippy::disallowed_methods, reason = "a harness makes tokens for the present and bounds its waiting")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since the epoch.
#[must_use]
pub fn unix_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// A point after which waiting is given up.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So far from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(self) -> bool {
        Instant::now() >= self.0
    }

    /// Asks again and again until there is an answer or the time has passed.
    pub fn poll<T>(self, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            if let Some(answer) = ask() {
                return Some(answer);
            }
            if self.passed() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
