//! Where a document is fetched from.

use core::fmt;

use http::Uri;
use http::uri::Scheme;

/// A URL, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What is asked for.
    pub url: KeyUrl,
    /// The proxy's cluster that leads there. What it authenticates is what we believe.
    pub cluster: String,
}

/// What a URL may have beside letters and digits (RFC 3986 section 2).
const URL_BYTES: &[u8] = b"-._~:/?[]@!$&'()*+,;=%";

/// An absolute URL of scheme `https` or `http`, without user information and fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyUrl(Uri);

/// Why a text is no [`KeyUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUrlFault {
    /// Not a URL (RFC 3986) with a host.
    NotAUrl,
    /// Another scheme than `https` and `http`.
    Scheme,
    /// A user name or password before the host.
    UserInformation,
    /// A `#`, which no server is ever sent.
    Fragment,
}

impl fmt::Display for KeyUrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAUrl => "it is not an absolute URL with a host",
            Self::Scheme => "its scheme is neither https nor http",
            Self::UserInformation => "it has a user name before the host",
            Self::Fragment => "it has a fragment",
        })
    }
}

impl KeyUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// See [`KeyUrlFault`].
    pub fn parse(text: &str) -> Result<Self, KeyUrlFault> {
        if text.contains('#') {
            return Err(KeyUrlFault::Fragment);
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || URL_BYTES.contains(&byte)) {
            return Err(KeyUrlFault::NotAUrl);
        }
        let uri: Uri = text.parse().map_err(|_| KeyUrlFault::NotAUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else { return Err(KeyUrlFault::NotAUrl) };
        if *scheme != Scheme::HTTPS && *scheme != Scheme::HTTP {
            return Err(KeyUrlFault::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(KeyUrlFault::UserInformation);
        }
        // A port that is no number of 16 bits would be taken for none.
        if authority.port_u16().is_none() && authority.as_str() != authority.host() {
            return Err(KeyUrlFault::NotAUrl);
        }
        Ok(Self(uri))
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

    /// The host in lower case, with the port where it is written and not the scheme's own: `:authority`.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.0.host().unwrap_or_default().to_ascii_lowercase();
        match self.port() {
            port if port != self.own_port() => format!("{host}:{port}"),
            _ => host,
        }
    }

    /// The port, the scheme's own where none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or_else(|| self.own_port())
    }

    fn own_port(&self) -> u16 {
        if self.is_https() { 443 } else { 80 }
    }

    /// The host alone.
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

impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyUrl, KeyUrlFault};
    use crate::portable;

    #[portable]
    fn a_url_is_taken_apart_as_a_request_needs_it() {
        let url = KeyUrl::parse("https://Login.Example.com:443/keys?v=1").unwrap();
        assert!(url.is_https());
        assert_eq!((url.authority().as_str(), url.path().as_str()), ("login.example.com", "/keys?v=1"));
        let url = KeyUrl::parse("http://[::1]:8081").unwrap();
        assert_eq!((url.scheme(), url.authority().as_str(), url.path().as_str()), ("http", "[::1]:8081", "/"));
        assert_eq!(KeyUrl::parse("https://login.example.com?v=1").unwrap().path(), "/?v=1");
    }

    #[portable]
    fn what_is_no_absolute_url_of_a_web_server_is_refused() {
        for (text, fault) in [
            ("", KeyUrlFault::NotAUrl),
            ("/keys", KeyUrlFault::NotAUrl),
            ("login.example.com/keys", KeyUrlFault::NotAUrl),
            ("https:///keys", KeyUrlFault::NotAUrl),
            ("https://a b/keys", KeyUrlFault::NotAUrl),
            ("https://login.example.com/\u{e9}\n", KeyUrlFault::NotAUrl),
            ("https://login.example.com:99999/keys", KeyUrlFault::NotAUrl),
            ("https://login.example.com/\"keys\"", KeyUrlFault::NotAUrl),
            ("https://login.example.com/{keys}", KeyUrlFault::NotAUrl),
            ("ftp://login.example.com/keys", KeyUrlFault::Scheme),
            ("https://me@login.example.com/keys", KeyUrlFault::UserInformation),
            ("https://login.example.com/keys#one", KeyUrlFault::Fragment),
        ] {
            assert_eq!(KeyUrl::parse(text).err(), Some(fault), "{text}");
        }
    }
}
