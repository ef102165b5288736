//! The names that policies can speak of: kinds of principals, actions, applications, routes, groups, facts.
//!
//! Serves the load. It holds no values of any request.

use std::collections::BTreeSet;

use cedar_policy::pst;

use super::device::{all_device_facts, in_device};
use super::groups::Groups;
use super::lookup::{Lookup, context_member, declared};
use crate::policy::context;
use crate::policy::decide::slice::DocumentScope;
use crate::policy::kinds::{GROUP, PrincipalKind};
use crate::policy::{PolicyDocument, Vocabulary};
use crate::profile::{DEVICE_RECORD, DeviceProvider, FactField, FactType};
use crate::provider::ProviderName;
use crate::request::{Action, RequestMethod};
use crate::route::{Application, PEER_EVIDENCE, Route};

/// Everything that has a name.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Names<'a> {
    /// Issuers, devices, routes.
    pub vocabulary: Vocabulary<'a>,
    /// The groups' hierarchy.
    pub groups: &'a Groups,
}

impl<'a> Names<'a> {
    /// The kind whose principals have this entity type.
    pub(in crate::policy) fn kind_of_type(self, entity_type: &str) -> Option<PrincipalKind> {
        self.vocabulary.kinds().find(|kind| self.vocabulary.principal_type(*kind) == entity_type)
    }

    /// The place of the issuer whose groups have this entity type.
    pub(in crate::policy) fn issuer_of_group_type(self, entity_type: &str) -> Option<usize> {
        let namespace = entity_type.strip_suffix(GROUP)?.strip_suffix("::")?;
        self.vocabulary.issuers.iter().position(|issuer| issuer.profile.name.as_str() == namespace)
    }

    /// The kinds of principals who can be in a group: those whose tokens can name it, and those whose groups the
    /// configuration puts into it. `None` for an entity that is not a group.
    pub(in crate::policy) fn members(self, group: &pst::EntityUID) -> Option<BTreeSet<PrincipalKind>> {
        let own = self.issuer_of_group_type(&group.ty.to_string())?;
        let lists = self.vocabulary.issuers.get(own).is_some_and(|issuer| issuer.principal.groups.is_some());
        Some(lists.then_some(own).into_iter().chain(self.groups.members_of(group)).map(PrincipalKind::Issuer).collect())
    }

    /// The facts whose absence leaves a principal of this kind in no group, outermost first. Empty where every token that is
    /// accepted has the groups claim.
    pub(in crate::policy) fn absent_groups(self, kind: PrincipalKind) -> Vec<Vec<String>> {
        let Some((issuer, groups)) =
            self.vocabulary.issuer(kind).and_then(|issuer| Some((issuer, issuer.principal.groups.as_ref()?)))
        else {
            return Vec::new();
        };
        if groups.required {
            return Vec::new();
        }
        let claim = issuer.profile.context_path(&groups.claim);
        let optional = self.optional_parts(&claim, kind, &BTreeSet::new());
        let mut absent: Vec<Vec<String>> = optional.into_iter().map(<[String]>::to_vec).collect();
        let parts: Vec<&str> = claim.iter().map(String::as_str).collect();
        // Nothing says that tokens have a claim which is not declared.
        if matches!(self.fact(&parts, &BTreeSet::new()), Lookup::Unknown { .. }) {
            absent.push(claim);
        }
        absent
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

    /// Where the policies of a document have a say.
    pub(in crate::policy) fn scope_of(self, document: &'a PolicyDocument) -> DocumentScope {
        let applications = self.applications_of(document).map(|application| application.name.clone()).collect();
        DocumentScope { applications, must_permit: document.must_permit }
    }

    /// The applications of a document.
    pub(in crate::policy) fn applications_of(
        self,
        document: &'a PolicyDocument,
    ) -> impl Iterator<Item = &'a Application> {
        let applications = self.vocabulary.router.applications.iter();
        applications.filter(move |application| document.applies_to.contains(&application.name))
    }

    /// The kinds that can reach a place by an action, where the place requires this issuer or none, and a workload or not.
    pub(in crate::policy) fn kinds_reaching(
        self,
        issuer: Option<&ProviderName>,
        peer: bool,
        action: Action,
    ) -> BTreeSet<PrincipalKind> {
        if action == Action::Preflight {
            return BTreeSet::from([PrincipalKind::Anonymous]);
        }
        match issuer {
            None => self.vocabulary.kinds().filter(|kind| !(peer && *kind == PrincipalKind::Anonymous)).collect(),
            Some(name) => {
                let place = self.vocabulary.issuers.iter().position(|issuer| issuer.profile.name == *name);
                place.into_iter().map(PrincipalKind::Issuer).collect()
            }
        }
    }

