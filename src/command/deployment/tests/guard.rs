//! What is a guard, and what only looks like one.

use super::super::guard::lines;
use super::{GOOD, NONE, codes, findings, parts, with};

#[test]
fn the_lines_that_are_shown_are_the_guard() {
    let [before, _, after] = parts(GOOD, "          - name: guard", "          - name: limit");
    let without = format!("{before}{after}");
    let found = findings(&without);
    let [missing] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(missing.problem.code, "guard-missing");
    let (_, lines) = missing.problem.help.split_once(":\n").unwrap();
    let lines = lines.replace('\n', "\n          ");
    let again = format!("{before}          {lines}\n{after}");
    assert_eq!(codes(&again), NONE, "{again}");
}

#[test]
fn the_guard_of_the_examples_is_the_one_that_is_shown() {
    let trimmed = |text: &str| text.lines().map(|line| format!("{}\n", line.trim())).collect::<String>();
    let shown = trimmed(&lines("countersign", 0));
    let (_, filter) = shown.split_once('\n').unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    for file in [
        "README.md",
        "envoy/envoy.yaml",
        "envoy/gateway/envoyextensionpolicy.yaml",
        "envoy/istio/gateway.yaml",
        "envoy/istio/waypoint.yaml",
        "envoy/istio/wasmplugin.yaml",
    ] {
        let text = std::fs::read_to_string(format!("{root}{file}")).unwrap();
        assert_eq!(trimmed(&text).matches(filter).count(), 1, "{file} has another guard than:\n{filter}");
    }
}

#[test]
fn a_guard_before_the_plugin_or_after_the_router_is_none() {
    let [before, guard, after] = parts(GOOD, "          - name: guard", "          - name: limit");
    let without = format!("{before}{after}");
    for at in ["          - name: countersign\n", "          route_config:\n"] {
        assert_eq!(codes(&with(&without, at, &format!("{guard}{at}"))), ["guard-missing"], "before {at}");
    }
    assert_eq!(
        codes(&with(&without, "          - name: router\n", &format!("{guard}          - name: router\n"))),
        NONE
    );
}

#[test]
fn a_guard_that_lets_more_pass_is_none() {
    for (from, to) in [
        ("action: ALLOW", "action: LOG"),
        ("exact: allow", "prefix: allow"),
        ("exact: allow", "exact: deny"),
        ("exact: allow", "exact: allow, ignore_case: true"),
        ("key: wasm.countersign", "key: countersign"),
        ("principals: [", "principals: [{ any: true }, "),
        ("principals: [", "principals: []\n                    x: ["),
        (
            "policies:\n",
            "policies:\n                  open: { permissions: [{ any: true }], principals: [{ any: true }] }\n",
        ),
        ("rules:", "shadow_rules:"),
        ("rules:", "matcher: {}\n              rules:"),
        ("- name: guard\n", "- name: guard\n            disabled: true\n"),
        (
            "[{ filter_state: { key: wasm.countersign, string_match: { exact: allow } } }]",
            "[{ not_id: { filter_state: { key: wasm.countersign, string_match: { exact: allow } } } }]",
        ),
        (
            "[{ filter_state: { key: wasm.countersign, string_match: { exact: allow } } }]",
            "[{ or_ids: { ids: [{ filter_state: { key: wasm.countersign, string_match: { exact: allow } } }, { any: true }] } }]",
        ),
    ] {
        assert_eq!(codes(&with(GOOD, from, to)), ["guard-missing"], "{to}");
    }
}

#[test]
fn a_guard_that_lets_less_pass_is_one() {
    for (from, to) in [
        ("action: ALLOW", "action: 0"),
        ("action: ALLOW", "rules_stat_prefix: x"),
        ("filter_state:", "filterState:"),
        ("permissions: [{ any: true }]", "permissions: [{ destination_port: 443 }]"),
        (
            "[{ filter_state: { key: wasm.countersign, string_match: { exact: allow } } }]",
            "[{ and_ids: { ids: [{ any: true }, { filter_state: { key: wasm.countersign, string_match: { exact: allow } } }] } }]",
        ),
    ] {
        assert_eq!(codes(&with(GOOD, from, to)), NONE, "{to}");
    }
}

#[test]
fn a_route_may_replace_the_guard_by_a_guard() {
    let route = |rules: &str| {
        let own = format!(
            "typed_per_filter_config: {{ guard: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute, rbac: {{ {rules} }} }} }}"
        );
        codes(&with(GOOD, "route: { cluster: upstream }", &own))
    };
    let guard = "rules: { policies: { p: { permissions: [{ any: true }], principals: [{ filter_state: { key: wasm.countersign, string_match: { exact: allow } } }] } } }";
    assert_eq!(route(guard), NONE);
    assert_eq!(route(""), ["guard-overridden"]);
    let deeper = "typed_per_filter_config: { guard: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute } } }";
    assert_eq!(codes(&with(GOOD, "route: { cluster: upstream }", deeper)), ["guard-overridden"]);
    assert_eq!(
        route("rules: { policies: { p: { permissions: [{ any: true }], principals: [{ any: true }] } } }"),
        ["guard-overridden"]
    );
}

#[test]
fn two_plugins_need_a_guard_each() {
    let second = "          - name: second\n            typed_config:\n              \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n              config:\n                failure_policy: FAIL_RELOAD\n                vm_config: { vm_id: second }\n                configuration: { \"@type\": type.googleapis.com/google.protobuf.Struct, value: { version: 1, policies: '', guard: { name: second } } }\n";
    let two = with(GOOD, "          - name: countersign\n", &format!("{second}          - name: countersign\n"));
    assert_eq!(codes(&two), ["guard-missing"]);
    let [_, guard, _] = parts(&two, "          - name: guard", "          - name: limit");
    let guard = guard.replace("wasm.countersign", "wasm.second");
    assert_eq!(codes(&with(&two, "          - name: limit\n", &format!("{guard}          - name: limit\n"))), NONE);
}
