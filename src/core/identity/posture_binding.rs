//! What posture says about the device, and the tie between posture and the access token.

use serde_json::Value;

use super::DeviceFacts;
use crate::jose::{AuthenticClaims, ClaimPath, Claims};
use crate::profile::{DeviceProvider, FactField, PostureBinding};
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::Seconds;

/// What the posture of a provider is tied to.
#[derive(Clone, Copy)]
pub(super) struct Tie<'a> {
    /// The provider, which says how.
    pub(super) provider: &'a DeviceProvider,
    /// The claims of the access token; without one there is nothing to tie posture to.
    pub(super) access_token: Option<&'a AuthenticClaims>,
}

impl Tie<'_> {
    /// The facts that posture states.
    ///
    /// # Errors
    /// `token-claim-missing`, `token-claim-type`, `token-group-overage`; `posture-not-bound` where the two claims differ or
    /// one of them is absent.
    pub(super) fn facts(self, posture: &Claims, age: Option<Seconds>) -> Result<DeviceFacts, Refusal> {
        let facts = FactField::read_all(self.provider.facts(), posture)?;
        let (bound, tied) = self.binding(posture)?;
        let id = self.provider.device.id_in(&facts).or(tied).map(str::to_owned);
        Ok(DeviceFacts { facts, bound, age, id })
    }

    /// Whether the posture is tied to the access token, and what of it names the device for that purpose.
    fn binding(self, posture: &Claims) -> Result<(bool, Option<&str>), Refusal> {
        let PostureBinding::Claims { token: token_path, device: device_path } = &self.provider.bind else {
            return Ok((false, None));
        };
        let device = bound_value(posture, device_path);
        let Some(token) = self.access_token else { return Ok((false, device.ok())) };
        let (token, device) = (bound_value(token, token_path)?, device?);
        if token == device {
            Ok((true, Some(device)))
        } else {
            Err(Refusal::with(Reason::PostureNotBound, Detail::Fault("the two claims differ")))
        }
    }
}

/// The claim to compare, a non-empty string.
fn bound_value<'a>(claims: &'a Claims, path: &ClaimPath) -> Result<&'a str, Refusal> {
    let refused = || Refusal::with(Reason::PostureNotBound, Detail::Claim(path.to_string()));
    match claims.at(path).map_err(|_| refused())? {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(refused()),
    }
}
