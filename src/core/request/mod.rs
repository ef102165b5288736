//! Step 1: the request as the enforcement point sees it, read once.
//!
//! Header fields are the client's own bytes. They choose the route and carry evidence; nothing is believed of them here.
//! A request that two servers could read in two ways is refused, never repaired.

mod ambiguity;
mod authority;
mod headers;
mod method;
mod path;
mod peer;
mod source;
mod template;

#[cfg(test)]
mod tests;

pub use ambiguity::Ambiguity;
pub use authority::host_of;
pub use headers::{Exactly, Headers};
pub use method::{Action, Method, RequestMethod};
pub use path::{Path, Segment};
pub use peer::{Peer, client_address, client_ip};
pub use source::{AddressSource, PeerSource};
pub use template::{Match, Near, PathParameters, PathTemplate, PathTemplateFault};

use core::net::IpAddr;

use crate::limits::Limits;
use crate::refusal::{Detail, Reason, Refusal};

/// Everything the host knows of one request, copied once. Nothing is believed of it but what the host vouches for.
#[derive(Clone, Debug, Default)]
pub struct RequestParts {
    /// All header fields in order, pseudo-headers (`:method`, `:path`, `:authority`, `:scheme`) among them; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The host's `source.address`, `203.0.113.7:1234`, `[2001:db8::1]:1234`, or no address at all; `None` where the
    /// configuration wants none or does not trust this one ([`client_address`]).
    pub source_address: Option<String>,
    /// The listener's port.
    pub destination_port: Option<u16>,
    /// What the host vouches for about the TLS peer or the mesh peer; empty unless the configuration names a source.
    pub peer: Peer,
}

impl RequestParts {
    /// Whether this is a gRPC call, which needs an answer that a gRPC client understands: `content-type` is
    /// `application/grpc`, alone or followed by `+` or `;`. Also known of a request that is refused before it is parsed.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.headers.iter().any(|(name, value)| name == "content-type" && is_grpc_content_type(value))
    }
}

/// A request in the one form that routes and policies see.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: RequestMethod,
    /// Host in lower case, without port and one trailing dot.
    pub host: String,
    /// The path; whether its ambiguous spellings are accepted, the route says.
    pub path: Path,
    /// The query without `?`, empty where there is none. Printable ASCII.
    pub query: String,
    /// `upgrade` is asked for (RFC 9110 section 7.8), any protocol.
    pub upgrade: bool,
    /// For a CORS preflight (Fetch standard: `OPTIONS` with `Origin` and `Access-Control-Request-Method`): the method it
    /// asks about. With an `Upgrade` field it is none: what is permitted as a preflight must not open a tunnel.
    pub preflight_for: Option<RequestMethod>,
    /// Header fields without the pseudo-headers.
    pub headers: Headers,
    /// The client's address where it is known: IPv4-mapped IPv6 folded to IPv4, no zone.
    pub client_ip: Option<IpAddr>,
    /// The listener's port.
    pub destination_port: Option<u16>,
    /// The peer.
    pub peer: Peer,
}

impl Request {
    /// Parses what the host handed over.
    ///
    /// # Errors
    /// A refusal of kind `Ambiguous`; where there are several faults, the first of: sizes, method, authority, path.
    pub fn parse(parts: RequestParts, limits: &Limits) -> Result<Self, Refusal> {
        within_limits(&parts.headers, limits)?;
        let RequestParts { headers, source_address, destination_port, peer } = parts;
        let (pseudo, fields): (Vec<_>, Vec<_>) = headers.into_iter().partition(|(name, _)| name.starts_with(':'));
        let (pseudo, headers) = (Headers::new(pseudo), Headers::new(fields));

        let method = match pseudo.exactly(":method") {
            Exactly::One(name) => method_of(name)?,
            Exactly::None => return Err(Refusal::with(Reason::MethodUnsupported, Detail::Fault("no method"))),
            Exactly::Many => return Err(Refusal::with(Reason::MethodUnsupported, Detail::Fault("two methods"))),
        };
        let host = host_of(authority(&pseudo, &headers)?)?;
        let (path, query) = match pseudo.exactly(":path") {
            Exactly::One(target) => Path::parse(target, limits.max_path_bytes)?,
            Exactly::None => return Err(Refusal::new(Reason::PathMissing)),
            Exactly::Many => return Err(Refusal::with(Reason::PathAmbiguous, Detail::Fault("two paths"))),
        };
        let upgrade = headers.contains("upgrade");
        let preflight_for = if upgrade { None } else { preflight(method, &headers)? };
        let client_ip = source_address.as_deref().and_then(client_ip);
        Ok(Self { method, host, path, query, upgrade, preflight_for, headers, client_ip, destination_port, peer })
    }
}

