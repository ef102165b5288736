//! Requests over TLS, with certificates of the run's CA and with others that anybody could make.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustls::{ClientConnection, HandshakeKind, StreamOwned};
use serde_json::Value;
use test_harness::http1::Connection;
use test_harness::tls::{self, Authority, Leaf};

use crate::bench::{Ask, Bench, Outcome};

/// A new CA, which nobody knows yet.
pub fn authority() -> Authority {
    Authority::new().expect("a CA")
}

/// A certificate of the example's host by this CA, with these URIs in it too.
pub fn leaf(authority: &Authority, uris: &[&str]) -> Leaf {
    authority.leaf(uris).expect("a certificate")
}

/// Ends TLS in front of a listener, with a certificate of the run's CA; `validation` is what clients' certificates are held against.
pub fn end_tls(bench: &Bench, listener: &mut Value, required: bool, validation: &Value) {
    let socket = bench.authority.downstream(required, validation).expect("a certificate");
    listener["filter_chains"][0]["transport_socket"] = socket;
}

/// Sends a request over TLS, with this certificate or none.
pub fn send(bench: &Bench, address: SocketAddr, leaf: Option<&Leaf>, ask: &Ask) -> Outcome {
    Client::new(bench, leaf).send(bench, address, ask).expect("an answer").0
}

/// A client with this certificate or none, which resumes its sessions.
pub struct Client(tls::Client);

impl Client {
    pub fn new(bench: &Bench, leaf: Option<&Leaf>) -> Self {
        Self(tls::Client::new(&bench.authority, leaf).expect("a client"))
    }

    /// Sends a request over HTTP/1.1; also whether the session was resumed.
    pub fn send(&self, bench: &Bench, address: SocketAddr, ask: &Ask) -> io::Result<(Outcome, bool)> {
        let stream = self.0.connect(address)?;
        let resumed = stream.conn.handshake_kind() == Some(HandshakeKind::Resumed);
        let mut connection = Connection::over(stream);
        let (request, test_id) = bench.prepare(ask);
        connection.send(&request.head())?;
        Ok((bench.outcome(connection.answer(true)?, &test_id, ask), resumed))
    }

    /// Sends a request over HTTP/2, through a socket whose bytes a thread carries over TLS.
    pub fn send_over_http2(&self, bench: &Bench, address: SocketAddr, ask: &Ask) -> Outcome {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let plain = listener.local_addr().expect("an address");
        let stream = self.0.connect(address).expect("a session");
        let carrying = std::thread::spawn(move || carry(&listener, stream));
        let outcome = bench.ask_at(plain, &ask.clone().http2(&[]));
        carrying.join().expect("the thread ends").expect("a client");
        outcome
    }
}

/// Carries bytes in both directions until either side ends.
fn carry(listener: &TcpListener, mut tls: StreamOwned<ClientConnection, TcpStream>) -> io::Result<()> {
    let (mut plain, _) = listener.accept()?;
    plain.set_nonblocking(true)?;
    tls.sock.set_nonblocking(true)?;
    let mut buffer = [0; 16 * 1024];
    loop {
        let out = forward(&mut plain, &mut tls, &mut buffer);
        let back = forward(&mut tls, &mut plain, &mut buffer);
        match (out, back) {
            (None, _) | (_, None) => return Ok(()),
            (Some(0), Some(0)) => std::thread::sleep(Duration::from_millis(1)),
            (Some(_), Some(_)) => {}
        }
    }
}

/// How many bytes were there to forward; `None` when the source has ended.
fn forward(from: &mut impl Read, to: &mut impl Write, buffer: &mut [u8]) -> Option<usize> {
    match from.read(buffer) {
        Ok(0) => None,
        Ok(count) => to.write_all(&buffer[..count]).and_then(|()| to.flush()).is_ok().then_some(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(0),
        Err(_) => None,
    }
}
