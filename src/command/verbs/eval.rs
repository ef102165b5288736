//! `countersign eval`: decides requests from a file with the very core that runs in Envoy.

mod keys;

use std::io::{self, BufRead, Write as _};

use clap::Args;
use countersign_core::config::Plan;
use countersign_core::enforcement::{self, Outcome};
use countersign_core::jose::json;
use countersign_core::keys::{KeySource, TrustStore};
use countersign_core::reply::{Forwarding, Reply};
use countersign_core::request::PeerSource;
use countersign_core::request::{Peer, RequestParts, client_address};
use countersign_core::telemetry::DecisionId;
use countersign_core::text::escape_json;
use countersign_core::time::UnixSeconds;
use ct_codecs::{Base64, Decoder as _};
use serde_json::{Map, Value, json};

use crate::clock::clock;
use crate::configuration::{compile, only_configuration};
use crate::document::{self, Problem};
use crate::failure::Failure;
use keys::GivenKeys;

/// How deep a request line may nest.
const MAX_LINE_DEPTH: usize = 8;

/// The longest request line, in bytes.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// `eval`
#[derive(Args)]
#[command(
    after_help = "A request is one line of JSON:\n  {\"id\": \"1\", \"method\": \"GET\", \"path\": \"/api/orders\", \"authority\": \"shop.example.com\",\n   \
\"headers\": [[\"authorization\", \"Bearer ...\"]], \"source_address\": \"203.0.113.7:1234\",\n   \"peer_certificate_sha256\": \"<64 hex digits>\", \"destination_port\": 443}\n\
Everything but id and method can be left out. A value that is not UTF-8 is written {\"base64\": \"...\"}.\n\n\
Examples:\n  countersign eval --config countersign.yaml --requests requests.ndjson\n  \
countersign eval --config countersign.yaml --requests - --now 1790000000 < requests.ndjson\n  \
countersign eval --config countersign.yaml --requests requests.ndjson --keys corp=corp-keys.json\n\n\
Exit codes: 0 every line was decided (whichever way), 1 faults in the configuration or in a line, 2 a file cannot be read."
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
}

/// Does it.
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
    let mut configuration = or_print(&arguments.config, only_configuration(&arguments.config, &bytes))?;
    keys::give(&mut configuration, &arguments.keys)?;
    let (plan, _) = or_print(&arguments.config, compile(&configuration))?;
    say_what_is_fetched(&plan);
    let mut requests: Box<dyn BufRead> = if arguments.requests == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = std::fs::File::open(&arguments.requests).map_err(|fault| unreadable(&arguments.requests, &fault))?;
        Box::new(io::BufReader::new(file))
    };
    // It is never told to fetch anything, so it holds the keys of the configuration alone.
    let trust = TrustStore::new(plan.profiles(), 0);
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
                writeln!(output, "{}", escape_json(&answer(&plan, &trust, request, written, number)?.to_string()))?;
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

/// What was read or compiled, or its problems on standard error.
fn or_print<T>(file: &str, result: Result<T, Vec<Problem>>) -> Result<T, Failure> {
    result.or_else(|problems| {
        problems.iter().try_for_each(|problem| problem.print(file, &mut io::stderr()))?;
        Err(Failure::Faults)
    })
}

/// Keys that are fetched in Envoy are fetched by nobody here.
fn say_what_is_fetched(plan: &Plan) {
    let fetched = plan.profiles().filter(|profile| matches!(profile.keys, KeySource::Fetched(_)));
    let names: Vec<&str> = fetched.map(|profile| profile.name.as_str()).collect();
    if let Some(first) = names.first() {
        let list = names.join("`, `");
        // Whether it is read changes no decision.
        let _ = writeln!(
            io::stderr(),
            "countersign: the keys of `{list}` are fetched, and eval asks nobody: requests that need them are refused with \
             keys-unavailable; give them as --keys {first}=FILE"
        );
    }
}

/// One of the doors to a decision.
type Decide = fn(&Plan, &TrustStore, RequestParts, UnixSeconds, &DecisionId) -> Outcome;

