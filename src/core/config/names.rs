//! Names that the document may use, and how a wrong one is shown and guessed at.

use core::fmt::Write as _;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::request::host_of;
use crate::route::HostPattern;
use crate::text::nearest;

/// Cedar's reserved words, and the words of its policy heads, which would read badly as names.
const CEDAR_WORDS: &[&str] = &[
    "__cedar",
    "action",
    "context",
    "else",
    "false",
    "forbid",
    "has",
    "if",
    "in",
    "is",
    "like",
    "permit",
    "principal",
    "resource",
    "then",
    "true",
    "unless",
    "when",
];

/// Names that mean something else beside a provider's: members of `context`, and types of the schema.
const TAKEN_BY_SCHEMA: &[&str] =
    &["credential", "device", "http_request", "now", "peer", "Anonymous", "Workload", "Action", "Route", "Application"];

/// Names of types that Cedar has itself, and those that each issuer's namespace has already.
const TAKEN_TYPES: &[&str] = &[
    "Action",
    "Bool",
    "Boolean",
    "Entity",
    "Extension",
    "Group",
    "Long",
    "Record",
    "Set",
    "String",
    "datetime",
    "decimal",
    "duration",
    "ipaddr",
];

/// Names with a meaning for HTTP or for the proxy that must not be given a second one.
pub(super) const TAKEN: &[(&str, &str)] = &[
    ("authorization", "it carries the access token"),
    ("connection", "it ends at each hop"),
    ("content-length", "it says where the body ends"),
    ("cookie", "it carries the client's state for the application"),
    ("dpop", "it carries the proof of possession"),
    ("host", "it names the application"),
    ("keep-alive", "it ends at each hop"),
    ("proxy-authenticate", "it ends at each hop"),
    ("proxy-authorization", "it ends at each hop"),
    ("proxy-connection", "it ends at each hop"),
    ("te", "it ends at each hop"),
    ("trailer", "it ends at each hop"),
    ("transfer-encoding", "it ends at each hop"),
    ("upgrade", "it ends at each hop"),
];

/// Longest name or word that a message repeats; longer ones could be anything, a token too.
const MAX_QUOTED_CHARACTERS: usize = 64;

/// Bytes of a host name (RFC 1035 section 2.3.4, without the root's).
const MAX_HOST_BYTES: usize = 253;

/// Bytes of one label of a host name.
const MAX_LABEL_BYTES: usize = 63;

/// Whether a provider may not have this name.
pub(super) fn is_reserved_provider(name: &str) -> bool {
    CEDAR_WORDS.contains(&name) || TAKEN_BY_SCHEMA.contains(&name)
}

/// Whether an attribute of routes may not have this name.
pub(super) fn is_reserved_attribute(name: &str) -> bool {
    CEDAR_WORDS.contains(&name)
}

/// Whether a principal's type may not have this name.
pub(super) fn is_reserved_type(name: &str) -> bool {
    CEDAR_WORDS.contains(&name) || TAKEN_TYPES.contains(&name)
}

/// Whether the text can name an application, a route or a document.
pub(super) fn is_plain_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whether the text is a token (RFC 9110 section 5.6.2), as header names are.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Why a text cannot be a header of ours.
pub(super) enum HeaderFault {
    /// It is not a header name.
    NotAName(&'static str),
    /// It has a meaning already.
    Taken(&'static str),
}

/// A header's name in lower case.
pub(super) fn header_name(text: &str) -> Result<String, HeaderFault> {
    if text.starts_with(':') {
        return Err(HeaderFault::Taken("it is a pseudo-header"));
    }
    if !is_token(text) {
        return Err(HeaderFault::NotAName("this is not the name of a header"));
    }
    if text.contains('_') {
        // Applications read `_` and `-` as one; two spellings would be two headers here and one there.
        return Err(HeaderFault::NotAName("the header's name has `_`, which many applications read as `-`"));
    }
    let name = text.to_ascii_lowercase();
    if let Some((_, why)) = TAKEN.iter().find(|(taken, _)| *taken == name) {
        return Err(HeaderFault::Taken(why));
    }
    if name.starts_with("x-countersign-") {
        return Err(HeaderFault::Taken("`x-countersign-` is this program's own"));
    }
    if name.starts_with("x-envoy-") {
        return Err(HeaderFault::Taken("`x-envoy-` steers the proxy"));
    }
    Ok(name)
}

/// A host of an application, or what is wrong with it.
pub(super) fn host_pattern(text: &str) -> Result<HostPattern, &'static str> {
    let Some(domain) = text.strip_prefix("*.") else { return host(text).map(HostPattern::Exactly) };
    let domain = host(domain)?;
    if domain.starts_with('[') || domain.parse::<Ipv4Addr>().is_ok() {
        return Err("has a wildcard before an IP address");
    }
    if !domain.contains('.') {
        return Err("has a wildcard before a single label, which would be every host of a whole top-level domain");
    }
    Ok(HostPattern::OneLabelBefore(format!(".{domain}")))
}

/// A host in the form in which requests are compared with it, or what is wrong with it.
fn host(text: &str) -> Result<String, &'static str> {
    if text.contains('*') {
        return Err("has a `*` elsewhere than in `*.` at its beginning, for one whole label");
    }
    if text.contains('/') {
        return Err("is a URL");
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err("is an IPv6 address without brackets");
    }
    let host = host_of(text.as_bytes()).map_err(|_| "is not a host name")?;
    // A request's host is without these, so they would say nothing here.
    if text.ends_with('.') {
        return Err("ends with a dot");
    }
    if text.rfind(':') > text.rfind(']') {
        return Err("has a port");
    }
    if host.starts_with('[') {
        return Ok(host);
    }
    let ends_in_number = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if ends_in_number && host.parse::<Ipv4Addr>().is_err() {
        return Err("ends in a number and is no IPv4 address");
    }
    let is_label = |label: &str| label.len() <= MAX_LABEL_BYTES && !label.starts_with('-') && !label.ends_with('-');
    if host.len() > MAX_HOST_BYTES || !host.split('.').all(is_label) {
        return Err("is not a DNS name");
    }
    Ok(host)
}

/// What to do about a name that is unknown: the near miss, or all there are.
pub(super) fn guess<'a>(text: &str, names: impl Iterator<Item = &'a str> + Clone, what: &str) -> String {
    if let Some(near) = nearest(text, names.clone()) {
        return format!("did you mean `{near}`?");
    }
    let all = quoted_list(names);
    if all.is_empty() { format!("there are no {what} in this configuration") } else { format!("the {what} are {all}") }
}

/// The text in backticks; only its length where it is long or not printable, so that no credential gets into a message.
pub(super) fn quoted(text: &str) -> String {
    let length = text.chars().count();
    if length > MAX_QUOTED_CHARACTERS {
        return format!("a string of {length} characters");
    }
    if text.chars().any(char::is_control) {
        return "a string with control characters".to_owned();
    }
    format!("`{text}`")
}

/// Names in one list: a configuration with a thousand names and a thousand slips must not make a million words of help.
const MAX_LISTED: usize = 20;

/// The texts in backticks with commas between; of a long list the beginning and how many more there are.
pub(super) fn quoted_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut list = String::new();
    let mut texts = texts.into_iter();
    for text in texts.by_ref().take(MAX_LISTED) {
        let separator = if list.is_empty() { "" } else { ", " };
        // Writing to a `String` cannot fail.
        let _ = write!(list, "{separator}{}", quoted(text));
    }
    match texts.count() {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}
