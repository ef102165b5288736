//! The sections of a page of the documentation, and the configurations in them: tests run what is written there.

use std::fs;

use serde_json::{Value, json};

use crate::keys::{DemoKey, KEYS};
use crate::paths;
use crate::tokens::{AUDIENCE, CORP_ISSUER, HOST};

/// The members of a configuration that hold providers.
const ROLES: [&str; 2] = ["issuers", "devices"];

/// A section of a page.
pub struct Section {
    /// Where it is, for messages.
    place: String,
    text: String,
}

impl Section {
    /// The section of this page under this heading of the second level.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn of(page: &str, heading: &str) -> Self {
        let place = format!("`{heading}` of `{page}`");
        let Ok(text) = fs::read_to_string(paths::root().join(page)) else { panic!("`{page}` cannot be read") };
        let Some((_, section)) = text.split_once(&format!("\n## {heading}\n")) else { panic!("there is no {place}") };
        let text = section.split("\n## ").next().unwrap_or_default().to_owned();
        Self { place, text }
    }

    /// The examples in this language, in their order.
    #[must_use]
    pub fn examples(&self, language: &str) -> Vec<&str> {
        let blocks = self.text.split(&format!("```{language}\n")).skip(1).collect::<Vec<_>>();
        blocks.into_iter().filter_map(|block| Some(block.split_once("```")?.0)).collect()
    }

    /// The first example in this language.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn example(&self, language: &str) -> &str {
        match self.examples(language).first() {
            Some(example) => example,
            None => panic!("{} has no example in {language}", self.place),
        }
    }

    /// The example number `number` in YAML.
    ///
    /// # Panics
    /// There is none, or it is not YAML.
    #[must_use]
    pub fn yaml(&self, number: usize) -> Value {
        let examples = self.examples("yaml");
        let Some(example) = examples.get(number) else { panic!("{} has no example {number} in YAML", self.place) };
        match serde_saphyr::from_str(example) {
            Ok(value) => value,
            Err(error) => panic!("example {number} of {} is not YAML: {error}", self.place),
        }
    }

    /// The section's first configuration and its policies, made whole by [`whole`].
    #[must_use]
    pub fn configuration(&self) -> Value {
        whole(self.yaml(0), self.example("cedar"))
    }
}

/// A configuration of these providers, whose application requires all of them. People come from an issuer of their own
/// where there are device providers only.
#[must_use]
pub fn whole(mut providers: Value, policies: &str) -> Value {
    if providers.get("issuers").is_none() {
        providers["issuers"] = json!({ "corp": {
            "issuer": CORP_ISSUER, "audiences": [AUDIENCE], "typ": ["at+jwt"], "principal": { "id": "sub" },
            "keys": { "inline": { "keys": [KEYS.corp_es256.public_jwk()] } },
        } });
    }
    let of_role = |role: &&str| providers.get(*role)?.as_object();
    let names: Vec<String> = ROLES.iter().filter_map(of_role).flat_map(|all| all.keys().cloned()).collect();
    providers["version"] = json!(1);
    providers["applications"] = json!({ "shop": {
        "hosts": [HOST], "requires": names, "routes": { "all": { "path": "/{rest*}", "methods": ["GET", "PUT"] } },
    } });
    providers["policies"] = json!(policies);
    providers
}

/// The configuration with this key in it for each provider whose keys are fetched.
#[must_use]
pub fn with_inline_key(mut configuration: Value, key: &DemoKey) -> Value {
    for role in ROLES {
        for provider in
            configuration.get_mut(role).and_then(Value::as_object_mut).into_iter().flat_map(|all| all.values_mut())
        {
            if provider["keys"]["cluster"].is_string() {
                let mut jwk = key.public_jwk();
                if provider["preset"] == "spiffe-jwt-svid" {
                    jwk["use"] = json!("jwt-svid");
                }
                provider["keys"] = json!({ "inline": { "keys": [jwk] } });
            }
        }
    }
    configuration
}
