//! What the host is asked to send.

use super::Endpoint;
use crate::provider::ProviderName;
use crate::time::Seconds;

/// Which request an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// Whose keys it is about.
    pub provider: ProviderName,
    /// The number of the call.
    pub call: u64,
}

/// A GET request to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// To bring the answer back with.
    pub id: RequestId,
    /// Where to.
    pub endpoint: Endpoint,
    /// How long the answer may take, whole.
    pub timeout: Seconds,
}
