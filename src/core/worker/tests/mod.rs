//! A worker under a scripted proxy that fails where a test wants it to.

mod events;
mod keys;
mod keys_by_kid;
mod memory;
mod proofs;
mod proxy;
mod requests;
mod waiting;

use std::rc::Rc;

use serde_json::{Value, json};

use super::{Deployment, Effect, Seed, Worker};
use crate::fetch::{Conflict, SharedMemory, Write};
use crate::jose::Algorithm;
use crate::mint::SigningKey;
use crate::request::RequestParts;
use crate::testing::{AUDIENCE, FakeMemory, ISSUER, KEY_ID, NOW, NoSignatures, claims, jwk_set, key, other_key, token};
use crate::time::Moment;
use proxy::Proxy;

const DEVICE_ISSUER: &str = "https://devices.example";

const POLICIES: &str = r#"
@id("read")
permit (principal in corp::Group::"engineering", action in Action::"read", resource in Application::"shop")
when { context.mdm.managed };

@id("health")
permit (principal is Anonymous, action in Action::"read", resource == Route::"shop/health");
"#;

/// A configuration with fetched keys of two providers.
fn configuration() -> Value {
    let keys = |path: &str| json!({ "url": format!("https://issuer.example{path}"), "cluster": "issuer" });
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": ISSUER, "audiences": [AUDIENCE], "typ": ["JWT"], "keys": keys("/corp"),
            "principal": { "id": "sub", "groups": "groups" },
            "facts": { "device_id?": "string" },
        } },
        "devices": { "mdm": {
            "header": "x-device-posture", "issuer": DEVICE_ISSUER, "audiences": "absent", "typ": ["JWT"],
            "keys": keys("/mdm"), "max_age": "24h", "facts": { "managed": "bool" },
            "bind": { "token": "device_id", "device": "sub" },
        } },
        "applications": { "shop": {
            "hosts": ["shop.example.com"], "requires": ["corp", "mdm"],
            "routes": {
                "order": { "path": "/api/orders/{id}", "methods": ["GET"] },
                "health": { "path": "/healthz", "requires": [] },
            },
        } },
        "policies": POLICIES,
        "peer": { "from": "tls" },
    })
}

fn corp_set() -> Value {
    jwk_set(&key(Algorithm::Es256), Some(KEY_ID))
}

fn mdm_set() -> Value {
    jwk_set(&other_key(), Some("mdm-key"))
}

/// The same configuration in shadow mode.
fn shadow() -> Value {
    let mut configuration = configuration();
    configuration["mode"] = json!("shadow");
    configuration
}

/// The same configuration with its keys written in it.
fn inline(mut configuration: Value) -> Value {
    configuration["issuers"]["corp"]["keys"] = json!({ "inline": corp_set() });
    configuration["devices"]["mdm"]["keys"] = json!({ "inline": mdm_set() });
    configuration
}

/// A request of alice, an engineer, from her managed laptop.
fn order() -> RequestParts {
    order_signed_under(KEY_ID)
}

/// The same with a token under this `kid`.
fn order_signed_under(kid: &str) -> RequestParts {
    order_signed_by(&key(Algorithm::Es256), kid)
}

/// The same with a token that this key has signed.
fn order_signed_by(key: &SigningKey, kid: &str) -> RequestParts {
    let alice = claims(json!({ "groups": ["engineering"], "device_id": "laptop-1" }));
    let token = key.sign_claims(Some(kid), Some("JWT"), &alice).unwrap();
    let posture = claims(json!({ "iss": DEVICE_ISSUER, "aud": null, "sub": "laptop-1", "managed": true }));
    let posture = other_key().sign_claims(Some("mdm-key"), Some("JWT"), &posture).unwrap();
    let fields: [(&str, &[u8]); 4] = [
        ("authorization", &format!("Bearer {token}").into_bytes()),
        ("x-device-posture", posture.as_bytes()),
        ("x-forwarded-user", b"root"),
        ("x-countersign-subject", b"root"),
    ];
    RequestParts::for_test("GET", "shop.example.com", "/api/orders/7", &fields)
}

/// A request that needs no keys.
fn health() -> RequestParts {
    RequestParts::for_test("GET", "shop.example.com", "/healthz", &[("x-forwarded-user", b"root")])
}

/// The same request of a client at this address.
fn from(client: usize, parts: RequestParts) -> RequestParts {
    RequestParts { source_address: Some(format!("[2001:db8:0:{client:x}::1]:1234")), ..parts }
}

/// Memory that several workers share in one test.
#[derive(Clone, Default)]
struct Shared(Rc<FakeMemory>);

impl SharedMemory for Shared {
    fn read(&self, name: &str) -> Option<(Vec<u8>, u32)> {
        self.0.read(name)
    }

    fn write(&self, name: &str, value: &[u8], how: Write) -> Result<(), Conflict> {
        self.0.write(name, value, how)
    }
}

/// The moment of every test.
fn at() -> Moment {
    Moment::at(NOW)
}

/// What the host says of the plugin; without a `vm_id` nothing is shared.
fn deployment(vm_id: &str, memory: &Shared, worker: u8) -> Deployment {
    Deployment {
        plugin_name: b"countersign".to_vec(),
        root_id: b"main".to_vec(),
        vm_id: vm_id.as_bytes().to_vec(),
        memory: Box::new(memory.clone()),
        signatures: Box::new(NoSignatures),
        seed: Some(Seed::new([worker; 32])),
    }
}

fn configured(configuration: &Value, deployment: Deployment) -> Result<(Worker, Vec<Effect>), Vec<Effect>> {
    Worker::configure(configuration.to_string().as_bytes(), deployment, NOW)
}

/// A proxy with one worker under this configuration that shares nothing.
fn proxy(configuration: &Value) -> Proxy {
    proxy_in(configuration, deployment("", &Shared::default(), 1))
}

fn proxy_in(configuration: &Value, deployment: Deployment) -> Proxy {
    let (worker, effects) = configured(configuration, deployment).unwrap_or_else(|effects| panic!("{effects:?}"));
    let mut proxy = Proxy::new(worker);
    proxy.carry_out(effects);
    proxy
}
