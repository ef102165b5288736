//! One Envoy with every listener that the scenarios need, the upstreams behind it, and requests to send.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::modules::{self, failing_worker};
use serde_json::{Value, json};
use test_harness::answer::Answer;
use test_harness::envoy::{Bootstrap, Chain, Envoy, guard_filter, wasm_filter};
use test_harness::keys::{corp_key_set, mdm_key_set};
use test_harness::paths::{self, EnvoyVersion};
use test_harness::services::{ControlPlane, Line, Provider, Received, Sink, Upstream, identity_provider, pem_provider};
use test_harness::tls::Authority;
use test_harness::tokens::{Caller, Token};
use test_harness::{http1, http2};
use tokio::runtime::Runtime;

use crate::caps::deepest_configuration;
use crate::edges::lenient_listener;
use crate::faults::Faults;
use crate::keys::{ELSEWHERE, KeyWorld, LOGIN};
use crate::keys_by_kid::KeysByKid;
use crate::tls;
use crate::vendors::Vendors;
use crate::{challenges, software, tokens};

pub use test_harness::tokens::HOST;

/// The host of the strict configuration.
pub const STRICT_HOST: &str = "strict.example.com";
/// The worker threads of each Envoy.
pub const WORKERS: u32 = 2;

/// One Envoy and its surroundings.
pub struct Bench {
    pub version: EnvoyVersion,
    pub binary: PathBuf,
    /// The module that the scenarios run with.
    pub module: PathBuf,
    /// The module of the other flavour.
    pub other_module: PathBuf,
    pub folder: PathBuf,
    pub example: Bootstrap,
    pub envoy: Envoy,
    pub upstream: Upstream,
    pub sink: Sink,
    pub keys: KeyWorld,
    pub authority: Authority,
    faults: OnceLock<io::Result<Faults>>,
    workloads: OnceLock<Envoy>,
    vendors: OnceLock<io::Result<Vendors>>,
    keys_by_kid: OnceLock<io::Result<KeysByKid>>,
    runtime: Runtime,
    requests: AtomicU64,
    secrets: Mutex<BTreeSet<String>>,
}

impl Bench {
    /// Starts everything.
    pub fn start(version: EnvoyVersion) -> io::Result<Self> {
        let binary = version.binary()?;
        let (module, other_module) = modules_in(version)?;
        let folder = paths::new_run_folder(version.name())?;
        let runtime = Runtime::new()?;
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let upstream = runtime.block_on(Upstream::start(any_port))?;
        let sink = runtime.block_on(Sink::start(any_port))?;
        let keys = {
            let _entered = runtime.enter();
            KeyWorld::start()?
        };
        let mut example = Bootstrap::example_on_free_ports(&module, upstream.address())?;
        example.set_cluster("identity-provider", keys.login.address());
        example.set_cluster("device-provider", keys.devices.address());
        let mut bootstrap = example.clone();
        bootstrap.set_cluster("sink", sink.address());
        bootstrap.set_cluster(LOGIN, keys.login.address());
        bootstrap.set_cluster(ELSEWHERE, keys.elsewhere.address());
        for chain in chains(&example, &module, &folder, &keys)? {
            bootstrap.add_listener(&chain);
        }
        bootstrap.set_cluster_with_trailers("upstream-with-trailers", upstream.address());
        bootstrap.push_listener(lenient_listener(&example, &module));
        let envoy = Envoy::start(&binary, &bootstrap, WORKERS, &folder)?;
        Ok(Self {
            version,
            binary,
            module,
            other_module,
            folder,
            example,
            envoy,
            upstream,
            sink,
            keys,
            authority: tls::authority(),
            faults: OnceLock::new(),
            workloads: OnceLock::new(),
            vendors: OnceLock::new(),
            keys_by_kid: OnceLock::new(),
            runtime,
            requests: AtomicU64::new(0),
            secrets: Mutex::default(),
        })
    }

    /// Another Envoy, with these listeners and no other.
    pub fn envoy_with(&self, name: &str, listeners: impl IntoIterator<Item = Value>) -> Envoy {
        self.start_envoy(name, &self.bootstrap_with(listeners)).expect("envoy starts")
    }

