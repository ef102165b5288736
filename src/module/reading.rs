//! Everything that the host knows of a request, read once, as far as the worker wants it.

use crate::host::Host;
use countersign_core::request::{AddressSource, Peer, PeerSource, RequestParts, client_address};
use countersign_core::worker::{HostFault, Wanted};

/// Reads the request of the current stream.
///
/// Without its header fields nothing can be decided. A property that cannot be read is an absent fact.
pub(crate) fn read(host: &impl Host, wanted: Wanted) -> Result<RequestParts, HostFault> {
    let headers = host.request_headers()?;
    Ok(match wanted {
        Wanted::Headers => RequestParts { headers, ..RequestParts::default() },
        Wanted::All { destination_port: is_wanted, client_address, peer } => RequestParts {
            headers,
            source_address: source_address(host, client_address),
            destination_port: if is_wanted { destination_port(host) } else { None },
            peer: peer_of(host, peer),
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

fn peer_of(host: &impl Host, source: PeerSource) -> Peer {
    match source {
        PeerSource::None => Peer::default(),
        PeerSource::Tls => {
            // On a plaintext connection, or without a client certificate, this is one zero byte.
            if host.property(&["connection", "mtls"]).as_deref() != Some(&[1]) {
                return Peer::default();
            }
            let digest = host.property(&["connection", "sha256_peer_certificate_digest"]);
            let uri = host.property(&["connection", "uri_san_peer_certificate"]);
            Peer::from_certificate(digest.as_deref(), uri.as_deref())
        }
        PeerSource::IstioWaypoint => {
            Peer::from_mesh_principal(host.property(&["filter_state", "io.istio.peer_principal"]).as_deref())
        }
    }
}
