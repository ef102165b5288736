//! Certificates of a CA made for the run, others that anybody could make, and requests over TLS with them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use test_harness::http1::Connection;

use crate::bench::{Ask, Bench, HOST, Outcome};

/// A CA.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one, which nobody knows yet.
    pub fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key")).expect("a CA"))
    }

    /// Its certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate of the example's host, with this URI in it too.
    pub fn leaf(&self, uri: Option<&str>) -> Leaf {
        self.leaf_with(uri.as_slice())
    }

    /// The same with these URIs.
    pub fn leaf_with(&self, uris: &[&str]) -> Leaf {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new([HOST.to_owned()]).expect("a name");
        // With the CA's own subject it would be taken for self-signed.
        parameters.distinguished_name.push(DnType::CommonName, HOST);
        let uris = uris.iter().map(|uri| SanType::URI((*uri).try_into().expect("a URI")));
        parameters.subject_alt_names.extend(uris);
        let certificate = parameters.signed_by(&key, &self.0).expect("signed");
        Leaf { pem: certificate.pem(), certificate: certificate.der().clone(), key }
    }
}

/// A certificate and its key.
pub struct Leaf {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Leaf {
    /// RFC 8705 section 3.1
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(hmac_sha256::Hash::hash(&self.certificate))
    }
}

/// Ends TLS in front of a listener, with a certificate of the run's CA; `validation` is what clients' certificates are held against.
pub fn end_tls(bench: &Bench, listener: &mut Value, required: bool, validation: &Value) {
    let server = bench.authority.leaf(None);
    listener["filter_chains"][0]["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": required,
            "common_tls_context": {
                "tls_certificates": [{
                    "certificate_chain": { "inline_string": server.pem },
                    "private_key": { "inline_string": server.key.serialize_pem() }
                }],
                "validation_context": validation
            }
        }
    });
}

/// Sends a request over TLS, with this certificate or none.
pub fn send(bench: &Bench, address: SocketAddr, leaf: Option<&Leaf>, ask: &Ask) -> Outcome {
    Client::new(bench, leaf).send(bench, address, ask).expect("an answer").0
}

/// A client with this certificate or none, which resumes its sessions.
pub struct Client(Arc<ClientConfig>);

impl Client {
    pub fn new(bench: &Bench, leaf: Option<&Leaf>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(bench.authority.0.der().clone()).expect("a CA");
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match leaf {
            None => builder.with_no_client_auth(),
            Some(leaf) => {
                let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.serialize_der()));
                builder.with_client_auth_cert(vec![leaf.certificate.clone()], key).expect("a certificate")
            }
        };
        Self(Arc::new(config))
    }

    fn connect(&self, address: SocketAddr) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from(HOST).expect("a name");
        let mut session = ClientConnection::new(Arc::clone(&self.0), name).expect("a session");
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(session, stream))
    }

    /// Sends a request over HTTP/1.1; also whether the session was resumed.
    pub fn send(&self, bench: &Bench, address: SocketAddr, ask: &Ask) -> io::Result<(Outcome, bool)> {
        let stream = self.connect(address)?;
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
        let stream = self.connect(address).expect("a session");
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
