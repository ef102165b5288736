//! Ties: between an access token and the caller's key (RFC 7800), and between posture and the access token.

use serde_json::Value;

use super::Binding;
use crate::jose::{ClaimPath, ClaimSet, base64url};
use crate::profile::Bind;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::Peer;

/// The confirmation member that names a certificate by its SHA-256 (RFC 8705 section 3.1).
const CERTIFICATE_THUMBPRINT: &str = "x5t#S256";

/// How the token is tied to the caller.
///
/// A token with `cnf` was issued to be useless to a thief, so it is never taken as a mere bearer token: whatever the
/// confirmation asks for must be proved here, and a method that is not understood proves nothing.
///
/// # Errors
/// `token-binding`
pub(super) fn of_token(claims: &ClaimSet, peer: &Peer) -> Result<Binding, Refusal> {
    let Some(confirmation) = claims.get("cnf") else {
        return Ok(Binding::Bearer);
    };
    let refused = |fault| Refusal::with(Reason::TokenBinding, Detail::Fault(fault));
    let Value::Object(members) = confirmation else {
        return Err(refused("`cnf` is not an object"));
    };
    if members.len() != 1 {
        return Err(refused("`cnf` does not have exactly one member"));
    }
    let thumbprint = match members.get(CERTIFICATE_THUMBPRINT) {
        Some(Value::String(text)) => {
            base64url::decode(text.as_bytes()).ok_or_else(|| refused("`cnf` has a malformed certificate thumbprint"))?
        }
        Some(_) => return Err(refused("`cnf` has a malformed certificate thumbprint")),
        None => return Err(refused("`cnf` asks for a proof that is not understood")),
    };
    let certificate = peer.certificate_sha256.ok_or_else(|| refused("no client certificate is known"))?;
    if is_equal(&thumbprint, &certificate) {
        Ok(Binding::Certificate)
    } else {
        Err(refused("the client certificate is another one"))
    }
}

/// Compares without an early end, so that the time taken says nothing about the place of the first difference.
fn is_equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

/// Whether the posture is tied to the access token; without an access token there is nothing to tie it to.
///
/// # Errors
/// `posture-not-bound` where the two claims are not equal or one of them is not there.
pub(super) fn of_posture(bind: &Bind, token: Option<&ClaimSet>, posture: &ClaimSet) -> Result<bool, Refusal> {
    let (Bind::Claims { token: token_path, device: device_path }, Some(token)) = (bind, token) else {
        return Ok(false);
    };
    if tie(token, token_path)? == tie(posture, device_path)? {
        Ok(true)
    } else {
        Err(Refusal::with(Reason::PostureNotBound, Detail::Fault("the two claims differ")))
    }
}

/// The non-empty text at one end of a tie.
fn tie<'a>(claims: &'a ClaimSet, path: &ClaimPath) -> Result<&'a str, Refusal> {
    let refused = || Refusal::with(Reason::PostureNotBound, Detail::Claim(path.to_string()));
    match claims.at(path).map_err(|_| refused())? {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(refused()),
    }
}
