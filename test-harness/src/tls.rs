//! Certificates of a CA made for the run, others that anybody could make, and connections over TLS with them.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::tokens::{HOST, base64url};

/// What rustls and rcgen reject, as an error of the run.
fn broken(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

/// A CA.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one, which nobody knows yet.
    ///
    /// # Errors
    /// There is no new key.
    pub fn new() -> io::Result<Self> {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(broken)?;
        CertifiedIssuer::self_signed(parameters, key).map(Self).map_err(broken)
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate of the example's host, with these URIs in it too.
    ///
    /// # Errors
    /// A URI is not ASCII, or there is no new key.
    pub fn leaf(&self, uris: &[&str]) -> io::Result<Leaf> {
        let key = KeyPair::generate().map_err(broken)?;
        let mut parameters = CertificateParams::new([HOST.to_owned()]).map_err(broken)?;
        // With the CA's own subject it would be taken for self-signed.
        parameters.distinguished_name.push(DnType::CommonName, HOST);
        for uri in uris {
            parameters.subject_alt_names.push(SanType::URI((*uri).try_into().map_err(broken)?));
        }
        let certificate = parameters.signed_by(&key, &self.0).map_err(broken)?;
        Ok(Leaf { pem: certificate.pem(), certificate: certificate.der().clone(), key })
    }

    /// A certificate of a device of this organization, with this common name, this serial number and these URIs.
    ///
    /// # Errors
    /// As [`Authority::leaf`].
    pub fn device(&self, [organization, name, serial]: [&str; 3], uris: &[&str]) -> io::Result<Leaf> {
        let key = KeyPair::generate().map_err(broken)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        let serial_number = DnType::CustomDnType(vec![2, 5, 4, 5]);
        for (of, text) in
            [(DnType::OrganizationName, organization), (DnType::CommonName, name), (serial_number, serial)]
        {
            if !text.is_empty() {
                parameters.distinguished_name.push(of, text);
            }
        }
        for uri in uris {
            parameters.subject_alt_names.push(SanType::URI((*uri).try_into().map_err(broken)?));
        }
        let certificate = parameters.signed_by(&key, &self.0).map_err(broken)?;
        Ok(Leaf { pem: certificate.pem(), certificate: certificate.der().clone(), key })
    }

    /// What a listener needs to end TLS with a certificate of this CA; `validation` is what clients' certificates are held against.
    ///
    /// # Errors
    /// As [`Authority::leaf`].
    pub fn downstream(&self, required: bool, validation: &Value) -> io::Result<Value> {
        let server = self.leaf(&[])?;
        Ok(json!({
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
        }))
    }
}

/// A certificate and its key.
pub struct Leaf {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Leaf {
    /// The certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// SHA-256 of the certificate in hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        hmac_sha256::Hash::hash(&self.certificate).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 8705 section 3.1
    #[must_use]
    pub fn thumbprint(&self) -> String {
        base64url(hmac_sha256::Hash::hash(&self.certificate))
    }
}

/// A client with a certificate or none, which resumes its sessions.
pub struct Client(Arc<ClientConfig>);

impl Client {
    /// One that trusts this CA, with this certificate or none.
    ///
    /// # Errors
    /// The certificate cannot be used.
    pub fn new(authority: &Authority, leaf: Option<&Leaf>) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).map_err(broken)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .with_root_certificates(roots);
        let config = match leaf {
            None => builder.with_no_client_auth(),
            Some(leaf) => {
                let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.serialize_der()));
                builder.with_client_auth_cert(vec![leaf.certificate.clone()], key).map_err(broken)?
            }
        };
        Ok(Self(Arc::new(config)))
    }

    /// Opens a connection to the example's host, which is at this address.
    ///
    /// # Errors
    /// Nobody listens, or the server rejects the certificate.
    pub fn connect(&self, address: SocketAddr) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from(HOST).map_err(broken)?;
        let mut session = ClientConnection::new(Arc::clone(&self.0), name).map_err(broken)?;
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(session, stream))
    }
}
