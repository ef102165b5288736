//! Where a configuration has keys fetched: the hosts, and the clusters that lead there.

use std::net::IpAddr;

use countersign_core::fetch::KeyUrl;
use serde_json::Value;

/// A host that keys, or the metadata that names them, are fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHost {
    /// Something at that host.
    pub url: KeyUrl,
    /// The cluster.
    pub cluster: String,
}

impl KeyHost {
    /// All of a configuration, which may have faults.
    pub fn of(configuration: &Value) -> Vec<Self> {
        let sections = ["issuers", "devices"].into_iter().filter_map(|name| configuration.get(name)?.as_object());
        sections.flat_map(|section| section.values()).flat_map(Self::of_profile).collect()
    }

    fn of_profile(profile: &Value) -> Vec<Self> {
        let text = |pointer: &str| profile.pointer(pointer).and_then(Value::as_str);
        let from_issuer = text("/issuer").filter(|_| profile.pointer("/keys/discovery") == Some(&Value::Bool(true)));
        let first = text("/keys/url").or_else(|| text("/keys/discovery")).or(from_issuer);
        let Some(url) = first.and_then(|text| KeyUrl::parse(text).ok()) else { return Vec::new() };
        let beside = text("/keys/jwks/host").map(|host| format!("{}://{host}/", url.scheme()));
        let beside = beside.and_then(|text| KeyUrl::parse(&text).ok());
        let hosts = [(Some(url), "/keys/cluster"), (beside, "/keys/jwks/cluster")];
        hosts
            .into_iter()
            .filter_map(|(url, cluster)| Some(Self { url: url?, cluster: text(cluster)?.to_owned() }))
            .collect()
    }

    /// The host's name, or its address without brackets.
    pub fn name(&self) -> String {
        self.url.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
    }

    /// Whether the host is an address, for which there is no SNI (RFC 6066 section 3).
    pub fn is_address(&self) -> bool {
        self.name().parse::<IpAddr>().is_ok()
    }

    /// Scheme and host, as it is shown.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.url.scheme(), self.url.authority())
    }
}
