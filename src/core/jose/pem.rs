//! A public key in PEM (RFC 7468 section 13): a `SubjectPublicKeyInfo` of a key on P-256 or P-384 and nothing else.
//!
//! No DER is parsed. The point is the end of the bytes, and the bytes must be exactly those that are written for this point,
//! so a key has one form only, and no length or algorithm of the text is believed.

use ct_codecs::{Base64, Decoder as _};
use serde_json::{Value, json};

use super::{base64url, der};

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Why a text is not a public key that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemFault {
    /// Not one block of PEM with the label `PUBLIC KEY`.
    #[error("the answer is not one PEM block `PUBLIC KEY` (RFC 7468)")]
    NotAPublicKey,
    /// The key is not an uncompressed point on P-256 or P-384.
    #[error("the key in the answer is not an uncompressed point on P-256 or P-384 (RFC 5480 section 2)")]
    Curve,
}

/// The JWK of the key in a PEM text, with this `kid` (RFC 7518 section 6.2). Whether the point is on its curve is not checked.
///
/// # Errors
/// See [`PemFault`].
pub fn jwk_of_pem(text: &[u8], key_id: &str) -> Result<Value, PemFault> {
    let text = core::str::from_utf8(text).map_err(|_| PemFault::NotAPublicKey)?;
    let body = text.trim_ascii().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let lines: String = body.ok_or(PemFault::NotAPublicKey)?.lines().map(str::trim_ascii).collect();
    let key = Base64::decode_to_vec(lines, None).map_err(|_| PemFault::NotAPublicKey)?;
    [("P-256", &der::P256[..], 32), ("P-384", &der::P384[..], 48)]
        .into_iter()
        .find_map(|(curve, algorithm, length)| {
            let start = key.len().checked_sub(length)?.checked_sub(length)?.checked_sub(1)?;
            let point = key.get(start..)?;
            let (x, y) = point.strip_prefix(&[4])?.split_at_checked(length)?;
            let (x, y) = (base64url::encode(x), base64url::encode(y));
            let jwk = json!({ "kty": "EC", "crv": curve, "kid": key_id, "x": x, "y": y });
            (der::ec_key(algorithm, point) == key).then_some(jwk)
        })
        .ok_or(PemFault::Curve)
}

#[cfg(test)]
mod tests {
    use ct_codecs::{Base64, Encoder as _};
    use serde_json::json;

    use super::{PemFault, jwk_of_pem};
    use crate::jose::{Algorithm, VerificationKey};
    use crate::portable;
    use crate::testing::key;

    fn spki(algorithm: Algorithm) -> Vec<u8> {
        let jwk = key(algorithm).public_jwk(Some("k"));
        VerificationKey::compile(&jwk, Some(&[algorithm])).unwrap().spki().to_vec()
    }

    fn pem(der: &[u8]) -> String {
        let text = Base64::encode_to_string(der).unwrap();
        let (first, rest) = text.split_at(64);
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{rest}\n-----END PUBLIC KEY-----\n")
    }

    #[portable]
    fn keys_on_both_curves_are_read_as_the_same_keys() {
        for (algorithm, curve) in [(Algorithm::Es256, "P-256"), (Algorithm::Es384, "P-384")] {
            let own = key(algorithm).public_jwk(Some("k"));
            let text = pem(&spki(algorithm));
            for text in [text.clone(), text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
                let jwk = jwk_of_pem(text.as_bytes(), "k").unwrap();
                assert_eq!(jwk, json!({ "kty": "EC", "crv": curve, "kid": "k", "x": own["x"], "y": own["y"] }));
            }
        }
    }

    #[portable]
    fn no_other_text_is_a_key() {
        let good = pem(&spki(Algorithm::Es256));
        let other_label = good.replace("PUBLIC KEY", "CERTIFICATE");
        let twice = format!("{good}{good}");
        let changed = [
            "",
            "garbage",
            "{}",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----x",
            other_label.as_str(),
            twice.as_str(),
            &good.replacen('M', "*", 1),
            &format!("x{good}"),
            &good.replace("PUBLIC KEY", "PRIVATE KEY"),
            &good.replacen("MF", "M F", 1),
        ];
        for text in changed {
            assert_eq!(jwk_of_pem(text.as_bytes(), "k"), Err(PemFault::NotAPublicKey), "{text}");
        }
        assert_eq!(jwk_of_pem(b"\xff", "k"), Err(PemFault::NotAPublicKey));
    }

    #[portable]
    fn no_other_bytes_are_a_key() {
        for good in [spki(Algorithm::Es256), spki(Algorithm::Es384)] {
            let point = if good.len() == 91 { 91 - 65 } else { good.len() - 97 };
            for index in 0..=point {
                let mut bad = good.clone();
                bad[index] ^= 1;
                assert_eq!(jwk_of_pem(pem(&bad).as_bytes(), "k"), Err(PemFault::Curve), "byte {index}");
            }
            for bad in [[&good[..], &[0]].concat(), good[..good.len() - 1].to_vec(), [&[0], &good[..]].concat()] {
                assert_eq!(jwk_of_pem(pem(&bad).as_bytes(), "k"), Err(PemFault::Curve));
            }
        }
        assert_eq!(jwk_of_pem(pem(&spki(Algorithm::Rs256)).as_bytes(), "k"), Err(PemFault::Curve));
    }
}
