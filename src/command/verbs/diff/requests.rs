//! `--requests`: recorded requests, decided by both configurations.

use std::io::{self, BufRead as _, Write as _};

use countersign_core::config::Plan;
use countersign_core::enforcement;
use countersign_core::fetch::LocalMemory;
use countersign_core::keys::{KeySource, TrustStore};
use countersign_core::time::UnixSeconds;

use crate::clock::clock;
use crate::document;
use crate::failure::Failure;
use crate::prove::replay::{Answered, Changed, Replayed};
use crate::request_line::RequestLine;
use crate::verbs::eval::keys::{GivenKeys, install};
use crate::verbs::eval::{Decide, answer};

/// Decides each line of the file with both.
///
/// # Errors
/// The file cannot be read, or a line of it is not a request.
pub fn replay(
    old: &Plan,
    new: &Plan,
    (file, keys, now): (&str, &[GivenKeys], Option<i64>),
) -> Result<Replayed, Failure> {
    let bytes = document::read(file).map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
    let time = now.map_or_else(clock, UnixSeconds::new);
    let decide: Decide = if now.is_some() { enforcement::decide_at } else { enforcement::decide };
    let trust = (trust(old, new, keys)?, trust(new, old, keys)?);
    // The lines are requests of one proxy, and each configuration decides each of them once.
    let memory = (LocalMemory::default(), LocalMemory::default());
    let mut replayed = Replayed::default();
    for (line, number) in bytes.as_slice().lines().zip(1_u64..) {
        let line = line.map_err(|fault| Failure::Usage(format!("cannot read `{file}`: {fault}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let request = match RequestLine::parse(line.as_bytes()) {
            Ok(request) => request,
            Err(fault) => {
                writeln!(io::stderr(), "{file}:{number}: {fault}")?;
                return Err(Failure::Faults);
            }
        };
        let old = Answered::of(&answer((old, &memory.0), &trust.0, &request, (decide, time), number)?);
        let new = Answered::of(&answer((new, &memory.1), &trust.1, &request, (decide, time), number)?);
        replayed.total = replayed.total.saturating_add(1);
        if old != new {
            replayed.changed.push(Changed { id: request.id, old, new });
        }
    }
    Ok(replayed)
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
