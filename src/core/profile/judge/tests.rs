use serde_json::{Value, json};

use super::{Appraisal, JudgedTimes};
use crate::jose::Claims;
use crate::portable;
use crate::profile::{Audiences, Expiry, IssuerId, Pin, TokenKind, TokenProfile, Typ};
use crate::refusal::{Detail, Reason, Refusal};
use crate::testing::{self, NOW};
use crate::time::{Seconds, UnixSeconds};

fn profile() -> TokenProfile {
    testing::profile("corp")
}

fn pin(claim: &str, values: &[Value]) -> Pin {
    Pin { claim: claim.to_owned(), values: values.to_vec() }
}

fn claim_set(changes: Value) -> Claims {
    Claims::for_test(Value::Object(testing::claims(changes)))
}

fn refusal(profile: &TokenProfile, changes: Value) -> Refusal {
    profile.judge_claims(Some("jwt"), &claim_set(changes), NOW).unwrap_err()
}

/// The reason to refuse claims changed so, if there is one.
fn judged(profile: &TokenProfile, changes: Value) -> Result<JudgedTimes, Reason> {
    profile.judge_claims(Some("jwt"), &claim_set(changes), NOW).map_err(|refusal| refusal.reason)
}

/// A time this many seconds from now, as claims write it.
fn from_now(seconds: i64) -> Value {
    json!(NOW.get().saturating_add(seconds))
}

#[portable]
fn a_good_token_has_its_age_and_its_end() {
    let times = judged(&profile(), json!({})).unwrap();
    assert_eq!(times, JudgedTimes { age: Some(Seconds::new(60)), expires: Some(UnixSeconds::new(NOW.get() + 3_540)) });
    let without_iat = judged(&profile(), json!({ "iat": null })).unwrap();
    assert_eq!(without_iat.age, None);
}

#[portable]
fn typ_is_one_of_the_listed() {
    let with = |values: &[&str], absent| {
        let typ = Typ { values: values.iter().map(|value| (*value).to_owned()).collect(), absent };
        TokenProfile { typ, ..profile() }
    };
    let reason = |profile: &TokenProfile, typ| {
        profile.judge_claims(typ, &claim_set(json!({})), NOW).map_err(|refusal| refusal.reason)
    };
    let access = with(&["at+jwt"], false);
    assert!(reason(&access, Some("at+jwt")).is_ok());
    for typ in [Some("jwt"), Some("dpop+jwt"), Some("logout+jwt"), Some(""), Some("absent"), None] {
        assert_eq!(reason(&access, typ), Err(Reason::TokenTyp), "{typ:?}");
    }
    let old = with(&["jwt"], true);
    assert!(reason(&old, None).is_ok());
    assert!(reason(&old, Some("jwt")).is_ok());
    assert_eq!(reason(&old, Some("at+jwt")), Err(Reason::TokenTyp));
}

#[portable]
fn iss_is_exactly_the_profiles() {
    for iss in
        [json!("https://issuer.example/"), json!("HTTPS://issuer.example"), json!(""), json!("https://other.example")]
    {
        assert_eq!(judged(&profile(), json!({ "iss": iss })), Err(Reason::TokenIssuer));
    }
    assert_eq!(judged(&profile(), json!({ "iss": null })), Err(Reason::TokenIssuer));
    assert_eq!(judged(&profile(), json!({ "iss": [testing::ISSUER] })), Err(Reason::TokenClaimType));
    let nameless = TokenProfile { issuer: IssuerId::Absent, ..profile() };
    assert!(judged(&nameless, json!({ "iss": null })).is_ok());
    assert_eq!(judged(&nameless, json!({ "iss": "" })), Err(Reason::TokenIssuer));
}

#[portable]
fn aud_holds_one_of_ours_exactly() {
    let two = TokenProfile { audiences: Audiences::OneOf(vec!["a".into(), "b".into()]), ..profile() };
    for aud in [json!("a"), json!("b"), json!(["b"]), json!(["x", "a"])] {
        assert!(judged(&two, json!({ "aud": aud })).is_ok());
    }
    for aud in [json!("A"), json!("a "), json!("a b"), json!("ab"), json!(""), json!([]), json!(["x"]), json!(["a b"])]
    {
        assert_eq!(judged(&two, json!({ "aud": aud })), Err(Reason::TokenAudience), "{aud}");
    }
    for aud in [json!(1), json!(["a", 1]), json!({ "a": "a" }), json!([["a"]]), json!(["a", null])] {
        assert_eq!(judged(&two, json!({ "aud": aud })), Err(Reason::TokenClaimType), "{aud}");
    }
    assert_eq!(refusal(&two, json!({ "aud": null })).detail, Detail::Claim("aud".into()));
    assert_eq!(judged(&two, json!({ "aud": null })), Err(Reason::TokenClaimMissing));
    let none = TokenProfile { audiences: Audiences::Absent, ..profile() };
    assert!(judged(&none, json!({ "aud": null })).is_ok());
    assert_eq!(judged(&none, json!({ "aud": "a" })), Err(Reason::TokenAudience));
    assert_eq!(judged(&none, json!({ "aud": [] })), Err(Reason::TokenAudience));
}

