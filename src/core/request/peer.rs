//! What the host vouches for about the other end of the connection.
//!
//! The bytes come from the host's properties, never from header fields: a client can write `x-forwarded-client-cert`
//! and `x-forwarded-for` itself unless the listener prevents it. A value that is not in the expected form counts as
//! unknown, and policies see an unknown value as an absent fact.

use core::net::{IpAddr, SocketAddr};

use std::rc::Rc;

use super::{CertificateNames, NoNames, UriCount};

/// Facts about the peer; none if the configuration names no source for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// SHA-256 of the client certificate's DER, 32 bytes (`connection.sha256_peer_certificate_digest`).
    pub certificate_sha256: Option<[u8; 32]>,
    /// The only URI of the client certificate, or the principal of the mesh, such as `spiffe://td/ns/n/sa/s`.
    pub uri: Result<String, NoPeerUri>,
    /// The names in the client certificate that can be facts about a device.
    ///
    /// # Errors
    /// Why there are none.
    pub names: Result<Rc<CertificateNames>, NoNames>,
}

/// Why the peer has no URI that can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoPeerUri {
    /// The configuration names no source of it.
    #[default]
    NoSource,
    /// The client sent no certificate.
    NoCertificate,
    /// The proxy does not validate the certificate, or the configuration does not say so.
    NotValidated,
    /// The certificate has no URI.
    NoUri,
    /// The certificate has several URIs, and the host tells the first only. An X.509-SVID has one (X509-SVID section 2).
    SeveralUris,
    /// The host gave a certificate that cannot be read, so its URIs cannot be counted.
    UnreadableCertificate,
    /// The mesh reports no principal.
    NoPrincipal,
    /// It has bytes that no URI has.
    NotAUri,
}

impl NoPeerUri {
    /// What to tell the operator.
    #[must_use]
    pub const fn fault(self) -> &'static str {
        match self {
            Self::NoSource => "the configuration names no source of facts about the peer",
            Self::NoCertificate => "the connection has no client certificate",
            Self::NotValidated => "the configuration does not say that client certificates are validated",
            Self::NoUri => "the client certificate has no URI",
            Self::SeveralUris => "the client certificate has several URIs",
            Self::UnreadableCertificate => "the client certificate cannot be read",
            Self::NoPrincipal => "the mesh reports no principal",
            Self::NotAUri => "the peer's URI has bytes that no URI has",
        }
    }
}

impl Default for Peer {
    fn default() -> Self {
        Self { certificate_sha256: None, uri: Err(NoPeerUri::default()), names: Err(NoNames::NotRead) }
    }
}

impl Peer {
    /// A client that sent no certificate.
    #[must_use]
    pub const fn without_certificate() -> Self {
        Self { certificate_sha256: None, uri: Err(NoPeerUri::NoCertificate), names: Err(NoNames::NoCertificate) }
    }

    /// A client whose certificate may be anyone's: it has proved that it holds the key, and nothing else.
    #[must_use]
    pub const fn of_any_certificate(digest: [u8; 32]) -> Self {
        Self { certificate_sha256: Some(digest), uri: Err(NoPeerUri::NotValidated), names: Err(NoNames::NotRead) }
    }

    /// A client whose certificate the proxy has validated. `first_uri` is the first URI in it; `count` is what the
    /// certificate itself says about its URIs, where the host gives the certificate.
    #[must_use]
    pub fn of_validated_certificate(digest: [u8; 32], first_uri: Option<&[u8]>, count: Option<UriCount>) -> Self {
        let uri = match (first_uri, count) {
            (None, _) => Err(NoPeerUri::NoUri),
            (Some(uri), None | Some(UriCount::One)) => uri_from_bytes(uri),
            (Some(_), Some(UriCount::Several)) => Err(NoPeerUri::SeveralUris),
            // The host found a URI in it.
            (Some(_), Some(UriCount::None | UriCount::Unreadable)) => Err(NoPeerUri::UnreadableCertificate),
        };
        Self { certificate_sha256: Some(digest), uri, names: Err(NoNames::NotRead) }
    }

