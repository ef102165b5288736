//! Another module in the same Envoy that writes into memory which the workers share: what it forges is never believed.
//!
//! Envoy keeps one such memory for each `vm_id`, and one for all modules that have none. Forged entries are made from real ones,
//! which an accomplice reads under the plugin's own `vm_id`; that they would work there is shown first.

use std::net::SocketAddr;
use std::time::Duration;

use crate::modules::foreign;
use serde_json::{Value, json};
use test_harness::answer::Answer;
use test_harness::clock::{Deadline, unix_seconds};
use test_harness::envoy::{Chain, Envoy, guard_filter, wasm_filter};
use test_harness::keys::DemoKey;
use test_harness::services::{Line, Provider};

use crate::bench::{Ask, Bench, WORKERS};
use crate::keys::{Issuer, LOGIN, configuration, path, rest, wait_until};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![a_module_that_forges_entries_in_shared_memory_is_never_believed];

/// The `vm_id` of the plugin, where it has one.
const OWN: &str = "countersign";

/// Places in shared memory for the keys of one issuer each.
const SLOTS: usize = countersign_core::limits::SHARED_KEY_SLOTS;

/// The list of the workers.
const WORKER_LIST: &str = "countersign.keys.1.workers";

/// Two ticks of the plugin's: time enough to believe what is there.
const TICKS: Duration = Duration::from_secs(2);

/// An Envoy with the plugin under one `vm_id` and other modules under these.
fn start(bench: &Bench, name: &str, issuer: &Issuer, provider: &Provider, vm_id: &str, others: &[&str]) -> Envoy {
    let module = bench.folder.join("foreign.wasm");
    std::fs::write(&module, foreign::module().expect("WebAssembly")).expect("written");
    let listener = |name: String, filters: Vec<Value>| {
        bench.example.listener(&Chain { name, cluster: "upstream".to_owned(), filters })
    };
    let plugin = vec![wasm_filter(vm_id, &bench.module, &configuration([issuer])), guard_filter("countersign")];
    let others = others.iter().map(|vm_id| (format!("foreign-{vm_id}"), vec![wasm_filter(vm_id, &module, &json!({}))]));
    let all = others.chain([("keys".to_owned(), plugin)]);
    let mut bootstrap = bench.bootstrap_with(all.map(|(name, filters)| listener(name, filters)));
    bootstrap.set_cluster(LOGIN, provider.address());
    bench.start_envoy(name, &bootstrap).expect("envoy starts")
}

/// The memory of one `vm_id`, through the foreign module that has it.
struct SharedMemory<'b> {
    bench: &'b Bench,
    address: SocketAddr,
}

impl<'b> SharedMemory<'b> {
    fn of(bench: &'b Bench, envoy: &Envoy, vm_id: &str) -> Self {
        Self { bench, address: envoy.listener(&format!("foreign-{vm_id}")).expect("the listener is there") }
    }

    fn ask(&self, ask: &Ask) -> Answer {
        self.bench.ask_at(self.address, ask).answer
    }

    fn read(&self, name: &str) -> Option<String> {
        let answer = self.ask(&Ask::get("/").header(foreign::NAME, name));
        (answer.status == 200).then(|| String::from_utf8_lossy(&answer.body).into_owned())
    }

    fn write(&self, name: &str, value: &str) {
        let answer = self.ask(&Ask::get("/").header(foreign::NAME, name).header(foreign::VALUE, value));
        assert_eq!(answer.status, 204, "{}", answer.text());
        assert_eq!(self.read(name).as_deref(), Some(value));
    }
}

/// The entries of one issuer, as the plugin wrote them.
#[derive(Clone)]
struct Entries {
    slot: usize,
    lease: Value,
    set: Value,
}

impl Entries {
    fn name(slot: usize, entry: &str) -> String {
        format!("countersign.keys.2.{slot}.{entry}")
    }

    fn find(memory: &SharedMemory<'_>) -> Self {
        let slot = (0..SLOTS).find(|slot| memory.read(&Self::name(*slot, "set")).is_some()).expect("the set is shared");
        let entry = |name: &str| {
            let text = memory.read(&Self::name(slot, name)).expect("the entry is there");
            serde_json::from_str(&text).expect("JSON")
        };
        Self { slot, lease: entry("lease"), set: entry("set") }
    }

    /// The same, as if this key had just been fetched in place of the right one. It must be later than that was.
    fn forged(&self, key: &DemoKey) -> Self {
        let mut forged = self.clone();
        let now = unix_seconds();
        forged.lease["fetching"] = json!(false);
        forged.lease["until"] = json!(now);
        // Of a fetch that no worker has seen yet.
        let fetch = json!(now);
        forged.lease["set"] = json!([fetch, now]);
        forged.set["fetch"] = fetch;
        forged.set["fetched_at"] = json!(now);
        forged.set["text"] = json!(json!({ "keys": [key.public_jwk()] }).to_string());
        forged
    }

