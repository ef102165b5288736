//! A token that carries the public key that verifies it: a proof that its sender holds the private key (RFC 9449
//! section 4.2). It proves nothing else: anybody can make a key, so a proof says something only where another token
//! names the key.

use core::fmt;

use serde_json::Value;

use super::{Algorithm, Claims, KeyFault, SignatureVerifier, TokenForm, UnverifiedToken, VerificationKey};
use crate::refusal::Refusal;

/// A proof as presented: well formed, and not verified. Its claims are the sender's assertions.
#[derive(Clone, PartialEq)]
pub struct UnverifiedProof {
    token: UnverifiedToken,
    /// `jwk` of the header, which may be anything.
    jwk: Option<Value>,
}

impl UnverifiedProof {
    /// Reads the compact form.
    ///
    /// # Errors
    /// Those of [`UnverifiedToken::parse`], and `token-malformed` if the payload is not a claim set.
    pub fn parse(text: &[u8], max_bytes: usize) -> Result<Self, Refusal> {
        let (token, mut header) = UnverifiedToken::parse_with_header(TokenForm::JWT, text, max_bytes)?;
        token.claims()?;
        Ok(Self { token, jwk: header.remove("jwk") })
    }

    /// The algorithm that the header names.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.token.algorithm
    }

    /// `typ` in lower case, without `application/`.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.token.typ.as_deref()
    }

    /// The claims, which nothing proves yet.
    ///
    /// # Errors
    /// None after [`parse`](Self::parse) has succeeded.
    pub fn claims(&self) -> Result<&Claims, Refusal> {
        self.token.claims()
    }

    /// The key of the header, for the algorithm of the header and no other.
    ///
    /// # Errors
    /// See [`KeyFault`]; a header without `jwk` has [`KeyFault::NotAnObject`].
    pub fn key(&self) -> Result<VerificationKey, KeyFault> {
        VerificationKey::compile(self.jwk.as_ref().unwrap_or(&Value::Null), Some(&[self.token.algorithm]))
    }

    /// Whether the holder of the private half of this key has signed the proof.
    #[must_use]
    pub fn is_signed_by(&self, key: &VerificationKey, verifier: &dyn SignatureVerifier) -> bool {
        key.algorithm() == self.token.algorithm
            && key.has_signed(self.token.signing_input(), &self.token.signature, verifier)
    }
}

/// Without the proof: until it is used, it is a credential.
impl fmt::Debug for UnverifiedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedProof").field("algorithm", &self.token.algorithm).finish_non_exhaustive()
    }
}
