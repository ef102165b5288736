//! A request that the host is asked to send.

use super::Endpoint;
use crate::provider::ProviderName;
use crate::time::Seconds;

/// Identifies a request, so that its answer can be assigned to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// The provider that is asked.
    pub provider: ProviderName,
    /// The number of the call.
    pub call: u64,
}

/// A GET request to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// Must be given with the answer.
    pub id: RequestId,
    /// Where it is sent.
    pub endpoint: Endpoint,
    /// How long it may take until the answer is complete.
    pub timeout: Seconds,
}
