//! Peers that the configuration names: by the digest of a certificate, or by a SPIFFE ID.

use super::names::quoted;
use super::reader::{Node, Read};
use crate::config_error::ConfigCode;
use crate::profile::NamedPeers;
use crate::request::{PeerSource, certificate_digest};
use crate::spiffe::SpiffeId;

/// Reads a list of both.
pub(super) fn read(node: &Node<'_>) -> Read<NamedPeers> {
    let mut peers = NamedPeers::default();
    for peer in Node::distinct(node.some_elements()?, read_peer)? {
        match peer {
            Peer::Certificate(digest) => peers.certificates.push(digest),
            Peer::Workload(workload) => peers.workloads.push(workload),
        }
    }
    Ok(peers)
}

/// Reads a list of digests.
pub(super) fn read_certificates(node: &Node<'_>) -> Read<Vec<[u8; 32]>> {
    Node::distinct(node.some_elements()?, read_digest)
}

/// Reads a list of SPIFFE IDs.
pub(super) fn read_workloads(node: &Node<'_>) -> Read<Vec<SpiffeId>> {
    Node::distinct(node.some_elements()?, read_workload)
}

/// Checks that the connection proves what the peers are named by. `certificates` and `workloads` are where they are
/// written, as pointers from `node`.
pub(super) fn agree_on_peer(
    node: &Node<'_>,
    peers: &NamedPeers,
    source: PeerSource,
    (certificates, workloads): (&str, &str),
) -> Read<()> {
    let error = |inside: &str, message: &str, help: &str| {
        Err(node.report_inside(inside, ConfigCode::Contradiction, message, help))
    };
    if !peers.certificates.is_empty() && !source.has_certificates() {
        return error(
            certificates,
            "peers are named by their certificates, and `peer` reports no certificate",
            "write `peer: { from: tls }` if this listener terminates their TLS",
        );
    }
    if !peers.workloads.is_empty() && !source.believes_uris() {
        return error(
            workloads,
            "peers are named by their SPIFFE IDs, and `peer` says that the peer's URI is not believed",
            "write `peer: { from: tls, certificate: validated }` if the listener validates client certificates against a \
             trusted CA, or name the peers by the SHA-256 of their certificates",
        );
    }
    Ok(())
}

#[derive(PartialEq)]
enum Peer {
    Certificate([u8; 32]),
    Workload(SpiffeId),
}

fn read_peer(node: &Node<'_>) -> Read<Peer> {
    if node.some_text()?.contains(':') {
        read_workload(node).map(Peer::Workload)
    } else {
        read_digest(node).map(Peer::Certificate)
    }
}

fn read_digest(node: &Node<'_>) -> Read<[u8; 32]> {
    let text = node.some_text()?;
    match certificate_digest(text.as_bytes()) {
        Some(digest) => Ok(digest),
        None => node.error(
            ConfigCode::BadValue,
            format!("{} is not the SHA-256 of a certificate", quoted(text)),
            "write 64 hexadecimal digits without colons, as `openssl x509 -outform DER | sha256sum` prints them",
        ),
    }
}

fn read_workload(node: &Node<'_>) -> Read<SpiffeId> {
    let text = node.some_text()?;
    SpiffeId::parse(text).or_else(|fault| {
        node.error(
            ConfigCode::BadValue,
            format!("{} is not the SPIFFE ID of a workload: {fault}", quoted(text)),
            "write a whole SPIFFE ID, such as `spiffe://example.org/ns/edge/sa/gateway`, or 64 hexadecimal digits of a \
             certificate",
        )
    })
}
