//! A configuration replaced under traffic: every answer is one configuration's, whole.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use serde_json::json;
use test_harness::answer::Answer;
use test_harness::clock::Deadline;
use test_harness::envoy::Envoy;
use test_harness::http1::Connection;
use test_harness::services::{Fault, Line, Received};
use test_harness::tokens::ALICE;

use crate::bench::{Ask, Bench, WORKERS};
use crate::configuration::{Watched, publish};
use crate::keys::{Issuer, LOGIN, WAITING as WAITING_GAUGE, configuration, path, wait_until};
use crate::record::records;
use crate::traffic::{Traffic, wrong};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    of_requests_under_replacements_none_is_lost_and_each_answer_is_one_configurations,
    requests_that_wait_for_keys_while_their_configuration_is_replaced_are_answered,
];

const REPLACEMENTS: u64 = 5;
/// Of each client, whatever the replacements take.
const FEWEST_REQUESTS: usize = 100;

/// Between two replacements.
const FEWEST_ANSWERS: usize = 40;

/// The status and the decision's id of an answer by one of the two configurations.
fn judge(answer: &Answer, received: Option<Received>) -> io::Result<(u16, String)> {
    match (answer.status, received) {
        (200, Some(received)) => Ok((200, received.header("x-countersign-decision-id").concat())),
        (403, None) if answer.code().as_deref() == Some("not-permitted") => {
            Ok((403, answer.decision_id().unwrap_or_default()))
        }
        _ => Err(wrong(answer)),
    }
}

fn of_requests_under_replacements_none_is_lost_and_each_answer_is_one_configurations(bench: &Bench) {
    let open = bench.example.plugin_configuration();
    let mut closed = open.clone();
    let policies = open["policies"].as_str().expect("one text");
    closed["policies"] = json!(policies.replace("context.mdm.score >= 60", "context.mdm.score >= 99"));
    assert_ne!(open, closed);
    let Watched { folder, file, bootstrap } = Watched::new(bench, "swap", &open);
    let envoy = Envoy::start(&bench.binary, &bootstrap, WORKERS, &folder).expect("envoy starts");
    let traffic = Traffic::default();
    let seen: Vec<(u16, String)> = std::thread::scope(|scope| {
        let (envoy, traffic) = (&envoy, &traffic);
        let live = envoy.listener("live").expect("the listener is there");
        // Some keep to the listener that they began with, others follow each replacement.
        let clients: Vec<_> = [1, 2, 10, 1_000_000]
            .into_iter()
            .map(|per_connection| {
                let ask = || Ask::get("/api/orders/7").by(ALICE);
                scope.spawn(move || traffic.client(bench, live, (FEWEST_REQUESTS, per_connection), ask, judge))
            })
            .collect();
        let replaced = (1..=REPLACEMENTS).try_for_each(|replacement| {
            traffic.flows(FEWEST_ANSWERS)?;
            publish(bench, &file, if replacement % 2 == 1 { &closed } else { &open });
            envoy.wait_for_stat("listener_manager.lds.update_success", replacement + 1)
        });
        let replaced = replaced.and_then(|()| traffic.flows(FEWEST_ANSWERS));
        traffic.end();
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

/// Requests under each of the two configurations.
const WAITING: u64 = 8;

/// The new configuration waits for what the old one asked for.
fn requests_that_wait_for_keys_while_their_configuration_is_replaced_are_answered(bench: &Bench) {
    let issuer = Issuer::at("swapped", LOGIN, json!({ "timeout": "20s" }));
    let provider = bench.identity_provider(Line::Http);
    provider.publish(&path(issuer.name), &[&issuer.key]);
    provider.set_fault(&path(issuer.name), Fault::Held);
    let old = configuration([&issuer]);
    let mut new = old.clone();
    new["limits"] = json!({ "max_headers": 50 });
    let Watched { file, mut bootstrap, .. } = Watched::new(bench, "swap-waiting", &old);
    bootstrap.set_cluster(LOGIN, provider.address());
    let envoy = bench.start_envoy("swap-waiting", &bootstrap).expect("envoy starts");
    let waiting = |count: u64| {
        wait_until("all wait", || envoy.stats(WAITING_GAUGE).expect("statistics").get(WAITING_GAUGE) == Some(&count));
    };
    let send = || {
        let (request, _) = bench.prepare(&issuer.good());
        let address = envoy.listener("live").expect("the listener is there");
        let mut connection = Connection::open(address).expect("a connection");
        connection.send(&request.head()).expect("sent");
        connection
    };
    let mut connections: Vec<Connection> = (0..WAITING).map(|_| send()).collect();
    waiting(WAITING);
    publish(bench, &file, &new);
    envoy.wait_for_stat("listener_manager.lds.update_success", 2).expect("envoy takes it");
    connections.extend((0..WAITING).map(|_| send()));
    waiting(2 * WAITING);
    provider.set_fault(&path(issuer.name), None);
    for connection in &mut connections {
        let answer = connection.answer(true).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(provider.visits(&path(issuer.name)).len(), 1, "one fetch serves both configurations");
}
