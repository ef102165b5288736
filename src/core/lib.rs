//! Identity and device policy inside Envoy.
//!
//! Countersign is the policy enforcement point (PEP) and the policy decision point (PDP) of NIST SP 800-207 in one
//! WebAssembly module that runs in Envoy's HTTP filter chain. It verifies who asks (a person or a software component)
//! and what is known of the device, and lets a request through only where a Cedar policy about that *identity* says so.
//! The network place never suffices by itself.
//!
//! What it does not do: it issues no tokens, holds no private keys, keeps no user database, ends no TLS.
//!
//! # The way of a request
//!
//! ```text
//!  host -> RequestParts -> Request -> Presented -> Identity -> Decision -> Reply -> host
//!          read once       parsed     unverified   believed    PDP         applied once
//! ```
//!
//! [`enforcement::decide`] is the one door to all of it: the module in Envoy, the command line and the tests go through it.
//! Every value is built only by the step before it, and a failure at any step is a [`Refusal`](refusal::Refusal).
//!
//! # Reading order
//!
//! The modules below, from top to bottom: each uses only modules above it.

#![forbid(unsafe_code)]

mod codes;
pub mod time;

pub mod limits;

pub mod provider;
#[cfg(feature = "policy")]
mod spelling;

pub mod config_error;
pub mod refusal;

pub mod jose;
pub mod trust;

#[cfg(any(test, feature = "mint"))]
pub mod mint;
#[cfg(test)]
pub(crate) mod testing;

pub mod request;
#[cfg(feature = "policy")]
pub mod route;
#[cfg(feature = "policy")]
pub mod stripped;

#[cfg(feature = "policy")]
pub mod evidence;
#[cfg(feature = "policy")]
pub mod identity;
#[cfg(feature = "policy")]
pub mod policy;

#[cfg(feature = "policy")]
pub mod config;
#[cfg(feature = "policy")]
pub mod telemetry;

#[cfg(feature = "policy")]
pub mod reply;

#[cfg(feature = "policy")]
pub mod enforcement;
#[cfg(feature = "policy")]
pub mod waiting;
#[cfg(feature = "policy")]
pub mod worker;

pub mod manual;

#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) use core::prelude::v1::test as portable;
#[cfg(all(test, target_arch = "wasm32"))]
pub(crate) use wasm_bindgen_test::wasm_bindgen_test as portable;
