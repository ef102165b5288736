//! What counts of what several providers say, and when they speak of two devices.

use std::collections::BTreeMap;

use super::{
    DEVICE_MEMBERS, DeviceMapping, DeviceMember, DeviceMemberType, DeviceStatement, DeviceValue, MappedFact,
    MemberSource, Several, agreed, conflict, device_facts, device_member,
};
use crate::portable;
use crate::profile::facts::version_parts;
use crate::profile::{FactRecord, FactType, FactValue};
use crate::provider::ProviderName;
use crate::time::Seconds;

fn member(name: &str) -> &'static DeviceMember {
    let (record, name) = name.split_once('.').map_or((None, name), |(record, name)| (Some(record), name));
    device_member(record, name).expect("a member")
}

fn text(text: &str) -> FactValue {
    FactValue::String(text.to_owned())
}

fn version(parts: [i64; 4]) -> FactValue {
    let names = ["major", "minor", "patch", "build"];
    FactValue::Record(names.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), FactValue::Long(part))).collect())
}

/// A provider with these facts. Each has the name of the member that it fills.
struct Provider {
    name: ProviderName,
    mapping: DeviceMapping,
    facts: FactRecord,
    age: Option<u64>,
    bound: bool,
}

fn provider(name: &str, facts: &[(&str, FactValue)]) -> Provider {
    let mapped = facts.iter().map(|(name, _)| MappedFact { member: member(name), fact: vec![(*name).to_owned()] });
    Provider {
        name: ProviderName::new(name),
        mapping: DeviceMapping::of(mapped.collect()),
        facts: facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        age: Some(30),
        bound: true,
    }
}

fn said(providers: &[Provider]) -> Vec<DeviceStatement<'_>> {
    let statement = |one: &'_ Provider| (one.age.map(Seconds::new), one.bound);
    providers
        .iter()
        .filter_map(|one| DeviceStatement::of(&one.name, &one.mapping, &one.facts, statement(one)))
        .collect()
}

fn value<'r>(name: &str, said: &[DeviceStatement<'r>]) -> Option<DeviceValue<'r>> {
    agreed(member(name), said.iter().copied())
}

/// What counts of two values, whichever provider comes first.
#[track_caller]
fn counts(name: &str, one: FactValue, other: FactValue, wanted: Option<DeviceValue<'_>>) {
    for (first, second) in [(one.clone(), other.clone()), (other, one)] {
        let providers = [provider("a", &[(name, first)]), provider("b", &[(name, second)])];
        assert_eq!(value(name, &said(&providers)), wanted, "{name}");
    }
}

#[portable]
fn one_provider_is_believed() {
    let facts = [("serial", text("C02")), ("managed", FactValue::Bool(false)), ("os.version", version([14, 9, 0, 0]))];
    let providers = [provider("a", &facts)];
    let said = said(&providers);
    assert_eq!(value("serial", &said), Some(DeviceValue::String("C02")));
    assert_eq!(value("managed", &said), Some(DeviceValue::Bool(false)));
    let Some(DeviceValue::Version(parts)) = value("os.version", &said) else { panic!("no version") };
    assert_eq!(version_parts(parts), Some([14, 9, 0, 0]));
    for absent in ["id", "compliant", "os.type", "score"] {
        assert_eq!(value(absent, &said), None, "{absent}");
    }
    assert_eq!(value("evidence.provider", &said), Some(DeviceValue::String("a")));
    assert_eq!(value("evidence.age_seconds", &said), Some(DeviceValue::Long(30)));
    assert_eq!(value("evidence.bound", &said), Some(DeviceValue::Bool(true)));
}

#[portable]
fn of_several_the_stricter_counts() {
    for name in ["managed", "compliant", "disk_encrypted", "firewall", "screen_lock", "secure_boot", "edr.running"] {
        for (one, other) in [(true, true), (true, false), (false, false)] {
            counts(name, FactValue::Bool(one), FactValue::Bool(other), Some(DeviceValue::Bool(one && other)));
        }
    }
    counts("score", FactValue::Long(70), FactValue::Long(-1), Some(DeviceValue::Long(-1)));
    for name in ["os.type", "risk", "id", "serial"] {
        counts(name, text("a"), text("a"), Some(DeviceValue::String("a")));
        counts(name, text("a"), text("A"), None);
    }
    for (lower, higher) in [
        ([14, 9, 0, 0], [14, 10, 0, 0]),
        ([9, 99, 0, 0], [14, 0, 0, 0]),
        ([14, 9, 1, 0], [14, 9, 2, 0]),
        ([14, 9, 1, 9], [14, 9, 1, 10]),
    ] {
        let FactValue::Record(lowest) = version(lower) else { panic!("a record") };
        counts("os.version", version(lower), version(higher), Some(DeviceValue::Version(&lowest)));
    }
}

#[portable]
fn three_strings_of_which_two_are_alike_are_not_alike() {
    let one = |name: &str, risk: &str| provider(name, &[("risk", text(risk))]);
    let providers = [one("a", "low"), one("b", "high"), one("c", "low")];
    assert_eq!(value("risk", &said(&providers)), None);
}

