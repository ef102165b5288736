//! `request_headers`: what may be removed and kept, and what is said of it.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, problems, with};
use crate::config_error::ConfigWarning;
use crate::limits::MAX_REQUEST_HEADER_ENTRIES;
use crate::portable;
use crate::stripped::normal_form;

/// The document has no policy, which is another warning.
fn about_headers(warnings: &[ConfigWarning]) -> Vec<&ConfigWarning> {
    warnings.iter().filter(|warning| warning.pointer.starts_with("/request_headers")).collect()
}

fn written(remove: &[&str], keep: &[&str]) -> Value {
    with("/request_headers", json!({ "remove": remove, "keep": keep }))
}

#[portable]
fn names_and_beginnings_reach_the_plan_in_any_case() {
    let (plan, warnings) =
        plan(&written(&["X-Acme-User", "x-acme-role-*", "cookie"], &["X-Method-Override", "impersonate-*"]));
    let removes = |name: &str| plan.header_policy.request_headers().removes(name, &normal_form(name));
    for name in ["x-acme-user", "x_acme_user", "x-acme-role-admin", "cookie", "x_method_override", "x-user-id"] {
        assert!(removes(name), "{name}");
    }
    for name in ["x-method-override", "impersonate-user", "x-acme-group"] {
        assert!(!removes(name), "{name}");
    }
    let told: Vec<(&str, &str)> =
        about_headers(&warnings).iter().map(|warning| (warning.pointer.as_str(), warning.code.code())).collect();
    assert_eq!(told, [("/request_headers/keep/0", "kept-header"), ("/request_headers/keep/1", "kept-header")]);
    assert!(
        warnings[0].message.contains("`x-method-override`") && warnings[0].message.contains("Rails"),
        "{warnings:?}"
    );
    assert!(
        warnings[1].message.contains("`impersonate-*`") && warnings[1].message.contains("Kubernetes"),
        "{warnings:?}"
    );
}

#[portable]
fn without_the_member_the_list_holds_as_it_stands() {
    for document in [document(), with("/request_headers", json!({})), written(&[], &[])] {
        let (plan, warnings) = plan(&document);
        assert!(plan.header_policy.request_headers().removes("x-user-id", "x-user-id"));
        assert!(about_headers(&warnings).is_empty());
    }
}

#[portable]
fn what_the_proxy_needs_and_what_the_plugin_decides_about_cannot_be_removed() {
    for (entry, message, help) in [
        (":path", "`:path` is a pseudo-header", "remove it"),
        ("Host", "`host` cannot be removed: it names the application", "remove it"),
        ("content-length", "it says where the body ends", "remove it"),
        ("transfer_encoding", "it ends at each hop", "remove it"),
        ("te", "it ends at each hop", "remove it"),
        ("connection", "it ends at each hop", "remove it"),
        ("upgrade", "it ends at each hop", "remove it"),
        ("content-*", "`content-*` covers `content-length`, which", "remove it"),
        ("authorization", "it carries the access token", "`forward: never` on the issuer"),
        ("x-device-posture", "posture of `mdm` is read from it", "`forward: never` on the device provider"),
        ("x-device-*", "covers `x-device-posture`", "`forward: never` on the device provider"),
        ("x-countersign-groups", "the plugin itself sets it", "a client's own never arrives"),
        ("x-*", "covers `x-countersign*`", "a client's own never arrives"),
    ] {
        assert_problem(&written(&[entry], &[]), "/request_headers/remove/0", "reserved-name", message, help);
    }
    let document = also(written(&["x-mail"], &[]), "/identity_headers", json!({ "x-mail": { "payload": "corp" } }));
    let message = "`x-mail` cannot be removed: `identity_headers` sets it";
    assert_problem(&document, "/request_headers/remove/0", "reserved-name", message, "or from this list");
}

