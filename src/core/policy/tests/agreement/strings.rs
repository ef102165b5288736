//! Strings: every pair of those that the functions of extension types are tried with, and every short pattern on every short
//! text.

use serde_json::json;

use super::typed::{DATETIMES, DECIMALS, DURATIONS, IPS};
use super::untyped::ODD;
use super::{Parsed, entities};

#[test]
fn functions_accept_the_strings_that_cedar_accepts_and_give_its_values() {
    let entities = entities();
    for (function, strings, conditions) in [
        ("ip", &IPS[..], &["{1} == {2}", "{1}.isInRange({2})", "{1}.isLoopback() || {2}.isMulticast()"][..]),
        ("decimal", &DECIMALS[..], &["{1} == {2}", "{1}.lessThan({2})"]),
        ("datetime", &DATETIMES[..], &["{1} < {2}", "{1}.toTime() <= {2}.toTime()", "{1}.toDate() == {2}.toDate()"]),
        ("duration", &DURATIONS[..], &["{1} < {2}", "{1}.toDays() == {2}.toDays()", "{1}.toHours() < {2}.toMinutes()"]),
    ] {
        let mut outcomes = std::collections::BTreeSet::new();
        let all: Vec<&str> = strings.iter().chain(&ODD).copied().collect();
        for condition in conditions {
            for one in &all {
                // One that is refused gives an error with any other, so the first other shows it.
                let others = if strings.contains(one) { &all[..] } else { &all[..1] };
                for other in others {
                    let call = |text: &str| format!("{function}(\"{text}\")");
                    let condition = condition.replace("{1}", &call(one)).replace("{2}", &call(other));
                    let policy = Parsed::new(&format!("permit (principal, action, resource) when {{ {condition} }};"));
                    outcomes.insert(policy.agreed("U::\"a\"", json!({}), &entities));
                }
            }
        }
        assert_eq!(outcomes.len(), 3, "{function}: {outcomes:?}");
    }
}

#[test]
fn every_short_pattern_matches_the_short_texts_that_it_matches_in_cedar() {
    let entities = entities();
    let words = |letters: [&str; 3], longest: u32| {
        let lengths = (0..=longest).flat_map(|length| (0..3_usize.pow(length)).map(move |number| (length, number)));
        lengths
            .map(|(length, number)| {
                (0..length).map(|place| letters[(number / 3_usize.pow(place)) % 3]).collect::<String>()
            })
            .collect::<Vec<String>>()
    };
    let texts = words(["a", "ä", "*"], 4);
    for pattern in words(["a", "ä", "*"], 4).iter().chain(&words(["\\*", "a", "*"], 3)) {
        let condition = format!("context.text like \"{pattern}\"");
        let policy = Parsed::new(&format!("permit (principal, action, resource) when {{ {condition} }};"));
        for text in &texts {
            policy.agreed("U::\"a\"", json!({ "text": text }), &entities);
        }
    }
}
