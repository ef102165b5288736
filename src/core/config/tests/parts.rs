//! The reader's own errors, and the parts that are a word or a number each.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, problems, with, without};
use crate::limits::{HEADER_BYTES, HEADERS, MAX_POLICIES_IN_METRICS, PATH_BYTES, TOKEN_BYTES};
use crate::mode::Mode;
use crate::portable;

#[portable]
fn an_unknown_member_is_an_error_with_the_name_that_was_probably_meant() {
    assert_problem(
        &with("/issuers/corp/forwards", json!("never")),
        "/issuers/corp/forwards",
        "unknown-field",
        "`forwards` is not a known member",
        "did you mean `forward`?",
    );
    assert_problem(&with("/comment", json!("x")), "/comment", "unknown-field", "`comment`", "`client_address`");
}

#[portable]
fn a_misspelled_required_member_is_one_problem() {
    let document = also(without("/issuers/corp/audiences"), "/issuers/corp/audience", json!(["shop"]));
    assert_problem(&document, "/issuers/corp/audience", "unknown-field", "`audience`", "did you mean `audiences`?");
}

#[portable]
fn what_refers_to_a_part_that_is_misspelled_is_not_called_unknown() {
    for (right, wrong) in [("issuers", "issuer"), ("devices", "device"), ("applications", "application")] {
        let part = document()[right].clone();
        let document = also(without(&format!("/{right}")), &format!("/{wrong}"), part);
        let document = also(document, "/policies", json!({ "staff": { "applies_to": ["shop"], "text": "" } }));
        let help = format!("did you mean `{right}`?");
        assert_problem(&document, &format!("/{wrong}"), "unknown-field", "is not a known member", &help);
    }
    let errors = problems(&with("/issuers", json!([])));
    assert_eq!((errors.len(), errors[0].pointer.as_str()), (1, "/issuers"), "{errors:?}");
    assert_problem(&without("/applications"), "", "missing-field", "`applications` is missing", "add `applications`");
}

#[portable]
fn a_missing_member_is_named_at_its_object_with_what_to_write() {
    for (pointer, place, name) in [
        ("/version", "", "version"),
        ("/applications", "", "applications"),
        ("/policies", "", "policies"),
        ("/issuers/corp/issuer", "/issuers/corp", "issuer"),
        ("/issuers/corp/audiences", "/issuers/corp", "audiences"),
        ("/issuers/corp/keys", "/issuers/corp", "keys"),
        ("/issuers/corp/typ", "/issuers/corp", "typ"),
        ("/issuers/corp/principal", "/issuers/corp", "principal"),
        ("/issuers/corp/principal/id", "/issuers/corp/principal", "id"),
        ("/devices/mdm/header", "/devices/mdm", "header"),
        ("/devices/mdm/audiences", "/devices/mdm", "audiences"),
        ("/devices/mdm/max_age", "/devices/mdm", "max_age"),
        ("/devices/mdm/bind", "/devices/mdm", "bind"),
        ("/applications/shop/hosts", "/applications/shop", "hosts"),
        ("/applications/shop/routes", "/applications/shop", "routes"),
        ("/applications/shop/routes/order/path", "/applications/shop/routes/order", "path"),
    ] {
        let message = format!("`{name}` is missing");
        assert_problem(&without(pointer), place, "missing-field", &message, &format!("add `{name}`: "));
    }
}

#[portable]
fn a_pointer_escapes_what_json_pointers_escape() {
    assert_problem(&with("/a~1b~0c", json!(1)), "/a~1b~0c", "unknown-field", "`a/b~c`", "remove it");
}

#[portable]
fn a_wrong_type_says_what_was_found_and_what_is_expected() {
    for (pointer, value, message) in [
        ("/entities", json!([]), "found a list, expected an object"),
        ("/issuers/corp", json!(null), "found null, expected an object"),
        ("/issuers/corp/audiences", json!("shop"), "found a string, expected a list, or `absent`"),
        ("/issuers/corp/typ", json!("JWT"), "found a string, expected a list"),
        ("/issuers/corp/typ", json!(["JWT", 1]), "found a number, expected a string"),
        ("/issuers/corp/exp", json!(true), "found a boolean, expected a string"),
        ("/issuers/corp/principal/id", json!({}), "found an object, expected a claim's name, or a list of names"),
        ("/issuers/corp/clock_skew", json!(60), "found a number, expected a string"),
        ("/devices/mdm/bind", json!(null), "found null, expected an object, or `none`"),
        ("/policies", json!([]), "found a list, expected a string, or an object of documents"),
        ("/limits", json!({ "max_headers": "50" }), "found a string, expected a whole number"),
    ] {
        let errors = problems(&with(pointer, value));
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!((errors[0].code.code(), errors[0].message.as_str()), ("wrong-type", message));
        assert!(errors[0].pointer.starts_with(pointer) && errors[0].help.starts_with("write "), "{errors:?}");
    }
}

