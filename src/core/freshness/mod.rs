//! Whether a proof of possession is fresh: it was not used before, and it has a nonce of ours where one is required.
//!
//! Both need memory. Workers of one proxy share it where it is this plugin's own; otherwise each worker has its own, and a
//! proof can then be used once with each worker. Nothing here knows what a proof looks like.

mod memory;
mod nonce;
mod spent;

pub use memory::{MemoryScope, ProofMemory, Unavailable};
pub use nonce::Nonces;
pub use spent::{ProofId, SpendFault, spend};
