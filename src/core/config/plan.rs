//! The compiled configuration. Immutable; every part of it is of the type that its stage defines.

use crate::evidence::Recipe;
use crate::identity_header::IdentityHeader;
use crate::limits::Limits;
use crate::mode::Mode;
use crate::policy::PolicySet;
use crate::profile::{DeviceProvider, Issuer, TokenProfile};
use crate::request::{AddressSource, PeerSource};
use crate::route::Router;
use crate::stripped::HeaderRules;

/// The compiled configuration.
#[derive(Debug)]
pub struct Plan {
    /// SHA-256 of the configuration's canonical JSON (members sorted, no spaces), in lower-case hex.
    pub digest: String,
    /// Issuers in the order of their names.
    pub issuers: Vec<Issuer>,
    /// Device providers in the order of their names.
    pub devices: Vec<DeviceProvider>,
    /// Applications and routes.
    pub router: Router,
    /// Where evidence is looked for.
    pub recipe: Recipe,
    /// The policies.
    pub policies: PolicySet,
    /// Where facts about the peer come from.
    pub peer: PeerSource,
    /// Where the client's address comes from.
    pub client_address: AddressSource,
    /// The name of the filter state that an allow sets (`wasm.<guard>` in Envoy), also the prefix of the record's.
    pub guard: String,
    /// Headers for the upstream, beside `x-countersign-*`.
    pub identity_headers: Vec<IdentityHeader>,
    /// Which headers of a client are removed, beside evidence and `identity_headers`.
    pub request_headers: HeaderRules,
    /// Whether refusals are enforced.
    pub mode: Mode,
    /// The caps.
    pub limits: Limits,
}

impl Plan {
    /// The profiles of all issuers, then of all device providers.
    pub fn profiles(&self) -> impl Iterator<Item = &TokenProfile> {
        let devices = self.devices.iter().map(|device| &device.profile);
        self.issuers.iter().map(|issuer| &issuer.profile).chain(devices)
    }
}
