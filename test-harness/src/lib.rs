//! What is needed to try the built module in a real Envoy: the services around it, a runner for Envoy, and clients.
//!
//! - [`keys`]: fixed keys, for demonstration only, and [`tokens`] signed with them
//! - [`page`]: the configurations that the documentation shows
//! - [`dpop`]: tokens that are bound to a key, and proofs of it
//! - [`services`]: an identity provider, a device provider and an upstream application
//! - [`envoy`]: one Envoy process, its configuration, its logs, its end
//! - [`http1`], [`http2`]: clients that send exactly the bytes or frames that a test asks for, and [`tls`] under them
//!
//! Everything listens on 127.0.0.1 alone. Nothing here is part of the plugin.

pub mod answer;
pub mod clock;
pub mod dpop;
pub mod envoy;
pub mod http1;
pub mod http2;
pub mod keys;
pub mod page;
pub mod paths;
pub mod services;
pub mod tls;
pub mod tokens;
