//! Whose keys are believed now.
//!
//! Keys stand in the configuration or are fetched from the provider. For the latter the [`TrustStore`] says what is to be
//! fetched and when, and takes or refuses what comes; it makes no call itself.

mod metadata;
mod missing_key;
mod set;
mod source;
mod store;
mod verify;

pub use metadata::{MetadataFault, key_endpoint};
pub use missing_key::{MissingKey, Prospect};
pub use set::FetchedSet;
pub use source::{FetchedKeys, KeyHost, KeyLocation, KeySource};
pub use store::{Effect, Report, TrustStore};
pub use verify::NotVerified;
