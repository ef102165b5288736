//! The measurement: every chain once a round, in another order each time.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use test_harness::clock::Stopwatch;
use test_harness::envoy::Envoy;
use tokio::runtime::Runtime;

use crate::chains::{Chain, Requests};
use crate::cpu;
use crate::load::Client;
use crate::proof::{prove, prove_cache};
use crate::tokens::Keys;

/// Requests before each slice that are not measured: caches of the processor hold another chain's code and data.
const UNMEASURED: usize = 16;
/// Fewest and most requests of a slice.
const SLICE_REQUESTS: (usize, usize) = (48, 40_000);
/// Time for Envoy to end what it does after its last answer.
const SETTLE: Duration = Duration::from_millis(5);

/// How long and how often is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds; at least five, for a median with a spread.
    pub rounds: usize,
    /// The time that a slice of requests is meant to take.
    pub slice: Duration,
    /// The time for finding out how many requests that is.
    pub warm_up: Duration,
    /// Most requests of a slice that uses up tokens.
    pub fresh: usize,
    /// Longest time for sending every token of a pool once.
    pub fill: Duration,
    /// Starts of Envoy with each flavour of the module.
    pub starts: usize,
    /// Whether chains are left out that take long to prepare.
    pub quick: bool,
}

impl Effort {
    /// Two minutes.
    pub const QUICK: Self = Self {
        rounds: 7,
        slice: Duration::from_millis(170),
        warm_up: Duration::from_millis(120),
        fresh: 80,
        fill: Duration::from_secs(10),
        starts: 1,
        quick: true,
    };
    /// Ten minutes.
    pub const FULL: Self = Self {
        rounds: 15,
        slice: Duration::from_millis(400),
        warm_up: Duration::from_millis(300),
        fresh: 200,
        fill: Duration::from_secs(90),
        starts: 3,
        quick: false,
    };

    /// Pairs of tokens that the chains with fresh ones use up: finding the rate, each round, and the proof.
    #[must_use]
    pub const fn fresh_pairs(&self) -> usize {
        self.rounds * (self.fresh + UNMEASURED) + 2 * UNMEASURED + 1
    }
}

/// What one chain cost.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Microseconds of Envoy's processor time for each request, one value a round.
    pub cpu_us: Vec<f64>,
    /// Nanoseconds until the whole answer was there, of all measured requests.
    pub latencies_ns: Vec<u64>,
}

/// What all chains cost, by name, or why one was not measured.
pub type Outcomes = BTreeMap<&'static str, Result<Measured, String>>;

struct Runner {
    chain: &'static Chain,
    client: Client,
    /// Requests of a slice.
    count: usize,
    measured: Measured,
}

/// Proves all chains, finds the number of requests of a slice for each, and measures round by round.
///
/// # Errors
/// A chain does not answer as it must.
pub fn measure(
    runtime: &Runtime,
    envoy: &Envoy,
    chains: &[&'static Chain],
    keys: &Keys,
    folder: &Path,
    effort: &Effort,
) -> io::Result<Outcomes> {
    let mut outcomes = Outcomes::new();
    let mut runners = Vec::new();
    for &chain in chains {
        let load = chain.requests.load(keys, folder, effort.fresh_pairs())?;
        let address = envoy.listener(chain.name)?;
        prove(chain, &load, effort.fresh_pairs().saturating_sub(1), address)?;
        prove_cache(chain, &load, address, envoy)?;
        let client = Client::open(runtime, address, load, chain.status())?;
        let mut runner = Runner { chain, client, count: 0, measured: Measured::default() };
        match runner.prepare(runtime, effort)? {
            None => runners.push(runner),
            Some(reason) => {
                outcomes.insert(chain.name, Err(reason));
            }
        }
    }
    for round in 1..=effort.rounds {
        println!("==> round {round} of {}", effort.rounds);
        fastrand::shuffle(&mut runners);
        for runner in &mut runners {
            runner.slice(runtime, envoy.pid()).map_err(|error| {
                io::Error::other(format!("the chain `{}` in round {round}: {error}", runner.chain.name))
            })?;
        }
    }
    outcomes.extend(runners.into_iter().map(|runner| (runner.chain.name, Ok(runner.measured))));
    Ok(outcomes)
}

impl Runner {
    /// Sends every token of a pool once, and finds the number of requests of a slice. `Some` says why it gives up.
    fn prepare(&mut self, runtime: &Runtime, effort: &Effort) -> io::Result<Option<String>> {
        let name = self.chain.name;
        let failed = |error| io::Error::other(format!("the chain `{name}`: {error}"));
        if let Requests::Sessions(pairs) = self.chain.requests {
            let begun = Stopwatch::start();
            let tried = pairs.min(200);
            self.client.send(runtime, tried).map_err(failed)?;
            let all = begun.elapsed().mul_f64(pairs as f64 / tried as f64);
            if all > effort.fill {
                return Ok(Some(format!(
                    "to send each of {pairs} pairs of tokens once would take {} s, and {} s is the most",
                    all.as_secs(),
                    effort.fill.as_secs()
                )));
            }
            self.client.send(runtime, pairs - tried).map_err(failed)?;
        }
        let begun = Stopwatch::start();
        let mut sent = 0;
        let fresh = self.chain.requests.are_fresh();
        while begun.elapsed() < effort.warm_up && !(fresh && sent > 0) {
            self.client.send(runtime, 2 * UNMEASURED).map_err(failed)?;
            sent += 2 * UNMEASURED;
        }
        let wanted = sent as f64 * effort.slice.as_secs_f64() / begun.elapsed().as_secs_f64();
        let (fewest, most) = SLICE_REQUESTS;
        self.count = (wanted as usize).clamp(fewest, if fresh { effort.fresh } else { most });
        Ok(None)
    }

    fn slice(&mut self, runtime: &Runtime, pid: u32) -> io::Result<()> {
        self.client.send(runtime, UNMEASURED)?;
        thread::sleep(SETTLE);
        let before = cpu::of_threads(pid)?;
        let answers = self.client.send(runtime, self.count)?;
        thread::sleep(SETTLE);
        let used = cpu::of_threads(pid)?.saturating_sub(before);
        self.measured.cpu_us.push(used.as_secs_f64() * 1e6 / self.count as f64);
        self.measured.latencies_ns.extend(answers.latencies);
        Ok(())
    }
}
