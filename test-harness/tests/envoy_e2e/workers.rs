//! One worker, two or four: the same decisions, and one fetch for all of them.
//!
//! The provider is not there when Envoy starts. When it is, requests of all workers wait for its one answer and are woken by
//! it; then its keys change, and again. In each round half of the clients do not wait to the end.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;
use test_harness::clock::Stopwatch;
use test_harness::envoy::Envoy;
use test_harness::http1::Connection;
use test_harness::keys::DemoKey;
use test_harness::services::{Fault, Line, Provider};
use test_harness::tokens::{ALICE, BOB, CAROL, REPORTER};

use crate::bench::{Ask, Bench, plugin_listener, strict_configuration};
use crate::keys::{Issuer, LOGIN, SECOND, WAITING, configuration, path, rest, unavailable, wait_until};
use crate::refusals;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    one_worker_decides_and_fetches_once,
    two_workers_decide_alike_and_fetch_once,
    four_workers_decide_alike_and_fetch_once,
    a_key_that_is_published_right_after_a_fetch_is_looked_up_at_once_on_one_worker,
    a_key_that_is_published_right_after_a_fetch_is_looked_up_at_once_on_four_workers,
    a_client_with_made_up_keys_leaves_room_for_another,
    made_up_keys_cannot_fill_the_waiting_room_and_huge_answers_leave_no_memory_behind,
    a_crowd_that_waits_in_vain_is_answered_whole_and_the_module_lives,
];

fn one_worker_decides_and_fetches_once(bench: &Bench) {
    decide_alike_and_fetch_once(bench, 1);
}

fn two_workers_decide_alike_and_fetch_once(bench: &Bench) {
    decide_alike_and_fetch_once(bench, 2);
}

fn four_workers_decide_alike_and_fetch_once(bench: &Bench) {
    decide_alike_and_fetch_once(bench, 4);
}

/// An issuer, its provider, and an Envoy of their own.
struct Fleet<'b> {
    bench: &'b Bench,
    issuer: Issuer,
    provider: Provider,
    envoy: Envoy,
}

impl<'b> Fleet<'b> {
    fn start(bench: &'b Bench, name: &str, workers: u32, line: Line) -> Self {
        Self::start_with_interval(bench, name, workers, line, "1s")
    }

    fn start_with_interval(bench: &'b Bench, name: &str, workers: u32, line: Line, interval: &str) -> Self {
        let settings =
            json!({ "refresh": { "min": "1h", "max": "1h" }, "refetch_interval": interval, "timeout": "20s" });
        let issuer = Issuer::at("fleet", LOGIN, settings);
        let provider = bench.identity_provider(line);
        provider.publish(&path(issuer.name), &[&issuer.key]);
        let mut bootstrap = bench.example.clone();
        bootstrap.push_listener(plugin_listener(bench, "strict", &strict_configuration()));
        bootstrap.push_listener(plugin_listener(bench, "keys", &configuration([&issuer])));
        let mut shadow = configuration([&issuer]);
        shadow["mode"] = json!("shadow");
        bootstrap.push_listener(plugin_listener(bench, "shadow", &shadow));
        bootstrap.set_cluster(LOGIN, provider.address());
        let envoy = bench.start_envoy_of(workers, name, &bootstrap).expect("envoy starts");
        Self { bench, issuer, provider, envoy }
    }

    fn ask(&self, ask: &Ask) -> crate::bench::Outcome {
        self.bench.ask_at(self.envoy.listener(ask.listener).expect("the listener is there"), ask)
    }

    fn fetches(&self) -> usize {
        self.provider.visits(&path(self.issuer.name)).len()
    }

    /// The gauge, which is not there before it first changes.
    fn waiting(&self) -> u64 {
        self.envoy.stats(WAITING).expect("statistics").get(WAITING).copied().unwrap_or(0)
    }

    fn rest(&self) {
        rest(&self.provider, self.issuer.name, SECOND);
    }

    /// A request that is sent and not waited for.
    fn send(&self, ask: &Ask) -> Connection {
        self.send_from(client(1), ask)
    }

