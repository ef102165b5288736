//! A provider's metadata: where its keys are (RFC 8414, OpenID Connect Discovery 1.0).

use serde_json::Value;

use super::{KeyFetchFault, KeyHost, MetadataFault};
use crate::fetch::{Endpoint, FetchFault, HttpUrl, Response};
use crate::jose::json;
use crate::limits::{MAX_KEY_SET_BYTES, MAX_TOKEN_JSON_DEPTH};

/// The endpoint of the keys according to the metadata in an answer.
///
/// # Errors
/// [`KeyFetchFault::Fetch`] if the answer is not JSON, otherwise [`KeyFetchFault::Metadata`].
pub fn key_endpoint(
    response: &Response,
    metadata: &Endpoint,
    issuer: &str,
    key_host: Option<&KeyHost>,
) -> Result<Endpoint, KeyFetchFault> {
    let value =
        json::parse(response.json_body(MAX_KEY_SET_BYTES)?, MAX_TOKEN_JSON_DEPTH).map_err(FetchFault::NotJson)?;
    if value.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err(MetadataFault::Issuer.into());
    }
    let url = value.get("jwks_uri").and_then(Value::as_str).and_then(|text| HttpUrl::parse(text).ok());
    let url = url.ok_or(MetadataFault::KeyUrl)?;
    if url.scheme() != metadata.url.scheme() {
        return Err(MetadataFault::Scheme.into());
    }
    let authority = url.authority();
    if authority == metadata.url.authority() {
        return Ok(Endpoint { url, cluster: metadata.cluster.clone() });
    }
    match key_host {
        Some(KeyHost { host, cluster }) if *host == authority => Ok(Endpoint { url, cluster: cluster.clone() }),
        _ => Err(MetadataFault::Host(authority).into()),
    }
}

#[cfg(test)]
mod tests;
