//! Why a JWK cannot be used, in words for the operator.

use core::fmt;

use super::RSA_MODULUS_BITS;
use crate::jose::Algorithm;

/// Characters of one text from a key that a message repeats.
const SHOWN_CHARACTERS: usize = 40;

/// Why a JWK cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// The key is not a JSON object.
    NotAnObject,
    /// A member that keys of its type must have is absent.
    MissingMember(&'static str),
    /// A member is not text, or `key_ops` not a list of texts.
    WrongType(&'static str),
    /// A member is not canonical base64url.
    Encoding(&'static str),
    /// `kty` is not one of ours.
    UnsupportedKeyType(String),
    /// `crv` is not one of ours for its `kty`.
    UnsupportedCurve(String),
    /// `kty` is `oct`: who can check with such a key can also sign with it.
    Symmetric,
    /// The key holds this member of a private key.
    PrivateMaterial(&'static str),
    /// `use` is neither `sig` nor `jwt-svid`.
    OtherUse(String),
    /// `key_ops` does not hold `verify`.
    OtherOperations,
    /// `alg` is not one of ours.
    UnsupportedAlgorithm(String),
    /// `alg` belongs to another type of key.
    AlgorithmDoesNotFit(Algorithm),
    /// `alg` is not among the profile's algorithms.
    AlgorithmNotTaken(Algorithm),
    /// There is no `alg`, and the profile lists no algorithms.
    AlgorithmMissing,
    /// There is no `alg`, and none of the profile's algorithms fits.
    NoAlgorithmFits,
    /// There is no `alg`, and several of the profile's algorithms fit.
    AmbiguousAlgorithm(Vec<Algorithm>),
    /// Octets of zero stand before the number (RFC 7518 section 2, `Base64urlUInt`, and section 6.3.1.1).
    LeadingZeros {
        /// `n` or `e`.
        member: &'static str,
        /// Octets found.
        found: usize,
        /// Of these, zeros in front.
        zeros: usize,
    },
    /// The number has no octets but zeros.
    Zero(&'static str),
    /// The RSA modulus has this many bits.
    ModulusBits(usize),
    /// The RSA modulus is even.
    Modulus,
    /// The RSA exponent is not 65537.
    Exponent,
    /// A coordinate is not of the one length that it has on its curve.
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
    NotOnCurve,
    /// The Ed25519 key is no point, a point of small order, or not in its canonical form.
    WeakKey,
    /// An earlier key of the set has the same `kid` and the same algorithm.
    DuplicateKeyId,
    /// The key has no `kid`, and another key of the set has the same algorithm, so no token could mean this one.
    KeyIdMissing,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("the key is not an object"),
            Self::MissingMember(member) => write!(f, "the key has no `{member}`"),
            Self::WrongType("key_ops") => f.write_str("`key_ops` of the key is not a list of texts"),
            Self::WrongType(member) => write!(f, "`{member}` of the key is not text"),
            Self::Encoding(member) => write!(f, "`{member}` of the key is not canonical base64url without padding"),
            Self::UnsupportedKeyType(kty) => write!(f, "`kty` is `{}`; use RSA, EC or OKP", shown(kty)),
            Self::UnsupportedCurve(crv) => {
                write!(f, "`crv` is `{}`; use P-256 or P-384 with EC, Ed25519 with OKP", shown(crv))
            }
            Self::Symmetric => {
                f.write_str("`kty` is `oct`, a shared secret that can sign as well as check; use a public key")
            }
            Self::PrivateMaterial(member) => {
                write!(
                    f,
                    "the key holds `{member}`, a part of a private key; publish the public half only and replace the key"
                )
            }
            Self::OtherUse(used) => write!(f, "`use` is `{}`, not `sig`", shown(used)),
            Self::OtherOperations => f.write_str("`key_ops` does not hold `verify`"),
            Self::UnsupportedAlgorithm(alg) => write!(f, "`alg` is `{}`; use {}", shown(alg), Names(Algorithm::ALL)),
            Self::AlgorithmDoesNotFit(algorithm) => {
                write!(f, "`alg` is `{}`, which is for another type of key", algorithm.name())
            }
            Self::AlgorithmNotTaken(algorithm) => {
                write!(f, "`alg` is `{}`, which is not in `algorithms`", algorithm.name())
            }
            Self::AlgorithmMissing => f.write_str("the key has no `alg`; add it, or list `algorithms`"),
            Self::NoAlgorithmFits => f.write_str("none of `algorithms` is for this type of key"),
            Self::AmbiguousAlgorithm(fits) => {
                write!(
                    f,
                    "the key has no `alg` and fits {}; add `alg`, or list one of them in `algorithms`",
                    Names(fits)
                )
            }
            Self::LeadingZeros { member, found, zeros } => {
                let wanted = found.saturating_sub(*zeros);
                write!(
                    f,
                    "`{member}` of the key has {} in front of its number: RFC 7518 section 6.3.1 wants {wanted} octets, and \
                     it has {found}; its provider must leave out what is too much",
                    ZeroOctets(*zeros)
                )
            }
            Self::Zero(member) => write!(f, "`{member}` of the key is zero"),
            Self::ModulusBits(bits) => {
                write!(f, "the RSA key has {bits} bits; use {} to {}", RSA_MODULUS_BITS.start(), RSA_MODULUS_BITS.end())
            }
            Self::Modulus => f.write_str("`n` of the key is no RSA modulus"),
            Self::Exponent => f.write_str("`e` of the key is not 65537 (`AQAB`)"),
            Self::Length { member, found, wanted, zeros_in_front, rule } => {
                write!(f, "`{member}` of the key has {found} octets; {rule} wants exactly {wanted}")?;
                match found.checked_sub(*wanted) {
                    Some(too_many @ 1..) if *zeros_in_front => {
                        write!(f, ": its provider must leave out {} in front", ZeroOctets(too_many))
                    }
                    Some(_) => Ok(()),
                    None => f.write_str(", with zero octets in front where the number is shorter"),
                }
            }
            Self::NotOnCurve => f.write_str("`x` and `y` of the key are no point of its curve"),
            Self::WeakKey => {
                f.write_str("`x` of the key is no Ed25519 key: not a point, of small order, or not canonical")
            }
            Self::DuplicateKeyId => f.write_str("an earlier key has the same `kid` and the same algorithm"),
            Self::KeyIdMissing => {
                f.write_str("the key has no `kid` and is not the only one of its algorithm; add a `kid`")
            }
        }
    }
}

/// Algorithms by name, for a sentence.
struct Names<'a>(&'a [Algorithm]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, algorithm) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}{}", algorithm.name())?;
        }
        Ok(())
    }
}

/// So many zero octets, for a sentence.
struct ZeroOctets(usize);

impl fmt::Display for ZeroOctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 zero octet"),
            more => write!(f, "{more} zero octets"),
        }
    }
}

/// A text of the key as it may stand in a message: without control characters, and not long.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).flat_map(char::escape_debug).collect()
}
