use serde_json::{Value, json};

use super::{KeyFault, VerificationKey};
use crate::jose::{Algorithm, base64url};
use crate::portable;
use crate::testing;

/// The public JWK of the test key, with these members replaced, added or (where `null`) removed.
fn jwk(algorithm: Algorithm, changes: Value) -> Value {
    let mut jwk = testing::key(algorithm).public_jwk(Some("k"));
    let members = jwk.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    jwk
}

fn compiled(algorithm: Algorithm, changes: Value) -> Result<Algorithm, KeyFault> {
    VerificationKey::compile(&jwk(algorithm, changes), None).map(|key| key.algorithm())
}

/// An RSA JWK with a modulus of these octets.
fn rsa(modulus: &[u8], exponent: &str) -> Result<Algorithm, KeyFault> {
    compiled(Algorithm::Rs256, json!({ "n": base64url::encode(modulus), "e": exponent }))
}

/// An odd number of this many bits, as octets.
fn odd_number(bits: usize) -> Vec<u8> {
    let spare = u32::try_from(bits.next_multiple_of(8).saturating_sub(bits)).unwrap();
    let mut octets = vec![0xff; bits.div_ceil(8)];
    octets[0] = 0xff_u8.checked_shr(spare).unwrap();
    octets
}

fn ed25519(x: &[u8]) -> Result<Algorithm, KeyFault> {
    compiled(Algorithm::Ed25519, json!({ "x": base64url::encode(x) }))
}

fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[portable]
fn a_key_of_each_algorithm_is_taken_with_its_kid() {
    for &algorithm in Algorithm::ALL {
        let key = VerificationKey::compile(&jwk(algorithm, json!({})), Some(&[algorithm])).unwrap();
        assert_eq!((key.algorithm(), key.key_id()), (algorithm, Some("k")));
        assert_eq!(compiled(algorithm, json!({ "kid": null })), Ok(algorithm));
    }
    for name in ["EdDSA", "Ed25519"] {
        assert_eq!(compiled(Algorithm::Ed25519, json!({ "alg": name })), Ok(Algorithm::Ed25519));
    }
}

#[portable]
fn what_is_no_object_or_lacks_a_member_is_refused() {
    for value in [json!(null), json!("key"), json!([]), json!(1)] {
        assert_eq!(VerificationKey::compile(&value, None).unwrap_err(), KeyFault::NotAnObject);
    }
    for (algorithm, members) in [
        (Algorithm::Rs256, &["kty", "n", "e"][..]),
        (Algorithm::Es256, &["kty", "crv", "x", "y"]),
        (Algorithm::Es384, &["kty", "crv", "x", "y"]),
        (Algorithm::Ed25519, &["kty", "crv", "x"]),
    ] {
        for member in members {
            assert_eq!(compiled(algorithm, json!({ *member: null })), Err(KeyFault::MissingMember(member)), "{member}");
            assert_eq!(compiled(algorithm, json!({ *member: 1 })), Err(KeyFault::WrongType(member)), "{member}");
        }
        for member in ["kid", "use", "alg"] {
            assert_eq!(compiled(algorithm, json!({ member: ["x"] })), Err(KeyFault::WrongType(member)), "{member}");
        }
    }
}

#[portable]
fn other_types_and_curves_are_refused_by_name() {
    for kty in ["AKP", "rsa", "ec", ""] {
        assert_eq!(compiled(Algorithm::Es256, json!({ "kty": kty })), Err(KeyFault::UnsupportedKeyType(kty.into())));
    }
    for crv in ["P-521", "secp256k1", "p-256", "Ed25519"] {
        assert_eq!(compiled(Algorithm::Es256, json!({ "crv": crv })), Err(KeyFault::UnsupportedCurve(crv.into())));
    }
    for crv in ["X25519", "Ed448", "ed25519", "P-256"] {
        assert_eq!(compiled(Algorithm::Ed25519, json!({ "crv": crv })), Err(KeyFault::UnsupportedCurve(crv.into())));
    }
    let secret = json!({ "kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "k" });
    assert_eq!(VerificationKey::compile(&secret, None).unwrap_err(), KeyFault::Symmetric);
}

#[portable]
fn a_key_with_private_material_is_refused() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Ed25519] {
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let fault = compiled(algorithm, json!({ member: "AQ" }));
            assert_eq!(fault, Err(KeyFault::PrivateMaterial(member)), "{member}");
        }
    }
}

