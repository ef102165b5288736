//! The only place that makes an [`AuthenticToken`].

use super::{AuthenticClaims, Claims, KeySet, UnverifiedToken};
use crate::refusal::{Reason, Refusal};

/// A token whose signature one of the given keys made. Its claims are authentic, and not yet judged.
#[derive(Clone)]
pub struct AuthenticToken {
    payload: Vec<u8>,
    typ: Option<String>,
}

impl AuthenticToken {
    /// Checks the signature with the one key that fits: same algorithm, and the same `kid` where the token names one.
    /// A token without `kid` is taken only where exactly one key of its algorithm is in the set. A key without `kid` is
    /// used for a token that names one only where it is the only key of that algorithm.
    ///
    /// Never more than one signature is checked for a token: what a refusal costs does not grow with the key set.
    /// The payload may be any bytes, as in any JWS; [`claims`](Self::claims) demands a claim set.
    ///
    /// # Errors
    /// `token-key`, `token-signature`.
    pub fn verify(token: UnverifiedToken, keys: &KeySet) -> Result<Self, Refusal> {
        let key =
            keys.choose(token.algorithm, token.key_id.as_deref()).ok_or_else(|| Refusal::new(Reason::TokenKey))?;
        if !key.has_signed(&token.signing_input, &token.signature) {
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
    /// `token-malformed` where it is not one JSON object (RFC 7519 section 7.2).
    pub fn claims(&self) -> Result<AuthenticClaims, Refusal> {
        Claims::parse(&self.payload).map(AuthenticClaims::new)
    }
}

#[cfg(test)]
mod tests;