    /// The example with these listeners and no other.
    pub fn bootstrap_with(&self, listeners: impl IntoIterator<Item = Value>) -> Bootstrap {
        let mut bootstrap = self.example.clone();
        bootstrap.remove_listeners();
        for listener in listeners {
            bootstrap.push_listener(listener);
        }
        bootstrap
    }

    /// Another Envoy, in a folder of this name.
    pub fn start_envoy(&self, name: &str, bootstrap: &Bootstrap) -> io::Result<Envoy> {
        self.start_envoy_of(WORKERS, name, bootstrap)
    }

    /// The same, of so many workers.
    pub fn start_envoy_of(&self, workers: u32, name: &str, bootstrap: &Bootstrap) -> io::Result<Envoy> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        Envoy::start(&self.binary, bootstrap, workers, &folder)
    }

    /// The Envoy with a listener for each fault around the plugin; it starts when the first scenario wants it.
    pub fn faults(&self) -> &Faults {
        self.faults.get_or_init(|| Faults::start(self)).as_ref().expect("envoy starts")
    }

    /// The address of a listener of the Envoy that knows workloads; it starts when the first scenario wants it.
    pub fn workloads(&self, listener: &str) -> SocketAddr {
        let envoy = self.workloads.get_or_init(|| self.envoy_with("workloads", crate::workloads::listeners(self)));
        envoy.listener(listener).expect("the listener is there")
    }

    /// The Envoy with a listener for each vendor and each front door; it starts when the first scenario wants it.
    pub fn vendors(&self) -> &Vendors {
        self.vendors.get_or_init(|| Vendors::start(self)).as_ref().expect("envoy starts")
    }

    /// The Envoy whose keys are fetched one by one; it starts when the first scenario wants it.
    pub fn keys_by_kid(&self) -> &KeysByKid {
        self.keys_by_kid.get_or_init(|| KeysByKid::start(self)).as_ref().expect("envoy starts")
    }

    /// Sends a request and sees what the client and the upstream got.
    pub fn ask(&self, ask: &Ask) -> Outcome {
        let address = self.envoy.listener(ask.listener).expect("the listener is there");
        self.ask_at(address, ask)
    }

    /// The same at another Envoy's listener.
    pub fn ask_at(&self, address: SocketAddr, ask: &Ask) -> Outcome {
        let (request, test_id) = self.prepare(ask);
        let answer = if ask.http2 {
            self.runtime.block_on(http2::send(address, &request, &ask.trailers))
        } else {
            request.send(address)
        };
        let answer =
            answer.unwrap_or_else(|error| panic!("no answer to {} {}: {error}", ask.method, ask.shown_target()));
        self.outcome(answer, &test_id, ask)
    }

    /// What came of a request that was sent in another way.
    pub fn outcome(&self, answer: Answer, test_id: &str, ask: &Ask) -> Outcome {
        Outcome { answer, received: self.upstream.received(test_id), secrets: ask.secrets() }
    }

    /// The request in bytes, with an id by which the upstream remembers it.
    pub fn prepare(&self, ask: &Ask) -> (http1::Request, String) {
        let test_id = format!("{}-{}", self.version.name(), self.requests.fetch_add(1, Ordering::SeqCst));
        self.secrets.lock().expect("no scenario panics in here").extend(ask.secrets());
        let request = ask.request().header("x-test-id", test_id.as_bytes());
        // `connection` is a field of HTTP/1.1 alone (RFC 9113 section 8.2.2).
        (if ask.http2 { request } else { request.header("connection", b"close") }, test_id)
    }

    /// What Envoy says of the module with this plugin configuration, without listening.
    pub fn validate(&self, name: &str, configuration: &Value) -> Output {
        self.validate_with(&self.module, name, configuration)
    }

    /// The same of the module that accepts policies as text: for errors in the text, which the lean one never sees.
    pub fn validate_text(&self, name: &str, configuration: &Value) -> Output {
        self.validate_with(&paths::module().expect("the module"), name, configuration)
    }

    fn validate_with(&self, module: &Path, name: &str, configuration: &Value) -> Output {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut bootstrap = self.example.clone();
        bootstrap.remove_listeners();
        bootstrap.push_listener(self.example.listener(&Chain {
            name: "main".to_owned(),
            cluster: "upstream".to_owned(),
            filters: vec![wasm_filter("v", module, configuration)],
        }));
        Envoy::validate(&self.binary, &bootstrap, &folder).expect("envoy runs")
    }

    /// One more upstream.
    pub fn another_upstream(&self) -> io::Result<Upstream> {
        self.runtime.block_on(Upstream::start(SocketAddr::from(([127, 0, 0, 1], 0))))
    }

    /// One more identity provider, for an Envoy of its own.
    pub fn identity_provider(&self, line: Line) -> Provider {
        let _entered = self.runtime.enter();
        identity_provider::start(SocketAddr::from(([127, 0, 0, 1], 0)), line).expect("it starts")
    }

    /// One more provider of keys in PEM, for an Envoy of its own.
    pub fn pem_provider(&self, line: Line) -> Provider {
        let _entered = self.runtime.enter();
        pem_provider::start(SocketAddr::from(([127, 0, 0, 1], 0)), line).expect("it starts")
    }

    /// A control plane, for an Envoy of its own.
    pub fn control_plane(&self) -> ControlPlane {
        let _entered = self.runtime.enter();
        ControlPlane::start(SocketAddr::from(([127, 0, 0, 1], 0))).expect("it starts")
    }

    /// Every part of a token that was sent so far.
    pub fn secrets(&self) -> BTreeSet<String> {
        self.secrets.lock().expect("no scenario panics in here").clone()
    }
}

