//! Policies and callers without a token.

use super::fixture::{Setting, document, error_of, field, permit, taken};
use crate::portable;
use crate::profile::FactType;
use crate::provider::ProviderName;

#[portable]
fn a_permit_for_anonymous_reads_no_place_in_the_network() {
    let anonymous = |condition: &str| {
        format!("@id(\"a\") permit (principal is Anonymous, action, resource) when {{ {condition} }};")
    };
    taken(&anonymous("context.http_request.path == \"/healthz\" && context.now > 1"));
    taken(&anonymous("context.http_request has user_agent && context.http_request.user_agent like \"probe*\""));
    taken(&anonymous("context.http_request.hostname == \"a\" && context.http_request.query == \"\""));
    taken("@id(\"a\") permit (principal == Anonymous::\"anonymous\", action, resource);");
    for condition in [
        "context.http_request has client_ip && context.http_request.client_ip == \"192.0.2.1\"",
        "context.http_request has source_ip && context.http_request.source_ip.isLoopback()",
        "context.http_request has port && context.http_request.port == 443",
        "context has peer && context.peer has uri && context.peer.uri == \"spiffe://a\"",
        "context has corp && context.corp.email == \"a\"",
        "context has mdm && context.mdm.managed",
    ] {
        let error = error_of(&anonymous(condition));
        assert_eq!(error.code.code(), "anonymous-network-fact", "{condition}");
    }
    taken(&permit(
        "context.http_request has source_ip && context.http_request.source_ip.isInRange(ip(\"192.0.2.0/24\"))",
    ));
}

#[portable]
fn a_forbid_for_everybody_that_would_be_silent_for_anonymous_is_refused() {
    let mut setting = Setting::new();
    setting.issuers.retain(|issuer| issuer.profile.name.as_str() == "corp");
    setting.issuers[0].profile.facts.push(field("words", FactType::Scopes));
    let codes = |condition: &str| {
        let text =
            format!("@id(\"f\") forbid (principal, action, resource) when {{ {condition} || context.now > 9 }};");
        let errors = setting.compile_all(&[document(None, &["wiki"], &text)]).err().unwrap_or_default();
        errors.into_iter().map(|error| error.code.code()).collect::<Vec<_>>()
    };
    assert_eq!(codes("context.corp.email == \"a\""), ["forbid-needs-evidence"]);
    assert_eq!(codes("context.corp has acr"), ["forbid-needs-evidence"]);
    assert_eq!(codes("[corp::User::\"a\"].contains(principal)"), ["policy-type"]);
    assert_eq!(codes("principal == corp::User::\"a\""), [""; 0]);
    assert_eq!(codes("principal is corp::User && context.corp.email == \"a\""), [""; 0]);
    for guarded in [
        "context has corp && context.corp.email == \"a\"",
        "context has corp && context.corp.words.contains(\"suspended\")",
    ] {
        assert_eq!(codes(guarded).first(), Some(&"forbid-needs-evidence"), "{guarded}");
    }
    assert_eq!(codes("principal is corp::User && context has corp && context.corp.email == \"a\""), [""; 0]);
    assert_eq!(codes("if context has mdm then context.mdm.score < 20 else true"), [""; 0]);
    assert_eq!(codes("context has corp"), [""; 0]);
    // Anonymous is spoken of, or asks for nothing there, or the silence is meant.
    let guarded = "when { context has corp && context.corp.email == \"a\" }";
    for other in [
        format!("@id(\"f\") @missing(\"ignore\") forbid (principal, action, resource) {guarded};"),
        format!("@id(\"f\") forbid (principal is corp::User, action, resource) {guarded};"),
        format!("@id(\"f\") forbid (principal, action == Action::\"preflight\", resource) {guarded};")
            .replace("when { ", "when { context.now > 5 || "),
        format!(
            "@id(\"f\") forbid (principal, action, resource) {guarded}; @id(\"g\") forbid (principal, action, resource) when {{ !(context has corp) }};"
        ),
    ] {
        let found = setting.compile_all(&[document(None, &["wiki"], &other)]).err().unwrap_or_default();
        assert!(found.is_empty(), "{other}\n{found:#?}");
    }
    let text = format!("@id(\"f\") forbid (principal, action, resource) {guarded};");
    let found = setting.compile_all(&[document(None, &["wiki"], &text)]).err().unwrap_or_default();
    assert!(
        found[0].message.ends_with("a client can bypass this forbid by omitting the token"),
        "{}",
        found[0].message
    );
    assert!(found[0].help.contains("(`principal is ...`)"), "{}", found[0].help);
    // A device that the routes require is there for every principal, and policies see none of Anonymous.
    let wiki = &mut setting.router.applications[1];
    wiki.requires.devices = vec![ProviderName::new("mdm")];
    wiki.routes[0].requires = wiki.requires.clone();
    for (principal, condition, wanted) in [
        ("principal", "context has mdm && context.mdm.score < 20", &["forbid-needs-evidence"][..]),
        ("principal", "if context has mdm then context.mdm.score < 20 else false", &["forbid-needs-evidence"]),
        ("principal", "if context has mdm then context.mdm.score < 20 else true", &[]),
        ("principal is corp::User", "context has mdm && context.mdm.score < 20", &[]),
    ] {
        let text = format!("@id(\"f\") forbid ({principal}, action, resource) when {{ {condition} }};");
        let errors = setting.compile_all(&[document(None, &["wiki"], &text)]).err().unwrap_or_default();
        assert_eq!(errors.into_iter().map(|error| error.code.code()).collect::<Vec<_>>(), wanted, "{text}");
    }
}