#[portable]
fn only_version_1_is_read() {
    assert_problem(&with("/version", json!(2)), "/version", "bad-value", "version 2 is not supported", "`version: 1`");
    assert_problem(&with("/version", json!("1")), "/version", "wrong-type", "found a string", "`version: 1`");
}

#[portable]
fn each_limit_is_taken_at_the_ends_of_its_range_and_not_beyond() {
    for range in [TOKEN_BYTES, HEADER_BYTES, HEADERS, PATH_BYTES] {
        let limits = |value: Value| with("/limits", json!({ range.name: value }));
        let value_of = |document: &Value| {
            let (plan, _) = plan(document);
            let limits = plan.limits;
            [limits.max_token_bytes, limits.max_header_bytes, limits.max_headers, limits.max_path_bytes]
        };
        assert!(value_of(&limits(json!(range.min))).contains(&range.min), "{range:?}");
        assert!(value_of(&limits(json!(range.max))).contains(&range.max), "{range:?}");
        assert!(value_of(&document()).contains(&range.default), "{range:?}");
        for outside in [json!(range.min - 1), json!(range.max + 1), json!(-1), json!(u64::MAX), json!(1e300)] {
            let errors = problems(&limits(outside.clone()));
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert_eq!(errors[0].pointer, format!("/limits/{}", range.name));
            assert!(matches!(errors[0].code.code(), "out-of-range" | "wrong-type"), "{outside} {errors:?}");
        }
        let errors = problems(&limits(json!(range.max + 1)));
        assert_eq!(errors[0].code.code(), "out-of-range");
        assert_eq!(errors[0].help, format!("write a whole number from {} to {}", range.min, range.max));
    }
}

#[portable]
fn lengths_of_time_are_taken_at_the_ends_of_their_ranges_and_not_beyond() {
    for (pointer, least, most, below, above) in [
        ("/issuers/corp/clock_skew", "0s", "300s", None, "301s"),
        ("/issuers/corp/max_age", "1s", "366d", Some("0s"), "31622401s"),
        ("/issuers/corp/max_lifetime", "1s", "366d", Some("0s"), "31622401s"),
        ("/devices/mdm/max_age", "1s", "366d", Some("0s"), "31622401s"),
    ] {
        plan(&with(pointer, json!(least)));
        plan(&with(pointer, json!(most)));
        for outside in below.into_iter().chain([above]) {
            assert_problem(
                &with(pointer, json!(outside)),
                pointer,
                "out-of-range",
                outside,
                "write a length of time from",
            );
        }
    }
    assert_problem(
        &with("/issuers/corp/clock_skew", json!("1 minute")),
        "/issuers/corp/clock_skew",
        "bad-duration",
        "`1 minute` is not a length of time",
        "`90s`, `15m`, `24h` or `7d`",
    );
}

#[portable]
fn words_come_from_closed_lists() {
    for (pointer, value, place, near) in [
        ("/mode", json!("shadwo"), "/mode", "`shadow`"),
        ("/peer", json!({ "from": "istio_waypoint" }), "/peer/from", "`istio-waypoint`"),
        ("/client_address", json!({ "from": "trusted-xff" }), "/client_address/from", "`trusted_xff`"),
        ("/issuers/corp/exp", json!("require"), "/issuers/corp/exp", "`required`"),
        ("/issuers/corp/forward", json!("Verified"), "/issuers/corp/forward", "`verified`"),
        ("/devices/mdm/bind", json!("None"), "/devices/mdm/bind", "`none`"),
        ("/applications/shop/routes/order/action", json!("reed"), "/applications/shop/routes/order/action", "`read`"),
    ] {
        assert_problem(&with(pointer, value), place, "bad-value", "is not one of", &format!("did you mean {near}?"));
    }
    assert_problem(&with("/mode", json!("loud")), "/mode", "bad-value", "`loud`", "write one of `enforce`, `shadow`");
}

