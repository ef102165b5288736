//! What is decided, and because of what.

use super::fixture::{
    Setting, anonymous, document, facts, mdm, named, posture, preflight, request, user, user_with, with_fields,
};
use crate::identity::DeviceEvidence;
use crate::policy::{Decision, NearMiss, PolicyId};
use crate::portable;
use crate::profile::FactValue;
use crate::provider::ProviderName;
use crate::time::Seconds;

const EVERYBODY: &str = "@id(\"all\") permit (principal, action, resource);";

#[portable]
fn without_policies_everything_is_denied() {
    let setting = Setting::new();
    let decision =
        setting.decide(&setting.policies(""), &user("corp", "a", &[]), &request("GET", "wiki.example.com", "/a"));
    assert_eq!(decision, Decision::NotPermitted { near_misses: Vec::new() });
}

#[portable]
fn a_permit_allows_and_is_named() {
    let setting = Setting::new();
    let documents = [document(Some("staff"), &["wiki"], EVERYBODY)];
    let (policies, _) = setting.compile_all(&documents).expect("valid");
    let page = request("GET", "wiki.example.com", "/a");
    assert_eq!(named(&setting.decide(&policies, &user("partner", "a", &[]), &page)), ("allow", vec!["staff/all"]));
    let order = request("GET", "shop.example.com", "/api/orders/7");
    assert_eq!(named(&setting.decide(&policies, &user("corp", "a", &[]), &order)), ("not permitted", vec![]));
}

#[portable]
fn a_forbid_overrides_and_its_advice_is_told() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"all\") permit (principal, action, resource);
        @id(\"z\") @advice(\"second\") forbid (principal, action in Action::\"write\", resource);
        @id(\"b\") @advice(\"first\") forbid (principal, action == Action::\"POST\", resource);
        @id(\"a\") forbid (principal in corp::Group::\"x\", action, resource);",
    );
    let member = user("corp", "a", &["x"]);
    let decision = setting.decide(&policies, &member, &request("POST", "wiki.example.com", "/a"));
    let determining = ["a", "b", "z"].map(PolicyId::new).to_vec();
    assert_eq!(
        decision,
        Decision::Forbidden { determining, advice: Some("first".to_owned()), remedy: None, alarms: Vec::new() }
    );
    let decision = setting.decide(&policies, &user("corp", "a", &[]), &request("GET", "wiki.example.com", "/a"));
    assert_eq!(named(&decision), ("allow", vec!["all"]));
}

#[portable]
fn an_error_in_any_policy_denies_and_names_it() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"all\") permit (principal, action, resource);
        @id(\"sum\") forbid (principal, action, resource) when { context.now * 9223372036854775807 > 5 };",
    );
    let decision = setting.decide(&policies, &user("corp", "a", &[]), &request("GET", "wiki.example.com", "/a"));
    assert_eq!(named(&decision), ("failed", vec!["sum"]));
}

#[portable]
fn evidence_that_should_be_there_and_is_not_is_never_an_allow() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"all\") permit (principal, action, resource);
        @id(\"low\") forbid (principal, action, resource == Route::\"shop/order\") when { context.mdm.score < 60 };",
    );
    let order = request("GET", "shop.example.com", "/api/orders/7");
    assert_eq!(named(&setting.decide(&policies, &user("corp", "a", &[]), &order)), ("failed", vec!["low"]));
    let known = user_with("corp", "a", &[], &[], &[mdm(true, 80)]);
    assert_eq!(named(&setting.decide(&policies, &known, &order)), ("allow", vec!["all"]));
}

#[portable]
fn a_fact_that_cedar_cannot_hold_is_never_an_allow() {
    let setting = Setting::new();
    let office = [("office", FactValue::Ip("not an address".to_owned()))];
    let identity = user_with("corp", "a", &[], &office, &[]);
    let decision = setting.decide(&setting.policies(EVERYBODY), &identity, &request("GET", "wiki.example.com", "/a"));
    assert_eq!(decision, Decision::Failed { policies: Vec::new() });
}

