//! Verifying the signature of a token.

use super::{MissingKey, TrustStore};
use crate::jose::{AuthenticToken, Claims, KeySet, SignatureVerifier, UnverifiedClaims, UnverifiedToken};
use crate::profile::TokenProfile;
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::UnixSeconds;

/// Why the signature of a token is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotVerified {
    /// The token is refused.
    Refused(Refusal),
    /// The key that it needs is not available.
    KeyMissing(Box<MissingKey>),
}

impl From<Refusal> for NotVerified {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<MissingKey> for NotVerified {
    fn from(missing: MissingKey) -> Self {
        Self::KeyMissing(Box::new(missing))
    }
}

impl TokenProfile {
    /// Verifies the signature of a token with the keys of this profile, by one of its algorithms (RFC 8725 section 3.1).
    ///
    /// If the key that the token needs may become available, `refused_anyway` checks the claims although no signature proves
    /// them: a request that is refused whoever signed the token need not wait for the key.
    ///
    /// # Errors
    /// `token-algorithm`, `token-key`, `token-signature`; a missing key; the refusal of `refused_anyway`.
    pub fn verify<T>(
        &self,
        token: UnverifiedToken,
        trust: &TrustStore,
        verifier: &dyn SignatureVerifier,
        now: UnixSeconds,
        refused_anyway: impl FnOnce(Option<&str>, &Claims) -> Result<T, Refusal>,
    ) -> Result<AuthenticToken, NotVerified> {
        if !self.algorithms.accept(token.algorithm) {
            let refusal = Refusal::with(Reason::TokenAlgorithm, Detail::Claim("alg".to_owned()));
            return Err(refusal.about(&self.name).into());
        }
        match self.keys_for(&token, trust, now) {
            Ok(keys) => {
                AuthenticToken::verify(token, keys, verifier).map_err(|refusal| refusal.about(&self.name).into())
            }
            Err(missing) if missing.may_come() => {
                let claims = UnverifiedClaims::peek(&token).map_err(|refusal| refusal.about(&self.name))?;
                let refusal = claims.refused_by(|claims| refused_anyway(token.typ.as_deref(), claims));
                Err(refusal.map_or_else(|| missing.into(), NotVerified::from))
            }
            Err(missing) => Err(missing.into()),
        }
    }

    /// The keys that are available, unless the token names a key that is not among them: a newer set may contain it.
    fn keys_for<'k>(
        &self,
        token: &UnverifiedToken,
        trust: &'k TrustStore,
        now: UnixSeconds,
    ) -> Result<&'k KeySet, MissingKey> {
        let missing = |key_id: Option<&str>, prospect| MissingKey {
            provider: self.name.clone(),
            key_id: key_id.map(str::to_owned),
            prospect,
        };
        let keys = trust.keys(&self.name, now).map_err(|prospect| missing(None, prospect))?;
        match token.key_id.as_deref() {
            Some(key_id) if !keys.has_key_of(token) => {
                Err(missing(Some(key_id), trust.prospect(&self.name, key_id, now)))
            }
            _ => Ok(keys),
        }
    }
}

#[cfg(test)]
mod tests;