#[portable]
fn pins_hold_and_forbidden_claims_are_absent() {
    let pinned = TokenProfile {
        pins: vec![pin("azp", &[json!("web")]), pin("ver", &[json!(2.0)])],
        forbid_claims: vec!["nonce".into()],
        ..profile()
    };
    assert!(judged(&pinned, json!({ "azp": "web", "ver": 2 })).is_ok());
    for (changes, name) in [
        (json!({ "ver": 2 }), "azp"),
        (json!({ "azp": "Web", "ver": 2 }), "azp"),
        (json!({ "azp": ["web"], "ver": 2 }), "azp"),
        (json!({ "azp": "web", "ver": "2" }), "ver"),
        (json!({ "azp": "web" }), "ver"),
    ] {
        let refusal = refusal(&pinned, changes);
        assert_eq!((refusal.reason, refusal.detail), (Reason::TokenPin, Detail::Claim(name.into())));
    }
    let forbidden = refusal(&pinned, json!({ "azp": "web", "ver": 2, "nonce": "" }));
    assert_eq!((forbidden.reason, forbidden.detail), (Reason::TokenClaimForbidden, Detail::Claim("nonce".into())));
    // Also with `null` as its value: there it is.
    let mut claims = testing::claims(json!({ "azp": "web", "ver": 2 }));
    claims.insert("nonce".into(), Value::Null);
    let judged = pinned.judge_claims(Some("jwt"), &Claims::for_test(Value::Object(claims)), NOW);
    assert_eq!(judged.unwrap_err().reason, Reason::TokenClaimForbidden);
}

#[portable]
fn a_pin_with_several_values_takes_each_of_them_and_no_other() {
    let pins = vec![pin("client_id", &[json!("web"), json!("mobile")]), pin("ver", &[json!(1), json!(true)])];
    let pinned = TokenProfile { pins, ..profile() };
    for client in ["web", "mobile"] {
        for version in [json!(1), json!(1.0), json!(true)] {
            assert!(judged(&pinned, json!({ "client_id": client, "ver": version })).is_ok());
        }
    }
    for client in [json!("other"), json!("Web"), json!(["web"]), json!(["web", "mobile"]), json!([]), json!(true)] {
        let refusal = refusal(&pinned, json!({ "client_id": client, "ver": 1 }));
        assert_eq!((refusal.reason, refusal.detail), (Reason::TokenPin, Detail::Claim("client_id".into())));
    }
    assert_eq!(judged(&pinned, json!({ "client_id": "web", "ver": "1" })), Err(Reason::TokenPin));
    assert_eq!(judged(&pinned, json!({ "ver": 1 })), Err(Reason::TokenPin));
}

#[portable]
fn registered_claims_are_strings_though_nothing_reads_them() {
    for name in ["sub", "jti", "sid"] {
        assert!(judged(&profile(), json!({ name: "" })).is_ok());
        for value in [json!(7), json!(true), json!(["a"]), json!({ "a": "a" })] {
            let refusal = refusal(&profile(), json!({ name: value }));
            assert_eq!(refusal.reason, Reason::TokenClaimType);
            assert!(
                matches!(refusal.detail, Detail::Type { claim, wanted, .. } if claim == name && wanted == "a string")
            );
        }
        let mut claims = testing::claims(json!({}));
        claims.insert(name.into(), Value::Null);
        let judged = profile().judge_claims(Some("jwt"), &Claims::for_test(Value::Object(claims)), NOW);
        assert_eq!(judged.unwrap_err().reason, Reason::TokenClaimType);
    }
    assert!(judged(&profile(), json!({ "sub": null })).is_ok(), "a token without the claim");
    // Old posture is refused for its type, not called old.
    assert_eq!(judged(&profile(), json!({ "jti": 7, "exp": from_now(-900) })), Err(Reason::TokenClaimType));
}