/// The module that all scenarios run with in this Envoy, and the other one. The newest has the module that accepts policies as
/// text, the oldest the lean one: so each scenario runs once with either and once in either, for the price of two runs. The
/// scenarios of `flavours` run the other two pairs.
fn modules_in(version: EnvoyVersion) -> io::Result<(PathBuf, PathBuf)> {
    let (full, lean) = (paths::module()?, paths::lean_module()?);
    Ok(match version {
        EnvoyVersion::Newest => (full, lean),
        EnvoyVersion::Oldest => (lean, full),
    })
}

/// A listener with the plugin under this configuration and its guard, before the upstream.
pub fn plugin_listener(bench: &Bench, name: &str, configuration: &Value) -> Value {
    bench.example.listener(&Chain {
        name: name.to_owned(),
        cluster: "upstream".to_owned(),
        filters: vec![wasm_filter("countersign", &bench.module, configuration), guard_filter("countersign")],
    })
}

/// The listeners beside the example's own `main`.
fn chains(example: &Bootstrap, module: &Path, folder: &Path, keys: &KeyWorld) -> io::Result<Vec<Chain>> {
    let plugin = |guard: &str, mut configuration: Value| {
        configuration["guard"] = json!({ "name": guard });
        [wasm_filter("countersign", module, &configuration), guard_filter(guard)]
    };
    // The fixture's file holds how often it succeeds; its `vm_id` is a listener's own, for the calls are counted under it.
    let fixture = |vm_id: &str, successes: u32| -> io::Result<[Value; 2]> {
        let file = folder.join(format!("{vm_id}.wasm"));
        std::fs::write(&file, failing_worker::module(successes)?)?;
        Ok([wasm_filter(vm_id, &file, &json!({})), guard_filter(modules::GUARD)])
    };
    let chain = |name: &str, cluster: &str, filters: Vec<Value>| Chain {
        name: name.to_owned(),
        cluster: cluster.to_owned(),
        filters,
    };
    let main = || plugin("countersign", example.plugin_configuration()).to_vec();
    let mut shadow = example.plugin_configuration();
    shadow["mode"] = json!("shadow");
    let failing = failing_worker::MAIN_THREAD_CALLS;
    let [unguarded, _] = fixture("unguarded", failing)?;
    let mut chains = vec![
        chain("main-to-sink", "sink", main()),
        chain("shadow", "upstream", plugin("countersign", shadow).to_vec()),
        chain("deep", "upstream", plugin("countersign", deepest_configuration()).to_vec()),
        chain("routing", "upstream", plugin("countersign", crate::routing::configuration()).to_vec()),
        chain("strict", "upstream", plugin("countersign", strict_configuration()).to_vec()),
        chain("places", "upstream", plugin("countersign", crate::places::configuration()).to_vec()),
        chain("software", "upstream", plugin("countersign", software::configuration()).to_vec()),
        chain("challenges", "upstream", plugin("countersign", challenges::configuration("enforce")).to_vec()),
        chain("challenges-shadow", "upstream", plugin("countersign", challenges::configuration("shadow")).to_vec()),
        chain("tokens", "upstream", plugin("countersign", tokens::configuration()).to_vec()),
        chain(
            "two",
            "upstream",
            [plugin("outer", example.plugin_configuration()), plugin("inner", inner_configuration())].concat(),
        ),
        chain("unguarded", "upstream", vec![unguarded]),
        chain("failing", "upstream", fixture("failing", failing)?.to_vec()),
        chain("half-failing", "upstream", fixture("half-failing", failing + 1)?.to_vec()),
        chain("healthy", "upstream", fixture("healthy", u32::MAX)?.to_vec()),
        chain("plugin-then-failing", "upstream", [main(), fixture("second", failing)?.to_vec()].concat()),
        chain("failing-then-plugin", "upstream", [fixture("first", failing)?.to_vec(), main()].concat()),
    ];
    chains.extend(crate::dpop::configurations().into_iter().map(|(name, vm_id, configuration)| {
        chain(name, "upstream", vec![wasm_filter(vm_id, module, &configuration), guard_filter("countersign")])
    }));
    // Each under a `vm_id` of its own, so that what they share with other workers is in nobody's way.
    chains.extend(keys.configurations().into_iter().map(|(name, fetching)| {
        chain(name, "upstream", vec![wasm_filter(name, module, &fetching), guard_filter("countersign")])
    }));
    Ok(chains)
}

