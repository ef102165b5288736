//! Leaving evidence out must not lift a rule.

use super::fixture::{codes, error_of, forbid, permit, taken};
use crate::portable;

#[track_caller]
fn lifted(text: &str) -> String {
    let error = error_of(text);
    assert_eq!(error.code.code(), "absent-fact-lifts-rule", "{error:#?}");
    error.help
}

#[portable]
fn a_forbid_that_falls_silent_is_refused_with_three_ways_out() {
    let text = forbid("context has mdm && context.mdm.score < 60");
    assert_eq!(
        lifted(&text),
        "add `mdm` to `requires`, or deny where it is absent (`if context has mdm then context.mdm.score < 60 else true`), or annotate the policy with `@missing(\"ignore\")`"
    );
    taken(&forbid("if context has mdm then context.mdm.score < 60 else true"));
    taken(&forbid("!(context has mdm && context.mdm.score >= 60)"));
    taken(&text.replace("@id(\"f\")", "@id(\"f\") @missing(\"ignore\")"));
    taken(&text.replace("in Application::\"wiki\"", "== Route::\"shop/order\""));
}

#[portable]
fn the_correction_keeps_what_stands_beside_the_rule() {
    let help =
        lifted(&forbid("context.now > 5 && context has mdm && (context.mdm.score < 60 || !context.mdm.managed)"));
    let corrected =
        "context.now > 5 && (if context has mdm then (context.mdm.score < 60 || !context.mdm.managed) else true)";
    assert!(help.contains(corrected), "{help}");
    taken(&forbid(corrected));
}

#[portable]
fn optional_members_of_a_token_count_as_much() {
    let help = lifted(&forbid("context.corp has acr && context.corp.acr == \"low\""));
    assert!(help.contains("declare the fact `acr` without `?`"), "{help}");
    taken(&forbid("if context.corp has acr then context.corp.acr == \"low\" else true"));
    lifted(&forbid("context.corp has address.country && context.corp.address.country == \"XX\""));
    taken(&forbid("context.corp.email == \"a\""));
}

#[portable]
fn nested_absence_is_seen_at_each_level() {
    let help =
        lifted(&forbid("if context has mdm then context.mdm has os_patch && context.mdm.os_patch < 5 else true"));
    let corrected =
        "if context has mdm then (if context.mdm has os_patch then context.mdm.os_patch < 5 else true) else true";
    assert!(help.contains(&format!("`{corrected}`")), "{help}");
    taken(&forbid(corrected));
    taken(&forbid("if context has mdm && context.mdm has os_patch then context.mdm.os_patch < 5 else true"));
    taken(&forbid("if context has mdm.os_patch then context.mdm.os_patch < 5 else true"));
    let help = lifted(&forbid("context has mdm && context.mdm has os_patch && context.mdm.os_patch < 5"));
    let corrected = "if context has mdm && context.mdm has os_patch then context.mdm.os_patch < 5 else true";
    assert!(help.contains(corrected), "{help}");
}

#[portable]
fn a_condition_that_hangs_on_something_else_is_left_aside() {
    taken(&forbid("context.now > 5 && (if context has mdm then context.mdm.score < 60 else true)"));
    taken(&forbid("if context.now > 5 then (if context has mdm then context.mdm.score < 60 else true) else false"));
    lifted(&forbid("if context.now > 5 then (context has mdm && context.mdm.score < 60) else true"));
    lifted(&forbid("context.now > 5 || (context has mdm && context.mdm.score < 60)"));
}

