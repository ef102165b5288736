//! Which headers reach the upstream.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{HeaderChanges, HeaderPolicy};
use crate::identity::{DeviceEvidence, DeviceFacts, Identity, Principal, SenderConstraint, VerifiedPrincipal};
use crate::identity_header::{IdentityHeader, IdentitySource};
use crate::mode::Mode;
use crate::portable;
use crate::profile::{
    CredentialPlace, DeviceMapping, DeviceProvider, EvidenceForwarding, Issuer, PostureBinding, PostureSource,
    PostureToken,
};
use crate::provider::ProviderName;
use crate::request::Request;
use crate::stripped::{HeaderRules, Pattern};
use crate::telemetry::DecisionId;
use crate::testing::{self, NOW};
use crate::time::Seconds;

type Field<'a> = (&'a str, &'a [u8]);
type Devices = BTreeMap<ProviderName, DeviceEvidence>;

fn corp() -> ProviderName {
    ProviderName::new("corp")
}

fn mdm() -> ProviderName {
    ProviderName::new("mdm")
}

fn alice() -> Principal {
    Principal::Verified(VerifiedPrincipal {
        issuer: corp(),
        entity_type: "User".into(),
        id: "zoë, 100%\r\n".into(),
        groups: [].into(),
        facts: Rc::default(),
        payload: (*br#"{"sub":"zo"}"#).into(),
        place: CredentialPlace::Authorization,
        sender_constraint: SenderConstraint::Bearer,
        expires: None,
    })
}

fn fresh() -> Devices {
    let facts = DeviceFacts { facts: Rc::default(), bound: true, age: Some(Seconds::new(1)), id: None };
    BTreeMap::from([(mdm(), DeviceEvidence::Verified(facts))])
}

fn decision_id() -> DecisionId {
    DecisionId::derive(&[7; 32], 1, NOW)
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

/// A configuration and a caller.
struct Case {
    mode: Mode,
    posture_forward: EvidenceForwarding,
    issuer_forward: EvidenceForwarding,
    from: Vec<CredentialPlace>,
    principal: Principal,
    devices: Devices,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            posture_forward: EvidenceForwarding::Never,
            issuer_forward: EvidenceForwarding::Verified,
            from: vec![CredentialPlace::Authorization],
            principal: Principal::Anonymous,
            devices: BTreeMap::new(),
        }
    }
}

impl Case {
    fn policy(&self) -> HeaderPolicy {
        let issuer = Issuer { forward: self.issuer_forward, ..testing::issuer("corp", self.from.clone()) };
        let token = PostureToken {
            profile: testing::profile("mdm"),
            header: "x-posture".to_owned(),
            forward: self.posture_forward,
        };
        let device = DeviceProvider {
            source: PostureSource::Token(Box::new(token)),
            bind: PostureBinding::None,
            device: DeviceMapping::default(),
        };
        let identity_headers =
            vec![IdentityHeader { name: "x-mail".to_owned(), source: IdentitySource::Payload { issuer: corp() } }];
        let request_headers = HeaderRules::new(Vec::new(), vec![Pattern::of("x-user-id"), Pattern::of("x-mail*")]);
        HeaderPolicy::compile(&[issuer], &[device], identity_headers, request_headers, self.mode)
    }

    fn identity(&self) -> Identity {
        Identity::for_test(self.principal.clone(), self.devices.clone())
    }

    fn changes(&self, fields: &[Field]) -> HeaderChanges {
        self.policy().changes(&self.identity(), &Request::for_test(fields), &decision_id())
    }

    fn removed(&self, list: &[&str]) -> Vec<String> {
        let fields: Vec<Field> = list.iter().map(|&name| (name, &b"x"[..])).collect();
        self.changes(&fields).removed().map(str::to_owned).collect()
    }

