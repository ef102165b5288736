//! Verifying the signature of a token.

use std::rc::Rc;

use super::{MissingKey, TrustStore};
use crate::freshness::ProofMemory;
use crate::jose::{Claims, KeySet, Portable, PresentedToken, SignatureVerifier, TokenMemory, VerifiedToken};
use crate::profile::{HeaderMembers, TokenProfile};
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::UnixSeconds;

/// What tokens are verified with.
#[derive(Clone, Copy)]
pub struct Verification<'a> {
    /// The keys that are trusted now.
    pub trust: &'a TrustStore,
    /// What verifies signatures with them.
    pub verifier: &'a dyn SignatureVerifier,
    /// The tokens that earlier requests presented. Without a memory, or with an empty one, the result is the same.
    pub memory: Option<&'a TokenMemory>,
    /// Where the proofs are remembered that earlier requests used. Without a memory no proof is accepted.
    pub proofs: ProofMemory<'a>,
}

impl<'a> Verification<'a> {
    /// With these keys, by the code of this program, without a memory of tokens or proofs.
    #[must_use]
    pub const fn by(trust: &'a TrustStore) -> Self {
        Self { trust, verifier: &Portable, memory: None, proofs: ProofMemory::NONE }
    }
}

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
    /// `token-algorithm`, `token-malformed`, `token-key`, `token-signature`; a missing key; the refusal of `refused_anyway`.
    pub fn verify<T>(
        &self,
        token: PresentedToken,
        verification: Verification<'_>,
        now: UnixSeconds,
        refused_anyway: impl FnOnce(Option<&str>, &Claims) -> Result<T, Refusal>,
    ) -> Result<Rc<VerifiedToken>, NotVerified> {
        let Verification { trust, verifier, .. } = verification;
        if !self.algorithms.accept(token.algorithm()) {
            let wanted = self.algorithms.listed().into_iter().flatten().map(|algorithm| algorithm.name());
            let refusal = Refusal::mismatch(Reason::TokenAlgorithm, "alg", [token.algorithm().name()], wanted);
            return Err(refusal.about(&self.name).into());
        }
        if self.header == HeaderMembers::AlgKidTyp && token.has_other_header_members() {
            let fault =
                "the header of a JWT-SVID has `alg`, `kid` and `typ` and no other member, and this one has another";
            return Err(Refusal::with(Reason::TokenMalformed, Detail::Fault(fault)).about(&self.name).into());
        }
        // Only a provider whose keys are fetched can have a newer key than those that did not sign the token.
        let may_have_successor =
            token.key_id().is_none() && trust.fetches_for(&self.name) && !trust.fetches_by_id(&self.name);
        let unnamed = may_have_successor.then(|| token.clone());
        let (token, missing) = match self.keys_for(&token, trust, now) {
            Ok(keys) => match token.verify(keys, verifier) {
                Ok(verified) => return Ok(verified),
                Err(refusal) => {
                    let unnamed = unnamed.filter(|_| fits_no_key(refusal.reason));
                    match unnamed.and_then(|token| self.successor_of_keys_for(token, trust, now)) {
                        Some(missing) => missing,
                        None => return Err(refusal.about(&self.name).into()),
                    }
                }
            },
            Err(missing) if missing.may_come() => (token, missing),
            Err(missing) => return Err(missing.into()),
        };
        let claims = token.peek().map_err(|refusal| refusal.about(&self.name))?;
        let refusal = claims.refused_by(|claims| refused_anyway(token.typ(), claims));
        Err(refusal.map_or_else(|| missing.into(), NotVerified::from))
    }

    /// For a token that names no key and that none of the keys has signed: whether the provider may have a newer key, which
    /// it was not asked for since this worker first saw the token.
    ///
    /// A provider whose tokens have no `kid` publishes one key (OpenID Connect Core section 10.1), and nothing else tells
    /// that it has changed it. Anybody can make such a token, as anybody can make up a `kid`: both cause fetches within the
    /// same rate. A token that does name a key of the set is refused without a fetch. A provider must give a new key a new
    /// `kid`, and the `kid`s of a set are public, so forgeries with one would otherwise use up the fetches that tokens with
    /// a new key need.
    fn successor_of_keys_for(
        &self,
        token: PresentedToken,
        trust: &TrustStore,
        now: UnixSeconds,
    ) -> Option<(PresentedToken, MissingKey)> {
        let sought = token.digest();
        let prospect = trust.prospect(&self.name, &sought, now);
        let missing = MissingKey { provider: self.name.clone(), sought: Some(sought), prospect };
        missing.may_come().then_some((token, missing))
    }

    /// The keys that are available, unless the token names a key that is not among them: a newer set may contain it. One
    /// that names a key of another algorithm is refused without a fetch, like every token under a `kid` of the set.
    fn keys_for<'k>(
        &self,
        token: &PresentedToken,
        trust: &'k TrustStore,
        now: UnixSeconds,
    ) -> Result<&'k KeySet, MissingKey> {
        let missing = |key_id: Option<&str>, prospect| MissingKey {
            provider: self.name.clone(),
            sought: key_id.map(str::to_owned),
            prospect,
        };
        let by_id = trust.fetches_by_id(&self.name);
        let keys = trust
            .keys_with(&self.name, token.key_id(), now)
            .map_err(|prospect| missing(token.key_id().filter(|_| by_id), prospect))?;
        match token.key_id() {
            Some(key_id) if keys.choose(token.algorithm(), Some(key_id)).is_none() && !keys.has_key_id(key_id) => {
                Err(missing(Some(key_id), trust.prospect(&self.name, key_id, now)))
            }
            _ => Ok(keys),
        }
    }
}

/// Whether a token is refused for this reason because no key of a set has signed it.
fn fits_no_key(reason: Reason) -> bool {
    matches!(reason, Reason::TokenSignature | Reason::TokenKey)
}

#[cfg(test)]
mod tests;
