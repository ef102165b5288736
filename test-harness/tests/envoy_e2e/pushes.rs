//! The plugin's configuration changed in a running Envoy by ECDS, from a file and over gRPC, and what LDS does in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use test_harness::clock::{Deadline, Stopwatch};
use test_harness::envoy::{Bootstrap, Envoy, extension};
use test_harness::http1::Connection;
use test_harness::services::{ControlPlane, Fault, Line, Verdict};
use test_harness::tokens::{ALICE, CAROL};

use crate::bench::{Ask, Bench, WORKERS};
use crate::configuration::{Watched, publish};
use crate::holding_back::upgrade;
use crate::keys::{self, Issuer, LOGIN, WAITING, wait_until};
use crate::record::records;
use crate::traffic::{Traffic, wrong};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    of_requests_under_pushes_from_a_file_none_fails_and_each_is_decided_by_one_configuration,
    of_requests_under_pushes_over_grpc_none_fails_and_each_is_decided_by_one_configuration,
    a_wrong_push_is_rejected_the_old_rules_stay_and_the_next_push_works,
    until_a_first_good_push_nothing_gets_through,
    requests_that_wait_for_keys_during_a_push_are_decided_by_the_rules_that_they_came_under,
    a_stream_that_was_allowed_continues_after_a_push_that_denies_it,
    a_push_of_a_listener_leaves_open_connections_with_the_old_rules_until_they_are_drained,
];

/// Pushes under load, of each way: 200 in each Envoy.
const PUSHES: u64 = 100;
/// Answers between two pushes.
const FEWEST_ANSWERS: usize = 8;
/// Of each client.
const FEWEST_REQUESTS: usize = 100;
/// Pushes before memory is looked at: by then Envoy's allocator and the module have what they need in any case.
const WARM_UP: u64 = 40;
/// How much Envoy may grow by in the pushes after that, see `docs/deployment.md`.
const GROWTH_KIB: u64 = 16 * 1024;

/// How a configuration gets to Envoy.
enum Way {
    File(PathBuf),
    Grpc(ControlPlane),
}

/// An Envoy with the example's listener, whose plugin is discovered.
struct Pushed<'b> {
    bench: &'b Bench,
    way: Way,
    envoy: Envoy,
}

impl<'b> Pushed<'b> {
    /// Starts Envoy with this as the first extension.
    fn start(bench: &'b Bench, name: &str, over_grpc: bool, first: &Value) -> Self {
        Self::start_from(bench.example.clone(), bench, name, over_grpc, first)
    }

    /// The same, from another bootstrap than the example's.
    fn start_from(mut bootstrap: Bootstrap, bench: &'b Bench, name: &str, over_grpc: bool, first: &Value) -> Self {
        let folder = bench.folder.join(name);
        fs::create_dir_all(&folder).expect("a folder");
        bootstrap.name_node();
        let (way, filter) = if over_grpc {
            let control_plane = bench.control_plane();
            bootstrap.set_cluster_over_http2(extension::CONTROL_PLANE, control_plane.address());
            control_plane.push(first);
            (Way::Grpc(control_plane), extension::filter_over_grpc())
        } else {
            let file = folder.join("countersign.json");
            extension::publish(&file, first).expect("written");
            (Way::File(file.clone()), extension::filter_from_file(&file))
        };
        bootstrap.replace_plugin(&filter);
        let envoy = bench.start_envoy(name, &bootstrap).expect("envoy starts");
        // Envoy counts the first extension a moment after it is ready.
        let counted = || envoy.extension_changes().is_ok_and(|changes| changes != (0, 0)).then_some(());
        Deadline::after(Duration::from_secs(10)).poll(counted).expect("envoy counts the first extension");
        Self { bench, way, envoy }
    }

    fn address(&self) -> SocketAddr {
        self.envoy.listener("main").expect("the listener is there")
    }

    /// Pushes an extension, and waits until Envoy has taken it over in all workers, or has rejected it: then `Err` has what it
    /// said.
    fn push(&self, pushed: &Value) -> io::Result<Verdict> {
        let changes = || self.envoy.extension_changes();
        let before = changes()?;
        let version = match &self.way {
            Way::File(file) => {
                extension::publish(file, pushed)?;
                None
            }
            Way::Grpc(control_plane) => Some((control_plane, control_plane.push(pushed))),
        };
        let silent = || io::Error::other(format!("envoy says nothing of the push: {}", self.envoy.log()));
        let deadline = Deadline::after(Duration::from_secs(30));
        let (_, rejected) = deadline.poll(|| changes().ok().filter(|now| *now != before)).ok_or_else(silent)?;
        let is_taken = rejected == before.1;
        if !is_taken {
            // Envoy counts it as dealt with too, once all workers have: not to be taken for the next one.
            let _counted =
                Deadline::after(Duration::from_secs(1)).poll(|| changes().ok().filter(|now| now.0 > before.0));
        }
        let Some((control_plane, version)) = version else {
            return Ok(if is_taken { Ok(()) } else { Err(self.envoy.log()) });
        };
        let verdict = deadline.poll(|| control_plane.verdict(version)).ok_or_else(silent)?;
        if verdict.is_ok() == is_taken {
            return Ok(verdict);
        }
        Err(io::Error::other(format!("envoy told the control plane {verdict:?}, and did otherwise")))
    }

