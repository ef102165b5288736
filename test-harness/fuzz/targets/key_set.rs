//! JWK sets: whatever a provider publishes, the usable keys are as they must be, an answer with it counts if and only if the
//! set does, and nothing panics; nor in place of metadata.

#![no_main]

use std::collections::HashSet;

use countersign_core::fetch::{Endpoint, HttpUrl, Response};
use countersign_core::jose::{Algorithm, KeySet, KeyUse, json};
use countersign_core::keys::{FetchedSet, key_endpoint};
use countersign_core::limits::{MAX_KEYS_PER_SET, MAX_TOKEN_JSON_DEPTH};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    let answer = Response { status: 200, headers, body: bytes.to_vec(), body_bytes: bytes.len() };
    let url = HttpUrl::parse("https://login.example.com/metadata").expect("a URL");
    let metadata = Endpoint { url, cluster: "login".to_owned() };
    if let Ok(endpoint) = key_endpoint(&answer, &metadata, "https://login.example.com", None) {
        assert_eq!((endpoint.url.authority(), endpoint.cluster), (metadata.url.authority(), metadata.cluster));
    }
    let counts = FetchedSet::read(&answer, None, KeyUse::Signatures).is_ok();
    let parsed = json::parse(bytes, MAX_TOKEN_JSON_DEPTH);
    assert_eq!(counts, parsed.as_ref().is_ok_and(|set| KeySet::compile(set, None).is_ok()));
    let Ok(set) = parsed else { return };
    for algorithms in [None, Some(&[Algorithm::Rs256, Algorithm::Es256, Algorithm::Ed25519][..])] {
        let (keys, skipped) = match KeySet::compile(&set, algorithms) {
            Ok(compiled) => compiled,
            Err(fault) => {
                let _ = fault.to_string();
                continue;
            }
        };
        assert!(!keys.keys().is_empty() && keys.keys().len() + skipped.len() <= MAX_KEYS_PER_SET);
        let mut names = HashSet::new();
        for key in keys.keys() {
            assert!(names.insert((key.algorithm(), key.key_id())), "two keys have one name");
            assert!(algorithms.is_none_or(|taken| taken.contains(&key.algorithm())), "an algorithm that is not taken");
            assert_eq!(key.thumbprint().len(), 43, "a SHA-256 in base64url has 43 characters");
        }
        for key in skipped {
            let _ = key.why.to_string();
        }
    }
});
