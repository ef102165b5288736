//! The names that policies can speak of: kinds of principals, actions, applications, routes, groups, facts.
//!
//! Serves the load. It holds no values of any request.

use std::collections::BTreeSet;

use cedar_policy::pst;

use super::groups::Groups;
use crate::policy::context::{self, ContextMember, ContextType, DEVICE_FACTS};
use crate::policy::{PolicyDocument, Vocabulary};
use crate::profile::{DeviceProvider, FactField, FactType, Issuer};
use crate::provider::ProviderName;
use crate::request::{Action, Method, RequestMethod};
use crate::route::{Application, Route};

/// The Cedar entity type of a caller without credentials.
pub(in crate::policy) const ANONYMOUS_TYPE: &str = "Anonymous";
/// The only entity of that type.
pub(in crate::policy) const ANONYMOUS_ID: &str = "anonymous";
/// The entity type of an issuer's groups, inside its namespace.
pub(in crate::policy) const GROUP: &str = "Group";

/// A kind of principal: whose principals they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::policy) enum Kind {
    /// A caller without credentials.
    Anonymous,
    /// Principals of the issuer at this place in the vocabulary.
    Issuer(usize),
}

/// A set of actions, one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::policy) struct Actions(u16);

impl Actions {
    const fn bit(action: Action) -> u16 {
        match action {
            Action::Method(Method::Get) => 1,
            Action::Method(Method::Head) => 1 << 1,
            Action::Method(Method::Options) => 1 << 2,
            Action::Method(Method::Post) => 1 << 3,
            Action::Method(Method::Put) => 1 << 4,
            Action::Method(Method::Patch) => 1 << 5,
            Action::Method(Method::Delete) => 1 << 6,
            Action::Read => 1 << 7,
            Action::Write => 1 << 8,
            Action::Upgrade => 1 << 9,
            Action::Preflight => 1 << 10,
        }
    }

    /// All of them.
    pub(in crate::policy) fn all() -> Self {
        Action::all().collect()
    }

    /// The action of this name with those in it.
    pub(in crate::policy) fn of_name(name: &str) -> Self {
        Action::all().filter(|action| action.name() == name || action.group() == Some(name)).collect()
    }

    /// Only the action of exactly this name.
    pub(in crate::policy) fn exactly(name: &str) -> Self {
        Action::all().filter(|action| action.name() == name).collect()
    }

    /// Whether the action is in it.
    pub(in crate::policy) const fn holds(self, action: Action) -> bool {
        self.0 & Self::bit(action) != 0
    }

    /// Whether all of the other's are in it.
    pub(in crate::policy) const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The union.
    pub(in crate::policy) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Its actions in order.
    pub(in crate::policy) fn iter(self) -> impl Iterator<Item = Action> {
        Action::all().filter(move |action| self.holds(*action))
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | Self::bit(action)))
    }
}

/// Everything that has a name.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Names<'a> {
    /// Issuers, devices, routes.
    pub vocabulary: Vocabulary<'a>,
    /// The groups' hierarchy.
    pub groups: &'a Groups,
}

impl<'a> Names<'a> {
    /// The kinds of principals.
    pub(in crate::policy) fn kinds(self) -> impl Iterator<Item = Kind> {
        core::iter::once(Kind::Anonymous).chain((0..self.vocabulary.issuers.len()).map(Kind::Issuer))
    }

