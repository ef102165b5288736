//! Identity and device policy inside Envoy.
//!
//! Countersign is the policy enforcement point (PEP) and the policy decision point (PDP) of NIST SP 800-207 in one
//! WebAssembly module that runs in Envoy's HTTP filter chain. It verifies the identity of the caller (a person or a software
//! component) and the posture of the device, and forwards a request only if a Cedar policy about that *identity* permits
//! it. Network location alone never grants access.
//!
//! Countersign issues no tokens, holds no private keys, keeps no user directory and does not terminate TLS.
//!
//! # The way of a request
//!
//! ```text
//!  host -> RequestParts -> Request -> Presented -> Identity -> Decision -> Reply -> host
//!          read once       parsed     unverified   verified    PDP         applied once
//! ```
//!
//! [`enforcement::decide`] is the only way through these steps. The module in Envoy, the command line and the tests call it,
//! so they come to the same decisions. It does no I/O and reads no clock: everything that it depends on is an argument.
//! Each value is built only by the step before it, and a failure at any step is a [`Refusal`](refusal::Refusal).
//!
//! # Example
//!
//! One public route. A request that no policy permits is refused.
//!
//! ```
//! use countersign_core::config::Plan;
//! use countersign_core::enforcement::decide;
//! use countersign_core::keys::{TrustStore, Verification};
//! use countersign_core::reply::Reply;
//! use countersign_core::request::RequestParts;
//! use countersign_core::telemetry::DecisionId;
//! use countersign_core::time::UnixSeconds;
//!
//! let configuration = br#"{
//!     "version": 1,
//!     "applications": { "shop": {
//!         "hosts": ["shop.example.com"],
//!         "routes": { "health": { "path": "/healthz" }, "order": { "path": "/orders/{id}" } }
//!     } },
//!     "policies": "@id(\"health\") permit (principal is Anonymous, action == Action::\"GET\", resource == Route::\"shop/health\");"
//! }"#;
//! let (plan, _warnings) = Plan::compile(configuration).expect("a valid configuration");
//!
//! // The host brings keys, the time and random bytes. No key is needed for a request without a token.
//! let keys = TrustStore::new(plan.key_sources(), 0);
//! let now = UnixSeconds::new(1_800_000_000);
//! let seed = [7; 32];
//!
//! let reply_to = |path: &str, counter: u64| {
//!     let headers = [(":method", "GET"), (":authority", "shop.example.com"), (":path", path)];
//!     let request = RequestParts { headers: headers.into_iter().collect(), ..RequestParts::default() };
//!     decide(&plan, Verification::by(&keys), request, now, &DecisionId::derive(&seed, counter, now)).reply
//! };
//! assert!(matches!(reply_to("/healthz", 0), Reply::Forward { .. }));
//! assert!(matches!(reply_to("/orders/7", 1), Reply::Answer { .. }));
//! ```
//!
//! # Reading order
//!
//! The modules are declared below from top to bottom. Each uses only modules above it, which a test of the harness checks.
//! `src/README.md` is the map: what each module is for, and where a new thing goes.

#![forbid(unsafe_code)]

mod codes;
pub mod time;

pub mod limits;

pub mod provider;
pub mod text;

pub mod spiffe;

pub mod remedy;

pub mod config_error;
pub mod refusal;

pub mod jose;

pub mod request;

pub mod fetch;
pub mod freshness;
pub mod profile;

pub mod keys;

#[cfg(any(test, feature = "mint"))]
pub mod mint;
#[cfg(test)]
pub(crate) mod testing;

#[cfg(feature = "policy")]
pub mod route;
#[cfg(feature = "policy")]
pub mod stripped;

#[cfg(feature = "policy")]
pub mod dpop;
#[cfg(feature = "policy")]
pub mod evidence;
#[cfg(feature = "policy")]
pub mod identity;
#[cfg(feature = "policy")]
pub mod policy;

#[cfg(feature = "policy")]
pub mod identity_header;
#[cfg(feature = "policy")]
pub mod mode;

#[cfg(feature = "policy")]
pub mod telemetry;

#[cfg(feature = "policy")]
pub mod reply;

#[cfg(feature = "policy")]
pub mod config;

#[cfg(feature = "policy")]
pub mod enforcement;
#[cfg(feature = "policy")]
pub mod waiting;
#[cfg(feature = "policy")]
pub mod worker;

#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) use core::prelude::v1::test as portable;
#[cfg(all(test, target_arch = "wasm32"))]
pub(crate) use wasm_bindgen_test::wasm_bindgen_test as portable;
