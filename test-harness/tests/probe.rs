//! `countersign check --probe`: what it asks, what it says of the answers, and its exit codes.

mod tls_server;

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use countersign_core::jose::KeySet;
use serde_json::{Value, json};
use test_harness::clock::Stopwatch;
use test_harness::envoy::Bootstrap;
use test_harness::keys::{DemoKey, corp_key_set, with_inline_keys};
use test_harness::paths;
use test_harness::services::identity_provider::{self, CORP_KEYS, MACHINES_KEYS, OPENID_CONFIGURATION};
use test_harness::services::{Fault, Line, Provider};
use tokio::runtime::Runtime;

use tls_server::{Authority, authority};

const KEYS_URL: &str = "http://login.example.com/keys";

/// A provider, and what runs it while a test goes on by itself.
struct Running {
    provider: Provider,
    _runtime: Runtime,
}

impl Running {
    fn new(line: Line) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let entered = runtime.enter();
        let provider = identity_provider::start(SocketAddr::from(([127, 0, 0, 1], 0)), line).expect("it starts");
        drop(entered);
        Self { provider, _runtime: runtime }
    }

    /// Probes an Envoy configuration whose cluster leads here.
    fn probe(&self, test: &str, keys: Value) -> Probed {
        probe(test, &envoy(keys, self.provider.address(), None))
    }
}

/// What a probe said.
struct Probed {
    exit: Option<i32>,
    text: String,
}

impl Probed {
    #[track_caller]
    fn says(&self, exit: i32, wanted: &[&str]) {
        for wanted in wanted {
            assert!(self.text.contains(wanted), "`{wanted}` is not said:\n{}", self.text);
        }
        assert_eq!(self.exit, Some(exit), "{}", self.text);
        let printable = |byte: u8| byte == b'\n' || matches!(byte, b' '..=b'~');
        assert!(self.text.bytes().all(printable), "{:?}", self.text);
    }
}

fn probe(test: &str, configuration: &Value) -> Probed {
    check(test, configuration, &["--probe"])
}

fn check(test: &str, configuration: &Value, arguments: &[&str]) -> Probed {
    let file = paths::new_run_folder(&format!("probe-{test}")).expect("a folder").join("configuration.json");
    fs::write(&file, configuration.to_string()).expect("written");
    let mut command = Command::new(paths::command().expect("the command is built"));
    let output = command.arg("check").args(arguments).arg(file).stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Probed { exit: output.status.code(), text: String::from_utf8(output.stdout).expect("text") }
}

/// The example, with these keys for `corp` and all others in it.
fn plugin(keys: Value) -> Value {
    let mut configuration = with_inline_keys(Bootstrap::example().expect("the example").plugin_configuration());
    configuration["issuers"]["corp"]["keys"] = keys;
    configuration
}

/// The example with these keys, in Envoy.
fn envoy(keys: Value, address: SocketAddr, transport_socket: Option<Value>) -> Value {
    envoy_with(plugin(keys), address, transport_socket)
}

/// A configuration of the plugin in Envoy, with a cluster `login` at this address.
fn envoy_with(configuration: Value, address: SocketAddr, transport_socket: Option<Value>) -> Value {
    let mut bootstrap = Bootstrap::example().expect("the example");
    bootstrap.set_cluster("login", address);
    let mut bootstrap: Value = serde_json::from_str(&bootstrap.text().expect("it is prepared")).expect("JSON");
    let filters = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = bootstrap.pointer_mut(filters).and_then(Value::as_array_mut).expect("filters");
    let wasm = filters.iter_mut().find(|filter| filter["name"] == "envoy.filters.http.wasm").expect("the plugin");
    wasm["typed_config"]["config"]["configuration"] =
        json!({ "@type": "type.googleapis.com/google.protobuf.Struct", "value": configuration });
    if let Some(socket) = transport_socket {
        let clusters = bootstrap.pointer_mut("/static_resources/clusters").and_then(Value::as_array_mut);
        let login = clusters.expect("clusters").iter_mut().find(|cluster| cluster["name"] == "login");
        login.expect("the cluster")["transport_socket"] = socket;
    }
    bootstrap
}

