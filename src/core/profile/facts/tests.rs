use cedar_policy::{Context, Entities, EntityUid, Expression, Request, eval_expression};
use serde_json::{Value, json};

use super::{FactField, FactRecord, FactType, FactValue, is_ip};
use crate::jose::{ClaimPath, Claims};
use crate::limits::MAX_LIST_ELEMENTS;
use crate::portable;
use crate::refusal::{Detail, Reason, Refusal};

fn field(name: &str, required: bool, fact_type: FactType) -> FactField {
    FactField { name: name.to_owned(), claim: ClaimPath::of(name), required, fact_type }
}

fn read_all(fields: &[FactField], claims: Value) -> Result<FactRecord, Refusal> {
    FactField::read_all(fields, &Claims::for_test(claims))
}

/// Reads `value` as the required fact `x`.
fn read(fact_type: FactType, value: Value) -> Result<FactValue, Refusal> {
    read_all(&[field("x", true, fact_type)], json!({ "x": value })).map(|mut record| record.remove("x").unwrap())
}

fn missing(path: &str) -> Refusal {
    Refusal::with(Reason::TokenClaimMissing, Detail::Claim(path.to_owned()))
}

fn wrong_type(claim: &str, found: &'static str, wanted: &str) -> Refusal {
    let detail = Detail::Type { claim: claim.to_owned(), found, wanted: wanted.to_owned() };
    Refusal::with(Reason::TokenClaimType, detail)
}

fn list(of: FactType) -> FactType {
    FactType::List(Box::new(of))
}

fn list_or_single(of: FactType) -> FactType {
    FactType::ListOrSingle(Box::new(of))
}

fn texts(texts: &[&str]) -> FactValue {
    FactValue::List(texts.iter().map(|text| FactValue::String((*text).to_owned())).collect())
}

#[portable]
fn a_fact_is_of_exactly_its_declared_type() {
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
    assert_eq!(read(FactType::Long, json!("900")), Err(wrong_type("x", "a string", "long")));
}

