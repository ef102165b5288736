//! The host that a request asks for, in one form, so that it can be compared byte by byte.
//!
//! Nothing is resolved and nothing is guessed: an authority is rejected unless it is a name, an IPv4 address or a
//! bracketed IPv6 address, with an optional port.

use core::net::Ipv6Addr;

use crate::refusal::{Detail, Reason, Refusal};
use crate::text::ByteSet;

/// The host of an authority (RFC 9110 section 7.2): in lower case, without port and one trailing dot; an IPv6 address
/// in brackets and in the form of RFC 5952.
///
/// A host of the configuration is in this form if this function returns it unchanged.
///
/// # Errors
/// `authority-malformed`: empty, userinfo, a port that is not 1 to 65535, an empty label, or a byte that is not a
/// letter, a digit, `.`, `-` or `_`.
pub fn host_of(authority: &[u8]) -> Result<String, Refusal> {
    host_and_port(authority).map(|(host, _)| host)
}

/// The same, with the port if the authority has one.
///
/// # Errors
/// As [`host_of`].
pub(crate) fn host_and_port(authority: &[u8]) -> Result<(String, Option<u16>), Refusal> {
    let text = core::str::from_utf8(authority).map_err(|_| malformed("a byte that no host name has"))?;
    if text.contains('@') {
        return Err(malformed("userinfo"));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or(malformed("a bracket that is not closed"))?;
        let port = port_after(after)?;
        let address: Ipv6Addr = address.parse().map_err(|_| malformed("brackets without an IPv6 address"))?;
        return Ok((format!("[{address}]"), port));
    }
    let (name, after) = match text.find(':') {
        Some(colon) => text.split_at_checked(colon).ok_or(malformed("a colon inside a character"))?,
        None => (text, ""),
    };
    let port = port_after(after)?;
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Err(malformed("an empty name"));
    }
    if !ByteSet::ALPHANUMERIC.with(b".-_").has_all(name.as_bytes()) {
        return Err(malformed("a byte that no host name has"));
    }
    if name.split('.').any(str::is_empty) {
        return Err(malformed("an empty label"));
    }
    Ok((name.to_ascii_lowercase(), port))
}

/// Accepts nothing, or a colon and a port.
fn port_after(text: &str) -> Result<Option<u16>, Refusal> {
    let Some(digits) = text.strip_prefix(':') else {
        return if text.is_empty() { Ok(None) } else { Err(malformed("something after the address")) };
    };
    // `parse` accepts a leading `+`, which a port cannot have.
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<u16>() {
        Ok(port @ 1..) if all_digits => Ok(Some(port)),
        _ => Err(malformed("a port that is not 1 to 65535")),
    }
}

fn malformed(fault: &'static str) -> Refusal {
    Refusal::with(Reason::AuthorityMalformed, Detail::Fault(fault))
}

#[cfg(test)]
mod tests {
    use super::host_of;
    use crate::portable;
    use crate::refusal::Reason;

    #[portable]
    fn case_port_and_one_trailing_dot_make_no_difference() {
        for authority in ["shop.example.com", "SHOP.Example.com", "shop.example.com.", "shop.example.com:443"] {
            assert_eq!(host_of(authority.as_bytes()).as_deref(), Ok("shop.example.com"), "{authority}");
        }
        assert_eq!(host_of(b"shop.example.com.:65535").as_deref(), Ok("shop.example.com"));
        assert_eq!(host_of(b"my_service").as_deref(), Ok("my_service"));
        assert_eq!(host_of(b"203.0.113.7:1").as_deref(), Ok("203.0.113.7"));
    }

    #[portable]
    fn spellings_of_one_ipv6_address_are_one_host() {
        for authority in ["[2001:db8::1]", "[2001:DB8:0::1]:8443", "[2001:0db8:0:0:0:0:0:1]"] {
            assert_eq!(host_of(authority.as_bytes()).as_deref(), Ok("[2001:db8::1]"), "{authority}");
        }
    }

    #[portable]
    fn anything_that_is_not_plainly_a_host_is_rejected() {
        let authorities: [&[u8]; 29] = [
            b"",
            b".",
            b":",
            b":80",
            b".:80",
            b"a..b",
            b".a",
            b"a..",
            b"user@a",
            b"user:pw@a",
            b"a:",
            b"a:0",
            b"a:65536",
            b"a:+80",
            b"a:8o",
            b"a:80:80",
            b"a b",
            b"a\tb",
            b"a/b",
            b"a%2eb",
            b"a\0",
            b"a,b",
            b"\xc3\xa9.example",
            b"\xff",
            b"[::1",
            b"[::1]x",
            b"[::1%25eth0]",
            b"[a]",
            b"2001:db8::1",
        ];
        for authority in authorities {
            let reason = host_of(authority).map_err(|refusal| refusal.reason);
            assert_eq!(reason, Err(Reason::AuthorityMalformed), "{}", authority.escape_ascii());
        }
    }
}