    /// The device provider of this name.
    pub(in crate::policy) fn device(self, name: &str) -> Option<&'a DeviceProvider> {
        self.vocabulary.devices.iter().find(|device| device.name().as_str() == name)
    }

    /// What stands at a path inside `context`, where every kind's and every device's record is taken together.
    pub(in crate::policy) fn fact(self, path: &[&str], parameters: &BTreeSet<&'a str>) -> Lookup<'a> {
        let Some((first, rest)) = path.split_first() else { return Lookup::Record };
        if let Some(member) = context::member(first) {
            return context_member(member, rest, parameters);
        }
        if *first == DEVICE_RECORD {
            return in_device(&self.vocabulary.device_facts(), rest);
        }
        let Some((_, facts)) = self.vocabulary.records().find(|(name, _)| name.as_str() == *first) else {
            let names = self.vocabulary.records().map(|(name, _)| name.as_str());
            let known = context::members().map(|member| -> &'a str { member.name() }).chain(names).collect();
            return Lookup::Unknown { place: 0, known };
        };
        let own: Vec<&str> = self.device(first).into_iter().flat_map(context::facts_of).map(|fact| fact.name).collect();
        declared(facts, &own, rest).deeper()
    }

    /// Whether principals of this kind never have this record of `context`: a caller without a token has no facts of any
    /// issuer or device, nor `context.device`, and nobody has those of another issuer.
    pub(in crate::policy) fn never_has(self, kind: PrincipalKind, record: &str) -> bool {
        let issuer = self.vocabulary.issuers.iter().position(|issuer| issuer.profile.name.as_str() == record);
        match issuer {
            Some(place) => kind != PrincipalKind::Issuer(place),
            None => !kind.has_token() && (record == DEVICE_RECORD || self.device(record).is_some()),
        }
    }

    /// The declared type of the fact at a path inside `context`, `<issuer or device>.<fact>`, or of a member of `context.device`.
    pub(in crate::policy) fn declared_type(self, path: &[&str]) -> Option<&'a FactType> {
        let (provider, rest) = path.split_first()?;
        let mut fields: &[FactField] = match *provider {
            DEVICE_RECORD => all_device_facts(),
            provider => self.vocabulary.records().find(|(name, _)| name.as_str() == provider)?.1,
        };
        let mut found = None;
        for name in rest {
            let fact_type = &fields.iter().find(|field| field.name == *name)?.fact_type;
            fields = fact_type.members().unwrap_or_default();
            found = Some(fact_type);
        }
        found
    }

    /// Which parts of a path are evidence that may be absent for this kind, outermost first: claims of scopes are among
    /// them, except where `principal.groups` requires the claim. `certain` are the devices that are there for certain, and
    /// `peer` where the workload is.
    pub(in crate::policy) fn optional_parts<'p>(
        self,
        path: &'p [String],
        kind: PrincipalKind,
        certain: &BTreeSet<String>,
    ) -> Vec<&'p [String]> {
        let mut parts = Vec::new();
        let Some((first, rest)) = path.split_first() else { return parts };
        let issuer = self.vocabulary.issuer(kind).filter(|issuer| issuer.profile.name.as_str() == first);
        let device = self.device(first).filter(|_| kind.has_token());
        let of_workload = kind == PrincipalKind::Workload || certain.contains(PEER_EVIDENCE);
        if let Some(member) = context::member(first) {
            parts.extend(path.get(..1).filter(|_| !member.is_certain(of_workload)));
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let fact = context::fact_on(&names);
            let fact = fact.filter(|fact| fact.record.is_some() && !fact.is_certain(of_workload));
            parts.extend(path.get(..2).filter(|_| fact.is_some()));
            return parts;
        }
        // No member of `context.device` is certain, whatever the route requires: each is optional in what fills it, or can be.
        let of_device = (first == DEVICE_RECORD && kind.has_token()).then(all_device_facts);
        if of_device.is_some() || device.is_some() && !certain.contains(first) {
            parts.extend(path.get(..1));
        }
        let listed = issuer.and_then(|issuer| issuer.principal.groups.as_ref()).filter(|groups| groups.required);
        let listed =
            listed.zip(issuer).is_some_and(|(groups, issuer)| issuer.profile.context_path(&groups.claim) == path);
        let facts = issuer.map(|issuer| issuer.profile.facts.as_slice()).or(device.map(DeviceProvider::facts));
        let mut fields = of_device.or(facts).unwrap_or_default();
        for (name, length) in rest.iter().zip(2_usize..) {
            let Some(field) = fields.iter().find(|field| field.name == *name) else { break };
            // The claim of scopes may be absent although the fact is always there.
            if !field.required || field.fact_type == FactType::Scopes && !listed {
                parts.extend(path.get(..length));
            }
            fields = field.fact_type.members().unwrap_or_default();
        }
        parts
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
