//! Policies about workloads: principals by their connections, and the connection of a principal with a token.

use super::fixture::{Setting, anonymous, document, named, preflight, request, user};
use crate::config_error::ConfigError;
use crate::identity::{Identity, Principal, Workload};
use crate::policy::PolicySet;
use crate::portable;
use crate::request::Request;
use std::collections::BTreeMap;

const WEB: &str = "spiffe://example.org/ns/shop/sa/web";

fn workload(id: &str) -> Identity {
    Identity::for_test(Principal::Workload(Workload::for_test(id)), BTreeMap::new())
}

fn compiled(text: &str) -> Result<PolicySet, Vec<ConfigError>> {
    let documents = [document(None, &["mesh", "shop", "wiki"], text)];
    Setting::new().with_workloads().compile_all(&documents).map(|(policies, _)| policies)
}

/// What these policies decide, by the plugin, by Cedar, and prepared.
#[track_caller]
fn decided(text: &str, identity: &Identity, asked: &Request) -> &'static str {
    let setting = Setting::new().with_workloads();
    let policies = compiled(text).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"));
    let route = setting.router.find(asked).expect("a route");
    let decision = setting.decide(&policies, identity, asked);
    assert_eq!(decision, policies.decide_by_oracle(identity, asked, &route, super::fixture::NOW), "{text}");
    let prepared = policies.prepare(setting.vocabulary());
    let loaded = setting.load(&prepared).expect("prepared policies");
    assert_eq!(setting.decide(&loaded, identity, asked), decision, "{text}");
    named(&decision).0
}

