//! The tie between posture and the access token.

use serde_json::Value;

use crate::jose::{AuthenticClaims, ClaimPath, Claims};
use crate::profile::PostureBinding;
use crate::refusal::{Detail, Reason, Refusal};

/// Whether the posture is tied to the access token; without an access token there is nothing to tie it to.
///
/// # Errors
/// `posture-not-bound` where the two claims differ or one of them is absent.
pub(super) fn is_bound(
    bind: &PostureBinding,
    token: Option<&AuthenticClaims>,
    posture: &Claims,
) -> Result<bool, Refusal> {
    let (PostureBinding::Claims { token: token_path, device: device_path }, Some(token)) = (bind, token) else {
        return Ok(false);
    };
    if bound_value(token, token_path)? == bound_value(posture, device_path)? {
        Ok(true)
    } else {
        Err(Refusal::with(Reason::PostureNotBound, Detail::Fault("the two claims differ")))
    }
}

/// What the provider calls the device: the claim that the access token's is compared with. `None` where nothing names it.
pub(super) fn device_id(bind: &PostureBinding, posture: &Claims) -> Option<String> {
    match bind {
        PostureBinding::Claims { device, .. } => bound_value(posture, device).ok().map(str::to_owned),
        PostureBinding::None => None,
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