fn at(url: &str) -> Value {
    json!({ "url": url, "cluster": "login", "insecure": true, "timeout": "1s" })
}

#[test]
fn a_good_set_is_told_key_by_key() {
    let running = Running::new(Line::Http);
    let address = running.provider.address();
    let (keys, _) = KeySet::compile(&corp_key_set(), None).expect("a key set");
    let [rs256, es256] = keys.keys() else { panic!("two keys") };
    running.probe("good", at(KEYS_URL)).says(
        0,
        &[
            &format!("keys of `corp`: GET http://login.example.com/keys, at {address}, without TLS\n"),
            "  status 200, application/jwk-set+json, ",
            "  fresh for 300s: `Cache-Control` says 300s, `refresh` of the configuration 60s to 900s\n",
            &format!("  keys[0] kid `corp-rs256`: RS256, RSA 2048 bits, thumbprint {}, use sig\n", rs256.thumbprint()),
            &format!("  keys[1] kid `corp-es256`: ES256, EC P-256, thumbprint {}, use sig\n", es256.thumbprint()),
            "  accepted: 2 keys, 0 left out\n",
        ],
    );
    let [visit] = running.provider.visits(CORP_KEYS).try_into().expect("one visit");
    assert_eq!(visit.authority, "login.example.com");
    assert_eq!(
        (visit.headers.get("accept-encoding"), &visit.headers["accept"]),
        (None, &"application/json".parse().unwrap())
    );
}

#[test]
fn algorithms_that_the_metadata_announces_and_the_configuration_does_not_accept_are_told() {
    let running = Running::new(Line::Http);
    let metadata = json!({ "discovery": format!("http://login.example.com{OPENID_CONFIGURATION}"), "cluster": "login",
        "insecure": true });
    let warning = "warning: the metadata announces ES256; the configuration accepts RS256 only";
    let probed = |test: &str, algorithms: Value| {
        let mut configuration = plugin(metadata.clone());
        configuration["issuers"]["corp"]["algorithms"] = algorithms;
        probe(test, &envoy_with(configuration, running.provider.address(), None))
    };
    probed("announced", json!(["RS256"])).says(0, &[warning]);
    assert!(!probed("accepted", json!(["RS256", "ES256"])).text.contains("announces"));
    assert!(!running.probe("by-each-key", metadata).text.contains("announces"), "each key names its own");
}

#[test]
fn nothing_is_asked_without_a_word() {
    let running = Running::new(Line::Http);
    let configuration = envoy(at(KEYS_URL), running.provider.address(), None);
    check("silent", &configuration, &[]).says(0, &["0 errors"]);
    assert_eq!(running.provider.visits(CORP_KEYS).len(), 0);
    probe("inline", &envoy(json!({ "inline": corp_key_set() }), running.provider.address(), None))
        .says(0, &["no keys are fetched"]);
}

#[test]
fn a_configuration_with_errors_is_not_probed() {
    let running = Running::new(Line::Http);
    let mut configuration = plugin(at(&format!("http://{}/keys", running.provider.address())));
    configuration["version"] = json!(7);
    probe("errors", &configuration).says(1, &["error[", "no keys are fetched for a configuration with errors"]);
    assert_eq!(running.provider.visits(CORP_KEYS).len(), 0);
}

#[test]
fn the_bounds_of_the_configuration_hold_for_the_lifetime() {
    let running = Running::new(Line::Http);
    let mut keys = at(KEYS_URL);
    keys["refresh"] = json!({ "min": "1m", "max": "2m" });
    running.probe("lifetime", keys.clone()).says(0, &["fresh for 120s: `Cache-Control` says 300s"]);
    running.provider.set_max_age(None);
    running.probe("lifetime", keys).says(0, &["fresh for 120s: `Cache-Control` says nothing"]);
}

