//! The facts of the request and of the peer that `context` has whatever the configuration declares.
//!
//! One table for the schema, for the rule that absent facts must not lift a rule, and for what Anonymous may be asked by.
//!
//! | fact | when it is absent | can a client make it absent | counts as absent for the rule |
//! |---|---|---|---|
//! | `http_method`, `hostname`, `path`, `query` | never; `query` may be empty | no | |
//! | `user_agent` | the header is missing, is there twice, or is not UTF-8 | yes | yes |
//! | `client_ip`, `source_ip` | the address is unknown | yes, where `X-Forwarded-For` decides; also over a pipe | yes |
//! | `port` | the proxy does not say it, as on a listener that is a pipe | no | yes: a rule must not depend on the listener |
//! | `path_parameters.<name>` | the route has no such parameter | no: on each route it is there always, or never | no: it tells routes apart |
//! | `peer`, `peer.certificate_sha256`, `peer.uri` | the connection has no verified certificate, or one without a URI | yes | yes |
//! | `now` | never | no | |

/// The type of a fact of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestType {
    /// Cedar's String.
    String,
    /// Cedar's Long.
    Long,
    /// Cedar's extension type `ipaddr`.
    Ip,
}

/// One member of `context.http_request`; `path_parameters`, whose members are the routes', is not in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestFact {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub of: RequestType,
    /// Whether every request has it.
    pub certain: bool,
    /// Whether it is a place in the network, by which nothing is permitted to Anonymous.
    pub network: bool,
}

/// The members of `context.http_request`.
pub(super) const REQUEST_FACTS: [RequestFact; 8] = [
    RequestFact { name: "http_method", of: RequestType::String, certain: true, network: false },
    RequestFact { name: "hostname", of: RequestType::String, certain: true, network: false },
    RequestFact { name: "path", of: RequestType::String, certain: true, network: false },
    RequestFact { name: "query", of: RequestType::String, certain: true, network: false },
    RequestFact { name: "port", of: RequestType::Long, certain: false, network: true },
    RequestFact { name: "user_agent", of: RequestType::String, certain: false, network: false },
    RequestFact { name: "client_ip", of: RequestType::String, certain: false, network: true },
    RequestFact { name: "source_ip", of: RequestType::Ip, certain: false, network: true },
];

/// The members of `context.peer`, texts; the record and each of them may be absent.
pub(super) const PEER_FACTS: [&str; 2] = ["certificate_sha256", "uri"];

impl RequestFact {
    /// The row of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        REQUEST_FACTS.iter().find(|fact| fact.name == name)
    }
}
