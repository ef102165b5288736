//! The clusters that keys are fetched through.

use super::{Case, GOOD, NONE, check_cases, codes, codes_of, findings, findings_of, parts, with};

const LISTENERS: &str = "static_resources:\n  listeners:\n";

const CLUSTER: &str = r#"  - name: login
    type: STRICT_DNS
    load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: login.example.com, port_value: 443 } } } }] }] }
    transport_socket:
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: login.example.com
        common_tls_context:
          validation_context:
            trusted_ca: { filename: ca.pem }
            match_typed_subject_alt_names:
            - { san_type: DNS, matcher: { exact: login.example.com } }
"#;

const TRUSTED: &str = "            trusted_ca: { filename: ca.pem }\n            match";

const SAN: &str = "            match_typed_subject_alt_names:\n            - { san_type: DNS, matcher: { exact: login.example.com } }\n";

const VALIDATION: &str = "          validation_context:\n            trusted_ca: { filename: ca.pem }\n            match_typed_subject_alt_names:\n            - { san_type: DNS, matcher: { exact: login.example.com } }\n";

/// The good configuration with keys that are fetched, and the cluster for it.
fn fetching(keys: &str) -> String {
    let issuers = format!(
        "\"issuers\": {{ \"corp\": {{ \"issuer\": \"https://login.example.com\", \"keys\": {keys} }} }}, \"peer\""
    );
    with(
        &with(GOOD, "\"peer\"", &issuers),
        LISTENERS,
        &format!("static_resources:\n  clusters:\n{CLUSTER}  listeners:\n"),
    )
}

