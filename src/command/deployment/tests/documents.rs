//! The same configuration in other shapes: parts, several files, discovered extensions, a configuration dump.

use super::super::{Model, Source};
use super::{GOOD, NONE, codes, codes_of, documents, findings_of, parts, with};
use crate::deployment::document_kind::{DocumentKind, kind};

const OFF: &str = "typed_per_filter_config: { guard: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }";

/// The listener with its routes in a second file.
fn in_two(route: &str) -> [String; 2] {
    let [before, routes, after] = parts(GOOD, "            virtual_hosts", "      transport_socket");
    let routes = routes.replace("\n            ", "\n").replacen("            ", "", 1);
    let routes =
        format!("name: main\n\"@type\": type.googleapis.com/envoy.config.route.v3.RouteConfiguration\n{routes}");
    let before = with(before, "          route_config:\n", "          rds: { route_config_name: main }\n");
    let listener = format!("{before}{after}");
    [listener, with(&routes, "route: { cluster: upstream }", route)]
}

#[test]
fn routes_in_another_file_are_judged_with_their_listener() {
    let [listener, routes] = in_two("route: { cluster: upstream }");
    assert_eq!(codes(&listener), ["routes-unseen"]);
    assert_eq!(codes_of(&findings_of(&[&listener, &routes])), NONE, "{routes}");
    let [listener, routes] = in_two(OFF);
    let found = findings_of(&[&listener, &routes]);
    assert_eq!(codes_of(&found), ["guard-overridden"]);
    assert_eq!(found.first().unwrap().file, 1, "the file with the routes");
    assert_eq!(codes_of(&findings_of(&[&format!("{listener}---\n{routes}")])), ["guard-overridden"], "one file");
    let other = with(&routes, "name: main", "name: other");
    assert_eq!(codes_of(&findings_of(&[&listener, &other])), ["routes-unseen"], "another listener's");
}

#[test]
fn a_filter_state_that_routes_in_another_file_set_is_seen() {
    let forged = "typed_per_filter_config: { state: { on_request_headers: [{ object_key: wasm.countersign }] } }";
    let [listener, routes] = in_two(forged);
    let found = findings_of(&[&listener, &routes]);
    assert_eq!(codes_of(&found), ["guard-forged"]);
    assert_eq!(found.first().unwrap().file, 1, "the file with the routes");
}

#[test]
fn scoped_routes_are_judged_where_they_are() {
    let [listener, off] = in_two(OFF);
    let scope = "name: a, route_configuration_name: main, key: {}";
    let list = with(
        &listener,
        "rds: { route_config_name: main }",
        &format!(
            "scoped_routes: {{ scoped_route_configurations_list: {{ scoped_route_configurations: [{{ {scope} }}] }} }}"
        ),
    );
    assert_eq!(codes(&list), ["routes-unseen"]);
    assert_eq!(codes_of(&findings_of(&[&list, &off])), ["guard-overridden"]);
    let discovered = with(&listener, "rds: { route_config_name: main }", "scoped_routes: { scoped_rds: {} }");
    assert_eq!(codes_of(&findings_of(&[&discovered, &off])), ["routes-unseen"], "no scope names the routes");
    let scope = format!(
        "resources: [{{ \"@type\": type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration, {scope} }}]"
    );
    assert_eq!(codes_of(&findings_of(&[&discovered, &off, &scope])), ["guard-overridden"]);
}

#[test]
fn routes_alone_are_not_judged() {
    let [_, routes] = in_two(OFF);
    assert_eq!(codes(&routes), NONE);
    let files = documents(&[&routes]);
    let source = Source { file: 0, index: 0, document: files.first().unwrap().first().unwrap() };
    assert_eq!(Model::read(&[source]).unconcerned.len(), 1, "which is said");
}

#[test]
fn clusters_in_another_file_are_judged_with_the_routes_that_lead_there() {
    let cluster = |name: &str| {
        let script = "{ name: script, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua } }";
        format!(
            "static_resources: {{ clusters: [{{ name: {name}, typed_extension_protocol_options: {{ x: {{ http_filters: [{script}] }} }} }}] }}"
        )
    };
    for (name, expected, unconcerned) in [("upstream", ["filter-unacknowledged"].as_slice(), 0), ("other", &[], 1)] {
        let text = cluster(name);
        let found = findings_of(&[GOOD, &text]);
        assert_eq!(codes_of(&found), expected);
        assert!(found.iter().all(|finding| finding.file == 1), "the file with the cluster");
        let files = documents(&[GOOD, &text]);
        let sources: Vec<Source<'_>> = files
            .iter()
            .flatten()
            .enumerate()
            .map(|(index, document)| Source { file: index, index, document })
            .collect();
        assert_eq!(Model::read(&sources).unconcerned.len(), unconcerned, "{name}");
    }
}

