use serde_json::json;

use super::{NotVerified, TrustStore, Verification};
use crate::jose::{Algorithm, PresentedToken, TokenForm};
use crate::limits::TOKEN_BYTES;
use crate::portable;
use crate::profile::{Algorithms, TokenProfile};
use crate::refusal::{Reason, Refusal};
use crate::testing::{self, NOW};

fn refusal(fault: NotVerified) -> Refusal {
    match fault {
        NotVerified::Refused(refusal) => refusal,
        NotVerified::KeyMissing(missing) => missing.refusal(),
    }
}

#[portable]
fn a_profile_verifies_with_its_own_algorithms_and_keys_alone() {
    let verified = |profile: &TokenProfile, token: &str| {
        let trust = TrustStore::new([(profile, &testing::key_source())], 0);
        let token = PresentedToken::read(TokenForm::JWT, token.as_bytes(), TOKEN_BYTES.default, None).ok().unwrap();
        profile
            .verify(token, Verification::by(&trust), NOW, |_, _| Ok(()))
            .map(|token| token.payload().to_vec())
            .map_err(refusal)
            .map_err(|refusal| (refusal.reason, refusal.provider))
    };
    let claims = testing::claims(json!({}));
    let token = testing::token(&claims);
    assert!(verified(&testing::profile("corp"), &token).is_ok());
    let name = Some(testing::profile("corp").name);
    let other_algorithms =
        TokenProfile { algorithms: Algorithms::Listed(vec![Algorithm::Rs256]), ..testing::profile("corp") };
    assert_eq!(verified(&other_algorithms, &token), Err((Reason::TokenAlgorithm, name.clone())));
    let by_other_key = testing::other_key().sign_claims(Some(testing::KEY_ID), Some("JWT"), &claims).unwrap();
    assert_eq!(verified(&testing::profile("corp"), &by_other_key), Err((Reason::TokenSignature, name.clone())));
    let by_unknown_key = testing::other_key().sign_claims(Some("unknown"), Some("JWT"), &claims).unwrap();
    assert_eq!(verified(&testing::profile("corp"), &by_unknown_key), Err((Reason::TokenKey, name)));
}

#[portable]
fn an_empty_store_verifies_nothing() {
    let token = testing::token(&testing::claims(json!({})));
    let token = PresentedToken::read(TokenForm::JWT, token.as_bytes(), TOKEN_BYTES.default, None).ok().unwrap();
    let verified = testing::profile("corp").verify(token, Verification::by(&TrustStore::default()), NOW, |_, _| Ok(()));
    let refused = verified.err().map(|fault| refusal(fault).reason);
    assert_eq!(refused, Some(Reason::TokenKey));
}
