//! One JWK (RFC 7517, RFC 7518, RFC 8037): one usable verification key for one algorithm, or the reason why not.
//!
//! Key sets are compiled here, and [`verifier`](super::verifier) verifies signatures with the result. A key set is
//! trusted to say whose keys they are, but not to be well formed: a key that could be understood in two ways is rejected
//! here, once, so that a token never decides how a key is used. `x5c`, `x5u` and `x5t` are never read.

mod fault;

use jwt_simple::algorithms::{
    ECDSAP256PublicKeyLike as _, ECDSAP384PublicKeyLike as _, ES256PublicKey, ES384PublicKey, Ed25519PublicKey,
    EdDSAPublicKeyLike as _, RS256PublicKey, RSAPublicKeyLike as _,
};
use serde_json::{Map, Value};
use superboring::pkey::{PKey, Public};

use super::{Algorithm, base64url, der};

pub use fault::KeyFault;

/// Bits of an RSA modulus. Fewer are too weak (RFC 7518 section 3.3), and more cost too much per request; the library
/// that verifies accepts no others either.
const RSA_MODULUS_BITS: core::ops::RangeInclusive<usize> = 2048..=4096;

/// 65537, the only public exponent that is accepted, as the octets of `e`.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// Members that contain private or symmetric key material (RFC 7518 sections 6.2.2, 6.3.2 and 6.4, RFC 8037 section 2).
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key that can verify signatures of exactly one algorithm.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    algorithm: Algorithm,
    key_id: Option<String>,
    compiled: Compiled,
}

/// What the members of a JWK make.
#[derive(Clone, Debug)]
struct Compiled {
    material: Material,
    thumbprint: String,
    spki: Vec<u8>,
}

/// The parsed key, in the types of the signature primitives. The assignments in [`Compiled::new`] compile only
/// because `jwt-simple` returns these very types; with two versions of a primitive in the build they would not.
#[derive(Clone, Debug)]
pub(super) enum Material {
    /// The modulus is in big-endian bytes, without zeros in front.
    Rsa {
        key: Box<PKey<Public>>,
        modulus: Vec<u8>,
    },
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(ed25519_compact::PublicKey),
}

/// The families of keys; each has its own members.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// What `use` of a key may be (RFC 7517 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyUse {
    /// Absent, `sig`, or `jwt-svid`.
    #[default]
    Signatures,
    /// `jwt-svid`. A SPIFFE bundle has keys of other kinds too, and none of those may sign a JWT-SVID (JWT-SVID section 6.2).
    JwtSvid,
}

impl VerificationKey {
    /// Compiles one JWK for one of `algorithms`. With `None` every supported algorithm is accepted, and the key must
    /// name its own.
    ///
    /// # Errors
    /// See [`KeyFault`].
    pub fn compile(jwk: &Value, algorithms: Option<&[Algorithm]>) -> Result<Self, KeyFault> {
        Self::compile_for(jwk, algorithms, KeyUse::default())
    }

    /// The same for keys of this use.
    ///
    /// # Errors
    /// See [`KeyFault`].
    pub fn compile_for(jwk: &Value, algorithms: Option<&[Algorithm]>, key_use: KeyUse) -> Result<Self, KeyFault> {
        let jwk = jwk.as_object().ok_or(KeyFault::NotAnObject)?;
        let key_id = text(jwk, "kid")?.map(str::to_owned);
        let family = Family::of(jwk)?;
        if let Some(member) = SECRET_MEMBERS.into_iter().find(|&member| jwk.contains_key(member)) {
            return Err(KeyFault::PrivateMaterial(member));
        }
        intended_for_signatures(jwk, key_use)?;
        let algorithm = family.algorithm(jwk, algorithms)?;
        let compiled = Compiled::new(jwk, family)?;
        Ok(Self { algorithm, key_id, compiled })
    }

    /// The one algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The SHA-256 thumbprint of the public key, base64url (RFC 7638): equal for the same key whatever its `kid` is.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.compiled.thumbprint
    }

    /// The key for the signature primitives.
    pub(super) fn material(&self) -> &Material {
        &self.compiled.material
    }

    /// The key as DER of a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7), and nothing after it. Empty for Ed25519,
    /// which no other program is asked to verify.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.compiled.spki
    }
}

