//! Many changes of the configuration in a running Envoy (ECDS, from a file), with requests between them: what Envoy's memory
//! grows by.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use countersign_core::limits::REMEMBERED_BYTES;
use serde_json::{Value, json};
use test_harness::clock::{Deadline, Stopwatch};
use test_harness::envoy::{Bootstrap, Envoy, extension};
use test_harness::paths::{self, EnvoyVersion};

use crate::countersign::{self, Policies};
use crate::load::{Client, Credentials, Load};
use crate::tokens::{Keys, Kind};
use crate::world::answering;

/// Policies of each configuration.
const POLICIES: Policies = Policies { of_others: 99, evaluated: 1 };
/// Pairs of tokens in turn.
const PAIRS: usize = 100;
/// Requests between two pushes: each worker serves some under each configuration.
const REQUESTS: usize = 20;
/// Longest wait for one push.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How many pushes, and where.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Pushes, each of another configuration
    #[arg(long, default_value_t = 1_000)]
    count: u64,
    /// Memory is printed after each of so many pushes
    #[arg(long, value_name = "PUSHES", default_value_t = 100)]
    every: u64,
    /// Worker threads of Envoy
    #[arg(long, default_value_t = 2)]
    workers: u32,
    /// The lean module, with prepared policies
    #[arg(long)]
    lean: bool,
    /// The oldest Envoy that is supported (`ENVOY_OLDEST`)
    #[arg(long)]
    oldest: bool,
}

/// Pushes, sends requests after each, and prints Envoy's memory.
///
/// # Errors
/// Envoy does not start or rejects a push, or a request is not permitted.
pub fn run(options: &Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let folder = paths::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let keys = Keys::open(&folder)?;
    let module = if options.lean { paths::lean_module()? } else { paths::module()? };
    let run_folder = paths::new_run_folder("pushes")?;
    let file = run_folder.join("countersign.json");
    let push = |number: u64| extension::publish(&file, &extension::extension(&module, &configuration(&keys, number))?);
    push(0)?;
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let mut bootstrap = Bootstrap::example_on_free_ports(&module, nowhere)?;
    let mut filters = countersign::filters(&module, &Value::Null);
    if let Some(plugin) = filters.first_mut() {
        *plugin = extension::filter_from_file(&file);
    }
    let listener = answering(&bootstrap, "pushes", filters);
    bootstrap.remove_listeners();
    bootstrap.push_listener(listener);
    bootstrap.name_node();
    let version = if options.oldest { EnvoyVersion::Oldest } else { EnvoyVersion::Newest };
    let envoy = Envoy::start(&version.binary()?, &bootstrap, options.workers, &run_folder)?;
    // Envoy counts the first extension a moment after it is ready.
    let counted = || envoy.extension_changes().is_ok_and(|changes| changes != (0, 0)).then_some(());
    Deadline::after(TIMEOUT)
        .poll(counted)
        .ok_or_else(|| io::Error::other("envoy does not count the first extension"))?;
    let pool = keys.pool(&folder, Kind::ES256, PAIRS)?;
    let mut client = Client::open(&runtime, envoy.listener("pushes")?, Load::new(Credentials::Both(pool)), 200)?;
    client.send(&runtime, REQUESTS)?;
    println!("pushes | resident MiB | anonymous MiB | milliseconds a push");
    report(&envoy, 0, Duration::ZERO);
    let mut taken = Duration::ZERO;
    for number in 1..=options.count {
        let before = envoy.extension_changes()?;
        let since = Stopwatch::start();
        push(number)?;
        let changes = || envoy.extension_changes().ok().filter(|now| *now != before);
        let changed = Deadline::after(TIMEOUT).poll(changes);
        taken += since.elapsed();
        if changed.is_none_or(|(_, rejected)| rejected > before.1) {
            return Err(io::Error::other(format!("envoy did not take push {number}: {}", envoy.log())));
        }
        client.send(&runtime, REQUESTS)?;
        if number % options.every == 0 {
            report(&envoy, number, taken / u32::try_from(options.every).unwrap_or(u32::MAX));
            taken = Duration::ZERO;
        }
    }
    Ok(())
}

fn report(envoy: &Envoy, pushes: u64, each: Duration) {
    let memory = envoy.memory();
    println!("{pushes} | {} | {} | {}", memory.resident_kib / 1024, memory.anonymous_kib / 1024, each.as_millis());
}

/// A configuration that none of the others is equal to.
fn configuration(keys: &Keys, number: u64) -> Value {
    let mut configuration = countersign::two_tokens(keys, POLICIES, REMEMBERED_BYTES.default);
    let policies = configuration["policies"].as_str().unwrap_or_default();
    let policies = policies.replace("@id(\"1\")", &format!("@id(\"1\")@advice(\"Push {number}.\")"));
    configuration["policies"] = json!(policies);
    configuration
}
