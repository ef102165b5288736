//! A key that a token needs and that is not at hand.

use crate::limits::LONGEST_BACK_OFF;
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::Seconds;

/// A key that a token needs and that is not at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingKey {
    /// Whose.
    pub provider: ProviderName,
    /// The token's `kid`; `None` where the provider has no usable keys at all.
    pub key_id: Option<String>,
    /// Whether it may come.
    pub prospect: Prospect,
}

/// Whether a key that is not at hand may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// No: the provider was asked about it, and does not have it. A set without it came from a fetch that began after the
    /// `kid` was first seen.
    None,
    /// It is being fetched, or will be at once where somebody seeks it.
    Coming,
    /// The provider was asked about another unknown `kid` just now. After this time it is asked about this one, if somebody
    /// seeks it.
    Queued(Seconds),
    /// The provider gave nothing usable, and is not asked again before this time has passed.
    Later(Seconds),
}

impl MissingKey {
    /// Whether it may be there some time.
    #[must_use]
    pub fn may_come(&self) -> bool {
        self.prospect != Prospect::None
    }
}

impl Prospect {
    /// Whether the provider is asked within this time: then a request may wait for it.
    #[must_use]
    pub fn is_within(self, time: Seconds) -> bool {
        match self {
            Self::Coming => true,
            Self::Queued(pause) => pause < time,
            Self::None | Self::Later(_) => false,
        }
    }

    /// What a token whose key is missing is refused for, unless it waits: it may be a good one, except where the provider was
    /// asked about its key and does not have it.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        match self {
            Self::None => Refusal::new(Reason::TokenKey),
            Self::Coming => unavailable(Seconds::new(1)),
            Self::Queued(pause) => unavailable(pause.max(Seconds::new(1))),
            Self::Later(pause) => unavailable(pause.max(Seconds::new(1)).min(LONGEST_BACK_OFF)),
        }
    }
}

fn unavailable(pause: Seconds) -> Refusal {
    Refusal::with(Reason::KeysUnavailable, Detail::RetryAfter(pause))
}
