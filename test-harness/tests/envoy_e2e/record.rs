//! A decision can be explained: one id in the answer, the access log and Envoy's log, counters, and no token anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aho_corasick::AhoCorasick;
use countersign_core::telemetry::record_schema;
use serde_json::{Value, json};
use test_harness::clock::Deadline;
use test_harness::envoy::Envoy;
use test_harness::services::{Fault, Line};
use test_harness::tokens::{ALICE, BOB, Token};

use crate::bench::{Ask, Bench, WORKERS, plugin_listener};
use crate::json_schema::is_valid;
use crate::keys::{Issuer, LOGIN, configuration, path};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_refusal_has_one_id_in_the_answer_the_access_log_and_the_log,
    an_allow_has_one_id_at_the_upstream_and_in_the_access_log,
    a_record_says_who_asked_with_what_and_which_policy_decided,
    a_record_says_what_the_decision_took_and_on_which_device,
    a_record_says_how_long_its_request_waited_for_keys,
    a_record_names_the_policies_that_came_nearest,
    decisions_are_counted_by_outcome_and_reason,
    the_path_and_query_of_a_request_are_not_in_its_record,
];

/// After all other scenarios.
pub const SCENARIOS_AFTERWARDS: &[Scenario] = scenarios![
    no_log_holds_any_part_of_a_token,
    every_record_is_valid_under_the_schema_of_records,
    the_module_never_trapped_and_envoy_still_answers,
];

/// The decision record in an access line.
pub fn record(line: &str) -> Value {
    let start = line.find('{').expect("the line holds a record");
    serde_json::from_str(&line[start..]).expect("the record is JSON")
}

/// The decision record with this id, from the access log.
pub fn record_of(bench: &Bench, decision_id: &str) -> Value {
    let line = bench.envoy.access_line(decision_id);
    record(&line.unwrap_or_else(|| panic!("the access log has no line with {decision_id}")))
}

/// The records in an Envoy's access log by their ids, once all of these are there.
pub fn records(envoy: &Envoy, ids: &BTreeSet<&str>) -> BTreeMap<String, Value> {
    let all = Deadline::after(Duration::from_secs(10)).poll(|| {
        let log = envoy.access_log();
        let whole = log.lines().filter(|line| line.ends_with('}')).map(record);
        let records: BTreeMap<String, Value> =
            whole.filter_map(|record| Some((record["decision_id"].as_str()?.to_owned(), record))).collect();
        ids.iter().all(|id| records.contains_key(*id)).then_some(records)
    });
    all.expect("each answer has its record")
}

fn a_refusal_has_one_id_in_the_answer_the_access_log_and_the_log(bench: &Bench) {
    let answer = bench.ask(&Ask::get("/api/orders/7").by(BOB)).refused(403, "not-permitted");
    let id = answer.decision_id().expect("the answer has an id");
    let record = record_of(bench, &id);
    assert_eq!((&record["decision"], &record["reason"]), (&"deny".into(), &"not-permitted".into()));
    assert_eq!(record["status"], 403);
    let logged = Deadline::after(Duration::from_secs(5)).poll(|| bench.envoy.log().contains(&id).then_some(()));
    assert!(logged.is_some(), "envoy's log has no line with {id}");
}

fn an_allow_has_one_id_at_the_upstream_and_in_the_access_log(bench: &Bench) {
    let received = bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
    let record = record_of(bench, &received.header("x-countersign-decision-id").concat());
    assert_eq!((&record["decision"], &record["reason"]), (&"allow".into(), &"permitted".into()));
}

