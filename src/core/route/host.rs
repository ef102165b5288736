//! Hosts of applications: exact ones, and wildcards for one label.

/// A host as the configuration names it, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostPattern {
    /// `shop.example.com`: this host alone.
    Exactly(String),
    /// `*.tenants.example.com`, stored as `.tenants.example.com`: every host with exactly one label before that, like
    /// the wildcard of a certificate (RFC 9525 section 6.3). It does not match the domain itself.
    OneLabelBefore(String),
}

impl HostPattern {
    /// Whether it is this host and no other.
    #[must_use]
    pub fn is_exactly(&self, host: &str) -> bool {
        matches!(self, Self::Exactly(own) if own == host)
    }

    /// Whether it is a wildcard that covers this host. No two wildcards cover one host.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        match self {
            Self::Exactly(_) => false,
            Self::OneLabelBefore(end) => {
                host.strip_suffix(end.as_str()).is_some_and(|label| !label.is_empty() && !label.contains('.'))
            }
        }
    }
}

impl core::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exactly(host) => f.write_str(host),
            Self::OneLabelBefore(end) => write!(f, "*{end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HostPattern;
    use crate::portable;

    #[portable]
    fn a_wildcard_covers_exactly_one_label() {
        let pattern = HostPattern::OneLabelBefore(".tenants.example.com".to_owned());
        assert!(pattern.covers("blue.tenants.example.com"));
        for host in [
            "tenants.example.com",
            ".tenants.example.com",
            "a.blue.tenants.example.com",
            "eviltenants.example.com",
            "blue.tenants.example.com.evil.example",
            "blue.tenants.example.co",
        ] {
            assert!(!pattern.covers(host), "{host}");
        }
        assert!(!pattern.is_exactly("*.tenants.example.com"));
        assert_eq!(pattern.to_string(), "*.tenants.example.com");
    }
}
