//! Actors: who acts for the token's subject (RFC 8693 section 4.1), such as an agent for a person.
//!
//! The actor of a token can itself act for another: the outermost is the one that presents the token, and those inside have
//! acted before it. Types of Cedar cannot contain themselves, so the chain has a bound, and each actor is a record of its own.

use serde_json::{Map, Value};

use super::{ClaimPosition, FactField, FactType};
use crate::jose::{ClaimPath, Claims, wrong_type};
use crate::limits::MAX_ACTORS;
use crate::refusal::{Detail, Reason, Refusal};

/// The claim that names the actor.
pub const ACTOR_CLAIM: &str = "act";

impl FactType {
    /// `actor`: `{ sub: string, "iss?": string, "client_id?": string, "act?": actor }`, of at most [`MAX_ACTORS`] actors.
    #[must_use]
    pub fn actor() -> Self {
        let field = |name: &str, required, fact_type| FactField {
            name: name.to_owned(),
            claim: ClaimPath::of(name),
            required,
            fact_type,
        };
        let names = || {
            vec![
                field("client_id", false, Self::String),
                field("iss", false, Self::String),
                field("sub", true, Self::String),
            ]
        };
        (1..MAX_ACTORS).fold(Self::Actor(names()), |earlier, _| {
            let mut fields = names();
            fields.insert(0, field(ACTOR_CLAIM, false, earlier));
            Self::Actor(fields)
        })
    }
}

impl FactField {
    /// Rejects a token that an actor presents for its subject, unless one of these facts is the actor: policies could not
    /// tell the actor from the subject.
    ///
    /// # Errors
    /// `token-claim-forbidden`
    pub(in crate::profile) fn refuse_undeclared_actor(fields: &[Self], claims: &Claims) -> Result<(), Refusal> {
        let declared = Self::leading_to(fields, &[ACTOR_CLAIM.to_owned()]);
        let declared = declared.as_deref();
        let is_declared = matches!(declared, Some([field]) if matches!(field.fact_type, FactType::Actor(_)));
        if is_declared || claims.get(ACTOR_CLAIM).is_none() {
            return Ok(());
        }
        Err(Refusal::with(Reason::TokenClaimForbidden, Detail::Fault(UNDECLARED)))
    }
}

const UNDECLARED: &str = "`act`: somebody acts for the subject of the token, and policies could not tell the two apart; to \
                          accept such tokens, declare `\"act?\": actor` in `facts`";

/// Rejects an actor beyond the last one for which there is a type.
///
/// # Errors
/// `token-claim-type`
pub(super) fn check(
    fields: &[FactField],
    members: &Map<String, Value>,
    position: &ClaimPosition<'_>,
) -> Result<(), Refusal> {
    let is_last = fields.iter().all(|field| field.name != ACTOR_CLAIM);
    if is_last && let Some(value) = members.get(ACTOR_CLAIM) {
        let claim = &ClaimPath::of(ACTOR_CLAIM);
        let position = ClaimPosition::Member { of: position, claim };
        let wanted = format_args!("absent: a token has at most {MAX_ACTORS} actors");
        return Err(wrong_type(position, value, wanted));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
