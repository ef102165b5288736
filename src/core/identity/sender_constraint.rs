//! The tie between a token and a key of its sender (RFC 7800), and what the request shows of that key.

use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::dpop::{Bound, JudgedProof, PresentedProof};
use crate::freshness::{MemoryScope, ProofMemory};
use crate::jose::{Claims, base64url};
use crate::profile::{Issuer, SenderRule};
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::{Peer, Request};
use crate::time::UnixSeconds;

/// The confirmation member that names a certificate by its SHA-256 (RFC 8705 section 3.1).
const CERTIFICATE_THUMBPRINT: &str = "x5t#S256";

/// The confirmation member that names a key by its SHA-256 thumbprint (RFC 9449 section 6.1).
const KEY_THUMBPRINT: &str = "jkt";

/// A SHA-256.
type Thumbprint = [u8; 32];

/// Which proof a token demanded of its sender in addition to the token itself, and was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderConstraint {
    /// None: a bearer token (RFC 6750).
    Bearer,
    /// The client certificate of this connection (RFC 8705 section 3).
    Certificate,
    /// A proof by the key that the token names (RFC 9449 section 7).
    Dpop,
}

impl SenderConstraint {
    /// What the token is bound by, as policies and the decision record say it.
    #[must_use]
    pub const fn bound_by(self) -> &'static str {
        match self {
            Self::Bearer => "none",
            Self::Certificate => "certificate",
            Self::Dpop => "dpop",
        }
    }
}

/// What a token demands of its sender, whoever signed it.
pub(super) enum Confirmation {
    /// No proof beside the token.
    Nothing,
    /// The certificate with this thumbprint.
    Certificate(Thumbprint),
    /// A proof by the key with this thumbprint.
    Key(Thumbprint),
}

impl Confirmation {
    /// Reads `cnf`. Its issuer wanted the token to be useless to a thief, so a confirmation that is not understood is
    /// never read as none.
    ///
    /// # Errors
    /// `token-binding`
    pub(super) fn of(claims: &Claims) -> Result<Self, Refusal> {
        let Some(confirmation) = claims.get("cnf") else {
            return Ok(Self::Nothing);
        };
        let Value::Object(members) = confirmation else {
            return Err(refused("`cnf` is not an object"));
        };
        if members.len() != 1 {
            return Err(refused("`cnf` does not have exactly one member"));
        }
        match (members.get(CERTIFICATE_THUMBPRINT), members.get(KEY_THUMBPRINT)) {
            (Some(thumbprint), _) => decoded(thumbprint)
                .map(Self::Certificate)
                .ok_or_else(|| refused("`cnf` has a malformed certificate thumbprint")),
            (None, Some(thumbprint)) => {
                decoded(thumbprint).map(Self::Key).ok_or_else(|| refused("`cnf` has a malformed key thumbprint"))
            }
            (None, None) => Err(refused("`cnf` asks for a proof that is not understood")),
        }
    }
}

fn decoded(thumbprint: &Value) -> Option<Thumbprint> {
    base64url::decode(thumbprint.as_str()?.as_bytes())?.try_into().ok()
}

/// What a request shows of its sender in addition to its token.
#[derive(Clone, Copy)]
pub(super) struct Sender<'r> {
    /// The request.
    pub(super) request: &'r Request,
    /// The proof, if the token came by the scheme `DPoP`.
    pub(super) proof: Option<&'r PresentedProof>,
    /// Where the secret of nonces is.
    pub(super) memory: ProofMemory<'r>,
    /// The time of the decision.
    pub(super) now: UnixSeconds,
}

/// A sender that fits its token, except that the signature of a proof is not verified yet.
pub(super) enum FittingSender<'r> {
    Bearer,
    Certificate,
    Dpop(Box<JudgedProof<'r>>, MemoryScope),
}

impl<'r> Sender<'r> {
    /// Whether the sender fits a token that demands this, under the rule of its issuer. A DPoP-bound token is accepted by
    /// the scheme `DPoP` alone, and any other token by `Bearer` alone: otherwise a thief could present a bound token as a
    /// bearer token (RFC 9449 sections 7.1 and 7.2).
    ///
    /// # Errors
    /// `token-binding`, and those of [`PresentedProof::judge`].
    pub(super) fn fits(&self, issuer: &Issuer, demanded: &Confirmation) -> Result<FittingSender<'r>, Refusal> {
        let rule: &SenderRule = &issuer.sender;
        match (demanded, self.proof) {
            (Confirmation::Nothing, None) if rule.accepts_unbound() => Ok(FittingSender::Bearer),
            (Confirmation::Nothing, None) => {
                Err(refused("the token has no `cnf`, and `sender_constraint` demands one"))
            }
            (Confirmation::Certificate(thumbprint), None) if rule.accepts_certificates() => {
                has_certificate(thumbprint, &self.request.peer).map(|()| FittingSender::Certificate)
            }
            (Confirmation::Certificate(_), None) => {
                Err(refused("the token is bound to a certificate, which `sender_constraint` does not accept"))
            }
            (Confirmation::Key(_), None) => Err(refused("the token is DPoP-bound, and came as a bearer token")),
            (Confirmation::Nothing | Confirmation::Certificate(_), Some(_)) => {
                Err(refused("the token came by the scheme `DPoP`, and is not DPoP-bound"))
            }
            (Confirmation::Key(thumbprint), Some(proof)) => {
                let rule = rule.dpop().ok_or_else(|| {
                    refused("the token is DPoP-bound, which the configuration of its issuer does not accept")
                })?;
                let Self { request, memory, now, .. } = *self;
                let clock_skew = issuer.profile.clock_skew;
                let judged = proof.judge(Bound { request, thumbprint, rule, clock_skew, memory, now })?;
                Ok(FittingSender::Dpop(Box::new(judged), rule.replay))
            }
        }
    }
}

/// Whether the sender of posture fits it. Posture may be bound to the client certificate, and to nothing else: a request
/// has one proof at most, and that is for the access token.
///
/// # Errors
/// `token-binding`
pub(super) fn fits_posture(demanded: &Confirmation, peer: &Peer) -> Result<(), Refusal> {
    match demanded {
        Confirmation::Nothing => Ok(()),
        Confirmation::Certificate(thumbprint) => has_certificate(thumbprint, peer),
        Confirmation::Key(_) => Err(refused("posture is bound to a key, which only access tokens can be")),
    }
}

fn has_certificate(thumbprint: &Thumbprint, peer: &Peer) -> Result<(), Refusal> {
    let certificate = peer.certificate_sha256.ok_or_else(|| refused("no client certificate is known"))?;
    if bool::from(thumbprint.ct_eq(&certificate)) {
        Ok(())
    } else {
        Err(refused("the client certificate is another one"))
    }
}

fn refused(fault: &'static str) -> Refusal {
    Refusal::with(Reason::TokenBinding, Detail::Fault(fault))
}
