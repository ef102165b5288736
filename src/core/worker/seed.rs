//! The random numbers of one worker.

use core::fmt;

use hmac_sha256::HMAC;

use crate::telemetry::DecisionId;
use crate::time::UnixSeconds;

/// 32 random bytes of the operating system that no other worker has. All other random numbers of the worker are derived
/// from them: ids of decisions as [`DecisionId::derive`] says, the others by HMAC-SHA-256 (RFC 2104), each under a label
/// of its own. Who knows one of them learns nothing of the others.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The seed of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The id of the decision of this number.
    pub(super) fn decision_id(&self, number: u64, now: UnixSeconds) -> DecisionId {
        DecisionId::derive(&self.0, number, now)
    }

    /// A number for this purpose.
    pub(super) fn number(&self, label: &str) -> u64 {
        self.bytes(label).first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// A name for this purpose: 32 hex digits.
    pub(super) fn name(&self, label: &str) -> String {
        self.bytes(label).first_chunk::<16>().map(hex::encode).unwrap_or_default()
    }

    /// 32 secret bytes for this purpose.
    pub(super) fn bytes(&self, label: &str) -> [u8; 32] {
        HMAC::mac(format!("countersign worker {label}").as_bytes(), self.0)
    }
}

/// Without the bytes: they are a secret.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;
    use crate::portable;

    #[portable]
    fn numbers_of_two_workers_or_purposes_differ_and_one_is_always_the_same() {
        let (one, other) = (Seed::new([1; 32]), Seed::new([2; 32]));
        assert_eq!(one.number("trust"), one.number("trust"));
        assert_ne!(one.number("trust"), one.number("spread"));
        assert_ne!(one.number("trust"), other.number("trust"));
        assert_ne!(one.name("queue"), other.name("queue"));
        assert_eq!(one.name("queue").len(), 32);
        assert_eq!(format!("{one:?}"), "Seed");
    }
}
