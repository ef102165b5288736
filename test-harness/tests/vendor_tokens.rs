//! The configurations of docs/providers.md, each with a token of the published form, and beside it the hostile ones that this
//! form invites. `envoy_e2e` sends the same tokens through Envoy.

mod vendors;

use std::fs;

use countersign_core::config::Plan;
use countersign_core::enforcement::decide;
use countersign_core::keys::{Effect, TrustStore, Verification};
use countersign_core::reply::Reply;
use countersign_core::request::RequestParts;
use countersign_core::telemetry::DecisionId;
use countersign_core::time::UnixSeconds;
use serde_json::Value;
use test_harness::page::with_inline_key;
use test_harness::paths;
use test_harness::tokens::HOST;
use vendors::{ALLOW, Change, Vendor};

const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

/// The code of the answer to a request with the changed token, or `allow` and the principal.
fn answer(vendor: &Vendor, plan: &Plan, change: &Change) -> (String, Option<String>) {
    let fields = vendor.fields(change);
    let own = [(":method", "GET"), (":authority", HOST), (":path", "/orders")];
    let headers = own.into_iter().chain(fields.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    let request = RequestParts { headers, ..RequestParts::default() };
    let trust = TrustStore::new(plan.key_sources(), 0);
    match decide(plan, Verification::by(&trust), request, NOW, &DecisionId::derive(&[7; 32], 0, NOW)).reply {
        Reply::Forward(forward) => {
            let principal = forward.set().find(|(name, _)| *name == "x-countersign-principal");
            (ALLOW.to_owned(), principal.map(|(_, value)| String::from_utf8_lossy(value).into_owned()))
        }
        Reply::Answer(answer) => {
            let body: Value = serde_json::from_str(&answer.body).expect("a problem document");
            (body["code"].as_str().expect("a code").to_owned(), None)
        }
    }
}

/// The configuration of a vendor compiles without a warning.
fn compiled(vendor: &Vendor, configuration: &Value) -> Plan {
    let (plan, warnings) =
        Plan::compile_value(configuration).unwrap_or_else(|errors| panic!("{}: {errors:#?}", vendor.heading()));
    assert!(warnings.is_empty(), "{}: {warnings:?}", vendor.heading());
    plan
}

/// Each hostile token is refused with its code, and the honest one beside it is allowed. Returns how many there were.
fn hold(vendor: &Vendor) -> usize {
    let plan = compiled(vendor, &with_inline_key(vendor.configuration().clone(), vendor.key().0));
    let rows = vendor.rows();
    let honest = (ALLOW.to_owned(), Some(vendor.principal().to_owned()));
    let mut wrong = Vec::new();
    for (expected, change) in &rows {
        assert_eq!(answer(vendor, &plan, &Change::default()), honest, "{}: the honest twin", vendor.heading());
        let (found, _) = answer(vendor, &plan, change);
        if found != *expected {
            wrong.push(format!("{found}, not {expected}: {change:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", vendor.heading(), wrong.join("\n"));
    rows.iter().filter(|(code, _)| *code != ALLOW).count()
}

#[test]
fn hostile_tokens_are_refused_and_their_honest_twins_are_allowed() {
    let vendors = vendors::ALL.iter().map(|(_, vendor)| vendor);
    let results: Vec<_> = vendors.map(|vendor| std::panic::catch_unwind(|| hold(&vendor(NOW.get())))).collect();
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(failed, 0, "vendors with a wrong answer, see above");
    let count: usize = results.into_iter().flatten().sum();
    let page = fs::read_to_string(paths::root().join(vendors::PAGE)).expect("the document");
    let says = format!("with {count} hostile tokens");
    assert!(page.contains(&says), "{} must say: {says}", vendors::PAGE);
}

#[test]
fn the_keys_are_fetched_where_the_vendor_publishes_them() {
    for (name, vendor) in vendors::ALL {
        let vendor = vendor(NOW.get());
        let plan = compiled(&vendor, vendor.configuration());
        let effects = TrustStore::new(plan.key_sources(), 0).tick(None, NOW);
        let asked = effects.iter().filter_map(|effect| match effect {
            Effect::Send(request) => Some(request.endpoint.url.to_string()),
            _ => None,
        });
        let (_, keys_at) = vendor.key();
        assert_eq!(asked.collect::<Vec<_>>(), [keys_at], "{name}");
    }
}
