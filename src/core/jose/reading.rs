//! What is read in the claims of a token.

use core::any::Any;

use crate::provider::ProviderName;

/// What follows from the claims of a token and from the configuration alone: not from the request, the keys or the time.
/// A remembered token has it for every request that presents the token again.
pub trait Reading: Any {
    /// The provider under whose profile the token was read, and accepted.
    fn provider(&self) -> &ProviderName;

    /// Bytes of memory that it takes, estimated.
    fn bytes(&self) -> usize;
}
