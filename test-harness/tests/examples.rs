//! The examples that people copy answer as they say, and the tables of the documentation are those of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign_core::config::{Plan, preset_device_facts, reference};
use countersign_core::fetch::FetchFault;
use countersign_core::jose::{KeySetFault, json};
use countersign_core::keys::{KeyFetchFault, KeySource, MetadataFault};
use countersign_core::limits;
use countersign_core::policy::Alarm;
use countersign_core::profile::{DEVICE_MEMBERS, MemberSource, Several};
use countersign_core::provider::ProviderName;
use countersign_core::refusal::Reason;
use countersign_core::request::{Action, RequestMethod};
use countersign_core::stripped::{LEFT_ALONE, REMOVED};
use countersign_core::telemetry::{Counter, DecidingPolicy, DecisionCounter, Gauge, Verdict, record_schema};
use countersign_core::time::Seconds;
use regex::Regex;
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

/// The argument that gives `eval` the keys that Envoy would fetch for this issuer from a provider.
fn key_set(issuer: &str, provider: &str) -> String {
    format!("{issuer}={}", envoy_folder().join(format!("policies/{provider}.jwks.json")).display())
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

#[test]
fn every_policy_file_has_a_test_file_and_the_other_way_round() {
    let names = |files: Vec<PathBuf>| -> BTreeSet<String> {
        files.iter().map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
    };
    let tests = fs::read_dir(envoy_folder().join("policies/tests")).expect("the test files");
    let tests = tests.map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(names(tests), names(cedar_files()), "each envoy/policies/NAME.cedar has envoy/policies/tests/NAME.yaml");
}

/// What `eval` answers to the requests of a file under the complete configuration.
fn answers(requests: &Path) -> Vec<Value> {
    let output = Command::new(paths::command().expect("the command is built"))
        .args(["eval", "--now", NOW, "--config"])
        .arg(envoy_folder().join("plugin.yaml"))
        .args(["--keys", &key_set("corp", "corp"), "--keys", &key_set("machines", "machines")])
        .args(["--keys", &key_set("notes", "corp")])
        .arg("--requests")
        .arg(requests)
        .stdin(Stdio::null())
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Each request's id begins with the expected answer: `allow: ...`, or status and code.
#[test]
fn every_example_request_is_answered_as_its_id_says() {
    for file in cedar_files() {
        let requests = file.with_extension("requests.ndjson");
        let answers = answers(&requests);
        assert_eq!(answers.len(), read(&requests).lines().count());
        for answer in answers {
            let id = answer["id"].as_str().expect("an id");
            let outcome = match answer["decision"].as_str() {
                Some("allow") => "allow".to_owned(),
                _ => format!("{} {}", answer["status"], answer["reason"].as_str().expect("a reason")),
            };
            assert!(id.starts_with(&format!("{outcome}: ")), "{id}: {answer}");
        }
    }
}

/// The rows of a table between its head and the next empty line.
fn rows<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| *line != head);
    assert!(lines.next().is_some(), "no table begins with `{head}`");
    lines.skip(1).take_while(|line| !line.is_empty()).collect()
}

/// The cells of a row, without the quotes of a name.
fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
}

/// A table of a document is exactly this. With `UPDATE_DOCS=1` the test writes it.
fn hold_table(document: &str, head: &str, expected: &[String]) {
    let file = paths::root().join(document);
    let text = read(&file);
    let found = rows(&text, head);
    if found == expected {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_DOCS").is_some(),
        "the table `{head}` in {document} is out of date: run this test with UPDATE_DOCS=1, or write\n{}",
        expected.join("\n")
    );
    let rule = text.lines().skip_while(|line| *line != head).nth(1).expect("the line below the head");
    let table = |rows: &[String]| [&[head.to_owned(), rule.to_owned()], rows].concat().join("\n");
    let found: Vec<String> = found.into_iter().map(str::to_owned).collect();
    fs::write(&file, text.replacen(&table(&found), &table(expected), 1)).expect("the document is written");
}

