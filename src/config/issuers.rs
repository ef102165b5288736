//! `issuers`: who makes access tokens, and whom those speak of.

use super::document::{Known, Node};
use super::names::{is_identifier, is_reserved_type, quoted};
use super::profile::{self, Role};
use super::profiles::Profiles;
use crate::trust::{Forward, Issuer, PrincipalRule};

/// The entity type of principals where nothing is written.
const DEFAULT_TYPE: &str = "User";

const PRINCIPAL: Known = ("principal", "`{ id: sub }`, and `type` and `groups` where tokens have them");
const TYPE: Known = ("type", "a Cedar identifier such as `User`");
const ID: Known =
    ("id", "the claim that names the principal, such as `sub`, or a list of names from the claim set inwards");
const GROUPS: Known =
    ("groups", "the claim that lists the principal's groups, or a list of names from the claim set inwards");

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
    let forward = profile::forward(forward, Forward::Verified);
    let reads = principal.iter().map(|rule| rule.id.clone()).collect();
    let profile = profile::read(node, name, members, Role { reserved_facts: &[], needs_max_age: false, reads })?;
    profiles.add(node, &profile);
    Some(Issuer { profile, principal: principal?, forward: forward? })
}

fn read_principal(node: &Node<'_>) -> Option<PrincipalRule> {
    let [entity_type, id, groups] = node.members([TYPE, ID, GROUPS])?;
    let entity_type = entity_type.or(DEFAULT_TYPE.to_owned(), read_type);
    let id = id.required(profile::claim_path);
    let groups = groups.optional(profile::claim_path);
    Some(PrincipalRule { entity_type: entity_type?, id: id?, groups: groups? })
}

fn read_type(node: &Node<'_>) -> Option<String> {
    let name = node.some_text()?;
    if !is_identifier(name) {
        return node.error(
            "bad-name",
            format!("{} is not a Cedar identifier", quoted(name)),
            "write letters, digits and `_`, not beginning with a digit, such as `User` or `Workload`",
        );
    }
    if is_reserved_type(name) {
        return node.error(
            "reserved-name",
            format!("`{name}` means something else in policies"),
            "choose another type, such as `User` or `Workload`",
        );
    }
    Some(name.to_owned())
}
