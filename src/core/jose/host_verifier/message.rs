//! The two messages of Envoy's `verify_signature`, in the encoding of protocol buffers: `VerifySignatureArguments` and
//! `VerifySignatureResult` of `envoy.source.extensions.common.wasm`.
//!
//! | question | field | answer | field |
//! |---|---|---|---|
//! | `hash_function`, such as `sha256` | 1 | `result`: whether the signature is genuine | 1 |
//! | `public_key`: DER of `SubjectPublicKeyInfo` | 2 | `error`: text | 2 |
//! | `signature`: for ECDSA in DER | 3 | | |
//! | `text`: what was signed | 4 | | |
//!
//! Envoy checks no more than this: it accepts any digest with any key, keys that are too short, bytes after the key,
//! and both forms of an ECDSA signature.

use super::HostSignatures;
use crate::jose::der;
use crate::jose::verifier::Form;
use crate::jose::{Algorithm, UnverifiedSignature};

/// The algorithms that Envoy verifies right. It knows neither PSS nor Ed25519.
pub(super) const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Es256, Algorithm::Es384];

/// The bytes of a question that are not those of its parts: four tags, four lengths of up to three bytes, a name.
const OVERHEAD: usize = 32;

/// What a host says of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is genuine.
    Genuine,
    /// It is not.
    Forged,
    /// Neither: the call failed, or the answer is in no form that Envoy gives.
    Unclear,
}

/// The parts of a question.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) digest: &'a str,
    pub(super) spki: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) text: &'a [u8],
}

impl Parts<'_> {
    /// The message.
    pub(super) fn encode(&self) -> Vec<u8> {
        let parts = [self.digest.as_bytes(), self.spki, self.signature, self.text];
        let bytes = parts.iter().fold(OVERHEAD, |sum, part| sum.saturating_add(part.len()));
        let mut message = Vec::with_capacity(bytes);
        // A tag is the field's number and the wire type of bytes, 2.
        for (tag, part) in [0x0a, 0x12, 0x1a, 0x22].into_iter().zip(parts) {
            message.push(tag);
            push_length(part.len(), &mut message);
            message.extend_from_slice(part);
        }
        message
    }
}

/// Seven bits a byte, the lowest first; all bytes but the last have the highest bit.
fn push_length(mut length: usize, message: &mut Vec<u8>) {
    loop {
        let [low, ..] = length.to_le_bytes();
        length >>= 7;
        if length == 0 {
            message.push(low & 0x7f);
            break;
        }
        message.push(low | 0x80);
    }
}

/// The question about a signature; `None` if Envoy does not know the algorithm.
pub(super) fn about(signature: &UnverifiedSignature<'_>) -> Option<Vec<u8>> {
    with_parts(signature, |parts| parts.encode())
}

/// The parts of the question about a signature; `None` if Envoy does not know the algorithm.
pub(super) fn with_parts<T>(signature: &UnverifiedSignature<'_>, use_them: impl FnOnce(Parts<'_>) -> T) -> Option<T> {
    let (key, text) = (signature.key(), signature.message());
    let digest = digest(key.algorithm())?;
    let parts = |signature| Parts { digest, spki: key.spki(), signature, text };
    match signature.form() {
        Form::Rsa(_, bytes) => Some(use_them(parts(bytes))),
        Form::P256(_, signature) => Some(use_them(parts(&ecdsa(&signature.to_bytes())))),
        Form::P384(_, signature) => Some(use_them(parts(&ecdsa(&signature.to_bytes())))),
        Form::Ed25519(..) => None,
    }
}

/// `r` followed by `s`, in DER.
fn ecdsa(bytes: &[u8]) -> Vec<u8> {
    let half = bytes.len().checked_div(2).unwrap_or_default();
    let (r, s) = bytes.split_at_checked(half).unwrap_or_default();
    der::ecdsa_signature(r, s)
}

/// Envoy's name of the algorithm's digest; `None` if Envoy does not know the algorithm.
pub(super) const fn digest(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Es256 => Some("sha256"),
        Algorithm::Rs384 | Algorithm::Es384 => Some("sha384"),
        Algorithm::Rs512 => Some("sha512"),
        Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 | Algorithm::Ed25519 => None,
    }
}

/// Asks a host.
pub(super) fn ask(host: &dyn HostSignatures, question: &[u8]) -> Finding {
    host.verify_signature(question).map_or(Finding::Unclear, |answer| read(&answer))
}

/// Reads an answer. Envoy gives `result` alone if it is true, and `error` alone if not; a false `result` is not
/// written. Nothing else is believed either way.
fn read(answer: &[u8]) -> Finding {
    match answer {
        [0x08, 1] => Finding::Genuine,
        [] => Finding::Forged,
        [0x12, length @ ..=0x7f, text @ ..] if usize::from(*length) == text.len() => Finding::Forged,
        _ => Finding::Unclear,
    }
}
