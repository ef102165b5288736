//! The order in which evidence is judged, as one column. Only here is an [`Identity`] made.

use std::collections::BTreeMap;

use super::{Binding, DeviceEvidence, DeviceFacts, Identity, Principal, VerifiedPrincipal, binding, principal};
use crate::evidence::Presented;
use crate::jose::{ClaimSet, UnverifiedClaims, UnverifiedToken};
use crate::keys::{MissingKey, NotVerified, TrustStore};
use crate::profile::{Appraisal, DeviceProvider, FactField, FactRecord, Issuer, choose_profile};
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::Peer;
use crate::route::Requires;
use crate::time::{Seconds, UnixSeconds};

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
    let (principal, token_claims) = match access_token {
        None => (Principal::Anonymous, None),
        Some(token) => {
            let (principal, claims) = verify_access_token(token, believed, peer, now)
                .map_err(|fault| unless_lost(fault, requires, &posture))?;
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
            Some(token) => {
                let required = requires.devices.contains(name);
                verify_posture(token, provider, required, token_claims.as_ref(), believed.trust, peer, now)
            }
        };
        match judged {
            Ok(evidence) => identity.devices.insert(name.clone(), evidence),
            Err(NotVerified { refusal, missing_key }) => {
                let refusal = Refusal::posture(refusal).about(name);
                return Err(identity.unproved(NotVerified { refusal, missing_key }));
            }
        };
    }
    match require_posture(requires, &identity) {
        Ok(()) => Ok(identity),
        Err(refusal) => Err(identity.unproved(refusal.into())),
    }
}

/// A request whose access token waits for a key, unless it is refused whatever the key says: it need not wait then.
fn unless_lost(fault: NotVerified, requires: &Requires, posture: &[(ProviderName, UnverifiedToken)]) -> NotVerified {
    let Some(missing) = fault.missing_key.as_ref().filter(|missing| missing.may_come()) else { return fault };
    let other = requires.issuer.as_ref().filter(|required| **required != missing.provider);
    let lacking = requires.devices.iter().find(|required| posture.iter().all(|(provider, _)| provider != *required));
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
    let said = |typ: Option<&str>, claims: &ClaimSet| Said::by(issuer, typ, claims, peer, now);
    let token = issuer.profile.verify(token, trust, now, said)?;
    let claims = token.claims().map_err(|refusal| refusal.about(&issuer.profile.name))?;
    let Said { id, groups, facts, binding, expires } =
        said(token.typ(), &claims).map_err(|refusal| refusal.about(&issuer.profile.name))?;
    let principal = VerifiedPrincipal {
        issuer: issuer.profile.name.clone(),
        entity_type: issuer.principal.entity_type.clone(),
        id,
        groups,
        facts,
        payload: token.payload().to_vec(),
        binding,
        expires,
    };
    Ok((principal, claims))
}

/// What a token says of its bearer, whoever signed it.
struct Said {
    id: String,
    groups: Vec<String>,
    facts: FactRecord,
    binding: Binding,
    expires: Option<UnixSeconds>,
}

impl Said {
    fn by(
        issuer: &Issuer,
        typ: Option<&str>,
        claims: &ClaimSet,
        peer: &Peer,
        now: UnixSeconds,
    ) -> Result<Self, Refusal> {
        let times = issuer.profile.judge(typ, claims, now)?;
        Ok(Self {
            id: principal::id(&issuer.principal, claims)?,
            groups: principal::groups(&issuer.principal, claims)?,
            facts: FactField::read_all(&issuer.profile.facts, claims)?,
            binding: binding::of_token(claims, peer)?,
            expires: times.expires,
        })
    }
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
    required: bool,
    access_token: Option<&ClaimSet>,
    trust: &TrustStore,
    peer: &Peer,
    now: UnixSeconds,
) -> Result<DeviceEvidence, NotVerified> {
    let evidence = |typ: Option<&str>, claims: &ClaimSet| posture_of(provider, typ, claims, access_token, peer, now);
    let token = provider.profile.verify(token, trust, now, |typ, claims| match evidence(typ, claims)? {
        DeviceEvidence::Stale { .. } if required => Err(Refusal::new(Reason::PostureStale)),
        _ => Ok(()),
    })?;
    Ok(evidence(token.typ(), &token.claims()?)?)
}

/// What posture says of the device, whoever signed it.
fn posture_of(
    provider: &DeviceProvider,
    typ: Option<&str>,
    claims: &ClaimSet,
    access_token: Option<&ClaimSet>,
    peer: &Peer,
    now: UnixSeconds,
) -> Result<DeviceEvidence, Refusal> {
    let age = match provider.profile.appraise(typ, claims, now)? {
        Appraisal::Fresh(times) => times.age,
        // All else about it is right: old news, and no forgery.
        Appraisal::Stale { age, .. } => return Ok(DeviceEvidence::Stale { age: known(age)? }),
    };
    binding::of_token(claims, peer)?;
    Ok(DeviceEvidence::Verified(DeviceFacts {
        facts: FactField::read_all(&provider.profile.facts, claims)?,
        bound: binding::of_posture(&provider.bind, access_token, claims)?,
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
    age.ok_or_else(|| Refusal::with(Reason::TokenClaimMissing, Detail::Claim("iat".to_owned())))
}
