//! Wycheproof's signature suites: a message, a signature, and a key that is put into a JWK from its numbers.

use countersign_core::jose::base64url;
use serde_json::{Value, json};

use super::{Case, Found, Outside, Source, Stage, jose, wycheproof_case, wycheproof_tests};

/// Curves that are not ours: there is no such key.
const CURVE: Outside = Outside { kind: "curve", stage: Stage::Key };
/// RSA keys with an exponent other than 65537.
const EXPONENT: Outside = Outside { kind: "exponent", stage: Stage::Key };
/// PSS with a salt, a digest or a mask that no `alg` of JOSE means.
const PSS_PARAMETERS: Outside = Outside { kind: "parameters", stage: Stage::Signature };

/// ECDSA with `r` and `s` side by side, as JWS has it (IEEE P1363).
pub fn ecdsa(source: &Source<'_>) -> Result<Vec<Case>, String> {
    each(source, |group| {
        let key = &group["publicKey"];
        let (curve, alg, octets) = match text(key, "curve")? {
            "secp256r1" => ("P-256", "ES256", 32),
            "secp384r1" => ("P-384", "ES384", 48),
            "secp521r1" => ("P-521", "ES512", 66),
            "secp256k1" => ("secp256k1", "ES256K", 32),
            other => return Err(format!("the curve `{other}` is not known here")),
        };
        let coordinate = |name| Ok::<_, String>(base64url::encode(&of_length(&number(key, name)?, octets)));
        let jwk = json!({ "kty": "EC", "crv": curve, "alg": alg, "x": coordinate("wx")?, "y": coordinate("wy")? });
        Ok((vec![jwk], if matches!(curve, "P-256" | "P-384") { None } else { Some(CURVE) }))
    })
}

/// EdDSA.
pub fn eddsa(source: &Source<'_>) -> Result<Vec<Case>, String> {
    each(source, |group| {
        let key = &group["publicKey"];
        let (curve, outside) = match text(key, "curve")? {
            "edwards25519" => ("Ed25519", None),
            "edwards448" => ("Ed448", Some(CURVE)),
            other => return Err(format!("the curve `{other}` is not known here")),
        };
        let x = base64url::encode(&bytes(key, "pk")?);
        Ok((vec![json!({ "kty": "OKP", "crv": curve, "alg": "EdDSA", "x": x })], outside))
    })
}

/// RSASSA-PKCS1-v1_5.
pub fn rsa_pkcs1(source: &Source<'_>) -> Result<Vec<Case>, String> {
    each(source, |group| {
        let algorithm = match text(group, "sha")? {
            "SHA-256" => "RS256",
            "SHA-384" => "RS384",
            "SHA-512" => "RS512",
            other => return Err(format!("the digest `{other}` is not known here")),
        };
        let jwk = rsa_jwk(group, algorithm)?;
        let outside = (jwk["e"] != "AQAB").then_some(EXPONENT);
        Ok((vec![jwk], outside))
    })
}

/// RSASSA-PSS. A JOSE algorithm has one digest, the same in the mask, and a salt of its length (RFC 7518 section 3.5).
pub fn rsa_pss(source: &Source<'_>) -> Result<Vec<Case>, String> {
    each(source, |group| {
        let digest = text(group, "sha")?;
        let (algorithms, salt): (&[&str], _) = match digest {
            "SHA-256" => (&["PS256"], Some(32)),
            "SHA-384" => (&["PS384"], Some(48)),
            "SHA-512" => (&["PS512"], Some(64)),
            _ => (&["PS256", "PS384", "PS512"], None),
        };
        let as_jose = group["mgf"] == "MGF1" && group["mgfSha"] == digest && group["sLen"].as_u64() == salt;
        let keys: Result<_, _> = algorithms.iter().map(|algorithm| rsa_jwk(group, algorithm)).collect();
        Ok((keys?, if as_jose && salt.is_some() { None } else { Some(PSS_PARAMETERS) }))
    })
}

/// The keys of a group, each to be tried, and its kind if it is outside.
type Keys = (Vec<Value>, Option<Outside>);

/// Tries every signature of the file with the keys of its group.
fn each(source: &Source<'_>, keys: impl Fn(&Value) -> Result<Keys, String>) -> Result<Vec<Case>, String> {
    let file = source.wycheproof()?;
    let try_one = |(group, test): (&Value, &Value)| {
        let (keys, outside) = keys(group)?;
        let (message, signature) = (bytes(test, "msg")?, bytes(test, "sig")?);
        let found = keys.iter().map(|jwk| jose::signed(jwk, &message, &signature));
        wycheproof_case(test, outside, most_lenient(found))
    };
    wycheproof_tests(&file)?.into_iter().map(try_one).collect()
}

fn most_lenient(found: impl Iterator<Item = Found>) -> Found {
    let mut last = Found::Refused(Stage::Key);
    for one in found {
        last = one;
        if last == Found::Accepted {
            break;
        }
    }
    last
}

fn rsa_jwk(group: &Value, algorithm: &str) -> Result<Value, String> {
    let key = &group["publicKey"];
    let member = |name| Ok::<_, String>(base64url::encode(&number(key, name)?));
    Ok(json!({ "kty": "RSA", "alg": algorithm, "n": member("modulus")?, "e": member("publicExponent")? }))
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, String> {
    value[name].as_str().ok_or_else(|| format!("a test or group has no text `{name}`"))
}

/// The bytes of a text in hexadecimal digits.
fn bytes(value: &Value, name: &str) -> Result<Vec<u8>, String> {
    let text = text(value, name)?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect::<Option<_>>().ok_or_else(|| format!("`{name}` of a test or group is not hexadecimal"))
}

/// The same of a number, without zeros in front.
fn number(value: &Value, name: &str) -> Result<Vec<u8>, String> {
    let bytes = bytes(value, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes.into_iter().skip(zeros).collect())
}

/// With zeros in front up to this many bytes.
fn of_length(number: &[u8], bytes: usize) -> Vec<u8> {
    let zeros = bytes.saturating_sub(number.len());
    core::iter::repeat_n(0, zeros).chain(number.iter().copied()).collect()
}