    /// The issuer of a kind.
    pub(in crate::policy) fn issuer(self, kind: Kind) -> Option<&'a Issuer> {
        match kind {
            Kind::Anonymous => None,
            Kind::Issuer(place) => self.vocabulary.issuers.get(place),
        }
    }

    /// The entity type of a kind's principals.
    pub(in crate::policy) fn principal_type(self, kind: Kind) -> String {
        self.issuer(kind).map_or_else(
            || ANONYMOUS_TYPE.to_owned(),
            |issuer| format!("{}::{}", issuer.profile.name, issuer.principal.entity_type),
        )
    }

    /// The kind whose principals have this entity type.
    pub(in crate::policy) fn kind_of_type(self, entity_type: &str) -> Option<Kind> {
        self.kinds().find(|kind| self.principal_type(*kind) == entity_type)
    }

    /// The place of the issuer whose groups have this entity type.
    pub(in crate::policy) fn issuer_of_group_type(self, entity_type: &str) -> Option<usize> {
        let namespace = entity_type.strip_suffix(GROUP)?.strip_suffix("::")?;
        self.vocabulary.issuers.iter().position(|issuer| issuer.profile.name.as_str() == namespace)
    }

    /// The kinds of principals who can be in a group: those whose tokens can name it, and those whose groups the
    /// configuration puts into it. `None` for an entity that is not a group.
    pub(in crate::policy) fn members(self, group: &pst::EntityUID) -> Option<BTreeSet<Kind>> {
        let own = self.issuer_of_group_type(&group.ty.to_string())?;
        let lists = self.vocabulary.issuers.get(own).is_some_and(|issuer| issuer.principal.groups.is_some());
        Some(lists.then_some(own).into_iter().chain(self.groups.members_of(group)).map(Kind::Issuer).collect())
    }

    /// The facts whose absence leaves a principal of this kind in no group, outermost first. Empty where every token that is
    /// accepted has the groups claim.
    pub(in crate::policy) fn absent_groups(self, kind: Kind) -> Vec<Vec<String>> {
        let Some((issuer, groups)) =
            self.issuer(kind).and_then(|issuer| Some((issuer, issuer.principal.groups.as_ref()?)))
        else {
            return Vec::new();
        };
        if groups.required {
            return Vec::new();
        }
        let claim = core::iter::once(issuer.profile.name.as_str()).chain(groups.claim.0.iter().map(String::as_str));
        let claim: Vec<String> = claim.map(str::to_owned).collect();
        let optional = self.optional_parts(&claim, kind, &BTreeSet::new());
        let mut absent: Vec<Vec<String>> = optional.into_iter().map(<[String]>::to_vec).collect();
        let parts: Vec<&str> = claim.iter().map(String::as_str).collect();
        // Nothing says that tokens have a claim which is not declared.
        if matches!(self.fact(&parts, &BTreeSet::new()), Lookup::Unknown { .. }) {
            absent.push(claim);
        }
        absent
    }

    /// Every entity type.
    pub(in crate::policy) fn entity_types(self) -> Vec<String> {
        let principals = self.kinds().map(|kind| self.principal_type(kind));
        let groups = self.vocabulary.issuers.iter().map(|issuer| format!("{}::{GROUP}", issuer.profile.name));
        principals.chain(groups).chain(["Application", "Route", "Action"].map(str::to_owned)).collect()
    }

    /// The application of this name.
    pub(in crate::policy) fn application(self, name: &str) -> Option<&'a Application> {
        self.vocabulary.router.applications.iter().find(|application| application.name == name)
    }

    /// The route of this id, `<application>/<route>`.
    pub(in crate::policy) fn route(self, id: &str) -> Option<(&'a Application, &'a Route)> {
        let (application, route) = id.split_once('/')?;
        let application = self.application(application)?;
        application.routes.iter().find(|candidate| candidate.name == route).map(|route| (application, route))
    }

    /// The applications of a document.
    pub(in crate::policy) fn applications_of(
        self,
        document: &'a PolicyDocument,
    ) -> impl Iterator<Item = &'a Application> {
        let applications = self.vocabulary.router.applications.iter();
        applications.filter(move |application| document.applies_to.contains(&application.name))
    }

    /// The kinds that can reach a place that requires this issuer (or none) by an action.
    pub(in crate::policy) fn kinds_reaching(self, issuer: Option<&ProviderName>, action: Action) -> BTreeSet<Kind> {
        if action == Action::Preflight {
            return BTreeSet::from([Kind::Anonymous]);
        }
        match issuer {
            None => self.kinds().collect(),
            Some(name) => {
                let place = self.vocabulary.issuers.iter().position(|issuer| issuer.profile.name == *name);
                place.into_iter().map(Kind::Issuer).collect()
            }
        }
    }

    /// The device provider of this name.
    pub(in crate::policy) fn device(self, name: &str) -> Option<&'a DeviceProvider> {
        self.vocabulary.devices.iter().find(|device| device.profile.name.as_str() == name)
    }

    /// What stands at a path inside `context`, where every kind's and every device's record is taken together.
    pub(in crate::policy) fn fact(self, path: &[&str], parameters: &BTreeSet<&'a str>) -> Lookup<'a> {
        let Some((first, rest)) = path.split_first() else { return Lookup::Record };
        let issuers = self.vocabulary.issuers.iter().map(|issuer| &issuer.profile);
        let profiles = issuers.chain(self.vocabulary.devices.iter().map(|device| &device.profile));
        if let Some(member) = context::member(first) {
            return context_member(member, rest, parameters);
        }
        let Some(profile) = profiles.clone().find(|profile| profile.name.as_str() == *first) else {
            let names = profiles.map(|profile| profile.name.as_str());
            let known = context::members().map(|member| -> &'a str { member.name() }).chain(names).collect();
            return Lookup::Unknown { place: 0, known };
        };
        let own: Vec<&str> =
            DEVICE_FACTS.iter().filter(|_| self.device(first).is_some()).map(|fact| fact.name).collect();
        declared(&profile.facts, &own, rest).deeper()
    }

    /// Whether principals of this kind never have this record of `context`: Anonymous has no facts of any issuer or device,
    /// and nobody has those of another issuer.
    pub(in crate::policy) fn never_has(self, kind: Kind, record: &str) -> bool {
        let issuer = self.vocabulary.issuers.iter().position(|issuer| issuer.profile.name.as_str() == record);
        match issuer {
            Some(place) => kind != Kind::Issuer(place),
            None => kind == Kind::Anonymous && self.device(record).is_some(),
        }
    }

    /// The declared type of the fact at a path inside `context`, `<issuer or device>.<fact>`.
    pub(in crate::policy) fn declared_type(self, path: &[&str]) -> Option<&'a FactType> {
        let (provider, rest) = path.split_first()?;
        let issuers = self.vocabulary.issuers.iter().map(|issuer| &issuer.profile);
        let mut profiles = issuers.chain(self.vocabulary.devices.iter().map(|device| &device.profile));
        let mut fields: &[FactField] = &profiles.find(|profile| profile.name.as_str() == *provider)?.facts;
        let mut found = None;
        for name in rest {
            let fact_type = &fields.iter().find(|field| field.name == *name)?.fact_type;
            fields = if let FactType::Record(inner) = fact_type { inner } else { &[] };
            found = Some(fact_type);
        }
        found
    }

    /// Which parts of a path are evidence that may be absent for this kind, outermost first: claims of scopes are among
    /// them, except where `principal.groups` requires the claim. `certain` are the devices that are there for certain.
    pub(in crate::policy) fn optional_parts<'p>(
        self,
        path: &'p [String],
        kind: Kind,
        certain: &BTreeSet<String>,
    ) -> Vec<&'p [String]> {
        let mut parts = Vec::new();
        let Some((first, rest)) = path.split_first() else { return parts };
        let issuer = self.issuer(kind).filter(|issuer| issuer.profile.name.as_str() == first);
        let device = self.device(first).filter(|_| kind != Kind::Anonymous);
        if let Some(member) = context::member(first) {
            parts.extend(path.get(..1).filter(|_| !member.is_certain()));
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let fact = context::fact_on(&names).filter(|fact| fact.record.is_some() && !fact.is_certain());
            parts.extend(path.get(..2).filter(|_| fact.is_some()));
            return parts;
        }
        if device.is_some() && !certain.contains(first) {
            parts.extend(path.get(..1));
        }
        let listed = issuer.and_then(|issuer| issuer.principal.groups.as_ref()).filter(|groups| groups.required);
        let listed = listed.is_some_and(|groups| groups.claim.0 == rest);
        let profile = issuer.map(|issuer| &issuer.profile).or(device.map(|device| &device.profile));
        let mut fields = profile.map_or(&[][..], |profile| &profile.facts);
        for (name, length) in rest.iter().zip(2_usize..) {
            let Some(field) = fields.iter().find(|field| field.name == *name) else { break };
            // The claim of scopes may be absent although the fact is always there.
            if !field.required || field.fact_type == FactType::Scopes && !listed {
                parts.extend(path.get(..length));
            }
            fields = match &field.fact_type {
                FactType::Record(inner) => inner,
                _ => &[],
            };
        }
        parts
    }
}

