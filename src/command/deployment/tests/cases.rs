//! Faults in an Envoy configuration, one at a time.

use super::{Case, GOOD, NONE, check_cases, codes, parts, with};

const ROUTE: &str = "route: { cluster: upstream }";
pub const HOST: &str = "- domains: [\"shop.example.com:*\"]";
const LISTENERS: &str = "listeners:\n  - name: main\n";
const LIMIT: &str = "- name: limit\n";
const CACHE: &str = "- name: cache\n            typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.cache.v3.CacheConfig }\n          - name: countersign\n";
const LUA: &str = "- name: script\n            typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua }\n          ";

/// What a plugin needs whose keys are in its configuration, but nothing that it writes down.
const UNRECORDED: &str = "failure_policy: FAIL_RELOAD
                capability_restriction_config:
                  allowed_capabilities: { proxy_on_context_create: {}, proxy_on_configure: {}, proxy_on_request_headers: {}, proxy_on_request_body: {}, proxy_on_delete: {}, proxy_get_buffer_bytes: {}, proxy_get_header_map_pairs: {}, proxy_get_property: {}, proxy_get_current_time_nanoseconds: {}, random_get: {}, proxy_send_local_response: {}, proxy_set_property: {}, proxy_on_request_trailers: {}, proxy_remove_header_map_value: {}, proxy_replace_header_map_value: {}, proxy_call_foreign_function: {} }";

/// The same without the call by which Envoy verifies signatures.
const WITHOUT_SIGNATURES: &str = "failure_policy: FAIL_RELOAD
                capability_restriction_config:
                  allowed_capabilities: { proxy_on_context_create: {}, proxy_on_configure: {}, proxy_on_request_headers: {}, proxy_on_request_body: {}, proxy_on_delete: {}, proxy_get_buffer_bytes: {}, proxy_get_header_map_pairs: {}, proxy_get_property: {}, proxy_get_current_time_nanoseconds: {}, random_get: {}, proxy_send_local_response: {}, proxy_set_property: {}, proxy_on_request_trailers: {}, proxy_remove_header_map_value: {}, proxy_replace_header_map_value: {}, proxy_log: {}, proxy_define_metric: {}, proxy_increment_metric: {}, proxy_record_metric: {} }";

