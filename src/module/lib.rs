//! The module inside Envoy: it carries out what the [`Worker`](countersign_core::worker::Worker) of the core decides,
//! and decides nothing itself.
//!
//! | module | holds |
//! |---|---|
//! | [`host`] | the calls that the plugin makes, as a trait |
//! | [`driver`] | carries out the worker's effects, and reports what failed |
//! | [`root`], [`stream`] | the callbacks, for one configuration on one worker and for one request |
//! | [`pairs`] | the form in which a proxy hands over a map of headers |
//! | `envoy`, `calls` | the callbacks and the calls of proxy-wasm; the only places that name its interface |
//!
//! All but the last two compile natively, and are tested under a host that fails on demand. What the module relies on was
//! seen in Envoy 1.36 to 1.40:
//!
//! - Request headers can be read in the headers callback, and from the root while a stream is paused there; later the
//!   SDK's getters panic or answer with nothing.
//! - Two ending calls on one stream (two replies, a reply and a reset) crash Envoy; a reply and a resume in one
//!   callback send the request to the upstream as well. So each stream gets at most one ending call, and a resumed one
//!   gets none.
//! - A worker whose configuration callback fails forwards everything without the filter. So that callback gives the
//!   same answer on every worker, and the `rbac` filter behind this one wants the filter state that only a forwarded
//!   request has.
//! - A trap leaves the worker without this filter's state and may leave clients hanging. So nothing here panics of
//!   itself, and the SDK is called only where it was not seen to panic (see `envoy.rs`).
//! - Some host calls call back into the module before they return. So no borrow of the worker outlives a call that can:
//!   the worker is borrowed to ask what is to be done, and given back before that is carried out.

#![deny(unsafe_code)]

pub mod driver;
pub mod host;
mod meter;
pub mod pairs;
mod reading;
pub mod root;
pub mod stream;

#[cfg(all(target_arch = "wasm32", target_os = "wasi"))]
mod calls;
#[cfg(all(target_arch = "wasm32", target_os = "wasi"))]
mod envoy;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod scenarios;
