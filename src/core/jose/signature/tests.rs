use serde_json::{Map, Value, json};

use super::AuthenticToken;
use crate::jose::{Algorithm, KeySet, Portable, UnverifiedToken, base64url};
use crate::limits::TOKEN_BYTES;
use crate::mint::SigningKey;
use crate::portable;
use crate::refusal::Reason;
use crate::testing;

fn header(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn key_set(keys: &[Value]) -> KeySet {
    KeySet::compile(&json!({ "keys": keys }), None).unwrap().0
}

/// The payload, or why the token is refused.
fn verified(token: &str, keys: &KeySet) -> Result<Vec<u8>, Reason> {
    UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default)
        .and_then(|token| AuthenticToken::verify(token, keys, &Portable))
        .map(|token| token.payload().to_vec())
        .map_err(|refusal| refusal.reason)
}

/// The same token with another signature.
fn resigned(token: &str, signature: &[u8]) -> String {
    format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url::encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    base64url::decode(token.rsplit_once('.').unwrap().1.as_bytes()).unwrap()
}

fn signed(key: &SigningKey, with: Value) -> String {
    key.sign(&header(with), b"{}").unwrap()
}

#[portable]
fn the_examples_of_the_standards_verify() {
    // RFC 7515 appendix A.2.
    let rs256 = json!({ "kty": "RSA", "alg": "RS256", "e": "AQAB", "n": concat!(
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNM",
        "sD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmt",
        "dVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
    )});
    let token = concat!(
        "eyJhbGciOiJSUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dn",
        "ZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwus",
        "C-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let payload = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    assert_eq!(verified(token, &key_set(&[rs256])).as_deref(), Ok(payload.as_slice()));

    // RFC 7515 appendix A.3.
    let es256 = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    });
    let token = concat!(
        "eyJhbGciOiJFUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    assert_eq!(verified(token, &key_set(&[es256])).as_deref(), Ok(payload.as_slice()));

    // RFC 8037 appendix A.4.
    let ed25519 =
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let token = concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    assert_eq!(verified(token, &key_set(&[ed25519])).as_deref(), Ok(b"Example of Ed25519 signing".as_slice()));
}

#[portable]
fn a_changed_bit_anywhere_is_refused() {
    for &algorithm in Algorithm::ALL {
        let key = testing::key(algorithm);
        let keys = key_set(&[key.public_jwk(None)]);
        let token = signed(&key, json!({ "alg": algorithm.name() }));
        assert_eq!(verified(&token, &keys).as_deref(), Ok(b"{}".as_slice()));
        let signature = signature_of(&token);
        for place in [0, 1, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.clone();
            changed[place] ^= 1;
            assert_eq!(verified(&resigned(&token, &changed), &keys), Err(Reason::TokenSignature), "{algorithm:?}");
        }
        let other_payload = key.sign(&header(json!({ "alg": algorithm.name() })), b"{ }").unwrap();
        assert_eq!(verified(&resigned(&other_payload, &signature), &keys), Err(Reason::TokenSignature));
        let other_header = signed(&key, json!({ "alg": algorithm.name(), "x": 1 }));
        assert_eq!(verified(&resigned(&other_header, &signature), &keys), Err(Reason::TokenSignature));
    }
}

#[portable]
fn a_signature_of_another_length_is_refused() {
    for &algorithm in Algorithm::ALL {
        let key = testing::key(algorithm);
        let keys = key_set(&[key.public_jwk(None)]);
        let token = signed(&key, json!({ "alg": algorithm.name() }));
        let good = signature_of(&token);
        let zero_before = [&[0], good.as_slice()].concat();
        let zero_after = [good.as_slice(), &[0]].concat();
        let twice = [good.as_slice(), good.as_slice()].concat();
        for signature in
            [&good[1..], &good[..good.len() - 1], &good[..good.len() / 2], &zero_before, &zero_after, &twice, &[0]]
        {
            assert_eq!(verified(&resigned(&token, signature), &keys), Err(Reason::TokenSignature), "{algorithm:?}");
        }
        assert_eq!(verified(&resigned(&token, &[]), &keys), Err(Reason::TokenMalformed));
    }
}