/// A configuration that sets what the example leaves at its default.
pub fn strict_configuration() -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
            "algorithms": ["RS256", "ES256"], "keys": { "inline": corp_key_set() },
            "pins": { "azp": "shop-web" }, "forbid_claims": ["nonce"], "max_age": "15m", "max_lifetime": "1h",
            "principal": { "type": "User", "id": "sub", "groups": "groups" },
            "facts": { "tier": "string", "level": "long", "tags?": ["string"] },
            "forward": "never"
        } },
        "devices": { "mdm": {
            "header": "x-device-posture", "issuer": "https://mdm.example.com", "audiences": ["shop"],
            "typ": ["device-posture+jwt"], "keys": { "inline": mdm_key_set() }, "max_age": "24h",
            "facts": { "managed": "bool", "score": "long" }, "bind": "none", "forward": "verified"
        } },
        "applications": { "strict": {
            "hosts": [STRICT_HOST], "requires": ["corp"],
            "routes": {
                "things": { "path": "/things/{id}" },
                "numbers": { "path": "/numbers" },
                "tail": { "path": "/files/{rest*}" }
            }
        } },
        "policies": { "strict": { "applies_to": ["strict"], "text": concat!(
            "@id(\"things\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"strict/things\");\n",
            "@id(\"files\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"strict/tail\");\n",
            "@id(\"numbers\") permit (principal is corp::User, action in Action::\"read\", resource == Route::\"strict/numbers\")\n",
            "when { context.corp.level * 9223372036854775807 > 0 };\n",
        ) } },
        "identity_headers": { "x-tier": { "fact": "corp.tier" }, "x-tags": { "fact": "corp.tags" }, "x-payload": { "payload": "corp" } },
        "reply": { "detail": "code" },
        "limits": { "max_token_bytes": 2048, "max_header_bytes": 8192, "max_headers": 20, "max_path_bytes": 256 }
    })
}

/// The second of two plugins in one chain: it knows one person only.
fn inner_configuration() -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
            "keys": { "inline": corp_key_set() }, "principal": { "id": "sub" }
        } },
        "applications": { "inner": { "any_host": true, "routes": { "all": { "path": "/{rest*}" } } } },
        "policies": "@id(\"only-carol\") permit (principal == corp::User::\"carol\", action, resource);"
    })
}

