//! Metadata that a provider answered with: where its keys are.

use serde_json::Value;

use super::KeyHost;
use crate::fetch::{Endpoint, FetchFault, KeyUrl, Response};
use crate::jose::json;
use crate::limits::MAX_TOKEN_JSON_DEPTH;

/// Why metadata does not lead to keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataFault {
    /// `issuer` is not the configured one (RFC 8414 section 3.3).
    Issuer,
    /// `jwks_uri` is not there, or not a URL that can be fetched.
    KeyUrl,
    /// `jwks_uri` has another scheme than the metadata's own URL.
    Scheme,
    /// `jwks_uri` lies on a host that the configuration does not name.
    Host(String),
}

/// Where the metadata in an answer says that the keys are.
///
/// # Errors
/// Those of an answer that is not JSON, and [`FetchFault::Metadata`].
pub fn key_endpoint(
    response: &Response,
    metadata: &Endpoint,
    issuer: &str,
    key_host: Option<&KeyHost>,
) -> Result<Endpoint, FetchFault> {
    let value = json::parse(response.json_body()?, MAX_TOKEN_JSON_DEPTH).map_err(FetchFault::NotJson)?;
    if value.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err(FetchFault::Metadata(MetadataFault::Issuer));
    }
    let url = value.get("jwks_uri").and_then(Value::as_str).and_then(|text| KeyUrl::parse(text).ok());
    let url = url.ok_or(FetchFault::Metadata(MetadataFault::KeyUrl))?;
    if url.scheme() != metadata.url.scheme() {
        return Err(FetchFault::Metadata(MetadataFault::Scheme));
    }
    let authority = url.authority();
    if authority == metadata.url.authority() {
        return Ok(Endpoint { url, cluster: metadata.cluster.clone() });
    }
    match key_host {
        Some(KeyHost { host, cluster }) if *host == authority => Ok(Endpoint { url, cluster: cluster.clone() }),
        _ => Err(FetchFault::Metadata(MetadataFault::Host(authority))),
    }
}
