//! The application behind Envoy. It answers with all it was sent, and remembers the requests that carry `x-test-id`.
//!
//! HTTP/1.1 and HTTP/2 without TLS. A request to upgrade is granted, and then every byte comes back; one to be
//! redirected as well. `GET /ready` is for health checks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, LOCATION, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Listening, Text, text};

/// The header of a request that is to be answered with a redirect to this path on the same host, unless it is there already.
pub const REDIRECT: &str = "x-test-redirect";

/// A request as the upstream got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The header fields; values that are not UTF-8 with replacement characters.
    pub headers: Vec<(String, String)>,
    /// The trailer fields.
    pub trailers: Vec<(String, String)>,
    /// Bytes of the body.
    pub body_bytes: usize,
}

impl Received {
    /// The values of a header field.
    #[must_use]
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect()
    }

    fn to_json(&self) -> Value {
        json!({
            "method": self.method, "target": self.target, "headers": self.headers,
            "trailers": self.trailers, "body_bytes": self.body_bytes,
        })
    }
}

type Remembered = Arc<Mutex<HashMap<String, Received>>>;

/// The service; it ends when it is dropped.
pub struct Upstream {
    listening: Listening,
    remembered: Remembered,
}

impl Upstream {
    /// Starts.
    ///
    /// # Errors
    /// The port is in use.
    pub async fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let remembered = Remembered::default();
        let shared = Arc::clone(&remembered);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let remembered = Arc::clone(&shared);
                let service = service_fn(move |request| answer(request, Arc::clone(&remembered)));
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ended = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { listening: Listening::new(address, task), remembered })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address
    }

    /// The request with this `x-test-id`, if one came.
    #[must_use]
    pub fn received(&self, test_id: &str) -> Option<Received> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(test_id).cloned()
    }
}

async fn answer(request: Request<Incoming>, remembered: Remembered) -> Result<Response<Text>, Infallible> {
    if request.uri().path() == "/ready" {
        return Ok(text(StatusCode::OK, "text/plain", "ready\n".to_owned()));
    }
    let mut received = Received {
        method: request.method().to_string(),
        target: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
        headers: fields(request.headers()),
        trailers: Vec::new(),
        body_bytes: 0,
    };
    if let Some(authority) = request.uri().authority() {
        received.headers.insert(0, ("host".to_owned(), authority.to_string()));
    }
    // Remembered before the body is read: a request whose head alone came through has come through.
    remember(&remembered, &received);
    if request.headers().contains_key(UPGRADE) {
        return Ok(upgrade(request));
    }
    let mut body = request.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        match frame.into_data() {
            Ok(data) => received.body_bytes += data.len(),
            Err(frame) => received.trailers = frame.into_trailers().map(|map| fields(&map)).unwrap_or_default(),
        }
    }
    remember(&remembered, &received);
    if let Some(location) = redirect(&received) {
        let mut response = text(StatusCode::FOUND, "text/plain", "elsewhere\n".to_owned());
        response.headers_mut().insert(LOCATION, location);
        return Ok(response);
    }
    Ok(text(StatusCode::OK, "application/json", received.to_json().to_string()))
}

/// Where it is to be redirected to, as a whole URL: Envoy follows no other.
fn redirect(received: &Received) -> Option<HeaderValue> {
    let (to, host) = (*received.header(REDIRECT).first()?, *received.header("host").first()?);
    (to != received.target).then(|| HeaderValue::from_str(&format!("http://{host}{to}")).ok())?
}

fn remember(remembered: &Remembered, received: &Received) {
    if let Some(test_id) = received.header("x-test-id").first() {
        let mut remembered = remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert((*test_id).to_owned(), received.clone());
    }
}

fn upgrade(mut request: Request<Incoming>) -> Response<Text> {
    let protocol = request.headers().get(UPGRADE).cloned();
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(&mut request).await {
            let (mut reader, mut writer) = tokio::io::split(TokioIo::new(upgraded));
            let _ended = tokio::io::copy(&mut reader, &mut writer).await;
        }
    });
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Some(protocol) = protocol {
        response.headers_mut().insert(UPGRADE, protocol);
    }
    response
}

fn fields(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
