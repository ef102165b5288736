//! What becomes of a request after it was allowed: rewritten, copied, sent through a tunnel.

use super::{GOOD, NONE, codes, with};

const ROUTE: &str = "route: { cluster: upstream }";
const HOST: &str = "- domains: [\"shop.example.com:*\"]";
const MIRROR: &str = "request_mirror_policies: [{ cluster: other }]";

/// The codes for a route with these members in its action.
fn of_action(members: &str) -> Vec<&'static str> {
    codes(&with(GOOD, ROUTE, &format!("route: {{ cluster: upstream, {members} }}")))
}

#[test]
fn every_rewrite_of_a_route_is_found_and_once() {
    for rewrite in [
        "prefix_rewrite: /",
        "prefixRewrite: /",
        "regex_rewrite: { pattern: { regex: a }, substitution: b }",
        "path_rewrite_policy: { name: template, typed_config: { path_template_rewrite: /v2 } }",
        "path_rewrite: \"/v2%REQ(:PATH)%\"",
        "host_rewrite: internal",
        "host_rewrite_literal: internal",
        "auto_host_rewrite: true",
    ] {
        assert_eq!(of_action(rewrite), ["request-rewritten"], "{rewrite}");
    }
    for chosen in ["path_rewrite: \"/%REQ(x-path)%\"", "host_rewrite_header: x-host", "host_rewrite: \"%REQ(x-host)%\""]
    {
        assert_eq!(of_action(chosen), ["request-picks-target"], "{chosen}");
    }
    assert_eq!(of_action("auto_host_rewrite: false"), NONE);
    let weighted = "route: { weighted_clusters: { clusters: [{ name: a, host_rewrite_literal: internal }] } }";
    assert_eq!(codes(&with(GOOD, ROUTE, weighted)), ["request-rewritten"]);
}

#[test]
fn an_answer_that_redirects_rewrites_no_request() {
    for redirect in ["prefix_rewrite: /v2", "path_redirect: /v2", "regex_rewrite: {}", "host_redirect: internal"] {
        assert_eq!(codes(&with(GOOD, ROUTE, &format!("redirect: {{ {redirect} }}"))), NONE, "{redirect}");
    }
}

#[test]
fn a_header_that_says_what_is_asked_for_is_not_written_after_the_decision() {
    let filter = |name: &str| {
        let mutation = format!(
            "- name: mutation\n            typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation, mutations: {{ request_mutations: [{{ append: {{ header: {{ key: \"{name}\" }} }} }}] }} }}\n          - name: limit\n"
        );
        let text = with(GOOD, "\"peer\"", "\"acknowledged_filters\": [\"mutation\"], \"peer\"");
        codes(&with(&text, "- name: limit\n", &mutation))
    };
    for name in [":path", ":Authority", "Host", ":method", ":scheme"] {
        assert_eq!(filter(name), ["request-rewritten"], "{name}");
        let added = format!("{ROUTE}\n                request_headers_to_add: [{{ header: {{ key: \"{name}\" }} }}]");
        assert_eq!(codes(&with(GOOD, ROUTE, &added)), ["request-rewritten"], "{name}");
    }
    assert_eq!(filter("x-other"), NONE);
}

#[test]
fn copies_are_found_wherever_they_can_be_asked_for() {
    assert_eq!(of_action(MIRROR), ["request-mirrored"]);
    assert_eq!(of_action("request_mirror_policies: [{ cluster: a }, { cluster: b }]"), ["request-mirrored"; 2]);
    assert_eq!(
        of_action("request_mirror_policies: [{ cluster_header: x-to, host_rewrite_literal: h }]"),
        ["request-mirrored"]
    );
    assert_eq!(of_action("request_mirror_policies: []"), NONE);
    for (from, to) in [
        ("route_config:\n", format!("route_config:\n            {MIRROR}\n")),
        (HOST, format!("- domains: ['*']\n              {MIRROR}")),
    ] {
        assert_eq!(codes(&with(GOOD, from, &to)), ["request-mirrored"], "{to}");
    }
    let by_cluster = |name: &str| {
        let options = format!("typed_extension_protocol_options: {{ http: {{ {MIRROR} }} }}");
        codes(&with(GOOD, "  listeners:\n", &format!("  clusters: [{{ name: {name}, {options} }}]\n  listeners:\n")))
    };
    assert_eq!(by_cluster("upstream"), ["request-mirrored"]);
    assert_eq!(by_cluster("other"), NONE, "no route leads there");
}

#[test]
fn a_tunnel_that_goes_on_behind_envoy_is_none_that_ends_there() {
    assert_eq!(
        of_action("upgrade_configs: [{ upgrade_type: CONNECT, connect_config: { allow_post: true } }]"),
        ["tunnel-unjudged"]
    );
    assert_eq!(of_action("upgrade_configs: [{ upgrade_type: websocket }]"), NONE);
}

#[test]
fn a_filter_on_the_upstream_connection_stands_after_the_plugin() {
    let by = |filter: &str| {
        let cluster = format!("  clusters: [{{ name: upstream, type: STATIC, filters: [{filter}] }}]\n  listeners:\n");
        with(GOOD, "  listeners:\n", &cluster)
    };
    let wasm = "{ name: w, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.network.dynamic_modules.v3.DynamicModuleNetworkFilter } }";
    assert_eq!(codes(&by(wasm)), ["filter-unacknowledged"]);
    assert_eq!(codes(&with(&by(wasm), "\"peer\"", "\"acknowledged_filters\": [\"w\"], \"peer\"")), NONE);
    let metadata = "{ name: m, typed_config: { \"@type\": type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange } }";
    assert_eq!(codes(&by(metadata)), NONE);
}

#[test]
fn an_administration_interface_is_for_this_machine_or_for_numbers() {
    let admin =
        |address: &str| codes(&with(GOOD, "static_resources:", &format!("admin: {{ {address} }}\nstatic_resources:")));
    let at = |host: &str| format!("address: {{ socket_address: {{ address: \"{host}\", port_value: 9901 }} }}");
    for host in ["127.0.0.1", "::1", "localhost", "127.0.0.2", "::ffff:127.0.0.1"] {
        assert_eq!(admin(&at(host)), NONE, "{host}");
    }
    for host in ["0.0.0.0", "::", "10.0.0.1", "envoy.internal"] {
        assert_eq!(admin(&at(host)), ["admin-exposed"], "{host}");
    }
    assert_eq!(admin("address: { pipe: { path: /run/envoy.sock } }"), NONE);
    assert_eq!(admin("access_log: []"), NONE, "it does not listen");
    let paths = |paths: &str| admin(&format!("{}, allow_paths: [{paths}]", at("0.0.0.0")));
    assert_eq!(paths("{ exact: /ready }, { prefix: /stats }"), NONE);
    for open in ["", "{ exact: /ready }, { prefix: / }", "{ exact: /config_dump }", "{ safe_regex: { regex: /stats } }"]
    {
        assert_eq!(paths(open), ["admin-exposed"], "{open}");
    }
    let without_plugin = with(GOOD, "http_filters:", "filters_elsewhere:").replace("countersign.wasm", "other.wasm");
    let without_plugin = with(&without_plugin, "\"version\": 1, \"policies\": \"\", \"applications\"", "\"x\"");
    let text = format!("admin: {{ {} }}\n{without_plugin}", at("0.0.0.0"));
    assert_eq!(codes(&text), NONE, "another proxy's");
}
