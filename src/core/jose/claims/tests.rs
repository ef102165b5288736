use serde_json::{Value, json};

use super::{ClaimPath, Claims, Rounding};
use crate::jose::UnverifiedToken;
use crate::limits::{MAX_LIST_ELEMENTS, MAX_TOKEN_JSON_DEPTH, TOKEN_BYTES};
use crate::portable;
use crate::refusal::{Detail, Reason, Refusal};
use crate::testing;
use crate::time::UnixSeconds;

fn path(names: &[&str]) -> ClaimPath {
    ClaimPath(names.iter().map(|name| (*name).to_owned()).collect())
}

fn wrong_type(claim: &str, found: &'static str, wanted: &str) -> Refusal {
    let detail = Detail::Type { claim: claim.to_owned(), found, wanted: wanted.to_owned() };
    Refusal::with(Reason::TokenClaimType, detail)
}

#[portable]
fn a_payload_is_one_strict_json_object() {
    assert!(Claims::parse(br#" {"sub":"a"} "#).is_ok());
    let texts: [&[u8]; 9] = [
        b"",
        b"null",
        b"[]",
        b"\"text\"",
        b"{}{}",
        b"{\"sub\":\"a\",\"sub\":\"b\"}",
        br#"{"a":{"b":1,"\u0062":2}}"#,
        b"{\"sub\":\"\xff\"}",
        b"eyJhbGciOiJFUzI1NiJ9.e30.AA",
    ];
    for text in texts {
        assert_eq!(Claims::parse(text).unwrap_err().reason, Reason::TokenMalformed);
    }
    let of_depth = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(Claims::parse(of_depth(MAX_TOKEN_JSON_DEPTH).as_bytes()).is_ok());
    assert!(Claims::parse(of_depth(MAX_TOKEN_JSON_DEPTH + 1).as_bytes()).is_err());
}

#[portable]
fn a_path_leads_inwards_and_dots_are_part_of_names() {
    let claims = Claims::for_test(json!({ "a": { "b.c": { "d": 1 } }, "a.b": 2, "n": null, "t": "x" }));
    assert_eq!(claims.at(&path(&["a", "b.c", "d"])), Ok(Some(&json!(1))));
    assert_eq!(claims.at(&path(&["a.b"])), Ok(Some(&json!(2))));
    assert_eq!(claims.at(&path(&["n"])), Ok(Some(&Value::Null)));
    assert_eq!(claims.at(&path(&["a", "x", "d"])), Ok(None));
    assert_eq!(claims.at(&path(&["x", "y"])), Ok(None));
    assert_eq!(claims.at(&path(&["t", "y"])), Err(wrong_type("t", "a string", "an object")));
    assert_eq!(
        claims.at(&path(&["a", "b.c", "d", "e"])),
        Err(wrong_type("a > b.c > d", "a whole number", "an object"))
    );
    assert_eq!(claims.at(&path(&["n", "y"])), Err(wrong_type("n", "null", "an object")));
}

#[portable]
fn a_claim_of_another_type_is_never_an_absent_one() {
    for (value, found) in [
        (json!(null), "null"),
        (json!(1), "a whole number"),
        (json!(1.5), "a number with a fraction or beyond 64 bits"),
        (json!(u64::MAX), "a number with a fraction or beyond 64 bits"),
        (json!(true), "a boolean"),
        (json!([]), "a list"),
        (json!({}), "an object"),
        (json!(["a"]), "a list"),
        (json!(vec![1; MAX_LIST_ELEMENTS + 1]), "a list with too many elements"),
    ] {
        let claims = Claims::for_test(json!({ "sub": value }));
        assert_eq!(claims.string("sub"), Err(wrong_type("sub", found, "a string")));
    }
    let claims = Claims::for_test(json!({ "sub": "" }));
    assert_eq!(claims.string("sub"), Ok(Some("")));
    assert_eq!(claims.string("jti"), Ok(None));
}

#[portable]
fn audiences_are_one_text_or_a_list_of_texts() {
    let audiences =
        |value: Value| Claims::for_test(json!({ "aud": value })).audiences().map(|found| found.map(|list| list.len()));
    assert_eq!(Claims::for_test(json!({})).audiences(), Ok(None));
    assert_eq!(Claims::for_test(json!({ "aud": ["a", "b"] })).audiences(), Ok(Some(vec!["a", "b"])));
    assert_eq!(Claims::for_test(json!({ "aud": "a b" })).audiences(), Ok(Some(vec!["a b"])));
    assert_eq!(audiences(json!([])), Ok(Some(0)));
    let either = "a string or a list of strings";
    for (value, claim, found, wanted) in [
        (json!(null), "aud", "null", either),
        (json!(1), "aud", "a whole number", either),
        (json!({ "a": "a" }), "aud", "an object", either),
        (json!(["a", 1]), "aud[]", "a whole number", "a string"),
        (json!([null]), "aud[]", "null", "a string"),
        (json!([["a"]]), "aud[]", "a list", "a string"),
    ] {
        assert_eq!(audiences(value), Err(wrong_type(claim, found, wanted)));
    }
    assert_eq!(audiences(json!(vec!["a"; MAX_LIST_ELEMENTS])), Ok(Some(MAX_LIST_ELEMENTS)));
    let long = audiences(json!(vec!["a"; MAX_LIST_ELEMENTS + 1]));
    assert_eq!(long, Err(wrong_type("aud", "a list with too many elements", either)));
}

#[portable]
fn a_numeric_date_is_a_number_and_its_fraction_goes_where_it_is_told() {
    let time = |value: Value, rounding| Claims::for_test(json!({ "exp": value })).time("exp", rounding);
    let at = |seconds: i64| Ok(Some(UnixSeconds::new(seconds)));
    assert_eq!(time(json!(100.9), Rounding::Down), at(100));
    assert_eq!(time(json!(100.1), Rounding::Up), at(101));
    assert_eq!(time(json!(-100.5), Rounding::Down), at(-101));
    assert_eq!(time(json!(-100.5), Rounding::Up), at(-100));
    for rounding in [Rounding::Down, Rounding::Up] {
        assert_eq!(time(json!(100.0), rounding), at(100));
        assert_eq!(time(json!(-0.0), rounding), at(0));
        assert_eq!(time(json!(9_007_199_254_740_991_i64), rounding), at(9_007_199_254_740_991));
        assert_eq!(time(json!(-9_007_199_254_740_991_i64), rounding), at(-9_007_199_254_740_991));
        let past = [9_007_199_254_740_992_i64, -9_007_199_254_740_992, 9_007_199_254_740_993, i64::MIN, i64::MAX];
        for value in past.map(|past| json!(past)).into_iter().chain([json!(u64::MAX), json!(1e300), json!(-1e300)]) {
            assert_eq!(time(value, rounding).unwrap_err().reason, Reason::TokenClaimType);
        }
        for value in [json!(null), json!("100"), json!(true), json!([100]), json!({})] {
            assert_eq!(time(value, rounding).unwrap_err().reason, Reason::TokenClaimType);
        }
    }
    let text = time(json!("100"), Rounding::Down);
    assert_eq!(text, Err(wrong_type("exp", "a string", "a number of seconds below 2^53")));
    assert_eq!(Claims::for_test(json!({})).time("exp", Rounding::Down), Ok(None));
}

#[portable]
fn a_claim_has_a_value_only_if_it_is_exactly_that_value() {
    let claims = Claims::for_test(json!({ "a": "x", "n": 900, "f": 900.5, "t": true, "l": ["x"], "z": null }));
    for (name, value) in [
        ("a", json!("x")),
        ("n", json!(900)),
        ("n", json!(900.0)),
        ("f", json!(900.5)),
        ("t", json!(true)),
        ("l", json!(["x"])),
        ("z", json!(null)),
    ] {
        assert!(claims.has(name, &value), "{name}");
    }
    for (name, value) in [
        ("a", json!("X")),
        ("a", json!("")),
        ("a", json!(["x"])),
        ("n", json!("900")),
        ("n", json!(901)),
        ("t", json!(1)),
        ("t", json!("true")),
        ("l", json!("x")),
        ("none", json!(null)),
        ("none", json!("")),
    ] {
        assert!(!claims.has(name, &value), "{name}");
    }
    let big = Claims::for_test(json!({ "n": 9_007_199_254_740_993_i64 }));
    assert!(big.has("n", &json!(9_007_199_254_740_993_i64)));
    assert!(!big.has("n", &json!(9_007_199_254_740_992_i64)));
    assert!(!big.has("n", &json!(9_007_199_254_740_992.0)));
}

#[portable]
fn peeking_tells_the_issuer_and_refuses_one_that_is_no_text() {
    let parsed = |changes: Value| {
        let token = testing::token(&testing::claims(changes));
        UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default).ok().unwrap()
    };
    let token = parsed(json!({ "azp": "web" }));
    let claims = token.peek().ok().unwrap();
    assert_eq!(claims.issuer(), Some(testing::ISSUER));
    assert!(claims.has("azp", &json!("web")));
    assert_eq!(parsed(json!({ "iss": null })).peek().ok().unwrap().issuer(), None);
    assert_eq!(parsed(json!({ "iss": 1 })).peek().err(), Some(wrong_type("iss", "a whole number", "a string")));
}
