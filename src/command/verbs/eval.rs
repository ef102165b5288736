//! `countersign eval`: decides requests from a file with the same core that runs in Envoy.

pub(super) mod keys;

use std::io::{self, BufRead, Write as _};

use clap::Args;
use countersign_core::config::Plan;
use countersign_core::enforcement::{self, Outcome};
use countersign_core::fetch::LocalMemory;
use countersign_core::freshness::ProofMemory;
use countersign_core::keys::{KeySource, TrustStore, Verification};
use countersign_core::policy::NoPolicyText;
use countersign_core::reply::Reply;
use countersign_core::request::RequestParts;
use countersign_core::telemetry::DecisionId;
use countersign_core::text::escape_json;
use countersign_core::time::UnixSeconds;
use serde_json::{Map, Value, json};

use crate::clock::clock;
use crate::configuration::{compile, only_configuration, or_print};
use crate::document;
use crate::failure::Failure;
use crate::request_line::RequestLine;
use keys::GivenKeys;

/// The longest request line, in bytes.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// `eval`
#[derive(Args)]
#[command(
    after_help = "A request is one line of JSON:\n  {\"id\": \"1\", \"method\": \"GET\", \"path\": \"/api/orders\", \"authority\": \"shop.example.com\",\n   \
\"headers\": [[\"authorization\", \"Bearer ...\"]], \"source_address\": \"203.0.113.7:1234\",\n   \"peer_certificate_sha256\": \"<64 hex digits>\", \"peer_uri\": \"spiffe://example.org/web\",\n   \"destination_port\": 443}\n\
All members but id and method are optional. A value that is not UTF-8 is written {\"base64\": \"...\"}.\n\n\
Examples:\n  countersign eval --config countersign.yaml --requests requests.ndjson\n  \
countersign eval --config countersign.yaml --requests - --now 1790000000 < requests.ndjson\n  \
countersign eval --config countersign.yaml --requests requests.ndjson --keys corp=corp-keys.json\n\n\
Exit codes: 0 every line was decided (allowed or denied), 1 errors in the configuration or in a line, or with --oracle a \
different answer, 2 a file cannot be read."
)]
pub struct Arguments {
    /// The plugin's configuration, alone or inside Envoy's
    #[arg(long, value_name = "FILE")]
    config: String,
    /// Requests, one JSON object a line; - for standard input
    #[arg(long, value_name = "FILE")]
    requests: String,
    /// The JWK set to use for a provider whose keys are fetched; can be given for several
    #[arg(long, value_name = "PROVIDER=FILE")]
    keys: Vec<GivenKeys>,
    /// The time of the decisions, in seconds since 1970, 0 or more [default: the clock]
    #[arg(long, value_name = "UNIX", value_parser = clap::value_parser!(i64).range(0..))]
    now: Option<i64>,
    /// Decide each request by Cedar's own authorizer too, and fail if any answer differs
    #[arg(long)]
    oracle: bool,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let unreadable = |name: &str, fault: &io::Error| Failure::Usage(format!("cannot read `{name}`: {fault}"));
    let key_files = arguments.keys.iter().map(|given| &given.file);
    let from_input = [&arguments.config, &arguments.requests].into_iter().chain(key_files).filter(|file| *file == "-");
    if from_input.count() > 1 {
        return Err(Failure::Usage("only one of the files can be standard input".to_owned()));
    }
    let bytes = document::read(&arguments.config).map_err(|fault| unreadable(&arguments.config, &fault))?;
    let configuration = or_print(&arguments.config, only_configuration(&arguments.config, &bytes))?;
    let (plan, _) = or_print(&arguments.config, compile(&configuration))?;
    let oracle = if arguments.oracle {
        let (mut plan, _) = or_print(&arguments.config, compile(&configuration))?;
        plan.policies.ask_the_oracle().map_err(|NoPolicyText| {
            let config = &arguments.config;
            Failure::Usage(format!(
                "`{config}` has prepared policies, and Cedar's authorizer needs their text: give --oracle the configuration that they \
                 were prepared from"
            ))
        })?;
        Some(plan)
    } else {
        None
    };
    // It is never ticked, so it fetches nothing.
    let mut trust = TrustStore::new(plan.key_sources(), 0);
    keys::install(&mut trust, &plan, &arguments.keys)?;
    say_what_is_fetched(&plan, &arguments.keys);
    let mut requests: Box<dyn BufRead> = if arguments.requests == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = std::fs::File::open(&arguments.requests).map_err(|fault| unreadable(&arguments.requests, &fault))?;
        Box::new(io::BufReader::new(file))
    };
    // The lines are requests of one proxy: a proof that is in two of them is used twice. Cedar's authorizer gets a memory
    // of its own, because it decides each line again.
    let (memory, other_memory) = (LocalMemory::default(), LocalMemory::default());
    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut faults = false;
    for number in 1_u64.. {
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES.saturating_add(1);
        let read = io::Read::take(&mut requests, limit).read_until(b'\n', &mut line);
        if read.map_err(|fault| unreadable(&arguments.requests, &fault))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if u64::try_from(line.len()).is_ok_and(|length| length > MAX_LINE_BYTES) {
            output.flush()?;
            return Err(Failure::Usage(format!("{}:{number}: longer than {MAX_LINE_BYTES} bytes", arguments.requests)));
        }
        let written = arguments.now.map(UnixSeconds::new);
        match RequestLine::parse(&line) {
            Ok(request) => {
                let time = written.unwrap_or_else(clock);
                let decide: Decide = if written.is_some() { enforcement::decide_at } else { enforcement::decide };
                let other = oracle.as_ref().map(|oracle| (oracle, &other_memory));
                let (own, differing) = compared(((&plan, &memory), other), &trust, &request, (decide, time), number)?;
                writeln!(output, "{}", escape_json(&own.to_string()))?;
                if let Some(differing) = differing {
                    faults = true;
                    output.flush()?;
                    writeln!(
                        io::stderr(),
                        "{}:{number}: Cedar's authorizer decides otherwise, which is a fault of Countersign: do not deploy \
                         these policies, and report it\n{}",
                        arguments.requests,
                        escape_json(&differing.to_string())
                    )?;
                }
            }
            Err(fault) => {
                faults = true;
                output.flush()?;
                writeln!(io::stderr(), "{}:{number}: {fault}", arguments.requests)?;
            }
        }
    }
    output.flush()?;
    if faults { Err(Failure::Faults) } else { Ok(()) }
}

