//! The answers in the figures: challenges and nonces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::{Outcome, code, forwarded, refusal, refused};
use super::decoded;
use super::request::{Sent, both_algorithms, decided, plan, token_for};
use crate::jose::Algorithm;
use crate::testing::rfc9449::OPAQUE_TOKEN;
use crate::testing::{FakeMemory, NOW, key};

pub(super) fn challenge_without_a_credential() {
    let got = decided(&plan("dpop", both_algorithms()), &FakeMemory::default(), &[], "GET", NOW);
    assert_challenges(&got, r#"DPoP algs="ES256 PS256""#);
}

pub(super) fn challenge_for_another_key() {
    let got = Sent { token: token_for(&key(Algorithm::Es256)), ..Sent::ours(json!({})) };
    let got = got.decided(&plan("dpop", json!({})));
    assert_eq!(refusal(&got), code(401, "token-binding"));
    assert_challenges(
        &got,
        r#"DPoP error="invalid_token", error_description="Invalid DPoP key binding", algs="ES256""#,
    );
}

pub(super) fn challenges_of_both_schemes() {
    let got = decided(&plan("if_bound", both_algorithms()), &FakeMemory::default(), &[], "GET", NOW);
    assert_challenges(&got, r#"Bearer, DPoP algs="ES256 PS256""#);
}

pub(super) fn challenges_for_a_bearer() {
    let fields = [("authorization", "Bearer INVALID_TOKEN")];
    let got = decided(&plan("if_bound", both_algorithms()), &FakeMemory::default(), &fields, "GET", NOW);
    assert_challenges(
        &got,
        r#"Bearer error="invalid_token", error_description="Invalid token", DPoP algs="ES256 PS256""#,
    );
}

/// The status is 401 and not 400, as for every invalid credential: a client that does not know the error still learns that it
/// must authenticate.
pub(super) fn challenges_for_two_credentials() {
    let [bearer, dpop] = ["Bearer", "DPoP"].map(|scheme| format!("{scheme} {OPAQUE_TOKEN}"));
    let fields = [("authorization", bearer.as_str()), ("authorization", dpop.as_str())];
    let got = decided(&plan("if_bound", both_algorithms()), &FakeMemory::default(), &fields, "GET", NOW);
    assert_eq!(refusal(&got), code(401, "credential-duplicate"));
    assert_challenges(
        &got,
        concat!(
            r#"Bearer error="invalid_request", error_description="Multiple methods used to include access token", "#,
            r#"DPoP algs="ES256 PS256", error="invalid_request", "#,
            r#"error_description="Multiple methods used to include access token""#
        ),
    );
}

/// The nonce in the figure is of another server, so a proof with it is answered with a nonce of the plugin. A proof with that one
/// and the members of the figure, and with `ath`, is accepted.
pub(super) fn nonce_in_a_proof() {
    let (plan, memory) = (plan("dpop", json!({ "nonce": "required" })), FakeMemory::default());
    let with = |nonce: &str| Sent::ours(json!({ "nonce": nonce })).decided_with(&plan, &memory);
    let foreign = with("eyJ7S_zG.eyJH0-Z.HX4w-7v");
    assert_eq!(refusal(&foreign), code(401, "proof-nonce"));
    let nonce = nonce_of(&foreign);
    let [_, claims] = decoded(Sent::ours(json!({ "nonce": nonce })).proof.as_deref().expect("a proof"));
    let members: BTreeSet<&str> = claims.as_object().expect("claims").keys().map(String::as_str).collect();
    assert_eq!(members.into_iter().collect::<Vec<_>>(), ["ath", "htm", "htu", "iat", "jti", "nonce"]);
    forwarded(&with(&nonce));
}

pub(super) fn nonce_of_the_plugin() {
    let (plan, memory) = (plan("dpop", json!({ "nonce": "required" })), FakeMemory::default());
    let got = Sent::ours(json!({})).decided_with(&plan, &memory);
    assert_eq!(refusal(&got), code(401, "proof-nonce"));
    assert_challenges(
        &got,
        r#"DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof""#,
    );
    let nonce = nonce_of(&got);
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(!nonce.is_empty() && nonce.bytes().all(is_allowed), "{nonce}");
    // RFC 9449 section 8.2: no cache may give the nonce to a later request.
    assert_eq!(fields_of(&got, "cache-control"), ["no-store"]);
}

fn fields_of<'o>(outcome: &'o Outcome, name: &str) -> Vec<&'o str> {
    let fields = refused(outcome).headers.iter().filter(|(field, _)| field == name);
    fields.map(|(_, value)| value.as_str()).collect()
}

/// The one nonce of an answer.
fn nonce_of(outcome: &Outcome) -> String {
    let [nonce] = fields_of(outcome, "dpop-nonce")[..] else { panic!("not one nonce: {outcome:?}") };
    nonce.to_owned()
}

/// A challenge: its scheme, and its parameters by their names.
type Challenge = (String, BTreeMap<String, String>);

/// Compares the answer's challenges with those of a figure: the same schemes in the same order, the same parameters, and the same
/// values, but for the sentences of `error_description`. The plugin also gives `realm`, and `algs` in each challenge for `DPoP`.
fn assert_challenges(outcome: &Outcome, figure: &str) {
    assert_eq!(refused(outcome).status, 401);
    let ours = fields_of(outcome, "www-authenticate").join(", ");
    let (own, wanted) = (challenges(&ours), challenges(figure));
    let schemes = |all: &[Challenge]| all.iter().map(|(scheme, _)| scheme.clone()).collect::<Vec<_>>();
    assert_eq!(schemes(&own), schemes(&wanted), "{ours}");
    for ((scheme, mut own), (_, wanted)) in own.into_iter().zip(wanted) {
        assert_eq!(own.remove("realm").as_deref(), Some("countersign"), "{ours}");
        if scheme == "DPoP" && !wanted.contains_key("algs") {
            assert!(own.remove("algs").is_some(), "{ours}");
        }
        assert_eq!(own.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{ours}");
        for (name, value) in wanted.iter().filter(|(name, _)| *name != "error_description") {
            assert_eq!(own.get(name), Some(value), "{ours}");
        }
    }
}

/// Reads challenges (RFC 9110 section 11.6.1) whose values are all quoted strings without escapes.
fn challenges(text: &str) -> Vec<Challenge> {
    let mut all: Vec<Challenge> = Vec::new();
    let mut quoted = false;
    let items = text.split(|character: char| {
        quoted ^= character == '"';
        character == ',' && !quoted
    });
    for item in items.map(str::trim) {
        let parameter = match (item.split_once(' '), item.contains('=')) {
            // A quoted value can hold a space, the name of a parameter cannot.
            (Some((scheme, parameter)), _) if !scheme.contains('=') => {
                all.push((scheme.to_owned(), BTreeMap::new()));
                parameter
            }
            (_, true) => item,
            (_, false) => {
                all.push((item.to_owned(), BTreeMap::new()));
                continue;
            }
        };
        let (name, value) = parameter.split_once('=').expect("a parameter");
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).expect("a quoted string");
        let (_, parameters) = all.last_mut().expect("a scheme");
        assert_eq!(parameters.insert(name.to_owned(), value.to_owned()), None, "{name} twice: {text}");
    }
    all
}
