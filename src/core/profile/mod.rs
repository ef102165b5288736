//! What a token must look like to be accepted. This module has no keys: signatures are verified in [`keys`](crate::keys).
//!
//! A token is processed in this order: [`choose_profile`] by its unverified claims; [`TokenProfile::verify`] its signature;
//! [`TokenProfile::judge`] its claims; [`FactField::read_all`] the claims that policies may read.

mod apart;
mod attested;
mod choose;
mod device;
mod facts;
mod issuer;
mod judge;
mod kind;
mod place;
mod roles;
mod sender;
mod token;

pub use attested::{CertificateFrom, CertificateName, CertificateRule, NamedPeers, SubjectPin, TrustedPeerRule};
pub use choose::{choose_issuer, choose_profile};
pub use device::{
    DEVICE_MEMBERS, DEVICE_RECORD, DeviceConflict, DeviceMapping, DeviceMember, DeviceMemberType, DeviceStatement,
    DeviceValue, MappedFact, MemberSource, Several, agreed, conflict, device_facts, device_member,
};
pub use facts::{ACTOR_CLAIM, FactField, FactRecord, FactType, FactValue, refuse_if_kept};
pub use issuer::{IssuerId, IssuerTemplate, TemplateFault};
pub use judge::{Appraisal, ClaimedTimes, JudgedTimes};
pub use kind::{ACCESS_TOKEN_TYP, ID_TOKEN_MARKS, TokenKind};
#[cfg(feature = "policy")]
pub(crate) use place::AUTHORIZATION;
pub use place::CredentialPlace;
pub use roles::{
    DeviceProvider, EvidenceForwarding, GroupsRule, Issuer, PostureBinding, PostureSource, PostureToken, PrincipalRule,
    mappings,
};
pub use sender::{DpopRule, Scheme, SenderRule};
pub use token::{Algorithms, Audiences, Expiry, HeaderMembers, Pin, Subject, TokenProfile, Typ};
