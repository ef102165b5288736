//! The bytes of all policies of a configuration: tables of the names that they refer to, then the policies by the requests
//! that they are asked about.
//!
//! Whatever has a name is written by its name, and resolved when it is read: entity types, facts, issuers, devices, actions,
//! applications and routes. So the bytes mean the same in a build whose own tables are longer.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bytes::{Encoded, Malformed, Read, Reader, encode_list, encode_text};
use crate::limits::MAX_POLICIES;
use crate::policy::Vocabulary;
use crate::policy::annotations::Annotations;
use crate::policy::decide::catalog::Catalog;
use crate::policy::decide::facts::{FactName, FactResolver};
use crate::policy::decide::slice::{Applicability, DocumentScope, Slice, SliceKey, Slices};
use crate::policy::decide::{Compiled, Effect, Program};
use crate::policy::kinds::{Actions, PrincipalKind, ResourceScope, WORKLOAD_TYPE};
use crate::policy::program::entity::EntityTypes;
use crate::policy::program::expression::{Rule, Slot, SlotTable as _};
use crate::provider::ProviderName;
use crate::request::Action;
use crate::route::PEER_EVIDENCE;

const UNKNOWN: Malformed = Malformed("a name is not in the configuration");

/// The bytes of a program of this vocabulary.
pub(super) fn encode(program: &Program, vocabulary: Vocabulary<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Program { slices, catalog, facts } = program;
    encode_list(catalog.types.names().collect::<Vec<String>>().iter(), &mut bytes);
    let names = facts.names();
    names.len().encode(&mut bytes);
    names.for_each(|name| encode_fact(name, &mut bytes));
    encode_list(slices.documents().iter(), &mut bytes);
    encode_list(catalog.groups().iter(), &mut bytes);
    let runs: Vec<&[Slice]> = slices.all().chunk_by(|one, next| one.asked == next.asked).collect();
    runs.len().encode(&mut bytes);
    for run in runs {
        if let Some(first) = run.first() {
            encode_asked(&first.asked, vocabulary, &mut bytes);
        }
        let policies: Vec<&Compiled> = run.iter().flat_map(|slice| &slice.policies).collect();
        encode_list(policies.into_iter(), &mut bytes);
    }
    bytes
}

/// The program of these bytes.
///
/// # Errors
/// See [`Malformed`].
pub(super) fn decode(bytes: &[u8], vocabulary: Vocabulary<'_>) -> Read<Program> {
    let mut from = Reader::new(bytes);
    let from = &mut from;
    let names = vocabulary.entity_types();
    let types = EntityTypes::new(names.iter().map(String::as_str));
    from.types = Vec::<String>::decode(from)?.iter().map(|name| types.id(name).ok_or(UNKNOWN)).collect::<Read<_>>()?;
    let mut facts = FactResolver::new(vocabulary);
    from.slots = (0..from.count()?).map(|_| decode_fact(from, &mut facts)).collect::<Read<_>>()?;
    let documents = Vec::<DocumentScope>::decode(from)?;
    let is_known = |name: &String| vocabulary.router.applications.iter().any(|known| known.name == *name);
    if !documents.iter().flat_map(|document| &document.applications).all(is_known) {
        return Err(UNKNOWN);
    }
    let groups = Vec::decode(from)?;
    let mut policies = Vec::new();
    for _ in 0..from.count()? {
        let asked = Arc::new(decode_asked(from, vocabulary, documents.len())?);
        for policy in Vec::<Compiled>::decode(from)? {
            policies.push((SliceKey::of(Arc::clone(&asked), &policy.rule, &types), policy));
        }
        if policies.len() > MAX_POLICIES {
            return Err(Malformed("there are more policies than are accepted"));
        }
    }
    if !from.is_at_end() {
        return Err(Malformed("something follows behind the policies"));
    }
    let catalog = Catalog::compile(vocabulary, types, groups).ok_or(UNKNOWN)?;
    let facts = facts.finish();
    Ok(Program { slices: Slices::compile(policies, documents, &facts), catalog, facts })
}

fn encode_fact(name: FactName<'_>, into: &mut Vec<u8>) {
    match name {
        FactName::InContext(path) => {
            into.push(0);
            encode_texts(path.into_iter(), into);
        }
        FactName::Attribute(name) => {
            into.push(1);
            encode_text(name, into);
        }
    }
}