#[portable]
fn exp_is_taken_until_the_skew_has_passed_and_not_at_it() {
    assert!(judged(&profile(), json!({ "exp": from_now(-59) })).is_ok());
    let expired = refusal(&profile(), json!({ "exp": from_now(-60) }));
    assert_eq!(expired.reason, Reason::TokenExpired);
    assert_eq!(expired.provider, Some(profile().name));
    let value = UnixSeconds::new(NOW.get() - 60);
    assert_eq!(expired.detail, Detail::Time { claim: "exp", value, now: NOW, allowed: Seconds::new(60) });

    let strict = TokenProfile { clock_skew: Seconds::new(0), ..profile() };
    assert!(judged(&strict, json!({ "exp": from_now(1) })).is_ok());
    assert_eq!(judged(&strict, json!({ "exp": from_now(0) })), Err(Reason::TokenExpired));
}

#[portable]
fn nbf_and_iat_are_taken_up_to_the_skew_ahead_and_not_past_it() {
    for name in ["nbf", "iat"] {
        assert!(judged(&profile(), json!({ name: from_now(60) })).is_ok());
        let early = refusal(&profile(), json!({ name: from_now(61) }));
        assert_eq!(early.reason, Reason::TokenNotYetValid);
        assert!(matches!(early.detail, Detail::Time { claim, .. } if claim == name));
        assert!(judged(&profile(), json!({ name: from_now(-1_000_000) })).is_ok());
    }
    assert_eq!(judged(&profile(), json!({ "iat": from_now(60) })).unwrap().age, Some(Seconds::new(0)));
}

#[portable]
fn a_fraction_of_a_second_counts_on_the_stricter_side() {
    let fraction = |seconds: f64| json!(NOW.get() as f64 + seconds);
    assert_eq!(judged(&profile(), json!({ "exp": fraction(-59.5) })), Err(Reason::TokenExpired));
    assert!(judged(&profile(), json!({ "exp": fraction(-58.5) })).is_ok());
    for name in ["nbf", "iat"] {
        assert_eq!(judged(&profile(), json!({ name: fraction(60.5) })), Err(Reason::TokenNotYetValid));
        assert!(judged(&profile(), json!({ name: fraction(59.5) })).is_ok());
    }
    let bounded = TokenProfile { max_age: Some(Seconds::new(100)), max_lifetime: Some(Seconds::new(200)), ..profile() };
    assert!(judged(&bounded, json!({ "iat": from_now(-100), "exp": from_now(100) })).is_ok());
    assert_eq!(judged(&bounded, json!({ "iat": fraction(-100.5), "exp": from_now(50) })), Err(Reason::TokenTooOld));
    assert_eq!(judged(&bounded, json!({ "iat": from_now(-100), "exp": fraction(100.5) })), Err(Reason::TokenLifetime));
}

#[portable]
fn times_of_another_type_or_beyond_reason_are_refused() {
    for name in ["exp", "nbf", "iat"] {
        for value in
            [json!("1800000000"), json!(true), json!([]), json!({}), json!(1e30), json!(-1e30), json!(u64::MAX)]
        {
            let refusal = refusal(&profile(), json!({ name: value }));
            assert_eq!(refusal.reason, Reason::TokenClaimType);
            assert!(matches!(refusal.detail, Detail::Type { claim, .. } if claim == name));
        }
        let mut claims = testing::claims(json!({}));
        claims.insert(name.into(), Value::Null);
        let judged = profile().judge_claims(Some("jwt"), &Claims::for_test(Value::Object(claims)), NOW);
        assert_eq!(judged.unwrap_err().reason, Reason::TokenClaimType);
    }
    assert!(judged(&profile(), json!({ "exp": 9_007_199_254_740_991_i64 })).is_ok());
    assert_eq!(judged(&profile(), json!({ "exp": -9_007_199_254_740_991_i64 })), Err(Reason::TokenExpired));
    assert_eq!(judged(&profile(), json!({ "exp": 0 })), Err(Reason::TokenExpired));
}

#[portable]
fn exp_is_there_unless_the_profile_says_absent() {
    let missing = refusal(&profile(), json!({ "exp": null }));
    assert_eq!((missing.reason, missing.detail), (Reason::TokenClaimMissing, Detail::Claim("exp".into())));
    let without = TokenProfile { expiry: Expiry::Absent, max_age: Some(Seconds::new(100)), ..profile() };
    let times = judged(&without, json!({ "exp": null })).unwrap();
    assert_eq!(times, JudgedTimes { age: Some(Seconds::new(60)), expires: None });
    assert_eq!(judged(&without, json!({})), Err(Reason::TokenClaimForbidden));
    assert_eq!(judged(&without, json!({ "exp": null, "iat": from_now(-101) })), Err(Reason::TokenTooOld));
}

