//! Everything that a provider can answer but a key set: the set before it is kept, what was wrong is counted, and nothing else
//! happens.

use std::collections::BTreeMap;

use serde_json::json;
use test_harness::keys::{DemoKey, KEYS};
use test_harness::services::{Fault, Line};

use crate::bench::{Ask, Bench};
use crate::keys::{ELSEWHERE, Issuer, LOGIN, NOWHERE, SECOND, path, rest, unavailable, wait_until};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    what_is_no_key_set_keeps_the_old_one_and_is_counted_by_its_reason,
    a_cluster_that_envoy_does_not_have_is_counted_and_leaves_the_rest_alone,
];

/// The issuer whose provider speaks no HTTP any more.
const NOISE: &str = "noise";

/// The issuer whose cluster is missing.
const LOST: &str = "lost";

/// An issuer for each fault, the fault, and what it is counted as. Where not even a head comes, Envoy gives an answer of its own.
#[rustfmt::skip]
const FAULTS: &[(&str, Fault, &str)] = &[
    ("held",           Fault::Held,          "status"),
    ("trickle",        Fault::Trickle,       "no_answer"),
    ("truncated",      Fault::Truncated,     "no_answer"),
    ("error",          Fault::Status(500),   "status"),
    ("not_found",      Fault::Status(404),   "status"),
    ("too_many",       Fault::Status(429),   "status"),
    ("no_content",     Fault::Status(204),   "status"),
    ("redirect",       Fault::Redirect,      "redirect"),
    ("html",           Fault::Html,          "content_type"),
    ("plain",          Fault::ContentType,   "content_type"),
    ("gzip",           Fault::Gzip,          "content_encoding"),
    ("empty",          Fault::Empty,         "not_json"),
    ("trailing",       Fault::TrailingBytes, "not_json"),
    ("garbage",        Fault::Garbage,       "not_json"),
    ("duplicate",      Fault::DuplicateKeys, "not_json"),
    ("deep",           Fault::Deep,          "not_json"),
    ("huge",           Fault::Huge,          "too_large"),
    ("many",           Fault::ManyKeys,      "not_a_key_set"),
    ("large_modulus",  Fault::LargeModulus,  "no_usable_key"),
    ("no_keys",        Fault::NoKeys,        "no_usable_key"),
    ("shared",         Fault::SharedKey,     "shared_key"),
    ("mixed",          Fault::Mixed,         "taken"),
    ("private",        Fault::PrivateKey,    "taken"),
];

/// Nothing is fetched but at the start and for unknown keys.
pub fn issuers() -> Vec<Issuer> {
    let settings = json!({ "refresh": { "min": "1h", "max": "1h" }, "refetch_interval": "1s", "timeout": "1s" });
    let mut issuers: Vec<_> = FAULTS.iter().map(|(name, ..)| Issuer::at(name, LOGIN, settings.clone())).collect();
    issuers.push(Issuer::at(NOISE, ELSEWHERE, settings.clone()));
    issuers.push(Issuer::at(LOST, NOWHERE, settings));
    issuers
}

fn what_is_no_key_set_keeps_the_old_one_and_is_counted_by_its_reason(bench: &Bench) {
    let (envoy, world) = (&bench.envoy, &bench.keys);
    let cases: Vec<(&Issuer, &str)> = FAULTS
        .iter()
        .map(|(name, _, outcome)| (world.issuer(name), *outcome))
        .chain([(world.issuer(NOISE), "status")])
        .collect();
    for (issuer, _) in &cases {
        bench.ask(&issuer.good()).allowed();
        assert_eq!(issuer.fetches(envoy).get("taken"), Some(&1), "{}", issuer.name);
        rest(&world.login, issuer.name, SECOND);
    }
    for (name, fault, _) in FAULTS {
        world.login.set_fault(&path(name), *fault);
    }
    world.elsewhere.set_line(Line::Noise).expect("the port opens");

    // A token with an unknown key makes each provider be asked.
    std::thread::scope(|scope| {
        for (issuer, outcome) in &cases {
            scope.spawn(move || match *outcome {
                "taken" => drop(bench.ask(&issuer.unknown("unknown")).refused(401, "token-key")),
                _ => unavailable(bench.ask(&issuer.unknown("unknown"))),
            });
        }
    });
    let wrong: Vec<_> = cases
        .iter()
        .map(|(issuer, outcome)| (issuer.name, *outcome, issuer.fetches(envoy)))
        .filter(|(_, outcome, fetches)| match *outcome {
            "taken" => *fetches != BTreeMap::from([("taken".to_owned(), 2)]),
            outcome => {
                let others = fetches.iter().filter(|(name, _)| name.as_str() != outcome);
                !fetches.contains_key(outcome) || !others.eq([(&"taken".to_owned(), &1)])
            }
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (issuer, _) in &cases {
        bench.ask(&issuer.good()).allowed();
    }
    // What a set has beside good keys is not taken with them.
    for name in ["mixed", "private"] {
        let issuer = world.issuer(name);
        bench.ask(&issuer.ask(&issuer.token().key(&KEYS.rogue))).refused(401, "token-key");
    }
    let count = |name: &str, metric: &str| {
        let metric = world.issuer(name).metric(metric);
        envoy.stats(&metric).expect("statistics").get(&metric).copied().unwrap_or(0)
    };
    assert!(count("mixed", "skipped_keys") >= Fault::MIXED_KEYS && count("mixed", "private_keys") == 0);
    assert!(count("private", "skipped_keys") >= 1 && count("private", "private_keys") >= 1);
    assert!(world.login.visits("/moved/redirect/keys").is_empty(), "a redirect was followed");

    // When the provider is right again, so are the keys.
    world.elsewhere.set_line(Line::Http).expect("the port opens");
    let renewed: Vec<_> = cases.iter().map(|(issuer, _)| (*issuer, DemoKey::new("new"))).collect();
    for (issuer, new) in &renewed {
        for provider in [&world.login, &world.elsewhere] {
            provider.set_fault(&path(issuer.name), None);
            provider.publish(&path(issuer.name), &[new]);
        }
    }
    for (issuer, new) in &renewed {
        let ask = issuer.ask(&issuer.token().key(new));
        wait_until(&format!("new keys of {} are taken", issuer.name), || bench.ask(&ask).answer.status == 200);
        bench.ask(&issuer.good()).refused(401, "token-key");
    }
}

fn a_cluster_that_envoy_does_not_have_is_counted_and_leaves_the_rest_alone(bench: &Bench) {
    let lost = bench.keys.issuer(LOST);
    for _ in 0..4 {
        unavailable(bench.ask(&lost.good()));
        bench.ask(&Ask::get("/open").at("keys")).allowed();
    }
    let fetches = lost.fetches(&bench.envoy);
    assert!(fetches.get("not_sent").is_some_and(|count| *count >= 1) && fetches.len() == 1, "{fetches:?}");
}
