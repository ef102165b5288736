//! Which keys are trusted now.
//!
//! The [`TrustStore`] owns the keys of all providers: those that the configuration contains, and those that are fetched. A
//! profile verifies tokens with the keys that the store has for it ([`TokenProfile::verify`](crate::profile::TokenProfile)).
//! For keys that are fetched, the store says what is to be requested and when, and accepts or rejects the answers. It makes
//! no call itself.

mod by_id;
mod effect;
mod fault;
mod metadata;
mod missing_key;
mod payload;
mod set;
mod source;
mod store;
mod verify;

pub use crate::fetch::Prospect;
pub use effect::{Effect, Report};
pub use fault::{KeyFetchFault, MetadataFault};
pub use metadata::key_endpoint;
pub use missing_key::MissingKey;
pub use set::FetchedSet;
pub use source::{FetchedKeys, KeyHost, KeyLocation, KeySource};
pub use store::{InstallFault, TrustStore};
pub use verify::{NotVerified, Verification};
