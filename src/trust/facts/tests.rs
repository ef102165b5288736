use cedar_policy::{Context, Entities, EntityUid, Expression, Request, eval_expression};
use serde_json::{Value, json};

use super::{FactField, FactRecord, FactType, FactValue, is_ip};
use crate::jose::ClaimSet;
use crate::limits::MAX_LIST_ELEMENTS;
use crate::portable;
use crate::refusal::{Detail, Reason, Refusal};

fn field(name: &str, required: bool, fact_type: FactType) -> FactField {
    FactField { name: name.to_owned(), required, fact_type }
}

fn read_all(fields: &[FactField], claims: Value) -> Result<FactRecord, Refusal> {
    FactField::read_all(fields, &ClaimSet::for_test(claims))
}

/// Reads `value` as the required fact `x`.
fn read(fact_type: FactType, value: Value) -> Result<FactValue, Refusal> {
    read_all(&[field("x", true, fact_type)], json!({ "x": value })).map(|mut record| record.remove("x").unwrap())
}

fn refused(reason: Reason, path: &str) -> Refusal {
    Refusal::with(reason, Detail::Claim(path.to_owned()))
}

#[portable]
fn a_fact_is_of_exactly_its_declared_type() {
    let list = |of| FactType::List(Box::new(of));
    let text = |text: &str| FactValue::String(text.to_owned());
    for (fact_type, value, fact) in [
        (FactType::String, json!(""), text("")),
        (FactType::String, json!("a\0\n\"::é"), text("a\0\n\"::é")),
        (FactType::Long, json!(i64::MAX), FactValue::Long(i64::MAX)),
        (FactType::Long, json!(i64::MIN), FactValue::Long(i64::MIN)),
        (FactType::Bool, json!(false), FactValue::Bool(false)),
        (FactType::Ip, json!("10.0.0.0/8"), FactValue::Ip("10.0.0.0/8".to_owned())),
        (list(FactType::String), json!(["a", "a"]), FactValue::List(vec![text("a"), text("a")])),
        (list(FactType::Long), json!([]), FactValue::List(vec![])),
        (
            list(list(FactType::Bool)),
            json!([[true], []]),
            FactValue::List(vec![FactValue::List(vec![FactValue::Bool(true)]), FactValue::List(vec![])]),
        ),
    ] {
        assert_eq!(read(fact_type, value), Ok(fact));
    }
}

#[portable]
fn nothing_is_converted() {
    let values = [
        json!(null),
        json!("900"),
        json!(900),
        json!(900.0),
        json!(u64::MAX),
        json!(1e300),
        json!(true),
        json!("true"),
        json!([]),
        json!(["a", 1]),
        json!([null]),
        json!({}),
        json!("10.0.0.1"),
    ];
    let taken = |fact_type: FactType| -> Vec<&Value> {
        values.iter().filter(|value| read(fact_type.clone(), (*value).clone()).is_ok()).collect()
    };
    assert_eq!(taken(FactType::String), [&json!("900"), &json!("true"), &json!("10.0.0.1")]);
    assert_eq!(taken(FactType::Long), [&json!(900)]);
    assert_eq!(taken(FactType::Bool), [&json!(true)]);
    assert_eq!(taken(FactType::Ip), [&json!("10.0.0.1")]);
    assert_eq!(taken(FactType::List(Box::new(FactType::String))), [&json!([])]);
    assert_eq!(taken(FactType::Record(vec![])), [&json!({})]);
    assert_eq!(read(FactType::Long, json!("900")), Err(refused(Reason::TokenClaimType, "x")));
}

