//! One Envoy with a listener for each chain, and the service that `ext_authz` asks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use test_harness::envoy::{self, Bootstrap, Envoy, wasm_filter};
use tokio::runtime::Runtime;

use crate::authorization;
use crate::chains::{Chain, Filters, Module};
use crate::tokens::{Keys, Kind};
use crate::{countersign, native};

const HTTP_CLUSTER: &str = "authorization-http";
const GRPC_CLUSTER: &str = "authorization-grpc";

/// Exports what proxy-wasm 0.2.1 demands and a callback for headers, which lets every request pass.
const NOTHING: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 0))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0)))"#;

/// Where the modules are.
pub struct Modules {
    /// The one that accepts policies as text.
    pub full: PathBuf,
    /// The one that accepts prepared policies only.
    pub lean: PathBuf,
}

impl Modules {
    fn path(&self, module: Module) -> &Path {
        match module {
            Module::Full => &self.full,
            Module::Lean => &self.lean,
        }
    }
}

/// Starts Envoy with one worker and these chains.
///
/// # Errors
/// The service or Envoy does not start.
pub fn start(
    runtime: &Runtime,
    binary: &Path,
    modules: &Modules,
    keys: &Keys,
    chains: &[&Chain],
    folder: &Path,
) -> io::Result<Envoy> {
    let service = runtime.block_on(authorization::start(keys.sign(Kind::RS256, 0)))?;
    let nothing = folder.join("nothing.wasm");
    fs::write(&nothing, wat::parse_str(NOTHING).map_err(io::Error::other)?)?;
    let mut bootstrap = Bootstrap::example_on_free_ports(&modules.full, service)?;
    let listeners: Vec<Value> =
        chains.iter().map(|chain| answering(&bootstrap, chain.name, filters(chain, modules, &nothing, keys))).collect();
    bootstrap.remove_listeners();
    for listener in listeners {
        bootstrap.push_listener(listener);
    }
    bootstrap.set_cluster(HTTP_CLUSTER, service);
    bootstrap.set_cluster_over_http2(GRPC_CLUSTER, service);
    Envoy::start(binary, &bootstrap, 1, folder)
}

fn filters(chain: &Chain, modules: &Modules, nothing: &Path, keys: &Keys) -> Vec<Value> {
    let countersign = |module, configuration| {
        let mut filters = countersign::filters(modules.path(module), &configuration);
        // Plugins of different names keep what they remember apart, even with equal configurations.
        if let Some(name) = filters.first_mut().and_then(|filter| filter.pointer_mut("/typed_config/config/name")) {
            *name = json!(chain.name);
        }
        filters
    };
    match chain.filters {
        Filters::Bare => Vec::new(),
        Filters::Nothing => vec![wasm_filter("nothing", nothing, &Value::Null)],
        Filters::NativeOne => native::one_token(keys, native::TokenCache::On),
        Filters::NativeTwo(cache) => native::two_tokens(keys, cache),
        Filters::CountersignOne(module) => countersign(module, countersign::one_token(keys)),
        Filters::CountersignTwo { module, policies, remembered_bytes } => {
            countersign(module, countersign::two_tokens(keys, policies, remembered_bytes))
        }
        Filters::Lua => native::lua(keys),
        Filters::ExtAuthzHttp => native::ext_authz_http(HTTP_CLUSTER),
        Filters::ExtAuthzGrpc => native::ext_authz_grpc(GRPC_CLUSTER),
    }
}

/// The example's listener with these filters. Envoy itself answers, and there is no access log: both cost the same in
/// every chain.
pub fn answering(bootstrap: &Bootstrap, name: &str, filters: Vec<Value>) -> Value {
    let chain = envoy::Chain { name: name.to_owned(), cluster: String::new(), filters };
    let mut listener = bootstrap.listener(&chain);
    if let Some(manager) =
        listener.pointer_mut("/filter_chains/0/filters/0/typed_config").and_then(Value::as_object_mut)
    {
        manager.remove("access_log");
        manager.insert("stat_prefix".to_owned(), json!(name));
        manager.insert(
            "route_config".to_owned(),
            json!({ "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [{
                "match": { "prefix": "/" },
                "direct_response": { "status": 200, "body": { "inline_string": "passed\n" } },
            }] }] }),
        );
    }
    listener
}
