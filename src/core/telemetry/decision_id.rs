//! The id of a decision: what a client reads to an operator, and the operator finds in the record.

use core::fmt;

use hmac_sha256::HMAC;

use crate::time::UnixSeconds;

/// 32 lower-case hex digits. Unique for all practical purposes, and it tells a client nothing: not how many decisions
/// there were, nor which worker made this one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DecisionId(String);

impl DecisionId {
    /// The id of a worker's decision number `counter`: the first 128 bits of HMAC-SHA-256 (RFC 2104) under the worker's
    /// secret seed. The time is in it so that a seed that were to come twice would not bring the same ids twice.
    #[must_use]
    pub fn derive(seed: &[u8; 32], counter: u64, now: UnixSeconds) -> Self {
        let mut message = [0; 16];
        let (first, second) = message.split_at_mut(8);
        first.copy_from_slice(&counter.to_be_bytes());
        second.copy_from_slice(&now.get().to_be_bytes());
        let mac = HMAC::mac(message, seed);
        let (id, _) = mac.split_at(16);
        Self(hex::encode(id))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
