//! What around the plugin would undo its decisions, seen in Envoy itself: one Envoy with a listener for each fault.
//!
//! What passes there is not a promise but the reason for one: should Envoy change for the better, the check does no harm.
//! The file that this Envoy runs is the file that `countersign check` judges, so what passes and what is found cannot drift
//! apart.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use test_harness::envoy::Envoy;
use test_harness::paths;
use test_harness::services::Upstream;

use crate::bench::{Ask, Bench, Outcome, plugin_listener};
use crate::{Scenario, believed, capabilities, changed, elsewhere, redirect, scenarios, trap, unjudged};

pub const SCENARIOS: &[Scenario] = scenarios![a_configuration_dump_shows_every_fault_as_the_file_does];

/// A listener with a fault.
pub struct Fault {
    /// The listener's name.
    pub name: &'static str,
    /// The codes of all that `countersign check` finds there, in alphabetical order.
    pub findings: &'static [&'static str],
    /// The listener, under whatever name.
    pub listener: fn(&Bench) -> Value,
}

/// A cluster that leads where `upstream` does.
pub const SAME_UPSTREAM: &str = "same-upstream";
/// A cluster that leads to [`Faults::elsewhere`].
pub const ELSEWHERE: &str = "elsewhere";

/// The Envoy that has them all.
pub struct Faults {
    envoy: Envoy,
    /// An upstream that no request is meant for.
    pub elsewhere: Upstream,
    /// By listener.
    findings: BTreeMap<&'static str, Vec<String>>,
}

fn all() -> impl Iterator<Item = &'static Fault> {
    let faults = [believed::FAULTS, changed::FAULTS, redirect::FAULTS, trap::FAULTS, unjudged::FAULTS];
    faults.into_iter().chain([elsewhere::FAULTS, capabilities::FAULTS]).flatten()
}

impl Faults {
    /// Starts it, and has its file checked.
    pub fn start(bench: &Bench) -> io::Result<Self> {
        let listeners = all().map(|fault| {
            let mut listener = (fault.listener)(bench);
            listener["name"] = json!(fault.name);
            listener
        });
        let elsewhere = bench.another_upstream()?;
        let mut bootstrap = bench.bootstrap_with(listeners);
        bootstrap.name_node();
        bootstrap.set_cluster(SAME_UPSTREAM, bench.upstream.address());
        bootstrap.set_cluster(ELSEWHERE, elsewhere.address());
        let envoy = bench.start_envoy("faults", &bootstrap)?;
        let report = check(&envoy.configuration())?;
        let found = |index: usize| findings(&report, &format!("/static_resources/listeners/{index}/"));
        let findings = all().enumerate().map(|(index, fault)| (fault.name, found(index))).collect();
        Ok(Self { envoy, elsewhere, findings })
    }

    /// Where the listener with this fault is: a fault that `countersign check` names, and nothing else there.
    pub fn listener(&self, name: &str) -> SocketAddr {
        let fault = all().find(|fault| fault.name == name).expect("the fault is listed");
        assert_eq!(self.findings[name], fault.findings, "what `countersign check` finds at `{name}`");
        self.envoy.listener(name).expect("the listener is there")
    }
}

/// Sends a request to the listener with this fault.
pub fn ask(bench: &Bench, fault: &str, ask: &Ask) -> Outcome {
    bench.ask_at(bench.faults().listener(fault), ask)
}

/// What `countersign check` says of a file.
pub fn check(file: &Path) -> io::Result<String> {
    let output = Command::new(paths::command()?).arg("check").arg(file).output()?;
    String::from_utf8(output.stdout).map_err(io::Error::other)
}

/// The codes at this place, in alphabetical order.
fn findings(report: &str, place: &str) -> Vec<String> {
    let heads = report.lines().filter_map(|line| line.split_once("] at ").filter(|(_, rest)| rest.starts_with(place)));
    let mut codes: Vec<String> = heads.filter_map(|(head, _)| Some(head.rsplit_once('[')?.1.to_owned())).collect();
    codes.sort();
    codes
}

fn a_configuration_dump_shows_every_fault_as_the_file_does(bench: &Bench) {
    let faults = bench.faults();
    let dump = faults.envoy.configuration_dump().expect("a configuration dump");
    let file = faults.envoy.configuration().with_file_name("dump.json");
    fs::write(&file, dump.to_string()).expect("written");
    let sections = dump["configs"].as_array().expect("sections");
    let section = sections.iter().position(|section| section["static_listeners"].is_array()).expect("the listeners");
    let found = findings(&check(&file).expect("the check"), &format!("/configs/{section}/static_listeners/"));
    let mut listed: Vec<&str> = all().flat_map(|fault| fault.findings).copied().collect();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

/// The connection manager of a listener.
pub fn manager(listener: &mut Value) -> &mut Value {
    listener.pointer_mut("/filter_chains/0/filters/0/typed_config").expect("a connection manager")
}

/// The one route of a listener.
pub fn route(listener: &mut Value) -> &mut Value {
    manager(listener).pointer_mut("/route_config/virtual_hosts/0/routes/0").expect("a route")
}

/// The HTTP filters of a listener.
pub fn http_filters(listener: &mut Value) -> &mut Vec<Value> {
    manager(listener)["http_filters"].as_array_mut().expect("filters")
}

/// The example's plugin and its guard in a listener.
pub fn example(bench: &Bench) -> Value {
    plugin_listener(bench, "main", &bench.example.plugin_configuration())
}
