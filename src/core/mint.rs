//! Generates keys and signs tokens, for tests, the command line and the harness. It is never compiled into the module
//! for Envoy, which holds no private keys.
//!
//! A header is signed exactly as given, so that tests can produce invalid tokens: the result of [`SigningKey::sign`]
//! need not be a token that any server accepts.

use jwt_simple::algorithms::{
    ECDSAP256KeyPairLike as _, ECDSAP384KeyPairLike as _, ES256KeyPair, ES384KeyPair, Ed25519KeyPair,
    EdDSAKeyPairLike as _, EdDSAPublicKeyLike as _, RS256KeyPair, RSAKeyPairLike as _,
};
use p256::ecdsa::signature::Signer as _;
use serde_json::{Map, Value, json};
use superboring::pkey::PKey;
use thiserror::Error;

use crate::jose::{Algorithm, base64url, rsa_scheme};

/// Bits of the modulus of a new RSA key.
const NEW_RSA_BITS: usize = 2048;

/// A private key that signs with one algorithm.
pub struct SigningKey {
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(RS256KeyPair),
    P256(ES256KeyPair),
    P384(ES384KeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a key could not be generated, read or written, or a token not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MintError {
    /// The input is not a private key in PEM for this algorithm.
    #[error("the input is not a PKCS#8 private key in PEM for {}", .0.name())]
    NotAKey(Algorithm),
    /// No key could be generated.
    #[error("no key could be generated for {}", .0.name())]
    Generate(Algorithm),
    /// The key could not be written as PEM.
    #[error("the key could not be written as PEM for {}", .0.name())]
    Write(Algorithm),
    /// The signature could not be made.
    #[error("the signature could not be made with {}", .0.name())]
    Sign(Algorithm),
}

impl SigningKey {
    /// Generates a new key; RSA keys have 2048 bits.
    ///
    /// # Errors
    /// [`MintError::Generate`]
    pub fn generate(algorithm: Algorithm) -> Result<Self, MintError> {
        let pair = match algorithm {
            Algorithm::Es256 => Pair::P256(ES256KeyPair::generate()),
            Algorithm::Es384 => Pair::P384(ES384KeyPair::generate()),
            Algorithm::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate()),
            _rsa => return Self::generate_rsa(algorithm, NEW_RSA_BITS),
        };
        Ok(Self { algorithm, pair })
    }

    /// Generates a new RSA key with a modulus of this many bits.
    ///
    /// # Errors
    /// [`MintError::Generate`] if the algorithm is not one of RSA, or the size is not supported.
    pub fn generate_rsa(algorithm: Algorithm, bits: usize) -> Result<Self, MintError> {
        let no_key = MintError::Generate(algorithm);
        rsa_scheme(algorithm).ok_or(no_key)?;
        Ok(Self { algorithm, pair: Pair::Rsa(RS256KeyPair::generate(bits).map_err(|_| no_key)?) })
    }

    /// Reads a private key in PEM (PKCS#8, RFC 5958).
    ///
    /// # Errors
    /// [`MintError::NotAKey`]
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, MintError> {
        let not_a_key = |_| MintError::NotAKey(algorithm);
        let pair = match algorithm {
            Algorithm::Es256 => Pair::P256(ES256KeyPair::from_pem(pem).map_err(not_a_key)?),
            Algorithm::Es384 => Pair::P384(ES384KeyPair::from_pem(pem).map_err(not_a_key)?),
            Algorithm::Ed25519 => Pair::Ed25519(Ed25519KeyPair::from_pem(pem).map_err(not_a_key)?),
            _rsa => Pair::Rsa(RS256KeyPair::from_pem(pem).map_err(not_a_key)?),
        };
        Ok(Self { algorithm, pair })
    }

    /// Writes the private key in PEM.
    ///
    /// # Errors
    /// [`MintError::Write`]
    pub fn to_pem(&self) -> Result<String, MintError> {
        let written = match &self.pair {
            Pair::Rsa(pair) => pair.to_pem(),
            Pair::P256(pair) => pair.to_pem(),
            Pair::P384(pair) => pair.to_pem(),
            Pair::Ed25519(pair) => Ok(pair.to_pem()),
        };
        written.map_err(|_| MintError::Write(self.algorithm))
    }

    /// The algorithm that it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half as a JWK with `alg`, `use: sig` and, where given, `kid`.
    #[must_use]
    pub fn public_jwk(&self, kid: Option<&str>) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key().to_components();
                json!({ "kty": "RSA", "n": base64url::encode(&public.n), "e": base64url::encode(&public.e) })
            }
            Pair::P256(pair) => ec_jwk("P-256", &pair.key_pair().public_key().to_bytes_uncompressed()),
            Pair::P384(pair) => ec_jwk("P-384", &pair.key_pair().public_key().to_bytes_uncompressed()),
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&pair.public_key().public_key().to_bytes()) })
            }
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("alg".to_owned(), self.algorithm.name().into());
            members.insert("use".to_owned(), "sig".into());
            if let Some(kid) = kid {
                members.insert("kid".to_owned(), kid.into());
            }
        }
        jwk
    }

    /// The public half in PEM (RFC 7468 section 13).
    ///
    /// # Errors
    /// [`MintError::Write`]
    pub fn public_pem(&self) -> Result<String, MintError> {
        let written = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().to_pem(),
            Pair::P256(pair) => pair.public_key().to_pem(),
            Pair::P384(pair) => pair.public_key().to_pem(),
            Pair::Ed25519(pair) => Ok(pair.public_key().to_pem()),
        };
        written.map_err(|_| MintError::Write(self.algorithm))
    }

    /// Signs `payload` with exactly this header, whatever it contains, and returns the compact form.
    ///
    /// # Errors
    /// [`MintError::Sign`]
    pub fn sign(&self, header: &Map<String, Value>, payload: &[u8]) -> Result<String, MintError> {
        let header = Value::Object(header.clone()).to_string();
        let input = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(payload));
        let signature = self.signature(input.as_bytes())?;
        Ok(format!("{input}.{}", base64url::encode(&signature)))
    }

    /// Signs claims under a header with `alg` and, where given, `kid` and `typ`.
    ///
    /// # Errors
    /// [`MintError::Sign`]
    pub fn sign_claims(
        &self,
        kid: Option<&str>,
        typ: Option<&str>,
        claims: &Map<String, Value>,
    ) -> Result<String, MintError> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), self.algorithm.name().into());
        for (name, value) in [("kid", kid), ("typ", typ)] {
            if let Some(value) = value {
                header.insert(name.to_owned(), value.into());
            }
        }
        self.sign(&header, Value::Object(claims.clone()).to_string().as_bytes())
    }

    /// The signature over these bytes, as JWS writes it. ECDSA and Ed25519 ones are deterministic (RFC 6979, RFC 8032).
    ///
    /// # Errors
    /// [`MintError::Sign`]
    pub fn signature(&self, message: &[u8]) -> Result<Vec<u8>, MintError> {
        match &self.pair {
            Pair::Rsa(pair) => rsa_signature(self.algorithm, pair, message).ok_or(MintError::Sign(self.algorithm)),
            Pair::P256(pair) => {
                let key: &p256::ecdsa::SigningKey = pair.key_pair().as_ref();
                let signature: p256::ecdsa::Signature = key.sign(message);
                Ok(signature.to_bytes().to_vec())
            }
            Pair::P384(pair) => {
                let key: &p384::ecdsa::SigningKey = pair.key_pair().as_ref();
                let signature: p384::ecdsa::Signature = key.sign(message);
                Ok(signature.to_bytes().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.key_pair().as_ref().sk.sign(message, None).to_vec()),
        }
    }
}

