//! Which profile applies to a token. The token's unverified claims decide that. They decide by whose keys and rules the token
//! is checked, and nothing else.

use super::{CredentialPlace, Issuer, TokenProfile};
use crate::jose::{TokenForm, UnverifiedClaims};
use crate::refusal::{Detail, Reason, Refusal};

/// Chooses the issuer of an access token among those whose tokens have its form, and rejects the token if that issuer does not accept tokens from this place.
///
/// The place has no part in the choice. Otherwise a token that fits two issuers would belong to one of them in a cookie
/// and to the other in `Authorization`, and its sender would choose its principal.
///
/// # Errors
/// Those of [`choose_profile`]; `credential-misplaced`.
pub fn choose_issuer<'i>(
    issuers: &'i [Issuer],
    place: &CredentialPlace,
    form: TokenForm,
    typ: Option<&str>,
    claims: &UnverifiedClaims,
) -> Result<&'i Issuer, Refusal> {
    let of_form = issuers.iter().map(|issuer| &issuer.profile).filter(|profile| profile.form == form);
    let profile = choose_profile(of_form, typ, claims)?;
    // The profile is one of these issuers', so it is always found; the refusal keeps this free of a panic.
    let issuer = issuers
        .iter()
        .find(|issuer| issuer.profile.name == profile.name)
        .ok_or_else(|| Refusal::new(Reason::TokenIssuer))?;
    issuer.accepts_at(place).map(|()| issuer)
}

impl Issuer {
    /// Whether it accepts tokens from this place.
    ///
    /// # Errors
    /// `credential-misplaced`.
    pub fn accepts_at(&self, place: &CredentialPlace) -> Result<(), Refusal> {
        if self.from.contains(place) {
            return Ok(());
        }
        let accepted = self.from.iter().map(ToString::to_string).collect();
        let detail = Detail::Misplaced { found: place.to_string(), accepted };
        Err(Refusal::with(Reason::CredentialMisplaced, detail).about(&self.profile.name))
    }
}

/// Chooses by `iss`: the exact string (RFC 7519 section 4.1.1), or any string that matches a template, because the
/// `iss` is compared with the token's own tenant later. If several profiles match, `sub` decides, by its trust domain;
/// if several are left, their pins, then `typ`, then `aud`. A token that fits more than one profile is rejected like
/// one that fits none, and the order of profiles never decides. The configuration is rejected at load unless profiles
/// of one `iss` are told apart by one of the four, see [`TokenProfile::is_told_apart_from`].
///
/// # Errors
/// `token-issuer` if no profile has this `iss`, or if all that have it want `sub` to be of another trust domain. If
/// several have it: `token-pin`, `token-typ` or `token-audience` if the token fits none of them; `token-audience` if it
/// has audiences of two, and `token-pin` if it fits two in another way; `token-claim-type` if `aud` has the wrong type.
pub fn choose_profile<'p>(
    profiles: impl IntoIterator<Item = &'p TokenProfile>,
    typ: Option<&str>,
    claims: &UnverifiedClaims,
) -> Result<&'p TokenProfile, Refusal> {
    let of_issuer: Vec<_> = profiles.into_iter().filter(|profile| profile.issuer.can_be(claims.issuer())).collect();
    match of_issuer.as_slice() {
        [] => Err(Refusal::new(Reason::TokenIssuer)),
        [profile] => Ok(profile),
        several => choose_among(several, typ, claims),
    }
}

/// Chooses among profiles that can have the token's `iss`.
fn choose_among<'p>(
    several: &[&'p TokenProfile],
    typ: Option<&str>,
    claims: &UnverifiedClaims,
) -> Result<&'p TokenProfile, Refusal> {
    let has = |claim: &str, value: &_| claims.has(claim, value);
    let by_subject = of(several, |profile| profile.subject.can_be(claims.subject()));
    let by_pins = match by_subject.as_slice() {
        [] => return Err(Refusal::new(Reason::TokenIssuer)),
        [profile] => return Ok(profile),
        several => of(several, |profile| profile.pins.iter().all(|pin| pin.fits(has))),
    };
    let by_type = match by_pins.as_slice() {
        [] => return Err(Refusal::new(Reason::TokenPin)),
        [profile] => return Ok(profile),
        _ => of(&by_pins, |profile| profile.typ.accepts(typ)),
    };
    let audiences = match by_type.as_slice() {
        [] => {
            let wanted = by_pins.iter().flat_map(|profile| profile.typ.written());
            return Err(Refusal::mismatch(Reason::TokenTyp, "typ", typ, wanted));
        }
        [profile] => return Ok(profile),
        _ => claims.audiences()?,
    };
    let by_audience = of(&by_type, |profile| profile.audiences.accept(audiences.as_deref()));
    match by_audience.as_slice() {
        [profile] => Ok(profile),
        [one, other, ..] if !one.audiences.excludes(&other.audiences) => Err(Refusal::new(Reason::TokenPin)),
        [_, _, ..] => {
            let fault = "`aud` has audiences of several profiles of this issuer";
            Err(Refusal::with(Reason::TokenAudience, Detail::Fault(fault)))
        }
        [] => {
            let wanted = by_type.iter().flat_map(|profile| profile.audiences.listed()).map(String::as_str);
            Err(Refusal::mismatch(Reason::TokenAudience, "aud", audiences.unwrap_or_default(), wanted))
        }
    }
}

