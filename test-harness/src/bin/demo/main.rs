//! The main job, shown: real services, a real Envoy with the module, real requests, and a table of what was decided and why.

mod actors;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use comfy_table::{Table, presets};
use serde_json::Value;
use test_harness::answer::Answer;
use test_harness::clock::Stopwatch;
use test_harness::envoy::{Bootstrap, Chain, Envoy, guard_filter, wasm_filter};
use test_harness::http1::{Connection, Request};
use test_harness::keys::KEYS;
use test_harness::paths::{self, EnvoyVersion};
use test_harness::services::Services;
use test_harness::tls::Client;
use test_harness::tokens::{CAROL, HOST, Token};

use actors::{Over, World};

/// Starts an identity provider, a device provider, an upstream application and Envoy with the module, sends requests
/// through, and prints what was decided and why. The exit code is 1 if an answer is not the expected one.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Envoy's worker threads.
    #[arg(long, default_value_t = 1)]
    workers: u32,
}

/// One request of the demonstration, and what must come of it.
struct Step {
    who: &'static str,
    /// The query to the identity provider; empty for no caller.
    token: &'static str,
    device: &'static str,
    /// The query to the device provider; empty for no posture.
    posture: &'static str,
    method: &'static str,
    path: &'static str,
    status: u16,
    /// The policy that allows, or the reason to refuse.
    because: &'static str,
}

/// The token of a caller who holds none of the trusted keys and claims to be Carol.
const FORGED: &str = "forged";

#[rustfmt::skip]
const STEPS: &[Step] = &[
    Step { who: "nobody",   token: "",                    device: "",                 posture: "",                             method: "GET", path: "/healthz",          status: 200, because: "health" },
    Step { who: "nobody",   token: "",                    device: "",                 posture: "",                             method: "GET", path: "/api/orders/7",     status: 401, because: "credential-missing" },
    Step { who: "alice",    token: "user=alice",          device: "her laptop",       posture: "device=laptop-1",              method: "GET", path: "/api/orders/7",     status: 200, because: "staff-read" },
    Step { who: "alice",    token: "user=alice&alg=ES256",device: "her laptop",       posture: "device=laptop-1",              method: "GET", path: "/api/orders/8",     status: 200, because: "staff-read" },
    Step { who: "alice",    token: "user=alice",          device: "unknown",          posture: "",                             method: "GET", path: "/api/orders/7",     status: 401, because: "posture-missing" },
    Step { who: "alice",    token: "user=alice",          device: "seen 25 h ago",    posture: "device=laptop-1&age=90000",    method: "GET", path: "/api/orders/7",     status: 401, because: "posture-stale" },
    Step { who: "alice",    token: "user=alice",          device: "bob's laptop",     posture: "device=laptop-2",              method: "GET", path: "/api/orders/7",     status: 401, because: "posture-not-bound" },
    Step { who: "alice",    token: "user=alice",          device: "not managed",      posture: "device=laptop-1&managed=false",method: "GET", path: "/api/orders/7",     status: 403, because: "not-permitted" },
    Step { who: "alice",    token: "user=alice",          device: "score 40",         posture: "device=laptop-1&score=40",     method: "GET", path: "/api/orders/7",     status: 403, because: "not-permitted" },
    Step { who: "alice",    token: "user=alice",          device: "her laptop",       posture: "device=laptop-1",              method: "PUT", path: "/api/orders/7",     status: 403, because: "not-permitted" },
    Step { who: "carol",    token: "user=carol",          device: "her laptop",       posture: "device=laptop-3",              method: "PUT", path: "/api/orders/7",     status: 200, because: "admin-write" },
    Step { who: "carol",    token: "user=carol",          device: "at risk, score 5", posture: "device=laptop-3&score=5",      method: "PUT", path: "/api/orders/7",     status: 403, because: "forbidden-by-policy" },
    Step { who: "bob",      token: "user=bob",            device: "his laptop",       posture: "device=laptop-2",              method: "GET", path: "/api/people/bob",   status: 200, because: "own-record" },
    Step { who: "bob",      token: "user=bob",            device: "his laptop",       posture: "device=laptop-2",              method: "GET", path: "/api/people/carol", status: 403, because: "not-permitted" },
    Step { who: "reporter", token: "user=reporter",       device: "",                 posture: "",                             method: "GET", path: "/api/report",       status: 200, because: "reporter" },
    Step { who: "mallory",  token: FORGED,                device: "carol's laptop",   posture: "device=laptop-3",              method: "PUT", path: "/api/orders/7",     status: 401, because: "token-signature" },
    Step { who: "alice",    token: "user=alice&age=1000", device: "her laptop",       posture: "device=laptop-1",              method: "GET", path: "/api/orders/7",     status: 401, because: "token-expired" },
    Step { who: "carol",    token: "user=carol",          device: "her laptop",       posture: "device=laptop-3",              method: "PUT", path: "/api/people/..%2Forders/7", status: 400, because: "path-ambiguous" },
];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: an answer is not the expected one");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: &Arguments) -> io::Result<bool> {
    let (binary, module) = (EnvoyVersion::Newest.binary()?, paths::module()?);
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let services = Services::start(any_port, any_port, any_port).await?;
    let mut bootstrap = Bootstrap::example_on_free_ports(&module, services.upstream.address())?;
    bootstrap.set_cluster("identity-provider", services.identity_provider.address());
    bootstrap.set_cluster("device-provider", services.device_provider.address());
    let alone = bootstrap.clone();
    let world = World::new()?;
    world.add_listeners(&mut bootstrap, &module)?;
    // The rest waits for Envoy and for answers, which must not keep the services from their work.
    tokio::task::block_in_place(|| {
        let envoy = Envoy::start(&binary, &bootstrap, arguments.workers, &paths::new_run_folder("demo")?)?;
        let as_expected = show_people(&services, &envoy)? & show_actors(&world, &envoy)?;
        let lean = start_lean(&binary, alone.clone(), arguments.workers)?;
        let alike = count_alike(&services, &lean)?;
        println!("countersign-lean.wasm, with the same policies prepared: {alike} of {} decided alike", STEPS.len());
        let modules = [("countersign.wasm", &module, &envoy), ("countersign-lean.wasm", &paths::lean_module()?, &lean)];
        show_cost(&binary, &alone, &modules, arguments.workers)?;
        Ok(as_expected && alike == STEPS.len())
    })
}

