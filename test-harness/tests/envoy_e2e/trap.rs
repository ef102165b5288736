//! A module that traps: the client gets an error, nothing passes the guard, and `FAIL_RELOAD` brings the worker back.
//!
//! The module of this project does not trap, so a fixture stands in for one that does.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use crate::modules::{self, trapping};
use serde_json::{Value, json};
use test_harness::clock::Deadline;
use test_harness::envoy::{Chain, guard_filter, wasm_filter};

use crate::bench::{Ask, Bench, WORKERS};
use crate::faults::Fault;
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    after_a_trap_nothing_passes_unseen_and_a_reloaded_worker_serves_again,
    without_reload_a_worker_that_trapped_refuses_for_good,
    failing_open_the_guard_alone_holds_back_what_the_module_did_not_see,
];

/// Enough connections for each worker to get some: the kernel spreads them.
const CONNECTIONS: u32 = 10 * WORKERS;

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "trap-open",
        findings: &["fail-open"],
        listener: |bench| listener(bench, "trap-open", "FAIL_OPEN", true),
    },
    Fault {
        name: "trap-open-unguarded",
        findings: &["fail-open", "guard-missing"],
        listener: |bench| listener(bench, "trap-open-unguarded", "FAIL_OPEN", false),
    },
];

/// A listener with the fixture under this failure policy, behind it the guard or not.
fn listener(bench: &Bench, name: &str, failure_policy: &str, guarded: bool) -> Value {
    let module = bench.folder.join(format!("{name}.wasm"));
    fs::write(&module, trapping::module().expect("WebAssembly")).expect("written");
    let mut configuration = bench.example.plugin_configuration();
    configuration["guard"] = json!({ "name": modules::GUARD });
    let mut filter = wasm_filter(name, &module, &configuration);
    filter["typed_config"]["config"]["failure_policy"] = json!(failure_policy);
    let mut filters = vec![filter];
    filters.extend(guarded.then(|| guard_filter(modules::GUARD)));
    bench.example.listener(&Chain { name: "main".to_owned(), cluster: "upstream".to_owned(), filters })
}

/// The status of one request, and whether the module saw it before the upstream did.
fn send(bench: &Bench, address: SocketAddr, traps: bool) -> (u16, Option<bool>) {
    let ask = Ask::get("/healthz");
    let outcome = bench.ask_at(address, &if traps { ask.header(trapping::TRAP, "1") } else { ask });
    let seen = outcome.received.map(|received| !received.header(modules::MARK).is_empty());
    (outcome.answer.status, seen)
}

const SERVED: (u16, Option<bool>) = (200, Some(true));

fn after_a_trap_nothing_passes_unseen_and_a_reloaded_worker_serves_again(bench: &Bench) {
    let envoy = bench.envoy_with("trap-reload", [listener(bench, "trap-reload", "FAIL_RELOAD", true)]);
    let address = envoy.listener("main").expect("the listener is there");
    assert!((0..CONNECTIONS).all(|_| send(bench, address, false) == SERVED));
    assert_eq!(send(bench, address, true), (503, None));
    assert!(envoy.log().contains("unreachable"), "the fixture has trapped: {}", envoy.log());
    let recovered = Deadline::after(Duration::from_secs(30)).poll(|| {
        let seen: Vec<_> = (0..CONNECTIONS).map(|_| send(bench, address, false)).collect();
        assert!(seen.iter().all(|seen| matches!(*seen, SERVED | (503 | 403, None))), "{seen:?}");
        seen.iter().all(|seen| *seen == SERVED).then_some(())
    });
    assert!(recovered.is_some(), "not every worker serves again");
}

fn without_reload_a_worker_that_trapped_refuses_for_good(bench: &Bench) {
    let envoy = bench.envoy_with("trap-closed", [listener(bench, "trap-closed", "FAIL_CLOSED", true)]);
    let address = envoy.listener("main").expect("the listener is there");
    for _ in 0..CONNECTIONS {
        assert_eq!(send(bench, address, true), (503, None));
    }
    // By now every worker has trapped.
    for _ in 0..3 {
        assert!((0..CONNECTIONS).all(|_| send(bench, address, false) == (503, None)));
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Without the guard requests pass that no plugin saw: this is why `countersign check` calls `FAIL_OPEN` an error.
fn failing_open_the_guard_alone_holds_back_what_the_module_did_not_see(bench: &Bench) {
    for (name, afterwards) in [("trap-open", (403, None)), ("trap-open-unguarded", (200, Some(false)))] {
        let address = bench.faults().listener(name);
        for _ in 0..CONNECTIONS {
            // The request that traps is answered 503; later ones on that worker go past the module.
            let seen = send(bench, address, true);
            assert!(seen == (503, None) || seen == afterwards, "{name}: {seen:?}");
        }
        assert!((0..CONNECTIONS).all(|_| send(bench, address, false) == afterwards), "{name}");
    }
}
