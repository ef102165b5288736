//! Slices: policies that can apply to the same requests, in one Cedar policy set each.
//!
//! Cedar's evaluation is linear in the number of policies, so a request is evaluated only against those that its route,
//! action and principal can match. Every policy is in exactly one slice. The answers of several slices add up, because a
//! forbid forbids and a permit permits regardless of the other policies.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{EntityUid, PolicySet};

use super::entities::CedarRequest;
use crate::policy::load::kinds::{Actions, GROUP, PrincipalKind};
use crate::policy::load::scope::ResourceScope;
use crate::route::RouteMatch;

/// What the policies of a slice have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct SliceKey {
    /// The document, by number.
    pub document: usize,
    /// The resource.
    pub resource: ResourceScope,
    /// The actions.
    pub actions: Actions,
    /// The kinds of principals.
    pub kinds: BTreeSet<PrincipalKind>,
    /// The principal or group that the scope names.
    pub principal: Option<EntityUid>,
    /// Devices that must be verified; otherwise its policies are not evaluated.
    pub needs: BTreeSet<String>,
}

/// One slice.
#[derive(Debug)]
pub(in crate::policy) struct Slice {
    /// What its policies have in common.
    pub key: SliceKey,
    /// For Cedar; a policy's id there is its number in text.
    pub set: PolicySet,
    /// The numbers of its policies, in order.
    pub policies: Vec<usize>,
}

/// All slices, and which of them each route can meet.
#[derive(Debug, Default)]
pub(in crate::policy) struct Slices {
    slices: Vec<Slice>,
    by_application: HashMap<String, ByApplication>,
}

/// The slices of one application.
#[derive(Debug, Default)]
struct ByApplication {
    /// That any of its routes can meet.
    every_route: ByPrincipal,
    /// That one route alone can meet.
    one_route: HashMap<String, ByPrincipal>,
}

/// Slices by the principal or group that their scope names.
#[derive(Debug, Default)]
struct ByPrincipal {
    unnamed: Vec<usize>,
    named: BTreeMap<EntityUid, Vec<usize>>,
}

impl ByPrincipal {
    fn push(&mut self, key: &SliceKey, slice: usize) {
        match &key.principal {
            None => self.unnamed.push(slice),
            Some(principal) => self.named.entry(principal.clone()).or_default().push(slice),
        }
    }

    /// The slices for a principal that is, or is in, these entities.
    fn met<'s>(&'s self, memberships: &'s BTreeSet<EntityUid>) -> impl Iterator<Item = usize> + 's {
        let named = memberships.iter().filter_map(|entity| self.named.get(entity)).flatten();
        self.unnamed.iter().chain(named).copied()
    }

    /// The slices for the groups that a principal is not in.
    fn beside<'s>(&'s self, memberships: &'s BTreeSet<EntityUid>) -> impl Iterator<Item = usize> + 's {
        let groups = self.named.iter().filter(|(entity, _)| entity.type_name().basename() == GROUP);
        groups.filter(|(group, _)| !memberships.contains(*group)).flat_map(|(_, slices)| slices).copied()
    }
}

impl Slices {
    /// Puts each policy into its slice. `applications` are the names of each document's applications.
    ///
    /// # Errors
    /// Where two policies have one number, which the caller does not do.
    pub(in crate::policy) fn compile(
        policies: impl IntoIterator<Item = (usize, SliceKey, cedar_policy::Policy)>,
        applications: &[Vec<String>],
    ) -> Result<Self, Box<cedar_policy::PolicySetError>> {
        let mut grouped: BTreeMap<SliceKey, (PolicySet, Vec<usize>)> = BTreeMap::new();
        for (number, key, policy) in policies {
            let (set, numbers) = grouped.entry(key).or_default();
            set.add(policy).map_err(Box::new)?;
            numbers.push(number);
        }
        let mut slices = Self::default();
        for (place, (key, (set, policies))) in grouped.into_iter().enumerate() {
            let all = applications.get(key.document).map_or(&[][..], Vec::as_slice);
            match &key.resource {
                ResourceScope::Document => {
                    all.iter().for_each(|name| slices.of(name).every_route.push(&key, place));
                }
                ResourceScope::Application(name) => slices.of(name).every_route.push(&key, place),
                ResourceScope::Route(name, route) => {
                    slices.of(name).one_route.entry(route.clone()).or_default().push(&key, place);
                }
                ResourceScope::Nowhere => {}
            }
            slices.slices.push(Slice { key, set, policies });
        }
        Ok(slices)
    }

    fn of(&mut self, application: &str) -> &mut ByApplication {
        self.by_application.entry(application.to_owned()).or_default()
    }

    /// The slices that a request can meet.
    pub(in crate::policy) fn met<'s>(
        &'s self,
        route: &RouteMatch<'_>,
        asked: &'s CedarRequest,
    ) -> impl Iterator<Item = &'s Slice> {
        self.applicable(route, asked, |slices| slices.met(&asked.memberships).collect())
    }

    /// The slices that a request could meet if its principal were in one more group.
    pub(in crate::policy) fn beside<'s>(
        &'s self,
        route: &RouteMatch<'_>,
        asked: &'s CedarRequest,
    ) -> impl Iterator<Item = &'s Slice> {
        self.applicable(route, asked, |slices| slices.beside(&asked.memberships).collect())
    }

    fn applicable<'s>(
        &'s self,
        route: &RouteMatch<'_>,
        asked: &'s CedarRequest,
        chosen: impl Fn(&'s ByPrincipal) -> Vec<usize>,
    ) -> impl Iterator<Item = &'s Slice> {
        let action = route.action;
        let own = self.by_application.get(&route.application.name);
        let one = own.and_then(|own| own.one_route.get(&route.route.name));
        own.map(|own| &own.every_route)
            .into_iter()
            .chain(one)
            .flat_map(chosen)
            .filter_map(|place| self.slices.get(place))
            .filter(move |slice| slice.key.actions.holds(action) && slice.key.kinds.contains(&asked.kind))
    }
}
