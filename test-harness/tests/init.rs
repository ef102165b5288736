//! `countersign init` as a person runs it, against a provider over TLS.

mod tls_server;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::json;
use test_harness::paths;
use test_harness::services::identity_provider::{OAUTH_CONFIGURATION, OPENID_CONFIGURATION};
use tls_server::{authority, serve};

/// A provider at a port of this machine, and a folder with its authority.
struct Running {
    address: SocketAddr,
    folder: PathBuf,
}

impl Running {
    /// `place` is where its metadata is.
    fn new(test: &str, place: &'static str, name: &str) -> Self {
        let authority = authority();
        let address = serve(&authority, name, move |address, path| {
            let issuer = format!("https://localhost:{}", address.port());
            let metadata = json!({
                "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
                "id_token_signing_alg_values_supported": ["ES256", "HS256"],
                "claims_supported": ["sub", "email", "groups"],
            });
            (path == place).then(|| metadata.to_string())
        });
        let folder = paths::new_run_folder(&format!("init-{test}")).expect("a folder");
        fs::write(folder.join("ca.pem"), authority.pem()).expect("written");
        Self { address, folder }
    }

    fn issuer(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    fn init(&self, issuer: &str, more: &[&str]) -> Output {
        let ca = self.folder.join("ca.pem");
        let mut command = command();
        command.args(["init", "--issuer", issuer, "--audience", "apps", "--ca"]).arg(ca).args(more);
        command.output().expect("it runs")
    }
}

fn command() -> Command {
    let mut command = Command::new(paths::command().expect("the command is built"));
    command.stdin(Stdio::null());
    command
}

/// Its only warning is that it enforces nothing yet.
#[track_caller]
fn passes_check(file: &Path) {
    let output = command().arg("check").arg(file).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("warning[shadow-mode]") && said.contains("0 errors, 1 warning\n"), "{said}");
}

#[track_caller]
fn fails(output: &Output, exit: i32, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{said}");
    assert!(output.stdout.is_empty());
    for part in parts {
        assert!(said.contains(part), "`{part}` is not said: {said}");
    }
}

#[test]
fn the_first_configuration_passes_check() {
    let openid = Running::new("openid", OPENID_CONFIGURATION, "localhost");
    let oauth = Running::new("oauth", OAUTH_CONFIGURATION, "localhost");
    for (running, discovery) in [
        (&openid, "      discovery: true ".to_owned()),
        (&oauth, format!("      discovery: \"{}{OAUTH_CONFIGURATION}\"", oauth.issuer())),
    ] {
        let output = running.init(&running.issuer(), &["--host", "shop.example.com"]);
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        for part in [discovery.as_str(), "mode: shadow\n", "algorithms: [ES256]\n", "hosts: [\"shop.example.com\"]\n"] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let file = running.folder.join("first.yaml");
        fs::write(&file, &text).expect("written");
        passes_check(&file);
    }
}

#[test]
fn a_file_is_written_once_and_never_over_another() {
    let running = Running::new("out", OPENID_CONFIGURATION, "localhost");
    let file = running.folder.join("countersign.yaml");
    let out = ["--out", file.to_str().expect("text")];
    let output = running.init(&running.issuer(), &out);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty());
    passes_check(&file);
    fs::write(&file, "mine").expect("written");
    fails(&running.init(&running.issuer(), &out), 2, &["exists", "--out"]);
    assert_eq!(fs::read_to_string(&file).expect("text"), "mine");
}

#[test]
fn a_provider_that_cannot_be_believed_gives_no_configuration() {
    let running = Running::new("untrusted", OPENID_CONFIGURATION, "localhost");
    let stranger = Running::new("stranger", OPENID_CONFIGURATION, "localhost");
    let misnamed = Running::new("misnamed", OPENID_CONFIGURATION, "login.example.com");
    let nowhere = Running::new("nowhere", "/elsewhere", "localhost");
    fails(&running.init(&stranger.issuer(), &[]), 1, &[OPENID_CONFIGURATION, "not signed by", "--ca"]);
    fails(&misnamed.init(&misnamed.issuer(), &[]), 1, &["the certificate is not for `localhost`", "login.example.com"]);
    fails(&nowhere.init(&nowhere.issuer(), &[]), 1, &[OPENID_CONFIGURATION, OAUTH_CONFIGURATION, "the answer was 404"]);
    fails(&running.init(&format!("{}/", running.issuer()), &[]), 1, &[&running.issuer(), "as --issuer"]);
    fails(&running.init("http://localhost", &[]), 2, &["write an https:// URL"]);
}

#[test]
fn what_is_missing_or_wrong_among_the_arguments_is_named() {
    let output = command().args(["init", "--issuer", "https://localhost"]).output().expect("it runs");
    fails(&output, 2, &["--audience"]);
    let running = Running::new("arguments", OPENID_CONFIGURATION, "localhost");
    fails(&running.init(&running.issuer(), &["--host", "https://shop"]), 2, &["/applications/app/hosts/0"]);
    let no_file = ["init", "--issuer", "https://localhost", "--audience", "apps", "--ca", "/no/such/ca.pem"];
    fails(&command().args(no_file).output().expect("it runs"), 2, &["--ca: cannot read `/no/such/ca.pem`"]);
}
