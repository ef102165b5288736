//! An identity provider without passwords: it signs a token for whomever one asks it to.
//!
//! - `GET /jwks`, `GET /jwks/machines`: the public keys
//! - `GET` or `POST /token?user=alice`: an access token as text; also `alg=ES256`, `age=<seconds>`

use std::io;
use std::net::SocketAddr;

use hyper::{Response, StatusCode};

use super::{Listening, Query, Text, not_found, serve_lookups, text, token_or_fault};
use crate::keys::{KEYS, corp_key_set, machines_key_set};
use crate::tokens::{CALLERS, Token};

/// The service; it ends when it is dropped.
pub struct IdentityProvider(Listening);

impl IdentityProvider {
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
        "/jwks" => text(StatusCode::OK, "application/jwk-set+json", corp_key_set().to_string()),
        "/jwks/machines" => text(StatusCode::OK, "application/jwk-set+json", machines_key_set().to_string()),
        "/token" => token_or_fault(token(query)),
        _ => not_found(),
    }
}

fn token(query: &Query) -> Result<Token, String> {
    let user = query.value("user").unwrap_or_default();
    let Some(caller) = CALLERS.iter().find(|caller| caller.name == user) else {
        let names: Vec<_> = CALLERS.iter().map(|caller| caller.name).collect();
        return Err(format!("`user` is one of {}", names.join(", ")));
    };
    let token = Token::of(*caller).made_before(query.parsed("age", 0)?);
    match query.value("alg") {
        None => Ok(token),
        Some("ES256") if caller.device.is_some() => Ok(token.key(&KEYS.corp_es256)),
        Some(_) => Err("`alg` is ES256, for people".to_owned()),
    }
}
