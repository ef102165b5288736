//! The order in which evidence is judged, as one column. Only here is an [`Identity`] made.

use std::collections::BTreeMap;

use super::{DeviceEvidence, DeviceFacts, Identity, Principal, VerifiedPrincipal, binding, principal};
use crate::evidence::Presented;
use crate::jose::{AuthenticToken, ClaimSet, UnverifiedClaims, UnverifiedToken};
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::Peer;
use crate::route::Requires;
use crate::time::{Seconds, UnixSeconds};
use crate::trust::{Appraisal, DeviceProvider, FactField, Issuer, MissingKey, NotVerified, TrustStore, choose_profile};

/// Whom to believe.
#[derive(Clone, Copy)]
pub struct Believed<'a> {
    /// The issuers of access tokens.
    pub issuers: &'a [Issuer],
    /// The providers of posture.
    pub devices: &'a [DeviceProvider],
    /// The keys of both.
    pub trust: &'a TrustStore,
}

impl Believed<'_> {
    /// Nobody: then nothing that is presented can be believed.
    #[must_use]
    pub const fn nobody(self) -> Self {
        Self { issuers: &[], devices: &[], trust: self.trust }
    }
}

/// Evidence that did not suffice.
#[derive(Clone, Debug)]
pub struct Unproved {
    /// Why.
    pub refusal: Refusal,
    /// The key that was not at hand, where that is why.
    pub missing_key: Option<Box<MissingKey>>,
    /// What was believed until then; `None` where not even the principal was determined.
    pub believed: Option<Identity>,
}

impl From<NotVerified> for Unproved {
    fn from(NotVerified { refusal, missing_key }: NotVerified) -> Self {
        Self { refusal, missing_key, believed: None }
    }
}

/// Turns what was presented into what is believed.
///
/// In this order: the access token (profile, signature, claims, binding, principal, facts), the required issuer, then each
/// provider's posture (signature, claims, binding, facts), then the required posture. Presented evidence is judged even
/// where no rule asks for it: a forged piece is refused, never ignored.
///
/// # Errors
/// Every refusal of kind `Unauthenticated`, and `keys-unavailable`.
pub fn verify(
    presented: Presented,
    believed: Believed<'_>,
    peer: &Peer,
    requires: &Requires,
    now: UnixSeconds,
) -> Result<Identity, Unproved> {
    let Presented { access_token, posture } = presented;
    let presented: Vec<&ProviderName> = posture.iter().map(|(provider, _)| provider).collect();
    let (principal, token_claims) = match access_token {
        None => (Principal::Anonymous, None),
        Some(token) => {
            let (principal, claims) = verify_access_token(token, believed, peer, now)
                .map_err(|fault| unless_lost(fault, requires, &presented))?;
            (Principal::Verified(principal), Some(claims))
        }
    };
    let mut identity = Identity { principal, devices: BTreeMap::new() };
    if let Err(refusal) = require_issuer(requires, &identity.principal) {
        return Err(identity.unproved(refusal.into()));
    }
    let mut posture: BTreeMap<ProviderName, UnverifiedToken> = posture.into_iter().collect();
    for provider in believed.devices {
        let name = &provider.profile.name;
        let judged = match posture.remove(name) {
            None => Ok(DeviceEvidence::Missing),
            Some(token) => verify_posture(token, provider, token_claims.as_ref(), believed.trust, peer, now),
        };
        match judged {
            Ok(evidence) => identity.devices.insert(name.clone(), evidence),
            Err(NotVerified { refusal, missing_key }) => {
                return Err(identity.unproved(NotVerified { refusal: refusal.about(name), missing_key }));
            }
        };
    }
    match require_posture(requires, &identity) {
        Ok(()) => Ok(identity),
        Err(refusal) => Err(identity.unproved(refusal.into())),
    }
}

/// A request whose access token waits for a key, unless it is refused whatever the key says: it need not wait then.
fn unless_lost(fault: NotVerified, requires: &Requires, presented: &[&ProviderName]) -> NotVerified {
    let Some(missing) = fault.missing_key.as_ref().filter(|missing| missing.may_come()) else { return fault };
    let other = requires.issuer.as_ref().filter(|required| **required != missing.provider);
    let lacking = requires.devices.iter().find(|required| !presented.contains(required));
    match (other, lacking) {
        (Some(required), _) => Refusal::new(Reason::CredentialNotForRoute).about(required).into(),
        (None, Some(required)) => Refusal::new(Reason::PostureMissing).about(required).into(),
        (None, None) => fault,
    }
}

impl Identity {
    /// Nobody, with no device: what is believed where evidence is not looked at.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self { principal: Principal::Anonymous, devices: BTreeMap::new() }
    }

    fn unproved(self, NotVerified { refusal, missing_key }: NotVerified) -> Unproved {
        Unproved { refusal, missing_key, believed: Some(self) }
    }
}

fn verify_access_token(
    token: UnverifiedToken,
    Believed { issuers, trust, .. }: Believed<'_>,
    peer: &Peer,
    now: UnixSeconds,
) -> Result<(VerifiedPrincipal, ClaimSet), NotVerified> {
    let unverified = UnverifiedClaims::peek(&token)?;
    let profile = choose_profile(issuers.iter().map(|issuer| &issuer.profile), &unverified)?;
    // The profile is one of these issuers', so it is always found; the refusal keeps this free of a panic.
    let issuer = issuers
        .iter()
        .find(|issuer| issuer.profile.name == profile.name)
        .ok_or_else(|| Refusal::new(Reason::TokenIssuer))?;
    let typ = token.typ.clone();
    let token = issuer.profile.verify(token, trust, now).map_err(|fault| {
        fault.unless_refused(|| unverified.refused_by(|claims| issuer.profile.judge(typ.as_deref(), claims, now)))
    })?;
    principal_of(&token, issuer, peer, now).map_err(|refusal| refusal.about(&issuer.profile.name).into())
}

fn principal_of(
    token: &AuthenticToken,
    issuer: &Issuer,
    peer: &Peer,
    now: UnixSeconds,
) -> Result<(VerifiedPrincipal, ClaimSet), Refusal> {
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
    trust: &TrustStore,
    peer: &Peer,
    now: UnixSeconds,
) -> Result<DeviceEvidence, NotVerified> {
    let (unverified, typ) = (UnverifiedClaims::peek(&token).map_err(Refusal::posture)?, token.typ.clone());
    let token = provider.profile.verify(token, trust, now).map_err(|fault| {
        let NotVerified { refusal, missing_key } = fault
            .unless_refused(|| unverified.refused_by(|claims| provider.profile.appraise(typ.as_deref(), claims, now)));
        NotVerified { refusal: Refusal::posture(refusal), missing_key }
    })?;
    Ok(posture_of(&token, provider, access_token, peer, now)?)
}

fn posture_of(
    token: &AuthenticToken,
    provider: &DeviceProvider,
    access_token: Option<&ClaimSet>,
    peer: &Peer,
    now: UnixSeconds,
) -> Result<DeviceEvidence, Refusal> {
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
