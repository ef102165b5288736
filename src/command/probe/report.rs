//! Lines that describe an answer and its keys.

use std::collections::BTreeSet;

use countersign_core::fetch::{FetchFault, Response};
use countersign_core::jose::{Algorithm, SkippedKey, VerificationKey, base64url, json};
use countersign_core::keys::{KeyFetchFault, MetadataFault};
use countersign_core::limits::MAX_TOKEN_JSON_DEPTH;
use serde_json::Value;

/// Characters of one text of the provider's that are shown.
const SHOWN_CHARACTERS: usize = 80;

/// Algorithms of metadata that are shown.
const SHOWN_ALGORITHMS: usize = 20;

/// Members of metadata that list the algorithms of tokens: of ID tokens (OpenID Connect Discovery 1.0 section 3), and of access
/// tokens, which some providers add.
pub const ALGORITHM_ANNOUNCEMENTS: [&str; 2] =
    ["id_token_signing_alg_values_supported", "access_token_signing_alg_values_supported"];

/// Status, content type and size.
pub fn answer(response: &Response) -> String {
    let content_type = header(response, "content-type").unwrap_or_else(|| "no content type".to_owned());
    format!("status {}, {content_type}, {}", response.status, count(response.body_bytes, "byte"))
}

/// What of an answer explains why it is not taken.
pub fn more_about(fault: &KeyFetchFault, response: &Response) -> String {
    match fault {
        KeyFetchFault::Fetch(FetchFault::Redirect(_)) => {
            let location = header(response, "location");
            location.map(|location| format!("; it leads to {location}")).unwrap_or_default()
        }
        KeyFetchFault::Fetch(FetchFault::Status(404)) => "; is the URL right?".to_owned(),
        KeyFetchFault::Metadata(MetadataFault::Issuer) => {
            let metadata = parsed(response);
            let named = metadata.as_ref().and_then(|metadata| metadata.get("issuer")?.as_str());
            named.map(|issuer| format!(": it says `{}`", shown(issuer))).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// What metadata announces that a profile with these algorithms does not accept. Nothing for another answer, and where the
/// profile accepts the algorithm that each key names.
pub fn announced(response: &Response, accepted: Option<&[Algorithm]>) -> Option<String> {
    let (metadata, accepted) = (parsed(response)?, accepted?);
    metadata.get("jwks_uri")?;
    let announced: Vec<&str> = ALGORITHM_ANNOUNCEMENTS
        .iter()
        .filter_map(|name| metadata.get(name)?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .filter(|name| Algorithm::from_name(name).is_none_or(|algorithm| !accepted.contains(&algorithm)))
        .collect();
    let announced: BTreeSet<String> = announced.into_iter().take(SHOWN_ALGORITHMS).map(shown).collect();
    if announced.is_empty() {
        return None;
    }
    let list = |names: Vec<&str>| names.join(", ");
    Some(format!(
        "warning: the metadata announces {}; the configuration accepts {} only, and rejects tokens with another `alg`",
        list(announced.iter().map(String::as_str).collect()),
        list(accepted.iter().map(|algorithm| algorithm.name()).collect())
    ))
}

/// A line for each key of a set, in their order.
pub fn keys(response: &Response, usable: &[VerificationKey], skipped: &[SkippedKey]) -> Vec<String> {
    let set = parsed(response);
    let listed = set.as_ref().and_then(|set| set.get("keys")?.as_array()).into_iter().flatten();
    let mut usable = usable.iter();
    let line = |(index, jwk): (usize, &Value)| match skipped.iter().find(|key| key.index == index) {
        Some(key) => format!("keys[{index}] {}: left out: {}", named(key.kid.as_deref()), key.why),
        None => {
            let key = usable
                .next()
                .map(|key| format!("{}, {}, thumbprint {}", key.algorithm().name(), kind(jwk), key.thumbprint()));
            let purpose = jwk.get("use").and_then(Value::as_str).map(|text| format!(", use {}", shown(text)));
            let kid = jwk.get("kid").and_then(Value::as_str);
            format!("keys[{index}] {}: {}{}", named(kid), key.unwrap_or_default(), purpose.unwrap_or_default())
        }
    };
    let mut lines: Vec<String> = listed.enumerate().map(line).collect();
    let private = skipped.iter().filter(|key| key.is_private()).map(|key| format!("keys[{}]", key.index));
    let private: Vec<String> = private.collect();
    if !private.is_empty() {
        lines.push(format!(
            "PRIVATE KEY PUBLISHED: {}. Anyone who has read it can sign tokens; the provider must stop using it at once",
            private.join(", ")
        ));
    }
    lines
}

/// So many of something.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The type of a usable key, and how long it is or on which curve.
fn kind(jwk: &Value) -> String {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
    let modulus = base64url::decode(text("n").as_bytes()).unwrap_or_default();
    let spare = modulus.first().map_or(0, |first| first.leading_zeros());
    match text("kty") {
        "RSA" => format!("RSA {} bits", (modulus.len() as u64).saturating_mul(8).saturating_sub(u64::from(spare))),
        kty => format!("{kty} {}", text("crv")),
    }
}

fn named(kid: Option<&str>) -> String {
    kid.map_or("without kid".to_owned(), |kid| format!("kid `{}`", shown(kid)))
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).collect()
}

fn header(response: &Response, name: &str) -> Option<String> {
    let (_, value) = response.headers.iter().find(|(found, _)| found == name)?;
    Some(shown(&String::from_utf8_lossy(value)))
}

fn parsed(response: &Response) -> Option<Value> {
    json::parse(&response.body, MAX_TOKEN_JSON_DEPTH).ok()
}
