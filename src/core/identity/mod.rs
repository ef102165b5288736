//! Step 4: what we now believe. Only [`verify`] makes an [`Identity`].

mod binding;
mod principal;
mod verify;

pub use verify::{Believed, Unproved, verify};

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
    /// How the token is tied to the caller's key.
    pub binding: Binding,
    /// `exp`, where the token has one.
    pub expires: Option<UnixSeconds>,
}

/// How a token is tied to the key of the caller (RFC 7800).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Not: a bearer token (RFC 6750).
    Bearer,
    /// To the client certificate of this connection (RFC 8705 section 3).
    Certificate,
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
