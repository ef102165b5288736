//! What a record says of the evidence about a device.

use std::rc::Rc;

use super::{cut, short};
use crate::identity::DeviceEvidence;
use crate::refusal::Reason;
use crate::time::Seconds;

/// The result of verifying one provider's evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRecord {
    pub(super) state: EvidenceState,
    pub(super) age: Option<u64>,
    pub(super) bound: Option<bool>,
    pub(super) device: Option<Rc<str>>,
    pub(super) reason: Option<&'static str>,
    /// Why what was presented counts as missing.
    pub(super) detail: Option<String>,
}

/// The state of evidence about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceState {
    /// Authentic and fresh.
    Verified,
    /// Authentic, but expired or too old.
    Stale,
    /// Not presented.
    Missing,
    /// Presented and refused.
    Refused,
}

impl EvidenceState {
    /// The word in records.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Refused => "refused",
        }
    }
}

impl EvidenceRecord {
    /// Of what a provider says about the device.
    pub(super) fn of(evidence: &DeviceEvidence) -> Self {
        match evidence {
            DeviceEvidence::Missing => Self::without_facts(EvidenceState::Missing, None),
            DeviceEvidence::Disregarded { why } => {
                let missing = Self::without_facts(EvidenceState::Missing, None);
                Self { detail: Some(cut(why.to_string())), ..missing }
            }
            DeviceEvidence::Stale { age } => {
                let stale = Self::without_facts(EvidenceState::Stale, Some(Reason::PostureStale));
                Self { age: Some(age.get()), ..stale }
            }
            DeviceEvidence::Verified(facts) => Self {
                state: EvidenceState::Verified,
                age: facts.age.map(Seconds::get),
                bound: Some(facts.bound),
                device: facts.id.as_ref().map(short),
                reason: None,
                detail: None,
            },
        }
    }

    /// Of evidence that says nothing about the device.
    pub(super) fn without_facts(state: EvidenceState, reason: Option<Reason>) -> Self {
        Self { state, age: None, bound: None, device: None, reason: reason.map(Reason::code), detail: None }
    }
}
