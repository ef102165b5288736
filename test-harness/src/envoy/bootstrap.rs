//! Envoy bootstraps, all made from the one in `envoy/envoy.yaml`, so that the tests run what the documentation shows.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::prepared::prepare_for_lean;
use crate::paths;

/// A bootstrap that can be changed and written.
#[derive(Clone)]
pub struct Bootstrap(Value);

/// The filters of one listener and the cluster behind them.
pub struct Chain {
    /// The listener's name.
    pub name: String,
    /// The cluster that the router sends to.
    pub cluster: String,
    /// The HTTP filters in order, without the router.
    pub filters: Vec<Value>,
}

impl Bootstrap {
    /// The example of the documentation, unchanged.
    ///
    /// # Errors
    /// It cannot be read, or is not YAML.
    pub fn example() -> io::Result<Self> {
        let path = paths::root().join("envoy/envoy.yaml");
        let text = fs::read_to_string(&path)?;
        serde_saphyr::from_str(&text)
            .map(Self)
            .map_err(|error| io::Error::other(format!("`{}` is not YAML: {error}", path.display())))
    }

    /// The example with free ports, this module and this upstream.
    ///
    /// # Errors
    /// As [`Bootstrap::example`].
    pub fn example_on_free_ports(module: &Path, upstream: SocketAddr) -> io::Result<Self> {
        let mut bootstrap = Self::example()?;
        bootstrap.0["admin"]["address"]["socket_address"]["port_value"] = json!(0);
        for listener in bootstrap.listeners_mut() {
            listener["address"]["socket_address"]["port_value"] = json!(0);
            for filter in http_filters_mut(listener) {
                if let Some(code) = filter.pointer_mut("/typed_config/config/vm_config/code/local") {
                    *code = json!({ "filename": module });
                }
            }
        }
        bootstrap.set_cluster("upstream", upstream);
        Ok(bootstrap)
    }

    /// Sets the module and the policies of every wasm filter.
    pub fn set_module(&mut self, module: &Path, policies: &Value) {
        for filter in self.listeners_mut().flat_map(http_filters_mut).filter(|filter| is_wasm(filter)) {
            let config = &mut filter["typed_config"]["config"];
            config["vm_config"]["code"]["local"] = json!({ "filename": module });
            config["configuration"]["value"]["policies"] = policies.clone();
        }
    }

    /// The plugin configuration of the first wasm filter, from a `Struct` or from JSON text in a `StringValue`.
    #[must_use]
    pub fn plugin_configuration(&self) -> Value {
        let Some(filter) = self.wasm_filters().next() else { return Value::Null };
        match &filter["typed_config"]["config"]["configuration"]["value"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            value => value.clone(),
        }
    }

    fn wasm_filters(&self) -> impl Iterator<Item = &Value> {
        let listeners = self.0["static_resources"]["listeners"].as_array().into_iter().flatten();
        listeners
            .filter_map(|listener| listener.pointer(FILTERS)?.as_array())
            .flatten()
            .filter(|filter| is_wasm(filter))
    }

