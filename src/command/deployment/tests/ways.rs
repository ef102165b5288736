//! Other ways to an upstream behind the plugin.

use super::{GOOD, NONE, codes, findings, with};

const LISTENERS: &str = "  listeners:\n  - name: main\n";
const OTHERWISE: [&str; 1] = ["upstream-otherwise"];

const HTTP: &str = "{ typed_config: { http_filters: [], route_config: { virtual_hosts: [{ routes: [{ route: { cluster: other } }] }] } } }";
const TCP: &str = "{ typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, cluster: other } }";

/// The good text with these clusters, and another listener with these network filters.
fn text(clusters: &str, filters: &str) -> String {
    let listener = format!("  - name: other\n    filter_chains: [{{ filters: [{filters}] }}]\n");
    with(GOOD, LISTENERS, &format!("  clusters: [{clusters}]\n  listeners:\n{listener}  - name: main\n"))
}

fn cluster(name: &str, addresses: &[&str]) -> String {
    let endpoints: String =
        addresses.iter().map(|address| format!("{{ endpoint: {{ address: {{ {address} }} }} }}, ")).collect();
    format!(
        "{{ name: {name}, type: STRICT_DNS, load_assignment: {{ cluster_name: {name}, endpoints: [{{ lb_endpoints: [{endpoints}] }}] }} }}"
    )
}

fn at(host: &str, port: u16) -> String {
    format!("socket_address: {{ address: \"{host}\", port_value: {port} }}")
}

/// The codes where two clusters have these addresses, one behind the plugin and one that is sent to without it.
fn both(ours: &[&str], theirs: &[&str]) -> Vec<&'static str> {
    let clusters = format!("{}, {}", cluster("upstream", ours), cluster("other", theirs));
    let (http, tcp) = (codes(&text(&clusters, HTTP)), codes(&text(&clusters, TCP)));
    assert_eq!(http, tcp, "however it is sent");
    http
}

#[test]
fn clusters_are_compared_by_where_they_lead() {
    let [a, b, c] = [at("10.0.0.1", 80), at("10.0.0.2", 80), at("10.0.0.1", 81)];
    assert_eq!(both(&[&a], &[&a]), OTHERWISE);
    assert_eq!(both(&[&a], &[&b]), NONE, "another host");
    assert_eq!(both(&[&a], &[&c]), NONE, "another port");
    assert_eq!(both(&[&a, &b], &[&b]), OTHERWISE, "a part");
    assert_eq!(both(&[&a], &[&a, &b]), OTHERWISE, "more");
    assert_eq!(both(&[&a, &b], &[&b, &c]), OTHERWISE, "one in common");
    assert_eq!(both(&["pipe: { path: /run/a }"], &["pipe: { path: /run/a }"]), OTHERWISE);
    assert_eq!(both(&["pipe: { path: /run/a }"], &["pipe: { path: /run/b }"]), NONE);
}

