//! Istio's sample tokens. They are well signed and name no audience: a profile that says who a token is for refuses them,
//! and one that says in so many words that none is wanted takes them.

use countersign_core::jose::{Algorithm, KeyUse, TokenForm};
use countersign_core::keys::{KeySource, TrustStore, Verification};
use countersign_core::profile::{
    Algorithms, Audiences, Expiry, HeaderMembers, IssuerId, Subject, TokenKind, TokenProfile, Typ,
};
use countersign_core::provider::ProviderName;
use countersign_core::time::{Seconds, UnixSeconds};
use serde_json::Value;

use super::{Case, Found, Source, Stage, Stated, jose};

/// A time at which both are valid: 2026-01-01.
const NOW: UnixSeconds = UnixSeconds::new(1_767_225_600);

/// Each token with its own key, under a strict profile, and under one without audiences.
pub fn samples(source: &Source<'_>) -> Result<Vec<Case>, String> {
    let keys = source.json("istio-samples/jwks.json")?;
    let mut cases = Vec::new();
    for name in ["demo", "groups-scope"] {
        let token = source.text(&format!("istio-samples/{name}.jwt"))?;
        let token = token.trim_end();
        let mut case = |what: &str, stated, found| {
            cases.push(Case { id: format!("{name}: {what}"), stated, outside: None, found });
        };
        let verified = jose::verify(&keys, Some(&[Algorithm::Rs256]), token);
        case("signature", Stated::Right, verified);
        let strict = Audiences::OneOf(vec!["https://shop.example.com".to_owned()]);
        case("profile with an audience", Stated::Wrong, judged(strict, &keys, token));
        case("profile without audiences", Stated::Right, judged(Audiences::Absent, &keys, token));
    }
    Ok(cases)
}

fn judged(audiences: Audiences, keys: &Value, token: &str) -> Found {
    match judge(audiences, keys, token) {
        Ok(()) => Found::Accepted,
        Err(stage) => Found::Refused(stage),
    }
}

fn judge(audiences: Audiences, keys: &Value, token: &str) -> Result<(), Stage> {
    let algorithms = vec![Algorithm::Rs256];
    let keys = KeySource::Inline(jose::key_set(keys, Some(&algorithms))?);
    let profile = TokenProfile {
        name: ProviderName::new("istio"),
        kind: TokenKind::Access,
        form: TokenForm::JWT,
        header: HeaderMembers::Any,
        subject: Subject::Any,
        key_use: KeyUse::Signatures,
        issuer: IssuerId::Exactly("testing@secure.istio.io".to_owned()),
        audiences,
        expiry: Expiry::Required,
        algorithms: Algorithms::Listed(algorithms),
        typ: Typ { values: vec!["jwt".to_owned()], absent: false },
        pins: Vec::new(),
        forbid_claims: Vec::new(),
        require_claims: Vec::new(),
        clock_skew: Seconds::new(60),
        max_age: None,
        max_lifetime: None,
        facts: Vec::new(),
    };
    let trust = TrustStore::new([(&profile, &keys)], 0);
    let token = jose::parse(token)?.into();
    let token = profile.verify(token, Verification::by(&trust), NOW, |_, _| Ok(())).map_err(|_| Stage::Signature)?;
    let claims = token.claims().map_err(|_| Stage::Claims)?;
    profile.judge_claims(token.typ(), &claims, NOW).map_err(|_| Stage::Claims).map(|_| ())
}
