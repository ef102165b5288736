//! The configurations of docs/providers.md as they are written there, a listener each: with the tokens that each vendor
//! makes, and with the hostile ones of `../vendors`. Each vendor's cluster leads to a provider that has its keys where
//! the vendor publishes them, and nothing else.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use countersign_core::refusal::Reason;
use serde_json::Value;
use test_harness::clock::unix_seconds;
use test_harness::envoy::Envoy;
use test_harness::services::{Line, Provider};

use crate::bench::{Ask, Bench, Outcome, plugin_listener};
use crate::published::{ALL, ALLOW, Change, Vendor};
use crate::record::record;
use crate::{Scenario, doors, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    an_honest_token_of_each_vendor_is_allowed_and_its_record_says_who_and_by_what,
    each_vendor_is_asked_for_its_keys_where_it_publishes_them_and_for_nothing_else,
    hostile_tokens_that_each_vendors_form_invites_are_refused,
];

/// The Envoy with a listener for each vendor and each front door, and what is behind its clusters.
pub struct Vendors {
    pub envoy: Envoy,
    /// By the name of the cluster.
    providers: BTreeMap<String, Provider>,
}

impl Vendors {
    /// Starts them.
    pub fn start(bench: &Bench) -> io::Result<Self> {
        let mut providers = BTreeMap::new();
        let mut listeners = Vec::new();
        for (name, vendor) in ALL {
            let vendor = vendor(unix_seconds());
            let cluster = of_provider(&vendor, "/keys/cluster");
            let provider = providers.entry(cluster).or_insert_with(|| bench.identity_provider(Line::Http));
            let (key, url) = vendor.key();
            provider.publish(host_and_path(url).1, &[key]);
            listeners.push(plugin_listener(bench, name, vendor.configuration()));
        }
        for door in doors::all() {
            let provider = providers.entry(door.cluster().to_owned()).or_insert_with(|| bench.pem_provider(Line::Http));
            door.publish(provider);
            listeners.push(plugin_listener(bench, door.name, &door.configuration()));
        }
        let mut bootstrap = bench.bootstrap_with(listeners);
        for (cluster, provider) in &providers {
            bootstrap.set_cluster(cluster, provider.address());
        }
        Ok(Self { envoy: bench.start_envoy("vendors", &bootstrap)?, providers })
    }

    /// What is behind this cluster.
    pub fn provider(&self, cluster: &str) -> &Provider {
        &self.providers[cluster]
    }

    /// The address of this vendor's or door's listener.
    pub fn listener(&self, name: &str) -> SocketAddr {
        self.envoy.listener(name).expect("the listener is there")
    }
}

/// The name of the one provider that the page configures.
fn provider(vendor: &Vendor) -> (&'static str, String, &Value) {
    let configuration = vendor.configuration();
    let role = if configuration["devices"].is_object() { "devices" } else { "issuers" };
    let (name, provider) = configuration[role].as_object().and_then(|all| all.iter().next()).expect("a provider");
    (role, name.clone(), provider)
}

fn of_provider(vendor: &Vendor, pointer: &str) -> String {
    let (_, _, provider) = provider(vendor);
    provider.pointer(pointer).and_then(Value::as_str).expect("a string").to_owned()
}

fn host_and_path(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("https://").expect("a URL of https");
    rest.split_at(rest.find('/').expect("a path"))
}

/// A request to this listener with these header fields.
pub fn ask(bench: &Bench, listener: SocketAddr, fields: &[(&str, String)]) -> Outcome {
    bench.ask_at(listener, &fields.iter().fold(Ask::get("/orders"), |ask, (name, value)| ask.header(name, value)))
}

/// The code of a refusal, or [`ALLOW`].
pub fn found(outcome: &Outcome) -> String {
    if outcome.answer.status == 200 { ALLOW.to_owned() } else { outcome.answer.code().unwrap_or_default() }
}

/// It was answered as this code says, in full form.
pub fn is_answered(outcome: Outcome, code: &str) {
    match Reason::ALL.iter().find(|reason| reason.code() == code) {
        Some(reason) => drop(outcome.refused(reason.kind().status(), code)),
        None => drop(outcome.allowed()),
    }
}

/// The record of a request that was allowed, after a look at the principal that the upstream was told.
pub fn allowed_as(bench: &Bench, outcome: Outcome, principal: &str) -> Value {
    let received = outcome.allowed();
    assert_eq!(received.header("x-countersign-principal"), [principal]);
    let id = received.header("x-countersign-decision-id").concat();
    let line = bench.vendors().envoy.access_line(&id);
    let record = record(&line.unwrap_or_else(|| panic!("the access log has no line with {id}")));
    assert_eq!((&record["decision"], &record["principal"]), (&"allow".into(), &principal.into()), "{record}");
    record
}

fn an_honest_token_of_each_vendor_is_allowed_and_its_record_says_who_and_by_what(bench: &Bench) {
    for (listener, vendor) in ALL {
        let vendor = vendor(unix_seconds());
        let outcome = ask(bench, bench.vendors().listener(listener), &vendor.fields(&Change::default()));
        let record = allowed_as(bench, outcome, vendor.principal());
        match provider(&vendor) {
            ("devices", name, _) => {
                let evidence = &record["evidence"][name.as_str()];
                assert_eq!((&evidence["state"], &evidence["bound"]), (&"verified".into(), &true.into()), "{record}");
            }
            (_, name, _) => assert_eq!(record["authentication"]["issuer"], name, "{record}"),
        }
    }
}

fn each_vendor_is_asked_for_its_keys_where_it_publishes_them_and_for_nothing_else(bench: &Bench) {
    let mut published: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (listener, vendor) in ALL {
        let vendor = vendor(unix_seconds());
        is_answered(ask(bench, bench.vendors().listener(listener), &vendor.fields(&Change::default())), ALLOW);
        published.entry(of_provider(&vendor, "/keys/cluster")).or_default().push(vendor.key().1.to_owned());
    }
    for (cluster, published) in published {
        let visits = bench.vendors().provider(&cluster).all_visits();
        let asked: Vec<_> = visits.iter().map(|visit| format!("https://{}{}", visit.authority, visit.path)).collect();
        assert!(published.iter().all(|url| asked.contains(url)), "{cluster}: {asked:?}");
        assert!(asked.iter().all(|url| published.contains(url)), "{cluster}: {asked:?}");
    }
}

fn hostile_tokens_that_each_vendors_form_invites_are_refused(bench: &Bench) {
    let mut wrong = Vec::new();
    for (name, vendor) in ALL {
        let listener = bench.vendors().listener(name);
        // Of now, for each vendor again: some tokens are valid for a minute.
        let vendor = vendor(unix_seconds());
        let honest = || is_answered(ask(bench, listener, &vendor.fields(&Change::default())), ALLOW);
        honest();
        for (expected, change) in vendor.rows() {
            let outcome = ask(bench, listener, &vendor.fields(&change));
            match found(&outcome) {
                code if code == expected => is_answered(outcome, expected),
                code => wrong.push(format!("{}: {code}, not {expected}: {change:?}", vendor.heading())),
            }
        }
        honest();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (secrets, envoy) = (bench.secrets(), &bench.vendors().envoy);
    let secrets = aho_corasick::AhoCorasick::new(&secrets).expect("no more than it can take");
    for log in [envoy.log(), envoy.access_log()] {
        assert!(!secrets.is_match(&log), "a log holds a part of a token");
    }
}
