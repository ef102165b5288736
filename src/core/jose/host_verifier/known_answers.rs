//! Signatures of which it is known whether they are genuine, from published examples. A host that is wrong about one of
//! them is not asked about the algorithm.

use core::fmt;

use serde_json::{Value, json};

use super::message::{self, Finding, Parts};
use super::{Algorithm, HostSignatures};
use crate::jose::base64url;
use crate::jose::{UnverifiedSignature, VerificationKey};

/// Why a host is not asked about an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A call failed, or its answer is not of a known form.
    Unclear,
    /// A genuine signature counts as forged.
    Refused,
    /// A forged signature counts as genuine. The text says what is wrong with it.
    Accepted(&'static str),
    /// A known answer cannot be asked for. It would be a fault of this program.
    Unusable,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclear => f.write_str("it is not available or gives no usable answer"),
            Self::Refused => f.write_str("it rejects a genuine signature"),
            Self::Accepted(what) => write!(f, "it accepts a forged signature ({what})"),
            Self::Unusable => f.write_str("the test could not be made"),
        }
    }
}

/// A genuine signature, and another key that did not make it.
struct Example {
    key: Value,
    other_key: Value,
    text: &'static str,
    /// base64url, as in a token.
    signature: &'static str,
}

/// The signing input of RFC 7515 appendix A.2.1.
const RSA_TEXT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv\
                        bS9pc19yb290Ijp0cnVlfQ";

/// The modulus of the key in RFC 7515 appendix A.2.1, without its first letter, which is `o`.
const RSA_MODULUS_REST: &str = "fgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1P\
                                t0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaS\
                                HSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4L\
                                T6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

/// From RFC 7515 appendix A.2.1.
const RS256_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8\
                               W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPv\
                               kSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1ph\
                               CnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// The same text signed by RS384 with the private key that RFC 7515 publishes there: this signature scheme is
/// deterministic.
const RS384_SIGNATURE: &str = "QMlqnIk4Jg6V4BsZGDb3PTKORZPw-eoUq-FsnjYifl08H95otuD2EHkUuDdfTGjEcJ6tgIehmwfchztWsgwuoba\
                               eMbRS44doIjGi4FaIHX4XlKcIlUxSnJPQ2O8bWZF6vkvQaPBXjzwLDGKUTkJwwP052sCL-ivRWakkNETy66m2OD\
                               Qjg4mN6EJI2o6_hRsklNEHPHjrTdOWnugAcEJ44e_fZ3cCFlP9009ITkx9ZgiVR8ViI-KBgCY90JDhxneWKNzWi\
                               dZaTg6TcEUQo73V1H4WSbzUVa7aLTFVc5OTSX-kO6GNrlCSKHx-M_yPDowT9ovfNX_UXJzxxMWWwGaYCA";

/// The same by RS512.
const RS512_SIGNATURE: &str = "jVVNFquIjYtsXWDHTCFaq0UoNhuL2qq0KNQ3hx6V-dfxtc2obZ81vcL-mpmCxsnW5VzZtAuEM__uUpFTtoP65kG\
                               yVR8ebwUMhr_ra0JzpO4fS1SrHTu-f-GqPoN9LYXM_7pmT2dYbGw2-AqbLTutv-lBG04TQHbgJ3ISx14bjdACIR\
                               h8DGtQwvHQBpV_S-KM_yweOiqt5ff5GckMaaGqSuDTlVupVE46NfXiE3tjf3PnnztWuOJ-lNNtQ0ojc-jGX7Dpr\
                               eVDWFkh4WpnC_dPVlhTpq8F-mKSsOEBc4B7-J_bnR80VNx2sCEq3GH49TRs2js-J0VIef8hX7H-3aQt4g";

impl Example {
    /// The example of an algorithm; `None` for one that Envoy does not know.
    fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Rs256 => Some(Self::rsa(algorithm, RS256_SIGNATURE)),
            Algorithm::Rs384 => Some(Self::rsa(algorithm, RS384_SIGNATURE)),
            Algorithm::Rs512 => Some(Self::rsa(algorithm, RS512_SIGNATURE)),
            // RFC 6979 appendix A.2.5, and the base point of the curve as the other key.
            Algorithm::Es256 => Some(Self {
                key: json!({
                    "kty": "EC", "crv": "P-256", "alg": "ES256", "x": "YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y",
                    "y": "eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk",
                }),
                other_key: json!({
                    "kty": "EC", "crv": "P-256", "alg": "ES256", "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
                    "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
                }),
                text: "sample",
                signature: "79SLKqy2qP0RQN2c1F6B1p0sh3tWqvmRw00OqE6vNxb3yxyULWV8QdQ2x6G24p9l8-kA27mv9AZNxKsvhDrNqA",
            }),
            // RFC 6979 appendix A.2.6, likewise.
            Algorithm::Es384 => Some(Self {
                key: json!({
                    "kty": "EC", "crv": "P-384", "alg": "ES384",
                    "x": "7DpOQVtOGaRWhhgCn0J_pdqai8SukuAuBqrlKGswDGTe-PDqkFWGYGSiVFFUgLwT",
                    "y": "gBXZty19VyROqO-awMYhiWcIpZNn-d-59UyoSz8cnbEoiyMcOuDU_nNE_SUzJkcg",
                }),
                other_key: json!({
                    "kty": "EC", "crv": "P-384", "alg": "ES384",
                    "x": "qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3",
                    "y": "NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f",
                }),
                text: "sample",
                signature: "lO27kqXsuKrUc25WxpGRaz-IFAZmzp-nPWTE6pWtEzyBpkgVLkSs-W423R6A-r5Gme9K6xXxeM6h_kDbJgMTjxMOdA\
                            oZYkUmIDtjUdCjqU-jKcFFeG5nnnuCxxo4YorI",
            }),
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 | Algorithm::Ed25519 => None,
        }
    }

    /// The other key is another odd number of the same size.
    fn rsa(algorithm: Algorithm, signature: &'static str) -> Self {
        let jwk = |first: char| json!({ "kty": "RSA", "alg": algorithm.name(), "e": "AQAB", "n": format!("{first}{RSA_MODULUS_REST}") });
        Self { key: jwk('o'), other_key: jwk('p'), text: RSA_TEXT, signature }
    }
}

