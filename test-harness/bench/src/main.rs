//! Measures what Countersign costs in a real Envoy, beside Envoy's own filters that do the same work, in one process
//! and one run. `docs/benchmark.md` describes it.

mod authorization;
mod chains;
mod countersign;
mod cpu;
mod flavour;
mod flood;
mod load;
mod module_targets;
mod native;
mod plot;
mod proof;
mod pushes;
mod report;
mod rounds;
mod sessions;
mod statistics;
mod table;
mod tokens;
mod work;
mod world;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use serde_json::{Value, json};
use test_harness::paths::{self, EnvoyVersion};

use crate::chains::{CHAINS, Chain};
use crate::flavour::Flavour;
use crate::load::CONNECTIONS;
use crate::module_targets::{BEFORE, FULL, LEAN};
use crate::report::Report;
use crate::rounds::{Effort, Outcomes};
use crate::tokens::Keys;
use crate::world::Modules;

/// Measures what Countersign costs in a real Envoy, beside Envoy's own filters that do the same work.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// Two minutes in place of ten: fewer and shorter rounds; 10,000 policies and 100,000 sessions are left out
    #[arg(long)]
    quick: bool,
    /// Another build of the module, whose size, load and memory are measured in the same run
    #[arg(long, value_name = "WASM")]
    before: Option<PathBuf>,
}

/// What is measured instead.
#[derive(Subcommand)]
enum Other {
    /// Sends a flood of bad tokens with good requests beside it: what becomes of Envoy's memory and of the good requests
    Flood(flood::Options),
    /// Changes the configuration many times while Envoy runs: what its memory grows by
    Pushes(pushes::Options),
    /// Sends the tokens of many sessions twice: what is remembered of them, and the memory that it takes
    Sessions(sessions::Options),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    match &arguments.other {
        None => {}
        Some(Other::Flood(options)) => return flood::run(options),
        Some(Other::Pushes(options)) => return pushes::run(options),
        Some(Other::Sessions(options)) => return sessions::run(options),
    }
    let effort = if arguments.quick { Effort::QUICK } else { Effort::FULL };
    let binary = EnvoyVersion::Newest.binary()?;
    let modules = Modules { full: paths::module()?, lean: paths::lean_module()? };
    let folder = paths::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    println!("==> what each module costs before the first request");
    let flavours = flavours(&modules, arguments.before.as_deref());
    let costs = flavour::costs(&binary, &flavours, effort.starts)?;
    let names = flavours.iter().map(|flavour| flavour.name);
    let costs = names.zip(costs).collect();
    let outcomes = measure_chains(&binary, &modules, &folder, &effort)?;
    let report = Report::new(description(&binary, &effort)?, &outcomes, costs);
    table::print(&report);
    for (file, text) in [("report.json", format!("{:#}\n", report.json())), ("report.svg", plot::svg(&report))] {
        fs::write(folder.join(file), text)?;
        println!("written: target/bench/{file}");
    }
    Ok(())
}

fn measure_chains(binary: &Path, modules: &Modules, folder: &Path, effort: &Effort) -> io::Result<Outcomes> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
    let keys = Keys::open(folder)?;
    let (long, chains): (Vec<&'static Chain>, Vec<&'static Chain>) =
        CHAINS.iter().partition(|chain| effort.quick && chain.long_only);
    println!("==> starting Envoy with {} chains", chains.len());
    let envoy = world::start(&runtime, binary, modules, &keys, &chains, &paths::new_run_folder("bench")?)?;
    println!("==> proving that each chain permits and refuses as it must");
    let mut outcomes = rounds::measure(&runtime, &envoy, &chains, &keys, folder, effort)?;
    outcomes.extend(long.iter().map(|chain| (chain.name, Err("a quick run leaves it out".to_owned()))));
    Ok(outcomes)
}

/// The modules, and the other build.
fn flavours(modules: &Modules, before: Option<&Path>) -> Vec<Flavour> {
    let before = before.map(|before| (BEFORE, before));
    let named = [(FULL, modules.full.as_path()), (LEAN, modules.lean.as_path())].into_iter().chain(before);
    named.map(|(name, module)| Flavour { name, module: module.to_path_buf() }).collect()
}

fn description(envoy: &Path, effort: &Effort) -> io::Result<Value> {
    let version = Command::new(envoy).arg("--version").output()?;
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(json!({
        "quick": effort.quick,
        "rounds": effort.rounds,
        "connections": CONNECTIONS,
        "envoy": String::from_utf8_lossy(&version.stdout).trim(),
        "processor": model.map(|(_, model)| model),
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
    }))
}
