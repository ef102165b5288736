//! Guarantees for the readers of records.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Configured, DecisionRecord, cedar_notation, cut};
use crate::config::Plan;
use crate::identity::{DeviceEvidence, DeviceFacts, Identity, Principal, SenderConstraint, VerifiedPrincipal};
use crate::limits::MAX_RECORD_TEXT_BYTES;
use crate::mode::Mode;
use crate::policy::{Decision, NearMiss, Permit, PolicyId};
use crate::portable;
use crate::profile::CredentialPlace;
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::{Action, Method, PathTemplate, Request, RequestMethod};
use crate::route::{Application, NoRoute, Requires, Route, RouteMatch};
use crate::telemetry::{CacheOutcome, Counter, DecisionId, Handling, Verdict};
use crate::time::{Moment, Seconds, UnixSeconds};

const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);
const POLICIES_DIGEST: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn configure(record: &mut DecisionRecord, mode: Mode) {
    let (digest, policies_digest) = (DIGEST.into(), POLICIES_DIGEST.into());
    record.configured(Configured { digest: &digest, policies_digest: &policies_digest, names_policies: true, mode });
}

fn begin() -> DecisionRecord {
    DecisionRecord::begin(&DecisionId::for_test(*b"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"), NOW)
}

fn principal(id: &str) -> Principal {
    Principal::Verified(VerifiedPrincipal {
        issuer: ProviderName::new("corp"),
        entity_type: "User".into(),
        id: id.into(),
        groups: [].into(),
        facts: Rc::default(),
        payload: [].into(),
        place: CredentialPlace::Authorization,
        sender_constraint: SenderConstraint::Bearer,
        expires: None,
    })
}

fn application() -> Application {
    let route = Route {
        name: "order".to_owned(),
        path: PathTemplate::parse("/orders/{id}").expect("a template"),
        encoded: Vec::new(),
        methods: vec![RequestMethod::Common(Method::Get)],
        action: None,
        requires: Requires::default(),
        resource_metadata: None,
        attributes: Vec::new(),
    };
    Application {
        name: "shop".to_owned(),
        hosts: None,
        requires: Requires::default(),
        resource_metadata: None,
        sign_in: None,
        routes: vec![route],
    }
}

/// A decision that permits, as only policies make it.
fn permitting() -> Decision {
    let configuration = serde_json::json!({
        "version": 1,
        "applications": { "shop": { "hosts": ["shop.example.com"], "routes": {
            "home": { "path": "/", "methods": ["GET"], "requires": [] },
        } } },
        "policies": { "staff": {
            "applies_to": ["shop"],
            "text": "@id(\"read\") permit (principal is Anonymous, action, resource);",
        } },
    });
    let (plan, _) = Plan::compile_value(&configuration).expect("a configuration");
    let request = Request::for_test(&[]);
    let Ok(route) = plan.router.find(&request) else { panic!("no route") };
    plan.policies.decide(&Identity::anonymous(), &request, &route, NOW)
}

