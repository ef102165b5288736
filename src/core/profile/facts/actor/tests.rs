use serde_json::{Value, json};

use crate::jose::{ClaimPath, Claims};
use crate::limits::MAX_ACTORS;
use crate::portable;
use crate::profile::{FactField, FactRecord, FactType, FactValue, TokenKind, TokenProfile};
use crate::refusal::{Detail, Reason, Refusal};
use crate::testing::{self, NOW};

fn declared(required: bool) -> FactField {
    FactField { name: "act".to_owned(), claim: ClaimPath::of("act"), required, fact_type: FactType::actor() }
}

/// What a token with this claim `act` says about its actor.
fn read(act: Value) -> Result<FactRecord, Refusal> {
    let claims = Claims::for_test(json!({ "act": act }));
    FactField::read_all(&[declared(false)], &claims).map(|mut record| match record.remove("act") {
        Some(FactValue::Record(actor)) => actor,
        other => panic!("not a record: {other:?}"),
    })
}

/// A chain of so many actors; the last is `a1`.
fn chain(actors: usize) -> Value {
    (2..=actors).fold(json!({ "sub": "a1" }), |inner, number| json!({ "sub": format!("a{number}"), "act": inner }))
}

/// The subjects of a chain, from the outermost actor inwards.
fn subjects(actor: &FactRecord) -> Vec<&FactValue> {
    let inner = match actor.get("act") {
        Some(FactValue::Record(inner)) => subjects(inner),
        _ => Vec::new(),
    };
    core::iter::once(&actor["sub"]).chain(inner).collect()
}

#[portable]
fn an_actor_has_a_subject_and_may_have_an_issuer_and_a_client() {
    let text = |text: &str| FactValue::String(text.to_owned());
    let actor =
        read(json!({ "sub": "agent", "iss": "https://a.example", "client_id": "c", "exp": 1, "x": [] })).unwrap();
    let read_claims: Vec<(&str, &FactValue)> = actor.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let wanted = [("client_id", text("c")), ("iss", text("https://a.example")), ("sub", text("agent"))];
    assert_eq!(read_claims, wanted.each_ref().map(|(name, value)| (*name, value)));
}

#[portable]
fn a_chain_has_at_most_so_many_actors() {
    for actors in 1..=MAX_ACTORS {
        let chain = read(chain(actors)).unwrap();
        let wanted: Vec<FactValue> = (1..=actors).rev().map(|number| FactValue::String(format!("a{number}"))).collect();
        assert_eq!(subjects(&chain), wanted.iter().collect::<Vec<_>>());
    }
    for actors in [MAX_ACTORS + 1, MAX_ACTORS + 2] {
        let refused = read(chain(actors)).unwrap_err();
        assert_eq!(refused.reason, Reason::TokenClaimType);
        assert_eq!(
            refused.detail.to_string(),
            "`act > act > act > act > act` is an object, wanted absent: a token has at most 4 actors"
        );
    }
}

#[portable]
fn a_malformed_actor_is_refused_at_every_depth() {
    for (act, reason) in [
        (json!(null), Reason::TokenClaimType),
        (json!("agent"), Reason::TokenClaimType),
        (json!(["agent"]), Reason::TokenClaimType),
        (json!([{ "sub": "agent" }]), Reason::TokenClaimType),
        (json!({}), Reason::TokenClaimMissing),
        (json!({ "client_id": "agent" }), Reason::TokenClaimMissing),
        (json!({ "sub": 7 }), Reason::TokenClaimType),
        (json!({ "sub": null }), Reason::TokenClaimType),
        (json!({ "sub": "agent", "iss": ["https://a.example"] }), Reason::TokenClaimType),
        (json!({ "sub": "agent", "client_id": {} }), Reason::TokenClaimType),
        (json!({ "sub": "agent", "act": null }), Reason::TokenClaimType),
        (json!({ "sub": "agent", "act": "another" }), Reason::TokenClaimType),
    ] {
        for depth in 0..MAX_ACTORS {
            let act = (0..depth).fold(act.clone(), |inner, _| json!({ "sub": "outer", "act": inner }));
            let refused = read(act.clone()).unwrap_err();
            let past_the_last = depth + 1 == MAX_ACTORS && act.pointer("/act/act/act/act").is_some();
            assert_eq!(refused.reason, if past_the_last { Reason::TokenClaimType } else { reason }, "{act}");
        }
    }
}

#[portable]
fn a_token_with_an_actor_is_refused_unless_the_facts_declare_it() {
    let judged = |profile: &TokenProfile, act: Value| {
        let mut claims = testing::claims(json!({}));
        claims.insert("act".to_owned(), act);
        profile.judge_claims(Some("jwt"), &Claims::for_test(Value::Object(claims)), NOW).map(drop)
    };
    let profile = testing::profile("corp");
    let with = |facts: Vec<FactField>| TokenProfile { facts, ..profile.clone() };
    let refused = judged(&profile, json!({ "sub": "agent" })).unwrap_err();
    assert_eq!(refused.reason, Reason::TokenClaimForbidden);
    let Detail::Fault(fault) = refused.detail else { panic!("{:?}", refused.detail) };
    assert!(fault.contains("declare `\"act?\": actor` in `facts`"), "{fault}");
    // Also where the claim says nothing that could be read.
    for act in [json!(null), json!({}), json!("agent"), json!([])] {
        assert_eq!(judged(&profile, act).unwrap_err().reason, Reason::TokenClaimForbidden);
    }
    // A fact of another claim, or of another type, is not the actor.
    let inside = FactField { claim: ClaimPath(vec!["x".to_owned(), "act".to_owned()]), ..declared(false) };
    let as_record = FactField { fact_type: FactType::Record(Vec::new()), ..declared(false) };
    for facts in [vec![inside], vec![as_record]] {
        assert!(judged(&with(facts), json!({ "sub": "agent" })).is_err());
    }
    let renamed = FactField { name: "agent".to_owned(), ..declared(false) };
    for facts in [vec![declared(false)], vec![declared(true)], vec![renamed]] {
        assert_eq!(judged(&with(facts), json!({ "sub": "agent" })), Ok(()));
    }
    for kind in [TokenKind::Access, TokenKind::Id] {
        assert!(judged(&TokenProfile { kind, ..profile.clone() }, json!({ "sub": "agent" })).is_err());
    }
    // Posture names no principal.
    assert_eq!(judged(&TokenProfile { kind: TokenKind::Posture, ..profile.clone() }, json!({ "sub": "a" })), Ok(()));
}
