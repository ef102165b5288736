//! Requests as lines of JSON.

use countersign_core::config::Plan;
use countersign_core::jose::json;
use countersign_core::request::{Certificate, CertificateNames, Peer, PeerSource, RequestParts, client_address};
use ct_codecs::{Base64, Decoder as _};
use serde_json::Value;

/// How deep a request line may nest.
const MAX_LINE_DEPTH: usize = 8;

/// Why a line is not a request.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line is not strict JSON.
    #[error("not JSON at column {column}: {what}")]
    NotJson {
        /// The column of the fault.
        column: usize,
        /// What the parser found.
        what: String,
    },
    /// The line is another JSON value.
    #[error("the line is not a JSON object")]
    NotAnObject,
    /// A required member is missing.
    #[error("the member `{0}` is missing")]
    Missing(&'static str),
    /// A member has the wrong type or value.
    #[error("the member `{name}` must be {wanted}")]
    WrongType {
        /// The member.
        name: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A request has no such member.
    #[error("a request has no member `{0}`")]
    Unknown(String),
}

/// A request as it is written in the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLine {
    /// Its name in the output.
    pub id: String,
    pseudo_headers: Vec<(String, Vec<u8>)>,
    headers: Vec<(String, Vec<u8>)>,
    source_address: Option<String>,
    peer_certificate_sha256: Option<[u8; 32]>,
    peer_certificate: Option<PeerCertificate>,
    peer_uri: Option<String>,
    destination_port: Option<u16>,
}

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PeerCertificate {
    sha256: [u8; 32],
    certificate: Certificate,
}

impl PeerCertificate {
    fn of_pem(pem: &str) -> Option<Self> {
        let sha256 = Certificate::digest_of_pem(pem.as_bytes())?;
        Some(Self { sha256, certificate: Certificate::of_pem(pem.as_bytes()) })
    }
}

impl RequestLine {
    /// Parses one line.
    ///
    /// # Errors
    /// The line is not a JSON object, or one of its members is missing, unknown or of the wrong type.
    pub fn parse(line: &[u8]) -> Result<Self, LineError> {
        let value = json::parse(line.trim_ascii(), MAX_LINE_DEPTH)
            .map_err(|fault| LineError::NotJson { column: fault.column, what: fault.what })?;
        let Value::Object(members) = value else { return Err(LineError::NotAnObject) };
        let mut request = Self::default();
        for required in ["id", "method"] {
            if !members.contains_key(required) {
                return Err(LineError::Missing(required));
            }
        }
        for (name, value) in &members {
            let wrong = |wanted| LineError::WrongType { name: name.clone(), wanted };
            match name.as_str() {
                "id" => request.id = value.as_str().ok_or_else(|| wrong("a string"))?.to_owned(),
                "method" | "path" | "authority" => {
                    let bytes = bytes(value).ok_or_else(|| wrong("a string, or {\"base64\": string}"))?;
                    request.pseudo_headers.push((format!(":{name}"), bytes));
                }
                "headers" => {
                    let fields = value.as_array().and_then(|fields| fields.iter().map(field).collect());
                    request.headers =
                        fields.ok_or_else(|| wrong("a list of [name, value] without names that begin with a colon"))?;
                }
                "source_address" => {
                    request.source_address = Some(value.as_str().ok_or_else(|| wrong("a string"))?.to_owned());
                }
                "peer_certificate_sha256" => {
                    let digest = value.as_str().and_then(digest).ok_or_else(|| wrong("64 hexadecimal digits"))?;
                    request.peer_certificate_sha256 = Some(digest);
                }
                "peer_certificate" => {
                    let certificate = value.as_str().and_then(PeerCertificate::of_pem);
                    request.peer_certificate = Some(certificate.ok_or_else(|| wrong("one certificate in PEM"))?);
                }
                "peer_uri" => request.peer_uri = Some(value.as_str().ok_or_else(|| wrong("a string"))?.to_owned()),
                "destination_port" => {
                    let port = value.as_u64().and_then(|port| u16::try_from(port).ok());
                    request.destination_port = Some(port.ok_or_else(|| wrong("a port, 0 to 65535"))?);
                }
                _ => return Err(LineError::Unknown(name.clone())),
            }
        }
        Ok(request)
    }

    /// The parts that Envoy would give the plugin, which asks only for those that the configuration names a source for.
    pub fn parts(&self, plan: &Plan) -> RequestParts {
        let source_address = plan
            .client_address
            .trusts_forwarded_for()
            .and_then(|trust| client_address(self.source_address.as_deref()?, trust));
        RequestParts {
            headers: self.pseudo_headers.iter().chain(&self.headers).map(|(name, value)| (name, value)).collect(),
            source_address,
            destination_port: self.destination_port,
            peer: self.peer(plan.peer, plan.reads_certificate_names()),
        }
    }

    fn peer(&self, source: PeerSource, reads_names: bool) -> Peer {
        let read = self.peer_certificate.as_ref().filter(|_| source == PeerSource::ValidatedCertificate);
        if let Some(PeerCertificate { sha256, certificate }) = read {
            let names = certificate.names.as_deref().ok();
            let uri = names.and_then(CertificateNames::first_uri).map(str::as_bytes);
            let peer = Peer::of_validated_certificate(*sha256, uri, Some(certificate.uris));
            return if reads_names { peer.with_names(certificate.names.clone()) } else { peer };
        }
        let uri = self.peer_uri.as_deref().map(str::as_bytes);
        let of_certificate = self.peer_certificate.as_ref().map(|certificate| certificate.sha256);
        match (source, self.peer_certificate_sha256.or(of_certificate)) {
            (PeerSource::None, _) => Peer::default(),
            (PeerSource::AnyCertificate, Some(digest)) => Peer::of_any_certificate(digest),
            (PeerSource::ValidatedCertificate, Some(digest)) => Peer::of_validated_certificate(digest, uri, None),
            // The URI of a certificate whose digest does not matter to the request.
            (PeerSource::ValidatedCertificate, None) if uri.is_some() => Peer::of_mesh_principal(uri),
            (PeerSource::AnyCertificate | PeerSource::ValidatedCertificate, None) => Peer::without_certificate(),
            (PeerSource::IstioWaypoint, _) => Peer::of_mesh_principal(uri),
        }
    }
}

/// A header field; Envoy gives names in lower case.
fn field(value: &Value) -> Option<(String, Vec<u8>)> {
    let [name, value] = value.as_array()?.as_slice() else { return None };
    let name = name.as_str().filter(|name| !name.is_empty() && !name.starts_with(':'))?;
    Some((name.to_ascii_lowercase(), bytes(value)?))
}

/// The bytes of a string, or of `{"base64": string}`.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(members) if members.len() == 1 => {
            Base64::decode_to_vec(members.get("base64")?.as_str()?, None).ok()
        }
        _ => None,
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}

#[cfg(test)]
mod tests;
