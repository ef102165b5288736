//! Nonces for proofs (RFC 9449 sections 8 and 9): a time, and an authentication code over it. No nonce is stored.
//!
//! The workers share one secret: the first that needs it creates it, and all others read it. A nonce proves that a proof
//! was made after the nonce, so nobody can make proofs today for next week.

use hmac_sha256::HMAC;
use subtle::ConstantTimeEq;

use super::{MemoryScope, ProofMemory, Unavailable};
use crate::fetch::Write;
use crate::jose::base64url;
use crate::limits::NONCE_LIFETIME;
use crate::time::{Seconds, UnixSeconds};

/// The name of the secret, with the version of its form.
const SECRET_NAME: &str = "countersign.nonce.1";

const LABEL: &[u8] = b"countersign dpop nonce";
const TIME_BYTES: usize = 8;
const CODE_BYTES: usize = 16;

/// Another worker may have read its clock a moment later.
const CLOCK_GRAIN: Seconds = Seconds::new(1);

/// The nonces of all workers that share a secret.
pub struct Nonces([u8; 32]);

impl Nonces {
    /// Those of this scope. The secret is created if there is none.
    ///
    /// # Errors
    /// [`Unavailable`]: the memory is not available, or holds a secret of another form.
    pub fn of(memory: ProofMemory<'_>, scope: MemoryScope) -> Result<Self, Unavailable> {
        let ProofMemory { seed, .. } = memory;
        let memory = memory.of(scope)?;
        let read = || memory.read(SECRET_NAME).map(|(secret, _)| secret);
        let secret = match read() {
            Some(secret) => secret,
            None => {
                // If another worker was faster, its secret is the one that counts.
                let _ = memory.write(SECRET_NAME, seed, Write::Create);
                read().ok_or(Unavailable)?
            }
        };
        <[u8; 32]>::try_from(secret).map(Self).map_err(|_| Unavailable)
    }

    /// The nonce of this moment.
    #[must_use]
    pub fn fresh(&self, now: UnixSeconds) -> String {
        let time = now.get().to_be_bytes();
        base64url::encode(&[time.as_slice(), &self.code(time)].concat())
    }

    /// Whether this is a nonce of ours, and not older than [`NONCE_LIFETIME`].
    #[must_use]
    pub fn accept(&self, nonce: &str, now: UnixSeconds) -> bool {
        let Some(bytes) = base64url::decode(nonce.as_bytes()) else { return false };
        let Some((time, code)) = bytes.split_first_chunk::<TIME_BYTES>() else { return false };
        let made = UnixSeconds::new(i64::from_be_bytes(*time));
        let in_time = made <= now.plus(CLOCK_GRAIN) && now <= made.plus(NONCE_LIFETIME);
        bool::from(code.ct_eq(&self.code(*time))) && in_time
    }

    fn code(&self, time: [u8; TIME_BYTES]) -> [u8; CODE_BYTES] {
        let code = HMAC::mac([LABEL, &time].concat(), self.0);
        code.first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{CODE_BYTES, Nonces, SECRET_NAME, TIME_BYTES};
    use crate::fetch::SharedMemory;
    use crate::freshness::{MemoryScope, ProofMemory, Unavailable};
    use crate::jose::base64url;
    use crate::limits::NONCE_LIFETIME;
    use crate::portable;
    use crate::testing::{FakeMemory, NOW, later};

    fn worker<'a>(memory: &'a FakeMemory, own: &'a FakeMemory, seed: &'a [u8; 32]) -> ProofMemory<'a> {
        ProofMemory { shared: Some(memory), own: Some(own), seed }
    }

    #[portable]
    fn workers_accept_the_nonces_of_each_other_where_they_share_the_secret() {
        let (shared, one, other) = (FakeMemory::default(), FakeMemory::default(), FakeMemory::default());
        let (one, other) = (worker(&shared, &one, &[1; 32]), worker(&shared, &other, &[2; 32]));
        let nonce = |scope| Nonces::of(one, scope).unwrap().fresh(NOW);
        let accepts = |scope, nonce: &str| Nonces::of(other, scope).unwrap().accept(nonce, NOW);
        assert!(accepts(MemoryScope::Shared, &nonce(MemoryScope::Shared)));
        assert!(!accepts(MemoryScope::PerWorker, &nonce(MemoryScope::PerWorker)));
    }

    #[portable]
    fn a_nonce_is_accepted_for_its_lifetime_and_not_a_second_longer_nor_earlier() {
        let nonces = Nonces([7; 32]);
        let nonce = nonces.fresh(NOW);
        let lifetime = i64::try_from(NONCE_LIFETIME.get()).unwrap();
        for (seconds, accepted) in [(-2, false), (-1, true), (0, true), (lifetime, true), (lifetime + 1, false)] {
            assert_eq!(nonces.accept(&nonce, later(NOW, seconds)), accepted, "{seconds}");
        }
    }

    #[portable]
    fn no_other_string_is_a_nonce() {
        let nonces = Nonces([7; 32]);
        let bytes = base64url::decode(nonces.fresh(NOW).as_bytes()).unwrap();
        assert_eq!(bytes.len(), TIME_BYTES + CODE_BYTES);
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(!nonces.accept(&base64url::encode(&other), NOW), "byte {place}");
        }
        for other in ["", "!", &base64url::encode(&bytes[..23]), &base64url::encode(&[&bytes[..], &[0]].concat())] {
            assert!(!nonces.accept(other, NOW), "{other}");
        }
        assert!(!Nonces([8; 32]).accept(&nonces.fresh(NOW), NOW));
    }

    #[portable]
    fn without_a_secret_there_are_no_nonces() {
        let memory = FakeMemory::default();
        memory.plant(SECRET_NAME, b"short");
        for scope in [MemoryScope::Shared, MemoryScope::PerWorker] {
            assert_eq!(Nonces::of(ProofMemory::NONE, scope).err(), Some(Unavailable));
            assert_eq!(Nonces::of(worker(&memory, &memory, &[1; 32]), scope).err(), Some(Unavailable));
        }
        assert_eq!(memory.read(SECRET_NAME).unwrap().0, b"short", "a secret is never replaced");
    }
}