#[portable]
fn max_age_is_taken_at_its_bound_and_refused_one_second_past_it() {
    let bounded = TokenProfile { max_age: Some(Seconds::new(100)), ..profile() };
    assert_eq!(judged(&bounded, json!({ "iat": from_now(-100) })).unwrap().age, Some(Seconds::new(100)));
    assert_eq!(judged(&bounded, json!({ "iat": from_now(-101) })), Err(Reason::TokenTooOld));
    assert_eq!(judged(&bounded, json!({ "iat": -9_007_199_254_740_991_i64 })), Err(Reason::TokenTooOld));
    assert_eq!(judged(&bounded, json!({ "iat": null })), Err(Reason::TokenClaimMissing));
}

#[portable]
fn max_lifetime_is_taken_at_its_bound_and_refused_one_second_past_it() {
    let bounded = TokenProfile { max_lifetime: Some(Seconds::new(600)), ..profile() };
    assert!(judged(&bounded, json!({ "iat": from_now(-60), "exp": from_now(540) })).is_ok());
    assert_eq!(judged(&bounded, json!({ "iat": from_now(-60), "exp": from_now(541) })), Err(Reason::TokenLifetime));
    assert_eq!(judged(&bounded, json!({ "iat": null, "exp": from_now(60) })), Err(Reason::TokenClaimMissing));
}

#[portable]
fn a_token_that_is_only_too_late_is_told_from_one_that_is_wrong() {
    let device = TokenProfile { max_age: Some(Seconds::new(100)), ..profile() };
    let appraised = |changes: Value| {
        device.read_times(Some("jwt"), &claim_set(changes)).and_then(|times| device.appraise(times, NOW))
    };
    for (changes, reason, age) in [
        (json!({ "iat": from_now(-101) }), Reason::TokenTooOld, 101),
        (json!({ "iat": from_now(-90), "exp": from_now(-60) }), Reason::TokenExpired, 90),
        (json!({ "iat": from_now(-900), "exp": from_now(-600) }), Reason::TokenExpired, 900),
    ] {
        match appraised(changes).unwrap() {
            Appraisal::Stale { age: found, refusal } => {
                assert_eq!((found, refusal.reason), (Some(Seconds::new(age)), reason));
                assert_eq!(refusal.provider, Some(device.name.clone()));
            }
            fresh @ Appraisal::Fresh(_) => panic!("{fresh:?}"),
        }
    }
    assert!(matches!(appraised(json!({})), Ok(Appraisal::Fresh(_))));
    let late = json!({ "iat": from_now(-900), "exp": from_now(-600) });
    for (name, value, reason) in [
        ("iss", json!("https://other.example"), Reason::TokenIssuer),
        ("aud", json!("https://other.example"), Reason::TokenAudience),
        ("nbf", from_now(61), Reason::TokenNotYetValid),
        ("nbf", json!("soon"), Reason::TokenClaimType),
    ] {
        let mut changes = late.clone();
        changes[name] = value;
        assert_eq!(appraised(changes).unwrap_err().reason, reason);
    }
}

#[portable]
fn required_claims_are_there() {
    let requires = TokenProfile { require_claims: vec!["azp".into(), "scp".into()], ..profile() };
    for present in [json!({ "azp": "web", "scp": "" }), json!({ "azp": 7, "scp": [] })] {
        assert!(judged(&requires, present).is_ok());
    }
    let lacking = refusal(&requires, json!({ "azp": "web" }));
    assert_eq!((lacking.reason, lacking.detail), (Reason::TokenClaimMissing, Detail::Claim("scp".into())));
    // `null` says nothing, so it is not enough.
    let mut claims = testing::claims(json!({ "azp": "web" }));
    claims.insert("scp".into(), Value::Null);
    let judged = requires.judge_claims(Some("jwt"), &Claims::for_test(Value::Object(claims)), NOW);
    assert_eq!(judged.unwrap_err().reason, Reason::TokenClaimMissing);
}

