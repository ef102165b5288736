//! A token of a request, on its way from bytes to proof: parsed now, or known from an earlier request.

use std::rc::Rc;

use hmac_sha256::Hash;

use super::{
    Algorithm, AuthenticClaims, AuthenticToken, KeySet, SignatureVerifier, TokenForm, TokenMemory, UnverifiedClaims,
    UnverifiedToken, VerifiedToken, base64url,
};
use crate::provider::ProviderName;
use crate::refusal::Refusal;

/// A token as a request presents it. For this request nothing about it is proved.
#[derive(Clone)]
pub enum PresentedToken {
    /// It was parsed.
    New(Box<UnverifiedToken>),
    /// Its bytes are those of a token that an earlier request presented, and whose signature was verified then.
    Known(Rc<VerifiedToken>),
}

impl PresentedToken {
    /// The token of exactly these bytes in the memory, if it was read in this form.
    #[must_use]
    pub fn known(form: TokenForm, text: &[u8], memory: Option<&TokenMemory>) -> Option<Self> {
        memory?.get(text).filter(|known| known.form() == form).map(Self::Known)
    }

    /// Finds the token of this form in the memory, or parses it.
    ///
    /// # Errors
    /// Those of [`UnverifiedToken::parse`].
    pub fn read(form: TokenForm, text: &[u8], max_bytes: usize, memory: Option<&TokenMemory>) -> Result<Self, Refusal> {
        match Self::known(form, text, memory) {
            Some(known) => Ok(known),
            None => UnverifiedToken::parse_as(form, text, max_bytes).map(Self::from),
        }
    }

    /// The algorithm that the header names.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::New(token) => token.algorithm,
            Self::Known(known) => known.algorithm(),
        }
    }

    /// `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::New(token) => token.key_id.as_deref(),
            Self::Known(known) => known.key_id(),
        }
    }

    /// `typ` in lower case, without `application/`.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        match self {
            Self::New(token) => token.typ.as_deref(),
            Self::Known(known) => known.typ(),
        }
    }

    /// The form in which it was read.
    #[must_use]
    pub fn form(&self) -> TokenForm {
        match self {
            Self::New(token) => token.form,
            Self::Known(known) => known.form(),
        }
    }

    /// Whether the header has other members than `alg`, `kid` and `typ`.
    #[must_use]
    pub fn has_other_header_members(&self) -> bool {
        match self {
            Self::New(token) => token.has_other_members,
            Self::Known(known) => known.has_other_members(),
        }
    }

    /// The SHA-256 of the token, which tells it from others and is not a credential.
    pub(crate) fn digest(&self) -> String {
        let text = match self {
            Self::New(token) => token.text.as_slice(),
            Self::Known(known) => known.text(),
        };
        base64url::encode(&Hash::hash(text))
    }

    /// The claims, which nothing proves yet.
    ///
    /// # Errors
    /// Those of [`UnverifiedToken::peek`].
    pub fn peek(&self) -> Result<UnverifiedClaims<'_>, Refusal> {
        match self {
            Self::New(token) => token.peek(),
            Self::Known(known) => UnverifiedClaims::of(AuthenticClaims::unproved(known.claims()?)),
        }
    }

    /// The provider under whose profile an earlier request's token of the same bytes was accepted. Nothing else of it may be
    /// used before the key is verified.
    #[must_use]
    pub fn accepted_under(&self) -> Option<&ProviderName> {
        match self {
            Self::New(_) => None,
            Self::Known(known) => known.provider(),
        }
    }

    /// Verifies the token with these keys. For a known token the key is chosen again: the earlier result holds if it is
    /// the same key, whatever set it is in now; with any other key the signature is verified again.
    ///
    /// # Errors
    /// `token-key`, `token-signature`; `token-malformed` if the payload is not a claim set.
    pub fn verify(self, keys: &KeySet, verifier: &dyn SignatureVerifier) -> Result<Rc<VerifiedToken>, Refusal> {
        let token = match self {
            Self::New(token) => *token,
            Self::Known(known) => {
                let key =
                    keys.choose(known.algorithm(), known.key_id()).ok_or_else(|| Refusal::no_key(known.key_id()))?;
                if known.is_by(key) {
                    return Ok(known);
                }
                UnverifiedToken::parse_as(known.form(), known.text(), known.text().len())?
            }
        };
        AuthenticToken::verify(token, keys, verifier)?.into_claim_set().map(Rc::new)
    }
}

impl From<UnverifiedToken> for PresentedToken {
    fn from(token: UnverifiedToken) -> Self {
        Self::New(Box::new(token))
    }
}
