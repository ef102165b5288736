//! Istio's and Envoy Gateway's resources.

use super::{Case, NONE, check_cases, codes, codes_of, findings, findings_of, with};

pub const ISTIO: &str = r#"
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: guard, namespace: shop }
spec:
  workloadSelector: { labels: { app: orders } }
  configPatches:
  - applyTo: HTTP_FILTER
    match: { listener: { filterChain: { filter: { name: http, subFilter: { name: envoy.filters.http.router } } } } }
    patch:
      operation: INSERT_BEFORE
      value:
        name: guard
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
          rules:
            policies:
              countersign:
                permissions: [{ any: true }]
                principals: [{ filter_state: { key: wasm.countersign, string_match: { exact: allow } } }]
  - applyTo: NETWORK_FILTER
    patch: { operation: MERGE, value: { typed_config: { stream_idle_timeout: 300s } } }
---
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: { name: countersign, namespace: shop }
spec:
  selector: { matchLabels: { app: orders, tier: web } }
  url: oci://registry.example.com/policy
  phase: AUTHN
  failStrategy: FAIL_RELOAD
  match: [{ mode: SERVER }]
  pluginConfig: { version: 1, policies: '' }
"#;

pub const GATEWAY: &str = r#"
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyPatchPolicy
metadata: { name: guard, namespace: edge }
spec:
  targetRef: { kind: Gateway, name: edge }
  jsonPatches:
  - operation:
      op: add
      jsonPath: "$..http_filters[?(@.name=='envoy.filters.http.router')]"
      value:
        name: guard
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
          rules:
            policies:
              countersign:
                permissions: [{ any: true }]
                principals: [{ filter_state: { key: wasm.countersign, string_match: { exact: allow } } }]
  - operation:
      op: add
      jsonPath: "$..http_filters[?(@.name=='envoy.filters.http.wasm/envoyextensionpolicy/edge/countersign/wasm/0')]"
      path: /typed_config/config/failure_policy
      value: FAIL_RELOAD
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: { name: countersign, namespace: edge }
spec:
  targetRefs: [{ kind: Gateway, name: edge }]
  wasm:
  - failOpen: false
    code: { image: { url: registry.example.com/policy } }
    config: { version: 1, policies: '' }
"#;

const NETWORK_PATCH: &str = "  - applyTo: NETWORK_FILTER\n";

/// Another filter before the router.
const ISTIO_SCRIPT: &str = r#"  - applyTo: HTTP_FILTER
    match: { context: SIDECAR_INBOUND, listener: { filterChain: { filter: { subFilter: { name: envoy.filters.http.router } } } } }
    patch:
      operation: INSERT_BEFORE
      value: { name: script, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua } }
  - applyTo: NETWORK_FILTER
"#;

const ISTIO_PLUGIN_OFF: &str = r#"  - applyTo: HTTP_ROUTE
    patch:
      operation: MERGE
      value:
        typed_per_filter_config:
          extensions.istio.io/wasmplugin/shop.countersign: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }
          extensions.istio.io/wasmplugin/shop.other: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }
  - applyTo: NETWORK_FILTER
"#;

const ISTIO_GUARD_EMPTIED: &str = r#"  - applyTo: VIRTUAL_HOST
    patch:
      operation: MERGE
      value:
        typed_per_filter_config:
          guard: { "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute }
          extensions.istio.io/trafficextension/shop.countersign~istio-translated-wasmplugin: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, config: {} }
  - applyTo: NETWORK_FILTER
"#;

const GATEWAY_SCRIPT: &str = r#"  jsonPatches:
  - operation:
      op: add
      jsonPath: "$..http_filters[?(@.name=='envoy.filters.http.router')]"
      value: { name: script, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua } }
"#;

const ISTIO_REWRITE: &str = r#"  - applyTo: HTTP_ROUTE
    match: { context: SIDECAR_INBOUND }
    patch: { operation: MERGE, value: { route: { prefix_rewrite: /v2 } } }
  - applyTo: NETWORK_FILTER
"#;

const ISTIO_REPLY: &str = r#"  - applyTo: NETWORK_FILTER
    patch: { operation: MERGE, value: { typed_config: { local_reply_config: { body_format: { text_format: no } } } } }
  - applyTo: NETWORK_FILTER
"#;

const ISTIO_HEADER: &str = r#"  - applyTo: VIRTUAL_HOST
    patch: { operation: MERGE, value: { request_headers_to_add: [{ header: { key: x-countersign-subject, value: root } }] } }
  - applyTo: NETWORK_FILTER
"#;

