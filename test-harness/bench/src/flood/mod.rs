//! A flood of bad tokens against one Envoy, with good requests beside it: does Envoy's memory stay flat, and how much later
//! do good requests get their answers? `docs/benchmark.md` describes it.

mod report;
mod tokens;
mod traffic;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use test_harness::clock::Stopwatch;
use test_harness::envoy::{Bootstrap, Envoy};
use test_harness::paths::{self, EnvoyVersion};
use test_harness::services::{Line, identity_provider};

use crate::tokens::Keys;
use crate::world::answering;
use crate::{countersign, cpu};
use report::{Flood, Latencies};
use tokens::{Sort, Tokens};
use traffic::{Goal, Sent};

/// Good requests a second.
const GOOD_RATE: usize = 200;
/// Connections of the good requests, and of each sort of bad ones.
const CONNECTIONS: usize = 16;
/// Good requests before anything is measured: each session once, so that its token is remembered.
const WARM_UP: usize = 2 * tokens::SESSIONS;
/// Between two looks at Envoy's memory.
const SAMPLE: Duration = Duration::from_millis(500);

/// What is sent.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Bad tokens of 1 KB, and again as many of 16 KB
    #[arg(long, default_value_t = 1_000_000)]
    count: usize,
    /// Bad tokens a second
    #[arg(long, default_value_t = 2_000)]
    rate: usize,
    /// Half a minute: 10,000 bad tokens of each size
    #[arg(long, conflicts_with = "count")]
    quick: bool,
}

impl Options {
    fn count(&self) -> usize {
        if self.quick { 10_000 } else { self.count }
    }

    /// How long good requests are measured alone, before the flood and after it.
    fn quiet(&self) -> Duration {
        Duration::from_secs(if self.quick { 4 } else { 20 })
    }
}

/// Floods one Envoy after the other with tokens of each size, prints what came of it, and writes `target/bench/flood.json`.
///
/// # Errors
/// Envoy does not start, a good request is not permitted, or a bad token is.
pub fn run(options: &Options) -> io::Result<()> {
    let (binary, module) = (EnvoyVersion::Newest.binary()?, paths::module()?);
    let folder = paths::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let mut floods = Vec::new();
    for tokens in [Tokens::ordinary(), Tokens::large(&folder)?] {
        println!("==> {} tokens: {}", options.count(), tokens.name);
        floods.push(flood(options, &binary, &module, &tokens)?);
    }
    report::print(&floods);
    let file = folder.join("flood.json");
    fs::write(&file, format!("{:#}\n", report::json(options.rate, &floods)))?;
    println!("written: target/bench/flood.json");
    Ok(())
}

fn flood(options: &Options, binary: &Path, module: &Path, tokens: &Tokens) -> io::Result<Flood> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let provider = {
        let _entered = runtime.enter();
        identity_provider::start(SocketAddr::from(([127, 0, 0, 1], 0)), Line::Http)?
    };
    provider.publish(identity_provider::CORP_KEYS, &[&tokens.key]);
    let envoy = start(binary, module, provider.address())?;
    envoy.log_warnings_only()?;
    let address = envoy.listener("flood")?;
    let good = |goal: &Goal<'_>| {
        let request = |number: usize| tokens.good_request(number);
        traffic::send(address, CONNECTIONS, GOOD_RATE, goal, request, |answer| match answer.status {
            200 => Ok("permitted".to_owned()),
            _ => Err(format!("a good request was answered\n{}", answer.text())),
        })
    };
    good(&Goal::Count(WARM_UP))?;
    let quiet = || io::Result::Ok(Latencies::of(good(&Goal::Time(options.quiet()))?.latencies_ns));
    let before = quiet()?;
    let rss_before_kib = envoy.memory().resident_kib;

    let (is_over, rss_kib) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let (began, cpu_before) = (Stopwatch::start(), cpu::of_threads(envoy.pid())?);
    let (beside, bad) = thread::scope(|scope| {
        let beside = scope.spawn(|| good(&Goal::Until(&is_over)));
        let sampler = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                if let Ok(mut samples) = rss_kib.lock() {
                    samples.push(envoy.memory().resident_kib);
                }
                thread::sleep(SAMPLE);
            }
        });
        let sorts: Vec<_> =
            Sort::ALL.map(|sort| scope.spawn(move || send_bad(address, tokens, sort, options))).into_iter().collect();
        let bad: Vec<io::Result<Sent>> = sorts.into_iter().map(traffic::joined).collect();
        is_over.store(true, Ordering::Relaxed);
        let sampled = sampler.join().map_err(|_| io::Error::other("the thread that reads memory ended"));
        (sampled.and_then(|()| traffic::joined(beside)), bad)
    });
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = cpu::of_threads(envoy.pid())?.saturating_sub(cpu_before).as_secs_f64();
    let bad = bad.into_iter().collect::<io::Result<Vec<Sent>>>()?;
    let after = quiet()?;
    Ok(Flood {
        name: tokens.name,
        token_bytes: tokens.bytes(),
        sent: bad.iter().map(|sent| sent.latencies_ns.len()).sum(),
        seconds,
        answers: Sort::ALL.into_iter().zip(bad).map(|(sort, sent)| (sort.name(), sent.answers)).collect(),
        good: [before, Latencies::of(beside?.latencies_ns), after],
        cpu_share: cpu_seconds / seconds,
        rss_before_kib,
        rss_kib: rss_kib.into_inner().unwrap_or_default(),
        rss_after_kib: envoy.memory().resident_kib,
    })
}

/// Sends a third of the tokens, all of one sort.
fn send_bad(address: SocketAddr, tokens: &Tokens, sort: Sort, options: &Options) -> io::Result<Sent> {
    let share = Sort::ALL.len();
    let request = |number: usize| tokens.bad_request(sort, number);
    traffic::send(
        address,
        CONNECTIONS,
        options.rate.div_ceil(share),
        &Goal::Count(options.count().div_ceil(share)),
        request,
        |answer| {
            let code = answer.code().unwrap_or_default();
            if sort.codes().contains(&code.as_str()) {
                Ok(code)
            } else {
                Err(format!("a bad token ({}) was answered\n{}", sort.name(), answer.text()))
            }
        },
    )
}

/// Envoy with one worker, which fetches the keys from this provider.
fn start(binary: &Path, module: &Path, provider: SocketAddr) -> io::Result<Envoy> {
    let folder = paths::new_run_folder("flood")?;
    let mut bootstrap = Bootstrap::example_on_free_ports(module, provider)?;
    let mut configuration = countersign::one_token(&Keys::open(&folder)?);
    configuration["issuers"]["corp"]["keys"] = json!({
        "url": format!("http://login.example.com{}", identity_provider::CORP_KEYS),
        "cluster": "identity-provider", "insecure": true,
    });
    let listener = answering(&bootstrap, "flood", countersign::filters(module, &configuration));
    bootstrap.remove_listeners();
    bootstrap.push_listener(listener);
    bootstrap.set_cluster("identity-provider", provider);
    Envoy::start(binary, &bootstrap, 1, &folder)
}
