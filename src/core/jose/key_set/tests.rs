use serde_json::{Value, json};

use super::{KeySet, KeySetFault, SkippedKey};
use crate::jose::{Algorithm, KeyFault};
use crate::limits::MAX_KEYS_PER_SET;
use crate::portable;
use crate::testing;

fn es256(kid: Option<&str>) -> Value {
    testing::key(Algorithm::Es256).public_jwk(kid)
}

fn compiled(keys: &[Value]) -> Result<(usize, Vec<(usize, KeyFault)>), KeySetFault> {
    let (set, skipped) = KeySet::compile(&json!({ "keys": keys }), None)?;
    Ok((set.keys().len(), skipped.into_iter().map(|key| (key.index, key.why)).collect()))
}

#[portable]
fn a_set_is_an_object_with_a_list_of_keys() {
    for (set, what) in [
        (json!([]), "the key set is not an object"),
        (json!(null), "the key set is not an object"),
        (json!({}), "the key set has no `keys`"),
        (json!({ "keys": {} }), "`keys` of the key set is not a list"),
        (json!({ "keys": null }), "`keys` of the key set is not a list"),
    ] {
        assert_eq!(KeySet::compile(&set, None).unwrap_err(), KeySetFault::Malformed(what));
    }
    assert!(KeySet::compile(&json!({ "keys": [es256(None)], "spiffe_sequence": 1 }), None).is_ok());
}

#[portable]
fn a_set_without_a_usable_key_is_refused() {
    assert_eq!(compiled(&[]), Err(KeySetFault::NoUsableKey(vec![])));
    let bad = json!({ "kty": "AKP", "kid": "next-year" });
    let skipped =
        SkippedKey { index: 0, kid: Some("next-year".into()), why: KeyFault::UnsupportedKeyType("AKP".into()) };
    let fault = compiled(&[bad]).unwrap_err();
    assert_eq!(fault, KeySetFault::NoUsableKey(vec![skipped]));
    assert_eq!(fault.to_string(), "the set has no usable key; keys[0]: `kty` is `AKP`; use RSA, EC or OKP");
}

#[portable]
fn bad_keys_are_skipped_with_their_place_and_the_good_ones_stay() {
    let keys = [
        json!({ "kty": "AKP", "kid": "a" }),
        es256(Some("good")),
        json!(null),
        json!({ "kty": "oct", "k": "AAAA", "kid": 1 }),
        testing::key(Algorithm::Rs256).public_jwk(Some("also good")),
    ];
    let (set, skipped) = KeySet::compile(&json!({ "keys": keys }), None).unwrap();
    let good: Vec<_> = set.keys().iter().map(|key| key.key_id()).collect();
    assert_eq!(good, [Some("good"), Some("also good")]);
    assert_eq!(
        skipped,
        [
            SkippedKey { index: 0, kid: Some("a".into()), why: KeyFault::UnsupportedKeyType("AKP".into()) },
            SkippedKey { index: 2, kid: None, why: KeyFault::NotAnObject },
            SkippedKey { index: 3, kid: None, why: KeyFault::WrongType("kid") },
        ]
    );
}

#[portable]
fn a_key_that_fits_several_algorithms_fails_the_set() {
    let mut rsa = testing::key(Algorithm::Rs256).public_jwk(Some("k"));
    rsa.as_object_mut().unwrap().remove("alg");
    let set = json!({ "keys": [es256(Some("e")), rsa] });
    let both = [Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256];
    let fault = KeySet::compile(&set, Some(&both)).unwrap_err();
    assert_eq!(fault, KeySetFault::AmbiguousKey { index: 1, fits: vec![Algorithm::Rs256, Algorithm::Ps256] });
    assert_eq!(
        fault.to_string(),
        "keys[1]: the key has no `alg` and fits RS256, PS256; add `alg`, or list one of them in `algorithms`"
    );
    let (keys, skipped) = KeySet::compile(&set, Some(&both[..2])).unwrap();
    assert_eq!((keys.keys().len(), skipped.len()), (2, 0));
    let (keys, skipped) = KeySet::compile(&set, None).unwrap();
    assert_eq!((keys.keys().len(), &skipped[0].why), (1, &KeyFault::AlgorithmMissing));
}

#[portable]
fn of_two_keys_with_one_name_and_algorithm_the_first_is_kept() {
    let other = testing::other_key().public_jwk(Some("k"));
    let rsa = testing::key(Algorithm::Rs256).public_jwk(Some("k"));
    assert_eq!(compiled(&[es256(Some("k")), other, rsa]), Ok((2, vec![(1, KeyFault::DuplicateKeyId)])));
}

#[portable]
fn a_key_without_a_name_is_kept_only_alone_of_its_algorithm() {
    let other = testing::other_key().public_jwk(None);
    let rsa = testing::key(Algorithm::Rs256).public_jwk(None);
    assert_eq!(compiled(&[es256(None), rsa]), Ok((2, vec![])));
    assert_eq!(compiled(&[other.clone(), es256(Some("k"))]), Ok((1, vec![(0, KeyFault::KeyIdMissing)])));
    let fault = compiled(&[es256(None), other]).unwrap_err();
    assert!(matches!(fault, KeySetFault::NoUsableKey(skipped) if skipped.len() == 2));
}

#[portable]
fn a_set_is_taken_at_its_cap_and_refused_one_past_it() {
    let keys: Vec<_> = (0..=MAX_KEYS_PER_SET).map(|number| es256(Some(&number.to_string()))).collect();
    assert_eq!(compiled(&keys[..MAX_KEYS_PER_SET]), Ok((MAX_KEYS_PER_SET, vec![])));
    assert_eq!(compiled(&keys), Err(KeySetFault::TooManyKeys(MAX_KEYS_PER_SET + 1)));
}