    fn set(&self, fields: &[Field]) -> Vec<(String, String)> {
        self.changes(fields)
            .all_set()
            .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
            .collect()
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
    for principal in [Principal::Anonymous, alice()] {
        for mode in [Mode::Enforce, Mode::Shadow] {
            let case = Case { mode, principal: principal.clone(), ..Case::default() };
            let removed: BTreeSet<_> = case.removed(&spoofed).into_iter().collect();
            assert_eq!(removed, names(&spoofed).into_iter().collect());
        }
    }
}

#[portable]
fn a_kept_header_is_forwarded_unless_its_name_is_one_of_our_own() {
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
fn a_token_is_forwarded_only_if_it_was_verified_and_the_configuration_forwards_it() {
    for (principal, issuer_forward, removed) in [
        (Principal::Anonymous, EvidenceForwarding::Never, &["authorization"][..]),
        (Principal::Anonymous, EvidenceForwarding::Verified, &["authorization"]),
        (alice(), EvidenceForwarding::Never, &["authorization"]),
        (alice(), EvidenceForwarding::Verified, &[]),
    ] {
        let case = Case { principal, issuer_forward, ..Case::default() };
        assert_eq!(case.removed(&["authorization"]), names(removed), "{:?} {issuer_forward:?}", case.principal);
    }
}

#[portable]
fn other_spellings_of_a_header_of_evidence_are_removed_even_if_the_evidence_is_forwarded() {
    let case = Case {
        posture_forward: EvidenceForwarding::Verified,
        issuer_forward: EvidenceForwarding::Verified,
        principal: alice(),
        devices: fresh(),
        ..Case::default()
    };
    let removed =
        case.removed(&["authorization", "x-posture", "x_posture", "proxy-authorization", "proxy_authorization"]);
    assert_eq!(removed, names(&["proxy-authorization", "proxy_authorization", "x_posture"]));
}

#[portable]
fn posture_is_forwarded_only_if_it_was_verified_and_the_configuration_forwards_it() {
    let stale = BTreeMap::from([(mdm(), DeviceEvidence::Stale { age: Seconds::new(9) })]);
    let missing = BTreeMap::from([(mdm(), DeviceEvidence::Missing)]);
    for (posture_forward, devices, removed) in [
        (EvidenceForwarding::Verified, fresh(), false),
        (EvidenceForwarding::Never, fresh(), true),
        (EvidenceForwarding::Verified, stale, true),
        (EvidenceForwarding::Verified, missing, true),
        (EvidenceForwarding::Verified, BTreeMap::new(), true),
    ] {
        let case = Case { posture_forward, devices, ..Case::default() };
        assert_eq!(!case.removed(&["x-posture"]).is_empty(), removed);
    }
}

#[portable]
fn a_rehearsal_leaves_evidence_as_it_came_unless_it_is_never_forwarded() {
    let case = Case { mode: Mode::Shadow, posture_forward: EvidenceForwarding::Verified, ..Case::default() };
    assert_eq!(case.removed(&["authorization", "x-posture", "x_posture"]), names(&["x_posture"]));
    let case =
        Case { mode: Mode::Shadow, principal: alice(), issuer_forward: EvidenceForwarding::Never, ..Case::default() };
    assert_eq!(case.removed(&["authorization", "x-posture"]), names(&["authorization", "x-posture"]));
}

#[portable]
fn trailers_carry_no_evidence_at_all() {
    let policy = HeaderPolicy::compile(&[], &[], Vec::new(), HeaderRules::default(), Mode::Shadow);
    let trailers = ["authorization", "x-countersign-principal", "grpc-status", "x-checksum"];
    assert_eq!(policy.trailers_to_remove(trailers), names(&["authorization", "x-countersign-principal"]));
}

#[portable]
fn every_request_carries_the_id_of_its_decision() {
    let expected = [
        ("x-countersign-principal".to_owned(), r#"Anonymous::"anonymous""#.to_owned()),
        ("x-countersign-decision-id".to_owned(), decision_id().to_string()),
    ];
    assert_eq!(Case::default().set(&[]), expected);
}

#[portable]
fn an_upgrade_cannot_have_our_headers_removed_further_on() {
    let connection = |value: &[u8], upgrade: bool| {
        let mut fields: Vec<Field> = vec![("connection", value)];
        if upgrade {
            fields.push(("upgrade", b"websocket"));
        }
        let set = Case::default().set(&fields);
        set.into_iter().find(|(name, _)| name == "connection").map(|(_, value)| value)
    };
    assert_eq!(connection(b"Upgrade, X-Countersign-Principal", true).as_deref(), Some("upgrade"));
    assert_eq!(connection(b"Upgrade", true), None);
    assert_eq!(connection(b"close, x-countersign-principal", false), None);
}

fn from_cookie() -> Vec<CredentialPlace> {
    let header = CredentialPlace::Header { name: "x-token".into(), prefix: "".into() };
    vec![CredentialPlace::Cookie { name: "IdToken".into() }, header]
}

/// The principal whose token was presented at this place.
fn alice_from(place: &CredentialPlace) -> Principal {
    match alice() {
        Principal::Verified(principal) => Principal::Verified(VerifiedPrincipal { place: place.clone(), ..principal }),
        Principal::Anonymous | Principal::Workload(_) => Principal::Anonymous,
    }
}

#[portable]
fn a_credential_in_a_header_or_cookie_leaves_the_request_like_one_in_authorization() {
    let [cookie, header] = <[_; 2]>::try_from(from_cookie()).unwrap();
    let cookies = ("cookie", &b"a=1; IdToken=x; b=\xff"[..]);
    let left = vec![("cookie".to_owned(), String::from_utf8_lossy(b"a=1; b=\xff").into_owned())];
    let both = |case: &Case, fields: &[Field]| {
        let set = case.set(fields).into_iter().filter(|(name, _)| name == "cookie").collect::<Vec<_>>();
        (case.changes(fields).removed().map(str::to_owned).collect::<Vec<_>>(), set)
    };
    for (mode, principal, forward, kept) in [
        (Mode::Enforce, Principal::Anonymous, EvidenceForwarding::Verified, false),
        (Mode::Enforce, alice_from(&cookie), EvidenceForwarding::Never, false),
        (Mode::Enforce, alice_from(&cookie), EvidenceForwarding::Verified, true),
        (Mode::Enforce, alice_from(&header), EvidenceForwarding::Never, false),
        (Mode::Shadow, Principal::Anonymous, EvidenceForwarding::Never, true),
        (Mode::Shadow, alice_from(&cookie), EvidenceForwarding::Never, false),
    ] {
        let from = from_cookie();
        let case = Case { mode, principal, issuer_forward: forward, from, ..Case::default() };
        let expected = if kept { Vec::new() } else { left.clone() };
        assert_eq!(both(&case, &[cookies]), (Vec::new(), expected), "{mode:?} {:?} {forward:?}", case.principal);
        let alone = both(&case, &[("cookie", b"IdToken=x")]);
        assert_eq!(alone, (names(if kept { &[] } else { &["cookie"] }), Vec::new()), "{mode:?} {forward:?}");
    }
    for (principal, forward, removed) in [
        (Principal::Anonymous, EvidenceForwarding::Verified, &["x-token", "x_token"][..]),
        (alice_from(&header), EvidenceForwarding::Never, &["x-token", "x_token"]),
        (alice_from(&header), EvidenceForwarding::Verified, &["x_token"]),
        (alice_from(&cookie), EvidenceForwarding::Verified, &["x-token", "x_token"]),
    ] {
        let case = Case { principal, issuer_forward: forward, from: from_cookie(), ..Case::default() };
        assert_eq!(case.removed(&["x-token", "x_token"]), names(removed), "{forward:?}");
    }
    let case = Case { from: from_cookie(), ..Case::default() };
    assert_eq!(case.policy().trailers_to_remove(["x-token", "x_token", "x-sum"]), names(&["x-token", "x_token"]));
}

#[portable]
fn cookies_are_left_alone_where_none_is_a_credential_and_removed_whole_where_the_operator_says_so() {
    let fields = [("cookie", &b"IdToken=x; a=1"[..])];
    assert_eq!(Case::default().removed(&["cookie"]), names(&[]));
    assert!(Case::default().set(&fields).iter().all(|(name, _)| name != "cookie"));
    let rules = HeaderRules::new(vec![Pattern::of("cookie")], Vec::new());
    let policy =
        HeaderPolicy::compile(&[testing::issuer("corp", from_cookie())], &[], Vec::new(), rules, Mode::Enforce);
    let changes = policy.changes(&Identity::anonymous(), &Request::for_test(&fields), &decision_id());
    assert_eq!(changes.removed().collect::<Vec<_>>(), ["cookie"]);
    assert!(changes.all_set().all(|(name, _)| name != "cookie"));
}
