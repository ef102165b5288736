//! Where a document is fetched from.

use core::fmt;
use core::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

/// A URL, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL that is requested.
    pub url: HttpUrl,
    /// The proxy's cluster that leads there. The document is trusted because this cluster authenticates its server.
    pub cluster: String,
}

/// The characters that a URL may contain in addition to letters and digits (RFC 3986 section 2).
const URL_BYTES: &[u8] = b"-._~:/?[]@!$&'()*+,;=%";

/// An absolute URL of scheme `https` or `http`, without user information and fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Uri);

/// Why a string is not a valid [`HttpUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlFault {
    /// Not a URL (RFC 3986) with a host.
    #[error("it is not an absolute URL with a host")]
    NotAUrl,
    /// Another scheme than `https` and `http`.
    #[error("its scheme is neither https nor http")]
    Scheme,
    /// A user name or password before the host.
    #[error("it has a user name before the host")]
    UserInformation,
    /// A `#`, which is never sent to a server.
    #[error("it has a fragment")]
    Fragment,
}

impl HttpUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// See [`HttpUrlFault`].
    pub fn parse(text: &str) -> Result<Self, HttpUrlFault> {
        if text.contains('#') {
            return Err(HttpUrlFault::Fragment);
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || URL_BYTES.contains(&byte)) {
            return Err(HttpUrlFault::NotAUrl);
        }
        let uri: Uri = text.parse().map_err(|_| HttpUrlFault::NotAUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(HttpUrlFault::NotAUrl);
        };
        if *scheme != Scheme::HTTPS && *scheme != Scheme::HTTP {
            return Err(HttpUrlFault::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(HttpUrlFault::UserInformation);
        }
        // A port that does not fit 16 bits would otherwise be ignored.
        if authority.port_u16().is_none() && authority.as_str() != authority.host() {
            return Err(HttpUrlFault::NotAUrl);
        }
        Ok(Self(uri))
    }

    /// The scheme and the host, as people read them.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority())
    }

    /// The host's name in lower case, or its address without brackets: as a certificate has it (RFC 9525 section 6).
    #[must_use]
    pub fn host_name(&self) -> String {
        self.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
    }

    /// Whether the host is an IP address, for which there is no SNI (RFC 6066 section 3).
    #[must_use]
    pub fn host_is_address(&self) -> bool {
        self.host_name().parse::<IpAddr>().is_ok()
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.is_https() { "https" } else { "http" }
    }

    /// The host in lower case, with the port unless it is the default port of the scheme: `:authority`.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.0.host().unwrap_or_default().to_ascii_lowercase();
        match self.port() {
            port if port != self.default_port() => format!("{host}:{port}"),
            _ => host,
        }
    }

    /// The port; the default port of the scheme if the URL has none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or_else(|| self.default_port())
    }

    fn default_port(&self) -> u16 {
        if self.is_https() { 443 } else { 80 }
    }

    /// The host without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    /// Path and query: `:path`.
    #[must_use]
    pub fn path(&self) -> String {
        match self.0.query() {
            Some(query) => format!("{}?{query}", self.0.path()),
            None => self.0.path().to_owned(),
        }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpUrl, HttpUrlFault};
    use crate::portable;

    #[portable]
    fn a_url_is_taken_apart_as_a_request_needs_it() {
        let url = HttpUrl::parse("https://Login.Example.com:443/keys?v=1").unwrap();
        assert!(url.is_https());
        assert_eq!((url.authority().as_str(), url.path().as_str()), ("login.example.com", "/keys?v=1"));
        let url = HttpUrl::parse("http://[::1]:8081").unwrap();
        assert_eq!((url.scheme(), url.authority().as_str(), url.path().as_str()), ("http", "[::1]:8081", "/"));
        assert_eq!(HttpUrl::parse("https://login.example.com?v=1").unwrap().path(), "/?v=1");
    }

    #[portable]
    fn what_is_no_absolute_url_of_a_web_server_is_refused() {
        for (text, fault) in [
            ("", HttpUrlFault::NotAUrl),
            ("/keys", HttpUrlFault::NotAUrl),
            ("login.example.com/keys", HttpUrlFault::NotAUrl),
            ("https:///keys", HttpUrlFault::NotAUrl),
            ("https://a b/keys", HttpUrlFault::NotAUrl),
            ("https://login.example.com/\u{e9}\n", HttpUrlFault::NotAUrl),
            ("https://login.example.com:99999/keys", HttpUrlFault::NotAUrl),
            ("https://login.example.com/\"keys\"", HttpUrlFault::NotAUrl),
            ("https://login.example.com/{keys}", HttpUrlFault::NotAUrl),
            ("ftp://login.example.com/keys", HttpUrlFault::Scheme),
            ("https://me@login.example.com/keys", HttpUrlFault::UserInformation),
            ("https://login.example.com/keys#one", HttpUrlFault::Fragment),
        ] {
            assert_eq!(HttpUrl::parse(text).err(), Some(fault), "{text}");
        }
    }
}
