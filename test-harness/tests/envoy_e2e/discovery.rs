//! Keys by way of the issuer's metadata, and metadata that leads elsewhere.

use std::collections::BTreeMap;

use serde_json::json;
use test_harness::keys::DemoKey;
use test_harness::services::{Fault, Provider};

use crate::bench::Bench;
use crate::keys::{ELSEWHERE, Issuer, LOGIN, SECOND, metadata_path, path, rest, unavailable, wait_until};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    metadata_leads_to_keys,
    metadata_is_where_the_issuers_name_says,
    keys_on_another_host_are_fetched_through_the_cluster_that_is_named_for_it,
    metadata_that_leads_elsewhere_keeps_the_old_keys_and_is_counted,
];

/// The issuer whose metadata is right.
const DISCOVERED: &str = "discovered";

/// The issuer whose metadata is found by its name.
const NAMED: &str = "named";

/// The issuer whose keys lie on another host than its metadata.
const FAR: &str = "far";

/// That host.
const FAR_HOST: &str = "keys.example.net";

/// An issuer for each fault of metadata, the fault, and what it is counted as.
#[rustfmt::skip]
const FAULTS: &[(&str, Fault, &str)] = &[
    ("of_another",    Fault::OtherIssuer,   "metadata"),
    ("to_elsewhere",  Fault::KeysElsewhere, "metadata"),
    ("no_metadata",   Fault::Garbage,       "not_json"),
    ("page",          Fault::Html,          "content_type"),
    ("redirected",    Fault::Redirect,      "redirect"),
];

pub fn issuers() -> Vec<Issuer> {
    let settings = json!({ "refresh": { "min": "1h", "max": "1h" }, "refetch_interval": "1s", "timeout": "1s" });
    let names = FAULTS.iter().map(|(name, ..)| *name).chain([DISCOVERED]);
    let mut issuers: Vec<_> = names.map(|name| Issuer::discovered(name, settings.clone())).collect();
    issuers.push(Issuer::with(NAMED, json!({ "discovery": true, "cluster": LOGIN })));
    let far = json!({ "discovery": true, "cluster": LOGIN, "jwks": { "host": FAR_HOST, "cluster": ELSEWHERE } });
    issuers.push(Issuer::with(FAR, far));
    issuers
}

/// Metadata of issuers that are found by their names, over https as far as URLs tell.
pub fn publish(login: &Provider, issuers: &BTreeMap<&'static str, Issuer>) {
    for (name, host) in [(NAMED, "login.example.com"), (FAR, FAR_HOST)] {
        let keys = format!("https://{host}{}", path(name));
        login.set_document(&metadata_path(name), json!({ "issuer": issuers[name].url(), "jwks_uri": keys }));
    }
}

fn metadata_leads_to_keys(bench: &Bench) {
    let (issuer, login) = (bench.keys.issuer(DISCOVERED), &bench.keys.login);
    bench.ask(&issuer.good()).allowed();
    rest(login, DISCOVERED, SECOND);
    let visits = || (login.visits(&metadata_path(DISCOVERED)).len(), login.visits(&path(DISCOVERED)).len());
    let (metadata, keys) = visits();
    assert_eq!(metadata, keys, "each fetch reads the metadata and then the keys");
    assert_eq!(login.visits(&path(DISCOVERED))[0].authority, "login.example.com");
    let new = DemoKey::new("discovered-2");
    login.publish(&path(DISCOVERED), &[&new]);
    let ask = issuer.ask(&issuer.token().key(&new));
    wait_until("the new key is taken", || bench.ask(&ask).answer.status == 200);
    assert_eq!(visits(), (metadata + 1, keys + 1));
}

fn metadata_is_where_the_issuers_name_says(bench: &Bench) {
    bench.ask(&bench.keys.issuer(NAMED).good()).allowed();
    assert_eq!(bench.keys.login.visits(&metadata_path(NAMED))[0].authority, "login.example.com");
}

fn keys_on_another_host_are_fetched_through_the_cluster_that_is_named_for_it(bench: &Bench) {
    bench.ask(&bench.keys.issuer(FAR).good()).allowed();
    assert_eq!(bench.keys.elsewhere.visits(&path(FAR))[0].authority, FAR_HOST);
    assert!(bench.keys.login.visits(&path(FAR)).is_empty());
}

fn metadata_that_leads_elsewhere_keeps_the_old_keys_and_is_counted(bench: &Bench) {
    let login = &bench.keys.login;
    for (name, fault, _) in FAULTS {
        bench.ask(&bench.keys.issuer(name).good()).allowed();
        rest(login, name, SECOND);
        login.set_fault(&metadata_path(name), *fault);
    }
    std::thread::scope(|scope| {
        for (name, ..) in FAULTS {
            let issuer = bench.keys.issuer(name);
            scope.spawn(move || unavailable(bench.ask(&issuer.unknown("unknown"))));
        }
    });
    for (name, _, outcome) in FAULTS {
        let issuer = bench.keys.issuer(name);
        let mut fetches = issuer.fetches(&bench.envoy);
        assert_eq!(fetches.remove("taken"), Some(1), "{name}");
        assert!(fetches.remove(*outcome) >= Some(1) && fetches.is_empty(), "{name}: {fetches:?}");
        assert_eq!(login.visits(&path(name)).len(), 1, "{name}: only the first metadata led to keys");
        bench.ask(&issuer.good()).allowed();
    }
}
