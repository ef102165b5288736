//! `context.device` as a whole record. Of the plugin's evaluation it shares the table of the members, and nothing else.

use std::collections::BTreeMap;

use crate::identity::{DeviceEvidence, Identity, VerifiedPrincipal};
use crate::profile::{DEVICE_MEMBERS, DeviceMapping, FactRecord, FactValue, Several};
use crate::provider::ProviderName;

/// The record of one request; `None` if no provider fills a member.
pub(super) fn device_record(
    mappings: &[(ProviderName, DeviceMapping)],
    verified: &VerifiedPrincipal,
    identity: &Identity,
) -> Option<FactRecord> {
    let mut said: BTreeMap<String, Vec<FactValue>> = BTreeMap::new();
    let mut ages = Some(Vec::new());
    for (provider, mapping) in mappings {
        let (facts, age, bound) = if *provider == verified.issuer {
            (&verified.facts, None, true)
        } else {
            let Some(DeviceEvidence::Verified(device)) = identity.devices().get(provider) else { continue };
            (&device.facts, device.age.and_then(|age| i64::try_from(age.get()).ok()), device.bound)
        };
        let filled: Vec<(String, FactValue)> = mapping
            .iter()
            .filter_map(|mapped| {
                let value = mapped.fact.iter().try_fold(FactValue::Record((**facts).clone()), |of, name| match of {
                    FactValue::Record(facts) => facts.get(name).cloned(),
                    _ => None,
                })?;
                let is_empty = value == FactValue::String(String::new());
                (!(is_empty && mapped.member.several == Several::Same)).then(|| (mapped.member.shown(), value))
            })
            .collect();
        if filled.is_empty() {
            continue;
        }
        for (member, value) in filled {
            said.entry(member).or_default().push(value);
        }
        said.entry("evidence.provider".to_owned()).or_default().push(FactValue::String(provider.to_string()));
        said.entry("evidence.bound".to_owned()).or_default().push(FactValue::Bool(bound));
        ages = ages.zip(age).map(|(mut ages, age)| {
            ages.push(FactValue::Long(age));
            ages
        });
    }
    if said.is_empty() {
        return None;
    }
    said.extend(ages.map(|ages| ("evidence.age_seconds".to_owned(), ages)));
    let mut device = FactRecord::new();
    for member in &DEVICE_MEMBERS {
        let Some(value) = said.remove(&member.shown()).and_then(|values| counted(member.several, values)) else {
            continue;
        };
        match member.record {
            None => drop(device.insert(member.name.to_owned(), value)),
            Some(record) => {
                let inner = device.entry(record.to_owned()).or_insert_with(|| FactValue::Record(FactRecord::new()));
                if let FactValue::Record(inner) = inner {
                    inner.insert(member.name.to_owned(), value);
                }
            }
        }
    }
    Some(device)
}

/// The value that counts.
fn counted(several: Several, mut values: Vec<FactValue>) -> Option<FactValue> {
    match several {
        Several::Same | Several::Alike => {
            values.dedup();
            (values.len() == 1).then(|| values.pop()).flatten()
        }
        Several::All => Some(FactValue::Bool(values.iter().all(|value| *value == FactValue::Bool(true)))),
        Several::Lowest => values.into_iter().min_by_key(order),
        Several::Greatest => values.into_iter().max_by_key(order),
    }
}

/// By what numbers and versions are ordered.
fn order(value: &FactValue) -> Vec<i64> {
    match value {
        FactValue::Long(number) => vec![*number],
        FactValue::Record(parts) => {
            ["major", "minor", "patch", "build"].iter().filter_map(|part| parts.get(*part)).flat_map(order).collect()
        }
        _ => Vec::new(),
    }
}