#[test]
fn metadata_is_asked_first_and_held_against_the_configuration() {
    let running = Running::new(Line::Http);
    let metadata = json!({ "discovery": format!("http://login.example.com{OPENID_CONFIGURATION}"), "cluster": "login",
        "insecure": true });
    let probed = running.probe("metadata", metadata.clone());
    probed.says(0, &[&format!("GET http://login.example.com{OPENID_CONFIGURATION}, at"), "accepted: 2 keys"]);
    let order = [OPENID_CONFIGURATION, "login.example.com/keys, at"].map(|part| probed.text.find(part));
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{}", probed.text);
    for (fault, wanted) in [
        (
            Fault::OtherIssuer,
            "not accepted: `issuer` of the metadata is not the configured issuer: it says `https://other.example.com`\n",
        ),
        (Fault::KeysElsewhere, "`jwks_uri` of the metadata is on elsewhere.example.com"),
        (Fault::Html, "not accepted: the content type of the answer is not JSON\n"),
    ] {
        running.provider.set_fault(OPENID_CONFIGURATION, fault);
        running.probe("metadata", metadata.clone()).says(1, &[wanted]);
    }
    assert_eq!(running.provider.visits(CORP_KEYS).len(), 1, "only after good metadata");
}

#[test]
fn an_answer_that_the_plugin_would_not_take_is_an_error() {
    let running = Running::new(Line::Http);
    running
        .probe("elsewhere", at("http://login.example.com/elsewhere"))
        .says(1, &["status 404, text/plain, 10 bytes", "not accepted: the answer was 404; is the URL right?"]);
    for (fault, wanted) in [
        (Fault::Html, "not accepted: the content type of the answer is not JSON"),
        (Fault::Status(500), "not accepted: the answer was 500"),
        (Fault::Redirect, "redirects are not followed; it leads to /moved/keys"),
        (Fault::Gzip, "not accepted: the answer is compressed"),
        (Fault::Huge, "at most 262144 are accepted"),
        (Fault::Deep, "not accepted: the answer is not strict JSON"),
        (Fault::Truncated, "not accepted: 127.0.0.1:"),
        (Fault::Trickle, "not accepted: there was no complete answer within 1s"),
        (Fault::NoKeys, "not accepted: the set has no usable key"),
        (Fault::SharedKey, "not accepted: a key of the set is also a key of `machines`"),
    ] {
        running.provider.set_fault(CORP_KEYS, fault);
        let waited = Stopwatch::start();
        running.probe("fault", at(KEYS_URL)).says(1, &[wanted]);
        assert!(waited.elapsed() < Duration::from_secs(10), "{fault:?}: {:?}", waited.elapsed());
    }
    assert_eq!(running.provider.visits("/moved/keys").len(), 0, "the redirect");
}

#[test]
fn two_sets_that_are_fetched_share_no_key() {
    let running = Running::new(Line::Http);
    let address = running.provider.address();
    let mut configuration = plugin(at(&format!("http://{address}/keys")));
    configuration["issuers"]["machines"]["keys"] = at(&format!("http://{address}{MACHINES_KEYS}"));
    probe("apart", &configuration).says(0, &["accepted: 2 keys", "accepted: 1 key, "]);
    running.provider.set_fault(CORP_KEYS, Fault::SharedKey);
    probe("shared", &configuration).says(1, &["a key of the set is also a key of `"]);
}

#[test]
fn keys_that_are_left_out_are_named_and_private_ones_loudly() {
    let running = Running::new(Line::Http);
    running.provider.set_fault(CORP_KEYS, Fault::Mixed);
    running.probe("mixed", at(KEYS_URL)).says(
        0,
        &[
            "keys[2] kid `unknown`: left out: `kty` is `AKP`",
            "keys[3] kid `symmetric`: left out: ",
            "keys[6] kid `padded`: left out: `x` of the key has 33 octets; RFC 7518 section 6.2.1.2 requires exactly 32: its \
             provider must remove 1 zero octet in front",
            "accepted: 2 keys, 5 left out",
        ],
    );
    running.provider.set_fault(CORP_KEYS, Fault::PrivateKey);
    running
        .probe("private", at(KEYS_URL))
        .says(0, &["PRIVATE KEY PUBLISHED: keys[2]. ", "accepted: 2 keys, 1 left out"]);
}

#[test]
fn nothing_of_a_provider_steers_the_terminal() {
    let running = Running::new(Line::Http);
    running.provider.publish(CORP_KEYS, &[&DemoKey::new("\u{1b}[2Jevil\u{9b}\u{202e}")]);
    running.probe("terminal", at(KEYS_URL)).says(0, &[r"kid `\u{1b}[2Jevil\u{9b}\u{202e}`"]);
}

