//! Step 4: the verified identity. Only [`verify`] makes an [`Identity`] of evidence.

mod denial;
mod posture_binding;
mod principal;
mod sender_constraint;
mod verify;

pub use denial::Denial;
pub use sender_constraint::SenderConstraint;
pub use verify::{TrustAnchors, verify};

use std::collections::BTreeMap;

use crate::profile::FactRecord;
use crate::provider::ProviderName;
use crate::time::{Seconds, UnixSeconds};

/// Who asks, and from which device.
#[derive(Clone, Debug)]
pub struct Identity {
    principal: Principal,
    devices: BTreeMap<ProviderName, DeviceEvidence>,
}

/// The Cedar principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Presented no credential at any place where one is looked for.
    Anonymous,
    /// Presented a token that was verified.
    Verified(VerifiedPrincipal),
}

/// A principal with the token that proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPrincipal {
    /// The issuer's name in the configuration: the Cedar namespace.
    pub issuer: ProviderName,
    /// The entity type inside that namespace.
    pub entity_type: String,
    /// The entity id.
    pub id: String,
    /// The groups, ids of `<issuer>::Group`.
    pub groups: Vec<String>,
    /// The declared facts: `context.<issuer>`.
    pub facts: FactRecord,
    /// The payload as signed, for `identity_headers` that forward it.
    pub payload: Vec<u8>,
    /// The proof that the token demanded of its sender, and that was given.
    pub sender_constraint: SenderConstraint,
    /// `exp`, where the token has one.
    pub expires: Option<UnixSeconds>,
}

/// What is known of the device from one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceEvidence {
    /// Nothing was presented.
    Missing,
    /// Authentic, but expired or older than `max_age`: an absent fact.
    Stale {
        /// Time since `iat`.
        age: Seconds,
    },
    /// Authentic and fresh.
    Verified(DeviceFacts),
}

/// Verified posture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// The declared facts.
    pub facts: FactRecord,
    /// Tied to the user's token by equal claims.
    pub bound: bool,
    /// Time since `iat`.
    pub age: Seconds,
}

impl Identity {
    /// The identity of a request whose evidence is not looked at: Anonymous, with no device.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self { principal: Principal::Anonymous, devices: BTreeMap::new() }
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What each provider of the plan says of the device.
    #[must_use]
    pub fn devices(&self) -> &BTreeMap<ProviderName, DeviceEvidence> {
        &self.devices
    }
}

#[cfg(test)]
impl Identity {
    /// An identity that nothing proved, for tests of what comes after verification.
    pub(crate) fn for_test(principal: Principal, devices: BTreeMap<ProviderName, DeviceEvidence>) -> Self {
        Self { principal, devices }
    }
}