#[portable]
fn what_only_the_plugin_says_and_evidence_cannot_be_kept() {
    for (entry, message, help) in [
        (
            "x-countersign-principal",
            "`x-countersign-principal` cannot be kept: the plugin itself sets it",
            "never arrives",
        ),
        ("x_countersign_principal", "the plugin itself sets it", "never arrives"),
        ("x-countersign*", "the plugin itself sets it", "never arrives"),
        ("authorization", "it carries the access token", "`forward: verified` on the issuer"),
        ("Proxy-Authorization", "it ends at each hop", "remove it"),
        ("x-device-posture", "posture of `mdm` is read from it", "`forward: verified` on the device provider"),
        (":authority", "is a pseudo-header", "remove it"),
    ] {
        assert_problem(&written(&[], &[entry]), "/request_headers/keep/0", "reserved-name", message, help);
    }
    for entry in ["x-user-email", "x_user_email"] {
        let document =
            also(written(&[], &[entry]), "/identity_headers", json!({ "x-user-email": { "payload": "corp" } }));
        let message = "cannot be kept: `identity_headers` sets it";
        assert_problem(&document, "/request_headers/keep/0", "reserved-name", message, "identity_headers");
    }
    let document = also(written(&[], &["x-remote-*"]), "/devices/mdm/header", json!("x-remote-posture"));
    let message = "`x-remote-*` covers `x-remote-posture`, which cannot be kept";
    assert_problem(&document, "/request_headers/keep/0", "reserved-name", message, "forward: verified");
}

#[portable]
fn an_entry_of_keep_that_changes_nothing_is_an_error() {
    for (entry, message, help) in [
        ("x-user-idd", "`x-user-idd` is not on the list", "did you mean `x-user-id`?"),
        ("impersonat-*", "`impersonat-*` is not on the list", "did you mean `impersonate-*`?"),
        ("x-acme-quota", "is not on the list", "it is forwarded in any case"),
        ("x-user-*", "no entry of the list of removed headers covers all that `x-user-*` does", "`x-user-email`"),
        ("x-forwarded-for", "is not on the list", ""),
    ] {
        assert_problem(&written(&[], &[entry]), "/request_headers/keep/0", "not-removed", message, help);
    }
}

#[portable]
fn one_name_in_both_lists_or_twice_in_one_is_an_error() {
    for (remove, keep) in [("x-user-id", "x-user-id"), ("x_user_id", "x-user-id"), ("x-user-*", "x-user-id")] {
        let message = format!("`{keep}` is kept here, and `{remove}` is in `remove`");
        assert_problem(
            &written(&[remove], &[keep]),
            "/request_headers/keep/0",
            "contradiction",
            &message,
            "one of the two",
        );
    }
    let twice = written(&["x-acme-user", "X_Acme_User"], &[]);
    assert_problem(&twice, "/request_headers/remove/1", "duplicate-value", "twice", "remove one of the two");
    let twice = written(&[], &["x-user-id", "x_user_id"]);
    assert_problem(&twice, "/request_headers/keep/1", "duplicate-value", "twice", "remove one of the two");
}

#[portable]
fn what_is_no_header_name_is_an_error() {
    for entry in ["*", "x acme", "x-*-user", "x-acme-**", "é"] {
        assert_problem(
            &written(&[entry], &[]),
            "/request_headers/remove/0",
            "bad-name",
            "is not the name",
            "`x-acme-*`",
        );
    }
    let errors = problems(&with("/request_headers", json!({ "removed": [], "keep": [7] })));
    let found: Vec<(&str, &str)> = errors.iter().map(|error| (error.pointer.as_str(), error.code.code())).collect();
    assert_eq!(found, [("/request_headers/removed", "unknown-field"), ("/request_headers/keep/0", "wrong-type")]);
}

#[portable]
fn a_list_at_its_cap_is_read_and_one_entry_more_is_not() {
    let entries = |count: usize| {
        let names: Vec<String> = (0..count).map(|index| format!("x-acme-{index}")).collect();
        with("/request_headers", json!({ "remove": names }))
    };
    plan(&entries(MAX_REQUEST_HEADER_ENTRIES));
    let message = "the list has 101 entries, at most 100 are accepted";
    assert_problem(
        &entries(MAX_REQUEST_HEADER_ENTRIES + 1),
        "/request_headers/remove",
        "too-large",
        message,
        "x-acme-*",
    );
}