fn of<'p>(profiles: &[&'p TokenProfile], fits: impl Fn(&TokenProfile) -> bool) -> Vec<&'p TokenProfile> {
    profiles.iter().copied().filter(|profile| fits(profile)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{choose_issuer, choose_profile};
    use crate::jose::{Algorithm, ClaimPath, UnverifiedToken};
    use crate::limits::TOKEN_BYTES;
    use crate::portable;
    use crate::profile::{
        Audiences, CredentialPlace, Issuer, IssuerId, IssuerTemplate, Pin, Subject, TokenProfile, Typ,
    };
    use crate::refusal::Reason;
    use crate::spiffe::TrustDomain;
    use crate::testing;

    fn chosen(profiles: &[TokenProfile], changes: Value) -> Result<&str, Reason> {
        chosen_of(profiles, Some("JWT"), changes)
    }

    fn chosen_of<'p>(profiles: &'p [TokenProfile], typ: Option<&str>, changes: Value) -> Result<&'p str, Reason> {
        let key = testing::key(Algorithm::Es256);
        let token = key.sign_claims(Some(testing::KEY_ID), typ, &testing::claims(changes)).unwrap();
        let token = UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default).ok().unwrap();
        let claims = token.peek().map_err(|refusal| refusal.reason)?;
        choose_profile(profiles, token.typ.as_deref(), &claims)
            .map(|profile| profile.name.as_str())
            .map_err(|refusal| refusal.reason)
    }

    #[portable]
    fn a_token_keeps_its_issuer_wherever_it_is_and_is_accepted_only_where_that_issuer_says() {
        let [people, software] = two_kinds();
        let cookie = CredentialPlace::Cookie { name: "IdToken".into() };
        let issuers = [
            Issuer { profile: people, ..testing::issuer("people", vec![cookie.clone()]) },
            Issuer { profile: software, ..testing::issuer("software", vec![CredentialPlace::Authorization]) },
        ];
        let chosen = |place: &CredentialPlace, typ: &str, audience: Value| {
            let key = testing::key(Algorithm::Es256);
            let claims = testing::claims(json!({ "aud": audience }));
            let token = key.sign_claims(Some(testing::KEY_ID), Some(typ), &claims).unwrap();
            let token = UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default).ok().unwrap();
            let claims = token.peek().ok().unwrap();
            choose_issuer(&issuers, place, token.form, token.typ.as_deref(), &claims)
                .map(|issuer| issuer.profile.name.as_str().to_owned())
                .map_err(|refusal| (refusal.reason, refusal.detail.to_string()))
        };
        assert_eq!(chosen(&cookie, "JWT", json!("web")), Ok("people".to_owned()));
        assert_eq!(chosen(&CredentialPlace::Authorization, "at+jwt", json!("api")), Ok("software".to_owned()));
        let misplaced = |found: &str, accepted: &str| {
            Err((Reason::CredentialMisplaced, format!("presented in `{found}`, accepted in `{accepted}`")))
        };
        let in_cookie = chosen(&cookie, "at+jwt", json!("api"));
        assert_eq!(in_cookie, misplaced("cookie IdToken", "header authorization"));
        let in_header = chosen(&CredentialPlace::Authorization, "JWT", json!("web"));
        assert_eq!(in_header, misplaced("header authorization", "cookie IdToken"));
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
    fn trust_domains_tell_profiles_without_iss_apart() {
        let workloads = |name: &str, trust_domain: &str| TokenProfile {
            issuer: IssuerId::Absent,
            subject: Subject::WorkloadOf(TrustDomain::parse(trust_domain).unwrap()),
            ..testing::profile(name)
        };
        let profiles = [workloads("org", "example.org"), workloads("com", "example.com")];
        let of = |subject: Value| chosen(&profiles, json!({ "iss": null, "sub": subject }));
        assert_eq!(of(json!("spiffe://example.org/web")), Ok("org"));
        assert_eq!(of(json!("spiffe://example.com/web")), Ok("com"));
        for subject in [
            json!("spiffe://example.net/web"),
            json!("spiffe://example.org"),
            json!("spiffe://Example.org/web"),
            json!("spiffe://example.org.example.com/web"),
            json!("example.org"),
            json!(null),
            json!(7),
        ] {
            assert_eq!(of(subject.clone()), Err(Reason::TokenIssuer), "{subject}");
        }
        // Beside an issuer without a trust domain, the pins, `typ` or `aud` decide.
        let any = TokenProfile { issuer: IssuerId::Absent, ..testing::profile("any") };
        let profiles = [workloads("org", "example.org"), any];
        assert_eq!(chosen(&profiles, json!({ "iss": null, "sub": "alice" })), Ok("any"));
        assert_eq!(chosen(&profiles, json!({ "iss": null, "sub": "spiffe://example.org/a" })), Err(Reason::TokenPin));
        assert!(!profiles[0].is_told_apart_from(&profiles[1]));
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

    /// People by ID token and software by access token, of one issuer.
    fn two_kinds() -> [TokenProfile; 2] {
        let profile = |name: &str, typ: &str, audience: &str| TokenProfile {
            typ: Typ { values: vec![typ.to_owned()], absent: false },
            audiences: Audiences::OneOf(vec![audience.to_owned()]),
            ..testing::profile(name)
        };
        [profile("people", "jwt", "web"), profile("software", "at+jwt", "api")]
    }

    #[portable]
    fn typ_tells_profiles_of_one_issuer_apart() {
        let profiles = two_kinds();
        for (typ, audience, outcome) in [
            (Some("JWT"), "web", Ok("people")),
            (Some("at+jwt"), "api", Ok("software")),
            (Some("application/AT+JWT"), "api", Ok("software")),
            // Left to its judgement, which refuses it for its audience.
            (Some("at+jwt"), "web", Ok("software")),
            (Some("application/at+jwt/x"), "api", Err(Reason::TokenTyp)),
            (Some("logout+jwt"), "web", Err(Reason::TokenTyp)),
            (None, "web", Err(Reason::TokenTyp)),
        ] {
            assert_eq!(chosen_of(&profiles, typ, json!({ "aud": audience })), outcome, "{typ:?} {audience}");
        }
    }

    #[portable]
    fn audiences_tell_profiles_of_one_issuer_apart_and_a_token_for_both_is_refused() {
        let [people, software] = two_kinds();
        let software = TokenProfile { typ: people.typ.clone(), ..software };
        for profiles in [[people.clone(), software.clone()], [software, people]] {
            for (audience, outcome) in [
                (json!("web"), Ok("people")),
                (json!(["api", "else"]), Ok("software")),
                (json!(["web", "api"]), Err(Reason::TokenAudience)),
                (json!(["api", "web"]), Err(Reason::TokenAudience)),
                (json!("web api"), Err(Reason::TokenAudience)),
                (json!("else"), Err(Reason::TokenAudience)),
                (json!([]), Err(Reason::TokenAudience)),
                (json!(null), Err(Reason::TokenAudience)),
                (json!(7), Err(Reason::TokenClaimType)),
            ] {
                assert_eq!(chosen(&profiles, json!({ "aud": audience })), outcome, "{audience}");
            }
        }
    }

    #[portable]
    fn a_token_without_aud_goes_to_the_profile_that_wants_none() {
        let [people, _] = two_kinds();
        let none = TokenProfile { audiences: Audiences::Absent, ..testing::profile("none") };
        let profiles = [people, none];
        assert_eq!(chosen(&profiles, json!({ "aud": null })), Ok("none"));
        assert_eq!(chosen(&profiles, json!({ "aud": "web" })), Ok("people"));
        assert_eq!(chosen(&profiles, json!({ "aud": "else" })), Err(Reason::TokenAudience));
    }

    #[portable]
    fn pins_decide_before_typ_and_aud() {
        let [people, software] = two_kinds();
        let pin = Pin { claim: "azp".to_owned(), values: vec![json!("shop")] };
        let profiles = [TokenProfile { pins: vec![pin], ..people }, software];
        assert_eq!(chosen_of(&profiles, Some("JWT"), json!({ "azp": "shop" })), Ok("people"));
        assert_eq!(chosen_of(&profiles, Some("at+jwt"), json!({ "azp": "shop" })), Ok("software"));
        // Left to its judgement, which refuses the type.
        assert_eq!(chosen_of(&profiles, Some("JWT"), json!({ "azp": "other" })), Ok("software"));
    }
}
