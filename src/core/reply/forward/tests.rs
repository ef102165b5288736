//! What an upstream gets to read.

use std::collections::{BTreeMap, BTreeSet};

use super::{Known, Place, Rules, fact_text};
use crate::identity::{Binding, DeviceEvidence, DeviceFacts, Principal, VerifiedPrincipal};
use crate::identity_header::{IdentityHeader, IdentitySource};
use crate::mode::Mode;
use crate::portable;
use crate::profile::{FactRecord, FactValue, Forward};
use crate::provider::ProviderName;
use crate::reply::Forwarding;
use crate::request::Request;
use crate::stripped::{HeaderRules, Pattern};
use crate::telemetry::DecisionId;
use crate::time::{Seconds, UnixSeconds};

type Field<'a> = (&'a str, &'a [u8]);
type Devices = BTreeMap<ProviderName, DeviceEvidence>;

fn corp() -> ProviderName {
    ProviderName::new("corp")
}

fn mdm() -> ProviderName {
    ProviderName::new("mdm")
}

fn string(text: &str) -> FactValue {
    FactValue::String(text.to_owned())
}

fn alice(groups: &[&str], facts: FactRecord) -> Principal {
    Principal::Verified(VerifiedPrincipal {
        issuer: corp(),
        entity_type: "User".to_owned(),
        id: "zoë, 100%\r\n".to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        facts,
        payload: br#"{"sub":"zo"}"#.to_vec(),
        binding: Binding::Bearer,
        expires: None,
    })
}

fn fresh(facts: FactRecord) -> Devices {
    let facts = DeviceFacts { facts, bound: true, age: Seconds::new(1) };
    BTreeMap::from([(mdm(), DeviceEvidence::Verified(facts))])
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

/// What is removed of these fields for this caller.
struct Case {
    mode: Mode,
    posture_forward: Forward,
    issuer_forward: Option<Forward>,
    principal: Principal,
    devices: Devices,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            posture_forward: Forward::Never,
            issuer_forward: None,
            principal: Principal::Anonymous,
            devices: BTreeMap::new(),
        }
    }
}

impl Case {
    fn forwarding(&self, fields: &[Field]) -> Forwarding {
        let provider = mdm();
        let identity_headers =
            [IdentityHeader { name: "x-mail".to_owned(), source: IdentitySource::Payload { issuer: corp() } }];
        let rules = Rules {
            posture: vec![Place { provider: &provider, header: "x-posture", forward: self.posture_forward }],
            identity_headers: &identity_headers,
            request_headers: &HeaderRules::new(Vec::new(), vec![Pattern::of("x-user-id"), Pattern::of("x-mail*")]),
            mode: self.mode,
        };
        let known = Known { principal: &self.principal, devices: &self.devices };
        let kept = rules.kept(&known, self.issuer_forward);
        let id = DecisionId::derive(&[7; 32], 1, UnixSeconds::new(1_800_000_000));
        rules.forwarding(&Request::for_test(fields), &kept, Vec::new(), &id)
    }

    fn removed(&self, list: &[&str]) -> Vec<String> {
        let fields: Vec<Field> = list.iter().map(|&name| (name, &b"x"[..])).collect();
        self.forwarding(&fields).remove
    }
}

#[portable]
fn identity_headers_of_a_client_never_reach_the_upstream() {
    let spoofed = [
        "x-countersign-principal",
        "x_countersign_principal",
        "x-countersign_subject",
        "x.countersign.issuer",
        "x-countersign-anything",
        "x-mail",
        "x_mail",
        "x-forwarded-user",
        "x_forwarded_user",
        "x-http-method-override",
    ];
    for principal in [Principal::Anonymous, alice(&[], BTreeMap::new())] {
        for mode in [Mode::Enforce, Mode::Shadow] {
            let case = Case { mode, principal: principal.clone(), ..Case::default() };
            let removed: BTreeSet<_> = case.removed(&spoofed).into_iter().collect();
            assert_eq!(removed, names(&spoofed).into_iter().collect());
        }
    }
}

#[portable]
fn what_is_kept_goes_on_unless_it_is_one_of_our_own_names() {
    assert_eq!(
        Case::default().removed(&["x-user-id", "x_user_id", "x-mail", "x-mailer"]),
        names(&["x-mail", "x_user_id"])
    );
}

#[portable]
fn ordinary_fields_stay_and_a_repeated_name_is_removed_once() {
    let case = Case::default();
    assert_eq!(case.removed(&["accept", "cookie", "x-request-id", "x-mailer"]), names(&[]));
    assert_eq!(case.removed(&["x-mail", "accept", "x-mail"]), names(&["x-mail"]));
}

#[portable]
fn a_token_goes_on_only_if_it_was_verified_and_is_forwarded() {
    for (issuer_forward, removed) in
        [(None, &["authorization"][..]), (Some(Forward::Never), &["authorization"]), (Some(Forward::Verified), &[])]
    {
        let case = Case { issuer_forward, ..Case::default() };
        assert_eq!(case.removed(&["authorization"]), names(removed), "{issuer_forward:?}");
    }
}

#[portable]
fn other_spellings_of_a_place_of_evidence_are_removed_even_if_the_evidence_goes_on() {
    let case = Case {
        posture_forward: Forward::Verified,
        issuer_forward: Some(Forward::Verified),
        principal: alice(&[], BTreeMap::new()),
        devices: fresh(BTreeMap::new()),
        ..Case::default()
    };
    let removed =
        case.removed(&["authorization", "x-posture", "x_posture", "proxy-authorization", "proxy_authorization"]);
    assert_eq!(removed, names(&["proxy-authorization", "proxy_authorization", "x_posture"]));
}

