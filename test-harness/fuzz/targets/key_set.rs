//! JWK sets: whatever a provider publishes, the usable keys are as they must be, and nothing panics.

#![no_main]

use std::collections::HashSet;

use countersign::jose::{Algorithm, KeySet, json};
use countersign::limits::{MAX_KEYS_PER_SET, MAX_TOKEN_JSON_DEPTH};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(set) = json::parse(bytes, MAX_TOKEN_JSON_DEPTH) else { return };
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
