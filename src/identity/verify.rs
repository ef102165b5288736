//! The order in which evidence is judged, as one column. Only here is an [`Identity`] made.

use std::collections::BTreeMap;

use super::{DeviceEvidence, DeviceFacts, Identity, Principal, VerifiedPrincipal, binding, principal};
use crate::evidence::Presented;
use crate::jose::{ClaimSet, UnverifiedClaims, UnverifiedToken};
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::Peer;
use crate::route::Requires;
use crate::time::{Seconds, UnixSeconds};
use crate::trust::{Appraisal, DeviceProvider, FactField, Issuer, choose_profile};

/// Whom to believe.
#[derive(Clone, Copy)]
pub struct Believed<'a> {
    /// The issuers of access tokens.
    pub issuers: &'a [Issuer],
    /// The providers of posture.
    pub devices: &'a [DeviceProvider],
}

impl Believed<'_> {
    /// Nobody: then nothing that is presented can be believed.
    #[must_use]
    pub const fn nobody() -> Self {
        Self { issuers: &[], devices: &[] }
    }
}

/// Evidence that did not suffice.
#[derive(Clone, Debug)]
pub struct Unproved {
    /// Why.
    pub refusal: Refusal,
    /// What was believed until then; `None` where not even the principal was determined.
    pub believed: Option<Identity>,
}

impl From<Refusal> for Unproved {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, believed: None }
    }
}

/// Turns what was presented into what is believed.
///
/// In this order: the access token (profile, signature, claims, binding, principal, facts), the required issuer, then each
/// provider's posture (signature, claims, binding, facts), then the required posture. Presented evidence is judged even
/// where no rule asks for it: a forged piece is refused, never ignored.
///
/// # Errors
/// Every refusal of kind `Unauthenticated`.
pub fn verify(
    presented: Presented,
    believed: Believed<'_>,
    peer: &Peer,
    requires: &Requires,
    now: UnixSeconds,
) -> Result<Identity, Unproved> {
    let Presented { access_token, posture } = presented;
    let (principal, token_claims) = match access_token {
        None => (Principal::Anonymous, None),
        Some(token) => {
            let (principal, claims) = verify_access_token(token, believed.issuers, peer, now)?;
            (Principal::Verified(principal), Some(claims))
        }
    };
    let mut identity = Identity { principal, devices: BTreeMap::new() };
    if let Err(refusal) = require_issuer(requires, &identity.principal) {
        return Err(identity.unproved(refusal));
    }
    let mut posture: BTreeMap<ProviderName, UnverifiedToken> = posture.into_iter().collect();
    for provider in believed.devices {
        let name = &provider.profile.name;
        let judged = match posture.remove(name) {
            None => Ok(DeviceEvidence::Missing),
            Some(token) => verify_posture(token, provider, token_claims.as_ref(), peer, now),
        };
        match judged {
            Ok(evidence) => identity.devices.insert(name.clone(), evidence),
            Err(refusal) => return Err(identity.unproved(refusal.about(name))),
        };
    }
    match require_posture(requires, &identity) {
        Ok(()) => Ok(identity),
        Err(refusal) => Err(identity.unproved(refusal)),
    }
}

impl Identity {
    /// Nobody, with no device: what is believed where evidence is not looked at.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self { principal: Principal::Anonymous, devices: BTreeMap::new() }
    }

    const fn unproved(self, refusal: Refusal) -> Unproved {
        Unproved { refusal, believed: Some(self) }
    }
}

fn verify_access_token(
    token: UnverifiedToken,
    issuers: &[Issuer],
    peer: &Peer,
    now: UnixSeconds,
) -> Result<(VerifiedPrincipal, ClaimSet), Refusal> {
    let unverified = UnverifiedClaims::peek(&token)?;
    let profile = choose_profile(issuers.iter().map(|issuer| &issuer.profile), &unverified)?;
    // The profile is one of these issuers', so it is always found; the refusal keeps this free of a panic.
    let issuer = issuers
        .iter()
        .find(|issuer| issuer.profile.name == profile.name)
        .ok_or_else(|| Refusal::new(Reason::TokenIssuer))?;
    verify_as(token, issuer, peer, now).map_err(|refusal| refusal.about(&issuer.profile.name))
}

fn verify_as(
    token: UnverifiedToken,
    issuer: &Issuer,
    peer: &Peer,
    now: UnixSeconds,
) -> Result<(VerifiedPrincipal, ClaimSet), Refusal> {
    let token = issuer.profile.verify(token)?;
    let claims = token.claims()?;
    let times = issuer.profile.judge(token.typ(), &claims, now)?;
    let principal = VerifiedPrincipal {
        issuer: issuer.profile.name.clone(),
        entity_type: issuer.principal.entity_type.clone(),
        id: principal::id(&issuer.principal, &claims)?,
        groups: principal::groups(&issuer.principal, &claims)?,
        facts: FactField::read_all(&issuer.profile.facts, &claims)?,
        payload: token.payload().to_vec(),
        binding: binding::of_token(&claims, peer)?,
        expires: times.expires,
    };
    Ok((principal, claims))
}

fn require_issuer(requires: &Requires, principal: &Principal) -> Result<(), Refusal> {
    let Some(required) = &requires.issuer else {
        return Ok(());
    };
    match principal {
        Principal::Anonymous => Err(Refusal::new(Reason::CredentialMissing).about(required)),
        Principal::Verified(principal) if principal.issuer == *required => Ok(()),
        Principal::Verified(_) => Err(Refusal::new(Reason::CredentialNotForRoute).about(required)),
    }
}

fn verify_posture(
    token: UnverifiedToken,
    provider: &DeviceProvider,
    access_token: Option<&ClaimSet>,
    peer: &Peer,
    now: UnixSeconds,
) -> Result<DeviceEvidence, Refusal> {
    let token = provider.profile.verify(token).map_err(Refusal::posture)?;
    let claims = token.claims().map_err(Refusal::posture)?;
    let age = match provider.profile.appraise(token.typ(), &claims, now).map_err(Refusal::posture)? {
        Appraisal::Fresh(times) => times.age,
        // All else about it is right: old news, and no forgery.
        Appraisal::Stale { age, .. } => return Ok(DeviceEvidence::Stale { age: known(age)? }),
    };
    binding::of_token(&claims, peer).map_err(Refusal::posture)?;
    Ok(DeviceEvidence::Verified(DeviceFacts {
        facts: FactField::read_all(&provider.profile.facts, &claims).map_err(Refusal::posture)?,
        bound: binding::of_posture(&provider.bind, access_token, &claims)?,
        age: known(age)?,
    }))
}

fn require_posture(requires: &Requires, identity: &Identity) -> Result<(), Refusal> {
    for required in &requires.devices {
        let reason = match identity.devices.get(required) {
            Some(DeviceEvidence::Verified(_)) => continue,
            Some(DeviceEvidence::Stale { .. }) => Reason::PostureStale,
            Some(DeviceEvidence::Missing) | None => Reason::PostureMissing,
        };
        return Err(Refusal::new(reason).about(required));
    }
    Ok(())
}

/// The age of posture. Its profile always has a `max_age`, which asks for `iat`; were it not to, posture of no age would be
/// no posture.
fn known(age: Option<Seconds>) -> Result<Seconds, Refusal> {
    let missing = || Refusal::with(Reason::TokenClaimMissing, Detail::Claim("iat".to_owned()));
    age.ok_or_else(|| Refusal::posture(missing()))
}
