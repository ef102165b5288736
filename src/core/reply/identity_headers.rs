//! The header fields that tell the upstream who calls, with values from a verified identity alone.

use std::borrow::Cow;

use super::header_changes::HeaderChanges;
use super::header_value::{push_list, push_value};
use crate::identity::{DeviceEvidence, Identity, Principal, VerifiedPrincipal};
use crate::identity_header::{IdentityHeader, IdentitySource};
use crate::jose::base64url;
use crate::profile::{FactRecord, FactValue};
use crate::provider::ProviderName;
use crate::telemetry::cedar_notation;

/// Sets `x-countersign-*`, without the decision's id.
pub(super) fn set_built_in(changes: &mut HeaderChanges, identity: &Identity) {
    let principal = cedar_notation(identity.principal());
    let mut set = |name: &str, text: &str| {
        changes.set(name, |value| {
            push_value(value, text);
            Some(())
        });
    };
    set("x-countersign-principal", &principal);
    if let Ok(workload) = identity.workload() {
        set("x-countersign-workload", workload.id());
    }
    let Some(verified) = verified(identity) else { return };
    set("x-countersign-subject", &verified.id);
    set("x-countersign-issuer", verified.issuer.as_str());
    if !verified.groups.is_empty() {
        changes.set("x-countersign-groups", |value| {
            push_list(value, verified.groups.iter());
            Some(())
        });
    }
}

/// Sets the configured headers whose facts this identity has.
pub(super) fn set_configured(changes: &mut HeaderChanges, identity: &Identity, headers: &[IdentityHeader]) {
    for IdentityHeader { name, source } in headers {
        changes.set(name, |value| push_source(value, identity, source));
    }
}

/// Writes what a header carries; `None` if this identity does not have it.
fn push_source(value: &mut String, identity: &Identity, source: &IdentitySource) -> Option<()> {
    match source {
        IdentitySource::Payload { issuer } => {
            let verified = verified(identity).filter(|verified| verified.issuer == *issuer)?;
            value.push_str(&base64url::encode(&verified.payload));
            Some(())
        }
        IdentitySource::Fact { provider, path } => {
            let (last, records) = path.split_last()?;
            let mut facts = facts_of(identity, provider)?;
            for name in records {
                let FactValue::Record(inner) = facts.get(name)? else { return None };
                facts = inner;
            }
            push_fact(value, facts.get(last)?)
        }
    }
}

fn facts_of<'a>(identity: &'a Identity, provider: &ProviderName) -> Option<&'a FactRecord> {
    // Posture without a token is tied to no user, and policies do not see it either.
    let verified = verified(identity)?;
    if verified.issuer == *provider {
        return Some(&verified.facts);
    }
    match identity.devices().get(provider)? {
        DeviceEvidence::Verified(device) => Some(&device.facts),
        DeviceEvidence::Missing | DeviceEvidence::Disregarded { .. } | DeviceEvidence::Stale { .. } => None,
    }
}

fn verified(identity: &Identity) -> Option<&VerifiedPrincipal> {
    match identity.principal() {
        Principal::Anonymous | Principal::Workload(_) => None,
        Principal::Verified(verified) => Some(verified),
    }
}

/// Writes the value of a header field for a fact; `None` for records, which have no string form.
fn push_fact(value: &mut String, fact: &FactValue) -> Option<()> {
    match fact {
        FactValue::List(elements) => {
            let texts: Option<Vec<Cow<'_, str>>> = elements.iter().map(scalar_text).collect();
            push_list(value, texts?);
        }
        scalar => push_value(value, &scalar_text(scalar)?),
    }
    Some(())
}

fn scalar_text(value: &FactValue) -> Option<Cow<'_, str>> {
    match value {
        FactValue::String(text) | FactValue::Ip(text) => Some(Cow::Borrowed(text)),
        FactValue::Long(number) => Some(Cow::Owned(number.to_string())),
        FactValue::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        FactValue::List(_) | FactValue::Record(_) => None,
    }
}

#[cfg(test)]
mod tests;