/// The code of the only error.
#[track_caller]
fn refused(text: &str) -> (&'static str, String) {
    let errors = compiled(text).expect_err(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    (errors[0].code.code(), format!("{}; {}", errors[0].message, errors[0].help))
}

fn call() -> Request {
    request("GET", "mesh.example.com", "/call")
}

fn open() -> Request {
    request("GET", "mesh.example.com", "/open")
}

#[portable]
fn a_workload_is_a_principal_of_its_own_type_by_its_whole_id() {
    let by_id = format!("@id(\"p\") permit (principal == Workload::\"{WEB}\", action, resource);");
    let by_type = "@id(\"p\") permit (principal is Workload, action, resource);";
    for (text, id, outcome) in [
        (by_id.as_str(), WEB, "allow"),
        (&by_id, "spiffe://example.org/ns/shop/sa/web2", "not permitted"),
        (&by_id, "spiffe://example.org/ns/shop/sa", "not permitted"),
        (by_type, "spiffe://example.org/ns/other/sa/x", "allow"),
    ] {
        assert_eq!(decided(text, &workload(id), &call()), outcome, "{text} {id}");
    }
    for other in [anonymous(), user("corp", WEB, &[]), user("corp", "a", &[]).over(Workload::for_test(WEB))] {
        assert_eq!(decided(by_type, &other, &open()), "not permitted", "{other:?}");
        assert_eq!(decided(&by_id, &other, &open()), "not permitted", "{other:?}");
    }
}

#[portable]
fn a_permit_for_any_principal_is_one_for_workloads_and_not_for_anonymous() {
    let text = "@id(\"p\") permit (principal, action, resource);";
    assert_eq!(decided(text, &workload(WEB), &open()), "allow");
    assert_eq!(decided(text, &anonymous(), &open()), "not permitted");
}

#[portable]
fn the_connection_is_a_fact_beside_the_token() {
    let text = format!(
        "@id(\"p\") permit (principal is corp::User, action, resource) when {{ context has peer.workload && context.peer.workload == \"{WEB}\" && context.peer has trust_domain && context.peer.trust_domain == \"example.org\" }};"
    );
    let alice = || user("corp", "alice", &[]);
    assert_eq!(decided(&text, &alice().over(Workload::for_test(WEB)), &open()), "allow");
    assert_eq!(decided(&text, &alice().over(Workload::for_test("spiffe://example.org/x")), &open()), "not permitted");
    assert_eq!(decided(&text, &alice(), &open()), "not permitted");
    // It is the caller's name too, where there is no token.
    let text = text.replace("corp::User", "Workload");
    assert_eq!(decided(&text, &workload(WEB), &open()), "allow");
}

#[portable]
fn the_workload_is_certain_for_a_workload_and_where_the_route_requires_the_peer() {
    let condition = "context.peer.workload like \"spiffe://example.org/ns/shop/*\"";
    let on = |scope: &str| format!("@id(\"p\") permit ({scope}) when {{ {condition} }};");
    assert_eq!(decided(&on("principal is Workload, action, resource"), &workload(WEB), &open()), "allow");
    let required = on("principal is corp::User, action, resource == Route::\"mesh/call\"");
    let alice = user("corp", "alice", &[]).over(Workload::for_test(WEB));
    assert_eq!(decided(&required, &alice, &call()), "allow");
    // The application requires it, and one of its routes does not: there the permit does not apply without it.
    let application = on("principal is corp::User, action, resource in Application::\"mesh\"");
    assert_eq!(decided(&application, &alice, &open()), "allow");
    assert_eq!(decided(&application, &user("corp", "alice", &[]), &open()), "not permitted");
    let unguarded = on("principal is corp::User, action, resource == Route::\"mesh/open\"");
    let errors = compiled(&unguarded).expect_err(&unguarded);
    assert!(errors.iter().all(|error| error.code.code() == "unguarded-fact"), "{errors:#?}");
    // Requests of workloads have no certain digest: a mesh reports none.
    let digest = "@id(\"p\") permit (principal is Workload, action, resource) when { context.peer.certificate_sha256 == \"a\" };";
    assert_eq!(refused(digest).0, "unguarded-fact");
}

#[portable]
fn a_workload_may_be_asked_about_its_place_and_has_no_facts_of_tokens_or_devices() {
    let place = "@id(\"p\") permit (principal is Workload, action, resource) when { context.http_request has port && context.http_request.port > 0 };";
    let mut asked = open();
    asked.destination_port = Some(443);
    assert_eq!(decided(place, &workload(WEB), &asked), "allow");
    for fact in ["context.corp.email == \"a\"", "context.mdm.managed"] {
        let text = format!("@id(\"p\") permit (principal is Workload, action, resource) when {{ {fact} }};");
        assert_eq!(refused(&text).0, "foreign-fact", "{fact}");
    }
    let posture = [super::fixture::mdm(true, 90)].into_iter().collect();
    let with_posture = Identity::for_test(Principal::Workload(Workload::for_test(WEB)), posture);
    let has = "@id(\"p\") permit (principal, action, resource) when { context has mdm && context.mdm.managed };";
    assert_eq!(decided(has, &with_posture, &open()), "not permitted");
}

#[portable]
fn a_permit_for_anonymous_may_not_ask_for_the_workload() {
    for fact in ["workload", "trust_domain"] {
        let text =
            format!("@id(\"p\") permit (principal is Anonymous, action, resource) when {{ context has peer.{fact} }};");
        assert_eq!(refused(&text).0, "anonymous-network-fact", "{fact}");
    }
}

#[portable]
fn a_forbid_that_the_lack_of_a_workload_escapes_is_refused() {
    let forbid = |scope: &str, condition: &str| format!("@id(\"f\") forbid ({scope}) when {{ {condition} }};");
    let guarded = "context has peer.workload && context.peer.workload == \"spiffe://example.org/bad\"";
    let (code, message) =
        refused(&forbid("principal is corp::User, action, resource == Route::\"mesh/open\"", guarded));
    assert_eq!(code, "absent-fact-lifts-rule");
    assert!(message.contains("not that of a workload") && message.contains("add `peer` to `requires`"), "{message}");
    // Where the route requires the peer, or for a workload, it is never absent.
    for (scope, condition) in [
        ("principal is corp::User, action, resource == Route::\"mesh/call\"", guarded),
        ("principal is Workload, action, resource", guarded),
        (
            "principal is corp::User, action, resource == Route::\"mesh/open\"",
            "if context has peer.workload then context.peer.workload == \"spiffe://example.org/bad\" else true",
        ),
    ] {
        assert!(compiled(&forbid(scope, condition)).is_ok(), "{scope} {condition}");
    }
    let unguarded = "context.peer.workload == \"spiffe://example.org/bad\"";
    let (code, message) =
        refused(&forbid("principal is corp::User, action, resource in Application::\"mesh\"", unguarded));
    assert_eq!(code, "forbid-needs-evidence", "{message}");
    assert!(message.contains("does not require `peer`"), "{message}");
}

#[portable]
fn a_forbid_for_everybody_that_a_workload_escapes_by_omitting_its_token_is_refused() {
    // Anonymous does not reach the route, but a workload without a token does.
    for condition in ["context.corp.email == \"a\"", "context has corp && context.corp.email == \"a\""] {
        let text =
            format!("@id(\"f\") forbid (principal, action, resource == Route::\"mesh/call\") when {{ {condition} }};");
        let errors = compiled(&text).expect_err(&text);
        let codes: Vec<&str> = errors.iter().map(|error| error.code.code()).collect();
        assert!(codes.iter().all(|code| ["foreign-fact", "forbid-needs-evidence"].contains(code)), "{errors:#?}");
        assert!(
            errors.iter().any(|error| error.message.contains("Workload") || error.message.contains("every principal")),
            "{errors:#?}"
        );
    }
}

#[portable]
fn a_preflight_is_decided_as_anonymous_whatever_its_connection() {
    let asked = preflight("mesh.example.com", "/call", "GET");
    let text = "@id(\"p\") permit (principal is Workload, action, resource);";
    assert_eq!(decided(text, &workload(WEB), &asked), "not permitted");
    let text = "@id(\"p\") permit (principal is Anonymous, action, resource);";
    assert_eq!(decided(text, &workload(WEB), &asked), "allow");
    let text = "@id(\"p\") permit (principal is Anonymous, action, resource); @id(\"f\") forbid (principal, action, resource) when { context has peer.workload };";
    assert_eq!(decided(text, &user("corp", "a", &[]).over(Workload::for_test(WEB)), &asked), "allow");
}

#[portable]
fn an_id_that_no_workload_has_is_refused() {
    for (entity, help) in [
        ("spiffe://Example.org/a", "it is not the SPIFFE ID of a workload"),
        ("spiffe://example.org", "it has no path"),
        ("spiffe://example.org/a/", "it is not the SPIFFE ID of a workload"),
        ("web", "it does not begin with `spiffe://`"),
        ("spiffe://example.com/a", "its trust domain is not listed"),
    ] {
        for text in [
            format!("@id(\"p\") permit (principal == Workload::\"{entity}\", action, resource);"),
            format!(
                "@id(\"p\") permit (principal is Workload, action, resource) when {{ [Workload::\"{entity}\"].contains(principal) }};"
            ),
        ] {
            let (code, message) = refused(&text);
            assert_eq!(code, "unknown-entity", "{message}");
            assert!(message.contains(help), "{message}");
        }
        let text = format!(
            "@id(\"p\") permit (principal is Workload, action, resource) when {{ context.peer.workload == \"{entity}\" }};"
        );
        assert_eq!(refused(&text).0, "impossible-literal");
    }
    let text = "@id(\"p\") permit (principal is Workload, action, resource) when { context.peer.trust_domain == \"example.com\" };";
    assert_eq!(refused(text).0, "impossible-literal");
    let group = "@id(\"p\") permit (principal in Workload::\"spiffe://example.org/ns\", action, resource);";
    let (code, message) = refused(group);
    assert_eq!(code, "impossible-membership");
    assert!(message.contains("a workload is in no group"), "{message}");
}

#[portable]
fn without_trust_domains_there_are_no_workloads_to_speak_of() {
    let error = super::fixture::error_of("@id(\"p\") permit (principal is Workload, action, resource);");
    assert_eq!(error.code.code(), "unknown-entity-type");
    assert!(error.help.contains("trust_domains"), "{}", error.help);
}

#[portable]
fn prepared_policies_are_not_read_with_other_trust_domains_or_without_the_requirement() {
    let setting = Setting::new().with_workloads();
    let text = "@id(\"p\") permit (principal is Workload, action, resource == Route::\"mesh/call\");";
    let policies = compiled(text).expect("valid");
    let prepared = policies.prepare(setting.vocabulary());
    assert!(setting.load(&prepared).is_ok());
    let mut others = Setting::new().with_workloads();
    others.trust_domains = vec![crate::spiffe::TrustDomain::parse("example.com").expect("a trust domain")];
    let mut unrequired = Setting::new().with_workloads();
    unrequired.router.applications[0].routes[0].requires.peer = false;
    for other in [others, unrequired] {
        assert_eq!(other.load(&prepared).expect_err("another configuration").code.code(), "prepared-context");
    }
}

#[portable]
fn the_schema_has_workloads_where_there_can_be_any() {
    let schema = |setting: &Setting| setting.policies("").schema_text(setting.vocabulary()).expect("a schema");
    let with = schema(&Setting::new().with_workloads());
    assert!(with.contains("entity Workload;"), "{with}");
    assert!(with.contains("workload?: "), "{with}");
    assert!(!schema(&Setting::new()).contains("entity Workload"));
}
