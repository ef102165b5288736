//! What policies can name: issuers, device providers, applications and routes, and the entity types that follow from them.

use crate::policy::kinds::{ANONYMOUS_TYPE, GROUP, PrincipalKind, WORKLOAD_TYPE};
use crate::profile::{DeviceProvider, FactField, Issuer};
use crate::provider::ProviderName;
use crate::route::Router;
use crate::spiffe::TrustDomain;

/// What policies can name.
#[derive(Clone, Copy)]
pub struct Vocabulary<'a> {
    /// The issuers.
    pub issuers: &'a [Issuer],
    /// The device providers.
    pub devices: &'a [DeviceProvider],
    /// The trust domains whose workloads are known by their connections.
    pub trust_domains: &'a [TrustDomain],
    /// The applications and routes.
    pub router: &'a Router,
}

impl<'a> Vocabulary<'a> {
    /// The kinds of principals.
    pub(in crate::policy) fn kinds(self) -> impl Iterator<Item = PrincipalKind> {
        let workloads = (!self.trust_domains.is_empty()).then_some(PrincipalKind::Workload);
        let issuers = (0..self.issuers.len()).map(PrincipalKind::Issuer);
        core::iter::once(PrincipalKind::Anonymous).chain(workloads).chain(issuers)
    }

    /// The issuer of a kind.
    pub(in crate::policy) fn issuer(self, kind: PrincipalKind) -> Option<&'a Issuer> {
        match kind {
            PrincipalKind::Anonymous | PrincipalKind::Workload => None,
            PrincipalKind::Issuer(place) => self.issuers.get(place),
        }
    }

    /// The records of facts that `context` can have: the issuers' and the device providers', each with its name.
    pub(in crate::policy) fn records(self) -> impl Iterator<Item = (&'a ProviderName, &'a [FactField])> {
        let issuers = self.issuers.iter().map(|issuer| (&issuer.profile.name, issuer.profile.facts.as_slice()));
        issuers.chain(self.devices.iter().map(|device| (device.name(), device.facts())))
    }

    /// The entity type of a kind's principals.
    pub(in crate::policy) fn principal_type(self, kind: PrincipalKind) -> String {
        let without_issuer = || if kind == PrincipalKind::Workload { WORKLOAD_TYPE } else { ANONYMOUS_TYPE }.to_owned();
        self.issuer(kind)
            .map_or_else(without_issuer, |issuer| format!("{}::{}", issuer.profile.name, issuer.principal.entity_type))
    }

    /// Every entity type.
    pub(in crate::policy) fn entity_types(self) -> Vec<String> {
        let principals = self.kinds().map(|kind| self.principal_type(kind));
        let groups = self.issuers.iter().map(|issuer| format!("{}::{GROUP}", issuer.profile.name));
        principals.chain(groups).chain(["Application", "Route", "Action"].map(str::to_owned)).collect()
    }
}
