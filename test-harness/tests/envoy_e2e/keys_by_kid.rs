//! Keys that are fetched one by one, from a provider that has each in PEM under its `kid`. Each scenario has a listener
//! and a provider of its own, in an Envoy of one worker: workers do not share such keys, so its calls can be counted.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use test_harness::envoy::Envoy;
use test_harness::keys::DemoKey;
use test_harness::services::pem_provider::path;
use test_harness::services::{Fault, Line, Provider};

use crate::bench::{Bench, Outcome, plugin_listener};
use crate::doors::{Door, alb};
use crate::keys::{unavailable, wait_until};
use crate::vendors::ask;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_key_of_a_kid_is_fetched_once_when_a_token_names_it,
    a_kid_that_the_provider_does_not_have_is_remembered,
    a_kid_that_is_no_uuid_makes_no_call,
    made_up_kids_make_four_calls_and_disturb_no_key_that_is_held,
    what_is_no_key_of_its_kid_is_not_used,
    the_key_of_a_kid_is_unavailable_until_the_provider_is_back,
    the_key_of_a_kid_outlives_an_outage,
    the_key_of_a_new_kid_is_used_at_once_and_a_withdrawn_one_ends_at_its_refresh,
];

/// The name of a listener, which is that of its cluster too, and its intervals.
type Case = (&'static str, &'static str, &'static str);

/// `refetch_interval`, and both bounds of `refresh`.
const CASES: [Case; 8] = [
    ("once", "60s", "1h"),
    ("absent", "60s", "1h"),
    ("no-uuid", "60s", "1h"),
    ("made-up", "60s", "1h"),
    ("no-key", "60s", "1h"),
    ("down", "1s", "1h"),
    ("outlived", "1s", "5s"),
    ("rotated", "1s", "5s"),
];

/// The Envoy, and the providers by the name of the case.
pub struct KeysByKid {
    envoy: Envoy,
    providers: BTreeMap<&'static str, Provider>,
}

impl KeysByKid {
    /// Starts them.
    pub fn start(bench: &Bench) -> io::Result<Self> {
        let providers: BTreeMap<_, _> = CASES.map(|(name, ..)| (name, bench.pem_provider(Line::Http))).into();
        let mut bootstrap = bench.bootstrap_with(CASES.map(|case| listener(bench, case)));
        for (name, provider) in &providers {
            bootstrap.set_cluster(name, provider.address());
        }
        Ok(Self { envoy: bench.start_envoy_of(1, "keys-by-kid", &bootstrap)?, providers })
    }
}

fn listener(bench: &Bench, (name, interval, refresh): Case) -> Value {
    let keys = json!({
        "by_kid": "https://keys.example.com/base/", "cluster": name, "refetch_interval": interval,
        "refresh": { "min": refresh, "max": refresh },
    });
    plugin_listener(bench, name, &alb().configuration_with_keys(keys))
}

/// One case: its door, and what has its keys.
struct Desk<'b> {
    bench: &'b Bench,
    door: Door,
    name: &'static str,
    provider: &'b Provider,
}

impl<'b> Desk<'b> {
    fn of(bench: &'b Bench, name: &'static str) -> Self {
        Self { bench, door: alb(), name, provider: &bench.keys_by_kid().providers[name] }
    }

    /// A request with an honest token of this key, under its `kid`.
    fn ask(&self, key: &DemoKey) -> Outcome {
        let listener = self.bench.keys_by_kid().envoy.listener(self.name).expect("the listener is there");
        ask(self.bench, listener, &self.door.fields_of(key))
    }

    fn publish(&self, key: &Arc<DemoKey>) {
        self.provider.publish(&at(&key.kid), &[key]);
    }

    fn withdraw(&self, kid: &str) {
        self.provider.publish(&at(kid), &[]);
    }

    fn calls(&self, kid: &str) -> usize {
        self.provider.visits(&at(kid)).len()
    }

    fn all_calls(&self) -> usize {
        self.provider.all_visits().len()
    }
}

/// Where the key with this id is.
fn at(kid: &str) -> String {
    format!("/base{}", path(kid))
}

/// A new key under the UUID of this number.
fn key(number: u32) -> Arc<DemoKey> {
    DemoKey::new(&format!("12345678-1234-4234-8234-{number:012x}"))
}

fn the_key_of_a_kid_is_fetched_once_when_a_token_names_it(bench: &Bench) {
    let desk = Desk::of(bench, "once");
    let key = key(1);
    desk.publish(&key);
    assert_eq!(desk.all_calls(), 0, "nothing is known to ask for");
    // The first of them causes the call, and the others wait for the same answer.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| desk.ask(&key).allowed());
        }
    });
    for _ in 0..8 {
        desk.ask(&key).allowed();
    }
    let visits = desk.provider.all_visits();
    assert_eq!(visits.len(), 1, "{visits:?}");
    assert_eq!((visits[0].authority.as_str(), visits[0].path.as_str()), ("keys.example.com", at(&key.kid).as_str()));
}

