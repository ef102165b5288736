//! Lines that describe an answer and its keys.

use countersign_core::fetch::{FetchFault, Response};
use countersign_core::jose::{SkippedKey, VerificationKey, base64url, json};
use countersign_core::keys::MetadataFault;
use countersign_core::limits::MAX_TOKEN_JSON_DEPTH;
use serde_json::Value;

/// Characters of one text of the provider's that are shown.
const SHOWN_CHARACTERS: usize = 80;

/// Status, content type and size.
pub fn answer(response: &Response) -> String {
    let content_type = header(response, "content-type").unwrap_or_else(|| "no content type".to_owned());
    format!("status {}, {content_type}, {}", response.status, count(response.body_bytes, "byte"))
}

/// What of an answer explains why it is not taken.
pub fn more_about(fault: &FetchFault, response: &Response) -> String {
    match fault {
        FetchFault::Redirect(_) => {
            let location = header(response, "location");
            location.map(|location| format!("; it leads to {location}")).unwrap_or_default()
        }
        FetchFault::Status(404) => "; is the URL right?".to_owned(),
        FetchFault::Metadata(MetadataFault::Issuer) => {
            let metadata = parsed(response);
            let named = metadata.as_ref().and_then(|metadata| metadata.get("issuer")?.as_str());
            named.map(|issuer| format!(": it says `{}`", shown(issuer))).unwrap_or_default()
        }
        _ => String::new(),
    }
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
