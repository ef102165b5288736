//! Groups in groups, as the configuration says; never assumed from equal names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;

use cedar_policy::{EntityUid, pst};

use crate::config_error::{ConfigCode, ConfigError};
use crate::policy::decide::catalog::Memberships;
use crate::policy::program::entity::{Entity, EntityTypes};
use crate::policy::{GroupHierarchy, Vocabulary};
use crate::profile::Issuer;
use crate::text::{push_token, suggestion};

/// The hierarchy of groups, whole.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Groups {
    /// Group to the groups it is in, directly.
    parents: HashMap<EntityUid, Vec<EntityUid>>,
    /// Pairs of issuers, by place: a group of the first is in a group of the second.
    between: BTreeSet<(usize, usize)>,
    /// Issuers, by place, whose principals can be in a group of the section.
    members: HashMap<pst::EntityUID, BTreeSet<usize>>,
}

impl Groups {
    /// Reads the section.
    ///
    /// # Errors
    /// `unknown-group` for a name that is no group of an issuer and for a group that nobody can be in, `group-cycle`.
    pub(in crate::policy) fn compile(
        hierarchy: &GroupHierarchy,
        vocabulary: Vocabulary<'_>,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut groups = Self::default();
        let mut errors = Vec::new();
        let mut children = Vec::new();
        for (child, parents) in &hierarchy.parents {
            let mut pointer = hierarchy.pointer.clone();
            push_token(&mut pointer, child);
            let child = group(child, &pointer, vocabulary).map_err(|error| errors.push(error)).ok();
            for (parent, place) in parents.iter().zip(0_usize..) {
                match (group(parent, &format!("{pointer}/{place}"), vocabulary), &child) {
                    (Err(error), _) => errors.push(error),
                    (Ok(_), None) => {}
                    (Ok((parent, above)), Some((child, below))) => {
                        groups.between.insert((*below, above));
                        groups.parents.entry(child.clone()).or_default().push(parent);
                    }
                }
            }
            children.extend(child.map(|(child, issuer)| (child, issuer, pointer)));
        }
        groups.find_members(&children, vocabulary);
        let nobody = |child: &EntityUid| groups.members_of(&child.clone().into()).next().is_none();
        for (child, issuer, pointer) in children.into_iter().filter(|(child, ..)| nobody(child)) {
            errors.extend(vocabulary.issuers.get(issuer).map(|issuer| nobody_in(&child, issuer, pointer)));
        }
        if let Some(member) = groups.member_of_itself() {
            errors.push(ConfigError {
                pointer: hierarchy.pointer.clone(),
                position: None,
                code: ConfigCode::GroupCycle,
                message: format!("the group `{member}` is in itself"),
                help: "remove one of the memberships".to_owned(),
            });
        }
        if errors.is_empty() { Ok(groups) } else { Err(errors) }
    }

    /// The groups that this one is in, directly.
    pub(in crate::policy) fn parents_of(&self, group: &EntityUid) -> &[EntityUid] {
        self.parents.get(group).map_or(&[], Vec::as_slice)
    }

    /// The group, and all groups that are in it by any number of steps.
    #[cfg(any(test, feature = "oracle"))]
    pub(in crate::policy) fn within(&self, group: &pst::EntityUID) -> Vec<pst::EntityUID> {
        let mut found = vec![group.clone()];
        let mut looked_at = 0_usize;
        while let Some(parent) = found.get(looked_at).cloned() {
            let is_in = |parents: &[EntityUid]| parents.iter().any(|own| pst::EntityUID::from(own.clone()) == parent);
            let children = self.parents.iter().filter(|(_, parents)| is_in(parents));
            let mut children: Vec<pst::EntityUID> = children.map(|(child, _)| child.clone().into()).collect();
            children.retain(|child| !found.contains(child));
            children.sort_by(|one, other| one.eid.cmp(&other.eid));
            found.append(&mut children);
            looked_at = looked_at.saturating_add(1);
        }
        found
    }

    /// Every group that is in others, with all that it is in by any number of steps; `None` if a type is not in the table.
    pub(in crate::policy) fn memberships(&self, types: &EntityTypes) -> Option<Memberships> {
        let entity =
            |group: &EntityUid| Some(Entity::owned(types.id(&group.type_name().to_string())?, group.id().unescaped()));
        let mut memberships = Vec::new();
        for group in self.parents.keys() {
            let mut above: BTreeSet<&EntityUid> = BTreeSet::new();
            let mut waiting: Vec<&EntityUid> = self.parents_of(group).iter().collect();
            while let Some(parent) = waiting.pop() {
                if above.insert(parent) {
                    waiting.extend(self.parents_of(parent));
                }
            }
            memberships.push((entity(group)?, above.into_iter().map(entity).collect::<Option<_>>()?));
        }
        Some(memberships)
    }

