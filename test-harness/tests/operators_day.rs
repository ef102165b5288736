//! `docs/operators-day.md`, run: its files are made, its commands run with a provider, an upstream and a real Envoy, and what
//! they print is what the page shows. With `UPDATE_DOCS=1` the test writes it; then it needs the solver.

mod tls_server;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};
use test_harness::clock::Deadline;
use test_harness::envoy::{Bootstrap, Envoy, extension};
use test_harness::keys::{KEYS, key_set};
use test_harness::paths::{self, EnvoyVersion};
use test_harness::services::Upstream;
use test_harness::services::identity_provider::OPENID_CONFIGURATION;
use test_harness::tokens::{ALICE, Caller, Token};
use tls_server::{authority, serve};

const PAGE: &str = "docs/operators-day.md";
/// Stands for each decision id.
const ID: &str = "0fbf7127d2cd5c00c0297586ea0692d0";
/// What differs from run to run, and what the page has in its place.
const STAND_INS: &[(&str, &str)] = &[
    (r"\b[0-9a-f]{32}\b", ID),
    (r"\b[0-9a-f]{16}\b", "8c1f0d5be2a94730"),
    (r#""time":\d+"#, r#""time":1767225600"#),
    (r#""latency_us":\d+"#, r#""latency_us":250"#),
    (r#""waited_us":\d+"#, r#""waited_us":0"#),
];
/// The page's lines fit a terminal.
const COLUMNS: usize = 118;

/// Who has a token, and the groups in it.
const PEOPLE: &[(&str, &[&str])] = &[("alice", &["staff", "editors"]), ("bob", &["staff"]), ("carl", &["contractors"])];

/// The folder of the day, and what runs beside it.
struct Day {
    folder: PathBuf,
    provider: SocketAddr,
    upstream: Upstream,
    envoy: Option<Envoy>,
    /// Of the last decision that was printed.
    decision_id: String,
    with_solver: bool,
    _runtime: tokio::runtime::Runtime,
}

impl Day {
    fn begin(with_solver: bool) -> Self {
        let folder = paths::new_run_folder(if with_solver { "day-with-solver" } else { "day" }).expect("a folder");
        let authority = authority();
        let provider = serve(&authority, "localhost", |address, path| match path {
            OPENID_CONFIGURATION => Some(metadata(address).to_string()),
            "/keys" => Some(key_set(std::slice::from_ref(&KEYS.corp_es256)).to_string()),
            _ => None,
        });
        fs::write(folder.join("ca.pem"), authority.pem()).expect("written");
        for (name, groups) in PEOPLE {
            let token = Token::of(Caller { name, ..ALICE })
                .claim("iss", json!(issuer(provider)))
                .claim("groups", json!(groups))
                .key(&KEYS.corp_es256);
            fs::write(folder.join(format!("{name}.token")), token.sign()).expect("written");
        }
        fs::create_dir(folder.join("bin")).expect("a folder");
        let command = paths::command().expect("the command is built");
        std::os::unix::fs::symlink(command, folder.join("bin/countersign")).expect("a link");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let upstream = runtime.block_on(Upstream::start(SocketAddr::from(([127, 0, 0, 1], 0)))).expect("an upstream");
        Self { folder, provider, upstream, envoy: None, decision_id: String::new(), with_solver, _runtime: runtime }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts Envoy as the page says; `ecds.yaml` is there.
    fn start_envoy(&mut self) {
        let module = paths::module().expect("the module");
        let mut bootstrap = Bootstrap::example_on_free_ports(&module, self.upstream.address()).expect("the example");
        bootstrap.name_node();
        bootstrap.replace_plugin(&extension::filter_from_file(&self.path("ecds.yaml")));
        let cluster = fs::read_to_string(self.path("cluster.yaml")).expect("written");
        let mut cluster: Value = serde_saphyr::from_str(&cluster).expect("YAML");
        let authorities = "/transport_socket/typed_config/common_tls_context/validation_context/trusted_ca/filename";
        *cluster[0].pointer_mut(authorities).expect("it has authorities") = json!(self.path("ca.pem"));
        // The provider of the test listens at one of the addresses that the name has.
        cluster[0]["dns_lookup_family"] = json!("V4_ONLY");
        bootstrap.add_cluster(&cluster[0]);
        fs::write(self.path("envoy.yaml"), bootstrap.text().expect("JSON")).expect("written");
        let binary = EnvoyVersion::Newest.binary().expect("an Envoy");
        self.envoy = Some(Envoy::start(&binary, &bootstrap, 2, &self.folder).expect("envoy starts"));
    }

    /// The names and addresses of the page, and those of this run.
    fn names(&self) -> Vec<(String, String)> {
        let mut names = vec![("login.example.com".to_owned(), format!("localhost:{}", self.provider.port()))];
        if let Some(envoy) = &self.envoy {
            let listener = envoy.listener("main").expect("the listener is there");
            names.push(("127.0.0.1:10000".to_owned(), listener.to_string()));
            names.push(("127.0.0.1:9901".to_owned(), envoy.admin().to_string()));
        }
        names
    }

    /// A file of the page.
    fn write(&self, name: &str, text: &str) {
        let module = paths::module().expect("the module").display().to_string();
        let text = self.names().iter().fold(text.to_owned(), |text, (page, own)| text.replace(page, own));
        fs::write(self.path(name), text.replace("target/countersign.wasm", &module)).expect("written");
    }

    /// Runs one command of the page, and gives what it prints as the page has it.
    fn run(&mut self, command: &str, shown: &str) -> String {
        if command.starts_with("countersign diff") && !self.with_solver {
            return shown.to_owned();
        }
        if command.starts_with("envoy ") {
            self.start_envoy();
            // The scripts were written before the ports were known.
            for script in ["push.sh", "ask.sh"] {
                let text = fs::read_to_string(self.path(script)).expect("written");
                self.write(script, &text);
            }
            return String::new();
        }
        // Envoy writes its access log and sums its counters a moment later.
        let looks = command.starts_with("grep ") || command.starts_with("curl ");
        let deadline = Deadline::after(Duration::from_secs(match (looks, is_update()) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => 5,
        }));
        let (mut printed, mut succeeded) = (String::new(), false);
        let _settled = deadline.poll(|| {
            (printed, succeeded) = self.output(command);
            (!is_update() && succeeded && self.as_on_the_page(&printed) == shown).then_some(())
        });
        assert!(succeeded || !looks, "`{command}` finds nothing");
        if let Some(id) = Regex::new(r"\b[0-9a-f]{32}\b").expect("a pattern").find_iter(&printed).last() {
            self.decision_id = id.as_str().to_owned();
        }
        self.as_on_the_page(&printed)
    }

    /// What a command prints, and whether it succeeds.
    fn output(&self, command: &str) -> (String, bool) {
        let command = self.names().iter().fold(command.to_owned(), |text, (page, own)| text.replace(page, own));
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{}", command.replace(ID, &self.decision_id))])
            .current_dir(&self.folder)
            .env("PATH", path)
            .stdin(Stdio::null())
            .output()
            .expect("there is a shell");
        (String::from_utf8(output.stdout).expect("UTF-8"), output.status.success())
    }

    /// Names, ids, digests and times of this run replaced by those of the page, and long lines folded.
    fn as_on_the_page(&self, printed: &str) -> String {
        let text = self.names().iter().fold(printed.to_owned(), |text, (page, own)| text.replace(own, page));
        let text = STAND_INS.iter().fold(text, |text, (pattern, stand_in)| {
            Regex::new(pattern).expect("a pattern").replace_all(&text, *stand_in).into_owned()
        });
        let lines = text.lines().flat_map(folded).map(|line| format!("{}\n", line.trim_end()));
        lines.collect()
    }
}

/// A line in pieces that fit, cut behind a comma or a space.
fn folded(line: &str) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), line);
    while rest.len() > COLUMNS {
        let head = rest.get(..COLUMNS).unwrap_or(rest);
        let Some(at) = head.rfind([',', ' ']) else { break };
        let (piece, tail) = rest.split_at(at + 1);
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}

/// Whether the page is written, and not compared.
fn is_update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

fn issuer(provider: SocketAddr) -> String {
    format!("https://localhost:{}", provider.port())
}

fn metadata(provider: SocketAddr) -> Value {
    let issuer = issuer(provider);
    json!({
        "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
        "id_token_signing_alg_values_supported": ["ES256"], "claims_supported": ["sub", "email", "groups"],
    })
}

/// A block of commands as it comes out: each with what it prints.
fn console(day: &mut Day, block: &str) -> String {
    let mut lines = block.lines().peekable();
    let mut printed = String::new();
    while let Some(first) = lines.next() {
        let mut command = first.strip_prefix("$ ").expect("a block begins with a command").to_owned();
        printed.push_str(&format!("{first}\n"));
        while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
            command.push_str(&format!("\n{}", &more[2..]));
            printed.push_str(&format!("{more}\n"));
        }
        let mut shown = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            shown.push_str(&format!("{line}\n"));
        }
        printed.push_str(&day.run(&command, &shown));
    }
    printed
}

/// The page as this day makes it.
fn lived(day: &mut Day, page: &str) -> String {
    let mut made = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        made.push_str(&format!("{line}\n"));
        let Some((language, name)) = line.strip_prefix("```").and_then(|info| info.split_once(' ')) else { continue };
        let block: String = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        if language == "console" {
            let printed = console(day, &block);
            assert!(is_update() || printed == block, "`{name}` of {PAGE} printed:\n{printed}\nand not:\n{block}");
            made.push_str(&printed);
        } else {
            day.write(name, &block);
            made.push_str(&block);
        }
        made.push_str("```\n");
    }
    made
}

fn the_day(with_solver: bool) {
    let file: &Path = &paths::root().join(PAGE);
    let page = fs::read_to_string(file).expect("the page");
    let made = lived(&mut Day::begin(with_solver), &page);
    if is_update() && with_solver {
        fs::write(file, made).expect("written");
    }
}

#[test]
fn the_day_is_as_its_page_says_without_the_proof() {
    the_day(false);
}

#[test]
#[ignore = "needs the solver cvc5"]
fn the_day_is_as_its_page_says_with_a_solver() {
    the_day(true);
}