pub const OF_ISTIO: &[Case] = &[
    Case { code: "identity-header-changed", from: NETWORK_PATCH, to: ISTIO_HEADER, line: "request_headers_to_add" },
    Case { code: "request-rewritten", from: NETWORK_PATCH, to: ISTIO_REWRITE, line: "prefix_rewrite" },
    Case { code: "answer-replaced", from: NETWORK_PATCH, to: ISTIO_REPLY, line: "local_reply_config" },
    Case { code: "guard-missing", from: "INSERT_BEFORE", to: "INSERT_FIRST", line: "spec:" },
    Case { code: "guard-missing", from: "exact: allow", to: "prefix: allow", line: "spec:" },
    Case { code: "filter-unacknowledged", from: NETWORK_PATCH, to: ISTIO_SCRIPT, line: "value:" },
    Case {
        code: "guard-forged",
        from: "stream_idle_timeout: 300s",
        to: "stream_idle_timeout: 300s, object_key: wasm.countersign",
        line: "object_key",
    },
    Case { code: "plugin-disabled", from: NETWORK_PATCH, to: ISTIO_PLUGIN_OFF, line: "wasmplugin" },
    Case { code: "guard-overridden", from: NETWORK_PATCH, to: ISTIO_GUARD_EMPTIED, line: "guard: {" },
    Case { code: "fail-open", from: "FAIL_RELOAD", to: "FAIL_OPEN", line: "failStrategy" },
    Case { code: "fail-reload", from: "FAIL_RELOAD", to: "FAIL_CLOSE", line: "failStrategy" },
    Case {
        code: "replay-memory-missing",
        from: "pluginConfig: { version: 1,",
        to: "pluginConfig: { version: 1, issuers: { corp: { dpop: {} } },",
        line: "spec:",
    },
    Case { code: "plugin-phase", from: "phase: AUTHN", to: "phase: STATS", line: "phase" },
    Case { code: "plugin-ports", from: "mode: SERVER", to: "mode: SERVER, ports: [{ number: 80 }]", line: "ports" },
    Case { code: "stream-idle-timeout", from: "stream_idle_timeout", to: "drain_timeout", line: "spec:" },
];

const GATEWAY_MIRROR: &str = r#"  jsonPatches:
  - type: type.googleapis.com/envoy.config.route.v3.RouteConfiguration
    operation: { op: add, path: /virtual_hosts/0/routes/0, value: { route: { request_mirror_policies: [{ cluster: b }] } } }
"#;

const GATEWAY_HEADER: &str = r#"  jsonPatches:
  - type: type.googleapis.com/envoy.config.route.v3.RouteConfiguration
    operation: { op: add, path: /virtual_hosts/0, value: { request_headers_to_remove: [x-countersign-subject] } }
"#;

pub const OF_GATEWAY: &[Case] = &[
    Case {
        code: "identity-header-changed",
        from: "  jsonPatches:\n",
        to: GATEWAY_HEADER,
        line: "request_headers_to_remove",
    },
    Case { code: "request-mirrored", from: "  jsonPatches:\n", to: GATEWAY_MIRROR, line: "request_mirror_policies" },
    Case { code: "guard-missing", from: "envoy.filters.http.router", to: "envoy.filters.http.cors", line: "spec:" },
    Case { code: "filter-unacknowledged", from: "  jsonPatches:\n", to: GATEWAY_SCRIPT, line: "value:" },
    Case { code: "fail-open", from: "failOpen: false", to: "failOpen: true", line: "failOpen" },
    Case { code: "fail-reload", from: "countersign/wasm/0", to: "countersign/wasm/1", line: "- failOpen" },
    Case { code: "plugin-target", from: "name: edge }]", to: "name: edge, sectionName: https }]", line: "spec:" },
    Case {
        code: "plugin-replaced",
        from: "\napiVersion",
        to: "
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: { name: script, namespace: shop }
spec: { targetRefs: [{ kind: HTTPRoute, name: orders }], lua: [{ type: Inline }] }
---
apiVersion",
        line: "spec:",
    },
];

#[test]
fn each_fault_of_istio_resources_is_found_at_its_place() {
    check_cases(ISTIO, OF_ISTIO);
}

#[test]
fn each_fault_of_envoy_gateway_resources_is_found_at_its_place() {
    check_cases(GATEWAY, OF_GATEWAY);
}

#[test]
fn the_guard_has_to_hold_wherever_the_plugin_does() {
    let both = ["guard-missing", "stream-idle-timeout"];
    for (from, to, expected) in [
        ("labels: { app: orders }", "labels: { app: stock }", both.as_slice()),
        ("labels: { app: orders }", "labels: { app: orders, tier: web, zone: a }", &both),
        ("  selector: { matchLabels: { app: orders, tier: web } }\n", "", &both),
        ("  workloadSelector: { labels: { app: orders } }\n", "", &[]),
        ("name: guard, namespace: shop", "name: guard, namespace: pay", &both),
        ("name: guard, namespace: shop", "name: guard, namespace: istio-system", &[]),
    ] {
        assert_eq!(codes(&with(ISTIO, from, to)), expected, "{to}");
    }
    let target = "targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: waypoint }]";
    let text = with(ISTIO, "workloadSelector: { labels: { app: orders } }", target);
    assert_eq!(codes(&text), both);
    let text = with(&text, "selector: { matchLabels: { app: orders, tier: web } }", target);
    assert_eq!(codes(&text), NONE);
}

