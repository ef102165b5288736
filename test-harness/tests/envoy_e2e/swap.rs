//! A configuration replaced under traffic, and more workers or fewer: every answer is one configuration's, whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use test_harness::clock::Deadline;
use test_harness::envoy::{Bootstrap, Envoy};
use test_harness::http1::Connection;
use test_harness::tokens::{ALICE, BOB, CAROL, REPORTER};

use crate::bench::{Ask, Bench, WORKERS, plugin_listener, strict_configuration};
use crate::configuration::publish;
use crate::record::record;
use crate::refusals;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    of_requests_under_replacements_none_is_lost_and_each_answer_is_one_configurations,
    the_number_of_workers_changes_no_decision,
];

const REPLACEMENTS: u64 = 5;
/// Of each client, whatever the replacements take.
const FEWEST_REQUESTS: usize = 100;

/// Between two replacements.
const FEWEST_ANSWERS: usize = 40;

/// What the clients are told and tell.
#[derive(Default)]
struct Traffic {
    done: AtomicBool,
    answers: AtomicUsize,
}

impl Traffic {
    /// Waits for so many more answers.
    fn flows(&self, answers: usize) -> io::Result<()> {
        let enough = self.answers.load(Ordering::SeqCst) + answers;
        let flows = Deadline::after(Duration::from_secs(30))
            .poll(|| (self.answers.load(Ordering::SeqCst) >= enough).then_some(()));
        flows.ok_or_else(|| io::Error::other("the clients get no answers"))
    }
}

/// Asks the same until it is told to end, so many times on each connection; Envoy may close one earlier, but has to say so. What is
/// given back is the status and the decision's id of each answer.
fn client(bench: &Bench, envoy: &Envoy, traffic: &Traffic, per_connection: usize) -> io::Result<Vec<(u16, String)>> {
    let address = envoy.listener("live")?;
    let mut connection = Connection::open(address)?;
    let mut seen = Vec::new();
    while !traffic.done.load(Ordering::SeqCst) || seen.len() < FEWEST_REQUESTS {
        let (mut request, test_id) = bench.prepare(&Ask::get("/api/orders/7").by(ALICE));
        request.headers.retain(|(name, _)| name != "connection");
        connection.send(&request.head())?;
        let answer = connection.answer(true)?;
        let received = bench.upstream.received(&test_id);
        let id = match (answer.status, received) {
            (200, Some(received)) => received.header("x-countersign-decision-id").concat(),
            (403, None) if answer.code().as_deref() == Some("not-permitted") => {
                answer.decision_id().unwrap_or_default()
            }
            _ => return Err(io::Error::other(format!("neither configuration's answer: {}", answer.text()))),
        };
        seen.push((answer.status, id));
        traffic.answers.fetch_add(1, Ordering::SeqCst);
        if answer.header("connection") == Some("close") || seen.len() % per_connection == 0 {
            connection = Connection::open(address)?;
        }
    }
    Ok(seen)
}

/// The records in an Envoy's access log by their ids, once all of these are there.
fn records(envoy: &Envoy, ids: &BTreeSet<&str>) -> BTreeMap<String, Value> {
    let all = Deadline::after(Duration::from_secs(10)).poll(|| {
        let log = envoy.access_log();
        let whole = log.lines().filter(|line| line.ends_with('}')).map(record);
        let records: BTreeMap<String, Value> =
            whole.filter_map(|record| Some((record["decision_id"].as_str()?.to_owned(), record))).collect();
        ids.iter().all(|id| records.contains_key(*id)).then_some(records)
    });
    all.expect("each answer has its record")
}

fn of_requests_under_replacements_none_is_lost_and_each_answer_is_one_configurations(bench: &Bench) {
    let folder = bench.folder.join("swap");
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("listeners.json");
    let open = bench.example.plugin_configuration();
    let mut closed = open.clone();
    let policies = open["policies"].as_str().expect("one text");
    closed["policies"] = json!(policies.replace("context.mdm.score >= 60", "context.mdm.score >= 99"));
    assert_ne!(open, closed);
    publish(bench, &file, &open);
    let mut bootstrap: Bootstrap = bench.example.clone();
    bootstrap.listeners_from_file(&file);
    let envoy = Envoy::start(&bench.binary, &bootstrap, WORKERS, &folder).expect("envoy starts");
    let traffic = Traffic::default();
    let seen: Vec<(u16, String)> = std::thread::scope(|scope| {
        let (envoy, traffic) = (&envoy, &traffic);
        // Some keep to the listener that they began with, others follow each replacement.
        let clients: Vec<_> = [1, 2, 10, 1_000_000]
            .into_iter()
            .map(|per_connection| scope.spawn(move || client(bench, envoy, traffic, per_connection)))
            .collect();
        let replaced = (1..=REPLACEMENTS).try_for_each(|replacement| {
            traffic.flows(FEWEST_ANSWERS)?;
            publish(bench, &file, if replacement % 2 == 1 { &closed } else { &open });
            envoy.wait_for_stat("listener_manager.lds.update_success", replacement + 1)
        });
        let replaced = replaced.and_then(|()| traffic.flows(FEWEST_ANSWERS));
        traffic.done.store(true, Ordering::SeqCst);
        replaced.expect("envoy takes each replacement");
        clients.into_iter().flat_map(|client| client.join().expect("no panic").expect("no request is lost")).collect()
    });

    let ids: BTreeSet<&str> = seen.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(ids.len(), seen.len(), "each decision has its own id");
    let records = records(&envoy, &ids);
    let answers: BTreeSet<(u16, String)> =
        seen.iter().map(|(status, id)| (*status, records[id]["config"].to_string())).collect();
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 403], "each configuration answers in its own way only: {answers:?}");
    let digests: BTreeSet<&String> = answers.iter().map(|(_, digest)| digest).collect();
    assert_eq!(digests.len(), 2, "{answers:?}");

    let address = envoy.listener("live").expect("the listener is there");
    let ask = Ask::get("/api/orders/7").by(ALICE);
    let settled = Deadline::after(Duration::from_secs(10))
        .poll(|| (bench.ask_at(address, &ask).answer.status == 403).then_some(()));
    assert!(settled.is_some(), "the last configuration is not in force");
}

fn the_number_of_workers_changes_no_decision(bench: &Bench) {
    let allowed: [fn() -> Ask; 4] = [
        || Ask::get("/healthz"),
        || Ask::get("/api/orders/7").by(ALICE),
        || Ask::new("DELETE", "/api/orders/7").by(CAROL),
        || Ask::get("/api/report").by(REPORTER),
    ];
    for workers in [1, 2, 4] {
        let folder = bench.folder.join(format!("workers-{workers}"));
        fs::create_dir_all(&folder).expect("a folder");
        let mut bootstrap = bench.example.clone();
        bootstrap.push_listener(plugin_listener(bench, "strict", &strict_configuration()));
        let envoy = Envoy::start(&bench.binary, &bootstrap, workers, &folder).expect("envoy starts");
        let ask = |ask: &Ask| bench.ask_at(envoy.listener(ask.listener).expect("the listener is there"), ask);
        for case in refusals::cases() {
            ask(&(case.ask)()).refused(case.status, case.code);
        }
        // The kernel spreads connections over the workers: with so many each of them answers some.
        for _ in 0..2 * workers {
            for allowed in allowed {
                ask(&allowed()).allowed();
            }
            ask(&Ask::get("/api/orders/7").by(BOB)).refused(403, "not-permitted");
        }
    }
}
