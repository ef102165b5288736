//! `trusted_peer` of a device provider: who may describe devices in plain headers, and which headers those are.

use std::collections::BTreeSet;

use super::device_parts::{BIND, OwnHeader, WORKED_OUT_FACTS, binds_a_fact, read_bind, read_header};
use super::device_record::{self, DEVICE_MAPPING};
use super::facts::check_name;
use super::named_peers;
use super::reader::{Field, FreeNames, List, Node, Presence, Read, Shape, all, words};
use crate::config_error::ConfigCode;
use crate::profile::{DeviceProvider, FactField, FactType, NamedPeers, PostureSource, TrustedPeerRule};
use crate::provider::ProviderName;
use crate::request::PeerSource;

/// The member that makes a device provider one with plain headers.
pub(super) const TRUSTED_PEER: &str = "trusted_peer";

/// A device provider with plain headers.
pub(super) const SHAPE: Shape = Shape::Named("device provider with headers", || const { &Shape::Object(&[&MEMBERS]) });

static MEMBERS: [Field; 3] = [
    Field {
        name: TRUSTED_PEER,
        presence: Presence::Required,
        shape: Shape::Object(&[&PEER_MEMBERS]),
        write: "an object with `certificates` or `workloads`, and `headers`",
        about: "the peer that describes devices in plain headers, see [device-certificates.md](device-certificates.md#a-trusted-peer)",
    },
    BIND,
    DEVICE_MAPPING,
];

static PEER_MEMBERS: [Field; 3] = [
    Field {
        name: "certificates",
        presence: Presence::Optional,
        shape: Shape::List(List::of(&Shape::Text("SHA-256 of a certificate")).some().distinct()),
        write: "a list of the SHA-256 digests of the peer's own certificates, 64 hexadecimal digits each",
        about: "peers by their certificates; `certificates` or `workloads` is required",
    },
    Field {
        name: "workloads",
        presence: Presence::Optional,
        shape: Shape::List(List::of(&Shape::Text("SPIFFE ID")).some().distinct()),
        write: "a list of SPIFFE IDs, such as `[spiffe://example.org/ns/edge/sa/gateway]`",
        about: "peers by their SPIFFE IDs",
    },
    Field {
        name: "headers",
        presence: Presence::Required,
        shape: Shape::Entries(FreeNames::of("fact", &HEADER, HEADER_TO_WRITE).some()),
        write: "an object of facts, such as `{ managed: { header: x-device-managed, type: bool } }`",
        about: "facts with the headers that carry them. Anyone else's are ignored, and all are removed before the upstream",
    },
];

const HEADER_TO_WRITE: &str = "a header and a type, such as `{ header: x-device-managed, type: bool }`";

const HEADER: Shape = Shape::Named("header of a trusted peer", || const { &Shape::Object(&[&HEADER_MEMBERS]) });

/// Makes the type of a fact.
type Named = fn() -> FactType;

/// In a header a `bool` and a `long` are text.
static TYPES: [(&str, Named); 5] = [
    ("string", || FactType::String),
    ("long", || FactType::LongOrText),
    ("bool", || FactType::BoolOrText),
    ("ip", || FactType::Ip),
    ("version", FactType::version),
];

static HEADER_MEMBERS: [Field; 2] = [
    Field {
        name: "header",
        presence: Presence::Required,
        shape: Shape::Text("header name"),
        write: "the request header, such as `x-device-managed`",
        about: "the request header; it may be there once, and holds printable ASCII",
    },
    Field {
        name: "type",
        presence: Presence::Required,
        shape: Shape::Words(|| words(&TYPES)),
        write: "`string`, `long`, `bool`, `ip` or `version`",
        about: "the type of the fact, see [the types](tokens.md#facts)",
    },
];

/// Reads a device provider that has the member `trusted_peer`, and its headers even where the rest cannot be read.
pub(super) fn read(node: &Node<'_>, name: Read<ProviderName>) -> (Read<DeviceProvider>, Vec<OwnHeader>) {
    let mut headers = Vec::new();
    let device = read_device(node, name, &mut headers);
    (device, headers)
}

/// Checks that the connection proves who the peer is. `node` is the provider's.
pub(super) fn agree_on_peer(node: &Node<'_>, rule: &TrustedPeerRule, source: PeerSource) -> Read<()> {
    let places = ("/trusted_peer/certificates", "/trusted_peer/workloads");
    named_peers::agree_on_peer(node, &rule.peers, source, places)
}

fn read_device(node: &Node<'_>, name: Read<ProviderName>, found: &mut Vec<OwnHeader>) -> Read<DeviceProvider> {
    let [trusted_peer, bind, device] = node.members(&MEMBERS)?;
    let bind = bind.required(read_bind);
    let rule = trusted_peer.required(|node| {
        let [certificates, workloads, headers] = node.members(&PEER_MEMBERS)?;
        let peers = match (certificates.written()?, workloads.written()?) {
            (None, None) => node.error(
                ConfigCode::MissingField,
                "no peer is named, so that nobody's headers would be believed",
                "add `certificates` with the SHA-256 of the peer's certificate, or `workloads` with its SPIFFE ID",
            ),
            _ => {
                let certificates = certificates.or_empty(named_peers::read_certificates);
                let workloads = workloads.or_empty(named_peers::read_workloads);
                certificates.and_then(|certificates| Ok(NamedPeers { certificates, workloads: workloads? }))
            }
        };
        let headers = headers.required(|node| read_headers(node, found));
        let (facts, headers) = headers?.into_iter().unzip();
        Ok(TrustedPeerRule { name: name?, peers: peers?, facts, headers })
    });
    let (rule, bind) = (rule?, bind?);
    let device = device_record::read(&device, &rule.facts);
    binds_a_fact(node, &bind, &rule.facts)?;
    Ok(DeviceProvider { source: PostureSource::TrustedPeer(rule), bind, device: device? })
}

fn read_headers(node: &Node<'_>, found: &mut Vec<OwnHeader>) -> Read<Vec<(FactField, String)>> {
    let mut names = BTreeSet::new();
    let entries = node.entries()?;
    if entries.is_empty() {
        return node.error(ConfigCode::EmptyList, "the object is empty, so nothing is described", node.write_wanted());
    }
    let mut facts = all(entries.into_iter().map(|(written, entry)| {
        let (name, required) = written.strip_suffix('?').map_or((written, true), |name| (name, false));
        let named = check_name(&entry, name, WORKED_OUT_FACTS, &mut names);
        let [header, fact_type] = entry.members(&HEADER_MEMBERS)?;
        let header = header.required(|node| {
            let header = read_header(node)?;
            found.push(OwnHeader { name: header.clone(), pointer: node.pointer().to_owned() });
            Ok(header)
        });
        let fact_type = fact_type.required(|node| node.word(&TYPES));
        named?;
        Ok((FactField::of_own_claim(name, required, fact_type?()), header?))
    }))?;
    facts.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(facts)
}
