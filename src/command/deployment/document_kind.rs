//! What kind of document one is: a plugin configuration, a part of Envoy's, or a Kubernetes resource.

use serde_json::{Map, Value};

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A plugin configuration by itself.
    Plugin,
    /// An Envoy bootstrap, or a part of one (a listener, routes, a filter, a discovery response, a configuration dump).
    Envoy,
    /// A Kubernetes resource of Istio's or Envoy Gateway's that can hold the plugin, its guard, or the way to its keys.
    Resource,
    /// Something else, named as well as can be.
    Other(String),
}

/// Kinds of Kubernetes resources that are read, with the group of their `apiVersion`.
const RESOURCES: [(&str, &str); 7] = [
    ("extensions.istio.io", "WasmPlugin"),
    ("extensions.istio.io", "TrafficExtension"),
    ("networking.istio.io", "EnvoyFilter"),
    ("networking.istio.io", "ServiceEntry"),
    ("networking.istio.io", "DestinationRule"),
    ("gateway.envoyproxy.io", "EnvoyExtensionPolicy"),
    ("gateway.envoyproxy.io", "EnvoyPatchPolicy"),
];

/// Names that tell a part of Envoy's configuration without any `@type`.
const ENVOY: [&str; 12] = [
    "static_resources",
    "staticResources",
    "dynamic_resources",
    "dynamicResources",
    "filter_chains",
    "filterChains",
    "http_filters",
    "httpFilters",
    "virtual_hosts",
    "virtualHosts",
    "typed_config",
    "typedConfig",
];

/// The kind of a document.
pub fn kind(value: &Value) -> DocumentKind {
    let Some(object) = value.as_object() else {
        return if mentions_envoy(value) {
            DocumentKind::Envoy
        } else {
            DocumentKind::Other("not an object".to_owned())
        };
    };
    let text = |name| object.get(name).and_then(Value::as_str);
    if let (Some(kind), Some(version)) = (text("kind"), text("apiVersion")) {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let read = RESOURCES.contains(&(group, kind));
        return if read { DocumentKind::Resource } else { DocumentKind::Other(format!("a Kubernetes `{kind}`")) };
    }
    if is_plugin(object) {
        return DocumentKind::Plugin;
    }
    if ENVOY.iter().any(|name| object.contains_key(*name)) || mentions_envoy(value) {
        return DocumentKind::Envoy;
    }
    DocumentKind::Other("neither a plugin configuration nor a part of an Envoy configuration".to_owned())
}

/// Whether an object is a plugin configuration. `version` alone says little; a file that forgot it is still recognised by
/// two of the others.
pub fn is_plugin(object: &Map<String, Value>) -> bool {
    let known = ["version", "issuers", "applications", "policies"];
    known.iter().filter(|name| object.contains_key(**name)).count() >= 2
}

fn mentions_envoy(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.get("@type").and_then(Value::as_str).is_some_and(|name| name.contains("/envoy."))
                || object.values().any(mentions_envoy)
        }
        Value::Array(items) => items.iter().any(mentions_envoy),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
