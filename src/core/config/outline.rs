//! What of a configuration bears on what surrounds the plugin in Envoy.

use serde_json::{Map, Value};

use super::applications::{APPLICATIONS, read_known_hosts};
use super::compile::DOCUMENT;
use super::devices::{DEVICE_MEMBERS, DEVICES};
use super::headers::IDENTITY_HEADERS;
use super::issuers::{ISSUER_MEMBERS, ISSUERS, IssuerMembers};
use super::keys::Accepted;
use super::peer::{self, PEER};
use super::preset::{OF_DEVICES, OF_ISSUERS, Presets};
use super::reader::{Field, Node, Problems, Read};
use super::settings::{self, ACKNOWLEDGED_FILTERS, CLIENT_ADDRESS, DEFAULT_GUARD, GUARD};
use super::{keys, profile};
use crate::fetch::{Endpoint, HttpUrl};
use crate::freshness::MemoryScope;
use crate::keys::{FetchedKeys, KeyLocation, KeySource};
use crate::profile::{EvidenceForwarding, IssuerId};
use crate::request::{AddressSource, PeerSource};
use crate::route::HostPattern;

/// The parts of a configuration that something outside of it must agree with: the filter chain, the routes, the clusters.
///
/// A configuration with errors has an outline too: a part with an error counts as absent. So the surroundings can be
/// checked together with the configuration.
#[derive(Debug)]
pub struct Outline {
    /// The guard's name.
    pub guard: String,
    /// Where facts about the peer come from.
    pub peer: PeerSource,
    /// Where the client's address comes from.
    pub client_address: AddressSource,
    /// The hosts of all applications; `None` if one serves any host, or if none is known.
    pub hosts: Option<Vec<HostPattern>>,
    /// Filters after the plugin that the operator has reviewed, by their names.
    pub acknowledged_filters: Vec<String>,
    /// Headers that carry identity to the upstream, beside `x-countersign-*`; in lower case.
    pub identity_headers: Vec<String>,
    /// The issuers whose tokens must not reach the upstream (`forward: never`).
    pub withholding_issuers: Vec<String>,
    /// The cookies from which access tokens are taken, so that the plugin decides whether they reach the upstream.
    pub credential_cookies: Vec<String>,
    /// The issuers whose DPoP proofs all workers are to remember (`replay: shared`).
    pub issuers_sharing_proofs: Vec<String>,
    /// Where keys are fetched: for each provider the key set or the metadata, and another host that the metadata may name.
    pub key_endpoints: Vec<Endpoint>,
}

impl Outline {
    /// Reads it, with the reader of each part.
    #[must_use]
    pub fn read(configuration: &Value) -> Self {
        let (nothing, problems) = (Value::Object(Map::new()), Problems::default());
        let document = if configuration.is_object() { configuration } else { &nothing };
        Self::of(&Node::root(document, &DOCUMENT, &problems)).unwrap_or_else(|_| Self::default())
    }

    fn of(node: &Node<'_>) -> Read<Self> {
        let (issuers, devices) = (node.member_alone(&ISSUERS)?, node.member_alone(&DEVICES)?);
        let applications = node.member_alone(&APPLICATIONS)?;
        let (peer, client_address) = (node.member_alone(&PEER)?, node.member_alone(&CLIENT_ADDRESS)?);
        let (guard, identity_headers) = (node.member_alone(&GUARD)?, node.member_alone(&IDENTITY_HEADERS)?);
        let acknowledged_filters = node.member_alone(&ACKNOWLEDGED_FILTERS)?;
        let otherwise = Self::default();
        let names =
            |entries: Vec<(&str, Node<'_>)>| entries.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        Ok(Self {
            guard: guard.or_default(settings::guard).unwrap_or(otherwise.guard),
            peer: peer.or_default(peer::read).map_or(otherwise.peer, |trust| trust.source),
            client_address: client_address.or_default(settings::client_address).unwrap_or(otherwise.client_address),
            hosts: applications.required(|node| Ok(read_known_hosts(&node.entries()?))).unwrap_or(otherwise.hosts),
            acknowledged_filters: acknowledged_filters.or_empty(settings::acknowledged_filters).unwrap_or_default(),
            identity_headers: identity_headers.or_empty(Node::entries).map(names).unwrap_or_default(),
            withholding_issuers: issuers.or_empty(withholding).unwrap_or_default(),
            credential_cookies: issuers.or_empty(credential_cookies).unwrap_or_default(),
            issuers_sharing_proofs: issuers.or_empty(sharing_proofs).unwrap_or_default(),
            key_endpoints: [
                issuers.or_empty(|node| key_endpoints(node, &OF_ISSUERS, &ISSUER_MEMBERS)),
                devices.or_empty(|node| key_endpoints(node, &OF_DEVICES, &DEVICE_MEMBERS)),
            ]
            .into_iter()
            .flatten()
            .flatten()
            .collect(),
        })
    }
}