/// From the uncompressed point, 0x04 and two coordinates of one length.
fn ec_jwk(curve: &str, point: &[u8]) -> Value {
    let coordinates = point.get(1..).unwrap_or_default();
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2).unwrap_or_default();
    json!({ "kty": "EC", "crv": curve, "x": base64url::encode(x), "y": base64url::encode(y) })
}

fn rsa_signature(algorithm: Algorithm, pair: &RS256KeyPair, message: &[u8]) -> Option<Vec<u8>> {
    let (digest, padding) = rsa_scheme(algorithm)?;
    let key = PKey::from_rsa(pair.key_pair().as_ref().clone()).ok()?;
    let mut signer = superboring::sign::Signer::new(digest, &key).ok()?;
    signer.set_rsa_padding(padding).ok()?;
    signer.sign_oneshot_to_vec(message).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::SigningKey;
    use crate::jose::{Algorithm, AuthenticToken, KeySet, Portable, UnverifiedToken};
    use crate::limits::TOKEN_BYTES;
    use crate::portable;
    use crate::testing;

    #[portable]
    fn what_each_algorithm_signs_its_own_public_jwk_verifies() {
        for &algorithm in Algorithm::ALL {
            let key = testing::key(algorithm);
            let (keys, skipped) = KeySet::compile(&json!({ "keys": [key.public_jwk(Some("k"))] }), None).unwrap();
            assert_eq!(skipped, []);
            let claims = json!({ "sub": "alice" });
            let token = key.sign_claims(Some("k"), Some("JWT"), claims.as_object().unwrap()).unwrap();
            let token = UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default).unwrap();
            let authentic = AuthenticToken::verify(token, &keys, &Portable).unwrap();
            assert_eq!(authentic.typ(), Some("jwt"));
            assert_eq!(authentic.claims().unwrap().string("sub"), Ok(Some("alice")));
        }
    }

    #[portable]
    fn a_key_written_as_pem_is_read_back_as_the_same_key() {
        for algorithm in [Algorithm::Ps384, Algorithm::Es256, Algorithm::Es384, Algorithm::Ed25519] {
            let key = testing::key(algorithm);
            let again = SigningKey::from_pem(algorithm, &key.to_pem().unwrap()).unwrap();
            assert_eq!(again.public_jwk(None), key.public_jwk(None));
            assert!(SigningKey::from_pem(algorithm, "no key").is_err());
        }
        assert!(SigningKey::from_pem(Algorithm::Es384, &testing::key(Algorithm::Es256).to_pem().unwrap()).is_err());
    }

    // Native alone: elsewhere it would test the platform's randomness.
    #[cfg(not(target_arch = "wasm32"))]
    #[portable]
    fn a_new_key_is_not_an_old_one() {
        for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Ed25519] {
            let one = SigningKey::generate(algorithm).unwrap();
            assert_ne!(one.public_jwk(None), SigningKey::generate(algorithm).unwrap().public_jwk(None));
            assert_eq!(one.algorithm(), algorithm);
            assert!(SigningKey::generate_rsa(algorithm, 2_048).is_err(), "it is not an algorithm of RSA");
        }
    }
}
