//! The order in which evidence is verified, as one column. Only here is an [`Identity`] made of evidence that was presented.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::attested;
use super::posture_binding::Tie;
use super::reading::{DeviceReading, PostureReading, SubjectReading};
use super::sender_constraint::{Confirmation, FittingSender, Sender, fits_posture};
use super::{
    Denial, DeviceEvidence, Identity, Principal, SenderConstraint, VerifiedPrincipal, VerifiedTokens, Workload,
};
use crate::dpop::Unspent;
use crate::evidence::{AccessToken, Presented};
use crate::jose::{Claims, PresentedToken, VerifiedToken};
use crate::keys::{NotVerified, Verification};
use crate::profile::{
    Appraisal, CredentialPlace, DeviceProvider, Issuer, JudgedTimes, PostureSource, PostureToken, choose_issuer,
};
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::{Peer, Request};
use crate::route::Requires;
use crate::spiffe::TrustDomain;
use crate::time::{Seconds, UnixSeconds};

/// The providers and trust domains whose evidence is accepted, and the providers' keys.
#[derive(Clone, Copy)]
pub struct TrustAnchors<'a> {
    /// The issuers of access tokens.
    pub issuers: &'a [Issuer],
    /// The providers of posture.
    pub devices: &'a [DeviceProvider],
    /// The trust domains whose workloads are known by their connections.
    pub trust_domains: &'a [TrustDomain],
    /// The keys of both, and what verifies signatures with them.
    pub verification: Verification<'a>,
}

/// Turns presented evidence into a verified identity.
///
/// In this order: the access token (profile, signature, claims, sender constraint, principal, facts), the required
/// issuer, the required workload, then each provider's posture (of a token: signature, claims, binding, facts), then whether
/// all of it is about one device, then the required posture. Presented evidence is verified even where no rule asks for it: a forged piece is refused, never ignored.
///
/// A proof is used at the very end, once everything else is accepted: a request that is refused, or that waits for keys,
/// does not use up its proof.
///
/// # Errors
/// Every refusal of kind `Unauthenticated`, `keys-unavailable`, `replay-store-full` and `replay-store-unavailable`.
pub fn verify(
    presented: Presented,
    anchors: TrustAnchors<'_>,
    request: &Request,
    requires: &Requires,
    now: UnixSeconds,
) -> Result<Identity, Denial> {
    let Presented { access_token, proof, posture } = presented;
    let peer = &request.peer;
    let memory = anchors.verification.proofs;
    let sender = Sender { request, proof: proof.as_ref(), memory, now };
    let mut posture: BTreeMap<ProviderName, PresentedToken> = posture.into_iter().collect();
    let mut tokens = VerifiedTokens::default();
    let workload = Workload::of(peer, anchors.trust_domains);
    let (principal, ties, unspent) = match access_token {
        None => (workload.clone().map_or(Principal::Anonymous, Principal::Workload), None, None),
        Some(token) => {
            let required = |issuer: &ProviderName| {
                require_issuer(requires, Some(issuer))?;
                require_workload(requires, &workload)?;
                require_presented(requires, anchors.devices, &posture)
            };
            let is_new = matches!(token.token, PresentedToken::New(_));
            let VerifiedAccess { principal, ties, unspent, token } =
                verify_access_token(token, anchors, sender, required, now)?;
            tokens.add(token, is_new);
            (Principal::Verified(principal), Some(ties), unspent)
        }
    };
    let mut identity = Identity { principal, workload, devices: BTreeMap::new(), tokens, unspent };
    let required =
        require_issuer(requires, identity.issuer()).and_then(|()| require_workload(requires, &identity.workload));
    if let Err(refusal) = required {
        return Err(identity.denied(refusal.into()));
    }
    for (place, provider) in anchors.devices.iter().enumerate() {
        let name = provider.name();
        let access_token = ties.as_deref().map(|ties| ties.get(place).and_then(Option::as_deref));
        let tie = Tie { provider, access_token };
        let verified = match &provider.source {
            PostureSource::Token(rule) => match posture.remove(name) {
                None => Ok(DeviceEvidence::Missing),
                Some(token) => {
                    let required = requires.devices.contains(name);
                    let is_new = matches!(token, PresentedToken::New(_));
                    let judge = PostureJudge { rule, tie, peer, now };
                    verify_posture(token, judge, required, anchors).map(|(evidence, token)| {
                        identity.tokens.add(token, is_new);
                        evidence
                    })
                }
            },
            PostureSource::Certificate(rule) => attested::of_certificate(rule, tie, request).map_err(NotVerified::from),
            PostureSource::TrustedPeer(rule) => {
                attested::of_trusted_peer(rule, tie, request).map_err(NotVerified::from)
            }
        };
        match verified {
            Ok(evidence) => identity.devices.insert(name.clone(), evidence),
            Err(fault) => {
                let denial = Denial::from(fault);
                let refusal = Refusal::posture(denial.refusal).about(name);
                return Err(identity.denied(Denial { refusal, ..denial }));
            }
        };
    }
    let one_device = identity.is_of_one_device(anchors.issuers, anchors.devices);
    if let Err(refusal) = one_device.and_then(|()| require_posture(requires, &identity)) {
        return Err(identity.denied(refusal.into()));
    }
    if let Some(proof) = identity.unspent.take() {
        // A copy of a proof says nothing about its sender, so the denial has no identity.
        proof.spend(memory, now).map_err(|refusal| match identity.issuer() {
            Some(issuer) => refusal.about(issuer),
            None => refusal,
        })?;
    }
    Ok(identity)
}

