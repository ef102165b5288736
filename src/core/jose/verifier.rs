//! Whether the holder of a private key has made a signature: the form of the signature is checked here, once for all,
//! and a [`SignatureVerifier`] then does the arithmetic.
//!
//! The algorithm is the key's, never the token's. What the verifier is asked is limited to signatures that this module
//! has checked, so a verifier that accepts more forms than JOSE allows (DER, a longer signature, numbers beyond the
//! modulus or the order of the curve) is never asked about one.

use p256::ecdsa::signature::Verifier as _;
use superboring::hash::MessageDigest;
use superboring::pkey::{PKey, Public};
use superboring::rsa::Padding;

use super::key::Material;
use super::{Algorithm, VerificationKey};

/// Verifies signatures.
pub trait SignatureVerifier {
    /// Whether the holder of the private key has made this signature, by the key's own algorithm. An implementation
    /// that cannot say for certain must answer false, or ask [`Portable`].
    fn is_genuine(&self, signature: &UnverifiedSignature<'_>) -> bool;
}

/// Verifies every signature with the code of this program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

/// A signature of the form that the algorithm of its key requires. It is not verified.
#[derive(Clone, Debug)]
pub struct UnverifiedSignature<'a> {
    key: &'a VerificationKey,
    message: &'a [u8],
    bytes: &'a [u8],
    form: Form<'a>,
}

/// The parts of a signature, with the key that they are to be verified with: a signature of one family cannot meet a
/// key of another.
#[derive(Clone, Debug)]
pub(super) enum Form<'a> {
    /// As long as the modulus, and below it as a number.
    Rsa(&'a PKey<Public>, &'a [u8]),
    /// `r` and `s` are between 1 and the order of the curve.
    P256(&'a p256::ecdsa::VerifyingKey, p256::ecdsa::Signature),
    /// The same on the other curve.
    P384(&'a p384::ecdsa::VerifyingKey, p384::ecdsa::Signature),
    Ed25519(&'a ed25519_compact::PublicKey, ed25519_compact::Signature),
}

impl<'a> UnverifiedSignature<'a> {
    /// Checks the form of a signature; `None` if it is not that of the key's algorithm. RSA signatures are as long as
    /// the modulus and less than it (RFC 8017 sections 5.2.2, 8.1.2 and 8.2.2). ECDSA signatures are `r` followed by
    /// `s`, each as long as the order of the curve and from 1 to it, exclusive: never DER (RFC 7518 section 3.4,
    /// FIPS 186-5 section 6.4.2).
    pub(super) fn of(key: &'a VerificationKey, message: &'a [u8], signature: &'a [u8]) -> Option<Self> {
        let form = match key.material() {
            Material::Rsa { key, modulus } => {
                // Both are big-endian and of one length, so the order of the bytes is the order of the numbers.
                let fits = signature.len() == modulus.len() && signature < modulus.as_slice();
                fits.then_some(Form::Rsa(key, signature))
            }
            Material::P256(key) => {
                p256::ecdsa::Signature::from_slice(signature).ok().map(|signature| Form::P256(key, signature))
            }
            Material::P384(key) => {
                p384::ecdsa::Signature::from_slice(signature).ok().map(|signature| Form::P384(key, signature))
            }
            Material::Ed25519(key) => {
                ed25519_compact::Signature::from_slice(signature).ok().map(|signature| Form::Ed25519(key, signature))
            }
        }?;
        Some(Self { key, message, bytes: signature, form })
    }

    /// The key, and with it the one algorithm.
    #[must_use]
    pub fn key(&self) -> &'a VerificationKey {
        self.key
    }

    pub(super) fn message(&self) -> &'a [u8] {
        self.message
    }

    /// The signature as it is in the token, decoded.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn form(&self) -> &Form<'a> {
        &self.form
    }
}

impl VerificationKey {
    /// Whether the holder of the private half of this key has signed `message`, as `verifier` finds. A signature of
    /// another form than the algorithm's is rejected without asking it.
    ///
    /// Anyone can derive a second valid form of an ECDSA signature (`s` and `n - s`), so its bytes must not serve as a
    /// key of a cache or a replay check.
    ///
    /// This does not make a token authentic: only [`AuthenticToken::verify`](super::AuthenticToken::verify) does.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8], verifier: &dyn SignatureVerifier) -> bool {
        UnverifiedSignature::of(self, message, signature).is_some_and(|signature| verifier.is_genuine(&signature))
    }
}

impl SignatureVerifier for Portable {
    fn is_genuine(&self, signature: &UnverifiedSignature<'_>) -> bool {
        let message = signature.message;
        match &signature.form {
            Form::Rsa(key, bytes) => rsa_has_signed(signature.key.algorithm(), key, message, bytes),
            Form::P256(key, signature) => key.verify(message, signature).is_ok(),
            Form::P384(key, signature) => key.verify(message, signature).is_ok(),
            Form::Ed25519(key, signature) => key.verify(message, signature).is_ok(),
        }
    }
}

fn rsa_has_signed(algorithm: Algorithm, key: &PKey<Public>, message: &[u8], signature: &[u8]) -> bool {
    let Some((digest, padding)) = rsa_scheme(algorithm) else { return false };
    // The salt of a PSS signature is as long as the digest, the verifier's default (RFC 7518 section 3.5).
    superboring::sign::Verifier::new(digest, key)
        .and_then(|mut verifier| {
            verifier.set_rsa_padding(padding)?;
            verifier.verify_oneshot(signature, message)
        })
        .unwrap_or(false)
}

/// Digest and padding of an RSA algorithm (RFC 7518 sections 3.3 and 3.5).
pub(crate) fn rsa_scheme(algorithm: Algorithm) -> Option<(MessageDigest, Padding)> {
    match algorithm {
        Algorithm::Rs256 => Some((MessageDigest::sha256(), Padding::PKCS1)),
        Algorithm::Rs384 => Some((MessageDigest::sha384(), Padding::PKCS1)),
        Algorithm::Rs512 => Some((MessageDigest::sha512(), Padding::PKCS1)),
        Algorithm::Ps256 => Some((MessageDigest::sha256(), Padding::PKCS1_PSS)),
        Algorithm::Ps384 => Some((MessageDigest::sha384(), Padding::PKCS1_PSS)),
        Algorithm::Ps512 => Some((MessageDigest::sha512(), Padding::PKCS1_PSS)),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Ed25519 => None,
    }
}
