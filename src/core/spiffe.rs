//! SPIFFE IDs and trust domains (SPIFFE-ID, sections 2 and 3).

use core::fmt;

use crate::text::ByteSet;

/// The longest SPIFFE ID in bytes (SPIFFE-ID section 2.3).
pub const MAX_SPIFFE_ID_BYTES: usize = 2_048;

/// The longest name of a trust domain in bytes (SPIFFE-ID section 2.3).
pub const MAX_TRUST_DOMAIN_BYTES: usize = 255;

const SCHEME: &str = "spiffe://";
const TRUST_DOMAIN: ByteSet = ByteSet::ALPHANUMERIC.without(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ").with(b"-._");
const SEGMENT: ByteSet = ByteSet::ALPHANUMERIC.with(b"-._");

/// The name of a trust domain, such as `example.org`. It has one spelling: only lower case is valid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(String);

/// The SPIFFE ID of a workload, such as `spiffe://example.org/ns/shop/sa/web`. It has a path: an ID without one names a
/// trust domain, which is not a workload (X509-SVID section 2, JWT-SVID section 3.1).
///
/// A valid ID has one spelling, so equal workloads have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId(String);

/// Why a string is not a trust domain, or not the SPIFFE ID of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeFault {
    /// It does not begin with `spiffe://`, in lower case.
    #[error("it does not begin with `spiffe://`")]
    Scheme,
    /// The trust domain is empty, too long, or has other characters.
    #[error("a trust domain is 1 to {MAX_TRUST_DOMAIN_BYTES} lower-case letters, digits, `.`, `_` and `-`")]
    TrustDomain,
    /// There is no path.
    #[error("it has no path, so it names a trust domain and not a workload")]
    NoPath,
    /// A segment of the path is empty, `.` or `..`, or has other characters.
    #[error("a segment of its path is letters, digits, `.`, `_` and `-`, and not `.` or `..`")]
    Path,
    /// The whole is too long.
    #[error("it is longer than {MAX_SPIFFE_ID_BYTES} bytes")]
    TooLong,
}

impl TrustDomain {
    /// Reads the name of a trust domain, without `spiffe://`.
    ///
    /// # Errors
    /// [`SpiffeFault::TrustDomain`]
    pub fn parse(text: &str) -> Result<Self, SpiffeFault> {
        if text.is_empty() || text.len() > MAX_TRUST_DOMAIN_BYTES || !TRUST_DOMAIN.has_all(text.as_bytes()) {
            return Err(SpiffeFault::TrustDomain);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SpiffeId {
    /// Reads the SPIFFE ID of a workload. Nothing is normalized: another spelling is another text, and not valid.
    ///
    /// # Errors
    /// See [`SpiffeFault`].
    pub fn parse(text: &str) -> Result<Self, SpiffeFault> {
        if text.len() > MAX_SPIFFE_ID_BYTES {
            return Err(SpiffeFault::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeFault::Scheme)?;
        let (trust_domain, path) = rest.split_once('/').unwrap_or((rest, ""));
        TrustDomain::parse(trust_domain)?;
        if path.is_empty() {
            return Err(SpiffeFault::NoPath);
        }
        let is_segment = |text: &str| !matches!(text, "" | "." | "..") && SEGMENT.has_all(text.as_bytes());
        if !path.split('/').all(is_segment) {
            return Err(SpiffeFault::Path);
        }
        Ok(Self(text.to_owned()))
    }

    /// The whole ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        let rest = self.0.strip_prefix(SCHEME).unwrap_or_default();
        rest.split_once('/').map_or("", |(trust_domain, _)| trust_domain)
    }

    /// Whether it is of this trust domain. `example.org` is not a part of `a.example.org`, nor the other way round.
    #[must_use]
    pub fn is_of(&self, trust_domain: &TrustDomain) -> bool {
        self.trust_domain() == trust_domain.as_str()
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_SPIFFE_ID_BYTES, MAX_TRUST_DOMAIN_BYTES, SpiffeFault, SpiffeId, TrustDomain};
    use crate::portable;

    #[portable]
    fn the_id_of_a_workload_has_a_trust_domain_and_a_path() {
        let id = SpiffeId::parse("spiffe://example.org/ns/shop/sa/web_1.A-b").unwrap();
        assert_eq!(id.as_str(), "spiffe://example.org/ns/shop/sa/web_1.A-b");
        assert!(id.is_of(&TrustDomain::parse("example.org").unwrap()));
        for other in ["a.example.org", "example.or", "org", "example.org.evil"] {
            assert!(!id.is_of(&TrustDomain::parse(other).unwrap()), "{other}");
        }
    }

    #[portable]
    fn another_spelling_is_not_a_spiffe_id() {
        let texts = [
            ("", SpiffeFault::Scheme),
            ("SPIFFE://example.org/a", SpiffeFault::Scheme),
            ("https://example.org/a", SpiffeFault::Scheme),
            (" spiffe://example.org/a", SpiffeFault::Scheme),
            ("spiffe:///a", SpiffeFault::TrustDomain),
            ("spiffe://Example.org/a", SpiffeFault::TrustDomain),
            ("spiffe://example.org:80/a", SpiffeFault::TrustDomain),
            ("spiffe://user@example.org/a", SpiffeFault::TrustDomain),
            ("spiffe://ex%61mple.org/a", SpiffeFault::TrustDomain),
            ("spiffe://example.org?/a", SpiffeFault::TrustDomain),
            ("spiffe://example.org", SpiffeFault::NoPath),
            ("spiffe://example.org/", SpiffeFault::NoPath),
            ("spiffe://example.org//a", SpiffeFault::Path),
            ("spiffe://example.org/a/", SpiffeFault::Path),
            ("spiffe://example.org/a/./b", SpiffeFault::Path),
            ("spiffe://example.org/a/../b", SpiffeFault::Path),
            ("spiffe://example.org/a%2fb", SpiffeFault::Path),
            ("spiffe://example.org/a?b", SpiffeFault::Path),
            ("spiffe://example.org/a#b", SpiffeFault::Path),
            ("spiffe://example.org/\u{e9}", SpiffeFault::Path),
            ("spiffe://example.org/a\0", SpiffeFault::Path),
        ];
        for (text, fault) in texts {
            assert_eq!(SpiffeId::parse(text), Err(fault), "{text:?}");
        }
    }

    #[portable]
    fn lengths_are_accepted_up_to_the_cap_and_not_one_byte_more() {
        let domain = "d".repeat(MAX_TRUST_DOMAIN_BYTES);
        assert!(TrustDomain::parse(&domain).is_ok());
        assert_eq!(TrustDomain::parse(&format!("{domain}d")), Err(SpiffeFault::TrustDomain));
        let id = format!("spiffe://d/{}", "p".repeat(MAX_SPIFFE_ID_BYTES - "spiffe://d/".len()));
        assert!(SpiffeId::parse(&id).is_ok());
        assert_eq!(SpiffeId::parse(&format!("{id}p")), Err(SpiffeFault::TooLong));
    }
}
