//! The request as the enforcement point sees it, parsed once.
//!
//! Header fields come from the client. They select the route and carry evidence, but nothing in them is trusted here.
//! A request that two servers could read in two ways is refused, never repaired.

mod ambiguity;
mod authority;
mod certificate;
mod headers;
mod method;
mod path;
mod peer;
mod source;
mod template;

#[cfg(test)]
mod tests;

pub use ambiguity::Ambiguity;
pub(crate) use authority::host_and_port;
pub use authority::host_of;
#[cfg(test)]
pub(crate) use certificate::build;
pub use certificate::{
    Certificate, CertificateMemory, CertificateNames, FORWARDED_CLIENT_CERT, ForwardedCertificate, ForwardedFault,
    NameFault, NoNames, SubjectAttribute, UriCount,
};
pub use headers::{Exactly, HeaderField, Headers};
pub use method::{Action, Method, RequestMethod};
pub use path::{Path, Segment};
pub use peer::{NoPeerUri, Peer, certificate_digest, client_address, client_ip};
pub use source::{AddressSource, PeerSource};
pub use template::{Match, Near, PathParameters, PathTemplate, PathTemplateFault};

use core::net::IpAddr;

use crate::limits::Limits;
use crate::refusal::{Detail, Reason, Refusal};

/// Everything that the host knows about one request, copied once. Only the values that the host vouches for are
/// trusted.
#[derive(Clone, Debug, Default)]
pub struct RequestParts {
    /// All header fields in order, pseudo-headers (`:method`, `:path`, `:authority`, `:scheme`) among them; names in
    /// lower case.
    pub headers: Headers,
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
        self.headers.all("content-type").any(is_grpc_content_type)
    }
}

/// A request in the one form that routes and policies see.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: RequestMethod,
    /// Host in lower case, without port and one trailing dot.
    pub host: String,
    /// The port after the host, if the client named one. Routes and policies do not see it.
    pub host_port: Option<u16>,
    /// The path. The route decides whether its ambiguous spellings are accepted.
    pub path: Path,
    /// The query without `?`; empty if there is none. Printable ASCII.
    pub query: String,
    /// Whether the client asks for an upgrade (RFC 9110 section 7.8) to any protocol.
    pub upgrade: bool,
    /// For a CORS preflight (Fetch standard: `OPTIONS` with `Origin` and `Access-Control-Request-Method`): the method
    /// it asks about. With an `Upgrade` field it is none: what is permitted as a preflight must not open a tunnel.
    pub preflight_for: Option<RequestMethod>,
    /// Header fields, pseudo-headers among them.
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
        let method = match headers.exactly(":method") {
            Exactly::One(name) => method_of(name)?,
            Exactly::None => return Err(Refusal::with(Reason::MethodUnsupported, Detail::Fault("no method"))),
            Exactly::Many => return Err(Refusal::with(Reason::MethodUnsupported, Detail::Fault("two methods"))),
        };
        let (host, host_port) = host_and_port(authority(&headers)?)?;
        let (path, query) = match headers.exactly(":path") {
            Exactly::One(target) => Path::parse(target, limits.max_path_bytes)?,
            Exactly::None => return Err(Refusal::new(Reason::PathMissing)),
            Exactly::Many => return Err(Refusal::with(Reason::PathAmbiguous, Detail::Fault("two paths"))),
        };
        let upgrade = headers.contains("upgrade");
        let preflight_for = if upgrade { None } else { preflight(method, &headers)? };
        let client_ip = source_address.as_deref().and_then(client_ip);
        Ok(Self {
            method,
            host,
            host_port,
            path,
            query,
            upgrade,
            preflight_for,
            headers,
            client_ip,
            destination_port,
            peer,
        })
    }
}

/// Counts names and values, pseudo-headers included.
fn within_limits(headers: &Headers, limits: &Limits) -> Result<(), Refusal> {
    let too_large = |found, max| Refusal::with(Reason::HeadersTooLarge, Detail::Size { found, max });
    if headers.len() > limits.max_headers {
        return Err(too_large(headers.len(), limits.max_headers));
    }
    let bytes = headers.bytes();
    if bytes > limits.max_header_bytes { Err(too_large(bytes, limits.max_header_bytes)) } else { Ok(()) }
}

fn method_of(name: &[u8]) -> Result<RequestMethod, Refusal> {
    RequestMethod::from_name(name).ok_or(Refusal::new(Reason::MethodUnsupported))
}

/// The authority: `:authority`, or `Host` if the proxy hands over an HTTP/1 request so. Both may be present if they are
/// equal.
fn authority(headers: &Headers) -> Result<&[u8], Refusal> {
    match (headers.exactly(":authority"), headers.exactly("host")) {
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

/// The method that a CORS preflight asks about. An `OPTIONS` with a repeated field is not a preflight but an ordinary
/// request.
fn preflight(method: RequestMethod, headers: &Headers) -> Result<Option<RequestMethod>, Refusal> {
    if method != RequestMethod::Common(Method::Options) {
        return Ok(None);
    }
    match (headers.exactly("origin"), headers.exactly("access-control-request-method")) {
        (Exactly::One(_), Exactly::One(requested)) => method_of(requested).map(Some),
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
        let pseudo = pseudo.iter().map(|(name, value)| (*name, value.as_bytes()));
        Self { headers: pseudo.chain(fields.iter().copied()).collect(), ..Self::default() }
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