impl Default for Outline {
    /// That of a configuration without members.
    fn default() -> Self {
        Self {
            guard: DEFAULT_GUARD.to_owned(),
            peer: PeerSource::None,
            client_address: AddressSource::Connection,
            hosts: None,
            acknowledged_filters: Vec::new(),
            identity_headers: Vec::new(),
            withholding_issuers: Vec::new(),
            credential_cookies: Vec::new(),
            issuers_sharing_proofs: Vec::new(),
            key_endpoints: Vec::new(),
        }
    }
}

/// The names of the issuers that have `forward: never`.
fn withholding(node: &Node<'_>) -> Read<Vec<String>> {
    let withheld = node.entries()?.into_iter().filter_map(|(name, entry)| {
        let applied = OF_ISSUERS.read(&entry).ok()?;
        let forward = IssuerMembers::of(&entry, &applied).and_then(|members| members.forward()).ok()?;
        (forward == EvidenceForwarding::Never).then(|| name.to_owned())
    });
    Ok(withheld.collect())
}

/// The cookies that `from` of any issuer names.
fn credential_cookies(node: &Node<'_>) -> Read<Vec<String>> {
    let entries = node.entries()?.into_iter();
    let places = entries.filter_map(|(_, entry)| {
        let applied = OF_ISSUERS.read(&entry).ok()?;
        IssuerMembers::of(&entry, &applied).and_then(|members| members.from()).ok()
    });
    Ok(places.flatten().filter_map(|place| place.cookie().map(str::to_owned)).collect())
}

/// The names of the issuers that have `replay: shared`.
fn sharing_proofs(node: &Node<'_>) -> Read<Vec<String>> {
    let sharing = node.entries()?.into_iter().filter_map(|(name, entry)| {
        let applied = OF_ISSUERS.read(&entry).ok()?;
        let sender = IssuerMembers::of(&entry, &applied).and_then(|members| members.sender(&entry)).ok()?;
        (sender.dpop()?.replay == MemoryScope::Shared).then(|| name.to_owned())
    });
    Ok(sharing.collect())
}

/// Where the providers of a part have their keys fetched; `own` are the members of a provider beside those of its profile.
fn key_endpoints<const OWN: usize>(
    node: &Node<'_>,
    presets: &Presets,
    own: &'static [Field; OWN],
) -> Read<Vec<Endpoint>> {
    let fetched = node.entries()?.into_iter().filter_map(|(_, entry)| {
        let applied = presets.read(&entry).ok()?;
        let (_, members) = entry.members_given(own, &profile::MEMBERS, &applied.members).ok()?;
        let members = profile::Members::from(members);
        let issuer: Read<IssuerId> = members.issuer.required(super::issuer::read);
        let issuer = issuer.as_ref().map_err(|reported| *reported);
        match members.keys.required(|node| keys::read(node, Accepted::default(), issuer)).ok()? {
            KeySource::Fetched(keys) => Some(endpoints(*keys)),
            KeySource::Inline(_) => None,
        }
    });
    Ok(fetched.flatten().collect())
}

fn endpoints(keys: FetchedKeys) -> Vec<Endpoint> {
    match keys.location {
        KeyLocation::KeySet(endpoint) | KeyLocation::ById(endpoint) => vec![endpoint],
        KeyLocation::Metadata { metadata, key_host, .. } => {
            let other = key_host.and_then(|other| {
                let url = HttpUrl::parse(&format!("{}://{}/", metadata.url.scheme(), other.host)).ok()?;
                Some(Endpoint { url, cluster: other.cluster })
            });
            [metadata].into_iter().chain(other).collect()
        }
    }
}
