//! Asking identity providers. `countersign check --probe` fetches the keys of a configuration once and reports the result, and
//! `countersign init` fetches metadata.
//!
//! For `check`, the trust store that runs in Envoy decides what to fetch, and accepts or rejects each answer. This module only
//! finds the address of the provider, makes the call and prints.

mod fetch;
mod report;
mod target;

use std::collections::VecDeque;
use std::io::{self, Write};

use countersign_core::config::Plan;
use countersign_core::fetch::{FetchFault, FetchRequest, HttpUrl, RequestId, Response, Schedule};
use countersign_core::keys::{Effect, KeyFetchFault, KeySource, Report, TrustStore};
use countersign_core::profile::{DeviceProvider, TokenProfile};
use countersign_core::provider::ProviderName;
use countersign_core::time::{Seconds, UnixSeconds};

use crate::deployment::Model;
pub use report::ALGORITHM_ANNOUNCEMENTS;
pub use target::Roots;
use target::Target;

/// The longest time for one document of a provider that no configuration names yet.
const DOCUMENT_TIMEOUT: Seconds = Seconds::new(10);

/// Fetches all sets of one configuration. True where each would be taken.
///
/// # Errors
/// The output is closed.
pub fn run(name: &str, plan: &Plan, model: &Model<'_>, now: UnixSeconds, output: &mut impl Write) -> io::Result<bool> {
    let mut store = TrustStore::new(plan.key_sources(), 0);
    let mut effects = VecDeque::from(store.tick(None, now));
    let by_id: Vec<_> = plan.key_sources().filter(|(profile, _)| store.fetches_by_id(&profile.name)).collect();
    for (profile, _) in &by_id {
        let provider = &profile.name;
        say(output, &format!("{name}: keys of `{provider}` are fetched one by one when tokens name them: not probed"))?;
    }
    if effects.is_empty() && by_id.is_empty() {
        say(output, &format!("{name}: no keys are fetched"))?;
    }
    let mut all_taken = true;
    let mut answer = None;
    while let Some(effect) = effects.pop_front() {
        let news = match effect {
            Effect::Send(request) => {
                answer = ask(name, &request, model, output)?;
                let warning = answer.as_ref().and_then(|answer| {
                    report::announced(answer, profile_of(plan, &request.id.provider)?.algorithms.listed())
                });
                warning.iter().try_for_each(|warning| say(output, &format!("  {warning}")))?;
                let answer = answer.as_ref().ok_or(FetchFault::NoAnswer);
                store.answered(&request.id, answer, None, now)
            }
            Effect::Report(report) => {
                all_taken &= matches!(report, Report::Taken { .. });
                tell(&report, answer.as_ref(), plan, &store, now, output)?;
                continue;
            }
            Effect::Wake(_) | Effect::TellWorkers => continue,
        };
        // One provider after the other: what an answer leads to comes before the next.
        news.into_iter().rev().for_each(|effect| effects.push_front(effect));
    }
    Ok(all_taken)
}

/// What lies at a URL, at the host that it names, whose certificate one of these must have signed.
///
/// # Errors
/// Why there is no answer, and what to do about it.
pub fn document(url: &HttpUrl, roots: &Roots) -> Result<Response, String> {
    fetch::get(url, &Target::of_host(url, roots), DOCUMENT_TIMEOUT)
}

fn profile_of<'p>(plan: &'p Plan, provider: &ProviderName) -> Option<&'p TokenProfile> {
    let issuers = plan.issuers.iter().map(|issuer| &issuer.profile);
    let devices = plan.devices.iter().filter_map(DeviceProvider::token).map(|token| &token.profile);
    issuers.chain(devices).find(|profile| profile.name == *provider)
}

/// Sends one request. Nothing where no answer came, which is told.
fn ask(name: &str, request: &FetchRequest, model: &Model<'_>, output: &mut impl Write) -> io::Result<Option<Response>> {
    let FetchRequest { id: RequestId { provider, .. }, endpoint, timeout } = request;
    let target = Target::to(endpoint, model);
    say(output, &format!("{name}: keys of `{provider}`: GET {}, {}", endpoint.url, target.shown()))?;
    target.notes.iter().try_for_each(|note| say(output, &format!("  note: {note}")))?;
    let fetched = fetch::get(&endpoint.url, &target, *timeout);
    match &fetched {
        Ok(response) => say(output, &format!("  {}", report::answer(response)))?,
        Err(fault) => say(output, &format!("  not accepted: {fault}"))?,
    }
    Ok(fetched.ok())
}

fn tell(
    report: &Report,
    answer: Option<&Response>,
    plan: &Plan,
    store: &TrustStore,
    now: UnixSeconds,
    output: &mut impl Write,
) -> io::Result<()> {
    let (provider, skipped) = match report {
        Report::Taken { provider, skipped, .. } => (provider, skipped),
        Report::LetGo { .. } => return say(output, &format!("  not accepted after all: {report}")),
        // That there was no answer is told already, with the reason.
        Report::Failed { fault: KeyFetchFault::Fetch(FetchFault::NoAnswer), .. } => return Ok(()),
        Report::Failed { fault, .. } | Report::NotAdopted { fault, .. } => {
            let more = answer.map(|answer| report::more_about(fault, answer)).unwrap_or_default();
            return say(output, &format!("  not accepted: {fault}{more}"));
        }
    };
    let (Some(source), Some(answer)) = (plan.keys.get(provider), answer) else { return Ok(()) };
    if let KeySource::Fetched(source) = source {
        say(output, &format!("  {}", freshness(&source.schedule, answer)))?;
    }
    let usable = store.keys(provider, now).map(|set| set.keys()).unwrap_or_default();
    for line in report::keys(answer, usable, skipped) {
        say(output, &format!("  {line}"))?;
    }
    say(output, &format!("  accepted: {}, {} left out", report::count(usable.len(), "key"), skipped.len()))
}

fn freshness(schedule: &Schedule, answer: &Response) -> String {
    let lifetime = answer.lifetime();
    let said = lifetime.map_or("nothing".to_owned(), |lifetime| lifetime.to_string());
    let Schedule { refresh_min, refresh_max, .. } = schedule;
    format!(
        "fresh for {}: `Cache-Control` says {said}, `refresh` of the configuration {refresh_min} to {refresh_max}",
        schedule.fresh_for(lifetime)
    )
}

/// Prints a line of which parts may be a provider's: what could steer a terminal is written as an escape.
///
/// # Errors
/// The output is closed.
pub fn say(output: &mut impl Write, line: &str) -> io::Result<()> {
    for character in line.chars() {
        match character {
            ' '..='~' => write!(output, "{character}")?,
            other => write!(output, "{}", other.escape_unicode())?,
        }
    }
    writeln!(output)
}