#[portable]
fn an_id_is_only_ever_an_id() {
    let setting = Setting::new();
    let policies = setting.policies("@id(\"root\") permit (principal == corp::User::\"root\", action, resource);");
    let page = request("GET", "wiki.example.com", "/a");
    let allowed = |id: &str| named(&setting.decide(&policies, &user("corp", id, &[]), &page)).0 == "allow";
    assert!(allowed("root"));
    let long = format!("root{}", "x".repeat(1_020));
    for id in
        ["root\"", "x\" || corp::User::\"root", "corp::User::\"root\"", "root\0", "\\u{72}oot", "Root", "root ", &long]
    {
        assert!(!allowed(id), "{id:?}");
    }
    let quoted = setting.policies(r#"@id("q") permit (principal == corp::User::"a\"::b", action, resource);"#);
    let decision = setting.decide(&quoted, &user("corp", "a\"::b", &[]), &page);
    assert_eq!(named(&decision), ("allow", vec!["q"]));
}

#[portable]
fn a_name_of_one_issuer_is_never_a_name_of_another() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"group\") permit (principal in corp::Group::\"staff\", action, resource);
        @id(\"user\") permit (principal == corp::User::\"alice\", action, resource);",
    );
    let page = request("GET", "wiki.example.com", "/a");
    let decision = setting.decide(&policies, &user("corp", "alice", &["staff"]), &page);
    assert_eq!(named(&decision), ("allow", vec!["group", "user"]));
    let decision = setting.decide(&policies, &user("partner", "alice", &["staff"]), &page);
    assert_eq!(named(&decision).0, "not permitted");
}

#[portable]
fn groups_are_in_groups_only_as_configured() {
    let setting = Setting::new()
        .with_group("partner::Group::\"guests\"", "corp::Group::\"contractors\"")
        .with_group("corp::Group::\"contractors\"", "corp::Group::\"staff\"");
    let policies = setting.policies("@id(\"a\") permit (principal in corp::Group::\"staff\", action, resource);");
    let page = request("GET", "wiki.example.com", "/a");
    assert_eq!(named(&setting.decide(&policies, &user("partner", "a", &["guests"]), &page)).0, "allow");
    assert_eq!(named(&setting.decide(&policies, &user("partner", "a", &["staff"]), &page)).0, "not permitted");
    assert_eq!(named(&setting.decide(&policies, &user("corp", "a", &["contractors"]), &page)).0, "allow");
}

#[portable]
fn anonymous_needs_a_permit_of_its_own() {
    let setting = Setting::new();
    let page = request("GET", "wiki.example.com", "/a");
    let decision = setting.decide(&setting.policies(EVERYBODY), &anonymous(), &page);
    assert_eq!(named(&decision), ("not permitted", vec![]));
    let own = setting.policies("@id(\"open\") permit (principal is Anonymous, action in Action::\"read\", resource);");
    assert_eq!(named(&setting.decide(&own, &anonymous(), &page)), ("allow", vec!["open"]));
    assert_eq!(named(&setting.decide(&own, &user("corp", "a", &[]), &page)).0, "not permitted");
    assert_eq!(
        named(&setting.decide(&own, &anonymous(), &request("POST", "wiki.example.com", "/a"))).0,
        "not permitted"
    );
}