#[portable]
fn of_several_faults_the_first_in_the_order_is_told() {
    let strict = TokenProfile {
        pins: vec![pin("azp", &[json!("web")])],
        forbid_claims: vec!["nonce".into()],
        max_lifetime: Some(Seconds::new(60)),
        ..profile()
    };
    let mut claims = testing::claims(json!({
        "iss": "x", "aud": "x", "azp": "x", "nonce": "x", "nbf": from_now(100), "iat": from_now(-900), "exp": from_now(-100)
    }));
    let mut typ = Some("x");
    let mut told = Vec::new();
    for (name, mended) in [
        ("iss", json!(testing::ISSUER)),
        ("aud", json!(testing::AUDIENCE)),
        ("azp", json!("web")),
        ("nonce", Value::Null),
        ("nbf", from_now(-100)),
        ("iat", from_now(-130)),
        ("exp", from_now(-70)),
    ] {
        told.push(strict.judge_claims(typ, &Claims::for_test(Value::Object(claims.clone())), NOW).unwrap_err().reason);
        if typ == Some("x") {
            typ = Some("jwt");
            told.push(
                strict.judge_claims(typ, &Claims::for_test(Value::Object(claims.clone())), NOW).unwrap_err().reason,
            );
        }
        if mended.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.into(), mended);
        }
    }
    told.push(strict.judge_claims(typ, &Claims::for_test(Value::Object(claims)), NOW).unwrap_err().reason);
    assert_eq!(
        told,
        [
            Reason::TokenTyp,
            Reason::TokenIssuer,
            Reason::TokenAudience,
            Reason::TokenPin,
            Reason::TokenClaimForbidden,
            Reason::TokenNotYetValid,
            Reason::TokenLifetime,
            Reason::TokenExpired,
            Reason::TokenExpired,
        ]
    );
}

#[portable]
fn a_mark_of_an_id_token_is_refused_where_typ_does_not_say_that_it_is_an_access_token() {
    let typ = Typ { values: vec!["jwt".into(), "at+jwt".into()], absent: true };
    let access = TokenProfile { typ, ..profile() };
    let outcome = |profile: &TokenProfile, typ: Option<&str>, mark: &str| {
        profile.judge_claims(typ, &claim_set(json!({ mark: "x" })), NOW).map(|_| ()).map_err(|refusal| refusal.detail)
    };
    for mark in ["nonce", "at_hash", "c_hash", "s_hash"] {
        for typ in [Some("jwt"), None] {
            assert_eq!(outcome(&access, typ, mark), Err(Detail::IdToken(mark)), "{typ:?}");
            for kind in [TokenKind::Id, TokenKind::Posture] {
                assert_eq!(outcome(&TokenProfile { kind, ..access.clone() }, typ, mark), Ok(()));
            }
        }
        assert_eq!(outcome(&access, Some("at+jwt"), mark), Ok(()));
        let forbidden = TokenProfile { forbid_claims: vec![mark.into()], ..access.clone() };
        assert_eq!(outcome(&forbidden, Some("at+jwt"), mark), Err(Detail::Claim(mark.into())));
    }
    for claim in ["auth_time", "acr", "amr", "azp", "sid", "at_hash2", "Nonce"] {
        let judged = access.judge_claims(
            Some("jwt"),
            &claim_set(json!({ claim: if claim == "sid" { json!("x") } else { json!(1) } })),
            NOW,
        );
        assert!(judged.is_ok(), "{claim}");
    }
    // Also with `null` as its value: there it is.
    let mut claims = testing::claims(json!({}));
    claims.insert("at_hash".into(), Value::Null);
    let refused = access.judge_claims(None, &Claims::for_test(Value::Object(claims)), NOW).unwrap_err();
    assert_eq!(refused.reason, Reason::TokenClaimForbidden);
    assert_eq!(
        refused.detail.to_string(),
        "`at_hash` marks an ID token, and the profile accepts access tokens (`token: access`)"
    );
}

#[portable]
fn a_refusal_says_what_the_token_has_and_what_the_profile_wants() {
    let told = |profile: &TokenProfile, typ, changes| {
        let refusal = profile.judge_claims(typ, &claim_set(changes), NOW).unwrap_err();
        refusal.detail.to_string()
    };
    let typ = Typ { values: vec!["at+jwt".into()], absent: true };
    let access = TokenProfile { typ, ..profile() };
    assert_eq!(told(&access, Some("jwt"), json!({})), "`typ` is `jwt`, wanted `at+jwt`, `absent`");
    assert_eq!(told(&profile(), None, json!({})), "`typ` is absent, wanted `jwt`");
    let wanted = format!("`aud` is `openid`, `web`, wanted `{}`", testing::AUDIENCE);
    assert_eq!(told(&profile(), Some("jwt"), json!({ "aud": ["openid", "web"] })), wanted);
    let short = TokenProfile { max_lifetime: Some(Seconds::new(3_000)), ..profile() };
    let (issued, expires) = (NOW.get() - 60, NOW.get() + 3_540);
    let wanted = format!("`exp` {expires} is 3600s after `iat` {issued}, at most 3000s");
    assert_eq!(told(&short, Some("jwt"), json!({})), wanted);
}
