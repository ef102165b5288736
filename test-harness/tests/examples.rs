//! The examples that people copy: what they say of themselves is so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign_core::config::Plan;
use countersign_core::fetch::FetchFault;
use countersign_core::jose::{KeySetFault, json};
use countersign_core::keys::{KeySource, MetadataFault};
use countersign_core::provider::ProviderName;
use countersign_core::stripped::{LEFT_ALONE, REMOVED};
use countersign_core::telemetry::{Counter, Gauge};
use countersign_core::time::Seconds;
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
    for reason in countersign_core::refusal::Reason::ALL {
        let row = format!("| `{}` | {} | {} |", reason.code(), reason.kind().status(), reason.sentence());
        assert!(readme.contains(&row), "README.md has no row that begins with `{row}`");
    }
}

#[test]
fn the_readmes_links_lead_to_files() {
    for name in ["README.md", "docs/request-headers.md", "envoy/README.md", "test-harness/README.md"] {
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

#[test]
fn the_readme_names_every_metric_of_keys_and_every_outcome_of_a_fetch() {
    let readme = read(&paths::root().join("README.md"));
    let provider = ProviderName::new("<provider>");
    let metrics = [
        Counter::Fetches(provider.clone(), "<outcome>").name(),
        Counter::SkippedKeys(provider.clone()).name(),
        Counter::PrivateKeys(provider.clone()).name(),
        Counter::UnknownKeyRefusals(provider.clone()).name(),
        Counter::Configurations.name(),
        Gauge::KeyAge(provider.clone()).name(),
        Gauge::Waiting.name(),
        Gauge::KeysShared.name(),
    ];
    for metric in metrics {
        assert!(readme.contains(&format!("| `{metric}` |")), "README.md does not name {metric}");
    }
    let not_json = json::parse(b"", 1).expect_err("no JSON");
    let faults = [
        FetchFault::NotSent,
        FetchFault::NoAnswer,
        FetchFault::Status(500),
        FetchFault::Redirect(302),
        FetchFault::ContentType,
        FetchFault::ContentEncoding,
        FetchFault::TooLarge(0),
        FetchFault::NotJson(not_json),
        FetchFault::KeySet(KeySetFault::Malformed("")),
        FetchFault::KeySet(KeySetFault::NoUsableKey(Vec::new())),
        FetchFault::SharedKey(provider),
        FetchFault::Metadata(MetadataFault::Issuer),
    ];
    let row = readme.lines().find(|line| line.contains(".fetches.outcome.<outcome>")).expect("the row");
    for outcome in faults.iter().map(FetchFault::outcome).chain(["taken"]) {
        assert!(row.contains(&format!("`{outcome}`")), "README.md does not name the outcome {outcome}");
    }
}

/// The cell `default` of the README's row about a member of `keys`.
fn documented_default(readme: &str, member: &str) -> String {
    let row = readme.lines().find(|line| line.starts_with(&format!("| `{member}` |"))).expect("the row");
    row.split('|').nth(2).expect("the cell").trim_matches([' ', '`']).to_owned()
}

#[test]
fn the_readme_gives_the_defaults_of_fetched_keys() {
    let readme = read(&paths::root().join("README.md"));
    let mut plugin: Value = serde_saphyr::from_str(&read(&envoy_folder().join("plugin.yaml"))).expect("YAML");
    plugin["issuers"]["corp"]["keys"] = serde_json::json!({ "discovery": true, "cluster": "login" });
    let (plan, _) = Plan::compile_value(&plugin).expect("a configuration");
    let KeySource::Fetched(keys) = &plan.issuers[0].profile.keys else { panic!("the keys are fetched") };
    let length = |text: &str| text.parse::<Seconds>().expect("a length of time");
    for (member, value) in
        [("refetch_interval", keys.refetch_interval), ("max_stale", keys.max_stale), ("timeout", keys.timeout)]
    {
        assert_eq!(length(&documented_default(&readme, member)), value, "{member}");
    }
    let refresh = documented_default(&readme, "refresh");
    let bounds: Vec<&str> = refresh.trim_matches(['{', '}', ' ']).split(", ").collect();
    for (bound, name, value) in [(bounds[0], "min: ", keys.refresh_min), (bounds[1], "max: ", keys.refresh_max)] {
        assert_eq!(length(bound.strip_prefix(name).expect("its name")), value, "{refresh}");
    }
}

/// The rows of a table between its head and the next empty line.
fn rows<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| *line != head);
    assert!(lines.next().is_some(), "no table begins with `{head}`");
    lines.skip(1).take_while(|line| !line.is_empty()).collect()
}

#[test]
fn the_documentation_lists_every_header_that_is_removed_or_left_alone_and_no_other() {
    let text = read(&paths::root().join("docs/request-headers.md"));
    let listed = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let removed: Vec<String> = REMOVED
        .iter()
        .map(|group| format!("| {} | {} | {} |", listed(group.names), group.says.words(), group.believed_by))
        .collect();
    let left_alone: Vec<String> = LEFT_ALONE
        .iter()
        .map(|left| {
            let others = if left.only_spelled_so { "removed" } else { "forwarded" };
            format!("| {} | {others} | {} |", listed(left.names), left.why)
        })
        .collect();
    for (head, expected) in [
        ("| names | what a client could say with them | who believes them |", removed),
        ("| names | other spellings | why |", left_alone),
    ] {
        assert!(
            rows(&text, head) == expected,
            "the table in docs/request-headers.md must be:\n{}",
            expected.join("\n")
        );
    }
}