fn secure() -> String {
    fetching(r#"{ "url": "https://login.example.com/keys", "cluster": "login" }"#)
}

/// The same with a provider on this machine.
fn insecure(address: &str) -> String {
    let text = fetching(r#"{ "url": "http://login.example.com/keys", "cluster": "login", "insecure": true }"#);
    let [before, socket, after] = parts(&text, "    transport_socket:", "  listeners:");
    assert!(socket.contains("sni"), "{socket}");
    with(&format!("{before}{after}"), "socket_address: { address: login.example.com, port_value: 443 }", address)
}

pub const CASES: &[Case] = &[
    Case { code: "key-cluster-missing", from: "- name: login", to: "- name: other", line: "config:" },
    Case {
        code: "key-cluster-unseen",
        from: "  clusters:\n  - name: login",
        to: "  x: {}\ndynamic_resources: { cds_config: {} }\nother:\n  clusters:\n  - name: other",
        line: "config:",
    },
    Case {
        code: "key-cluster-unauthenticated",
        from: "    transport_socket:\n      typed_config:\n        \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        to: "    other:\n      typed_config:\n        \"@type\": x",
        line: "- name: login",
    },
    Case {
        code: "key-cluster-unauthenticated",
        from: "transport_sockets.tls.v3.UpstreamTlsContext",
        to: "transport_sockets.raw_buffer.v3.RawBuffer",
        line: "transport_socket:",
    },
    Case { code: "key-cluster-unauthenticated", from: TRUSTED, to: "            match", line: "typed_config:" },
    Case {
        code: "key-cluster-unauthenticated",
        from: TRUSTED,
        to: "            system_root_certs: {}\n            match",
        line: "typed_config:",
    },
    Case { code: "key-cluster-unauthenticated", from: SAN, to: "", line: "typed_config:" },
    Case {
        code: "key-cluster-unauthenticated",
        from: VALIDATION,
        to: "          tls_params: {}\n",
        line: "typed_config:",
    },
    Case {
        code: "key-cluster-unauthenticated",
        from: TRUSTED,
        to: "            trusted_ca: { filename: ca.pem }\n            trust_chain_verification: ACCEPT_UNTRUSTED\n            match",
        line: "trust_chain_verification",
    },
    Case { code: "key-cluster-sni", from: "        sni: login.example.com\n", to: "", line: "typed_config:" },
    Case { code: "key-cluster-name", from: "sni: login.example.com", to: "sni: example.com", line: "sni:" },
    Case {
        code: "key-cluster-name",
        from: "{ exact: login.example.com }",
        to: "{ exact: login.example.org }",
        line: "san_type",
    },
    Case {
        code: "key-cluster-name",
        from: "{ exact: login.example.com }",
        to: "{ suffix: example.com }",
        line: "san_type",
    },
    Case {
        code: "vm-id-shared",
        from: "static_resources:\n",
        to: "bootstrap_extensions: [{ name: other, typed_config: { config: { vm_config: { vm_id: countersign, code: { local: { filename: other.wasm } } } } } }]\nstatic_resources:\n",
        line: "bootstrap_extensions",
    },
];

/// The configuration without `vm_id`, and with an issuer whose used proofs are shared.
#[test]
fn used_proofs_are_shared_only_under_a_vm_id() {
    let without = with(GOOD, "vm_id: countersign, ", "");
    let proofs = |replay: &str| {
        let issuer = format!(r#"{{ "version": 1, "issuers": {{ "corp": {{ "dpop": {{ "replay": "{replay}" }} }} }}, "#);
        with(&without, "{ \"version\": 1, ", &issuer)
    };
    assert_eq!(codes(&without), ["vm-id"]);
    assert_eq!(codes(&proofs("shared")), ["replay-memory-missing"]);
    assert_eq!(codes(&proofs("per_worker")), ["vm-id"]);
    let under_one = with(&proofs("shared"), "vm_config: { ", "vm_config: { vm_id: countersign, ");
    assert_eq!(codes(&under_one), NONE);
}

#[test]
fn each_fault_is_found_at_its_place() {
    check_cases(&secure(), CASES);
}

#[test]
fn what_is_shown_is_what_is_missing() {
    for (from, to, code) in [
        ("    transport_socket:", "    other:", "key-cluster-unauthenticated"),
        ("- name: login", "- name: other", "key-cluster-missing"),
    ] {
        let faulty = with(&with(&secure(), "UpstreamTlsContext", "Other"), from, to);
        let found = findings(&faulty);
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(one.problem.code, code);
        let (_, lines) = one.problem.help.split_once(":\n").unwrap();
        let mended = match code {
            "key-cluster-missing" => {
                with(&faulty, "  clusters:\n", &format!("  clusters:\n  {}\n", lines.replace('\n', "\n  ")))
            }
            _ => with(&faulty, "    other:", &format!("    {}\n    other:", lines.replace('\n', "\n    "))),
        };
        assert_eq!(codes(&mended), NONE, "{mended}");
    }
}

#[test]
fn a_provider_is_authenticated_in_several_ways() {
    let options = |options: &str| {
        format!(
            "  - name: login\n    typed_extension_protocol_options: {{ http: {{ upstream_http_protocol_options: {{ {options} }} }} }}\n"
        )
    };
    let automatic = with(&with(&secure(), SAN, ""), "        sni: login.example.com\n", "");
    assert_eq!(codes(&automatic), ["key-cluster-unauthenticated", "key-cluster-sni"]);
    for (from, to) in [
        ("  - name: login\n".to_owned(), options("auto_sni: true, auto_san_validation: true")),
        (
            "        common_tls_context:".to_owned(),
            "        auto_host_sni: true\n        auto_sni_san_validation: true\n        common_tls_context:"
                .to_owned(),
        ),
    ] {
        assert_eq!(codes(&with(&automatic, &from, &to)), NONE, "{to}");
    }
    let inline = with(&secure(), "{ filename: ca.pem }", "{ inline_string: x }");
    assert_eq!(codes(&inline), NONE);
    let pinned = with(&with(&secure(), SAN, ""), "trusted_ca: { filename: ca.pem }", "verify_certificate_spki: [x]");
    assert_eq!(codes(&pinned), NONE);
}

#[test]
fn the_name_that_is_asked_for_is_the_one_that_envoy_takes() {
    let by_endpoint =
        with(&secure(), "        common_tls_context:", "        auto_host_sni: true\n        common_tls_context:");
    assert_eq!(codes(&by_endpoint), NONE);
    let elsewhere = with(&by_endpoint, "address: login.example.com", "address: idp.internal");
    assert_eq!(codes(&elsewhere), ["key-cluster-name"], "the endpoint's name stands in for `sni`");
    let named = with(&elsewhere, "endpoint: { address", "endpoint: { hostname: login.example.com, address");
    assert_eq!(codes(&named), NONE);
    let numbered = with(&by_endpoint, "address: login.example.com", "address: 192.0.2.7");
    assert_eq!(codes(&numbered), NONE, "an address has no name, and `sni` holds");
    let other = with(&secure(), "sni: login.example.com", "sni: idp.internal");
    let options = "  - name: login\n    typed_extension_protocol_options: { http: { upstream_http_protocol_options: { auto_sni: true } } }\n";
    assert_eq!(codes(&with(&other, "  - name: login\n", options)), NONE, "`auto_sni` takes the request's host");
    let by_sni = with(
        &other,
        "        common_tls_context:",
        "        auto_sni_san_validation: true\n        common_tls_context:",
    );
    assert_eq!(codes(&by_sni), ["key-cluster-name"], "of the certificate too");
}

#[test]
fn a_secret_is_looked_at_where_it_is_here() {
    let by_name = |context: &str| with(&secure(), VALIDATION, context);
    let alone = by_name("          validation_context_sds_secret_config: { name: idp }\n");
    assert_eq!(codes(&alone), ["key-cluster-unseen"]);
    let combined = by_name(
        "          combined_validation_context: { validation_context_sds_secret_config: { name: idp }, default_validation_context: { match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: login.example.com } }] } }\n",
    );
    assert_eq!(codes(&combined), NONE);
    let secret = |context: &str| {
        format!(
            "resources: [{{ \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: idp, validation_context: {{ {context} }} }}]"
        )
    };
    let together = |context: &str| codes_of(&findings_of(&[&alone, &secret(context)]));
    assert_eq!(
        together(
            "trusted_ca: {}, match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: login.example.com } }]"
        ),
        NONE
    );
    assert_eq!(together("trusted_ca: {}"), ["key-cluster-unauthenticated"]);
    assert_eq!(together(""), ["key-cluster-unauthenticated"]);
}

#[test]
fn plain_http_stays_on_this_machine() {
    for address in [
        "socket_address: { address: 127.0.0.1, port_value: 8081 }",
        "socket_address: { address: 127.9.9.9, port_value: 8081 }",
        "socket_address: { address: \"::1\", port_value: 8081 }",
        "socket_address: { address: localhost, port_value: 8081 }",
        "pipe: { path: /run/login.sock }",
    ] {
        assert_eq!(codes(&insecure(address)), NONE, "{address}");
    }
    for address in
        ["socket_address: { address: login, port_value: 80 }", "socket_address: { address: 10.0.0.7, port_value: 80 }"]
    {
        let text = insecure(address);
        assert_eq!(codes(&text), ["key-cluster-unauthenticated"], "{address}");
    }
    let one_of_two = with(
        &insecure("socket_address: { address: 127.0.0.1, port_value: 8081 }"),
        "lb_endpoints: [",
        "lb_endpoints: [{ endpoint: { address: { socket_address: { address: login, port_value: 80 } } } }, ",
    );
    assert_eq!(codes(&one_of_two), ["key-cluster-unauthenticated"]);
    let with_tls = fetching(r#"{ "url": "http://login.example.com/keys", "cluster": "login", "insecure": true }"#);
    assert_eq!(codes(&with_tls), NONE, "TLS that the URL does not speak of");
    assert_eq!(codes(&with(&with_tls, TRUSTED, "            match")), ["key-cluster-unauthenticated"]);
}

#[test]
fn an_https_url_needs_tls_on_this_machine_too() {
    let local = insecure("socket_address: { address: 127.0.0.1, port_value: 8081 }");
    assert_eq!(
        codes(&with(&with(&local, "http://", "https://"), ", \"insecure\": true", "")),
        ["key-cluster-unauthenticated"]
    );
}

#[test]
fn each_host_of_a_provider_is_looked_at() {
    let metadata = fetching(
        r#"{ "discovery": true, "cluster": "login", "jwks": { "host": "keys.example.com", "cluster": "keys" } }"#,
    );
    let found = findings(&metadata);
    assert_eq!(codes_of(&found), ["key-cluster-missing"]);
    assert!(found.first().unwrap().problem.message.contains("`keys`"), "{found:?}");
    let both =
        with(&metadata, "  listeners:\n", &format!("{}  listeners:\n", CLUSTER.replace("name: login", "name: keys")));
    assert_eq!(codes(&both), ["key-cluster-name", "key-cluster-name"]);
    let both = with(&metadata, "  listeners:\n", &format!("{}  listeners:\n", CLUSTER.replace("login", "keys")));
    assert_eq!(codes(&both), NONE);
    let of_device = with(&secure(), "\"issuers\"", "\"devices\"");
    assert_eq!(codes(&of_device), NONE);
    assert_eq!(codes(&with(&of_device, "- name: login", "- name: other")), ["key-cluster-missing"]);
}

#[test]
fn a_host_that_is_an_address_has_no_sni() {
    let text = secure().replace("login.example.com", "192.0.2.7");
    let text = with(&text, "        sni: 192.0.2.7\n", "");
    assert_eq!(codes(&with(&text, "san_type: DNS", "san_type: IP_ADDRESS")), NONE);
}

#[test]
fn a_cluster_in_another_file_is_looked_at() {
    let [before, clusters, after] = parts(&secure(), "  clusters:\n", "  listeners:\n").map(str::to_owned);
    let listener = with(&format!("{before}{after}"), LISTENERS, "resources:\n");
    let listener = listener.replace("static_resources:\n  listeners:\n", "x:\n");
    assert_eq!(codes(&listener), ["key-cluster-unseen"]);
    let (_, cluster) = clusters.split_once("clusters:\n").unwrap();
    let cluster = format!("resources:\n{}", cluster.replace("\n  ", "\n").replacen("  ", "", 1));
    let cluster = with(
        &cluster,
        "- name: login",
        "- \"@type\": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: login",
    );
    assert_eq!(codes_of(&findings_of(&[&listener, &cluster])), NONE, "{cluster}");
    let open = with(&cluster, "sni: login.example.com", "x: y");
    let found = findings_of(&[&listener, &open]);
    assert_eq!(codes_of(&found), ["key-cluster-sni"]);
    assert_eq!(found.first().unwrap().file, 1, "the file with the cluster");
}

#[test]
fn a_plugin_that_fetches_has_a_vm_id_to_itself() {
    let without = with(&secure(), "vm_id: countersign, ", "");
    let found = findings(&without);
    assert_eq!(codes_of(&found), ["vm-id"]);
    assert!(found.first().unwrap().problem.message.contains("each worker fetches keys itself"), "{found:?}");
    let beside = |code: &str| {
        let other = format!(
            "bootstrap_extensions: [{{ name: other, typed_config: {{ config: {{ vm_config: {{ vm_id: countersign{code} }} }} }} }}]\nstatic_resources:\n"
        );
        codes(&with(&secure(), "static_resources:\n", &other))
    };
    assert_eq!(beside(", code: { local: { filename: countersign.wasm } }"), NONE, "the same module");
    assert_eq!(beside(""), ["vm-id-shared"], "one that is not said");
    let inline = with(GOOD, "static_resources:\n", "x: [{ vm_config: { vm_id: countersign } }]\nstatic_resources:\n");
    assert_eq!(codes(&inline), NONE, "nothing is shared where nothing is fetched");
}
