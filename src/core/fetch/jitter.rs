//! Random offsets that keep workers from doing the same at the same moment.

/// A generator of numbers (xorshift64). They are predictable: nothing that an attacker must not guess may depend on them.
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        // From the state zero it would only ever produce zeros.
        Self(seed | 1)
    }

    /// A number from 0 to `bound`, inclusive.
    pub(super) fn up_to(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0.wrapping_shl(13);
        self.0 ^= self.0.wrapping_shr(7);
        self.0 ^= self.0.wrapping_shl(17);
        self.0.checked_rem(bound.saturating_add(1)).unwrap_or(0)
    }
}