#[portable]
fn a_required_fact_must_be_there_and_an_optional_one_may_be_absent_but_not_wrong() {
    let fields = [field("must", true, FactType::String), field("may", false, FactType::Long)];
    let facts = read_all(&fields, json!({ "must": "a", "undeclared": 1 })).unwrap();
    assert_eq!(facts, FactRecord::from([("must".to_owned(), FactValue::String("a".to_owned()))]));
    assert_eq!(read_all(&fields, json!({ "may": 1 })), Err(refused(Reason::TokenClaimMissing, "must")));
    assert_eq!(read_all(&fields, json!({ "must": null })), Err(refused(Reason::TokenClaimType, "must")));
    for wrong in [json!(null), json!("1"), json!(1.5)] {
        assert_eq!(
            read_all(&fields, json!({ "must": "a", "may": wrong })),
            Err(refused(Reason::TokenClaimType, "may"))
        );
    }
}

#[portable]
fn records_nest_and_a_refusal_names_the_whole_way() {
    let os = FactType::Record(vec![field("name", true, FactType::String), field("patched", false, FactType::Bool)]);
    let fields = [field("device", true, FactType::Record(vec![field("os", true, os)]))];
    let facts = read_all(&fields, json!({ "device": { "os": { "name": "x", "other": 1 } } })).unwrap();
    let os = FactRecord::from([("name".to_owned(), FactValue::String("x".to_owned()))]);
    let device = FactRecord::from([("os".to_owned(), FactValue::Record(os))]);
    assert_eq!(facts, FactRecord::from([("device".to_owned(), FactValue::Record(device))]));
    for (claims, reason, path) in [
        (json!({}), Reason::TokenClaimMissing, "device"),
        (json!({ "device": {} }), Reason::TokenClaimMissing, "device > os"),
        (json!({ "device": { "os": {} } }), Reason::TokenClaimMissing, "device > os > name"),
        (json!({ "device": { "os": [] } }), Reason::TokenClaimType, "device > os"),
        (
            json!({ "device": { "os": { "name": "x", "patched": "yes" } } }),
            Reason::TokenClaimType,
            "device > os > patched",
        ),
    ] {
        assert_eq!(read_all(&fields, claims), Err(refused(reason, path)));
    }
}

#[portable]
fn a_list_is_taken_at_its_cap_and_refused_one_past_it() {
    let list = FactType::List(Box::new(FactType::Long));
    assert!(read(list.clone(), json!(vec![1; MAX_LIST_ELEMENTS])).is_ok());
    assert_eq!(read(list, json!(vec![1; MAX_LIST_ELEMENTS + 1])), Err(refused(Reason::TokenClaimType, "x")));
}

/// Whether Cedar's own `ip()` takes the text.
fn cedar_takes(text: &str) -> bool {
    let anyone: EntityUid = r#"A::"a""#.parse().unwrap();
    let request = Request::new(anyone.clone(), anyone.clone(), anyone, Context::empty(), None).unwrap();
    let call = Expression::new_ip(text);
    eval_expression(&request, &Entities::empty(), &call).is_ok()
}

#[portable]
fn an_ip_is_what_cedar_takes_and_has_one_meaning() {
    for text in [
        "0.0.0.0",
        "10.1.2.3",
        "255.255.255.255",
        "10.0.0.0/0",
        "10.0.0.0/8",
        "10.0.0.1/32",
        "::",
        "::1",
        "2001:db8::1",
        "2001:DB8::/32",
        "::/0",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    ] {
        assert!(is_ip(text) && cedar_takes(text), "{text}");
    }
    for text in [
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0.0/ 8",
        "::/129",
        "::/0128",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "10.0.0.1 ",
        " 10.0.0.1",
        "10.0.0.1\0",
        "0x0a.0.0.1",
        "167772161",
        "fe80::1%eth0",
        "[::1]",
        "::1%",
        "1:2:3",
        "example.com",
        "10.0.0.1:443",
        "::10.0.0.1",
        "::ffff:10.0.0.1",
        "2001:db8::10.0.0.1/96",
    ] {
        assert!(!is_ip(text) && !cedar_takes(text), "{text}");
    }
    // Cedar takes this one, and finds it in no IPv4 range.
    assert!(!is_ip("::ffff:a00:1") && cedar_takes("::ffff:a00:1"));
}
