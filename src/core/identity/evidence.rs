//! Evidence that the author of a test case gives in place of tokens. Compiled for the command and for tests: the plugin has no
//! way to make an [`Identity`] other than to verify evidence.
//!
//! What is given is written as claims and read by the code that reads verified tokens, so it has the types that the
//! configuration declares. A token that the plugin would refuse cannot be given.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::{
    Denial, DeviceEvidence, DeviceFacts, Identity, Principal, SenderConstraint, VerifiedPrincipal, VerifiedTokens,
    Workload, principal,
};
use crate::jose::{ClaimPath, Claims};
use crate::profile::{CredentialPlace, DeviceProvider, FactField, FactType, Issuer, PostureBinding};
use crate::provider::ProviderName;
use crate::refusal::Refusal;
use crate::request::Peer;
use crate::route::Requires;
use crate::spiffe::TrustDomain;
use crate::time::Seconds;

/// The evidence of one request. The workload is not here: it is that of the request's peer.
#[derive(Clone, Debug, Default)]
pub struct GivenEvidence {
    principal: Option<VerifiedPrincipal>,
    devices: BTreeMap<ProviderName, DeviceEvidence>,
}

/// A principal as a test case writes it.
#[derive(Clone, Copy, Debug)]
pub struct GivenPrincipal<'g> {
    /// Whose principal it is.
    pub issuer: &'g Issuer,
    /// The entity id.
    pub id: &'g str,
    /// The ids of its groups.
    pub groups: &'g [String],
    /// The facts by the names that policies read.
    pub facts: &'g Map<String, Value>,
    /// The proof that its token demanded, and that was given.
    pub sender_constraint: SenderConstraint,
}

/// Posture as a test case writes it.
#[derive(Clone, Copy, Debug)]
pub struct GivenDevice<'g> {
    /// Whose posture it is.
    pub provider: &'g DeviceProvider,
    /// The facts by the names that policies read.
    pub facts: &'g Map<String, Value>,
    /// Time since it was issued, if it is known when. Beyond the provider's `max_age` it is stale.
    pub age: Option<Seconds>,
    /// Whether it is tied to the access token.
    pub bound: bool,
}

/// Why evidence cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenFault {
    /// The configuration declares no such fact.
    #[error("the configuration declares no fact `{fact}` for `{provider}`; its facts are {declared}")]
    UnknownFact {
        /// The fact.
        fact: String,
        /// The issuer or device provider.
        provider: ProviderName,
        /// The declared names.
        declared: String,
    },
    /// The value is not one that the plugin would read from a token.
    #[error("`{provider}` does not accept this as `{fact}`: {detail}")]
    Value {
        /// The fact.
        fact: String,
        /// The issuer or device provider.
        provider: ProviderName,
        /// What the plugin finds wrong.
        detail: String,
    },
    /// The facts by themselves are right, and the token as a whole would be refused.
    #[error("a token of `{provider}` without this would be refused: {detail}")]
    Refused {
        /// The issuer or device provider.
        provider: ProviderName,
        /// What the plugin finds wrong.
        detail: String,
    },
    /// The fact is read from the claim that names the principal or its groups, and has another value.
    #[error("`{fact}` is read from the claim `{claim}`, which already has another value: leave the fact out")]
    Contradiction {
        /// The fact.
        fact: String,
        /// The claim.
        claim: String,
    },
    /// The configuration reads no groups from this issuer's tokens.
    #[error("the configuration reads no groups from tokens of `{0}`: remove `groups`")]
    NoGroups(ProviderName),
    /// The issuer's `sender_constraint` excludes tokens that are bound in this way.
    #[error("`sender_constraint` of `{provider}` accepts no tokens that are bound by `{bound_by}`")]
    SenderConstraint {
        /// The issuer.
        provider: ProviderName,
        /// How the token is bound.
        bound_by: &'static str,
    },
    /// The provider's posture is never tied to a token.
    #[error("posture of `{0}` is never bound, because the configuration says `bind: none`")]
    NeverBound(ProviderName),
    /// Nothing says when the provider's posture was made.
    #[error("posture of `{0}` has no age, because no token says when it was made")]
    NoAge(ProviderName),
}

