//! A device provider: it signs whatever posture one asks it to.
//!
//! - `GET /keys`: the public keys
//! - `GET /posture?device=laptop-1`: a posture token as text; also `managed=false`, `score=10`, `age=<seconds>`

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;

use super::provider::{Keys, Line, Provider, Role, as_key_set};
use super::query::{Query, token_or_fault};
use super::reply::Reply;
use crate::keys::KEYS;
use crate::tokens::Token;

/// The path of its keys.
pub const MDM_KEYS: &str = "/keys";

/// Starts one.
///
/// # Errors
/// The port is in use.
pub fn start(address: SocketAddr, line: Line) -> io::Result<Provider> {
    let keys = Keys::from([(MDM_KEYS.to_owned(), vec![Arc::clone(&KEYS.mdm)])]);
    Provider::start(address, Role { keys, form: as_key_set, answer }, line)
}

fn answer(keys: &Keys, path: &str, query: &Query) -> Option<Reply> {
    (path == "/posture").then(|| token_or_fault(posture(keys, query)))
}

fn posture(keys: &Keys, query: &Query) -> Result<Token, String> {
    let device = query.value("device").ok_or("`device` is missing")?;
    let key = keys.get(MDM_KEYS).and_then(|keys| keys.first()).ok_or("there is no key")?;
    let token = Token::about(device)
        .key(key)
        .claim("managed", json!(query.parsed("managed", true)?))
        .claim("score", json!(query.parsed("score", 90_i64)?));
    Ok(token.made_before(query.parsed("age", 0)?))
}
