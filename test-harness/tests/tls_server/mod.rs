//! An HTTPS server of the run's own, with a certificate of an authority of the run's own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Who signs certificates.
pub type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority of the run's own.
pub fn authority() -> Authority {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key")).expect("an authority")
}

/// Answers each connection once, over TLS with a certificate for this name: with the JSON for the path, which may depend on the
/// server's own address, or with 404.
pub fn serve(
    authority: &Authority,
    name: &str,
    json: impl Fn(SocketAddr, &str) -> Option<String> + Send + 'static,
) -> SocketAddr {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::new([name.to_owned()]).expect("a name");
    // With the authority's own subject it would be taken for self-signed.
    parameters.distinguished_name.push(DnType::CommonName, name);
    let certificate = parameters.signed_by(&key, authority).expect("signed").der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate");
    let config = Arc::new(config);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let session = ServerConnection::new(Arc::clone(&config)).expect("a session");
            let mut stream = StreamOwned::new(session, stream);
            let mut request = [0; 4096];
            // A client that does not take the certificate is gone.
            let Ok(bytes @ 1..) = stream.read(&mut request) else { continue };
            let request = String::from_utf8_lossy(&request[..bytes]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let (status, body) = json(address, path).map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    address
}
