//! The services around Envoy: an identity provider, a device provider, an upstream application, and one that only counts.

mod device_provider;
mod identity_provider;
mod sink;
mod upstream;

pub use device_provider::DeviceProvider;
pub use identity_provider::IdentityProvider;
pub use sink::Sink;
pub use upstream::{REDIRECT, Received, Upstream};

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::tokens::Token;

/// A body that is there at once.
pub(crate) type Text = Full<Bytes>;

/// A service that listens until it is dropped.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listening {
    pub(crate) fn new(address: SocketAddr, task: JoinHandle<()>) -> Self {
        Self { address, task }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves requests whose answers need nothing but their path and query.
pub(crate) async fn serve_lookups(
    address: SocketAddr,
    answer: fn(&str, &Query) -> Response<Text>,
) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |request: Request<Incoming>| async move {
                let query = Query::parse(request.uri().query().unwrap_or_default());
                Ok::<_, Infallible>(answer(request.uri().path(), &query))
            });
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ended = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(Listening::new(address, task))
}

/// The parameters of a request, without percent-decoding: no value here needs any.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The value read as `T`, the default where it is not there, or what is wrong with it.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        match self.value(name).map(str::parse) {
            None => Ok(default),
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) => Err(format!("`{name}` is not of its type")),
        }
    }
}

/// A token as the answer, or what is wrong with the request for it.
pub(crate) fn token_or_fault(outcome: Result<Token, String>) -> Response<Text> {
    match outcome {
        Ok(token) => text(StatusCode::OK, "application/jwt", token.sign()),
        Err(fault) => text(StatusCode::BAD_REQUEST, "text/plain", format!("{fault}\n")),
    }
}

pub(crate) fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Text> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

pub(crate) fn not_found() -> Response<Text> {
    text(StatusCode::NOT_FOUND, "text/plain", "not found\n".to_owned())
}

/// All services at once, on the ports that `envoy/envoy.yaml` and `envoy/README.md` name, or on free ones.
pub struct Services {
    /// Makes access tokens.
    pub identity_provider: IdentityProvider,
    /// Makes posture tokens.
    pub device_provider: DeviceProvider,
    /// Answers with what it was asked.
    pub upstream: Upstream,
}

impl Services {
    /// Starts all of them at these addresses; port 0 is a free one.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn start(identity: SocketAddr, device: SocketAddr, upstream: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            identity_provider: IdentityProvider::start(identity).await?,
            device_provider: DeviceProvider::start(device).await?,
            upstream: Upstream::start(upstream).await?,
        })
    }
}
