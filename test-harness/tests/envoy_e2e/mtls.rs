//! Tokens that are bound to a client's certificate (RFC 8705 section 3), over TLS with certificates of a CA made for the run.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use test_harness::envoy::Envoy;
use test_harness::http1::Connection;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, HOST, Outcome, WORKERS, plugin_listener};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] =
    scenarios![a_token_that_is_bound_to_a_certificate_passes_with_that_certificate_alone];

/// A certificate and its key.
struct Leaf {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Leaf {
    fn new(authority: &CertifiedIssuer<'static, KeyPair>) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new([HOST.to_owned()]).expect("a name");
        // With the CA's own subject it would be taken for self-signed.
        parameters.distinguished_name.push(DnType::CommonName, HOST);
        let certificate = parameters.signed_by(&key, authority).expect("signed");
        Self { pem: certificate.pem(), certificate: certificate.der().clone(), key }
    }

    /// RFC 8705 section 3.1
    fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(hmac_sha256::Hash::hash(&self.certificate))
    }
}

/// Sends a request over TLS, with this certificate or none.
fn send(bench: &Bench, address: SocketAddr, roots: &RootCertStore, leaf: Option<&Leaf>, ask: &Ask) -> Outcome {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots.clone());
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

fn a_token_that_is_bound_to_a_certificate_passes_with_that_certificate_alone(bench: &Bench) {
    let folder = bench.folder.join("mtls");
    fs::create_dir_all(&folder).expect("a folder");
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key")).expect("a CA");
    let [server, own, other] = [(); 3].map(|()| Leaf::new(&authority));
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("a CA");

    let mut configuration = bench.example.plugin_configuration();
    configuration["peer"] = json!({ "from": "tls" });
    let mut listener = plugin_listener(bench, "main", &configuration);
    listener["filter_chains"][0]["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_certificates": [{
                    "certificate_chain": { "inline_string": server.pem },
                    "private_key": { "inline_string": server.key.serialize_pem() }
                }],
                "validation_context": { "trusted_ca": { "inline_string": authority.pem() } }
            }
        }
    });
    let mut bootstrap = bench.example.clone();
    bootstrap.remove_listeners();
    bootstrap.push_listener(listener);
    let envoy = Envoy::start(&bench.binary, &bootstrap, WORKERS, &folder).expect("envoy starts");
    let address = envoy.listener("main").expect("the listener is there");
    let send = |leaf: Option<&Leaf>, token: &Token| {
        let ask = Ask::get("/api/orders/7").token(token.sign()).posture(Token::about("laptop-1").sign());
        send(bench, address, &roots, leaf, &ask)
    };

    let bound = Token::of(ALICE).claim("cnf", json!({ "x5t#S256": own.thumbprint() }));
    assert_eq!(send(Some(&own), &bound).allowed().header("x-countersign-subject"), ["alice"]);
    send(Some(&other), &bound).refused(401, "token-binding");
    send(None, &bound).refused(401, "token-binding");
    let more = Token::of(ALICE).claim("cnf", json!({ "x5t#S256": own.thumbprint(), "jkt": own.thumbprint() }));
    send(Some(&own), &more).refused(401, "token-binding");
    // A token that is bound to nothing asks for no certificate.
    for leaf in [Some(&own), None] {
        send(leaf, &Token::of(ALICE)).allowed();
    }
}
