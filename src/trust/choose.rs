//! Which profile a token is judged by. The token itself says so, unverified: it can choose by whose keys and rules it is
//! tried, and nothing else.

use super::{IssuerId, TokenProfile};
use crate::jose::UnverifiedClaims;
use crate::refusal::{Reason, Refusal};

/// Chooses by `iss` (RFC 7519 section 4.1.1: exact text), and where several profiles have it, by their pins. A token that
/// fits the pins of more than one is as lost as one that fits none; the configuration's reader sees to it that pins tell
/// profiles apart.
///
/// # Errors
/// `token-issuer` where no profile has this `iss`, `token-pin` where several have it and not exactly one's pins fit.
pub fn choose_profile<'p>(
    profiles: impl IntoIterator<Item = &'p TokenProfile>,
    claims: &UnverifiedClaims,
) -> Result<&'p TokenProfile, Refusal> {
    let of_issuer: Vec<_> = profiles.into_iter().filter(|profile| profile.issuer.is(claims.issuer())).collect();
    match of_issuer.as_slice() {
        [] => Err(Refusal::new(Reason::TokenIssuer)),
        [profile] => Ok(profile),
        several => {
            let fits = |profile: &&TokenProfile| profile.pins.iter().all(|(name, value)| claims.has(name, value));
            let mut fitting = several.iter().copied().filter(fits);
            match (fitting.next(), fitting.next()) {
                (Some(profile), None) => Ok(profile),
                _ => Err(Refusal::new(Reason::TokenPin)),
            }
        }
    }
}

impl IssuerId {
    /// Whether `iss` is as it must be.
    pub(super) fn is(&self, issuer: Option<&str>) -> bool {
        match self {
            Self::Exactly(wanted) => issuer == Some(wanted),
            Self::Absent => issuer.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::choose_profile;
    use crate::jose::{UnverifiedClaims, UnverifiedToken};
    use crate::limits::TOKEN_BYTES;
    use crate::portable;
    use crate::refusal::Reason;
    use crate::testing;
    use crate::trust::{IssuerId, TokenProfile};

    fn chosen(profiles: &[TokenProfile], changes: Value) -> Result<&str, Reason> {
        let token = testing::token(&testing::claims(changes));
        let token = UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default).ok().unwrap();
        let claims = UnverifiedClaims::peek(&token).map_err(|refusal| refusal.reason)?;
        choose_profile(profiles, &claims).map(|profile| profile.name.as_str()).map_err(|refusal| refusal.reason)
    }

    fn pinned(name: &str, value: &str) -> TokenProfile {
        TokenProfile { pins: vec![("azp".to_owned(), json!(value))], ..testing::profile(name) }
    }

    #[portable]
    fn the_profile_with_exactly_this_issuer_is_chosen() {
        let other =
            TokenProfile { issuer: IssuerId::Exactly("https://other.example".into()), ..testing::profile("other") };
        let profiles = [testing::profile("corp"), other];
        assert_eq!(chosen(&profiles, json!({})), Ok("corp"));
        assert_eq!(chosen(&profiles, json!({ "iss": "https://other.example" })), Ok("other"));
        for iss in ["https://ISSUER.example", "https://issuer.example/", "", " https://issuer.example"] {
            assert_eq!(chosen(&profiles, json!({ "iss": iss })), Err(Reason::TokenIssuer), "{iss}");
        }
        assert_eq!(chosen(&profiles, json!({ "iss": null })), Err(Reason::TokenIssuer));
        assert_eq!(chosen(&profiles, json!({ "iss": ["https://issuer.example"] })), Err(Reason::TokenClaimType));
        assert_eq!(chosen(&[], json!({})), Err(Reason::TokenIssuer));
    }

    #[portable]
    fn a_token_without_issuer_goes_to_the_profile_that_wants_none() {
        let workload = TokenProfile { issuer: IssuerId::Absent, ..testing::profile("workload") };
        let profiles = [testing::profile("corp"), workload];
        assert_eq!(chosen(&profiles, json!({ "iss": null })), Ok("workload"));
        assert_eq!(chosen(&profiles, json!({})), Ok("corp"));
    }

    #[portable]
    fn pins_tell_profiles_of_one_issuer_apart() {
        let profiles = [pinned("web", "shop-web"), pinned("batch", "shop-batch")];
        assert_eq!(chosen(&profiles, json!({ "azp": "shop-batch" })), Ok("batch"));
        assert_eq!(chosen(&profiles, json!({ "azp": "shop-web" })), Ok("web"));
        assert_eq!(chosen(&profiles, json!({ "azp": "shop" })), Err(Reason::TokenPin));
        assert_eq!(chosen(&profiles, json!({})), Err(Reason::TokenPin));
        let same = [pinned("one", "shop"), pinned("two", "shop")];
        assert_eq!(chosen(&same, json!({ "azp": "shop" })), Err(Reason::TokenPin));
    }

    #[portable]
    fn a_pin_of_the_only_profile_is_left_to_its_judgement() {
        assert_eq!(chosen(&[pinned("web", "shop-web")], json!({ "azp": "other" })), Ok("web"));
    }
}
