//! The id of a decision: a client reports it to an operator, who finds it in the record.

use core::fmt;

use hmac_sha256::Hash;

use crate::time::UnixSeconds;

/// 32 lower-case hex digits. Unique for all practical purposes, and it reveals nothing to a client: neither how many
/// decisions there were nor which worker made this one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DecisionId([u8; DIGITS]);

/// Digits of an id: 128 bits.
const DIGITS: usize = 32;

impl DecisionId {
    /// The id of a worker's decision number `counter`: the first 128 bits of SHA-256 of the worker's secret seed, the
    /// counter and the time. The time is included so that a repeated seed does not repeat the ids.
    ///
    /// This is one block of SHA-256 where HMAC needs four. A hash with a secret in front is a weak key only where an
    /// attacker can lengthen the message. Here the seed and the message have fixed lengths, and half of the hash is not
    /// shown, so there is nothing to continue from: to predict an id is to find the seed. Everything else that is
    /// derived from the seed comes from HMAC, whose blocks begin with the padded key and never equal this one.
    #[must_use]
    pub fn derive(seed: &[u8; 32], counter: u64, now: UnixSeconds) -> Self {
        let mut message = [0; 48];
        let (secret, number) = message.split_at_mut(32);
        let (count, time) = number.split_at_mut(8);
        secret.copy_from_slice(seed);
        count.copy_from_slice(&counter.to_be_bytes());
        time.copy_from_slice(&now.get().to_be_bytes());
        let hash = Hash::hash(&message);
        let mut digits = [b'0'; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(hash) {
            pair.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        }
        Self(digits)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Hex digits are UTF-8.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// An id of these digits, for tests.
    #[cfg(test)]
    pub(crate) const fn for_test(digits: [u8; DIGITS]) -> Self {
        Self(digits)
    }
}

/// The digit of a value below 16.
const fn hex_digit(value: u8) -> u8 {
    let first = if value < 10 { b'0' } else { b'a'.wrapping_sub(10) };
    first.wrapping_add(value)
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::DecisionId;
    use crate::portable;
    use crate::time::UnixSeconds;

    const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

    #[portable]
    fn an_id_is_32_lower_case_hex_digits() {
        let id = DecisionId::derive(&[7; 32], 1, NOW).to_string();
        assert_eq!(id.len(), 32);
        assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    }

    #[portable]
    fn the_seed_the_count_and_the_time_each_make_another_id() {
        let ids: HashSet<_> = [
            DecisionId::derive(&[7; 32], 1, NOW),
            DecisionId::derive(&[7; 32], 2, NOW),
            DecisionId::derive(&[8; 32], 1, NOW),
            DecisionId::derive(&[7; 32], 1, UnixSeconds::new(1_800_000_001)),
        ]
        .into();
        assert_eq!(ids.len(), 4);
        assert!(ids.contains(&DecisionId::derive(&[7; 32], 1, NOW)), "the same three make the same id");
    }
}