    fn write(&self, memory: &SharedMemory<'_>) {
        memory.write(&Self::name(self.slot, "set"), &self.set.to_string());
        memory.write(&Self::name(self.slot, "lease"), &self.lease.to_string());
    }

    /// Each entry, and the list of workers, in ways that are none.
    fn spoiled(&self) -> Vec<(String, String)> {
        let names = [Self::name(self.slot, "lease"), Self::name(self.slot, "set"), WORKER_LIST.to_owned()];
        let set = self.set.to_string();
        let wrong =
            ["", "{", "[]", "[{\"queue\":\"nobody\",\"seen\":1}]", "null", &set[..set.len() / 2], &"x".repeat(30_000)];
        names.iter().flat_map(|name| wrong.map(|value| (name.clone(), value.to_owned()))).collect()
    }
}

fn no_trap(envoy: &Envoy) {
    let log = envoy.log();
    for word in ["panicked", "RuntimeError", "unreachable"] {
        assert!(!log.contains(word), "{}", log.lines().find(|line| line.contains(word)).unwrap_or_default());
    }
}

fn a_module_that_forges_entries_in_shared_memory_is_never_believed(bench: &Bench) {
    let settings = json!({ "refresh": { "min": "1h", "max": "1h" }, "refetch_interval": "1s" });
    let issuer = Issuer::at("target", LOGIN, settings);
    let provider = bench.identity_provider(Line::Http);
    provider.publish(&path(issuer.name), &[&issuer.key]);
    // The attacker's key under the right key's id.
    let forger = DemoKey::new(&issuer.key.kid);
    let (good, forged) = (issuer.good(), issuer.ask(&issuer.token().key(&forger)));

    let own = start(bench, "foreign-own", &issuer, &provider, OWN, &["", OWN]);
    let address = own.listener("keys").expect("the listener is there");
    wait_until("the keys are there", || bench.ask_at(address, &good).answer.status == 200);
    let (strangers, inside) = (SharedMemory::of(bench, &own, ""), SharedMemory::of(bench, &own, OWN));
    let entries = Entries::find(&inside);
    // A module with another `vm_id`, or with none, does not reach the plugin's memory.
    assert_eq!(strangers.read(&Entries::name(entries.slot, "set")), None);
    rest(&provider, issuer.name, Duration::ZERO);
    entries.forged(&forger).write(&strangers);
    hold(bench, address, &good, &forged);
    // One with the same `vm_id` does, and may spoil what is there as it likes.
    for (name, value) in entries.spoiled() {
        inside.write(&name, &value);
        bench.ask_at(address, &good).allowed();
        bench.ask_at(address, &forged).refused(401, "token-signature");
    }
    hold(bench, address, &good, &forged);
    // That the forged entries are not believed elsewhere is because of where they are: here they would be.
    entries.forged(&forger).write(&inside);
    wait_until("a forged set inside is taken", || bench.ask_at(address, &forged).answer.status == 200);
    no_trap(&own);
    drop(own);

    let fetches = || provider.visits(&path(issuer.name)).len();
    let before = fetches();
    let none = start(bench, "foreign-none", &issuer, &provider, "", &[""]);
    let address = none.listener("keys").expect("the listener is there");
    // Each worker fetches for itself, and so does the main thread, which cannot know that it serves no request.
    let all = before + WORKERS as usize + 1;
    wait_until("each has fetched", || fetches() == all);
    rest(&provider, issuer.name, Duration::ZERO);
    let strangers = SharedMemory::of(bench, &none, "");
    entries.forged(&forger).write(&strangers);
    hold(bench, address, &good, &forged);
    for (name, value) in entries.spoiled() {
        strangers.write(&name, &value);
    }
    hold(bench, address, &good, &forged);
    no_trap(&none);
    assert_eq!(fetches(), all);
    let shared = none.stats("wasmcustom.countersign.keys_shared").expect("statistics");
    assert_eq!(shared.into_values().collect::<Vec<_>>(), [0]);
    assert!(none.log().contains("this plugin has no vm_id"), "{}", none.log());
}

/// For some ticks the right key serves and the forged one does not, whatever worker is asked.
fn hold(bench: &Bench, address: SocketAddr, good: &Ask, forged: &Ask) {
    let _over = Deadline::after(TICKS).poll(|| {
        bench.ask_at(address, good).allowed();
        bench.ask_at(address, forged).refused(401, "token-signature");
        None::<()>
    });
}