#[portable]
fn a_key_for_another_use_is_refused() {
    let algorithm = Algorithm::Es256;
    for used in ["sig", "jwt-svid"] {
        assert_eq!(compiled(algorithm, json!({ "use": used })), Ok(algorithm));
    }
    assert_eq!(compiled(algorithm, json!({ "use": null })), Ok(algorithm));
    for used in ["enc", "SIG", "x509-svid", ""] {
        assert_eq!(compiled(algorithm, json!({ "use": used })), Err(KeyFault::OtherUse(used.into())));
    }
    assert_eq!(compiled(algorithm, json!({ "key_ops": ["verify"] })), Ok(algorithm));
    assert_eq!(compiled(algorithm, json!({ "key_ops": ["sign", "verify"] })), Ok(algorithm));
    for operations in [json!([]), json!(["sign"]), json!(["VERIFY"]), json!(["encrypt", "wrapKey"])] {
        assert_eq!(compiled(algorithm, json!({ "key_ops": operations })), Err(KeyFault::OtherOperations));
    }
    for operations in [json!("verify"), json!(["verify", 1]), json!({ "verify": true })] {
        assert_eq!(compiled(algorithm, json!({ "key_ops": operations })), Err(KeyFault::WrongType("key_ops")));
    }
}

#[portable]
fn a_key_has_one_algorithm_that_fits_it_and_the_profile() {
    use Algorithm::{Ed25519, Es256, Es384, Ps256, Rs256, Rs512};
    let compiled = |key, changes, algorithms: &[Algorithm]| {
        VerificationKey::compile(&jwk(key, changes), Some(algorithms)).map(|key| key.algorithm())
    };
    for alg in ["none", "HS256", "ES512", "RSA-OAEP", "es256", ""] {
        assert_eq!(
            compiled(Es256, json!({ "alg": alg }), Algorithm::ALL),
            Err(KeyFault::UnsupportedAlgorithm(alg.into()))
        );
    }
    assert_eq!(compiled(Es256, json!({ "alg": "ES384" }), Algorithm::ALL), Err(KeyFault::AlgorithmDoesNotFit(Es384)));
    assert_eq!(compiled(Rs256, json!({ "alg": "ES256" }), Algorithm::ALL), Err(KeyFault::AlgorithmDoesNotFit(Es256)));
    assert_eq!(compiled(Ed25519, json!({ "alg": "RS256" }), Algorithm::ALL), Err(KeyFault::AlgorithmDoesNotFit(Rs256)));
    assert_eq!(compiled(Rs256, json!({}), &[Ps256, Es256]), Err(KeyFault::AlgorithmNotTaken(Rs256)));
    assert_eq!(compiled(Rs256, json!({}), &[]), Err(KeyFault::AlgorithmNotTaken(Rs256)));
    assert_eq!(compiled(Rs256, json!({ "alg": null }), &[Rs512, Es256]), Ok(Rs512));
    assert_eq!(compiled(Es384, json!({ "alg": null }), Algorithm::ALL), Ok(Es384));
    assert_eq!(compiled(Es384, json!({ "alg": null }), &[Es256]), Err(KeyFault::NoAlgorithmFits));
    assert_eq!(
        compiled(Rs256, json!({ "alg": null }), &[Ps256, Es256, Rs256]),
        Err(KeyFault::AmbiguousAlgorithm(vec![Rs256, Ps256]))
    );
    let without = VerificationKey::compile(&jwk(Es256, json!({ "alg": null })), None);
    assert_eq!(without.unwrap_err(), KeyFault::AlgorithmMissing);
}

#[portable]
fn rsa_keys_have_2048_to_4096_bits() {
    for bits in [2048, 2049, 3072, 4095, 4096] {
        assert_eq!(rsa(&odd_number(bits), "AQAB"), Ok(Algorithm::Rs256), "{bits}");
    }
    for bits in [1, 512, 1024, 2047, 4097, 8192, 16384] {
        assert_eq!(rsa(&odd_number(bits), "AQAB"), Err(KeyFault::ModulusBits(bits)), "{bits}");
    }
}

