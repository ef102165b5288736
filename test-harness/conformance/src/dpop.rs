//! The figures of RFC 9449 (DPoP). A proof must not be accepted as an access token, and an access token that is bound to a
//! key must not be accepted without a proof.
//!
//! The RFC publishes no private key, and the access token of its requests is opaque. So whole requests have the claims of
//! figure 8, bound to a key of ours; that figure 13 itself is accepted as a proof is a test of the core's module `dpop`. A test
//! of the core's `enforcement` has all 25 figures in one table, with the challenges and nonces.

use countersign_core::config::Plan;
use countersign_core::enforcement::decide;
use countersign_core::fetch::LocalMemory;
use countersign_core::freshness::ProofMemory;
use countersign_core::jose::{Algorithm, UnverifiedToken, VerificationKey, base64url};
use countersign_core::keys::{TrustStore, Verification};
use countersign_core::limits::TOKEN_BYTES;
use countersign_core::mint::SigningKey;
use countersign_core::reply::Reply;
use countersign_core::request::RequestParts;
use countersign_core::telemetry::DecisionId;
use countersign_core::time::UnixSeconds;
use serde_json::{Map, Value, json};

use super::{Case, Found, Source, Stage, Stated, jose};

/// The issuer of figure 8.
const ISSUER: &str = "https://server.example.com";

/// The time of the decisions. The figures are of 2019, before any time that this program takes for the present; the claims
/// of figure 8 are signed anew with this time.
const NOW: i64 = 1_790_000_000;

/// All of them.
pub fn figures(source: &Source<'_>) -> Result<Vec<Case>, String> {
    let file = source.json("rfc9449-dpop.json")?;
    let mut cases = Vec::new();
    let mut case = |id: String, stated, found| cases.push(Case { id, stated, outside: None, found });

    let mut jwk = file["jwk"].clone();
    jwk["alg"] = json!("ES256");
    let key = VerificationKey::compile(&jwk, None).map_err(|fault| format!("the key of the figures: {fault}"))?;
    let same = file["jkt"].as_str() == Some(key.thumbprint());
    case("thumbprint of the key".to_owned(), Stated::Right, if same { Found::Accepted } else { REFUSED });

    for proof in file["proofs"].as_array().ok_or("it has no proofs")? {
        let (figure, text) = (&proof["figure"], text(&proof["proof"], "proof")?);
        case(format!("figure {figure}: signature"), Stated::Right, jose::verify(&jwk, None, text));
        // Its key is known here as an issuer's, which is the best that an attacker could hope for.
        let plan = plan(&jwk)?;
        let taken = answer(&plan, &[("authorization", format!("Bearer {text}"))]);
        case(format!("figure {figure}: as an access token"), Stated::Wrong, taken);
        if let Some(token) = proof["access_token"].as_str() {
            let fields = [("authorization", format!("DPoP {token}")), ("dpop", text.to_owned())];
            case(format!("figure {figure}: with its access token"), Stated::Right, answer(&plan, &fields));
        }
    }

    let bound = text(&file["dpop_bound_access_token"]["token"], "token")?;
    UnverifiedToken::parse(bound.as_bytes(), TOKEN_BYTES.default)
        .map_err(|refusal| format!("figure 8: {}", refusal.reason.code()))?;
    case("figure 8: signature of another key".to_owned(), Stated::Wrong, jose::verify(&jwk, None, bound));
    bound_tokens(bound, &mut case)?;
    Ok(cases)
}

/// Something is not equal to what it must be.
const REFUSED: Found = Found::Refused(Stage::Key);

