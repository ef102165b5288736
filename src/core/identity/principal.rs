//! From the claims of a judged token to the principal that a policy sees.

use serde_json::Value;

use crate::jose::{ClaimPath, Claims, wrong_type};
use crate::limits::{MAX_ENTITY_ID_BYTES, MAX_GROUPS_PER_TOKEN};
use crate::profile::{GroupsRule, PrincipalRule, refuse_if_kept};
use crate::refusal::{Detail, Reason, Refusal};

/// The principal's id.
///
/// # Errors
/// `token-claim-missing`, `token-claim-type` where it is not a non-empty text without control characters under the cap.
pub(super) fn id(rule: &PrincipalRule, claims: &Claims) -> Result<String, Refusal> {
    match claims.at(&rule.id)? {
        None => Err(Refusal::with(Reason::TokenClaimMissing, Detail::Claim(rule.id.to_string()))),
        Some(value) => entity_id(value, &rule.id, ""),
    }
}

/// The principal's groups, each once, in the token's order.
///
/// # Errors
/// `token-group-overage` where the token says that its groups stand elsewhere: a `forbid` on a group must not fall silent.
/// `token-claim-missing` where the claim is required and not there, for the same reason.
/// `token-claim-type` where the claim is not a list of such texts as an id may be, or longer than the cap. One such text is
/// a list of one element where the rule says so.
pub(super) fn groups(rule: &PrincipalRule, claims: &Claims) -> Result<Vec<String>, Refusal> {
    let Some(GroupsRule { claim: path, required, single }) = &rule.groups else {
        return Ok(Vec::new());
    };
    // Whatever the claim is called, a token that keeps its groups elsewhere lists them nowhere.
    refuse_if_kept(core::iter::once("groups").chain(path.0.iter().map(String::as_str)), claims)?;
    let listed = match claims.at(path)? {
        None if *required => return Err(Refusal::with(Reason::TokenClaimMissing, Detail::Claim(path.to_string()))),
        None => return Ok(Vec::new()),
        Some(Value::Array(listed)) => listed,
        Some(one @ Value::String(_)) if *single => return Ok(vec![entity_id(one, path, "")?]),
        Some(other) => return Err(wrong_type(path, other, "a list of strings")),
    };
    if listed.len() > MAX_GROUPS_PER_TOKEN {
        return Err(Refusal::with(
            Reason::TokenClaimType,
            Detail::Size { found: listed.len(), max: MAX_GROUPS_PER_TOKEN },
        ));
    }
    let mut groups = Vec::with_capacity(listed.len());
    for value in listed {
        let group = entity_id(value, path, "[]")?;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(groups)
}

/// A text that may be the id of an entity. `element` is `[]` where the claim lists such.
fn entity_id(value: &Value, path: &ClaimPath, element: &str) -> Result<String, Refusal> {
    match value {
        Value::String(text)
            if !text.is_empty() && text.len() <= MAX_ENTITY_ID_BYTES && !text.chars().any(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err(wrong_type(
            format_args!("{path}{element}"),
            value,
            format_args!("a string of 1 to {MAX_ENTITY_ID_BYTES} bytes without control characters"),
        )),
    }
}
