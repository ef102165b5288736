//! What load takes and what it refuses, rule by rule.

use super::fixture::{Setting, at, codes, document, error_of, forbid, permit, taken};
use crate::portable;

#[portable]
fn the_example_of_the_design_loads() {
    taken(
        r#"@id("read") @advice("Ask your manager to add you to the engineering group.")
        permit (principal in corp::Group::"engineering", action in Action::"read", resource in Application::"shop")
        when { context.mdm.managed && context.mdm.score >= 60 };"#,
    );
}

#[portable]
fn a_fact_that_no_record_has_is_refused_also_under_has() {
    let error = error_of(&permit("context.corp.emial == \"a\""));
    assert_eq!((error.code.code(), error.position), ("unknown-attribute", at(3, 21)));
    assert_eq!(error.message, "`context.corp` has no member `emial`");
    assert_eq!(error.help, "did you mean `email`?");
    assert_eq!(codes(&forbid("context has crop")), ["unknown-attribute"]);
    assert_eq!(codes(&forbid("context has corp.deparment")), ["unknown-attribute"]);
    assert_eq!(codes(&forbid("context.corp has address.contry")), ["unknown-attribute"]);
    assert_eq!(codes(&permit("context.corp.email.domain == \"a\"")), ["unknown-attribute"]);
    assert_eq!(codes(&permit("principal.department == \"a\"")), ["unknown-attribute"]);
    taken(&permit("context.corp has address.city && context.corp.address.city == \"Ulm\""));
}

#[portable]
fn facts_are_read_straight_from_the_context() {
    assert_eq!(codes(&permit("{ a: context.now }.a > 1")), ["indirect-fact"]);
    assert_eq!(codes(&permit("context.corp == { email: \"a\" }")), ["indirect-fact"]);
    assert!(codes(&permit("(if true then context else context).now > 1")).contains(&"indirect-fact"));
    assert_eq!(codes(&permit("corp::Group::\"a\" in corp::Group::\"b\"")), ["literal-membership"]);
    taken(&permit("principal in [corp::Group::\"a\", corp::Group::\"b\"]"));
}

#[portable]
fn path_parameters_are_those_of_the_routes_in_the_scope() {
    let one = |condition: &str| {
        format!(
            "@id(\"a\") permit (principal is corp::User, action, resource == Route::\"shop/order\") when {{ {condition} }};"
        )
    };
    taken(&one("context.http_request.path_parameters.id == \"7\""));
    let error = error_of(&one("context.http_request.path_parameters.order == \"7\""));
    assert_eq!((error.code.code(), error.help.as_str()), ("unknown-attribute", "known here: `id`"));
    let all = |condition: &str| {
        format!(
            "@id(\"a\") permit (principal is corp::User, action, resource in Application::\"shop\") when {{ {condition} }};"
        )
    };
    assert_eq!(codes(&all("context.http_request.path_parameters.id == \"7\"")), ["unguarded-fact"]);
    taken(&all("context.http_request.path_parameters has id && context.http_request.path_parameters.id == \"7\""));
}

#[portable]
fn names_that_do_not_exist_are_refused_with_the_nearest() {
    let scope = |scope: &str| format!("@id(\"a\") permit ({scope});");
    for (text, code, help) in [
        ("principal is corp::Uesr, action, resource", "unknown-entity-type", "did you mean `corp::User`?"),
        ("principal in crop::Group::\"a\", action, resource", "unknown-entity-type", "did you mean `corp::Group`?"),
        ("principal, action == Action::\"GTE\", resource", "unknown-action", "did you mean `GET`?"),
        (
            "principal, action in [Action::\"GET\", Action::\"reed\"], resource",
            "unknown-action",
            "did you mean `read`?",
        ),
        ("principal, action, resource in Application::\"shp\"", "unknown-application", "did you mean `shop`?"),
        ("principal, action, resource == Route::\"shop/oder\"", "unknown-route", "did you mean `shop/order`?"),
        ("principal == Anonymous::\"nobody\", action, resource", "unknown-entity", "write `principal is Anonymous`"),
    ] {
        let error = error_of(&scope(text));
        assert_eq!((error.code.code(), error.help.as_str()), (code, help), "{text}");
        assert!(error.position.is_some_and(|position| position.column > 9), "{text}");
    }
    assert_eq!(codes(&permit("principal in corq::Group::\"a\"")), ["unknown-entity-type"]);
}

#[portable]
fn a_document_speaks_of_its_own_applications() {
    let text = "@id(\"a\") permit (principal, action, resource in Application::\"shop\");";
    let errors = Setting::new().compile_all(&[document(None, &["wiki"], text)]).err().unwrap_or_default();
    assert_eq!(errors.first().map(|error| error.code.code()), Some("application-not-in-document"));
    let text = "@id(\"a\") permit (principal, action, resource == Route::\"shop/order\");";
    let errors = Setting::new().compile_all(&[document(None, &["wiki"], text)]).err().unwrap_or_default();
    assert_eq!(errors.first().map(|error| error.code.code()), Some("application-not-in-document"));
}

