//! The service that `ext_authz` asks, over HTTP/1.1 and over gRPC on one port.
//!
//! It permits a request that has both of the expected tokens, byte by byte, and verifies nothing: its own time is not
//! Envoy's and is not measured.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

use crate::tokens::Pair;
use crate::work::DEVICE_HEADER;

/// `envoy.service.auth.v3.CheckResponse` with the status 0, behind the prefix of a gRPC message.
const PERMITTED: &[u8] = &[0, 0, 0, 0, 2, 0x0a, 0x00];
/// The same with the status 7, permission denied: Envoy answers 403.
const DENIED: &[u8] = &[0, 0, 0, 0, 4, 0x0a, 0x02, 0x08, 0x07];

type Body = BoxBody<Bytes, Infallible>;

/// Starts it on a free port of 127.0.0.1. It ends with the runtime that this is called in.
///
/// # Errors
/// There is no free port.
pub async fn start(expected: Pair) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    let expected = Arc::new(expected);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let expected = Arc::clone(&expected);
            tokio::spawn(async move {
                // Small frames must not wait for the acknowledgement of those before them.
                let _set = stream.set_nodelay(true);
                let service = service_fn(move |request| answer(request, Arc::clone(&expected)));
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ended = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}

async fn answer(request: Request<Incoming>, expected: Arc<Pair>) -> Result<Response<Body>, Infallible> {
    if request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
        return Ok(grpc(request.into_body(), &expected).await);
    }
    let has = |name: &str, value: &str| request.headers().get(name).is_some_and(|found| found == value);
    let permitted = has("authorization", &format!("Bearer {}", expected.user)) && has(DEVICE_HEADER, &expected.device);
    let mut response = Response::new(Full::default().boxed());
    *response.status_mut() = if permitted { StatusCode::OK } else { StatusCode::FORBIDDEN };
    Ok(response)
}

/// The request is a `CheckRequest`. Its map of headers has each value as it came, in one piece.
async fn grpc(body: Incoming, expected: &Pair) -> Response<Body> {
    let message = body.collect().await.map(|collected| collected.to_bytes()).unwrap_or_default();
    let has = |value: &str| message.windows(value.len()).any(|window| window == value.as_bytes());
    let permitted = has(&format!("Bearer {}", expected.user)) && has(&expected.device);
    let message = Bytes::from_static(if permitted { PERMITTED } else { DENIED });
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let body = Full::new(message).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(body.boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}
