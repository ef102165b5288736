//! What `in`, `is`, `==` and `!=` may ask of the principal, the action and the resource.

use super::fixture::{Setting, codes, error_of, errors_of, forbid, permit, taken};
use crate::portable;

/// The condition in a rule that it restricts and one that it does not decide alone.
#[track_caller]
fn refused(condition: &str, code: &str, help: &str) {
    for text in [forbid(&format!("{condition} && context.now > 5")), permit(&format!("{condition} || context.now > 5"))]
    {
        let errors = errors_of(&text);
        assert_eq!(errors.iter().map(|error| error.code.code()).collect::<Vec<_>>(), [code], "{text}\n{errors:#?}");
        assert!(errors[0].help.contains(help), "{text}\n{}", errors[0].help);
        assert_eq!(errors[0].position.map(|position| position.line), Some(3), "{text}");
    }
}

#[portable]
fn only_groups_have_members_who_are_principals() {
    for (condition, help) in [
        (
            "principal in corp::User::\"x\"",
            "write `principal == corp::User::\"x\"`, or name a group: `corp::Group::\"x\"`",
        ),
        ("principal in [corp::User::\"x\"]", "write `principal == corp::User::\"x\"`"),
        ("principal in Anonymous::\"anonymous\"", "write `principal is Anonymous`"),
        ("principal in Application::\"shop\"", "in groups only"),
        ("principal is corp::User in corp::User::\"x\"", "write `principal == corp::User::\"x\"`"),
        ("action in Application::\"shop\"", "`Action::\"read\"`"),
        ("resource in corp::Group::\"x\"", "write `resource in Application::"),
        ("resource in Action::\"GET\"", "write `resource in Application::"),
    ] {
        refused(condition, "impossible-membership", help);
    }
    let scope = "@id(\"f\") forbid (principal in corp::User::\"contractors\", action, resource);";
    let error = error_of(scope);
    assert_eq!(
        (error.code.code(), error.position.map(|position| position.column)),
        ("impossible-membership", Some(43))
    );
    for condition in [
        "principal in corp::Group::\"x\"",
        "action in Action::\"read\"",
        "action in [Action::\"GET\", Action::\"write\"]",
        "resource in Application::\"wiki\"",
        "resource in Route::\"wiki/page\"",
    ] {
        taken(&permit(condition));
    }
}

#[portable]
fn an_entity_of_a_type_that_the_variable_never_has_is_refused() {
    for (condition, help) in [
        ("principal == corp::Group::\"x\"", "write `principal in corp::Group::\"x\"`"),
        ("principal != corp::Group::\"x\"", "write `principal in corp::Group::\"x\"`"),
        ("corp::Group::\"x\" != principal", "write `principal in corp::Group::\"x\"`"),
        ("principal != partner::User::\"x\"", "`principal is partner::User`"),
        ("[partner::User::\"x\"].contains(principal)", "`principal is partner::User`"),
        ("principal == Anonymous::\"anonymous\"", "`principal is Anonymous`"),
        ("principal != Application::\"shop\"", "`corp::User::\"alice\"`"),
        ("resource != Application::\"shop\"", "write `resource in Application::\"shop\"`"),
        ("resource != corp::User::\"x\"", "name a route"),
        ("action == Route::\"shop/order\"", "name an action"),
        ("principal is corp::Group", "write `principal in corp::Group::\"...\"`"),
        ("principal is Route", "the type of an issuer's principals"),
        ("action is Route", "remove the test"),
    ] {
        refused(condition, "impossible-literal", help);
    }
    for condition in
        ["principal == corp::User::\"x\"", "principal != corp::User::\"x\"", "resource is Route", "action is Action"]
    {
        taken(&permit(condition));
    }
    let error = error_of(&permit("resource is Application || context.now > 5"));
    assert_eq!(error.code.code(), "impossible-literal");
    assert_eq!(error.help, "write `resource in Application::\"...\"` for an application");
    // A type that does not exist is that mistake alone.
    assert_eq!(codes(&permit("principal != corp::Usr::\"x\" && context.now > 5")), ["unknown-entity-type"]);
    // Who is not named is not excluded.
    taken("@id(\"p\") permit (principal, action, resource) unless { principal == Anonymous::\"anonymous\" };");
    taken("@id(\"f\") forbid (principal, action, resource) unless { principal == partner::User::\"x\" };");
    let other =
        "@id(\"f\") forbid (principal is corp::User, action, resource) unless { principal == partner::User::\"x\" };";
    assert_eq!(codes(other), ["impossible-literal"]);
}