#[portable]
fn a_forbid_for_everybody_speaks_of_anonymous_and_of_preflights_unless_it_reads_evidence() {
    let setting = Setting::new();
    let page = request("GET", "wiki.example.com", "/a");
    let with = |forbid: &str| {
        let policies =
            setting.policies(&format!("@id(\"open\") permit (principal is Anonymous, action, resource);\n{forbid}"));
        named(&setting.decide(&policies, &anonymous(), &page)).0.to_owned()
    };
    assert_eq!(with("@id(\"f\") forbid (principal, action, resource) when { context.now > 1 };"), "forbidden");
    assert_eq!(with("@id(\"f\") forbid (principal, action, resource) when { !(context has mdm) };"), "forbidden");
    assert_eq!(
        with("@id(\"f\") forbid (principal, action, resource == Route::\"wiki/page\") unless { context has corp };"),
        "forbidden"
    );
    assert_eq!(with("@id(\"f\") forbid (principal is corp::User, action, resource);"), "allow");
    let policies = setting.policies(
        "@id(\"cors\") permit (principal is Anonymous, action == Action::\"preflight\", resource);
        @id(\"f\") forbid (principal, action, resource == Route::\"shop/order\") when { context.corp.email == \"m\" };",
    );
    let asked = preflight("shop.example.com", "/api/orders/7", "PUT");
    assert_eq!(named(&setting.decide(&policies, &anonymous(), &asked)).0, "allow");
}

#[portable]
fn a_preflight_is_decided_as_anonymous_whatever_is_presented() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"cors\") permit (principal is Anonymous, action == Action::\"preflight\", resource == Route::\"shop/order\");
        @id(\"all\") permit (principal, action, resource);
        @id(\"f\") forbid (principal == corp::User::\"mallory\", action, resource);",
    );
    let asked = preflight("shop.example.com", "/api/orders/7", "PUT");
    assert_eq!(named(&setting.decide(&policies, &anonymous(), &asked)), ("allow", vec!["cors"]));
    assert_eq!(named(&setting.decide(&policies, &user("corp", "mallory", &[]), &asked)), ("allow", vec!["cors"]));
    let elsewhere = preflight("wiki.example.com", "/a", "POST");
    assert_eq!(named(&setting.decide(&policies, &user("corp", "a", &[]), &elsewhere)).0, "not permitted");
}

#[portable]
fn methods_are_in_read_or_write_and_upgrade_in_neither() {
    let setting = Setting::new();
    let policies = setting.policies("@id(\"r\") permit (principal, action in Action::\"read\", resource);");
    let identity = user_with("corp", "a", &[], &[], &[mdm(true, 80)]);
    let outcome = |asked| named(&setting.decide(&policies, &identity, &asked)).0;
    assert_eq!(outcome(request("GET", "wiki.example.com", "/a")), "allow");
    assert_eq!(outcome(request("HEAD", "wiki.example.com", "/a")), "allow");
    assert_eq!(outcome(request("POST", "wiki.example.com", "/a")), "not permitted");
    assert_eq!(outcome(request("POST", "shop.example.com", "/api/search")), "allow");
    let fields: [(&str, &[u8]); 2] = [("upgrade", b"websocket"), ("connection", b"upgrade")];
    assert_eq!(outcome(with_fields("GET", "wiki.example.com", "/a", &fields)), "not permitted");
}

#[portable]
fn a_permit_is_skipped_where_the_evidence_that_it_reads_is_not_there() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"read\") @advice(\"Enrol the device.\")
        permit (principal in corp::Group::\"engineering\", action in Action::\"read\", resource in Application::\"shop\")
        when { context.mdm.managed && context.mdm.score >= 60 };",
    );
    let health = request("GET", "shop.example.com", "/healthz");
    let order = request("GET", "shop.example.com", "/api/orders/7");
    let with = |devices: &[(ProviderName, DeviceEvidence)]| user_with("corp", "a", &["engineering"], &[], devices);
    assert_eq!(named(&setting.decide(&policies, &with(&[mdm(true, 60)]), &order)).0, "allow");
    assert_eq!(named(&setting.decide(&policies, &with(&[mdm(true, 60)]), &health)).0, "allow");
    assert_eq!(named(&setting.decide(&policies, &with(&[mdm(true, 59)]), &order)).0, "not permitted");
    let stale = (ProviderName::new("mdm"), DeviceEvidence::Stale { age: Seconds::new(90_000) });
    for devices in [vec![], vec![stale]] {
        let Decision::NotPermitted { near_misses } = setting.decide(&policies, &with(&devices), &health) else {
            panic!("not a default deny");
        };
        let advice = Some("Enrol the device.".to_owned());
        assert_eq!(
            near_misses,
            [NearMiss { policy: PolicyId::new("read"), failed_conditions: 2, advice, remedy: None }]
        );
    }
    assert_eq!(named(&setting.decide(&policies, &anonymous(), &health)), ("not permitted", vec![]));
}

#[portable]
fn a_permit_by_facts_of_the_required_issuer_is_not_asked_about_others() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"mail\") permit (principal, action, resource in Application::\"shop\") when { context.corp.email like \"*@example.com\" };",
    );
    let health = request("GET", "shop.example.com", "/healthz");
    assert_eq!(named(&setting.decide(&policies, &user("corp", "a", &[]), &health)).0, "allow");
    assert_eq!(named(&setting.decide(&policies, &user("partner", "a", &[]), &health)), ("not permitted", vec![]));
}

#[portable]
fn an_identity_that_the_configuration_does_not_know_is_never_an_allow() {
    let setting = Setting::new();
    let page = request("GET", "wiki.example.com", "/a");
    let decision = setting.decide(&setting.policies(EVERYBODY), &user("stranger", "a", &[]), &page);
    assert_eq!(decision, Decision::Failed { policies: Vec::new() });
}

