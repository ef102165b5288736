//! `--requests`: recorded requests and decision records, decided by both configurations.

use std::io::{self, BufRead as _, Write as _};

use countersign_core::config::Plan;
use countersign_core::enforcement;
use countersign_core::fetch::LocalMemory;
use countersign_core::keys::{KeySource, TrustStore};
use countersign_core::time::UnixSeconds;

use crate::clock::clock;
use crate::document;
use crate::failure::Failure;
use crate::prove::differences::Difference;
use crate::prove::recorded::Recorded;
use crate::prove::replay::{Answered, Replayed};
use crate::record::Record;
use crate::request_line::RequestLine;
use crate::verbs::eval::keys::{GivenKeys, install};
use crate::verbs::eval::{Decide, answer};

/// Decides each line of the file with both.
///
/// # Errors
/// The file cannot be read, or a line of it is not a request.
pub fn replay(
    (old, new): (&Plan, &Plan),
    differences: &[Difference],
    (file, keys, now): (&str, &[GivenKeys], Option<i64>),
) -> Result<Replayed, Failure> {
    let bytes = document::read(file).map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
    let time = now.map_or_else(clock, UnixSeconds::new);
    let decide: Decide = if now.is_some() { enforcement::decide_at } else { enforcement::decide };
    let trust = (trust(old, new, keys)?, trust(new, old, keys)?);
    // The lines are requests of one proxy, and each configuration decides each of them once.
    let memory = (LocalMemory::default(), LocalMemory::default());
    let mut replayed = Replayed::default();
    let recorded = Recorded::new(old, new, differences);
    for (line, number) in bytes.as_slice().lines().zip(1_u64..) {
        let line = line.map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
        if line.trim().is_empty() {
            continue;
        }
        if Record::inside(line.as_bytes()).is_some() {
            let record = Record::parse(line.as_bytes()).map_err(|fault| faulty(file, number, &fault))?;
            let id = record.text("decision_id").unwrap_or_default();
            match recorded.replay(&record) {
                Ok((old, new)) => {
                    let differ = old.forwarded != new.forwarded;
                    replayed.add(id, (old, new), differ);
                }
                Err(why) => replayed.add_not_replayed(why),
            }
            continue;
        }
        // Envoy prints `-` for a request that is not recorded.
        if line.trim_end().ends_with(" -") && !line.contains('{') {
            replayed.without_record = replayed.without_record.saturating_add(1);
            continue;
        }
        let request = RequestLine::parse(line.as_bytes()).map_err(|fault| faulty(file, number, &fault))?;
        let old = Answered::of(&answer((old, &memory.0), &trust.0, &request, (decide, time), number)?);
        let new = Answered::of(&answer((new, &memory.1), &trust.1, &request, (decide, time), number)?);
        let differ = old != new;
        replayed.add(&request.id, (old, new), differ);
    }
    Ok(replayed)
}

fn faulty(file: &str, number: u64, fault: &impl std::fmt::Display) -> Failure {
    // Whether standard error can be written changes nothing about the exit code.
    let _ = writeln!(io::stderr(), "{file}:{number}: {fault}");
    Failure::Faults
}

/// The keys of a configuration: those that are given, except for providers that only the other one has.
fn trust(plan: &Plan, other: &Plan, given: &[GivenKeys]) -> Result<TrustStore, Failure> {
    let fetched = |plan: &Plan, name: &str| {
        plan.key_sources()
            .any(|(profile, source)| profile.name.as_str() == name && matches!(source, KeySource::Fetched(_)))
    };
    let own = given.iter().filter(|given| fetched(plan, &given.provider) || !fetched(other, &given.provider));
    let own: Vec<GivenKeys> = own.cloned().collect();
    let mut trust = TrustStore::new(plan.key_sources(), 0);
    install(&mut trust, plan, &own)?;
    Ok(trust)
}