/// The plugin with this configuration, and its guard.
fn filters(module: &Path, configuration: &Value) -> Vec<Value> {
    vec![wasm_filter("countersign", module, configuration), guard_filter("countersign")]
}

/// People and software, each with what the example of the documentation requires.
fn show_people(services: &Services, envoy: &Envoy) -> io::Result<bool> {
    let mut rows = Rows::new();
    let address = envoy.listener("main")?;
    for step in STEPS {
        let shown = show(step, services, envoy, address)?;
        rows.add([step.who, step.device, step.method, step.path], shown);
    }
    Ok(rows.print("people, each with a device"))
}

/// Callers that need no device.
fn show_actors(world: &World, envoy: &Envoy) -> io::Result<bool> {
    let (plain, mutual) = (envoy.listener(actors::PLAIN)?, envoy.listener(actors::MUTUAL)?);
    let waypoint = envoy.listener(actors::WAYPOINT)?;
    let mut as_expected = true;
    for group in actors::GROUPS {
        let mut rows = Rows::new();
        for step in group.steps {
            let request = (step.credential)(world, request(step.method, step.path));
            let send = || match step.over {
                None => request.send(plain),
                Some(Over::Waypoint) => request.send(waypoint),
                Some(over) => {
                    let client = Client::new(&world.authority, world.leaf(over))?;
                    let mut connection = Connection::over(client.connect(mutual)?);
                    connection.send(&request.head())?;
                    connection.answer(true)
                }
            };
            rows.add([step.who, step.with, step.method, step.path], shown((step.status, step.because), envoy, send)?);
        }
        as_expected &= rows.print(group.heading);
    }
    Ok(as_expected)
}

/// The rows of one table, and whether all are as expected.
struct Rows {
    table: Table,
    as_expected: bool,
}

impl Rows {
    fn new() -> Self {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header(["who", "with", "request", "answer", "decided by", "ms"]);
        Self { table, as_expected: true }
    }

    fn add(&mut self, [who, with, method, path]: [&str; 4], shown: Shown) {
        self.as_expected &= shown.as_expected;
        let marker = if shown.as_expected { "" } else { " (not expected)" };
        self.table.add_row([
            who.to_owned(),
            if with.is_empty() { "-".to_owned() } else { with.to_owned() },
            format!("{method} {path}"),
            format!("{}{marker}", shown.status),
            shown.because,
            format!("{:.1}", shown.time.as_secs_f64() * 1e3),
        ]);
    }

    fn print(self, heading: &str) -> bool {
        println!("{heading}:\n{}", self.table);
        self.as_expected
    }
}

fn request(method: &str, path: &str) -> Request {
    Request::new(method, path.as_bytes()).header("host", HOST.as_bytes()).header("connection", b"close")
}

/// What came of a step.
struct Shown {
    status: u16,
    because: String,
    time: Duration,
    as_expected: bool,
}

fn show(step: &Step, services: &Services, envoy: &Envoy, address: SocketAddr) -> io::Result<Shown> {
    let mut request = request(step.method, step.path);
    if let Some(token) = access_token(step, services)? {
        request = request.header("authorization", format!("Bearer {token}").as_bytes());
    }
    if !step.posture.is_empty() {
        let token = fetch(services.device_provider.address(), &format!("/posture?{}", step.posture))?;
        request = request.header("x-device-posture", token.as_bytes());
    }
    shown((step.status, step.because), envoy, || request.send(address))
}

