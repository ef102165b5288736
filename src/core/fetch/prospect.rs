//! Whether a part of a document that is not available may become available.

use crate::time::Seconds;

/// Whether a document, or the part of it with a certain id, may become available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// No. The provider was asked for it and does not have it: a document without the id came from a fetch that began after
    /// the id was first seen.
    None,
    /// It is being fetched, or a fetch begins as soon as it is sought.
    Coming,
    /// The provider was asked for another unknown id a moment ago. If this one is sought, a fetch begins after this time.
    Queued(Seconds),
    /// The last fetch failed, and no other begins before this time has passed.
    Later(Seconds),
}

impl Prospect {
    /// Whether a fetch begins within this time, so that a request may wait for it.
    #[must_use]
    pub fn is_within(self, time: Seconds) -> bool {
        match self {
            Self::Coming => true,
            Self::Queued(pause) => pause < time,
            Self::None | Self::Later(_) => false,
        }
    }
}
