//! Why a JWK cannot be used, in words for the operator.

use thiserror::Error;

use super::RSA_MODULUS_BITS;
use crate::jose::Algorithm;

/// Characters of one text from a key that a message repeats.
const SHOWN_CHARACTERS: usize = 40;

/// Why a JWK cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// The key is not a JSON object.
    #[error("the key is not an object")]
    NotAnObject,
    /// A member that keys of its type must have is absent.
    #[error("the key has no `{0}`")]
    MissingMember(&'static str),
    /// A member is not text, or `key_ops` not a list of texts.
    #[error("{}", wrong_type(.0))]
    WrongType(&'static str),
    /// A member is not canonical base64url.
    #[error("`{0}` of the key is not canonical base64url without padding")]
    Encoding(&'static str),
    /// `kty` is not one of ours.
    #[error("`kty` is `{}`; use RSA, EC or OKP", shown(.0))]
    UnsupportedKeyType(String),
    /// `crv` is not one of ours for its `kty`.
    #[error("`crv` is `{}`; use P-256 or P-384 with EC, Ed25519 with OKP", shown(.0))]
    UnsupportedCurve(String),
    /// `kty` is `oct`: who can check with such a key can also sign with it.
    #[error("`kty` is `oct`, a shared secret that can sign as well as check; use a public key")]
    Symmetric,
    /// The key holds this member of a private key.
    #[error("the key holds `{0}`, a part of a private key; publish the public half only and replace the key")]
    PrivateMaterial(&'static str),
    /// `use` is neither `sig` nor `jwt-svid`.
    #[error("`use` is `{}`, not `sig`", shown(.0))]
    OtherUse(String),
    /// `key_ops` does not hold `verify`.
    #[error("`key_ops` does not hold `verify`")]
    OtherOperations,
    /// `alg` is not one of ours.
    #[error("`alg` is `{}`; use {}", shown(.0), names(Algorithm::ALL))]
    UnsupportedAlgorithm(String),
    /// `alg` belongs to another type of key.
    #[error("`alg` is `{}`, which is for another type of key", .0.name())]
    AlgorithmDoesNotFit(Algorithm),
    /// `alg` is not among the profile's algorithms.
    #[error("`alg` is `{}`, which is not in `algorithms`", .0.name())]
    AlgorithmNotTaken(Algorithm),
    /// There is no `alg`, and the profile lists no algorithms.
    #[error("the key has no `alg`; add it, or list `algorithms`")]
    AlgorithmMissing,
    /// There is no `alg`, and none of the profile's algorithms fits.
    #[error("none of `algorithms` is for this type of key")]
    NoAlgorithmFits,
    /// There is no `alg`, and several of the profile's algorithms fit.
    #[error("the key has no `alg` and fits {}; add `alg`, or list one of them in `algorithms`", names(.0))]
    AmbiguousAlgorithm(Vec<Algorithm>),
    /// Octets of zero stand before the number (RFC 7518 section 2, `Base64urlUInt`, and section 6.3.1.1).
    #[error(
        "`{member}` of the key has {} in front of its number: RFC 7518 section 6.3.1 wants {} octets, and it has {found}; \
         its provider must leave out what is too much",
        zero_octets(*.zeros),
        .found.saturating_sub(*.zeros)
    )]
    LeadingZeros {
        /// `n` or `e`.
        member: &'static str,
        /// Octets found.
        found: usize,
        /// Of these, zeros in front.
        zeros: usize,
    },
    /// The number has no octets but zeros.
    #[error("`{0}` of the key is zero")]
    Zero(&'static str),
    /// The RSA modulus has this many bits.
    #[error("the RSA key has {0} bits; use {min} to {max}", min = RSA_MODULUS_BITS.start(), max = RSA_MODULUS_BITS.end())]
    ModulusBits(usize),
    /// The RSA modulus is even.
    #[error("`n` of the key is no RSA modulus")]
    Modulus,
    /// The RSA exponent is not 65537.
    #[error("`e` of the key is not 65537 (`AQAB`)")]
    Exponent,
    /// A coordinate is not of the one length that it has on its curve.
    #[error(
        "`{member}` of the key has {found} octets; {rule} wants exactly {wanted}{}",
        remedy(*.found, *.wanted, *.zeros_in_front)
    )]
    Length {
        /// `x` or `y`.
        member: &'static str,
        /// Octets found.
        found: usize,
        /// Octets that every such coordinate has.
        wanted: usize,
        /// Whether all octets too many are zeros in front, as libraries for signed big numbers write them.
        zeros_in_front: bool,
        /// Where that length is laid down.
        rule: &'static str,
    },
    /// The coordinates are no point of the curve.
    #[error("`x` and `y` of the key are no point of its curve")]
    NotOnCurve,
    /// The Ed25519 key is no point, a point of small order, or not in its canonical form.
    #[error("`x` of the key is no Ed25519 key: not a point, of small order, or not canonical")]
    WeakKey,
    /// An earlier key of the set has the same `kid` and the same algorithm.
    #[error("an earlier key has the same `kid` and the same algorithm")]
    DuplicateKeyId,
    /// The key has no `kid`, and another key of the set has the same algorithm, so no token could mean this one.
    #[error("the key has no `kid` and is not the only one of its algorithm; add a `kid`")]
    KeyIdMissing,
}

fn wrong_type(member: &str) -> String {
    match member {
        "key_ops" => "`key_ops` of the key is not a list of texts".to_owned(),
        _ => format!("`{member}` of the key is not text"),
    }
}

/// How a provider repairs a coordinate of the wrong length, as the end of a sentence.
fn remedy(found: usize, wanted: usize, zeros_in_front: bool) -> String {
    match found.checked_sub(wanted) {
        Some(too_many @ 1..) if zeros_in_front => {
            format!(": its provider must leave out {} in front", zero_octets(too_many))
        }
        Some(_) => String::new(),
        None => ", with zero octets in front where the number is shorter".to_owned(),
    }
}

/// Algorithms by name, for a sentence.
fn names(algorithms: &[Algorithm]) -> String {
    algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ")
}

/// So many zero octets, for a sentence.
fn zero_octets(count: usize) -> String {
    if count == 1 { "1 zero octet".to_owned() } else { format!("{count} zero octets") }
}

/// A text of the key as it may stand in a message: without control characters, and not long.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).flat_map(char::escape_debug).collect()
}