impl Family {
    fn of(jwk: &Map<String, Value>) -> Result<Self, KeyFault> {
        match required_text(jwk, "kty")? {
            "RSA" => Ok(Self::Rsa),
            "EC" => match required_text(jwk, "crv")? {
                "P-256" => Ok(Self::P256),
                "P-384" => Ok(Self::P384),
                other => Err(KeyFault::UnsupportedCurve(other.to_owned())),
            },
            "OKP" => match required_text(jwk, "crv")? {
                "Ed25519" => Ok(Self::Ed25519),
                other => Err(KeyFault::UnsupportedCurve(other.to_owned())),
            },
            "oct" => Err(KeyFault::Symmetric),
            other => Err(KeyFault::UnsupportedKeyType(other.to_owned())),
        }
    }

    const fn fits(self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => matches!(self, Self::Rsa),
            Algorithm::Es256 => matches!(self, Self::P256),
            Algorithm::Es384 => matches!(self, Self::P384),
            Algorithm::Ed25519 => matches!(self, Self::Ed25519),
        }
    }

    /// The one algorithm of a key of this family: the one it names, or the only algorithm of the profile that fits.
    fn algorithm(self, jwk: &Map<String, Value>, algorithms: Option<&[Algorithm]>) -> Result<Algorithm, KeyFault> {
        if let Some(name) = text(jwk, "alg")? {
            let algorithm =
                Algorithm::from_name(name).ok_or_else(|| KeyFault::UnsupportedAlgorithm(name.to_owned()))?;
            if !self.fits(algorithm) {
                return Err(KeyFault::AlgorithmDoesNotFit(algorithm));
            }
            if algorithms.is_some_and(|accepted| !accepted.contains(&algorithm)) {
                return Err(KeyFault::AlgorithmNotTaken(algorithm));
            }
            return Ok(algorithm);
        }
        let accepted = algorithms.ok_or(KeyFault::AlgorithmMissing)?;
        let fitting: Vec<_> = Algorithm::ALL
            .iter()
            .copied()
            .filter(|algorithm| self.fits(*algorithm) && accepted.contains(algorithm))
            .collect();
        match fitting.as_slice() {
            [] => Err(KeyFault::NoAlgorithmFits),
            [algorithm] => Ok(*algorithm),
            _ => Err(KeyFault::AmbiguousAlgorithm(fitting)),
        }
    }
}

impl Compiled {
    fn new(jwk: &Map<String, Value>, family: Family) -> Result<Self, KeyFault> {
        match family {
            Family::Rsa => rsa(jwk),
            Family::P256 => {
                let (point, thumbprint) = ec_point(jwk, "P-256", 32)?;
                let key = ES256PublicKey::from_bytes(&point).map_err(|_| KeyFault::NotOnCurve)?;
                let key: &p256::ecdsa::VerifyingKey = key.public_key().as_ref();
                Ok(Self { material: Material::P256(*key), thumbprint, spki: der::ec_key(&der::P256, &point) })
            }
            Family::P384 => {
                let (point, thumbprint) = ec_point(jwk, "P-384", 48)?;
                let key = ES384PublicKey::from_bytes(&point).map_err(|_| KeyFault::NotOnCurve)?;
                let key: &p384::ecdsa::VerifyingKey = key.public_key().as_ref();
                Ok(Self { material: Material::P384(*key), thumbprint, spki: der::ec_key(&der::P384, &point) })
            }
            Family::Ed25519 => {
                let x = octets_of_length(jwk, "x", 32, "RFC 8037 section 2 with RFC 8032 section 5.1.5")?;
                let key = Ed25519PublicKey::from_bytes(&x).map_err(|_| KeyFault::WeakKey)?;
                let key: &ed25519_compact::PublicKey = key.public_key().as_ref();
                let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(&x));
                Ok(Self { material: Material::Ed25519(*key), thumbprint: thumbprint(&members), spki: Vec::new() })
            }
        }
    }
}

/// `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3): a key that states its purpose must be meant for verifying
/// signatures. SPIFFE bundles write `jwt-svid` in `use` (JWT-SVID section 6.1).
fn intended_for_signatures(jwk: &Map<String, Value>, key_use: KeyUse) -> Result<(), KeyFault> {
    match (key_use, text(jwk, "use")?) {
        (KeyUse::Signatures, None | Some("sig")) | (_, Some("jwt-svid")) => {}
        (KeyUse::Signatures, Some(other)) => return Err(KeyFault::OtherUse(other.to_owned())),
        (KeyUse::JwtSvid, _) => return Err(KeyFault::NotForJwtSvid),
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().all(Value::is_string) => {
            if operations.iter().any(|operation| operation == "verify") {
                Ok(())
            } else {
                Err(KeyFault::OtherOperations)
            }
        }
        Some(_) => Err(KeyFault::WrongType("key_ops")),
    }
}