#[portable]
fn the_oldest_evidence_counts_and_all_of_it_must_be_bound() {
    let at = |name: &str, age: Option<u64>, bound: bool| Provider {
        age,
        bound,
        ..provider(name, &[("managed", FactValue::Bool(true))])
    };
    let evidence = |providers: &[Provider]| {
        let said = said(providers);
        ["evidence.provider", "evidence.age_seconds", "evidence.bound"].map(|name| format!("{:?}", value(name, &said)))
    };
    let none = "None".to_owned();
    let two = evidence(&[at("a", Some(30), true), at("b", Some(90), false)]);
    assert_eq!(two, [none.clone(), "Some(Long(90))".to_owned(), "Some(Bool(false))".to_owned()]);
    // Of an access token the age is not known, so the oldest is not.
    let with_token = evidence(&[at("corp", None, true), at("b", Some(90), true)]);
    assert_eq!(with_token, [none.clone(), none, "Some(Bool(true))".to_owned()]);
    let longest = evidence(&[at("a", Some(u64::MAX), true)]);
    assert_eq!(longest[1], format!("Some(Long({}))", i64::MAX));
}

#[portable]
fn a_provider_that_fills_nothing_says_nothing() {
    let mut silent = provider("a", &[("managed", FactValue::Bool(true))]);
    silent.facts = BTreeMap::new();
    assert!(said(&[silent]).is_empty());
    // A value of another type is not one of the member.
    let wrong = provider("b", &[("managed", text("true")), ("score", text("7"))]);
    assert!(said(&[wrong]).is_empty());
    let nameless = provider("c", &[("serial", text("")), ("id", text(""))]);
    assert!(said(&[nameless]).is_empty(), "an empty id names no device");
    let empty = provider("d", &[("risk", text(""))]);
    assert_eq!(value("risk", &said(&[empty])), Some(DeviceValue::String("")));
}

#[portable]
fn a_fact_inside_of_records_fills_a_member() {
    let inner = FactValue::Record(BTreeMap::from([("is_managed".to_owned(), FactValue::Bool(true))]));
    let mapped = |fact: &[&str]| {
        let fact = fact.iter().map(|&name| name.to_owned()).collect();
        DeviceMapping::of(vec![MappedFact { member: member("managed"), fact }])
    };
    let mut inside = provider("a", &[]);
    inside.facts = BTreeMap::from([("device".to_owned(), inner)]);
    for (fact, wanted) in [
        (&["device", "is_managed"][..], Some(DeviceValue::Bool(true))),
        (&["device"], None),
        (&["device", "is_managed", "more"], None),
        (&["other", "is_managed"], None),
        (&[], None),
    ] {
        inside.mapping = mapped(fact);
        assert_eq!(value("managed", &said(core::slice::from_ref(&inside))), wanted, "{fact:?}");
    }
}

#[portable]
fn two_ids_or_serials_are_two_devices() {
    let one = |name: &str, facts: &[(&str, &str)]| {
        let facts: Vec<(&str, FactValue)> = facts.iter().map(|(name, value)| (*name, text(value))).collect();
        provider(name, &facts)
    };
    let found = |providers: &[Provider]| {
        conflict(said(providers).into_iter())
            .map(|found| (found.member.shown(), found.providers.map(ToString::to_string)))
    };
    let conflict =
        |member: &str, [one, other]: [&str; 2]| Some((member.to_owned(), [one.to_owned(), other.to_owned()]));
    assert_eq!(found(&[one("a", &[("serial", "x")]), one("b", &[("serial", "x")])]), None);
    assert_eq!(found(&[one("a", &[("serial", "x")]), one("b", &[("id", "y")])]), None, "nothing to compare");
    assert_eq!(found(&[one("a", &[("serial", "x")]), one("b", &[("serial", "")])]), None, "b names no device");
    assert_eq!(found(&[one("a", &[("serial", "x")]), one("b", &[("serial", "X")])]), conflict("serial", ["a", "b"]));
    let ids = [one("a", &[("id", "1"), ("serial", "x")]), one("b", &[("id", "2"), ("serial", "x")])];
    assert_eq!(found(&ids), conflict("id", ["a", "b"]));
    let third = [one("a", &[("serial", "x")]), one("b", &[("id", "1")]), one("c", &[("serial", "y")])];
    assert_eq!(found(&third), conflict("serial", ["a", "c"]));
    // Other members may differ.
    assert_eq!(found(&[one("a", &[("risk", "low")]), one("b", &[("risk", "high")])]), None);
}

#[portable]
fn the_rows_are_as_the_record_of_facts_needs_them() {
    let mut seen = std::collections::BTreeSet::new();
    for member in &DEVICE_MEMBERS {
        assert!(seen.insert(member.shown()), "{} is there twice", member.shown());
        // What counts is defined for the type.
        let fits = match member.several {
            Several::Same | Several::Alike => member.of == DeviceMemberType::String,
            Several::All => member.of == DeviceMemberType::Bool,
            Several::Lowest => matches!(member.of, DeviceMemberType::Long | DeviceMemberType::Version),
            Several::Greatest => member.of == DeviceMemberType::Long,
        };
        assert!(fits, "{member:?}");
        assert_eq!(member.record == Some("evidence"), member.source != MemberSource::Fact, "{member:?}");
        assert!(!DEVICE_MEMBERS.iter().any(|other| other.record.is_none() && Some(other.name) == member.record));
    }
    let facts = device_facts(|_| true);
    assert!(facts.iter().all(|fact| !fact.required));
    let records: Vec<&str> = facts
        .iter()
        .filter(|fact| matches!(fact.fact_type, FactType::Record(_)))
        .map(|fact| fact.name.as_str())
        .collect();
    assert_eq!(records, ["os", "edr", "evidence"], "the rows of a record are adjacent");
    assert!(device_facts(|_| false).is_empty());
}
