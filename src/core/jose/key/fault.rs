//! Why a JWK cannot be used, in words for the operator.

use thiserror::Error;

use super::RSA_MODULUS_BITS;
use crate::jose::Algorithm;

/// A message repeats at most this many characters of a string from a key.
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
    /// A member is not a string, or `key_ops` is not a list of strings.
    #[error("{}", wrong_type(.0))]
    WrongType(&'static str),
    /// A member is not canonical base64url.
    #[error("`{0}` of the key is not canonical base64url without padding")]
    Encoding(&'static str),
    /// `kty` is not supported.
    #[error("`kty` is `{}`; use RSA, EC or OKP", shown(.0))]
    UnsupportedKeyType(String),
    /// `crv` is not supported for its `kty`.
    #[error("`crv` is `{}`; use P-256 or P-384 with EC, Ed25519 with OKP", shown(.0))]
    UnsupportedCurve(String),
    /// `kty` is `oct`: a shared secret, which can sign as well as verify.
    #[error("`kty` is `oct`, a shared secret that can sign as well as check; use a public key")]
    Symmetric,
    /// The key contains this member of a private key.
    #[error("the key holds `{0}`, a part of a private key; publish the public half only and replace the key")]
    PrivateMaterial(&'static str),
    /// `use` is neither `sig` nor `jwt-svid`.
    #[error("`use` is `{}`, not `sig`", shown(.0))]
    OtherUse(String),
    /// `use` is not `jwt-svid`, and JWT-SVIDs are verified with it.
    #[error("`use` is not `jwt-svid`, and only such keys of a SPIFFE bundle sign JWT-SVIDs")]
    NotForJwtSvid,
    /// `key_ops` does not contain `verify`.
    #[error("`key_ops` does not contain `verify`")]
    OtherOperations,
    /// `alg` is not supported.
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
    /// The number begins with octets of zero (RFC 7518 section 2, `Base64urlUInt`, and section 6.3.1.1).
    #[error(
        "`{member}` of the key has {} in front of its number: RFC 7518 section 6.3.1 requires {} octets, and it has {found}; \
         its provider must remove the extra octets",
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
    /// All octets of the number are zero.
    #[error("`{0}` of the key is zero")]
    Zero(&'static str),
    /// The RSA modulus has this many bits.
    #[error("the RSA key has {0} bits; use {min} to {max}", min = RSA_MODULUS_BITS.start(), max = RSA_MODULUS_BITS.end())]
    ModulusBits(usize),
    /// The RSA modulus is even.
    #[error("`n` of the key is not a valid RSA modulus")]
    Modulus,
    /// The RSA exponent is not 65537.
    #[error("`e` of the key is not 65537 (`AQAB`)")]
    Exponent,
    /// A coordinate does not have the length that its curve requires.
    #[error(
        "`{member}` of the key has {found} octets; {rule} requires exactly {wanted}{}",
        remedy(*.found, *.wanted, *.zeros_in_front)
    )]
    Length {
        /// `x` or `y`.
        member: &'static str,
        /// Octets found.
        found: usize,
        /// Octets required.
        wanted: usize,
        /// Whether all extra octets are zeros in front, as libraries for signed big numbers write them.
        zeros_in_front: bool,
        /// The standard that requires this length.
        rule: &'static str,
    },
    /// The coordinates are not a point on the curve.
    #[error("`x` and `y` of the key are not a point on its curve")]
    NotOnCurve,
    /// The Ed25519 key is not a point, is a point of small order, or is not in canonical form.
    #[error("`x` of the key is not a valid Ed25519 key: not a point on the curve, of small order, or not canonical")]
    WeakKey,
    /// An earlier key of the set has the same `kid` and the same algorithm.
    #[error("an earlier key has the same `kid` and the same algorithm")]
    DuplicateKeyId,
    /// The key has no `kid`, and another key of the set has the same algorithm, so no token could select this one.
    #[error("the key has no `kid` and is not the only one of its algorithm; add a `kid`")]
    KeyIdMissing,
}

fn wrong_type(member: &str) -> String {
    match member {
        "key_ops" => "`key_ops` of the key is not a list of strings".to_owned(),
        _ => format!("`{member}` of the key is not a string"),
    }
}

/// How a provider repairs a coordinate of the wrong length, as the end of a sentence.
fn remedy(found: usize, wanted: usize, zeros_in_front: bool) -> String {
    match found.checked_sub(wanted) {
        Some(too_many @ 1..) if zeros_in_front => {
            format!(": its provider must remove {} in front", zero_octets(too_many))
        }
        Some(_) => String::new(),
        None => ", with zero octets in front if the number is shorter".to_owned(),
    }
}

/// Algorithms by name, for a sentence.
fn names(algorithms: &[Algorithm]) -> String {
    algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ")
}

/// A number of zero octets, for a sentence.
fn zero_octets(count: usize) -> String {
    if count == 1 { "1 zero octet".to_owned() } else { format!("{count} zero octets") }
}

/// A string from a key as a message may repeat it: shortened, and without control characters.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).flat_map(char::escape_debug).collect()
}
