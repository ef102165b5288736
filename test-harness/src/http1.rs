//! An HTTP/1.1 client that sends exactly the bytes it is told to, one connection a request.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

use crate::answer::Answer;

/// Longest wait for bytes of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// What a connection runs over: TCP, or TLS over it.
trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// A connection.
pub struct Connection {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Self::over_tcp(TcpStream::connect_timeout(&address, READ_TIMEOUT)?)
    }

    /// Connects as a client with this source address. On Linux this machine has all of 127.0.0.0/8.
    ///
    /// # Errors
    /// Nobody listens, or this machine does not have the address.
    pub fn open_from(source: Ipv4Addr, address: SocketAddr) -> io::Result<Self> {
        // The standard library cannot bind a socket before it connects.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from((source, 0)))?;
            socket.connect(address).await?.into_std()
        })?;
        stream.set_nonblocking(false)?;
        Self::over_tcp(stream)
    }

    fn over_tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// Over a stream that is connected; its timeouts are the caller's.
    #[must_use]
    pub fn over(stream: impl Read + Write + 'static) -> Self {
        Self { stream: Box::new(stream), received: Vec::new() }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The other end is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads one answer whole. For a HEAD request say that no body follows.
    ///
    /// # Errors
    /// The connection ended or was silent before the answer's end, or it is not HTTP.
    pub fn answer(&mut self, body_follows: bool) -> io::Result<Answer> {
        let head = self.take_until(b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| io::Error::other(format!("not a status line: `{status_line}`")))?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status, headers, ..Answer::default() };
        if status == 100 {
            return self.answer(body_follows);
        }
        if body_follows && status != 101 && status != 204 && status != 304 {
            answer.body = self.body(&answer)?;
        }
        Ok(answer)
    }

    fn body(&mut self, answer: &Answer) -> io::Result<Vec<u8>> {
        if answer.header("transfer-encoding") == Some("chunked") {
            let mut body = Vec::new();
            loop {
                let size = self.take_until(b"\r\n")?;
                let size = usize::from_str_radix(&String::from_utf8_lossy(&size), 16)
                    .map_err(|_| io::Error::other("not a chunk size"))?;
                let chunk = self.take(size)?;
                self.take_until(b"\r\n")?;
                if size == 0 {
                    return Ok(body);
                }
                body.extend_from_slice(&chunk);
            }
        }
        match answer.header("content-length").map(str::parse) {
            Some(Ok(length)) => self.take(length),
            Some(Err(_)) => Err(io::Error::other("not a content length")),
            None => self.rest(),
        }
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// They do not come.
    pub fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < count {
            self.receive()?;
        }
        Ok(self.received.drain(..count).collect())
    }

    /// Takes everything until the connection's end.
    ///
    /// # Errors
    /// The end does not come.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.receive() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(std::mem::take(&mut self.received));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn take_until(&mut self, mark: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.received.windows(mark.len()).position(|window| window == mark) {
                let taken: Vec<u8> = self.received.drain(..at + mark.len()).collect();
                return Ok(taken[..at].to_vec());
            }
            self.receive()?;
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.received.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

/// A request in bytes.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target.
    pub target: Vec<u8>,
    /// Header fields with their names as written.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; a `content-length` is sent where it is not empty.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without header fields.
    #[must_use]
    pub fn new(method: &str, target: &[u8]) -> Self {
        Self { method: method.to_owned(), target: target.to_vec(), headers: Vec::new(), body: Vec::new() }
    }

    /// With one more header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_vec()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// The bytes up to the body.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut bytes = format!("{} ", self.method).into_bytes();
        bytes.extend_from_slice(&self.target);
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if !self.body.is_empty() {
            bytes.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    /// Sends it and reads the answer.
    ///
    /// # Errors
    /// Nobody listens, or the answer does not come whole.
    pub fn send(&self, address: SocketAddr) -> io::Result<Answer> {
        let mut connection = Connection::open(address)?;
        connection.send(&self.head())?;
        // An early refusal may close the connection while the body is still on its way: the answer counts.
        let _sent = connection.send(&self.body);
        connection.answer(self.method != "HEAD")
    }
}
