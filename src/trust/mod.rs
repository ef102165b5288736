//! Whom we believe: profiles of issuers and device providers, and what their tokens are judged by.
//!
//! It serves step 4, in this order: [`choose_profile`] by what a token claims of itself, [`TokenProfile::verify`] its
//! signature, [`TokenProfile::judge`] what it says, [`FactField::read_all`] what policies may know of it.

mod choose;
mod facts;
mod judge;
mod profile;

pub use choose::choose_profile;
pub use facts::{FactField, FactRecord, FactType, FactValue};
pub use judge::{Appraisal, JudgedTimes};
pub use profile::{
    Audiences, Bind, DeviceProvider, Expiry, Forward, Issuer, IssuerId, PrincipalRule, TokenProfile, Typ,
};
