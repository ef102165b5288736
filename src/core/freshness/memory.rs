//! Where proofs that were used are remembered.

use crate::fetch::SharedMemory;

/// Which workers remember a proof that one of them has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryScope {
    /// All workers of the proxy.
    Shared,
    /// The worker that accepted it.
    PerWorker,
}

/// The memories of one worker, and its contribution to the secret of nonces.
#[derive(Clone, Copy)]
pub struct ProofMemory<'a> {
    /// The memory of all workers; `None` where it does not belong to this plugin alone.
    pub shared: Option<&'a dyn SharedMemory>,
    /// The memory of this worker; `None` if it remembers nothing.
    pub own: Option<&'a dyn SharedMemory>,
    /// 32 random bytes of this worker. They become the secret of nonces if no other worker was first. They are secret.
    pub seed: &'a [u8; 32],
}

/// The memory is not there, or does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl<'a> ProofMemory<'a> {
    /// No memory: no proof can be accepted.
    pub const NONE: Self = Self { shared: None, own: None, seed: &[0; 32] };

    /// The memory of this scope.
    ///
    /// # Errors
    /// [`Unavailable`]
    pub(super) fn of(self, scope: MemoryScope) -> Result<&'a dyn SharedMemory, Unavailable> {
        match scope {
            MemoryScope::Shared => self.shared,
            MemoryScope::PerWorker => self.own,
        }
        .ok_or(Unavailable)
    }
}
