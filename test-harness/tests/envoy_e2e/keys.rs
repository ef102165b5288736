//! Issuers whose keys are fetched, what provides the keys, and what scenarios about them have in common.
//!
//! One listener has them all, each with a path, a key and a route of its own, so that a fault of one does not reach
//! another. Those that are flooded or put under load have listeners of their own.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use test_harness::clock::Deadline;
use test_harness::envoy::Envoy;
use test_harness::keys::{DemoKey, KEYS, machines_key_set};
use test_harness::services::{Line, Provider, device_provider, identity_provider};
use test_harness::tokens::{ALICE, AUDIENCE, Token};

use crate::bench::{Ask, Outcome};
use crate::{discovery, key_faults, outage, rotation};

/// The cluster of the provider that most issuers have.
pub const LOGIN: &str = "login";

/// The cluster of the provider whose line is cut.
pub const ELSEWHERE: &str = "elsewhere";

/// A cluster that Envoy does not have.
pub const NOWHERE: &str = "nowhere";

/// The gauge of waiting requests.
pub const WAITING: &str = "wasmcustom.countersign.waiting";

/// The shortest `refetch_interval`.
pub const SECOND: Duration = Duration::from_secs(1);

/// A clock that counts whole seconds makes an interval seem this much shorter or longer.
pub const COARSENESS: Duration = Duration::from_secs(1);

/// Longest wait for what comes within a back-off of the first few tries.
const PATIENCE: Duration = Duration::from_secs(20);

/// An issuer, and the key that it begins with.
#[derive(Clone)]
pub struct Issuer {
    pub name: &'static str,
    pub key: Arc<DemoKey>,
    /// The member `keys` of its profile.
    keys: Value,
}

impl Issuer {
    /// Its keys lie at a path of its own of the provider behind `cluster`; `settings` go beside that.
    pub fn at(name: &'static str, cluster: &str, settings: Value) -> Self {
        let url = format!("http://login.example.com{}", path(name));
        let mut keys = json!({ "url": url, "cluster": cluster, "insecure": true });
        merge(&mut keys, settings);
        Self::with(name, keys)
    }

    /// The same, but metadata says where they lie.
    pub fn discovered(name: &'static str, settings: Value) -> Self {
        let url = format!("http://login.example.com{}", metadata_path(name));
        let mut keys = json!({ "discovery": url, "cluster": LOGIN, "insecure": true });
        merge(&mut keys, settings);
        Self::with(name, keys)
    }

    /// The same, with these members of `keys` and no other.
    pub fn with(name: &'static str, keys: Value) -> Self {
        Self { name, key: DemoKey::new(name), keys }
    }

    /// What its tokens say of who made them.
    pub fn url(&self) -> String {
        format!("https://login.example.com/{}", self.name)
    }

    /// A good token of this issuer.
    pub fn token(&self) -> Token {
        Token::of(ALICE).claim("iss", json!(self.url())).key(&self.key)
    }

    /// A request on this issuer's route with this token.
    pub fn ask(&self, token: &Token) -> Ask {
        Ask::get(format!("/{}", self.name)).at("keys").token(token.sign())
    }

    /// One with a good token.
    pub fn good(&self) -> Ask {
        self.ask(&self.token())
    }

    /// One with a good token, except that no provider has its key.
    pub fn unknown(&self, kid: &str) -> Ask {
        self.ask(&self.token().key(&KEYS.rogue).header("kid", json!(kid)))
    }

    /// The name of one of its metrics in Envoy.
    pub fn metric(&self, name: &str) -> String {
        format!("wasmcustom.countersign.keys.{}.{name}", self.name)
    }

    /// Its fetches in this Envoy so far, by outcome.
    pub fn fetches(&self, envoy: &Envoy) -> BTreeMap<String, u64> {
        let prefix = self.metric("fetches.outcome.");
        let stats = envoy.stats(&prefix).expect("statistics");
        let counters =
            stats.into_iter().filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?.to_owned(), value)));
        counters.filter(|(_, value)| *value > 0).collect()
    }
}

fn merge(into: &mut Value, settings: Value) {
    if let (Some(into), Value::Object(settings)) = (into.as_object_mut(), settings) {
        into.extend(settings);
    }
}

/// Where the keys of this issuer lie.
pub fn path(name: &str) -> String {
    format!("/{name}/keys")
}

