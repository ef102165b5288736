//! What an upstream learns about the caller.

use std::collections::BTreeMap;

use super::{HeaderChanges, push_fact, push_source, set_built_in};
use crate::identity::{DeviceEvidence, DeviceFacts, Identity, Principal, SenderConstraint, VerifiedPrincipal};
use crate::identity_header::IdentitySource;
use crate::portable;
use crate::profile::{CredentialPlace, FactRecord, FactValue};
use crate::provider::ProviderName;
use crate::time::Seconds;

fn corp() -> ProviderName {
    ProviderName::new("corp")
}

fn mdm() -> ProviderName {
    ProviderName::new("mdm")
}

fn built_in(identity: &Identity) -> Vec<(String, String)> {
    let mut changes = HeaderChanges::removing([]);
    set_built_in(&mut changes, identity);
    changes.all_set().map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned())).collect()
}

fn value_of(identity: &Identity, source: &IdentitySource) -> Option<String> {
    let mut value = String::new();
    push_source(&mut value, identity, source).map(|()| value)
}

fn fact_text(fact: &FactValue) -> Option<String> {
    let mut value = String::new();
    push_fact(&mut value, fact).map(|()| value)
}

fn string(text: &str) -> FactValue {
    FactValue::String(text.to_owned())
}

fn alice(groups: &[&str], facts: FactRecord) -> Principal {
    Principal::Verified(VerifiedPrincipal {
        issuer: corp(),
        entity_type: "User".into(),
        id: "zoë, 100%\r\n".into(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        facts: facts.into(),
        payload: (*br#"{"sub":"zo"}"#).into(),
        place: CredentialPlace::Authorization,
        sender_constraint: SenderConstraint::Bearer,
        expires: None,
    })
}

fn without_device(principal: Principal) -> Identity {
    Identity::for_test(principal, BTreeMap::new())
}

#[portable]
fn a_verified_caller_is_named_in_encoded_values() {
    let identity = without_device(alice(&["a,b", "c"], BTreeMap::new()));
    let expected = [
        ("x-countersign-principal", r#"corp::User::"zo%C3%AB, 100%25\r\n""#),
        ("x-countersign-subject", "zo%C3%AB, 100%25%0D%0A"),
        ("x-countersign-issuer", "corp"),
        ("x-countersign-groups", "a%2Cb,c"),
    ];
    assert_eq!(built_in(&identity), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[portable]
fn a_caller_without_groups_or_without_a_name_has_no_such_header() {
    let identity = without_device(alice(&[], BTreeMap::new()));
    assert!(built_in(&identity).iter().all(|(name, _)| name != "x-countersign-groups"));
    let anonymous = [("x-countersign-principal".to_owned(), r#"Anonymous::"anonymous""#.to_owned())];
    assert_eq!(built_in(&Identity::anonymous()), anonymous);
}

#[portable]
fn an_identity_header_is_set_only_where_its_fact_is_there() {
    let nested = BTreeMap::from([("city".to_owned(), string("Köln"))]);
    let facts =
        BTreeMap::from([("email".to_owned(), string("a@example.com")), ("home".to_owned(), FactValue::Record(nested))]);
    let principal = alice(&[], facts);
    let score = BTreeMap::from([("score".to_owned(), FactValue::Long(-7))]);
    let score = DeviceFacts { facts: score.into(), bound: true, age: Some(Seconds::new(1)), id: None };
    let devices = BTreeMap::from([(mdm(), DeviceEvidence::Verified(score))]);
    let identity = Identity::for_test(principal, devices.clone());
    let fact = |provider: ProviderName, path: &[&str]| {
        let path = path.iter().map(|&name| name.to_owned()).collect();
        value_of(&identity, &IdentitySource::Fact { provider, path })
    };
    assert_eq!(fact(corp(), &["email"]).as_deref(), Some("a@example.com"));
    assert_eq!(fact(corp(), &["home", "city"]).as_deref(), Some("K%C3%B6ln"));
    assert_eq!(fact(mdm(), &["score"]).as_deref(), Some("-7"));
    for (provider, path) in [
        (corp(), &["absent"][..]),
        (corp(), &["home"]),
        (corp(), &["email", "x"]),
        (corp(), &[]),
        (mdm(), &["email"]),
        (ProviderName::new("other"), &["email"]),
    ] {
        assert_eq!(fact(provider, path), None, "{path:?}");
    }
    let anonymous = Identity::for_test(Principal::Anonymous, devices);
    let score = IdentitySource::Fact { provider: mdm(), path: vec!["score".to_owned()] };
    assert_eq!(value_of(&anonymous, &score), None, "posture without a token is tied to no user");
    let payload = |issuer| value_of(&identity, &IdentitySource::Payload { issuer });
    assert_eq!(payload(corp()).as_deref(), Some("eyJzdWIiOiJ6byJ9"));
    assert_eq!(payload(ProviderName::new("other")), None);
}

#[portable]
fn facts_have_one_text_form_each() {
    let list = FactValue::List(vec![string("a,b"), FactValue::Bool(true), FactValue::Ip("10.0.0.0/8".to_owned())]);
    assert_eq!(fact_text(&list).as_deref(), Some("a%2Cb,true,10.0.0.0/8"));
    assert_eq!(fact_text(&FactValue::List(vec![FactValue::List(Vec::new())])), None);
    assert_eq!(fact_text(&FactValue::Record(BTreeMap::new())), None);
}
