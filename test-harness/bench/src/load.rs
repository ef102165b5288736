//! The requests of a chain, and a client that sends them over a few connections that stay open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use test_harness::clock::Stopwatch;
use test_harness::http1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::tokens::{Pair, damaged};
use crate::work::{self, BROWSER_HEADERS, DEVICE_HEADER, HEALTH_PATH, HOST};

/// Connections of a chain, each with one request at a time.
pub const CONNECTIONS: usize = 8;

/// The credentials of a chain's requests, in rotation.
#[derive(Clone)]
pub enum Credentials {
    /// None, on the path that is open to all.
    None,
    /// The user's token alone.
    User(Arc<[Pair]>),
    /// The user's and the device's token.
    Both(Arc<[Pair]>),
}

/// The requests of a chain.
#[derive(Clone)]
pub struct Load {
    /// Their credentials.
    pub credentials: Credentials,
    /// Whether they have the other headers of a browser.
    pub browser: bool,
}

impl Load {
    /// Requests with these credentials.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, browser: false }
    }

    /// The same with the other headers of a browser.
    #[must_use]
    pub fn with_browser_headers(self) -> Self {
        Self { browser: true, ..self }
    }

    fn pair(&self, number: usize) -> Option<&Pair> {
        let (Credentials::User(pool) | Credentials::Both(pool)) = &self.credentials else { return None };
        pool.get(number.checked_rem(pool.len())?)
    }

    /// The request with this number.
    #[must_use]
    pub fn request(&self, number: usize) -> http1::Request {
        self.request_with(number, self.pair(number))
    }

    /// The request with this number and its tokens damaged one by one: each must be refused.
    #[must_use]
    pub fn damaged_requests(&self, number: usize) -> Vec<http1::Request> {
        let Some(pair) = self.pair(number) else { return Vec::new() };
        let mut pairs = vec![Pair { user: damaged(&pair.user), device: pair.device.clone() }];
        if matches!(self.credentials, Credentials::Both(_)) {
            pairs.push(Pair { user: pair.user.clone(), device: damaged(&pair.device) });
        }
        pairs.iter().map(|pair| self.request_with(number, Some(pair))).collect()
    }

    fn request_with(&self, number: usize, pair: Option<&Pair>) -> http1::Request {
        let path = if pair.is_some() { work::path(number) } else { HEALTH_PATH.to_owned() };
        let mut request = http1::Request::new("GET", path.as_bytes()).header("host", HOST.as_bytes());
        if let Some(pair) = pair {
            request = request.header("authorization", format!("Bearer {}", pair.user).as_bytes());
            if matches!(self.credentials, Credentials::Both(_)) {
                request = request.header(DEVICE_HEADER, pair.device.as_bytes());
            }
        }
        if self.browser {
            request =
                BROWSER_HEADERS.iter().fold(request, |request, (name, value)| request.header(name, value.as_bytes()));
        }
        request
    }
}

/// Answers to some requests.
#[derive(Debug, Default)]
pub struct Answers {
    /// The time from the first byte sent to the last byte received of each, in nanoseconds.
    pub latencies: Vec<u64>,
}

/// A client of one listener. It ends with an error at the first answer with another status than the expected one.
pub struct Client {
    load: Load,
    expected: u16,
    streams: Vec<TcpStream>,
    /// The number of the next request: it never begins anew, so that a pool of tokens is used in turn.
    next: usize,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(runtime: &Runtime, address: SocketAddr, load: Load, expected: u16) -> io::Result<Self> {
        let streams = runtime.block_on(async {
            let mut streams = Vec::new();
            for _ in 0..CONNECTIONS {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                streams.push(stream);
            }
            io::Result::Ok(streams)
        })?;
        Ok(Self { load, expected, streams, next: 0 })
    }

    /// Sends so many requests over all connections, each as soon as the answer before it has come.
    ///
    /// # Errors
    /// An answer has another status than the expected one, is not HTTP, or does not come.
    pub fn send(&mut self, runtime: &Runtime, count: usize) -> io::Result<Answers> {
        let end = self.next.saturating_add(count);
        let next = Arc::new(AtomicUsize::new(self.next));
        self.next = end;
        let (load, expected) = (Arc::new(self.load.clone()), self.expected);
        let mut connections = JoinSet::new();
        for stream in self.streams.drain(..) {
            let (next, load) = (Arc::clone(&next), Arc::clone(&load));
            connections.spawn_on(exchange(stream, next, end, load, expected), runtime.handle());
        }
        runtime.block_on(async {
            let mut answers = Answers::default();
            while let Some(ended) = connections.join_next().await {
                let (stream, latencies) = ended.map_err(io::Error::other)??;
                self.streams.push(stream);
                answers.latencies.extend(latencies);
            }
            Ok(answers)
        })
    }
}

