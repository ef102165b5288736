//! Envoy's foreign function `verify_signature`, for tests that run without Envoy.
//!
//! It reads and writes Envoy's messages with code of its own, and verifies with ring, whose primitives are BoringSSL's, as
//! Envoy's are. So a test that compares it with the core compares two implementations of everything. It is stricter
//! than Envoy in one point: it accepts a public key only in the one exact encoding, and nothing after it.

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

/// What comes before the key itself in a `SubjectPublicKeyInfo` (RFC 5280 section 4.1, RFC 5480 sections 2.1.1 and 2.2).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07, 0x03, 0x42, 0,
];
/// The same of the other curve.
const P384: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x22,
    0x03, 0x62, 0,
];
/// The algorithm of an RSA key (RFC 3279 section 2.3.1), after two lengths that depend on the key's.
const RSA: [u8; 15] = [0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0];

/// The answer that says that the signature is genuine.
pub const GENUINE: [u8; 2] = [0x08, 1];

/// Answers a question as Envoy does.
#[must_use]
pub fn verify_signature(question: &[u8]) -> Vec<u8> {
    match is_genuine(question) {
        Some(true) => GENUINE.to_vec(),
        Some(false) => refused("Failed to verify digest. Error code: 0"),
        None => refused("Failed to initialize digest verify."),
    }
}

/// Envoy's answer that a signature is not genuine, with this text.
#[must_use]
pub fn refused(error: &str) -> Vec<u8> {
    let length = u8::try_from(error.len()).unwrap_or(u8::MAX);
    [&[0x12, length], error.as_bytes()].concat()
}

/// Whether the signature in a question is genuine; `None` if that is not known of such a question.
fn is_genuine(mut question: &[u8]) -> Option<bool> {
    let mut parts: [&[u8]; 4] = [&[]; 4];
    while let Some((tag, rest)) = question.split_first() {
        let (length, rest) = length(rest)?;
        let (part, rest) = rest.split_at_checked(length)?;
        *parts.get_mut(usize::from(tag >> 3).checked_sub(1)?)? = part;
        question = rest;
    }
    let [digest, spki, signature, text] = parts;
    let (algorithm, key) = key(digest, spki)?;
    Some(UnparsedPublicKey::new(algorithm, key).verify(text, signature).is_ok())
}

/// A length in seven bits a byte, the lowest first, and the bytes after it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (index, byte) in bytes.iter().enumerate().take(3) {
        let shift = u32::try_from(index).ok()?.checked_mul(7)?;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index.checked_add(1)?..)?));
        }
    }
    None
}

/// The algorithm of a digest and a key, and the key as ring reads it.
fn key<'k>(digest: &[u8], spki: &'k [u8]) -> Option<(&'static dyn VerificationAlgorithm, &'k [u8])> {
    if let Some(point) = spki.strip_prefix(&P256) {
        let algorithm: &dyn VerificationAlgorithm = match digest {
            b"sha256" => &signature::ECDSA_P256_SHA256_ASN1,
            b"sha384" => &signature::ECDSA_P256_SHA384_ASN1,
            _ => return None,
        };
        return Some((algorithm, point));
    }
    if let Some(point) = spki.strip_prefix(&P384) {
        let algorithm: &dyn VerificationAlgorithm = match digest {
            b"sha256" => &signature::ECDSA_P384_SHA256_ASN1,
            b"sha384" => &signature::ECDSA_P384_SHA384_ASN1,
            _ => return None,
        };
        return Some((algorithm, point));
    }
    let algorithm: &dyn VerificationAlgorithm = match digest {
        b"sha256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        b"sha384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        b"sha512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    };
    let bits = long(spki, 0x30)?.strip_prefix(&RSA)?;
    Some((algorithm, long(bits, 0x03)?.strip_prefix(&[0])?))
}

/// The content of a DER value of this tag that has a length of two bytes and is the last.
fn long(der: &[u8], tag: u8) -> Option<&[u8]> {
    match der {
        [first, 0x82, high, low, content @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            (*first == tag && length == content.len()).then_some(content)
        }
        _ => None,
    }
}