    fn listeners_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0["static_resources"]["listeners"].as_array_mut().into_iter().flatten()
    }

    /// The first listener with another name, other filters before its router, another cluster behind it, and a free port.
    #[must_use]
    pub fn listener(&self, chain: &Chain) -> Value {
        let mut listener = self.0["static_resources"]["listeners"][0].clone();
        listener["name"] = json!(chain.name);
        listener["address"]["socket_address"]["port_value"] = json!(0);
        if let Some(filters) = listener.pointer_mut(FILTERS).and_then(Value::as_array_mut) {
            let router = filters.pop();
            *filters = chain.filters.iter().cloned().chain(router).collect();
        }
        if let Some(cluster) = listener.pointer_mut(ROUTE_CLUSTER) {
            *cluster = json!(chain.cluster);
        }
        listener
    }

    /// Adds a listener.
    pub fn add_listener(&mut self, chain: &Chain) {
        self.push_listener(self.listener(chain));
    }

    /// Adds a listener as it is.
    pub fn push_listener(&mut self, listener: Value) {
        if let Some(listeners) = self.0["static_resources"]["listeners"].as_array_mut() {
            listeners.push(listener);
        }
    }

    /// Puts this filter in the place of each wasm filter.
    pub fn replace_plugin(&mut self, replacement: &Value) {
        for filter in self.listeners_mut().flat_map(http_filters_mut).filter(|filter| is_wasm(filter)) {
            *filter = replacement.clone();
        }
    }

    /// Removes all listeners.
    pub fn remove_listeners(&mut self) {
        self.0["static_resources"]["listeners"] = json!([]);
    }

    /// Gives Envoy the name that it needs to discover anything.
    pub fn name_node(&mut self) {
        self.0["node"] = json!({ "id": "harness", "cluster": "harness" });
    }

    /// Takes listeners from a file from now on, none of its own.
    pub fn listeners_from_file(&mut self, file: &Path) {
        self.remove_listeners();
        self.name_node();
        self.0["dynamic_resources"] = json!({
            "lds_config": { "resource_api_version": "V3", "path_config_source": { "path": file } }
        });
    }

    /// Adds a cluster as it is.
    pub fn add_cluster(&mut self, cluster: &Value) {
        if let Some(clusters) = self.0["static_resources"]["clusters"].as_array_mut() {
            clusters.push(cluster.clone());
        }
    }

    /// Sets the address of a cluster, which is a copy of the first one if there is none of this name.
    pub fn set_cluster(&mut self, name: &str, address: SocketAddr) {
        let Some(clusters) = self.0["static_resources"]["clusters"].as_array_mut() else { return };
        let found = clusters.iter().position(|cluster| cluster["name"] == name);
        let mut cluster = match found {
            Some(at) => clusters.remove(at),
            None => clusters[0].clone(),
        };
        cluster["name"] = json!(name);
        cluster["load_assignment"]["cluster_name"] = json!(name);
        cluster["load_assignment"]["endpoints"] = json!([{ "lb_endpoints": [{ "endpoint": { "address": {
            "socket_address": { "address": address.ip().to_string(), "port_value": address.port() }
        } } }] }]);
        clusters.push(cluster);
    }

    /// The same, and trailers of HTTP/1.1 go on to it.
    pub fn set_cluster_with_trailers(&mut self, name: &str, address: SocketAddr) {
        self.set_cluster(name, address);
        let clusters = self.0["static_resources"]["clusters"].as_array_mut();
        for cluster in clusters.into_iter().flatten().filter(|cluster| cluster["name"] == name) {
            if let Some(options) = cluster.pointer_mut(HTTP1_UPSTREAM) {
                *options = json!({ "enable_trailers": true });
            }
        }
    }

    /// The same, and only HTTP/2 is spoken to it, as gRPC needs.
    pub fn set_cluster_over_http2(&mut self, name: &str, address: SocketAddr) {
        self.set_cluster(name, address);
        let clusters = self.0["static_resources"]["clusters"].as_array_mut();
        for cluster in clusters.into_iter().flatten().filter(|cluster| cluster["name"] == name) {
            cluster["typed_extension_protocol_options"] = json!({ UPSTREAM_PROTOCOL: {
                "@type": format!("type.googleapis.com/{UPSTREAM_PROTOCOL}"),
                "explicit_http_config": { "http2_protocol_options": {} }
            } });
        }
    }

    /// The same, over TLS: this name is asked for, and certificates are held against this validation context.
    pub fn set_cluster_over_tls(&mut self, name: &str, address: SocketAddr, sni: &str, validation: &Value) {
        self.set_cluster(name, address);
        let clusters = self.0["static_resources"]["clusters"].as_array_mut();
        for cluster in clusters.into_iter().flatten().filter(|cluster| cluster["name"] == name) {
            cluster["transport_socket"] = json!({
                "name": "envoy.transport_sockets.tls",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                    "sni": sni,
                    "common_tls_context": { "validation_context": validation }
                }
            });
        }
    }

    /// JSON, which Envoy reads as it reads YAML; policies for the lean module are prepared in it.
    ///
    /// # Errors
    /// They cannot be prepared.
    pub fn text(&self) -> io::Result<String> {
        let mut text = self.0.clone();
        prepare_for_lean(&mut text)?;
        Ok(text.to_string())
    }
}

const FILTERS: &str = "/filter_chains/0/filters/0/typed_config/http_filters";
const ROUTE_CLUSTER: &str =
    "/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0/route/cluster";
const UPSTREAM_PROTOCOL: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const HTTP1_UPSTREAM: &str = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\
                              /use_downstream_protocol_config/http_protocol_options";

fn http_filters_mut(listener: &mut Value) -> impl Iterator<Item = &mut Value> {
    listener.pointer_mut(FILTERS).and_then(Value::as_array_mut).into_iter().flatten()
}

fn is_wasm(filter: &Value) -> bool {
    filter["name"] == "envoy.filters.http.wasm"
}

/// A wasm filter with this module and plugin configuration, as JSON text: so control planes hand it over.
#[must_use]
pub fn wasm_filter(vm_id: &str, module: &Path, configuration: &Value) -> Value {
    json!({
        "name": "envoy.filters.http.wasm",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": vm_id,
                "failure_policy": "FAIL_RELOAD",
                "vm_config": {
                    "vm_id": vm_id,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": module } }
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration.to_string()
                }
            }
        }
    })
}

/// The guard behind a filter: it lets pass only what carries the filter state of this name.
#[must_use]
pub fn guard_filter(guard: &str) -> Value {
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": { "action": "ALLOW", "policies": { guard: {
                "permissions": [{ "any": true }],
                "principals": [{ "filter_state": {
                    "key": format!("wasm.{guard}"), "string_match": { "exact": "allow" }
                } }]
            } } }
        }
    })
}