#[test]
fn a_discovered_plugin_is_judged_where_its_listener_is() {
    let [before, plugin, after] = parts(GOOD, "            typed_config:\n", "          - name: guard");
    let discovered = plugin.replace("\n            ", "\n").replacen("            ", "", 1);
    let discovered = format!("name: countersign\n{discovered}");
    assert_eq!(codes(&discovered), ["guard-unseen"]);
    let listener = format!("{before}            config_discovery: {{ type_urls: [] }}\n{after}");
    assert_eq!(codes_of(&findings_of(&[&listener, &discovered])), NONE);
    let unguarded = with(&listener, "action: ALLOW", "action: DENY");
    assert_eq!(codes_of(&findings_of(&[&unguarded, &discovered])), ["guard-missing"]);
}

#[test]
fn what_runs_until_a_filter_is_discovered_is_judged_as_well() {
    let [before, plugin, after] = parts(GOOD, "            typed_config:\n", "          - name: guard");
    let discovered = plugin.replace("\n            ", "\n").replacen("            ", "", 1);
    let discovered = format!("name: countersign\n{discovered}");
    let until = |kind: &str| {
        let default = format!("default_config: {{ \"@type\": type.googleapis.com/{kind} }}");
        let listener = format!("{before}            config_discovery: {{ {default} }}\n{after}");
        codes_of(&findings_of(&[&listener, &discovered]))
    };
    assert_eq!(until("envoy.extensions.filters.http.buffer.v3.Buffer"), ["plugin-disabled"]);
    let [before, guard, after] = parts(
        GOOD,
        "            typed_config:\n              \"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac",
        "          - name: limit",
    );
    let message = guard.replace("\n            ", "\n").replacen("            ", "", 1);
    let discovered = format!("name: guard\n{message}");
    let until = |default: &str| {
        let listener = format!("{before}            config_discovery:\n              type_urls: []\n{default}{after}");
        codes_of(&findings_of(&[&listener, &discovered]))
    };
    assert_eq!(until(""), NONE);
    assert_eq!(
        until(
            "              default_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC }\n"
        ),
        ["guard-missing"]
    );
    assert_eq!(
        until(&guard.replace("\n  ", "\n    ").replacen("            typed_config", "              default_config", 1)),
        NONE
    );
}

#[test]
fn names_as_json_writes_them_are_read() {
    let mut json = GOOD.to_owned();
    for name in [
        "http_filters",
        "typed_config",
        "failure_policy",
        "vm_config",
        "vm_id",
        "stream_idle_timeout",
        "virtual_hosts",
        "require_client_certificate",
        "common_tls_context",
        "validation_context",
        "trusted_ca",
        "transport_socket",
        "normalize_path",
        "use_remote_address",
        "filter_chains",
        "string_match",
        "filter_state",
        "route_config",
    ] {
        let mut parts = name.split('_');
        let first = parts.next().unwrap_or_default().to_owned();
        let camel = parts.fold(first, |camel, part| {
            let (initial, rest) = part.split_at(1);
            camel + &initial.to_uppercase() + rest
        });
        json = json.replace(&format!("{name}:"), &format!("{camel}:"));
    }
    assert_eq!(codes(&json), NONE);
    assert_eq!(codes(&with(&json, "exact: allow", "exact: deny")), ["guard-missing"]);
}

#[test]
fn a_typed_struct_is_looked_into() {
    let typed = with(
        GOOD,
        "\"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n              config:",
        "\"@type\": type.googleapis.com/xds.type.v3.TypedStruct\n              type_url: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n              value:\n               config:",
    );
    assert_eq!(codes(&typed), NONE);
    assert_eq!(codes(&with(&typed, "action: ALLOW", "action: DENY")), ["guard-missing"]);
}

#[test]
fn another_plugin_is_not_ours() {
    let other = with(
        &with(GOOD, "countersign.wasm", "other.wasm"),
        "\"version\": 1, \"policies\": \"\", \"applications\"",
        "\"x\"",
    );
    assert_eq!(codes(&with(&other, "action: ALLOW", "action: DENY")), NONE);
    let renamed = with(GOOD, "countersign.wasm", "policy.wasm");
    assert_eq!(codes(&with(&renamed, "action: ALLOW", "action: DENY")), ["guard-missing"], "its configuration tells");
}