    fn extension(&self, configuration: &Value) -> Value {
        extension::extension(&self.bench.module, configuration).expect("it is prepared")
    }
}

/// Two configurations whose answers differ in several places: which policy permits, which header the upstream gets, and
/// whether admins may delete.
fn old_and_new(bench: &Bench) -> [Value; 2] {
    let example = bench.example.plugin_configuration();
    let policies = example["policies"].as_str().expect("one string");
    let rules = |read: &str, fact: &str, write: &str| {
        let mut configuration = example.clone();
        let policies = policies.replace("@id(\"staff-read\")", &format!("@id(\"{read}\")"));
        configuration["policies"] = json!(policies.replace("Group::\"admins\"", &format!("Group::\"{write}\"")));
        configuration["identity_headers"] = json!({ "x-rules": { "fact": fact } });
        configuration
    };
    [rules("old-read", "corp.sub", "admins"), rules("new-read", "corp.email", "owners")]
}

/// The extensions with these configurations.
fn extensions(bench: &Bench) -> [Value; 2] {
    old_and_new(bench).map(|configuration| extension::extension(&bench.module, &configuration).expect("it is prepared"))
}

fn read() -> Ask {
    Ask::get("/api/orders/7").by(ALICE)
}

fn write() -> Ask {
    Ask::new("DELETE", "/api/orders/7").by(CAROL)
}

