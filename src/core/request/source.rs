//! Which of the values that the host offers are trusted, as the operator chose.

/// Where facts about the peer come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerSource {
    /// Nowhere.
    None,
    /// The TLS connection that this listener terminates. The client holds the key of its certificate, and whatever else
    /// the certificate says is the client's own word.
    AnyCertificate,
    /// The same, and the operator states that the proxy validates client certificates: what they say is believed.
    ValidatedCertificate,
    /// The filter state that an Istio waypoint sets.
    IstioWaypoint,
}

impl PeerSource {
    /// Whether client certificates are read.
    #[must_use]
    pub const fn has_certificates(self) -> bool {
        matches!(self, Self::AnyCertificate | Self::ValidatedCertificate)
    }

    /// Whether the peer's URI is believed.
    #[must_use]
    pub const fn believes_uris(self) -> bool {
        matches!(self, Self::ValidatedCertificate | Self::IstioWaypoint)
    }
}

/// Where the client's address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSource {
    /// The connection: an address that came from `X-Forwarded-For` (port 0) is unknown.
    Connection,
    /// The address as the listener evaluates it, `X-Forwarded-For` included.
    TrustedXff,
    /// Nowhere.
    None,
}

impl AddressSource {
    /// Whether an address that came from `X-Forwarded-For` is accepted; `None` if no address is accepted.
    #[must_use]
    pub const fn trusts_forwarded_for(self) -> Option<bool> {
        match self {
            Self::Connection => Some(false),
            Self::TrustedXff => Some(true),
            Self::None => None,
        }
    }
}
