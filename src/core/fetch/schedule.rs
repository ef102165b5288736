//! How often a document is fetched.

use crate::time::Seconds;

/// How often a document is fetched, and how long it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// A document is fresh for at least this long, whatever the provider's `Cache-Control` says.
    pub refresh_min: Seconds,
    /// A document is fresh for at most this long, also if the provider does not say how long.
    pub refresh_max: Seconds,
    /// Unknown ids alone cause at most one fetch in this time. Fetches that are due anyway do not count.
    pub refetch_interval: Seconds,
    /// How long a document that is no longer fresh is used while fetches fail.
    pub max_stale: Seconds,
    /// The limit of one HTTP call.
    pub timeout: Seconds,
}

impl Schedule {
    /// How long a document is fresh if the provider states this lifetime.
    #[must_use]
    pub fn fresh_for(&self, lifetime: Option<Seconds>) -> Seconds {
        lifetime.unwrap_or(self.refresh_max).max(self.refresh_min).min(self.refresh_max)
    }
}