#[portable]
fn a_guard_has_a_name_that_a_filter_state_can_carry_and_no_other_plugin_writes() {
    for name in ["a", "countersign-2", "shop_guard.v1"] {
        assert_eq!(plan(&with("/guard", json!({ "name": name }))).0.guard, name);
    }
    for name in ["Shop", "shop guard", "shop/guard", "gärd"] {
        assert_problem(
            &with("/guard", json!({ "name": name })),
            "/guard/name",
            "bad-name",
            "cannot name a guard",
            "lower-case",
        );
    }
    assert_problem(
        &with("/guard", json!({ "name": "countersign.decision" })),
        "/guard/name",
        "reserved-name",
        "like the key of a decision record",
        "`.decision`",
    );
    assert_problem(&with("/guard", json!({ "name": "" })), "/guard/name", "bad-value", "empty", "lower-case");
}

#[portable]
fn acknowledged_filters_are_names_each_once() {
    let acknowledged = |value: Value| with("/acknowledged_filters", value);
    for good in [json!([]), json!(["envoy.filters.http.lua", "script"])] {
        plan(&acknowledged(good));
    }
    for (value, pointer, code, part) in [
        (json!("script"), "", "wrong-type", "expected a list"),
        (json!([1]), "/0", "wrong-type", "expected a string"),
        (json!([""]), "/0", "bad-value", "empty"),
        (json!(["a", "a"]), "/1", "duplicate-value", "appears twice"),
    ] {
        let help = if code == "duplicate-value" { "remove one" } else { "names of filters" };
        assert_problem(&acknowledged(value), &format!("/acknowledged_filters{pointer}"), code, part, help);
    }
}

#[portable]
fn what_works_and_deserves_a_look_is_a_warning() {
    let warned = |document: &Value| -> Vec<(String, &'static str)> {
        plan(document).1.into_iter().map(|warning| (warning.pointer, warning.code.code())).collect()
    };
    let has = |document: &Value, pointer: &str, code: &str| {
        let warnings = warned(document);
        assert!(warnings.iter().any(|warning| warning.0 == pointer && warning.1 == code), "{warnings:?}");
    };
    let shadow = with("/mode", json!("shadow"));
    has(&shadow, "/mode", "shadow-mode");
    assert_eq!(plan(&shadow).0.mode, Mode::Shadow);
    has(&with("/client_address", json!({ "from": "trusted_xff" })), "/client_address/from", "trusted-xff");
    let any_host = json!({ "any_host": true, "routes": { "all": { "path": "/" } } });
    has(&with("/applications/shop", any_host.clone()), "/applications/shop/any_host", "any-host");
    let uncovered = also(
        with("/applications/other", any_host),
        "/policies",
        json!({ "a": { "applies_to": ["shop"], "text": "" } }),
    );
    has(&uncovered, "/policies", "application-without-policy");
}

#[portable]
fn documents_of_policies_name_their_applications_and_have_a_text() {
    let policies = |value: Value| with("/policies", json!({ "staff": value }));
    plan(&policies(json!({ "applies_to": ["shop"], "text": "" })));
    assert_problem(
        &policies(json!({ "applies_to": ["shopp"], "text": "" })),
        "/policies/staff/applies_to/0",
        "unknown-application",
        "`shopp` is not an application",
        "did you mean `shop`?",
    );
    assert_problem(
        &policies(json!({ "applies_to": [], "text": "" })),
        "/policies/staff/applies_to",
        "empty-list",
        "the list is empty",
        "a list of applications",
    );
    assert_problem(
        &policies(json!({ "applies_to": ["shop", "shop"], "text": "" })),
        "/policies/staff/applies_to/1",
        "duplicate-value",
        "appears twice",
        "remove one",
    );
    assert_problem(&policies(json!({ "applies_to": ["shop"] })), "/policies/staff", "missing-field", "`text`", "Cedar");
    assert_problem(&with("/policies", json!({})), "/policies", "empty-list", "no documents", "may be empty");
    assert_problem(
        &with("/policies", json!({ "a.b": { "applies_to": ["shop"], "text": "" } })),
        "/policies/a.b",
        "bad-name",
        "`a.b` cannot name a document",
        "letters, digits",
    );
}