#[portable]
fn what_a_request_or_connection_may_lack_counts_as_much() {
    for (fact, condition) in [
        ("user_agent", "context.http_request.user_agent like \"*bot*\""),
        ("port", "context.http_request.port == 8443"),
        ("client_ip", "context.http_request.client_ip == \"192.0.2.1\""),
        ("source_ip", "context.http_request.source_ip.isLoopback()"),
    ] {
        let has = format!("context.http_request has {fact}");
        let corrected = format!("if {has} then {condition} else true");
        let help = lifted(&forbid(&format!("{has} && {condition}")));
        assert_eq!(
            help,
            format!("deny where it is absent (`{corrected}`), or annotate the policy with `@missing(\"ignore\")`")
        );
        taken(&forbid(&corrected));
        taken(&forbid(&format!("!({has}) || ({has} && {condition})")));
        taken(&permit(&format!("{has} && {condition}")));
        let restriction = permit("true").replace("when { true }", &format!("unless {{ {has} && {condition} }}"));
        assert!(lifted(&restriction).contains(&format!("(`{corrected}`)")), "{restriction}");
    }
    // Which parameters there are is up to the route, and the query is always there.
    taken(&forbid("context.http_request.query like \"*_method=*\""));
    taken(
        "@id(\"f\") forbid (principal is corp::User, action, resource in Application::\"shop\")
        when { context.http_request.path_parameters has id && context.http_request.path_parameters.id == \"7\" };",
    );
}

#[portable]
fn the_address_and_the_peer_count_as_much() {
    let help = lifted(&forbid(
        "context.http_request has source_ip && !context.http_request.source_ip.isInRange(ip(\"10.0.0.0/8\"))",
    ));
    assert!(help.starts_with("deny where it is absent (`if context.http_request has source_ip then "), "{help}");
    lifted(&forbid("context.http_request has client_ip && context.http_request.client_ip == \"192.0.2.1\""));
    taken(&forbid(
        "if context.http_request has source_ip then !context.http_request.source_ip.isInRange(ip(\"10.0.0.0/8\")) else true",
    ));
    taken(&permit("context.http_request has client_ip && context.http_request.client_ip == \"192.0.2.1\""));
    let help = lifted(&forbid("context has peer && context.peer has uri && context.peer.uri like \"spiffe://x/*\""));
    assert!(!help.contains("requires"), "{help}");
    taken(&forbid("context has peer"));
}

#[portable]
fn a_permit_fails_closed_by_itself() {
    taken(&permit("context has mdm && context.mdm.score >= 60"));
    taken(&permit("(context has mdm && context.mdm.managed) || (context has edr && context.edr.ok)"));
    taken(&permit("if context has mdm then context.mdm.managed else false"));
    taken(
        "@id(\"p\") permit (principal is corp::User, action, resource) when { context has mdm && context.mdm.managed } unless { context has mdm && context.mdm.score < 60 };",
    );
}

#[portable]
fn restrictions_of_a_permit_are_rules_too() {
    let unless = |condition: &str| {
        format!(
            "@id(\"p\") permit (principal is corp::User, action, resource in Application::\"wiki\") unless {{ {condition} }};"
        )
    };
    let help = lifted(&unless("context has mdm && context.mdm.score < 60"));
    assert!(help.contains("`if context has mdm then context.mdm.score < 60 else true`"), "{help}");
    taken(&unless("if context has mdm then context.mdm.score < 60 else true"));
    let help = lifted(&permit("!(context has mdm && context.mdm.score < 60)"));
    let corrected = "!(if context has mdm then context.mdm.score < 60 else true)";
    assert!(help.contains(&format!("deny where it is absent (`{corrected}`)")), "{help}");
    taken(&permit(corrected));
    let help = lifted(&permit("if context has mdm then context.mdm.managed else true"));
    let corrected = "context has mdm && (if context has mdm then context.mdm.managed else true)";
    assert!(help.contains(&format!("allow only where it is present (`{corrected}`)")), "{help}");
    taken(&permit(corrected));
    let help = lifted(&permit("!(context has mdm) || (context has mdm && context.mdm.managed)"));
    assert!(
        help.contains("allow only where it is present (`context has mdm && context has mdm && context.mdm.managed`)"),
        "{help}"
    );
}

#[portable]
fn a_forbid_with_unless_fires_on_absence() {
    let unless = |condition: &str| {
        format!("@id(\"f\") forbid (principal is corp::User, action, resource) unless {{ {condition} }};")
    };
    taken(&unless("context has mdm && context.mdm.score >= 60"));
    lifted(&unless("if context has mdm then context.mdm.score >= 60 else true"));
    lifted(
        "@id(\"f\") forbid (principal is corp::User, action, resource) when { context has mdm } unless { context.mdm.managed };",
    );
}

#[portable]
fn another_forbid_may_deny_the_absence() {
    let rule = forbid("context has mdm && context.mdm.score < 60");
    let all = "@id(\"all\") forbid (principal, action, resource) when { !(context has mdm) };";
    taken(&format!("{rule}\n{all}"));
    taken(&format!("{rule}\n{}", forbid("!(context has mdm)").replace("\"f\"", "\"g\"")));
    let narrower =
        "@id(\"all\") forbid (principal, action in Action::\"write\", resource) when { !(context has mdm) };";
    assert_eq!(codes(&format!("{rule}\n{narrower}")), ["absent-fact-lifts-rule"]);
    let others = "@id(\"all\") forbid (principal is partner::User, action, resource) when { !(context has mdm) };";
    assert_eq!(codes(&format!("{rule}\n{others}")), ["absent-fact-lifts-rule"]);
    let elsewhere =
        "@id(\"all\") forbid (principal, action, resource in Application::\"shop\") when { !(context has mdm) };";
    assert_eq!(codes(&format!("{rule}\n{elsewhere}")), ["absent-fact-lifts-rule"]);
}

#[portable]
fn evidence_that_a_route_does_not_require_is_optional_there() {
    let guarded = "@id(\"f\") forbid (principal is corp::User, action, resource in Application::\"shop\") when { context has mdm && context.mdm.score < 60 };";
    assert_eq!(codes(guarded), ["absent-fact-lifts-rule"]);
}

#[portable]
fn a_correction_is_the_whole_clause() {
    let both = "context has mdm && context.mdm.score < 20 || context.corp has acr && context.corp.acr == \"low\"";
    let first = "(context has mdm && context.mdm.score < 20) || (if context.corp has acr then context.corp.acr == \"low\" else true)";
    let second = "(if context has mdm then context.mdm.score < 20 else true) || (if context.corp has acr then context.corp.acr == \"low\" else true)";
    assert!(lifted(&forbid(both)).contains(&format!("(`{first}`)")), "{}", lifted(&forbid(both)));
    assert!(lifted(&forbid(first)).contains(&format!("(`{second}`)")), "{}", lifted(&forbid(first)));
    taken(&forbid(second));
    let clauses = |one: &str, other: &str| {
        format!("@id(\"f\") forbid (principal is corp::User, action, resource) when {{ {one} }} {other};")
    };
    let unless = "unless { if context has mdm then context.mdm.managed else true }";
    let help = lifted(&clauses("context.now > 5", unless));
    let corrected = "unless { context has mdm && (if context has mdm then context.mdm.managed else true) }";
    assert!(help.contains(&format!("allow only where it is present (`{corrected}`)")), "{help}");
    taken(&clauses("context.now > 5", corrected));
    let help = lifted(&clauses("context has mdm", "unless { context.mdm.managed }"));
    let corrected = "if context has mdm then !(context.mdm.managed) else true";
    assert!(help.contains(&format!("(with `when {{ {corrected} }}` as its only clause)")), "{help}");
    taken(&clauses(corrected, ""));
}
