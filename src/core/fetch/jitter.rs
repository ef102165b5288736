//! What spreads workers in time, so that they do not all do the same at once.

/// Numbers of xorshift64; nothing that must be hard to guess.
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        // Zero is the one state that it never leaves.
        Self(seed | 1)
    }

    /// A number from 0 to `bound`, both among them.
    pub(super) fn up_to(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0.wrapping_shl(13);
        self.0 ^= self.0.wrapping_shr(7);
        self.0 ^= self.0.wrapping_shl(17);
        self.0.checked_rem(bound.saturating_add(1)).unwrap_or(0)
    }
}
