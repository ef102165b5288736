//! Proving who made a token.

use super::{MissingKey, TrustStore};
use crate::jose::{AuthenticToken, ClaimSet, KeySet, UnverifiedClaims, UnverifiedToken};
use crate::profile::TokenProfile;
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::UnixSeconds;

/// A token whose maker is not proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotVerified {
    /// Why.
    pub refusal: Refusal,
    /// The key that was not at hand, where that is why.
    pub missing_key: Option<Box<MissingKey>>,
}

impl NotVerified {
    fn lacking(missing: MissingKey) -> Self {
        let refusal = missing.prospect.refusal().about(&missing.provider);
        Self { refusal, missing_key: Some(Box::new(missing)) }
    }
}

impl From<Refusal> for NotVerified {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, missing_key: None }
    }
}

impl TokenProfile {
    /// Proves who made a token: one of this profile's keys, with one of its algorithms (RFC 8725 section 3.1).
    ///
    /// Where the key that it needs may come, `judge` is asked about what it says, though nobody vouches for that: a token
    /// that is refused whoever signed it need not wait for the key.
    ///
    /// # Errors
    /// `token-algorithm`, `token-key`, `token-signature`; `keys-unavailable` where the key that it needs may come, or why
    /// it is refused anyway.
    pub fn verify<T>(
        &self,
        token: UnverifiedToken,
        trust: &TrustStore,
        now: UnixSeconds,
        judge: impl FnOnce(Option<&str>, &ClaimSet) -> Result<T, Refusal>,
    ) -> Result<AuthenticToken, NotVerified> {
        if !self.algorithms.contains(&token.algorithm) {
            let refusal = Refusal::with(Reason::TokenAlgorithm, Detail::Claim("alg".to_owned()));
            return Err(refusal.about(&self.name).into());
        }
        match self.keys_for(&token, trust, now) {
            Ok(keys) => AuthenticToken::verify(token, keys).map_err(|refusal| refusal.about(&self.name).into()),
            Err(missing) if missing.may_come() => {
                let claims = UnverifiedClaims::peek(&token).map_err(|refusal| refusal.about(&self.name))?;
                match claims.refused_by(|claims| judge(token.typ.as_deref(), claims)) {
                    Some(refusal) => Err(refusal.about(&self.name).into()),
                    None => Err(NotVerified::lacking(missing)),
                }
            }
            Err(missing) => Err(NotVerified::lacking(missing)),
        }
    }

    /// The keys at hand, unless they have none for the token and it names one: another set may have it.
    fn keys_for<'k>(
        &'k self,
        token: &UnverifiedToken,
        trust: &'k TrustStore,
        now: UnixSeconds,
    ) -> Result<&'k KeySet, MissingKey> {
        let missing = |key_id: Option<&str>, prospect| MissingKey {
            provider: self.name.clone(),
            key_id: key_id.map(str::to_owned),
            prospect,
        };
        let keys = trust.keys(self, now).map_err(|prospect| missing(None, prospect))?;
        match token.key_id.as_deref() {
            Some(key_id) if !keys.has_key_of(token) => Err(missing(Some(key_id), trust.prospect(self, key_id, now))),
            _ => Ok(keys),
        }
    }
}