#[portable]
fn ecdsa_numbers_are_between_one_and_the_order_of_the_curve() {
    const P256_ORDER: &str = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
    const P384_ORDER: &str = "________________________________x2NNgfQ3Ld9YGg2ySLCneuzsGWrMxSlz";
    for (algorithm, order) in [(Algorithm::Es256, P256_ORDER), (Algorithm::Es384, P384_ORDER)] {
        let order = base64url::decode(order.as_bytes()).unwrap();
        let key = testing::key(algorithm);
        let keys = key_set(&[key.public_jwk(None)]);
        let token = signed(&key, json!({ "alg": algorithm.name() }));
        let good = signature_of(&token);
        let (r, s) = good.split_at(good.len() / 2);
        let zero = vec![0; r.len()];
        let most = vec![0xff; r.len()];
        let pairs: [[&[u8]; 2]; 9] = [
            [&zero, &zero],
            [&zero, s],
            [r, &zero],
            [&order, s],
            [r, &order],
            [&order, &order],
            [&most, &most],
            [s, r],
            [r, r],
        ];
        for pair in pairs {
            assert_eq!(verified(&resigned(&token, &pair.concat()), &keys), Err(Reason::TokenSignature));
        }
    }
}

#[portable]
fn an_ecdsa_signature_in_der_is_refused() {
    let integer = |number: &[u8]| {
        let sign: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
        let content = [sign, number].concat();
        [&[2, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
    };
    for algorithm in [Algorithm::Es256, Algorithm::Es384] {
        let key = testing::key(algorithm);
        let token = signed(&key, json!({ "alg": algorithm.name() }));
        let good = signature_of(&token);
        let (r, s) = good.split_at(good.len() / 2);
        let content = [integer(r), integer(s)].concat();
        let der = [&[0x30, u8::try_from(content.len()).unwrap()], content.as_slice()].concat();
        assert_eq!(verified(&resigned(&token, &der), &key_set(&[key.public_jwk(None)])), Err(Reason::TokenSignature));
    }
}

#[portable]
fn an_ed25519_signature_with_s_past_the_order_is_refused() {
    let order = base64url::decode(b"7dP1XBpjEljWnPei3vneFAAAAAAAAAAAAAAAAAAAABA").unwrap();
    let key = testing::key(Algorithm::Ed25519);
    let keys = key_set(&[key.public_jwk(None)]);
    let token = signed(&key, json!({ "alg": "Ed25519" }));
    assert!(verified(&token, &keys).is_ok());
    let mut malleated = signature_of(&token);
    let mut carry = 0_u16;
    for (byte, add) in malleated[32..].iter_mut().zip(&order) {
        let sum = u16::from(*byte) + u16::from(*add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(verified(&resigned(&token, &malleated), &keys), Err(Reason::TokenSignature));
}

#[portable]
fn both_names_of_ed25519_are_one_algorithm() {
    let key = testing::key(Algorithm::Ed25519);
    for named_in_key in ["EdDSA", "Ed25519"] {
        let mut jwk = key.public_jwk(None);
        jwk["alg"] = named_in_key.into();
        for named_in_token in ["EdDSA", "Ed25519"] {
            assert!(verified(&signed(&key, json!({ "alg": named_in_token })), &key_set(&[jwk.clone()])).is_ok());
        }
    }
}

#[portable]
fn a_public_key_is_never_a_shared_secret() {
    let jwk = testing::key(Algorithm::Rs256).public_jwk(Some("k"));
    let keys = key_set(core::slice::from_ref(&jwk));
    let modulus = base64url::decode(jwk["n"].as_str().unwrap().as_bytes()).unwrap();
    for secret in [jwk.to_string().as_bytes(), jwk["n"].as_str().unwrap().as_bytes(), &modulus, b""] {
        let input = format!("{}.e30", base64url::encode(br#"{"alg":"HS256","kid":"k"}"#));
        let tag = hmac_sha256::HMAC::mac(input.as_bytes(), secret);
        let token = format!("{input}.{}", base64url::encode(&tag));
        assert_eq!(verified(&token, &keys), Err(Reason::TokenAlgorithm));
    }
}

#[portable]
fn a_key_checks_its_own_algorithm_alone() {
    let rs256 = key_set(&[testing::key(Algorithm::Rs256).public_jwk(Some("k"))]);
    // The very same RSA key, and a good signature of another algorithm by it.
    for algorithm in [Algorithm::Ps256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps512] {
        let key = testing::key(algorithm);
        let honest = signed(&key, json!({ "alg": algorithm.name(), "kid": "k" }));
        assert_eq!(verified(&honest, &rs256), Err(Reason::TokenKey));
        let lying = signed(&key, json!({ "alg": "RS256", "kid": "k" }));
        assert_eq!(verified(&lying, &rs256), Err(Reason::TokenSignature));
    }
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Ed25519] {
        let token = signed(&testing::key(algorithm), json!({ "alg": algorithm.name(), "kid": "k" }));
        assert_eq!(verified(&token, &rs256), Err(Reason::TokenKey));
    }
    let es256 = key_set(&[testing::key(Algorithm::Es256).public_jwk(Some("k"))]);
    let of_rsa_key = signed(&testing::key(Algorithm::Rs256), json!({ "alg": "ES256", "kid": "k" }));
    assert_eq!(verified(&of_rsa_key, &es256), Err(Reason::TokenSignature));
}

#[portable]
fn a_key_that_the_token_brings_along_is_not_used() {
    let keys = key_set(&[testing::key(Algorithm::Es256).public_jwk(Some("k"))]);
    let attacker = testing::other_key();
    let jwk = attacker.public_jwk(Some("k"));
    for with in [
        json!({ "alg": "ES256", "jwk": jwk }),
        json!({ "alg": "ES256", "kid": "k", "jwk": jwk }),
        json!({ "alg": "ES256", "kid": "k", "jku": "https://evil.example/keys", "x5u": "https://evil.example/chain" }),
        json!({ "alg": "ES256", "kid": "k", "x5c": ["AAAA"] }),
    ] {
        assert_eq!(verified(&signed(&attacker, with), &keys), Err(Reason::TokenSignature));
    }
    let named = signed(&attacker, json!({ "alg": "ES256", "kid": "evil", "jwk": jwk }));
    assert_eq!(verified(&named, &keys), Err(Reason::TokenKey));
}

#[portable]
fn kid_chooses_the_key_by_exactly_equal_text() {
    let (key, other) = (testing::key(Algorithm::Es256), testing::other_key());
    let keys = key_set(&[key.public_jwk(Some("a")), other.public_jwk(Some("b"))]);
    let with_kid = |key: &SigningKey, kid: &str| verified(&signed(key, json!({ "alg": "ES256", "kid": kid })), &keys);
    assert!(with_kid(&key, "a").is_ok());
    assert!(with_kid(&other, "b").is_ok());
    assert_eq!(with_kid(&other, "a"), Err(Reason::TokenSignature));
    let long = "a".repeat(2_000);
    for kid in
        ["A", "", "a ", "a\0", "a\n", "../../dev/null", "' OR 1=1 --", "http://evil.example", "ａ", long.as_str()]
    {
        assert_eq!(with_kid(&key, kid), Err(Reason::TokenKey), "{kid:?}");
    }
    assert_eq!(verified(&signed(&key, json!({ "alg": "ES256" })), &keys), Err(Reason::TokenKey));
}

#[portable]
fn without_a_kid_the_only_key_of_the_algorithm_is_used() {
    let key = testing::key(Algorithm::Es256);
    let rsa = testing::key(Algorithm::Rs256).public_jwk(Some("r"));
    let nameless_token = signed(&key, json!({ "alg": "ES256" }));
    let named_token = signed(&key, json!({ "alg": "ES256", "kid": "a" }));
    let named_key = key_set(&[rsa.clone(), key.public_jwk(Some("a"))]);
    let nameless_key = key_set(&[rsa.clone(), key.public_jwk(None)]);
    let otherwise_named_key = key_set(&[rsa, key.public_jwk(Some("b"))]);
    for keys in [&named_key, &nameless_key, &otherwise_named_key] {
        assert!(verified(&nameless_token, keys).is_ok());
    }
    assert!(verified(&named_token, &named_key).is_ok());
    assert!(verified(&named_token, &nameless_key).is_ok());
    assert_eq!(verified(&named_token, &otherwise_named_key), Err(Reason::TokenKey));
}

#[portable]
fn a_payload_may_be_any_bytes_and_claims_must_be_an_object() {
    let key = testing::key(Algorithm::Es256);
    let keys = key_set(&[key.public_jwk(None)]);
    for payload in [b"".as_slice(), b"\xff\0", b"[]", b"\"text\"", b"{\"a\":1,\"a\":2}"] {
        let token = key.sign(&header(json!({ "alg": "ES256", "typ": "JOSE" })), payload).unwrap();
        let token = UnverifiedToken::parse(token.as_bytes(), TOKEN_BYTES.default).ok().unwrap();
        let authentic = AuthenticToken::verify(token, &keys, &Portable).ok().unwrap();
        assert_eq!(authentic.payload(), payload);
        assert_eq!(authentic.typ(), Some("jose"));
        assert_eq!(authentic.claims().unwrap_err().reason, Reason::TokenMalformed);
    }
    let claims = testing::authentic(&testing::claims(json!({}))).claims().unwrap();
    assert_eq!(claims.string("sub"), Ok(Some("alice")));
}
