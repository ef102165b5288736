//! Presets: what they give, what must be written beside them, and what may not.

use serde_json::{Value, json};

use super::{also, assert_problem, plan, problems, with};
use crate::config::Outline;
use crate::jose::{Algorithm, KeyUse};
use crate::keys::KeySource;
use crate::portable;
use crate::profile::{Algorithms, Audiences, Expiry, HeaderMembers, Issuer, IssuerId, Subject, TokenKind, Typ};
use crate::spiffe::TrustDomain;
use crate::testing::{key, other_key};

/// The JWK set of a SPIFFE bundle with one key of this use.
fn bundle(key_use: &str) -> Value {
    let mut jwk = key(Algorithm::Es256).public_jwk(Some("s1"));
    jwk["use"] = json!(key_use);
    jwk.as_object_mut().unwrap().remove("alg");
    json!({ "spiffe_sequence": 12, "spiffe_refresh_hint": 60, "keys": [jwk] })
}

fn issuer(members: Value) -> Value {
    let mut issuer = json!({
        "preset": "spiffe-jwt-svid", "trust_domain": "example.org", "audiences": ["shop"],
        "keys": { "inline": bundle("jwt-svid") },
    });
    for (name, value) in members.as_object().unwrap() {
        issuer[name] = value.clone();
    }
    issuer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    with("/issuers/corp", issuer)
}

fn read(members: Value) -> Issuer {
    plan(&issuer(members)).0.issuers[0].clone()
}

#[portable]
fn a_preset_gives_what_is_the_same_for_all_tokens_of_its_kind() {
    let Issuer { profile, principal, .. } = read(json!({}));
    assert_eq!(profile.issuer, IssuerId::Absent);
    assert_eq!(profile.subject, Subject::WorkloadOf(TrustDomain::parse("example.org").unwrap()));
    assert_eq!(profile.header, HeaderMembers::AlgKidTyp);
    assert_eq!(profile.key_use, KeyUse::JwtSvid);
    assert_eq!(profile.kind, TokenKind::Access);
    assert_eq!(profile.expiry, Expiry::Required);
    assert_eq!(profile.audiences, Audiences::OneOf(vec!["shop".to_owned()]));
    assert_eq!(profile.typ, Typ { values: vec!["jwt".to_owned(), "jose".to_owned()], absent: true });
    let Algorithms::Listed(algorithms) = profile.algorithms else { panic!("not listed") };
    assert_eq!(algorithms.len(), Algorithm::ALL.len() - 1);
    assert!(!algorithms.contains(&Algorithm::Ed25519));
    assert_eq!((&*principal.entity_type, principal.id.to_string().as_str()), ("Workload", "sub"));
    assert!(principal.groups.is_none());
}

#[portable]
fn what_a_preset_gives_can_be_made_stricter() {
    let exact = read(json!({ "issuer": "https://spire.example.org" })).profile;
    assert_eq!(exact.issuer, IssuerId::Exactly("https://spire.example.org".to_owned()));
    assert_eq!(exact.subject, Subject::WorkloadOf(TrustDomain::parse("example.org").unwrap()));
    let one = read(json!({ "algorithms": ["ES256"], "typ": ["JWT"], "max_lifetime": "1h", "exp": "required" })).profile;
    assert_eq!(one.algorithms, Algorithms::Listed(vec![Algorithm::Es256]));
    assert_eq!(one.typ, Typ { values: vec!["jwt".to_owned()], absent: false });
    assert!(one.max_lifetime.is_some());
}

#[portable]
fn what_a_preset_gives_cannot_be_made_looser() {
    for (member, value, help) in [
        ("issuer", json!({ "template": "https://a.example/{t}", "claim": "t" }), "an exact string"),
        ("audiences", json!("absent"), "write a list in `audiences`"),
        ("algorithms", json!(["ES256", "Ed25519"]), "list some of `RS256`"),
        ("typ", json!(["JWT", "at+jwt"]), "list some of `absent`"),
        ("exp", json!("absent"), "the preset gives it"),
        ("token", json!("id"), "the preset gives it"),
        ("principal", json!({ "id": "sub" }), "the preset gives it"),
        ("principal", json!({ "type": "Workload", "id": "email" }), "the preset gives it"),
    ] {
        let (place, message) = (format!("/issuers/corp/{member}"), format!("does not allow `{member}`"));
        assert_problem(&issuer(json!({ member: value })), &place, "contradiction", &message, help);
    }
}

