//! The way to keys in a mesh, where resources make the clusters.

use super::resources::{GATEWAY, ISTIO};
use super::{NONE, codes, codes_of, findings, findings_of, with};

const SERVICE: &str = r#"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: login, namespace: shop }
spec:
  hosts: [login.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
"#;

const RULE: &str = r#"
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: login, namespace: shop }
spec:
  host: login.example.com
  trafficPolicy:
    portLevelSettings:
    - port: { number: 80 }
      tls: { mode: SIMPLE, sni: login.example.com, subjectAltNames: [login.example.com], caCertificates: system }
"#;

const TLS: &str = "mode: SIMPLE, sni: login.example.com, subjectAltNames: [login.example.com], caCertificates: system";

fn fetching(text: &str, cluster: &str) -> String {
    let keys = format!(
        "version: 1, issuers: {{ corp: {{ keys: {{ url: https://login.example.com/keys, cluster: \"{cluster}\" }} }} }}"
    );
    with(text, "version: 1", &keys)
}

/// The good resources with keys that are fetched, and these beside them.
fn istio(beside: &[&str]) -> String {
    [&[fetching(ISTIO, "outbound|80||login.example.com").as_str()], beside].concat().join("---")
}

#[test]
fn a_service_entry_and_a_destination_rule_make_the_way_to_the_keys() {
    assert_eq!(codes(&istio(&[SERVICE, RULE])), NONE);
    assert_eq!(codes_of(&findings_of(&[&istio(&[]), SERVICE, RULE])), NONE, "in other files");
    for beside in [&[] as &[&str], &[SERVICE], &[RULE]] {
        let found = findings(&istio(beside));
        assert_eq!(codes_of(&found), ["key-cluster-unseen"], "{beside:?}");
        let help = &found.first().unwrap().problem.help;
        let (_, lines) = help.split_once(":\n").unwrap();
        assert_eq!(codes(&istio(&[&format!("\n{lines}\n")])), NONE, "{lines}");
    }
    let other_port = with(SERVICE, "number: 80", "number: 8080");
    assert_eq!(codes(&istio(&[&other_port, RULE])), ["key-cluster-missing"]);
}

#[test]
fn the_destination_rule_has_to_authenticate_the_provider() {
    for (to, code) in [
        ("mode: DISABLE", "key-cluster-unauthenticated"),
        ("mode: SIMPLE, sni: login.example.com, caCertificates: system", "key-cluster-unauthenticated"),
        ("mode: SIMPLE, sni: login.example.com, subjectAltNames: [login.example.com]", "key-cluster-unauthenticated"),
        (
            "mode: SIMPLE, sni: login.example.com, subjectAltNames: [login.example.com], caCertificates: system, insecureSkipVerify: true",
            "key-cluster-unauthenticated",
        ),
        ("mode: SIMPLE, subjectAltNames: [login.example.com], caCertificates: system", "key-cluster-sni"),
        (
            "mode: SIMPLE, sni: example.com, subjectAltNames: [login.example.com], caCertificates: system",
            "key-cluster-name",
        ),
        (
            "mode: SIMPLE, sni: login.example.com, subjectAltNames: [example.com], caCertificates: system",
            "key-cluster-name",
        ),
    ] {
        assert_eq!(codes(&istio(&[SERVICE, &with(RULE, TLS, to)])), [code], "{to}");
    }
    let other_port = with(RULE, "number: 80", "number: 8080");
    assert_eq!(codes(&istio(&[SERVICE, &other_port])), ["key-cluster-unauthenticated"]);
    let of_host = "    portLevelSettings:\n    - port: { number: 80 }\n      tls:";
    assert_eq!(codes(&istio(&[SERVICE, &with(RULE, of_host, "    tls:")])), NONE, "for all ports");
    let of_mesh =
        with(&with(RULE, TLS, "mode: ISTIO_MUTUAL"), "host: login", "host: login.shop.svc.cluster.local\n  x: login");
    let inside = fetching(ISTIO, "outbound|80||login.shop.svc.cluster.local");
    assert_eq!(codes(&format!("{inside}---{of_mesh}")), NONE, "a service of the mesh itself");
}

#[test]
fn a_cluster_that_a_patch_adds_is_judged_like_any_other() {
    let cluster = |socket: &str| {
        format!(
            "{{ name: login, type: STRICT_DNS, load_assignment: {{ endpoints: [] }}, transport_socket: {{ typed_config: {{ {socket} }} }} }}"
        )
    };
    let tls = "\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, sni: login.example.com, common_tls_context: { validation_context: { trusted_ca: { filename: ca.pem }, match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: login.example.com } }] } }";
    let gateway = |socket: &str| {
        let patch = format!(
            "  - type: type.googleapis.com/envoy.config.cluster.v3.Cluster\n    name: login\n    operation: {{ op: add, path: \"\", value: {} }}\n",
            cluster(socket)
        );
        codes(&with(&fetching(GATEWAY, "login"), "  jsonPatches:\n", &format!("  jsonPatches:\n{patch}")))
    };
    assert_eq!(gateway(tls), NONE);
    assert_eq!(gateway("x: y"), ["key-cluster-unauthenticated"]);
    let istio = |socket: &str| {
        let patch = format!("  - applyTo: CLUSTER\n    patch: {{ operation: ADD, value: {} }}\n", cluster(socket));
        codes(&with(&fetching(ISTIO, "login"), "  configPatches:\n", &format!("  configPatches:\n{patch}")))
    };
    assert_eq!(istio(tls), NONE);
    assert_eq!(istio("x: y"), ["key-cluster-unauthenticated"]);
    assert_eq!(codes(&fetching(GATEWAY, "login")), ["key-cluster-unseen"]);
    assert_eq!(codes(&fetching(ISTIO, "login")), ["key-cluster-unseen"]);
}
