//! Wycheproof's JOSE suites: tokens in compact form with the keys to try them with.

use serde_json::Value;

use super::{Case, Found, Outside, Source, Stage, jose, wycheproof_case, wycheproof_tests};

/// Encrypted tokens: the token is refused, whatever the key.
const JWE: Outside = Outside { kind: "JWE", stage: Stage::Token };
/// Keys that are shared secrets.
const OCT: Outside = Outside { kind: "oct", stage: Stage::Key };
/// Keys on a curve that we do not have.
const P521: Outside = Outside { kind: "P-521", stage: Stage::Key };

/// Every `jws` and `jwe` of the file.
pub fn tokens(source: &Source<'_>) -> Result<Vec<Case>, String> {
    let file = source.wycheproof()?;
    wycheproof_tests(&file)?.into_iter().map(|(group, test)| case(group, test)).collect()
}

fn case(group: &Value, test: &Value) -> Result<Case, String> {
    let keys = group.get("public").or_else(|| group.get("private")).ok_or("a group has no key")?;
    match (text(&test["jws"]), text(&test["jwe"])) {
        (Some(token), None) => wycheproof_case(test, outside(keys), jose::verify(keys, None, &token)),
        (None, Some(token)) => {
            let found = jose::parse(&token).map_or_else(Found::Refused, |_| Found::Accepted);
            wycheproof_case(test, Some(JWE), found)
        }
        _ => Err("a test has neither one `jws` nor one `jwe`".to_owned()),
    }
}

/// A token; where it is in a JSON form, that form's text.
fn text(token: &Value) -> Option<String> {
    match token {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) => Some(token.to_string()),
        _ => None,
    }
}

/// The kind of a set whose every key is of one that we have no code for.
fn outside(keys: &Value) -> Option<Outside> {
    let all = |name: &str, value: &str| match keys["keys"].as_array() {
        Some(keys) => keys.iter().all(|key| key[name] == value),
        None => keys[name] == value,
    };
    if all("kty", "oct") {
        Some(OCT)
    } else if all("crv", "P-521") {
        Some(P521)
    } else {
        None
    }
}
