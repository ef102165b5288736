//! Fixed keys, for demonstration only: the private halves lie in this repository for everybody to read.
//!
//! They are fixed so that `envoy/envoy.yaml` can hold their public halves and every run is the same.

use std::sync::LazyLock;

use countersign::jose::Algorithm;
use countersign::mint::SigningKey;
use serde_json::{Value, json};

/// A signing key with its key id.
pub struct DemoKey {
    /// The JWK `kid`.
    pub kid: &'static str,
    /// The JWS `alg`.
    pub alg: &'static str,
    /// The key.
    pub key: SigningKey,
}

impl DemoKey {
    fn read(kid: &'static str, algorithm: Algorithm, pem: &str) -> Self {
        // The warning above each key is for people; PEM readers differ in what they take before the first dash.
        let pem: String = pem.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
        match SigningKey::from_pem(algorithm, &pem) {
            Ok(key) => Self { kid, alg: algorithm.name(), key },
            Err(error) => panic!("the committed key `{kid}` cannot be read: {error}"),
        }
    }

    /// The public half.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.key.public_jwk(Some(self.kid))
    }
}

/// All of the keys.
pub struct DemoKeys {
    /// The identity provider of people, RS256.
    pub corp_rs256: DemoKey,
    /// The identity provider of people, ES256.
    pub corp_es256: DemoKey,
    /// The identity provider of software components.
    pub machines: DemoKey,
    /// The device provider.
    pub mdm: DemoKey,
    /// Somebody whom no configuration trusts.
    pub rogue: DemoKey,
}

/// The keys, read once.
pub static KEYS: LazyLock<DemoKeys> = LazyLock::new(|| DemoKeys {
    corp_rs256: DemoKey::read("corp-rs256", Algorithm::Rs256, include_str!("../keys/corp-rs256.pem")),
    corp_es256: DemoKey::read("corp-es256", Algorithm::Es256, include_str!("../keys/corp-es256.pem")),
    machines: DemoKey::read("machines-es256", Algorithm::Es256, include_str!("../keys/machines-es256.pem")),
    mdm: DemoKey::read("mdm-es256", Algorithm::Es256, include_str!("../keys/mdm-es256.pem")),
    rogue: DemoKey::read("rogue-es256", Algorithm::Es256, include_str!("../keys/rogue-es256.pem")),
});

/// The JWK set of the identity provider of people.
#[must_use]
pub fn corp_key_set() -> Value {
    json!({ "keys": [KEYS.corp_rs256.public_jwk(), KEYS.corp_es256.public_jwk()] })
}

/// The JWK set of the identity provider of software components.
#[must_use]
pub fn machines_key_set() -> Value {
    json!({ "keys": [KEYS.machines.public_jwk()] })
}

/// The JWK set of the device provider.
#[must_use]
pub fn mdm_key_set() -> Value {
    json!({ "keys": [KEYS.mdm.public_jwk()] })
}