/// Whether the host gives all known answers of an algorithm.
pub(super) fn ask_all(host: &dyn HostSignatures, algorithm: Algorithm) -> Result<(), Fault> {
    let example = Example::of(algorithm).ok_or(Fault::Unusable)?;
    let compile = |jwk| VerificationKey::compile(jwk, None).map_err(|_| Fault::Unusable);
    let (key, other_key) = (compile(&example.key)?, compile(&example.other_key)?);
    let signature = base64url::decode(example.signature.as_bytes()).ok_or(Fault::Unusable)?;
    let text = example.text.as_bytes();
    match message::ask(host, &about(&key, text, &signature).ok_or(Fault::Unusable)?) {
        Finding::Genuine => {}
        Finding::Forged => return Err(Fault::Refused),
        Finding::Unclear => return Err(Fault::Unclear),
    }
    for (what, question) in forgeries(&key, &other_key, text, &signature).ok_or(Fault::Unusable)? {
        match message::ask(host, &question) {
            Finding::Forged => {}
            Finding::Genuine => return Err(Fault::Accepted(what)),
            Finding::Unclear => return Err(Fault::Unclear),
        }
    }
    Ok(())
}

fn about(key: &VerificationKey, text: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    message::about(&UnverifiedSignature::of(key, text, signature)?)
}

/// Questions about signatures that the key has not made, and what is wrong with each.
fn forgeries(
    key: &VerificationKey,
    other_key: &VerificationKey,
    text: &[u8],
    signature: &[u8],
) -> Option<Vec<(&'static str, Vec<u8>)>> {
    let changed = |bytes: &[u8], place: usize| {
        let mut bytes = bytes.to_vec();
        bytes.get_mut(place).map(|byte| *byte ^= 1)?;
        Some(bytes)
    };
    let end_of = |bytes: &[u8]| bytes.len().checked_sub(1);
    let end_of_half = signature.len().checked_div(2)?.checked_sub(1)?;
    let mut forgeries = vec![
        ("another signature, first half", about(key, text, &changed(signature, end_of_half)?)?),
        ("another signature, second half", about(key, text, &changed(signature, end_of(signature)?)?)?),
        ("another text, first byte", about(key, &changed(text, 0)?, signature)?),
        ("another text, last byte", about(key, &changed(text, end_of(text)?)?, signature)?),
        ("an empty text", about(key, &[], signature)?),
        ("another key", about(other_key, text, signature)?),
    ];
    let genuine = UnverifiedSignature::of(key, text, signature)?;
    forgeries.extend(message::with_parts(&genuine, |parts| malformed(key.algorithm(), parts))?);
    Some(forgeries)
}

/// Questions that are never asked about a token, because the form of a signature and its digest are checked before. A host
/// that says yes to one of them does not verify.
fn malformed(algorithm: Algorithm, genuine: Parts<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let with = |signature: &[u8]| Parts { signature, ..genuine }.encode();
    let half = genuine.signature.iter().copied().step_by(2).collect::<Vec<_>>();
    let mut malformed = vec![
        ("an empty signature", with(&[])),
        ("a shorter signature", with(&half)),
        ("a byte after the signature", with(&[genuine.signature, &[0]].concat())),
    ];
    let digests = ["sha256", "sha384", "sha512"].into_iter().filter(|digest| *digest != genuine.digest);
    malformed.extend(digests.map(|digest| ("another digest", Parts { digest, ..genuine }.encode())));
    malformed.extend(zeros(algorithm, genuine.signature.len()).iter().map(|zero| ("zero", with(zero))));
    malformed
}

/// Signatures of numbers that are zero: an RSA signature of so many bytes, and ECDSA signatures with `r`, `s` or both.
fn zeros(algorithm: Algorithm, bytes: usize) -> Vec<Vec<u8>> {
    const ONE: [u8; 3] = [0x02, 1, 1];
    const ZERO: [u8; 3] = [0x02, 1, 0];
    match algorithm {
        Algorithm::Es256 | Algorithm::Es384 => [[ZERO, ZERO], [ZERO, ONE], [ONE, ZERO]]
            .into_iter()
            .map(|pair| [[0x30, 6].as_slice(), pair.as_flattened()].concat())
            .collect(),
        _rsa => vec![vec![0; bytes]],
    }
}