/// `eval` fetches no keys, and reports whose are missing.
fn say_what_is_fetched(plan: &Plan, given: &[GivenKeys]) {
    let fetched = plan.key_sources().filter(|(_, source)| matches!(source, KeySource::Fetched(_)));
    let names = fetched.map(|(profile, _)| profile.name.as_str());
    let names: Vec<&str> = names.filter(|name| given.iter().all(|given| given.provider != *name)).collect();
    if let Some(first) = names.first() {
        let list = names.join("`, `");
        // Whether it is read changes no decision.
        let _ = writeln!(
            io::stderr(),
            "countersign: eval does not fetch the keys of `{list}`: requests that need them are denied with keys-unavailable; \
             give the keys as --keys {first}=FILE"
        );
    }
}

/// One of the doors to a decision.
pub(super) type Decide = fn(&Plan, Verification<'_>, RequestParts, UnixSeconds, &DecisionId) -> Outcome;

/// The plugin's answer, and that of Cedar's authorizer where it differs. Each has a memory for proofs of its own.
fn compared(
    (own, oracle): ((&Plan, &LocalMemory), Option<(&Plan, &LocalMemory)>),
    trust: &TrustStore,
    request: &RequestLine,
    moment: (Decide, UnixSeconds),
    number: u64,
) -> Result<(Value, Option<Value>), Failure> {
    let own = answer(own, trust, request, moment, number)?;
    let other = oracle.map(|oracle| answer(oracle, trust, request, moment, number)).transpose()?;
    let differing = other.filter(|other| *other != own);
    Ok((own, differing))
}

/// The decision record with the request's id and what the upstream would see.
pub(super) fn answer(
    (plan, memory): (&Plan, &LocalMemory),
    trust: &TrustStore,
    request: &RequestLine,
    (decide, now): (Decide, UnixSeconds),
    number: u64,
) -> Result<Value, Failure> {
    // The same lines at the same time get the same ids, so that two runs can be compared.
    let decision_id = DecisionId::derive(&[0; 32], number, now);
    // Nobody can use a nonce of a run elsewhere, so its secret may be known.
    let proofs = ProofMemory { shared: Some(memory), own: Some(memory), seed: &[0; 32] };
    let verification = Verification { proofs, ..Verification::by(trust) };
    let outcome = decide(plan, verification, request.clone().parts(plan), now, &decision_id);
    let record: Map<String, Value> =
        serde_json::from_str(&outcome.record.to_json()).map_err(|fault| Failure::Usage(fault.to_string()))?;
    let mut answer = Map::new();
    answer.insert("id".to_owned(), request.id.clone().into());
    answer.extend(record);
    let (status, set, remove) = match &outcome.reply {
        Reply::Forward(forwarding) => (
            200,
            forwarding.set().map(|(name, value)| (name, String::from_utf8_lossy(value))).collect(),
            forwarding.remove().collect(),
        ),
        Reply::Answer(refusal) => (refusal.status, Vec::new(), Vec::new()),
    };
    answer.insert("status".to_owned(), status.into());
    answer.insert("upstream_headers".to_owned(), json!(set));
    answer.insert("removed_headers".to_owned(), json!(remove));
    Ok(Value::Object(answer))
}

#[cfg(test)]
mod tests;
