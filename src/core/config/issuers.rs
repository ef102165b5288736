//! `issuers`: who makes access tokens, and whom those speak of.

use super::claim::claim_path;
use super::document::{Known, Node};
use super::names::{is_reserved_type, quoted};
use super::profile::{self, Role};
use super::profiles::Profiles;
use crate::config_error::ConfigCode;
use crate::jose::ClaimPath;
use crate::profile::{EvidenceForwarding, FactField, FactType, GroupsRule, Issuer, PrincipalRule};
use crate::text::is_identifier;

/// The entity type of principals where nothing is written.
const DEFAULT_TYPE: &str = "User";

const PRINCIPAL: Known = ("principal", "`{ id: sub }`, and `type` and `groups` where tokens have them");
const TYPE: Known = ("type", "a Cedar identifier such as `User`");
const ID: Known =
    ("id", "the claim that names the principal, such as `sub`, or a list of names from the claim set inwards");
const GROUPS: Known = (
    "groups",
    "the claim that lists the principal's groups, or a list of names from the claim set inwards, or an object such as `{ claim: groups, required: true }`",
);
const CLAIM: Known =
    ("claim", "the claim that lists the principal's groups, or a list of names from the claim set inwards");
const REQUIRED: Known = ("required", "`true` to refuse a token without the claim, or `false`");
const SINGLE: Known = ("single", "`true` to accept one string as a list of one group, or `false`");

/// Reads all issuers, sorted by name.
pub(super) fn read(node: &Node<'_>, profiles: &mut Profiles) -> Option<Vec<Issuer>> {
    let mut entries =
        node.entries("an issuer: `issuer`, `audiences`, `keys`, `typ`, `principal` and what else it needs")?;
    entries.sort_by_key(|(name, _)| *name);
    let issuers: Vec<Option<Issuer>> = entries.iter().map(|(name, entry)| read_one(entry, name, profiles)).collect();
    issuers.into_iter().collect()
}

fn read_one(node: &Node<'_>, name: &str, profiles: &mut Profiles) -> Option<Issuer> {
    let name = profile::provider_name(node, name);
    let ([principal, forward], members) = node.members_beside([PRINCIPAL, profile::FORWARD], profile::MEMBERS)?;
    let principal = principal.required(read_principal);
    let forward = profile::forward(forward, EvidenceForwarding::Verified);
    let reads = principal.iter().flat_map(claims_read).cloned().collect();
    let (profile, keys) =
        profile::read(node, name, members, Role { reserved_facts: &[], needs_max_age: false, reads })?;
    profiles.add(node, &profile, keys);
    if let Some(groups) = principal.as_ref().and_then(|rule| rule.groups.as_ref()) {
        agree_on_presence(node, groups, &profile.facts)?;
    }
    Some(Issuer { profile, principal: principal?, forward: forward? })
}

fn read_principal(node: &Node<'_>) -> Option<PrincipalRule> {
    let [entity_type, id, groups] = node.members([TYPE, ID, GROUPS])?;
    let entity_type = entity_type.or(DEFAULT_TYPE.to_owned(), read_type);
    let id = id.required(claim_path);
    let groups = groups.optional(read_groups);
    Some(PrincipalRule { entity_type: entity_type?, id: id?, groups: groups? })
}

/// The claims that a principal is made of.
fn claims_read(rule: &PrincipalRule) -> impl Iterator<Item = &ClaimPath> {
    [&rule.id].into_iter().chain(rule.groups.as_ref().map(|groups| &groups.claim))
}

/// A claim alone, or an object that also says what the claim must be.
fn read_groups(node: &Node<'_>) -> Option<GroupsRule> {
    if !node.value().is_object() {
        return claim_path(node).map(|claim| GroupsRule { claim, required: false, single: false });
    }
    let [claim, required, single] = node.members([CLAIM, REQUIRED, SINGLE])?;
    let claim = claim.required(claim_path);
    let required = required.or(false, Node::boolean);
    let single = single.or(false, Node::boolean);
    Some(GroupsRule { claim: claim?, required: required?, single: single? })
}

/// Whether a token may lack the groups claim is said in one way: `required: true` and a fact with `?` contradict each other.
fn agree_on_presence(node: &Node<'_>, groups: &GroupsRule, facts: &[FactField]) -> Option<()> {
    let mut fields = facts;
    for name in groups.claim.0.iter().filter(|_| groups.required) {
        let Some(field) = fields.iter().find(|field| field.name == *name) else { break };
        if !field.required {
            let written = quoted(&format!("{name}?"));
            return node.error_inside(
                "/principal/groups/required",
                ConfigCode::Contradiction,
                format!("tokens must have the groups claim, and {written} in `facts` says that they may lack it"),
                format!("write {} in `facts`, without `?`", quoted(name)),
            );
        }
        fields = match &field.fact_type {
            FactType::Record(inner) => inner,
            _ => &[],
        };
    }
    Some(())
}

fn read_type(node: &Node<'_>) -> Option<String> {
    let name = node.some_text()?;
    if !is_identifier(name) {
        return node.error(
            ConfigCode::BadName,
            format!("{} is not a Cedar identifier", quoted(name)),
            "write letters, digits and `_`, not beginning with a digit, such as `User` or `Workload`",
        );
    }
    if is_reserved_type(name) {
        return node.error(
            ConfigCode::ReservedName,
            format!("`{name}` means something else in policies"),
            "choose another type, such as `User` or `Workload`",
        );
    }
    Some(name.to_owned())
}