#[portable]
fn at_most_three_near_misses_are_named() {
    let setting = Setting::new();
    let text: String = (0..80)
        .map(|n| format!("@id(\"p{n:02}\") permit (principal, action, resource) when {{ context.now < {n} }};\n"))
        .collect();
    let page = request("GET", "wiki.example.com", "/a");
    let decision = setting.decide(&setting.policies(&text), &user("corp", "a", &[]), &page);
    assert_eq!(named(&decision), ("not permitted", vec!["p00", "p01", "p02"]));
}

#[portable]
fn near_misses_come_with_the_fewest_failed_conditions_first() {
    let setting = Setting::new();
    let policies = setting.policies(
        "@id(\"three\") permit (principal, action, resource) when { context.now < 1 && context.now < 2 && context.now < 3 && context.now > 4 };
        @id(\"two\") permit (principal, action, resource) when { context.now < 1 && context.now > 0 } unless { context.now > 1 };
        @id(\"one\") @advice(\"do x\") permit (principal is corp::User, action, resource) when { context.corp has acr && context.corp.acr == \"high\" };
        @id(\"one-b\") permit (principal, action, resource) when { context.now < 1 || (context.now < 2 && context.now < 3) };
        @id(\"scope\") permit (principal == corp::User::\"bob\", action, resource);
        @id(\"group\") permit (principal in corp::Group::\"x\", action, resource);
        @id(\"place\") permit (principal, action, resource in Application::\"shop\");
        @id(\"action\") permit (principal, action in Action::\"write\", resource);",
    );
    let acr = [("acr", FactValue::String("low".to_owned()))];
    let decision = setting.decide(
        &policies,
        &user_with("corp", "alice", &[], &acr, &[]),
        &request("GET", "wiki.example.com", "/a"),
    );
    let miss = |id: &str, failed_conditions: usize, advice: Option<&str>| NearMiss {
        policy: PolicyId::new(id),
        failed_conditions,
        advice: advice.map(str::to_owned),
        remedy: None,
    };
    // A group that the principal is not in is one condition that failed; a permit for somebody else is no near miss.
    let near_misses = vec![miss("one", 1, Some("do x")), miss("one-b", 1, None), miss("group", 1, None)];
    assert_eq!(decision, Decision::NotPermitted { near_misses });
}

#[portable]
fn facts_of_every_type_reach_the_policy() {
    let setting = Setting::new();
    let policies = setting.policies(
        r#"@id("a") permit (principal is corp::User, action, resource in Application::"wiki") when {
            context.corp.email == "a@example.com"
            && context.corp has roles && context.corp.roles.contains("editor")
            && context.corp has office && context.corp.office.isInRange(ip("192.0.2.0/24"))
            && context.corp has address.country && context.corp.address.country == "DE"
            && context has mdm && context.mdm.bound && context.mdm.age <= 30 && context.mdm.score == 7
            && context.http_request.http_method == "GET" && context.http_request.hostname == "wiki.example.com"
            && context.http_request.path == "/a/b" && context.http_request.query == "q=1"
            && context.http_request has user_agent && context.http_request.user_agent == "curl"
            && context.http_request has source_ip && context.http_request.source_ip == ip("198.51.100.7")
            && context.http_request has client_ip && context.http_request.client_ip == "198.51.100.7"
            && context.http_request has port && context.http_request.port == 8443
            && context.http_request.path_parameters.rest == "a/b"
            && context has peer.uri && context.peer.uri == "spiffe://td/a" && !(context.peer has certificate_sha256)
            && context.now == 1800000000
        };"#,
    );
    let own = [
        ("roles", FactValue::List(vec![FactValue::String("editor".to_owned())])),
        ("office", FactValue::Ip("192.0.2.9".to_owned())),
        (
            "address",
            FactValue::Record(facts(&[
                ("country", FactValue::String("DE".to_owned())),
                ("city", FactValue::String("Ulm".to_owned())),
            ])),
        ),
    ];
    let device = posture("mdm", &[("managed", FactValue::Bool(false)), ("score", FactValue::Long(7))]);
    let identity = user_with("corp", "a", &[], &own, &[device]);
    let mut asked = with_fields("GET", "wiki.example.com", "/a/b?q=1", &[("user-agent", b"curl")]);
    asked.client_ip = Some("198.51.100.7".parse().expect("an address"));
    asked.destination_port = Some(8443);
    asked.peer.uri = Ok("spiffe://td/a".to_owned());
    assert_eq!(named(&setting.decide(&policies, &identity, &asked)), ("allow", vec!["a"]));
}