/// The claims of figure 8 under a key of ours, with the times of today: with `cnf` as it is, and without.
fn bound_tokens(figure: &str, case: &mut impl FnMut(String, Stated, Found)) -> Result<(), String> {
    let key = SigningKey::generate(Algorithm::Es256).map_err(|fault| fault.to_string())?;
    let plan = plan(&key.public_jwk(None))?;
    let payload = figure.split('.').nth(1).and_then(|part| base64url::decode(part.as_bytes())).unwrap_or_default();
    let mut claims: Map<String, Value> =
        serde_json::from_slice(&payload).map_err(|fault| format!("the claims of figure 8: {fault}"))?;
    claims.insert("nbf".to_owned(), (NOW - 60).into());
    claims.insert("exp".to_owned(), (NOW + 3600).into());
    let sign = |claims: &Map<String, Value>| key.sign_claims(None, None, claims).map_err(|fault| fault.to_string());
    let with = sign(&claims)?;
    claims.remove("cnf");
    let without = sign(&claims)?;
    let bearer = |token: &str| answer(&plan, &[("authorization", format!("Bearer {token}"))]);
    case("figure 8: bound token as a bearer token".to_owned(), Stated::Wrong, bearer(&with));
    case("figure 8: the same without `cnf`".to_owned(), Stated::Right, bearer(&without));
    let jkt = VerificationKey::compile(&key.public_jwk(None), None).map_err(|fault| fault.to_string())?;
    claims.insert("cnf".to_owned(), json!({ "jkt": jkt.thumbprint() }));
    let ours = sign(&claims)?;
    let proved = |url: &str| -> Result<Found, String> {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public_jwk(None) });
        let hash = base64url::encode(&hmac_sha256::Hash::hash(ours.as_bytes()));
        let proof = json!({ "jti": "e1j3V_bKic8-LAEB", "htm": "GET", "htu": url, "iat": NOW, "ath": hash });
        let header = header.as_object().cloned().unwrap_or_default();
        let proof = key.sign(&header, proof.to_string().as_bytes()).map_err(|fault| fault.to_string())?;
        Ok(answer(&plan, &[("authorization", format!("DPoP {ours}")), ("dpop", proof)]))
    };
    let own = "https://resource.example.org/protectedresource";
    case("figure 8: bound to a key of ours, with its proof".to_owned(), Stated::Right, proved(own)?);
    let other = "https://server.example.com/token";
    case("figure 8: bound to a key of ours, with a proof for another URL".to_owned(), Stated::Wrong, proved(other)?);
    let dpop = answer(&plan, &[("authorization", format!("DPoP {without}"))]);
    case("figure 8: the same without `cnf`, by the DPoP scheme".to_owned(), Stated::Wrong, dpop);
    Ok(())
}

/// A configuration that takes any `typ` that an access token has, none included, from the issuer of figure 8.
fn plan(jwk: &Value) -> Result<Plan, String> {
    let issuer = json!({
        "issuer": ISSUER, "audiences": "absent", "typ": ["at+jwt", "JWT", "absent"],
        "keys": { "inline": { "keys": [jwk] } }, "principal": { "id": "sub" },
        "dpop": {},
    });
    let configuration = json!({
        "version": 1,
        "issuers": { "server": issuer },
        "applications": { "resource": {
            "any_host": true, "requires": ["server"], "routes": { "protected": { "path": "/protectedresource" } },
        } },
        "policies": "@id(\"all\") permit (principal is server::User, action, resource);",
    });
    Plan::compile(configuration.to_string().as_bytes()).map(|(plan, _)| plan).map_err(|errors| format!("{errors:?}"))
}

/// Whether a request with these fields goes on.
fn answer(plan: &Plan, fields: &[(&str, String)]) -> Found {
    let fixed = [
        (":method", "GET".to_owned()),
        (":authority", "resource.example.org".to_owned()),
        (":path", "/protectedresource".to_owned()),
    ];
    let headers = fixed.iter().chain(fields).map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes()));
    let parts = RequestParts { headers: headers.collect(), ..RequestParts::default() };
    let now = UnixSeconds::new(NOW);
    let (trust, memory) = (TrustStore::new(plan.key_sources(), 0), LocalMemory::default());
    let proofs = ProofMemory { shared: Some(&memory), own: None, seed: &[0; 32] };
    let verification = Verification { proofs, ..Verification::by(&trust) };
    match decide(plan, verification, parts, now, &DecisionId::derive(&[0; 32], 0, now)).reply {
        Reply::Forward(_) => Found::Accepted,
        Reply::Answer(_) => Found::Refused(Stage::Claims),
    }
}

fn text<'v>(value: &'v Value, what: &str) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("a {what} is not text"))
}
