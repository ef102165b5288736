//! The only place that makes an [`AuthenticToken`], and of it a [`VerifiedToken`].

use core::any::Any;
use core::fmt;
use std::borrow::Cow;
use std::rc::Rc;

use super::{
    Algorithm, AuthenticClaims, KeySet, Reading, SignatureVerifier, TokenForm, UnverifiedToken, VerificationKey,
};
use crate::provider::ProviderName;
use crate::refusal::{Reason, Refusal};

/// A token whose signature was verified with one of the given keys. Its claims are authentic, and not yet checked.
#[derive(Clone)]
pub struct AuthenticToken {
    token: UnverifiedToken,
    /// The thumbprint of the key (RFC 7638).
    key: String,
}

/// A token whose signature was verified, with its claims, which are not yet checked.
pub struct VerifiedToken {
    text: Vec<u8>,
    algorithm: Algorithm,
    key_id: Option<String>,
    typ: Option<String>,
    form: TokenForm,
    has_other_members: bool,
    payload: Rc<[u8]>,
    /// `None` if they were dropped: then they are read again from the text where anybody asks for them.
    claims: Option<AuthenticClaims>,
    reading: Option<Rc<dyn Reading>>,
    /// The thumbprint of the key (RFC 7638).
    key: String,
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
        let key = keys
            .choose(token.algorithm, token.key_id.as_deref())
            .ok_or_else(|| Refusal::no_key(token.key_id.as_deref()))?;
        if !key.has_signed(token.signing_input(), &token.signature, verifier) {
            return Err(Refusal::new(Reason::TokenSignature));
        }
        Ok(Self { key: key.thumbprint().to_owned(), token })
    }

    /// The bytes of the payload, as signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.token.payload
    }

    /// `typ` in lower case, without `application/`.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.token.typ.as_deref()
    }

    /// The claim set.
    ///
    /// # Errors
    /// `token-malformed` if it is not one JSON object (RFC 7519 section 7.2).
    pub fn claims(&self) -> Result<AuthenticClaims, Refusal> {
        self.token.claims().cloned().map(AuthenticClaims::new)
    }

    /// The token with its claims.
    ///
    /// # Errors
    /// As [`claims`](Self::claims).
    pub fn into_claim_set(self) -> Result<VerifiedToken, Refusal> {
        let Self { mut token, key } = self;
        let claims = Some(AuthenticClaims::new(token.take_claims()?));
        let UnverifiedToken { text, algorithm, key_id, typ, form, has_other_members, payload, .. } = token;
        Ok(VerifiedToken {
            text,
            algorithm,
            key_id,
            typ,
            form,
            has_other_members,
            payload: payload.into(),
            claims,
            reading: None,
            key,
        })
    }
}

impl VerifiedToken {
    /// The compact form. It is a credential: it must not be logged.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The algorithm of the key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// `typ` in lower case, without `application/`.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The form in which it was read.
    #[must_use]
    pub const fn form(&self) -> TokenForm {
        self.form
    }

    /// Whether the header has other members than `alg`, `kid` and `typ`.
    #[must_use]
    pub const fn has_other_members(&self) -> bool {
        self.has_other_members
    }

    /// The bytes of the payload, as signed.
    #[must_use]
    pub const fn payload(&self) -> &Rc<[u8]> {
        &self.payload
    }

    /// The claims.
    ///
    /// # Errors
    /// None that the text of a verified token can cause, because it was read before.
    pub fn claims(&self) -> Result<Cow<'_, AuthenticClaims>, Refusal> {
        match &self.claims {
            Some(claims) => Ok(Cow::Borrowed(claims)),
            None => {
                let mut token = UnverifiedToken::parse_as(self.form, &self.text, self.text.len())?;
                token.take_claims().map(AuthenticClaims::new).map(Cow::Owned)
            }
        }
    }

    /// Drops the claims of a token that has a reading of them. They take most of its memory.
    pub(super) fn drop_claims_that_were_read(&mut self) {
        if self.reading.is_some() {
            self.claims = None;
        }
    }

    /// The claims, unless they were dropped.
    pub(super) const fn held_claims(&self) -> Option<&AuthenticClaims> {
        self.claims.as_ref()
    }

    /// Keeps what was read in the claims for other requests with the same token. Not if the memory has the token already: its
    /// bytes are counted.
    pub fn keep_reading(token: &mut Rc<Self>, reading: Rc<dyn Reading>) {
        if let Some(token) = Rc::get_mut(token) {
            token.reading = Some(reading);
        }
    }

    /// The provider under whose profile it was read.
    pub(super) fn provider(&self) -> Option<&ProviderName> {
        self.reading.as_deref().map(Reading::provider)
    }

    /// What was read in the claims under the profile of this provider, if it is of this type.
    #[must_use]
    pub fn reading<R: Reading>(&self, provider: &ProviderName) -> Option<Rc<R>> {
        let reading: Rc<dyn Any> = self.reading.clone().filter(|reading| reading.provider() == provider)?;
        reading.downcast().ok()
    }

    /// Bytes that the reading takes.
    pub(super) fn reading_bytes(&self) -> usize {
        self.reading.as_ref().map_or(0, |reading| reading.bytes())
    }

    /// The thumbprint of the key (RFC 7638).
    pub(super) fn key_thumbprint(&self) -> &str {
        &self.key
    }

    /// Whether its signature was verified with this public key, by this key's algorithm.
    #[must_use]
    pub fn is_by(&self, key: &VerificationKey) -> bool {
        self.algorithm == key.algorithm() && self.key == key.thumbprint()
    }
}

/// Without the token and its claims.
impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
