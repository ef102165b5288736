//! A denial on its way from the step that reached it to the answer.

use super::Identity;
use crate::keys::{MissingKey, NotVerified};
use crate::refusal::Refusal;
use crate::route::SignIn;

/// Why a request is denied, with all that is needed to answer it, to record it and to rehearse it.
#[derive(Clone, Debug)]
pub struct Denial {
    /// The refusal.
    pub refusal: Refusal,
    /// The key that is not available, where that is the reason.
    pub missing_key: Option<Box<MissingKey>>,
    /// What the caller can do about it, from a policy. Only a caller with a verified identity gets any.
    pub advice: Option<String>,
    /// The URL of the metadata of the route that refuses, or of its application (RFC 9728).
    pub resource_metadata: Option<String>,
    /// Where people sign in to the application that refuses.
    pub sign_in: Option<SignIn>,
    /// The identity as far as it was verified; `None` where not even the principal was determined.
    pub identity_so_far: Option<Box<Identity>>,
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, missing_key: None, advice: None, resource_metadata: None, sign_in: None, identity_so_far: None }
    }
}

impl From<NotVerified> for Denial {
    fn from(fault: NotVerified) -> Self {
        match fault {
            NotVerified::Refused(refusal) => refusal.into(),
            NotVerified::KeyMissing(missing) => {
                let refusal = missing.refusal();
                Self { missing_key: Some(missing), ..Self::from(refusal) }
            }
        }
    }
}