/// What is seen of an answer: the request, the status, and the header that the upstream got.
type Seen = (&'static str, u16, String);

fn of_requests_under_pushes_from_a_file_none_fails_and_each_is_decided_by_one_configuration(bench: &Bench) {
    under_pushes(bench, "pushes-file", false);
}

fn of_requests_under_pushes_over_grpc_none_fails_and_each_is_decided_by_one_configuration(bench: &Bench) {
    under_pushes(bench, "pushes-grpc", true);
}

fn under_pushes(bench: &Bench, name: &str, over_grpc: bool) {
    let [old, new] = extensions(bench);
    let pushed = Pushed::start(bench, name, over_grpc, &old);
    let (address, traffic) = (pushed.address(), Traffic::default());
    let (seen, grown): (Vec<(Seen, String)>, u64) = std::thread::scope(|scope| {
        let traffic = &traffic;
        // Some keep to one connection, others open a new one for each request.
        let clients: Vec<_> = [(1, "read"), (1, "write"), (1_000_000, "read"), (1_000_000, "write")]
            .map(|(per_connection, what)| {
                scope.spawn(move || {
                    let ask = || if what == "read" { read() } else { write() };
                    traffic.client(bench, address, (FEWEST_REQUESTS, per_connection), ask, |answer, received| {
                        let header = received.as_ref().map(|received| received.header("x-rules").concat());
                        let id = received.map(|received| received.header("x-countersign-decision-id").concat());
                        match (answer.status, answer.code().as_deref(), id.or_else(|| answer.decision_id())) {
                            (200, _, Some(id)) => Ok(((what, 200, header.unwrap_or_default()), id)),
                            (403, Some("not-permitted"), Some(id)) => Ok(((what, 403, String::new()), id)),
                            _ => Err(wrong(answer)),
                        }
                    })
                })
            })
            .into_iter()
            .collect();
        let pushes = || {
            let mut open = Connection::open(address)?;
            let (mut warm, mut end) = (0, 0);
            for push in 1..=PUSHES {
                traffic.flows(FEWEST_ANSWERS)?;
                let (extension, status) = if push % 2 == 1 { (&new, 403) } else { (&old, 200) };
                pushed.push(extension)?.map_err(io::Error::other)?;
                // From now on every request is decided by what was pushed, also on a connection that was open before.
                let (mut request, _) = bench.prepare(&write());
                request.headers.retain(|(name, _)| name != "connection");
                open.send(&request.head())?;
                let answer = open.answer(true)?;
                if answer.status != status {
                    return Err(io::Error::other(format!("after push {push}: {} {}", answer.status, answer.text())));
                }
                end = pushed.envoy.memory().resident_kib;
                warm = if push == WARM_UP { end } else { warm };
            }
            io::Result::Ok(end.saturating_sub(warm))
        };
        let grown = pushes();
        traffic.end();
        let seen = clients.into_iter().flat_map(|client| client.join().expect("no panic").expect("no request fails"));
        (seen.collect(), grown.expect("envoy takes each push"))
    });
    each_is_decided_by_one_configuration(&pushed.envoy, &seen);
    assert!(grown <= GROWTH_KIB, "{grown} KiB more after {} pushes", PUSHES - WARM_UP);
}

/// Each answer and its record have all that one of the two configurations gives, and nothing of the other.
fn each_is_decided_by_one_configuration(envoy: &Envoy, seen: &[(Seen, String)]) {
    let ids: BTreeSet<&str> = seen.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(ids.len(), seen.len(), "each decision has its own id");
    let records = records(envoy, &ids);
    let mut by_configuration: BTreeMap<String, BTreeSet<(Seen, String)>> = BTreeMap::new();
    for (seen, id) in seen {
        let record = &records[id];
        let rules = format!("{} {} {}", record["policy_set"], record["policies"], record["near_misses"]);
        by_configuration.entry(record["config"].to_string()).or_default().insert((seen.clone(), rules));
    }
    let answers: BTreeSet<Vec<(&str, u16, &str)>> = by_configuration
        .values()
        .map(|answers| answers.iter().map(|((what, status, header), _)| (*what, *status, header.as_str())).collect())
        .collect();
    let old = vec![("read", 200, "alice"), ("write", 200, "carol")];
    let new = vec![("read", 200, "alice@example.com"), ("write", 403, "")];
    assert_eq!(answers, BTreeSet::from([old, new]), "{by_configuration:?}");
    let read_by = |policy: &str| {
        let is_one = |(what, rules): &&(Seen, String)| what.0 == "read" && rules.contains(policy);
        by_configuration.values().filter(|answers| answers.iter().any(|answer| is_one(&answer))).count()
    };
    assert_eq!([read_by("old-read"), read_by("new-read")], [1, 1], "{by_configuration:?}");
}

fn a_wrong_push_is_rejected_the_old_rules_stay_and_the_next_push_works(bench: &Bench) {
    for over_grpc in [false, true] {
        let [old, new] = old_and_new(bench);
        let name = if over_grpc { "wrong-push-grpc" } else { "wrong-push-file" };
        let mut pushed = Pushed::start(bench, name, over_grpc, &extensions(bench)[0]);
        let mut without_audience = old.clone();
        without_audience["issuers"]["corp"]["audiences"] = json!([]);
        let mut without_module = pushed.extension(&new);
        without_module["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] = json!("no-such.wasm");
        for (wrong, fault) in [(pushed.extension(&without_audience), "audiences"), (without_module, "no-such.wasm")] {
            pushed.push(&wrong).expect("envoy rejects it").expect_err(fault);
            assert!(pushed.envoy.log().contains(fault), "{fault}: {}", pushed.envoy.log());
            for _ in 0..2 * WORKERS {
                assert_eq!(bench.ask_at(pushed.address(), &read()).allowed().header("x-rules"), ["alice"], "{fault}");
                bench.ask_at(pushed.address(), &write()).allowed();
            }
        }
        pushed.push(&pushed.extension(&new)).expect("envoy takes it").expect("a good push after wrong ones");
        for _ in 0..2 * WORKERS {
            bench.ask_at(pushed.address(), &write()).refused(403, "not-permitted");
        }
        if let Way::Grpc(control_plane) = &mut pushed.way {
            control_plane.close();
            bench.ask_at(pushed.address(), &write()).refused(403, "not-permitted");
            bench.ask_at(pushed.address(), &read()).allowed();
        }
    }
}

fn until_a_first_good_push_nothing_gets_through(bench: &Bench) {
    let [mut wrong, right] = old_and_new(bench);
    wrong["version"] = json!(2);
    let wrong = extension::extension(&bench.module, &wrong).expect("it is prepared");
    let pushed = Pushed::start(bench, "first-push", false, &wrong);
    for ask in [Ask::get("/healthz"), read(), Ask::get("/elsewhere")] {
        let outcome = bench.ask_at(pushed.address(), &ask);
        assert_eq!((outcome.answer.status, outcome.received), (500, None));
    }
    pushed.push(&pushed.extension(&right)).expect("envoy takes it").expect("a good push after a wrong one");
    bench.ask_at(pushed.address(), &Ask::get("/healthz")).allowed();
    bench.ask_at(pushed.address(), &write()).refused(403, "not-permitted");
}

/// Requests under each of the two configurations.
const UNDER_EACH: u64 = 4;

fn requests_that_wait_for_keys_during_a_push_are_decided_by_the_rules_that_they_came_under(bench: &Bench) {
    let issuer = Issuer::at("pushed", LOGIN, json!({ "timeout": "20s" }));
    let provider = bench.identity_provider(Line::Http);
    provider.publish(&keys::path(issuer.name), &[&issuer.key]);
    provider.set_fault(&keys::path(issuer.name), Fault::Held);
    let old = keys::configuration([&issuer]);
    let mut new = old.clone();
    new["policies"] = json!("");
    let [old, new] = [old, new].map(|own| extension::extension(&bench.module, &own).expect("it is prepared"));
    let mut bootstrap = bench.example.clone();
    bootstrap.set_cluster(LOGIN, provider.address());
    let pushed = Pushed::start_from(bootstrap, bench, "push-waiting", false, &old);
    let send = |status: u16| {
        let (request, _) = bench.prepare(&issuer.good());
        let mut connection = Connection::open(pushed.address()).expect("a connection");
        connection.send(&request.head()).expect("sent");
        (connection, status)
    };
    let waiting = |count: u64| {
        let gauge = || pushed.envoy.stats(WAITING).expect("statistics").get(WAITING) == Some(&count);
        wait_until("all wait", gauge);
    };
    let mut connections: Vec<_> = (0..UNDER_EACH).map(|_| send(200)).collect();
    waiting(UNDER_EACH);
    pushed.push(&new).expect("envoy notices").expect("envoy takes it");
    connections.extend((0..UNDER_EACH).map(|_| send(403)));
    waiting(2 * UNDER_EACH);
    provider.set_fault(&keys::path(issuer.name), None);
    for (connection, status) in &mut connections {
        let answer = connection.answer(true).expect("an answer");
        assert_eq!(answer.status, *status, "{}", answer.text());
    }
}

fn a_stream_that_was_allowed_continues_after_a_push_that_denies_it(bench: &Bench) {
    let pushed = Pushed::start(bench, "push-stream", true, &extensions(bench)[0]);
    let ask = upgrade(Ask::get("/events").by(ALICE));
    let (mut request, _) = bench.prepare(&ask);
    request.headers.retain(|(name, value)| name != "connection" || value == b"upgrade");
    let mut stream = Connection::open(pushed.address()).expect("a connection");
    stream.send(&request.head()).expect("sent");
    assert_eq!(stream.answer(false).expect("an answer").status, 101);
    let mut closed = bench.example.plugin_configuration();
    closed["policies"] = json!("");
    pushed.push(&pushed.extension(&closed)).expect("envoy notices").expect("envoy takes it");
    stream.send(b"still here").expect("sent");
    assert_eq!(stream.take(10).expect("it comes back"), b"still here");
    bench.ask_at(pushed.address(), &ask).refused(403, "not-permitted");
}

/// Of the Envoy that drains; 600 if it is not told.
const DRAIN_SECONDS: u64 = 4;

/// This is why `countersign check` warns of a plugin inside a listener that a control plane delivers.
fn a_push_of_a_listener_leaves_open_connections_with_the_old_rules_until_they_are_drained(bench: &Bench) {
    let [old, new] = old_and_new(bench);
    let Watched { folder, file, bootstrap } = Watched::new(bench, "drained", &old);
    let drain = ["--drain-time-s", &DRAIN_SECONDS.to_string()];
    let envoy = Envoy::start_with(&drain, &bench.binary, &bootstrap, WORKERS, &folder).expect("envoy starts");
    let address = envoy.listener("live").expect("the listener is there");
    let mut open = Connection::open(address).expect("a connection");
    let mut ask = || {
        let (mut request, _) = bench.prepare(&write());
        request.headers.retain(|(name, _)| name != "connection");
        open.send(&request.head())?;
        open.answer(true)
    };
    assert_eq!(ask().expect("an answer").status, 200);
    publish(bench, &file, &new);
    let since = Stopwatch::start();
    let in_force = || (bench.ask_at(address, &write()).answer.status == 403).then_some(());
    Deadline::after(Duration::from_secs(10)).poll(in_force).expect("new connections have the new rules");
    assert_eq!(ask().expect("an answer").status, 200, "the open connection has the old rules");
    // Envoy says that the connection ends, or ends it. Until then only the old rules decide on it.
    let ended = Deadline::after(Duration::from_secs(3 * DRAIN_SECONDS)).poll(|| match ask() {
        Ok(answer) => {
            assert_eq!(answer.status, 200, "{}", answer.text());
            (answer.header("connection") == Some("close")).then(|| since.elapsed())
        }
        Err(_) => Some(since.elapsed()),
    });
    let ended = ended.expect("the drained connection ends");
    assert!(ended <= Duration::from_secs(2 * DRAIN_SECONDS), "it lived for {ended:?}");
    let checked = crate::faults::check(&file).expect("the check");
    assert!(checked.contains("warning[plugin-in-listener]"), "{checked}");
}
