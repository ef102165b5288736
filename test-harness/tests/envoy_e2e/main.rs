//! The built module in a real Envoy, end to end: the newest that is supported and the oldest.
//!
//! One Envoy a version runs all plugin configurations side by side, a listener each; every scenario sends its own requests and
//! knows them again at the upstream by an id of their own, so scenarios run side by side as well. A missing Envoy or module
//! fails the run: nothing is skipped in silence.
//!
//! Refusals that no request can reach from outside, and why:
//!
//! | code | why |
//! |---|---|
//! | `authority-missing`, `path-missing` | Envoy answers 400 itself before any filter; see `refusals.rs` |
//! //! | `not-configured` | Envoy takes no configuration that the module refuses |
//! | `clock-implausible` | Envoy's clock is the machine's |
//! | `replay-store-unavailable` | Envoy does not fail in the calls that the module makes |
//! | `host-failure` | Envoy does not fail in the calls that the module makes |

mod absence;
mod believed;
mod bench;
mod cached;
mod capabilities;
mod caps;
mod challenges;
mod changed;
mod command;
mod configuration;
mod device_evidence;
mod devices;
mod discovery;
mod doors;
mod dpop;
mod edges;
mod elsewhere;
mod faults;
mod flavours;
mod foreign;
mod gateway_and_sidecar;
mod guard;
mod headers;
mod holding_back;
#[path = "../configuration/json_schema.rs"]
mod json_schema;
mod key_faults;
mod key_transport;
mod keys;
mod keys_by_kid;
mod metrics;
mod modules;
mod mtls;
mod outage;
mod pages;
mod places;
mod principals;
mod protocols;
#[path = "../vendors/mod.rs"]
mod published;
mod pushes;
mod record;
mod redirect;
mod refusals;
mod rehearsal;
mod remembered;
mod removed;
mod rotation;
mod routing;
mod shadow;
mod signatures;
mod software;
mod swap;
mod tls;
mod tokens;
mod traffic;
mod trap;
mod unjudged;
mod vendors;
mod workers;
mod workloads;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use test_harness::paths::EnvoyVersion;

use bench::Bench;

/// A scenario's name, a sentence, and what it does. It panics where the promise is not kept.
type Scenario = (&'static str, fn(&Bench));

/// Names scenarios by their functions.
macro_rules! scenarios {
    ($($function:ident),+ $(,)?) => {
        &[$((stringify!($function), $function)),+]
    };
}
pub(crate) use scenarios;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut benches = Vec::new();
    if !arguments.list {
        for version in [EnvoyVersion::Newest, EnvoyVersion::Oldest] {
            match Bench::start(version) {
                Ok(bench) => benches.push(Arc::new(bench)),
                Err(error) => {
                    eprintln!("error: the {} envoy: {error}", version.name());
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    let requests = libtest_mimic::run(&arguments, benches.iter().flat_map(trials).collect());
    // Only now has everything been said that could hold a secret.
    let afterwards = libtest_mimic::run(&arguments, benches.iter().flat_map(trials_afterwards).collect());
    drop(benches);
    if requests.has_failed() || afterwards.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn trials(bench: &Arc<Bench>) -> Vec<Trial> {
    let scenarios = [
        principals::SCENARIOS,
        workloads::SCENARIOS,
        device_evidence::SCENARIOS,
        software::SCENARIOS,
        vendors::SCENARIOS,
        doors::SCENARIOS,
        keys_by_kid::SCENARIOS,
        tokens::SCENARIOS,
        places::SCENARIOS,
        signatures::SCENARIOS,
        absence::SCENARIOS,
        devices::SCENARIOS,
        headers::SCENARIOS,
        removed::SCENARIOS,
        holding_back::SCENARIOS,
        protocols::SCENARIOS,
        configuration::SCENARIOS,
        guard::SCENARIOS,
        record::SCENARIOS,
        metrics::SCENARIOS,
        command::SCENARIOS,
        refusals::SCENARIOS,
        routing::SCENARIOS,
        shadow::SCENARIOS,
        caps::SCENARIOS,
        swap::SCENARIOS,
        pushes::SCENARIOS,
        trap::SCENARIOS,
        believed::SCENARIOS,
        faults::SCENARIOS,
        gateway_and_sidecar::SCENARIOS,
        challenges::SCENARIOS,
        pages::SCENARIOS,
        rehearsal::SCENARIOS,
        changed::SCENARIOS,
        redirect::SCENARIOS,
        unjudged::SCENARIOS,
        elsewhere::SCENARIOS,
        cached::SCENARIOS,
        capabilities::SCENARIOS,
        edges::SCENARIOS,
        mtls::SCENARIOS,
        key_faults::SCENARIOS,
        key_transport::SCENARIOS,
        discovery::SCENARIOS,
        dpop::SCENARIOS,
        outage::SCENARIOS,
        rotation::SCENARIOS,
        remembered::SCENARIOS,
        workers::SCENARIOS,
        foreign::SCENARIOS,
        flavours::SCENARIOS,
    ];
    let mut trials: Vec<Trial> = scenarios.into_iter().flatten().map(|scenario| trial(bench, *scenario)).collect();
    trials.extend(refusals::cases().into_iter().map(|case| {
        let name = format!("{}::{}", bench.version.name(), case.name.replace(' ', "_"));
        let bench = Arc::clone(bench);
        Trial::test(name, move || {
            bench.ask(&(case.ask)()).refused(case.status, case.code);
            Ok(())
        })
    }));
    trials
}

fn trials_afterwards(bench: &Arc<Bench>) -> Vec<Trial> {
    record::SCENARIOS_AFTERWARDS.iter().map(|scenario| trial(bench, *scenario)).collect()
}

fn trial(bench: &Arc<Bench>, (name, scenario): Scenario) -> Trial {
    let bench = Arc::clone(bench);
    Trial::test(format!("{}::{name}", bench.version.name()), move || {
        scenario(&bench);
        Ok(())
    })
}
