//! What a provider answers: an HTTP response, and how it comes.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

/// How long a body that is too short is kept open: an error makes hyper drop what it has not yet written.
const LINGER: Duration = Duration::from_millis(50);

/// A response before it is sent. Faults change it.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Bytes that `content-length` promises and that never come.
    pub(crate) missing_bytes: usize,
    /// The time before its first byte.
    pub(crate) delay: Duration,
    /// The time between two bytes of the body; all come at once if there is none.
    pub(crate) byte_interval: Option<Duration>,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status, headers, body: body.into_bytes(), missing_bytes: 0, delay: Duration::ZERO, byte_interval: None }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "text/plain", "not found\n".to_owned())
    }

    /// Waits as long as it is to take, and gives the response, whose body comes by itself.
    pub(crate) async fn send(self) -> Response<Channel<Bytes>> {
        tokio::time::sleep(self.delay).await;
        // A body of unknown length: hyper believes the header, and ends the connection where too little comes.
        let (sender, body) = Channel::new(1);
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if self.status != StatusCode::NO_CONTENT {
            response.headers_mut().insert(CONTENT_LENGTH, (self.body.len() + self.missing_bytes).into());
        }
        let linger = if self.missing_bytes == 0 { Duration::ZERO } else { LINGER };
        tokio::spawn(pour(Bytes::from(self.body), self.byte_interval, linger, sender));
        response
    }
}

/// Ends early where the connection does.
async fn pour(body: Bytes, byte_interval: Option<Duration>, linger: Duration, mut sender: Sender<Bytes>) {
    let Some(interval) = byte_interval else {
        let _gone = sender.send_data(body).await;
        tokio::time::sleep(linger).await;
        return;
    };
    for at in 0..body.len() {
        if sender.send_data(body.slice(at..=at)).await.is_err() {
            return;
        }
        tokio::time::sleep(interval).await;
    }
}