    /// The same from this address.
    fn send_from(&self, source: Ipv4Addr, ask: &Ask) -> Connection {
        let (request, _) = self.bench.prepare(ask);
        let address = self.envoy.listener(ask.listener).expect("the listener is there");
        let mut connection = Connection::open_from(source, address).expect("a connection");
        connection.send(&request.head()).expect("sent");
        connection
    }

    /// Lets requests wait for the provider's next answer, half of which give up; then the answer comes. The time from then until
    /// the others were answered.
    fn wait_and_wake(&self, ask: &Ask, requests: u64) -> Duration {
        let mut waiting: Vec<Connection> = (0..requests).map(|_| self.send(ask)).collect();
        wait_until("all wait", || self.waiting() == requests);
        waiting.truncate(waiting.len() / 2);
        wait_until("half have gone away", || self.waiting() == requests / 2);
        let woken = Stopwatch::start();
        self.provider.set_fault(&path(self.issuer.name), None);
        for mut connection in waiting {
            let answer = connection.answer(true).expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let took = woken.elapsed();
        assert_eq!(self.waiting(), 0, "nobody waits any more");
        took
    }
}

/// The source address of a client: each number is another one.
fn client(number: u64) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 0, 0, 0).to_bits() + u32::try_from(number).expect("a small number"))
}

/// So many requests for each worker that each has some: the kernel spreads them.
const REQUESTS: u64 = 16;

/// Answers that wait for keys, the first one and those after rotations.
const ROUNDS: usize = 3;

/// Longest time from an answer of the provider's to the last of those who waited for it, in the best of the rounds: workers that are
/// not told would see it at their next tick, up to a second later.
const AT_ONCE: Duration = Duration::from_millis(300);

fn decide_alike_and_fetch_once(bench: &Bench, workers: u32) {
    let fleet = Fleet::start(bench, &format!("workers-{workers}"), workers, Line::Closed);
    let requests = REQUESTS * u64::from(workers);
    // Envoy is ready without the provider; only who needs its keys is told to come again.
    for _ in 0..requests {
        fleet.ask(&Ask::get("/open").at("keys")).allowed();
        unavailable(fleet.ask(&fleet.issuer.good()));
    }
    assert_eq!(fleet.waiting(), 0);

    fleet.provider.set_fault(&path(fleet.issuer.name), Fault::Held);
    fleet.provider.set_line(Line::Http).expect("the port opens");
    wait_until("the provider is asked without a restart", || fleet.fetches() > 0);
    let mut rounds = vec![fleet.wait_and_wake(&fleet.issuer.good(), requests)];
    for round in 1..ROUNDS {
        let new = DemoKey::new(&format!("fleet-{round}"));
        fleet.rest();
        fleet.provider.publish(&path(fleet.issuer.name), &[&new]);
        fleet.provider.set_fault(&path(fleet.issuer.name), Fault::Held);
        rounds.push(fleet.wait_and_wake(&fleet.issuer.ask(&fleet.issuer.token().key(&new)), requests));
    }
    assert_eq!(fleet.fetches(), ROUNDS, "one fetch a round, for all workers");
    assert!(rounds.iter().min() < Some(&AT_ONCE), "woken after {rounds:?}");
    let shared = fleet.envoy.stats("wasmcustom.countersign.keys_shared").expect("statistics");
    assert_eq!(shared.into_values().collect::<Vec<_>>(), [1]);
    assert_eq!(fleet.issuer.fetches(&fleet.envoy)["taken"], ROUNDS as u64);

    decide_alike(&fleet, workers);
}

fn decide_alike(fleet: &Fleet<'_>, workers: u32) {
    let allowed: [fn() -> Ask; 4] = [
        || Ask::get("/healthz"),
        || Ask::get("/api/orders/7").by(ALICE),
        || Ask::new("DELETE", "/api/orders/7").by(CAROL),
        || Ask::get("/api/report").by(REPORTER),
    ];
    for case in refusals::cases() {
        fleet.ask(&(case.ask)()).refused(case.status, case.code);
    }
    // The kernel spreads connections over the workers: with so many each of them answers some.
    for _ in 0..2 * workers {
        for allowed in allowed {
            fleet.ask(&allowed()).allowed();
        }
        fleet.ask(&Ask::get("/api/orders/7").by(BOB)).refused(403, "not-permitted");
    }
}