#[test]
fn a_configuration_dump_is_an_envoy_configuration() {
    let listener = GOOD.split_once("  - name: main\n").unwrap().1.replace("\n    ", "\n      ");
    let dump = format!(
        "configs:\n- \"@type\": type.googleapis.com/envoy.admin.v3.ListenersConfigDump\n  dynamic_listeners:\n  - active_state:\n     listener:\n      name: main\n  {listener}"
    );
    assert_eq!(kind(&documents(&[&dump]).first().unwrap().first().unwrap().value), DocumentKind::Envoy);
    assert_eq!(codes(&dump), NONE);
    assert_eq!(codes(&with(&dump, "FAIL_RELOAD", "FAIL_OPEN")), ["fail-open"]);
}

#[test]
fn a_plugin_inside_a_listener_that_a_control_plane_delivers_is_found_and_no_other() {
    let dump = |listener: &str, place: &str| {
        let listener = listener.split_once("  - name: main\n").unwrap().1.replace("\n    ", "\n      ");
        format!(
            "configs:\n- \"@type\": type.googleapis.com/envoy.admin.v3.ListenersConfigDump\n  {place}\n     listener:\n      \"@type\": type.googleapis.com/envoy.config.listener.v3.Listener\n      name: main\n  {listener}"
        )
    };
    let dynamic = "dynamic_listeners:\n  - active_state:";
    assert_eq!(codes(&dump(GOOD, dynamic)), ["plugin-in-listener"]);
    assert_eq!(codes(&dump(GOOD, "static_listeners:\n  -")), NONE);
    assert_eq!(codes(&dump(&undiscovered(""), dynamic)), ["plugin-unseen"]);
}

/// The good text with the plugin discovered, `default` in its `config_discovery`; the plugin is in none of the files.
fn undiscovered(discovery: &str) -> String {
    let [before, _, after] = parts(GOOD, "            typed_config:\n", "          - name: guard");
    format!("{before}            config_discovery: {{ {discovery} }}\n{after}")
}

#[test]
fn a_plugin_that_is_discovered_elsewhere_is_said_to_be_unseen() {
    let buffer = "default_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer }";
    let at_once = format!("apply_default_config_without_warming: true, {buffer}");
    assert_eq!(codes(&undiscovered("")), ["plugin-unseen"]);
    assert_eq!(codes(&undiscovered(buffer)), ["plugin-unseen", "plugin-disabled"]);
    assert_eq!(codes(&undiscovered(&at_once)), ["plugin-unseen", "plugin-disabled"]);
    let renamed = |discovery: &str| with(&undiscovered(discovery), "- name: countersign\n", "- name: wasm\n");
    assert_eq!(codes(&renamed(&at_once)), ["plugin-unseen", "plugin-disabled"], "its guard tells");
    let unguarded = |discovery: &str| codes(&with(&renamed(discovery), "action: ALLOW", "action: DENY"));
    assert_eq!(unguarded(&at_once), NONE, "it may be anything");
    let of_type = "type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]";
    assert_eq!(unguarded(of_type), ["plugin-unseen"], "no other can be the plugin");
    let unguarded = [&renamed(of_type), GOOD].map(|text| with(text, "action: ALLOW", "action: DENY"));
    let found = codes_of(&findings_of(&[&unguarded[0], &unguarded[1]]));
    assert_eq!(found, ["guard-missing", "upstream-otherwise"], "the plugin is another, and this is a way past it");
    assert_eq!(
        codes_of(&findings_of(&[&renamed(of_type), GOOD])),
        ["plugin-unseen"],
        "no way past it, as far as is seen"
    );
}

#[test]
fn a_default_that_is_the_plugin_is_judged_as_the_plugin_is() {
    let [before, plugin, after] = parts(GOOD, "            typed_config:\n", "          - name: guard");
    let default =
        plugin.replace("\n  ", "\n    ").replacen("            typed_config", "              default_config", 1);
    let text = format!(
        "{before}            config_discovery:\n              type_urls: []\n{}{after}",
        default.trim_end_matches(' ')
    );
    assert_eq!(codes(&text), ["plugin-unseen"]);
    assert_eq!(codes(&with(&text, "action: ALLOW", "action: DENY")), ["guard-missing", "plugin-unseen"]);
    assert_eq!(codes(&with(&text, "FAIL_RELOAD", "FAIL_OPEN")), ["plugin-unseen", "fail-open"]);
}

#[test]
fn a_file_whose_plugin_is_discovered_is_not_said_to_have_none() {
    let text = undiscovered("");
    let files = documents(&[&text]);
    let source = Source { file: 0, index: 0, document: files.first().unwrap().first().unwrap() };
    assert!(Model::read(&[source]).unconcerned.is_empty());
}
