//! Everything that the host knows of a request, read once, as far as the worker wants it.

use std::rc::Rc;

use crate::host::Host;
use countersign_core::request::{
    AddressSource, CertificateMemory, CertificateNames, NoNames, Peer, PeerSource, RequestParts, certificate_digest,
    client_address,
};
use countersign_core::worker::{HostFault, Wanted};

/// Reads the request of the current stream.
///
/// Without its header fields nothing can be decided. A property that cannot be read is an absent fact. What was read of
/// client certificates before is in `certificates`.
pub(crate) fn read(
    host: &impl Host,
    wanted: Wanted,
    certificates: &mut CertificateMemory,
) -> Result<RequestParts, HostFault> {
    let headers = host.request_headers()?;
    Ok(match wanted {
        Wanted::Headers => RequestParts { headers, ..RequestParts::default() },
        Wanted::All { destination_port: is_wanted, client_address, peer, certificate_names } => RequestParts {
            headers,
            source_address: source_address(host, client_address),
            destination_port: if is_wanted { destination_port(host) } else { None },
            peer: peer_of(host, peer, certificate_names, certificates),
        },
    })
}

fn source_address(host: &impl Host, source: AddressSource) -> Option<String> {
    let trusts_forwarded_for = source.trusts_forwarded_for()?;
    let address = host.property(&["source", "address"])?;
    client_address(core::str::from_utf8(&address).ok()?, trusts_forwarded_for)
}

/// Envoy gives a number as eight bytes, the lowest first.
fn destination_port(host: &impl Host) -> Option<u16> {
    let bytes: [u8; 8] = host.property(&["destination", "port"])?.try_into().ok()?;
    u16::try_from(u64::from_le_bytes(bytes)).ok()
}

fn peer_of(host: &impl Host, source: PeerSource, reads_names: bool, certificates: &mut CertificateMemory) -> Peer {
    match source {
        PeerSource::None => Peer::default(),
        PeerSource::AnyCertificate => {
            certificate_of(host).map_or_else(Peer::without_certificate, Peer::of_any_certificate)
        }
        PeerSource::ValidatedCertificate => {
            let Some(digest) = certificate_of(host) else { return Peer::without_certificate() };
            let uri = host.property(&["connection", "uri_san_peer_certificate"]);
            // That is the first of its URIs. Envoy 1.38 and later also give the certificate, which has all its names.
            let pem = || host.property(&["connection", "peer_certificate"]);
            let is_read = reads_names || uri.is_some();
            let certificate = if is_read { certificates.certificate(digest, reads_names, pem) } else { None };
            let count = certificate.as_ref().map(|certificate| certificate.uris);
            let names = match certificate {
                Some(certificate) => certificate.names,
                None if reads_names => names_told_by(host, uri.as_deref()).map(Rc::new),
                None => Err(NoNames::NotRead),
            };
            Peer::of_validated_certificate(digest, uri.as_deref(), count).with_names(names)
        }
        PeerSource::IstioWaypoint => {
            Peer::of_mesh_principal(host.property(&["filter_state", "io.istio.peer_principal"]).as_deref())
        }
    }
}

/// The names that hosts tell that do not give the certificate: its subject, and the first of its URIs and DNS names.
fn names_told_by(host: &impl Host, uri: Option<&[u8]>) -> Result<CertificateNames, NoNames> {
    let subject = host.property(&["connection", "subject_peer_certificate"]).ok_or(NoNames::Unreadable)?;
    let dns = host.property(&["connection", "dns_san_peer_certificate"]);
    CertificateNames::of_host(&subject, uri, dns.as_deref())
}

/// The digest of the client certificate, if the client sent one.
fn certificate_of(host: &impl Host) -> Option<[u8; 32]> {
    // On a plaintext connection, or without a client certificate, this is one zero byte.
    host.property(&["connection", "mtls"]).filter(|sent| *sent == [1])?;
    certificate_digest(&host.property(&["connection", "sha256_peer_certificate_digest"])?)
}
