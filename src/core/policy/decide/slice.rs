//! Slices: policies that can apply to the same requests.
//!
//! Evaluation is linear in the number of policies, so a request is evaluated only against those that its route, action and
//! principal can match. Every policy is in exactly one slice. The answers of several slices add up, because a forbid forbids
//! and a permit permits regardless of the other policies.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Compiled;
use super::asked::Asked;
use super::caching::Caching;
use super::facts::FactTable;
use crate::policy::kinds::{Actions, GROUP, PrincipalKind, ResourceScope};
use crate::policy::program::entity::{Entity, EntityTypes};
use crate::policy::program::expression::Rule;
use crate::provider::ProviderName;
use crate::route::RouteMatch;

/// Which requests a policy is asked about, the principal or group of its scope left aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Applicability {
    /// The document, by number.
    pub document: usize,
    /// The resource.
    pub resource: ResourceScope,
    /// The actions.
    pub actions: Actions,
    /// The kinds of principals.
    pub kinds: BTreeSet<PrincipalKind>,
    /// Devices that must be verified, and `peer` for a workload; otherwise the policy is not evaluated.
    pub needs: BTreeSet<ProviderName>,
}

/// Where the policies of a document have a say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct DocumentScope {
    /// The applications, by name.
    pub applications: Vec<String>,
    /// Whether a request to them is permitted only if a policy of this document permits it.
    pub must_permit: bool,
}

impl DocumentScope {
    /// The documents without whose permit no request to this application is permitted, by number.
    pub(in crate::policy) fn must_permit<'d>(
        documents: &'d [Self],
        application: &'d str,
    ) -> impl Iterator<Item = usize> + 'd {
        let is_one =
            move |document: &Self| document.must_permit && document.applications.iter().any(|name| name == application);
        documents.iter().enumerate().filter(move |(_, document)| is_one(document)).map(|(number, _)| number)
    }
}

/// The principal or group that a scope names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct NamedPrincipal {
    /// The entity.
    pub entity: Entity<'static>,
    /// Whether it is a group.
    pub is_group: bool,
}

/// What the policies of a slice have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct SliceKey {
    /// Which requests they are asked about.
    pub asked: Arc<Applicability>,
    /// The principal or group that the scope names.
    pub principal: Option<NamedPrincipal>,
}

impl SliceKey {
    /// The key of a policy that is asked about these requests.
    pub(in crate::policy) fn of(asked: Arc<Applicability>, rule: &Rule, types: &EntityTypes) -> Self {
        let principal = rule.principal.named().map(|entity| NamedPrincipal {
            is_group: types.last_part(entity.of) == Some(GROUP),
            entity: entity.clone(),
        });
        Self { asked, principal }
    }
}

/// One slice.
#[derive(Debug)]
pub(in crate::policy) struct Slice {
    /// Which requests its policies are asked about.
    pub asked: Arc<Applicability>,
    /// The policies, in the order of the documents.
    pub policies: Vec<Compiled>,
    /// Which of them are cached, if any.
    pub caching: Option<Caching>,
}

/// All slices, and which of them each route can meet.
#[derive(Debug, Default)]
pub(in crate::policy) struct Slices {
    slices: Vec<Slice>,
    documents: Vec<DocumentScope>,
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
    named: BTreeMap<Entity<'static>, ByName>,
}

/// The slices of one principal or group.
#[derive(Debug)]
struct ByName {
    is_group: bool,
    slices: Vec<usize>,
}

impl ByPrincipal {
    fn push(&mut self, principal: Option<&NamedPrincipal>, slice: usize) {
        match principal {
            None => self.unnamed.push(slice),
            Some(NamedPrincipal { entity, is_group }) => {
                let named = self.named.entry(entity.clone());
                named.or_insert_with(|| ByName { is_group: *is_group, slices: Vec::new() }).slices.push(slice);
            }
        }
    }