/// The filter of a browser's login before the plugin, whose issuer withholds its tokens from the upstream.
const LOGIN: &str = "- name: login
            typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.oauth2.v3.OAuth2, config: { token_endpoint: {} } }
          - name: countersign
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                failure_policy: FAIL_RELOAD
                vm_config: { vm_id: countersign, code: { local: { filename: countersign.wasm } } }
                configuration:
                  \"@type\": type.googleapis.com/google.protobuf.StringValue
                  value: |
                    { \"issuers\": { \"corp\": { \"forward\": \"never\" } },";

/// The plugin in [`GOOD`], up to the first member of its configuration.
const PLUGIN: &str = "- name: countersign
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                failure_policy: FAIL_RELOAD
                vm_config: { vm_id: countersign, code: { local: { filename: countersign.wasm } } }
                configuration:
                  \"@type\": type.googleapis.com/google.protobuf.StringValue
                  value: |
                    {";

pub const CASES: &[Case] = &[
    Case { code: "token-in-cookie", from: PLUGIN, to: LOGIN, line: "oauth2.v3.OAuth2" },
    Case { code: "guard-missing", from: "action: ALLOW", to: "action: DENY", line: "- name: countersign" },
    Case {
        code: "plugin-in-listener",
        from: "static_resources:\n  listeners:\n  - name: main\n",
        to: "resources:\n  - \"@type\": type.googleapis.com/envoy.config.listener.v3.Listener\n    name: main\n",
        line: "- name: countersign",
    },
    Case {
        code: "guard-shared",
        from: "          - name: guard\n",
        to: "          - name: second\n            typed_config:\n              \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n              config: { failure_policy: FAIL_RELOAD, vm_config: { vm_id: b, code: { local: { filename: countersign.wasm } } } }\n          - name: guard\n",
        line: "- name: second",
    },
    Case {
        code: "guard-overridden",
        from: ROUTE,
        to: "typed_per_filter_config: { guard: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }",
        line: "guard: {",
    },
    Case {
        code: "guard-forged",
        from: "    filter_chains:\n",
        to: "    listener_filters: [{ name: f, x: { object_key: wasm.countersign } }]\n    filter_chains:\n",
        line: "object_key",
    },
    Case {
        code: "plugin-disabled",
        from: HOST,
        to: "- domains: [shop.example.com]\n              typed_per_filter_config: { countersign: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }",
        line: "countersign: {",
    },
    Case {
        code: "upgrade-chain",
        from: "- upgrade_type: websocket\n",
        to: "- upgrade_type: websocket\n            filters: [{ name: router, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]\n",
        line: "- upgrade_type",
    },
    Case {
        code: "filter-unacknowledged",
        from: LIMIT,
        to: "- name: limit\n            disabled: true\n            config_discovery: {}\n          - name: other\n",
        line: "- name: limit",
    },
    Case {
        code: "identity-header-changed",
        from: ROUTE,
        to: "route: { cluster: upstream }\n                request_headers_to_add: [{ header: { key: X-Countersign-Subject, value: root } }]",
        line: "request_headers_to_add",
    },
    Case {
        code: "identity-header-changed",
        from: HOST,
        to: "- domains: ['*']\n              request_headers_to_remove: [x-countersign-groups]",
        line: "x-countersign-groups",
    },
    Case {
        code: "identity-header-changed",
        from: ROUTE,
        to: "route: { cluster: upstream }\n                request_headers_to_remove: [X_Countersign_Groups]",
        line: "X_Countersign_Groups",
    },
    Case {
        code: "internal-redirect",
        from: ROUTE,
        to: "route: { cluster: upstream, internal_redirect_policy: {} }",
        line: "internal_redirect_policy",
    },
    Case {
        code: "internal-redirect",
        from: ROUTE,
        to: "route: { cluster: upstream, internalRedirectPolicy: {} }",
        line: "internalRedirectPolicy",
    },
    Case {
        code: "custom-response-redirect",
        from: HOST,
        to: "- domains: ['*']\n              typed_per_filter_config: { custom: { action: { \"@type\": type.googleapis.com/envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy, uri: http://x/ } } }",
        line: "typed_per_filter_config",
    },
    Case {
        code: "fail-open",
        from: "failure_policy: FAIL_RELOAD",
        to: "failure_policy: FAIL_OPEN",
        line: "failure_policy",
    },
    Case { code: "fail-open", from: "failure_policy: FAIL_RELOAD", to: "fail_open: true", line: "fail_open" },
    Case { code: "guard-unseen", from: "http_filters:", to: "filters_elsewhere:", line: "config:" },
    Case {
        code: "routes-unseen",
        from: "route_config:\n",
        to: "rds: { route_config_name: elsewhere }\n          other:\n",
        line: "rds",
    },
    Case {
        code: "chain-without-plugin",
        from: "    filter_chains:\n",
        to: "    filter_chains:\n    - filters: [{ name: http, typed_config: { http_filters: [], rds: { route_config_name: x } } }]\n",
        line: "typed_config",
    },
    Case {
        code: "acknowledged-unused",
        from: "\"peer\"",
        to: "\"acknowledged_filters\": [\"script\"], \"peer\"",
        line: "config:",
    },
    Case {
        code: "acknowledged-unused",
        from: "\"peer\"",
        to: "\"acknowledged_filters\": [\"limit\"], \"peer\"",
        line: "config:",
    },
    Case {
        code: "upstream-otherwise",
        from: LISTENERS,
        to: "listeners:\n  - name: other\n    filter_chains: [{ filters: [{ name: http, typed_config: { http_filters: [], route_config: { virtual_hosts: [{ routes: [{ route: { cluster: upstream } }] }] } } }] }]\n  - name: main\n",
        line: "filter_chains",
    },
    Case {
        code: "upstream-otherwise",
        from: LISTENERS,
        to: "listeners:\n  - name: other\n    filter_chains: [{ filters: [{ typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, weighted_clusters: { clusters: [{ name: upstream, weight: 1 }] } } }] }]\n  - name: main\n",
        line: "filter_chains",
    },
    Case {
        code: "filter-optional",
        from: "- name: guard\n",
        to: "- name: guard\n            is_optional: true\n",
        line: "- name: guard",
    },
    Case {
        code: "request-picks-target",
        from: ROUTE,
        to: "route: { cluster_header: x-cluster }",
        line: "cluster_header",
    },
    Case {
        code: "request-picks-target",
        from: ROUTE,
        to: "route: { cluster: upstream, host_rewrite_header: x-host }",
        line: "host_rewrite_header",
    },
    Case {
        code: "request-picks-target",
        from: ROUTE,
        to: "route: { inline_cluster_specifier_plugin: { extension: {} } }",
        line: "inline_cluster_specifier_plugin",
    },
    Case {
        code: "request-picks-target",
        from: ROUTE,
        to: "route: { cluster: upstream, path_rewrite: \"/v2%REQ(:path)%%REQ(x-tail)%\" }",
        line: "path_rewrite",
    },
    Case {
        code: "request-picks-target",
        from: LISTENERS,
        to: "clusters: [{ name: upstream, type: ORIGINAL_DST, original_dst_lb_config: { use_http_header: true } }]\n  listeners:\n  - name: main\n",
        line: "use_http_header",
    },
    Case {
        code: "fail-reload",
        from: "failure_policy: FAIL_RELOAD",
        to: "failure_policy: FAIL_CLOSED",
        line: "config:",
    },
    Case {
        code: "request-rewritten",
        from: ROUTE,
        to: "route: { cluster: upstream, prefix_rewrite: /v2 }",
        line: "prefix_rewrite",
    },
    Case {
        code: "request-mirrored",
        from: ROUTE,
        to: "route: { cluster: upstream, request_mirror_policies: [{ cluster: other }] }",
        line: "request_mirror_policies",
    },
    Case {
        code: "tunnel-unjudged",
        from: ROUTE,
        to: "route: { cluster: upstream, upgrade_configs: [{ upgrade_type: CONNECT, connect_config: {} }] }",
        line: "connect_config",
    },
    Case { code: "cached-unjudged", from: "- name: countersign\n", to: CACHE, line: "- name: cache" },
    Case {
        code: "answer-replaced",
        from: "stream_idle_timeout: 60s",
        to: "stream_idle_timeout: 60s\n          local_reply_config: { body_format: { text_format_source: { inline_string: no } } }",
        line: "local_reply_config",
    },
    Case {
        code: "admin-exposed",
        from: "static_resources:",
        to: "admin: { address: { socket_address: { address: 0.0.0.0, port_value: 9901 } } }\nstatic_resources:",
        line: "admin",
    },
    Case {
        code: "capability-missing",
        from: "failure_policy: FAIL_RELOAD",
        to: "failure_policy: FAIL_RELOAD\n                capability_restriction_config: { allowed_capabilities: { proxy_log: {}, proxy_define_metric: {}, proxy_increment_metric: {}, proxy_record_metric: {}, proxy_call_foreign_function: {} } }",
        line: "capability_restriction_config",
    },
    Case {
        code: "capability-record",
        from: "failure_policy: FAIL_RELOAD",
        to: UNRECORDED,
        line: "allowed_capabilities",
    },
    Case {
        code: "capability-signatures",
        from: "failure_policy: FAIL_RELOAD",
        to: WITHOUT_SIGNATURES,
        line: "allowed_capabilities",
    },
    Case {
        code: "plugin-unseen",
        from: "- name: countersign\n            typed_config:\n",
        to: "- name: countersign\n            config_discovery: {}\n            elsewhere:\n",
        line: "config_discovery",
    },
    Case { code: "vm-id", from: "vm_id: countersign, ", to: "", line: "config:" },
    Case {
        code: "stream-idle-timeout",
        from: "stream_idle_timeout: 60s",
        to: "stream_idle_timeout: 0.000s",
        line: "stream_idle_timeout",
    },
    Case {
        code: "stream-idle-timeout",
        from: "stream_idle_timeout: 60s",
        to: "request_timeout: 60s",
        line: "typed_config",
    },
    Case {
        code: "stream-idle-timeout",
        from: ROUTE,
        to: "route: { cluster: upstream, idle_timeout: 0s }",
        line: "idle_timeout",
    },
    Case { code: "path-options", from: "normalize_path: false", to: "merge_slashes: false", line: "typed_config" },
    Case { code: "path-options", from: "KEEP_UNCHANGED", to: "IMPLEMENTATION_SPECIFIC_DEFAULT", line: "typed_config" },
    Case {
        code: "client-address",
        from: "use_remote_address: true",
        to: "use_remote_address: null",
        line: "typed_config",
    },
    Case {
        code: "client-certificate",
        from: "require_client_certificate: true",
        to: "require_client_certificate: false",
        line: "typed_config",
    },
    Case { code: "client-certificate", from: "transport_socket:", to: "other:", line: "- filters" },
    Case { code: "hosts-differ", from: HOST, to: "- domains: [\"*.example.com\", api.example.org]", line: "domains" },
    Case { code: "hosts-differ", from: "\"hosts\": [", to: "\"hosts\": [\"old.example.com\", ", line: "config:" },
];

#[test]
fn each_fault_is_found_at_its_place() {
    check_cases(GOOD, CASES);
}

#[test]
fn a_filter_after_the_plugin_is_harmless_known_or_acknowledged_by_name() {
    let text = with(GOOD, LIMIT, &format!("{LUA}{LIMIT}"));
    assert_eq!(codes(&text), ["filter-unacknowledged"]);
    let acknowledged =
        |name: &str| codes(&with(&text, "\"peer\"", &format!("\"acknowledged_filters\": [\"{name}\"], \"peer\"")));
    assert_eq!(acknowledged("script"), NONE);
    assert_eq!(acknowledged("envoy.filters.http.lua"), ["filter-unacknowledged", "acknowledged-unused"], "by its name");
    let before = with(GOOD, "- name: countersign\n", &format!("{LUA}- name: countersign\n"));
    assert_eq!(codes(&before), NONE, "before the plugin it changes what is judged");
    let adds = with(GOOD, "LocalRateLimit }", "LocalRateLimit, request_headers_to_add_when_not_enforced: [{}] }");
    assert_eq!(codes(&adds), ["filter-unacknowledged"]);
}

#[test]
fn a_filter_behind_the_router_is_one_after_the_plugin() {
    const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
    let codec = "{ name: codec, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec } }";
    let script =
        "{ name: script, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua } }";
    let by_router = |filters: &str| {
        with(GOOD, &format!("{ROUTER} }}"), &format!("{ROUTER}, upstream_http_filters: [{filters}] }}"))
    };
    assert_eq!(codes(&by_router(codec)), NONE);
    let found = by_router(&format!("{script}, {codec}"));
    assert_eq!(codes(&found), ["filter-unacknowledged"]);
    assert_eq!(codes(&with(&found, "\"peer\"", "\"acknowledged_filters\": [\"script\"], \"peer\"")), NONE);
    let by_cluster = |name: &str| {
        let options = format!("{{ x: {{ http_filters: [{script}, {codec}] }} }}");
        let cluster =
            format!("clusters: [{{ name: {name}, typed_extension_protocol_options: {options} }}]\n  {LISTENERS}");
        codes(&with(GOOD, LISTENERS, &cluster))
    };
    assert_eq!(by_cluster("upstream"), ["filter-unacknowledged"]);
    assert_eq!(by_cluster("other"), NONE, "no route leads there");
}

#[test]
fn a_chain_without_the_plugin_is_named_once() {
    let chain = "    - filters: [{ name: http, typed_config: { http_filters: [], route_config: { virtual_hosts: [{ routes: [{ route: { cluster: upstream } }] }] } } }]\n";
    let one = with(GOOD, "    filter_chains:\n", &format!("    filter_chains:\n{chain}"));
    assert_eq!(codes(&one), ["chain-without-plugin"]);
    let (_, listener) = GOOD.split_once("listeners:\n").unwrap();
    assert_eq!(codes(&format!("{one}{listener}")), ["chain-without-plugin"], "beside another listener with the plugin");
}

#[test]
fn a_filter_that_says_what_it_changes_changes_no_identity_header() {
    let type_of =
        |name: &str| format!("\"@type\": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.{name}");
    let mutations = |header: &str| {
        format!(
            "mutations: {{ request_mutations: [{{ append: {{ header: {{ key: {header} }} }} }}, {{ remove: x-none }}] }}"
        )
    };
    let filter = |header: &str| {
        let filter = format!(
            "- name: mutation\n            typed_config: {{ {}, {} }}\n          ",
            type_of("HeaderMutation"),
            mutations(header)
        );
        let text = with(
            GOOD,
            "\"peer\"",
            "\"acknowledged_filters\": [\"mutation\"], \"identity_headers\": { \"x-tier\": {} }, \"peer\"",
        );
        with(&text, LIMIT, &format!("{filter}{LIMIT}"))
    };
    assert_eq!(codes(&filter("x-other")), NONE);
    for header in ["X-Countersign-Subject", "x_tier"] {
        assert_eq!(codes(&filter(header)), ["identity-header-changed"], "acknowledged or not");
    }
    let of_route = |header: &str| {
        format!(
            "typed_per_filter_config: {{ mutation: {{ {}, {} }} }}",
            type_of("HeaderMutationPerRoute"),
            mutations(header)
        )
    };
    assert_eq!(codes(&with(&filter("x-other"), ROUTE, &of_route("x-tier"))), ["identity-header-changed"]);
    assert_eq!(codes(&with(GOOD, ROUTE, &of_route("x-countersign-subject"))), NONE, "no such filter after the plugin");
}

#[test]
fn switches_are_seen_wherever_a_route_configuration_can_hold_them() {
    const OFF: &str = "typed_per_filter_config: { countersign: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }";
    for (from, to) in [
        ("route_config:\n", format!("route_config:\n            {OFF}\n")),
        (HOST, format!("- domains: ['*']\n              {OFF}")),
        (ROUTE, OFF.to_owned()),
        (ROUTE, format!("route: {{ weighted_clusters: {{ clusters: [{{ name: a, {OFF} }}] }} }}")),
        (
            HOST,
            format!(
                "- domains: ['*']\n              matcher: {{ on_no_match: {{ action: {{ typed_config: {{ \"@type\": type.googleapis.com/envoy.config.route.v3.Route, {OFF} }} }} }} }}"
            ),
        ),
    ] {
        assert_eq!(codes(&with(GOOD, from, &to)), ["plugin-disabled"], "{to}");
    }
}

#[test]
fn a_route_that_switches_the_plugin_off_is_named_without_a_guard_too() {
    let off = "typed_per_filter_config: { countersign: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }";
    let unguarded = with(GOOD, "action: ALLOW", "action: DENY");
    assert_eq!(codes(&with(&unguarded, ROUTE, off)), ["guard-missing", "plugin-disabled"]);
}

#[test]
fn a_plugin_that_is_off_needs_every_route_to_switch_it_on() {
    let off = with(GOOD, "- name: countersign\n", "- name: countersign\n            disabled: true\n");
    assert_eq!(codes(&off), ["plugin-disabled"]);
    let on = "typed_per_filter_config: { countersign: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, config: {} } }";
    assert_eq!(codes(&with(&off, ROUTE, on)), NONE);
    assert_eq!(codes(&with(&off, HOST, &format!("- domains: ['*']\n              {on}"))), NONE);
    let second = format!("{on}\n              - match: {{ prefix: /x }}");
    assert_eq!(codes(&with(&off, ROUTE, &second)), ["plugin-disabled"], "one of two");
    let matched = |own: &str| {
        let route = format!("{{ \"@type\": type.googleapis.com/envoy.config.route.v3.Route, {own} }}");
        let matcher = format!("matcher: {{ on_no_match: {{ action: {{ typed_config: {route} }} }} }}");
        with(&with(&off, HOST, &format!("- domains: ['*']\n              {matcher}")), ROUTE, on)
    };
    assert_eq!(codes(&matched(on)), NONE);
    assert_eq!(codes(&matched("route: { cluster: upstream }")), ["plugin-disabled"], "a route of the matcher");
}

#[test]
fn a_plugin_behind_a_matcher_is_not_always_on() {
    let nested = with(
        GOOD,
        "\"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n              config:",
        "\"@type\": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher\n              extension_config:\n               typed_config:\n                \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n                config:",
    )
    .replace("\n                failure_policy", "\n                 failure_policy")
    .replace("\n                vm_config", "\n                 vm_config")
    .replace("\n                configuration:\n                  ", "\n                 configuration:\n                  ");
    assert_eq!(codes(&nested), ["plugin-disabled"]);
}

#[test]
fn another_configuration_for_a_part_of_the_requests_is_as_bad_as_none() {
    let instead = "typed_per_filter_config: { countersign: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm } }";
    assert_eq!(codes(&with(GOOD, ROUTE, instead)), ["plugin-disabled"]);
    let weighted = "route: { weighted_clusters: { clusters: [{ name: a, typed_per_filter_config: { countersign: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } } }] } }";
    assert_eq!(codes(&with(GOOD, ROUTE, weighted)), ["plugin-disabled"]);
}

#[test]
fn an_upgrade_with_filters_of_its_own_needs_the_plugin_and_the_guard() {
    let [_, chain, _] = parts(GOOD, "          - name: countersign", "          route_config");
    let [plugin, _, rest] = parts(chain, "          - name: guard", "          - name: router");
    let indented =
        |text: &str| text.replace("\n          ", "\n            ").replacen("          ", "            ", 1);
    let with_filters = |filters: &str| {
        let own = format!("- upgrade_type: websocket\n            filters:\n{filters}");
        with(GOOD, "- upgrade_type: websocket\n", own.trim_end_matches(' '))
    };
    assert_eq!(codes(&with_filters(&indented(chain))), NONE);
    let without_plugin = chain.strip_prefix(plugin).unwrap();
    assert_eq!(codes(&with_filters(&indented(without_plugin))), NONE, "refused always");
    let unguarded = format!("{plugin}{rest}");
    assert_eq!(codes(&with_filters(&indented(&unguarded))), ["guard-missing"]);
}

#[test]
fn the_source_of_the_client_address_decides_what_the_listener_must_say() {
    let from = |source: &str, option: &str| {
        let member = format!("\"client_address\": {{ \"from\": \"{source}\" }}, \"peer\"");
        codes(&with(&with(GOOD, "\"peer\"", &member), "use_remote_address: true", option))
    };
    assert_eq!(from("none", "server_name: x"), NONE);
    assert_eq!(from("connection", "server_name: x"), ["client-address"]);
    assert_eq!(from("connection", "use_remote_address: false"), NONE, "an explicit choice");
    assert_eq!(from("trusted_xff", "server_name: x"), ["client-address"]);
    assert_eq!(from("trusted_xff", "xff_num_trusted_hops: 1"), NONE);
    assert_eq!(from("trusted_xff", "original_ip_detection_extensions: [{}]"), NONE);
}

#[test]
fn tokens_in_cookies_are_no_finding_where_they_do_not_reach_the_upstream_or_may() {
    let faulty = with(GOOD, PLUGIN, LOGIN);
    let cookies = "route_config:\n            request_headers_to_remove: [Cookie]\n";
    assert_eq!(codes(&with(&faulty, "route_config:\n", cookies)), NONE);
    assert_eq!(codes(&with(&faulty, "\"never\"", "\"verified\"")), NONE);
    let none = "disable_access_token_set_cookie: true, disable_id_token_set_cookie: true, disable_refresh_token_set_cookie: true";
    assert_eq!(codes(&with(&faulty, "token_endpoint: {}", none)), NONE);
    let some = "disable_access_token_set_cookie: true, disable_refresh_token_set_cookie: true";
    assert_eq!(codes(&with(&faulty, "token_endpoint: {}", some)), ["token-in-cookie"]);
    let taken = "\"never\", \"from\": [{ \"cookie\": \"IdToken\" }]";
    assert_eq!(
        codes(&with(&with(&faulty, "token_endpoint: {}", some), "\"never\"", taken)),
        NONE,
        "the plugin takes it"
    );
    assert_eq!(codes(&with(&faulty, "\"never\"", taken)), ["token-in-cookie"], "two others arrive");
    let renamed = "disable_access_token_set_cookie: true, disable_refresh_token_set_cookie: true, credentials: { cookie_names: { id_token: Other } }";
    let renamed = with(&with(&faulty, "token_endpoint: {}", renamed), "\"never\"", taken);
    assert_eq!(codes(&renamed), ["token-in-cookie"], "the plugin takes another cookie");
    let of_one_route =
        with(&faulty, ROUTE, "request_headers_to_remove: [cookie]\n                route: { cluster: upstream }");
    assert_eq!(codes(&of_one_route), ["token-in-cookie"], "another route would not remove it");
}
