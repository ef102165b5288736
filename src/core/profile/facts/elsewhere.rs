//! Claims that a token leaves out and says are kept elsewhere. Their absence must not be taken for "none".

use serde_json::Value;

use crate::jose::Claims;
use crate::refusal::{Reason, Refusal};

/// Rejects a token that says that one of these claims, given by their outermost names, is kept elsewhere: in `_claim_names`
/// (`OpenID` Connect Core section 5.6.2), or for `groups` in `hasgroups`. Microsoft Entra ID sets either if a principal is in
/// too many groups for a token.
///
/// # Errors
/// `token-group-overage`, also if the token uses an unknown form of either claim.
pub fn refuse_if_kept<'n>(names: impl IntoIterator<Item = &'n str>, claims: &Claims) -> Result<(), Refusal> {
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
