//! Fixed keys, for demonstration only: the private halves lie in this repository for everybody to read.
//!
//! They are fixed so that `envoy/envoy.yaml` can hold their public halves and every run is the same. Keys that come when a
//! provider rotates its own are made at run time.

use std::sync::{Arc, LazyLock};

use countersign_core::jose::Algorithm;
use countersign_core::mint::SigningKey;
use serde_json::{Value, json};

/// A signing key with its key id.
pub struct DemoKey {
    /// The JWK `kid`.
    pub kid: String,
    /// The JWS `alg`.
    pub alg: &'static str,
    /// The key.
    pub key: SigningKey,
}

impl DemoKey {
    fn read(kid: &str, algorithm: Algorithm, pem: &str) -> Arc<Self> {
        // The warning above each key is for people; PEM readers differ in what they take before the first dash.
        let pem: String = pem.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
        match SigningKey::from_pem(algorithm, &pem) {
            Ok(key) => Self::named(kid, algorithm, key),
            Err(error) => panic!("the committed key `{kid}` cannot be read: {error}"),
        }
    }

    /// A new key for ES256.
    #[must_use]
    pub fn new(kid: &str) -> Arc<Self> {
        Self::new_for(kid, Algorithm::Es256)
    }

    /// A new key for this algorithm.
    #[must_use]
    pub fn new_for(kid: &str, algorithm: Algorithm) -> Arc<Self> {
        match SigningKey::generate(algorithm) {
            Ok(key) => Self::named(kid, algorithm, key),
            Err(error) => panic!("there is no new key `{kid}`: {error}"),
        }
    }

    fn named(kid: &str, algorithm: Algorithm, key: SigningKey) -> Arc<Self> {
        Arc::new(Self { kid: kid.to_owned(), alg: algorithm.name(), key })
    }

    /// The public half.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.key.public_jwk(Some(&self.kid))
    }
}

/// All of the keys.
pub struct DemoKeys {
    /// The identity provider of people, RS256.
    pub corp_rs256: Arc<DemoKey>,
    /// The identity provider of people, ES256.
    pub corp_es256: Arc<DemoKey>,
    /// The identity provider of software components.
    pub machines: Arc<DemoKey>,
    /// The device provider.
    pub mdm: Arc<DemoKey>,
    /// Somebody whom no configuration trusts.
    pub rogue: Arc<DemoKey>,
}

/// The keys, read once.
pub static KEYS: LazyLock<DemoKeys> = LazyLock::new(|| DemoKeys {
    corp_rs256: DemoKey::read("corp-rs256", Algorithm::Rs256, include_str!("../keys/corp-rs256.pem")),
    corp_es256: DemoKey::read("corp-es256", Algorithm::Es256, include_str!("../keys/corp-es256.pem")),
    machines: DemoKey::read("machines-es256", Algorithm::Es256, include_str!("../keys/machines-es256.pem")),
    mdm: DemoKey::read("mdm-es256", Algorithm::Es256, include_str!("../keys/mdm-es256.pem")),
    rogue: DemoKey::read("rogue-es256", Algorithm::Es256, include_str!("../keys/rogue-es256.pem")),
});

/// The keys of the identity provider of people.
#[must_use]
pub fn corp_keys() -> Vec<Arc<DemoKey>> {
    vec![Arc::clone(&KEYS.corp_rs256), Arc::clone(&KEYS.corp_es256)]
}

/// The public halves of keys as a JWK set.
#[must_use]
pub fn key_set(keys: &[Arc<DemoKey>]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>() })
}

/// The JWK set of the identity provider of people.
#[must_use]
pub fn corp_key_set() -> Value {
    key_set(&corp_keys())
}

/// The JWK set of the identity provider of software components.
#[must_use]
pub fn machines_key_set() -> Value {
    key_set(&[Arc::clone(&KEYS.machines)])
}

/// The JWK set of the device provider.
#[must_use]
pub fn mdm_key_set() -> Value {
    key_set(&[Arc::clone(&KEYS.mdm)])
}

/// The example's plugin configuration with the keys in it that its providers publish, for who fetches nothing.
#[must_use]
pub fn with_inline_keys(mut configuration: Value) -> Value {
    for (provider, keys) in
        [("/issuers/corp", corp_key_set()), ("/issuers/machines", machines_key_set()), ("/devices/mdm", mdm_key_set())]
    {
        if let Some(provider) = configuration.pointer_mut(provider) {
            provider["keys"] = json!({ "inline": keys });
        }
    }
    configuration
}
