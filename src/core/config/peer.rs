//! `peer`: what the connection proves about its other end.

use super::names::quoted;
use super::reader::{Field, Given, List, Member, Node, Presence, Read, Shape, words};
use crate::config_error::ConfigCode;
use crate::limits::MAX_TRUST_DOMAINS;
use crate::request::PeerSource;
use crate::spiffe::TrustDomain;

/// Where the connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    None,
    Tls,
    IstioWaypoint,
}

static FROM: [(&str, From); 3] = [("none", From::None), ("tls", From::Tls), ("istio-waypoint", From::IstioWaypoint)];

static CERTIFICATE: [(&str, PeerSource); 2] =
    [("any", PeerSource::AnyCertificate), ("validated", PeerSource::ValidatedCertificate)];

/// `peer`
pub(super) const PEER: Field = Field {
    name: "peer",
    presence: Presence::Default(Given::Members(&[("from", Given::Text("none"))])),
    shape: Shape::Object(&[&PEER_MEMBERS]),
    write: "`{ from: none }`, `{ from: tls }` or `{ from: istio-waypoint }`",
    about: "what the connection proves about its other end, see [workloads.md](workloads.md)",
};

static PEER_MEMBERS: [Field; 3] = [
    Field {
        name: "from",
        presence: Presence::Required,
        shape: Shape::Words(|| words(&FROM)),
        write: "`none`, `tls` or `istio-waypoint`",
        about: "where facts about the peer come from",
    },
    Field {
        name: "certificate",
        presence: Presence::Otherwise("`any` with `from: tls`"),
        shape: Shape::Words(|| words(&CERTIFICATE)),
        write: "`any`, or `validated` if the listener validates client certificates against a trusted CA",
        about: "only with `from: tls`. `any`: the client holds the key of its certificate, and nothing else in the \
                certificate is believed. `validated`: you state that the listener rejects certificates that no trusted \
                CA has signed, so the URI in it is believed",
    },
    Field {
        name: "trust_domains",
        presence: Presence::Optional,
        shape: Shape::List(List::of(&Shape::Text("trust domain")).some().distinct()),
        write: "a list of SPIFFE trust domains without `spiffe://`, such as `[example.org]`",
        about: "a peer whose URI is a SPIFFE ID of one of them is a workload; without it nobody is",
    },
];

/// What the configuration believes of peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeerTrust {
    /// Where facts come from.
    pub(super) source: PeerSource,
    /// Whose workloads are known; none unless the peer's URI is believed.
    pub(super) trust_domains: Vec<TrustDomain>,
}

/// Reads `peer`.
pub(super) fn read(node: &Node<'_>) -> Read<PeerTrust> {
    let [from, certificate, trust_domains] = node.members(&PEER_MEMBERS)?;
    let source = read_source(&from, &certificate);
    let listed = trust_domains.optional(read_trust_domains);
    let (source, listed) = (source?, listed?);
    if let (Some(written), false) = (trust_domains.written()?, source.believes_uris()) {
        return written.error(
            ConfigCode::Contradiction,
            "the peer's URI is not believed, so no peer is of a trust domain",
            "write `certificate: validated` if the listener validates client certificates against a trusted CA, or remove \
             `trust_domains`",
        );
    }
    Ok(PeerTrust { source, trust_domains: listed.unwrap_or_default() })
}

fn read_source(from: &Member<'_>, certificate: &Member<'_>) -> Read<PeerSource> {
    let source = match from.required(|node| node.word(&FROM))? {
        From::Tls => {
            return Ok(certificate.optional(|node| node.word(&CERTIFICATE))?.unwrap_or(PeerSource::AnyCertificate));
        }
        From::None => PeerSource::None,
        From::IstioWaypoint => PeerSource::IstioWaypoint,
    };
    match certificate.written()? {
        None => Ok(source),
        Some(written) => written.error(
            ConfigCode::Contradiction,
            "no client certificate is read here",
            "remove `certificate`, or write `from: tls`",
        ),
    }
}

fn read_trust_domains(node: &Node<'_>) -> Read<Vec<TrustDomain>> {
    let elements = node.some_elements()?;
    if elements.len() > MAX_TRUST_DOMAINS {
        return node.error(
            ConfigCode::TooLarge,
            format!("there are {} trust domains, at most {MAX_TRUST_DOMAINS} are accepted", elements.len()),
            "list the trust domains whose workloads call this proxy",
        );
    }
    Node::distinct(elements, |element| {
        let text = element.some_text()?;
        TrustDomain::parse(text).or_else(|fault| {
            let help = match text.strip_prefix("spiffe://") {
                Some(rest) => format!("write {}", quoted(rest.split('/').next().unwrap_or_default())),
                None => node.write_wanted(),
            };
            element.error(ConfigCode::BadValue, format!("{} is not a trust domain: {fault}", quoted(text)), help)
        })
    })
}
