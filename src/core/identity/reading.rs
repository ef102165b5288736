//! What tokens say under their profiles, as far as it depends neither on the request nor on the time. It is read once, and
//! remembered with a token that is accepted.

use core::mem::{size_of, size_of_val};
use std::rc::Rc;

use super::principal;
use super::sender_constraint::Confirmation;
use crate::jose::{ClaimPath, Claims, Reading, allocated};
use crate::profile::{
    ClaimedTimes, DeviceProvider, FactField, FactRecord, FactValue, Issuer, JudgedTimes, PostureBinding,
};
use crate::provider::ProviderName;
use crate::refusal::Refusal;
use crate::time::UnixSeconds;

/// What an access token says of its subject, whoever signed it. Only that of an authentic token makes a principal.
pub(super) struct SubjectReading {
    /// The issuer under which it was read.
    pub(super) issuer: ProviderName,
    /// When the token is valid.
    pub(super) times: ClaimedTimes,
    /// The principal's id.
    pub(super) id: Rc<str>,
    /// Its groups.
    pub(super) groups: Rc<[String]>,
    /// The declared facts.
    pub(super) facts: Rc<FactRecord>,
    /// What the token demands of its sender.
    pub(super) confirmation: Confirmation,
    /// What posture of each device provider is compared with, in the order of the providers.
    pub(super) ties: Rc<[Option<Rc<str>>]>,
}

impl SubjectReading {
    /// Reads the claims, and judges the times before what comes after them, so that a token is always refused for the same
    /// reason.
    ///
    /// # Errors
    /// Those of the profile, of the principal and of facts; `token-binding` where `cnf` is not understood.
    pub(super) fn of(
        issuer: &Issuer,
        devices: &[DeviceProvider],
        (typ, claims): (Option<&str>, &Claims),
        now: UnixSeconds,
    ) -> Result<(Self, JudgedTimes), Refusal> {
        let times = issuer.profile.read_times(typ, claims)?;
        let judged = issuer.profile.judge(times, now)?;
        let reading = Self {
            issuer: issuer.profile.name.clone(),
            times,
            id: principal::id(&issuer.principal, claims)?.into(),
            groups: principal::groups(&issuer.principal, claims)?.into(),
            facts: FactField::read_all(&issuer.profile.facts, claims)?.into(),
            confirmation: Confirmation::of(claims)?,
            ties: devices.iter().map(|device| tie(device, claims)).collect(),
        };
        Ok((reading, judged))
    }
}

/// What an access token says for posture of this provider to be compared with.
fn tie(device: &DeviceProvider, claims: &Claims) -> Option<Rc<str>> {
    match &device.bind {
        PostureBinding::Claims { token, .. } => tying_text(claims, token).map(Rc::from),
        PostureBinding::None => None,
    }
}

/// The claim by which posture and access tokens are compared: a string that is not empty.
fn tying_text<'a>(claims: &'a Claims, path: &ClaimPath) -> Option<&'a str> {
    claims.at(path).ok()??.as_str().filter(|text| !text.is_empty())
}

/// What posture says about the device, whoever says it.
pub(super) struct DeviceReading {
    /// The declared facts.
    pub(super) facts: Rc<FactRecord>,
    /// What is compared with the access token.
    pub(super) tie: Option<Rc<str>>,
    /// What names the device.
    pub(super) id: Option<Rc<str>>,
}

impl DeviceReading {
    /// Reads the claims.
    ///
    /// # Errors
    /// Those of facts.
    pub(super) fn of(provider: &DeviceProvider, claims: &Claims) -> Result<Self, Refusal> {
        let facts = FactField::read_all(provider.facts(), claims)?;
        let tie: Option<Rc<str>> = match &provider.bind {
            PostureBinding::Claims { device, .. } => tying_text(claims, device).map(Rc::from),
            PostureBinding::None => None,
        };
        let id = provider.device.id_in(&facts).map(Rc::from).or_else(|| tie.clone());
        Ok(Self { facts: facts.into(), tie, id })
    }
}

/// What a posture token says, whoever signed it.
pub(super) struct PostureReading {
    /// The provider under which it was read.
    pub(super) provider: ProviderName,
    /// When the token is valid.
    pub(super) times: ClaimedTimes,
    /// What the token demands of its sender.
    pub(super) confirmation: Confirmation,
    /// What it says about the device.
    pub(super) device: DeviceReading,
}

impl Reading for SubjectReading {
    fn provider(&self) -> &ProviderName {
        &self.issuer
    }

    fn bytes(&self) -> usize {
        let Self { id, groups, facts, ties, .. } = self;
        let lists = [shared(size_of_val(&**groups)), shared(size_of_val(&**ties))];
        let groups = groups.iter().map(|group| allocated(group.len()));
        let ties = ties.iter().flatten().map(|tie| shared(tie.len()));
        let parts = [shared(size_of::<Self>()), shared(id.len()), shared(size_of::<FactRecord>()), record(facts)];
        parts.into_iter().chain(lists).chain(groups).chain(ties).fold(0, usize::saturating_add)
    }
}

impl Reading for PostureReading {
    fn provider(&self) -> &ProviderName {
        &self.provider
    }

    fn bytes(&self) -> usize {
        let DeviceReading { facts, tie, id } = &self.device;
        let texts = [tie, id].into_iter().flatten().map(|text| shared(text.len()));
        let parts = [shared(size_of::<Self>()), shared(size_of::<FactRecord>()), record(facts)];
        texts.chain(parts).fold(0, usize::saturating_add)
    }
}

/// The two counters of an `Rc`.
const COUNTERS: usize = 2 * size_of::<usize>();

/// What so many bytes take behind an `Rc`.
fn shared(bytes: usize) -> usize {
    allocated(bytes.saturating_add(COUNTERS))
}

/// Facts in one node of a record, as the standard library's tree has them.
const NODE_FACTS: usize = 11;

/// Bytes of a node: the facts, its parent and two numbers.
const NODE: usize = NODE_FACTS * size_of::<(String, FactValue)>() + 2 * size_of::<usize>();

/// Bytes that a record takes beside itself. Its nesting is that of the declared facts, so the recursion ends.
fn record(facts: &FactRecord) -> usize {
    // If there are several nodes, they are nearly half full, and another one is above them.
    let nodes = match facts.len() {
        0 => 0,
        1..=NODE_FACTS => 1,
        more => more.div_ceil(NODE_FACTS / 2).saturating_add(1),
    };
    let inside = facts.iter().map(|(name, fact)| allocated(name.len()).saturating_add(value(fact)));
    inside.fold(allocated(NODE).saturating_mul(nodes), usize::saturating_add)
}

/// Bytes that a value takes beside itself.
fn value(fact: &FactValue) -> usize {
    match fact {
        FactValue::Long(_) | FactValue::Bool(_) => 0,
        FactValue::String(text) | FactValue::Ip(text) => allocated(text.len()),
        FactValue::List(elements) => {
            let places = allocated(elements.capacity().saturating_mul(size_of::<FactValue>()));
            elements.iter().map(value).fold(places, usize::saturating_add)
        }
        FactValue::Record(members) => record(members),
    }
}
