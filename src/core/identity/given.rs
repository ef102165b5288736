//! Identities that are given and not verified, for programs that ask what a configuration would decide. The module is built
//! without them.

use std::collections::BTreeMap;

use super::verify::{require_issuer, require_posture, require_workload};
use super::{DeviceEvidence, Identity, Principal, VerifiedTokens, Workload};
use crate::profile::{DeviceProvider, Issuer};
use crate::provider::ProviderName;
use crate::refusal::{Detail, Refusal};
use crate::request::Peer;
use crate::route::Requires;
use crate::spiffe::TrustDomain;

impl Identity {
    /// An identity that nothing proves. `workload` is the one at the other end of the connection, for any principal.
    #[must_use]
    pub fn given(
        principal: Principal,
        workload: Option<Workload>,
        devices: BTreeMap<ProviderName, DeviceEvidence>,
    ) -> Self {
        let workload = workload.ok_or(Detail::None);
        Self { principal, workload, devices, tokens: VerifiedTokens::default(), unspent: None }
    }

    /// Whether it has all evidence that a route requires, and all of that is about one device. The issuers and device
    /// providers are those of the configuration.
    ///
    /// # Errors
    /// What a request of this identity would be refused with.
    pub fn fulfils(
        &self,
        requires: &Requires,
        (issuers, devices): (&[Issuer], &[DeviceProvider]),
    ) -> Result<(), Refusal> {
        require_issuer(requires, self.issuer())?;
        require_workload(requires, &self.workload)?;
        self.is_of_one_device(issuers, devices)?;
        require_posture(requires, self)
    }
}

impl Workload {
    /// The workload of this peer, if its SPIFFE ID is of a listed trust domain.
    #[must_use]
    pub fn given(peer: &Peer, trust_domains: &[TrustDomain]) -> Option<Self> {
        Self::of(peer, trust_domains).ok()
    }
}