/// The decision record with the request's id and what the upstream would see, at the time that somebody wrote or by the
/// clock.
fn answer(
    plan: &Plan,
    trust: &TrustStore,
    request: RequestLine,
    written: Option<UnixSeconds>,
    number: u64,
) -> Result<Value, Failure> {
    let (decide, now): (Decide, UnixSeconds) = match written {
        Some(written) => (enforcement::decide_at, written),
        None => (enforcement::decide, clock()),
    };
    // The same lines at the same time get the same ids, so that two runs can be compared.
    let decision_id = DecisionId::derive(&[0; 32], number, now);
    let outcome = decide(plan, trust, request.parts(plan), now, &decision_id);
    let record = serde_json::to_value(&outcome.record).map_err(|fault| Failure::Usage(fault.to_string()))?;
    let mut answer = Map::new();
    answer.insert("id".to_owned(), request.id.into());
    answer.extend(record.as_object().cloned().unwrap_or_default());
    let (status, Forwarding { remove, set }) = match outcome.reply {
        Reply::Forward(forwarding) => (200, forwarding),
        Reply::Answer(refusal) => (refusal.status, Forwarding::default()),
    };
    answer.insert("status".to_owned(), status.into());
    answer.insert("upstream_headers".to_owned(), json!(set));
    answer.insert("removed_headers".to_owned(), json!(remove));
    Ok(Value::Object(answer))
}

/// One line of the input.
#[derive(Debug, Default, PartialEq, Eq)]
struct RequestLine {
    id: String,
    pseudo_headers: Vec<(String, Vec<u8>)>,
    headers: Vec<(String, Vec<u8>)>,
    source_address: Option<String>,
    peer_certificate_sha256: Option<[u8; 32]>,
    destination_port: Option<u16>,
}

impl RequestLine {
    fn parse(line: &[u8]) -> Result<Self, String> {
        let value = json::parse(line.trim_ascii(), MAX_LINE_DEPTH)
            .map_err(|fault| format!("no JSON at column {}: {}", fault.column, fault.what))?;
        let Value::Object(members) = value else { return Err("the line is not a JSON object".to_owned()) };
        let mut request = Self::default();
        for required in ["id", "method"] {
            if !members.contains_key(required) {
                return Err(format!("the member `{required}` is missing"));
            }
        }
        for (name, value) in &members {
            let wrong = |wanted: &str| format!("the member `{name}` must be {wanted}");
            match name.as_str() {
                "id" => request.id = value.as_str().ok_or_else(|| wrong("a text"))?.to_owned(),
                "method" | "path" | "authority" => {
                    let bytes = bytes(value).ok_or_else(|| wrong("a text, or {\"base64\": text}"))?;
                    request.pseudo_headers.push((format!(":{name}"), bytes));
                }
                "headers" => {
                    let fields = value.as_array().and_then(|fields| fields.iter().map(field).collect());
                    request.headers =
                        fields.ok_or_else(|| wrong("a list of [name, value] without names that begin with a colon"))?;
                }
                "source_address" => {
                    request.source_address = Some(value.as_str().ok_or_else(|| wrong("a text"))?.to_owned());
                }
                "peer_certificate_sha256" => {
                    let digest = value.as_str().and_then(digest).ok_or_else(|| wrong("64 hexadecimal digits"))?;
                    request.peer_certificate_sha256 = Some(digest);
                }
                "destination_port" => {
                    let port = value.as_u64().and_then(|port| u16::try_from(port).ok());
                    request.destination_port = Some(port.ok_or_else(|| wrong("a port, 0 to 65535"))?);
                }
                _ => return Err(format!("no request has a member `{name}`")),
            }
        }
        Ok(request)
    }

    /// What the host would hand over: it asks only for what the configuration names a source for.
    fn parts(&self, plan: &Plan) -> RequestParts {
        let source_address = plan
            .client_address
            .trusts_forwarded_for()
            .and_then(|trust| client_address(self.source_address.as_deref()?, trust));
        let certificate_sha256 = self.peer_certificate_sha256.filter(|_| plan.peer == PeerSource::Tls);
        RequestParts {
            headers: self.pseudo_headers.iter().chain(&self.headers).cloned().collect(),
            source_address,
            destination_port: self.destination_port,
            peer: Peer { certificate_sha256, uri: None },
        }
    }
}

/// A header field; Envoy hands names over in lower case.
fn field(value: &Value) -> Option<(String, Vec<u8>)> {
    let [name, value] = value.as_array()?.as_slice() else { return None };
    let name = name.as_str().filter(|name| !name.is_empty() && !name.starts_with(':'))?;
    Some((name.to_ascii_lowercase(), bytes(value)?))
}

/// A text, or the bytes of `{"base64": text}`.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(members) if members.len() == 1 => {
            Base64::decode_to_vec(members.get("base64")?.as_str()?, None).ok()
        }
        _ => None,
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}

#[cfg(test)]
mod tests;
