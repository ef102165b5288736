use serde_json::{Value, json};

use super::super::{FactField, FactRecord, FactType, FactValue};
use crate::jose::{ClaimPath, Claims};
use crate::limits::MAX_VERSION_PART_DIGITS;
use crate::portable;
use crate::refusal::{Detail, Reason, Refusal};

fn read(value: Value) -> Result<FactRecord, Refusal> {
    let field = FactField {
        name: "osv".to_owned(),
        claim: ClaimPath::of("osv"),
        required: false,
        fact_type: FactType::version(),
    };
    FactField::read_all(&[field], &Claims::for_test(json!({ "osv": value })))
}

/// The parts of a version that is taken, from the most significant on.
#[track_caller]
fn parts(text: &str) -> [i64; 4] {
    let facts = read(json!(text)).unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"));
    let FactValue::Record(version) = &facts["osv"] else { panic!("{text}: a record") };
    assert_eq!(version.len(), 4, "{text}");
    ["major", "minor", "patch", "build"].map(|name| match version[name] {
        FactValue::Long(part) => part,
        ref other => panic!("{text}: {other:?}"),
    })
}

#[portable]
fn a_version_is_its_numbers_and_parts_that_are_not_written_are_zero() {
    for (text, wanted) in [
        ("15", [15, 0, 0, 0]),
        ("14.9", [14, 9, 0, 0]),
        ("14.10", [14, 10, 0, 0]),
        ("14.10.1", [14, 10, 1, 0]),
        ("10.0.22631.3447", [10, 0, 22_631, 3_447]),
        ("22.04", [22, 4, 0, 0]),
        ("0", [0, 0, 0, 0]),
    ] {
        assert_eq!(parts(text), wanted, "{text}");
    }
}

#[portable]
fn versions_are_ordered_by_their_numbers() {
    let texts = ["9", "14.9", "14.9.99", "14.10", "14.10.1", "14.10.1.2", "15", "100"];
    assert!(texts.map(parts).is_sorted(), "{texts:?}");
    assert!(!texts.is_sorted(), "as text they have another order");
}

#[portable]
fn what_is_not_a_version_is_refused_for_an_optional_fact_too() {
    for text in [
        "",
        ".",
        "14.",
        ".14",
        "14..1",
        "1.2.3.4.5",
        "+14",
        "-14",
        "14.-1",
        " 14",
        "14 ",
        "14. 1",
        "14.10-beta",
        "14_1",
        "v14",
        "macOS 14.10",
        "14,10",
        "0x0e",
        "1e1",
        "１４",
        "14\n",
        "14\0",
    ] {
        assert_eq!(read(json!(text)).map_err(|refusal| refusal.reason), Err(Reason::TokenClaimType), "{text:?}");
    }
    // As a JSON number, 14.10 is 14.1: the zero is lost before anybody reads it.
    for value in [json!(14), json!(14.1), json!(null), json!(true), json!(["14"]), json!({ "major": 14 })] {
        assert_eq!(read(value.clone()).map_err(|refusal| refusal.reason), Err(Reason::TokenClaimType), "{value}");
    }
}

#[portable]
fn a_part_is_taken_at_its_cap_and_refused_one_digit_past_it() {
    let part = "9".repeat(MAX_VERSION_PART_DIGITS);
    assert_eq!(parts(&[part.as_str(); 4].join(".")), [9_999_999_999; 4]);
    for long in [format!("{part}9"), format!("1.2.3.{part}9"), format!("0{part}")] {
        assert_eq!(read(json!(long)).map_err(|refusal| refusal.reason), Err(Reason::TokenClaimType), "{long}");
    }
}

#[portable]
fn the_refusal_says_what_a_version_is_and_not_what_was_sent() {
    let refusal = read(json!("14.10-beta")).expect_err("not a version");
    let wanted = "version, one to four numbers with dots, such as `14.10`".to_owned();
    let told = Detail::Type { claim: "osv".to_owned(), found: "a string", wanted };
    assert_eq!(refusal, Refusal::with(Reason::TokenClaimType, told));
}
