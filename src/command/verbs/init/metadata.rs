//! What an identity provider says of itself: OpenID Connect Discovery 1.0, and RFC 8414.

use std::collections::BTreeSet;

use countersign_core::fetch::{FetchFault, HttpUrl, HttpUrlFault, Response};
use countersign_core::jose::{Algorithm, json};
use countersign_core::limits::{MAX_KEY_SET_BYTES, MAX_TOKEN_JSON_DEPTH};
use serde_json::Value;

use crate::probe::{ALGORITHM_ANNOUNCEMENTS, Roots, document};

/// Characters of a provider's text that a message shows.
const SHOWN_CHARACTERS: usize = 200;

/// Claims that many providers have (OpenID Connect Core 1.0 sections 2 and 5.1, RFC 9068), each with its type as a fact.
pub const COMMON_CLAIMS: [(&str, &str); 12] = [
    ("acr", "string"),
    ("amr", "[string]"),
    ("auth_time", "long"),
    ("azp", "string"),
    ("client_id", "string"),
    ("email", "string"),
    ("email_verified", "bool"),
    ("groups", "[string]"),
    ("name", "string"),
    ("preferred_username", "string"),
    ("roles", "[string]"),
    ("scope", "scopes"),
];

/// What of the metadata the configuration needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Where it was found.
    pub url: HttpUrl,
    /// Whether that is the URL that `discovery: true` stands for.
    pub is_openid: bool,
    /// Where the key set is.
    pub keys: HttpUrl,
    /// The announced algorithms that the plugin supports. Empty where none are announced.
    pub algorithms: BTreeSet<Algorithm>,
    /// Which of the common claims it announces.
    pub claims: Vec<&'static str>,
}

/// Why there is no configuration. Parts of it may be the provider's text.
#[derive(Debug, thiserror::Error)]
pub enum MetadataFault {
    /// No answer.
    #[error("GET {url}: {why}")]
    Unreachable {
        /// What was asked for.
        url: HttpUrl,
        /// Why, and what to do.
        why: String,
    },
    /// The issuer is no URL that a path can be added to.
    #[error("{0}: {1}; write the provider's `iss`, such as https://login.example.com")]
    Url(String, HttpUrlFault),
    /// Neither place has a document.
    #[error(
        "the provider has no metadata that can be read: {0}. Is --issuer exactly what `iss` of its tokens says? A provider without \
         metadata needs `keys: {{ url: ..., cluster: ... }}`, see docs/keys.md"
    )]
    NotFound(String),
    /// RFC 8414 section 3.3, OpenID Connect Discovery 1.0 section 4.3.
    #[error(
        "{url}: the metadata's `issuer` is {named}, and --issuer is `{asked}`; they must be equal byte by byte. If `iss` of the \
         provider's tokens is the former, give that as --issuer"
    )]
    Issuer {
        /// The document.
        url: HttpUrl,
        /// Its issuer.
        named: String,
        /// The one asked for.
        asked: String,
    },
    /// Without it there are no keys to verify with.
    #[error(
        "{0}: the metadata has no `jwks_uri`, so it does not say where the keys are; ask the provider for the URL of its JWK set, and \
         write `keys: {{ url: ..., cluster: ... }}`, see docs/keys.md"
    )]
    NoKeys(HttpUrl),
    /// It is no URL, or not https.
    #[error("{url}: `jwks_uri` of the metadata is {named}, which is not an https URL; the provider must correct it")]
    KeyUrl {
        /// The document.
        url: HttpUrl,
        /// What it says.
        named: String,
    },
    /// Only algorithms that the plugin does not have.
    #[error(
        "{url}: the metadata announces the algorithms {announced} only, and the plugin supports {}; have the provider sign with one \
         of them",
        Algorithm::names().join(", ")
    )]
    Algorithms {
        /// The document.
        url: HttpUrl,
        /// What it says.
        announced: String,
    },
}

/// Asks the provider.
///
/// # Errors
/// See [`MetadataFault`].
pub fn ask(issuer: &str, url: &HttpUrl, roots: &Roots) -> Result<Metadata, MetadataFault> {
    let mut faults = Vec::new();
    for (place, is_openid) in places(issuer, url)? {
        let answer = document(&place, roots).map_err(|why| MetadataFault::Unreachable { url: place.clone(), why })?;
        match answer.json_body(MAX_KEY_SET_BYTES) {
            Ok(_) => return read(issuer, place, is_openid, &answer),
            Err(fault) => faults.push(format!("GET {place}: {fault}")),
        }
    }
    Err(MetadataFault::NotFound(faults.join("; ")))
}

/// Where metadata is: what OpenID Connect Discovery adds to the issuer, and what RFC 8414 section 3.1 puts between host and path.
fn places(issuer: &str, url: &HttpUrl) -> Result<[(HttpUrl, bool); 2], MetadataFault> {
    let parse = |text: String| HttpUrl::parse(&text).map_err(|fault| MetadataFault::Url(text, fault));
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let path = url.path();
    let path = path.strip_suffix('/').unwrap_or(&path);
    Ok([
        (parse(format!("{base}/.well-known/openid-configuration"))?, true),
        (parse(format!("{}/.well-known/oauth-authorization-server{path}", url.origin()))?, false),
    ])
}

/// Reads an answer that came from this URL.
///
/// # Errors
/// Each fault but `Unreachable` and `Url`.
pub fn read(issuer: &str, url: HttpUrl, is_openid: bool, answer: &Response) -> Result<Metadata, MetadataFault> {
    let body = answer
        .json_body(MAX_KEY_SET_BYTES)
        .and_then(|body| json::parse(body, MAX_TOKEN_JSON_DEPTH).map_err(FetchFault::NotJson));
    let body = body.map_err(|fault| MetadataFault::NotFound(format!("GET {url}: {fault}")))?;
    let named = body.get("issuer");
    if named.and_then(Value::as_str) != Some(issuer) {
        return Err(MetadataFault::Issuer { url, named: shown(named), asked: issuer.to_owned() });
    }
    let Some(keys) = body.get("jwks_uri") else { return Err(MetadataFault::NoKeys(url)) };
    let key_url = keys.as_str().and_then(|text| HttpUrl::parse(text).ok()).filter(HttpUrl::is_https);
    let Some(keys) = key_url else { return Err(MetadataFault::KeyUrl { url, named: shown(Some(keys)) }) };
    let announced: BTreeSet<&str> = ALGORITHM_ANNOUNCEMENTS.iter().flat_map(|name| texts(body.get(*name))).collect();
    let algorithms: BTreeSet<Algorithm> = announced.iter().filter_map(|name| Algorithm::from_name(name)).collect();
    if algorithms.is_empty() && !announced.is_empty() {
        let announced = announced.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(MetadataFault::Algorithms { url, announced: announced.chars().take(SHOWN_CHARACTERS).collect() });
    }
    let supported: BTreeSet<&str> = texts(body.get("claims_supported")).collect();
    let claims = COMMON_CLAIMS.iter().map(|(claim, _)| *claim).filter(|claim| supported.contains(claim)).collect();
    Ok(Metadata { url, is_openid, keys, algorithms, claims })
}

/// The texts of a list.
fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "absent".to_owned() };
    format!(
        "`{}`",
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
            .chars()
            .take(SHOWN_CHARACTERS)
            .collect::<String>()
    )
}
