//! The header fields that tell the upstream who calls, with values from a verified identity alone.

use super::header_value::{encode, encode_list};
use crate::identity::{DeviceEvidence, Identity, Principal, VerifiedPrincipal};
use crate::identity_header::{IdentityHeader, IdentitySource};
use crate::jose::base64url;
use crate::profile::{FactRecord, FactValue};
use crate::provider::ProviderName;
use crate::telemetry::cedar_notation;

/// `x-countersign-*`, without the decision's id.
pub(super) fn built_in(identity: &Identity) -> Vec<(String, String)> {
    let mut set = vec![("x-countersign-principal".to_owned(), encode(&cedar_notation(identity.principal())))];
    if let Some(verified) = verified(identity) {
        set.push(("x-countersign-subject".to_owned(), encode(&verified.id)));
        set.push(("x-countersign-issuer".to_owned(), encode(verified.issuer.as_str())));
        if !verified.groups.is_empty() {
            let groups = encode_list(verified.groups.iter().map(String::as_str));
            set.push(("x-countersign-groups".to_owned(), groups));
        }
    }
    set
}

/// The configured headers whose facts this identity has.
pub(super) fn configured(identity: &Identity, headers: &[IdentityHeader]) -> Vec<(String, String)> {
    headers.iter().filter_map(|header| Some((header.name.clone(), value_of(identity, &header.source)?))).collect()
}

fn value_of(identity: &Identity, source: &IdentitySource) -> Option<String> {
    match source {
        IdentitySource::Payload { issuer } => verified(identity)
            .filter(|verified| verified.issuer == *issuer)
            .map(|verified| base64url::encode(&verified.payload)),
        IdentitySource::Fact { provider, path } => {
            let (last, records) = path.split_last()?;
            let mut facts = facts_of(identity, provider)?;
            for name in records {
                let FactValue::Record(inner) = facts.get(name)? else { return None };
                facts = inner;
            }
            fact_text(facts.get(last)?)
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
        DeviceEvidence::Missing | DeviceEvidence::Stale { .. } => None,
    }
}

fn verified(identity: &Identity) -> Option<&VerifiedPrincipal> {
    match identity.principal() {
        Principal::Anonymous => None,
        Principal::Verified(verified) => Some(verified),
    }
}

/// The value of a header field for a fact; `None` for records, which have no string form.
fn fact_text(value: &FactValue) -> Option<String> {
    match value {
        FactValue::List(elements) => {
            let texts: Option<Vec<String>> = elements.iter().map(scalar_text).collect();
            texts.map(|texts| encode_list(texts.iter().map(String::as_str)))
        }
        scalar => scalar_text(scalar).map(|text| encode(&text)),
    }
}

fn scalar_text(value: &FactValue) -> Option<String> {
    match value {
        FactValue::String(text) | FactValue::Ip(text) => Some(text.clone()),
        FactValue::Long(number) => Some(number.to_string()),
        FactValue::Bool(truth) => Some(truth.to_string()),
        FactValue::List(_) | FactValue::Record(_) => None,
    }
}

#[cfg(test)]
mod tests;
