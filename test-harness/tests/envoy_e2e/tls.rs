//! Certificates of a CA made for the run, others that anybody could make, and requests over TLS with them.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
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
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new([HOST.to_owned()]).expect("a name");
        // With the CA's own subject it would be taken for self-signed.
        parameters.distinguished_name.push(DnType::CommonName, HOST);
        parameters.subject_alt_names.extend(uri.map(|uri| SanType::URI(uri.try_into().expect("a URI"))));
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
    let name = ServerName::try_from(HOST).expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let stream = TcpStream::connect(address).expect("a connection");
    let mut connection = Connection::over(StreamOwned::new(session, stream));
    let (request, test_id) = bench.prepare(ask);
    connection.send(&request.head()).expect("sent");
    let answer = connection.answer(true).expect("an answer");
    bench.outcome(answer, &test_id, ask)
}