/// Where its metadata lies.
pub fn metadata_path(name: &str) -> String {
    format!("/{name}{}", identity_provider::OPENID_CONFIGURATION)
}

/// A configuration with a route for each of these issuers, one that is open, and one issuer whose keys stand in it.
pub fn configuration<'i>(issuers: impl IntoIterator<Item = &'i Issuer>) -> Value {
    let profile = |issuer: &str, keys: Value| json!({ "issuer": issuer, "audiences": [AUDIENCE], "typ": ["at+jwt"], "keys": keys, "principal": { "id": "sub" } });
    let mut profiles = Map::new();
    let mut routes = Map::from_iter([("open".to_owned(), json!({ "path": "/open", "requires": [] }))]);
    let mut policies =
        "@id(\"open\") permit (principal is Anonymous, action, resource == Route::\"keys/open\");".to_owned();
    profiles.insert(
        "machines".to_owned(),
        profile("https://machines.example.com", json!({ "inline": machines_key_set() })),
    );
    for issuer in issuers {
        let name = issuer.name;
        profiles.insert(name.to_owned(), profile(&issuer.url(), issuer.keys.clone()));
        routes.insert(name.to_owned(), json!({ "path": format!("/{name}"), "requires": [name] }));
        policies.push_str(&format!(
            "@id(\"{name}\") permit (principal is {name}::User, action, resource == Route::\"keys/{name}\");"
        ));
    }
    json!({
        "version": 1, "issuers": profiles,
        "applications": { "keys": { "any_host": true, "requires": ["machines"], "routes": routes } },
        "policies": policies
    })
}

/// The providers, and the issuers of one Envoy.
pub struct KeyWorld {
    /// The example's identity provider, which is that of most other issuers too.
    pub login: Provider,
    /// The example's device provider.
    pub devices: Provider,
    pub elsewhere: Provider,
    issuers: BTreeMap<&'static str, Issuer>,
}

impl KeyWorld {
    /// Starts the providers; in a runtime.
    pub fn start() -> io::Result<Self> {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let login = identity_provider::start(any_port, Line::Http)?;
        let devices = device_provider::start(any_port, Line::Http)?;
        let elsewhere = identity_provider::start(any_port, Line::Http)?;
        let all = [key_faults::issuers(), outage::issuers(), discovery::issuers(), rotation::issuers()].concat();
        let issuers: BTreeMap<_, _> = all.into_iter().map(|issuer| (issuer.name, issuer)).collect();
        for issuer in issuers.values() {
            for provider in [&login, &elsewhere] {
                provider.publish(&path(issuer.name), &[&issuer.key]);
            }
        }
        discovery::publish(&login, &issuers);
        Ok(Self { login, devices, elsewhere, issuers })
    }

    /// One of the issuers.
    pub fn issuer(&self, name: &str) -> &Issuer {
        self.issuers.get(name).unwrap_or_else(|| panic!("there is no issuer `{name}`"))
    }

    /// The plugin configurations and the listeners that have them.
    pub fn configurations(&self) -> Vec<(&'static str, Value)> {
        let alone = [rotation::FLOODED, rotation::LOADED];
        let others = self.issuers.values().filter(|issuer| !alone.contains(&issuer.name));
        let mut all = vec![("keys", configuration(others))];
        all.extend(alone.map(|name| (name, configuration([self.issuer(name)]))));
        all
    }
}

/// Refused because keys are missing, which may be temporary.
pub fn unavailable(outcome: Outcome) {
    let answer = outcome.refused(503, "keys-unavailable");
    let pause: Option<u64> = answer.header("retry-after").and_then(|pause| pause.parse().ok());
    assert!(pause.is_some_and(|pause| (1..=30).contains(&pause)), "{}", answer.text());
}

/// Asks until it holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let held = Deadline::after(PATIENCE).poll(|| holds().then_some(()));
    assert!(held.is_some(), "never: {what}");
}

/// Waits until so much time has passed since an issuer's keys were last fetched that an unknown key makes it be asked at once.
pub fn rest(provider: &Provider, name: &str, interval: Duration) {
    let last = provider.visits(&path(name)).last().map(|visit| visit.at).unwrap_or_default();
    wait_until("the interval is over", || provider.uptime() > last + interval + COARSENESS);
}