fn a_key_that_is_published_right_after_a_fetch_is_looked_up_at_once_on_one_worker(bench: &Bench) {
    look_up_right_after_a_fetch(bench, 1);
}

fn a_key_that_is_published_right_after_a_fetch_is_looked_up_at_once_on_four_workers(bench: &Bench) {
    look_up_right_after_a_fetch(bench, 4);
}

/// Between two lookups: longer than a request may wait, and than this takes.
const LONG_INTERVAL: &str = "60s";

fn look_up_right_after_a_fetch(bench: &Bench, workers: u32) {
    let name = format!("rotated-{workers}");
    let fleet = Fleet::start_with_interval(bench, &name, workers, Line::Http, LONG_INTERVAL);
    wait_until("the keys are there", || fleet.ask(&fleet.issuer.good()).answer.status == 200);
    assert_eq!(fleet.fetches(), 1);
    let new = DemoKey::new("rotated");
    fleet.provider.publish(&path(fleet.issuer.name), &[&new]);
    let signed = fleet.issuer.ask(&fleet.issuer.token().key(&new));
    for _ in 0..REQUESTS * u64::from(workers) {
        fleet.ask(&signed).allowed();
    }
    assert_eq!(fleet.fetches(), 2, "one lookup for all workers");
    for _ in 0..REQUESTS * u64::from(workers) {
        // The old key was in the set before: the provider withdrew it.
        fleet.ask(&fleet.issuer.good()).refused(401, "token-key");
    }
    // The lookup at hand is used up: no worker asks the provider about another key for now, so no client learns that it is unknown.
    for number in 0..REQUESTS * u64::from(workers) {
        let answer = fleet.ask(&fleet.issuer.unknown(&format!("made-up-{number}"))).refused(503, "keys-unavailable");
        let pause: Option<u64> = answer.header("retry-after").and_then(|pause| pause.parse().ok());
        assert!(pause.is_some_and(|pause| (30..=60).contains(&pause)), "{}", answer.text());
    }
    assert_eq!(fleet.fetches(), 2);
}

fn a_client_with_made_up_keys_leaves_room_for_another(bench: &Bench) {
    let fleet = Fleet::start(bench, "two-clients", 1, Line::Http);
    let path = path(fleet.issuer.name);
    wait_until("the keys are there", || fleet.ask(&fleet.issuer.good()).answer.status == 200);
    let new = DemoKey::new("fleet-2");
    fleet.provider.set_fault(&path, Fault::Held);
    fleet.provider.publish(&path, &[&fleet.issuer.key, &new]);
    let mut flood: Vec<Connection> = (0..MADE_UP)
        .map(|number| fleet.send_from(client(1), &fleet.issuer.unknown(&format!("made-up-{number}"))))
        .collect();
    wait_until("the flood has its share", || fleet.waiting() == PLACES / 2);
    let mut other = fleet.send_from(client(2), &fleet.issuer.ask(&fleet.issuer.token().key(&new)));
    wait_until("the other client waits too", || fleet.waiting() == PLACES / 2 + 1);
    fleet.provider.set_fault(&path, None);
    let answer = other.answer(true).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut refused = 0;
    for connection in &mut flood {
        let answer = connection.answer(true).expect("an answer");
        match answer.code().as_deref() {
            Some("token-key") => {}
            Some("keys-unavailable") => refused += 1,
            _ => panic!("{}", answer.text()),
        }
    }
    assert!(refused >= MADE_UP - PLACES / 2, "{refused}");
    assert_eq!(fleet.waiting(), 0);
}

/// Requests with unknown keys of which some find no place to wait.
const MADE_UP: u64 = 130;

/// Those of them that do, on one worker, if they come from many clients.
const PLACES: u64 = countersign_core::limits::MAX_WAITING_FOR_UNKNOWN_KEY as u64;

/// Answers of 10 MiB.
const HUGE_ANSWERS: usize = 3;

/// What the first of them may make Envoy keep for later, and all others together: less than one of them.
const FIRST_KIB: u64 = 20 * 1024;
const OTHERS_KIB: u64 = 5 * 1024;