#[portable]
fn entities_are_lists_of_groups_by_group() {
    assert_problem(
        &with("/entities", json!({ "groups": { "corp::Group::\"a/b\"": "corp::Group::\"c\"" } })),
        "/entities/groups/corp::Group::\"a~1b\"",
        "wrong-type",
        "found a string, expected a list",
        "a list of groups",
    );
}

#[portable]
fn identity_headers_have_names_of_their_own() {
    let source = || json!({ "fact": "mdm.managed" });
    for (name, why) in [
        (":path", "a pseudo-header"),
        ("Connection", "ends at each hop"),
        ("transfer-encoding", "ends at each hop"),
        ("host", "names the application"),
        ("content-length", "where the body ends"),
        ("authorization", "the access token"),
        ("cookie", "the client's state"),
        ("X-Countersign-Principal", "this program's own"),
        ("x-envoy-retry-on", "steers the proxy"),
        ("x-device-posture", "posture of `mdm` is read from it"),
        ("x user", "not the name of a header"),
        ("x_user", "has `_`"),
    ] {
        assert_problem(
            &with("/identity_headers", json!({ name: source() })),
            &format!("/identity_headers/{name}"),
            "bad-identity-header",
            why,
            "`x-user-email`",
        );
    }
    assert_problem(
        &with("/identity_headers", json!({ "x-user": source(), "X-User": source() })),
        "/identity_headers/x-user",
        "bad-identity-header",
        "twice",
        "keep one",
    );
}

#[portable]
fn identity_headers_carry_one_declared_fact_or_a_payload() {
    let header = |source: Value| with("/identity_headers", json!({ "x-user": source }));
    plan(&header(json!({ "fact": "mdm.hardware.vendor" })));
    plan(&header(json!({ "payload": "corp" })));
    for (source, code, message, help) in [
        (json!({ "fact": "mdm.manged" }), "unknown-fact", "`mdm` declares no fact `manged`", "did you mean `managed`?"),
        (json!({ "fact": "mdm" }), "unknown-fact", "`mdm` has no provider", "corp.email"),
        (json!({ "fact": "mdn.managed" }), "unknown-provider", "`mdn` is not a provider", "did you mean `mdm`?"),
        (
            json!({ "fact": "mdm.hardware" }),
            "bad-identity-header",
            "`mdm.hardware` is a record",
            "a fact inside the record",
        ),
        (json!({ "payload": "mdm" }), "unknown-provider", "`mdm` is not an issuer", "the issuers are `corp`"),
    ] {
        let place = if source.get("fact").is_some() {
            "/identity_headers/x-user/fact"
        } else {
            "/identity_headers/x-user/payload"
        };
        assert_problem(&header(source), place, code, message, help);
    }
    let place = "/identity_headers/x-user";
    assert_problem(&header(json!({})), place, "missing-field", "`fact` is missing", "corp.email");
    assert_problem(
        &header(json!({ "payloads": "corp" })),
        "/identity_headers/x-user/payloads",
        "unknown-field",
        "`payloads`",
        "`payload`",
    );
    assert_problem(
        &header(json!({ "fact": "mdm.managed", "payload": "corp" })),
        place,
        "contradiction",
        "carries one thing",
        "`{ payload: corp }`",
    );
}

#[portable]
fn a_fact_whose_name_has_dots_can_be_sent() {
    let document = with("/issuers/corp/facts", json!({ "https://example.com/dept": "string" }));
    let document =
        also(document, "/identity_headers", json!({ "x-dept": { "fact": "corp.https://example.com/dept" } }));
    plan(&document);
}

#[portable]
fn metrics_name_policies_up_to_the_cap() {
    let names = |count: usize| {
        let policy = |id| format!("@id(\"p{id}\") permit (principal == corp::User::\"u{id}\", action, resource);\n");
        let (plan, _) = plan(&with("/policies", json!((0..count).map(policy).collect::<String>())));
        plan.recorded().names_policies
    };
    assert!(names(MAX_POLICIES_IN_METRICS));
    assert!(!names(MAX_POLICIES_IN_METRICS + 1));
}
