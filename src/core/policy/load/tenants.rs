//! Permits for all tenants of a provider. If `iss` is a template, anyone with a tenant there has tokens of the issuer, so some
//! policy must say which tenants are accepted. Names of principals and groups are unique only within a tenant.

use cedar_policy::pst::Effect;

use super::Checked;
use super::guards::is_guarded;
use crate::config_error::{ConfigCode, ConfigWarning};
use crate::profile::{DeviceProvider, TokenProfile};

/// Every permit of one document that takes evidence of any tenant: the profile does not pin the tenant, and neither the
/// permit nor a forbid that holds wherever the permit does reads it. So does a forbid that posture of any tenant satisfies.
pub(in crate::policy) fn open_tenants(policies: &[Checked<'_>]) -> Vec<ConfigWarning> {
    let (forbids, permits): (Vec<&Checked<'_>>, Vec<&Checked<'_>>) =
        policies.iter().partition(|policy| policy.named.body.effect == Effect::Forbid);
    let guarded =
        |policy: &Checked<'_>, tenant: &[String]| is_guarded(policy, policies, |reads| reads.values.contains(tenant));
    let mut warnings = Vec::new();
    for permit in &permits {
        for profile in permit.relied_on() {
            if let Some(tenant) = open_tenant(profile).filter(|tenant| !guarded(permit, tenant)) {
                warnings.push(permit.open_to(profile, &tenant.join(".")));
            }
        }
    }
    for forbid in &forbids {
        for profile in forbid.devices_read() {
            // Permits that all compare the tenant let nobody in with posture of another.
            let compared = |tenant: &Vec<String>| permits.iter().all(|permit| permit.reads.values.contains(tenant));
            let tenant = open_tenant(profile).filter(|tenant| !compared(tenant) && !guarded(forbid, tenant));
            warnings.extend(tenant.map(|tenant| forbid.satisfied_by_any(profile, &tenant.join("."))));
        }
    }
    warnings
}

/// The path of the tenant inside `context`, where the profile takes any.
fn open_tenant(profile: &TokenProfile) -> Option<Vec<String>> {
    profile.open_tenant().map(|claim| profile.context_path(claim))
}

impl Checked<'_> {
    /// The profiles whose evidence the policy goes by: of its principals, and of devices that it reads or its routes require.
    fn relied_on(&self) -> impl Iterator<Item = &TokenProfile> {
        let issuers = self
            .applies
            .kinds
            .iter()
            .filter_map(|kind| self.names.vocabulary.issuer(*kind))
            .map(|issuer| &issuer.profile);
        let required = self.scope.devices_required();
        let devices = self.profiles_of_devices();
        let devices = devices
            .filter(move |device| self.reads.mentions(device.name.as_str()) || required.contains(device.name.as_str()));
        issuers.chain(devices)
    }

    /// The profiles of devices that the policy reads.
    fn devices_read(&self) -> impl Iterator<Item = &TokenProfile> {
        self.profiles_of_devices().filter(|device| self.reads.mentions(device.name.as_str()))
    }

    /// The profiles of all devices that sign tokens: nothing else has an issuer.
    fn profiles_of_devices(&self) -> impl Iterator<Item = &TokenProfile> {
        self.names.vocabulary.devices.iter().filter_map(DeviceProvider::token).map(|token| &token.profile)
    }

    fn satisfied_by_any(&self, profile: &TokenProfile, tenant: &str) -> ConfigWarning {
        ConfigWarning {
            pointer: self.source.document.pointer.clone(),
            code: ConfigCode::AnyTenant,
            message: format!(
                "posture of `{}` from any tenant can satisfy the forbid `{}`: anyone with a tenant there can obtain \
                 posture that it does not deny; write a forbid of the same scope that denies other tenants, as in \
                 `if context has {} then !([\"...\"].contains(context.{tenant})) else true`, or list the tenants in `pins` of `{}`",
                profile.name, self.named.id, profile.name, profile.name
            ),
        }
    }

    fn open_to(&self, profile: &TokenProfile, tenant: &str) -> ConfigWarning {
        ConfigWarning {
            pointer: self.source.document.pointer.clone(),
            code: ConfigCode::AnyTenant,
            message: format!(
                "`{}` permits by evidence of `{}` from any tenant: anyone with a tenant there can be permitted under any name \
                 of principal or group; compare `context.{tenant}` in it, as in `[\"...\"].contains(context.{tenant})`, write a \
                 forbid of the same scope that does, or list the tenants in `pins` of `{}`",
                self.named.id, profile.name, profile.name
            ),
        }
    }
}
