//! The tie between posture and the access token.

use super::DeviceFacts;
use super::reading::DeviceReading;
use crate::jose::{ClaimPath, Claims};
use crate::profile::{DeviceProvider, PostureBinding};
use crate::refusal::{Detail, Reason, Refusal};
use crate::time::Seconds;

/// What the posture of a provider is tied to.
#[derive(Clone, Copy)]
pub(super) struct Tie<'a> {
    /// The provider, which says how.
    pub(super) provider: &'a DeviceProvider,
    /// The access token, by what it says for posture to be compared with, if it says that; `None` without an access token,
    /// for then there is nothing to tie posture to.
    pub(super) access_token: Option<Option<&'a str>>,
}

impl Tie<'_> {
    /// The facts that posture states.
    ///
    /// # Errors
    /// `token-claim-missing`, `token-claim-type`, `token-group-overage`, and those of [`bind`](Self::bind).
    pub(super) fn facts(self, posture: &Claims, age: Option<Seconds>) -> Result<DeviceFacts, Refusal> {
        self.bind(&DeviceReading::of(self.provider, posture)?, age)
    }

    /// The facts of posture that was read.
    ///
    /// # Errors
    /// `posture-not-bound` where the two claims differ or one of them is absent.
    pub(super) fn bind(self, posture: &DeviceReading, age: Option<Seconds>) -> Result<DeviceFacts, Refusal> {
        let bound = self.is_tied_to(posture.tie.as_deref())?;
        Ok(DeviceFacts { facts: posture.facts.clone(), bound, age, id: posture.id.clone() })
    }

    /// Whether the posture is tied to the access token.
    fn is_tied_to(self, device: Option<&str>) -> Result<bool, Refusal> {
        let PostureBinding::Claims { token: token_path, device: device_path } = &self.provider.bind else {
            return Ok(false);
        };
        let Some(token) = self.access_token else { return Ok(false) };
        let token = token.ok_or_else(|| absent(token_path))?;
        let device = device.ok_or_else(|| absent(device_path))?;
        if token == device {
            Ok(true)
        } else {
            Err(Refusal::with(Reason::PostureNotBound, Detail::Fault("the two claims differ")))
        }
    }
}

fn absent(path: &ClaimPath) -> Refusal {
    Refusal::with(Reason::PostureNotBound, Detail::Claim(path.to_string()))
}