#[portable]
fn rsa_numbers_have_one_form() {
    let modulus = odd_number(2048);
    for zeros in [1, 2] {
        let long = [&[0, 0][..zeros], modulus.as_slice()].concat();
        let fault = KeyFault::LeadingZeros { member: "n", found: 256 + zeros, zeros };
        assert_eq!(rsa(&long, "AQAB"), Err(fault));
    }
    let fault = rsa(&[&[0], modulus.as_slice()].concat(), "AQAB").unwrap_err().to_string();
    assert_eq!(
        fault,
        "`n` of the key has 1 zero octet in front of its number: RFC 7518 section 6.3.1 requires 256 octets, and it has 257; \
         its provider must remove the extra octets"
    );
    assert_eq!(rsa(&[0; 256], "AQAB"), Err(KeyFault::Zero("n")));
    assert_eq!(rsa(&[], "AQAB"), Err(KeyFault::Zero("n")));
    let mut even = modulus.clone();
    *even.last_mut().unwrap() = 0xfe;
    assert_eq!(rsa(&even, "AQAB"), Err(KeyFault::Modulus));
    for exponent in ["Aw", "AQ", "EQ", "AQAA", "AQABAA"] {
        assert_eq!(rsa(&modulus, exponent), Err(KeyFault::Exponent), "{exponent}");
    }
    assert_eq!(rsa(&modulus, "AAEAAQ"), Err(KeyFault::LeadingZeros { member: "e", found: 4, zeros: 1 }));
    for exponent in ["", "AA", "AAAA"] {
        assert_eq!(rsa(&modulus, exponent), Err(KeyFault::Zero("e")), "{exponent}");
    }
    for text in ["AQAB=", "AQ==", "A", "AQ AB", "AR"] {
        assert_eq!(compiled(Algorithm::Rs256, json!({ "e": text })), Err(KeyFault::Encoding("e")), "{text}");
    }
    assert_eq!(compiled(Algorithm::Rs256, json!({ "n": "+/+/" })), Err(KeyFault::Encoding("n")));
}

#[portable]
fn coordinates_have_the_length_of_their_curve_and_are_a_point_of_it() {
    for (algorithm, wanted) in [(Algorithm::Es256, 32), (Algorithm::Es384, 48)] {
        for member in ["x", "y"] {
            let good = base64url::decode(jwk(algorithm, json!({}))[member].as_str().unwrap().as_bytes()).unwrap();
            let long = [&[0], good.as_slice()].concat();
            let rule = if member == "x" { "RFC 7518 section 6.2.1.2" } else { "RFC 7518 section 6.2.1.3" };
            let other = [&[1], good.as_slice()].concat();
            for (octets, zeros_in_front) in [(&good[1..], false), (&long, true), (&other, false), (&[], false)] {
                let fault = KeyFault::Length { member, found: octets.len(), wanted, zeros_in_front, rule };
                assert_eq!(compiled(algorithm, json!({ member: base64url::encode(octets) })), Err(fault));
            }
            for octets in [vec![0; wanted], vec![0xff; wanted], good.iter().map(|byte| byte ^ 1).collect()] {
                let fault = compiled(algorithm, json!({ member: base64url::encode(&octets) }));
                assert_eq!(fault, Err(KeyFault::NotOnCurve), "{member}");
            }
            assert_eq!(compiled(algorithm, json!({ member: "=" })), Err(KeyFault::Encoding(member)));
        }
        let zero = base64url::encode(&vec![0; wanted]);
        assert_eq!(compiled(algorithm, json!({ "x": zero, "y": zero })), Err(KeyFault::NotOnCurve));
    }
    let of_other_curve = compiled(Algorithm::Es256, json!({ "crv": "P-384", "alg": "ES384" }));
    assert!(matches!(of_other_curve, Err(KeyFault::Length { member: "x", found: 32, wanted: 48, .. })));
}