#[portable]
fn a_literal_that_no_request_has_is_refused() {
    for condition in [
        "context.http_request.path == \"api\"",
        "context.http_request.path == \"/a?b\"",
        "context.http_request.path == \"/a#b\"",
        "context.http_request.path == \"/a;b\"",
        "\"/a//b\" == context.http_request.path",
        "context.http_request.path != \"/a b\"",
        "context.http_request.path == \"/a/../b\"",
        "context.http_request.path like \"api/*\"",
        "context.http_request.path like \"/a//*\"",
        "context.http_request.path like \"*;x\"",
        "context.http_request.path == \"/caf%c3%a9\"",
        "context.http_request.path == \"/a%2Fb\"",
        "context.http_request.path == \"/%41\"",
        "context.http_request.path == \"/a%\"",
        "context.http_request.path like \"/a%2fb/*\"",
        "[\"/a\", \"b\"].contains(context.http_request.path)",
        "context.http_request.http_method == \"get\"",
        "context.http_request.http_method == \"TRACE\"",
        "context.http_request.hostname == \"Shop.example.com\"",
        "context.http_request.hostname like \"*.Example.com\"",
        "context.http_request.hostname == \"shop.example.com:443\"",
        "context.http_request.hostname == \"shop.example.com.\"",
    ] {
        let error = error_of(&permit(condition));
        assert_eq!(error.code.code(), "impossible-literal", "{condition}");
        assert_eq!(error.position.map(|position| position.line), Some(3), "{condition}");
    }
    for condition in [
        "context.http_request.path == \"/a/b%20c/\"",
        "context.http_request.path like \"/a/*/c\"",
        "context.http_request.path like \"*/c\"",
        "context.http_request.path == \"/caf%C3%A9\"",
        "context.http_request.path like \"/a%*/b\"",
        "context.http_request.hostname like \"*.example.com\"",
        "[\"/a\", \"/b.c\"].contains(context.http_request.path)",
        "context.http_request.http_method == \"PUT\"",
        "context.http_request.hostname == \"shop.example.com\"",
    ] {
        taken(&permit(condition));
    }
}

#[portable]
fn a_read_without_has_is_corrected_towards_no() {
    let error = error_of(&permit("context.now > 1 && context.mdm.score >= 60"));
    assert_eq!((error.code.code(), error.position), ("unguarded-fact", at(3, 27)));
    assert_eq!(error.message, "`context.mdm` may be absent");
    assert!(error.help.contains("`context has mdm && context.mdm.score >= 60`"), "{}", error.help);
    let error = error_of(&forbid("context.mdm.score < 60"));
    assert!(error.help.contains("`if context has mdm then context.mdm.score < 60 else true`"), "{}", error.help);
    let error =
        error_of("@id(\"a\") permit (principal is corp::User, action, resource) unless { context.corp.acr == \"0\" };");
    assert!(
        error.help.contains("`if context.corp has acr then context.corp.acr == \"0\" else true`"),
        "{}",
        error.help
    );
}

#[portable]
fn types_are_strict_and_a_fault_is_reported_once() {
    let error = error_of("@id(\"a\") permit (principal, action, resource) when { context.now == \"a\" };");
    assert_eq!(error.code.code(), "policy-type");
    assert_eq!(error.position, at(1, 54));
    assert_eq!(codes(&permit("ip(context.http_request.query).isIpv4()")), ["policy-type"]);
    assert_eq!(codes(&permit("context.corp.email")), ["policy-type"]);
}

#[portable]
fn a_fact_of_one_issuer_needs_its_principals_in_the_scope() {
    let error = error_of(
        "@id(\"a\") permit (principal, action, resource in Application::\"wiki\") when { context.corp.email == \"a\" };",
    );
    assert_eq!(error.code.code(), "foreign-fact");
    assert_eq!(error.help, "write `principal is corp::User` in the scope");
    taken(
        "@id(\"a\") permit (principal, action, resource in Application::\"wiki\") when { context has corp && context.corp.email == \"a\" };",
    );
    // Every route of the scope that matters requires `corp`.
    taken(
        "@id(\"a\") permit (principal, action, resource == Route::\"shop/order\") when { context.corp.email == \"a\" };",
    );
}

