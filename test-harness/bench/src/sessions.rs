//! Many sessions at once: whether the plugin remembers the tokens of all of them within its cap, and how much of Envoy's
//! memory that takes.

use std::fs;
use std::io;
use std::net::SocketAddr;

use clap::Args;
use countersign_core::limits::REMEMBERED_BYTES;
use test_harness::envoy::{Bootstrap, Envoy};
use test_harness::paths::{self, EnvoyVersion};

use crate::countersign::{self, Policies};
use crate::load::{Client, Credentials, Load};
use crate::tokens::{Keys, Kind};
use crate::world::answering;

/// Sessions before memory is looked at: by then the module has allocated what it needs in any case.
const WARM_UP: usize = 100;
/// Policies of the configuration.
const POLICIES: Policies = Policies { of_others: 9, evaluated: 1 };

/// How many sessions, and what may be remembered of them.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Pairs of a user's and a device's token
    #[arg(long, default_value_t = 100_000)]
    count: usize,
    /// `limits.max_remembered_bytes`
    #[arg(long, value_name = "BYTES", default_value_t = REMEMBERED_BYTES.max)]
    max_remembered_bytes: usize,
}

/// Sends each pair of tokens twice, and prints what was verified and what Envoy's memory grew by.
///
/// # Errors
/// Envoy does not start, or a request is not permitted.
pub fn run(options: &Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let folder = paths::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let keys = Keys::open(&folder)?;
    println!("==> signing {} pairs of tokens", options.count);
    let pool = keys.pool(&folder, Kind::ES256, options.count)?;
    let bytes = |token: fn(&crate::tokens::Pair) -> usize| pool.first().map_or(0, token);
    println!(
        "a user's token has {} bytes, a device's {}",
        bytes(|pair| pair.user.len()),
        bytes(|pair| pair.device.len())
    );
    let envoy = start(&keys, options.max_remembered_bytes)?;
    let mut client = Client::open(&runtime, envoy.listener("sessions")?, Load::new(Credentials::Both(pool)), 200)?;
    client.send(&runtime, WARM_UP)?;
    let before = envoy.memory().resident_kib;
    client.send(&runtime, options.count.saturating_sub(WARM_UP))?;
    let (after, verified) = (envoy.memory().resident_kib, signatures(&envoy)?);
    let grown = after.saturating_sub(before) as f64 * 1024.0;
    println!(
        "after {} sessions: {verified} signatures verified; resident memory {} MiB, {:.0} MiB more, {:.0} bytes a session",
        options.count,
        after / 1024,
        grown / 1024.0 / 1024.0,
        grown / options.count as f64
    );
    client.send(&runtime, options.count)?;
    let again = signatures(&envoy)?.saturating_sub(verified);
    println!(
        "the same sessions again: {again} signatures verified; resident memory {} MiB",
        envoy.memory().resident_kib / 1024
    );
    Ok(())
}

fn signatures(envoy: &Envoy) -> io::Result<u64> {
    Ok(envoy.stats("wasmcustom.countersign.signatures.verified_by")?.values().sum())
}

fn start(keys: &Keys, max_remembered_bytes: usize) -> io::Result<Envoy> {
    let (binary, module, folder) =
        (EnvoyVersion::Newest.binary()?, paths::module()?, paths::new_run_folder("sessions")?);
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let mut bootstrap = Bootstrap::example_on_free_ports(&module, nowhere)?;
    let configuration = countersign::two_tokens(keys, POLICIES, max_remembered_bytes);
    let listener = answering(&bootstrap, "sessions", countersign::filters(&module, &configuration));
    bootstrap.remove_listeners();
    bootstrap.push_listener(listener);
    Envoy::start(&binary, &bootstrap, 1, &folder)
}