#[portable]
fn a_route_outside_the_scope_is_refused() {
    let on = |resource: &str, condition: &str| {
        format!(
            "@id(\"p\") permit (principal is corp::User, action, resource{resource}) when {{ {condition} && context.now > 5 }};"
        )
    };
    for (resource, condition, code) in [
        (" in Application::\"wiki\"", "resource != Route::\"shop/order\"", "impossible-literal"),
        (" == Route::\"wiki/page\"", "resource == Route::\"shop/order\"", "impossible-literal"),
        (" == Route::\"shop/order\"", "resource == Route::\"shop/search\"", "impossible-literal"),
        (" in Application::\"wiki\"", "!(resource in Application::\"shop\")", "impossible-membership"),
        (" == Route::\"shop/order\"", "!(resource in Route::\"shop/search\")", "impossible-membership"),
    ] {
        assert_eq!(codes(&on(resource, condition)), [code], "{resource} {condition}");
    }
    for (resource, condition) in [
        ("", "resource != Route::\"shop/order\""),
        ("", "!(resource in Application::\"shop\")"),
        (" in Application::\"shop\"", "resource != Route::\"shop/order\""),
        (" in Application::\"shop\"", "resource in Application::\"shop\""),
        (" == Route::\"shop/order\"", "resource == Route::\"shop/order\""),
    ] {
        taken(&on(resource, condition));
    }
    assert_eq!(codes(&on("", "resource != Route::\"shop/oder\"")), ["unknown-route"]);
}

#[portable]
fn read_and_write_are_compared_only_where_a_route_has_them() {
    let on = |application: &str, condition: &str| {
        format!(
            "@id(\"f\") forbid (principal is corp::User, action, resource in Application::\"{application}\")
            when {{ {condition} && context.now > 5 }};"
        )
    };
    let error = error_of(&on("wiki", "action == Action::\"write\""));
    assert_eq!(error.code.code(), "impossible-literal");
    assert!(error.help.starts_with("write `action in Action::\"write\"`"), "{}", error.help);
    assert_eq!(codes(&on("wiki", "action != Action::\"read\"")), ["impossible-literal"]);
    assert_eq!(codes(&on("shop", "action == Action::\"write\"")), ["impossible-literal"]);
    taken(&on("shop", "action == Action::\"read\""));
    taken(&on("wiki", "action != Action::\"PUT\""));
    taken(&on("wiki", "action in Action::\"write\""));
}

#[portable]
fn entities_are_compared_by_name() {
    for condition in [
        "principal == resource",
        "principal in resource",
        "principal == (if context.now > 1 then corp::User::\"a\" else corp::User::\"b\")",
        "principal in (if context.now > 1 then corp::Group::\"a\" else corp::Group::\"b\")",
        "principal in [if context.now > 1 then corp::Group::\"a\" else corp::Group::\"b\"]",
        "[principal].containsAny([corp::User::\"a\"])",
        "(if context.now > 1 then principal else corp::User::\"a\") == corp::User::\"b\"",
    ] {
        let text = permit(&format!("{condition} || context.now > 5"));
        let codes = codes(&text);
        assert!(codes.contains(&"indirect-entity"), "{text}\n{codes:?}");
    }
    taken(&permit("[corp::User::\"a\", corp::User::\"b\"].contains(principal)"));
    assert_eq!(
        Setting::new().compile(&permit("corp::Group::\"a\" in corp::Group::\"b\"")).err().map(|found| found.len()),
        Some(1)
    );
}
