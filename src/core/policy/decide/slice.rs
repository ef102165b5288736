//! Slices: policies that can apply to the same requests, in one Cedar policy set each.
//!
//! Cedar's evaluation is linear in the number of policies, so a request is shown only those that its route, action and
//! principal can meet. Every policy is in exactly one slice; a request asks a few slices and the answers add up, for a
//! forbid forbids and a permit permits whatever stands beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{EntityUid, PolicySet};

use super::entities::Question;
use crate::policy::load::names::{Actions, GROUP, Kind};
use crate::policy::load::scope::Place;
use crate::route::RouteMatch;

/// What the policies of a slice have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Reach {
    /// The document, by number.
    pub document: usize,
    /// The resource.
    pub place: Place,
    /// The actions.
    pub actions: Actions,
    /// The kinds of principals.
    pub kinds: BTreeSet<Kind>,
    /// The principal or group that the scope names.
    pub principal: Option<EntityUid>,
    /// Devices that must be verified, else its policies are not asked.
    pub needs: BTreeSet<String>,
}

/// One slice.
#[derive(Debug)]
pub(in crate::policy) struct Slice {
    /// What its policies have in common.
    pub reach: Reach,
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
    fn push(&mut self, reach: &Reach, slice: usize) {
        match &reach.principal {
            None => self.unnamed.push(slice),
            Some(principal) => self.named.entry(principal.clone()).or_default().push(slice),
        }
    }

    /// The slices for a principal that is, or is in, these entities.
    fn met<'s>(&'s self, around: &'s BTreeSet<EntityUid>) -> impl Iterator<Item = usize> + 's {
        let named = around.iter().filter_map(|entity| self.named.get(entity)).flatten();
        self.unnamed.iter().chain(named).copied()
    }

    /// The slices for the groups that a principal is not in.
    fn beside<'s>(&'s self, around: &'s BTreeSet<EntityUid>) -> impl Iterator<Item = usize> + 's {
        let groups = self.named.iter().filter(|(entity, _)| entity.type_name().basename() == GROUP);
        groups.filter(|(group, _)| !around.contains(*group)).flat_map(|(_, slices)| slices).copied()
    }
}

impl Slices {
    /// Puts each policy into its slice. `applications` are the names of each document's applications.
    ///
    /// # Errors
    /// Where two policies have one number, which the caller does not do.
    pub(in crate::policy) fn compile(
        policies: impl IntoIterator<Item = (usize, Reach, cedar_policy::Policy)>,
        applications: &[Vec<String>],
    ) -> Result<Self, Box<cedar_policy::PolicySetError>> {
        let mut grouped: BTreeMap<Reach, (PolicySet, Vec<usize>)> = BTreeMap::new();
        for (number, reach, policy) in policies {
            let (set, numbers) = grouped.entry(reach).or_default();
            set.add(policy).map_err(Box::new)?;
            numbers.push(number);
        }
        let mut slices = Self::default();
        for (place, (reach, (set, policies))) in grouped.into_iter().enumerate() {
            let all = applications.get(reach.document).map_or(&[][..], Vec::as_slice);
            match &reach.place {
                Place::Document => {
                    all.iter().for_each(|name| slices.of(name).every_route.push(&reach, place));
                }
                Place::Application(name) => slices.of(name).every_route.push(&reach, place),
                Place::Route(name, route) => {
                    slices.of(name).one_route.entry(route.clone()).or_default().push(&reach, place);
                }
                Place::Nowhere => {}
            }
            slices.slices.push(Slice { reach, set, policies });
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
        question: &'s Question,
    ) -> impl Iterator<Item = &'s Slice> {
        self.applicable(route, question, |slices| slices.met(&question.around).collect())
    }

    /// The slices that a request could meet if its principal were in one more group.
    pub(in crate::policy) fn beside<'s>(
        &'s self,
        route: &RouteMatch<'_>,
        question: &'s Question,
    ) -> impl Iterator<Item = &'s Slice> {
        self.applicable(route, question, |slices| slices.beside(&question.around).collect())
    }

    fn applicable<'s>(
        &'s self,
        route: &RouteMatch<'_>,
        question: &'s Question,
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
            .filter(move |slice| slice.reach.actions.holds(action) && slice.reach.kinds.contains(&question.kind))
    }
}
