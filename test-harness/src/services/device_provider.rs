//! A device provider: it signs whatever posture one asks it to.
//!
//! - `GET /jwks`: the public keys
//! - `GET /posture?device=laptop-1`: a posture token as text; also `managed=false`, `score=10`, `age=<seconds>`

use std::io;
use std::net::SocketAddr;

use hyper::{Response, StatusCode};
use serde_json::json;

use super::{Listening, Query, Text, not_found, serve_lookups, text, token_or_fault};
use crate::keys::mdm_key_set;
use crate::tokens::Token;

/// The service; it ends when it is dropped.
pub struct DeviceProvider(Listening);

impl DeviceProvider {
    /// Starts.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(address: SocketAddr) -> io::Result<Self> {
        serve_lookups(address, answer).await.map(Self)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }
}

fn answer(path: &str, query: &Query) -> Response<Text> {
    match path {
        "/jwks" => text(StatusCode::OK, "application/jwk-set+json", mdm_key_set().to_string()),
        "/posture" => token_or_fault(posture(query)),
        _ => not_found(),
    }
}

fn posture(query: &Query) -> Result<Token, String> {
    let device = query.value("device").ok_or("`device` is missing")?;
    let token = Token::about(device)
        .claim("managed", json!(query.parsed("managed", true)?))
        .claim("score", json!(query.parsed("score", 90_i64)?));
    Ok(token.made_before(query.parsed("age", 0)?))
}