fn a_record_says_who_asked_with_what_and_which_policy_decided(bench: &Bench) {
    let received = bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
    let record = record_of(bench, &received.header("x-countersign-decision-id").concat());
    assert_eq!(record["schema_version"], 1);
    assert_eq!(record["application"], "shop");
    assert_eq!(record["route"], "orders");
    assert_eq!(record["action"], "GET");
    assert_eq!(record["path"], "/api/orders/{id}");
    assert_eq!(record["principal"], r#"corp::User::"alice""#);
    assert_eq!(record["authentication"]["issuer"], "corp");
    assert_eq!(record["evidence"]["mdm"]["state"], "verified");
    assert_eq!(record["evidence"]["mdm"]["bound"], true);
    assert_eq!(record["policies"], json!(["staff-read"]));
}

fn a_record_says_what_the_decision_took_and_on_which_device(bench: &Bench) {
    let mut tokens = Vec::new();
    // Each worker verifies a token once, so one of so many requests meets what another one left.
    let used_nowhere_else = Token::of(ALICE).claim("jti", json!("what-a-decision-takes"));
    let ask = Ask::get("/api/orders/7").token(used_nowhere_else.sign()).posture(Token::about("laptop-1").sign());
    for _ in 0..=WORKERS {
        let received = bench.ask(&ask).allowed();
        let record = record_of(bench, &received.header("x-countersign-decision-id").concat());
        assert_eq!(record["evidence"]["mdm"]["device"], "laptop-1");
        let is_hit = record["cache"]["tokens"] == "hit";
        // The first requests of a worker may still wait for its keys.
        assert!(!is_hit || record["waited_us"] == 0, "{record}");
        let latency = record["latency_us"].as_u64().expect("a latency");
        // Signatures alone take some microseconds, and reading two remembered tokens does too. A clock that stood still
        // within a callback would show 0.
        assert!((5..5_000_000).contains(&latency), "{latency}");
        tokens.push(record["cache"]["tokens"].clone());
    }
    assert!(tokens.contains(&"miss".into()) && tokens.contains(&"hit".into()), "{tokens:?}");
    let anonymous = bench.ask(&Ask::get("/api/orders/7")).refused(401, "credential-missing");
    let record = record_of(bench, &anonymous.decision_id().expect("an id"));
    assert!(record["latency_us"].as_u64().is_some_and(|latency| latency > 0), "{record}");
    assert_eq!(record["cache"]["tokens"], Value::Null);
}

fn a_record_says_how_long_its_request_waited_for_keys(bench: &Bench) {
    let slow = Issuer::at("slow", LOGIN, json!({ "timeout": "5s" }));
    let provider = bench.identity_provider(Line::Http);
    provider.publish(&path(slow.name), &[&slow.key]);
    provider.set_fault(&path(slow.name), Fault::Slow(Duration::from_secs(2)));
    let mut bootstrap = bench.bootstrap_with([plugin_listener(bench, "main", &configuration([&slow]))]);
    bootstrap.set_cluster(LOGIN, provider.address());
    let envoy = bench.start_envoy_of(1, "slow-keys", &bootstrap).expect("envoy starts");
    let address = envoy.listener("main").expect("the listener is there");
    let received = bench.ask_at(address, &slow.good()).allowed();
    let line = envoy.access_line(&received.header("x-countersign-decision-id").concat());
    let record = record(&line.expect("the access log has a line"));
    let [latency, waited] = ["latency_us", "waited_us"].map(|name| record[name].as_u64().expect("a number"));
    assert!(waited < latency && (50_000..5_500_000).contains(&waited), "{record}");
}

fn a_record_names_the_policies_that_came_nearest(bench: &Bench) {
    let low = Token::about("laptop-1").claim("score", 59.into()).sign();
    let ask = Ask::get("/api/orders/7").token(Token::of(ALICE).sign()).posture(low);
    let id = bench.ask(&ask).refused(403, "not-permitted").decision_id().expect("an id");
    assert_eq!(record_of(bench, &id)["near_misses"][0]["policy"], "staff-read");
}

fn decisions_are_counted_by_outcome_and_reason(bench: &Bench) {
    let count = |name: &str| {
        let stats = bench.envoy.stats("wasmcustom.countersign.decisions").expect("statistics");
        stats.iter().filter(|(stat, _)| stat.contains(name)).map(|(_, value)| value).sum::<u64>()
    };
    let (denied, allowed) = ("outcome.deny.reason.token_audience", "outcome.allow.reason.permitted");
    let before = (count(denied), count(allowed));
    let other = Token::of(ALICE).claim("aud", "ledger".into()).sign();
    bench.ask(&Ask::get("/api/orders/7").token(other)).refused(401, "token-audience");
    bench.ask(&Ask::get("/healthz")).allowed();
    let after = (count(denied), count(allowed));
    assert!(after.0 > before.0 && after.1 > before.1, "{before:?} {after:?}");
}

fn the_path_and_query_of_a_request_are_not_in_its_record(bench: &Bench) {
    let ask = Ask::get("/api/orders/unmistakable-path?code=unmistakable-query");
    let id = bench.ask(&ask).refused(401, "credential-missing").decision_id().expect("an id");
    let record = record_of(bench, &id).to_string();
    assert!(!record.contains("unmistakable"), "{record}");
}

fn no_log_holds_any_part_of_a_token(bench: &Bench) {
    let secrets = bench.secrets();
    assert!(!secrets.is_empty());
    // There are thousands, and megabytes of logs: they are sought all at once.
    let secrets = AhoCorasick::new(&secrets).expect("no more than it can take");
    for log in [bench.envoy.log(), bench.envoy.access_log()] {
        assert!(!secrets.is_match(&log), "a log holds a part of a token");
    }
}

fn every_record_is_valid_under_the_schema_of_records(bench: &Bench) {
    bench.ask(&Ask::get("/api/orders/7").by(ALICE)).allowed();
    bench.ask(&Ask::get("/api/orders/7").by(BOB)).refused(403, "not-permitted");
    let schema = record_schema();
    let log = bench.envoy.access_log();
    let records: Vec<Value> = log.lines().filter(|line| line.contains("\"decision_id\"")).map(record).collect();
    assert!(!records.is_empty());
    for record in records {
        assert!(is_valid(&schema, &record), "{record}");
        for name in schema["required"].as_array().expect("names") {
            let mut without = record.clone();
            without.as_object_mut().expect("an object").remove(name.as_str().expect("a name"));
            assert!(!is_valid(&schema, &without), "{name} may be absent");
        }
    }
}

fn the_module_never_trapped_and_envoy_still_answers(bench: &Bench) {
    let log = bench.envoy.log();
    for word in ["panicked", "RuntimeError", "unreachable"] {
        assert!(!log.contains(word), "{}", log.lines().find(|line| line.contains(word)).unwrap_or_default());
    }
    bench.ask(&Ask::get("/healthz")).allowed();
}