/// When each reason is given, by its code: the comment above its row in the source.
fn when_by_code() -> BTreeMap<String, String> {
    let link = Regex::new(r",? see \[`[^`]*`\](\([^)]*\))?").expect("a pattern");
    let row = Regex::new(r#"^\w+ = "([a-z-]+)","#).expect("a pattern");
    let (mut comment, mut found) = (Vec::new(), BTreeMap::new());
    for line in read(&paths::root().join("src/core/refusal.rs")).lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim().to_owned());
            continue;
        }
        if let Some(code) = row.captures(line).map(|parts| parts[1].to_owned()) {
            let when = link.replace_all(&comment.join(" "), "").trim_end_matches('.').to_owned();
            assert!(!when.is_empty() && !when.contains("[`"), "{code}: {when}");
            found.insert(code, when);
        }
        comment.clear();
    }
    found
}

#[test]
fn the_table_of_refusals_is_generated() {
    let when = when_by_code();
    let expected: Vec<String> = Reason::ALL
        .iter()
        .map(|reason| {
            let when = when.get(reason.code()).unwrap_or_else(|| panic!("no comment on {}", reason.code()));
            format!("| `{}` | {} | {} | {when} |", reason.code(), reason.kind().status(), reason.sentence())
        })
        .collect();
    hold_table("docs/decision.md", "| code | status | what the client reads | when |", &expected);
}

/// What counts of several providers, for people.
const fn several(of: Several) -> &'static str {
    match of {
        Several::Same => "the request is refused with `device-conflict` if two differ",
        Several::Alike => "absent if two differ",
        Several::All => "`true` only if all say so",
        Several::Lowest => "the lowest",
        Several::Greatest => {
            "the oldest; absent if one of them has no age: an access token, a certificate, a header of a trusted peer"
        }
    }
}

#[test]
fn the_table_of_members_of_the_device_is_generated() {
    let presets = preset_device_facts();
    let expected: Vec<String> = DEVICE_MEMBERS
        .iter()
        .map(|member| {
            let name = member.shown();
            let filled = |(preset, filled, fact): &(&str, String, &str)| {
                (*filled == name).then(|| format!("`{preset}`: `{fact}`"))
            };
            let from = match member.source {
                MemberSource::Fact => presets.iter().filter_map(filled).collect::<Vec<String>>().join("; "),
                _ => "every provider".to_owned(),
            };
            let cells = [member.of.name(), member.about, &from, several(member.several)];
            format!("| `{name}` | {} |", cells.join(" | ")).replace("|  |", "| |")
        })
        .collect();
    hold_table("docs/posture.md", "| member | type | meaning | filled by presets | if several fill it |", &expected);
}

/// Every document for readers.
fn prose() -> Vec<PathBuf> {
    let root = paths::root();
    let mut files: Vec<PathBuf> = fs::read_dir(root.join("docs"))
        .expect("the documents")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    for name in ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "src/README.md", "envoy/README.md"] {
        files.push(root.join(name));
    }
    files.extend([root.join("test-harness/README.md"), root.join("test-harness/fuzz/README.md")]);
    files
}

/// The anchors of a document, as GitHub makes them from its headings.
fn anchors(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        let Some(title) = line.strip_prefix('#').filter(|_| !fenced) else { continue };
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        found.push(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
    }
    found
}