    /// The same with the names in its certificate, which the proxy has validated.
    #[must_use]
    pub fn with_names(self, names: Result<Rc<CertificateNames>, NoNames>) -> Self {
        Self { names, ..self }
    }

    /// From the principal that the mesh's data plane verified.
    #[must_use]
    pub fn of_mesh_principal(principal: Option<&[u8]>) -> Self {
        let uri = principal.ok_or(NoPeerUri::NoPrincipal).and_then(uri_from_bytes);
        Self { certificate_sha256: None, uri, names: Err(NoNames::NotRead) }
    }
}

/// The digest of a certificate: 32 bytes out of exactly 64 hex digits.
#[must_use]
pub fn certificate_digest(digits: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(digits, &mut digest).ok()?;
    Some(digest)
}

/// A URI. Bytes outside printable ASCII, such as NUL and space, are not valid in a URI (RFC 3986 section 2):
/// certificates with a NUL in a name have deceived comparisons before.
fn uri_from_bytes(bytes: &[u8]) -> Result<String, NoPeerUri> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(NoPeerUri::NotAUri);
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| NoPeerUri::NotAUri)
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
    use super::{NoPeerUri, Peer, certificate_digest, client_address, client_ip};
    use crate::portable;
    use crate::request::UriCount;

    const DIGEST: &[u8] = b"00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00ff7a00FF";

    #[portable]
    fn a_digest_is_64_hex_digits() {
        let digest = certificate_digest(DIGEST).expect("64 hex digits");
        assert_eq!((digest[0], digest[1], digest[2], digest[31]), (0x00, 0xff, 0x7a, 0xff));
        let (not_hex, too_long, two_more) = ([b'g'; 64], [b'0'; 65], [b'0'; 66]);
        for digits in [&b""[..], &DIGEST[1..], &not_hex, &too_long, &two_more] {
            assert_eq!(certificate_digest(digits), None, "{}", digits.escape_ascii());
        }
    }

    #[portable]
    fn the_uri_of_a_certificate_that_may_be_anyones_is_not_believed() {
        let peer = Peer::of_any_certificate([7; 32]);
        assert_eq!((peer.certificate_sha256, peer.uri), (Some([7; 32]), Err(NoPeerUri::NotValidated)));
    }

    #[portable]
    fn a_validated_certificate_names_its_peer_by_its_only_uri() {
        let uri = |first: Option<&[u8]>, count| Peer::of_validated_certificate([7; 32], first, count).uri;
        let (spiffe, one) = (Some(&b"spiffe://td/a"[..]), Ok("spiffe://td/a".to_owned()));
        assert_eq!(uri(spiffe, Some(UriCount::One)), one);
        // Hosts before Envoy 1.38 do not give the certificate.
        assert_eq!(uri(spiffe, None), one);
        assert_eq!(uri(spiffe, Some(UriCount::Several)), Err(NoPeerUri::SeveralUris));
        for contradiction in [UriCount::None, UriCount::Unreadable] {
            assert_eq!(uri(spiffe, Some(contradiction)), Err(NoPeerUri::UnreadableCertificate));
        }
        for count in [None, Some(UriCount::None), Some(UriCount::One)] {
            assert_eq!(uri(None, count), Err(NoPeerUri::NoUri));
        }
    }

    #[portable]
    fn a_uri_with_a_nul_a_space_or_a_byte_outside_ascii_is_unknown() {
        let uris: [&[u8]; 5] = [b"", b"spiffe://td/a\0.evil", b"spiffe://td/a b", b"spiffe://td/\xc3\xa9", b"a\n"];
        for uri in uris {
            let peers = [Peer::of_mesh_principal(Some(uri)), Peer::of_validated_certificate([7; 32], Some(uri), None)];
            for peer in peers {
                assert_eq!(peer.uri, Err(NoPeerUri::NotAUri), "{}", uri.escape_ascii());
            }
        }
        assert_eq!(Peer::of_mesh_principal(Some(b"spiffe://td/a")).uri.as_deref(), Ok("spiffe://td/a"));
        assert_eq!(Peer::of_mesh_principal(None).uri, Err(NoPeerUri::NoPrincipal));
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
