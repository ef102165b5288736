//! Kinds of documents.

use serde_json::{Value, json};

use super::{Kind, kind};

#[test]
fn documents_are_told_apart() {
    assert_eq!(kind(&json!({ "version": 1, "issuers": {} })), Kind::Plugin);
    assert_eq!(kind(&json!({ "applications": {}, "policies": "" })), Kind::Plugin, "that forgot its version");
    assert_eq!(kind(&json!({ "static_resources": {} })), Kind::Envoy);
    assert_eq!(kind(&json!({ "staticResources": {} })), Kind::Envoy);
    assert_eq!(
        kind(&json!({ "resources": [{ "@type": "type.googleapis.com/envoy.config.listener.v3.Listener" }] })),
        Kind::Envoy
    );
    assert_eq!(
        kind(&json!({ "apiVersion": "v1", "kind": "ConfigMap", "version": 1, "issuers": {} })),
        Kind::Other("a Kubernetes `ConfigMap`".to_owned())
    );
    let resource = |group: &str, name: &str| kind(&json!({ "apiVersion": format!("{group}/v1alpha1"), "kind": name }));
    assert_eq!(resource("extensions.istio.io", "WasmPlugin"), Kind::Resource);
    assert_eq!(resource("gateway.envoyproxy.io", "EnvoyPatchPolicy"), Kind::Resource);
    assert!(matches!(resource("example.com", "WasmPlugin"), Kind::Other(_)));
    assert_eq!(kind(&json!({ "virtual_hosts": [] })), Kind::Envoy);
    assert!(matches!(kind(&json!({ "version": 1 })), Kind::Other(_)));
    assert!(matches!(kind(&Value::Null), Kind::Other(_)));
}
