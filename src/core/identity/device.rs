//! What the verified evidence of one request says about the device, whoever says it.

use super::{DeviceEvidence, Identity, Principal};
use crate::profile::{DeviceConflict, DeviceMapping, DeviceProvider, DeviceStatement, Issuer, conflict, mappings};
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};

impl Identity {
    /// What each of these providers says about the device. Evidence that is missing or stale says nothing.
    pub(crate) fn device_statements<'r, M>(
        &'r self,
        mappings: M,
    ) -> impl Iterator<Item = DeviceStatement<'r>> + Clone + use<'r, M>
    where
        M: Iterator<Item = (&'r ProviderName, &'r DeviceMapping)> + Clone,
    {
        mappings.filter_map(move |(provider, mapping)| {
            let (facts, said) = match (&self.principal, self.devices.get(provider)) {
                // The device is described by the access token itself.
                (Principal::Verified(verified), _) if verified.issuer == *provider => (&verified.facts, (None, true)),
                (_, Some(DeviceEvidence::Verified(device))) => (&device.facts, (device.age, device.bound)),
                (
                    _,
                    Some(DeviceEvidence::Missing | DeviceEvidence::Disregarded { .. } | DeviceEvidence::Stale { .. })
                    | None,
                ) => {
                    return None;
                }
            };
            DeviceStatement::of(provider, mapping, facts, said)
        })
    }

    /// Whether all evidence is about one device, as far as it names one.
    ///
    /// # Errors
    /// `device-conflict`. Which values differ is not told.
    pub(super) fn is_of_one_device(&self, issuers: &[Issuer], devices: &[DeviceProvider]) -> Result<(), Refusal> {
        match conflict(self.device_statements(mappings(issuers, devices))) {
            None => Ok(()),
            Some(DeviceConflict { member, providers }) => Err(Refusal::with(
                Reason::DeviceConflict,
                Detail::Differ { member: member.shown(), providers: providers.map(ToString::to_string) },
            )),
        }
    }
}