fn made_up_keys_cannot_fill_the_waiting_room_and_huge_answers_leave_no_memory_behind(bench: &Bench) {
    let fleet = Fleet::start(bench, "waiting-room", 1, Line::Http);
    let path = path(fleet.issuer.name);
    wait_until("the keys are there", || fleet.ask(&fleet.issuer.good()).answer.status == 200);
    fleet.rest();
    fleet.provider.set_fault(&path, Fault::Held);
    let made_up = |number| fleet.issuer.unknown(&format!("made-up-{number}"));
    let mut waiting: Vec<Connection> =
        (1..=MADE_UP).map(|number| fleet.send_from(client(number), &made_up(number))).collect();
    wait_until("as many wait as may", || fleet.waiting() == PLACES);
    let new = fleet.issuer.good();
    fleet.ask(&new).allowed();
    fleet.provider.set_fault(&path, None);
    let mut answers = BTreeMap::new();
    for connection in &mut waiting {
        let answer = connection.answer(true).expect("an answer");
        *answers.entry((answer.status, answer.code().unwrap_or_default())).or_insert(0) += 1;
    }
    let expected = [((401, "token-key".to_owned()), PLACES), ((503, "keys-unavailable".to_owned()), MADE_UP - PLACES)];
    assert_eq!(answers, BTreeMap::from(expected));
    assert_eq!(fleet.waiting(), 0);

    let mut held = Vec::new();
    for number in 0..=HUGE_ANSWERS {
        let visits = fleet.fetches();
        fleet.rest();
        fleet.provider.set_fault(&path, (number > 0).then_some(Fault::Huge));
        let outcome = fleet.ask(&fleet.issuer.unknown(&format!("huge-{number}")));
        if number > 0 {
            unavailable(outcome)
        } else {
            drop(outcome.refused(401, "token-key"))
        }
        assert_eq!(fleet.fetches(), visits + 1);
        // A good answer ends the back-off.
        fleet.provider.set_fault(&path, None);
        let taken = fleet.issuer.fetches(&fleet.envoy)["taken"];
        wait_until("a good answer", || {
            let _asked = fleet.ask(&fleet.issuer.unknown(&format!("again-{number}")));
            number == 0 || fleet.issuer.fetches(&fleet.envoy)["taken"] > taken
        });
        // Twice a second the allocator gives back what is free.
        fleet.rest();
        held.push(fleet.envoy.memory().anonymous_kib);
    }
    assert_eq!(fleet.issuer.fetches(&fleet.envoy)["too_large"], HUGE_ANSWERS as u64);
    let (before, first, last) = (held[0], held[1], held[HUGE_ANSWERS]);
    assert!(first < before + FIRST_KIB && last < first + OTHERS_KIB, "{held:?}");
}

/// More than Envoy can answer in one callback of the module: each answer is carried out within the one before.
const CROWD: u64 = 800;

fn a_crowd_that_waits_in_vain_is_answered_whole_and_the_module_lives(bench: &Bench) {
    let fleet = Fleet::start(bench, "crowd", 1, Line::Closed);
    let path = path(fleet.issuer.name);
    fleet.provider.set_fault(&path, Fault::Held);
    fleet.provider.set_line(Line::Http).expect("the port opens");
    wait_until("the provider is asked", || fleet.fetches() > 0);
    let mut crowd: Vec<Connection> =
        (1..=CROWD).map(|number| fleet.send_from(client(number), &fleet.issuer.good())).collect();
    wait_until("all wait", || fleet.waiting() == CROWD);
    // A rehearsed request is forwarded at once.
    fleet.ask(&fleet.issuer.good().at("shadow")).allowed();
    let rehearsed = "wasmcustom.countersign.decisions.outcome.would_deny.reason.keys_unavailable";
    assert_eq!(fleet.envoy.stats(rehearsed).expect("statistics").values().sum::<u64>(), 1);
    assert_eq!(fleet.waiting(), CROWD);
    fleet.provider.set_fault(&path, Fault::Status(500));
    for connection in &mut crowd {
        let answer = connection.answer(true).expect("an answer");
        assert_eq!((answer.status, answer.code().as_deref()), (503, Some("keys-unavailable")), "{}", answer.text());
    }
    assert_eq!(fleet.waiting(), 0, "nobody is left waiting");
    fleet.provider.set_fault(&path, None);
    wait_until("the keys come", || fleet.ask(&fleet.issuer.good()).answer.status == 200);
}
