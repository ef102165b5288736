//! `context.device` at load: which members the providers of a configuration fill.

use std::sync::LazyLock;

use super::lookup::{Lookup, declared};
use crate::policy::Vocabulary;
use crate::policy::kinds::PrincipalKind;
use crate::profile::{
    DEVICE_MEMBERS, DEVICE_RECORD, DeviceMember, FactField, Issuer, MemberSource, device_facts, mappings,
};

/// All members, as facts.
static ALL: LazyLock<Vec<FactField>> = LazyLock::new(|| device_facts(|_| true));

/// All members as facts, whether anybody fills them or not.
pub(super) fn all_device_facts() -> &'static [FactField] {
    &ALL
}

impl Vocabulary<'_> {
    /// The members of `context.device` that evidence of callers of this kind can fill, as facts: their own token and posture.
    /// A caller without a token has none.
    pub(in crate::policy) fn device_facts_of(self, kind: PrincipalKind) -> Vec<FactField> {
        self.issuer(kind).map_or_else(Vec::new, |own| self.filled_with(core::slice::from_ref(own)))
    }

    /// The members of `context.device` that evidence of some caller can fill, as facts.
    pub(in crate::policy) fn device_facts(self) -> Vec<FactField> {
        self.filled_with(self.issuers)
    }

    fn filled_with(self, issuers: &[Issuer]) -> Vec<FactField> {
        device_facts(|member| mappings(issuers, self.devices).any(|(_, mapping)| mapping.fills(member)))
    }
}

/// What stands at a path inside `context.device`, where the providers fill these members.
pub(super) fn in_device<'a>(filled: &[FactField], path: &[&str]) -> Lookup<'a> {
    match declared(&ALL, &[], path) {
        unknown @ Lookup::Unknown { .. } => unknown.deeper(),
        _ if filled.is_empty() || matches!(declared(filled, &[], path), Lookup::Unknown { .. }) => Lookup::Unfilled,
        known => known,
    }
}

/// What to add to the configuration so that somebody fills the member at this path inside `context.device`.
pub(super) fn mapping_to_add(path: &[&str]) -> String {
    let leads_to = |member: &&DeviceMember| member.path().zip(path).all(|(own, asked)| own == *asked);
    let mapped = |member: &&DeviceMember| member.source == MemberSource::Fact;
    let wanted = DEVICE_MEMBERS.iter().filter(leads_to).find(mapped);
    let Some(member) = wanted.or_else(|| DEVICE_MEMBERS.iter().find(mapped)) else { return String::new() };
    let fact = format!("<a fact of type {}>", member.of.name());
    let mapping = match member.record {
        Some(record) => format!("{{ {record}: {{ {}: {fact} }} }}", member.name),
        None => format!("{{ {}: {fact} }}", member.name),
    };
    format!("add `{DEVICE_RECORD}: {mapping}` to the issuer or device provider that knows it")
}