#[portable]
fn a_required_fact_must_be_there_and_an_optional_one_may_be_absent_but_not_wrong() {
    let fields = [field("must", true, FactType::String), field("may", false, FactType::Long)];
    let facts = read_all(&fields, json!({ "must": "a", "undeclared": 1 })).unwrap();
    assert_eq!(facts, FactRecord::from([("must".to_owned(), FactValue::String("a".to_owned()))]));
    assert_eq!(read_all(&fields, json!({ "may": 1 })), Err(missing("must")));
    assert_eq!(read_all(&fields, json!({ "must": null })), Err(wrong_type("must", "null", "string")));
    for (wrong, found) in
        [(json!(null), "null"), (json!("1"), "a string"), (json!(1.5), "a number with a fraction or beyond 64 bits")]
    {
        let read = read_all(&fields, json!({ "must": "a", "may": wrong }));
        assert_eq!(read, Err(wrong_type("may", found, "long")));
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
    for (claims, refusal) in [
        (json!({}), missing("device")),
        (json!({ "device": {} }), missing("device > os")),
        (json!({ "device": { "os": {} } }), missing("device > os > name")),
        (json!({ "device": { "os": [] } }), wrong_type("device > os", "a list", "an object")),
        (
            json!({ "device": { "os": { "name": "x", "patched": "yes" } } }),
            wrong_type("device > os > patched", "a string", "bool"),
        ),
    ] {
        assert_eq!(read_all(&fields, claims), Err(refusal));
    }
}

#[portable]
fn a_list_is_taken_at_its_cap_and_refused_one_past_it() {
    let many = "a list with too many elements";
    for (fact_type, wanted) in
        [(list(FactType::Long), "[long]"), (list_or_single(FactType::Long), "[long] or a single long")]
    {
        assert!(read(fact_type.clone(), json!(vec![1; MAX_LIST_ELEMENTS])).is_ok());
        let long = read(fact_type, json!(vec![1; MAX_LIST_ELEMENTS + 1]));
        assert_eq!(long, Err(wrong_type("x", many, wanted)));
    }
    let listed = |count: usize| read(FactType::Scopes, json!(vec!["a"; count]));
    assert!(listed(MAX_LIST_ELEMENTS).is_ok());
    assert_eq!(listed(MAX_LIST_ELEMENTS + 1), Err(wrong_type("x", many, "scopes, one string or a list of strings")));
    let written = |count: usize| read(FactType::Scopes, json!(vec!["a"; count].join(" ")));
    assert!(written(MAX_LIST_ELEMENTS).is_ok());
    assert_eq!(written(MAX_LIST_ELEMENTS + 1), Err(wrong_type("x", "a string", "at most 1000 scopes")));
}

#[portable]
fn scopes_are_the_words_of_one_string_or_the_elements_of_a_list() {
    for (value, words) in [
        (json!("orders.read"), &["orders.read"][..]),
        (json!("profile orders.read"), &["profile", "orders.read"]),
        (json!(" a  b "), &["a", "b"]),
        (json!(""), &[]),
        (json!(" "), &[]),
        (json!([]), &[]),
        (json!(["a", "orders.read"]), &["a", "orders.read"]),
        (json!("a,b https://api.example/x.read !#[]~"), &["a,b", "https://api.example/x.read", "!#[]~"]),
    ] {
        assert_eq!(read(FactType::Scopes, value.clone()), Ok(texts(words)), "{value}");
    }
    for value in
        [json!("a\tb"), json!("a\nb"), json!("a\0"), json!("a\"b"), json!("a\\b"), json!("ä"), json!("a\u{a0}b")]
    {
        let wanted = "scopes of printable ASCII without `\"` and `\\`";
        assert_eq!(read(FactType::Scopes, value.clone()), Err(wrong_type("x", "a string", wanted)), "{value}");
    }
    let one = "one scope, printable ASCII without spaces, `\"` and `\\`";
    for (value, found) in [
        (json!(["a b"]), "a string"),
        (json!(["a", ""]), "a string"),
        (json!([" a"]), "a string"),
        (json!(["a\n"]), "a string"),
        (json!(["ä"]), "a string"),
        (json!([["orders.read"]]), "a list"),
        (json!(["a", 1]), "a whole number"),
        (json!([null]), "null"),
    ] {
        assert_eq!(read(FactType::Scopes, value.clone()), Err(wrong_type("x[]", found, one)), "{value}");
    }
    for (value, found) in [
        (json!(7), "a whole number"),
        (json!(null), "null"),
        (json!(true), "a boolean"),
        (json!({ "a": true }), "an object"),
    ] {
        let refusal = wrong_type("x", found, "scopes, one string or a list of strings");
        assert_eq!(read(FactType::Scopes, value), Err(refusal));
    }
}

#[portable]
fn scopes_without_the_claim_are_the_empty_set() {
    let none = FactRecord::from([("scope".to_owned(), texts(&[]))]);
    assert_eq!(read_all(&[field("scope", true, FactType::Scopes)], json!({})), Ok(none.clone()));
    let realm = FactType::Record(vec![field("scope", true, FactType::Scopes)]);
    let facts = read_all(&[field("realm", true, realm)], json!({ "realm": {} })).unwrap();
    assert_eq!(facts["realm"], FactValue::Record(none));
}

#[portable]
fn scopes_that_are_kept_elsewhere_are_not_the_empty_set() {
    let overage = Err(Refusal::new(Reason::TokenGroupOverage));
    let scopes = |name: &str| vec![field(name, true, FactType::Scopes)];
    for claims in [
        json!({ "_claim_names": { "roles": "src1" } }),
        json!({ "roles": ["a"], "_claim_names": { "roles": "src1" } }),
        json!({ "_claim_names": ["roles"] }),
    ] {
        assert_eq!(read_all(&scopes("roles"), claims.clone()), overage, "{claims}");
        let optional = FactType::Record(scopes("roles"));
        let within = [field("realm", false, optional), field("roles", true, FactType::Scopes)];
        assert_eq!(read_all(&within, claims.clone()), overage, "{claims}");
    }
    let realm = [field("realm", false, FactType::Record(scopes("roles")))];
    assert_eq!(read_all(&realm, json!({ "_claim_names": { "realm": "src1" } })), overage);
    for said in [json!(true), json!("true"), json!(1)] {
        assert_eq!(read_all(&scopes("groups"), json!({ "hasgroups": said.clone() })), overage);
        assert!(read_all(&scopes("roles"), json!({ "hasgroups": said })).is_ok());
    }
    assert!(read_all(&scopes("groups"), json!({ "hasgroups": "false", "_claim_names": { "roles": "src1" } })).is_ok());
    let other = [field("roles", false, list(FactType::String))];
    assert!(read_all(&other, json!({ "_claim_names": { "roles": "src1" } })).is_ok());
}

#[portable]
fn a_single_element_is_the_list_of_it_and_is_never_split() {
    let strings = list_or_single(FactType::String);
    for (value, elements) in [
        (json!("staff"), &["staff"][..]),
        (json!("staff,admin users"), &["staff,admin users"]),
        (json!(""), &[""]),
        (json!(["staff", "admin"]), &["staff", "admin"]),
        (json!([]), &[]),
    ] {
        assert_eq!(read(strings.clone(), value), Ok(texts(elements)));
    }
    let longs = list_or_single(FactType::LongOrText);
    assert_eq!(read(longs.clone(), json!("3")), Ok(FactValue::List(vec![FactValue::Long(3)])));
    assert_eq!(read(longs, json!([4, "5"])), Ok(FactValue::List(vec![FactValue::Long(4), FactValue::Long(5)])));
    for (value, found) in [
        (json!(1), "a whole number"),
        (json!(true), "a boolean"),
        (json!(null), "null"),
        (json!({ "a": "staff" }), "an object"),
    ] {
        let refusal = wrong_type("x", found, "[string] or a single string");
        assert_eq!(read(strings.clone(), value), Err(refusal));
    }
    for element in [json!(["staff"]), json!(1)] {
        let found = if element.is_array() { "a list" } else { "a whole number" };
        assert_eq!(read(strings.clone(), json!([element])), Err(wrong_type("x[]", found, "string")));
    }
}

#[portable]
fn a_boolean_as_text_is_exactly_true_or_false() {
    for (value, truth) in [(json!(true), true), (json!(false), false), (json!("true"), true), (json!("false"), false)] {
        assert_eq!(read(FactType::BoolOrText, value), Ok(FactValue::Bool(truth)));
    }
    for text in ["", "TRUE", "True", "true ", " true", "tru\u{0435}", "yes", "no", "1", "0", "t", "null", "true\0"] {
        let refusal = wrong_type("x", "a string", "bool, also as text");
        assert_eq!(read(FactType::BoolOrText, json!(text)), Err(refusal), "{text}");
    }
    for value in [json!(1), json!(0), json!(null), json!([true]), json!({})] {
        assert_eq!(read(FactType::BoolOrText, value).unwrap_err().reason, Reason::TokenClaimType);
    }
}

#[portable]
fn a_number_as_text_is_exactly_its_decimal_digits() {
    for number in [0, 7, -7, 10, i64::MAX, i64::MIN] {
        assert_eq!(read(FactType::LongOrText, json!(number)), Ok(FactValue::Long(number)));
        assert_eq!(read(FactType::LongOrText, json!(number.to_string())), Ok(FactValue::Long(number)), "{number}");
    }
    let past = ["9223372036854775808", "-9223372036854775809", "18446744073709551615"];
    let odd = [
        "", "+7", "07", "00", "-0", "-07", "- 7", " 7", "7 ", "7.0", "7e0", "0x7", "7_0", "7,0", "٧", "7\0", "--7", "-",
    ];
    for text in past.into_iter().chain(odd) {
        let refusal = wrong_type("x", "a string", "long, also as text");
        assert_eq!(read(FactType::LongOrText, json!(text)), Err(refusal), "{text}");
    }
    for value in [json!(7.0), json!(u64::MAX), json!(true), json!(null), json!([7]), json!({})] {
        assert_eq!(read(FactType::LongOrText, value).unwrap_err().reason, Reason::TokenClaimType);
    }
}

#[portable]
fn a_refusal_holds_types_and_declared_names_and_nothing_of_the_value() {
    let secret = "s3cr3t-value";
    let fields = [
        field("plain", false, FactType::Bool),
        field("listed", false, list(FactType::Long)),
        field("scope", true, FactType::Scopes),
        field("single", false, list_or_single(FactType::Long)),
        field("texted", false, FactType::LongOrText),
        field("inner", false, FactType::Record(vec![field("address", false, FactType::Ip)])),
    ];
    for (claims, told) in [
        (json!({ "plain": secret }), "`plain` is a string, wanted bool"),
        (json!({ "listed": [1, secret] }), "`listed[]` is a string, wanted long"),
        (json!({ "listed": { secret: secret } }), "`listed` is an object, wanted [long]"),
        (json!({ "single": secret }), "`single` is a string, wanted [long] or a single long"),
        (json!({ "texted": secret }), "`texted` is a string, wanted long, also as text"),
        (json!({ "inner": { "address": secret } }), "`inner > address` is a string, wanted ip"),
        (
            json!({ "scope": [[secret]] }),
            "`scope[]` is a list, wanted one scope, printable ASCII without spaces, `\"` and `\\`",
        ),
    ] {
        assert_eq!(read_all(&fields, claims).unwrap_err().detail.to_string(), told);
    }
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

#[portable]
fn a_registered_date_may_have_a_fraction_and_is_rounded_to_the_stricter_side() {
    let declared = |name: &str| vec![field(name, true, FactType::Long).as_registered()];
    let read = |name: &str, value: Value| {
        read_all(&declared(name), json!({ name: value }))
            .map(|facts| facts[name].clone())
            .map_err(|refusal| refusal.reason)
    };
    for (name, rounded) in [("exp", 7), ("iat", 7), ("auth_time", 7), ("updated_at", 7), ("nbf", 8)] {
        assert_eq!(read(name, json!(7.5)), Ok(FactValue::Long(rounded)), "{name}");
        assert_eq!(read(name, json!(7)), Ok(FactValue::Long(7)), "{name}");
        assert_eq!(read(name, json!(7.0)), Ok(FactValue::Long(7)), "{name}");
        assert_eq!(read(name, json!(i64::MAX)), Ok(FactValue::Long(i64::MAX)), "{name}");
        assert_eq!(read(name, json!(9_007_199_254_740_991.0)), Ok(FactValue::Long(9_007_199_254_740_991)), "{name}");
        for wrong in
            [json!(9_007_199_254_740_992.0), json!(-9_007_199_254_740_992.0), json!(1e300), json!("7"), json!(null)]
        {
            assert_eq!(read(name, wrong.clone()), Err(Reason::TokenClaimType), "{name} {wrong}");
        }
    }
    assert_eq!(read("auth_time", json!(-7.5)), Ok(FactValue::Long(-8)));
    assert_eq!(read("nbf", json!(-7.5)), Ok(FactValue::Long(-7)));
    assert_eq!(read("score", json!(7.5)), Err(Reason::TokenClaimType), "no standard says that it is a date");
    let text = FactField { fact_type: FactType::String, ..field("auth_time", true, FactType::Long) };
    assert_eq!(text.clone().as_registered(), text, "as it is declared");
}

#[portable]
fn a_fact_is_read_at_the_place_of_its_claim_and_has_its_own_name() {
    let at = |names: &[&str], required| FactField {
        claim: ClaimPath(names.iter().map(|&name| name.to_owned()).collect()),
        ..field("x", required, FactType::String)
    };
    let claims = json!({
        "x": 1, "a": { "b": { "c": "deep" } }, "a.b.c": "dots", "https://example.com/tenant": "url", "list": [{ "c": "no" }]
    });
    let text = |text: &str| Ok(FactRecord::from([("x".to_owned(), FactValue::String(text.to_owned()))]));
    let read = |field: FactField| read_all(&[field], claims.clone());
    assert_eq!(read(at(&["a", "b", "c"], true)), text("deep"));
    assert_eq!(read(at(&["a.b.c"], true)), text("dots"));
    assert_eq!(read(at(&["https://example.com/tenant"], true)), text("url"));
    for names in [&["a", "c"][..], &["b"], &["A", "b", "c"], &["a", "b", "c "]] {
        assert_eq!(read(at(names, false)), Ok(FactRecord::new()), "{names:?}");
        assert_eq!(read(at(names, true)), Err(missing(&names.join(" > "))));
    }
    // Something on the way that is not an object is not an absent claim, where the fact is optional too.
    for (names, found, so_far) in
        [(&["list", "c"][..], "a list", "list"), (&["a", "b", "c", "d"], "a string", "a > b > c")]
    {
        assert_eq!(read(at(names, false)), Err(wrong_type(so_far, found, "an object")));
    }
    assert_eq!(read(at(&["x"], false)), Err(wrong_type("x", "a whole number", "string")));
}

#[portable]
fn scopes_of_another_name_that_are_kept_elsewhere_are_not_the_empty_set() {
    let scopes = FactField { claim: ClaimPath::of("roles"), ..field("rights", true, FactType::Scopes) };
    let read = |names: Value| read_all(core::slice::from_ref(&scopes), json!({ "_claim_names": names }));
    assert_eq!(read(json!({ "roles": "src1" })).unwrap_err().reason, Reason::TokenGroupOverage);
    assert_eq!(read(json!({ "rights": "src1" })), Ok(FactRecord::from([("rights".to_owned(), texts(&[]))])));
}

#[portable]
fn the_way_to_a_claim_leads_through_records() {
    let inner = field("roles", true, list(FactType::String));
    let outer = field("realm", false, FactType::Record(vec![inner.clone()]));
    let renamed =
        FactField { claim: ClaimPath(vec!["a".to_owned(), "b".to_owned()]), ..field("c", true, FactType::Ip) };
    let fields = [outer.clone(), renamed.clone()];
    let names = |claim: &[&str]| {
        let claim: Vec<String> = claim.iter().map(|&name| name.to_owned()).collect();
        FactField::leading_to(&fields, &claim)
            .map(|way| way.iter().map(|field| field.name.as_str()).collect::<Vec<_>>())
    };
    assert_eq!(names(&["realm", "roles"]), Some(vec!["realm", "roles"]));
    assert_eq!(names(&["realm"]), Some(vec!["realm"]));
    assert_eq!(names(&["a", "b"]), Some(vec!["c"]));
    for claim in [&["c"][..], &["a"], &["a", "b", "c"], &["realm", "x"], &["roles"], &[]] {
        assert_eq!(names(claim), None, "{claim:?}");
    }
}