    /// Issuers, by place, whose principals this section puts into the group, by any number of steps.
    pub(in crate::policy) fn members_of(&self, group: &pst::EntityUID) -> impl Iterator<Item = usize> {
        self.members.get(group).into_iter().flatten().copied()
    }

    /// Carries the issuers whose tokens list groups from each group of theirs to the groups above.
    fn find_members(&mut self, children: &[(EntityUid, usize, String)], vocabulary: Vocabulary<'_>) {
        for (child, issuer, _) in children {
            if vocabulary.issuers.get(*issuer).is_some_and(|issuer| issuer.principal.groups.is_some()) {
                self.members.entry(child.clone().into()).or_default().insert(*issuer);
            }
        }
        let mut waiting: Vec<EntityUid> = children.iter().map(|(child, ..)| child.clone()).collect();
        // A group waits again only when it has gained an issuer, so this ends on a cycle too.
        while let Some(child) = waiting.pop() {
            let gained: BTreeSet<usize> = self.members_of(&child.clone().into()).collect();
            for parent in self.parents.get(&child).into_iter().flatten() {
                let members = self.members.entry(parent.clone().into()).or_default();
                let known = members.len();
                members.extend(&gained);
                if members.len() > known {
                    waiting.push(parent.clone());
                }
            }
        }
    }

    /// Issuers in whose groups a group of this one is directly, and itself.
    pub(in crate::policy) fn issuers_above(&self, issuer: usize) -> BTreeSet<usize> {
        let above = self.between.iter().filter(|(below, _)| *below == issuer).map(|(_, above)| *above);
        above.chain([issuer]).collect()
    }

    /// A group on a cycle: what is left when groups without parents are taken away again and again.
    fn member_of_itself(&self) -> Option<EntityUid> {
        let mut open: BTreeMap<String, usize> =
            self.parents.iter().map(|(child, parents)| (child.to_string(), parents.len())).collect();
        let mut children: HashMap<&EntityUid, Vec<&EntityUid>> = HashMap::new();
        for (child, parents) in &self.parents {
            parents.iter().for_each(|parent| children.entry(parent).or_default().push(child));
        }
        let mut done: Vec<&EntityUid> =
            children.keys().copied().filter(|group| !self.parents.contains_key(*group)).collect();
        while let Some(group) = done.pop() {
            for child in children.get(group).into_iter().flatten() {
                let name = child.to_string();
                let left = open.get(&name).copied().unwrap_or(0).saturating_sub(1);
                if left == 0 {
                    open.remove(&name);
                    done.push(child);
                } else {
                    open.insert(name, left);
                }
            }
        }
        open.into_keys().next().and_then(|name| EntityUid::from_str(&name).ok())
    }
}

/// A group that is in others, and that no token and no other group brings anybody into.
fn nobody_in(group: &EntityUid, issuer: &Issuer, pointer: String) -> ConfigError {
    let issuer = &issuer.profile.name;
    ConfigError {
        pointer,
        position: None,
        code: ConfigCode::UnknownGroup,
        message: format!("nobody can be in `{group}`: `principal` of `{issuer}` has no `groups`"),
        help: format!(
            "write the claim that lists them, as in `groups: groups`, in `principal` of `{issuer}`, or remove this group"
        ),
    }
}

/// Reads a group's uid and finds its issuer's place.
fn group(text: &str, pointer: &str, vocabulary: Vocabulary<'_>) -> Result<(EntityUid, usize), ConfigError> {
    let problem = |message: String, help: String| ConfigError {
        pointer: pointer.to_owned(),
        position: None,
        code: ConfigCode::UnknownGroup,
        message,
        help,
    };
    let shown = text.escape_debug();
    let uid = EntityUid::from_str(text).map_err(|_| {
        let help = "write it as in a policy: `corp::Group::\"engineering\"`".to_owned();
        problem(format!("`{shown}` is not an entity in Cedar's notation"), help)
    })?;
    let wanted = uid.type_name().to_string();
    let types: Vec<String> =
        vocabulary.issuers.iter().map(|issuer| format!("{}::Group", issuer.profile.name)).collect();
    match types.iter().position(|known| *known == wanted) {
        Some(place) => Ok((uid, place)),
        None => Err(problem(
            format!("`{wanted}` is not the group type of an issuer"),
            suggestion(&wanted, types.iter().map(String::as_str), "configure the issuer first"),
        )),
    }
}
