//! The manifests of `envoy/` held against the published CustomResourceDefinitions of their kinds.
//!
//! The definitions are not part of this project: a run takes the folder in which they lie. A document whose kind has no
//! definition there is a fault, unless Kubernetes itself defines the kind.

mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// The folders of `envoy/` that hold manifests, and of the definitions that they are held against.
const FOLDERS: &[(&str, &str)] = &[("istio", "istio"), ("gateway", "envoy-gateway")];

/// What an API server of Kubernetes defines in its own code, and no CustomResourceDefinition does.
const OF_KUBERNETES: &[&str] = &["admissionregistration.k8s.io/v1"];

/// What came of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The file with the kind and name in it.
    pub document: String,
    /// How it stands to its schema.
    pub verdict: Verdict,
}

/// How a document stands to its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it must be.
    Valid,
    /// Its kind is Kubernetes' own: there is nothing to hold it against.
    WithoutSchema,
    /// Each fault with its place.
    Faulty(Vec<String>),
}

/// Schemas by `apiVersion` and `kind`.
struct Definitions(BTreeMap<(String, String), Value>);

/// Holds every manifest against the definitions in this folder.
///
/// # Errors
/// A file cannot be read, or a folder has none.
pub fn judge_all(envoy: &Path, definitions: &Path) -> Result<Vec<Judged>, String> {
    let mut judged = Vec::new();
    for (manifests, folder) in FOLDERS {
        let definitions = Definitions::read(&definitions.join(folder))?;
        for file in yaml_files(&envoy.join(manifests))? {
            let name = format!("{manifests}/{}", file.file_name().unwrap_or_default().to_string_lossy());
            for document in documents(&file)? {
                let kind = document["kind"].as_str().unwrap_or("no kind");
                let what = document["metadata"]["name"].as_str().unwrap_or("no name");
                judged
                    .push(Judged { document: format!("{name}: {kind} {what}"), verdict: definitions.judge(&document) });
            }
        }
    }
    Ok(judged)
}

impl Definitions {
    fn read(folder: &Path) -> Result<Self, String> {
        let mut schemas = BTreeMap::new();
        for file in yaml_files(folder)? {
            for definition in documents(&file)? {
                let spec = &definition["spec"];
                for version in spec["versions"].as_array().into_iter().flatten() {
                    if let (Some(group), Some(name), Some(kind)) =
                        (spec["group"].as_str(), version["name"].as_str(), spec["names"]["kind"].as_str())
                    {
                        let schema = with_envelope(&version["schema"]["openAPIV3Schema"]);
                        schemas.insert((format!("{group}/{name}"), kind.to_owned()), schema);
                    }
                }
            }
        }
        Ok(Self(schemas))
    }

    fn judge(&self, document: &Value) -> Verdict {
        let word = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (word("apiVersion"), word("kind"));
        if OF_KUBERNETES.contains(&version.as_str()) {
            return Verdict::WithoutSchema;
        }
        let faults = match self.0.get(&(version, kind)) {
            Some(schema) => schema::faults(schema, document),
            None => vec!["there is no definition of this apiVersion and kind".to_owned()],
        };
        if faults.is_empty() { Verdict::Valid } else { Verdict::Faulty(faults) }
    }
}

/// Every object has these members, whether its schema names them or not.
fn with_envelope(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let mut properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let text = Value::from(Map::from_iter([("type".to_owned(), Value::from("string"))]));
    let open = Map::from_iter([
        ("type".to_owned(), Value::from("object")),
        ("x-kubernetes-preserve-unknown-fields".to_owned(), Value::from(true)),
    ]);
    properties.insert("apiVersion".to_owned(), text.clone());
    properties.insert("kind".to_owned(), text);
    properties.insert("metadata".to_owned(), Value::from(open));
    schema["properties"] = Value::from(properties);
    schema
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let fault = |fault| format!("`{}` cannot be read: {fault}", folder.display());
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(fault)?.collect();
    let mut files: Vec<PathBuf> = entries.map_err(fault)?.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    if files.is_empty() { Err(format!("`{}` has no YAML file", folder.display())) } else { Ok(files) }
}

/// The documents of a file. A member that is written twice is an error, as it is to a strict API server.
fn documents(file: &Path) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(file).map_err(|fault| format!("`{}` cannot be read: {fault}", file.display()))?;
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(&text).map_err(|fault| format!("`{}` is not YAML: {fault}", file.display()))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Verdict, judge_all};
    use test_harness::paths;

    const DEFINITION: &str = "
spec:
  group: example.com
  names: { kind: Plugin }
  versions:
    - name: v1
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, properties: { phase: { type: string } } } } } }
";

    /// What comes of these documents beside a definition of `example.com/v1`, `Plugin`.
    fn judge(test: &str, documents: &str) -> Result<Vec<Verdict>, String> {
        let folder = paths::new_run_folder(&format!("manifests-{test}")).expect("a folder");
        for (name, text) in [
            ("istio/a.yaml", documents),
            ("gateway/a.yaml", "{ apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy }"),
            ("crds/istio/a.yaml", DEFINITION),
            ("crds/envoy-gateway/a.yaml", DEFINITION),
        ] {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("written");
        }
        Ok(judge_all(&folder, &folder.join("crds"))?.into_iter().map(|one| one.verdict).collect())
    }

    fn faulty(fault: &str) -> Verdict {
        Verdict::Faulty(vec![fault.to_owned()])
    }

    #[test]
    fn documents_are_held_against_the_definition_of_their_version_and_kind() {
        let documents = "
{ apiVersion: example.com/v1, kind: Plugin, metadata: { name: a }, spec: { phase: AUTHN } }
---
{ apiVersion: example.com/v1, kind: Plugin, spec: { phas: AUTHN } }
---
{ apiVersion: example.com/v2, kind: Plugin }
";
        let verdicts = judge("kinds", documents).expect("readable");
        assert_eq!(
            verdicts,
            [
                Verdict::Valid,
                faulty("/spec/phas: is not a member that the schema names"),
                faulty("there is no definition of this apiVersion and kind"),
                Verdict::WithoutSchema,
            ]
        );
    }

    #[test]
    fn a_member_that_is_written_twice_is_an_error() {
        let fault = judge("twice", "{ apiVersion: example.com/v1, kind: Plugin, kind: Plugin }").expect_err("twice");
        assert!(fault.contains("is not YAML") && fault.contains("duplicate"), "{fault}");
    }
}