impl GivenFault {
    /// The fact that it is about, if it is about one.
    #[must_use]
    pub fn fact(&self) -> Option<&str> {
        match self {
            Self::UnknownFact { fact, .. } | Self::Value { fact, .. } | Self::Contradiction { fact, .. } => Some(fact),
            Self::Refused { .. }
            | Self::NoGroups(_)
            | Self::SenderConstraint { .. }
            | Self::NeverBound(_)
            | Self::NoAge(_) => None,
        }
    }
}

impl GivenEvidence {
    /// Gives the principal.
    ///
    /// # Errors
    /// See [`GivenFault`].
    pub fn authenticate(&mut self, given: GivenPrincipal<'_>) -> Result<(), GivenFault> {
        let GivenPrincipal { issuer, id, groups, facts, sender_constraint } = given;
        let provider = &issuer.profile.name;
        let accepted = match sender_constraint {
            SenderConstraint::Bearer => issuer.sender.accepts_unbound(),
            SenderConstraint::Certificate => issuer.sender.accepts_certificates(),
            SenderConstraint::Dpop => issuer.sender.dpop().is_some(),
        };
        if !accepted {
            let bound_by = sender_constraint.bound_by();
            return Err(GivenFault::SenderConstraint { provider: provider.clone(), bound_by });
        }
        let mut claims = Map::new();
        put(&mut claims, &issuer.principal.id, Value::from(id));
        match &issuer.principal.groups {
            Some(rule) => put(&mut claims, &rule.claim, Value::from(groups)),
            None if groups.is_empty() => {}
            None => return Err(GivenFault::NoGroups(provider.clone())),
        }
        let fields = &issuer.profile.facts;
        add_facts(&mut claims, provider, fields, facts)?;
        let payload = Value::Object(claims.clone()).to_string().into_bytes();
        let claims = Claims::without_token(claims);
        let refused = |refusal: Refusal| refused(provider, &refusal);
        self.principal = Some(VerifiedPrincipal {
            issuer: provider.clone(),
            entity_type: issuer.principal.entity_type.clone(),
            id: principal::id(&issuer.principal, &claims).map_err(refused)?.into(),
            groups: principal::groups(&issuer.principal, &claims).map_err(refused)?.into(),
            facts: FactField::read_all(fields, &claims).map_err(refused)?.into(),
            payload: Rc::from(payload),
            place: issuer.from.first().cloned().unwrap_or(CredentialPlace::Authorization),
            sender_constraint,
            expires: None,
        });
        Ok(())
    }

    /// Gives the posture of one provider.
    ///
    /// # Errors
    /// See [`GivenFault`].
    pub fn describe(&mut self, given: GivenDevice<'_>) -> Result<(), GivenFault> {
        let GivenDevice { provider, facts, age, bound } = given;
        let name = provider.name();
        if bound && provider.bind == PostureBinding::None {
            return Err(GivenFault::NeverBound(name.clone()));
        }
        let fields = provider.facts();
        let mut claims = Map::new();
        add_facts(&mut claims, name, fields, facts)?;
        let facts =
            FactField::read_all(fields, &Claims::without_token(claims)).map_err(|refusal| refused(name, &refusal))?;
        let age = match (provider.has_age(), age) {
            (false, Some(_)) => return Err(GivenFault::NoAge(name.clone())),
            (false, None) => None,
            (true, age) => Some(age.unwrap_or(Seconds::new(0))),
        };
        let evidence = match (age, provider.max_age()) {
            (Some(age), Some(max_age)) if age > max_age => DeviceEvidence::Stale { age },
            _ => {
                let id = provider.device.id_in(&facts).map(Rc::from);
                DeviceEvidence::Verified(DeviceFacts { facts: facts.into(), bound, age, id })
            }
        };
        self.devices.insert(name.clone(), evidence);
        Ok(())
    }

