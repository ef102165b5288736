//! Which profile applies to a token. The token's unverified claims decide that. They decide by whose keys and rules the token
//! is checked, and nothing else.

use super::TokenProfile;
use crate::jose::UnverifiedClaims;
use crate::refusal::{Reason, Refusal};

/// Chooses by `iss`: the exact string (RFC 7519 section 4.1.1), or any string that matches a template, because the `iss` is
/// compared with the token's own tenant later. If several profiles match, their pins decide. A token that satisfies the pins
/// of more than one of them is rejected like one that satisfies none; the configuration is rejected at load unless pins
/// distinguish such profiles.
///
/// # Errors
/// `token-issuer` if no profile has this `iss`; `token-pin` if several have it, and the token does not satisfy the pins of
/// exactly one.
pub fn choose_profile<'p>(
    profiles: impl IntoIterator<Item = &'p TokenProfile>,
    claims: &UnverifiedClaims,
) -> Result<&'p TokenProfile, Refusal> {
    let of_issuer: Vec<_> = profiles.into_iter().filter(|profile| profile.issuer.can_be(claims.issuer())).collect();
    match of_issuer.as_slice() {
        [] => Err(Refusal::new(Reason::TokenIssuer)),
        [profile] => Ok(profile),
        several => {
            let has = |claim: &str, value: &_| claims.has(claim, value);
            let fits = |profile: &&TokenProfile| profile.pins.iter().all(|pin| pin.fits(has));
            let mut fitting = several.iter().copied().filter(fits);
            match (fitting.next(), fitting.next()) {
                (Some(profile), None) => Ok(profile),
                _ => Err(Refusal::new(Reason::TokenPin)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::choose_profile;
    use crate::jose::{ClaimPath, UnverifiedToken};
    use crate::limits::TOKEN_BYTES;
    use crate::portable;
    use crate::profile::{IssuerId, IssuerTemplate, Pin, TokenProfile};
    use crate::refusal::Reason;
    use crate::testing;

    fn chosen(profiles: &[TokenProfile], changes: Value) -> Result<&str, Reason> {
        let token = testing::token(&testing::claims(changes));
        let token = UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default).ok().unwrap();
        let claims = token.peek().map_err(|refusal| refusal.reason)?;
        choose_profile(profiles, &claims).map(|profile| profile.name.as_str()).map_err(|refusal| refusal.reason)
    }

    fn pinned(name: &str, value: &str) -> TokenProfile {
        let pin = Pin { claim: "azp".to_owned(), values: vec![json!(value)] };
        TokenProfile { pins: vec![pin], ..testing::profile(name) }
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

    fn tenants(name: &str, pinned: &[&str]) -> TokenProfile {
        let claim = ClaimPath(vec!["tid".to_owned()]);
        let template = IssuerTemplate::parse("https://login.example/{tid}/v2.0", claim).unwrap();
        let values: Vec<Value> = pinned.iter().map(|tenant| json!(tenant)).collect();
        let pins = if values.is_empty() { Vec::new() } else { vec![Pin { claim: "tid".to_owned(), values }] };
        TokenProfile { issuer: IssuerId::Template(template), pins, ..testing::profile(name) }
    }

    #[portable]
    fn a_template_is_chosen_by_the_shape_of_iss_and_judged_by_its_tenant() {
        let profiles = [testing::profile("corp"), tenants("all", &[])];
        let iss = |tenant: &str| format!("https://login.example/{tenant}/v2.0");
        assert_eq!(chosen(&profiles, json!({ "iss": iss("blue"), "tid": "blue" })), Ok("all"));
        assert_eq!(chosen(&profiles, json!({})), Ok("corp"));
        // Left to its judgement, which refuses it and says whose it claimed to be.
        assert_eq!(chosen(&profiles, json!({ "iss": iss("blue"), "tid": "red" })), Ok("all"));
        for tenant in ["", "..", "blue/x", "blue%2Fx", "b lue"] {
            let chosen = chosen(&profiles, json!({ "iss": iss(tenant), "tid": tenant }));
            assert_eq!(chosen, Err(Reason::TokenIssuer), "{tenant}");
        }
    }

    #[portable]
    fn tenants_tell_profiles_of_one_template_apart() {
        let profiles = [tenants("ours", &["blue", "green"]), tenants("theirs", &["red"])];
        let token = |tenant: &str| json!({ "iss": format!("https://login.example/{tenant}/v2.0"), "tid": tenant });
        assert_eq!(chosen(&profiles, token("green")), Ok("ours"));
        assert_eq!(chosen(&profiles, token("red")), Ok("theirs"));
        assert_eq!(chosen(&profiles, token("grey")), Err(Reason::TokenPin));
    }

    #[portable]
    fn profiles_are_apart_where_no_value_is_in_both_pins() {
        let with = |values: &[Value]| TokenProfile {
            pins: vec![Pin { claim: "azp".to_owned(), values: values.to_vec() }],
            ..testing::profile("any")
        };
        let apart = |one: &[Value], other: &[Value]| with(one).is_pinned_apart_from(&with(other));
        assert!(apart(&[json!("a"), json!("b")], &[json!("c")]));
        assert!(apart(&[json!("1")], &[json!(1), json!(true)]));
        assert!(!apart(&[json!("a"), json!("b")], &[json!("c"), json!("b")]));
        assert!(!apart(&[json!("a")], &[json!("a")]));
        assert!(!with(&[json!("a")]).is_pinned_apart_from(&testing::profile("other")));
    }
}
