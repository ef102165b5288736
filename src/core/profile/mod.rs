//! What a token must look like to be believed. Pure, and without keys.
//!
//! It serves step 4, in this order: [`choose_profile`] by what a token claims of itself, [`TokenProfile::verify`] its
//! signature, [`TokenProfile::judge`] what it says, [`FactField::read_all`] what policies may know of it.

mod choose;
mod facts;
mod issuer;
mod judge;
mod roles;
mod token;

pub use choose::choose_profile;
pub use facts::{FactField, FactRecord, FactType, FactValue, refuse_if_kept};
pub use issuer::{IssuerTemplate, TemplateFault};
pub use judge::{Appraisal, JudgedTimes};
pub use roles::{Bind, DeviceProvider, Forward, GroupsRule, Issuer, PrincipalRule};
pub use token::{Audiences, Expiry, IssuerId, Pin, TokenProfile, Typ};
