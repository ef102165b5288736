//! A key that a token needs and that is not available.

use crate::fetch::Prospect;
use crate::limits::LONGEST_BACK_OFF;
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::Seconds;

/// A key that a token needs and that is not available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingKey {
    /// Whose key it is.
    pub provider: ProviderName,
    /// What the provider must be asked for: the token's `kid`, or if the token names none, the digest of the token. `None` if
    /// the provider has no usable keys at all.
    pub sought: Option<String>,
    /// Whether it may become available.
    pub prospect: Prospect,
}

impl MissingKey {
    /// Whether it may become available.
    #[must_use]
    pub fn may_come(&self) -> bool {
        self.prospect != Prospect::None
    }

    /// Why a token that needs the key is refused, unless the request waits. The token may be valid, unless the provider was
    /// asked for its key and does not have it.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let refusal = match self.prospect {
            Prospect::None => match &self.sought {
                Some(key_id) => Refusal::no_key(Some(key_id)),
                None => Refusal::new(Reason::TokenKey),
            },
            Prospect::Coming => unavailable(Seconds::new(1)),
            Prospect::Queued(pause) => unavailable(pause.max(Seconds::new(1))),
            Prospect::Later(pause) => unavailable(pause.max(Seconds::new(1)).min(LONGEST_BACK_OFF)),
        };
        refusal.about(&self.provider)
    }
}

fn unavailable(pause: Seconds) -> Refusal {
    Refusal::with(Reason::KeysUnavailable, Detail::RetryAfter(pause))
}