impl Identity {
    pub(super) fn issuer(&self) -> Option<&ProviderName> {
        match &self.principal {
            Principal::Anonymous | Principal::Workload(_) => None,
            Principal::Verified(principal) => Some(&principal.issuer),
        }
    }

    /// A denial of this identity's request, reached before all of its evidence was verified.
    fn denied(self, denial: Denial) -> Denial {
        Denial { identity_so_far: Some(Box::new(self)), ..denial }
    }
}

/// An access token that was verified.
struct VerifiedAccess {
    principal: VerifiedPrincipal,
    /// As in [`SubjectReading::ties`].
    ties: Rc<[Option<Rc<str>>]>,
    /// The proof of the token, which is not used yet.
    unspent: Option<Unspent>,
    token: Rc<VerifiedToken>,
}

/// `required` is the rest of what the route requires of a token by this issuer. It is asked only where the token's key
/// may still arrive, to learn whether the request is refused whatever that key is; otherwise the caller asks for all of
/// it later.
fn verify_access_token(
    AccessToken { place, token }: AccessToken,
    TrustAnchors { issuers, devices, verification, .. }: TrustAnchors<'_>,
    sender: Sender<'_>,
    required: impl FnOnce(&ProviderName) -> Result<(), Refusal>,
    now: UnixSeconds,
) -> Result<VerifiedAccess, NotVerified> {
    let issuer = issuer_of(&token, issuers, &place)?;
    let name = &issuer.profile.name;
    let mut token = issuer.profile.verify(token, verification, now, |typ, claims| {
        let (reading, _) =
            SubjectReading::of(issuer, devices, (typ, claims), now).map_err(|refusal| refusal.about(name))?;
        sender.fits(issuer, &reading.confirmation).map_err(|refusal| refusal.about(name))?;
        required(name)
    })?;
    let (reading, times) = subject(&mut token, issuer, devices, now).map_err(|refusal| refusal.about(name))?;
    let (sender_constraint, unspent) =
        match sender.fits(issuer, &reading.confirmation).map_err(|refusal| refusal.about(name))? {
            FittingSender::Bearer => (SenderConstraint::Bearer, None),
            FittingSender::Certificate => (SenderConstraint::Certificate, None),
            FittingSender::Dpop(proof, scope) => {
                let unspent = proof.verify(scope, verification.verifier).map_err(|refusal| refusal.about(name))?;
                (SenderConstraint::Dpop, Some(unspent))
            }
        };
    let principal = VerifiedPrincipal {
        issuer: name.clone(),
        entity_type: issuer.principal.entity_type.clone(),
        id: reading.id.clone(),
        groups: reading.groups.clone(),
        facts: reading.facts.clone(),
        payload: Rc::clone(token.payload()),
        place,
        sender_constraint,
        expires: times.expires,
    };
    let ties = reading.ties.clone();
    Ok(VerifiedAccess { principal, ties, unspent, token })
}

/// The issuer whose rules apply to a token. Of a token that was accepted before it is known.
fn issuer_of<'i>(
    token: &PresentedToken,
    issuers: &'i [Issuer],
    place: &CredentialPlace,
) -> Result<&'i Issuer, Refusal> {
    let known = token.accepted_under();
    match known.and_then(|name| issuers.iter().find(|issuer| issuer.profile.name == *name)) {
        Some(issuer) => issuer.accepts_at(place).map(|()| issuer),
        None => choose_issuer(issuers, place, token.form(), token.typ(), &token.peek()?),
    }
}

/// What a verified token says of its subject. If it was not read before, it is read now and kept with the token.
fn subject(
    token: &mut Rc<VerifiedToken>,
    issuer: &Issuer,
    devices: &[DeviceProvider],
    now: UnixSeconds,
) -> Result<(Rc<SubjectReading>, JudgedTimes), Refusal> {
    if let Some(known) = token.reading::<SubjectReading>(&issuer.profile.name) {
        let times = issuer.profile.judge(known.times, now)?;
        return Ok((known, times));
    }
    let (reading, times) = SubjectReading::of(issuer, devices, (token.typ(), &**token.claims()?), now)?;
    let reading = Rc::new(reading);
    VerifiedToken::keep_reading(token, reading.clone());
    Ok((reading, times))
}

