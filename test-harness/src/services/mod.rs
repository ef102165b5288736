//! The services around Envoy: an identity provider, a device provider, an upstream application, one that only counts, and a
//! control plane.

mod control_plane;
pub mod device_provider;
mod fault;
pub mod identity_provider;
pub mod pem_provider;
mod port;
mod provider;
mod query;
mod reply;
mod sink;
mod upstream;

pub use control_plane::{ControlPlane, Verdict};
pub use fault::Fault;
pub use provider::{Line, Provider, Visit};
pub use sink::Sink;
pub use upstream::{REDIRECT, Received, Upstream};

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};
use tokio::task::JoinHandle;

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

pub(crate) fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Text> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// All services at once, on the ports that `envoy/envoy.yaml` and `envoy/README.md` name, or on free ones.
pub struct Services {
    /// Makes access tokens.
    pub identity_provider: Provider,
    /// Makes posture tokens.
    pub device_provider: Provider,
    /// Answers with what it was asked.
    pub upstream: Upstream,
}

impl Services {
    /// Starts all of them at these addresses; port 0 is a free one.
    ///
    /// # Errors
    /// A port is in use.
    pub async fn start(identity: SocketAddr, device: SocketAddr, upstream: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            identity_provider: identity_provider::start(identity, Line::Http)?,
            device_provider: device_provider::start(device, Line::Http)?,
            upstream: Upstream::start(upstream).await?,
        })
    }
}
