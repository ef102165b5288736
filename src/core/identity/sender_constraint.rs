//! The tie between a token and a key of its sender (RFC 7800).

use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::jose::{Claims, base64url};
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::Peer;

/// The confirmation member that names a certificate by its SHA-256 (RFC 8705 section 3.1).
const CERTIFICATE_THUMBPRINT: &str = "x5t#S256";

/// Which proof a token demands of its sender in addition to the token itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderConstraint {
    /// None: a bearer token (RFC 6750).
    Bearer,
    /// The client certificate of this connection (RFC 8705 section 3).
    Certificate,
}

impl SenderConstraint {
    /// The constraint of a token whose sender meets it.
    ///
    /// The issuer of a token with `cnf` wanted it to be useless to a thief, so such a token is never accepted as a mere bearer
    /// token: whatever the confirmation asks for must be proved here, and an unknown method proves nothing.
    ///
    /// # Errors
    /// `token-binding`
    pub(super) fn met(claims: &Claims, peer: &Peer) -> Result<Self, Refusal> {
        let Some(confirmation) = claims.get("cnf") else {
            return Ok(Self::Bearer);
        };
        let refused = |fault| Refusal::with(Reason::TokenBinding, Detail::Fault(fault));
        let Value::Object(members) = confirmation else {
            return Err(refused("`cnf` is not an object"));
        };
        if members.len() != 1 {
            return Err(refused("`cnf` does not have exactly one member"));
        }
        let thumbprint = match members.get(CERTIFICATE_THUMBPRINT) {
            Some(Value::String(text)) => base64url::decode(text.as_bytes())
                .ok_or_else(|| refused("`cnf` has a malformed certificate thumbprint"))?,
            Some(_) => return Err(refused("`cnf` has a malformed certificate thumbprint")),
            None => return Err(refused("`cnf` asks for a proof that is not understood")),
        };
        let certificate = peer.certificate_sha256.ok_or_else(|| refused("no client certificate is known"))?;
        if bool::from(thumbprint.ct_eq(&certificate)) {
            Ok(Self::Certificate)
        } else {
            Err(refused("the client certificate is another one"))
        }
    }
}