#[test]
fn a_filter_that_is_put_before_the_router_is_acknowledged_or_meant_for_others() {
    let text = with(ISTIO, NETWORK_PATCH, ISTIO_SCRIPT);
    assert_eq!(codes(&with(&text, "policies: ''", "policies: '', acknowledged_filters: [script]")), NONE);
    assert_eq!(codes(&with(&text, "SIDECAR_INBOUND", "SIDECAR_OUTBOUND")), NONE);
    let elsewhere = |namespace: &str, labels: &str| {
        let spec = format!("spec:\n  workloadSelector: {{ labels: {{ {labels} }} }}\n  configPatches:\n{ISTIO_SCRIPT}");
        let filter = format!(
            "apiVersion: networking.istio.io/v1\nkind: EnvoyFilter\nmetadata: {{ namespace: {namespace} }}\n{spec}"
        );
        codes_of(&findings_of(&[ISTIO, &filter]))
    };
    assert_eq!(
        elsewhere("shop", "zone: a"),
        ["filter-unacknowledged"],
        "some of the plugin's proxies may have the label"
    );
    assert_eq!(elsewhere("istio-system", "app: orders"), ["filter-unacknowledged"]);
    assert_eq!(elsewhere("shop", "app: stock"), NONE);
    assert_eq!(elsewhere("pay", "app: orders"), NONE);
}

#[test]
fn a_patch_for_calls_that_a_workload_makes_itself_changes_no_judged_request() {
    let outbound = ISTIO_REWRITE.replace("SIDECAR_INBOUND", "SIDECAR_OUTBOUND");
    assert_eq!(codes(&with(ISTIO, NETWORK_PATCH, &outbound)), NONE);
}

#[test]
fn the_guard_may_be_in_another_file() {
    for text in [ISTIO, GATEWAY] {
        let (guard, plugin) = text.split_once("---\n").unwrap();
        assert_eq!(codes(plugin).first(), Some(&"guard-missing"));
        assert_eq!(codes_of(&findings_of(&[plugin, guard])), NONE);
    }
}

#[test]
fn the_patch_that_is_shown_is_the_guard() {
    let (_, plugin) = ISTIO.split_once("---\n").unwrap();
    let found = findings(plugin);
    let (_, patch) = found.first().unwrap().problem.help.split_once(":\n").unwrap();
    let patch = patch.replace('\n', "\n  ");
    let filter = format!(
        "apiVersion: networking.istio.io/v1\nkind: EnvoyFilter\nmetadata: {{ namespace: shop }}\nspec:\n  configPatches:\n  {patch}\n---\n{plugin}"
    );
    assert_eq!(codes(&filter), ["stream-idle-timeout"], "{filter}");
    let (_, plugin) = GATEWAY.split_once("---\n").unwrap();
    let found = findings(plugin);
    let [guard, reload] = found.as_slice() else { panic!("{found:?}") };
    let operation =
        |finding: &super::Finding| finding.problem.help.split_once(":\n").unwrap().1.replace('\n', "\n      ");
    let patches = format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyPatchPolicy\nmetadata: {{ namespace: edge }}\nspec:\n  targetRef: {{ kind: Gateway, name: edge }}\n  jsonPatches:\n  - operation:\n      {}\n  - operation:\n      {}\n---\n{plugin}",
        operation(guard),
        operation(reload)
    );
    assert_eq!(codes(&patches), NONE, "{patches}");
}

#[test]
fn a_traffic_extension_is_judged_as_a_wasm_plugin_is() {
    let wasm = "  wasm:\n    url: oci://registry.example.com/policy\n    failStrategy: FAIL_RELOAD\n    pluginConfig: { version: 1, policies: '' }\n";
    let text = with(ISTIO, "kind: WasmPlugin", "kind: TrafficExtension");
    let text = with(&text, "  url: oci://registry.example.com/policy\n", wasm);
    let text = with(&text, "  failStrategy: FAIL_RELOAD\n  match", "  match");
    let text = with(&text, "\n  pluginConfig: { version: 1, policies: '' }\n", "\n");
    assert_eq!(codes(&text), NONE, "{text}");
    assert_eq!(codes(&with(&text, "FAIL_RELOAD", "FAIL_OPEN")), ["fail-open"]);
}

#[test]
fn a_policy_beside_the_gateways_may_merge_with_it() {
    let other = OF_GATEWAY.iter().find(|case| case.code == "plugin-replaced").unwrap();
    let text = with(GATEWAY, other.from, other.to);
    assert_eq!(codes(&with(&text, "spec: { targetRefs", "spec: { mergeType: StrategicMerge, targetRefs")), NONE);
    assert_eq!(codes(&with(&text, "kind: HTTPRoute", "kind: Gateway")), NONE, "the same size");
}
