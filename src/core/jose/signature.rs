//! The only place that makes an [`AuthenticToken`].

use super::{AuthenticClaims, Claims, KeySet, SignatureVerifier, UnverifiedToken};
use crate::refusal::{Reason, Refusal};

/// A token whose signature was verified with one of the given keys. Its claims are authentic, and not yet checked.
#[derive(Clone)]
pub struct AuthenticToken {
    payload: Vec<u8>,
    typ: Option<String>,
}

impl AuthenticToken {
    /// Verifies the signature with the one key that fits: the same algorithm, and the same `kid` if the token names
    /// one. A token without `kid` is accepted only if the set has exactly one key of its algorithm. A key without `kid`
    /// is used for a token that names one only if it is the only key of that algorithm.
    ///
    /// At most one signature is verified for a token, so the cost of a refusal does not grow with the key set.
    /// The payload may be any bytes, as in any JWS; [`claims`](Self::claims) requires a claim set.
    ///
    /// # Errors
    /// `token-key`, `token-signature`.
    pub fn verify(token: UnverifiedToken, keys: &KeySet, verifier: &dyn SignatureVerifier) -> Result<Self, Refusal> {
        let key =
            keys.choose(token.algorithm, token.key_id.as_deref()).ok_or_else(|| Refusal::new(Reason::TokenKey))?;
        if !key.has_signed(&token.signing_input, &token.signature, verifier) {
            return Err(Refusal::new(Reason::TokenSignature));
        }
        Ok(Self { payload: token.payload, typ: token.typ })
    }

    /// The bytes of the payload, as signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// `typ` in lower case, without `application/`.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The payload as a claim set.
    ///
    /// # Errors
    /// `token-malformed` if it is not one JSON object (RFC 7519 section 7.2).
    pub fn claims(&self) -> Result<AuthenticClaims, Refusal> {
        Claims::parse(&self.payload).map(AuthenticClaims::new)
    }
}

#[cfg(test)]
mod tests;
