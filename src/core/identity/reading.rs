//! What tokens say under their profiles, as far as it depends neither on the request nor on the time. It is read once, and
//! remembered with a token that is accepted.

use core::mem::size_of;
use std::rc::Rc;

use super::principal;
use super::sender_constraint::Confirmation;
use crate::jose::{ClaimPath, Claims, Reading};
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
        let groups = self.groups.iter().map(|group| text(group)).fold(list::<String>(self.groups.len()), plus);
        let ties = self.ties.iter().flatten().map(|tie| plus(text(tie), COUNTERS));
        let ties = ties.fold(list::<Rc<str>>(self.ties.len()), plus);
        // The reading itself, the id, the groups, the facts and the ties are shared.
        let parts = [size_of::<Self>(), ALLOCATION, text(&self.id), groups, ties, shared_record(&self.facts)];
        parts.into_iter().fold(4 * COUNTERS, plus)
    }
}

impl Reading for PostureReading {
    fn provider(&self) -> &ProviderName {
        &self.provider
    }

    fn bytes(&self) -> usize {
        let DeviceReading { facts, tie, id } = &self.device;
        let texts = [tie, id].into_iter().flatten().map(|shared| plus(text(shared), COUNTERS));
        texts.chain([size_of::<Self>(), ALLOCATION, shared_record(facts)]).fold(COUNTERS, plus)
    }
}

/// What an allocator takes for itself and for alignment with each piece of memory.
const ALLOCATION: usize = 2 * size_of::<usize>();

/// The counters of what is shared.
const COUNTERS: usize = 2 * size_of::<usize>();

/// Facts in one node of a record, as the standard library's tree has them.
const NODE_FACTS: usize = 11;

/// Bytes of a node.
const NODE: usize = NODE_FACTS * size_of::<(String, FactValue)>() + 2 * size_of::<usize>() + ALLOCATION;

const fn plus(one: usize, other: usize) -> usize {
    one.saturating_add(other)
}

/// The smallest piece of memory that the allocator of WebAssembly hands out.
const SMALLEST: usize = 16;

fn text(text: &str) -> usize {
    text.len().saturating_add(ALLOCATION).max(SMALLEST)
}

fn list<T>(elements: usize) -> usize {
    elements.saturating_mul(size_of::<T>()).saturating_add(ALLOCATION)
}

/// A record with its counters.
fn shared_record(facts: &FactRecord) -> usize {
    [size_of::<FactRecord>(), ALLOCATION, COUNTERS].into_iter().fold(record(facts), plus)
}

/// Bytes that a record takes beside itself. Its nesting is that of the declared facts, so the recursion ends.
fn record(facts: &FactRecord) -> usize {
    // If there are several nodes, they are nearly half full, and another one is above them.
    let nodes = match facts.len() {
        0 => 0,
        1..=NODE_FACTS => 1,
        more => more.div_ceil(NODE_FACTS / 2).saturating_add(1),
    };
    let nodes = nodes.saturating_mul(NODE);
    facts.iter().map(|(name, fact)| text(name).saturating_add(value(fact))).fold(nodes, plus)
}

fn value(fact: &FactValue) -> usize {
    match fact {
        FactValue::Long(_) | FactValue::Bool(_) => 0,
        FactValue::String(of) | FactValue::Ip(of) => text(of),
        FactValue::List(elements) => elements.iter().map(value).fold(list::<FactValue>(elements.capacity()), plus),
        FactValue::Record(members) => record(members),
    }
}
