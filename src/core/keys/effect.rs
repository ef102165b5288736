//! What the store asks its host to do, and what it reports.

use core::fmt;

use super::KeyFetchFault;
use crate::fetch::FetchRequest;
use crate::jose::{SkippedKey, SkippedKeys};
use crate::provider::ProviderName;
use crate::time::Seconds;

/// What the host is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this request, and pass the answer to [`TrustStore::answered`](super::TrustStore::answered).
    Send(FetchRequest),
    /// Decide again on the requests that wait for keys of this provider.
    Wake(ProviderName),
    /// Notify the other workers that the shared memory has changed.
    TellWorkers,
    /// Log this, and count it.
    Report(Report),
}

/// How a fetch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A set was accepted.
    Taken {
        /// Whose keys.
        provider: ProviderName,
        /// The number of usable keys in it.
        keys: usize,
        /// The keys that are left out.
        skipped: Vec<SkippedKey>,
        /// How many of those contain members of a private key.
        private_keys: usize,
        /// Whether it differs from the previous set.
        changed: bool,
    },
    /// The fetch failed. The current set stays in use.
    Failed {
        /// Whose keys.
        provider: ProviderName,
        /// Why.
        fault: KeyFetchFault,
        /// The time until the next attempt.
        retry_after: Seconds,
    },
    /// A provider that comes earlier now has a key of this provider's set, so the set is no longer used.
    LetGo {
        /// Whose set is discarded.
        provider: ProviderName,
        /// Who keeps the key.
        keeper: ProviderName,
    },
    /// Another worker shared a set that this worker does not accept.
    NotAdopted {
        /// Whose keys.
        provider: ProviderName,
        /// Why.
        fault: KeyFetchFault,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { provider, keys, skipped, .. } => {
                write!(f, "keys of `{provider}`: {keys} taken, {} left out{}", skipped.len(), SkippedKeys(skipped))
            }
            Self::Failed { provider, fault, retry_after } => {
                write!(f, "keys of `{provider}` could not be fetched: {fault}; next attempt in {retry_after}")
            }
            Self::LetGo { provider, keeper } => write!(
                f,
                "keys of `{provider}` are no longer used: one of them is also a key of `{keeper}`, so a token of one could \
                 serve as a token of the other; add `pins` to both"
            ),
            Self::NotAdopted { provider, fault } => {
                write!(f, "keys of `{provider}` that another worker shared are rejected: {fault}")
            }
        }
    }
}
