//! What a provider answered: a JWK set or metadata, or a reason why the answer is not taken.
//!
//! It serves the refresh of keys. Nothing of the answer is trusted: its size, form and every key in it are checked as those
//! of the configuration are, and an answer that is not taken changes nothing but a counter.

use core::fmt;

use crate::jose::KeySetFault;
use crate::jose::json::JsonFault;
use crate::keys::MetadataFault;
use crate::limits::MAX_KEY_SET_BYTES;
use crate::provider::ProviderName;
use crate::time::Seconds;

/// An HTTP answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status; 0 where there is none.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The bytes of the body that were read: all, or as many as the cap.
    pub body: Vec<u8>,
    /// The bytes that the body has.
    pub body_bytes: usize,
}

/// Why a fetch brought no keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchFault {
    /// The proxy did not send the request: it has no such cluster, or the cluster no host.
    NotSent,
    /// There was no answer in time.
    NoAnswer,
    /// The status is not 200.
    Status(u16),
    /// The status tells to ask elsewhere, which is never done.
    Redirect(u16),
    /// The content is not said to be JSON.
    ContentType,
    /// The content is compressed.
    ContentEncoding,
    /// The body has this many bytes.
    TooLarge(usize),
    /// The body is not strict JSON.
    NotJson(JsonFault),
    /// The body is not a JWK set that can be used.
    KeySet(KeySetFault),
    /// A key of the set is a key of this provider too, and no pin tells tokens of the two apart.
    SharedKey(ProviderName),
    /// The metadata does not lead to keys.
    Metadata(MetadataFault),
}

impl FetchFault {
    /// The word in metrics: letters and `_`.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::NoAnswer => "no_answer",
            Self::Status(_) => "status",
            Self::Redirect(_) => "redirect",
            Self::ContentType => "content_type",
            Self::ContentEncoding => "content_encoding",
            Self::TooLarge(_) => "too_large",
            Self::NotJson(_) => "not_json",
            Self::KeySet(KeySetFault::NoUsableKey(_)) => "no_usable_key",
            Self::KeySet(_) => "not_a_key_set",
            Self::SharedKey(_) => "shared_key",
            Self::Metadata(_) => "metadata",
        }
    }
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent => f.write_str("the proxy has no cluster of this name, or no host in it"),
            Self::NoAnswer => f.write_str("there was no answer in time"),
            Self::Status(status @ (503 | 504)) => {
                write!(
                    f,
                    "the answer was {status}, which is also what the proxy says where it does not reach the provider"
                )
            }
            Self::Status(status) => write!(f, "the answer was {status}"),
            Self::Redirect(status) => write!(f, "the answer was {status}; redirects are not followed"),
            Self::ContentType => f.write_str("the content type of the answer is not JSON"),
            Self::ContentEncoding => f.write_str("the answer is compressed, which was not asked for"),
            Self::TooLarge(bytes) => write!(f, "the answer has {bytes} bytes, at most {MAX_KEY_SET_BYTES} are read"),
            Self::NotJson(fault) => write!(f, "the answer is not strict JSON: {fault}"),
            Self::KeySet(fault) => fault.fmt(f),
            Self::SharedKey(other) => write!(
                f,
                "a key of the set is a key of `{other}` too, so a token of one could serve as a token of the other; \
                 add `pins` to both"
            ),
            Self::Metadata(MetadataFault::Issuer) => {
                f.write_str("`issuer` of the metadata is not the configured issuer")
            }
            Self::Metadata(MetadataFault::KeyUrl) => f.write_str("`jwks_uri` of the metadata is not a URL"),
            Self::Metadata(MetadataFault::Scheme) => {
                f.write_str("`jwks_uri` of the metadata has another scheme than the metadata's own URL")
            }
            Self::Metadata(MetadataFault::Host(host)) => write!(
                f,
                "`jwks_uri` of the metadata lies on {:.100}; if that is right, name host and cluster in `keys.jwks`",
                host.escape_debug().to_string()
            ),
        }
    }
}

impl Response {
    /// The body, if the answer is one that JSON can be read from.
    pub(crate) fn json_body(&self) -> Result<&[u8], FetchFault> {
        match self.status {
            200 => {}
            0 => return Err(FetchFault::NoAnswer),
            status @ 300..=399 => return Err(FetchFault::Redirect(status)),
            status => return Err(FetchFault::Status(status)),
        }
        if self.body_bytes > MAX_KEY_SET_BYTES {
            return Err(FetchFault::TooLarge(self.body_bytes));
        }
        if self.values("content-encoding").any(|value| !value.trim().eq_ignore_ascii_case("identity")) {
            return Err(FetchFault::ContentEncoding);
        }
        let mut types = self.values("content-type");
        match (types.next(), types.next()) {
            (Some(content_type), None) if is_json(&content_type) => Ok(&self.body),
            _ => Err(FetchFault::ContentType),
        }
    }

    /// How long the answer is fresh: `max-age` without the time that caches on the way kept it (RFC 9111 section 4.2), and
    /// nothing at all where it says that it must not be kept.
    #[must_use]
    pub fn lifetime(&self) -> Option<Seconds> {
        let mut max_age = None;
        for value in self.values("cache-control") {
            for directive in value.split(',').map(|directive| directive.trim().to_ascii_lowercase()) {
                match directive.split_once('=') {
                    None if matches!(directive.as_str(), "no-store" | "no-cache") => return Some(Seconds::new(0)),
                    Some(("max-age", seconds)) => max_age = max_age.or(seconds.trim_matches('"').parse::<u64>().ok()),
                    _ => {}
                }
            }
        }
        let age: u64 = self.values("age").find_map(|value| value.trim().parse().ok()).unwrap_or(0);
        max_age.map(|max_age| Seconds::new(max_age.saturating_sub(age)))
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = String> {
        let fields = self.headers.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

/// `application/json`, or a type of its family such as `application/jwk-set+json` (RFC 6839 section 3.1).
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.strip_prefix("application/") {
        Some(subtype) => subtype == "json" || subtype.ends_with("+json"),
        None => false,
    }
}

#[cfg(test)]
mod tests;