/// A request that is to be sent.
#[derive(Clone)]
pub struct Ask {
    pub listener: &'static str,
    pub method: String,
    pub target: Vec<u8>,
    pub host: Vec<u8>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub http2: bool,
    pub trailers: Vec<(&'static str, &'static str)>,
}

impl Ask {
    /// A request to the example's host, HTTP/1.1, by nobody.
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self {
            listener: "main",
            method: method.to_owned(),
            target: target.as_ref().to_vec(),
            host: HOST.as_bytes().to_vec(),
            headers: Vec::new(),
            body: Vec::new(),
            http2: false,
            trailers: Vec::new(),
        }
    }

    /// A GET request.
    pub fn get(target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", target)
    }

    /// To another listener.
    pub fn at(mut self, listener: &'static str) -> Self {
        self.listener = listener;
        self
    }

    /// To the strict configuration.
    pub fn strict(self) -> Self {
        self.at("strict").host(STRICT_HOST)
    }

    /// To this host.
    pub fn host(mut self, host: impl AsRef<[u8]>) -> Self {
        self.host = host.as_ref().to_vec();
        self
    }

    /// With this header field.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With this access token.
    pub fn token(self, token: impl AsRef<str>) -> Self {
        self.header("Authorization", format!("Bearer {}", token.as_ref()))
    }

    /// With this posture token.
    pub fn posture(self, token: impl AsRef<str>) -> Self {
        self.header("X-Device-Posture", token.as_ref())
    }

    /// With a good token of this caller and, for a person, good posture of their own device.
    pub fn by(self, caller: Caller) -> Self {
        let ask = self.token(Token::of(caller).sign());
        match caller.device {
            Some(device) => ask.posture(Token::about(device).sign()),
            None => ask,
        }
    }

    /// With this body.
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Over HTTP/2, with these trailers.
    pub fn http2(mut self, trailers: &[(&'static str, &'static str)]) -> Self {
        self.http2 = true;
        self.trailers = trailers.to_vec();
        self
    }

    /// A call in gRPC.
    pub fn grpc(self) -> Self {
        self.header("content-type", "application/grpc").header("te", "trailers").http2(&[])
    }

    pub fn request(&self) -> http1::Request {
        let mut request = http1::Request::new(&self.method, &self.target).header("Host", &self.host);
        request.headers.extend(self.headers.iter().cloned());
        request.body(self.body.clone())
    }

    /// The parts of all tokens in it that must appear nowhere: payloads and signatures, for headers are all alike.
    fn secrets(&self) -> Vec<String> {
        let values = self.headers.iter().map(|(_, value)| String::from_utf8_lossy(value));
        let words: Vec<String> = values
            .flat_map(|value| value.split([' ', '=', ';', '"', ',']).map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let tokens = words.iter().filter(|word| word.starts_with("eyJ"));
        tokens.flat_map(|token| token.split('.').skip(1)).filter(|part| part.len() > 20).map(str::to_owned).collect()
    }

    fn shown_target(&self) -> String {
        String::from_utf8_lossy(&self.target).into_owned()
    }
}

/// What came of a request.
pub struct Outcome {
    pub answer: Answer,
    pub received: Option<Received>,
    secrets: Vec<String>,
}

impl Outcome {
    /// It went through; what the upstream got.
    pub fn allowed(self) -> Received {
        assert_eq!(self.answer.status, 200, "{}", self.answer.text());
        self.received.expect("the upstream got the request")
    }

    /// It was refused in full form, and nothing of it went through.
    pub fn refused(self, status: u16, code: &str) -> Answer {
        let text = self.answer.text();
        assert_eq!((self.answer.status, self.answer.code().as_deref()), (status, Some(code)), "{text}");
        assert_eq!(self.received, None, "a refused request reached the upstream");
        let is_challenged = status == 401 || code == "insufficient-scope";
        assert_eq!(self.answer.header("content-type"), Some("application/problem+json"), "{text}");
        assert_eq!(self.answer.header("www-authenticate").is_some(), is_challenged, "{text}");
        assert_eq!(self.answer.decision_id().as_deref(), self.answer.header("x-countersign-decision-id"), "{text}");
        for secret in &self.secrets {
            assert!(!text.contains(secret.as_str()), "the answer holds a part of a token: {text}");
        }
        self.answer
    }
}