#[portable]
fn what_a_preset_does_not_give_must_be_written() {
    for member in ["trust_domain", "audiences", "keys"] {
        let (message, help) = (format!("`{member}` is missing"), format!("add `{member}`"));
        assert_problem(&issuer(json!({ member: null })), "/issuers/corp", "missing-field", &message, &help);
    }
    for (text, help) in [
        ("Example.org", "the name of a SPIFFE trust domain"),
        ("example.org/ns", "the name of a SPIFFE trust domain"),
        ("spiffe://example.org", "write the name alone: `example.org`"),
    ] {
        let document = issuer(json!({ "trust_domain": text }));
        assert_problem(&document, "/issuers/corp/trust_domain", "bad-value", "is not a trust domain", help);
    }
    let unknown = issuer(json!({ "preset": "spiffe-jwt-svids", "trust_domain": null }));
    assert_eq!(problems(&unknown)[0].help, "did you mean `spiffe-jwt-svid`?");
}

#[portable]
fn a_member_of_a_preset_is_an_error_without_it() {
    let document = with("/issuers/corp/trust_domain", json!("example.org"));
    let help = "add `preset: spiffe-jwt-svid`";
    assert_problem(&document, "/issuers/corp/trust_domain", "contradiction", "is a member of the preset", help);
    let device = with("/devices/mdm/preset", json!("spiffe-jwt-svid"));
    assert_problem(&device, "/devices/mdm/preset", "bad-value", "is not one of `crowdstrike`", "write one of");
}

#[portable]
fn only_keys_for_jwt_svids_count() {
    for key_use in ["x509-svid", "sig", "enc"] {
        let document = issuer(json!({ "keys": { "inline": bundle(key_use) } }));
        assert_problem(
            &document,
            "/issuers/corp/keys/inline",
            "no-usable-key",
            "`use` is not `jwt-svid`",
            "add a public key",
        );
    }
    let mut without_use = bundle("jwt-svid");
    without_use["keys"][0].as_object_mut().unwrap().remove("use");
    assert_eq!(problems(&issuer(json!({ "keys": { "inline": without_use } })))[0].code.code(), "no-usable-key");

    let mut both = bundle("jwt-svid");
    let mut x509 = other_key().public_jwk(None);
    x509["use"] = json!("x509-svid");
    both["keys"].as_array_mut().unwrap().push(x509);
    let (plan, warnings) = plan(&issuer(json!({ "keys": { "inline": both } })));
    let KeySource::Inline(keys) = plan.keys.values().next().unwrap() else { panic!("inline") };
    assert_eq!(keys.keys().len(), 1);
    assert!(warnings.iter().any(|warning| warning.message.contains("`use` is not `jwt-svid`")), "{warnings:?}");
}

#[portable]
fn an_rsa_key_without_alg_needs_one_algorithm() {
    let mut jwk = key(Algorithm::Rs256).public_jwk(Some("r1"));
    jwk["use"] = json!("jwt-svid");
    jwk.as_object_mut().unwrap().remove("alg");
    let keys = json!({ "inline": { "keys": [jwk] } });
    assert_eq!(problems(&issuer(json!({ "keys": keys })))[0].code.code(), "ambiguous-key");
    read(json!({ "keys": keys, "algorithms": ["RS256"] }));
}

#[portable]
fn trust_domains_tell_issuers_apart() {
    let two = |other: &str| {
        let document = issuer(json!({}));
        let mut second = document["issuers"]["corp"].clone();
        second["trust_domain"] = json!(other);
        also(document, "/issuers/second", second)
    };
    plan(&two("example.com"));
    assert_problem(&two("example.org"), "/issuers/second", "profiles-alike", "both take tokens without `iss`", "");
}

#[portable]
fn the_surroundings_see_where_keys_of_an_issuer_with_a_preset_are_fetched() {
    let keys = json!({ "url": "https://spire.example.org/bundle", "cluster": "spire" });
    let outline = Outline::read(&issuer(json!({ "keys": keys, "forward": "never" })));
    assert_eq!(outline.key_endpoints.len(), 1);
    assert_eq!(outline.withholding_issuers, ["corp"]);
}