fn decode_fact(from: &mut Reader<'_>, facts: &mut FactResolver<'_>) -> Read<Slot> {
    let slot = match from.byte()? {
        0 => {
            let path = Vec::<String>::decode(from)?;
            facts.slot(&path.iter().map(String::as_str).collect::<Vec<&str>>())
        }
        1 => facts.attribute(&String::decode(from)?),
        _ => return Err(Malformed("an alternative is not known")),
    };
    slot.ok_or(UNKNOWN)
}

fn encode_texts<'t>(texts: impl ExactSizeIterator<Item = &'t str>, into: &mut Vec<u8>) {
    texts.len().encode(into);
    texts.for_each(|text| encode_text(text, into));
}

fn encode_asked(asked: &Applicability, vocabulary: Vocabulary<'_>, into: &mut Vec<u8>) {
    let Applicability { document, resource, actions, kinds, needs } = asked;
    document.encode(into);
    resource.encode(into);
    let actions: Vec<&str> = actions.iter().map(Action::name).collect();
    encode_texts(actions.into_iter(), into);
    // Anonymous and workloads have no issuer, and no issuer has either of these names.
    let issuer = |kind: &PrincipalKind| match kind {
        PrincipalKind::Workload => WORKLOAD_TYPE,
        kind => vocabulary.issuer(*kind).map_or("", |issuer| issuer.profile.name.as_str()),
    };
    encode_texts(kinds.iter().map(issuer).collect::<Vec<&str>>().into_iter(), into);
    encode_texts(needs.iter().map(ProviderName::as_str).collect::<Vec<&str>>().into_iter(), into);
}

fn decode_asked(from: &mut Reader<'_>, vocabulary: Vocabulary<'_>, documents: usize) -> Read<Applicability> {
    let document = usize::decode(from)?;
    if document >= documents {
        return Err(Malformed("a document is not in the table"));
    }
    let resource = ResourceScope::decode(from)?;
    let action = |name: String| Action::all().find(|action| action.name() == name).ok_or(UNKNOWN);
    let actions = Vec::<String>::decode(from)?.into_iter().map(action).collect::<Read<Actions>>()?;
    let kind = |name: String| match name.as_str() {
        "" => Ok(PrincipalKind::Anonymous),
        WORKLOAD_TYPE if !vocabulary.trust_domains.is_empty() => Ok(PrincipalKind::Workload),
        name => {
            let place = vocabulary.issuers.iter().position(|issuer| issuer.profile.name.as_str() == name);
            place.map(PrincipalKind::Issuer).ok_or(UNKNOWN)
        }
    };
    let kinds = Vec::<String>::decode(from)?.into_iter().map(kind).collect::<Read<BTreeSet<PrincipalKind>>>()?;
    let need = |name: String| {
        if name == PEER_EVIDENCE && !vocabulary.trust_domains.is_empty() {
            return Ok(ProviderName::new(PEER_EVIDENCE));
        }
        let device = vocabulary.devices.iter().find(|device| device.name().as_str() == name);
        device.map(|device| device.name().clone()).ok_or(UNKNOWN)
    };
    let needs = Vec::<String>::decode(from)?.into_iter().map(need).collect::<Read<BTreeSet<ProviderName>>>()?;
    Ok(Applicability { document, resource, actions, kinds, needs })
}

impl Encoded for DocumentScope {
    fn encode(&self, into: &mut Vec<u8>) {
        let Self { applications, must_permit } = self;
        applications.encode(into);
        must_permit.encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { applications: Vec::decode(from)?, must_permit: bool::decode(from)? })
    }
}

impl Encoded for ResourceScope {
    fn encode(&self, into: &mut Vec<u8>) {
        match self {
            Self::Document => into.push(0),
            Self::Application(application) => {
                into.push(1);
                application.encode(into);
            }
            Self::Route(application, route) => {
                into.push(2);
                application.encode(into);
                route.encode(into);
            }
            Self::Nowhere => into.push(3),
        }
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok(match from.byte()? {
            0 => Self::Document,
            1 => Self::Application(String::decode(from)?),
            2 => Self::Route(String::decode(from)?, String::decode(from)?),
            3 => Self::Nowhere,
            _ => return Err(Malformed("an alternative is not known")),
        })
    }
}

impl Encoded for Compiled {
    fn encode(&self, into: &mut Vec<u8>) {
        let Self { annotations, effect, rule } = self;
        annotations.encode(into);
        (*effect == Effect::Forbid).encode(into);
        rule.encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self {
            annotations: Annotations::decode(from)?,
            effect: if bool::decode(from)? { Effect::Forbid } else { Effect::Permit },
            rule: Rule::decode(from)?,
        })
    }
}