fn permit() -> Permit {
    match permitting() {
        Decision::Allow(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn member(record: &DecisionRecord, name: &str) -> serde_json::Value {
    let value: serde_json::Value = serde_json::from_str(&record.to_json()).expect("JSON");
    value.get(name).cloned().unwrap_or_else(|| panic!("no {name}"))
}

#[portable]
fn a_permitted_request_is_recorded_in_full_and_in_order() {
    let application = application();
    let route = application.routes.first().expect("a route");
    let mut record = begin();
    configure(&mut record, Mode::Enforce);
    record.read(&Request::for_test(&[]));
    let action = Action::Method(Method::Get);
    record.routed(&RouteMatch { application: &application, route, action, parameters: BTreeMap::new() });
    record.principal(&principal("alice"));
    let id = Some("laptop-1".into());
    let mdm = DeviceFacts { facts: Rc::default(), bound: true, age: Some(Seconds::new(60)), id };
    record.devices(&BTreeMap::from([
        (ProviderName::new("edr"), DeviceEvidence::Missing),
        (ProviderName::new("mdm"), DeviceEvidence::Verified(mdm)),
        (ProviderName::new("old"), DeviceEvidence::Stale { age: Seconds::new(90_000) }),
    ]));
    let (decision, permit) = (permitting(), permit());
    record.decided(&decision);
    record.permitted(&permit);
    let arrived = Moment::at(NOW);
    let began = arrived.later_by(2_000_000_000);
    record.handled(Handling {
        tokens: Some(CacheOutcome::Hit),
        decision: Some(CacheOutcome::Miss),
        ..Handling::measured(arrived, began, began.later_by(41_999))
    });
    let expected = concat!(
        r#"{"schema_version":1,"decision_id":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","time":1800000000,"#,
        r#""config":"0123456789abcdef","policy_set":"fedcba9876543210","trace_id":null,"mode":"enforce","application":"shop","route":"order","action":"GET","#,
        r#""method":"GET","path":"/orders/{id}","principal":"corp::User::\"alice\"","#,
        r#""authentication":{"issuer":"corp","method":"bearer","binding":"none","place":"header authorization"},"peer":null,"#,
        r#""evidence":{"edr":{"state":"missing","age":null,"bound":null,"device":null,"reason":null,"detail":null},"#,
        r#""mdm":{"state":"verified","age":60,"bound":true,"device":"laptop-1","reason":null,"detail":null},"#,
        r#""old":{"state":"stale","age":90000,"bound":null,"device":null,"reason":"posture-stale","detail":null}},"#,
        r#""decision":"allow","would_deny":null,"reason":"permitted","detail":null,"#,
        r#""policies":["staff/read"],"near_misses":[],"alarms":[],"rehearsal":null,"status":null,"#,
        r#""latency_us":2000041,"waited_us":2000000,"cache":{"tokens":"hit","decision":"miss"}}"#,
    );
    assert_eq!(record.to_json(), expected);
    assert_eq!(
        record.counters().map(|counter| counter.name()).collect::<Vec<_>>(),
        ["countersign.decisions.outcome.allow.reason.permitted.issuer.corp.policy.staff_read"]
    );
}

#[portable]
fn a_record_that_was_not_continued_is_one_of_a_refusal() {
    let record = begin();
    assert_eq!(member(&record, "decision"), "deny");
    assert_eq!(member(&record, "reason"), "not-configured");
    assert_eq!(member(&record, "status"), 503);
    assert!(matches!(record.counters().next(), Some(Counter::Decisions(counter)) if counter.verdict == Verdict::Deny));
}

#[portable]
fn a_refusal_names_its_code_detail_and_status() {
    let mut record = begin();
    configure(&mut record, Mode::Enforce);
    record.refused(&Refusal::with(Reason::HeadersTooLarge, Detail::Size { found: 101, max: 100 }), 400);
    assert_eq!(member(&record, "decision"), "deny");
    assert_eq!(member(&record, "reason"), "headers-too-large");
    assert_eq!(member(&record, "detail"), "101, at most 100");
    assert_eq!(member(&record, "status"), 400);
    assert_eq!(member(&record, "would_deny"), serde_json::Value::Null);
}

#[portable]
fn refused_posture_is_recorded_under_its_provider() {
    let mdm = ProviderName::new("mdm");
    let mut record = begin();
    record.refused(&Refusal::with(Reason::PostureRefused, Detail::Fault("token-signature")).about(&mdm), 401);
    let evidence = member(&record, "evidence");
    let expected = serde_json::json!({ "mdm": { "state": "refused", "age": null, "bound": null, "device": null, "reason": "posture-refused", "detail": null } });
    assert_eq!(evidence, expected);
}

#[portable]
fn a_refusal_for_stale_posture_keeps_its_age() {
    let mdm = ProviderName::new("mdm");
    let mut record = begin();
    record.devices(&BTreeMap::from([(mdm.clone(), DeviceEvidence::Stale { age: Seconds::new(5) })]));
    record.refused(&Refusal::new(Reason::PostureStale).about(&mdm), 401);
    let expected = serde_json::json!({ "mdm": { "state": "stale", "age": 5, "bound": null, "device": null, "reason": "posture-stale", "detail": null } });
    assert_eq!(member(&record, "evidence"), expected);
}

#[portable]
fn a_rehearsed_refusal_is_recorded_as_forwarded_and_would_deny() {
    let mut record = begin();
    configure(&mut record, Mode::Shadow);
    record.rehearsed(&Refusal::new(Reason::NotPermitted));
    assert_eq!(member(&record, "decision"), "allow");
    assert_eq!(member(&record, "would_deny"), true);
    assert_eq!(member(&record, "reason"), "not-permitted");
    assert_eq!(member(&record, "status"), serde_json::Value::Null);
    assert!(
        matches!(record.counters().next(), Some(Counter::Decisions(counter)) if counter.verdict == Verdict::WouldDeny)
    );
    record.permitted(&permit());
    assert_eq!(member(&record, "would_deny"), false);
}

#[portable]
fn a_failure_of_the_host_is_recorded_as_a_refusal() {
    let mut record = begin();
    configure(&mut record, Mode::Enforce);
    record.permitted(&permit());
    record.refused(&Refusal::new(Reason::HostFailure), 503);
    assert_eq!(member(&record, "decision"), "deny");
    assert_eq!(member(&record, "reason"), "host-failure");
    assert_eq!(member(&record, "status"), 503);
}

#[portable]
fn near_misses_are_named_without_their_advice() {
    let miss =
        NearMiss { policy: PolicyId::new("read"), failed_conditions: 2, advice: Some("ask".to_owned()), remedy: None };
    let mut record = begin();
    record.decided(&Decision::NotPermitted { near_misses: vec![miss] });
    assert_eq!(member(&record, "near_misses"), serde_json::json!([{ "policy": "read", "failed_conditions": 2 }]));
}

#[portable]
fn a_request_without_a_route_is_recorded_as_far_as_it_came() {
    let application = application();
    let mut record = begin();
    record.not_routed(&NoRoute::Path(&application));
    assert_eq!(member(&record, "application"), "shop");
    assert_eq!(member(&record, "route"), serde_json::Value::Null);
    record.not_routed(&NoRoute::Method(&application, application.routes.first().expect("a route")));
    assert_eq!(member(&record, "path"), "/orders/{id}");
}

#[portable]
fn the_line_is_printable_ascii_whatever_it_contains() {
    let id = "a\"\\\n\r\t\0\x08\x0c\x1b[31m\x7f é\u{2028}\u{202e}🦀";
    let mut record = begin();
    record.principal(&principal(id));
    let line = record.to_json();
    assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
    assert_eq!(member(&record, "principal"), cedar_notation(&principal(id)));
    record.detail = Some(id.to_owned());
    let line = record.to_json();
    assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
    assert_eq!(member(&record, "detail"), id);
}

#[portable]
fn a_string_at_the_cap_is_whole_and_a_longer_one_is_cut_between_characters() {
    let whole = "a".repeat(MAX_RECORD_TEXT_BYTES);
    assert_eq!(cut(whole.clone()), whole);
    assert_eq!(cut(format!("{whole}b")), whole);
    let last_is_wide = format!("{}é", "a".repeat(MAX_RECORD_TEXT_BYTES - 1));
    assert_eq!(cut(last_is_wide).len(), MAX_RECORD_TEXT_BYTES - 1);
}

#[portable]
fn the_name_of_a_device_is_cut_at_the_cap() {
    for (length, recorded) in [(0, 0), (1, 0), (2, 1)].map(|(more, cut)| (MAX_RECORD_TEXT_BYTES - 1 + more, cut)) {
        let id = Some("d".repeat(length).into());
        let facts = DeviceFacts { facts: Rc::default(), bound: true, age: Some(Seconds::new(1)), id };
        let mut record = begin();
        record.devices(&BTreeMap::from([(ProviderName::new("mdm"), DeviceEvidence::Verified(facts))]));
        let written = member(&record, "evidence")["mdm"]["device"].as_str().map(str::len);
        assert_eq!(written, Some(length - recorded));
    }
}

#[portable]
fn what_was_looked_up_is_a_hit_only_if_all_of_it_was_there() {
    use CacheOutcome::{Hit, Miss};
    let outcomes = [(0, 0), (2, 0), (0, 1), (1, 1)].map(|(hits, misses)| CacheOutcome::of(hits, misses));
    assert_eq!(outcomes, [None, Some(Hit), Some(Miss), Some(Miss)]);
}

#[portable]
fn a_principal_is_written_as_cedar_writes_it() {
    assert_eq!(cedar_notation(&Principal::Anonymous), r#"Anonymous::"anonymous""#);
    for id in ["alice", "a\"b", "a\\b", "tab\t", "é", "\u{301}", "\0", "::\""] {
        let type_name = "corp::User".parse().expect("a type name");
        let uid = cedar_policy::EntityUid::from_type_name_and_id(type_name, cedar_policy::EntityId::new(id));
        assert_eq!(cedar_notation(&principal(id)), uid.to_string());
    }
}