#[test]
fn one_place_has_several_spellings() {
    for (one, two) in [
        ("shop.internal", "SHOP.internal."),
        ("127.0.0.1", "localhost"),
        ("::1", "0:0:0:0:0:0:0:1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ] {
        assert_eq!(both(&[&at(one, 80)], &[&at(two, 80)]), OTHERWISE, "{one} {two}");
    }
    assert_eq!(both(&[&at("shop.internal", 80)], &[&at("stock.internal", 80)]), NONE);
}

#[test]
fn the_finding_names_the_place_and_both_clusters() {
    let clusters =
        format!("{}, {}", cluster("upstream", &[&at("10.0.0.1", 80)]), cluster("other", &[&at("10.0.0.1", 80)]));
    let found = findings(&text(&clusters, TCP));
    let message = &found.first().unwrap().problem.message;
    for name in ["10.0.0.1:80", "`upstream`", "`other`"] {
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn endpoints_that_are_discovered_are_compared_by_their_service_and_their_addresses() {
    let eds = |name: &str, service: &str| {
        format!("{{ name: {name}, type: EDS, eds_cluster_config: {{ service_name: \"{service}\" }} }}")
    };
    let codes_of = |ours: &str, theirs: &str| codes(&text(&format!("{ours}, {theirs}"), HTTP));
    assert_eq!(codes_of(&eds("upstream", "shop"), &eds("other", "shop")), OTHERWISE);
    assert_eq!(codes_of(&eds("upstream", "shop"), &eds("other", "stock")), NONE);
    assert_eq!(codes_of(&eds("upstream", "other"), &eds("other", "")), OTHERWISE, "the name is the service's");
    let clusters = format!("{}, {}", eds("upstream", "shop"), cluster("other", &[&at("10.0.0.1", 80)]));
    let assignment = |service: &str| {
        format!(
            "resources: [{{ \"@type\": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment, cluster_name: {service}, endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ {} }} }} }}] }}] }}]",
            at("10.0.0.1", 80)
        )
    };
    for (service, expected) in [("shop", OTHERWISE.as_slice()), ("stock", &NONE)] {
        let found = super::findings_of(&[&text(&clusters, HTTP), &assignment(service)]);
        assert_eq!(super::codes_of(&found), expected, "{service}");
    }
}

#[test]
fn clusters_of_clusters_and_internal_listeners_are_followed() {
    let place = at("10.0.0.1", 80);
    let upstream = cluster("upstream", &[&place]);
    let part = cluster("part", &[&place]);
    for members in ["[part]", "[{ name: part }]"] {
        let other = format!("{{ name: other, cluster_type: {{ name: c, typed_config: {{ clusters: {members} }} }} }}");
        assert_eq!(codes(&text(&format!("{upstream}, {part}, {other}"), HTTP)), OTHERWISE, "{members}");
    }
    let inward = "{ name: other, load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { envoy_internal_address: { server_listener_name: inner } } } }] }] } }";
    let inner = |to: &str| {
        let filters = format!("[{}]", TCP.replace("cluster: other", &format!("cluster: {to}")));
        let inner = format!(
            "  listeners:\n  - name: inner\n    internal_listener: {{}}\n    filter_chains: [{{ filters: {filters} }}]\n"
        );
        with(&text(&format!("{upstream}, {part}, {inward}"), HTTP), "  listeners:\n", &inner)
    };
    assert_eq!(codes(&inner("part")), OTHERWISE, "once, for nobody but Envoy reaches the inner one");
    assert_eq!(codes(&inner("elsewhere")), NONE);
    let from_plugin = with(&inner("part"), "cluster: other } }] }]", "cluster: elsewhere } }] }]");
    assert_eq!(codes(&from_plugin), NONE, "nothing leads to the inner listener");
}

#[test]
fn where_a_client_says_includes_where_the_plugin_stands() {
    let place = cluster("upstream", &[&at("10.0.0.1", 80)]);
    let by_header = HTTP.replace("cluster: other", "cluster_header: x-cluster");
    assert_eq!(codes(&text(&place, &by_header)), OTHERWISE);
    let by_name = format!(
        "{{ typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster }} }}, {TCP}"
    );
    assert_eq!(codes(&text(&place, &by_name)), OTHERWISE);
    for (cluster, expected) in [
        ("cluster_type: { name: envoy.clusters.dynamic_forward_proxy }", OTHERWISE.as_slice()),
        ("type: ORIGINAL_DST, original_dst_lb_config: { use_http_header: true }", &OTHERWISE),
        ("type: ORIGINAL_DST", &NONE),
    ] {
        assert_eq!(codes(&text(&format!("{place}, {{ name: other, {cluster} }}"), HTTP)), expected, "{cluster}");
    }
}

#[test]
fn other_network_filters_reach_clusters_too() {
    let redis = "{ typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy, prefix_routes: { catch_all_route: { cluster: upstream } } } }";
    assert_eq!(codes(&text("", redis)), OTHERWISE);
    let limit = "{ typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.network.ratelimit.v3.RateLimit, rate_limit_service: { grpc_service: { envoy_grpc: { cluster_name: upstream } } } } }";
    assert_eq!(codes(&text("", limit)), NONE);
}