#[portable]
fn a_length_that_is_wrong_is_told_with_the_rule_and_the_zero_octets_too_many() {
    let told = |algorithm: Algorithm, member: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let good = base64url::decode(jwk(algorithm, json!({}))[member].as_str().unwrap().as_bytes()).unwrap();
        compiled(algorithm, json!({ member: base64url::encode(&change(good)) })).unwrap_err().to_string()
    };
    let with = |front: &'static [u8]| move |octets: Vec<u8>| [front, octets.as_slice()].concat();
    assert_eq!(
        told(Algorithm::Es256, "x", &with(&[0])),
        "`x` of the key has 33 octets; RFC 7518 section 6.2.1.2 requires exactly 32: its provider must remove 1 zero octet in \
         front"
    );
    assert_eq!(
        told(Algorithm::Es384, "y", &with(&[0, 0])),
        "`y` of the key has 50 octets; RFC 7518 section 6.2.1.3 requires exactly 48: its provider must remove 2 zero octets in \
         front"
    );
    assert_eq!(
        told(Algorithm::Es256, "x", &with(&[4])),
        "`x` of the key has 33 octets; RFC 7518 section 6.2.1.2 requires exactly 32"
    );
    assert_eq!(
        told(Algorithm::Es256, "x", &|octets| octets[1..].to_vec()),
        "`x` of the key has 31 octets; RFC 7518 section 6.2.1.2 requires exactly 32, with zero octets in front if the number \
         is shorter"
    );
    assert_eq!(
        told(Algorithm::Ed25519, "x", &with(&[0])),
        "`x` of the key has 33 octets; RFC 8037 section 2 with RFC 8032 section 5.1.5 requires exactly 32: its provider must \
         remove 1 zero octet in front"
    );
}

#[portable]
fn ed25519_keys_are_32_octets_and_never_of_small_order() {
    for length in [0, 31, 33, 64] {
        let fault = ed25519(&vec![9; length]).unwrap_err();
        let matches = matches!(fault, KeyFault::Length { member: "x", found, wanted: 32, zeros_in_front: false, .. } if found == length);
        assert!(matches, "{fault:?}");
    }
    let small_order = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ];
    // A second spelling of a point: its y is not below the field's prime, 2^255 - 19.
    let not_canonical = [
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    // No x belongs to this y.
    let no_point = ["0200000000000000000000000000000000000000000000000000000000000000"];
    for x in small_order.iter().chain(&not_canonical).chain(&no_point) {
        assert_eq!(ed25519(&from_hex(x)), Err(KeyFault::WeakKey), "{x}");
    }
}

#[portable]
fn certificates_in_a_key_are_not_looked_at() {
    let changes = json!({ "x5c": "nonsense", "x5u": 1, "x5t": [], "jku": {}, "ext": true });
    assert_eq!(compiled(Algorithm::Es256, changes), Ok(Algorithm::Es256));
}

#[portable]
fn thumbprints_are_those_of_the_standards() {
    let thumbprint =
        |jwk: Value, algorithm| VerificationKey::compile(&jwk, Some(&[algorithm])).unwrap().thumbprint().to_owned();
    // RFC 7638 section 3.1.
    let rsa = json!({
        "kty": "RSA",
        "n": concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok",
            "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu",
            "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a",
            "wapJzKnqDKgw"
        ),
        "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"
    });
    assert_eq!(thumbprint(rsa, Algorithm::Rs256), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // RFC 8037 appendix A.3.
    let ed25519 = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(thumbprint(ed25519, Algorithm::Ed25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[portable]
fn one_key_has_one_thumbprint_whatever_it_is_called() {
    let thumbprint =
        |algorithm, changes| VerificationKey::compile(&jwk(algorithm, changes), None).unwrap().thumbprint().to_owned();
    assert_eq!(
        thumbprint(Algorithm::Rs256, json!({})),
        thumbprint(Algorithm::Ps512, json!({ "kid": "other", "use": null }))
    );
    let other = testing::other_key().public_jwk(None);
    assert_ne!(thumbprint(Algorithm::Es256, json!({})), VerificationKey::compile(&other, None).unwrap().thumbprint());
}

#[portable]
fn faults_are_sentences_without_control_characters_and_not_long() {
    let long = "\u{1b}[31m\r\n".repeat(100);
    for fault in [
        KeyFault::UnsupportedKeyType(long.clone()),
        KeyFault::UnsupportedCurve(long.clone()),
        KeyFault::OtherUse(long.clone()),
        KeyFault::UnsupportedAlgorithm(long),
        KeyFault::AmbiguousAlgorithm(Algorithm::ALL.to_vec()),
        KeyFault::ModulusBits(1024),
        KeyFault::PrivateMaterial("d"),
    ] {
        let text = fault.to_string();
        assert!(text.len() < 400 && !text.chars().any(char::is_control) && !text.ends_with('.'), "{text}");
    }
    assert_eq!(KeyFault::ModulusBits(1024).to_string(), "the RSA key has 1024 bits; use 2048 to 4096");
}
