//! Cedar's published integration tests: policies, entities and requests with the decision, the reasons and the errors that
//! Cedar's verified model gives.
//!
//! Each policy that the plugin has a program for is evaluated by it, and the answers are combined as Cedar combines them. A
//! request is outside as soon as one of its policies is.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr as _;

use cedar_policy::{Effect, Entities, EntityId, EntityTypeName, EntityUid, PolicySet};
use countersign_core::policy::oracle::language::{AnyRequest, Outside as Beyond, Verdict, verdict};
use serde_json::Value;

use super::{Case, Found, Outside, Source, Stage, Stated};

/// The tests of the archive that a fuzzer found.
pub fn corpus(source: &Source<'_>) -> Result<Vec<Case>, String> {
    let archive = source.vectors.join("cedar-integration/corpus-tests.tar.gz");
    let unreadable = |fault: std::io::Error| format!("`{}` cannot be read: {fault}", archive.display());
    let file = std::fs::File::open(&archive).map_err(unreadable)?;
    let mut files = BTreeMap::new();
    let mut entries = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in entries.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.display().to_string();
        let mut text = String::new();
        if entry.header().entry_type().is_file() {
            entry.read_to_string(&mut text).map_err(unreadable)?;
            files.insert(name, text);
        }
    }
    let tests = files.keys().filter(|name| name.ends_with(".json") && !name.ends_with(".entities.json"));
    let read = |name: &str| files.get(name).cloned().ok_or_else(|| format!("the archive has no `{name}`"));
    all(tests.map(String::as_str), &read)
}

/// The tests that were written by hand.
pub fn written(source: &Source<'_>) -> Result<Vec<Case>, String> {
    let mut tests = Vec::new();
    for folder in ["decimal", "example_use_cases", "ip", "multi"] {
        let path = source.vectors.join("cedar-integration/tests").join(folder);
        tests.extend(json_files(&path)?.into_iter().map(|name| format!("tests/{folder}/{name}")));
    }
    all(tests.iter().map(String::as_str), &|name| source.text(&format!("cedar-integration/{name}")))
}

fn json_files(folder: &Path) -> Result<Vec<String>, String> {
    let unreadable = |fault: std::io::Error| format!("`{}` cannot be read: {fault}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Every request of these tests.
fn all<'t>(
    tests: impl Iterator<Item = &'t str>,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for name in tests {
        cases.extend(test(name, read).map_err(|fault| format!("{name}: {fault}"))?);
    }
    Ok(cases)
}

fn test(name: &str, read: &dyn Fn(&str) -> Result<String, String>) -> Result<Vec<Case>, String> {
    let json = |text: String| serde_json::from_str::<Value>(&text).map_err(|fault| fault.to_string());
    let test = json(read(name)?)?;
    let file = |member: &str| read(test[member].as_str().ok_or_else(|| format!("it has no `{member}`"))?);
    let policies = PolicySet::from_str(&file("policies")?).map_err(|fault| fault.to_string())?;
    let entities = Entities::from_json_value(json(file("entities")?)?, None).map_err(|fault| fault.to_string())?;
    let requests = test["requests"].as_array().ok_or("it has no `requests`")?;
    let mut cases = Vec::new();
    for (number, stated) in requests.iter().enumerate() {
        let request = request(stated)?;
        let (outside, found) = match decide(&policies, &request, &entities) {
            Ok(answer) if answer.is(stated) => (None, Found::Accepted),
            Ok(_) => (None, Found::Refused(Stage::Decision)),
            Err(beyond) => (Some(Outside { kind: kind(&beyond), stage: Stage::Policy }), Found::Refused(Stage::Policy)),
        };
        cases.push(Case { id: format!("{name}#{number}"), stated: Stated::Right, outside, found });
    }
    Ok(cases)
}

fn request(stated: &Value) -> Result<AnyRequest, String> {
    let entity = |member: &str| {
        let part = |name: &str| stated[member][name].as_str().ok_or_else(|| format!("a request has no `{member}`"));
        let of = EntityTypeName::from_str(part("type")?).map_err(|fault| fault.to_string())?;
        Ok::<_, String>(EntityUid::from_type_name_and_id(of, EntityId::new(part("id")?)))
    };
    Ok(AnyRequest {
        principal: entity("principal")?,
        action: entity("action")?,
        resource: entity("resource")?,
        context: stated["context"].clone(),
    })
}

/// What the policies of a test answer, by their ids.
#[derive(Default)]
struct Answer {
    permits: Vec<String>,
    forbids: Vec<String>,
    errors: Vec<String>,
}

fn decide(policies: &PolicySet, request: &AnyRequest, entities: &Entities) -> Result<Answer, Beyond> {
    let mut answer = Answer::default();
    for policy in policies.policies() {
        let named = match (verdict(policy, request, entities)?, policy.effect()) {
            (Verdict::DoesNotApply, _) => continue,
            (Verdict::Fails, _) => &mut answer.errors,
            (Verdict::Applies, Effect::Permit) => &mut answer.permits,
            (Verdict::Applies, Effect::Forbid) => &mut answer.forbids,
        };
        named.push(policy.id().to_string());
    }
    Ok(answer)
}

impl Answer {
    /// Whether decision, reasons and errors are those that the test states. Cedar skips policies that fail.
    fn is(&self, stated: &Value) -> bool {
        let (decision, reasons) = match (self.permits.is_empty(), self.forbids.is_empty()) {
            (false, true) => ("allow", &self.permits),
            _ => ("deny", &self.forbids),
        };
        let same = |member: &str, own: &[String]| {
            let mut own: Vec<&str> = own.iter().map(String::as_str).collect();
            let mut theirs: Vec<&str> =
                stated[member].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            own.sort_unstable();
            theirs.sort_unstable();
            own == theirs
        };
        stated["decision"] == decision && same("reason", reasons) && same("errors", &self.errors)
    }
}

/// The kind under which the exceptions list it.
fn kind(beyond: &Beyond) -> &'static str {
    match beyond {
        Beyond::Construct(construct) => construct,
        Beyond::EntityInContext => "attribute of an entity",
        Beyond::Context(_) => "value of the context",
    }
}
