//! A cluster: where it leads, and how it speaks TLS.

use core::fmt;
use std::net::IpAddr;

use super::json_view::Part;

/// The type of TLS towards an upstream.
const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";

/// Members, and kinds of discovery, that nothing else with a name has.
const MEMBERS: [&str; 6] = [
    "typed_extension_protocol_options",
    "original_dst_lb_config",
    "load_assignment",
    "eds_cluster_config",
    "cluster_type",
    "transport_socket_matches",
];
const TYPES: [&str; 5] = ["STATIC", "STRICT_DNS", "LOGICAL_DNS", "EDS", "ORIGINAL_DST"];

/// Whether a part is a cluster.
pub fn is_cluster(part: &Part<'_>) -> bool {
    part.text_of("name").is_some()
        && (part.message().is_some_and(|(kind, _)| kind == CLUSTER)
            || MEMBERS.iter().any(|name| part.member(name).is_some())
            || part.text_of("type").is_some_and(|kind| TYPES.contains(&kind)))
}

/// One place where a cluster leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// Host and port.
    Socket(String, u16),
    /// A socket in the file system.
    Pipe(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(host, port) if host.contains(':') && !host.starts_with('[') => write!(f, "[{host}]:{port}"),
            Self::Socket(host, port) => write!(f, "{host}:{port}"),
            Self::Pipe(path) => f.write_str(path),
        }
    }
}

impl Address {
    /// The address that an `Address` message holds.
    pub fn of(address: &Part<'_>) -> Option<Self> {
        if let Some(pipe) = address.path(["pipe", "path"]) {
            return Some(Self::Pipe(pipe.text()?.to_owned()));
        }
        let socket = address.member("socket_address")?;
        let port = u16::try_from(socket.member("port_value")?.value.as_u64()?).ok()?;
        Some(Self::Socket(socket.text_of("address")?.to_owned(), port))
    }

    /// The same place in the one spelling by which places are compared.
    pub fn canonical(self) -> Self {
        let Self::Socket(host, port) = self else { return self };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host };
        Self::Socket(host.parse::<IpAddr>().map_or(host, |address| address.to_canonical().to_string()), port)
    }

    /// Whether it cannot leave the machine.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Pipe(_) => true,
            Self::Socket(host, _) => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// The endpoints that a `ClusterLoadAssignment` lists.
pub fn endpoints_of<'a>(assignment: &Part<'a>) -> Vec<Part<'a>> {
    let endpoints = assignment.list("endpoints").into_iter().flat_map(|group| group.list("lb_endpoints"));
    endpoints.filter_map(|endpoint| endpoint.member("endpoint")).collect()
}

fn endpoints<'a>(cluster: &Part<'a>) -> Vec<Part<'a>> {
    cluster.member("load_assignment").map(|assignment| endpoints_of(&assignment)).unwrap_or_default()
}

/// The addresses of a cluster, as far as they stand in it.
pub fn addresses(cluster: &Part<'_>) -> Vec<Address> {
    endpoints(cluster).iter().filter_map(|endpoint| Address::of(&endpoint.member("address")?)).collect()
}

/// Whether nothing that is sent to a cluster leaves the machine.
pub fn is_local(cluster: &Part<'_>) -> bool {
    let addresses = addresses(cluster);
    !addresses.is_empty() && addresses.iter().all(Address::is_local)
}

/// The transport sockets of a cluster, each with its TLS, which can be inside another.
pub fn sockets<'a>(cluster: &Part<'a>) -> Vec<(Part<'a>, Option<Part<'a>>)> {
    let by_endpoint = cluster.list("transport_socket_matches");
    let by_endpoint = by_endpoint.iter().filter_map(|entry| entry.member("transport_socket"));
    let sockets = cluster.member("transport_socket").into_iter().chain(by_endpoint);
    let tls = |socket: &Part<'a>| {
        let found = socket.find(&|part| part.message_of(TLS).is_some());
        found.first().and_then(|part| part.message_of(TLS))
    };
    sockets.map(|socket| (socket.clone(), tls(&socket))).collect()
}

/// The names in SNI; `None` where it is that of the request's `:authority`.
pub fn server_names<'a>(cluster: &Part<'a>, tls: &Part<'a>) -> Option<Vec<Part<'a>>> {
    if is_automatic(cluster, "auto_sni") {
        return None;
    }
    let endpoints = if tls.flag("auto_host_sni") { endpoints(cluster) } else { Vec::new() };
    let hosts = endpoints.iter().filter_map(|endpoint| {
        let address = || endpoint.path(["address", "socket_address", "address"]);
        endpoint.member("hostname").or_else(address)
    });
    let is_name = |part: &Part<'a>| part.text().is_some_and(|name| !name.is_empty() && name.parse::<IpAddr>().is_err());
    let names: Vec<Part<'a>> = hosts.filter(is_name).collect();
    Some(if names.is_empty() { tls.member("sni").into_iter().filter(is_name).collect() } else { names })
}

/// Whether a cluster takes the name in SNI, or in the certificate, from the request's `:authority`.
pub fn is_automatic(cluster: &Part<'_>, option: &str) -> bool {
    !cluster.find(&|part| part.flag(option)).is_empty()
}
