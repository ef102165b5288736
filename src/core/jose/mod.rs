//! Strict JSON and JOSE, without any policy: bytes become tokens and keys, or a fault that says why not.

mod algorithm;
mod claims;
mod compact;
mod der;
mod forged;
mod form;
mod host_verifier;
mod key;
mod key_set;
mod memory;
mod pem;
mod presented;
mod proof;
mod reading;
mod signature;
mod verifier;

pub mod base64url;
pub mod json;

pub use algorithm::Algorithm;
pub use claims::{AuthenticClaims, ClaimPath, Claims, Rounding, UnverifiedClaims};
pub(crate) use claims::{whole_seconds, wrong_type};
pub use compact::UnverifiedToken;
#[cfg(feature = "policy")]
pub(crate) use compact::media_type;
pub use forged::{Forgery, ForgeryMemory, RememberingVerifier};
pub use form::TokenForm;
pub use host_verifier::{Declined, HostSignatures, HostVerifier, Tally};
pub use key::{KeyFault, KeyUse, VerificationKey};
pub use key_set::{KeySet, KeySetFault, SkippedKey, SkippedKeys};
pub use memory::TokenMemory;
pub(crate) use memory::allocated;
pub use pem::{PemFault, jwk_of_pem};
pub use presented::PresentedToken;
pub use proof::UnverifiedProof;
pub use reading::Reading;
pub use signature::{AuthenticToken, VerifiedToken};
pub use verifier::{Portable, SignatureVerifier, UnverifiedSignature};

#[cfg(any(test, feature = "mint"))]
pub(crate) use verifier::rsa_scheme;