#[portable]
fn a_policy_that_can_never_apply_is_refused() {
    assert_eq!(codes(&permit("false")), ["policy-impossible"]);
    assert_eq!(
        codes("@id(\"a\") permit (principal is corp::User, action, resource) when { principal is Anonymous };"),
        ["policy-impossible"]
    );
    let error =
        error_of("@id(\"a\") permit (principal, action == Action::\"read\", resource in Application::\"wiki\");");
    assert_eq!(error.code.code(), "policy-never-applies");
    assert!(error.help.contains("action in Action::\"read\""), "{}", error.help);
    for scope in [
        "principal is partner::User, action, resource == Route::\"shop/order\"",
        "principal is corp::User, action == Action::\"preflight\", resource",
        "principal, action, resource == Application::\"shop\"",
        "principal, action == Action::\"DELETE\", resource",
    ] {
        assert_eq!(codes(&format!("@id(\"a\") permit ({scope});")), ["policy-never-applies"], "{scope}");
    }
    // A policy for several kinds of principals may be pointless for some of them.
    taken("@id(\"a\") permit (principal, action, resource) when { principal in corp::Group::\"a\" };");
    taken("@id(\"a\") permit (principal, action == Action::\"read\", resource in Application::\"shop\");");
}

#[portable]
fn letters_that_look_like_others_are_refused() {
    assert_eq!(codes(&permit("context.corp.email == \"p\u{430}ypal\"")), ["suspicious-letters"]);
    assert_eq!(codes(&permit("context.corp.email == \"a\u{202e}b\"")), ["suspicious-letters"]);
}

#[portable]
fn a_forbid_that_reads_evidence_needs_it_on_every_route() {
    let on = |resource: &str| {
        format!("@id(\"f\") forbid (principal, action, resource{resource}) when {{ context.mdm.score < 60 }};")
    };
    let shop = Setting::new().compile_all(&[document(None, &["shop"], &on(" in Application::\"shop\""))]);
    let errors = shop.err().unwrap_or_default();
    assert_eq!(errors.iter().map(|error| error.code.code()).collect::<Vec<_>>(), ["forbid-needs-evidence"]);
    assert!(errors[0].help.contains("require `mdm` on that route"), "{}", errors[0].help);
    taken(&on(" == Route::\"shop/order\""));
    let issuer = "@id(\"f\") forbid (principal, action, resource in Application::\"shop\") when { context.corp.email == \"a\" };";
    let error = error_of(issuer);
    assert_eq!(error.code.code(), "forbid-needs-evidence");
    assert!(error.message.contains("does not require `corp`"), "{}", error.message);
}

#[portable]
fn what_works_but_deserves_a_look_is_a_warning() {
    let codes = |text: &str| {
        let (_, warnings) = Setting::new().compile(text).unwrap_or_else(|errors| panic!("{errors:#?}"));
        warnings.iter().map(|warning| warning.code.code()).collect::<Vec<_>>()
    };
    assert_eq!(codes(""), ["no-policies"]);
    assert_eq!(codes("// nothing yet\n"), ["no-policies"]);
    assert_eq!(codes("@id(\"a\") forbid (principal, action, resource);"), ["no-permit"]);
    assert_eq!(codes(&permit("context has edr && context.edr.ok")), ["unbound-device"]);
    assert_eq!(codes(&permit("context has edr")), ["unbound-device"]);
    assert_eq!(codes(&permit("context has mdm && context.mdm.managed")), [""; 0]);
}

#[portable]
fn groups_are_those_of_issuers_and_not_in_themselves() {
    let codes = |setting: Setting| {
        let errors = setting.compile("").err().unwrap_or_default();
        errors.into_iter().map(|error| (error.code.code(), error.pointer)).collect::<Vec<_>>()
    };
    let place = "/entities/groups".to_owned();
    assert_eq!(codes(Setting::new().with_group("corp::Group::\"a\"", "partner::Group::\"b\"")), []);
    let unknown = codes(Setting::new().with_group("corp::Group::\"a/b\"", "partnr::Group::\"b\""));
    assert_eq!(unknown, [("unknown-group", format!("{place}/corp::Group::\"a~1b\"/0"))]);
    assert_eq!(codes(Setting::new().with_group("engineering", "corp::Group::\"b\"")).len(), 1);
    assert_eq!(codes(Setting::new().with_group("corp::User::\"a\"", "corp::Group::\"b\"")).len(), 1);
    assert_eq!(
        codes(Setting::new().with_group("corp::Group::\"a\"", "corp::Group::\"a\"")),
        [("group-cycle", place.clone())]
    );
    let cycle = Setting::new()
        .with_group("corp::Group::\"a\"", "corp::Group::\"b\"")
        .with_group("corp::Group::\"b\"", "partner::Group::\"c\"")
        .with_group("partner::Group::\"c\"", "corp::Group::\"a\"");
    assert_eq!(codes(cycle), [("group-cycle", place)]);
}
