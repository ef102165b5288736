//! An HTTP answer from a provider, and why it cannot be used.
//!
//! No part of an answer is trusted: status, size, encoding and content type are checked here, the content by its
//! [`Payload`](super::payload::Payload). An answer that fails a check changes nothing except metrics and the time of the next
//! attempt.

use crate::jose::json::JsonFault;
use crate::time::Seconds;

/// An HTTP answer as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status; 0 if there is none.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The bytes of the body that were read: all, or as many as the cap allows.
    pub body: Vec<u8>,
    /// The length of the body.
    pub body_bytes: usize,
}

/// Why a fetch brought no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// The proxy did not send the request.
    #[error("the proxy has no cluster of this name, or no host in it")]
    NotSent,
    /// No answer came in time.
    #[error("there was no answer in time")]
    NoAnswer,
    /// The status is not 200.
    #[error("the answer was {0}{hint}", hint = hint(*.0))]
    Status(u16),
    /// The status is a redirect. Redirects are never followed.
    #[error("the answer was {0}; redirects are not followed")]
    Redirect(u16),
    /// The content type is not JSON.
    #[error("the content type of the answer is not JSON")]
    ContentType,
    /// The content is compressed.
    #[error("the answer is compressed, although that was not requested")]
    ContentEncoding,
    /// The body is too long.
    #[error("the answer has {bytes} bytes, at most {max_bytes} are accepted")]
    TooLarge {
        /// The length of the body.
        bytes: usize,
        /// The maximum length.
        max_bytes: usize,
    },
    /// The body is not strict JSON.
    #[error("the answer is not strict JSON: {0}")]
    NotJson(JsonFault),
}

/// Two statuses also come from the proxy itself.
const fn hint(status: u16) -> &'static str {
    match status {
        503 | 504 => ", which the proxy also answers if it cannot reach the provider",
        _ => "",
    }
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
            Self::TooLarge { .. } => "too_large",
            Self::NotJson(_) => "not_json",
        }
    }
}

impl Response {
    /// The body of a successful answer whose content type is JSON.
    ///
    /// # Errors
    /// Every fault except `NotSent` and `NotJson`: the body itself is not parsed here.
    pub fn json_body(&self, max_bytes: usize) -> Result<&[u8], FetchFault> {
        let body = self.successful_body(max_bytes)?;
        let mut types = self.values("content-type");
        match (types.next(), types.next()) {
            (Some(content_type), None) if is_json(&content_type) => Ok(body),
            _ => Err(FetchFault::ContentType),
        }
    }

    /// The body of a successful answer, whatever its content type is.
    ///
    /// # Errors
    /// Every fault except `NotSent`, `ContentType` and `NotJson`.
    pub(crate) fn successful_body(&self, max_bytes: usize) -> Result<&[u8], FetchFault> {
        match self.status {
            200 => {}
            0 => return Err(FetchFault::NoAnswer),
            status @ 300..=399 => return Err(FetchFault::Redirect(status)),
            status => return Err(FetchFault::Status(status)),
        }
        if self.body_bytes > max_bytes {
            return Err(FetchFault::TooLarge { bytes: self.body_bytes, max_bytes });
        }
        if self.values("content-encoding").any(|value| !value.trim().eq_ignore_ascii_case("identity")) {
            return Err(FetchFault::ContentEncoding);
        }
        Ok(&self.body)
    }

    /// How long the answer is fresh: `max-age` minus the time that caches on the way have kept it (RFC 9111 section 4.2), and
    /// zero if it says that it must not be cached. `None` if it does not say.
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

/// Whether a content type is `application/json` or has its suffix, such as `application/jwk-set+json` (RFC 6839 section 3.1).
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.strip_prefix("application/") {
        Some(subtype) => subtype == "json" || subtype.ends_with("+json"),
        None => false,
    }
}

#[cfg(test)]
mod tests;