#[test]
fn links_in_the_documentation_lead_to_files_and_headings() {
    let mut dead = Vec::new();
    for file in prose() {
        let text = read(&file);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let target = if path.is_empty() { file.clone() } else { file.parent().expect("a folder").join(path) };
            let found = target.exists()
                && anchor.is_none_or(|anchor| anchors(&read(&target)).iter().any(|heading| heading == anchor));
            if !found {
                dead.push(format!("{} links to {link}", file.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn the_readme_is_one_page_of_lines_that_fit_a_terminal() {
    let readme = read(&paths::root().join("README.md"));
    assert!(readme.lines().count() <= 250);
    let long: Vec<&str> = readme.lines().filter(|line| line.chars().count() > 120).collect();
    assert!(long.is_empty(), "longer than 120 columns:\n{}", long.join("\n"));
}

#[test]
fn the_readmes_minimal_configuration_is_accepted_without_a_warning() {
    let readme = read(&paths::root().join("README.md"));
    let (_, section) = readme.split_once("## A minimal configuration").expect("the section");
    let (_, block) = section.split_once("```yaml\n").expect("the example");
    let (block, _) = block.split_once("```").expect("its end");
    let document: Value = serde_saphyr::from_str(block).expect("YAML");
    let (_, warnings) = Plan::compile_value(&document).expect("a configuration");
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn the_documentation_lists_every_metric_and_every_outcome_of_a_fetch_and_no_other() {
    let text = read(&paths::root().join("docs/metrics.md"));
    let provider = ProviderName::new("<provider>");
    let verdicts = [Verdict::Allow, Verdict::Deny, Verdict::WouldDeny, Verdict::Answered];
    let reason = Some(Reason::PolicyError);
    let alarm = Counter::Alarms(Alarm::parse("name").expect("an alarm")).name();
    let decisions = Counter::Decisions(DecisionCounter {
        verdict: Verdict::Allow,
        reason,
        issuer: Some(provider.clone()),
        policy: DecidingPolicy::None,
    })
    .name();
    let mut metrics = vec![
        (
            "counter",
            decisions
                .replace("outcome.allow", "outcome.<outcome>")
                .replace("policy_error", "<code>")
                .replace("<provider>", "<issuer>")
                .replace("policy.none", "policy.<policy>"),
        ),
        ("counter", alarm.replace("alarm.name", "alarm.<name>")),
        ("counter", Counter::Rehearsals(true).name().replace("would_allow", "<outcome>")),
        ("counter", Counter::Configurations.name()),
        ("counter", Counter::AliveSeconds.name()),
        ("counter", Counter::Fetches(provider.clone(), "<outcome>").name()),
        ("counter", Counter::SkippedKeys(provider.clone()).name()),
        ("counter", Counter::PrivateKeys(provider.clone()).name()),
        ("counter", Counter::UnknownKeyRefusals(provider.clone()).name()),
        ("counter", Counter::SignaturesByProxy.name()),
        ("counter", Counter::SignaturesByPlugin.name()),
        ("counter", Counter::SignatureFailures.name()),
        ("counter", Counter::CacheLookups { hit: true }.name().replace("hit", "<outcome>")),
        ("gauge", Gauge::KeyAge(provider.clone()).name()),
        ("gauge", Gauge::Waiting.name()),
        ("gauge", Gauge::RememberedTokens.name()),
        ("gauge", Gauge::KeysShared.name()),
    ];
    let table = rows(&text, "| name | kind | meaning |");
    for verdict in verdicts {
        assert!(table[0].contains(&format!("`{}`", verdict.name())), "{}", table[0]);
    }
    let mut documented: Vec<(&str, String)> =
        table.iter().map(|row| (cells(row)[1], cells(row)[0].to_owned())).collect();
    metrics.sort();
    documented.sort();
    assert_eq!(documented, metrics);

    let not_json = json::parse(b"", 1).expect_err("no JSON");
    let faults = [
        FetchFault::NotSent.into(),
        FetchFault::NoAnswer.into(),
        FetchFault::Status(500).into(),
        FetchFault::Redirect(302).into(),
        FetchFault::ContentType.into(),
        FetchFault::ContentEncoding.into(),
        FetchFault::TooLarge { bytes: 0, max_bytes: 0 }.into(),
        FetchFault::NotJson(not_json).into(),
        KeyFetchFault::KeySet(KeySetFault::Malformed("")),
        KeyFetchFault::KeySet(KeySetFault::NoUsableKey(Vec::new())),
        KeyFetchFault::SharedKey(provider),
        KeyFetchFault::Metadata(MetadataFault::Issuer),
    ];
    let outcomes: Vec<&str> = faults.iter().map(KeyFetchFault::outcome).collect();
    let documented: Vec<&str> =
        rows(&text, "| outcome | what happened |").into_iter().map(|row| cells(row)[0]).collect();
    assert_eq!(documented, outcomes);
    assert!(text.contains("The outcome `taken`"));
}

/// What the table says about the type of a member holds for this value of it.
fn is_of(types: &str, value: &Value) -> bool {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    types.split(" or ").any(|name| name == found)
}

#[test]
fn the_documentation_lists_every_member_of_the_decision_record_in_its_order_with_its_type() {
    let text = read(&paths::root().join("docs/record.md"));
    let table = rows(&text, "| member | type | meaning |");
    let documented: Vec<(&str, &str)> = table.iter().map(|row| (cells(row)[0], cells(row)[1])).collect();
    let schema = record_schema();
    let required = schema["required"].as_array().expect("a list").iter().map(|name| name.as_str().expect("a name"));
    assert_eq!(required.collect::<Vec<_>>(), documented.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let mut states = BTreeSet::new();
    for file in cedar_files() {
        for answer in answers(&file.with_extension("requests.ndjson")) {
            let answer = answer.as_object().expect("a record");
            let members: Vec<&str> = answer.keys().map(String::as_str).collect();
            let names: Vec<&str> = documented.iter().map(|(name, _)| *name).collect();
            let around = [vec!["id"], names, vec!["upstream_headers", "removed_headers"]].concat();
            assert_eq!(members, around);
            for (name, types) in &documented {
                assert!(is_of(types, &answer[*name]), "{name}: {}", answer[*name]);
            }
            for evidence in answer["evidence"].as_object().expect("evidence").values() {
                let members: Vec<&str> = evidence.as_object().expect("a piece").keys().map(String::as_str).collect();
                assert_eq!(members, ["state", "age", "bound", "device", "reason", "detail"]);
                states.insert(evidence["state"].as_str().expect("a state").to_owned());
            }
        }
    }
    for name in states.iter().map(String::as_str).chain(["state", "age", "bound", "device", "reason", "detail"]) {
        assert!(text.contains(&format!("`{name}`")), "docs/record.md does not name {name}");
    }
}

#[test]
fn the_documentation_lists_every_action_and_every_registered_method() {
    let text = read(&paths::root().join("docs/policies.md"));
    let table = rows(&text, "| request | action | in |");
    for action in Action::all() {
        let name = format!("`Action::\"{}\"`", action.name());
        let row = table.iter().find(|row| row.split('|').nth(2).is_some_and(|cell| cell.contains(&name)));
        let group = cells(row.unwrap_or_else(|| panic!("no row has {name}")))[2];
        match action.group() {
            Some(of) => assert_eq!(group, format!("Action::\"{of}\""), "{name}"),
            None => assert!(matches!(group, "" | "neither"), "{name}"),
        }
    }
    let (_, list) = text.split_once("so a route that lists one needs `action`:\n").expect("the list");
    let (list, _) = list.split_once(".\n").expect("its end");
    let documented: Vec<&str> = list.split(',').map(|name| name.trim().trim_matches('`')).collect();
    let registered: Vec<&str> =
        RequestMethod::all().filter(|method| method.own_action().is_none()).map(RequestMethod::name).collect();
    assert_eq!(documented, registered);
}

/// The cell `default` of the row about a member.
fn documented_default(text: &str, member: &str) -> String {
    let row = text.lines().find(|line| line.starts_with(&format!("| `{member}` |"))).expect("the row");
    row.split('|').nth(2).expect("the cell").trim_matches([' ', '`']).to_owned()
}

#[test]
fn the_documentation_gives_the_defaults_of_fetched_keys() {
    let mut plugin: Value = serde_saphyr::from_str(&read(&envoy_folder().join("plugin.yaml"))).expect("YAML");
    plugin["issuers"]["corp"]["keys"] = serde_json::json!({ "discovery": true, "cluster": "login" });
    let (plan, _) = Plan::compile_value(&plugin).expect("a configuration");
    let KeySource::Fetched(keys) = &plan.keys[&ProviderName::new("corp")] else { panic!("the keys are fetched") };
    let keys = keys.schedule;
    let length = |text: &str| text.parse::<Seconds>().expect("a length of time");
    let text = read(&paths::root().join("docs/defaults.md"));
    for (member, value) in
        [("refetch_interval", keys.refetch_interval), ("max_stale", keys.max_stale), ("timeout", keys.timeout)]
    {
        assert_eq!(length(&documented_default(&text, member)), value, "{member}");
    }
    let refresh = documented_default(&text, "refresh");
    let bounds: Vec<&str> = refresh.trim_matches(['{', '}', ' ']).split(", ").collect();
    for (bound, name, value) in [(bounds[0], "min: ", keys.refresh_min), (bounds[1], "max: ", keys.refresh_max)] {
        assert_eq!(length(bound.strip_prefix(name).expect("its name")), value, "{refresh}");
    }
}

#[test]
fn the_example_has_every_member_of_the_document() {
    let plugin: Value = serde_saphyr::from_str(&read(&envoy_folder().join("plugin.yaml"))).expect("YAML");
    let complete: BTreeSet<&str> = plugin.as_object().expect("an object").keys().map(String::as_str).collect();
    let tables = reference();
    let document = tables.iter().find(|table| table.name == "document").expect("the document's table");
    let members = document.rows.iter().map(|row| row.member.as_str()).filter(|member| !member.contains('.'));
    assert_eq!(members.collect::<BTreeSet<&str>>(), complete);
}

#[test]
fn the_documentation_gives_default_and_range_of_every_cap_that_can_be_set() {
    let text = read(&paths::root().join("docs/defaults.md"));
    let documented: Vec<Vec<String>> = rows(&text, "| member | default | range | why |")
        .into_iter()
        .map(|row| cells(row)[..3].iter().map(|cell| (*cell).to_owned()).collect())
        .collect();
    let settable =
        [limits::TOKEN_BYTES, limits::HEADER_BYTES, limits::HEADERS, limits::PATH_BYTES, limits::REMEMBERED_BYTES];
    let expected: Vec<Vec<String>> = settable
        .iter()
        .map(|cap| vec![format!("limits.{}", cap.name), cap.default.to_string(), format!("{} to {}", cap.min, cap.max)])
        .collect();
    assert_eq!(documented, expected);
}

/// The value of a cap as a number, in bytes or seconds where it has a unit.
fn amount(documented: &str) -> i128 {
    let (number, unit) = documented.split_once(' ').unwrap_or((documented, ""));
    let unit = match unit {
        "" | "B" | "s" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        _ => panic!("an unknown unit in `{documented}`"),
    };
    number.replace(',', "").parse::<i128>().expect("a number") * unit
}

macro_rules! caps {
    ($($name:ident)+) => { [$((stringify!($name), Cap::from(limits::$name).0)),+] };
}

/// A cap, whatever its type.
struct Cap(i128);

impl From<u16> for Cap {
    fn from(value: u16) -> Self {
        Self(value.into())
    }
}

impl From<i64> for Cap {
    fn from(value: i64) -> Self {
        Self(value.into())
    }
}

impl From<usize> for Cap {
    fn from(value: usize) -> Self {
        Self(i128::try_from(value).expect("a cap is small"))
    }
}

impl From<Seconds> for Cap {
    fn from(value: Seconds) -> Self {
        Self(value.get().into())
    }
}

#[test]
fn the_documentation_gives_every_fixed_cap_and_no_other() {
    let expected = caps! {
        MAX_CONFIG_BYTES MAX_CONFIG_JSON_DEPTH MAX_TOKEN_JSON_DEPTH MAX_JOSE_HEADER_BYTES MAX_CERTIFICATE_PEM_BYTES
        MAX_REMEMBERED_CERTIFICATES MAX_CERTIFICATE_NAMES MAX_CERTIFICATE_NAME_BYTES MAX_POSTURE_HEADER_BYTES MAX_TRUST_DOMAINS MAX_KEY_SET_BYTES
        MAX_KEYS_PER_SET MAX_UNKNOWN_KEYS MAX_KEYS_BY_ID MAX_SOUGHT_KEYS MAX_PEM_BYTES FORGERY_REMEMBERED MAX_FORGERIES MAX_FORGERY_BYTES MAX_PROOF_BYTES
        MAX_PROOF_ID_BYTES PROOF_BUCKETS MAX_PROOFS_PER_BUCKET MAX_BUCKET_WRITES NONCE_LIFETIME MAX_WAITING_REQUESTS
        MAX_WAITING_FOR_UNKNOWN_KEY WAITING_PLACES_PER_FREE_PLACE WAKES_AT_ONCE LONGEST_WAIT LONGEST_BACK_OFF SHARED_KEY_SLOTS
        MAX_SHARED_LEASE_BYTES MAX_TOLD_WORKERS MAX_GROUPS_PER_TOKEN MAX_LIST_ELEMENTS MAX_ENTITY_ID_BYTES
        MAX_ACTORS MAX_VERSION_PART_DIGITS MAX_TENANT_BYTES MAX_REQUEST_HEADER_ENTRIES MAX_ROUTES_PER_APPLICATION
        MAX_POLICIES MAX_POLICY_BRACKET_DEPTH MAX_POLICY_EXPRESSION_DEPTH MAX_PREPARED_DEPTH MIN_CACHED_POLICIES
        MAX_READINGS MAX_DECISION_KEY_BYTES MAX_DECISION_CACHE_BYTES CACHE_HITS_PER_COUNT MAX_REMEDY_BYTES LONGEST_STEP_UP
        MAX_ALARM_BYTES MAX_ATTRIBUTES
        MAX_NEAR_MISSES MAX_POLICIES_IN_METRICS MAX_RECORD_TEXT_BYTES
        EARLIEST_PLAUSIBLE_UNIX_SECONDS
    };
    let text = read(&paths::root().join("docs/defaults.md"));
    let documented: Vec<(&str, i128)> =
        rows(&text, "| cap | value | why |").into_iter().map(|row| (cells(row)[0], amount(cells(row)[1]))).collect();
    assert_eq!(documented, expected);

    let constant = Regex::new(r"(?m)^pub const ([A-Z_]+): (?:u16|usize|i64|Seconds) =").expect("a pattern");
    let source = read(&paths::root().join("src/core/limits.rs"));
    let in_source: Vec<&str> = constant.captures_iter(&source).map(|parts| parts.extract::<1>().1[0]).collect();
    assert_eq!(documented.iter().map(|(name, _)| *name).collect::<Vec<_>>(), in_source);
}

#[test]
fn the_modules_of_the_terms_exist() {
    let root = paths::root();
    let text = read(&root.join("docs/terms.md"));
    for row in rows(&text, "| term | meaning here | source | module |") {
        for module in cells(row)[3].split(", ").map(|name| name.trim_matches('`')).filter(|name| !name.is_empty()) {
            let core = root.join("src/core");
            let exists = core.join(module).is_dir() || core.join(format!("{module}.rs")).is_file();
            assert!(exists, "docs/terms.md names the module {module}, which is not in src/core");
        }
    }
}

#[test]
fn the_documentation_lists_every_header_that_is_removed_or_left_alone_and_no_other() {
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
    let document = "docs/request-headers.md";
    hold_table(document, "| names | what a client could say with them | who believes them |", &removed);
    hold_table(document, "| names | other spellings | why |", &left_alone);
}

#[test]
fn the_map_names_every_module_of_the_core_and_no_other() {
    let root = paths::root();
    let map = read(&root.join("src/README.md"));
    let in_map: BTreeSet<String> = rows(&map, "| floor | modules | question |")
        .into_iter()
        .flat_map(|row| cells(row)[1].split(" with ").next().expect("the modules").split(", "))
        .map(|name| name.trim_matches('`').to_owned())
        .collect();
    let declaration = Regex::new(r"(?m)^(?:pub(?:\(crate\))? )?mod (\w+);").expect("a pattern");
    let source = read(&root.join("src/core/lib.rs"));
    let declared: BTreeSet<String> =
        declaration.captures_iter(&source).map(|parts| parts.extract::<1>().1[0].to_owned()).collect();
    assert_eq!(in_map, declared, "the table of src/README.md and the modules of src/core/lib.rs");
}