fn a_kid_that_the_provider_does_not_have_is_remembered(bench: &Bench) {
    let desk = Desk::of(bench, "absent");
    let key = key(1);
    for _ in 0..4 {
        desk.ask(&key).refused(401, "token-key");
    }
    desk.publish(&key);
    desk.ask(&key).refused(401, "token-key");
    assert_eq!(desk.calls(&key.kid), 1, "asked once in an interval");
}

fn a_kid_that_is_no_uuid_makes_no_call(bench: &Bench) {
    let desk = Desk::of(bench, "no-uuid");
    for kid in [
        "../../latest/meta-data",
        "https://evil.example/key",
        "ABCDEFAB-1234-4234-8234-123456789ABC",
        "12345678-1234-4234-8234-123456789ab",
        "12345678-1234-4234-8234-123456789abcd",
        "12345678-1234-4234-8234-123456789ab/",
        "12345678-1234-4234-8234-123456789ab%",
        "12345678-1234-4234-8234-123456789abc?x",
        "12345678-1234-4234-8234-123456789abc#",
        "12345678123442348234123456789abc",
        "{12345678-1234-4234-8234-123456789abc}",
        "urn:uuid:12345678-1234-4234-8234-123456789abc",
        " 12345678-1234-4234-8234-123456789abc",
        "",
    ] {
        desk.ask(&DemoKey::new(kid)).refused(401, "token-key");
    }
    assert_eq!(desk.all_calls(), 0, "{:?}", desk.provider.all_visits());
}

fn made_up_kids_make_four_calls_and_disturb_no_key_that_is_held(bench: &Bench) {
    let desk = Desk::of(bench, "made-up");
    let held = key(0);
    desk.publish(&held);
    desk.ask(&held).allowed();
    for number in 1..4 {
        desk.ask(&key(number)).refused(401, "token-key");
    }
    assert_eq!(desk.all_calls(), 4);
    // From now on one in each interval.
    for number in 4..40 {
        let answer = desk.ask(&key(number)).refused(503, "keys-unavailable");
        let pause: Option<u64> = answer.header("retry-after").and_then(|pause| pause.parse().ok());
        assert!(pause.is_some_and(|pause| (1..=60).contains(&pause)), "{}", answer.text());
    }
    assert_eq!(desk.all_calls(), 4);
    desk.ask(&held).allowed();
    assert_eq!(desk.calls(&held.kid), 1);
}

fn what_is_no_key_of_its_kid_is_not_used(bench: &Bench) {
    let desk = Desk::of(bench, "no-key");
    let faults = [Fault::Html, Fault::Gzip, Fault::Huge, Fault::Redirect];
    for (number, fault) in (0..).zip(faults) {
        let key = key(number);
        desk.publish(&key);
        desk.provider.set_fault(&at(&key.kid), fault);
        desk.ask(&key).refused(503, "keys-unavailable");
        assert_eq!(desk.calls(&key.kid), 1, "{fault:?}");
    }
    assert_eq!(desk.all_calls(), faults.len(), "the redirect was not followed");
}

fn the_key_of_a_kid_is_unavailable_until_the_provider_is_back(bench: &Bench) {
    let desk = Desk::of(bench, "down");
    let key = key(1);
    desk.publish(&key);
    desk.provider.set_line(Line::Closed).expect("the port closes");
    for _ in 0..4 {
        unavailable(desk.ask(&key));
    }
    desk.provider.set_line(Line::Http).expect("the port opens");
    wait_until("the key is there", || desk.ask(&key).answer.status == 200);
    desk.ask(&key).allowed();
    assert_eq!(desk.calls(&key.kid), 1, "the calls before never arrived");
}

fn the_key_of_a_kid_outlives_an_outage(bench: &Bench) {
    let desk = Desk::of(bench, "outlived");
    let key = key(1);
    desk.publish(&key);
    desk.ask(&key).allowed();
    desk.provider.set_fault(&at(&key.kid), Fault::Status(500));
    wait_until("it was asked again, twice", || {
        desk.ask(&key).allowed();
        desk.calls(&key.kid) >= 3
    });
    desk.ask(&key).allowed();
}

fn the_key_of_a_new_kid_is_used_at_once_and_a_withdrawn_one_ends_at_its_refresh(bench: &Bench) {
    let desk = Desk::of(bench, "rotated");
    let (old, new, other) = (key(1), key(2), key(1));
    desk.publish(&old);
    desk.ask(&old).allowed();
    desk.publish(&new);
    desk.ask(&new).allowed();
    desk.ask(&old).allowed();
    // The provider has no such key any more.
    desk.withdraw(&old.kid);
    wait_until("the old key is gone", || match desk.ask(&old).answer {
        answer if answer.status == 200 => false,
        answer => {
            assert_eq!(answer.code().as_deref(), Some("token-key"), "{}", answer.text());
            true
        }
    });
    desk.ask(&new).allowed();
    // Another key under the same id.
    desk.publish(&other);
    wait_until("the other key is in force", || desk.ask(&other).answer.status == 200);
    desk.ask(&old).refused(401, "token-signature");
    desk.ask(&new).allowed();
}