/// The issuer that the route requires, compared with the token's; `None` for a request without a token.
pub(super) fn require_issuer(requires: &Requires, issuer: Option<&ProviderName>) -> Result<(), Refusal> {
    let Some(required) = &requires.issuer else {
        return Ok(());
    };
    match issuer {
        None => Err(Refusal::new(Reason::CredentialMissing).about(required)),
        Some(issuer) if issuer == required => Ok(()),
        Some(_) => Err(Refusal::new(Reason::CredentialNotForRoute).about(required)),
    }
}

/// The workload that the route requires at the other end of the connection.
pub(super) fn require_workload(requires: &Requires, workload: &Result<Workload, Detail>) -> Result<(), Refusal> {
    match workload {
        Err(detail) if requires.peer => Err(Refusal::with(Reason::WorkloadMissing, detail.clone())),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The posture tokens that the route requires, whatever they say: they must at least be presented.
fn require_presented(
    requires: &Requires,
    devices: &[DeviceProvider],
    posture: &BTreeMap<ProviderName, PresentedToken>,
) -> Result<(), Refusal> {
    let by_token = devices.iter().filter(|device| device.token().is_some()).map(DeviceProvider::name);
    match by_token.into_iter().find(|name| requires.devices.contains(name) && !posture.contains_key(*name)) {
        Some(required) => Err(Refusal::new(Reason::PostureMissing).about(required)),
        None => Ok(()),
    }
}

fn verify_posture(
    token: PresentedToken,
    judge: PostureJudge<'_>,
    required: bool,
    anchors: TrustAnchors<'_>,
) -> Result<(DeviceEvidence, Rc<VerifiedToken>), NotVerified> {
    let mut token = judge.rule.profile.verify(token, anchors.verification, judge.now, |typ, claims| {
        match judge.of_claims(typ, claims)? {
            (DeviceEvidence::Stale { .. }, _) if required => Err(Refusal::new(Reason::PostureStale)),
            _ => Ok(()),
        }
    })?;
    let evidence = match token.reading::<PostureReading>(&judge.rule.profile.name) {
        Some(reading) => judge.of_reading(&reading)?,
        None => {
            let (evidence, reading) = judge.of_claims(token.typ(), &**token.claims()?)?;
            if let Some(reading) = reading {
                VerifiedToken::keep_reading(&mut token, Rc::new(reading));
            }
            evidence
        }
    };
    Ok((evidence, token))
}

/// What a posture token is compared with.
#[derive(Clone, Copy)]
struct PostureJudge<'a> {
    rule: &'a PostureToken,
    tie: Tie<'a>,
    peer: &'a Peer,
    now: UnixSeconds,
}

impl PostureJudge<'_> {
    /// What posture says about the device, whoever signed it, and what was read for that. Of posture that is too late nothing
    /// is read: everything else about it is right, and it is outdated, not forged.
    fn of_claims(
        &self,
        typ: Option<&str>,
        claims: &Claims,
    ) -> Result<(DeviceEvidence, Option<PostureReading>), Refusal> {
        let PostureToken { profile, .. } = self.rule;
        let times = profile.read_times(typ, claims)?;
        if let Appraisal::Stale { age, .. } = profile.appraise(times, self.now)? {
            return Ok((DeviceEvidence::Stale { age: known(age)? }, None));
        }
        let confirmation = Confirmation::of(claims)?;
        // Before the facts, so that posture is always refused for the same reason.
        fits_posture(&confirmation, self.peer)?;
        let device = DeviceReading::of(self.tie.provider, claims)?;
        let reading = PostureReading { provider: profile.name.clone(), times, confirmation, device };
        Ok((self.of_reading(&reading)?, Some(reading)))
    }

    /// The same of posture that was read, now or for an earlier request.
    fn of_reading(&self, reading: &PostureReading) -> Result<DeviceEvidence, Refusal> {
        let age = match self.rule.profile.appraise(reading.times, self.now)? {
            Appraisal::Fresh(times) => known(times.age)?,
            Appraisal::Stale { age, .. } => return Ok(DeviceEvidence::Stale { age: known(age)? }),
        };
        fits_posture(&reading.confirmation, self.peer)?;
        self.tie.bind(&reading.device, Some(age)).map(DeviceEvidence::Verified)
    }
}

pub(super) fn require_posture(requires: &Requires, identity: &Identity) -> Result<(), Refusal> {
    for required in &requires.devices {
        let refusal = match identity.devices.get(required) {
            Some(DeviceEvidence::Verified(_)) => continue,
            Some(DeviceEvidence::Stale { .. }) => Refusal::new(Reason::PostureStale),
            Some(DeviceEvidence::Disregarded { why }) => Refusal::with(Reason::PostureMissing, why.clone()),
            Some(DeviceEvidence::Missing) | None => Refusal::new(Reason::PostureMissing),
        };
        return Err(refusal.about(required));
    }
    Ok(())
}

/// The age of posture. Its profile always has a `max_age`, which requires `iat`. If that ever changed, posture of
/// unknown age would be refused here.
fn known(age: Option<Seconds>) -> Result<Seconds, Refusal> {
    age.ok_or_else(|| Refusal::with(Reason::TokenClaimMissing, Detail::Claim("iat".to_owned())))
}
