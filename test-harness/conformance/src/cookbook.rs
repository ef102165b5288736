//! The examples of RFC 7520 ("JOSE cookbook"), RFC 8037 and RFC 7797. All that they sign is right; the payloads are texts,
//! not claims.

use countersign_core::jose::Algorithm;
use serde_json::Value;

use super::{Case, Found, Outside, Source, Stage, Stated, jose};

/// Forms of a JWS other than the compact one.
const JSON: Outside = Outside { kind: "JSON serialization", stage: Stage::Token };
/// A payload that is not encoded (RFC 7797).
const B64: Outside = Outside { kind: "b64", stage: Stage::Token };
/// An encrypted token.
const JWE: Outside = Outside { kind: "JWE", stage: Stage::Token };
/// A shared secret.
const OCT: Outside = Outside { kind: "oct", stage: Stage::Key };
/// A curve that we do not have.
const P521: Outside = Outside { kind: "P-521", stage: Stage::Key };

/// Files with one example each, and whether it is of RFC 7797.
const SIGNED: &[(&str, bool)] = &[
    ("jws/4_1.rsa_v15_signature", false),
    ("jws/4_2.rsa-pss_signature", false),
    ("jws/4_3.ecdsa_signature", false),
    ("jws/4_4.hmac-sha2_integrity_protection", false),
    ("jws/4_5.signature_with_detached_content", false),
    ("jws/4_6.protecting_specific_header_fields", false),
    ("jws/4_7.protecting_content_only", false),
    ("curve25519/jws", false),
    ("rfc7797/4.2.hmac-sha2_b64_false", true),
    ("rfc7797/hmac-sha2_b64_false", true),
];

/// Files with one key each, and whether it may be in a key set for others.
const KEYS: &[(&str, Stated)] = &[
    ("jwk/3_1.ec_public_key", Stated::Right),
    ("jwk/3_2.ec_private_key", Stated::Wrong),
    ("jwk/3_3.rsa_public_key", Stated::Right),
    ("jwk/3_4.rsa_private_key", Stated::Wrong),
    ("jwk/3_5.symmetric_key_mac_computation", Stated::Wrong),
    ("jwk/3_6.symmetric_key_encryption", Stated::Wrong),
];

/// Every serialization of every example.
pub fn signatures(source: &Source<'_>) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for (name, unencoded) in SIGNED {
        let example = read(source, name)?;
        serializations(name, &example, unencoded.then_some(B64), &mut cases)?;
    }
    let nested = "6.nesting_signatures_and_encryption";
    let example = read(source, nested)?;
    serializations(&format!("{nested}/sign"), &example["sign"], None, &mut cases)?;
    serializations(&format!("{nested}/encrypt"), &example["encrypt"], Some(JWE), &mut cases)?;
    several(source, &mut cases)?;
    Ok(cases)
}

/// One example: its compact form tried with its key, its JSON forms refused as such. What is `special` is refused as a
/// token, whatever the key.
fn serializations(name: &str, example: &Value, special: Option<Outside>, cases: &mut Vec<Case>) -> Result<(), String> {
    let output = example["output"].as_object().ok_or_else(|| format!("`{name}` has no output"))?;
    for (form, text) in output {
        let (outside, found) = match (text, special) {
            (Value::String(compact), Some(special)) => (Some(special), parsed(compact)),
            (Value::String(compact), None) => {
                let key = jose::public_half(&example["input"]["key"], algorithm(name, example)?);
                (outside(&key), jose::verify(&key, None, compact))
            }
            (json, _) => (Some(JSON), parsed(&json.to_string())),
        };
        cases.push(Case { id: format!("{name}:{form}"), stated: Stated::Right, outside, found });
    }
    Ok(())
}

/// The example with several signatures: as a whole, and each that has a protected header in compact form.
fn several(source: &Source<'_>, cases: &mut Vec<Case>) -> Result<(), String> {
    let name = "jws/4_8.multiple_signatures";
    let example = read(source, name)?;
    let json = &example["output"]["json"];
    let found = parsed(&json.to_string());
    cases.push(Case { id: format!("{name}:json"), stated: Stated::Right, outside: Some(JSON), found });
    for index in 0..json["signatures"].as_array().map_or(0, Vec::len) {
        let signature = &json["signatures"][index];
        let texts = (signature["protected"].as_str(), json["payload"].as_str(), signature["signature"].as_str());
        let (Some(header), Some(payload), Some(signature)) = texts else { continue };
        let alg =
            example["input"]["alg"][index].as_str().ok_or_else(|| format!("`{name}` has no algorithm {index}"))?;
        let key = jose::public_half(&example["input"]["key"][index], alg);
        let found = jose::verify(&key, None, &format!("{header}.{payload}.{signature}"));
        cases.push(Case { id: format!("{name}:{index}"), stated: Stated::Right, outside: outside(&key), found });
    }
    Ok(())
}

/// Whether each key can be used as a public one.
pub fn keys(source: &Source<'_>) -> Result<Vec<Case>, String> {
    // The keys name no algorithm; these two are one for each of their types.
    let algorithms = [Algorithm::Rs256, Algorithm::Es256];
    let case = |(name, stated): &(&str, Stated)| {
        let key = read(source, name)?;
        let found = match jose::key_set(&key, Some(&algorithms)) {
            Ok(_) => Found::Accepted,
            Err(stage) => Found::Refused(stage),
        };
        Ok(Case { id: (*name).to_owned(), stated: *stated, outside: outside(&key), found })
    };
    KEYS.iter().map(case).collect()
}

fn read(source: &Source<'_>, name: &str) -> Result<Value, String> {
    source.json(&format!("ietf-jose-cookbook/{name}.json"))
}

fn algorithm<'e>(name: &str, example: &'e Value) -> Result<&'e str, String> {
    example["input"]["alg"].as_str().ok_or_else(|| format!("`{name}` has no algorithm"))
}

fn parsed(token: &str) -> Found {
    jose::parse(token).map_or_else(Found::Refused, |_| Found::Accepted)
}

fn outside(key: &Value) -> Option<Outside> {
    match (key["kty"].as_str(), key["crv"].as_str()) {
        (Some("oct"), _) => Some(OCT),
        (_, Some("P-521")) => Some(P521),
        _ => None,
    }
}
