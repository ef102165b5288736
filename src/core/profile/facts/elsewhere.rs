//! Claims that a token says are kept elsewhere, and so leaves out: what it does not say must not be taken for "none".

use serde_json::Value;

use crate::jose::ClaimSet;
use crate::refusal::{Reason, Refusal};

/// Refuses a token that says that one of these claims, by its outermost name, is kept elsewhere: by `_claim_names` (`OpenID`
/// Connect Core section 5.6.2), or for `groups` by `hasgroups`. Microsoft Entra ID says either where a principal is in too
/// many groups for a token.
///
/// # Errors
/// `token-group-overage`; also where the token says it in a form that is not known.
pub fn refuse_if_kept<'n>(names: impl IntoIterator<Item = &'n str>, claims: &ClaimSet) -> Result<(), Refusal> {
    let elsewhere = claims.get("_claim_names");
    let has_groups = match claims.get("hasgroups") {
        None | Some(Value::Bool(false)) => false,
        Some(Value::String(text)) => text != "false",
        Some(_) => true,
    };
    let kept = names.into_iter().any(|name| match elsewhere {
        Some(Value::Object(members)) => members.contains_key(name),
        Some(_) => true,
        None => false,
    } || name == "groups" && has_groups);
    if kept { Err(Refusal::new(Reason::TokenGroupOverage)) } else { Ok(()) }
}