async fn exchange(
    mut stream: TcpStream,
    next: Arc<AtomicUsize>,
    end: usize,
    load: Arc<Load>,
    expected: u16,
) -> io::Result<(TcpStream, Vec<u64>)> {
    let (mut latencies, mut received) = (Vec::new(), Vec::new());
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return Ok((stream, latencies));
        }
        let bytes = load.request(number).head();
        let sent = Stopwatch::start();
        stream.write_all(&bytes).await?;
        received.clear();
        let status = loop {
            if stream.read_buf(&mut received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = whole_answer(&received)? {
                break status;
            }
        };
        latencies.push(u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX));
        if status != expected {
            let answer = String::from_utf8_lossy(&received);
            return Err(io::Error::other(format!("{expected} was expected, and the answer is\n{answer}")));
        }
    }
}

/// The status, once the answer is there whole. Envoy writes `content-length` so, in all the answers asked for here.
fn whole_answer(received: &[u8]) -> io::Result<Option<u16>> {
    const LENGTH: &[u8] = b"\r\ncontent-length: ";
    let find = |mark: &[u8]| received.windows(mark.len()).position(|window| window == mark);
    let Some(head) = find(b"\r\n\r\n") else { return Ok(None) };
    let number = |from: usize| {
        let digits = received.get(from..)?.split(|byte| !byte.is_ascii_digit()).next()?;
        str::from_utf8(digits).ok()?.parse::<usize>().ok()
    };
    let status = number(b"HTTP/1.1 ".len()).and_then(|status| u16::try_from(status).ok());
    let length = find(LENGTH).filter(|at| *at < head).and_then(|at| number(at + LENGTH.len()));
    let (Some(status), Some(length)) = (status, length) else {
        return Err(io::Error::other(format!("not an answer with a length: {:?}", String::from_utf8_lossy(received))));
    };
    Ok((received.len() >= head + b"\r\n\r\n".len() + length).then_some(status))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Credentials, Load, whole_answer};
    use crate::tokens::Pair;

    #[test]
    fn an_answer_is_whole_with_the_last_byte_of_its_body() {
        let answer = b"HTTP/1.1 403 Forbidden\r\nserver: envoy\r\ncontent-length: 3\r\n\r\nno!";
        for received in 0..answer.len() {
            assert_eq!(whole_answer(&answer[..received]).expect("a beginning"), None, "{received}");
        }
        assert_eq!(whole_answer(answer).expect("the answer"), Some(403));
    }

    #[test]
    fn an_answer_without_a_length_is_an_error() {
        assert!(whole_answer(b"HTTP/1.1 200 OK\r\nserver: envoy\r\n\r\ncontent-length: 3").is_err());
        assert!(whole_answer(b"220 ready\r\ncontent-length: 3\r\n\r\n").is_err());
    }

    #[test]
    fn tokens_come_in_rotation_and_are_damaged_one_at_a_time() {
        let pair = |name: &str| Pair { user: format!("u.{name}.user"), device: format!("d.{name}.device") };
        let load = Load::new(Credentials::Both(Arc::from([pair("0"), pair("1")])));
        let header = |request: &test_harness::http1::Request, name: &str| {
            let found = request.headers.iter().find(|(header, _)| header == name).expect("the header");
            String::from_utf8(found.1.clone()).expect("UTF-8")
        };
        assert_eq!(header(&load.request(3), "authorization"), "Bearer u.1.user");
        assert_eq!(header(&load.request(4), "x-device-posture"), "d.0.device");
        let damaged: Vec<(String, String)> = load
            .damaged_requests(0)
            .iter()
            .map(|request| (header(request, "authorization"), header(request, "x-device-posture")))
            .collect();
        assert_eq!(
            damaged,
            [
                ("Bearer u.0.usAr".to_owned(), "d.0.device".to_owned()),
                ("Bearer u.0.user".to_owned(), "d.0.devAce".to_owned())
            ]
        );
    }
}
