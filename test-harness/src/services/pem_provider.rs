//! A provider that publishes each key at a URL of its own, in PEM, as the front doors of AWS do. It makes no tokens.
//!
//! - `GET /<kid>`: the public half of the key with this id, if there is one

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::StatusCode;

use super::provider::{Keys, Line, Provider, Role};
use super::reply::Reply;
use crate::keys::DemoKey;

/// Starts one without keys; [`Provider::publish`] gives it some.
///
/// # Errors
/// The port is in use.
pub fn start(address: SocketAddr, line: Line) -> io::Result<Provider> {
    Provider::start(address, Role { keys: Keys::new(), form: in_pem, answer: |_, _, _| None }, line)
}

/// The path of the key with this id.
#[must_use]
pub fn path(kid: &str) -> String {
    format!("/{kid}")
}

fn in_pem(keys: &[Arc<DemoKey>]) -> Option<Reply> {
    let pem = keys.first()?.key.public_pem().ok()?;
    Some(Reply::new(StatusCode::OK, "application/octet-stream", pem))
}
