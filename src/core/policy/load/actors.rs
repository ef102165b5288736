//! Permits that do not tell a person from an agent that acts for the person: both have the same principal, and only the claim
//! `act` says which of the two presents the token (RFC 8693 section 4.1).

use cedar_policy::pst::Effect;

use super::Checked;
use super::guards::is_guarded;
use crate::config_error::{ConfigCode, ConfigWarning};
use crate::jose::ClaimPath;
use crate::profile::{ACTOR_CLAIM, FactField, TokenProfile};

/// Every permit of one document for principals of whom some act themselves and some through an actor, which neither the
/// permit nor a forbid that holds wherever the permit does tells apart.
pub(in crate::policy) fn any_actor(policies: &[Checked<'_>]) -> Vec<ConfigWarning> {
    let permits = policies.iter().filter(|policy| policy.named.body.effect == Effect::Permit);
    let pairs = permits.flat_map(|permit| {
        let issuers = permit.applies.kinds.iter().filter_map(|kind| permit.names.vocabulary.issuer(*kind));
        issuers.map(move |issuer| (permit, &issuer.profile))
    });
    pairs.filter_map(|(permit, profile)| permit.for_any_actor(profile, policies)).collect()
}

/// The path of the actor inside `context`, where some tokens have one and some do not.
fn optional_actor(profile: &TokenProfile) -> Option<Vec<String>> {
    let claim = ClaimPath::of(ACTOR_CLAIM);
    let declared = FactField::leading_to(&profile.facts, &claim.0)?;
    declared.iter().any(|field| !field.required).then(|| profile.context_path(&claim))
}

impl Checked<'_> {
    fn for_any_actor(&self, profile: &TokenProfile, all: &[Checked<'_>]) -> Option<ConfigWarning> {
        let actor = optional_actor(profile)?;
        let is_guarded = is_guarded(self, all, |reads| {
            reads.values.iter().chain(&reads.presences).any(|path| path.starts_with(&actor))
        });
        let asked = match actor.as_slice() {
            [provider, fact] => format!("context.{provider} has {fact}"),
            _ => String::new(),
        };
        (!is_guarded).then(|| ConfigWarning {
            pointer: self.source.document.pointer.clone(),
            code: ConfigCode::AnyActor,
            message: format!(
                "`{}` permits an agent that acts for a principal of `{}` whatever it permits the principal: write \
                 `!({asked})` in it if it is not for agents, or compare `context.{}.sub` behind `{asked}`",
                self.named.id,
                profile.name,
                actor.join(".")
            ),
        })
    }
}
