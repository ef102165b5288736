//! The examples that people copy: what they say of themselves is so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use test_harness::paths;

/// The time at which the tokens in the example requests are good.
const NOW: &str = "1767225600";

fn envoy_folder() -> PathBuf {
    paths::root().join("envoy")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The policy documents of the complete example, by name.
fn documents() -> serde_json::Map<String, Value> {
    let plugin: Value = serde_saphyr::from_str(&read(&envoy_folder().join("plugin.yaml"))).expect("YAML");
    plugin["policies"].as_object().expect("documents").clone()
}

fn cedar_files() -> Vec<PathBuf> {
    let folder = fs::read_dir(envoy_folder().join("policies")).expect("the policies");
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cedar"));
    files.sort();
    files
}

/// The argument that gives `eval` the keys that Envoy would fetch from this provider.
fn key_set(provider: &str) -> String {
    format!("{provider}={}", envoy_folder().join(format!("policies/{provider}.jwks.json")).display())
}

fn words(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_policies_in_files_are_those_of_the_complete_configuration() {
    let documents = documents();
    let files = cedar_files();
    assert_eq!(files.len(), documents.len());
    for file in files {
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let text = documents[name]["text"].as_str().expect("a text");
        assert_eq!(words(&read(&file)), words(text), "{name}");
    }
}

/// Each request's id begins with what must come of it: `allow: ...`, or status and code.
#[test]
fn every_example_request_is_answered_as_its_id_says() {
    for file in cedar_files() {
        let requests = file.with_extension("requests.ndjson");
        let output = Command::new(paths::command().expect("the command is built"))
            .args(["eval", "--now", NOW, "--config"])
            .arg(envoy_folder().join("plugin.yaml"))
            .args(["--keys", &key_set("corp"), "--keys", &key_set("machines")])
            .arg("--requests")
            .arg(&requests)
            .stdin(Stdio::null())
            .output()
            .expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answers = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(answers.lines().count(), read(&requests).lines().count());
        for line in answers.lines() {
            let answer: Value = serde_json::from_str(line).expect("JSON");
            let id = answer["id"].as_str().expect("an id");
            let outcome = match answer["decision"].as_str() {
                Some("allow") => "allow".to_owned(),
                _ => format!("{} {}", answer["status"], answer["reason"].as_str().expect("a reason")),
            };
            assert!(id.starts_with(&format!("{outcome}: ")), "{id}: {line}");
        }
    }
}

#[test]
fn the_readme_names_every_code_with_its_status_and_sentence() {
    let readme = read(&paths::root().join("README.md"));
    for reason in countersign::refusal::Reason::ALL {
        let row = format!("| `{}` | {} | {} |", reason.code(), reason.kind().status(), reason.sentence());
        assert!(readme.contains(&row), "README.md has no row that begins with `{row}`");
    }
}

#[test]
fn the_readmes_links_lead_to_files() {
    for name in ["README.md", "envoy/README.md", "test-harness/README.md"] {
        let file = paths::root().join(name);
        let text = read(&file);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let target = file.parent().expect("a folder").join(path);
            assert!(target.exists(), "{name} links to {link}");
        }
    }
}
