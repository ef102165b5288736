//! Posture without a token of its own: what a certificate says, and what a trusted peer says in headers.

use super::{FactField, FactType};
use crate::jose::ClaimPath;
use crate::provider::ProviderName;
use crate::request::{Peer, SubjectAttribute};
use crate::spiffe::SpiffeId;

/// Certificates that describe devices.
#[derive(Clone, Debug)]
pub struct CertificateRule {
    /// The provider's name in the configuration.
    pub name: ProviderName,
    /// Whose certificate it is.
    pub from: CertificateFrom,
    /// Attributes of the subject that must have one of some values.
    pub pins: Vec<SubjectPin>,
    /// The facts, sorted by name. Each is read from the claim of its own name.
    pub facts: Vec<FactField>,
    /// Which name of the certificate each fact is, in the order of `facts`.
    pub names: Vec<CertificateName>,
}

impl CertificateRule {
    /// Whether it goes by certificates that others forward.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        self.from != CertificateFrom::Connection
    }
}

/// Whose certificate describes the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateFrom {
    /// The client of the connection's, which the proxy has validated.
    Connection,
    /// The one that one of these peers forwards in `x-forwarded-client-cert`.
    Forwarded(NamedPeers),
}

/// An attribute of the subject that must have one of some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectPin {
    /// The attribute.
    pub attribute: SubjectAttribute,
    /// The values. Never empty.
    pub values: Vec<String>,
}

/// Which name of a certificate a fact is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateName {
    /// This attribute of the subject.
    Subject(SubjectAttribute),
    /// What follows this beginning in a URI.
    UriAfter(String),
    /// What precedes this ending in a DNS name.
    DnsBefore(String),
    /// The permanent identifier (RFC 4043).
    PermanentIdentifier,
}

/// A peer that is trusted to describe devices in plain headers.
#[derive(Clone, Debug)]
pub struct TrustedPeerRule {
    /// The provider's name in the configuration.
    pub name: ProviderName,
    /// The peers.
    pub peers: NamedPeers,
    /// The facts, sorted by name. Each is read from the claim of its own name.
    pub facts: Vec<FactField>,
    /// The header that carries each fact, in lower case, in the order of `facts`.
    pub headers: Vec<String>,
}

/// Peers by what their connections prove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedPeers {
    /// SHA-256 of their certificates.
    pub certificates: Vec<[u8; 32]>,
    /// Their SPIFFE IDs.
    pub workloads: Vec<SpiffeId>,
}

impl NamedPeers {
    /// Whether this is one of them.
    #[must_use]
    pub fn has(&self, peer: &Peer) -> bool {
        let certificate = peer.certificate_sha256;
        let uri = peer.uri.as_deref().ok();
        certificate.is_some_and(|digest| self.certificates.contains(&digest))
            || uri.is_some_and(|uri| self.workloads.iter().any(|workload| workload.as_str() == uri))
    }
}

impl FactField {
    /// A fact that is read from the claim of its own name.
    #[must_use]
    pub fn of_own_claim(name: &str, required: bool, fact_type: FactType) -> Self {
        Self { name: name.to_owned(), claim: ClaimPath::of(name), required, fact_type }
    }
}
