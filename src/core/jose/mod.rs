//! Strict JSON and JOSE, with no policy in it: bytes become tokens and keys, or a reason why not.

mod algorithm;
mod claims;
mod compact;
mod key;
mod key_set;
mod signature;

pub mod base64url;
pub mod json;

pub use algorithm::Algorithm;
pub(crate) use claims::wrong_type;
pub use claims::{AuthenticClaims, ClaimPath, Claims, Rounding, UnverifiedClaims};
pub use compact::UnverifiedToken;
pub use key::{KeyFault, VerificationKey};
pub use key_set::{KeySet, KeySetFault, SkippedKey, SkippedKeys};
pub use signature::AuthenticToken;

#[cfg(any(test, feature = "mint"))]
pub(crate) use key::rsa_scheme;
