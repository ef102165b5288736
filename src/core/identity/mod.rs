//! Step 4: the verified identity. Only [`verify`] makes an [`Identity`] of evidence. The command can also give one
//! (`given`, `evidence`): by the feature `given`, without which the plugin is built.

mod attested;
mod denial;
mod device;
#[cfg(any(test, feature = "given"))]
mod evidence;
#[cfg(any(test, feature = "given"))]
mod given;
mod posture_binding;
mod principal;
mod reading;
mod sender_constraint;
mod verify;
mod workload;

pub use denial::Denial;
#[cfg(any(test, feature = "given"))]
pub use evidence::{GivenDevice, GivenEvidence, GivenFault, GivenPrincipal};
pub use sender_constraint::SenderConstraint;
pub use verify::{TrustAnchors, verify};
pub use workload::Workload;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::dpop::Unspent;
use crate::jose::VerifiedToken;
use crate::profile::{CredentialPlace, FactRecord};
use crate::provider::ProviderName;
use crate::refusal::Detail;
use crate::time::{Seconds, UnixSeconds};

/// The verified caller and devices.
#[derive(Clone, Debug)]
pub struct Identity {
    principal: Principal,
    workload: Result<Workload, Detail>,
    devices: BTreeMap<ProviderName, DeviceEvidence>,
    tokens: VerifiedTokens,
    /// The proof of the principal's token, until it is used. Whoever has a copy of the request has the proof too.
    unspent: Option<Unspent>,
}

/// The tokens that prove an identity.
#[derive(Clone, Debug, Default)]
pub struct VerifiedTokens {
    /// Those that the memory did not have: their signatures were verified for this request.
    pub new: Vec<Rc<VerifiedToken>>,
    /// How many others there are: the memory had them.
    pub remembered: usize,
}

impl VerifiedTokens {
    fn add(&mut self, token: Rc<VerifiedToken>, is_new: bool) {
        if is_new {
            self.new.push(token);
        } else {
            self.remembered = self.remembered.saturating_add(1);
        }
    }
}

/// The Cedar principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// No credential was presented at any place where one is looked for, and the connection is not that of a workload.
    Anonymous,
    /// No credential was presented at any place where one is looked for, and the connection is that of this workload.
    Workload(Workload),
    /// The caller presented a token that was verified.
    Verified(VerifiedPrincipal),
}

/// A principal with the token that proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPrincipal {
    /// The issuer's name in the configuration: the Cedar namespace.
    pub issuer: ProviderName,
    /// The entity type inside that namespace.
    pub entity_type: Arc<str>,
    /// The entity id.
    pub id: Rc<str>,
    /// The groups, ids of `<issuer>::Group`.
    pub groups: Rc<[String]>,
    /// The declared facts: `context.<issuer>`.
    pub facts: Rc<FactRecord>,
    /// The payload as signed, for `identity_headers` that forward it.
    pub payload: Rc<[u8]>,
    /// Where the token was presented.
    pub place: CredentialPlace,
    /// The proof that the token demanded of its sender, and that was given.
    pub sender_constraint: SenderConstraint,
    /// `exp`, where the token has one.
    pub expires: Option<UnixSeconds>,
}

/// What one provider says about the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceEvidence {
    /// Nothing was presented.
    Missing,
    /// What was presented is not posture of this provider, and counts as missing.
    Disregarded {
        /// Why, for the record.
        why: Detail,
    },
    /// Authentic, but expired or older than `max_age`: policies see no facts of it.
    Stale {
        /// Time since `iat`.
        age: Seconds,
    },
    /// Authentic and fresh.
    Verified(DeviceFacts),
}

/// Verified posture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// The declared facts.
    pub facts: Rc<FactRecord>,
    /// Tied to the user's token by equal claims.
    pub bound: bool,
    /// Time since `iat`; `None` for posture without a token, of which nothing says when it was made.
    pub age: Option<Seconds>,
    /// What the provider calls the device, for the record: the `id` that it gives `context.device`, otherwise the claim that
    /// `bind` compares with the access token. `None` where nothing names the device.
    pub id: Option<Rc<str>>,
}

impl Identity {
    /// The identity of a request whose evidence is not looked at: Anonymous, with no device.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self {
            principal: Principal::Anonymous,
            workload: Err(Detail::None),
            devices: BTreeMap::new(),
            tokens: VerifiedTokens { new: Vec::new(), remembered: 0 },
            unspent: None,
        }
    }

    /// The caller.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The workload at the other end of the connection: the principal, or the one that forwards the principal's token.
    ///
    /// # Errors
    /// Why there is none, for the record; nothing where the connection was not looked at.
    pub fn workload(&self) -> Result<&Workload, &Detail> {
        self.workload.as_ref()
    }

    /// What each provider of the plan says about the device.
    #[must_use]
    pub fn devices(&self) -> &BTreeMap<ProviderName, DeviceEvidence> {
        &self.devices
    }
}

impl Identity {
    /// The identity of a request that is forwarded although it is refused. If its proof was not used, it could be the copy
    /// of another request, so its caller is Anonymous.
    #[must_use]
    pub fn of_rehearsal(self) -> Self {
        if self.unspent.is_none() {
            return self;
        }
        Self { tokens: self.tokens, ..Self::anonymous() }
    }

    /// The tokens that prove this identity.
    #[must_use]
    pub fn into_tokens(self) -> VerifiedTokens {
        self.tokens
    }
}

#[cfg(test)]
impl Identity {
    /// An identity without proof, for tests of the steps after verification.
    pub(crate) fn for_test(principal: Principal, devices: BTreeMap<ProviderName, DeviceEvidence>) -> Self {
        let workload = match &principal {
            Principal::Workload(workload) => Ok(workload.clone()),
            Principal::Anonymous | Principal::Verified(_) => Err(Detail::None),
        };
        Self { principal, workload, devices, tokens: VerifiedTokens::default(), unspent: None }
    }

    /// The same over the connection of a workload.
    pub(crate) fn over(self, workload: Workload) -> Self {
        Self { workload: Ok(workload), ..self }
    }
}