    /// The identity, if it has what the route requires: the requirements of [`verify`](super::verify), in its order.
    ///
    /// # Errors
    /// The refusal of a request that lacks required evidence.
    pub(crate) fn identity(
        &self,
        (issuers, devices, trust_domains): (&[Issuer], &[DeviceProvider], &[TrustDomain]),
        peer: &Peer,
        requires: &Requires,
    ) -> Result<Identity, Denial> {
        let workload = Workload::of(peer, trust_domains);
        let principal = match (&self.principal, &workload) {
            (Some(principal), _) => Principal::Verified(principal.clone()),
            (None, Ok(workload)) => Principal::Workload(workload.clone()),
            (None, Err(_)) => Principal::Anonymous,
        };
        let names = devices.iter().map(DeviceProvider::name);
        let evidence = |name| self.devices.get(name).cloned().unwrap_or(DeviceEvidence::Missing);
        let known = names.map(|name| (name.clone(), evidence(name))).collect();
        let tokens = VerifiedTokens::default();
        let identity = Identity { principal, workload, devices: known, tokens, unspent: None };
        match identity.fulfils(requires, (issuers, devices)) {
            Ok(()) => Ok(identity),
            Err(refusal) => Err(Denial { identity_so_far: Some(Box::new(identity)), ..refusal.into() }),
        }
    }
}

fn refused(provider: &ProviderName, refusal: &Refusal) -> GivenFault {
    GivenFault::Refused { provider: provider.clone(), detail: format!("{}, {}", refusal.reason.code(), refusal.detail) }
}

/// Writes facts as the claims that they are read from, each checked by itself.
fn add_facts(
    claims: &mut Map<String, Value>,
    provider: &ProviderName,
    fields: &[FactField],
    facts: &Map<String, Value>,
) -> Result<(), GivenFault> {
    for (fact, value) in facts {
        let Some(field) = fields.iter().find(|field| field.name == *fact) else {
            let declared: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
            let declared = if declared.is_empty() { "none".to_owned() } else { declared.join(", ") };
            return Err(GivenFault::UnknownFact { fact: fact.clone(), provider: provider.clone(), declared });
        };
        let wrong = |detail| GivenFault::Value { fact: fact.clone(), provider: provider.clone(), detail };
        let claim = as_claim(&field.fact_type, value)
            .map_err(|inner| wrong(format!("the record declares no member `{inner}`")))?;
        let mut alone = Map::new();
        put(&mut alone, &field.claim, claim.clone());
        FactField::read_all(core::slice::from_ref(field), &Claims::without_token(alone))
            .map_err(|refusal| wrong(refusal.detail.to_string()))?;
        match field.claim.find(claims) {
            Ok(Some(other)) if *other != claim => {
                return Err(GivenFault::Contradiction { fact: fact.clone(), claim: field.claim.to_string() });
            }
            _ => put(claims, &field.claim, claim),
        }
    }
    Ok(())
}

/// A value with the names of the claims in place of the names of the facts inside it.
///
/// # Errors
/// The name of a member that the record does not declare. An actor may have such members, as in a token.
fn as_claim(fact_type: &FactType, value: &Value) -> Result<Value, String> {
    let (Some(fields), Value::Object(members)) = (fact_type.members(), value) else { return Ok(value.clone()) };
    let mut claims = Map::new();
    for (name, value) in members {
        match fields.iter().find(|field| field.name == *name) {
            Some(field) => put(&mut claims, &field.claim, as_claim(&field.fact_type, value)?),
            None if matches!(fact_type, FactType::Actor(_)) => drop(claims.insert(name.clone(), value.clone())),
            None => return Err(name.clone()),
        }
    }
    Ok(Value::Object(claims))
}

/// Puts a value at a path of names.
fn put(claims: &mut Map<String, Value>, ClaimPath(path): &ClaimPath, value: Value) {
    let Some((last, around)) = path.split_last() else { return };
    let mut object = claims;
    for name in around {
        let inner = object.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else { return };
        object = inner;
    }
    object.insert(last.clone(), value);
}