#[test]
fn nobody_listening_is_an_error() {
    let running = Running::new(Line::Closed);
    let address = running.provider.address();
    running.probe("closed", at(KEYS_URL)).says(1, &[&format!("not accepted: connection refused by {address}")]);
    running.provider.set_line(Line::Noise).expect("it opens");
    running.probe("noise", at(KEYS_URL)).says(1, &[&format!("not accepted: {address}: ")]);
}

#[test]
fn a_configuration_without_its_cluster_is_probed_by_the_name_of_the_host() {
    let running = Running::new(Line::Http);
    let address = running.provider.address();
    probe("alone", &plugin(at(&format!("http://{address}/keys")))).says(
        0,
        &["note: cluster `login` is in none of the files", &format!("at {address}, without TLS"), "accepted: 2 keys"],
    );
    probe("unresolved", &plugin(at("http://login.invalid/keys"))).says(1, &["not accepted: ", "login.invalid"]);
}

/// A server with the keys of `corp`.
fn serve_tls(authority: &Authority, name: &str) -> SocketAddr {
    tls_server::serve(authority, name, |_, _| Some(corp_key_set().to_string()))
}

/// TLS of a cluster for a name, with these authorities.
fn tls(name: &str, trusted_ca: Value) -> Value {
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": name,
        "common_tls_context": { "validation_context": {
            "trusted_ca": trusted_ca,
            "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": name } }]
        } }
    } })
}

#[test]
fn tls_is_spoken_as_the_cluster_says() {
    let authority = authority();
    let address = serve_tls(&authority, "login.example.com");
    let keys = json!({ "url": "https://login.example.com/keys", "cluster": "login" });
    let file = paths::new_run_folder("probe-ca").expect("a folder").join("ca.pem");
    fs::write(&file, authority.pem()).expect("written");
    for trusted in [json!({ "filename": file }), json!({ "inline_string": authority.pem() })] {
        let socket = tls("login.example.com", trusted);
        probe("tls", &envoy(keys.clone(), address, Some(socket))).says(
            0,
            &[&format!("at {address}, TLS with `login.example.com`, the CAs of `trusted_ca`"), "accepted: 2 keys"],
        );
    }
    let other = tls("login.example.com", json!({ "inline_string": self::authority().pem() }));
    probe("untrusted", &envoy(keys.clone(), address, Some(other)))
        .says(1, &["not accepted: the certificate is not signed by the CAs of `trusted_ca`", "write in the cluster"]);
    let unreadable = tls("login.example.com", json!({ "filename": "/no/such/ca.pem" }));
    probe("unreadable", &envoy(keys, address, Some(unreadable)))
        .says(1, &["note: `trusted_ca` cannot be read (/no/such/ca.pem: ", "not accepted: "]);
}

#[test]
fn a_certificate_for_another_name_is_told_with_both_names() {
    let authority = authority();
    let address = serve_tls(&authority, "internal.example.com");
    let keys = json!({ "url": "https://login.example.com/keys", "cluster": "login" });
    let trusted = json!({ "inline_string": authority.pem() });
    probe("name", &envoy(keys.clone(), address, Some(tls("login.example.com", trusted.clone())))).says(
        1,
        &["not accepted: the certificate is not for `login.example.com` but for ", "internal.example.com", "`sni`"],
    );
    // It is the cluster's name that counts, and check warns that it is another one.
    probe("other-name", &envoy(keys, address, Some(tls("internal.example.com", trusted))))
        .says(0, &["warning[key-cluster-name]", "accepted: 2 keys"]);
}

#[test]
fn a_port_without_tls_is_told() {
    let running = Running::new(Line::Http);
    let keys = json!({ "url": "https://login.example.com/keys", "cluster": "login" });
    let socket = tls("login.example.com", json!({ "inline_string": authority().pem() }));
    probe("no-tls", &envoy(keys, running.provider.address(), Some(socket)))
        .says(1, &["not accepted: the TLS handshake failed", "does this port speak TLS?"]);
}
