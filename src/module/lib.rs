//! The module inside Envoy: the only place that names the proxy's interface.
//!
//! It reads each request once, hands it to [`enforcement`](countersign_core::enforcement), and carries the answer out once. It decides
//! nothing. What it may rely on was seen in Envoy 1.36 to 1.40:
//!
//! - Request headers can be read in the headers callback, and from the root while a stream is paused there; later the SDK's
//!   getters panic or answer with nothing.
//! - Two ending calls on one stream (two replies, a reply and a reset) crash Envoy; a reply and a resume in one callback
//!   send the request to the upstream as well. So each stream makes at most one ending call, and one that is resumed none.
//! - A worker whose configuration callback fails forwards everything without the filter. So that callback gives the same
//!   answer on every worker, and the `rbac` filter behind this one wants the filter state that only a forwarded request has.
//! - A trap leaves the worker without this filter's state and may leave clients hanging. So nothing here panics of itself,
//!   and the SDK is called where its own panics were not seen to happen (see `calls.rs`).

#![forbid(unsafe_code)]
#![cfg(all(target_arch = "wasm32", target_os = "wasi"))]

mod calls;
mod http;
mod keys;
mod memory;
mod meter;
mod root;
mod shared;
mod state;

use proxy_wasm::traits::RootContext;
use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|context_id| -> Box<dyn RootContext> { Box::new(root::Root::new(context_id)) });
}}
