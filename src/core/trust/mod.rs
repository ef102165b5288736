//! Whom we believe: profiles of issuers and device providers, what their tokens are judged by, and which keys are theirs now.
//!
//! It serves step 4, in this order: [`choose_profile`] by what a token claims of itself, [`TokenProfile::verify`] its
//! signature, [`TokenProfile::judge`] what it says, [`FactField::read_all`] what policies may know of it.
//!
//! Keys stand in the configuration or are fetched from the provider. For the latter the [`TrustStore`] says what is to be
//! fetched and when, and takes or refuses what comes; it makes no call itself.

mod choose;
mod facts;
mod feed;
mod issuer;
mod jitter;
mod judge;
mod key_source;
mod lookups;
mod missing_key;
mod profile;
mod response;
mod shared;
mod store;
mod unknown_keys;
pub mod workers;

pub use choose::choose_profile;
pub use facts::{FactField, FactRecord, FactType, FactValue, refuse_if_kept};
pub use issuer::{IssuerTemplate, TemplateFault};
pub use judge::{Appraisal, JudgedTimes, NotVerified};
pub use key_source::{Endpoint, FetchedKeys, KeyHost, KeyLocation, KeySource, KeyUrl, KeyUrlFault};
pub use missing_key::{MissingKey, Prospect};
pub use profile::{
    Audiences, Bind, DeviceProvider, Expiry, Forward, GroupsRule, Issuer, IssuerId, Pin, PrincipalRule, TokenProfile,
    Typ,
};
pub use response::{FetchFault, FetchedSet, MetadataFault, Response, key_endpoint};
pub use shared::{Conflict, SharedMemory, Write};
pub use store::{Effect, FetchRequest, Report, RequestId, TrustStore};