/// Sends a request, and compares what came of it with what must.
fn shown(wanted: (u16, &str), envoy: &Envoy, send: impl FnOnce() -> io::Result<Answer>) -> io::Result<Shown> {
    let start = Stopwatch::start();
    let answer = send()?;
    let time = start.elapsed();
    // The upstream echoes what it received; a refusal carries the id itself. Either way the id finds the record in the access log.
    let id = match answer.status {
        200 => upstream_header(&answer.json(), "x-countersign-decision-id"),
        _ => answer.decision_id(),
    };
    let record = id.and_then(|id| envoy.access_line(&id)).and_then(|line| record(&line)).unwrap_or_default();
    let policies = texts(&record["policies"]).join(", ");
    let near: Vec<String> = record["near_misses"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|near| near["policy"].as_str().map(str::to_owned))
        .collect();
    let reason = record["reason"].as_str().unwrap_or("no record").to_owned();
    let expected = if answer.status == 200 { &policies } else { &reason };
    let as_expected = (answer.status, expected.as_str()) == wanted;
    let mut because = match (answer.status, policies.is_empty(), near.is_empty()) {
        (200, _, _) => policies,
        (_, false, _) => format!("{reason}: {policies}"),
        (_, true, false) => format!("{reason}; near: {}", near.join(", ")),
        (_, true, true) => reason,
    };
    because.extend(texts(&record["alarms"]).iter().map(|alarm| format!("; alarm: {alarm}")));
    because.extend(hints(&answer).iter().map(|hint| format!("\n{hint}")));
    Ok(Shown { status: answer.status, because, time, as_expected })
}

/// The parameters of the first challenge that say what would help.
fn hints(answer: &Answer) -> Vec<&str> {
    let parameters = answer.header("www-authenticate").unwrap_or_default().split(", ");
    let helps = ["scope=", "acr_values=", "max_age=", "resource_metadata="];
    parameters.filter(|parameter| helps.iter().any(|name| parameter.starts_with(name))).collect()
}

fn access_token(step: &Step, services: &Services) -> io::Result<Option<String>> {
    match step.token {
        "" => Ok(None),
        FORGED => Ok(Some(Token::of(CAROL).key(&KEYS.corp_es256).signed_by(&KEYS.rogue).sign())),
        query => fetch(services.identity_provider.address(), &format!("/token?{query}")).map(Some),
    }
}

fn fetch(address: SocketAddr, path: &str) -> io::Result<String> {
    let answer = Request::new("GET", path.as_bytes())
        .header("host", b"provider")
        .header("connection", b"close")
        .send(address)?;
    match answer.status {
        200 => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
        status => Err(io::Error::other(format!("`{path}` was answered {status}"))),
    }
}

fn upstream_header(echo: &Value, name: &str) -> Option<String> {
    let headers = echo["headers"].as_array()?;
    headers.iter().find(|field| field[0] == name).and_then(|field| field[1].as_str()).map(str::to_owned)
}

fn record(line: &str) -> Option<Value> {
    serde_json::from_str(line.get(line.find('{')?..)?).ok()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The same Envoy with the module that accepts prepared policies only.
fn start_lean(binary: &Path, mut bootstrap: Bootstrap, workers: u32) -> io::Result<Envoy> {
    let policies = fs::read_to_string(paths::root().join("envoy/policies.prepared.json"))?;
    bootstrap.set_module(&paths::lean_module()?, &serde_json::from_str(&policies)?);
    Envoy::start(binary, &bootstrap, workers, &paths::new_run_folder("demo-lean")?)
}

/// How many of the requests are decided as they must be.
fn count_alike(services: &Services, envoy: &Envoy) -> io::Result<usize> {
    let address = envoy.listener("main")?;
    STEPS.iter().try_fold(0, |alike, step| {
        let shown = show(step, services, envoy, address)?;
        if !shown.as_expected {
            println!("{} {}: {} {}, which was not expected", step.method, step.path, shown.status, shown.because);
        }
        Ok(alike + usize::from(shown.as_expected))
    })
}

/// The price of each module: its size, and how long Envoy takes to start and what it holds, with it and without.
fn show_cost(
    binary: &Path,
    bootstrap: &Bootstrap,
    modules: &[(&str, &PathBuf, &Envoy)],
    workers: u32,
) -> io::Result<()> {
    let mut bare = bootstrap.clone();
    bare.remove_listeners();
    let filters = Vec::new();
    bare.push_listener(bootstrap.listener(&Chain { name: "main".to_owned(), cluster: "upstream".to_owned(), filters }));
    let without = Envoy::start(binary, &bare, workers, &paths::new_run_folder("demo-bare")?)?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["module", "bytes", "start", "CPU for it", "RSS", "of it anonymous"]);
    let mut rows = Vec::new();
    for (name, file, envoy) in modules {
        rows.push((*name, fs::metadata(file)?.len().to_string(), *envoy));
    }
    rows.push(("none", String::new(), &without));
    for (name, bytes, envoy) in rows {
        let memory = envoy.memory();
        table.add_row([
            name.to_owned(),
            bytes,
            format!("{:.2} s", envoy.load_time().as_secs_f64()),
            format!("{:.2} s", envoy.load_cpu().as_secs_f64()),
            format!("{} MiB", memory.resident_kib / 1024),
            format!("{} MiB", memory.anonymous_kib / 1024),
        ]);
    }
    println!("workers: {workers}");
    println!("{table}");
    Ok(())
}