/// Counts names and values, pseudo-headers included; what stands between them on the wire differs by protocol.
fn within_limits(headers: &[(String, Vec<u8>)], limits: &Limits) -> Result<(), Refusal> {
    let too_large = |found, max| Refusal::with(Reason::HeadersTooLarge, Detail::Size { found, max });
    if headers.len() > limits.max_headers {
        return Err(too_large(headers.len(), limits.max_headers));
    }
    let bytes =
        headers.iter().fold(0_usize, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(value.len()));
    if bytes > limits.max_header_bytes { Err(too_large(bytes, limits.max_header_bytes)) } else { Ok(()) }
}

fn method_of(name: &[u8]) -> Result<RequestMethod, Refusal> {
    RequestMethod::from_name(name).ok_or(Refusal::new(Reason::MethodUnsupported))
}

/// The authority: `:authority`, or `Host` where the host hands an HTTP/1 request over so. Both may be there if they agree.
fn authority<'a>(pseudo: &'a Headers, fields: &'a Headers) -> Result<&'a [u8], Refusal> {
    match (pseudo.exactly(":authority"), fields.exactly("host")) {
        (Exactly::One(authority), Exactly::None) | (Exactly::None, Exactly::One(authority)) => Ok(authority),
        (Exactly::One(authority), Exactly::One(host)) if authority == host => Ok(authority),
        (Exactly::One(_), Exactly::One(_)) => {
            Err(Refusal::with(Reason::AuthorityMalformed, Detail::Fault("`:authority` and `host` differ")))
        }
        (Exactly::None, Exactly::None) => Err(Refusal::new(Reason::AuthorityMissing)),
        (Exactly::Many, _) | (_, Exactly::Many) => {
            Err(Refusal::with(Reason::AuthorityMissing, Detail::Fault("more than one host")))
        }
    }
}

/// The method that a CORS preflight asks about. An `OPTIONS` with a doubled field is none: it is a request like any other.
fn preflight(method: RequestMethod, headers: &Headers) -> Result<Option<RequestMethod>, Refusal> {
    match (method, headers.exactly("origin"), headers.exactly("access-control-request-method")) {
        (RequestMethod::Common(Method::Options), Exactly::One(_), Exactly::One(requested)) => {
            method_of(requested).map(Some)
        }
        _ => Ok(None),
    }
}

fn is_grpc_content_type(value: &[u8]) -> bool {
    value.strip_prefix(b"application/grpc").is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

#[cfg(test)]
impl RequestParts {
    /// A request as a client could send it, for tests.
    pub(crate) fn for_test(method: &str, authority: &str, path: &str, fields: &[(&str, &[u8])]) -> Self {
        let pseudo = [(":method", method), (":authority", authority), (":path", path), (":scheme", "https")];
        let pseudo = pseudo.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec()));
        Self { headers: pseudo.chain(fields).collect(), ..Self::default() }
    }
}

#[cfg(test)]
impl Request {
    /// A `GET` for `/` with these fields, for tests.
    pub(crate) fn for_test(fields: &[(&str, &[u8])]) -> Self {
        let parts = RequestParts::for_test("GET", "shop.example.com", "/", fields);
        Self::parse(parts, &Limits::default()).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }
}