    /// The slices for a principal that is, or is in, these entities.
    fn met<'s>(&'s self, memberships: &'s [Entity<'s>]) -> impl Iterator<Item = usize> + 's {
        let by_entity: &'s BTreeMap<Entity<'s>, ByName> = &self.named;
        let named = memberships.iter().filter_map(|entity| by_entity.get(entity));
        self.unnamed.iter().chain(named.flat_map(|named| &named.slices)).copied()
    }

    /// The slices for the groups that a principal is not in.
    fn beside<'s>(&'s self, memberships: &'s [Entity<'s>]) -> impl Iterator<Item = usize> + 's {
        let by_entity: &'s BTreeMap<Entity<'s>, ByName> = &self.named;
        let groups = by_entity.iter().filter(|(_, named)| named.is_group);
        let outside = groups.filter(|(group, _)| memberships.binary_search(group).is_err());
        outside.flat_map(|(_, named)| &named.slices).copied()
    }
}

impl Slices {
    /// Puts each policy of these documents into its slice. The policies read the facts of this table.
    pub(in crate::policy) fn compile(
        policies: impl IntoIterator<Item = (SliceKey, Compiled)>,
        documents: Vec<DocumentScope>,
        facts: &FactTable,
    ) -> Self {
        let mut grouped: BTreeMap<SliceKey, Vec<Compiled>> = BTreeMap::new();
        for (key, policy) in policies {
            grouped.entry(key).or_default().push(policy);
        }
        let mut slices = Self::default();
        for (place, (SliceKey { asked, principal }, policies)) in grouped.into_iter().enumerate() {
            let principal = principal.as_ref();
            let all = documents.get(asked.document).map_or(&[][..], |document| document.applications.as_slice());
            match &asked.resource {
                ResourceScope::Document => {
                    all.iter().for_each(|name| slices.of(name).every_route.push(principal, place));
                }
                ResourceScope::Application(name) => slices.of(name).every_route.push(principal, place),
                ResourceScope::Route(name, route) => {
                    slices.of(name).one_route.entry(route.clone()).or_default().push(principal, place);
                }
                ResourceScope::Nowhere => {}
            }
            let caching = Caching::of(place, &policies, facts);
            slices.slices.push(Slice { asked, policies, caching });
        }
        slices.documents = documents;
        slices
    }

    fn of(&mut self, application: &str) -> &mut ByApplication {
        self.by_application.entry(application.to_owned()).or_default()
    }

    /// Whether any of them are cached.
    pub(in crate::policy) fn are_cached(&self) -> bool {
        self.slices.iter().any(|slice| slice.caching.is_some())
    }

    /// Caches all of them, whether it pays or not.
    #[cfg(any(test, feature = "oracle"))]
    pub(in crate::policy) fn cache_all(&mut self) {
        for (place, slice) in self.slices.iter_mut().enumerate() {
            slice.caching = Some(Caching::by(place, &slice.policies, |_| true));
        }
    }

    /// All of them, in order.
    pub(in crate::policy) fn all(&self) -> &[Slice] {
        &self.slices
    }

    /// The documents, by number.
    pub(in crate::policy) fn documents(&self) -> &[DocumentScope] {
        &self.documents
    }

    /// The slices that a request can meet.
    pub(in crate::policy) fn met<'s>(
        &'s self,
        route: &RouteMatch<'_>,
        asked: &'s Asked<'_>,
    ) -> impl Iterator<Item = &'s Slice> {
        self.applicable(route, asked, |slices| slices.met(asked.memberships()))
    }

    /// The slices that a request could meet if its principal were in one more group.
    pub(in crate::policy) fn beside<'s>(
        &'s self,
        route: &RouteMatch<'_>,
        asked: &'s Asked<'_>,
    ) -> impl Iterator<Item = &'s Slice> {
        self.applicable(route, asked, |slices| slices.beside(asked.memberships()))
    }

    fn applicable<'s, I: Iterator<Item = usize> + 's>(
        &'s self,
        route: &RouteMatch<'_>,
        asked: &'s Asked<'_>,
        chosen: impl Fn(&'s ByPrincipal) -> I,
    ) -> impl Iterator<Item = &'s Slice> {
        let action = route.action;
        let own = self.by_application.get(&route.application.name);
        let one = own.and_then(|own| own.one_route.get(&route.route.name));
        own.map(|own| &own.every_route)
            .into_iter()
            .chain(one)
            .flat_map(chosen)
            .filter_map(|place| self.slices.get(place))
            .filter(move |slice| slice.asked.actions.holds(action) && slice.asked.kinds.contains(&asked.kind))
    }
}
