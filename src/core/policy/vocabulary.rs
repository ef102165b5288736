//! What policies can name: issuers, device providers, applications and routes, and the entity types that follow from them.

use crate::policy::kinds::{ANONYMOUS_TYPE, GROUP, PrincipalKind};
use crate::profile::{DeviceProvider, Issuer};
use crate::route::Router;

/// What policies can name.
#[derive(Clone, Copy)]
pub struct Vocabulary<'a> {
    /// The issuers.
    pub issuers: &'a [Issuer],
    /// The device providers.
    pub devices: &'a [DeviceProvider],
    /// The applications and routes.
    pub router: &'a Router,
}

impl<'a> Vocabulary<'a> {
    /// The kinds of principals.
    pub(in crate::policy) fn kinds(self) -> impl Iterator<Item = PrincipalKind> {
        core::iter::once(PrincipalKind::Anonymous).chain((0..self.issuers.len()).map(PrincipalKind::Issuer))
    }

    /// The issuer of a kind.
    pub(in crate::policy) fn issuer(self, kind: PrincipalKind) -> Option<&'a Issuer> {
        match kind {
            PrincipalKind::Anonymous => None,
            PrincipalKind::Issuer(place) => self.issuers.get(place),
        }
    }

    /// The entity type of a kind's principals.
    pub(in crate::policy) fn principal_type(self, kind: PrincipalKind) -> String {
        self.issuer(kind).map_or_else(
            || ANONYMOUS_TYPE.to_owned(),
            |issuer| format!("{}::{}", issuer.profile.name, issuer.principal.entity_type),
        )
    }

    /// Every entity type.
    pub(in crate::policy) fn entity_types(self) -> Vec<String> {
        let principals = self.kinds().map(|kind| self.principal_type(kind));
        let groups = self.issuers.iter().map(|issuer| format!("{}::{GROUP}", issuer.profile.name));
        principals.chain(groups).chain(["Application", "Route", "Action"].map(str::to_owned)).collect()
    }
}
