//! Kinds of documents.

use serde_json::{Value, json};

use super::{DocumentKind, kind};

#[test]
fn documents_are_told_apart() {
    assert_eq!(kind(&json!({ "version": 1, "issuers": {} })), DocumentKind::Plugin);
    assert_eq!(kind(&json!({ "applications": {}, "policies": "" })), DocumentKind::Plugin, "that forgot its version");
    assert_eq!(kind(&json!({ "static_resources": {} })), DocumentKind::Envoy);
    assert_eq!(kind(&json!({ "staticResources": {} })), DocumentKind::Envoy);
    assert_eq!(
        kind(&json!({ "resources": [{ "@type": "type.googleapis.com/envoy.config.listener.v3.Listener" }] })),
        DocumentKind::Envoy
    );
    assert_eq!(
        kind(&json!({ "apiVersion": "v1", "kind": "ConfigMap", "version": 1, "issuers": {} })),
        DocumentKind::Other("a Kubernetes `ConfigMap`".to_owned())
    );
    let resource = |group: &str, name: &str| kind(&json!({ "apiVersion": format!("{group}/v1alpha1"), "kind": name }));
    assert_eq!(resource("extensions.istio.io", "WasmPlugin"), DocumentKind::Resource);
    assert_eq!(resource("gateway.envoyproxy.io", "EnvoyPatchPolicy"), DocumentKind::Resource);
    assert!(matches!(resource("example.com", "WasmPlugin"), DocumentKind::Other(_)));
    assert_eq!(kind(&json!({ "virtual_hosts": [] })), DocumentKind::Envoy);
    assert!(matches!(kind(&json!({ "version": 1 })), DocumentKind::Other(_)));
    assert!(matches!(kind(&Value::Null), DocumentKind::Other(_)));
}
