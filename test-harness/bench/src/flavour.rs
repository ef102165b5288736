//! What a module costs before the first request: bytes, the time until Envoy is ready, and memory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use test_harness::envoy::{Bootstrap, Envoy, guard_filter, wasm_filter};
use test_harness::http1::{Connection, Request};
use test_harness::keys::with_inline_keys;
use test_harness::paths;
use test_harness::tokens::{ALICE, Token};

use crate::cpu;
use crate::statistics::median;
use crate::work::{DEVICE_HEADER, HOST};
use crate::world::answering;

/// Workers of the Envoy that shows what a further one costs.
const WORKERS: u32 = 3;
/// Connections that warm the workers up. The kernel spreads them, so each worker gets some.
const WARM_UP_CONNECTIONS: usize = 48;
/// Requests on each of them.
const WARM_UP_REQUESTS: usize = 20;
/// V8 may still compile in the background when Envoy is ready.
const AFTER_READY: Duration = Duration::from_millis(1_500);

/// A module that can be loaded.
pub struct Flavour {
    /// Its name in the report.
    pub name: &'static str,
    /// The file.
    pub module: PathBuf,
}

/// What it costs. Times and `rss_over_bare_mib` are those of an Envoy with one worker, less those of one without a
/// module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes after `gzip -9`.
    pub gzip_bytes: u64,
    /// Seconds of processor time.
    pub load_cpu_s: f64,
    /// Seconds until Envoy was ready.
    pub load_wall_s: f64,
    /// Resident memory after some requests, MiB.
    pub rss_over_bare_mib: f64,
    /// What each worker after the first adds to resident memory, MiB, with what Envoy itself needs for it.
    pub rss_more_per_worker_mib: f64,
    /// The same without a module.
    pub bare_rss_more_per_worker_mib: f64,
}

/// One start of Envoy.
#[derive(Clone, Copy, Debug)]
struct Start {
    cpu_s: f64,
    wall_s: f64,
    rss_mib: f64,
}

/// Costs of the flavours: medians of so many starts each, which alternate.
///
/// # Errors
/// Envoy does not start with one of them, or it does not answer.
pub fn costs(binary: &Path, flavours: &[Flavour], starts: usize) -> io::Result<Vec<Cost>> {
    let mut bare = [Vec::new(), Vec::new()];
    let mut with: Vec<[Vec<Start>; 2]> = flavours.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for _ in 0..starts {
        for (at, workers) in [1, WORKERS].into_iter().enumerate() {
            bare[at].push(start(binary, None, workers)?);
            for (flavour, starts) in flavours.iter().zip(&mut with) {
                starts[at].push(start(binary, Some(&flavour.module), workers)?);
            }
        }
    }
    flavours.iter().zip(&with).map(|(flavour, with)| cost(&flavour.module, with, &bare)).collect()
}

fn cost(module: &Path, with: &[Vec<Start>; 2], bare: &[Vec<Start>; 2]) -> io::Result<Cost> {
    let middle = |starts: &[Start], of: fn(&Start) -> f64| {
        median(&starts.iter().map(of).collect::<Vec<f64>>()).ok_or_else(|| io::Error::other("there was no start"))
    };
    let over_bare = |of| io::Result::Ok(middle(&with[0], of)? - middle(&bare[0], of)?);
    let rss = |start: &Start| start.rss_mib;
    let per_worker = |starts: &[Vec<Start>; 2]| {
        io::Result::Ok((middle(&starts[1], rss)? - middle(&starts[0], rss)?) / f64::from(WORKERS - 1))
    };
    Ok(Cost {
        bytes: fs::metadata(module)?.len(),
        gzip_bytes: gzip_bytes(module)?,
        load_cpu_s: over_bare(|start| start.cpu_s)?,
        load_wall_s: over_bare(|start| start.wall_s)?,
        rss_over_bare_mib: over_bare(rss)?,
        rss_more_per_worker_mib: per_worker(with)?,
        bare_rss_more_per_worker_mib: per_worker(bare)?,
    })
}

/// Starts Envoy with the example's plugin configuration, or without the plugin, and sends some requests.
fn start(binary: &Path, module: Option<&Path>, workers: u32) -> io::Result<Start> {
    let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    let mut bootstrap = Bootstrap::example_on_free_ports(module.unwrap_or(Path::new("")), nowhere)?;
    let configuration: Value = with_inline_keys(bootstrap.plugin_configuration());
    let filters =
        module.map(|module| vec![wasm_filter("countersign", module, &configuration), guard_filter("countersign")]);
    let listener = answering(&bootstrap, "main", filters.unwrap_or_default());
    bootstrap.remove_listeners();
    bootstrap.push_listener(listener);
    let envoy = Envoy::start(binary, &bootstrap, workers, &paths::new_run_folder("bench-start")?)?;
    thread::sleep(AFTER_READY);
    let cpu_s = cpu::of_threads(envoy.pid())?.as_secs_f64();
    warm_up(&envoy)?;
    let rss_mib = envoy.memory().resident_kib as f64 / 1024.0;
    Ok(Start { cpu_s, wall_s: envoy.load_time().as_secs_f64(), rss_mib })
}

fn warm_up(envoy: &Envoy) -> io::Result<()> {
    let request = Request::new("GET", b"/api/orders/17")
        .header("host", HOST.as_bytes())
        .header("authorization", format!("Bearer {}", Token::of(ALICE).sign()).as_bytes())
        .header(DEVICE_HEADER, Token::about("laptop-1").sign().as_bytes())
        .head();
    let address = envoy.listener("main")?;
    let mut connections = Vec::new();
    for _ in 0..WARM_UP_CONNECTIONS {
        connections.push(Connection::open(address)?);
    }
    for connection in &mut connections {
        for _ in 0..WARM_UP_REQUESTS {
            connection.send(&request)?;
            match connection.answer(true)?.status {
                200 => {}
                status => return Err(io::Error::other(format!("a request that is permitted was answered {status}"))),
            }
        }
    }
    Ok(())
}

/// As a registry or a control plane would transfer it.
fn gzip_bytes(module: &Path) -> io::Result<u64> {
    let output = Command::new("gzip").arg("-9cn").arg(module).stdin(Stdio::null()).output()?;
    match output.status.success() {
        true => Ok(output.stdout.len() as u64),
        false => Err(io::Error::other(format!("gzip: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}
