//! What it took to handle a request. A decision does not depend on it and does not know it: only the worker has a clock
//! and remembers earlier requests.

use crate::time::Moment;

/// What it took to handle a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handling {
    /// Microseconds from the arrival of the headers to the decision, with the wait for keys. `None` if the clock cannot
    /// tell.
    pub latency: Option<u64>,
    /// How many of them had passed when the decision began: 0, or how long the request waited for keys.
    pub waited: Option<u64>,
    /// Whether the signatures of its tokens were known. `None` if no token was accepted.
    pub tokens: Option<CacheOutcome>,
    /// Whether the answers of policies were known. `None` if none was looked up.
    pub decision: Option<CacheOutcome>,
}

/// Whether everything that was looked up was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheOutcome {
    /// All of it.
    Hit,
    /// Not all of it.
    Miss,
}

impl Handling {
    /// Measures a decision: the headers arrived, the decision began in this callback or in a later one, and now it is made.
    #[must_use]
    pub fn measured(arrived: Moment, began: Moment, decided: Moment) -> Self {
        Self { latency: decided.micros_since(arrived), waited: began.micros_since(arrived), ..Self::default() }
    }
}

impl CacheOutcome {
    /// All outcomes.
    pub(super) const ALL: [Self; 2] = [Self::Hit, Self::Miss];

    /// The outcome of look-ups, of which so many were hits and so many misses; `None` if there were none.
    #[must_use]
    pub const fn of(hits: usize, misses: usize) -> Option<Self> {
        match (hits, misses) {
            (0, 0) => None,
            (_, 0) => Some(Self::Hit),
            (_, _) => Some(Self::Miss),
        }
    }

    /// The word in records.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
        }
    }
}