/// An RSA key. Leading zero octets are rejected, not trimmed: RFC 7518 section 6.3.1.1 does not allow them, and each
/// key has exactly one form here.
fn rsa(jwk: &Map<String, Value>) -> Result<Compiled, KeyFault> {
    let modulus = number(jwk, "n")?;
    let exponent = number(jwk, "e")?;
    let first = modulus.first().ok_or(KeyFault::Zero("n"))?;
    let spare = usize::try_from(first.leading_zeros()).unwrap_or_default();
    let bits = modulus.len().saturating_mul(8).saturating_sub(spare);
    if !RSA_MODULUS_BITS.contains(&bits) {
        return Err(KeyFault::ModulusBits(bits));
    }
    if exponent != RSA_EXPONENT {
        return Err(KeyFault::Exponent);
    }
    let key = RS256PublicKey::from_components(&modulus, &exponent).map_err(|_| KeyFault::Modulus)?;
    let key = PKey::from_rsa(key.public_key().as_ref().clone()).map_err(|_| KeyFault::Modulus)?;
    let members =
        format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, base64url::encode(&exponent), base64url::encode(&modulus));
    let spki = der::rsa_key(&modulus, &exponent);
    let material = Material::Rsa { key: Box::new(key), modulus };
    Ok(Compiled { material, thumbprint: thumbprint(&members), spki })
}

/// The uncompressed point (SEC 1 section 2.3.3) of `x` and `y`, each exactly as long as the curve's field (RFC 7518
/// sections 6.2.1.2 and 6.2.1.3), and the key's thumbprint.
fn ec_point(jwk: &Map<String, Value>, curve: &str, length: usize) -> Result<(Vec<u8>, String), KeyFault> {
    let x = octets_of_length(jwk, "x", length, "RFC 7518 section 6.2.1.2")?;
    let y = octets_of_length(jwk, "y", length, "RFC 7518 section 6.2.1.3")?;
    let members =
        format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, base64url::encode(&x), base64url::encode(&y));
    Ok(([&[4], x.as_slice(), y.as_slice()].concat(), thumbprint(&members)))
}

/// The hash over the required members in the order of their names, without white space (RFC 7638 section 3).
fn thumbprint(members: &str) -> String {
    base64url::encode(&hmac_sha256::Hash::hash(members.as_bytes()))
}

fn text<'j>(jwk: &'j Map<String, Value>, member: &'static str) -> Result<Option<&'j str>, KeyFault> {
    match jwk.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyFault::WrongType(member)),
    }
}

fn required_text<'j>(jwk: &'j Map<String, Value>, member: &'static str) -> Result<&'j str, KeyFault> {
    text(jwk, member)?.ok_or(KeyFault::MissingMember(member))
}

fn octets(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, KeyFault> {
    base64url::decode(required_text(jwk, member)?.as_bytes()).ok_or(KeyFault::Encoding(member))
}

/// A number without leading zero octets (RFC 7518 section 2, `Base64urlUInt`).
fn number(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, KeyFault> {
    let octets = octets(jwk, member)?;
    match octets.iter().take_while(|octet| **octet == 0).count() {
        zeros if zeros == octets.len() => Err(KeyFault::Zero(member)),
        0 => Ok(octets),
        zeros => Err(KeyFault::LeadingZeros { member, found: octets.len(), zeros }),
    }
}

/// A coordinate of the length that `rule` requires.
fn octets_of_length(
    jwk: &Map<String, Value>,
    member: &'static str,
    wanted: usize,
    rule: &'static str,
) -> Result<Vec<u8>, KeyFault> {
    let octets = octets(jwk, member)?;
    let found = octets.len();
    if found == wanted {
        return Ok(octets);
    }
    let zeros_in_front =
        found.checked_sub(wanted).is_some_and(|extra| octets.iter().take(extra).all(|octet| *octet == 0));
    Err(KeyFault::Length { member, found, wanted, zeros_in_front, rule })
}

#[cfg(test)]
mod tests;
