//! Signatures that the host verifies: Envoy does it many times faster than code in a WebAssembly module can.
//!
//! The host is not trusted blindly. Before it is asked about a token, it must have given the right answer to every
//! [known answer](known_answers) of the algorithm, genuine and forged. Only signatures whose form was checked reach it
//! (see [`UnverifiedSignature`]), together with the key and the digest of the key's own algorithm. A signature is
//! genuine only if the answer is the one exact form that says so; whenever the host gives anything else than a plain
//! yes or no, [`Portable`] decides in its place.

mod known_answers;
mod message;

use core::cell::Cell;
use core::fmt;

use super::{Algorithm, Portable, SignatureVerifier, UnverifiedSignature};
use message::Finding;

pub use known_answers::Fault;

/// The host's function that verifies signatures: `verify_signature` of Envoy.
pub trait HostSignatures {
    /// Calls it with this message, and returns the message that it answers with; `None` if the call fails. It must not
    /// call back into the plugin.
    fn verify_signature(&self, question: &[u8]) -> Option<Vec<u8>>;
}

/// Lets the host verify the signatures of those algorithms for which it gave all known answers, and verifies the others
/// itself. The default has no host and verifies all of them itself.
#[derive(Default)]
pub struct HostVerifier {
    host: Option<Box<dyn HostSignatures>>,
    proven: Vec<Algorithm>,
    tally: Cell<Tally>,
}

/// What is known of a signature after it was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is genuine.
    Genuine,
    /// It is forged.
    Forged,
    /// It is forged by the finding of this program, after the host gave no plain answer.
    ForgedAfterHostFailure,
}

/// Who verified how many signatures, whatever came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Signatures that the host verified.
    pub by_host: usize,
    /// Signatures that this program verified.
    pub by_plugin: usize,
    /// Those of them that the host was asked about first, and gave no plain answer.
    pub host_failures: usize,
}

/// An algorithm that the host is not asked about, although it should know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declined {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Why.
    pub why: Fault,
}

impl HostVerifier {
    /// Asks the host for the known answers of these algorithms, and so finds those that it may verify. Signatures of any
    /// other algorithm are verified by this program. This takes fewer than twenty calls an algorithm, and never fails.
    #[must_use]
    pub fn prove(host: Box<dyn HostSignatures>, algorithms: &[Algorithm]) -> (Self, Vec<Declined>) {
        let mut proven = Vec::new();
        let mut declined = Vec::new();
        for algorithm in message::ALGORITHMS.into_iter().filter(|algorithm| algorithms.contains(algorithm)) {
            match known_answers::ask_all(host.as_ref(), algorithm) {
                Ok(()) => proven.push(algorithm),
                Err(why) => declined.push(Declined { algorithm, why }),
            }
        }
        (Self { host: Some(host), proven, tally: Cell::default() }, declined)
    }

    /// The algorithms whose signatures the host verifies.
    #[must_use]
    pub fn proven(&self) -> &[Algorithm] {
        &self.proven
    }

    /// Who verified how many signatures since this was last asked.
    pub fn take_tally(&self) -> Tally {
        self.tally.take()
    }

    /// The host's answer; `None` if it is not asked about this algorithm.
    fn ask(&self, signature: &UnverifiedSignature<'_>) -> Option<Finding> {
        let host = self.host.as_deref().filter(|_| self.proven.contains(&signature.key().algorithm()))?;
        let question = message::about(signature)?;
        Some(message::ask(host, &question))
    }

    /// Verifies a signature, and counts who did.
    pub(super) fn judge(&self, signature: &UnverifiedSignature<'_>) -> Verdict {
        let mut tally = self.tally.get();
        let verdict = match self.ask(signature) {
            Some(finding @ (Finding::Genuine | Finding::Forged)) => {
                tally.by_host = tally.by_host.saturating_add(1);
                if finding == Finding::Genuine { Verdict::Genuine } else { Verdict::Forged }
            }
            not_asked_or_unclear => {
                let host_failed = not_asked_or_unclear.is_some();
                tally.by_plugin = tally.by_plugin.saturating_add(1);
                tally.host_failures = tally.host_failures.saturating_add(usize::from(host_failed));
                match Portable.is_genuine(signature) {
                    true => Verdict::Genuine,
                    false if host_failed => Verdict::ForgedAfterHostFailure,
                    false => Verdict::Forged,
                }
            }
        };
        self.tally.set(tally);
        verdict
    }
}

impl SignatureVerifier for HostVerifier {
    fn is_genuine(&self, signature: &UnverifiedSignature<'_>) -> bool {
        self.judge(signature) == Verdict::Genuine
    }
}

impl fmt::Debug for HostVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostVerifier").field("proven", &self.proven).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