/// What a path inside `context` leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Lookup<'a> {
    /// A value without members.
    Leaf,
    /// A record.
    Record,
    /// The part at this place does not exist.
    Unknown {
        /// Which part, from 0.
        place: usize,
        /// What could stand there; empty where nothing can.
        known: Vec<&'a str>,
    },
}

impl Lookup<'_> {
    fn deeper(self) -> Self {
        match self {
            Self::Unknown { place, known } => Self::Unknown { place: place.saturating_add(1), known },
            other => other,
        }
    }
}

fn leaf<'a>(rest: &[&str]) -> Lookup<'a> {
    if rest.is_empty() { Lookup::Leaf } else { Lookup::Unknown { place: 1, known: Vec::new() } }
}

fn members<'a>(rest: &[&str], known: &[&'a str], inner: impl Fn(&[&str]) -> Lookup<'a>) -> Lookup<'a> {
    match rest.split_first() {
        None => Lookup::Record,
        Some((name, rest)) if known.contains(name) => inner(rest).deeper(),
        Some(_) => Lookup::Unknown { place: 1, known: known.to_vec() },
    }
}

fn context_member<'a>(member: ContextMember, rest: &[&str], parameters: &BTreeSet<&'a str>) -> Lookup<'a> {
    let ContextMember::Record(_, facts) = member else { return leaf(rest) };
    let known: Vec<&str> = facts.iter().map(|fact| fact.name).collect();
    let parameterized = facts.iter().find(|fact| fact.of == ContextType::PathParameters).map(|fact| fact.name);
    match rest.split_first() {
        Some((name, rest)) if Some(*name) == parameterized => {
            let known: Vec<&str> = parameters.iter().copied().collect();
            members(rest, &known, leaf).deeper()
        }
        _ => members(rest, &known, leaf),
    }
}

