//! Permits for everybody at a provider: where `iss` is a template, whoever has a tenant there has tokens of the issuer, so
//! some policy must say whose tenants may come. Names of principals and groups are unique in one tenant only.

use cedar_policy::pst::Effect;

use super::compile::Checked;
use crate::config_error::ConfigWarning;
use crate::trust::TokenProfile;

/// Every permit of one document that takes evidence of any tenant: the profile does not pin the tenant, and neither the
/// permit nor a forbid that holds wherever the permit does reads it.
pub(super) fn open_tenants(policies: &[Checked<'_>]) -> Vec<ConfigWarning> {
    let forbids: Vec<&Checked<'_>> =
        policies.iter().filter(|policy| policy.named.body.effect == Effect::Forbid).collect();
    let mut warnings = Vec::new();
    for permit in policies.iter().filter(|policy| policy.named.body.effect == Effect::Permit) {
        for profile in permit.relied_on() {
            let Some(claim) = profile.open_tenant() else { continue };
            let path: Vec<String> = core::iter::once(profile.name.to_string()).chain(claim.0.iter().cloned()).collect();
            let guarded = forbids.iter().any(|forbid| {
                forbid.reads.values.contains(&path)
                    && forbid.scope.covers(&forbid.named.body, &permit.scope, &permit.named.body)
                    && forbid.applies.kinds.is_superset(&permit.applies.kinds)
            });
            if !guarded && !permit.reads.values.contains(&path) {
                warnings.push(permit.open_to(profile, &path.join(".")));
            }
        }
    }
    warnings
}

impl Checked<'_> {
    /// The profiles whose evidence the policy goes by: of its principals, and of devices that it reads or its routes require.
    fn relied_on(&self) -> impl Iterator<Item = &TokenProfile> {
        let issuers =
            self.applies.kinds.iter().filter_map(|kind| self.names.issuer(*kind)).map(|issuer| &issuer.profile);
        let required = self.scope.devices_required();
        let devices = self.names.vocabulary.devices.iter().map(|device| &device.profile);
        let devices = devices
            .filter(move |device| self.reads.mentions(device.name.as_str()) || required.contains(device.name.as_str()));
        issuers.chain(devices)
    }

    fn open_to(&self, profile: &TokenProfile, tenant: &str) -> ConfigWarning {
        ConfigWarning {
            pointer: self.source.document.pointer.clone(),
            code: "any-tenant",
            message: format!(
                "`{}` permits by evidence of `{}` from any tenant: whoever has one at the provider can get in under any name \
                 of principal or group; compare `context.{tenant}` in it, as in `[\"...\"].contains(context.{tenant})`, write a \
                 forbid of the same scope that does, or list the tenants in `pins` of `{}`",
                self.named.id, profile.name, profile.name
            ),
        }
    }
}
