//! Whether the `htu` of a proof is the URL of the request (RFC 9449 section 4.3, check 9).
//!
//! Both are compared after syntax-based and scheme-based normalization (RFC 3986 sections 6.2.2 and 6.2.3): scheme and
//! host in lower case, the scheme's own port left out, an empty path as `/`, escapes as in the path that policies see.
//! A URL with `.` or `..` segments is rejected and not normalized, as such a path of a request is.

use crate::profile::Scheme;
use crate::request::{Path, Request, host_and_port};

/// Compares them. The scheme is the operator's word: behind a hop that terminates TLS, the proxy cannot see it.
///
/// # Errors
/// What differs.
pub(super) fn fits(url: &str, request: &Request, scheme: Scheme) -> Result<(), &'static str> {
    let (own, rest) = url.split_once("://").ok_or("`htu` is not an absolute URL")?;
    if !own.eq_ignore_ascii_case(scheme.name()) {
        return Err("`htu` has another scheme than `external_scheme`");
    }
    let without_query = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = match without_query.find('/') {
        Some(slash) => without_query.split_at_checked(slash).unwrap_or_default(),
        None => (without_query, "/"),
    };
    let (host, port) = host_and_port(authority.as_bytes()).map_err(|_| "`htu` has a malformed host")?;
    if host != request.host {
        return Err("`htu` has another host");
    }
    let effective = |port: Option<u16>| port.unwrap_or(scheme.default_port());
    if effective(port) != effective(request.host_port) {
        return Err("`htu` has another port");
    }
    // The whole URL is in a proof, and the cap on proofs is the cap on it.
    let (path, _) = Path::parse(path.as_bytes(), path.len()).map_err(|_| "`htu` has a malformed path")?;
    if path.as_str() == request.path.as_str() { Ok(()) } else { Err("`htu` has another path") }
}

#[cfg(test)]
mod tests {
    use super::fits;
    use crate::limits::Limits;
    use crate::portable;
    use crate::profile::Scheme;
    use crate::request::{Request, RequestParts};

    fn request(authority: &str, path: &str) -> Request {
        Request::parse(RequestParts::for_test("GET", authority, path, &[]), &Limits::default()).unwrap()
    }

    #[portable]
    fn spellings_of_one_url_are_equal() {
        let request = request("shop.example.com", "/a%7Eb/c%2fd?x=1");
        for url in [
            "https://shop.example.com/a~b/c%2Fd",
            "HTTPS://SHOP.example.com:443/%61~b/c%2fd",
            "https://shop.example.com/a~b/c%2Fd?another=query#fragment",
            "https://shop.example.com/a~b/c%2Fd#fragment",
        ] {
            assert_eq!(fits(url, &request, Scheme::Https), Ok(()), "{url}");
        }
    }

    #[portable]
    fn an_empty_path_is_the_root() {
        for url in ["https://shop.example.com", "https://shop.example.com/", "https://shop.example.com?x"] {
            assert_eq!(fits(url, &request("shop.example.com", "/"), Scheme::Https), Ok(()), "{url}");
        }
    }

    #[portable]
    fn the_port_counts_unless_it_is_that_of_the_scheme() {
        let other = request("shop.example.com:8443", "/");
        assert_eq!(fits("https://shop.example.com:8443/", &other, Scheme::Https), Ok(()));
        assert!(fits("https://shop.example.com/", &other, Scheme::Https).is_err());
        let https = request("shop.example.com:443", "/");
        assert_eq!(fits("https://shop.example.com/", &https, Scheme::Https), Ok(()));
        assert!(fits("http://shop.example.com/", &https, Scheme::Http).is_err(), "443 is not the port of http");
        assert_eq!(fits("http://shop.example.com:80/", &request("shop.example.com", "/"), Scheme::Http), Ok(()));
    }

    #[portable]
    fn any_other_url_is_another_one() {
        let request = request("shop.example.com", "/orders/7");
        for url in [
            "",
            "/orders/7",
            "shop.example.com/orders/7",
            "//shop.example.com/orders/7",
            "http://shop.example.com/orders/7",
            "https:/shop.example.com/orders/7",
            "https://other.example.com/orders/7",
            "https://shop.example.com:8443/orders/7",
            "https://shop.example.com:/orders/7",
            "https://user@shop.example.com/orders/7",
            "https://shop.example.com@evil.example/orders/7",
            "https://evil.example/?https://shop.example.com/orders/7",
            "https://shop.example.com\\/orders/7",
            "https://shop.example.com/orders/7/",
            "https://shop.example.com/orders/70",
            "https://shop.example.com/Orders/7",
            "https://shop.example.com//orders/7",
            "https://shop.example.com/x/../orders/7",
            "https://shop.example.com/./orders/7",
            "https://shop.example.com/orders%2F7",
            "https://shop.example.com/orders/7;v=1",
            "https://shop.example.com/orders/7%00",
            "https://shop.example.com/orders/\u{0}7",
            "https://shop.example.com/orders/７",
            " https://shop.example.com/orders/7",
            "https://shop.example.com",
        ] {
            assert!(fits(url, &request, Scheme::Https).is_err(), "{url}");
        }
    }
}