#[portable]
fn posture_goes_on_only_if_it_was_verified_and_is_forwarded() {
    let stale = BTreeMap::from([(mdm(), DeviceEvidence::Stale { age: Seconds::new(9) })]);
    let missing = BTreeMap::from([(mdm(), DeviceEvidence::Missing)]);
    for (posture_forward, devices, removed) in [
        (Forward::Verified, fresh(BTreeMap::new()), false),
        (Forward::Never, fresh(BTreeMap::new()), true),
        (Forward::Verified, stale, true),
        (Forward::Verified, missing, true),
        (Forward::Verified, BTreeMap::new(), true),
    ] {
        let case = Case { posture_forward, devices, ..Case::default() };
        assert_eq!(!case.removed(&["x-posture"]).is_empty(), removed);
    }
}

#[portable]
fn a_rehearsal_leaves_evidence_as_it_came_unless_it_is_never_forwarded() {
    let case = Case { mode: Mode::Shadow, posture_forward: Forward::Verified, ..Case::default() };
    assert_eq!(case.removed(&["authorization", "x-posture", "x_posture"]), names(&["x_posture"]));
    let case = Case { mode: Mode::Shadow, issuer_forward: Some(Forward::Never), ..Case::default() };
    assert_eq!(case.removed(&["authorization", "x-posture"]), names(&["authorization", "x-posture"]));
}

#[portable]
fn trailers_carry_no_evidence_at_all() {
    let request_headers = HeaderRules::default();
    let rules =
        Rules { posture: Vec::new(), identity_headers: &[], request_headers: &request_headers, mode: Mode::Shadow };
    let trailers = ["authorization", "x-countersign-principal", "grpc-status", "x-checksum"];
    assert_eq!(rules.removed_trailers(trailers), names(&["authorization", "x-countersign-principal"]));
}

#[portable]
fn every_request_carries_the_id_of_its_decision() {
    let set = Case::default().forwarding(&[]).set;
    assert_eq!(set.len(), 1);
    assert!(set.iter().all(|(name, value)| name == "x-countersign-decision-id" && value.len() == 32), "{set:?}");
}

#[portable]
fn an_upgrade_cannot_have_our_headers_removed_further_on() {
    let connection = |value: &[u8], upgrade: bool| {
        let mut fields: Vec<Field> = vec![("connection", value)];
        if upgrade {
            fields.push(("upgrade", b"websocket"));
        }
        let set = Case::default().forwarding(&fields).set;
        set.into_iter().find(|(name, _)| name == "connection").map(|(_, value)| value)
    };
    assert_eq!(connection(b"Upgrade, X-Countersign-Principal", true).as_deref(), Some("upgrade"));
    assert_eq!(connection(b"Upgrade", true), None);
    assert_eq!(connection(b"close, x-countersign-principal", false), None);
}

#[portable]
fn a_verified_caller_is_named_in_encoded_values() {
    let principal = alice(&["a,b", "c"], BTreeMap::new());
    let known = Known { principal: &principal, devices: &BTreeMap::new() };
    let expected = [
        ("x-countersign-principal", r#"corp::User::"zo%C3%AB, 100%25\r\n""#),
        ("x-countersign-subject", "zo%C3%AB, 100%25%0D%0A"),
        ("x-countersign-issuer", "corp"),
        ("x-countersign-groups", "a%2Cb,c"),
    ];
    assert_eq!(known.headers(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[portable]
fn a_caller_without_groups_or_without_a_name_has_no_such_header() {
    let principal = alice(&[], BTreeMap::new());
    let known = Known { principal: &principal, devices: &BTreeMap::new() };
    assert!(known.headers().iter().all(|(name, _)| name != "x-countersign-groups"));
    let known = Known { principal: &Principal::Anonymous, devices: &BTreeMap::new() };
    let anonymous = [("x-countersign-principal".to_owned(), r#"Anonymous::"anonymous""#.to_owned())];
    assert_eq!(known.headers(), anonymous);
}

#[portable]
fn an_identity_header_is_set_only_where_its_fact_is_there() {
    let nested = BTreeMap::from([("city".to_owned(), string("Köln"))]);
    let facts =
        BTreeMap::from([("email".to_owned(), string("a@example.com")), ("home".to_owned(), FactValue::Record(nested))]);
    let principal = alice(&[], facts);
    let devices = fresh(BTreeMap::from([("score".to_owned(), FactValue::Long(-7))]));
    let known = Known { principal: &principal, devices: &devices };
    let fact = |provider: ProviderName, path: &[&str]| {
        known.value_of(&IdentitySource::Fact { provider, path: path.iter().map(|&name| name.to_owned()).collect() })
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
    let nobody = Known { principal: &Principal::Anonymous, devices: &devices };
    let score = IdentitySource::Fact { provider: mdm(), path: names(&["score"]) };
    assert_eq!(nobody.value_of(&score), None, "posture without a token is tied to nobody");
    assert_eq!(known.value_of(&IdentitySource::Payload { issuer: corp() }).as_deref(), Some("eyJzdWIiOiJ6byJ9"));
    assert_eq!(known.value_of(&IdentitySource::Payload { issuer: ProviderName::new("other") }), None);
}

#[portable]
fn facts_have_one_text_form_each() {
    let list = FactValue::List(vec![string("a,b"), FactValue::Bool(true), FactValue::Ip("10.0.0.0/8".to_owned())]);
    assert_eq!(fact_text(&list).as_deref(), Some("a%2Cb,true,10.0.0.0/8"));
    assert_eq!(fact_text(&FactValue::List(vec![FactValue::List(Vec::new())])), None);
    assert_eq!(fact_text(&FactValue::Record(BTreeMap::new())), None);
}
