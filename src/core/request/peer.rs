//! What the host vouches for about the other end of the connection.
//!
//! The bytes come from the host's properties, never from header fields: a client can write `x-forwarded-client-cert`
//! and `x-forwarded-for` itself unless the listener prevents it. A value that is not in the expected form counts as
//! unknown, and policies see an unknown value as an absent fact.

use core::net::{IpAddr, SocketAddr};

/// Facts about the peer; empty if the configuration names no source for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// SHA-256 of the client certificate's DER, 32 bytes (`connection.sha256_peer_certificate_digest`).
    pub certificate_sha256: Option<[u8; 32]>,
    /// The first URI SAN (`peer.from: tls`) or the mesh principal (`peer.from: istio-waypoint`), such as
    /// `spiffe://td/ns/n/sa/s`.
    pub uri: Option<String>,
}

impl Peer {
    /// From the host's values for the client certificate: the digest as 64 hex digits, and the first URI SAN.
    ///
    /// Without a digest there is no certificate, and the SAN is ignored.
    #[must_use]
    pub fn from_certificate(digest_hex: Option<&[u8]>, uri_san: Option<&[u8]>) -> Self {
        let certificate_sha256 = digest_hex.and_then(sha256_from_hex);
        let uri = if certificate_sha256.is_some() { uri_san.and_then(uri_from_bytes) } else { None };
        Self { certificate_sha256, uri }
    }

    /// From the principal that the mesh's data plane verified.
    #[must_use]
    pub fn from_mesh_principal(principal: Option<&[u8]>) -> Self {
        Self { certificate_sha256: None, uri: principal.and_then(uri_from_bytes) }
    }
}

/// 32 bytes out of exactly 64 hex digits.
fn sha256_from_hex(digits: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(digits, &mut digest).ok()?;
    Some(digest)
}

/// A URI. Bytes outside printable ASCII, such as NUL and space, are not valid in a URI (RFC 3986 section 2):
/// certificates with a NUL in a name have deceived comparisons before.
fn uri_from_bytes(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    String::from_utf8(bytes.to_vec()).ok()
}

/// The host's `source.address`, if it may be used.
///
/// Envoy writes port 0 if it read the address from `X-Forwarded-For` instead of the connection. Without
/// `use_remote_address` the client chooses that value, so it is used only if `trust_forwarded_for` says that the
/// listener's configuration of `X-Forwarded-For` is to be trusted.
#[must_use]
pub fn client_address(source_address: &str, trust_forwarded_for: bool) -> Option<String> {
    let address = socket_address(source_address)?;
    (trust_forwarded_for || address.port() != 0).then(|| source_address.to_owned())
}

/// The IP address in a `source.address`: IPv4-mapped IPv6 folded to IPv4; `None` for an address with a zone and for
/// anything that is not an address with a port, such as a pipe or an internal listener.
#[must_use]
pub fn client_ip(source_address: &str) -> Option<IpAddr> {
    socket_address(source_address).map(|address| address.ip().to_canonical())
}

fn socket_address(text: &str) -> Option<SocketAddr> {
    // `parse` accepts a numeric zone, but an address with a zone has a meaning on one host only.
    if text.contains('%') { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::{Peer, client_address, client_ip};
    use crate::portable;

    const DIGEST: &[u8] = b"00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00FF";

    #[portable]
    fn a_certificate_is_known_by_its_digest() {
        let peer = Peer::from_certificate(Some(DIGEST), Some(b"spiffe://td/ns/n/sa/s"));
        let digest = peer.certificate_sha256.expect("64 hex digits");
        assert_eq!((digest[0], digest[1], digest[2], digest[31]), (0x00, 0xff, 0x7a, 0xff));
        assert_eq!(peer.uri.as_deref(), Some("spiffe://td/ns/n/sa/s"));
    }

    #[portable]
    fn a_digest_of_another_form_is_no_certificate_and_its_san_is_not_taken() {
        let not_hex = [b'g'; 64];
        let too_long = [b'0'; 65];
        let two_more = [b'0'; 66];
        for digest in [None, Some(&b""[..]), Some(&DIGEST[1..]), Some(&not_hex), Some(&too_long), Some(&two_more)] {
            assert_eq!(Peer::from_certificate(digest, Some(b"spiffe://td/x")), Peer::default());
        }
    }

    #[portable]
    fn a_uri_with_a_nul_a_space_or_a_byte_outside_ascii_is_unknown() {
        let uris: [&[u8]; 5] = [b"", b"spiffe://td/a\0.evil", b"spiffe://td/a b", b"spiffe://td/\xc3\xa9", b"a\n"];
        for uri in uris {
            assert_eq!(Peer::from_mesh_principal(Some(uri)).uri, None, "{}", uri.escape_ascii());
        }
        assert_eq!(Peer::from_mesh_principal(Some(b"spiffe://td/a")).uri.as_deref(), Some("spiffe://td/a"));
    }

    #[portable]
    fn an_address_from_forwarded_for_is_taken_only_where_the_listener_is_trusted_with_it() {
        assert_eq!(client_address("203.0.113.7:0", false), None);
        assert_eq!(client_address("203.0.113.7:0", true).as_deref(), Some("203.0.113.7:0"));
        assert_eq!(client_address("203.0.113.7:1", false).as_deref(), Some("203.0.113.7:1"));
        assert_eq!(client_address("[2001:db8::1]:0", false), None);
        assert_eq!(client_address("envoy://internal", true), None);
    }

    #[portable]
    fn an_ipv4_mapped_address_is_the_ipv4_address() {
        let expected = Some("203.0.113.7".parse().expect("an address"));
        assert_eq!(client_ip("203.0.113.7:1234"), expected);
        assert_eq!(client_ip("[::ffff:203.0.113.7]:1234"), expected);
        assert_eq!(client_ip("[2001:db8::1]:1"), Some("2001:db8::1".parse().expect("an address")));
    }

    #[portable]
    fn what_is_no_plain_address_and_port_is_unknown() {
        for text in [
            "",
            "203.0.113.7",
            "[::1]",
            "::1",
            "[fe80::1%1]:80",
            "[fe80::1%eth0]:80",
            "/run/x.sock",
            "a:1",
            "1.2.3.4:65536",
        ] {
            assert_eq!(client_ip(text), None, "{text}");
        }
    }
}