fn declared<'a>(fields: &'a [FactField], own: &[&'a str], rest: &[&str]) -> Lookup<'a> {
    let Some((name, rest)) = rest.split_first() else { return Lookup::Record };
    if own.contains(name) {
        return leaf(rest);
    }
    let Some(field) = fields.iter().find(|field| field.name == *name) else {
        let known = fields.iter().map(|field| field.name.as_str()).chain(own.iter().copied());
        return Lookup::Unknown { place: 0, known: known.collect() };
    };
    match &field.fact_type {
        FactType::Record(inner) => declared(inner, &[], rest).deeper(),
        _ => leaf(rest),
    }
}

/// The path from `context` that an expression reads, outermost first, if it is nothing but that.
pub(in crate::policy) fn context_path(expression: &pst::Expr) -> Option<Vec<&str>> {
    let mut path = Vec::new();
    let mut current = expression;
    loop {
        match current {
            pst::Expr::GetAttr { expr, attr } => {
                path.push(attr.as_str());
                current = expr;
            }
            pst::Expr::Var(pst::Var::Context) => {
                path.reverse();
                return Some(path);
            }
            _ => return None,
        }
    }
}

/// The methods by name, for messages.
pub(in crate::policy) fn method_names() -> impl Iterator<Item = &'static str> {
    RequestMethod::all().map(RequestMethod::name)
}
