//! A provider of tokens and of the keys that they are signed with, over HTTP. Its keys can be replaced and its answers made
//! wrong while it runs, and it remembers who asked for what.
//!
//! - `GET` on a path that keys are published at: their public halves, in the role's form
//! - everything else is the role's: see `identity_provider.rs` and `device_provider.rs`

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::Channel;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::fault::{Fault, MOVED};
use super::port::Port;
use super::query::Query;
use super::reply::Reply;
use crate::clock::Stopwatch;
use crate::keys::{DemoKey, key_set};

/// How long keys may be cached, unless a test says otherwise.
const MAX_AGE_SECONDS: u32 = 300;

/// What becomes of connections to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// They are answered in HTTP.
    Http,
    /// They are refused: the port is closed.
    Closed,
    /// They are answered with bytes that are no HTTP.
    Noise,
}

/// A request as a provider got it.
#[derive(Clone, Debug)]
pub struct Visit {
    /// When, since the provider was started.
    pub at: Duration,
    /// The path without the query.
    pub path: String,
    /// The authority, from `host` or `:authority`.
    pub authority: String,
    /// The header fields.
    pub headers: HeaderMap,
}

/// The keys by the path that they are published at.
pub(crate) type Keys = BTreeMap<String, Vec<Arc<DemoKey>>>;

/// What makes one provider differ from another.
pub(crate) struct Role {
    /// The keys that it begins with.
    pub(crate) keys: Keys,
    /// The form in which it publishes the keys of a path; there is nothing on the path if it has none for them.
    pub(crate) form: fn(&[Arc<DemoKey>]) -> Option<Reply>,
    /// What it answers on a path that has no keys.
    pub(crate) answer: fn(&Keys, &str, &Query) -> Option<Reply>,
}

/// A running provider; it ends when it is dropped.
pub struct Provider {
    port: Mutex<Port>,
    desk: Arc<Desk>,
}

/// What answers, shared by all connections.
struct Desk {
    form: fn(&[Arc<DemoKey>]) -> Option<Reply>,
    answer: fn(&Keys, &str, &Query) -> Option<Reply>,
    keys: Mutex<Keys>,
    documents: Mutex<BTreeMap<String, Value>>,
    max_age_seconds: Mutex<Option<u32>>,
    faults: watch::Sender<BTreeMap<String, Fault>>,
    visits: Mutex<Vec<Visit>>,
    started: Stopwatch,
}

impl Provider {
    /// Takes the port and serves it, or leaves it closed as yet.
    pub(crate) fn start(address: SocketAddr, role: Role, line: Line) -> io::Result<Self> {
        let desk = Desk {
            form: role.form,
            answer: role.answer,
            keys: Mutex::new(role.keys),
            documents: Mutex::default(),
            max_age_seconds: Mutex::new(Some(MAX_AGE_SECONDS)),
            faults: watch::Sender::default(),
            visits: Mutex::default(),
            started: Stopwatch::start(),
        };
        let provider = Self { port: Mutex::new(Port::reserve(address)?), desk: Arc::new(desk) };
        provider.set_line(line)?;
        Ok(provider)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        locked(&self.port).address()
    }

    /// From now on connections are treated so; those that are open end.
    ///
    /// # Errors
    /// The port cannot be opened.
    pub fn set_line(&self, line: Line) -> io::Result<()> {
        let mut port = locked(&self.port);
        match line {
            Line::Http => {
                let desk = Arc::clone(&self.desk);
                port.open(move |stream| serve(stream, Arc::clone(&desk)))
            }
            Line::Noise => port.open(make_noise),
            Line::Closed => {
                port.close();
                Ok(())
            }
        }
    }

    /// From now on answers on this path have this fault, or none.
    pub fn set_fault(&self, path: &str, fault: impl Into<Option<Fault>>) {
        let fault = fault.into();
        self.desk.faults.send_modify(|faults| {
            faults.remove(path);
            faults.extend(fault.map(|fault| (path.to_owned(), fault)));
        });
    }

    /// From now on these are the keys of this path. The first of them signs.
    pub fn publish(&self, path: &str, keys: &[&Arc<DemoKey>]) {
        locked(&self.desk.keys).insert(path.to_owned(), keys.iter().map(|key| Arc::clone(key)).collect());
    }

    /// From now on this is what there is on a path that has no keys.
    pub fn set_document(&self, path: &str, document: Value) {
        locked(&self.desk.documents).insert(path.to_owned(), document);
    }

    /// From now on key sets may be cached so long, or nothing is said of it.
    pub fn set_max_age(&self, seconds: Option<u32>) {
        *locked(&self.desk.max_age_seconds) = seconds;
    }

    /// How long ago it was started: now, as [`Visit::at`] counts.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.desk.started.elapsed()
    }

    /// The requests on this path so far.
    #[must_use]
    pub fn visits(&self, path: &str) -> Vec<Visit> {
        self.all_visits().into_iter().filter(|visit| visit.path == path).collect()
    }

    /// The requests so far, whatever their path.
    #[must_use]
    pub fn all_visits(&self) -> Vec<Visit> {
        locked(&self.desk.visits).clone()
    }
}

impl Desk {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Channel<Bytes>> {
        let uri = request.uri();
        let path = uri.path();
        let host = request.headers().get("host").and_then(|host| host.to_str().ok());
        let authority = uri.authority().map(|authority| authority.as_str()).or(host).unwrap_or_default().to_owned();
        let headers = request.headers().clone();
        let visit = Visit { at: self.started.elapsed(), path: path.to_owned(), authority, headers };
        locked(&self.visits).push(visit);
        let mut faults = self.faults.subscribe();
        // The sender lives as long as this does.
        let _unheld = faults.wait_for(|faults| faults.get(path) != Some(&Fault::Held)).await.map(drop);
        let fault = self.faults.borrow().get(path).copied();
        let mut reply = self.right_answer(path, &Query::parse(uri.query().unwrap_or_default()));
        if let Some(fault) = fault {
            fault.spoil(path, &mut reply);
        }
        reply.send().await
    }

    fn right_answer(&self, path: &str, query: &Query) -> Reply {
        let keys = locked(&self.keys);
        let Some(published) = keys.get(path.strip_prefix(MOVED).unwrap_or(path)) else {
            if let Some(document) = locked(&self.documents).get(path) {
                return Reply::new(StatusCode::OK, "application/json", document.to_string());
            }
            return (self.answer)(&keys, path, query).unwrap_or_else(Reply::not_found);
        };
        let Some(mut reply) = (self.form)(published) else { return Reply::not_found() };
        let max_age = *locked(&self.max_age_seconds);
        if let Some(value) = max_age.and_then(|seconds| HeaderValue::from_str(&format!("max-age={seconds}")).ok()) {
            reply.headers.insert(CACHE_CONTROL, value);
        }
        reply
    }
}

/// All keys of a path as a JWK set.
pub(crate) fn as_key_set(keys: &[Arc<DemoKey>]) -> Option<Reply> {
    Some(Reply::new(StatusCode::OK, "application/jwk-set+json", key_set(keys).to_string()))
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(|request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(&request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let _ended = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// Waits for the request, so that it is the answer that is wrong.
async fn make_noise(mut stream: TcpStream) {
    let mut request = [0; 4096];
    if let Ok(1..) = stream.read(&mut request).await {
        let _gone = stream.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n").await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
