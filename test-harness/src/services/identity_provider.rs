//! An identity provider without passwords: it signs a token for whomever one asks it to.
//!
//! - `GET /keys`, `GET /machines/keys`: the public keys of people's and of software components' tokens
//! - `GET /.well-known/openid-configuration`, `GET /.well-known/oauth-authorization-server`: where people's keys are; the first
//!   also under `/<tenant>`, for the issuer `https://login.example.com/<tenant>` with its keys under `/<tenant>/keys`
//! - `GET` or `POST /token?user=alice`: an access token as text; also `alg=ES256`, `age=<seconds>`

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::StatusCode;
use serde_json::json;

use super::provider::{Keys, Line, Provider, Role, as_key_set};
use super::query::{Query, token_or_fault};
use super::reply::Reply;
use crate::keys::{KEYS, corp_keys};
use crate::tokens::{CALLERS, CORP_ISSUER, Token};

/// The path of the keys of people's tokens.
pub const CORP_KEYS: &str = "/keys";

/// The path of the keys of software components' tokens.
pub const MACHINES_KEYS: &str = "/machines/keys";

/// The path of the metadata that OpenID Connect Discovery 1.0 section 4 asks for.
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";

/// The path of the metadata that RFC 8414 section 3 asks for.
pub const OAUTH_CONFIGURATION: &str = "/.well-known/oauth-authorization-server";

/// Starts one.
///
/// # Errors
/// The port is in use.
pub fn start(address: SocketAddr, line: Line) -> io::Result<Provider> {
    let keys =
        Keys::from([(CORP_KEYS.to_owned(), corp_keys()), (MACHINES_KEYS.to_owned(), vec![Arc::clone(&KEYS.machines)])]);
    Provider::start(address, Role { keys, form: as_key_set, answer }, line)
}

fn answer(keys: &Keys, path: &str, query: &Query) -> Option<Reply> {
    match path {
        OAUTH_CONFIGURATION => Some(metadata("")),
        "/token" => Some(token_or_fault(token(keys, query))),
        _ => path.strip_suffix(OPENID_CONFIGURATION).map(metadata),
    }
}

/// By the names that the outside knows it by, whatever the port.
fn metadata(tenant: &str) -> Reply {
    let metadata = json!({
        "issuer": format!("{CORP_ISSUER}{tenant}"),
        "jwks_uri": format!("http://login.example.com{tenant}{CORP_KEYS}"),
        "token_endpoint": "http://login.example.com/token",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    });
    Reply::new(StatusCode::OK, "application/json", metadata.to_string())
}

/// Signed with the first of the caller's keys, or with the first for the algorithm that is asked for.
fn token(keys: &Keys, query: &Query) -> Result<Token, String> {
    let user = query.value("user").unwrap_or_default();
    let Some(caller) = CALLERS.iter().find(|caller| caller.name == user) else {
        let names: Vec<_> = CALLERS.iter().map(|caller| caller.name).collect();
        return Err(format!("`user` is one of {}", names.join(", ")));
    };
    let path = if caller.device.is_some() { CORP_KEYS } else { MACHINES_KEYS };
    let asked = query.value("alg");
    let mut keys = keys.get(path).into_iter().flatten();
    match keys.find(|key| asked.is_none_or(|alg| key.alg == alg)) {
        Some(key) => Ok(Token::of(*caller).key(key).made_before(query.parsed("age", 0)?)),
        None => Err(format!("there is no such key for {user}")),
    }
}
