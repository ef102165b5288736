//! The workload at the other end of the connection.

use crate::refusal::{Detail, Reason, Refusal};
use crate::request::Peer;
use crate::spiffe::{SpiffeId, TrustDomain};

/// A workload that the connection proves: its SPIFFE ID is of a trust domain that the configuration lists.
///
/// It proves who holds the other end of the connection. That is the caller itself, or a proxy that speaks for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload(SpiffeId);

impl Workload {
    /// The workload of this peer.
    ///
    /// # Errors
    /// Why the peer is not a workload, for the record; nothing where no trust domain is listed, because none is looked for.
    pub(super) fn of(peer: &Peer, trust_domains: &[TrustDomain]) -> Result<Self, Detail> {
        if trust_domains.is_empty() {
            return Err(Detail::None);
        }
        let uri = peer.uri.as_deref().map_err(|no_uri| Detail::Fault(no_uri.fault()))?;
        let id =
            SpiffeId::parse(uri).map_err(|_| Detail::Fault("the peer's URI is not the SPIFFE ID of a workload"))?;
        if trust_domains.iter().any(|trust_domain| id.is_of(trust_domain)) {
            return Ok(Self(id));
        }
        let listed = trust_domains.iter().map(TrustDomain::as_str);
        Err(Refusal::mismatch(Reason::WorkloadMissing, "trust domain", [id.trust_domain()], listed).detail)
    }

    /// Its SPIFFE ID.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.as_str()
    }

    /// The name of its trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        self.0.trust_domain()
    }
}

#[cfg(test)]
impl Workload {
    /// A workload without proof, for tests of the steps after verification.
    pub(crate) fn for_test(id: &str) -> Self {
        Self(SpiffeId::parse(id).unwrap_or_else(|fault| panic!("{id}: {fault}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Workload;
    use crate::portable;
    use crate::request::Peer;
    use crate::spiffe::TrustDomain;

    fn workload(uri: &str, trust_domains: &[&str]) -> Result<String, String> {
        let listed: Vec<TrustDomain> = trust_domains.iter().map(|name| TrustDomain::parse(name).unwrap()).collect();
        let peer = Peer::of_mesh_principal(Some(uri.as_bytes()));
        Workload::of(&peer, &listed).map(|workload| workload.id().to_owned()).map_err(|detail| detail.to_string())
    }

    #[portable]
    fn a_spiffe_id_of_a_listed_trust_domain_names_a_workload() {
        let id = "spiffe://example.org/ns/shop/sa/web";
        assert_eq!(workload(id, &["example.com", "example.org"]), Ok(id.to_owned()));
        assert_eq!(workload(id, &[]), Err(String::new()));
        let foreign = Err("`trust domain` is `example.org`, wanted `example.com`, `a.example.org`".to_owned());
        assert_eq!(workload(id, &["example.com", "a.example.org"]), foreign);
    }

    #[portable]
    fn a_look_alike_names_nobody() {
        for uri in [
            "spiffe://Example.org/a",
            "SPIFFE://example.org/a",
            "spiffe://example.org/a/",
            "spiffe://example.org/%61",
            "spiffe://example.org:443/a",
            "spiffe://example.org",
            "https://example.org/a",
        ] {
            let fault = Err("the peer's URI is not the SPIFFE ID of a workload".to_owned());
            assert_eq!(workload(uri, &["example.org"]), fault, "{uri}");
        }
        let fault = Err("the configuration does not say that client certificates are validated".to_owned());
        let unvalidated = Peer::of_any_certificate([7; 32]);
        let listed = [TrustDomain::parse("example.org").unwrap()];
        assert_eq!(
            Workload::of(&unvalidated, &listed).map_err(|detail| detail.to_string()).map(|_| ()),
            fault.map(|_: String| ())
        );
    }
}
