//! An HTTP/2 client without TLS (prior knowledge, RFC 9113 section 3.3), with trailers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::http1;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a request, its body and then trailers, and reads the answer whole.
///
/// # Errors
/// Nobody listens, the request cannot be written in HTTP/2, or the stream ends early.
pub async fn send(address: SocketAddr, request: &http1::Request, trailers: &[(&str, &str)]) -> io::Result<Answer> {
    match tokio::time::timeout(TIMEOUT, exchange(address, request, trailers)).await {
        Ok(answer) => answer,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn exchange(address: SocketAddr, request: &http1::Request, trailers: &[(&str, &str)]) -> io::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(written(request, trailers)?).await.map_err(io::Error::other)?;
    let (parts, mut body) = response.into_parts();
    let mut answer = Answer { status: parts.status.as_u16(), headers: fields(&parts.headers), ..Answer::default() };
    while let Some(frame) = body.frame().await {
        match frame.map_err(io::Error::other)?.into_data() {
            Ok(data) => answer.body.extend_from_slice(&data),
            Err(frame) => answer.trailers = frame.into_trailers().map(|map| fields(&map)).unwrap_or_default(),
        }
    }
    driver.abort();
    Ok(answer)
}

/// A body that is sent frame by frame.
struct Frames(VecDeque<Frame<Bytes>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

fn written(request: &http1::Request, trailers: &[(&str, &str)]) -> io::Result<Request<Frames>> {
    let authority = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let authority = authority.map(|(_, value)| value.as_slice()).unwrap_or_default();
    let uri = Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query(request.target.as_slice())
        .build()
        .map_err(io::Error::other)?;
    let mut frames = VecDeque::new();
    if !request.body.is_empty() {
        frames.push_back(Frame::data(Bytes::from(request.body.clone())));
    }
    if !trailers.is_empty() {
        let mut map = HeaderMap::new();
        for (name, value) in trailers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?,
                HeaderValue::from_str(value).map_err(io::Error::other)?,
            );
        }
        frames.push_back(Frame::trailers(map));
    }
    let method = Method::from_bytes(request.method.as_bytes()).map_err(io::Error::other)?;
    let mut built = Request::new(Frames(frames));
    *built.method_mut() = method;
    *built.uri_mut() = uri;
    for (name, value) in request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
        built.headers_mut().append(
            HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?,
            HeaderValue::from_bytes(value).map_err(io::Error::other)?,
        );
    }
    Ok(built)
}

fn fields(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
